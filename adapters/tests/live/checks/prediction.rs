use crate::bench::{Bench, Outcome, Verdict, holds, same};
use crate::stage::{EMPTY, units};
use alloy::primitives::U256;
use plimsoll_core::units::Amount;
use plimsoll_execute::protocol::PredictError;

const ESTIMATE: Verdict = Verdict::Meaningless("what an opaque vault does is estimated");

/// What the adapter predicts of an action comes true in a block `seconds` later, or is refused by both.
async fn predicted(
    bench: &Bench<'_>,
    place: usize,
    (is_entry, amount): (bool, U256),
    seconds: u64,
) -> Result<bool, String> {
    let reading = bench.reading(place).await?;
    let time = reading.at.timestamp + seconds;
    let foreseen = reading.model.after(is_entry, Amount(amount), time);
    let done = bench.act(place, (is_entry, amount), seconds).await;
    let number = place;
    let place = format!("place {place}, entry {is_entry}, {amount}, {seconds} s");
    match (foreseen, done) {
        (Ok(foreseen), true) => {
            let truth = bench.truth(number).await;
            bench.came_true(&foreseen, &truth).map_err(|why| format!("{place}: {why}"))?;
            Ok(true)
        }
        (Err(_), false) => Ok(false),
        (foreseen, done) => Err(format!("{place}: predicted {foreseen:?}, done {done}")),
    }
}

async fn must_happen(
    bench: &Bench<'_>,
    place: usize,
    act: (bool, U256),
    seconds: u64,
) -> Result<(), String> {
    let happened = predicted(bench, place, act, seconds).await?;
    holds(&format!("{act:?} at place {place} is possible"), happened)
}

fn whole(bench: &Bench<'_>, place: usize, whole: u64) -> U256 {
    units(whole, bench.subject.asset(bench.stage, place))
}

pub(super) async fn an_entry_comes_true(bench: &Bench<'_>) -> Outcome {
    if !bench.subject.is_exact() {
        return Ok(ESTIMATE);
    }
    for place in 0..EMPTY {
        for (amount, seconds) in [(1, 1), (50, 12), (3, 3_601)] {
            let odd = whole(bench, place, amount) + U256::from(7);
            must_happen(bench, place, (true, odd), seconds).await?;
        }
    }
    Ok(Verdict::Holds)
}

pub(super) async fn an_exit_comes_true(bench: &Bench<'_>) -> Outcome {
    if !bench.subject.is_exact() {
        return Ok(ESTIMATE);
    }
    for place in 0..EMPTY {
        bench.enter(place, 10).await?;
        for (amount, seconds) in [(1, 1), (4, 12), (2, 3_601)] {
            let odd = whole(bench, place, amount) + U256::from(13);
            must_happen(bench, place, (false, odd), seconds).await?;
        }
    }
    Ok(Verdict::Holds)
}

pub(super) async fn the_smallest_amounts_come_true(bench: &Bench<'_>) -> Outcome {
    if !bench.subject.is_exact() {
        return Ok(ESTIMATE);
    }
    // An index away from one, so that a raw unit is no whole share.
    let time = bench.stage.chain.head().await.unwrap().time + 40 * 86_400;
    bench.stage.chain.mine_at(time).await.unwrap();
    for place in 0..EMPTY {
        for raw in [1u64, 2, 3, 10] {
            predicted(bench, place, (true, U256::from(raw)), 12).await?;
        }
        for raw in [1u64, 2, 3] {
            predicted(bench, place, (false, U256::from(raw)), 12).await?;
        }
    }
    Ok(Verdict::Holds)
}

pub(super) async fn an_entry_larger_than_the_market_comes_true(bench: &Bench<'_>) -> Outcome {
    if !bench.subject.is_exact() {
        return Ok(ESTIMATE);
    }
    for place in 0..EMPTY {
        let twice = bench.reading(place).await?.supplied.0 * U256::from(2);
        must_happen(bench, place, (true, twice), 12).await?;
        must_happen(bench, place, (false, twice / U256::from(3)), 12).await?;
    }
    Ok(Verdict::Holds)
}

pub(super) async fn an_exit_of_everything_comes_true(bench: &Bench<'_>) -> Outcome {
    if !bench.subject.is_exact() {
        return Ok(ESTIMATE);
    }
    for place in 0..EMPTY {
        bench.enter(place, 9).await?;
        let reading = bench.reading(place).await?;
        // All that it will be worth then.
        let time = reading.at.timestamp + 100;
        let foreseen = reading.model.after(true, Amount::ZERO, time);
        let all = foreseen.map_err(|error| error.to_string())?.held.available.0;
        must_happen(bench, place, (false, all), 100).await?;
        let left = bench.reading(place).await?.held.worth;
        holds(&format!("dust of {left:?} is left at most"), left <= Amount(U256::from(1)))?;
    }
    Ok(Verdict::Holds)
}

pub(super) async fn time_alone_comes_true(bench: &Bench<'_>) -> Outcome {
    if !bench.subject.is_exact() {
        return Ok(ESTIMATE);
    }
    for place in 0..EMPTY {
        bench.enter(place, 9).await?;
    }
    let (at, read) = bench.read().await?;
    for seconds in [1, 3_600, 30 * 86_400] {
        bench.stage.chain.mine_at(at.timestamp + seconds).await.unwrap();
        for (place, reading) in read.readings.iter().enumerate() {
            let foreseen = reading.model.after(true, Amount::ZERO, at.timestamp + seconds);
            let truth = bench.truth(place).await;
            bench.came_true(&foreseen.map_err(|error| error.to_string())?, &truth)?;
        }
    }
    Ok(Verdict::Holds)
}

pub(super) async fn an_entry_in_a_month_comes_true(bench: &Bench<'_>) -> Outcome {
    if !bench.subject.is_exact() {
        return Ok(ESTIMATE);
    }
    for place in 0..EMPTY {
        let amount = whole(bench, place, 20);
        must_happen(bench, place, (true, amount), 30 * 86_400).await?;
    }
    Ok(Verdict::Holds)
}

pub(super) async fn the_first_entry_into_an_empty_market_comes_true(bench: &Bench<'_>) -> Outcome {
    if !bench.subject.is_exact() {
        return Ok(ESTIMATE);
    }
    let amount = whole(bench, EMPTY, 1_000);
    must_happen(bench, EMPTY, (true, amount), 12).await?;
    must_happen(bench, EMPTY, (false, amount / U256::from(3)), 12).await?;
    Ok(Verdict::Holds)
}

pub(super) async fn the_past_is_refused(bench: &Bench<'_>) -> Outcome {
    let reading = bench.reading(0).await?;
    let now = reading.at.timestamp;
    let refused = reading.model.after(true, Amount(U256::from(1_000)), now - 1);
    same("refusal", refused, Err(PredictError::Past { asked: now - 1, read: now }))?;
    Ok(Verdict::Holds)
}

pub(super) async fn more_than_is_held_is_refused(bench: &Bench<'_>) -> Outcome {
    bench.enter(0, 9).await?;
    let reading = bench.reading(0).await?;
    let more = reading.held.worth.saturating_add(Amount(U256::from(2)));
    let refused = reading.model.after(false, more, reading.at.timestamp);
    let available = reading.held.available;
    same("refusal", refused, Err(PredictError::NotAvailable { asked: more, available }))?;
    holds("the contract refuses too", !bench.act(0, (false, more.0), 1).await)?;
    Ok(Verdict::Holds)
}
