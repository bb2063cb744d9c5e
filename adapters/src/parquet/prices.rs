//! Daily prices by symbol, from whichever price files a folder has.
//!
//! A daily price is a close: it is known from the end of its day. Prices are joined by symbol, the only
//! key these files have, so they serve as a feature and for gas, and never name a market.

use super::table::{Table, Wanted};
use super::{Selection, matching};
use plimsoll_core::{Day, Time};
use plimsoll_execute::AdapterError;
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// How old a price may be before it is unknown, in days.
const KNOWN_FOR_DAYS: f64 = 3.0;

/// Daily closes in USD, by upper-case symbol.
#[derive(Debug, Clone, Default)]
pub struct PriceBook(Arc<BTreeMap<String, BTreeMap<Day, f64>>>);

impl PriceBook {
    /// Reads the prices of `symbols` from the price files among `files`.
    pub(super) fn read(
        files: &[PathBuf],
        symbols: &BTreeSet<String>,
        selection: &Selection,
    ) -> Result<PriceBook, AdapterError> {
        let mut book = BTreeMap::new();
        let patterns = &["prices_daily", "prices_hourly", "stablecoins_daily"];
        for file in matching(files, patterns) {
            let table = Table::open(file)?;
            let Some(query) = query(&table, symbols, selection)? else {
                continue;
            };
            add(&mut book, &table, query)?;
        }
        Ok(PriceBook(Arc::new(book)))
    }

    /// Returns the last close of `symbol` that was known at `time`, or `None` where there is none or
    /// it is more than three days old.
    ///
    /// # Units
    /// USD per whole token.
    #[must_use]
    pub fn at(&self, symbol: &str, time: Time) -> Option<f64> {
        let closes = self.0.get(&symbol.to_uppercase())?;
        let (day, close) = closes.range(..time.day()).next_back()?;
        (time.days_since(day.end()) <= KNOWN_FOR_DAYS).then_some(*close)
    }

    /// Returns every price as bytes, for a hash of what was read.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (symbol, days) in self.0.iter() {
            bytes.extend(symbol.len().to_le_bytes());
            bytes.extend(symbol.as_bytes());
            for (day, close) in days {
                bytes.extend(day.0.to_le_bytes());
                bytes.extend(close.to_bits().to_le_bytes());
            }
        }
        bytes
    }

    /// How many symbols have a price.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no symbol has a price.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The query for (symbol, time, close) in USD, or `None` where the file quotes in something else.
fn query(
    table: &Table,
    symbols: &BTreeSet<String>,
    selection: &Selection,
) -> Result<Option<LazyFrame>, AdapterError> {
    let price = ["price_usd", "price", "close"].into_iter().find(|name| table.has(name));
    let time = if table.has("timestamp") { "timestamp" } else { "date" };
    let (Some(price), true) = (price, table.has("symbol")) else {
        return Ok(None);
    };
    table.require(time, Wanted::Instant)?;
    table.require("symbol", Wanted::Text)?;
    table.require(price, Wanted::Number)?;
    let mut scan = table.scan();
    if table.allow("quote", Wanted::Text)? {
        scan = scan.filter(col("quote").eq(lit("USD")));
    }
    // Names in files differ in case ("USDe"); the few spellings are read first, then only their rows.
    let names = table.collect(table.scan().select([col("symbol").unique()]))?;
    let names = table.column(&names, "symbol")?.str().map(|names| {
        let known = names.iter().flatten().filter(|name| symbols.contains(&name.to_uppercase()));
        known.map(str::to_owned).collect::<Vec<_>>()
    });
    let wanted = names.unwrap_or_default();
    if wanted.is_empty() {
        return Ok(None);
    }
    let any = wanted.into_iter().fold(lit(false), |any, name| any.or(col("symbol").eq(lit(name))));
    let mut query = scan.filter(any).select([
        col("symbol"),
        table.instant(time)?.alias("time"),
        table.number(price)?.alias("close"),
    ]);
    if let Some(to) = selection.to {
        query = query.filter(col("time").lt_eq(lit(to.end().0)));
    }
    Ok(Some(query.sort(["time"], SortMultipleOptions::default())))
}

fn add(
    book: &mut BTreeMap<String, BTreeMap<Day, f64>>,
    table: &Table,
    query: LazyFrame,
) -> Result<(), AdapterError> {
    let read = table.collect(query)?;
    let failed = |error: PolarsError| AdapterError::Unreadable {
        file: table.file(),
        detail: error.to_string(),
    };
    let symbols = table.column(&read, "symbol")?.str().map_err(failed)?;
    let times = table.column(&read, "time")?.i64().map_err(failed)?;
    let closes = table.column(&read, "close")?.f64().map_err(failed)?;
    let mut here: BTreeMap<String, BTreeMap<Day, f64>> = BTreeMap::new();
    for ((symbol, time), close) in symbols.iter().zip(times.iter()).zip(closes.iter()) {
        if let (Some(symbol), Some(time), Some(close)) = (symbol, time, close)
            && close.is_finite()
            && close > 0.0
        {
            // Rows are in the order of time, so the last price of a day is its close.
            here.entry(symbol.to_uppercase()).or_default().insert(Time(time).day(), close);
        }
    }
    for (symbol, days) in here {
        let known = book.entry(symbol).or_default();
        for (day, close) in days {
            // The first file that knows a day keeps it: daily files come before hourly ones.
            known.entry(day).or_insert(close);
        }
    }
    Ok(())
}
