//! Typed rows: what adapters return.

use crate::schema::Column;
use plimsoll_core::{ChainId, MarketId, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One market at one time.
///
/// # Units
/// As the columns of the frame: fractions, USD, days, asset per share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketRow {
    /// Block number; `None` in history that recorded none.
    pub block: Option<u64>,
    /// The observation's own time.
    pub time: Time,
    /// The market.
    pub market: MarketId,
    /// The numbers, by [`Column`]; missing is `None`, never zero.
    pub numbers: [Option<f64>; Column::ALL.len()],
}

impl MarketRow {
    /// Returns a row that knows nothing but where and when.
    #[must_use]
    pub fn empty(market: MarketId, time: Time) -> MarketRow {
        MarketRow { block: None, time, market, numbers: [None; Column::ALL.len()] }
    }

    /// Reads a number.
    #[must_use]
    pub fn get(&self, column: Column) -> Option<f64> {
        self.numbers.get(column as usize).copied().flatten()
    }

    /// Writes a number.
    pub fn set(&mut self, column: Column, value: Option<f64>) {
        if let Some(slot) = self.numbers.get_mut(column as usize) {
            *slot = value;
        }
    }

    /// Writes a number and returns the row.
    #[must_use]
    pub fn with(mut self, column: Column, value: Option<f64>) -> MarketRow {
        self.set(column, value);
        self
    }
}

/// A row as a source gave it, with what only the data-quality gate needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The row.
    pub row: MarketRow,
    /// The name of the asset or pool at that time.
    #[serde(with = "text")]
    pub symbol: Arc<str>,
    /// When the protocol itself last touched the market, where the source says.
    pub updated_at: Option<Time>,
    /// Advertised borrow rate, where the source says; a fraction.
    pub borrow_apr: Option<f64>,
    /// Whether the asset can be borrowed at all, where the source says.
    pub borrowable: Option<bool>,
    /// Whether the protocol takes deposits, where the source says.
    pub takes_deposits: Option<bool>,
    /// Whether the protocol has the market switched on, where the source says.
    pub is_active: Option<bool>,
    /// Whether the source itself marks the row as an old snapshot.
    pub marked_stale: bool,
    /// The network that the source's own key names, where it names one.
    pub key_network: Option<ChainId>,
    /// Decimals with which the source recorded the index, where they are few.
    pub index_decimals: Option<u8>,
}

impl Observation {
    /// Returns an observation that says nothing beyond its row.
    #[must_use]
    pub fn of(row: MarketRow, symbol: &str) -> Observation {
        Observation {
            row,
            symbol: symbol.into(),
            updated_at: None,
            borrow_apr: None,
            borrowable: None,
            takes_deposits: None,
            is_active: None,
            marked_stale: false,
            key_network: None,
            index_decimals: None,
        }
    }
}

/// A shared text as JSON has it.
mod text {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(from).map(Arc::from)
    }
}
