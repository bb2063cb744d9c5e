//! `approve`: the one door between a plan and an executor.
//!
//! A limit strips buys; nothing blocks an exit. What was cut is returned, not thrown: a refusal is
//! not an error. [`Approved`] has no public constructor, so a plan that skipped the limits cannot
//! reach an executor.

mod desk;

use crate::ids::{ChainId, MarketId};
use crate::plan::Plan;
use crate::portfolio::Nav;
use crate::preference::{Limit, RiskPreference};
use crate::scenario::Scenarios;
use crate::units::Amount;
use desk::Desk;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How limits that the source cannot answer are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// Every limit holds; one that cannot be answered forbids buying. The live setting.
    Strict,
    /// Limits that can be answered hold; the others are waived and listed. For replays of history
    /// that did not record what the limits need.
    Measurable,
    /// No limit holds; all are listed as waived. For checks of arithmetic.
    Off,
}

/// The owner's limits and how they are enforced.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The limits.
    pub preference: RiskPreference,
    /// What happens to a limit without an answer.
    pub enforcement: Enforcement,
    /// The issuer of the vault's own asset: the owner holds it in any case, so its cap is apart.
    pub own_issuer: Option<String>,
}

impl Policy {
    /// Returns the policy of a vault whose own asset has no issuer that is apart.
    #[must_use]
    pub fn new(preference: RiskPreference, enforcement: Enforcement) -> Policy {
        Policy { preference, enforcement, own_issuer: None }
    }

    /// Whether `issuer` issues the vault's own asset.
    #[must_use]
    pub fn is_own_issuer(&self, issuer: &str) -> bool {
        self.own_issuer.as_deref() == Some(issuer)
    }
}

/// What is known of one market at the moment of the decision.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MarketEvidence {
    /// Whether the market has a fresh observation and takes deposits.
    pub open: bool,
    /// The issuer, oracle or curator it rests on; `None` where the source does not say.
    pub issuer: Option<String>,
    /// Wrappers between the vault and the asset; `None` where the source does not say.
    pub wrap_depth: Option<u8>,
    /// Whether its worth moves with a price foreign to the vault.
    pub is_foreign: bool,
    /// What could be withdrawn within 24 hours of a run; `None` where the source does not say.
    pub exit_24h_run: Option<Amount>,
    /// The least total that an entry may make: with less, utilization would stay above target. `None` where
    /// the source does not say.
    pub least: Option<Amount>,
}

/// What is known at the moment of the decision.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// By market; a market that is absent is not open.
    pub markets: BTreeMap<MarketId, MarketEvidence>,
    /// What CVaR95 and ES99.9 are measured with; without scenarios neither has an answer.
    pub scenarios: Arc<Scenarios>,
    /// The protocols among which the strategy could choose.
    pub protocols: BTreeSet<String>,
    /// The chains among which the strategy could choose.
    pub chains: BTreeSet<ChainId>,
}

/// A buy that was cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// The market that was to be bought.
    pub market: MarketId,
    /// What cut it.
    pub cause: RefusalCause,
    /// What was asked.
    pub asked: Amount,
    /// What was left of it.
    pub allowed: Amount,
}

/// Why a buy was cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCause {
    /// The market has no fresh observation, or takes no deposits.
    NotOpen,
    /// Utilization would stay above target: what enters could not be sure to leave.
    AboveTarget,
    /// The limit would be passed.
    Exceeds(Limit),
    /// The limit has no answer, and the policy is strict.
    Unanswerable(Limit),
    /// Exits and idle money do not pay for it.
    Unfunded,
}

/// A limit that was not applied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Waiver {
    /// The limit.
    pub limit: Limit,
    /// Why.
    pub cause: WaiverCause,
}

/// Why a limit was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaiverCause {
    /// All limits are off.
    Off,
    /// The source does not say what the limit needs.
    Unanswerable,
    /// There is one protocol to choose from, so the limit could only forbid everything.
    OneProtocol,
    /// There is one chain to choose from, so the limit could only forbid everything.
    OneChain,
}

/// A plan that passed `approve`.
#[derive(Debug, Clone, PartialEq)]
pub struct Approved(Plan);

impl Approved {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}

/// What `approve` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The plan with every buy cut to what the limits allow.
    pub approved: Approved,
    /// What was cut.
    pub refusals: Vec<Refusal>,
    /// What was not applied.
    pub waivers: Vec<Waiver>,
}

/// Cuts the entries of `plan` to what `policy` allows on top of `nav`, and passes every exit.
///
/// Entries into a market that is not open are always cut, whatever the policy. Where several entries
/// share a limit they are cut in proportion.
#[must_use]
pub fn approve(plan: Plan, nav: &Nav, evidence: &Evidence, policy: &Policy) -> Verdict {
    let mut desk = Desk::new(plan, nav, evidence);
    desk.keep_open_markets();
    match policy.enforcement {
        Enforcement::Off => {
            desk.waive_all();
        }
        enforcement => {
            let strict = enforcement == Enforcement::Strict;
            desk.keep_below_target();
            desk.protocol_limits(&policy.preference, strict);
            desk.chain_limit(policy.preference.per_chain, strict);
            desk.issuer_limit(policy, strict);
            desk.foreign_limit(policy.preference.foreign_exposure);
            desk.wrap_limit(policy.preference.wrap_depth, strict);
            desk.exit_limit(policy.preference.exit_24h_run, strict);
            // Last, since what the others left decides what the portfolio can lose.
            desk.frequent_losses(policy.preference.cvar95_30d, strict);
            desk.rare_losses(policy.preference.es999_1y, strict);
        }
    }
    desk.keep_funded();
    if policy.enforcement != Enforcement::Off {
        // Again, since an entry that was cut may no longer be enough.
        desk.keep_below_target();
    }
    desk.verdict()
}

#[cfg(test)]
#[path = "approve_tests.rs"]
mod tests;
