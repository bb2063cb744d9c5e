//! A second opinion on the policy: it reads what landed on the chain and the owner's limits, and decides by itself
//! whether a limit was broken.
//!
//! It is written from the design and not from the engine: no rule of `plimsoll_core::execution` is called, calls are
//! decoded from the bytes on the chain, and amounts are those that the vault says it moved.

mod judge;
mod landed;

pub use judge::{Asked, Past, judge};
pub use landed::{Landed, Sent, Tx, landed};

use crate::abi::{ARRANGE, reallocateCall};
use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::SolCall;
use std::collections::{BTreeMap, BTreeSet};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// What the engine's key may be used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The chain.
    pub chain: u64,
    /// The address of the key.
    pub signer: Address,
    /// The one contract that may be called, with `reallocate` alone.
    pub vault: Address,
    /// Markets that may be entered, with the most that may be in each, raw units.
    pub caps: BTreeMap<Address, U256>,
    /// The most of net assets that one market may hold after an entry, basis points.
    pub per_market_bps: u32,
    /// The most of net assets that one plan may enter, basis points.
    pub entries_per_plan_bps: u32,
    /// The most of net assets that the plans of any 24 hours may enter, basis points.
    pub entries_per_day_bps: u32,
    /// The most that plans with entries may cost in gas in any 24 hours, wei.
    pub gas_per_day: U256,
    /// The same for plans that only leave.
    pub exit_gas_per_day: U256,
    /// The highest fee for a unit of gas, wei.
    pub max_fee: u128,
    /// By how much net assets and positions may have changed between the decision and the block, basis points:
    /// interest, and others' deposits.
    pub slack_bps: u32,
}

/// A limit that was broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Breach {
    /// Signed for another chain.
    #[error("it is for chain {found}")]
    Chain {
        /// That chain.
        found: u64,
    },
    /// A call of something else than the vault's one function.
    #[error("it calls {to}, function {selector:02x?}")]
    Call {
        /// The contract.
        to: Address,
        /// The function.
        selector: Vec<u8>,
    },
    /// Ether was sent.
    #[error("it sends {value} wei")]
    Value {
        /// How much.
        value: U256,
    },
    /// A market that is not on the list.
    #[error("it enters {market}, which is not on the list")]
    Market {
        /// The market.
        market: Address,
    },
    /// Too much in one market.
    #[error("{market} holds {found} after it, {most} is the most")]
    Cap {
        /// The market.
        market: Address,
        /// What it holds.
        found: U256,
        /// The most.
        most: U256,
    },
    /// One plan entered too much.
    #[error("it enters {found}, {most} is the most of a plan")]
    PlanEntries {
        /// How much.
        found: U256,
        /// The most.
        most: U256,
    },
    /// A day's plans entered too much.
    #[error("24 hours enter {found}, {most} is the most")]
    DayEntries {
        /// How much.
        found: U256,
        /// The most.
        most: U256,
    },
    /// A day's gas.
    #[error("24 hours cost {found} wei in gas, {most} is the most")]
    Gas {
        /// How much.
        found: U256,
        /// The most.
        most: U256,
    },
    /// A fee that is too high.
    #[error("it offers {found} wei for a unit of gas, {most} is the most")]
    Fee {
        /// The fee.
        found: u128,
        /// The most.
        most: u128,
    },
    /// A plan had its effect more than once.
    #[error("plan {plan} was carried out {count} times")]
    Repeated {
        /// The plan.
        plan: B256,
        /// How often.
        count: usize,
    },
    /// One plan was signed at two nonces.
    #[error("plan {plan} was sent at nonces {nonces:?}")]
    PlanAtTwoNonces {
        /// The plan.
        plan: B256,
        /// The nonces.
        nonces: BTreeSet<u64>,
    },
    /// Two plans were signed at one nonce.
    #[error("nonce {nonce} was used for plans {plans:?}")]
    TwoPlansAtNonce {
        /// The nonce.
        nonce: u64,
        /// The plans.
        plans: BTreeSet<B256>,
    },
}

/// What a transaction of the key was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// A plan.
    Plan {
        /// Its name.
        plan: B256,
        /// Whether a leg enters a market.
        has_entries: bool,
        /// What its legs enter, by market; the greatest number means all that there is.
        entries: BTreeMap<Address, U256>,
        /// Unix seconds after which the vault refuses it.
        valid_until: u64,
    },
    /// Nothing, to take the place of another.
    Cancel,
    /// Something else.
    Other,
}

impl Limits {
    /// What `tx` is for; what is arranged counts as entered.
    #[must_use]
    pub fn meant(&self, tx: &Tx) -> Meant {
        if tx.to == Some(self.signer) && tx.data.is_empty() {
            return Meant::Cancel;
        }
        let decoded = reallocateCall::abi_decode(&tx.data).ok();
        let Some(call) = decoded.filter(|_| tx.to == Some(self.vault)) else { return Meant::Other };
        let mut entries: BTreeMap<Address, U256> = BTreeMap::new();
        for leg in call.legs.iter().filter(|leg| leg.kind >= ARRANGE) {
            let sum = entries.entry(leg.market).or_default();
            *sum = sum.saturating_add(leg.assets);
        }
        Meant::Plan {
            plan: call.planId,
            has_entries: !entries.is_empty(),
            entries,
            valid_until: call.validUntil,
        }
    }
}

/// Returns every limit that was broken by what `landed`, in the order of the chain, and by what was `sent`.
#[must_use]
pub fn breaches(limits: &Limits, landed: &[Landed], sent: &[Sent]) -> Vec<(B256, Breach)> {
    let mut found = Vec::new();
    let mut past: Vec<Past> = Vec::new();
    for one in landed {
        let asked = asked(limits, one);
        found.extend(judge(limits, &asked, &past).into_iter().map(|breach| (one.tx.hash, breach)));
        past.push(Past {
            time: one.time,
            entered: one.entered.values().fold(U256::ZERO, |sum, part| sum.saturating_add(*part)),
            gas: one.cost(),
            is_exit: !asked.has_entries,
        });
    }
    found.extend(repeated(landed));
    found.extend(crossed(limits, sent));
    found
}

/// What landed, as a question to the limits.
fn asked(limits: &Limits, one: &Landed) -> Asked {
    let has_entries = match limits.meant(&one.tx) {
        Meant::Plan { has_entries, .. } => has_entries,
        _ => false,
    };
    Asked {
        chain: one.tx.chain,
        to: one.tx.to.unwrap_or_default(),
        selector: one.tx.data.get(..4).unwrap_or(&one.tx.data).to_vec(),
        is_cancel: limits.meant(&one.tx) == Meant::Cancel,
        value: one.tx.value,
        has_entries,
        entries: one.entered.clone(),
        after: one.after.clone(),
        nav: one.nav,
        gas: one.cost(),
        fee: one.tx.max_fee,
        time: one.time,
    }
}

/// Plans that had their effect more than once.
fn repeated(landed: &[Landed]) -> Vec<(B256, Breach)> {
    let mut effects: BTreeMap<B256, Vec<B256>> = BTreeMap::new();
    for one in landed {
        for plan in &one.effects {
            effects.entry(*plan).or_default().push(one.tx.hash);
        }
    }
    let more = effects.into_iter().filter(|(_, hashes)| hashes.len() > 1);
    more.map(|(plan, hashes)| {
        let last = hashes.last().copied().unwrap_or_default();
        (last, Breach::Repeated { plan, count: hashes.len() })
    })
    .collect()
}

/// Bytes of one plan at two nonces, or of two plans at one.
fn crossed(limits: &Limits, sent: &[Sent]) -> Vec<(B256, Breach)> {
    let mut nonces: BTreeMap<B256, (BTreeSet<u64>, B256)> = BTreeMap::new();
    let mut plans: BTreeMap<u64, (BTreeSet<B256>, B256)> = BTreeMap::new();
    for Sent { tx } in sent {
        if let Meant::Plan { plan, .. } = limits.meant(tx) {
            let of_plan = nonces.entry(plan).or_default();
            of_plan.0.insert(tx.nonce);
            of_plan.1 = tx.hash;
            let of_nonce = plans.entry(tx.nonce).or_default();
            of_nonce.0.insert(plan);
            of_nonce.1 = tx.hash;
        }
    }
    let two_nonces = nonces
        .into_iter()
        .filter(|(_, (nonces, _))| nonces.len() > 1)
        .map(|(plan, (nonces, hash))| (hash, Breach::PlanAtTwoNonces { plan, nonces }));
    let two_plans = plans
        .into_iter()
        .filter(|(_, (plans, _))| plans.len() > 1)
        .map(|(nonce, (plans, hash))| (hash, Breach::TwoPlansAtNonce { nonce, plans }));
    two_nonces.chain(two_plans).collect()
}
