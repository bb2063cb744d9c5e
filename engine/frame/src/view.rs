//! The view: everything observed at or before a clock, and no way to name anything later.

use crate::market_frame::MarketFrame;
use crate::schema::Column;
use crate::terms::Terms;
use plimsoll_core::{Apr, Day, MarketId, Time};
use polars::prelude::{DataFrame, IdxSize};

/// How many days old the newest row of a market may be before the market counts as stale.
pub const FRESH_DAYS: i64 = 1;

/// What had been observed when the clock stood at [`View::clock`].
#[derive(Debug, Clone, Copy)]
pub struct View<'t> {
    frame: &'t MarketFrame,
    /// Rows at or before the clock: the first so many of the frame, which is sorted by time.
    rows: usize,
    clock: Time,
}

/// The newest row of a market.
///
/// # Units
/// As the columns of the frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    /// The market.
    pub market: MarketId,
    /// The row's own time.
    pub time: Time,
    /// Whether the row is at most [`FRESH_DAYS`] days older than the clock.
    pub is_fresh: bool,
    /// The index.
    pub share_price: Option<f64>,
    /// Advertised rate.
    pub supply_apr: Option<Apr>,
    /// Advertised rewards.
    pub reward_apr: Option<Apr>,
    /// Borrowed over supplied.
    pub utilization: Option<f64>,
    /// USD per whole unit of the asset.
    pub price_usd: Option<f64>,
    /// Total value, USD.
    pub tvl_usd: Option<f64>,
    /// What can be withdrawn in this block, USD.
    pub exit_usd: Option<f64>,
    /// What can be deposited in this block, USD.
    pub entry_usd: Option<f64>,
    /// Days before a withdrawal pays.
    pub exit_delay_days: Option<f64>,
    /// What the pair's other token, or the staked token, fetches in the asset.
    pub pair_price: Option<f64>,
    /// What a full range as deep as the pool would be worth, USD.
    pub depth_usd: Option<f64>,
}

impl Quote {
    /// Whether the market can be bought: observed freshly, with a rate and an index, and taking
    /// deposits as far as the source says.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.share_price.is_some() && self.is_advertised()
    }

    /// Whether the market advertises a fresh rate, or is a pool or a staked token, whose rate is measured, and takes
    /// deposits as far as the source says; without an index it earns nothing in a replay.
    #[must_use]
    pub fn is_advertised(&self) -> bool {
        let is_measured = self.depth_usd.is_some() || self.pair_price.is_some();
        let has_rate = self.supply_apr.is_some() || is_measured;
        self.is_fresh && has_rate && self.entry_usd.is_none_or(|entry| entry > 0.0)
    }
}

impl<'t> View<'t> {
    pub(crate) fn new(frame: &'t MarketFrame, clock: Time) -> View<'t> {
        let rows = frame.times().partition_point(|time| *time <= clock);
        View { frame, rows, clock }
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Time {
        self.clock
    }

    /// Returns the rows observed so far.
    ///
    /// # Frame
    /// A slice of the market frame, in its order; nothing is copied.
    #[must_use]
    pub fn table(&self) -> DataFrame {
        self.frame.table().slice(0, self.rows)
    }

    /// Returns the rows of the last `days` UTC days, today included.
    ///
    /// # Frame
    /// A slice of the market frame, in its order; nothing is copied.
    #[must_use]
    pub fn trailing(&self, days: i64) -> DataFrame {
        let from = self.clock.day().plus(1 - days).start();
        let first = self.frame.times().partition_point(|time| *time < from).min(self.rows);
        let offset = i64::try_from(first).unwrap_or(i64::MAX);
        self.frame.table().slice(offset, self.rows - first)
    }

    /// Returns the newest row of each market observed so far, by market.
    #[must_use]
    pub fn quotes(&self) -> Vec<Quote> {
        let each = self.frame.by_market();
        each.filter_map(|(market, rows)| self.newest(market, *self.observed(rows).last()?))
            .collect()
    }

    /// Returns every market observed so far, in order.
    #[must_use]
    pub fn markets(&self) -> Vec<MarketId> {
        let each = self.frame.by_market().filter(|(_, rows)| !self.observed(rows).is_empty());
        each.map(|(market, _)| market.clone()).collect()
    }

    /// Returns the terms of `market` known at the clock.
    #[must_use]
    pub fn terms(&self, market: &MarketId) -> Option<&'t Terms> {
        self.frame.terms().at(market, self.clock)
    }

    /// Returns the days and numbers of `market` in `columns` so far, oldest first: one row of numbers for
    /// each observation of the last `days` UTC days, today included.
    #[must_use]
    pub fn series<const N: usize>(
        &self,
        market: &MarketId,
        columns: [Column; N],
        days: i64,
    ) -> Vec<(Day, [Option<f64>; N])> {
        let from = self.clock.day().plus(1 - days).start();
        let numbers = columns.map(|column| self.frame.numbers(column));
        let rows = self.observed(self.frame.rows_of(market));
        let first = self.frame.times().partition_point(|time| *time < from);
        let before = rows.partition_point(|row| usize::try_from(*row).is_ok_and(|row| row < first));
        let since = rows.get(before..).unwrap_or_default();
        let mut series = Vec::with_capacity(since.len());
        let at = since.iter().filter_map(|row| usize::try_from(*row).ok());
        series.extend(at.filter_map(|at| {
            let day = self.frame.times().get(at)?.day();
            Some((day, numbers.map(|column| column?.get(at))))
        }));
        series
    }

    /// Returns the markets that advertise a fresh rate and take deposits.
    #[must_use]
    pub fn open_markets(&self) -> Vec<MarketId> {
        let open = self.quotes().into_iter().filter(Quote::is_advertised);
        open.map(|quote| quote.market).collect()
    }

    /// Returns the newest row of `market`, or `None` if it has not been observed yet.
    #[must_use]
    pub fn quote(&self, market: &MarketId) -> Option<Quote> {
        self.newest(market, *self.observed(self.frame.rows_of(market)).last()?)
    }

    /// The quote of `market` in `row`.
    fn newest(&self, market: &MarketId, row: IdxSize) -> Option<Quote> {
        let at = usize::try_from(row).ok()?;
        let time = *self.frame.times().get(at)?;
        let number = |column| self.frame.numbers(column).and_then(|numbers| numbers.get(at));
        Some(Quote {
            market: market.clone(),
            time,
            is_fresh: self.clock.day().0 - time.day().0 <= FRESH_DAYS,
            share_price: number(Column::SharePrice),
            supply_apr: number(Column::SupplyApr).map(Apr),
            reward_apr: number(Column::RewardApr).map(Apr),
            utilization: number(Column::Utilization),
            price_usd: number(Column::PriceUsd),
            tvl_usd: number(Column::TvlUsd),
            exit_usd: number(Column::ExitUsd),
            entry_usd: number(Column::EntryUsd),
            exit_delay_days: number(Column::ExitDelayDays),
            pair_price: number(Column::PairPrice),
            depth_usd: number(Column::DepthUsd),
        })
    }

    /// Returns the last known number of `market` in `column` at or before the clock.
    #[must_use]
    pub fn last_known(&self, market: &MarketId, column: Column) -> Option<f64> {
        let numbers = self.frame.numbers(column)?;
        let rows = self.observed(self.frame.rows_of(market));
        rows.iter().rev().find_map(|row| numbers.get(usize::try_from(*row).ok()?))
    }

    /// Returns the lowest and the highest number of `market` in `column` so far.
    #[must_use]
    pub fn extremes(&self, market: &MarketId, column: Column) -> Option<(f64, f64)> {
        let numbers = self.frame.numbers(column)?;
        let rows = self.observed(self.frame.rows_of(market)).iter();
        let known = rows.filter_map(|row| numbers.get(usize::try_from(*row).ok()?));
        known.fold(None, |range, value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((value.min(low), value.max(high)))
        })
    }

    /// Returns the mean of `column` over the last `days` UTC days, today included, of every market
    /// that has a number there, by market. Missing numbers are left out, not counted as zero.
    #[must_use]
    pub fn trailing_mean(&self, column: Column, days: i64) -> Vec<(MarketId, f64)> {
        let each = self.frame.by_market();
        each.filter_map(|(market, rows)| Some((market.clone(), self.mean(rows, column, days)?)))
            .collect()
    }

    /// Returns the mean of `column` for `market` as [`View::trailing_mean`] does, `None` where it has no
    /// number there.
    #[must_use]
    pub fn trailing_mean_of(&self, market: &MarketId, column: Column, days: i64) -> Option<f64> {
        self.mean(self.frame.rows_of(market), column, days)
    }

    fn mean(&self, rows: &[IdxSize], column: Column, days: i64) -> Option<f64> {
        let from = self.clock.day().plus(1 - days).start();
        let numbers = self.frame.numbers(column)?;
        let (mut sum, mut count) = (0.0, 0u32);
        for row in self.observed(rows).iter().rev() {
            let at = usize::try_from(*row).ok()?;
            if self.frame.times().get(at).is_none_or(|time| *time < from) {
                break;
            }
            if let Some(value) = numbers.get(at) {
                sum += value;
                count += 1;
            }
        }
        (count > 0).then(|| sum / f64::from(count))
    }

    /// Those of a market's `rows` that were observed so far.
    fn observed<'r>(&self, rows: &'r [IdxSize]) -> &'r [IdxSize] {
        let count =
            rows.partition_point(|row| usize::try_from(*row).is_ok_and(|row| row < self.rows));
        rows.get(..count).unwrap_or(&[])
    }
}
