use crate::bench::{Bench, Outcome, Verdict, holds, is_true, same};
use crate::stage::{EMPTY, units};
use crate::subject::Wanted;
use alloy::primitives::{Bytes, U256, bytes};
use plimsoll_core::units::{Amount, Ray};
use plimsoll_execute::protocol::{Cause, PredictError};

/// Code that reverts, whatever is asked.
const REVERTS: Bytes = bytes!("5f5ffd");
/// Code that answers one byte, whatever is asked.
const NONSENSE: Bytes = bytes!("60015ff3");

pub(super) async fn at_full_utilization_nothing_leaves_and_the_rate_is_exact(
    bench: &Bench<'_>,
) -> Outcome {
    bench.enter(0, 10).await?;
    if let Err(why) = bench.subject.set(bench.stage, 0, Wanted::Utilised).await {
        return Ok(Verdict::Meaningless(why));
    }
    let (reading, truth) = (bench.reading(0).await?, bench.truth(0).await);
    is_true(&reading, &truth)?;
    same("exit", reading.exit, Amount::ZERO)?;
    same("available", reading.held.available, Amount::ZERO)?;
    holds("what is held is still worth something", !reading.held.worth.is_zero())?;
    let asked = Amount(U256::from(1_000));
    let refused = reading.model.after(false, asked, reading.at.timestamp);
    let available = Amount::ZERO;
    same("refusal", refused, Err(PredictError::NotAvailable { asked, available }))?;
    holds("the contract refuses too", !bench.act(0, (false, asked.0), 1).await)?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_paused_market_lets_nothing_in_or_out(bench: &Bench<'_>) -> Outcome {
    bench.enter(0, 10).await?;
    if let Err(why) = bench.subject.set(bench.stage, 0, Wanted::Paused).await {
        return Ok(Verdict::Meaningless(why));
    }
    let (reading, truth) = (bench.reading(0).await?, bench.truth(0).await);
    is_true(&reading, &truth)?;
    holds("paused", reading.switches.is_paused)?;
    same("exit", reading.exit, Amount::ZERO)?;
    same("takes deposits", reading.observation(Some(1.0)).takes_deposits, Some(false))?;
    let one = Amount(units(1, bench.subject.asset(bench.stage, 0)));
    for is_entry in [true, false] {
        let refused = reading.model.after(is_entry, one, reading.at.timestamp);
        holds("refused by the prediction", refused.is_err())?;
        holds("refused by the contract", !bench.act(0, (is_entry, one.0), 1).await)?;
    }
    Ok(Verdict::Holds)
}

pub(super) async fn a_frozen_market_lets_out_and_not_in(bench: &Bench<'_>) -> Outcome {
    bench.enter(0, 10).await?;
    if let Err(why) = bench.subject.set(bench.stage, 0, Wanted::Frozen).await {
        return Ok(Verdict::Meaningless(why));
    }
    let (reading, truth) = (bench.reading(0).await?, bench.truth(0).await);
    is_true(&reading, &truth)?;
    holds("frozen", reading.switches.is_frozen)?;
    holds("something can leave", !reading.exit.is_zero())?;
    let one = Amount(units(1, bench.subject.asset(bench.stage, 0)));
    let entered = reading.model.after(true, one, reading.at.timestamp);
    same("entry", entered, Err(PredictError::NoRoom { asked: one, room: Amount::ZERO }))?;
    holds("left in the prediction", reading.model.after(false, one, reading.at.timestamp).is_ok())?;
    holds("refused by the contract", !bench.act(0, (true, one.0), 1).await)?;
    holds("left in the contract", bench.act(0, (false, one.0), 1).await)?;
    Ok(Verdict::Holds)
}

pub(super) async fn room_below_a_cap_is_exact(bench: &Bench<'_>) -> Outcome {
    for place in 0..EMPTY {
        if let Err(why) = bench.subject.set(bench.stage, place, Wanted::Capped(100)).await {
            return Ok(Verdict::Meaningless(why));
        }
        // The room of the block in which it is filled.
        let reading = bench.reading(place).await?;
        let time = reading.at.timestamp + 12;
        let much = Amount(U256::from(u128::MAX));
        let refused = reading.model.after(true, much, time);
        let Err(PredictError::NoRoom { room, .. }) = refused else {
            return Err(format!("{refused:?}"));
        };
        let now = reading.entry.ok_or("no room is named")?;
        holds("room shrinks with interest", room <= now)?;
        let snapshot = bench.stage.chain.snapshot().await.unwrap();
        let more = room.0 + U256::from(1);
        holds("one more is refused", !bench.act(place, (true, more), 12).await)?;
        bench.stage.chain.revert(snapshot).await.unwrap();
        holds("the room can be filled", bench.act(place, (true, room.0), 12).await)?;
        // What was minted may be worth a unit less than what was paid.
        let left = bench.reading(place).await?.entry.ok_or("no room is named")?;
        holds(&format!("{left:?} of room is left"), left <= Amount(U256::from(1)))?;
    }
    Ok(Verdict::Holds)
}

pub(super) async fn a_donation_leaves_every_number_exact(bench: &Bench<'_>) -> Outcome {
    for place in 0..EMPTY {
        bench.enter(place, 10).await?;
        if let Err(why) = bench.subject.set(bench.stage, place, Wanted::Donated).await {
            return Ok(Verdict::Meaningless(why));
        }
        let (reading, truth) = (bench.reading(place).await?, bench.truth(place).await);
        is_true(&reading, &truth)?;
        if bench.subject.is_exact() {
            let foreseen =
                reading.model.after(true, Amount(U256::from(5_000)), reading.at.timestamp + 1);
            holds("entered", bench.act(place, (true, U256::from(5_000)), 1).await)?;
            let truth = bench.truth(place).await;
            bench.came_true(&foreseen.map_err(|error| error.to_string())?, &truth)?;
        }
    }
    Ok(Verdict::Holds)
}

pub(super) async fn a_gift_of_shares_is_not_ours(bench: &Bench<'_>) -> Outcome {
    bench.enter(0, 10).await?;
    let before = bench.reading(0).await?.held;
    if let Err(why) = bench.subject.set(bench.stage, 0, Wanted::Gifted).await {
        return Ok(Verdict::Meaningless(why));
    }
    let (reading, truth) = (bench.reading(0).await?, bench.truth(0).await);
    is_true(&reading, &truth)?;
    same("shares", reading.held.shares, before.shares)?;
    let more = reading.held.worth.saturating_add(Amount(U256::from(2)));
    let foreseen = reading.model.after(false, more, reading.at.timestamp + 1);
    let done = bench.act(0, (false, more.0), 1).await;
    same("more than ours can leave", foreseen.is_ok(), done)?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_loss_lowers_the_index_as_the_contracts_and_has_its_cause(
    bench: &Bench<'_>,
) -> Outcome {
    bench.enter(0, 10).await?;
    let before = bench.reading(0).await?;
    if let Err(why) = bench.subject.set(bench.stage, 0, Wanted::BadDebt).await {
        return Ok(Verdict::Meaningless(why));
    }
    let (after, truth) = (bench.reading(0).await?, bench.truth(0).await);
    is_true(&after, &truth)?;
    holds("the index fell", after.share_price < before.share_price)?;
    holds("so did what we hold", after.held.worth < before.held.worth)?;
    let fall = [(before.market.clone(), before.share_price, after.share_price)];
    let blocks = (before.at.block, after.at.block);
    let found = bench.adapter().attribute(&bench.stage.nodes, blocks, &fall).await;
    let found = found.map_err(|error| error.to_string())?;
    let cause = found.first().map(|fall| fall.cause.clone());
    let is_right = match (&cause, bench.subject.name()) {
        (Some(Cause::BadDebt { amount }), "morpho-blue") => {
            // What suppliers lost, but for the interest of the blocks between.
            let lost = before.supplied.saturating_sub(after.supplied);
            *amount >= lost && amount.0 < lost.0 + lost.0 / U256::from(1_000)
        }
        (Some(Cause::Slashed { amount }), "staked-eth") => {
            *amount == before.supplied.saturating_sub(after.supplied)
        }
        (Some(Cause::Underlying { market }), "erc4626") => market.starts_with("morpho-blue:31337:"),
        (Some(Cause::Unexplained), "erc4626 (opaque)") => true,
        _ => false,
    };
    holds(&format!("the cause is {cause:?}"), is_right)?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_fall_without_an_event_is_unexplained(bench: &Bench<'_>) -> Outcome {
    let (at, _) = bench.read().await?;
    bench.stage.chain.mine_many(3).await.unwrap();
    let later = bench.stage.at().await;
    let fall = [(bench.market(0), Ray(Ray::ONE.0 * U256::from(2)), Ray::ONE)];
    let blocks = (at.block, later.block);
    let found = bench.adapter().attribute(&bench.stage.nodes, blocks, &fall).await;
    let found = found.map_err(|error| error.to_string())?;
    same("causes", found.first().map(|fall| &fall.cause), Some(&Cause::Unexplained))?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_fall_is_attributed_once_each(bench: &Bench<'_>) -> Outcome {
    let (at, read) = bench.read().await?;
    let fallen: Vec<_> = read
        .readings
        .iter()
        .map(|reading| (reading.market.clone(), reading.share_price, Ray::ONE))
        .collect();
    let blocks = (at.block, at.block);
    let found = bench.adapter().attribute(&bench.stage.nodes, blocks, &fallen).await;
    let found = found.map_err(|error| error.to_string())?;
    let found: Vec<_> =
        found.into_iter().map(|fall| (fall.market, fall.before, fall.after)).collect();
    same("falls", found, fallen)?;
    Ok(Verdict::Holds)
}

/// The second place is spoiled: it alone is missing, with a reason that names it.
async fn spoiled(bench: &Bench<'_>, code: &Bytes) -> Result<String, String> {
    let part = bench.subject.own_part(bench.stage, 1);
    // Read once before: what was learned must not hide what is broken.
    let adapter = bench.adapter();
    let at = bench.stage.at().await;
    adapter.read(&bench.stage.nodes, &at).await.map_err(|error| error.to_string())?;
    bench.stage.chain.set_code(part, code).await.unwrap();
    bench.stage.chain.mine().await.unwrap();
    let at = bench.stage.at().await;
    let read = adapter.read(&bench.stage.nodes, &at).await.map_err(|error| error.to_string())?;
    let market = bench.market(1);
    let missing: Vec<_> = read.unreadable.iter().map(|(id, _)| id.clone()).collect();
    same("unreadable", missing, vec![market.clone()])?;
    same("readings", read.readings.len(), 3)?;
    let why = read.unreadable.first().map(|(_, why)| why.to_string()).unwrap_or_default();
    holds(&format!("the reason names the market: {why}"), why.contains(market.as_str()))?;
    let names = why.to_lowercase().contains(&part.to_string().to_lowercase());
    let other = why.contains("totalAssets()") || why.contains("liquidity()");
    holds(&format!("the reason names what failed: {why}"), names || other)?;
    Ok(why)
}

pub(super) async fn a_part_that_reverts_takes_its_own_market_alone(bench: &Bench<'_>) -> Outcome {
    let why = spoiled(bench, &REVERTS).await?;
    holds(&format!("it says that it reverts: {why}"), why.contains("reverts"))?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_part_that_answers_nonsense_takes_its_own_market_alone(
    bench: &Bench<'_>,
) -> Outcome {
    let why = spoiled(bench, &NONSENSE).await?;
    let says = why.contains("another form") || why.contains("reverts");
    holds(&format!("it says what came: {why}"), says)?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_part_that_is_gone_takes_its_own_market_alone(bench: &Bench<'_>) -> Outcome {
    let why = spoiled(bench, &Bytes::new()).await?;
    let says = why.contains("there is no contract") || why.contains("reverts");
    holds(&format!("it says what is missing: {why}"), says)?;
    Ok(Verdict::Holds)
}
