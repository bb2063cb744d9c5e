//! Results as files: NAV and trades as Parquet, the journal as one JSON object a line.

use crate::pages::titles;
use crate::replay::DECIMALS;
use crate::suite::Suite;
use plimsoll_core::{Entry, MarketId};
use polars::prelude::*;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Why results could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The system refused.
    #[error("{path}: {cause}; choose another folder with --out")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// polars refused.
    #[error("{path}: {cause}")]
    Table {
        /// The file.
        path: String,
        /// What polars said.
        cause: PolarsError,
    },
    /// An entry that is no JSON.
    #[error("{path}: {cause}")]
    Json {
        /// The file.
        path: String,
        /// What the serializer said.
        cause: serde_json::Error,
    },
}

/// Writes bytes to `folder/name`, whole or not at all, and returns the path.
///
/// # Errors
/// [`WriteError::Io`].
pub fn write_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, WriteError> {
    write_with(folder, name, |file| {
        file.write_all(bytes).map_err(|cause| WriteError::Io { path: name.to_owned(), cause })
    })
}

/// Writes `nav.parquet`, `trades.parquet` and `journal.jsonl` to `folder`, and returns their paths.
///
/// # Errors
/// [`WriteError`]; files that were written stay.
pub fn write(folder: &Path, suite: &Suite) -> Result<Vec<PathBuf>, WriteError> {
    Ok(vec![
        write_parquet(folder, "nav.parquet", nav(suite))?,
        write_parquet(folder, "trades.parquet", trades(suite))?,
        write_journal(folder, suite)?,
    ])
}

/// Writes a table to `folder/name`, whole or not at all.
///
/// # Errors
/// [`WriteError`].
pub fn write_parquet(
    folder: &Path,
    name: &str,
    table: PolarsResult<DataFrame>,
) -> Result<PathBuf, WriteError> {
    let failed = |cause| WriteError::Table { path: name.to_owned(), cause };
    let mut table = table.map_err(failed)?;
    write_with(folder, name, |file| {
        ParquetWriter::new(file).finish(&mut table).map(|_| ()).map_err(failed)
    })
}

/// Writes tables of the same columns to `folder/name` one below the other, whole or not at all. Only one
/// of them is in memory at a time.
///
/// # Errors
/// [`WriteError`].
pub fn write_parquet_parts(
    folder: &Path,
    name: &str,
    mut parts: impl Iterator<Item = PolarsResult<DataFrame>>,
) -> Result<PathBuf, WriteError> {
    let failed = |cause| WriteError::Table { path: name.to_owned(), cause };
    let first = parts.next().unwrap_or_else(|| Ok(DataFrame::empty())).map_err(failed)?;
    write_with(folder, name, |file| {
        let mut writer = ParquetWriter::new(file).batched(first.schema()).map_err(failed)?;
        for part in std::iter::once(Ok(first)).chain(parts) {
            let mut part = part.map_err(failed)?;
            // The writer wants the columns cut alike, and makes a group of rows of every piece.
            part.rechunk_mut();
            writer.write_batch(&part).map_err(failed)?;
        }
        writer.finish().map(|_| ()).map_err(failed)
    })
}

/// Writes to a neighbour and renames it, so that a reader never sees half a file.
fn write_with(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), WriteError>,
) -> Result<PathBuf, WriteError> {
    let path = folder.join(name);
    let failed = |cause| WriteError::Io { path: path.display().to_string(), cause };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let partial = folder.join(format!("{name}.partial"));
    let mut file = BufWriter::new(File::create(&partial).map_err(failed)?);
    write(&mut file)?;
    file.flush().map_err(failed)?;
    std::fs::rename(&partial, &path).map_err(failed)?;
    Ok(path)
}

fn write_journal(folder: &Path, suite: &Suite) -> Result<PathBuf, WriteError> {
    let name = "journal.jsonl";
    write_with(folder, name, |file| {
        for (name, result) in titles(&suite.results).iter().zip(&suite.results) {
            for ((sleeve, _), journal) in suite.sleeves.iter().zip(&result.journals) {
                for entry in journal {
                    let line = serde_json::json!({
                        "strategy": name,
                        "sleeve": sleeve.to_string(),
                        "record": entry,
                    });
                    serde_json::to_writer(&mut *file, &line)
                        .map_err(|cause| WriteError::Json { path: name.to_owned(), cause })?;
                    writeln!(file)
                        .map_err(|cause| WriteError::Io { path: name.to_owned(), cause })?;
                }
            }
        }
        Ok(())
    })
}

/// Every entry with the strategy and the sleeve it belongs to.
fn entries(suite: &Suite) -> impl Iterator<Item = (String, String, &Entry)> {
    let named = titles(&suite.results).into_iter().zip(&suite.results);
    named.flat_map(move |(name, result)| {
        let sleeves = suite.sleeves.iter().zip(&result.journals);
        sleeves.flat_map(move |((sleeve, _), journal)| {
            let name = name.clone();
            journal.iter().map(move |entry| (name.clone(), sleeve.to_string(), entry))
        })
    })
}

/// One row a day, strategy and sleeve: `time`, `strategy`, `sleeve`, `nav`, `idle` (whole units of the
/// denomination).
fn nav(suite: &Suite) -> PolarsResult<DataFrame> {
    let (mut times, mut strategies, mut sleeves, mut navs, mut idles) =
        (vec![], vec![], vec![], vec![], vec![]);
    for (strategy, sleeve, entry) in entries(suite) {
        if let Entry::Marked(marked) = entry {
            times.push(marked.time.0);
            strategies.push(strategy);
            sleeves.push(sleeve);
            navs.push(marked.nav.to_f64(DECIMALS));
            idles.push(marked.idle.to_f64(DECIMALS));
        }
    }
    DataFrame::new_infer_height(vec![
        instants(times),
        Column::new("strategy".into(), strategies),
        Column::new("sleeve".into(), sleeves),
        Column::new("nav".into(), navs),
        Column::new("idle".into(), idles),
    ])
}

/// One row a move: `time`, `strategy`, `sleeve`, `market`, `side` (`exit` or `enter`), `amount` (whole
/// units of the denomination), and of the whole plan `plan_cost` and `plan_gas` (null where unknown).
fn trades(suite: &Suite) -> PolarsResult<DataFrame> {
    let (mut times, mut strategies, mut sleeves, mut markets) = (vec![], vec![], vec![], vec![]);
    let (mut sides, mut amounts, mut costs, mut gases) = (vec![], vec![], vec![], vec![]);
    for (strategy, sleeve, entry) in entries(suite) {
        let Entry::Executed(executed) = entry else { continue };
        let mut add = |side: &'static str, market: &MarketId, amount: f64| {
            times.push(executed.time.0);
            strategies.push(strategy.clone());
            sleeves.push(sleeve.clone());
            markets.push(market.to_string());
            sides.push(side);
            amounts.push(amount);
            costs.push(executed.cost.to_f64(DECIMALS));
            gases.push(executed.gas.map(|gas| gas.to_f64(DECIMALS)));
        };
        for (market, amount) in &executed.out {
            add("exit", market, amount.to_f64(DECIMALS));
        }
        for (market, amount) in &executed.into {
            add("enter", market, amount.to_f64(DECIMALS));
        }
    }
    DataFrame::new_infer_height(vec![
        instants(times),
        Column::new("strategy".into(), strategies),
        Column::new("sleeve".into(), sleeves),
        Column::new("market".into(), markets),
        Column::new("side".into(), sides),
        Column::new("amount".into(), amounts),
        Column::new("plan_cost".into(), costs),
        Column::new("plan_gas".into(), gases),
    ])
}

fn instants(times: Vec<i64>) -> Column {
    Int64Chunked::from_vec("time".into(), times)
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
        .into_column()
}
