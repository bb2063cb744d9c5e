//! Journal entries: what was seen, decided and done, moves and non-moves alike.
//!
//! Reports, metrics and dashboards are folds over these entries; nothing they show comes from
//! anywhere else.

use crate::approve::{Refusal, Waiver};
use crate::ids::MarketId;
use crate::plan::Plan;
use crate::preference::Limit;
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

/// What a strategy expects of the portfolio that it wants, or keeps.
///
/// # Units
/// Whole units of the vault's denomination, simple yearly rates, probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Net gain of the best portfolio over staying put, over the horizon, costs taken off.
    pub gain: f64,
    /// The probability that it is above zero.
    pub p_gain: f64,
    /// Yearly net rate of the best portfolio, idle money included.
    pub net_apr: f64,
    /// The interval in which the net rate lies in nine of ten cases; `None` where unknown.
    pub interval: Option<(f64, f64)>,
}

/// One market at a decision: what is expected of it against the owner's line, and what keeps it from
/// holding more. Unknown is `None`, never zero.
///
/// # Units
/// Fractions, simple yearly rates, hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// The market.
    pub market: MarketId,
    /// Its wanted share of everything.
    pub weight: f64,
    /// What it advertises now, rewards included.
    pub advertised_apr: Option<f64>,
    /// What it pays with our deposit while the borrowers stay.
    pub after_deposit_apr: Option<f64>,
    /// What it is expected to pay with our deposit.
    pub sustainable_apr: Option<f64>,
    /// What its index grew by over the last seven days.
    pub realised_apr: Option<f64>,
    /// The sustainable rate less what is expected to be lost: what it is ranked by.
    pub net_apr: Option<f64>,
    /// The interval in which the mean rate of the next seven days lies in nine of ten cases.
    pub interval: Option<(f64, f64)>,
    /// Probability that lenders lose within a year.
    pub p_loss_1y: Option<f64>,
    /// Hours in which the position, or a hundredth of everything where there is none, leaves in half of
    /// the cases.
    pub exit_p50_h: Option<f64>,
    /// The same in nineteen of twenty cases.
    pub exit_p95_h: Option<f64>,
    /// What keeps it from holding more.
    pub binding_constraint: Option<String>,
    /// What a unit more of it adds to the measure of each limit; a limit without an answer is absent.
    pub limit_use: BTreeMap<Limit, f64>,
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
    /// What is expected; `None` of a strategy that expects nothing in figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
    /// The markets that are held, wanted or ranked highest, scored; empty of a strategy without scores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Scored>,
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
