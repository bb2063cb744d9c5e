//! A generated history of lending markets, for machines without a real one: the markets of generated worlds
//! in which nobody of ours is, as a recorder would have kept them.
//!
//! Seeded, labelled synthetic by the protocol of every market, and shaped like the recorded files. It
//! shows that the pipeline works; it says nothing about what a rule earns.
//!
//! The recorder has three faults, so that the gate has something to find: a day without rows, a renamed
//! symbol, an index that is not read for ten days. They change nothing in the worlds.

use crate::tables::{WriteError, write_parquet, write_parquet_parts};
use crate::world::{MARKETS, World, WorldMarket, WorldSettings};
use crate::worlds::{first_day, market_ids_after, rows};
use plimsoll_core::MarketId;
use plimsoll_frame::{Column as Number, MarketRow};
use polars::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

pub use crate::worlds::address;

/// What is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// Number of markets.
    pub markets: u32,
    /// Number of days.
    pub days: u32,
    /// Seed; the same seed gives the same bytes.
    pub seed: u64,
}

/// Rows that are in memory at once, about; a world is always whole.
const ROWS_AT_ONCE: u32 = 200_000;
/// Decimals of the recorded index, as many as real recordings keep.
const INDEX_DECIMALS: i32 = 6;
/// The day without rows, counted from the first.
const MISSING_DAY: u32 = 100;
/// The market that is renamed on [`MISSING_DAY`].
const RENAMED: u32 = 3;
/// The market whose index is not read from [`MISSING_DAY`] on, and for how many days.
const UNREAD: (u32, u32) = (5, 10);

/// Writes `synthetic_reserves_daily.parquet`, `prices_daily_synthetic.parquet` and
/// `gas_price_daily_synthetic.parquet` to `folder`.
///
/// Reserves are in order of (world, day, market). Gas and ether are those of the first world.
///
/// # Errors
/// [`WriteError`].
pub fn write(folder: &Path, history: &History) -> Result<Vec<PathBuf>, WriteError> {
    let parts = history.parts();
    let at_once = ROWS_AT_ONCE / MARKETS.end().saturating_mul(history.days).max(1);
    let tables = parts
        .chunks(usize::try_from(at_once).unwrap_or(1).max(1))
        .map(|parts| reserves(parts, history.days));
    let file = write_parquet_parts(folder, "synthetic_reserves_daily.parquet", tables)?;
    let mut files = vec![file];
    if let Some(first) = parts.first() {
        let world = first.world(history.days);
        let (prices, gas) = (prices(&world), gas(&world));
        files.push(write_parquet(folder, "prices_daily_synthetic.parquet", prices)?);
        files.push(write_parquet(folder, "gas_price_daily_synthetic.parquet", gas)?);
    }
    Ok(files)
}

/// The markets that one world gives to a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    seed: u64,
    /// Markets of the worlds before it.
    before: u32,
    markets: u32,
}

impl History {
    /// As few worlds as hold all markets, each with a seed of its own and about as many markets as the
    /// others.
    fn parts(&self) -> Vec<Part> {
        let worlds = self.markets.div_ceil(*MARKETS.end()).max(1);
        let (each, over) = (self.markets / worlds, self.markets % worlds);
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut before = 0;
        let part = |world| {
            let markets = each + u32::from(world < over);
            let part = Part { seed: random.random(), before, markets };
            before += markets;
            part
        };
        (0..worlds).map(part).collect()
    }
}

impl Part {
    /// The world on its day 0, which is the first day of the history.
    fn world(&self, days: u32) -> World {
        let days = days.saturating_sub(1);
        World::new(&WorldSettings { markets: Some(self.markets), days, seed: self.seed })
    }

    fn reserves(&self, days: u32) -> PolarsResult<DataFrame> {
        let mut world = self.world(days);
        let ids = market_ids_after(&world, self.before);
        let mut recorder = Recorder::default();
        for day in 0..days {
            if day > 0 {
                world.step();
            }
            let each = world.markets().iter().zip(&ids).zip(rows(&world, &ids));
            for (number, ((market, id), row)) in (self.before..).zip(each) {
                recorder.record(Seen { number, day, market, id, row });
            }
        }
        recorder.table()
    }
}

fn reserves(parts: &[Part], days: u32) -> PolarsResult<DataFrame> {
    let tables: Vec<_> = parts.par_iter().map(|part| part.reserves(days)).collect();
    let mut all = DataFrame::empty();
    for table in tables {
        all = if all.width() == 0 { table? } else { all.vstack(&table?)? };
    }
    Ok(all)
}

/// One market on one day.
struct Seen<'w, 'i> {
    /// Its place among all markets of the history.
    number: u32,
    day: u32,
    market: &'w WorldMarket,
    id: &'i MarketId,
    row: MarketRow,
}

/// The columns of the reserves of one world.
#[derive(Default)]
struct Recorder<'i> {
    times: Vec<i64>,
    protocols: Vec<&'i str>,
    addresses: Vec<&'i str>,
    symbols: Vec<Cow<'static, str>>,
    numbers: [Vec<Option<f64>>; Number::ALL.len()],
    borrow_aprs: Vec<f64>,
    are_frozen: Vec<bool>,
    /// The index of the market in [`UNREAD`] when it was last read.
    last_read: Option<f64>,
}

impl<'i> Recorder<'i> {
    fn record(&mut self, seen: Seen<'_, 'i>) {
        let (market, row) = (seen.market, &seen.row);
        let index = self.index(&seen);
        if seen.day == MISSING_DAY {
            return;
        }
        self.times.push(row.time.0);
        self.protocols.push(seen.id.protocol());
        self.addresses.push(seen.id.address());
        let is_renamed = seen.number == RENAMED && seen.day > MISSING_DAY;
        self.symbols.push(match market.symbol() {
            symbol if is_renamed => format!("{symbol}.e").into(),
            symbol => symbol.into(),
        });
        for (values, number) in self.numbers.iter_mut().zip(Number::ALL) {
            values.push(if number == Number::SharePrice { index } else { row.get(number) });
        }
        self.borrow_aprs.push(market.borrow_apr());
        self.are_frozen.push(!market.is_open());
    }

    /// The index as it is recorded.
    fn index(&mut self, seen: &Seen<'_, 'i>) -> Option<f64> {
        let (unread, days) = UNREAD;
        let is_unread =
            seen.number == unread && (MISSING_DAY..MISSING_DAY + days).contains(&seen.day);
        if is_unread {
            return self.last_read;
        }
        let scale = 10f64.powi(INDEX_DECIMALS);
        let index = seen.row.get(Number::SharePrice).map(|index| (index * scale).round() / scale);
        if seen.number == unread {
            self.last_read = index;
        }
        index
    }

    fn table(self) -> PolarsResult<DataFrame> {
        let height = self.times.len();
        let mut all = vec![
            instants("timestamp", self.times),
            Column::new("protocol".into(), self.protocols),
            Column::new("chain".into(), vec!["ethereum"; height]),
            Column::new("asset_address".into(), self.addresses),
            Column::new("symbol".into(), self.symbols),
        ];
        for (values, number) in self.numbers.into_iter().zip(Number::ALL) {
            all.push(Column::new(name_of(number).into(), values));
        }
        all.push(Column::new("borrow_apr".into(), self.borrow_aprs));
        all.push(Column::new("borrowing_enabled".into(), vec![true; height]));
        all.push(Column::new("frozen".into(), self.are_frozen));
        DataFrame::new(height, all)
    }
}

/// What files of reserves call a column of the frame.
fn name_of(number: Number) -> &'static str {
    match number {
        Number::SharePrice => "liquidity_index",
        _ => number.name(),
    }
}

/// Daily prices of ether, USD, from before the first row.
fn prices(world: &World) -> PolarsResult<DataFrame> {
    let days = world.gas_and_ether().map(|(day, _, ether_usd)| (day, ether_usd));
    daily(days, ("symbol", "ETH"), "price_usd")
}

/// Daily gas prices, gwei, from before the first row.
fn gas(world: &World) -> PolarsResult<DataFrame> {
    let days = world.gas_and_ether().map(|(day, gas_price_gwei, _)| (day, gas_price_gwei));
    daily(days, ("chain", "ethereum"), "avg_gas_price_gwei")
}

/// A table of one number a day, with a column that says of what.
fn daily(
    days: impl Iterator<Item = (i64, f64)>,
    (of, name): (&str, &str),
    number: &str,
) -> PolarsResult<DataFrame> {
    let (dates, numbers): (Vec<_>, Vec<_>) = days.map(|(day, found)| (date(day), found)).unzip();
    let names = vec![name; dates.len()];
    DataFrame::new_infer_height(vec![
        instants("date", dates),
        Column::new(of.into(), names),
        Column::new(number.into(), numbers),
    ])
}

/// The start of a world's day, milliseconds since the Unix epoch.
fn date(day: i64) -> i64 {
    first_day().plus(day).start().0
}

fn instants(name: &str, times: Vec<i64>) -> Column {
    Int64Chunked::from_vec(name.into(), times)
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
        .into_column()
}

#[cfg(test)]
#[path = "generate_tests.rs"]
mod tests;
