//! Daily mean gas prices by chain.

use super::matching;
use super::table::{Table, Wanted};
use plimsoll_core::{ChainId, Day, Time};
use plimsoll_execute::AdapterError;
use polars::prelude::PolarsError;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Daily mean gas prices.
///
/// # Units
/// Gwei per unit of gas. On rollups this is the price of execution there; the fee for the data on the
/// parent chain is not in it.
#[derive(Debug, Clone, Default)]
pub struct GasBook(BTreeMap<ChainId, BTreeMap<Day, f64>>);

impl GasBook {
    /// Reads the gas files among `files`.
    pub(super) fn read(files: &[PathBuf]) -> Result<GasBook, AdapterError> {
        let mut book: BTreeMap<ChainId, BTreeMap<Day, f64>> = BTreeMap::new();
        for file in matching(files, &["gas_price_daily"]) {
            let table = Table::open(file)?;
            table.require("date", Wanted::Instant)?;
            table.require("chain", Wanted::Text)?;
            table.require("avg_gas_price_gwei", Wanted::Number)?;
            let query = table.scan().select([
                table.instant("date")?,
                table.text("chain")?,
                table.number("avg_gas_price_gwei")?,
            ]);
            let read = table.collect(query)?;
            let failed = |error: PolarsError| AdapterError::Unreadable {
                file: table.file(),
                detail: error.to_string(),
            };
            let dates = table.column(&read, "date")?.i64().map_err(failed)?;
            let chains = table.column(&read, "chain")?.str().map_err(failed)?;
            let prices = table.column(&read, "avg_gas_price_gwei")?.f64().map_err(failed)?;
            for ((date, chain), gwei) in dates.iter().zip(chains.iter()).zip(prices.iter()) {
                // A mean of zero is a day without a reading, not a day of free gas.
                if let (Some(date), Some(chain), Some(gwei)) =
                    (date, chain.and_then(ChainId::by_name), gwei)
                    && gwei.is_finite()
                    && gwei > 0.0
                {
                    book.entry(chain).or_default().insert(Time(date).day(), gwei);
                }
            }
        }
        Ok(GasBook(book))
    }

    /// Returns the mean price of the last full day before `time`, or `None` where it is not recorded.
    #[must_use]
    pub fn at(&self, chain: ChainId, time: Time) -> Option<f64> {
        self.0.get(&chain)?.get(&time.day().plus(-1)).copied()
    }

    /// Returns every price as bytes, for a hash of what was read.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let all = self.0.iter().flat_map(|(chain, days)| days.iter().map(move |row| (chain, row)));
        all.flat_map(|(chain, (day, gwei))| {
            [chain.0.to_le_bytes(), day.0.to_le_bytes(), gwei.to_bits().to_le_bytes()].concat()
        })
        .collect()
    }

    /// Whether no chain has a price.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
