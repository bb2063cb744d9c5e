//! Means over worlds, and paired differences with their interval.

use super::WorldResult;
use crate::pages::{Named, told_apart};
use plimsoll_frame::Strategy;
use plimsoll_models::bootstrap::{DaySum, cluster_interval};
use plimsoll_models::forecast::COVERAGE;
use serde::Serialize;
use std::collections::BTreeMap;

/// The name of the best plan found with the whole future known.
pub const FORESIGHT: &str = "perfect-foresight";

/// One rule over all worlds.
#[derive(Debug, Clone, Serialize)]
pub struct WorldsLine {
    /// A name that tells it from the others.
    pub name: String,
    /// The strategy.
    pub strategy: String,
    /// Its parameters.
    pub params: BTreeMap<&'static str, String>,
    /// Mean of the annualised percent, net of costs and gas.
    pub annualised_pct: f64,
    /// The interval of that mean.
    pub lo_pct: f64,
    /// The interval of that mean.
    pub hi_pct: f64,
    /// Largest fall from a peak, mean over worlds.
    pub max_drawdown_pct: Option<f64>,
    /// Decisions that left a market, mean over worlds.
    pub switches: f64,
    /// Decisions that left a market, over all worlds.
    pub switches_total: usize,
    /// One-way turnover as a multiple of NAV, mean over worlds.
    pub turnover: f64,
    /// Costs on turnover, mean over worlds.
    pub cost_pct: f64,
    /// Gas, mean over worlds.
    pub gas_pct: f64,
    /// Share of NAV that sat idle, mean over worlds and days.
    pub idle_pct: f64,
    /// The lowest share of NAV that could have left within 24 hours, mean over worlds.
    pub exitable_24h_pct: Option<f64>,
    /// Worlds in which something could not leave when it was to.
    pub worlds_stuck: usize,
    /// The annualised percent in each world, in the order of the seeds.
    pub by_seed: Vec<f64>,
}

/// One rule against another in the same worlds.
#[derive(Debug, Clone, Serialize)]
pub struct Paired {
    /// The rule.
    pub name: String,
    /// Against which.
    pub against: String,
    /// Mean difference of the annualised percent.
    pub mean_pct: f64,
    /// The interval that holds nine of ten resampled means.
    pub lo_pct: f64,
    /// Its other end.
    pub hi_pct: f64,
    /// Worlds in which it was better.
    pub wins: usize,
    /// Worlds.
    pub n: usize,
    /// The seeds in which it lost most, worst first, with the difference.
    pub worst: Vec<(u64, f64)>,
}

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub struct WorldsReport {
    /// Seeds.
    pub seeds: Vec<u64>,
    /// Money at the start, USD.
    pub capital: f64,
    /// Markets over all worlds.
    pub markets: usize,
    /// One line a rule; perfect foresight last, where it was looked for.
    pub lines: Vec<WorldsLine>,
    /// The allocator, or else the last rule, against each of the others.
    pub paired: Vec<Paired>,
    /// How often each forecast served the allocator.
    pub services: BTreeMap<String, usize>,
}

impl WorldsReport {
    /// Returns the report of `results`.
    #[must_use]
    pub fn new(
        results: &[WorldResult],
        strategies: &[Box<dyn Strategy>],
        capital: f64,
    ) -> WorldsReport {
        let mut lines: Vec<WorldsLine> = strategies
            .iter()
            .enumerate()
            .map(|(place, strategy)| line(results, place, strategy.as_ref()))
            .collect();
        let named: Vec<Named<'_>> =
            lines.iter().map(|line| (line.strategy.as_str(), &line.params)).collect();
        let names = told_apart(&named);
        for (line, name) in lines.iter_mut().zip(names) {
            line.name = name;
        }
        let ceiling: Vec<f64> = results.iter().filter_map(|result| result.ceiling_pct).collect();
        if !ceiling.is_empty() {
            lines.push(foresight(ceiling));
        }
        let subject = lines.iter().position(|line| line.strategy == "allocator");
        let subject = subject.unwrap_or(strategies.len().saturating_sub(1));
        let paired = lines
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != subject)
            .filter_map(|(_, other)| Some(paired(results, lines.get(subject)?, other)))
            .collect();
        let mut services = BTreeMap::new();
        for name in results
            .iter()
            .filter_map(|result| result.courses.get(subject))
            .flat_map(|c| &c.services)
        {
            *services.entry(name.clone()).or_default() += 1;
        }
        WorldsReport {
            seeds: results.iter().map(|result| result.seed).collect(),
            capital,
            markets: results.iter().map(|result| result.markets).sum(),
            lines,
            paired,
            services,
        }
    }
}

fn line(results: &[WorldResult], place: usize, strategy: &dyn Strategy) -> WorldsLine {
    let courses: Vec<_> = results.iter().filter_map(|result| result.courses.get(place)).collect();
    let count = courses.len().max(1) as f64;
    let mean =
        |of: &dyn Fn(&super::Course) -> f64| courses.iter().map(|c| of(c)).sum::<f64>() / count;
    // Nothing left at all is a loss of everything, not a world to leave out.
    let by_seed: Vec<f64> =
        courses.iter().map(|course| course.outcome.annualised_pct().unwrap_or(-100.0)).collect();
    let (annualised_pct, lo_pct, hi_pct) = interval(&by_seed);
    let known = |of: &dyn Fn(&super::Course) -> Option<f64>| -> Option<f64> {
        let values: Option<Vec<f64>> = courses.iter().map(|course| of(course)).collect();
        Some(values?.iter().sum::<f64>() / count)
    };
    WorldsLine {
        name: strategy.name().to_owned(),
        strategy: strategy.name().to_owned(),
        params: strategy.params(),
        annualised_pct,
        lo_pct,
        hi_pct,
        max_drawdown_pct: known(&|course| course.outcome.max_drawdown_pct()),
        switches: mean(&|course| course.outcome.switches as f64),
        switches_total: courses.iter().map(|course| course.outcome.switches).sum(),
        turnover: mean(&|course| course.outcome.turnover),
        cost_pct: mean(&|course| course.outcome.cost * 100.0),
        gas_pct: mean(&|course| course.outcome.gas_charged * 100.0),
        idle_pct: mean(&|course| course.outcome.idle_pct().unwrap_or_default()),
        exitable_24h_pct: known(&|course| course.outcome.exitable_24h_pct()),
        worlds_stuck: courses.iter().filter(|course| course.stuck.1 > 0).count(),
        by_seed,
    }
}

fn foresight(by_seed: Vec<f64>) -> WorldsLine {
    let (annualised_pct, lo_pct, hi_pct) = interval(&by_seed);
    WorldsLine {
        name: FORESIGHT.to_owned(),
        strategy: FORESIGHT.to_owned(),
        params: BTreeMap::new(),
        annualised_pct,
        lo_pct,
        hi_pct,
        max_drawdown_pct: None,
        switches: 0.0,
        switches_total: 0,
        turnover: 0.0,
        cost_pct: 0.0,
        gas_pct: 0.0,
        idle_pct: 0.0,
        exitable_24h_pct: None,
        worlds_stuck: 0,
        by_seed,
    }
}

fn paired(results: &[WorldResult], subject: &WorldsLine, other: &WorldsLine) -> Paired {
    let differences: Vec<f64> =
        subject.by_seed.iter().zip(&other.by_seed).map(|(a, b)| a - b).collect();
    let (mean_pct, lo_pct, hi_pct) = interval(&differences);
    let seeds = results.iter().map(|result| result.seed);
    let mut worst: Vec<(u64, f64)> = seeds.zip(differences.iter().copied()).collect();
    worst.sort_by(|a, b| a.1.total_cmp(&b.1));
    worst.truncate(5);
    worst.retain(|(_, difference)| *difference < 0.0);
    Paired {
        name: subject.name.clone(),
        against: other.name.clone(),
        mean_pct,
        lo_pct,
        hi_pct,
        wins: differences.iter().filter(|difference| **difference > 0.0).count(),
        n: differences.len(),
        worst,
    }
}

/// The mean, and the interval of means of worlds drawn with replacement.
fn interval(values: &[f64]) -> (f64, f64, f64) {
    let worlds: Vec<DaySum> =
        values.iter().map(|value| DaySum { sum: *value, count: 1.0 }).collect();
    cluster_interval(&worlds, COVERAGE, 1).unwrap_or((f64::NAN, f64::NAN, f64::NAN))
}
