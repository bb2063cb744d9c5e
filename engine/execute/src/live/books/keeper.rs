//! Keeps the books of a vault beside the engine: from each look at the chain, and the vault's events since the last one.
//!
//! Looks may pass over blocks. A look whose events cannot be had is not taken in, and the next one asks for all that is
//! missing: the books lag, they are never wrong. After a reorganisation they go back to the last block that is still
//! the chain's. Where that is too far back, they begin anew, and say from which block on they are complete.

use super::{Account, Books, LEAVING, Moved};
use crate::chain::logs::{Log, LogFilter};
use crate::chain::{Head, NodeError, Nodes, VaultState};
use crate::live::Tick;
use crate::protocol::{At, Read};
use alloy::primitives::Address;
use alloy::sol_types::SolEvent;
use plimsoll_core::MarketId;
use plimsoll_core::execution::BlockRef;
use std::collections::{BTreeMap, VecDeque};

/// Looks that are remembered for the case of a reorganisation.
const REMEMBERED: usize = 64;
/// The most blocks between two looks whose events are asked for; after more the books begin anew.
const MOST_BLOCKS: u64 = 10_000;

/// What a head brought, as far as books are kept of it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The head.
    pub head: Head,
    /// The vault.
    pub vault: VaultState,
    /// What the protocols said.
    pub reads: Vec<Result<Read, String>>,
}

impl From<&Tick> for Seen {
    fn from(tick: &Tick) -> Seen {
        Seen { head: tick.head, vault: tick.vault.clone(), reads: tick.reads.clone() }
    }
}

impl Seen {
    fn at(&self) -> At {
        At { block: self.head.block, timestamp: self.head.timestamp }
    }
}

/// The books as they stand.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The block from which on they are complete; `None` before the first look.
    pub since: Option<At>,
    /// The block up to which they are complete.
    pub through: Option<At>,
    /// Each market.
    pub accounts: BTreeMap<MarketId, Account>,
    /// Why they lag behind the newest look, where they do.
    pub trouble: Option<String>,
}

/// Keeps the books of one vault.
#[derive(Debug)]
pub struct Keeper {
    nodes: Nodes,
    places: BTreeMap<MarketId, Address>,
    books: Books,
    since: Option<At>,
    /// The newest looks that were taken in with what the books said then, oldest first.
    past: VecDeque<(At, BTreeMap<MarketId, Account>)>,
}

impl Keeper {
    /// Returns one that asks `nodes` for events; `places` are the contracts of the markets.
    #[must_use]
    pub fn new(nodes: Nodes, places: BTreeMap<MarketId, Address>) -> Keeper {
        Keeper { nodes, places, books: Books::default(), since: None, past: VecDeque::new() }
    }

    /// Takes in a look. Where events cannot be had the books stay as they are, and say why.
    pub async fn look(&mut self, seen: &Seen) -> Kept {
        let trouble = self.taken(seen).await.err().map(|error| error.to_string());
        Kept {
            since: self.since,
            through: self.past.back().map(|(at, _)| *at),
            accounts: self.books.accounts.clone(),
            trouble,
        }
    }

    async fn taken(&mut self, seen: &Seen) -> Result<(), NodeError> {
        if self.past.back().is_some_and(|(at, _)| at.block == seen.head.block) {
            return Ok(());
        }
        let known = self.common(&seen.head).await?;
        let Some((from, _)) = known.checked_sub(1).and_then(|last| self.past.get(last)) else {
            self.begin(seen);
            return Ok(());
        };
        let from = from.block;
        let number = seen.head.block.number;
        if number.saturating_sub(from.number) > MOST_BLOCKS {
            self.begin(seen);
            return Ok(());
        }
        let logs = self.events(from, seen).await?;
        // Nothing fails from here on.
        if known < self.past.len() {
            self.past.truncate(known);
            self.books.landed.retain(|leg| leg.block <= from.number);
            self.books.accounts =
                self.past.back().map(|(_, kept)| kept.clone()).unwrap_or_default();
        }
        self.take(seen, &logs);
        Ok(())
    }

    /// How many of the looks taken in are at blocks of the chain of `head`.
    async fn common(&self, head: &Head) -> Result<usize, NodeError> {
        let mut known = self.past.len();
        for (at, _) in self.past.iter().rev() {
            let BlockRef { number, hash } = at.block;
            let is_there = match head.block.number.checked_sub(number) {
                None | Some(0) => false,
                Some(1) => head.parent == hash,
                Some(_) => self.nodes.hash_at(number).await? == hash,
            };
            if is_there {
                break;
            }
            known -= 1;
        }
        Ok(known)
    }

    /// What the vault said after block `from`, as far as books are kept of it.
    async fn events(&self, from: BlockRef, seen: &Seen) -> Result<Vec<Log>, NodeError> {
        let [withdraw, in_kind, queue] = LEAVING;
        let filter = LogFilter {
            contract: seen.vault.address,
            events: vec![Moved::SIGNATURE_HASH, withdraw, in_kind, queue],
            first: Vec::new(),
        };
        let first = from.number.saturating_add(1);
        if first == seen.head.block.number {
            return self.nodes.logs_of(&filter, seen.head.block.hash).await;
        }
        self.nodes.logs(&filter, first, seen.head.block).await
    }

    fn begin(&mut self, seen: &Seen) {
        self.books = Books::default();
        self.past.clear();
        self.since = Some(seen.at());
        self.take(seen, &[]);
    }

    fn take(&mut self, seen: &Seen, logs: &[Log]) {
        self.books.take_all((&seen.vault, &seen.reads), &self.places, logs);
        self.past.push_back((seen.at(), self.books.accounts.clone()));
        while self.past.len() > REMEMBERED {
            self.past.pop_front();
        }
    }
}
