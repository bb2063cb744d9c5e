//! The trait [`RiskModel`], and the one table of scores that the strategy, the limits and every report
//! read.

use crate::view::View;
use plimsoll_core::{Lending, MarketId, MarketKind, Pooled, Scenarios, Time};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What will each market pay, and how can it hurt?
///
/// Pure: the same view gives the same scores.
pub trait RiskModel: Send + Sync + fmt::Debug {
    /// The name under which it is chosen and reported.
    fn name(&self) -> &'static str;

    /// Returns the scores of every market that `view` has observed, as far as they are `asked` for.
    fn scores(&self, view: &View<'_>, asked: Asked) -> Scores;
}

/// What of the scores is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// What the line's limits are judged by: scenarios, and how full each market is. The rest is unknown.
    Limits,
    /// All of it.
    Everything,
}

/// What is known of one market against the owner's line; unknown is `None`, never zero.
///
/// # Units
/// Fractions, simple yearly rates, hours, USD.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Score {
    /// How it earns.
    pub kind: MarketKind,
    /// What it advertises now, rewards included.
    pub advertised_apr: Option<f64>,
    /// What its index grew by over the last seven days; unknown where the index follows a foreign price.
    pub realised_apr: Option<f64>,
    /// What it is expected to pay over the horizon as it stands, what we hold in it included, rewards
    /// included for as long as they last.
    pub sustainable_apr: Option<f64>,
    /// The interval in which the mean rate of the next seven days lies in nine of ten cases.
    pub interval: Option<(f64, f64)>,
    /// Probability that lenders lose within a year.
    pub p_loss_1y: Option<f64>,
    /// Yearly share that is expected to be lost.
    pub expected_loss: f64,
    /// How our own deposit moves the rate: balances without rewards, at the level of the forecast; `None`
    /// where that is unknown.
    #[serde(skip)]
    pub lending: Option<Lending>,
    /// The same of a pool or a campaign: what is shared in it, and the range that pays best; in USD. `None` where it
    /// is none, or too little is known.
    #[serde(skip)]
    pub pooled: Option<Pooled>,
    /// Why nothing is brought in, whatever it pays.
    pub doubt: Option<Doubt>,
    /// What entering and leaving costs beside gas, as shares of what is moved.
    #[serde(skip)]
    pub moving: (f64, f64),
    /// Root of the mean squared error of a fitted curve, as a rate; `None` where the curve is the
    /// contract's or unknown.
    pub curve_error: Option<f64>,
    /// Utilization above which nothing is brought in.
    pub target_utilization: Option<f64>,
    /// Free share of what is supplied, day by day, oldest first; the last days only.
    #[serde(skip)]
    pub free_shares: Vec<f64>,
}

/// Why nothing is brought into a market, whatever it pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The token is sold so far below what it is redeemed for that somebody may know more.
    Discount,
    /// Those who want out wait longer than the owner would.
    Queue,
    /// Its pair's price swings as far as the pool is known, but it is not known for long enough.
    ShortHistory,
}

impl Score {
    /// Returns the rate that decides: the sustainable one less what is expected to be lost.
    #[must_use]
    pub fn net_apr(&self) -> Option<f64> {
        Some(self.sustainable_apr? - self.expected_loss)
    }

    /// Returns the least total that we may have after an entry, in whole units of an asset at `price_usd` of
    /// which `held` is ours: below it utilization would stay above target. The borrowers stay where they
    /// are: what they do later does not help who is in now. `None` where size or target is unknown.
    #[must_use]
    pub fn least_deposit(&self, price_usd: f64, held: f64) -> Option<f64> {
        let (lending, target) = self.lending.zip(self.target_utilization)?;
        let others = (lending.supplied / price_usd - held).max(0.0);
        Some((lending.borrowed / price_usd / target - others).max(0.0))
    }
}

/// Which forecast is in service, and why.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Service {
    /// The name of the forecast that is used.
    pub forecast: String,
    /// Why, in words, with the trailing errors of model and baseline.
    pub reason: String,
}

/// The table of scores.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores {
    /// The clock of the view they were made from.
    pub clock: Option<Time>,
    /// One score a market.
    pub each: BTreeMap<MarketId, Score>,
    /// Joint scenarios.
    pub scenarios: Arc<Scenarios>,
    /// The forecast in service.
    pub service: Service,
}

impl Scores {
    /// The score of `market`.
    #[must_use]
    pub fn of(&self, market: &MarketId) -> Option<&Score> {
        self.each.get(market)
    }
}
