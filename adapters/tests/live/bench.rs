//! The suite's harness: named checks, each on a state of its own, each with a verdict that is counted.

use crate::checks;
use crate::stage::Stage;
use crate::subject::{Subject, Truth, Wrong};
use alloy::primitives::U256;
use plimsoll_core::MarketId;
use plimsoll_execute::At;
use plimsoll_execute::protocol::{Predicted, Protocol, Read, Reading};
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

/// What came of a check that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It holds.
    Holds,
    /// It has no meaning for this protocol, and why.
    Meaningless(&'static str),
}

/// What came of a check; an error says what differs.
pub(crate) type Outcome = Result<Verdict, String>;

/// A check on a bench.
pub(crate) type Check = for<'a> fn(&'a Bench<'a>) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// What a fault does to an adapter, for the controls.
pub(crate) type Wrap = fn(Box<dyn Protocol>) -> Box<dyn Protocol>;

/// A protocol on a stage.
pub(crate) struct Bench<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) subject: &'a dyn Subject,
    pub(crate) wrap: Wrap,
}

impl Bench<'_> {
    pub(crate) fn adapter(&self) -> Box<dyn Protocol> {
        (self.wrap)(self.subject.adapter(self.stage, None))
    }

    pub(crate) fn wrong(&self, wrong: Wrong) -> Box<dyn Protocol> {
        (self.wrap)(self.subject.adapter(self.stage, Some(wrong)))
    }

    pub(crate) async fn read(&self) -> Result<(At, Read), String> {
        let at = self.stage.at().await;
        let read = self.adapter().read(&self.stage.nodes, &at).await;
        Ok((at, read.map_err(|error| error.to_string())?))
    }

    /// A prediction is what the contracts say afterwards, as far as the adapter says that it is exact.
    pub(crate) fn came_true(&self, predicted: &Predicted, truth: &Truth) -> Result<(), String> {
        let mut predicted = *predicted;
        if !self.subject.is_available_exact() {
            let (least, found) = (predicted.held.available, truth.held.available);
            holds(&format!("{found:?} can leave, {least:?} at least"), least <= found)?;
            predicted.held.available = found;
        }
        came_true(&predicted, truth)
    }

    /// The reading of a place at the newest block.
    pub(crate) async fn reading(&self, place: usize) -> Result<Reading, String> {
        let (_, read) = self.read().await?;
        let market = self.market(place);
        let why =
            read.unreadable.iter().find(|(id, _)| *id == market).map(|(_, why)| why.to_string());
        let found = read.readings.into_iter().find(|reading| reading.market == market);
        found.ok_or_else(|| format!("{market} was not read: {why:?}"))
    }

    pub(crate) fn market(&self, place: usize) -> MarketId {
        self.subject.adapter(self.stage, None).markets()[place].clone()
    }

    pub(crate) async fn truth(&self, place: usize) -> Truth {
        self.subject.truth(self.stage, place).await
    }

    /// Has the market contract act in a block `seconds` later; whether it succeeded.
    pub(crate) async fn act(&self, place: usize, act: (bool, U256), seconds: u64) -> bool {
        let contract = self.subject.contract(self.stage, place);
        let asset = self.subject.asset(self.stage, place);
        let time = self.stage.chain.head().await.unwrap().time + seconds;
        self.stage.act(contract, asset, act, time).await
    }

    /// Enters with whole tokens, so that there is something to look at.
    pub(crate) async fn enter(&self, place: usize, whole: u64) -> Result<(), String> {
        let amount = crate::stage::units(whole, self.subject.asset(self.stage, place));
        let entered = self.act(place, (true, amount), 12).await;
        entered.then_some(()).ok_or_else(|| format!("could not enter place {place}"))
    }
}

/// Refuses what is not the same.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, expected {expected:?}"))
}

/// Refuses what does not hold.
pub(crate) fn holds(what: &str, condition: bool) -> Result<(), String> {
    if condition { Ok(()) } else { Err(what.to_owned()) }
}

/// A reading is what the contracts say, to the last unit.
pub(crate) fn is_true(reading: &Reading, truth: &Truth) -> Result<(), String> {
    same("share price", reading.share_price, truth.share_price)?;
    same("supplied", reading.supplied, truth.supplied)?;
    same("exit", reading.exit, truth.exit)?;
    same("held", reading.held, truth.held)?;
    if let Some(borrowed) = truth.borrowed {
        same("borrowed", reading.borrowed, borrowed)?;
    }
    if let Some(rate) = truth.supply_apr {
        same("supply rate", reading.supply_apr, rate)?;
    }
    if let Some(rate) = truth.borrow_apr {
        same("borrow rate", reading.borrow_apr, Some(rate))?;
    }
    Ok(())
}

/// A prediction is what the contracts say afterwards, to the last unit.
pub(crate) fn came_true(predicted: &Predicted, truth: &Truth) -> Result<(), String> {
    same("predicted share price", predicted.share_price, truth.share_price)?;
    same("predicted supplied", predicted.supplied, truth.supplied)?;
    same("predicted exit", predicted.exit, truth.exit)?;
    same("predicted held", predicted.held, truth.held)?;
    if let Some(borrowed) = truth.borrowed {
        same("predicted borrowed", predicted.borrowed, borrowed)?;
    }
    if let Some(rate) = truth.supply_apr {
        same("predicted supply rate", predicted.supply_apr, rate)?;
    }
    Ok(())
}

/// What came of a run of the suite.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) held: usize,
    pub(crate) meaningless: Vec<(&'static str, &'static str)>,
    pub(crate) failed: Vec<(&'static str, String)>,
}

/// Runs every check, each from the same state; with `until_failure`, no further than the first that fails.
pub(crate) async fn run(bench: &Bench<'_>, until_failure: bool) -> Report {
    let mut report = Report::default();
    for (name, check) in checks::ALL {
        if let Some(why) = bench.subject.meaningless(name) {
            report.meaningless.push((name, why));
            continue;
        }
        let snapshot = bench.stage.chain.snapshot().await.unwrap();
        let outcome = check(bench).await;
        bench.stage.chain.revert(snapshot).await.unwrap();
        match outcome {
            Ok(Verdict::Holds) => report.held += 1,
            Ok(Verdict::Meaningless(why)) => report.meaningless.push((name, why)),
            Err(why) => report.failed.push((name, why)),
        }
        if until_failure && !report.failed.is_empty() {
            break;
        }
    }
    report
}
