//! New heads: a WebSocket says when to look, polling looks in any case, and what is believed is what enough
//! nodes say over HTTP.
//!
//! A head that does not follow from the one before is a reorganisation or a gap; both are said, with the depth
//! and the blocks that were passed over.

use crate::chain::{Head, NodeError, Nodes};
use alloy::primitives::B256;
use alloy::providers::{Provider, ProviderBuilder, WsConnect};
use plimsoll_core::execution::BlockRef;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Blocks that are remembered: a reorganisation deeper than this is said to be as deep as this.
const REMEMBERED: usize = 128;
/// The most blocks of a gap that are named: what lies further back is read when history is completed.
const MOST_MISSED: u64 = 1_000;
/// How long a broken WebSocket is left alone.
const RECONNECT: Duration = Duration::from_secs(2);
/// How long connecting and subscribing may take.
const CONNECT: Duration = Duration::from_secs(10);

/// A new head with what lies between it and the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The head.
    pub head: Head,
    /// How many of the blocks seen before are gone.
    pub reorged: u64,
    /// Blocks of this chain between the last one seen and the head, oldest first.
    pub missed: Vec<BlockRef>,
}

/// Watches for heads.
#[derive(Debug)]
pub struct Heads {
    nodes: Nodes,
    poll: Duration,
    called: Arc<Notify>,
    seen: VecDeque<BlockRef>,
    socket: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Heads {
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            socket.abort();
        }
    }
}

impl Heads {
    /// Returns a watch that looks every `poll`, and at once where the node at `socket` says so.
    #[must_use]
    pub fn new(nodes: Nodes, poll: Duration, socket: Option<String>) -> Heads {
        let called = Arc::new(Notify::new());
        let caller = called.clone();
        let socket = socket.map(|url| tokio::spawn(listen(url, caller)));
        Heads { nodes, poll, called, seen: VecDeque::new(), socket }
    }

    /// Waits for a head that was not seen before.
    ///
    /// # Errors
    /// [`NodeError`] where the nodes do not agree; the next call looks again.
    pub async fn next(&mut self) -> Result<Arrival, NodeError> {
        loop {
            let head = self.nodes.head().await?;
            if self.seen.back() != Some(&head.block) {
                return self.arrived(head).await;
            }
            let _ = tokio::time::timeout(self.poll, self.called.notified()).await;
        }
    }

    /// Forgets the newest head, so that it arrives once more.
    pub fn again(&mut self) {
        self.seen.pop_back();
    }

    /// Waits until it is time to look again.
    pub async fn pause(&self) {
        let _ = tokio::time::timeout(self.poll, self.called.notified()).await;
    }

    async fn arrived(&mut self, head: Head) -> Result<Arrival, NodeError> {
        let (reorged, missed) = match self.seen.back() {
            Some(last) if last.hash == head.parent => (0, Vec::new()),
            Some(_) => self.between(&head).await?,
            None => (0, Vec::new()),
        };
        for _ in 0..reorged {
            self.seen.pop_back();
        }
        self.seen.extend(missed.iter().copied());
        self.seen.push_back(head.block);
        while self.seen.len() > REMEMBERED {
            self.seen.pop_front();
        }
        Ok(Arrival { head, reorged, missed })
    }

    /// How many of the remembered blocks are gone, and the blocks that take their place below the head.
    async fn between(&self, head: &Head) -> Result<(u64, Vec<BlockRef>), NodeError> {
        let mut gone = 0;
        let mut common = None;
        for known in self.seen.iter().rev() {
            let is_there = known.number < head.block.number
                && self.hash_below(head, known.number).await? == known.hash;
            if is_there {
                common = Some(known.number);
                break;
            }
            gone += 1;
        }
        let oldest = head.block.number.saturating_sub(MOST_MISSED);
        let from = common.map_or(oldest, |number| number.saturating_add(1)).max(oldest);
        let mut missed = Vec::new();
        for number in from..head.block.number {
            let hash = self.hash_below(head, number).await?;
            missed.push(BlockRef { number, hash });
        }
        Ok((gone, missed))
    }

    async fn hash_below(&self, head: &Head, number: u64) -> Result<B256, NodeError> {
        if number + 1 == head.block.number {
            return Ok(head.parent);
        }
        self.nodes.hash_at(number).await
    }
}

/// Calls whenever the node at `url` says that there is a new head; for ever.
async fn listen(url: String, called: Arc<Notify>) {
    loop {
        let connected = ProviderBuilder::new().connect_ws(WsConnect::new(url.clone()));
        if let Ok(Ok(provider)) = tokio::time::timeout(CONNECT, connected).await
            && let Ok(Ok(mut heads)) =
                tokio::time::timeout(CONNECT, provider.subscribe_blocks()).await
        {
            while heads.recv().await.is_ok() {
                called.notify_one();
            }
        }
        // Polling goes on meanwhile.
        tokio::time::sleep(RECONNECT).await;
    }
}
