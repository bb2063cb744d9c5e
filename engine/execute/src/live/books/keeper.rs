//! Keeps the books of a vault beside the engine: from each look at the chain, and the vault's events since the last one.
//!
//! A look whose events cannot be had waits, and the next one asks for all that is missing: the books lag, they are never
//! wrong. Looks may pass over blocks; what happened between two is told together. After a reorganisation the books go
//! back to the last look that is still the chain's. Where that is too far back, they begin anew, and say from which
//! block on they are complete.

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
use std::sync::Arc;

/// Looks that are remembered for the case of a reorganisation, and looks that wait for their events.
const REMEMBERED: usize = 64;
/// The most blocks whose events are asked for; after more the books begin anew.
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
    /// Looks whose events are not known yet, oldest first.
    waiting: VecDeque<Arc<Seen>>,
}

impl Keeper {
    /// Returns one that asks `nodes` for events; `places` are the contracts of the markets.
    #[must_use]
    pub fn new(nodes: Nodes, places: BTreeMap<MarketId, Address>) -> Keeper {
        let (past, waiting) = (VecDeque::new(), VecDeque::new());
        Keeper { nodes, places, books: Books::default(), since: None, past, waiting }
    }

    /// Adds a look, to be taken in by [`Keeper::keep`]. Of too many the oldest is left out.
    pub fn add(&mut self, seen: Arc<Seen>) {
        self.waiting.push_back(seen);
        if self.waiting.len() > REMEMBERED {
            self.waiting.pop_front();
        }
    }

    /// Takes in what waits. Where events cannot be had the books stay as they are, and say why.
    pub async fn keep(&mut self) -> Kept {
        let trouble = self.kept().await.err().map(|error| error.to_string());
        Kept {
            since: self.since,
            through: self.past.back().map(|(at, _)| *at),
            accounts: self.books.accounts.clone(),
            trouble,
        }
    }

    async fn kept(&mut self) -> Result<(), NodeError> {
        self.waiting = self.on_chain().await?;
        let (Some(first), Some(newest)) = (self.waiting.front(), self.waiting.back()) else {
            return Ok(());
        };
        let (first, newest) = (first.clone(), newest.clone());
        let known = self.common(&first.head).await?;
        let from = known.checked_sub(1).and_then(|last| self.past.get(last));
        let from = from
            .map(|(at, _)| at.block)
            .filter(|from| newest.head.block.number.saturating_sub(from.number) <= MOST_BLOCKS);
        let (known, from) = match from {
            Some(from) => (known, from),
            None => {
                self.begin(&first);
                self.waiting.pop_front();
                (self.past.len(), first.head.block)
            }
        };
        if self.waiting.is_empty() {
            return Ok(());
        }
        let logs = self.events(from, &newest).await?;
        // Nothing fails from here on.
        self.go_back(known, from);
        let mut before = from.number;
        for seen in std::mem::take(&mut self.waiting) {
            let through = seen.head.block.number;
            let is_new = |log: &&Log| (before.saturating_add(1)..=through).contains(&log.block());
            let logs: Vec<Log> = logs.iter().filter(is_new).cloned().collect();
            self.take(&seen, &logs);
            before = through;
        }
        Ok(())
    }

    /// The looks that wait and are at blocks of the chain of the newest, and at none that was taken in.
    async fn on_chain(&self) -> Result<VecDeque<Arc<Seen>>, NodeError> {
        let mut kept: VecDeque<Arc<Seen>> = VecDeque::new();
        for seen in self.waiting.iter().rev() {
            let block = seen.head.block;
            let is_there = match kept.front() {
                None => self.past.back().is_none_or(|(at, _)| at.block != block),
                Some(next) => self.is_below(block, &next.head).await?,
            };
            if is_there {
                kept.push_front(seen.clone());
            } else if kept.is_empty() {
                // The newest is taken in already, and with it all before.
                break;
            }
        }
        Ok(kept)
    }

    /// Whether a block is on the chain of `head`, below it.
    async fn is_below(&self, block: BlockRef, head: &Head) -> Result<bool, NodeError> {
        Ok(match head.block.number.checked_sub(block.number) {
            None | Some(0) => false,
            Some(1) => head.parent == block.hash,
            Some(_) => self.nodes.hash_at(block.number).await? == block.hash,
        })
    }

    /// How many of the looks taken in are at blocks of the chain of `head`.
    async fn common(&self, head: &Head) -> Result<usize, NodeError> {
        let mut known = self.past.len();
        for (at, _) in self.past.iter().rev() {
            if self.is_below(at.block, head).await? {
                break;
            }
            known -= 1;
        }
        Ok(known)
    }

    /// What the vault said after block `from`, as far as books are kept of it.
    async fn events(&self, from: BlockRef, newest: &Seen) -> Result<Vec<Log>, NodeError> {
        let [withdraw, in_kind, queue] = LEAVING;
        let filter = LogFilter {
            contract: newest.vault.address,
            events: vec![Moved::SIGNATURE_HASH, withdraw, in_kind, queue],
            first: Vec::new(),
        };
        let first = from.number.saturating_add(1);
        if first == newest.head.block.number {
            return self.nodes.logs_of(&filter, newest.head.block.hash).await;
        }
        self.nodes.logs(&filter, first, newest.head.block).await
    }

    /// Forgets all looks after the first `known`, of which the last is `to`.
    fn go_back(&mut self, known: usize, to: BlockRef) {
        if known < self.past.len() {
            self.past.truncate(known);
            self.books.landed.retain(|leg| leg.block <= to.number);
            let accounts = self.past.back().map(|(_, kept)| kept.clone());
            self.books.accounts = accounts.unwrap_or_default();
        }
    }

    fn begin(&mut self, seen: &Seen) {
        self.books = Books::default();
        self.past.clear();
        self.since = Some(seen.at());
        self.take(seen, &[]);
    }

    fn take(&mut self, seen: &Seen, logs: &[Log]) {
        self.books.taken((&seen.vault, &seen.reads), (&self.places, logs), Account::take);
        self.past.push_back((seen.at(), self.books.accounts.clone()));
        while self.past.len() > REMEMBERED {
            self.past.pop_front();
        }
    }
}
