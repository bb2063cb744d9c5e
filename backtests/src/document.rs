//! The machine-readable result. Names are stable: later versions add fields and rename none.

use crate::suite::{StrategyResult, Suite};
use crate::worlds::{self, DECIDED_DAYS, DECISION_STEP, WARM_UP_DAYS, WorldsLine, WorldsReport};
use plimsoll_core::approve::WaiverCause;
use plimsoll_core::journal::Scored;
use plimsoll_core::{Day, Limit, RiskPreference};
use plimsoll_frame::{QualityReport, QualityRow};
use plimsoll_models::bootstrap::{DaySum, mean_interval};
use plimsoll_models::forecast::COVERAGE;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a backtest prints with `--json`.
///
/// # Units
/// A name that ends in `_pct` is percent; `turnover` is a multiple of NAV; counts are counts. Unknown is
/// null.
#[derive(Debug, Clone, Serialize)]
pub struct Document {
    /// Version of this contract.
    pub schema: u32,
    /// Hash of the rows read.
    pub data_hash: String,
    /// Version of the engine.
    pub engine_version: &'static str,
    /// First day asked for, within the data.
    pub from: Day,
    /// Last day asked for, within the data.
    pub to: Day,
    /// Decision days.
    pub decisions: usize,
    /// Markets among which the strategies could choose.
    pub markets: usize,
    /// One line for each strategy.
    pub strategies: Vec<StrategyLine>,
    /// What the data-quality gate found.
    pub quality: Vec<QualityRow>,
    /// What the reader must know first: synthetic data, a check of arithmetic.
    pub labels: Vec<String>,
    /// The first decision day.
    pub first_decision: Day,
    /// The last day valued.
    pub last_day: Day,
    /// The parts of the universe, in the order of each strategy's `by_sleeve`.
    pub sleeves: Vec<SleeveLine>,
    /// Limits that were not applied.
    pub limits_not_applied: Vec<LimitLine>,
    /// What the replay approximates.
    pub approximations: Vec<Approximation>,
    /// The allocator's growth less each other rule's, day by day.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paired: Vec<PairedLine>,
    /// Generated worlds: paired differences and every world's result. Only with `--synthetic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worlds: Option<WorldsReport>,
}

/// One strategy.
#[derive(Debug, Clone, Serialize)]
pub struct StrategyLine {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: BTreeMap<&'static str, String>,
    /// Compounded over a 365-day year.
    pub annualised_pct: Option<f64>,
    /// Largest fall from the running peak.
    pub max_drawdown_pct: Option<f64>,
    /// Mean loss of the worst 5 % of days.
    pub cvar95_daily_pct: Option<f64>,
    /// Decisions that left a market, over all parts or worlds.
    pub switches: usize,
    /// Sum of one-way turnover.
    pub turnover: f64,
    /// Sum of costs on turnover.
    pub cost_pct: f64,
    /// Lowest percentage of NAV that could have left within 24 hours.
    pub exitable_24h_pct: Option<f64>,
    /// Sum of gas; null where its price is not known.
    pub gas_pct: Option<f64>,
    /// Sum of the gas that was charged, where its price was known.
    pub gas_charged_pct: f64,
    /// Mean share of NAV that sat idle.
    pub idle_pct: Option<f64>,
    /// Annualised percent in each sleeve.
    pub by_sleeve: Vec<Option<f64>>,
    /// How far the result moves with what was varied.
    pub spread: Vec<SpreadLine>,
    /// What the last decision in each part said of its markets; empty of a rule without scores.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScoresLine>,
}

/// What a decision said of its markets.
#[derive(Debug, Clone, Serialize)]
pub struct ScoresLine {
    /// The part of the universe.
    pub sleeve: String,
    /// The day of the decision.
    pub day: Day,
    /// The markets.
    pub markets: Vec<Scored>,
}

/// How far a result moves with a choice that nobody can foresee.
#[derive(Debug, Clone, Serialize)]
pub struct SpreadLine {
    /// What was varied: `weekday`, `start` or `world`.
    pub varied: &'static str,
    /// Lowest annualised percent.
    pub min_pct: Option<f64>,
    /// Median annualised percent.
    pub median_pct: Option<f64>,
    /// Highest annualised percent.
    pub max_pct: Option<f64>,
    /// Every variant.
    pub variants: Vec<(String, Option<f64>)>,
}

/// One rule against another on the same days.
#[derive(Debug, Clone, Serialize)]
pub struct PairedLine {
    /// The rule.
    pub name: String,
    /// Against which; with its place where two have one name.
    pub against: String,
    /// Mean difference of the daily growth, a year, percent.
    pub mean_pct: f64,
    /// The interval that holds nine of ten means of resampled blocks of days.
    pub lo_pct: f64,
    /// Its other end.
    pub hi_pct: f64,
    /// Days.
    pub days: usize,
    /// Schedules of the spread on which it grew more, and all of them.
    pub better_schedules: (usize, usize),
}

/// One sleeve.
#[derive(Debug, Clone, Serialize)]
pub struct SleeveLine {
    /// Its name.
    pub name: String,
    /// Markets in it.
    pub markets: usize,
}

/// A limit that was not applied.
#[derive(Debug, Clone, Serialize)]
pub struct LimitLine {
    /// Its key.
    pub limit: Limit,
    /// Its value with unit.
    pub value: String,
    /// Why it was not applied.
    pub reason: String,
}

/// Something that the replay does not do as the world does.
#[derive(Debug, Clone, Serialize)]
pub struct Approximation {
    /// What.
    pub what: String,
    /// How large the error is, or that it is unknown.
    pub error: String,
}

/// What the document says of a run besides its results.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Hash of the rows read.
    pub data_hash: String,
    /// Rows read.
    pub rows_read: u64,
    /// First day asked for, within the data.
    pub from: Day,
    /// Last day asked for, within the data.
    pub to: Day,
    /// The first decision day.
    pub first_decision: Day,
    /// The last day valued.
    pub last_day: Day,
    /// Decision days.
    pub decisions: usize,
    /// Labels.
    pub labels: Vec<String>,
    /// The limits.
    pub preference: RiskPreference,
    /// The quality table.
    pub quality: QualityReport,
    /// Approximations.
    pub approximations: Vec<Approximation>,
}

impl Document {
    /// Returns the document of a run.
    #[must_use]
    pub fn new(suite: &Suite, facts: &Facts) -> Document {
        Document {
            schema: 1,
            data_hash: facts.data_hash.clone(),
            engine_version: env!("CARGO_PKG_VERSION"),
            from: facts.from,
            to: facts.to,
            decisions: facts.decisions,
            markets: suite.sleeves.iter().map(|(_, markets)| markets).sum(),
            strategies: suite.results.iter().map(|result| line(suite, result)).collect(),
            quality: facts.quality.rows().cloned().collect(),
            labels: facts.labels.clone(),
            first_decision: facts.first_decision,
            last_day: facts.last_day,
            sleeves: suite
                .sleeves
                .iter()
                .map(|(id, markets)| SleeveLine { name: id.to_string(), markets: *markets })
                .collect(),
            limits_not_applied: limits_not_applied(suite, &facts.preference),
            approximations: facts.approximations.clone(),
            paired: paired(suite),
            worlds: None,
        }
    }

    /// Returns the document of a run of generated worlds: every figure is a mean over them.
    #[must_use]
    pub fn of_worlds(
        report: WorldsReport,
        labels: Vec<String>,
        notes: Vec<Approximation>,
    ) -> Document {
        let first = worlds::first_day();
        let decided = first.plus(i64::from(WARM_UP_DAYS));
        let last = decided.plus(i64::from(DECIDED_DAYS));
        let identity = serde_json::to_vec(&report.seeds);
        Document {
            schema: 1,
            data_hash: plimsoll_execute::feed::extended("synthetic", &identity.unwrap_or_default()),
            engine_version: env!("CARGO_PKG_VERSION"),
            from: first,
            to: last,
            decisions: usize::try_from(DECIDED_DAYS.div_ceil(DECISION_STEP)).unwrap_or_default(),
            markets: report.markets,
            strategies: report.lines.iter().map(|line| world_line(&report, line)).collect(),
            quality: Vec::new(),
            labels,
            first_decision: decided,
            last_day: last,
            sleeves: Vec::new(),
            limits_not_applied: Vec::new(),
            approximations: notes,
            paired: Vec::new(),
            worlds: Some(report),
        }
    }
}

/// A rule's means over worlds, with every world as a variant.
fn world_line(report: &WorldsReport, line: &WorldsLine) -> StrategyLine {
    let mut sorted = line.by_seed.clone();
    sorted.sort_by(f64::total_cmp);
    let seeds = report.seeds.iter().map(|seed| format!("world {seed}"));
    StrategyLine {
        name: line.strategy.clone(),
        params: line.params.clone(),
        annualised_pct: Some(line.annualised_pct),
        max_drawdown_pct: line.max_drawdown_pct,
        cvar95_daily_pct: None,
        switches: line.switches_total,
        turnover: line.turnover,
        cost_pct: line.cost_pct,
        exitable_24h_pct: line.exitable_24h_pct,
        gas_pct: Some(line.gas_pct),
        gas_charged_pct: line.gas_pct,
        idle_pct: Some(line.idle_pct),
        by_sleeve: Vec::new(),
        spread: vec![SpreadLine {
            varied: "world",
            min_pct: sorted.first().copied(),
            median_pct: median(&sorted),
            max_pct: sorted.last().copied(),
            variants: seeds.zip(line.by_seed.iter().map(|found| Some(*found))).collect(),
        }],
        scores: Vec::new(),
    }
}

fn line(suite: &Suite, result: &StrategyResult) -> StrategyLine {
    let outcome = &result.outcome;
    StrategyLine {
        name: result.name.to_owned(),
        params: result.params.clone(),
        annualised_pct: outcome.annualised_pct(),
        max_drawdown_pct: outcome.max_drawdown_pct(),
        cvar95_daily_pct: outcome.cvar95_daily_pct(),
        switches: outcome.switches,
        turnover: outcome.turnover,
        cost_pct: outcome.cost * 100.0,
        exitable_24h_pct: outcome.exitable_24h_pct(),
        gas_pct: outcome.gas().map(|gas| gas * 100.0),
        gas_charged_pct: outcome.gas_charged * 100.0,
        idle_pct: outcome.idle_pct(),
        by_sleeve: result.by_sleeve.iter().map(crate::Outcome::annualised_pct).collect(),
        spread: spread(suite, result),
        scores: scores(suite, result),
    }
}

/// What the last decision in each part said of its markets.
pub(crate) fn scores(suite: &Suite, result: &StrategyResult) -> Vec<ScoresLine> {
    let parts = suite.sleeves.iter().zip(&result.by_sleeve);
    let lines = parts.filter_map(|((id, _), outcome)| {
        let (day, markets) = outcome.scores.clone()?;
        Some(ScoresLine { sleeve: id.to_string(), day, markets })
    });
    lines.collect()
}

/// The allocator against every other rule; nothing without it.
#[must_use]
pub fn paired(suite: &Suite) -> Vec<PairedLine> {
    let subject = suite.results.iter().position(|result| result.name == "allocator");
    let Some(subject) = subject.and_then(|place| Some((place, suite.results.get(place)?))) else {
        return Vec::new();
    };
    let titles = crate::pages::titles(&suite.results);
    let others = suite.results.iter().zip(titles).enumerate();
    others
        .filter(|(place, _)| *place != subject.0)
        .filter_map(|(_, (other, title))| against(subject.1, other, title))
        .collect()
}

fn against(subject: &StrategyResult, other: &StrategyResult, title: String) -> Option<PairedLine> {
    // Simple growth: a portfolio that is lost whole loses everything once, and nothing after.
    let grown = |before: f64, after: f64| if before > 0.0 { after / before - 1.0 } else { 0.0 };
    let growths = |result: &StrategyResult| -> Vec<f64> {
        let pairs = result.outcome.days.windows(2);
        pairs
            .filter_map(|pair| match pair {
                [before, after] => Some(grown(before.nav, after.nav)),
                _ => None,
            })
            .collect()
    };
    let pairs = growths(subject).into_iter().zip(growths(other));
    let days: Vec<DaySum> = pairs.map(|(a, b)| DaySum { sum: a - b, count: 1.0 }).collect();
    let (mean, lo, hi) = mean_interval(&days, COVERAGE, 1)?;
    let schedules = subject.variants.iter().zip(&other.variants);
    let known: Vec<bool> = schedules.filter_map(|(a, b)| Some((*a)? > (*b)?)).collect();
    let yearly = |daily: f64| daily * crate::outcome::YEAR_DAYS * 100.0;
    Some(PairedLine {
        name: subject.name.to_owned(),
        against: title,
        mean_pct: yearly(mean),
        lo_pct: yearly(lo),
        hi_pct: yearly(hi),
        days: days.len(),
        better_schedules: (known.iter().filter(|better| **better).count(), known.len()),
    })
}

/// The spread of one strategy, by what was varied.
#[must_use]
pub fn spread(suite: &Suite, result: &StrategyResult) -> Vec<SpreadLine> {
    let kinds: BTreeSet<&'static str> = suite.variants.iter().map(|(varied, _)| *varied).collect();
    kinds
        .into_iter()
        .rev()
        .map(|varied| {
            let of_kind = suite
                .variants
                .iter()
                .zip(&result.variants)
                .filter(|((kind, _), _)| *kind == varied);
            let variants: Vec<_> =
                of_kind.map(|((_, label), result)| (label.clone(), *result)).collect();
            let mut known: Vec<f64> = variants.iter().filter_map(|(_, result)| *result).collect();
            known.sort_by(f64::total_cmp);
            SpreadLine {
                varied,
                min_pct: known.first().copied(),
                median_pct: median(&known),
                max_pct: known.last().copied(),
                variants,
            }
        })
        .collect()
}

/// The median of sorted numbers.
fn median(sorted: &[f64]) -> Option<f64> {
    let (low, high) = (sorted.len().checked_sub(1)? / 2, sorted.len() / 2);
    Some((sorted.get(low)? + sorted.get(high)?) / 2.0)
}

/// The limits that no strategy was held to, each with its reasons.
fn limits_not_applied(suite: &Suite, preference: &RiskPreference) -> Vec<LimitLine> {
    let mut causes: BTreeMap<Limit, BTreeSet<WaiverCause>> = BTreeMap::new();
    for waiver in suite.results.iter().flat_map(|result| &result.outcome.waivers) {
        causes.entry(waiver.limit).or_default().insert(waiver.cause);
    }
    let reason = |cause: &WaiverCause| match cause {
        WaiverCause::Off => "limits are off for this run",
        WaiverCause::Unanswerable => {
            "the source does not say what it needs; live, it would forbid buying"
        }
        WaiverCause::OneProtocol => "there is one protocol to choose from",
        WaiverCause::OneChain => "there is one chain to choose from",
    };
    causes
        .into_iter()
        .map(|(limit, causes)| LimitLine {
            limit,
            value: preference.describe(limit),
            reason: causes.iter().map(reason).collect::<Vec<_>>().join("; "),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_lies_between_the_middle_two() {
        assert_eq!(median(&[]), None);
        assert!((median(&[1.0, 2.0, 10.0]).unwrap() - 2.0).abs() < 1e-15);
        assert!((median(&[1.0, 2.0, 4.0, 10.0]).unwrap() - 3.0).abs() < 1e-15);
    }
}
