//! What is printed of an event.

use super::super::document::{Move, decimal};
use super::super::watched::Stuck;
use super::freed::Freed;
use super::kept::Halt;
use plimsoll_execute::live::books::Brought;
use serde::Serialize;
use std::collections::BTreeMap;

/// The document of `plimsoll demo --event NAME --json`.
///
/// # Units
/// Amounts are decimal strings of the vault's asset. Prices are what leaving pays for a whole share, in the asset.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    pub(super) schema: u32,
    pub(super) seed: u64,
    pub(super) event: &'static str,
    pub(super) blocks: Blocks,
    pub(super) vaults: Vec<Vault>,
}

/// The block of the event and the last one before everything is freed.
#[derive(Debug, Serialize)]
pub(super) struct Blocks {
    pub(super) event: u64,
    pub(super) end: u64,
}

/// A figure before the event, with its block, and at the end.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Thrice<T> {
    pub(super) before: T,
    pub(super) after: T,
    pub(super) end: T,
}

/// One vault.
#[derive(Debug, Serialize)]
pub(super) struct Vault {
    pub(super) name: &'static str,
    /// What was held in each market before.
    pub(super) held: BTreeMap<String, String>,
    pub(super) nav: Thrice<String>,
    pub(super) share_price: Thrice<f64>,
    /// By how much NAV fell as leavers were paid.
    pub(super) left: String,
    /// What each market brought in the event's block, and from then to the end.
    pub(super) event: Vec<Cause>,
    pub(super) later: Vec<Cause>,
    pub(super) leavers: Vec<Leaver>,
    pub(super) stayer: Stayer,
    pub(super) stuck: Stuck,
    pub(super) engine: Engine,
    pub(super) freed: Freed,
}

/// What a market brought, by cause.
#[derive(Debug, Serialize)]
pub(super) struct Cause {
    pub(super) market: String,
    pub(super) kind: &'static str,
    pub(super) income: String,
    pub(super) rewards: String,
    pub(super) fees: String,
    pub(super) price: String,
    pub(super) cost: String,
    pub(super) impairment: String,
    pub(super) total: String,
}

impl Cause {
    /// What it brought between two looks; `None` for nothing.
    pub(super) fn between(
        (market, kind): (&str, &'static str),
        (from, to): (&Brought, &Brought),
        decimals: u8,
    ) -> Option<Cause> {
        let parts = [
            to.income - from.income,
            to.rewards - from.rewards,
            to.fees - from.fees,
            to.price - from.price,
            to.cost - from.cost,
            to.impairment - from.impairment,
        ];
        if parts.iter().all(|part| *part == 0) {
            return None;
        }
        let total = decimal(parts.iter().sum(), decimals);
        let [income, rewards, fees, price, cost, impairment] =
            parts.map(|part| decimal(part, decimals));
        let market = market.to_owned();
        Some(Cause { market, kind, income, rewards, fees, price, cost, impairment, total })
    }
}

/// Who left.
#[derive(Debug, Serialize)]
pub(super) struct Leaver {
    pub(super) who: &'static str,
    /// Blocks since the event.
    pub(super) asked_after: u64,
    /// The block after which nothing was owed any more; null where something still is.
    pub(super) paid_by: Option<u64>,
    pub(super) paid: String,
    /// Everything paid over everything given, for a whole share.
    pub(super) price: f64,
    /// The vault's price when they asked.
    pub(super) price_when_asked: f64,
    /// What was paid for a share against the price before the event, percent.
    pub(super) against_before_pct: f64,
}

/// Who stayed.
#[derive(Debug, Serialize)]
pub(super) struct Stayer {
    /// The price after the late leaver had left.
    pub(super) price_at_end: f64,
    /// The same against the price before the event, percent.
    pub(super) against_before_pct: f64,
}

/// What the engine did from the event on.
#[derive(Debug, Serialize)]
pub(super) struct Engine {
    /// Blocks from the event's to the first of its moves; two of them stand for 12 seconds each.
    pub(super) first_move_after: Option<u64>,
    pub(super) moves: Vec<Moved>,
    pub(super) plans: u64,
    /// Plans that the policy refused, or that did not end well.
    pub(super) halts: Vec<Halt>,
    pub(super) trips: Vec<Halt>,
}

/// A leg.
#[derive(Debug, Serialize)]
pub(super) struct Moved {
    /// Blocks since the event.
    pub(super) after: u64,
    #[serde(flatten)]
    pub(super) leg: Move,
}
