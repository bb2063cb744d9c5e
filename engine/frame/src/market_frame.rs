//! The market frame: a validated polars table and the index into it.

use crate::error::FrameError;
use crate::row::MarketRow;
use crate::schema::{self, Column, pl};
use crate::terms::TermsBook;
use crate::view::View;
use plimsoll_core::time::DAY_MS;
use plimsoll_core::{MarketId, Time};
use polars::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Observations of markets.
///
/// # Frame
/// The columns of [`schema::columns`], one row per (market, time), sorted by (time, market), unique on
/// both.
#[derive(Debug, Clone)]
pub struct MarketFrame {
    table: DataFrame,
    times: Vec<Time>,
    markets: Vec<MarketId>,
    /// For each market of `markets`, its rows in the order of time.
    rows_of: Vec<Vec<IdxSize>>,
    /// The number columns, in the order of [`Column::ALL`].
    numbers: Vec<Float64Chunked>,
    terms: Arc<TermsBook>,
}

impl MarketFrame {
    /// Validates a table against the schema.
    ///
    /// # Errors
    /// [`FrameError`], naming the column, and the row, market and time where there is one.
    pub fn try_new(mut table: DataFrame) -> Result<MarketFrame, FrameError> {
        check_columns(&table)?;
        table.rechunk_mut();
        let times = read_times(&table)?;
        let (markets, codes) = read_markets(&table)?;
        check_order(&times, &codes, &markets)?;
        for column in Column::ALL {
            check_range(&table, column, &times, &codes, &markets)?;
        }
        let mut rows_of = vec![Vec::new(); markets.len()];
        for (row, code) in (0..).zip(&codes) {
            if let Some(rows) = rows_of.get_mut(*code) {
                rows.push(row);
            }
        }
        let read = |column: Column| Ok(table.column(column.name())?.f64()?.clone());
        let numbers = Column::ALL.into_iter().map(read).collect::<Result<_, FrameError>>()?;
        Ok(MarketFrame { table, times, markets, rows_of, numbers, terms: Arc::default() })
    }

    /// Builds a frame from rows in any order.
    ///
    /// # Errors
    /// As [`MarketFrame::try_new`].
    pub fn from_rows(rows: Vec<MarketRow>) -> Result<MarketFrame, FrameError> {
        let mut builder = MarketFrameBuilder::with_capacity(rows.len());
        for row in &rows {
            builder.push(row);
        }
        builder.finish()
    }

    /// Returns the frame with the terms of its markets.
    #[must_use]
    pub fn with_terms(self, terms: Arc<TermsBook>) -> MarketFrame {
        MarketFrame { terms, ..self }
    }

    pub(crate) fn terms(&self) -> &TermsBook {
        &self.terms
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &DataFrame {
        &self.table
    }

    /// Number of rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.times.len()
    }

    /// Every market that has a row, in order. A strategy gets its markets from [`View`], which knows
    /// only those observed so far.
    #[must_use]
    pub fn markets(&self) -> &[MarketId] {
        &self.markets
    }

    /// Whether any row has a number in `column`.
    #[must_use]
    pub fn has_any(&self, column: Column) -> bool {
        self.numbers(column).is_some_and(|numbers| numbers.null_count() < numbers.len())
    }

    /// The first and the last time, or `None` without rows.
    #[must_use]
    pub fn span(&self) -> Option<(Time, Time)> {
        Some((*self.times.first()?, *self.times.last()?))
    }

    /// The distinct days that have a row, in order.
    #[must_use]
    pub fn days(&self) -> Vec<plimsoll_core::Day> {
        let mut days: Vec<_> = self.times.iter().map(|time| time.day()).collect();
        days.dedup();
        days
    }

    /// Returns everything observed at or before `clock`, and nothing later.
    #[must_use]
    pub fn view(&self, clock: Time) -> View<'_> {
        View::new(self, clock)
    }

    /// Returns the rows of `markets` alone.
    ///
    /// # Errors
    /// [`FrameError::Polars`] only.
    pub fn subset(&self, markets: &[MarketId]) -> Result<MarketFrame, FrameError> {
        let mut rows: Vec<IdxSize> = markets
            .iter()
            .filter_map(|market| self.markets.binary_search(market).ok())
            .filter_map(|code| self.rows_of.get(code))
            .flatten()
            .copied()
            .collect();
        rows.sort_unstable();
        let index = IdxCa::from_vec(pl("row"), rows);
        let part = MarketFrame::try_new(self.table.take(&index)?)?;
        Ok(part.with_terms(self.terms.clone()))
    }

    pub(crate) fn times(&self) -> &[Time] {
        &self.times
    }

    pub(crate) fn rows_of(&self, market: &MarketId) -> &[IdxSize] {
        let place = self.markets.binary_search(market).ok();
        place.and_then(|place| self.rows_of.get(place)).map_or(&[], Vec::as_slice)
    }

    /// Every market with its rows, in order.
    pub(crate) fn by_market(&self) -> impl Iterator<Item = (&MarketId, &[IdxSize])> {
        self.markets.iter().zip(self.rows_of.iter().map(Vec::as_slice))
    }

    pub(crate) fn numbers(&self, column: Column) -> Option<&Float64Chunked> {
        self.numbers.get(column as usize)
    }
}

/// Collects rows into columns.
#[derive(Debug, Default)]
pub struct MarketFrameBuilder {
    blocks: Vec<Option<u64>>,
    times: Vec<i64>,
    codes: Vec<IdxSize>,
    markets: BTreeMap<MarketId, IdxSize>,
    names: Vec<MarketId>,
    numbers: [Vec<f64>; Column::ALL.len()],
}

impl MarketFrameBuilder {
    /// Returns a builder with room for `rows`.
    #[must_use]
    pub fn with_capacity(rows: usize) -> MarketFrameBuilder {
        MarketFrameBuilder {
            blocks: Vec::with_capacity(rows),
            times: Vec::with_capacity(rows),
            codes: Vec::with_capacity(rows),
            markets: BTreeMap::new(),
            names: Vec::new(),
            numbers: Column::ALL.map(|_| Vec::with_capacity(rows)),
        }
    }

    /// Appends a row.
    pub fn push(&mut self, row: &MarketRow) {
        let code = match self.markets.get(&row.market) {
            Some(code) => *code,
            None => {
                let code = IdxSize::try_from(self.names.len()).unwrap_or(IdxSize::MAX);
                self.names.push(row.market.clone());
                self.markets.insert(row.market.clone(), code);
                code
            }
        };
        self.blocks.push(row.block);
        self.times.push(row.time.0);
        self.codes.push(code);
        for (column, value) in self.numbers.iter_mut().zip(row.numbers) {
            // NaN stands for null until `finish`; a NaN that was given becomes an error there.
            column.push(match value {
                Some(value) if value.is_nan() => f64::INFINITY,
                Some(value) => value,
                None => f64::NAN,
            });
        }
    }

    /// Sorts, builds and validates the frame.
    ///
    /// # Errors
    /// As [`MarketFrame::try_new`].
    pub fn finish(self) -> Result<MarketFrame, FrameError> {
        let height = self.times.len();
        let order = self.order();
        let names = StringChunked::from_iter_values(
            pl(schema::MARKET),
            self.names.iter().map(MarketId::as_str),
        );
        let codes = IdxCa::from_vec(pl("code"), self.codes);
        let times = Int64Chunked::from_vec(pl(schema::TIME), self.times)
            .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC));
        let mut columns = vec![
            UInt64Chunked::from_iter_options(pl(schema::BLOCK), self.blocks.into_iter())
                .into_column(),
            times.into_column(),
            names.take(&codes)?.into_column(),
        ];
        for (column, values) in Column::ALL.into_iter().zip(self.numbers) {
            let known: BooleanChunked = values.iter().map(|value| !value.is_nan()).collect();
            let numbers = Float64Chunked::from_vec(pl(column.name()), values);
            let nulls = Float64Chunked::full_null(pl(column.name()), height);
            columns.push(numbers.zip_with(&known, &nulls)?.into_column());
        }
        let table = DataFrame::new(height, columns)?;
        MarketFrame::try_new(match order {
            Some(order) => table.take(&IdxCa::from_vec(pl("row"), order))?,
            None => table,
        })
    }

    /// The rows by (time, market), or `None` where they are in that order already.
    fn order(&self) -> Option<Vec<IdxSize>> {
        let mut ranks = vec![0usize; self.names.len()];
        for (rank, code) in self.markets.values().enumerate() {
            if let Some(slot) = usize::try_from(*code).ok().and_then(|code| ranks.get_mut(code)) {
                *slot = rank;
            }
        }
        let rank = |code: &IdxSize| usize::try_from(*code).ok().and_then(|code| ranks.get(code));
        let keys: Vec<_> =
            self.times.iter().zip(&self.codes).map(|(time, code)| (*time, rank(code))).collect();
        if keys.is_sorted() {
            return None;
        }
        let mut order: Vec<IdxSize> = (0..).take(keys.len()).collect();
        order.sort_by_key(|row| usize::try_from(*row).ok().and_then(|row| keys.get(row)));
        Some(order)
    }
}

fn check_columns(table: &DataFrame) -> Result<(), FrameError> {
    let expected = schema::columns();
    for (name, dtype) in &expected {
        let Ok(column) = table.column(name) else {
            return Err(FrameError::MissingColumn { column: name, expected: schema::names() });
        };
        if column.dtype() != dtype {
            return Err(FrameError::WrongDtype {
                column: name,
                found: column.dtype().to_string(),
                expected: dtype.to_string(),
            });
        }
    }
    for name in table.get_column_names() {
        if !expected.iter().any(|(known, _)| *known == name.as_str()) {
            return Err(FrameError::UnknownColumn {
                column: name.to_string(),
                expected: schema::names(),
            });
        }
    }
    Ok(())
}

fn read_times(table: &DataFrame) -> Result<Vec<Time>, FrameError> {
    let column = table.column(schema::TIME)?.datetime()?.physical().clone();
    column
        .iter()
        .enumerate()
        .map(|(row, time)| time.map(Time).ok_or(FrameError::Null { column: schema::TIME, row }))
        .collect()
}

/// The markets of a table in order, and for each row the place of its market among them.
fn read_markets(table: &DataFrame) -> Result<(Vec<MarketId>, Vec<usize>), FrameError> {
    let column = table.column(schema::MARKET)?.str()?;
    let mut places: BTreeMap<MarketId, usize> = BTreeMap::new();
    let mut texts: std::collections::HashMap<&str, MarketId> = std::collections::HashMap::new();
    for (row, text) in column.iter().enumerate() {
        let text = text.ok_or(FrameError::Null { column: schema::MARKET, row })?;
        if !texts.contains_key(text) {
            let market: MarketId =
                text.parse().map_err(|cause| FrameError::MarketId { row, cause })?;
            places.insert(market.clone(), 0);
            texts.insert(text, market);
        }
    }
    for (place, found) in places.values_mut().enumerate() {
        *found = place;
    }
    let by_text: std::collections::HashMap<&str, usize> =
        texts.iter().filter_map(|(text, market)| Some((*text, *places.get(market)?))).collect();
    let codes = column.iter().flatten().filter_map(|text| by_text.get(text).copied()).collect();
    Ok((places.into_keys().collect(), codes))
}

fn check_order(times: &[Time], codes: &[usize], markets: &[MarketId]) -> Result<(), FrameError> {
    let keys = || times.iter().zip(codes);
    let Some(row) = keys().zip(keys().skip(1)).position(|(before, after)| before >= after) else {
        return Ok(());
    };
    match (times.get(row + 1), codes.get(row + 1).and_then(|code| markets.get(*code))) {
        (Some(time), Some(market)) => {
            Err(FrameError::Unsorted { row: row + 1, market: market.clone(), time: *time })
        }
        _ => Ok(()),
    }
}

fn check_range(
    table: &DataFrame,
    column: Column,
    times: &[Time],
    codes: &[usize],
    markets: &[MarketId],
) -> Result<(), FrameError> {
    let allowed = column.allowed();
    let numbers = table.column(column.name())?.f64()?;
    let Some(row) =
        numbers.iter().position(|value| value.is_some_and(|value| !allowed.holds(value)))
    else {
        return Ok(());
    };
    Err(FrameError::OutOfRange {
        row,
        market: codes
            .get(row)
            .and_then(|code| markets.get(*code))
            .map(ToString::to_string)
            .unwrap_or_default(),
        time: times.get(row).copied().unwrap_or(Time(i64::MIN / DAY_MS)),
        column: column.name(),
        found: numbers.get(row).unwrap_or(f64::NAN),
        allowed: allowed.text(),
    })
}

#[cfg(test)]
#[path = "market_frame_tests.rs"]
mod tests;
