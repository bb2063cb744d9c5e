//! Recorded history as an adapter: one day a batch, in the order of time.

use super::keys::{disorder, interned, markets, network_of, order};
use super::pools;
use super::prices::PriceBook;
use super::table::{Table, short};
use super::{Selection, reserves};
use crate::apy::apr_from_apy_pct;
use async_trait::async_trait;
use plimsoll_core::{ChainId, MarketId, Time};
use plimsoll_execute::adapter::Disorder;
use plimsoll_execute::{Adapter, AdapterError};
use plimsoll_frame::{Column as Number, MarketRow, Observation};
use polars::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
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
            Kind::Reserves => &["*reserves_daily", "observed_reserves_blocks"],
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
    /// Reads the selected rows of all files of one kind, as one history: it may be cut into several.
    pub(super) fn read(
        kind: Kind,
        paths: &[PathBuf],
        selection: &Selection,
    ) -> Result<History, AdapterError> {
        let name = paths.iter().map(|path| short(path)).collect::<Vec<_>>().join(", ");
        let failed = |error: PolarsError| AdapterError::Unreadable {
            file: name.clone(),
            detail: error.to_string(),
        };
        let mut all = DataFrame::empty();
        let mut empty = Vec::new();
        for path in paths {
            let (part, lacks) = part(kind, path, selection)?;
            all = if all.width() == 0 { part } else { all.vstack(&part).map_err(failed)? };
            empty.extend(lacks);
        }
        if empty.len() == paths.len()
            && let Some(error) = empty.into_iter().next()
        {
            return Err(error);
        }
        all.rechunk_mut();
        let rows = Rows::of(kind, &all).map_err(failed)?;
        let texts =
            |name: &str| all.column(name).map(|column| interned(column).unwrap_or_default());
        let chain = texts("chain").map_err(failed)?;
        let (protocol, address) =
            (texts("protocol").map_err(failed)?, texts("address").map_err(failed)?);
        let (markets, codes) = markets(kind, &protocol, &chain, &address);
        Ok(History {
            kind,
            order: order(&rows.time, &codes, &markets),
            disorder: disorder(&rows.time, &codes, &markets, &rows.symbol, &chain),
            codes,
            markets,
            next: 0,
            prices: PriceBook::default(),
            rows,
            name,
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

impl Rows {
    /// Takes the columns out of a table that [`part`] has checked.
    fn of(kind: Kind, table: &DataFrame) -> PolarsResult<Rows> {
        let texts =
            |name: &str| table.column(name).map(|column| interned(column).unwrap_or_default());
        let flags = |name: &str| table.column(name)?.bool().cloned();
        let mut numbers = Vec::new();
        for number in Number::ALL {
            let column = table.column(number.name())?.f64()?.clone();
            let is_apy =
                kind == Kind::Pools && matches!(number, Number::SupplyApr | Number::RewardApr);
            numbers.push((
                number,
                if is_apy { column.apply_values(apr_from_apy_pct) } else { column },
            ));
        }
        Ok(Rows {
            time: table.column("time")?.i64()?.iter().flatten().collect(),
            symbol: texts("symbol")?.into_iter().map(Option::unwrap_or_default).collect(),
            key_network: texts("key")?.iter().map(|key| network_of(key.as_deref())).collect(),
            updated_at: table.column("updated_at")?.i64()?.clone(),
            numbers,
            borrow_apr: table.column("borrow_apr")?.f64()?.clone(),
            borrowable: flags("borrowable")?,
            is_active: flags("is_active")?,
            takes_deposits: flags("takes_deposits")?,
            marked_stale: flags("marked_stale")?,
        })
    }
}

/// The selected rows of one file, checked, and the error of a span without rows where it has none.
fn part(
    kind: Kind,
    path: &Path,
    selection: &Selection,
) -> Result<(DataFrame, Option<AdapterError>), AdapterError> {
    let table = Table::open(path)?;
    let columns = match kind {
        Kind::Reserves => reserves::columns(&table)?,
        Kind::Pools => pools::columns(&table)?,
    };
    let read = table.collect(select(&table, columns, selection)?)?;
    let mut needed = vec!["time", "protocol", "address", "symbol"];
    if kind == Kind::Reserves {
        needed.push("chain");
    }
    for name in needed {
        let column = table.column(&read, name)?;
        if column.null_count() > 0 {
            let row = column.is_null().iter().position(|is_null| is_null == Some(true));
            return Err(AdapterError::Null {
                file: table.file(),
                column: kind.column_of(name),
                row: row.unwrap_or_default(),
            });
        }
    }
    for name in ["protocol", "address"] {
        // Some markets are named by a contract and a place in it, `address:detail`.
        let is_bad = |text: &Option<Arc<str>>| {
            let is_split = |text: &str| match name {
                "address" => text.split(':').any(|part| part.trim().is_empty()),
                _ => text.contains(':'),
            };
            text.as_deref().is_none_or(|text| text.trim().is_empty() || is_split(text))
        };
        let texts = interned(table.column(&read, name)?).unwrap_or_default();
        if let Some(row) = texts.iter().position(is_bad) {
            return Err(AdapterError::BadName {
                file: table.file(),
                column: kind.column_of(name),
                row,
                found: texts.get(row).cloned().flatten().unwrap_or_default().to_string(),
            });
        }
    }
    let is_in_range = |time: i64| selection.from.is_none_or(|from| Time(time).day() >= from);
    let reaches = table
        .column(&read, "time")?
        .i64()
        .is_ok_and(|times| times.iter().flatten().any(is_in_range));
    let lacks = if reaches {
        None
    } else {
        Some(table.empty_range(selection.from, selection.to, "timestamp")?)
    };
    Ok((read, lacks))
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
        let wanted = interned(table.column(&names, "chain")?).unwrap_or_default();
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
