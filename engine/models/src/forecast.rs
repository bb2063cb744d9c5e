//! Forecasts of the rate that a market will have paid a week from now: baselines, regressions, and which of
//! them is in service.
//!
//! A regression serves only where it beat the best baseline on the days before, by more than chance; else
//! the baseline serves, and says so.

use crate::bootstrap::{DaySum, mean_interval};
use crate::features::{AHEAD_DAYS, NAMES, Row, rows_on};
use crate::panel::{Panel, quantile};
use crate::regression::{FitError, Linear, elastic_net, median_regression};
use plimsoll_core::Day;
use plimsoll_frame::Service;
use std::collections::BTreeMap;

/// Days before a fit on which candidates are compared and intervals are measured.
pub const CALIBRATION_DAYS: i64 = 28;
/// Fewest days of training before a regression is tried.
const FEWEST_TRAINING_DAYS: i64 = 30;
/// Every so many days are trained on: labels of neighbouring days overlap.
const STRIDE_DAYS: i64 = 2;
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

/// Fitted forecasts, and the one that serves.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The day at whose end it was fitted.
    pub day: Day,
    /// Every candidate, the baselines first.
    pub candidates: Vec<Candidate>,
    /// The place of the one that serves.
    pub serving: usize,
    /// Half the width of the interval, in scales of a row; `None` where too little is known.
    pub half_width: Option<f64>,
    /// Why it serves.
    pub reason: String,
    /// Rows trained on.
    pub training_rows: usize,
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
        let mut forecasts: Vec<Forecast> = Baseline::ALL.map(Forecast::Baseline).into();
        forecasts.extend(regressions(&training).into_iter().flatten());
        chosen(day, forecasts, &calibration, training.len())
    }

    /// The forecast in service.
    #[must_use]
    pub fn forecast(&self) -> &Forecast {
        const FALLBACK: Forecast = Forecast::Baseline(Baseline::Persistence);
        self.candidates.get(self.serving).map_or(&FALLBACK, |candidate| &candidate.forecast)
    }

    /// Returns the interval of the realised rate of the next seven days around `rate`.
    #[must_use]
    pub fn interval(&self, row: &Row, rate: f64) -> Option<(f64, f64)> {
        let half = self.half_width? * row.scale;
        Some(((rate - half).max(0.0), rate + half))
    }

    /// What is in service, for people.
    #[must_use]
    pub fn service(&self) -> Service {
        Service { forecast: self.forecast().name().to_owned(), reason: self.reason.clone() }
    }
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

/// Compares `forecasts` on the calibration rows and puts one in service.
fn chosen(day: Day, forecasts: Vec<Forecast>, calibration: &[Row], training_rows: usize) -> Fit {
    let error_of = |forecast: &Forecast| mean_error(forecast, calibration);
    let mut best: Option<(usize, f64)> = None;
    for (place, forecast) in forecasts.iter().enumerate().filter(|(_, f)| f.is_baseline()) {
        if let Some(error) = error_of(forecast)
            && best.is_none_or(|(_, known)| error < known)
        {
            best = Some((place, error));
        }
    }
    let baseline = best.map_or(0, |(place, _)| place);
    let against = forecasts.get(baseline).cloned();
    let mut serving = baseline;
    let mut least = 0.0;
    let candidates: Vec<Candidate> = forecasts
        .into_iter()
        .enumerate()
        .map(|(place, forecast)| {
            let difference = against.as_ref().filter(|_| place != baseline).and_then(|against| {
                mean_interval(&differences(&forecast, against, calibration), COVERAGE, 1)
            });
            if let Some((mean, _, high)) = difference
                && !forecast.is_baseline()
                && high < 0.0
                && mean < least
            {
                (serving, least) = (place, mean);
            }
            Candidate { error: error_of(&forecast), difference, forecast }
        })
        .collect();
    let half_width = candidates.get(serving).and_then(|candidate| {
        let miss = |row: &Row| Some((candidate.forecast.of(row) - row.label?).abs() / row.scale);
        let misses: Vec<f64> = calibration.iter().filter_map(miss).collect();
        // Split-conformal: the quantile of n + 1, so that a new outcome is one of the n + 1.
        let share = COVERAGE * (1.0 + 1.0 / misses.len().max(1) as f64);
        quantile(&misses, share.min(1.0))
    });
    let reason = reason(&candidates, serving, baseline);
    Fit { day, candidates, serving, half_width, reason, training_rows }
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

fn reason(candidates: &[Candidate], serving: usize, baseline: usize) -> String {
    let text = |place: usize| {
        let candidate = candidates.get(place);
        let error = candidate.and_then(|candidate| candidate.error);
        let error =
            error.map_or("unknown".to_owned(), |error| format!("{:.3} points", error * 100.0));
        let name = candidate.map_or("none", |candidate| candidate.forecast.name());
        format!("{name} ({error})")
    };
    let regressions: Vec<String> = candidates
        .iter()
        .enumerate()
        .filter(|(place, candidate)| *place != serving && !candidate.forecast.is_baseline())
        .map(|(place, _)| text(place))
        .collect();
    if serving != baseline {
        return format!(
            "{} was better than {} over the last {CALIBRATION_DAYS} labelled days by more than chance",
            text(serving),
            text(baseline)
        );
    }
    if regressions.is_empty() {
        return format!("{}: too little history for a regression", text(serving));
    }
    format!(
        "{}: no regression beat it over the last {CALIBRATION_DAYS} labelled days by more than chance: {}",
        text(serving),
        regressions.join(", ")
    )
}

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;
