//! Journal entries: what was seen, decided and done, moves and non-moves alike.
//!
//! Reports, metrics and dashboards are folds over these entries; nothing they show comes from
//! anywhere else.

use crate::approve::{Refusal, Waiver};
use crate::ids::MarketId;
use crate::plan::Plan;
use crate::time::Time;
use crate::units::Amount;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// The portfolio was valued.
    Marked(Marked),
    /// A decision was taken, to move or to stay.
    Decided(Box<Decided>),
    /// An approved plan was carried out.
    Executed(Executed),
}

/// A valuation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Marked {
    /// The clock.
    pub time: Time,
    /// Everything that is owned.
    pub nav: Amount,
    /// The idle part.
    pub idle: Amount,
    /// The value held in each market.
    pub by_market: BTreeMap<MarketId, Amount>,
    /// Markets that are held on an old price because no fresh row was there.
    pub stale: Vec<MarketId>,
    /// What could leave within 24 hours, of the whole; `None` when the exit of any held market is
    /// unknown.
    pub exitable_24h: Option<f64>,
}

/// A decision with its reason and alternatives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// The clock.
    pub time: Time,
    /// The reason, as one sentence.
    pub reason: String,
    /// The markets that the strategy ranked highest and what it ranked them by, best first.
    pub alternatives: Vec<(MarketId, f64)>,
    /// The plan after the limits.
    pub plan: Plan,
    /// Buys that a limit cut.
    pub refusals: Vec<Refusal>,
    /// Limits that were not applied, and why.
    pub waivers: Vec<Waiver>,
}

/// An execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Executed {
    /// The clock.
    pub time: Time,
    /// What was taken out, by market.
    pub out: BTreeMap<MarketId, Amount>,
    /// Markets that were left with nothing.
    pub left: BTreeSet<MarketId>,
    /// What was brought in, by market.
    pub into: BTreeMap<MarketId, Amount>,
    /// One-way turnover.
    pub turnover: Amount,
    /// The proportional cost that was paid.
    pub cost: Amount,
    /// The gas that was paid; `None` where its price is not known.
    pub gas: Option<Amount>,
    /// NAV just before.
    pub nav_before: Amount,
}
