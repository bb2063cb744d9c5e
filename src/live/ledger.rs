//! Keeps the books on a task of its own: a question for events that is slow, or fails, holds up no decision.

use alloy::primitives::Address;
use plimsoll_core::MarketId;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::live::Tick;
use plimsoll_execute::live::books::{Keeper, Kept, Seen};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Looks that wait while events are asked for; of more the newest are left out.
const MOST_WAITING: usize = 64;

/// The books of a running engine.
#[derive(Debug)]
pub(crate) struct Ledger {
    seen: mpsc::Sender<Arc<Seen>>,
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
        let (seen, mut looks) = mpsc::channel::<Arc<Seen>>(MOST_WAITING);
        let (said, kept) = watch::channel(Arc::default());
        let mut keeper = Keeper::new(nodes, places);
        let task = tokio::spawn(async move {
            while let Some(look) = looks.recv().await {
                let block = look.head.block.number;
                keeper.add(look);
                while let Ok(look) = looks.try_recv() {
                    keeper.add(look);
                }
                let kept = keeper.keep().await;
                if let Some(trouble) = &kept.trouble {
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
        // What finds no place is made good by the next one, which asks for the events of all that is missing.
        let _ = self.seen.try_send(Arc::new(Seen::from(tick)));
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
