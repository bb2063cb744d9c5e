//! A gate that a test opens: what waits for it waits for no clock.

use tokio::sync::watch;

/// Holds up whatever waits for it until it is opened, and then lets everything through.
#[derive(Debug, Clone)]
pub struct Gate {
    is_open: watch::Sender<bool>,
    arrived: watch::Sender<u64>,
}

impl Default for Gate {
    fn default() -> Gate {
        Gate::new()
    }
}

impl Gate {
    /// Returns one that is closed.
    #[must_use]
    pub fn new() -> Gate {
        Gate { is_open: watch::Sender::new(false), arrived: watch::Sender::new(0) }
    }

    /// Opens it, for good.
    pub fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Returns once `count` have come to it since it was made.
    pub async fn reached(&self, count: u64) {
        let mut arrived = self.arrived.subscribe();
        // The sender lives as long as `self`.
        let _ = arrived.wait_for(|number| *number >= count).await;
    }

    /// Comes to it and waits until it is open.
    pub(super) async fn pass(&self) {
        self.arrived.send_modify(|number| *number += 1);
        let _ = self.is_open.subscribe().wait_for(|is_open| *is_open).await;
    }
}
