//! The vocabulary of Plimsoll: units, identifiers, portfolio, risk preference, plan, approval and
//! journal entries.
//!
//! Everything here is pure: no clock, no file, no network, no randomness, no data frames. Money is
//! [`units::Amount`] (an integer of raw token units); models use `f64`; the two meet only at the
//! doors in [`units`].

pub mod approve;
pub mod asset;
pub mod curve;
pub mod execution;
pub mod exit;
pub mod ids;
pub mod journal;
pub mod kind;
pub mod lending;
pub mod lp;
pub mod plan;
pub mod pooled;
pub mod portfolio;
pub mod preference;
pub mod rates;
pub mod scenario;
pub mod statistics;
pub mod time;
pub mod units;

pub use approve::{
    Approved, Enforcement, Evidence, MarketEvidence, Policy, Refusal, Verdict, Waiver, approve,
};
pub use asset::Denomination;
pub use curve::{Curve, Kinked};
pub use ids::{ChainId, MarketId};
pub use journal::Entry;
pub use kind::MarketKind;
pub use lending::Lending;
pub use plan::{Action, ActionKind, CostModel, Plan, PlanCost, Upkeep, UpkeepKind};
pub use pooled::Pooled;
pub use portfolio::{Facts, Nav, Portfolio, Position, RangeFacts};
pub use preference::{Limit, RiskLine, RiskPreference};
pub use scenario::{Months, RareLosses, Scenarios};
pub use time::{Day, Time};
pub use units::{Amount, Apr, Bps, Ray, Shares, Wad};
