//! The trait [`Executor`]: what do I hold, and make it so.

use async_trait::async_trait;
use plimsoll_core::journal::Executed;
use plimsoll_core::{Approved, MarketId, Portfolio};

/// What do I hold, and make it so.
///
/// Live it is the chain, in a replay the ledger. It takes nothing but an [`Approved`] plan.
#[async_trait]
pub trait Executor: Send {
    /// Returns what is held, valued at the last known index.
    ///
    /// # Errors
    /// [`ExecuteError`] where holdings cannot be read.
    async fn holdings(&self) -> Result<Portfolio, ExecuteError>;

    /// Carries out an approved plan and returns what was really done.
    ///
    /// # Errors
    /// [`ExecuteError`]; then nothing was done.
    async fn execute(&mut self, approved: &Approved) -> Result<Executed, ExecuteError>;
}

/// Why an executor did nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// A market without a price: neither shares nor value can be counted.
    #[error("{market} has no share price, so nothing can be moved there")]
    NoPrice {
        /// The market.
        market: MarketId,
    },
    /// Entries and costs that exits and idle money do not pay.
    #[error("the plan spends {spends} raw units, idle money and exits give {gives}")]
    Unfunded {
        /// What it spends.
        spends: String,
        /// What there is.
        gives: String,
    },
    /// An amount that does not fit 256 bits.
    #[error("{market}: an amount does not fit 256 bits")]
    Overflow {
        /// The market.
        market: MarketId,
    },
}

impl ExecuteError {
    /// Whether the next block may cure it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, ExecuteError::NoPrice { .. })
    }
}
