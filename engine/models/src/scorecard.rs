//! How good the forecasts were on days that lay ahead when they were fitted, and on markets that no fit
//! has seen.
//!
//! Two ways of serving are scored. The candidates are fitted once, on what was known at the end of the day
//! up to which they train; `service` is refitted on the schedule of the engine, with whatever forecast was
//! in service on each day. Both learn from the seen markets alone. Refuses to choose anything: it reports.

use crate::bootstrap::{DaySum, mean_interval};
use crate::features::{AHEAD_DAYS, Row, rows_on};
use crate::first::{FirstSettings, HISTORY_DAYS};
use crate::forecast::{COVERAGE, Fit, Forecast, is_alive};
use crate::panel::Panel;
use plimsoll_core::{Day, MarketId};
use serde::Serialize;
use std::collections::BTreeMap;

/// The name under which the forecasts of the engine's schedule are reported.
pub const SERVICE: &str = "service";
/// The seed of every interval.
const SEED: u64 = 1;
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
    /// The share of outcomes inside the interval that is to hold [`COVERAGE`] of them.
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
}

/// One fit of the engine's schedule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Served {
    /// The first day it served.
    pub from: Day,
    /// The day at whose end it was fitted.
    pub fitted: Day,
    /// The forecast in service.
    pub forecast: &'static str,
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
            forecast: fit.forecast().name(),
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
    let outcomes = outcomes(panel, days, is_seen);
    if outcomes.is_empty() {
        return Err(no_labels(panel, days));
    }
    let fitted_at = |day: Day| Fit::at(&panel.as_of(day, HISTORY_DAYS, is_seen), day, &|_| true);
    let fit = fitted_at(days.train_to);
    if fit.candidates.iter().all(|candidate| candidate.error.is_none()) {
        return Err(too_little(panel, days));
    }
    let mut fits: BTreeMap<Day, Fit> = BTreeMap::new();
    let mut served = Vec::new();
    for day in (days.from.0..=days.to.0).map(Day) {
        let fitted = FirstSettings::default().fit_day(day);
        if !fits.contains_key(&fitted) {
            let fit = fitted_at(fitted);
            served.push(Served::of(day, &fit));
            fits.insert(fitted, fit);
        }
    }
    let models = models(&fit, &fits, &outcomes);
    let lines = [Split::Seen, Split::Unseen]
        .into_iter()
        .flat_map(|split| split_lines(split, &models, &outcomes))
        .collect();
    Ok(Scorecard { lines, fit, served })
}

/// The errors of two rules that need nothing but rates and an index.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Naive {
    /// Mean absolute error of the newest rate, percentage points.
    pub spot_mae_pct: Option<f64>,
    /// Mean absolute error of the mean of the known rates of seven days, percentage points.
    pub mean7_mae_pct: Option<f64>,
    /// Rows.
    pub n: usize,
}

/// Returns the errors on every row of `from` to `to` that has a rate and a label of at least zero,
/// whatever is known of the month before.
#[must_use]
pub fn naive(panel: &Panel, from: Day, to: Day) -> Naive {
    let (mut spot, mut mean7) = (Vec::new(), Vec::new());
    let days = (from.0..=to.0).map(Day);
    for (day, track) in days.flat_map(|day| panel.tracks.iter().map(move |track| (day, track))) {
        let newest = track.at(day).and_then(|row| row.supply_apr);
        let label = track.realised_apr(day, AHEAD_DAYS).filter(|label| *label >= 0.0);
        let week = crate::panel::mean(&track.known(day, 7, |row| row.supply_apr));
        if let (Some(newest), Some(week), Some(label)) = (newest, week, label) {
            spot.push((newest - label).abs() * POINTS);
            mean7.push((week - label).abs() * POINTS);
        }
    }
    let mean = crate::panel::mean;
    Naive { spot_mae_pct: mean(&spot), mean7_mae_pct: mean(&mean7), n: spot.len() }
}

/// A row with what came of it.
struct Outcome {
    row: Row,
    label: f64,
    split: Split,
}

/// What a model said of an outcome.
#[derive(Clone, Copy)]
struct Said {
    rate: f64,
    interval: Option<(f64, f64)>,
}

/// A model with what it said of every outcome, in their order.
struct Model {
    name: &'static str,
    is_baseline: bool,
    in_service: bool,
    said: Vec<Option<Said>>,
}

fn outcomes(panel: &Panel, days: ScoredDays, is_seen: &dyn Fn(&MarketId) -> bool) -> Vec<Outcome> {
    let splits: Vec<Split> = panel
        .tracks
        .iter()
        .map(|track| if is_seen(&track.market) { Split::Seen } else { Split::Unseen })
        .collect();
    let rows = (days.from.0..=days.to.0).flat_map(|day| rows_on(panel, Day(day)));
    rows.filter(is_alive)
        .filter_map(|row| {
            // An index that fell is a loss or a stale node; neither says anything of a rate.
            let label = row.label.filter(|label| *label >= 0.0)?;
            Some(Outcome { label, split: *splits.get(row.track)?, row })
        })
        .collect()
}

fn models(fit: &Fit, fits: &BTreeMap<Day, Fit>, outcomes: &[Outcome]) -> Vec<Model> {
    let said = |fit: &Fit, forecast: &Forecast, row: &Row| {
        let rate = forecast.of(row);
        Said { rate, interval: fit.interval(row, rate) }
    };
    let mut models: Vec<Model> = Forecast::NAMES
        .into_iter()
        .map(|name| {
            let known = fit.candidates.iter().find(|candidate| candidate.forecast.name() == name);
            let said = |outcome: &Outcome| Some(said(fit, &known?.forecast, &outcome.row));
            let is_baseline = known.is_some_and(|candidate| candidate.forecast.is_baseline());
            Model {
                name,
                is_baseline,
                in_service: !is_baseline && fit.forecast().name() == name,
                said: outcomes.iter().map(said).collect(),
            }
        })
        .collect();
    let serving = |outcome: &Outcome| {
        let fit = fits.get(&FirstSettings::default().fit_day(outcome.row.day))?;
        Some(said(fit, fit.forecast(), &outcome.row))
    };
    models.push(Model {
        name: SERVICE,
        is_baseline: false,
        in_service: true,
        said: outcomes.iter().map(serving).collect(),
    });
    models
}

/// The mean of something over rows, its interval, and how many rows.
type Measured = (Option<(f64, f64, f64)>, usize);

/// The mean of `of` over the split's outcomes that have it.
fn measured(
    split: Split,
    outcomes: &[Outcome],
    of: impl Fn(usize, &Outcome) -> Option<f64>,
) -> Measured {
    let mut days: BTreeMap<Day, DaySum> = BTreeMap::new();
    let mut count = 0;
    for (place, outcome) in outcomes.iter().enumerate().filter(|(_, one)| one.split == split) {
        if let Some(value) = of(place, outcome) {
            let day = days.entry(outcome.row.day).or_default();
            day.sum += value;
            day.count += 1.0;
            count += 1;
        }
    }
    let days: Vec<DaySum> = days.into_values().collect();
    (mean_interval(&days, COVERAGE, SEED), count)
}

fn split_lines(split: Split, models: &[Model], outcomes: &[Outcome]) -> Vec<Line> {
    let miss = |model: &Model, place: usize, outcome: &Outcome| {
        Some((model.said.get(place)?.as_ref()?.rate - outcome.label).abs())
    };
    let mut best: Option<(&Model, f64)> = None;
    for model in models.iter().filter(|model| model.is_baseline) {
        let (found, _) = measured(split, outcomes, |place, outcome| miss(model, place, outcome));
        if let Some((error, ..)) = found
            && best.is_none_or(|(_, least)| error < least)
        {
            best = Some((model, error));
        }
    }
    let mut lines = Vec::new();
    for model in models {
        let mut add = |metric: Metric, (found, n): Measured, scale: f64| {
            let found = found.map(|(value, lo, hi)| (value * scale, lo * scale, hi * scale));
            let is_paired = metric == Metric::MaeLessBestBaselinePct;
            lines.push(Line {
                split,
                model: model.name,
                in_service: model.in_service,
                metric,
                value: found.map(|found| found.0),
                lo: found.map(|found| found.1),
                hi: found.map(|found| found.2),
                n,
                against: best.filter(|_| is_paired).map(|(best, _)| best.name),
            });
        };
        let over = |of: &dyn Fn(usize, &Outcome) -> Option<f64>| measured(split, outcomes, of);
        add(Metric::MaePct, over(&|place, outcome| miss(model, place, outcome)), POINTS);
        let (square, n) =
            over(&|place, outcome| miss(model, place, outcome).map(|miss| miss * miss));
        let root = square.map(|(value, lo, hi)| (value.sqrt(), lo.sqrt(), hi.sqrt()));
        add(Metric::RmsePct, (root, n), POINTS);
        let paired = over(&|place, outcome| {
            Some(miss(model, place, outcome)? - miss(best?.0, place, outcome)?)
        });
        add(Metric::MaeLessBestBaselinePct, paired, POINTS);
        if model.in_service {
            let interval = |place: usize| model.said.get(place)?.as_ref()?.interval;
            let inside = over(&|place, outcome| {
                let (low, high) = interval(place)?;
                Some(f64::from(u8::from((low..=high).contains(&outcome.label))))
            });
            add(Metric::Coverage, inside, 1.0);
            let width = over(&|place, _| interval(place).map(|(low, high)| high - low));
            add(Metric::WidthPct, width, POINTS);
        }
    }
    lines
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
