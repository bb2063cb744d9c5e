//! The first risk model: forecasts on a schedule, curves, priors and bootstrapped months, in one table.

use crate::curves::{elasticity, fitted};
use crate::features::{Row, rows_on};
use crate::forecast::Fit;
use crate::kinds::{self, KindSettings};
use crate::panel::{Panel, Track, mean};
use crate::priors::{Priors, PriorsError};
use crate::scenarios::{self, months, rare_losses};
use plimsoll_core::{Curve, Day, Lending, MarketId, RareLosses, Scenarios, Time};
use plimsoll_frame::{Asked, RiskModel, Score, Scores, Service, Terms, View};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Days of history that are looked at.
pub(crate) const HISTORY_DAYS: i64 = 400;
/// Days of history that matter where no forecast is asked for: months are drawn from the most of them.
const LIMITS_DAYS: i64 = scenarios::HISTORY_DAYS + 1;
/// Days of free shares that a score keeps.
const FREE_DAYS: i64 = 60;
/// The seed of every draw: the same view gives the same scenarios.
const SEED: u64 = 20_260_101;

/// Markets, each with the issuer of its asset.
type Issued = Vec<(MarketId, Option<String>)>;

/// Parameters of [`FirstModel`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FirstSettings {
    /// Days between fits of the forecasts.
    pub refit_days: i64,
    /// Days over which a decision earns: rewards are counted as far as they last.
    pub horizon_days: f64,
    /// How much of the sustainable rate is the forecast of a week; the rest is the mean of thirty days.
    pub week_share: f64,
}

impl Default for FirstSettings {
    fn default() -> FirstSettings {
        FirstSettings { refit_days: 28, horizon_days: 30.0, week_share: 0.3 }
    }
}

impl FirstSettings {
    /// Returns the day at whose end the forecasts that serve on `today` were fitted.
    #[must_use]
    pub fn fit_day(&self, today: Day) -> Day {
        Day(today.0.div_euclid(self.refit_days) * self.refit_days)
    }
}

/// Scores by a weekly forecast with a conformal interval, exact or fitted curves, stated priors and a block
/// bootstrap.
#[derive(Debug)]
pub struct FirstModel {
    settings: FirstSettings,
    priors: Priors,
    /// Fits by day and by a fingerprint of what was known: the same view is not fitted twice. Leaves no
    /// trace in any answer.
    fits: Mutex<BTreeMap<(Day, u64), Arc<Fit>>>,
    /// The rare losses of each set of markets, which follow from it alone.
    rare: Mutex<BTreeMap<Issued, Arc<RareLosses>>>,
}

impl FirstModel {
    /// Returns the model with the stated priors.
    ///
    /// # Errors
    /// [`PriorsError`] where the compiled-in file cannot be used.
    pub fn new(settings: FirstSettings) -> Result<FirstModel, PriorsError> {
        Ok(FirstModel {
            settings,
            priors: Priors::stated()?,
            fits: Mutex::default(),
            rare: Mutex::default(),
        })
    }

    /// Returns the same model without anything fitted.
    #[must_use]
    pub fn fresh(&self) -> FirstModel {
        FirstModel {
            settings: self.settings,
            priors: self.priors.clone(),
            fits: Mutex::default(),
            rare: Mutex::default(),
        }
    }

    /// Returns the forecasts fitted at the last day of the schedule.
    fn fit(&self, panel: &Panel) -> Arc<Fit> {
        let day = self.settings.fit_day(panel.today);
        let key = (day, fingerprint(panel, day));
        let lock = || self.fits.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&key).cloned();
        known.unwrap_or_else(|| {
            let fit = Arc::new(Fit::at(panel, day, &|_| true));
            lock().entry(key).or_insert(fit).clone()
        })
    }

    /// Returns the rare losses of `markets`, drawn once for each set of them.
    fn rare(&self, markets: Issued) -> Arc<RareLosses> {
        let mut drawn = self.rare.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rare) = drawn.get(&markets) {
            return rare.clone();
        }
        let rare = Arc::new(rare_losses(&markets, &self.priors, SEED));
        drawn.insert(markets, rare.clone());
        rare
    }

    /// Returns the panel that was read, every market's score, and the forecast in service.
    fn forecast(&self, view: &View<'_>) -> (Panel, BTreeMap<MarketId, Score>, Service) {
        let today = view.clock().day();
        // The window begins where it began at the last fit, so that one fit serves until the next.
        let since = today.0 - self.settings.fit_day(today).0;
        let panel = Panel::new(view, HISTORY_DAYS + since);
        let fit = self.fit(&panel);
        let rows: BTreeMap<usize, Row> =
            rows_on(&panel, today).into_iter().map(|row| (row.track, row)).collect();
        let each = panel.tracks.iter().enumerate().map(|(place, track)| {
            let seen = Seen { fit: &fit, row: rows.get(&place) };
            (track.market.clone(), self.score(view, track, today, seen))
        });
        let each = each.collect();
        (panel, each, fit.service())
    }

    fn score(&self, view: &View<'_>, track: &Track, today: Day, seen: Seen<'_>) -> Score {
        let terms = view.terms(&track.market);
        let issuer = terms.and_then(|terms| terms.issuer.as_deref());
        let newest = track.at(today).or_else(|| track.at(today.plus(-1)));
        let month = mean(&track.known(today, 30, |row| row.supply_apr));
        let rate = seen.row.map(|row| seen.fit.forecast(&track.market, row).of(row));
        let week = self.settings.week_share;
        let interest = rate
            .or(newest.and_then(|row| row.supply_apr))
            .map(|rate| week * rate + (1.0 - week) * month.unwrap_or(rate));
        let rewards = newest.and_then(|row| row.reward_apr).unwrap_or_default();
        let lasting = rewards * self.lasting(terms, view.clock());
        let advertised = newest.and_then(|row| row.supply_apr).map(|rate| rate + rewards);
        let shape = Shape::of(track, today, terms);
        let base = Score {
            advertised_apr: advertised,
            realised_apr: track.realised_apr(today.plus(-7), 7),
            sustainable_apr: interest.map(|interest| interest + lasting),
            interval: seen
                .row
                .zip(rate)
                .and_then(|(row, rate)| seen.fit.interval(&track.market, row, rate)),
            p_loss_1y: Some(self.priors.p_loss_1y(&track.market, issuer)),
            expected_loss: self.priors.expected_loss(&track.market, issuer),
            target_utilization: shape.as_ref().map(|shape| shape.curve.target()),
            curve_error: shape.as_ref().and_then(|shape| shape.error),
            lending: shape.and_then(|shape| {
                let resting = shape.at_rest(track, today)?;
                Some(Lending {
                    elasticity: elasticity(track, today, &shape.curve),
                    rewards: lasting * resting.supplied,
                    ..resting
                })
            }),
            free_shares: track.known(today, FREE_DAYS, |row| {
                let (exit, tvl) = (row.exit_usd?, row.tvl_usd?);
                (tvl > 0.0).then(|| exit / tvl)
            }),
            ..Score::default()
        };
        let Some(terms) = terms.filter(|terms| !terms.kind.is_lending()) else { return base };
        // There the index is the root of the pair's price: its growth is no yield.
        let is_foreign = terms.pool.is_some_and(|pool| pool.is_foreign);
        let base = Score { realised_apr: base.realised_apr.filter(|_| !is_foreign), ..base };
        let lasting = self.lasting(Some(terms), view.clock());
        let queue_days = view.quote(&track.market).and_then(|quote| quote.exit_delay_days);
        let known = kinds::Seen { track, terms, today, lasting, queue_days };
        kinds::scored(&self.kinds(), &known, base)
    }

    /// The same parameters for the other kinds.
    fn kinds(&self) -> KindSettings {
        KindSettings {
            horizon_days: self.settings.horizon_days,
            week_share: self.settings.week_share,
            ..KindSettings::default()
        }
    }

    /// The share of the horizon that today's rewards last; half of it where nobody says when they end, none where
    /// we do not claim them.
    fn lasting(&self, terms: Option<&Terms>, now: Time) -> f64 {
        if terms.is_some_and(|terms| terms.rewards_unclaimed) {
            return 0.0;
        }
        let Some(end) = terms.and_then(|terms| terms.rewards_end) else { return 0.5 };
        let days = (end.0 - now.0) as f64 / plimsoll_core::time::DAY_MS as f64;
        (days / self.settings.horizon_days).clamp(0.0, 1.0)
    }
}

/// What was fitted, and the market's row of features.
#[derive(Clone, Copy)]
struct Seen<'a> {
    fit: &'a Fit,
    row: Option<&'a Row>,
}

/// What the limits need of a market: how full it is. The rest is unknown.
fn fullness(view: &View<'_>, track: &Track, today: Day) -> Score {
    let shape = Shape::of(track, today, view.terms(&track.market));
    Score {
        target_utilization: shape.as_ref().map(|shape| shape.curve.target()),
        lending: shape.and_then(|shape| shape.at_rest(track, today)),
        ..Score::default()
    }
}

/// A curve that is known or fitted.
struct Shape {
    curve: Curve,
    reserve_factor: f64,
    error: Option<f64>,
}

impl Shape {
    fn of(track: &Track, today: Day, terms: Option<&Terms>) -> Option<Shape> {
        let stated = terms.and_then(|terms| Some((terms.curve?, terms.reserve_factor?)));
        if let Some((curve, reserve_factor)) = stated {
            return Some(Shape { curve, reserve_factor, error: None });
        }
        let fit = fitted(track, today)?;
        let curve = Curve::Kinked(fit.curve);
        Some(Shape { curve, reserve_factor: 0.0, error: Some(fit.error) })
    }

    /// The market as it stands, as if its borrowers never answered and no reward were paid; `None` where its
    /// size or utilization is unknown.
    fn at_rest(&self, track: &Track, today: Day) -> Option<Lending> {
        let row = track.at(today).or_else(|| track.at(today.plus(-1)))?;
        let (supplied, utilization) = (row.tvl_usd?, row.utilization.unwrap_or(0.0));
        let borrowed = supplied * utilization;
        Some(Lending::at_rest(self.curve, self.reserve_factor, supplied, borrowed))
    }
}

/// Bits of everything a fit on `day` reads.
fn fingerprint(panel: &Panel, day: Day) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut eat = |bits: u64| hash = (hash ^ bits).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
    for track in &panel.tracks {
        for byte in track.market.as_str().bytes() {
            eat(u64::from(byte));
        }
        eat(track.first.0.cast_unsigned());
        for (at, row) in (track.first.0..=day.0).zip(&track.days) {
            eat(at.cast_unsigned());
            for value in [row.supply_apr, row.share_price, row.utilization] {
                eat(value.map_or(1, f64::to_bits));
            }
        }
    }
    hash
}

impl RiskModel for FirstModel {
    fn name(&self) -> &'static str {
        "first"
    }

    fn scores(&self, view: &View<'_>, asked: Asked) -> Scores {
        let today = view.clock().day();
        let (panel, each, service) = match asked {
            Asked::Limits => {
                let panel = Panel::new(view, LIMITS_DAYS);
                let score = |track: &Track| (track.market.clone(), fullness(view, track, today));
                let each = panel.tracks.iter().map(score).collect();
                (panel, each, Service::default())
            }
            Asked::Everything => self.forecast(view),
        };
        let issuer = |market: &MarketId| view.terms(market).and_then(|terms| terms.issuer.clone());
        let markets: Vec<MarketId> =
            panel.tracks.iter().map(|track| track.market.clone()).collect();
        let issued = markets.iter().map(|market| (market.clone(), issuer(market))).collect();
        let rare = self.rare(issued);
        let held = |track: &Track| {
            let kind = view.terms(&track.market).map(|terms| terms.kind).unwrap_or_default();
            (kind, each.get(&track.market).and_then(|score| score.pooled))
        };
        let months = months(&panel, &held, SEED);
        let scenarios = Arc::new(Scenarios { markets, months, rare });
        Scores { clock: Some(view.clock()), each, scenarios, service }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_expected_of_rewards_that_nobody_claims() {
        let model = FirstModel::new(FirstSettings::default()).unwrap();
        let now = Time(0);
        let end = Some(Time(plimsoll_core::time::DAY_MS * 10_000));
        let claimed = Terms { rewards_end: end, ..Terms::default() };
        let unclaimed = Terms { rewards_unclaimed: true, ..claimed.clone() };
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12);
        close(model.lasting(Some(&claimed), now), 1.0);
        close(model.lasting(None, now), 0.5);
        close(model.lasting(Some(&unclaimed), now), 0.0);
    }
}
