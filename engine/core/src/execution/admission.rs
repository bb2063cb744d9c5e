//! The policy: whether a call may be signed at all. A pure function of what is asked and what was spent.
//!
//! It judges what the engine is about to sign, not whether it is wise; the owner's line was asked before.
//! Exits toward idle are never held back by limits on entries.

use super::breaker::Breaker;
use crate::ids::{ChainId, MarketId};
use crate::time::{DAY_MS, Time};
use crate::units::{Amount, Bps};
use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One function of one contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Call {
    /// The contract.
    pub to: Address,
    /// The first four bytes of the call data.
    pub selector: [u8; 4],
}

/// What the engine's key may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmissionPolicy {
    /// The chain.
    pub chain: ChainId,
    /// The calls that may be signed; nothing else may.
    pub calls: BTreeSet<Call>,
    /// Markets that may be moved into, with the most that may be in each, raw units.
    pub caps: BTreeMap<MarketId, Amount>,
    /// The most of NAV that one market may hold after an entry.
    pub per_market: Bps,
    /// The most of NAV that entries of one plan may bring in.
    pub entries_per_plan: Bps,
    /// The most of NAV that entries of any 24 hours may bring in, those that are on their way or unknown
    /// counted.
    pub entries_per_day: Bps,
    /// The most gas of any 24 hours that plans with entries may have used, wei.
    pub gas_per_day: U256,
    /// The same for plans that only leave: money that cannot leave is worth more gas.
    pub exit_gas_per_day: U256,
    /// The highest fee for a unit of gas, wei.
    pub max_fee: u128,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// The chain that it is for.
    pub chain: ChainId,
    /// The contract and function.
    pub call: Call,
    /// Ether sent with it, wei.
    pub value: U256,
    /// What is brought into each market.
    pub entries: &'a BTreeMap<MarketId, Amount>,
    /// What each market would hold afterwards.
    pub holdings_after: &'a BTreeMap<MarketId, Amount>,
    /// Everything that is owned.
    pub nav: Amount,
    /// The most that it may cost in gas, wei.
    pub gas: U256,
    /// The fee that it offers for a unit of gas, wei.
    pub max_fee: u128,
}

/// What an earlier plan used up, or may still use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// When it may have happened at the latest.
    pub time: Time,
    /// What its entries bring in.
    pub entries: Amount,
    /// Gas that it paid, or at most pays, wei.
    pub gas: U256,
    /// Whether it was a plan that brings nothing in.
    pub is_exit: bool,
}

/// Why something may not be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// The breaker.
    #[error("the breaker stands at {breaker}")]
    Breaker {
        /// Where it stands.
        breaker: Breaker,
    },
    /// Another chain.
    #[error("it is for chain {found}, the policy is for {allowed}")]
    Chain {
        /// The chain asked for.
        found: ChainId,
        /// The policy's.
        allowed: ChainId,
    },
    /// A call that is not on the list.
    #[error("a call of {to} that is not on the list of calls")]
    Call {
        /// The contract.
        to: Address,
    },
    /// Ether.
    #[error("it sends {value} wei; nothing that the engine signs sends any")]
    Value {
        /// How much.
        value: U256,
    },
    /// A market that is not on the list.
    #[error("{market} is not on the list of markets")]
    Market {
        /// The market.
        market: MarketId,
    },
    /// Too much in one market.
    #[error("{market} would hold {} raw units, and {} is the most", .after.0, .most.0)]
    Cap {
        /// The market.
        market: MarketId,
        /// What it would hold.
        after: Amount,
        /// The most.
        most: Amount,
    },
    /// Entries of the plan are too large.
    #[error("entries bring in {} raw units, and a plan may {}", .wanted.0, .most.0)]
    PlanTurnover {
        /// What is wanted.
        wanted: Amount,
        /// The most.
        most: Amount,
    },
    /// Entries of the day are too large.
    #[error("entries of 24 hours would come to {} raw units, and {} is the most", .total.0, .most.0)]
    DayTurnover {
        /// With this plan.
        total: Amount,
        /// The most.
        most: Amount,
    },
    /// Too much gas.
    #[error("gas of 24 hours could come to {total} wei, and {most} is the most")]
    Gas {
        /// With this plan.
        total: U256,
        /// The most.
        most: U256,
    },
    /// A fee that is too high.
    #[error("it offers {offered} wei for a unit of gas, and {most} is the most")]
    Fee {
        /// What it offers.
        offered: u128,
        /// The most.
        most: u128,
    },
}

/// The answer: allowed, or every reason against it.
pub type Admission = Result<(), Vec<Denial>>;

/// Returns whether `request` may be signed at `now`, after what was `spent`.
///
/// # Errors
/// Every [`Denial`] that applies.
pub fn admit(
    policy: &AdmissionPolicy,
    request: &Request<'_>,
    spent: &[Spent],
    (breaker, now): (Breaker, Time),
) -> Admission {
    let mut denials = Vec::new();
    let brought =
        request.entries.values().fold(Amount::ZERO, |sum, entry| sum.saturating_add(*entry));
    let is_exit = brought.is_zero();
    let is_open = if is_exit { breaker.allows_exits() } else { breaker.allows_entries() };
    if !is_open {
        denials.push(Denial::Breaker { breaker });
    }
    if request.chain != policy.chain {
        denials.push(Denial::Chain { found: request.chain, allowed: policy.chain });
    }
    if !policy.calls.contains(&request.call) {
        denials.push(Denial::Call { to: request.call.to });
    }
    if !request.value.is_zero() {
        denials.push(Denial::Value { value: request.value });
    }
    if request.max_fee > policy.max_fee {
        denials.push(Denial::Fee { offered: request.max_fee, most: policy.max_fee });
    }
    let today: Vec<&Spent> =
        spent.iter().filter(|spent| now.0.saturating_sub(spent.time.0) < DAY_MS).collect();
    denials.extend(gas_denial(policy, request, &today, is_exit));
    if !is_exit {
        denials.extend(market_denials(policy, request));
        denials.extend(turnover_denials(policy, request.nav, brought, &today));
    }
    if denials.is_empty() { Ok(()) } else { Err(denials) }
}

/// Too much gas of a day: exits have a budget of their own, which entries cannot use up.
fn gas_denial(
    policy: &AdmissionPolicy,
    request: &Request<'_>,
    today: &[&Spent],
    is_exit: bool,
) -> Option<Denial> {
    let most = if is_exit { policy.exit_gas_per_day } else { policy.gas_per_day };
    let counted = today.iter().filter(|spent| spent.is_exit == is_exit);
    let total = counted.fold(request.gas, |sum, spent| sum.saturating_add(spent.gas));
    (total > most).then_some(Denial::Gas { total, most })
}

/// Markets that may not be entered, or not with so much.
fn market_denials(policy: &AdmissionPolicy, request: &Request<'_>) -> Vec<Denial> {
    let relative = request.nav.share_down(policy.per_market).unwrap_or_default();
    let entered = request.entries.iter().filter(|(_, entry)| !entry.is_zero());
    entered
        .filter_map(|(market, _)| {
            let market = market.clone();
            let Some(cap) = policy.caps.get(&market) else {
                return Some(Denial::Market { market });
            };
            let after = request.holdings_after.get(&market).copied();
            let most = relative.min(*cap);
            // What is not said is not small.
            let after = after.unwrap_or(Amount(U256::MAX));
            (after > most).then_some(Denial::Cap { market, after, most })
        })
        .collect()
}

fn turnover_denials(
    policy: &AdmissionPolicy,
    nav: Amount,
    brought: Amount,
    today: &[&Spent],
) -> Vec<Denial> {
    let mut denials = Vec::new();
    let most = nav.share_down(policy.entries_per_plan).unwrap_or_default();
    if brought > most {
        denials.push(Denial::PlanTurnover { wanted: brought, most });
    }
    let most = nav.share_down(policy.entries_per_day).unwrap_or_default();
    let total = today.iter().fold(brought, |sum, spent| sum.saturating_add(spent.entries));
    if total > most {
        denials.push(Denial::DayTurnover { total, most });
    }
    denials
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
