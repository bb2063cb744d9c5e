//! Recorded history as an adapter: one day a batch, in the order of time.

use super::keys::{disorder, interned, markets, network_of, order, whole};
use super::pools::{self, apr_from_apy_pct};
use super::prices::PriceBook;
use super::table::Table;
use super::{Selection, reserves};
use async_trait::async_trait;
use plimsoll_core::{ChainId, MarketId, Time};
use plimsoll_execute::adapter::Disorder;
use plimsoll_execute::{Adapter, AdapterError};
use plimsoll_frame::{Column as Number, MarketRow, Observation};
use polars::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// A kind of file that holds observations of markets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lending reserves with an index.
    Reserves,
    /// Advertised yields.
    Pools,
}

impl Kind {
    pub(super) const ALL: [Kind; 2] = [Kind::Reserves, Kind::Pools];

    /// What its file names hold (`*`) or begin with.
    pub(super) fn patterns(self) -> &'static [&'static str] {
        match self {
            Kind::Reserves => &["*reserves_daily"],
            Kind::Pools => &["pool_yields_daily"],
        }
    }

    /// What the file calls a column that observations call `name`.
    fn column_of(self, name: &'static str) -> &'static str {
        match (self, name) {
            (Kind::Reserves, "address") => "asset_address",
            (Kind::Pools, "address") => "pool_id",
            (_, "time") => "timestamp",
            _ => name,
        }
    }

    /// How many decimals of an index can be relied on: recorded reserves keep six.
    fn index_decimals(self) -> Option<u8> {
        matches!(self, Kind::Reserves).then_some(6)
    }
}

/// The rows of one file, ready to be given out day by day.
#[derive(Debug)]
pub(super) struct History {
    kind: Kind,
    name: String,
    rows: Rows,
    /// Rows in the order of (time, market).
    order: Vec<usize>,
    /// The market of each row; `None` on a network without a known id.
    codes: Vec<usize>,
    markets: Vec<Option<MarketId>>,
    next: usize,
    prices: PriceBook,
    disorder: Vec<Disorder>,
}

/// The columns of the rows, in the order of the file.
#[derive(Debug)]
struct Rows {
    time: Vec<i64>,
    symbol: Vec<Arc<str>>,
    key_network: Vec<Option<ChainId>>,
    updated_at: Int64Chunked,
    numbers: Vec<(Number, Float64Chunked)>,
    borrow_apr: Float64Chunked,
    borrowable: BooleanChunked,
    is_active: BooleanChunked,
    takes_deposits: BooleanChunked,
    marked_stale: BooleanChunked,
}

impl History {
    /// Reads the selected rows of `path`.
    pub(super) fn read(
        kind: Kind,
        path: &Path,
        selection: &Selection,
    ) -> Result<History, AdapterError> {
        let table = Table::open(path)?;
        let columns = match kind {
            Kind::Reserves => reserves::columns(&table)?,
            Kind::Pools => pools::columns(&table)?,
        };
        let read = table.collect(select(&table, columns, selection)?)?;
        let file = table.file();
        let texts = |name: &'static str,
                     may_be_null: bool|
         -> Result<Vec<Option<Arc<str>>>, AdapterError> {
            let column = table.column(&read, name)?.clone();
            interned(&column, may_be_null).map_err(|row| AdapterError::Null {
                file: file.clone(),
                column: kind.column_of(name),
                row,
            })
        };
        let time = table.column(&read, "time")?;
        let time = whole(time).map_err(|row| AdapterError::Null {
            file: file.clone(),
            column: "timestamp",
            row,
        })?;
        let is_in_range = |time: &i64| selection.from.is_none_or(|from| Time(*time).day() >= from);
        if !time.iter().any(is_in_range) {
            return Err(table.empty_range(selection.from, selection.to, "timestamp")?);
        }
        let (protocol, chain) = (texts("protocol", false)?, texts("chain", kind == Kind::Pools)?);
        let (address, symbol) = (texts("address", false)?, texts("symbol", false)?);
        for (name, texts) in [("protocol", &protocol), ("address", &address)] {
            let is_bad = |text: &Option<Arc<str>>| {
                text.as_deref().is_none_or(|text| text.trim().is_empty() || text.contains(':'))
            };
            if let Some(row) = texts.iter().position(is_bad) {
                let found = texts.get(row).cloned().flatten().unwrap_or_default().to_string();
                return Err(AdapterError::BadName {
                    file,
                    column: kind.column_of(name),
                    row,
                    found,
                });
            }
        }
        let (markets, codes) = markets(kind, &protocol, &chain, &address);
        let disorder = disorder(&time, &codes, &markets, &symbol, &chain);
        let numbers = |name: &str| -> Result<Float64Chunked, AdapterError> {
            let numbers = table.column(&read, name)?.f64().cloned();
            numbers.map_err(|error| AdapterError::Unreadable {
                file: file.clone(),
                detail: error.to_string(),
            })
        };
        let flags = |name: &str| -> Result<BooleanChunked, AdapterError> {
            let flags = table.column(&read, name)?.bool().cloned();
            flags.map_err(|error| AdapterError::Unreadable {
                file: file.clone(),
                detail: error.to_string(),
            })
        };
        let mut values = Vec::new();
        for number in Number::ALL {
            let column = numbers(number.name())?;
            let is_apy =
                kind == Kind::Pools && matches!(number, Number::SupplyApr | Number::RewardApr);
            values.push((
                number,
                if is_apy { column.apply_values(apr_from_apy_pct) } else { column },
            ));
        }
        let updated_at = table.column(&read, "updated_at")?.i64().cloned().map_err(|error| {
            AdapterError::Unreadable { file: file.clone(), detail: error.to_string() }
        })?;
        let rows = Rows {
            key_network: texts("key", true)?.iter().map(|key| network_of(key.as_deref())).collect(),
            symbol: symbol.into_iter().map(Option::unwrap_or_default).collect(),
            updated_at,
            borrow_apr: numbers("borrow_apr")?,
            borrowable: flags("borrowable")?,
            is_active: flags("is_active")?,
            takes_deposits: flags("takes_deposits")?,
            marked_stale: flags("marked_stale")?,
            numbers: values,
            time,
        };
        Ok(History {
            kind,
            name: super::table::short(path),
            order: order(&rows.time, &codes, &markets),
            codes,
            markets,
            next: 0,
            prices: PriceBook::default(),
            disorder,
            rows,
        })
    }

    /// Every symbol, upper case.
    pub(super) fn symbols(&self) -> impl Iterator<Item = String> {
        let distinct: BTreeSet<&Arc<str>> = self.rows.symbol.iter().collect();
        distinct.into_iter().map(|symbol| symbol.to_uppercase())
    }

    /// Adds prices, for rows that have none of their own.
    pub(super) fn with_prices(mut self, prices: PriceBook) -> History {
        self.prices = prices;
        self
    }

    fn observation(&self, row: usize) -> Option<Observation> {
        let market = self.markets.get(*self.codes.get(row)?)?.clone()?;
        let rows = &self.rows;
        let mut typed = MarketRow::empty(market, Time(*rows.time.get(row)?));
        for (number, values) in &rows.numbers {
            typed.set(*number, values.get(row));
        }
        let symbol = rows.symbol.get(row)?.clone();
        if typed.get(Number::PriceUsd).is_none() {
            typed.set(Number::PriceUsd, self.prices.at(&symbol, typed.time));
        }
        Some(Observation {
            row: typed,
            symbol,
            updated_at: rows.updated_at.get(row).map(Time),
            borrow_apr: rows.borrow_apr.get(row),
            borrowable: rows.borrowable.get(row),
            is_active: rows.is_active.get(row),
            takes_deposits: rows.takes_deposits.get(row),
            marked_stale: rows.marked_stale.get(row).unwrap_or(false),
            key_network: rows.key_network.get(row).copied().flatten(),
            index_decimals: self.kind.index_decimals(),
        })
    }
}

#[async_trait]
impl Adapter for History {
    fn name(&self) -> String {
        format!(
            "{} ({})",
            self.name,
            if self.kind == Kind::Reserves { "index" } else { "advertised rates" }
        )
    }

    async fn observe(&mut self) -> Result<Option<Vec<Observation>>, AdapterError> {
        let day_of = |row: &usize| self.rows.time.get(*row).map(|time| Time(*time).day());
        let Some(rest) = self.order.get(self.next..).filter(|rest| !rest.is_empty()) else {
            return Ok(None);
        };
        let day = rest.first().and_then(day_of);
        let count = rest.partition_point(|row| day_of(row) == day);
        let batch = rest.iter().take(count).filter_map(|row| self.observation(*row)).collect();
        self.next += count;
        Ok(Some(batch))
    }

    fn disorder(&self) -> Vec<Disorder> {
        self.disorder.clone()
    }
}

/// The query for the selected rows.
fn select(
    table: &Table,
    columns: Vec<Expr>,
    selection: &Selection,
) -> Result<LazyFrame, AdapterError> {
    let mut query = table.scan();
    if !selection.chains.is_empty() {
        let names = table.collect(table.scan().select([col("chain").unique()]))?;
        let wanted = interned(table.column(&names, "chain")?, true).unwrap_or_default();
        let wanted = wanted.into_iter().flatten().filter(|name| {
            ChainId::by_name(name).is_some_and(|chain| selection.chains.contains(&chain))
        });
        let any =
            wanted.fold(lit(false), |any, name| any.or(col("chain").eq(lit(name.to_string()))));
        query = query.filter(any);
    }
    query = query.select(columns);
    if let Some(to) = selection.to {
        query = query.filter(col("time").lt_eq(lit(to.end().0)));
    }
    Ok(query)
}
