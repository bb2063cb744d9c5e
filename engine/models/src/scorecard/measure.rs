//! What each model said of each outcome, and how far off it was.

use super::{Line, Metric, POINTS, SERVICE, SERVICE_ONCE, ScoredDays, Split};
use crate::bootstrap::{DaySum, cluster_interval, mean_interval};
use crate::features::{Row, rows_on};
use crate::first::FirstSettings;
use crate::forecast::{COVERAGE, Fit, Forecast, is_alive};
use crate::panel::Panel;
use plimsoll_core::{Day, MarketId};
use std::collections::BTreeMap;

/// The seed of every interval.
const SEED: u64 = 1;

/// A row with what came of it.
pub(super) struct Outcome {
    market: MarketId,
    row: Row,
    label: f64,
    split: Split,
}

/// The rows of `days` that can be scored, with their labels.
pub(super) fn outcomes(
    panel: &Panel,
    days: ScoredDays,
    is_seen: &dyn Fn(&MarketId) -> bool,
) -> Vec<Outcome> {
    let side = |market: &MarketId| if is_seen(market) { Split::Seen } else { Split::Unseen };
    let rows = (days.from.0..=days.to.0).flat_map(|day| rows_on(panel, Day(day)));
    rows.filter(is_alive)
        .filter_map(|row| {
            // An index that fell is a loss or a stale node; neither says anything of a rate.
            let label = row.label.filter(|label| *label >= 0.0)?;
            let market = panel.tracks.get(row.track)?.market.clone();
            Some(Outcome { label, split: side(&market), market, row })
        })
        .collect()
}

/// Every figure, by split, then by model, then by metric.
pub(super) fn lines(fit: &Fit, fits: &BTreeMap<Day, Fit>, outcomes: &[Outcome]) -> Vec<Line> {
    let models = models(fit, fits, outcomes);
    let each = [Split::Seen, Split::Unseen].into_iter().flat_map(|split| {
        let sheet = Sheet::new(split, outcomes, &models);
        models.iter().flat_map(move |model| sheet.lines(model)).collect::<Vec<_>>()
    });
    each.collect()
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

impl Model {
    /// How far it was off.
    fn miss(&self, place: usize, outcome: &Outcome) -> Option<f64> {
        Some((self.said.get(place)?.as_ref()?.rate - outcome.label).abs())
    }

    fn interval(&self, place: usize) -> Option<(f64, f64)> {
        self.said.get(place)?.as_ref()?.interval
    }
}

fn models(fit: &Fit, fits: &BTreeMap<Day, Fit>, outcomes: &[Outcome]) -> Vec<Model> {
    let said = |fit: &Fit, forecast: &Forecast, outcome: &Outcome| {
        let rate = forecast.of(&outcome.row);
        Said { rate, interval: fit.interval(&outcome.market, &outcome.row, rate) }
    };
    let served = |fit: &Fit, outcome: &Outcome| {
        said(fit, fit.forecast(&outcome.market, &outcome.row), outcome)
    };
    let once = |outcome: &Outcome| Some(served(fit, outcome));
    let serving = |outcome: &Outcome| {
        let fit = fits.get(&FirstSettings::default().fit_day(outcome.row.day))?;
        Some(served(fit, outcome))
    };
    let candidate = |name: &'static str| {
        let known = fit.candidates.iter().find(|candidate| candidate.forecast.name() == name);
        let said = |outcome: &Outcome| Some(said(fit, &known?.forecast, outcome));
        let is_baseline = known.is_some_and(|candidate| candidate.forecast.is_baseline());
        Model {
            name,
            is_baseline,
            // What serves some groups of markets only is scored on them under `service-once`.
            in_service: !is_baseline && fit.serving().all(|serving| serving == name),
            said: outcomes.iter().map(said).collect(),
        }
    };
    let in_service = |name: &'static str, said: Vec<Option<Said>>| Model {
        name,
        is_baseline: false,
        in_service: true,
        said,
    };
    let mut models: Vec<Model> = Forecast::NAMES.into_iter().map(candidate).collect();
    models.push(in_service(SERVICE_ONCE, outcomes.iter().map(once).collect()));
    models.push(in_service(SERVICE, outcomes.iter().map(serving).collect()));
    models
}

/// The outcomes of one split, and the baseline that was best on them.
#[derive(Clone, Copy)]
struct Sheet<'a> {
    split: Split,
    outcomes: &'a [Outcome],
    best: Option<&'a Model>,
}

/// The mean of something over rows with its interval over weeks.
#[derive(Default)]
struct Measured {
    found: Option<(f64, f64, f64)>,
    over_markets: Option<(f64, f64)>,
    n: usize,
}

impl<'a> Sheet<'a> {
    fn new(split: Split, outcomes: &'a [Outcome], models: &'a [Model]) -> Sheet<'a> {
        let blank = Sheet { split, outcomes, best: None };
        let baselines = models.iter().filter(|model| model.is_baseline);
        let errors = baselines.filter_map(|model| Some((model, blank.error(model).found?.0)));
        let best = errors.min_by(|a, b| a.1.total_cmp(&b.1));
        Sheet { best: best.map(|(model, _)| model), ..blank }
    }

    /// The mean of `of` over the outcomes that have it.
    fn mean(&self, of: impl Fn(usize, &Outcome) -> Option<f64>) -> Measured {
        let mut days: BTreeMap<Day, DaySum> = BTreeMap::new();
        let mut markets: BTreeMap<usize, DaySum> = BTreeMap::new();
        let mut n = 0;
        let inside = self.outcomes.iter().enumerate().filter(|(_, one)| one.split == self.split);
        for (place, outcome) in inside {
            let Some(value) = of(place, outcome) else { continue };
            let row = &outcome.row;
            for sums in [days.entry(row.day).or_default(), markets.entry(row.track).or_default()] {
                sums.sum += value;
                sums.count += 1.0;
            }
            n += 1;
        }
        let sums = |sums: Vec<DaySum>| mean_interval(&sums, COVERAGE, SEED);
        let clusters: Vec<DaySum> = markets.into_values().collect();
        let over_markets = cluster_interval(&clusters, COVERAGE, SEED);
        Measured {
            found: sums(days.into_values().collect()),
            over_markets: over_markets.map(|(_, low, high)| (low, high)),
            n,
        }
    }

    fn error(&self, model: &Model) -> Measured {
        self.mean(|place, outcome| model.miss(place, outcome))
    }

    fn lines(&self, model: &Model) -> Vec<Line> {
        let square = self.mean(|place, outcome| Some(model.miss(place, outcome)?.powi(2)));
        let root = |(mean, low, high): (f64, f64, f64)| (mean.sqrt(), low.sqrt(), high.sqrt());
        let rmse = Measured { found: square.found.map(root), ..square };
        let paired = self.mean(|place, outcome| {
            Some(model.miss(place, outcome)? - self.best?.miss(place, outcome)?)
        });
        let mut lines = vec![
            self.line(model, Metric::MaePct, self.error(model)),
            self.line(model, Metric::RmsePct, rmse),
            self.line(model, Metric::MaeLessBestBaselinePct, paired),
        ];
        if model.in_service {
            let inside = self.mean(|place, outcome| {
                let (low, high) = model.interval(place)?;
                Some(f64::from(u8::from((low..=high).contains(&outcome.label))))
            });
            let width = self.mean(|place, _| model.interval(place).map(|(low, high)| high - low));
            lines.push(self.line(model, Metric::Coverage, inside));
            lines.push(self.line(model, Metric::WidthPct, width));
        }
        lines
    }

    fn line(&self, model: &Model, metric: Metric, measured: Measured) -> Line {
        let scale = if metric == Metric::Coverage { 1.0 } else { POINTS };
        let is_paired = metric == Metric::MaeLessBestBaselinePct;
        let over_markets = measured.over_markets.filter(|_| is_paired);
        Line {
            split: self.split,
            model: model.name,
            in_service: model.in_service,
            metric,
            value: measured.found.map(|found| found.0 * scale),
            lo: measured.found.map(|found| found.1 * scale),
            hi: measured.found.map(|found| found.2 * scale),
            n: measured.n,
            against: self.best.filter(|_| is_paired).map(|best| best.name),
            over_markets: over_markets.map(|(low, high)| (low * scale, high * scale)),
        }
    }
}
