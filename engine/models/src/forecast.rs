//! Forecasts of the rate that a market will have paid a week from now: baselines, regressions, and which of
//! them is in service.
//!
//! Quiet and lively markets are served apart: averaged over all of them, a gain on the few whose rates move
//! most hides a loss on the many whose rates hardly do. In each group a regression serves only where it beat
//! the group's best baseline on the days before, by more than chance; else the baseline serves, and says so.
//!
//! That record is the record of the markets it was measured on. A market that was not among them is forecast
//! by its newest rate until a fit has measured it too.

use crate::bootstrap::{DaySum, mean_interval};
use crate::features::{AHEAD_DAYS, NAMES, Row, rows_on};
use crate::panel::Panel;
use crate::regression::{FitError, Linear, elastic_net, median_regression};
use plimsoll_core::statistics::quantile;
use plimsoll_core::{Day, MarketId};
use plimsoll_frame::Service;
use std::collections::{BTreeMap, BTreeSet};

/// Days before a fit on which candidates are compared and intervals are measured.
pub const CALIBRATION_DAYS: i64 = 28;
/// Fewest days of training before a regression is tried.
const FEWEST_TRAINING_DAYS: i64 = 30;
/// Every so many days are trained on: labels of neighbouring days overlap.
const STRIDE_DAYS: i64 = 2;
/// The most rows trained on: beyond that a fit takes longer and says the same.
const MOST_ROWS: usize = 30_000;
/// Groups of markets by how much their rates moved, as large as each other on the calibration days. Chosen
/// on days before 2025-11-15 alone.
const GROUPS: [&str; 3] = ["quiet", "middling", "lively"];
/// Fewest calibration rows of a group; with fewer there is one group.
const FEWEST_IN_GROUP: usize = 100;
/// The share of outcomes that an interval is to hold.
pub const COVERAGE: f64 = 0.9;
/// The penalty of the elastic net.
const PENALTY: f64 = 2e-5;
/// Residuals are cut at so many scales before the elastic net sees them: it squares them.
const CUT_SCALES: f64 = 3.0;

/// What needs no fitting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Baseline {
    /// The newest rate goes on.
    Persistence,
    /// The mean of seven days goes on.
    Mean7,
    /// Half the newest rate, half the mean of thirty days.
    HalfAndHalf,
}

impl Baseline {
    /// Every baseline.
    pub const ALL: [Baseline; 3] = [Baseline::Persistence, Baseline::Mean7, Baseline::HalfAndHalf];
}

/// A way to say what a market will pay.
#[derive(Debug, Clone, PartialEq)]
pub enum Forecast {
    /// A rule.
    Baseline(Baseline),
    /// The regression of the median.
    Median(Linear<{ NAMES.len() }>),
    /// The elastic net.
    ElasticNet(Linear<{ NAMES.len() }>),
}

impl Forecast {
    /// Every name under which one is reported, the baselines first.
    pub const NAMES: [&str; 5] =
        ["persistence", "mean7", "half-and-half", "median-regression", "elastic-net"];

    /// The name under which it is reported.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Forecast::Baseline(Baseline::Persistence) => "persistence",
            Forecast::Baseline(Baseline::Mean7) => "mean7",
            Forecast::Baseline(Baseline::HalfAndHalf) => "half-and-half",
            Forecast::Median(_) => "median-regression",
            Forecast::ElasticNet(_) => "elastic-net",
        }
    }

    /// Whether it needs no fitting.
    #[must_use]
    pub fn is_baseline(&self) -> bool {
        matches!(self, Forecast::Baseline(_))
    }

    /// Returns the rate expected of the next seven days; at least zero.
    #[must_use]
    pub fn of(&self, row: &Row) -> f64 {
        let rate = match self {
            Forecast::Baseline(Baseline::Persistence) => row.spot,
            Forecast::Baseline(Baseline::Mean7) => row.mean7,
            Forecast::Baseline(Baseline::HalfAndHalf) => 0.5 * (row.spot + row.mean30),
            Forecast::Median(linear) | Forecast::ElasticNet(linear) => {
                row.spot + linear.at(&row.features)
            }
        };
        rate.max(0.0)
    }
}

/// What serves a market on which nothing was measured.
const UNMEASURED: Forecast = Forecast::Baseline(Baseline::Persistence);

/// A candidate with its error on the days before the fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The forecast.
    pub forecast: Forecast,
    /// Mean absolute error on the calibration days; `None` without labels there.
    pub error: Option<f64>,
    /// Its error less the best baseline's, with the interval of the difference; `None` for that baseline.
    pub difference: Option<(f64, f64, f64)>,
}

/// What serves the markets whose rates moved as much as each other's.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The largest deviation of thirty days in it; what a quieter group holds is not in it.
    pub up_to: f64,
    /// The place of the candidate that serves.
    pub serving: usize,
    /// Half the width of its interval, in scales of a row; `None` where too little is known.
    pub half_width: Option<f64>,
    /// The same around the newest rate, for markets on which nothing was measured.
    pub half_width_unmeasured: Option<f64>,
}

/// Fitted forecasts, and those that serve.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The day at whose end it was fitted.
    pub day: Day,
    /// Every candidate over all groups, the baselines first.
    pub candidates: Vec<Candidate>,
    /// What serves, the quietest markets first; the last group has no upper end.
    pub groups: Vec<Group>,
    /// Why it serves.
    pub reason: String,
    /// Rows trained on.
    pub training_rows: usize,
    /// The markets on which candidates were compared.
    pub measured: BTreeSet<MarketId>,
}

impl Fit {
    /// Fits on what was known at the end of `day`, on the tracks for which `is_seen`.
    #[must_use]
    pub fn at(panel: &Panel, day: Day, is_seen: &dyn Fn(usize) -> bool) -> Fit {
        let rows = |from: Day, to: Day, step: i64| -> Vec<Row> {
            let step = usize::try_from(step).unwrap_or(1);
            let days = (from.0..=to.0).rev().step_by(step).map(Day);
            let all = days.flat_map(|day| rows_on(panel, day));
            // A reserve that neither pays nor ever will teaches nothing.
            all.filter(|row| is_seen(row.track) && is_alive(row) && row.label.is_some()).collect()
        };
        let last_label = day.plus(-AHEAD_DAYS);
        let first_calibrated = last_label.plus(1 - CALIBRATION_DAYS);
        let first = panel.tracks.iter().map(|track| track.first).min().unwrap_or(day);
        let calibration = rows(first_calibrated.max(first), last_label, 1);
        // No label of a training row reaches into the calibration days.
        let trained_to = first_calibrated.plus(-AHEAD_DAYS);
        let has_past = trained_to.0 - first.0 >= FEWEST_TRAINING_DAYS;
        let training = if has_past { rows(first, trained_to, STRIDE_DAYS) } else { Vec::new() };
        let training = thinned(training);
        let mut forecasts: Vec<Forecast> = Baseline::ALL.map(Forecast::Baseline).into();
        forecasts.extend(regressions(&training).into_iter().flatten());
        let market = |row: &Row| Some(panel.tracks.get(row.track)?.market.clone());
        let measured = calibration.iter().filter_map(market).collect();
        Fit { measured, ..chosen(day, forecasts, &calibration, training.len()) }
    }

    fn group(&self, row: &Row) -> Option<&Group> {
        self.groups.iter().find(|group| row.deviation30 <= group.up_to)
    }

    /// The forecast in service for `market`, of which `row` is known.
    #[must_use]
    pub fn forecast(&self, market: &MarketId, row: &Row) -> &Forecast {
        let group = self.group(row).filter(|_| self.measured.contains(market));
        let candidate = group.and_then(|group| self.candidates.get(group.serving));
        candidate.map_or(&UNMEASURED, |candidate| &candidate.forecast)
    }

    /// Returns the interval of the realised rate of the next seven days of `market` around `rate`.
    #[must_use]
    pub fn interval(&self, market: &MarketId, row: &Row, rate: f64) -> Option<(f64, f64)> {
        let group = self.group(row)?;
        let is_measured = self.measured.contains(market);
        let half = if is_measured { group.half_width } else { group.half_width_unmeasured };
        let half = half? * row.scale;
        Some(((rate - half).max(0.0), rate + half))
    }

    /// The names of what serves, the quietest markets first.
    pub fn serving(&self) -> impl Iterator<Item = &'static str> {
        let candidates = self.groups.iter().filter_map(|group| self.candidates.get(group.serving));
        candidates.map(|candidate| candidate.forecast.name())
    }

    /// What is in service, for people: one name, or one for each group.
    #[must_use]
    pub fn service(&self) -> Service {
        let mut names: Vec<&str> = self.serving().collect();
        names.dedup();
        let forecast = match names.as_slice() {
            [one] => (*one).to_owned(),
            _ => self.serving().collect::<Vec<_>>().join(" / "),
        };
        Service { forecast, reason: self.reason.clone() }
    }
}

/// Every so many of `rows` that at most [`MOST_ROWS`] are left.
fn thinned(rows: Vec<Row>) -> Vec<Row> {
    let step = rows.len().div_ceil(MOST_ROWS).max(1);
    rows.into_iter().step_by(step).collect()
}

/// Whether a row moves at all.
pub(crate) fn is_alive(row: &Row) -> bool {
    row.mean30 > 0.0
}

/// The regressions that can be fitted.
fn regressions(training: &[Row]) -> [Option<Forecast>; 2] {
    let inputs: Vec<_> = training.iter().map(|row| row.features).collect();
    let residual = |row: &Row| row.label.unwrap_or(row.spot) - row.spot;
    let whole: Vec<f64> = training.iter().map(residual).collect();
    let cut = |row: &Row| residual(row).clamp(-CUT_SCALES * row.scale, CUT_SCALES * row.scale);
    let cut: Vec<f64> = training.iter().map(cut).collect();
    let kept = |fitted: Result<_, FitError>| fitted.ok();
    [
        kept(median_regression(&inputs, &whole)).map(Forecast::Median),
        kept(elastic_net(&inputs, &cut, PENALTY)).map(Forecast::ElasticNet),
    ]
}

/// Compares `forecasts` on the calibration rows of each group and puts one in service there.
fn chosen(day: Day, forecasts: Vec<Forecast>, calibration: &[Row], training_rows: usize) -> Fit {
    let over_all = Choice::on(&forecasts, calibration);
    let has_regression = forecasts.iter().any(|forecast| !forecast.is_baseline());
    let (mut groups, mut reasons) = (Vec::new(), Vec::new());
    for (up_to, name, rows) in grouped(calibration) {
        let choice = Choice::on(&forecasts, &rows);
        let half_width = forecasts.get(choice.serving).and_then(|serves| half_width(serves, &rows));
        let half_width_unmeasured = self::half_width(&UNMEASURED, &rows);
        groups.push(Group { up_to, serving: choice.serving, half_width, half_width_unmeasured });
        reasons.push(format!("{name} markets: {}", choice.reason(&forecasts)));
    }
    let reason = if has_regression {
        format!(
            "{}; over the last {CALIBRATION_DAYS} labelled days, by more than chance",
            reasons.join("; ")
        )
    } else {
        format!("{}; too little history for a regression", reasons.join("; "))
    };
    let compared = over_all.errors.into_iter().zip(over_all.differences);
    let candidates = forecasts
        .into_iter()
        .zip(compared)
        .map(|(forecast, (error, difference))| Candidate { forecast, error, difference })
        .collect();
    Fit { day, candidates, groups, reason, training_rows, measured: BTreeSet::new() }
}

/// The calibration rows by how much the market's rate moved, with the upper end and the name of each group.
fn grouped(calibration: &[Row]) -> Vec<(f64, &'static str, Vec<Row>)> {
    if calibration.len() < GROUPS.len() * FEWEST_IN_GROUP {
        return vec![(f64::INFINITY, "all", calibration.to_vec())];
    }
    let deviations: Vec<f64> = calibration.iter().map(|row| row.deviation30).collect();
    let mut above = f64::NEG_INFINITY;
    let mut groups = Vec::new();
    for (place, name) in GROUPS.into_iter().enumerate() {
        let share = (place + 1) as f64 / GROUPS.len() as f64;
        let cut = quantile(&deviations, share).filter(|_| place + 1 < GROUPS.len());
        let up_to = cut.unwrap_or(f64::INFINITY);
        let is_inside = |row: &&Row| above < row.deviation30 && row.deviation30 <= up_to;
        groups.push((up_to, name, calibration.iter().filter(is_inside).cloned().collect()));
        above = up_to;
    }
    groups
}

/// How far `forecast` missed on `rows`, in their scales, at the quantile that an interval needs.
fn half_width(forecast: &Forecast, rows: &[Row]) -> Option<f64> {
    let miss = |row: &Row| Some((forecast.of(row) - row.label?).abs() / row.scale);
    let misses: Vec<f64> = rows.iter().filter_map(miss).collect();
    // Split-conformal: the quantile of n + 1, so that a new outcome is one of the n + 1.
    let share = COVERAGE * (1.0 + 1.0 / misses.len().max(1) as f64);
    quantile(&misses, share.min(1.0))
}

/// What the comparison of forecasts on some rows says.
struct Choice {
    errors: Vec<Option<f64>>,
    /// Error less the best baseline's, with its interval; `None` for that baseline.
    differences: Vec<Option<(f64, f64, f64)>>,
    baseline: usize,
    serving: usize,
}

impl Choice {
    fn on(forecasts: &[Forecast], rows: &[Row]) -> Choice {
        let errors: Vec<Option<f64>> =
            forecasts.iter().map(|forecast| mean_error(forecast, rows)).collect();
        let known = forecasts.iter().zip(&errors).enumerate();
        let baselines = known.filter(|(_, (forecast, _))| forecast.is_baseline());
        let best = baselines
            .filter_map(|(place, (_, error))| Some((place, (*error)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let baseline = best.map_or(0, |(place, _)| place);
        let against = forecasts.get(baseline);
        let compare = |(place, forecast): (usize, &Forecast)| {
            let against = against.filter(|_| place != baseline)?;
            mean_interval(&differences(forecast, against, rows), COVERAGE, 1)
        };
        let differences: Vec<_> = forecasts.iter().enumerate().map(compare).collect();
        let (mut serving, mut least) = (baseline, 0.0);
        for (place, (forecast, difference)) in forecasts.iter().zip(&differences).enumerate() {
            if let Some((mean, _, high)) = *difference
                && !forecast.is_baseline()
                && high < 0.0
                && mean < least
            {
                (serving, least) = (place, mean);
            }
        }
        Choice { errors, differences, baseline, serving }
    }

    /// What serves and why, with the errors of what does not.
    fn reason(&self, forecasts: &[Forecast]) -> String {
        let text = |place: usize| {
            let error = self.errors.get(place).copied().flatten();
            let error =
                error.map_or("unknown".to_owned(), |error| format!("{:.3} points", error * 100.0));
            format!("{} ({error})", forecasts.get(place).map_or("none", Forecast::name))
        };
        if self.serving != self.baseline {
            return format!("{} was better than {}", text(self.serving), text(self.baseline));
        }
        let fitted = forecasts.iter().enumerate().filter(|(_, forecast)| !forecast.is_baseline());
        let regressions: Vec<String> = fitted.map(|(place, _)| text(place)).collect();
        if regressions.is_empty() {
            return text(self.serving);
        }
        format!("{}, no regression beat it: {}", text(self.serving), regressions.join(", "))
    }
}

fn mean_error(forecast: &Forecast, rows: &[Row]) -> Option<f64> {
    let misses: Vec<f64> =
        rows.iter().filter_map(|row| Some((forecast.of(row) - row.label?).abs())).collect();
    crate::panel::mean(&misses)
}

/// What `forecast` misses by more than `against`, by day.
pub(crate) fn differences(forecast: &Forecast, against: &Forecast, rows: &[Row]) -> Vec<DaySum> {
    let mut days: BTreeMap<Day, DaySum> = BTreeMap::new();
    for row in rows {
        if let Some(label) = row.label {
            let day = days.entry(row.day).or_default();
            day.sum += (forecast.of(row) - label).abs() - (against.of(row) - label).abs();
            day.count += 1.0;
        }
    }
    days.into_values().collect()
}

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;
