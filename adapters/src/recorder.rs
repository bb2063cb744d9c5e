//! What live adapters saw, kept as Parquet that [`crate::ParquetSource`] reads back: one row a market and block.
//!
//! Rows of the running UTC day are kept in a file of lines, so that a process that is killed loses nothing that
//! it has written; when the day is over they become `observed_reserves_blocks_<day>.parquet`. Rows of blocks that
//! a reorganisation took away are replaced.

use plimsoll_core::{ChainId, Day, MarketId, Time};
use plimsoll_execute::At;
use plimsoll_execute::protocol::Reading;
use plimsoll_frame::Column as Number;
use polars::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file of lines of the running day.
const SPOOL: &str = "observed_reserves_blocks.spool.jsonl";
/// How the files of finished days begin.
const PREFIX: &str = "observed_reserves_blocks_";

/// One market at one block, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    block: u64,
    hash: String,
    time_ms: i64,
    market: MarketId,
    symbol: String,
    /// In the order of [`Number::ALL`].
    numbers: Vec<Option<f64>>,
    borrow_apr: Option<f64>,
    active: bool,
    frozen: bool,
    paused: bool,
}

/// Why nothing could be kept.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The disk.
    #[error("{path}: {source}; what was seen is not kept until this is mended")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Rows that are no table.
    #[error("{path}: {source}")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: PolarsError,
    },
}

/// Keeps what was seen.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    spool: File,
    /// Rows that are not in a Parquet file yet, by block and market: a later row takes the place of an earlier.
    rows: BTreeMap<(u64, MarketId), Row>,
}

impl Recorder {
    /// Opens `folder`, and takes up what an earlier process had not finished.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn open(folder: &Path) -> Result<Recorder, RecordError> {
        let path = folder.join(SPOOL);
        let failed = |source| RecordError::Io { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        // A process that was killed may have left half a line at the end.
        let kept = text.lines().filter_map(|line| serde_json::from_str::<Row>(line).ok());
        let rows = kept.map(|row| ((row.block, row.market.clone()), row)).collect();
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        let mut recorder =
            Recorder { folder: folder.to_owned(), spool: opened.map_err(failed)?, rows };
        recorder.rewrite()?;
        Ok(recorder)
    }

    /// The newest block that is kept beside the finished days.
    #[must_use]
    pub fn newest(&self) -> Option<u64> {
        self.rows.last_key_value().map(|((block, _), _)| *block)
    }

    /// Keeps what was read at a block, with the USD price of each asset that is known.
    ///
    /// # Errors
    /// [`RecordError`]; rows stay and are tried again with the next block.
    pub fn record(
        &mut self,
        at: &At,
        readings: &[&Reading],
        price: impl Fn(&Reading) -> Option<f64>,
    ) -> Result<(), RecordError> {
        let today = at.time().day();
        for reading in readings {
            let row = Row::of(reading, price(reading));
            self.write(&row)?;
            self.rows.insert((row.block, row.market.clone()), row);
        }
        let over: BTreeSet<Day> =
            self.rows.values().map(Row::day).filter(|day| *day < today).collect();
        for day in over {
            self.finish(day)?;
        }
        Ok(())
    }

    /// Forgets blocks from `number` on: they are gone.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn forget(&mut self, number: u64) -> Result<(), RecordError> {
        self.rows.retain(|(block, _), _| *block < number);
        self.rewrite()
    }

    fn write(&mut self, row: &Row) -> Result<(), RecordError> {
        let path = self.folder.join(SPOOL);
        let failed = |source| RecordError::Io { path: path.clone(), source };
        let mut line = serde_json::to_vec(row).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.spool.write_all(&line).map_err(failed)
    }

    /// Writes the file of lines anew with the rows that are left.
    fn rewrite(&mut self) -> Result<(), RecordError> {
        let path = self.folder.join(SPOOL);
        let beside = self.folder.join(format!("{SPOOL}.new"));
        let failed = |source| RecordError::Io { path: path.clone(), source };
        let mut text = Vec::new();
        for row in self.rows.values() {
            serde_json::to_writer(&mut text, row).map_err(|error| failed(error.into()))?;
            text.push(b'\n');
        }
        fs::write(&beside, text).map_err(failed)?;
        fs::rename(&beside, &path).map_err(failed)?;
        self.spool = OpenOptions::new().append(true).open(&path).map_err(failed)?;
        Ok(())
    }

    /// Turns the rows of a day that is over into its Parquet file, together with those that are there already.
    fn finish(&mut self, day: Day) -> Result<(), RecordError> {
        let path = self.folder.join(format!("{PREFIX}{day}.parquet"));
        let beside = self.folder.join(format!("{PREFIX}{day}.new"));
        let failed = |source| RecordError::Table { path: path.clone(), source };
        let rows: Vec<&Row> = self.rows.values().filter(|row| row.day() == day).collect();
        let mut table = table(&rows).map_err(failed)?;
        if path.exists() {
            let before = LazyFrame::scan_parquet(
                PlRefPath::try_from_path(&path).map_err(failed)?,
                ScanArgsParquet::default(),
            );
            let before = before.and_then(LazyFrame::collect).map_err(failed)?;
            let first = rows.first().map(|row| row.block).unwrap_or(u64::MAX);
            let kept = before.lazy().filter(col("block").lt(lit(first))).collect();
            table = kept.and_then(|kept| kept.vstack(&table)).map_err(failed)?;
        }
        let io = |source| RecordError::Io { path: path.clone(), source };
        let file = File::create(&beside).map_err(io)?;
        ParquetWriter::new(&file).finish(&mut table).map_err(failed)?;
        file.sync_all().map_err(io)?;
        fs::rename(&beside, &path).map_err(io)?;
        self.rows.retain(|_, row| row.day() != day);
        self.rewrite()
    }
}

impl Row {
    fn of(reading: &Reading, price: Option<f64>) -> Row {
        let observation = reading.observation(price);
        Row {
            block: reading.at.block.number,
            hash: reading.at.block.hash.to_string(),
            time_ms: reading.at.time().0,
            market: reading.market.clone(),
            symbol: reading.symbol.to_string(),
            numbers: observation.row.numbers.to_vec(),
            borrow_apr: observation.borrow_apr,
            active: reading.switches.is_active,
            frozen: reading.switches.is_frozen,
            paused: reading.switches.is_paused,
        }
    }

    fn day(&self) -> Day {
        Time(self.time_ms).day()
    }
}

/// The rows in the columns of recorded reserves.
fn table(rows: &[&Row]) -> PolarsResult<DataFrame> {
    let text = |name: &str, of: &dyn Fn(&Row) -> String| {
        Column::new(name.into(), rows.iter().map(|row| of(row)).collect::<Vec<String>>())
    };
    let flag = |name: &str, of: &dyn Fn(&Row) -> bool| {
        Column::new(name.into(), rows.iter().map(|row| of(row)).collect::<Vec<bool>>())
    };
    let number = |name: &str, number: Number| {
        let place = number as usize;
        let each = rows.iter().map(|row| row.numbers.get(place).copied().flatten());
        Column::new(name.into(), each.collect::<Vec<Option<f64>>>())
    };
    let times = rows.iter().map(|row| row.time_ms).collect();
    let times = Int64Chunked::from_vec("timestamp".into(), times)
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
        .into_column();
    let blocks = rows.iter().map(|row| row.block).collect::<Vec<u64>>();
    let borrow = rows.iter().map(|row| row.borrow_apr).collect::<Vec<Option<f64>>>();
    DataFrame::new_infer_height(vec![
        times,
        Column::new("block".into(), blocks),
        text("block_hash", &|row| row.hash.clone()),
        text("protocol", &|row| row.market.protocol().to_owned()),
        text("chain", &|row| chain(row.market.chain())),
        text("asset_address", &|row| place(&row.market)),
        text("symbol", &|row| row.symbol.clone()),
        number("supply_apr", Number::SupplyApr),
        Column::new("borrow_apr".into(), borrow),
        number("liquidity_index", Number::SharePrice),
        number("utilization", Number::Utilization),
        number("tvl_usd", Number::TvlUsd),
        number("exit_usd", Number::ExitUsd),
        number("entry_usd", Number::EntryUsd),
        number("exit_delay_days", Number::ExitDelayDays),
        number("pair_price", Number::PairPrice),
        number("fees_asset", Number::FeesAsset),
        number("fees_foreign", Number::FeesForeign),
        number("depth_usd", Number::DepthUsd),
        number("price_usd", Number::PriceUsd),
        flag("active", &|row| row.active),
        flag("frozen", &|row| row.frozen),
        flag("paused", &|row| row.paused),
    ])
}

/// The chain as recorded files name it: by its number.
fn chain(chain: ChainId) -> String {
    chain.0.to_string()
}

/// What follows protocol and chain in a market's id.
fn place(market: &MarketId) -> String {
    market.as_str().splitn(3, ':').nth(2).unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
