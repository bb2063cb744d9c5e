//! A person's order to leave: everything that can come out does, and nothing goes in.

use super::desk::DeskSettings;
use crate::chain::vault::{LegKind, Move, plan_id, reallocation};
use crate::chain::{Proposal, VaultState};
use alloy::primitives::{Bytes, U256};
use plimsoll_core::Amount;
use std::collections::BTreeMap;

/// Raw units below which nothing is moved.
const DUST: u64 = 1_000;

/// Returns the plan that takes out of every market what can leave now; `None` where nothing can.
#[must_use]
pub(super) fn proposal(vault: &VaultState, settings: &DeskSettings) -> Option<Proposal> {
    let dust = Amount(U256::from(DUST));
    let each = vault.places.iter().filter_map(|place| {
        let available = place.available.filter(|available| *available > dust)?;
        let slack = available.share_up(settings.guard)?.saturating_add(dust);
        Some(Move {
            contract: place.contract,
            kind: LegKind::Exit,
            amount: None,
            least: available.saturating_sub(slack),
            // More may become free until then, and all of it is wanted.
            most: Amount(U256::MAX),
            data: Bytes::new(),
        })
    });
    let moves: Vec<Move> = each.collect();
    if moves.is_empty() {
        return None;
    }
    let valid_until = vault.timestamp.saturating_add(settings.valid_seconds);
    let id = plan_id(vault, valid_until, &moves);
    let slack = vault.low.share_up(settings.guard).unwrap_or_default();
    Some(Proposal {
        id,
        data: reallocation(vault, id, valid_until, &moves),
        entries: BTreeMap::new(),
        holdings_after: BTreeMap::new(),
        nav: vault.gross,
        least_after: vault.low.saturating_sub(slack).saturating_sub(dust),
        valid_until,
    })
}
