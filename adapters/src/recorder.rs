//! What live adapters saw, kept as Parquet that [`crate::ParquetSource`] reads back: one row a market and block.
//!
//! Rows of the running UTC day are kept in a file of lines, so that a process that is killed loses nothing that
//! it has written; when the day is over they become `observed_reserves_blocks_<day>.parquet`. Rows of blocks that
//! a reorganisation took away are replaced.

use crate::recorded::{PREFIX, Row, parquet, store, table};
use plimsoll_core::{Day, MarketId};
use plimsoll_execute::At;
use plimsoll_execute::protocol::Reading;
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file of lines of the running day.
const SPOOL: &str = "observed_reserves_blocks.spool.jsonl";

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
        let name = format!("{PREFIX}{day}.parquet");
        let path = self.folder.join(&name);
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
        let bytes = parquet(&mut table).map_err(failed)?;
        let io = |source| RecordError::Io { path: path.clone(), source };
        store(&self.folder, &name, &bytes).map_err(io)?;
        self.rows.retain(|_, row| row.day() != day);
        self.rewrite()
    }
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
