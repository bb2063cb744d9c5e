//! What a plan that is final did, by the vault's own events.

use crate::chain::vault::LegKind;
use crate::chain::{NodeError, Nodes};
use alloy::primitives::{Address, U256};
use alloy::sol;
use alloy::sol_types::SolEvent;
use plimsoll_core::execution::Intent;
use plimsoll_core::journal::Executed;
use plimsoll_core::{Amount, MarketId, Time};
use std::collections::{BTreeMap, BTreeSet};

sol! {
    event Moved(bytes32 indexed planId, address indexed market, uint8 kind, uint256 assets);
    event Reallocated(bytes32 indexed planId, uint256 planNumber, uint256 before, uint256 after);
}

/// Returns what `intent` moved, or what is wrong with what the vault says of it.
///
/// # Errors
/// [`NodeError`].
pub(super) async fn settled(
    nodes: &Nodes,
    intent: &Intent,
    places: &BTreeMap<MarketId, Address>,
    vault: Address,
    time: Time,
) -> Result<Result<Executed, String>, NodeError> {
    let Some(inclusion) = intent.inclusion else {
        return Ok(Err(format!("plan {} is final in no block", intent.id)));
    };
    let logs = nodes.logs_in(inclusion.block.hash, vault).await?;
    let market = |contract: Address| {
        let mut each = places.iter();
        each.find(|(_, place)| **place == contract).map(|(market, _)| market.clone())
    };
    let (mut out, mut into) = (BTreeMap::new(), BTreeMap::new());
    let mut before = None;
    for log in &logs {
        let (topics, data) = (&log.topics, &log.data);
        if let Ok(moved) = Moved::decode_raw_log(topics.iter().copied(), data)
            && moved.planId == intent.id
        {
            let Some(market) = market(moved.market) else {
                return Ok(Err(format!(
                    "plan {} moved {}, which is no market of ours",
                    intent.id, moved.market
                )));
            };
            let is_entry = LegKind::of(moved.kind) == Some(LegKind::Entry);
            let side = if is_entry { &mut into } else { &mut out };
            let sum: &mut Amount = side.entry(market).or_default();
            *sum = sum.saturating_add(Amount(moved.assets));
        }
        if let Ok(done) = Reallocated::decode_raw_log(topics.iter().copied(), data)
            && done.planId == intent.id
        {
            before = Some(Amount(done.before));
        }
    }
    let Some(nav_before) = before else {
        return Ok(Err(format!("the vault does not say that it carried out plan {}", intent.id)));
    };
    let entered = into.values().fold(Amount::ZERO, |sum: Amount, each| sum.saturating_add(*each));
    if entered > intent.entries {
        let (entered, planned) = (entered.0, intent.entries.0);
        return Ok(Err(format!(
            "plan {} brought in {entered} raw units, {planned} were planned",
            intent.id
        )));
    }
    let left = out.values().fold(Amount::ZERO, |sum: Amount, each| sum.saturating_add(*each));
    Ok(Ok(Executed {
        time,
        out,
        left: BTreeSet::new(),
        into,
        turnover: left.max(entered),
        cost: Amount(U256::ZERO),
        // The operator pays it, in another token; it is in the plan's own lines.
        gas: None,
        nav_before,
    }))
}
