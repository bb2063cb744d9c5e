//! The books of a demo: where every unit of the vault's gain or loss came from.
//!
//! Kept from what the chain says at each block and from the vault's own events; they add up to the change of
//! everything that the vault owns, to the last unit.

use alloy::primitives::U256;
use alloy::sol;
use alloy::sol_types::SolEvent;
use plimsoll_core::execution::PlanId;
use plimsoll_core::{Amount, MarketId};
use plimsoll_execute::chain::logs::Log;
use plimsoll_execute::chain::vault::LegKind;
use plimsoll_execute::live::Tick;
use plimsoll_execute::protocol::Predict;
use std::collections::BTreeMap;
use std::sync::Arc;

sol! {
    event Moved(bytes32 indexed planId, address indexed market, uint8 kind, uint256 assets);
}

/// A fall of less than this, raw units, is rounding.
const DUST: i128 = 10;

/// What a market brought, raw units with their sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Brought {
    /// Growth of the index.
    pub(crate) income: i128,
    /// What moving lost to rounding; below zero.
    pub(crate) cost: i128,
    /// Falls of the index; below zero.
    pub(crate) impairment: i128,
}

/// One leg of a plan that landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Landed {
    /// The block.
    pub(crate) block: u64,
    /// The plan.
    pub(crate) plan: PlanId,
    /// The market.
    pub(crate) market: MarketId,
    /// Whether money went in.
    pub(crate) is_entry: bool,
    /// How much.
    pub(crate) amount: Amount,
}

/// What a market was at the last block.
#[derive(Debug, Clone, Default)]
struct Before {
    worth: i128,
    /// What it would become with nobody moving anything.
    model: Option<Arc<dyn Predict>>,
}

/// The books.
#[derive(Debug, Default)]
pub(crate) struct Books {
    before: BTreeMap<MarketId, Before>,
    by_market: BTreeMap<MarketId, Brought>,
    landed: Vec<Landed>,
}

impl Books {
    /// What each market brought.
    pub(crate) fn by_market(&self) -> &BTreeMap<MarketId, Brought> {
        &self.by_market
    }

    /// Every leg that landed.
    pub(crate) fn landed(&self) -> &[Landed] {
        &self.landed
    }

    /// Takes in a block, and what the vault said in it; returns the legs that landed.
    pub(crate) fn take(
        &mut self,
        tick: &Tick,
        places: &BTreeMap<MarketId, alloy::primitives::Address>,
        logs: &[Log],
    ) -> Vec<Landed> {
        let landed = legs(tick, places, logs);
        let readings = tick.reads.iter().flatten().flat_map(|read| &read.readings);
        let readings: BTreeMap<&MarketId, _> =
            readings.map(|reading| (&reading.market, reading)).collect();
        for (market, contract) in places {
            let Some(worth) = tick.vault.place(*contract).and_then(|place| place.worth) else {
                continue;
            };
            let worth = signed(worth);
            let before = self.before.get(market).cloned().unwrap_or_default();
            let of_market = landed.iter().filter(|leg| leg.market == *market);
            let (mut flow, mut moved) = (0, false);
            for leg in of_market {
                let amount = signed(leg.amount);
                flow += if leg.is_entry { amount } else { -amount };
                moved = true;
            }
            let gained = worth - before.worth - flow;
            // Where money moved, what was held before and earned is told apart from what moving cost.
            let still = before.model.filter(|_| moved);
            let still =
                still.and_then(|model| model.after(true, Amount::ZERO, tick.head.timestamp).ok());
            let grown = still.map_or(gained, |still| signed(still.held.worth) - before.worth);
            let result = self.by_market.entry(market.clone()).or_default();
            if grown < -DUST {
                result.impairment += grown;
            } else {
                result.income += grown;
            }
            result.cost += gained - grown;
            let model = readings.get(market).map(|reading| reading.model.clone());
            self.before.insert(market.clone(), Before { worth, model });
        }
        self.landed.extend(landed.iter().cloned());
        landed
    }
}

/// The legs that the vault says were carried out in a block.
fn legs(
    tick: &Tick,
    places: &BTreeMap<MarketId, alloy::primitives::Address>,
    logs: &[Log],
) -> Vec<Landed> {
    let market = |contract| {
        places.iter().find(|(_, place)| **place == contract).map(|(market, _)| market.clone())
    };
    let each = logs.iter().filter_map(|log| {
        let moved = Moved::decode_raw_log(log.topics.iter().copied(), &log.data).ok()?;
        Some(Landed {
            block: tick.head.block.number,
            plan: moved.planId,
            market: market(moved.market)?,
            is_entry: LegKind::of(moved.kind) == Some(LegKind::Entry),
            amount: Amount(moved.assets),
        })
    });
    each.collect()
}

/// An amount with a sign; a vault holds less than 2^120.
pub(crate) fn signed(amount: Amount) -> i128 {
    let limit = U256::from(u128::MAX >> 1);
    i128::try_from(amount.0.min(limit).saturating_to::<u128>()).unwrap_or(i128::MAX)
}
