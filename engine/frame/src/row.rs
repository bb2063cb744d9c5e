//! Typed rows: what adapters return.

use crate::schema::Column;
use plimsoll_core::{ChainId, MarketId, Time};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
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
    /// The numbers, by [`Column`]; missing is `None`, never zero. Rows written down when there were fewer columns
    /// lack the others.
    #[serde(deserialize_with = "numbers")]
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

/// As many numbers as there are columns; those that are not there are missing.
fn numbers<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<[Option<f64>; Column::ALL.len()], D::Error> {
    let found = Vec::<Option<f64>>::deserialize(from)?;
    let mut numbers = [None; Column::ALL.len()];
    if found.len() > numbers.len() {
        let expected = format!("at most {} numbers", numbers.len());
        return Err(D::Error::invalid_length(found.len(), &expected.as_str()));
    }
    for (slot, number) in numbers.iter_mut().zip(found) {
        *slot = number;
    }
    Ok(numbers)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_fewer_columns_lacks_the_others() {
        let row = MarketRow::empty("a:1:x".parse().unwrap(), Time(5))
            .with(Column::PriceUsd, Some(1.0))
            .with(Column::DepthUsd, Some(2.0));
        let mut json = serde_json::to_value(&row).unwrap();
        assert_eq!(serde_json::from_value::<MarketRow>(json.clone()).unwrap(), row);
        json["numbers"].as_array_mut().unwrap().truncate(10);
        let older: MarketRow = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(older, row.with(Column::DepthUsd, None));
        json["numbers"] = serde_json::json!(vec![1.0; 15]);
        let error = serde_json::from_value::<MarketRow>(json).unwrap_err().to_string();
        assert!(error.contains("at most 14 numbers"), "{error}");
    }
}
