//! One plan against the limits: a pure function.

use super::{Breach, DAY, Limits};
use crate::abi::reallocateCall;
use alloy::primitives::{Address, U256};
use alloy::sol_types::SolCall;
use std::collections::BTreeMap;

/// A transaction of the key, as far as limits are about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The chain that it is signed for.
    pub chain: u64,
    /// Where it goes.
    pub to: Address,
    /// The first bytes of its data.
    pub selector: Vec<u8>,
    /// Whether it does nothing but use a nonce up.
    pub is_cancel: bool,
    /// Wei that it sends.
    pub value: U256,
    /// Whether it is a plan with entries.
    pub has_entries: bool,
    /// What it enters, by market, raw units.
    pub entries: BTreeMap<Address, U256>,
    /// What each market that it enters holds afterwards.
    pub after: BTreeMap<Address, U256>,
    /// Net assets before it.
    pub nav: U256,
    /// What it costs in gas, or at most costs, wei.
    pub gas: U256,
    /// What it offers for a unit of gas, wei.
    pub fee: u128,
    /// When, Unix seconds.
    pub time: u64,
}

/// An earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// When, Unix seconds.
    pub time: u64,
    /// What it entered.
    pub entered: U256,
    /// What it cost in gas.
    pub gas: U256,
    /// Whether it was a plan that only left.
    pub is_exit: bool,
}

/// Returns every limit that `asked` breaks after what was `past`.
#[must_use]
pub fn judge(limits: &Limits, asked: &Asked, past: &[Past]) -> Vec<Breach> {
    let mut found = Vec::new();
    if asked.chain != limits.chain {
        found.push(Breach::Chain { found: asked.chain });
    }
    let is_call = asked.to == limits.vault && asked.selector == reallocateCall::SELECTOR;
    if !is_call && !asked.is_cancel {
        found.push(Breach::Call { to: asked.to, selector: asked.selector.clone() });
    }
    if asked.value != U256::ZERO {
        found.push(Breach::Value { value: asked.value });
    }
    if asked.fee > limits.max_fee {
        found.push(Breach::Fee { found: asked.fee, most: limits.max_fee });
    }
    let day: Vec<&Past> =
        past.iter().filter(|one| asked.time.saturating_sub(one.time) < DAY).collect();
    let same_kind = day.iter().filter(|one| one.is_exit != asked.has_entries);
    let gas = same_kind.fold(asked.gas, |sum, one| sum.saturating_add(one.gas));
    let most = if asked.has_entries { limits.gas_per_day } else { limits.exit_gas_per_day };
    if gas > most {
        found.push(Breach::Gas { found: gas, most });
    }
    if asked.has_entries {
        found.extend(markets(limits, asked));
        found.extend(turnover(limits, asked, &day));
    }
    found
}

/// Markets that are not on the list, or hold too much.
fn markets(limits: &Limits, asked: &Asked) -> Vec<Breach> {
    let mut found = Vec::new();
    for (market, entry) in &asked.entries {
        if *entry == U256::ZERO {
            continue;
        }
        let Some(cap) = limits.caps.get(market) else {
            found.push(Breach::Market { market: *market });
            continue;
        };
        let most = part(asked.nav, limits.per_market_bps).min(*cap);
        let holds = asked.after.get(market).copied().unwrap_or(U256::MAX);
        if holds > with_slack(most, limits.slack_bps) {
            found.push(Breach::Cap { market: *market, found: holds, most });
        }
    }
    found
}

/// What a plan, and a day's plans, enter.
fn turnover(limits: &Limits, asked: &Asked, day: &[&Past]) -> Vec<Breach> {
    let mut found = Vec::new();
    let entered = asked.entries.values().fold(U256::ZERO, |sum, entry| sum.saturating_add(*entry));
    let most = part(asked.nav, limits.entries_per_plan_bps);
    if entered > with_slack(most, limits.slack_bps) {
        found.push(Breach::PlanEntries { found: entered, most });
    }
    let total = day.iter().fold(entered, |sum, one| sum.saturating_add(one.entered));
    let most = part(asked.nav, limits.entries_per_day_bps);
    if total > with_slack(most, limits.slack_bps) {
        found.push(Breach::DayEntries { found: total, most });
    }
    found
}

/// So many basis points of `amount`, rounded down.
fn part(amount: U256, bps: u32) -> U256 {
    amount.saturating_mul(U256::from(bps)) / U256::from(10_000)
}

fn with_slack(most: U256, slack_bps: u32) -> U256 {
    most.saturating_add(part(most, slack_bps))
}
