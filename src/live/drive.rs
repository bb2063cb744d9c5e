//! The loop: a head, what it asks for, and the next one.

use super::ledger::Ledger;
use super::record::Record;
use super::show::Show;
use crate::clock;
use anyhow::Context;
use plimsoll_core::Time;
use plimsoll_core::time::DAY_MS;
use plimsoll_execute::chain::NodeError;
use plimsoll_execute::live::books::Kept;
use plimsoll_execute::live::{Arrival, Engine, EngineError, Heads};
use plimsoll_execute::protocol::At;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Runs until it is told to stop, or cannot go on.
pub(crate) async fn drive(
    engine: &mut Engine,
    heads: &mut Heads,
    (show, mut record): (&mut Show, Option<Record>),
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut last = clock::now()?;
    let mut newest = None;
    let places = engine.desk().settings().places.clone();
    let mut ledger = Ledger::open(engine.nodes().clone(), places);
    while !stop.is_cancelled() {
        let arrival = tokio::select! {
            () = stop.cancelled() => break,
            arrival = next(heads, &mut ledger, |kept| show.kept(engine, newest.as_ref(), kept)) => arrival,
        };
        let failed = match arrival {
            Ok(arrival) => {
                show.arrived(&arrival, clock::now()?.0);
                last = time_of(&arrival.head);
                match engine.on_head(&arrival.head).await {
                    Ok(tick) => {
                        show.ticked(engine, &tick);
                        ledger.look(&tick);
                        if let Some(record) = &mut record {
                            record.keep(engine, &arrival, &tick).await;
                        }
                        newest = Some(tick);
                        None
                    }
                    Err(error) => Some(error),
                }
            }
            Err(error) => Some(EngineError::Node(error)),
        };
        if let Some(error) = failed {
            react(engine, show, error, last)?;
            // The same head once more: what failed may be over before the next one comes.
            heads.again();
            tokio::select! {
                () = stop.cancelled() => break,
                () = heads.pause() => {}
            }
        }
    }
    engine.stop(last, "it was asked to").context("the journal")?;
    Ok(())
}

/// Waits for the next head, and shows meanwhile what becomes of the books.
async fn next(
    heads: &mut Heads,
    ledger: &mut Ledger,
    mut show: impl FnMut(Arc<Kept>),
) -> Result<Arrival, NodeError> {
    let next = heads.next();
    tokio::pin!(next);
    loop {
        tokio::select! {
            arrival = &mut next => return arrival,
            kept = ledger.changed() => show(kept),
        }
    }
}

/// Says what failed, counts it, and goes on where the next head may cure it.
fn react(
    engine: &mut Engine,
    show: &mut Show,
    error: EngineError,
    time: Time,
) -> anyhow::Result<()> {
    if let Some(disagreement) = disagreement(&error) {
        let trip = engine.disagreed(time, disagreement).context("the journal")?;
        show.disagreed(engine, disagreement);
        if let Some(trip) = trip {
            show.tripped(&trip);
        }
    } else {
        show.failed(engine, &error);
    }
    if error.is_transient() {
        return Ok(());
    }
    Err(anyhow::Error::new(error).context("the engine stops; what was written stands"))
}

fn disagreement(error: &EngineError) -> Option<&NodeError> {
    use plimsoll_execute::chain::{SendError, VaultError};
    match error {
        EngineError::Node(error)
        | EngineError::Vault(VaultError::Node(error))
        | EngineError::Send(SendError::Node(error)) => Some(error),
        _ => None,
    }
}

/// Reads one block of each of the last `days` days that the journal does not hold yet, oldest first.
pub(crate) async fn learn(engine: &mut Engine, days: u32) -> anyhow::Result<u32> {
    let nodes = engine.nodes().clone();
    let head = nodes.head().await?;
    let now = time_of(&head);
    let mut learnt = 0;
    for back in (1..=i64::from(days)).rev() {
        let day = Time(now.0.saturating_sub(back.saturating_mul(DAY_MS))).day();
        if engine.desk().window().has(day) {
            continue;
        }
        let Some(at) = last_of(engine, day.end(), head.block.number).await? else { continue };
        engine.learn(&at).await?;
        learnt += 1;
    }
    Ok(learnt)
}

/// The last block at or before `time`, where it is of that day.
async fn last_of(engine: &Engine, time: Time, newest: u64) -> anyhow::Result<Option<At>> {
    let (mut low, mut high) = (0, newest);
    // The timestamps of blocks never fall.
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if time_of(&engine.nodes().block(middle).await?) <= time {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let found = engine.nodes().block(low).await?;
    let at = At { block: found.block, timestamp: found.timestamp };
    Ok((at.time().day() == time.day()).then_some(at))
}

fn time_of(head: &plimsoll_execute::chain::Head) -> Time {
    At { block: head.block, timestamp: head.timestamp }.time()
}
