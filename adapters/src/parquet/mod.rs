//! Recorded history in Parquet: any folder whose files are named and shaped like the known kinds.
//!
//! | kind | file names | rows are keyed by |
//! |---|---|---|
//! | lending reserves with an index | `*reserves_daily*.parquet`, `observed_reserves_blocks*.parquet` | protocol, chain, asset address |
//! | advertised pool yields | `pool_yields_daily*.parquet` | protocol, chain, pool id |
//! | prices | `prices_daily*.parquet`, `prices_hourly*.parquet`, `stablecoins_daily*.parquet` | symbol |
//! | gas | `gas_price_daily*.parquet` | chain |
//!
//! Files are scanned lazily: only the columns and rows that are asked for are read.

pub mod accounts;
mod gas;
mod history;
mod keys;
mod path;
mod pools;
mod prices;
mod reserves;
mod table;

pub use gas::GasBook;
pub use path::recorded_path;
pub use prices::PriceBook;

use crate::parquet::history::{History, Kind};
use plimsoll_core::{ChainId, Day};
use plimsoll_execute::{Adapter, AdapterError};
use std::path::{Path, PathBuf};

/// Which rows of a folder are read.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// These chains alone; all where empty.
    pub chains: Vec<ChainId>,
    /// Nothing after this day.
    pub to: Option<Day>,
    /// At least one row must be on or after this day.
    pub from: Option<Day>,
}

/// A folder of recorded history.
#[derive(Debug, Clone)]
pub struct ParquetSource {
    folder: PathBuf,
    files: Vec<(Kind, PathBuf)>,
}

impl ParquetSource {
    /// Looks through `folder` for files of known kinds. Nothing is read yet.
    ///
    /// # Errors
    /// [`AdapterError::NoFolder`], and [`AdapterError::NoFiles`] where none is there.
    pub fn open(folder: &Path) -> Result<ParquetSource, AdapterError> {
        let files = list(folder)?;
        let history: Vec<_> = Kind::ALL
            .into_iter()
            .flat_map(|kind| {
                matching(&files, kind.patterns()).map(move |file| (kind, file.clone()))
            })
            .collect();
        if history.is_empty() {
            return Err(AdapterError::NoFiles {
                dir: folder.display().to_string(),
                expected: "*reserves_daily*.parquet, pool_yields_daily*.parquet".to_owned(),
            });
        }
        Ok(ParquetSource { folder: folder.to_owned(), files: history })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files of observations found, by name.
    pub fn file_names(&self) -> impl Iterator<Item = String> {
        self.files.iter().map(|(_, file)| table::short(file))
    }

    /// Returns this source without the files of advertised rates alone, which earn nothing in a
    /// replay; unchanged where it holds nothing else.
    #[must_use]
    pub fn with_index_only(mut self) -> ParquetSource {
        if self.files.iter().any(|(kind, _)| *kind == Kind::Reserves) {
            self.files.retain(|(kind, _)| *kind == Kind::Reserves);
        }
        self
    }

    /// Reads the selected rows and returns one adapter per kind of file.
    ///
    /// # Errors
    /// [`AdapterError`] naming the file, and the column and row where there is one.
    pub fn adapters(&self, selection: &Selection) -> Result<Vec<Box<dyn Adapter>>, AdapterError> {
        let mut histories = Vec::new();
        for kind in Kind::ALL {
            let of_kind = self.files.iter().filter(|(known, _)| *known == kind);
            let files: Vec<PathBuf> = of_kind.map(|(_, file)| file.clone()).collect();
            if !files.is_empty() {
                histories.push(History::read(kind, &files, selection)?);
            }
        }
        let symbols = histories.iter().flat_map(History::symbols).collect();
        let prices = self.prices(&symbols, selection)?;
        Ok(histories
            .into_iter()
            .map(|history| Box::new(history.with_prices(prices.clone())) as Box<dyn Adapter>)
            .collect())
    }

    /// Reads the prices of `symbols` (upper case).
    ///
    /// # Errors
    /// As [`ParquetSource::adapters`].
    pub fn prices(
        &self,
        symbols: &std::collections::BTreeSet<String>,
        selection: &Selection,
    ) -> Result<PriceBook, AdapterError> {
        PriceBook::read(&list(&self.folder)?, symbols, selection)
    }

    /// Reads the gas prices of every chain.
    ///
    /// # Errors
    /// As [`ParquetSource::adapters`].
    pub fn gas(&self) -> Result<GasBook, AdapterError> {
        GasBook::read(&list(&self.folder)?)
    }
}

/// The Parquet files of a folder, by name.
fn list(folder: &Path) -> Result<Vec<PathBuf>, AdapterError> {
    let failed = |error: std::io::Error| AdapterError::NoFolder {
        dir: folder.display().to_string(),
        detail: error.to_string(),
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The files whose name holds one of `patterns`.
fn matching<'a>(
    files: &'a [PathBuf],
    patterns: &'static [&'static str],
) -> impl Iterator<Item = &'a PathBuf> {
    files.iter().filter(move |file| {
        let name = table::short(file);
        patterns.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some(inside) => name.contains(inside),
            None => name.starts_with(pattern),
        })
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
