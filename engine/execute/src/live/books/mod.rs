//! The books of a vault: where every unit of its gain or loss came from, by market and by cause.
//!
//! Kept from what the chain says at each block and from the vault's own events; they add up to the change of everything
//! that the vault owns, to the last unit. They begin where they are begun: what was held then has no history.

mod bent;
mod causes;
mod drawn;
mod keeper;
#[cfg(test)]
mod tests;

pub use bent::Bent;
pub use causes::{Brought, Flows, Look, causes, signed};
pub use keeper::{Keeper, Kept, Seen};

use super::Tick;
use crate::chain::VaultState;
use crate::chain::logs::Log;
use crate::chain::vault::LegKind;
use crate::protocol::Read;
use alloy::primitives::{Address, B256};
use alloy::sol;
use alloy::sol_types::SolEvent;
use plimsoll_core::execution::PlanId;
use plimsoll_core::{Amount, MarketId};
use std::collections::BTreeMap;

sol! {
    event Moved(bytes32 indexed planId, address indexed market, uint8 kind, uint256 assets);
    event Withdraw(address indexed by, address indexed receiver, address indexed holder, uint256 assets, uint256 shares);
    event LeftInKind(address indexed holder, address indexed market, address token, uint256 amount);
    event QueuePaid(uint256 round, uint256 assets, uint256 shares);
}

/// Events of the vault in which holders leave it.
const LEAVING: [B256; 3] =
    [Withdraw::SIGNATURE_HASH, LeftInKind::SIGNATURE_HASH, QueuePaid::SIGNATURE_HASH];

/// One leg of a plan that landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// The block.
    pub block: u64,
    /// The plan.
    pub plan: PlanId,
    /// The market.
    pub market: MarketId,
    /// What it did.
    pub kind: LegKind,
    /// What went in, or what came to idle.
    pub amount: Amount,
}

/// A market in the books.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// The block from which on it is complete.
    pub since: u64,
    /// The position at the last block.
    pub look: Look,
    /// What it brought so far.
    pub brought: Brought,
    /// What its pool's curve cost, where it has one.
    pub bent: Bent,
    /// What leavers drew on it, raw units.
    pub drawn: i128,
    /// What moved while its worth could not be read.
    pending: Flows,
}

/// The books.
#[derive(Debug, Default)]
pub struct Books {
    accounts: BTreeMap<MarketId, Account>,
    landed: Vec<Landed>,
}

impl Books {
    /// Each market.
    #[must_use]
    pub fn accounts(&self) -> &BTreeMap<MarketId, Account> {
        &self.accounts
    }

    /// Every leg that landed.
    #[must_use]
    pub fn landed(&self) -> &[Landed] {
        &self.landed
    }

    /// Takes in a block, and what the vault said since the last one that was taken in; returns the legs that landed.
    pub fn take(
        &mut self,
        tick: &Tick,
        places: &BTreeMap<MarketId, Address>,
        logs: &[Log],
    ) -> Vec<Landed> {
        self.taken((&tick.vault, &tick.reads), (places, logs), Account::take)
    }

    /// Takes in a block in which leavers were paid and that stands for no time: what no leg explains, they drew.
    pub fn take_drawn(
        &mut self,
        tick: &Tick,
        places: &BTreeMap<MarketId, Address>,
        logs: &[Log],
    ) -> Vec<Landed> {
        self.taken((&tick.vault, &tick.reads), (places, logs), Account::take_drawn)
    }

    /// The same from what a block says of the vault and of its markets.
    ///
    /// A market that is met for the first time begins with what is held then.
    fn taken(
        &mut self,
        (vault, reads): (&VaultState, &[Result<Read, String>]),
        (places, logs): (&BTreeMap<MarketId, Address>, &[Log]),
        take: fn(&mut Account, Look, &Flows),
    ) -> Vec<Landed> {
        let landed = legs(places, logs);
        let is_left =
            logs.iter().any(|log| log.topics.first().is_some_and(|it| LEAVING.contains(it)));
        let readings = reads.iter().flatten().flat_map(|read| &read.readings);
        let readings: BTreeMap<&MarketId, _> =
            readings.map(|reading| (&reading.market, reading)).collect();
        for (market, contract) in places {
            let flows = flows(landed.iter().filter(|leg| leg.market == *market), is_left);
            let Some(worth) = vault.place(*contract).and_then(|place| place.worth) else {
                if let Some(account) = self.accounts.get_mut(market) {
                    account.pending = account.pending.and(&flows);
                }
                continue;
            };
            let now = Look::new(worth, readings.get(market).copied());
            match self.accounts.get_mut(market) {
                Some(account) => take(account, now, &flows),
                None => {
                    self.accounts.insert(market.clone(), Account::begun(now, vault.block.number));
                }
            }
        }
        self.landed.extend(landed.iter().cloned());
        landed
    }
}

impl Account {
    /// An account that begins at block `since` with what is held then.
    fn begun(now: Look, since: u64) -> Account {
        let mut account = Account { since, ..Account::default() };
        account.bent.take(&Look::default(), &now, true);
        account.look = now;
        account
    }

    /// Takes in the position as it is now, with what moved since the last look.
    pub(crate) fn take(&mut self, now: Look, flows: &Flows) {
        let flows = std::mem::take(&mut self.pending).and(flows);
        let flows = drawn::with_drawn(&self.look, &now, flows);
        self.brought = self.brought.and(&causes(&self.look, &now, &flows));
        self.bent.take(&self.look, &now, flows.is_moved);
        self.look = now;
    }

    /// Takes in the position as leavers left it.
    pub(crate) fn take_drawn(&mut self, now: Look, flows: &Flows) {
        let flow = flows.entered - flows.left - flows.harvested - flows.over;
        self.drawn += signed(self.look.worth) + flow - signed(now.worth);
        self.bent.take(&self.look, &now, true);
        self.look = now;
    }
}

/// What legs of one market moved together, and whether anyone left the vault meanwhile.
fn flows<'a>(legs: impl Iterator<Item = &'a Landed>, is_left: bool) -> Flows {
    let mut flows = Flows { is_left, ..Flows::default() };
    for leg in legs {
        let amount = signed(leg.amount);
        let sum = match leg.kind {
            LegKind::Entry => &mut flows.entered,
            LegKind::Exit => &mut flows.left,
            LegKind::Harvest => &mut flows.harvested,
            LegKind::Arrange => &mut flows.over,
        };
        *sum = sum.saturating_add(amount);
        flows.is_moved = true;
    }
    flows
}

/// The legs that the vault says were carried out.
fn legs(places: &BTreeMap<MarketId, Address>, logs: &[Log]) -> Vec<Landed> {
    let market = |contract| {
        places.iter().find(|(_, place)| **place == contract).map(|(market, _)| market.clone())
    };
    let each = logs.iter().filter_map(|log| {
        let moved = Moved::decode_raw_log(log.topics.iter().copied(), &log.data).ok()?;
        Some(Landed {
            block: log.block(),
            plan: moved.planId,
            market: market(moved.market)?,
            kind: LegKind::of(moved.kind)?,
            amount: Amount(moved.assets),
        })
    });
    each.collect()
}
