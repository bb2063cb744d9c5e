//! Keeps the books on a task of its own: a question for events that is slow, or fails, holds up no decision.

use alloy::primitives::Address;
use plimsoll_core::MarketId;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::live::Tick;
use plimsoll_execute::live::books::{Keeper, Kept, Seen};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The books of a running engine. Looks that come while events are asked for replace each other: the newest is taken in.
#[derive(Debug)]
pub(crate) struct Ledger {
    seen: watch::Sender<Option<Arc<Seen>>>,
    kept: watch::Receiver<Arc<Kept>>,
    task: JoinHandle<()>,
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ledger {
    /// Begins to keep books; within a runtime.
    pub(crate) fn open(nodes: Nodes, places: BTreeMap<MarketId, Address>) -> Ledger {
        let (seen, mut looks) = watch::channel(None::<Arc<Seen>>);
        let (said, kept) = watch::channel(Arc::default());
        let mut keeper = Keeper::new(nodes, places);
        let task = tokio::spawn(async move {
            while looks.changed().await.is_ok() {
                let look = looks.borrow_and_update().clone();
                let Some(look) = look else { continue };
                let kept = keeper.look(&look).await;
                if let Some(trouble) = &kept.trouble {
                    let block = look.head.block.number;
                    tracing::warn!(
                        block,
                        trouble,
                        "the books lag: the vault's events cannot be had"
                    );
                }
                said.send_replace(Arc::new(kept));
            }
        });
        Ledger { seen, kept, task }
    }

    /// Hands over what a head brought.
    pub(crate) fn look(&self, tick: &Tick) {
        self.seen.send_replace(Some(Arc::new(Seen::from(tick))));
    }

    /// Waits until the books say something new, and returns it.
    pub(crate) async fn changed(&mut self) -> Arc<Kept> {
        if self.kept.changed().await.is_err() {
            // Nothing will come any more.
            std::future::pending::<()>().await;
        }
        self.kept.borrow_and_update().clone()
    }
}
