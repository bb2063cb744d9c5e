//! A whole backtest: every strategy on every sleeve, and how far the result moves with choices that
//! nobody can foresee.

use crate::outcome::Outcome;
use crate::replay::{DECIMALS, Marks, Replay, ReplayError, ScoreSource, replay};
use crate::schedule::{Decide, EmptySchedule, Schedule, Span};
use crate::sleeves::{Sleeve, SleeveId};
use chrono::Weekday;
use plimsoll_allocate::RunScenario;
use plimsoll_core::{Bps, Day, Entry, Policy, Time};
use plimsoll_frame::Strategy;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Weekdays in the order of the spread.
pub const WEEK: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

/// Days between rolling starts.
const START_STEP_DAYS: i64 = 28;
/// The shortest replay that a rolling start may leave.
const SHORTEST_DAYS: i64 = 84;
/// How many rolling starts there are at most; long histories space them wider.
const MOST_STARTS: i64 = 8;

/// Gas of one action in a sleeve at a time, whole units of its denomination.
pub type GasSource<'a> = dyn Fn(&SleeveId, Time) -> Option<f64> + Sync + 'a;

/// What a backtest is run with.
pub struct Settings<'a> {
    /// The rules, in the order of the report.
    pub strategies: Vec<Box<dyn Strategy>>,
    /// What is expected of each market.
    pub scores: &'a ScoreSource<'a>,
    /// The limits.
    pub policy: Policy,
    /// Cost on one-way turnover.
    pub turnover_cost: Bps,
    /// Whether `equal` rebalances free, as the contract `aave-weekly` has it.
    pub is_equal_free: bool,
    /// The decision days.
    pub schedule: Schedule,
    /// The other schedules of the spread, by what was varied and the label of the variant.
    pub variants: Vec<(&'static str, String, Schedule)>,
    /// The run that the exit limit assumes.
    pub scenario: RunScenario,
    /// Money at the start in all sleeves together, whole units.
    pub capital: f64,
    /// Gas.
    pub gas: &'a GasSource<'a>,
    /// Whether to keep the journals, which a report needs.
    pub keeps_journal: bool,
}

/// One strategy's results.
#[derive(Debug)]
pub struct StrategyResult {
    /// Its name.
    pub name: &'static str,
    /// Its parameters.
    pub params: BTreeMap<&'static str, String>,
    /// All sleeves together.
    pub outcome: Outcome,
    /// Each sleeve, in the order of [`Suite::sleeves`].
    pub by_sleeve: Vec<Outcome>,
    /// Each sleeve's journal; empty unless kept.
    pub journals: Vec<Vec<Entry>>,
    /// The annualised percent of each variant, in the order of [`Settings::variants`].
    pub variants: Vec<Option<f64>>,
}

/// A whole backtest.
#[derive(Debug)]
pub struct Suite {
    /// The sleeves that took part.
    pub sleeves: Vec<(SleeveId, usize)>,
    /// Sleeves in which nothing could be bought at the first decision.
    pub left_out: Vec<SleeveId>,
    /// Results, in the order of the strategies.
    pub results: Vec<StrategyResult>,
    /// What was varied, and the label of each variant.
    pub variants: Vec<(&'static str, String)>,
}

/// Why a backtest cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A replay stopped.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// No decision day.
    #[error(transparent)]
    Schedule(#[from] EmptySchedule),
    /// Nothing can be bought anywhere.
    #[error(
        "on {day}, the first decision day, no market can be bought: {markets} have rows, but none a \
         fresh rate and an index; `plimsoll data check` says why"
    )]
    NothingOpen {
        /// The first decision day.
        day: Day,
        /// How many markets there are.
        markets: usize,
    },
}

/// Returns the schedules of the spread: every weekday where decisions are weekly, and rolling starts.
#[must_use]
pub fn variants(
    span: &Span,
    decide: Decide,
    main: &Schedule,
) -> Vec<(&'static str, String, Schedule)> {
    let mut variants = Vec::new();
    if matches!(decide, Decide::Weekly(_)) {
        for weekday in WEEK {
            if let Ok(schedule) = Schedule::regular(span, Decide::Weekly(weekday)) {
                variants.push(("weekday", weekday.to_string(), schedule));
            }
        }
    }
    let room = main.last.0 - main.first().0 - SHORTEST_DAYS;
    let step = START_STEP_DAYS.max(room / MOST_STARTS / 7 * 7);
    for wait in (0..=room).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        let from = main.first().plus(wait);
        let later = Span { from: Some(from), ..*span };
        if let Ok(schedule) = Schedule::regular(&later, decide) {
            variants.push(("start", from.to_string(), schedule));
        }
    }
    variants
}

/// Runs every strategy on every sleeve that has something to buy at the first decision.
///
/// `on_progress` hears how many replays of how many are done.
///
/// # Errors
/// [`SuiteError`].
pub fn run(
    sleeves: Vec<Sleeve>,
    settings: &Settings<'_>,
    on_progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Suite, SuiteError> {
    let first = settings.schedule.first();
    let (open, closed): (Vec<&Sleeve>, Vec<&Sleeve>) =
        sleeves.iter().partition(|sleeve| is_open(sleeve, &settings.schedule));
    if open.is_empty() {
        let markets = sleeves.iter().map(|sleeve| sleeve.frame.markets().len()).sum();
        return Err(SuiteError::NothingOpen { day: first, markets });
    }
    // A variant begins on another day, on which other sleeves may have something to buy.
    let of_variant = |(_, _, schedule): &(&str, String, Schedule)| -> Vec<&Sleeve> {
        sleeves.iter().filter(|sleeve| is_open(sleeve, schedule)).collect()
    };
    let variants: Vec<Vec<&Sleeve>> = settings.variants.iter().map(of_variant).collect();
    let replays = open.len() + variants.iter().map(Vec::len).sum::<usize>();
    let jobs = settings.strategies.len() * replays;
    let done = AtomicUsize::new(0);
    let tick = || on_progress(done.fetch_add(1, Ordering::Relaxed) + 1, jobs);
    let results = settings
        .strategies
        .par_iter()
        .map(|strategy| result(strategy.as_ref(), &open, &variants, settings, &tick))
        .collect::<Result<Vec<_>, ReplayError>>()?;
    Ok(Suite {
        sleeves: open
            .into_iter()
            .map(|sleeve| (sleeve.id.clone(), sleeve.frame.markets().len()))
            .collect(),
        left_out: closed.into_iter().map(|sleeve| sleeve.id.clone()).collect(),
        results,
        variants: settings
            .variants
            .iter()
            .map(|(varied, label, _)| (*varied, label.clone()))
            .collect(),
    })
}

/// Whether something in the sleeve can be bought at the first decision of `schedule`.
fn is_open(sleeve: &Sleeve, schedule: &Schedule) -> bool {
    let view = sleeve.frame.view(schedule.first().end());
    view.quotes().iter().any(plimsoll_frame::Quote::is_open)
}

fn result(
    strategy: &dyn Strategy,
    sleeves: &[&Sleeve],
    variants: &[Vec<&Sleeve>],
    settings: &Settings<'_>,
    tick: &(dyn Fn() + Sync),
) -> Result<StrategyResult, ReplayError> {
    let run = |sleeve: &Sleeve, schedule: &Schedule, marks: Marks, count: usize| {
        let capital = settings.capital / count as f64;
        let gas = |time| (settings.gas)(&sleeve.id, time);
        let is_free = settings.is_equal_free && strategy.name() == "equal";
        let job = Replay {
            frame: &sleeve.frame,
            strategy,
            scores: settings.scores,
            policy: &settings.policy,
            schedule,
            turnover_cost: if is_free { Bps(0) } else { settings.turnover_cost },
            gas: &gas,
            scenario: settings.scenario,
            capital,
            marks,
        };
        let keeps_journal = settings.keeps_journal && marks == Marks::Daily;
        let mut outcome = Outcome::default();
        let mut journal = Vec::new();
        futures::executor::block_on(replay(&job, &mut |entry| {
            outcome.add(&entry, DECIMALS, capital);
            if keeps_journal {
                journal.push(entry);
            }
        }))?;
        tick();
        Ok((outcome, journal))
    };
    let main: Vec<_> = sleeves
        .par_iter()
        .map(|sleeve| run(sleeve, &settings.schedule, Marks::Daily, sleeves.len()))
        .collect::<Result<_, ReplayError>>()?;
    let (by_sleeve, journals): (Vec<_>, Vec<_>) = main.into_iter().unzip();
    let variants = settings
        .variants
        .par_iter()
        .zip(variants)
        .map(|((_, _, schedule), sleeves)| {
            let one = |sleeve: &&Sleeve| run(sleeve, schedule, Marks::Decisions, sleeves.len());
            let outcomes = sleeves.par_iter().map(|sleeve| one(sleeve).map(|run| run.0));
            let outcomes = outcomes.collect::<Result<Vec<_>, ReplayError>>()?;
            Ok(Outcome::join(&outcomes).annualised_pct())
        })
        .collect::<Result<Vec<_>, ReplayError>>()?;
    Ok(StrategyResult {
        name: strategy.name(),
        params: strategy.params(),
        outcome: Outcome::join(&by_sleeve),
        by_sleeve,
        journals,
        variants,
    })
}
