//! What is kept of a vault while an event passes.

use super::super::leaving::price;
use super::super::side::Side;
use super::super::stage::Stage;
use super::super::watched::Watched;
use plimsoll_core::execution::Outcome;
use plimsoll_core::{Amount, MarketId};
use plimsoll_execute::chain::Progress;
use plimsoll_execute::live::Tick;
use plimsoll_execute::live::books::{Brought, signed};
use serde::Serialize;
use std::collections::BTreeMap;

/// A vault at a block.
pub(super) struct Snapshot {
    /// Everything that is there.
    pub(super) gross: Amount,
    /// What leaving pays for a whole share.
    pub(super) price: f64,
    /// What each market brought so far.
    pub(super) brought: BTreeMap<MarketId, Brought>,
}

impl Snapshot {
    /// How the vault of `side` stands.
    pub(super) async fn of(stage: &Stage, side: &Side, kept: &Kept) -> anyhow::Result<Snapshot> {
        let accounts = side.books.accounts().iter();
        Ok(Snapshot {
            gross: kept.gross,
            price: price(stage, &side.seat).await?,
            brought: accounts.map(|(market, each)| (market.clone(), each.brought)).collect(),
        })
    }
}

/// A trip of the breaker, or a plan that was not sent or failed.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Halt {
    /// The block.
    pub(super) block: u64,
    /// What it was.
    pub(super) what: String,
}

/// What is kept of a vault.
pub(super) struct Kept {
    /// Everything that was there at first, and at the last look.
    pub(super) first: Amount,
    /// At the last look.
    pub(super) gross: Amount,
    /// By how much that fell as leavers were paid, raw units.
    pub(super) left: i128,
    /// What could not leave since the event.
    pub(super) watched: Watched,
    /// Plans since the event.
    pub(super) proposed: u64,
    /// Trips since the event.
    pub(super) trips: Vec<Halt>,
    /// Plans that policy refused or that failed since the event.
    pub(super) halts: Vec<Halt>,
    is_over: bool,
}

impl Kept {
    /// From the first look on.
    pub(super) fn begin(first: &Tick) -> Kept {
        let gross = first.vault.gross;
        Kept {
            first: gross,
            gross,
            left: 0,
            watched: Watched::default(),
            proposed: 0,
            trips: Vec::new(),
            halts: Vec::new(),
            is_over: false,
        }
    }

    /// The event comes with the next block.
    pub(super) fn strike(&mut self) {
        self.is_over = true;
    }

    /// Takes in a block; with `is_drawn` one that paid leavers.
    pub(super) fn take(&mut self, tick: &Tick, is_drawn: bool) {
        if is_drawn {
            self.left += signed(self.gross) - signed(tick.vault.gross);
        }
        self.gross = tick.vault.gross;
        if !self.is_over {
            return;
        }
        self.watched.take(tick);
        let block = tick.head.block.number;
        self.proposed += u64::from(tick.proposed.is_some());
        let halt = |what: String| Halt { block, what };
        self.trips.extend(tick.trips.iter().map(|trip| halt(format!("{trip:?}"))));
        if let Progress::Denied(_, denials) = &tick.progress {
            let reasons: Vec<String> = denials.iter().map(ToString::to_string).collect();
            self.halts.push(halt(format!("not sent: {}", reasons.join("; "))));
        }
        if let Progress::Frozen(_, reason) = &tick.progress {
            self.halts.push(halt(format!("needs a person: {reason}")));
        }
        if let Some((_, outcome)) = tick.closed.filter(|(_, outcome)| *outcome != Outcome::Done) {
            self.halts.push(halt(format!("{outcome:?}")));
        }
    }
}
