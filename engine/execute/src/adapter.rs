//! The trait [`Adapter`]: what does this protocol say?

use async_trait::async_trait;
use plimsoll_core::{Day, MarketId};
use plimsoll_frame::Observation;

/// What does this protocol, or this source, say?
///
/// A live adapter reads one block at a time; a source of history gives what was recorded, a day at a
/// time. The loop sees no difference. How to act on a protocol joins this trait with the first
/// adapter that can be acted on.
#[async_trait]
pub trait Adapter: Send {
    /// The name under which it is configured and reported.
    fn name(&self) -> String;

    /// Returns the next batch of observations, each market's in the order of time, or `None` at the
    /// end of what was recorded.
    ///
    /// # Errors
    /// [`AdapterError`]; the adapter's own markets are then missing, and nothing else.
    async fn observe(&mut self) -> Result<Option<Vec<Observation>>, AdapterError>;

    /// Returns what the adapter itself found wrong with the order of its rows so far.
    fn disorder(&self) -> Vec<Disorder> {
        Vec::new()
    }
}

/// What an adapter had to put right, or leave out, before a row could become an observation.
#[derive(Debug, Clone, PartialEq)]
pub enum Disorder {
    /// Rows of a market that stood before an earlier one in the file.
    Unsorted {
        /// The market.
        market: MarketId,
        /// Its name.
        symbol: String,
        /// First and last day.
        days: (Day, Day),
        /// How many.
        rows: u64,
    },
    /// Rows of a network that has no known chain id.
    UnknownNetwork {
        /// What the source calls it.
        name: String,
        /// First and last day.
        days: (Day, Day),
        /// How many.
        rows: u64,
    },
}

/// Why an adapter has no observation.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// The folder holds none of the files that a source knows.
    #[error("{dir}: no file that this source knows; expected at least one of {expected}")]
    NoFiles {
        /// The folder.
        dir: String,
        /// The known names.
        expected: String,
    },
    /// A folder that is not there.
    #[error("{dir}: {detail}; give a folder with --data DIR or PLIMSOLL_DATA")]
    NoFolder {
        /// The folder.
        dir: String,
        /// What the system said.
        detail: String,
    },
    /// A file that cannot be read as Parquet.
    #[error(
        "{file}: not a readable Parquet file ({detail}); it may be truncated: copy or download it again"
    )]
    Unreadable {
        /// The file.
        file: String,
        /// What the reader said, on one line.
        detail: String,
    },
    /// A column that the source needs.
    #[error("{file}: column `{column}` is missing{nearest}; the file has {found}")]
    MissingColumn {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The nearest name in the file, as a phrase.
        nearest: String,
        /// What the file has.
        found: String,
    },
    /// A column of another type.
    #[error("{file}: column `{column}` is {found}, expected {expected}; write it as {expected}")]
    WrongDtype {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// Its type.
        found: String,
        /// What is needed.
        expected: &'static str,
    },
    /// A null in a column that names what the row is about.
    #[error(
        "{file}: row {row} of those read: `{column}` is null; a row without it belongs to nothing, so remove or fill it"
    )]
    Null {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The row among those read, from 0.
        row: usize,
    },
    /// A name that cannot be part of a market id.
    #[error(
        "{file}: row {row} of those read: `{column}` is {found:?}, which is no name: it must not be empty or hold a colon"
    )]
    BadName {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The row among those read, from 0.
        row: usize,
        /// What was found.
        found: String,
    },
    /// No row in the span that was asked for.
    #[error("{file}: no row from {from} to {to}; the file covers {covers}")]
    EmptyRange {
        /// The file.
        file: String,
        /// What was asked for.
        from: String,
        /// What was asked for.
        to: String,
        /// What is there.
        covers: String,
    },
}

impl AdapterError {
    /// Whether the next block may cure it. A file stays as it is.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        false
    }
}
