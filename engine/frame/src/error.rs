//! Why a table is no frame.

use plimsoll_core::{MarketId, Time};

/// Why rows or a table cannot become a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A column of the schema is not there.
    #[error("column `{column}` is missing; a market frame has {expected}")]
    MissingColumn {
        /// The column.
        column: &'static str,
        /// All columns of the schema.
        expected: String,
    },
    /// A column that the schema does not have.
    #[error("column `{column}` is not part of the schema; a market frame has {expected}")]
    UnknownColumn {
        /// The column.
        column: String,
        /// All columns of the schema.
        expected: String,
    },
    /// A column has another type.
    #[error("column `{column}` is {found}, expected {expected}")]
    WrongDtype {
        /// The column.
        column: &'static str,
        /// Its type.
        found: String,
        /// The schema's type.
        expected: String,
    },
    /// A null where none may be.
    #[error("column `{column}` is null in row {row}")]
    Null {
        /// The column.
        column: &'static str,
        /// The row, from 0.
        row: usize,
    },
    /// A number outside the range of its column, NaN included.
    #[error("row {row}: {market} at {time}: `{column}` is {found}, allowed is {allowed}")]
    OutOfRange {
        /// The row, from 0.
        row: usize,
        /// The market.
        market: String,
        /// The observation's time.
        time: Time,
        /// The column.
        column: &'static str,
        /// What was found.
        found: f64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Rows that are not sorted by (time, market), or not unique on both.
    #[error(
        "row {row}: {market} at {time} does not come after the row before it; rows are sorted by (time, market) and unique on both"
    )]
    Unsorted {
        /// The row, from 0.
        row: usize,
        /// The market.
        market: MarketId,
        /// The observation's time.
        time: Time,
    },
    /// A market id that is none.
    #[error("row {row}: {cause}")]
    MarketId {
        /// The row, from 0.
        row: usize,
        /// What is wrong with it.
        cause: plimsoll_core::ids::MarketIdError,
    },
    /// polars refused an operation on a table that had passed validation.
    #[error(transparent)]
    Polars(#[from] polars::error::PolarsError),
}
