//! The replay driver: recorded rows, one day after another, through the same loop as live.

use crate::ledger::Ledger;
use crate::schedule::Schedule;
use plimsoll_allocate::{Observed, RunScenario, State, step};
use plimsoll_core::journal::{Entry, Executed, Marked};
use plimsoll_core::{Amount, Bps, CostModel, Day, Policy, Time};
use plimsoll_execute::{ExecuteError, Executor};
use plimsoll_frame::{MarketFrame, Scores, Strategy, StrategyError, View};
use std::sync::Arc;

/// Gas of one action at a time, in whole units of the vault's denomination; `None` where unknown.
pub type GasPerAction<'a> = dyn Fn(Time) -> Option<f64> + Sync + 'a;

/// What is expected of each market, given what has been observed.
pub type ScoreSource<'a> = dyn Fn(&View<'_>) -> Arc<Scores> + Sync + 'a;

/// Decimals of a replayed vault: fine enough that rounding stays below any figure shown.
pub const DECIMALS: u8 = 18;

/// One strategy on one universe.
#[derive(Clone, Copy)]
pub struct Replay<'a> {
    /// The rows.
    pub frame: &'a MarketFrame,
    /// The rule.
    pub strategy: &'a dyn Strategy,
    /// What is expected of each market.
    pub scores: &'a ScoreSource<'a>,
    /// The limits.
    pub policy: &'a Policy,
    /// When to decide.
    pub schedule: &'a Schedule,
    /// Cost on one-way turnover; the first entry is free.
    pub turnover_cost: Bps,
    /// What an action costs in gas.
    pub gas: &'a GasPerAction<'a>,
    /// The run that the exit limit assumes.
    pub scenario: RunScenario,
    /// Money at the start, whole units of the denomination.
    pub capital: f64,
    /// Which days are valued.
    pub marks: Marks,
}

/// Which days of a replay are valued and journalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// Every day.
    Daily,
    /// Decision days and the last day: enough for growth, not for drawdown or liquidity.
    Decisions,
}

/// Why a replay stopped.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReplayError {
    /// The strategy has no answer.
    #[error("strategy {strategy} on {day}: {cause}")]
    Strategy {
        /// The strategy.
        strategy: &'static str,
        /// The decision day.
        day: Day,
        /// Why.
        cause: StrategyError,
    },
    /// The ledger refused the plan.
    #[error("strategy {strategy} on {day}: {cause}")]
    Execute {
        /// The strategy.
        strategy: &'static str,
        /// The decision day.
        day: Day,
        /// Why.
        cause: ExecuteError,
    },
    /// Rows that are no frame.
    #[error("a generated world gave rows that are no frame: {cause}")]
    Frame {
        /// Why.
        cause: String,
    },
    /// A capital that is no amount.
    #[error("capital {capital} is not a positive amount")]
    Capital {
        /// What was given.
        capital: f64,
    },
}

/// Replays one strategy from its first decision to the last day, and gives every entry of the journal
/// to `journal`, in order.
///
/// # Errors
/// [`ReplayError`]; the entries so far have been given out.
pub async fn replay(
    run: &Replay<'_>,
    journal: &mut (dyn FnMut(Entry) + Send),
) -> Result<(), ReplayError> {
    let capital =
        Amount::from_f64_floor(run.capital, DECIMALS).filter(|capital| !capital.is_zero());
    let capital = capital.ok_or(ReplayError::Capital { capital: run.capital })?;
    let mut ledger = Ledger::new(capital, DECIMALS);
    let mut decisions = run.schedule.decisions.iter().peekable();
    let mut executed = Vec::new();
    for day in (run.schedule.first().0..=run.schedule.last.0).map(Day) {
        let is_decision = decisions.next_if(|decision| **decision == day).is_some();
        if !is_decision && run.marks == Marks::Decisions && day != run.schedule.last {
            continue;
        }
        let view = run.frame.view(day.end());
        let stale = ledger.mark(&view);
        if is_decision {
            executed.extend(decide(run, &mut ledger, &view, &executed, journal).await?);
        }
        journal(Entry::Marked(marked(&ledger, &view, stale)));
    }
    Ok(())
}

/// Takes one decision and carries it out; returns what was done, if anything was.
async fn decide(
    run: &Replay<'_>,
    ledger: &mut Ledger,
    view: &View<'_>,
    executed: &[Executed],
    journal: &mut (dyn FnMut(Entry) + Send),
) -> Result<Option<Executed>, ReplayError> {
    let (strategy, day) = (run.strategy.name(), view.clock().day());
    let failed = |cause| ReplayError::Execute { strategy, day, cause };
    let scores = (run.scores)(view);
    let observed = Observed {
        view: *view,
        scores: &scores,
        portfolio: ledger.holdings().await.map_err(failed)?,
        run: run.scenario,
        costs: CostModel {
            turnover: run.turnover_cost,
            gas_per_action: (run.gas)(view.clock())
                .and_then(|gas| Amount::from_f64_floor(gas, DECIMALS)),
            is_first_entry: executed.iter().all(|done| done.into.is_empty()),
        },
        executed,
    };
    let state = State { strategy: run.strategy, policy: run.policy };
    let decision =
        step(&state, &observed).map_err(|cause| ReplayError::Strategy { strategy, day, cause })?;
    let has_work = !decision.approved.plan().is_empty();
    journal(Entry::Decided(Box::new(decision.entry)));
    if !has_work {
        return Ok(None);
    }
    ledger.learn_prices(view, decision.approved.plan());
    let done = ledger.execute(&decision.approved).await.map_err(failed)?;
    journal(Entry::Executed(done.clone()));
    Ok(Some(done))
}

fn marked(ledger: &Ledger, view: &View<'_>, stale: Vec<plimsoll_core::MarketId>) -> Marked {
    let nav = ledger.portfolio().nav();
    let exitable_24h = exitable(&nav, view);
    Marked {
        time: view.clock(),
        nav: nav.total,
        idle: nav.idle,
        by_market: nav.by_market,
        stale,
        exitable_24h,
    }
}

/// The share of NAV that could have left within 24 hours by the liquidity of the day; `None` where a
/// held market's exit, delay or price is unknown.
fn exitable(nav: &plimsoll_core::Nav, view: &View<'_>) -> Option<f64> {
    let total = nav.total.to_f64(DECIMALS);
    let mut out = nav.idle.to_f64(DECIMALS);
    for (market, held) in &nav.by_market {
        let quote = view.quote(market).filter(|quote| quote.is_fresh)?;
        let exit = quote.exit_usd? / quote.price_usd?;
        if quote.exit_delay_days? <= 1.0 {
            out += held.to_f64(DECIMALS).min(exit);
        }
    }
    (total > 0.0).then(|| (out / total).min(1.0))
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
