use crate::bench::{Bench, Outcome, Verdict, holds, same};
use crate::stage::{EMPTY, units};
use alloy::primitives::{Address, Bytes, U256};
use plimsoll_core::units::Amount;
use plimsoll_execute::protocol::Act;
use plimsoll_localchain::Call;

fn call(from: Address, (to, data): (Address, Bytes)) -> Call {
    let empty = plimsoll_localchain::abi::IToken::totalSupplyCall {};
    Call { data, ..Call::new(from, to, &empty) }
}

pub(super) async fn the_call_is_the_protocols_own(bench: &Bench<'_>) -> Outcome {
    let adapter = bench.adapter();
    let at = bench.stage.at().await;
    adapter.check(&bench.stage.nodes, &at).await.map_err(|error| error.to_string())?;
    let holder = bench.stage.account(7);
    for place in 0..EMPTY {
        let asset = bench.subject.asset(bench.stage, place);
        let token = bench.stage.token(asset);
        let amount = Amount(units(12, asset));
        let act = |is_entry, amount| Act { market: bench.market(place), is_entry, amount };
        let enter = adapter.call(&act(true, amount), holder).ok_or("no call to enter")?;
        let half = Amount(amount.0 / U256::from(2));
        let leave = adapter.call(&act(false, half), holder).ok_or("no call to leave")?;
        bench.stage.fund(holder, asset, amount.0, enter.0).await;
        bench.stage.chain.execute(&[call(holder, enter)]).await.map_err(|e| e.to_string())?;
        same("all went in", bench.stage.balance(holder, token).await, U256::ZERO)?;
        bench.stage.chain.execute(&[call(holder, leave)]).await.map_err(|e| e.to_string())?;
        same("half came out", bench.stage.balance(holder, token).await, half.0)?;
    }
    Ok(Verdict::Holds)
}

pub(super) async fn a_call_reads_back_as_it_was_meant(bench: &Bench<'_>) -> Outcome {
    let adapter = bench.adapter();
    let at = bench.stage.at().await;
    adapter.read(&bench.stage.nodes, &at).await.map_err(|error| error.to_string())?;
    for place in 0..EMPTY {
        for is_entry in [true, false] {
            let act = Act { market: bench.market(place), is_entry, amount: Amount(U256::from(77)) };
            let (to, data) = adapter.call(&act, bench.stage.owner).ok_or("no call")?;
            same("the act", adapter.decode(to, &data), Some(act))?;
        }
    }
    let elsewhere: plimsoll_core::MarketId = "aave-v3:1:0xabc".parse().unwrap();
    let act = Act { market: elsewhere, is_entry: true, amount: Amount(U256::from(77)) };
    same("a foreign market", adapter.call(&act, bench.stage.owner), None)?;
    Ok(Verdict::Holds)
}

pub(super) async fn foreign_calls_are_not_read(bench: &Bench<'_>) -> Outcome {
    let adapter = bench.adapter();
    let at = bench.stage.at().await;
    adapter.read(&bench.stage.nodes, &at).await.map_err(|error| error.to_string())?;
    let market = bench.market(0);
    let act = Act { market, is_entry: true, amount: Amount(U256::from(77)) };
    let (to, data) = adapter.call(&act, bench.stage.owner).ok_or("no call")?;
    let elsewhere = Address::repeat_byte(9);
    same("another contract", adapter.decode(elsewhere, &data), None)?;
    let mut other = data.to_vec();
    other[0] ^= 1;
    same("another function", adapter.decode(to, &other.into()), None)?;
    let short = Bytes::copy_from_slice(&data[..20]);
    same("half a call", adapter.decode(to, &short), None)?;
    same("nothing", adapter.decode(to, &Bytes::new()), None)?;
    Ok(Verdict::Holds)
}

pub(super) async fn what_is_available_leaves_and_one_more_does_not(bench: &Bench<'_>) -> Outcome {
    for place in 0..EMPTY {
        // More than there is cash once others took theirs: availability is bound by either.
        bench.enter(place, 10).await?;
        let reading = bench.reading(place).await?;
        let ours = reading.held.available;
        let more = ours.0 + ours.0 / U256::from(1_000) + U256::from(10);
        holds("more does not leave", !bench.act(place, (false, more), 1).await)?;
        holds("it leaves", bench.act(place, (false, ours.0), 1).await)?;
    }
    Ok(Verdict::Holds)
}
