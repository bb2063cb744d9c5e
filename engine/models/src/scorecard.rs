//! How good the forecasts were on days that lay ahead when they were fitted, and on markets that no fit
//! has seen.
//!
//! Two ways of serving are scored. The candidates are fitted once, on what was known at the end of the day
//! up to which they train, and `service-once` is what that fit put into service; `service` is refitted on
//! the schedule of the engine, with whatever was in service on each day. All learn from the seen markets
//! alone. Refuses to choose anything: it reports.

mod measure;
mod naive;

pub use naive::{Naive, naive};

use crate::features::{AHEAD_DAYS, rows_on};
use crate::first::{FirstSettings, HISTORY_DAYS};
use crate::forecast::{Fit, is_alive};
use crate::panel::Panel;
use plimsoll_core::{Day, MarketId};
use serde::Serialize;
use std::collections::BTreeMap;

/// The name under which the forecasts of the engine's schedule are reported.
pub const SERVICE: &str = "service";
/// The name under which what the one fit put into service is reported.
pub const SERVICE_ONCE: &str = "service-once";
/// Points in a fraction.
const POINTS: f64 = 100.0;

/// Which days are trained on and which are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ScoredDays {
    /// The last day of which a fit may know anything.
    pub train_to: Day,
    /// The first day scored.
    pub from: Day,
    /// The last day scored; its label needs the seven days after it.
    pub to: Day,
}

impl ScoredDays {
    /// Returns the split that scores `from` to `to`: the day before, less the days that a label looks ahead.
    #[must_use]
    pub fn new(from: Day, to: Day) -> ScoredDays {
        ScoredDays { train_to: from.plus(-1 - AHEAD_DAYS), from, to }
    }
}

/// Whether a market was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// It was, on earlier days.
    Seen,
    /// It never was.
    Unseen,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Mean absolute error, percentage points.
    MaePct,
    /// Root of the mean squared error, percentage points.
    RmsePct,
    /// Mean absolute error less that of the split's best baseline on the same rows, percentage points.
    MaeLessBestBaselinePct,
    /// The share of outcomes inside the interval, which is to hold nine in ten.
    Coverage,
    /// The mean width of that interval, percentage points.
    WidthPct,
}

impl Metric {
    /// The name in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::MaePct => "mae_pct",
            Metric::RmsePct => "rmse_pct",
            Metric::MaeLessBestBaselinePct => "mae_less_best_baseline_pct",
            Metric::Coverage => "coverage",
            Metric::WidthPct => "width_pct",
        }
    }
}

/// One figure; unknown is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Which markets.
    pub split: Split,
    /// Whose forecasts.
    pub model: &'static str,
    /// Whether it is what the engine would have used; never true of a baseline.
    pub in_service: bool,
    /// What is measured.
    pub metric: Metric,
    /// The figure.
    pub value: Option<f64>,
    /// The lower end of its 90 % interval over resampled weeks of days.
    pub lo: Option<f64>,
    /// The upper end.
    pub hi: Option<f64>,
    /// Rows: one market on one day each.
    pub n: usize,
    /// The baseline it is compared with, in lines that compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<&'static str>,
    /// The 90 % interval over resampled markets, in lines that compare: weeks say nothing of how much
    /// hangs on which markets there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_markets: Option<(f64, f64)>,
}

/// One fit of the engine's schedule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Served {
    /// The first day it served.
    pub from: Day,
    /// The day at whose end it was fitted.
    pub fitted: Day,
    /// The forecast in service: one name, or one for each group of markets, the quietest first.
    pub forecast: String,
    /// Why.
    pub reason: String,
    /// Rows it was trained on.
    pub training_rows: usize,
}

impl Served {
    /// Says of `fit` what served from `from` on.
    #[must_use]
    pub fn of(from: Day, fit: &Fit) -> Served {
        Served {
            from,
            fitted: fit.day,
            forecast: fit.service().forecast,
            reason: fit.reason.clone(),
            training_rows: fit.training_rows,
        }
    }
}

/// How good the forecasts were.
#[derive(Debug, Clone, PartialEq)]
pub struct Scorecard {
    /// Every figure: by split, then by model, then by metric.
    pub lines: Vec<Line>,
    /// What was fitted once.
    pub fit: Fit,
    /// What was fitted on the engine's schedule.
    pub served: Vec<Served>,
}

/// Why there is no scorecard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScorecardError {
    /// No market can be scored on these days.
    #[error(
        "no market has {AHEAD_DAYS} days of its index after any day from {from} to {to}; {remedy}"
    )]
    NoLabels {
        /// First day.
        from: Day,
        /// Last day.
        to: Day,
        /// What to do about it.
        remedy: Remedy,
    },
    /// Nothing can be fitted or compared before the scored days.
    #[error(
        "too little history before {from}: what is known up to {train_to} holds no market with a month of \
         rates and a realised week after it; {remedy}"
    )]
    TooLittle {
        /// First day scored.
        from: Day,
        /// The last day of which a fit may know anything.
        train_to: Day,
        /// What to do about it.
        remedy: Remedy,
    },
}

/// What to do about days that cannot be scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Score from this day on, or later.
    From(Day),
    /// Score up to this day at the latest.
    Until(Day),
    /// Give other data.
    OtherData,
}

impl std::fmt::Display for Remedy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Remedy::From(day) => {
                write!(f, "give --from {day} or later, or data that begin earlier")
            }
            Remedy::Until(day) => write!(f, "the last day that can be scored is {day}"),
            Remedy::OtherData => write!(f, "give data with more days and an index"),
        }
    }
}

/// Returns the last day on which any market has a label.
#[must_use]
pub fn last_labelled(panel: &Panel) -> Option<Day> {
    let last = |track: &crate::panel::Track| {
        let days = (track.first.0..track.first.0 + i64::try_from(track.days.len()).ok()?).rev();
        days.map(Day).find(|day| track.realised_apr(*day, AHEAD_DAYS).is_some())
    };
    panel.tracks.iter().filter_map(last).max()
}

/// Scores every forecast on `days`; only markets for which `is_seen` are trained on.
///
/// # Frame
/// Of each market and day: rows with a label of at least zero, twenty of the last thirty rates known, and
/// a mean rate above zero. What a row is scored by is known on its day; the level of all markets, which is
/// one feature, is that of seen and unseen ones, as it is for the engine.
///
/// # Errors
/// [`ScorecardError`].
pub fn scorecard(
    panel: &Panel,
    days: ScoredDays,
    is_seen: &dyn Fn(&MarketId) -> bool,
) -> Result<Scorecard, ScorecardError> {
    let fitted_at = |day: Day| Fit::at(&panel.as_of(day, HISTORY_DAYS, is_seen), day, &|_| true);
    let fit = fitted_at(days.train_to);
    if fit.candidates.iter().all(|candidate| candidate.error.is_none()) {
        return Err(too_little(panel, days));
    }
    let outcomes = measure::outcomes(panel, days, is_seen);
    if outcomes.is_empty() {
        return Err(no_labels(panel, days));
    }
    let mut fits: BTreeMap<Day, Fit> = BTreeMap::new();
    let mut served = Vec::new();
    for day in (days.from.0..=days.to.0).map(Day) {
        let fitted = FirstSettings::default().fit_day(day);
        fits.entry(fitted).or_insert_with(|| {
            let fit = fitted_at(fitted);
            served.push(Served::of(day, &fit));
            fit
        });
    }
    let lines = measure::lines(&fit, &fits, &outcomes);
    Ok(Scorecard { lines, fit, served })
}

fn no_labels(panel: &Panel, days: ScoredDays) -> ScorecardError {
    let last = last_labelled(panel);
    let remedy = match last {
        Some(last) if last < days.to => Remedy::Until(last),
        Some(_) => first_scored(panel).map_or(Remedy::OtherData, Remedy::From),
        None => Remedy::OtherData,
    };
    ScorecardError::NoLabels { from: days.from, to: days.to, remedy }
}

fn too_little(panel: &Panel, days: ScoredDays) -> ScorecardError {
    let remedy = first_scored(panel).map_or(Remedy::OtherData, |first| {
        // Its label has to be known on the last day that is trained on.
        Remedy::From(first.plus(2 * AHEAD_DAYS + 1))
    });
    ScorecardError::TooLittle { from: days.from, train_to: days.train_to, remedy }
}

/// The first day with a row that has a label.
fn first_scored(panel: &Panel) -> Option<Day> {
    let first = panel.tracks.iter().map(|track| track.first).min()?;
    let last = last_labelled(panel)?;
    let has_row =
        |day: &Day| rows_on(panel, *day).iter().any(|row| row.label.is_some() && is_alive(row));
    (first.0..=last.0).map(Day).find(has_row)
}

#[cfg(test)]
#[path = "scorecard_tests.rs"]
mod tests;
