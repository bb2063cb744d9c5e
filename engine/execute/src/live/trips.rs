//! What stops the engine by itself: reverts in a row, a value that falls, nodes that do not agree.

use crate::chain::{NodeError, VaultState};
use alloy::primitives::U256;
use plimsoll_core::Amount;
use plimsoll_core::execution::{Outcome, Trip};

/// From when on it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TripSettings {
    /// Reverts in a row.
    pub reverts: u32,
    /// Fall of the share price below its highest since the start, basis points.
    pub nav_drop_bps: u32,
    /// Heads in a row at which the nodes did not agree.
    pub disagreements: u32,
}

impl Default for TripSettings {
    fn default() -> TripSettings {
        TripSettings { reverts: 3, nav_drop_bps: 100, disagreements: 20 }
    }
}

/// What is watched between heads.
#[derive(Debug)]
pub(super) struct Watch {
    settings: TripSettings,
    reverts: u32,
    highest: Amount,
    disagreements: u32,
}

impl Watch {
    /// Returns a watch that has seen nothing.
    #[must_use]
    pub(super) fn new(settings: TripSettings) -> Watch {
        Watch { settings, reverts: 0, highest: Amount::ZERO, disagreements: 0 }
    }

    /// Sees the vault; trips once for each fall of its share price.
    pub(super) fn vault(&mut self, vault: &VaultState) -> Option<Trip> {
        self.disagreements = 0;
        if vault.supply.0.is_zero() {
            self.highest = Amount::ZERO;
            return None;
        }
        self.highest = self.highest.max(vault.share_price);
        let fallen = self.highest.saturating_sub(vault.share_price);
        let bps = fallen.0.saturating_mul(U256::from(10_000u32));
        let bps = bps.checked_div(self.highest.0).unwrap_or_default();
        let bps: u32 = bps.saturating_to();
        if bps < self.settings.nav_drop_bps {
            return None;
        }
        // The next fall counts from here.
        self.highest = vault.share_price;
        Some(Trip::NavDrop { bps })
    }

    /// Sees the end of a plan.
    pub(super) fn ended(&mut self, outcome: Outcome) -> Option<Trip> {
        self.reverts =
            if outcome == Outcome::Reverted { self.reverts.saturating_add(1) } else { 0 };
        if self.reverts < self.settings.reverts {
            return None;
        }
        Some(Trip::Reverts { count: std::mem::take(&mut self.reverts) })
    }

    /// Sees nodes that do not agree.
    pub(super) fn disagreement(&mut self, error: &NodeError) -> Option<Trip> {
        if let NodeError::WrongChain { found, .. } = error {
            return Some(Trip::WrongChain { found: *found });
        }
        self.disagreements = self.disagreements.saturating_add(1);
        let is_too_many = self.disagreements == self.settings.disagreements;
        is_too_many.then(|| Trip::Quorum { detail: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_reverts_in_a_row_trip_and_a_success_between_does_not() {
        let mut watch = Watch::new(TripSettings::default());
        let ends = [Outcome::Reverted, Outcome::Reverted, Outcome::Done, Outcome::Reverted];
        assert!(ends.into_iter().all(|end| watch.ended(end).is_none()));
        assert_eq!(watch.ended(Outcome::Reverted), None);
        assert_eq!(watch.ended(Outcome::Reverted), Some(Trip::Reverts { count: 3 }));
    }

    #[test]
    fn another_chain_trips_at_once_and_disagreement_after_a_while() {
        let mut watch = Watch::new(TripSettings { disagreements: 2, ..TripSettings::default() });
        let wrong = NodeError::WrongChain { node: "n".to_owned(), found: 2, wanted: 1 };
        assert_eq!(watch.disagreement(&wrong), Some(Trip::WrongChain { found: 2 }));
        let quarrel =
            NodeError::NoQuorum { method: "m", agreeing: 1, asked: 2, quorum: 2, first: None };
        assert_eq!(watch.disagreement(&quarrel), None);
        assert!(matches!(watch.disagreement(&quarrel), Some(Trip::Quorum { .. })));
        assert_eq!(watch.disagreement(&quarrel), None, "it is said once");
    }
}
