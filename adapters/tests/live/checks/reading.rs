use crate::bench::{Bench, Outcome, Verdict, holds, is_true, same};
use crate::stage::{EMPTY, PLACES};
use crate::subject::Wrong;
use plimsoll_core::units::{Amount, Ray};
use plimsoll_core::{Curve, asset};
use plimsoll_execute::protocol::Held;
use plimsoll_frame::Column;

pub(super) async fn every_market_is_read_in_its_order(bench: &Bench<'_>) -> Outcome {
    let (at, read) = bench.read().await?;
    let markets = bench.subject.adapter(bench.stage, None).markets();
    let found: Vec<_> = read.readings.iter().map(|reading| reading.market.clone()).collect();
    same("markets", found, markets)?;
    same("unreadable", read.unreadable.len(), 0)?;
    for reading in &read.readings {
        same("block", reading.at, at)?;
    }
    Ok(Verdict::Holds)
}

pub(super) async fn decimals_symbol_and_asset_are_the_tokens(bench: &Bench<'_>) -> Outcome {
    let mut decimals = Vec::new();
    for place in 0..PLACES {
        let (reading, asset) =
            (bench.reading(place).await?, bench.subject.asset(bench.stage, place));
        same("asset", reading.asset, bench.stage.token(asset))?;
        same("decimals", reading.decimals, asset.decimals())?;
        same("symbol", reading.symbol.as_ref(), asset.symbol())?;
        decimals.push(reading.decimals);
    }
    for wanted in [6, 8, 18] {
        holds("6, 8 and 18 decimals are among them", decimals.contains(&wanted))?;
    }
    Ok(Verdict::Holds)
}

async fn all_are_true(bench: &Bench<'_>) -> Result<(), String> {
    for place in 0..PLACES {
        let reading = bench.reading(place).await?;
        let truth = bench.truth(place).await;
        is_true(&reading, &truth).map_err(|why| format!("place {place}: {why}"))?;
    }
    Ok(())
}

pub(super) async fn a_reading_is_what_the_contracts_say(bench: &Bench<'_>) -> Outcome {
    for place in 0..EMPTY {
        bench.enter(place, 1_000).await?;
    }
    all_are_true(bench).await?;
    Ok(Verdict::Holds)
}

pub(super) async fn the_index_grows_with_time_as_the_contracts_do(bench: &Bench<'_>) -> Outcome {
    let before = bench.reading(0).await?;
    for seconds in [1, 12, 3_599, 86_400] {
        let time = bench.stage.chain.head().await.unwrap().time + seconds;
        bench.stage.chain.mine_at(time).await.unwrap();
        all_are_true(bench).await?;
    }
    holds("the index grew", bench.reading(0).await?.share_price > before.share_price)?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_year_without_a_touch_is_still_exact(bench: &Bench<'_>) -> Outcome {
    bench.enter(0, 5).await?;
    let time = bench.stage.chain.head().await.unwrap().time + 366 * 86_400;
    bench.stage.chain.mine_at(time).await.unwrap();
    all_are_true(bench).await?;
    Ok(Verdict::Holds)
}

pub(super) async fn exit_is_never_above_what_lies_there(bench: &Bench<'_>) -> Outcome {
    for place in 0..PLACES {
        let reading = bench.reading(place).await?;
        let till = bench.subject.till(bench.stage, place);
        let cash = Amount(bench.stage.balance(till, reading.asset).await);
        holds("exit is within the till", reading.exit <= cash)?;
        holds("exit is within the supply", reading.exit <= reading.supplied)?;
        if bench.subject.is_exact() && place < EMPTY {
            holds("something can leave", !reading.exit.is_zero())?;
        }
    }
    Ok(Verdict::Holds)
}

pub(super) async fn worth_and_availability_are_the_market_contracts(bench: &Bench<'_>) -> Outcome {
    for place in 0..EMPTY {
        bench.enter(place, 37).await?;
    }
    bench.stage.chain.mine_many(10).await.unwrap();
    for place in 0..EMPTY {
        let (reading, truth) = (bench.reading(place).await?, bench.truth(place).await);
        same("held", reading.held, truth.held)?;
        holds("something is held", !reading.held.worth.is_zero())?;
    }
    Ok(Verdict::Holds)
}

pub(super) async fn without_a_market_contract_nothing_is_held(bench: &Bench<'_>) -> Outcome {
    bench.enter(0, 37).await?;
    let at = bench.stage.at().await;
    let adapter = bench.wrong(Wrong::NoContract);
    adapter.check(&bench.stage.nodes, &at).await.map_err(|error| error.to_string())?;
    let read = adapter.read(&bench.stage.nodes, &at).await.map_err(|error| error.to_string())?;
    let first = read.readings.first().ok_or("nothing was read")?;
    same("held", first.held, Held::default())?;
    same("share price", first.share_price, bench.reading(0).await?.share_price)?;
    Ok(Verdict::Holds)
}

pub(super) async fn an_empty_market_reads_without_dividing(bench: &Bench<'_>) -> Outcome {
    let (reading, truth) = (bench.reading(EMPTY).await?, bench.truth(EMPTY).await);
    is_true(&reading, &truth)?;
    same("index", reading.share_price, Ray::ONE)?;
    same("supplied", reading.supplied, Amount::ZERO)?;
    same("rate", reading.supply_apr, Ray(alloy::primitives::U256::ZERO))?;
    let row = reading.observation(Some(1.0)).row;
    same("utilization", row.get(Column::Utilization), None)?;
    Ok(Verdict::Holds)
}

pub(super) async fn the_curve_of_the_terms_gives_the_contracts_rate(bench: &Bench<'_>) -> Outcome {
    for place in 0..EMPTY {
        let reading = bench.reading(place).await?;
        let Some(curve) = reading.terms.curve else {
            return Ok(Verdict::Meaningless("an opaque vault has no curve"));
        };
        let (lent, all) = (reading.borrowed.to_f64(18), reading.supplied.to_f64(18));
        let rate = reading.borrow_apr.ok_or("no borrow rate")?.to_f64();
        let found = curve.borrow_apr(lent / all);
        // What people did moved the reserve by a second or two of interest since its rate was set.
        holds(&format!("{found} is {rate}"), (found / rate - 1.0).abs() < 1e-4)?;
        if let Curve::Kinked(kinked) = curve {
            holds("a kink is within the curve", kinked.kink > 0.0 && kinked.kink < 1.0)?;
        }
    }
    Ok(Verdict::Holds)
}

pub(super) async fn terms_name_issuer_and_wrappers(bench: &Bench<'_>) -> Outcome {
    let deeper = u8::from(bench.subject.name().starts_with("erc4626"));
    for place in 0..PLACES {
        let reading = bench.reading(place).await?;
        same("issuer", reading.terms.issuer.as_deref(), asset::issuer(&reading.symbol))?;
        let wraps = asset::wraps(&reading.symbol).map(|wraps| wraps + deeper);
        same("wrappers", reading.terms.wrap_depth, wraps)?;
    }
    Ok(Verdict::Holds)
}

pub(super) async fn the_row_has_every_number_and_no_zero_for_unknown(bench: &Bench<'_>) -> Outcome {
    let reading = bench.reading(0).await?;
    let row = reading.observation(Some(2.0)).row;
    let get = |column: Column| row.get(column);
    let tvl = reading.supplied.to_f64(reading.decimals) * 2.0;
    same("tvl_usd", get(Column::TvlUsd), Some(tvl))?;
    same("exit_usd", get(Column::ExitUsd), Some(reading.exit.to_f64(reading.decimals) * 2.0))?;
    same("share_price", get(Column::SharePrice), Some(reading.share_price.to_f64()))?;
    same("block", row.block, Some(reading.at.block.number))?;
    let blind = reading.observation(None).row;
    for column in [Column::PriceUsd, Column::TvlUsd, Column::ExitUsd] {
        same("without a price", blind.get(column), None)?;
    }
    Ok(Verdict::Holds)
}

pub(super) async fn reading_a_block_twice_gives_the_same(bench: &Bench<'_>) -> Outcome {
    let at = bench.stage.at().await;
    let adapter = bench.adapter();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let read =
            adapter.read(&bench.stage.nodes, &at).await.map_err(|error| error.to_string())?;
        seen.push(format!("{:?}", read.readings));
    }
    same("readings", &seen[0], &seen[1])?;
    Ok(Verdict::Holds)
}

pub(super) async fn an_older_block_reads_as_it_was(bench: &Bench<'_>) -> Outcome {
    let (at, before) = bench.read().await?;
    bench.enter(0, 100_000).await?;
    bench.stage.chain.mine_many(5).await.unwrap();
    let after = bench.adapter().read(&bench.stage.nodes, &at).await;
    let after = after.map_err(|error| error.to_string())?;
    same("readings", format!("{:?}", after.readings), format!("{:?}", before.readings))?;
    Ok(Verdict::Holds)
}
