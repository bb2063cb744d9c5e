//! The recorded prices of one asset, as a path that a made-up market can follow.

use super::table::{Table, Wanted};
use plimsoll_core::{Day, Time};
use plimsoll_execute::AdapterError;
use polars::prelude::*;
use std::path::Path;

/// Columns that name an asset, and columns that say its price; the first that a file has counts.
const NAMES: [&str; 2] = ["symbol", "pair"];
const PRICES: [&str; 3] = ["price_usd", "price", "close"];
/// Days that may be missing at either end of what is asked for.
const LATE_DAYS: i64 = 1;
/// Names that a message lists.
const LISTED: usize = 40;

/// Reads the prices of `name` in `file` from a day on, for `days` days: times rise, and each price is positive.
///
/// Of several prices at one time the first in the file counts. Holes are left as they are.
///
/// # Units
/// As in the file.
///
/// # Errors
/// [`AdapterError`] naming the file: a column that is missing, a name that it does not have, or a span that it does not
/// cover.
pub fn recorded_path(
    file: &Path,
    name: &str,
    (from, days): (Option<Day>, i64),
) -> Result<Vec<(Time, f64)>, AdapterError> {
    let table = Table::open(file)?;
    let time = if table.has("timestamp") { "timestamp" } else { "date" };
    let price = PRICES.into_iter().find(|price| table.has(price)).unwrap_or("price");
    table.require(time, Wanted::Instant)?;
    table.require(price, Wanted::Number)?;
    let named = NAMES.into_iter().find(|named| table.has(named)).unwrap_or("symbol");
    table.require(named, Wanted::Text)?;
    let at = table.instant(time)?.alias("time");
    let rows = table.scan().filter(col(named).eq(lit(name)));
    let rows = rows.select([at, table.number(price)?.alias("price")]).filter(
        col("time").is_not_null().and(col("price").is_finite()).and(col("price").gt(lit(0.0))),
    );
    let rows = table.collect(
        rows.unique_stable(Some(cols(["time"])), UniqueKeepStrategy::First)
            .sort(["time"], SortMultipleOptions::default()),
    )?;
    let failed = |error: PolarsError| AdapterError::Unreadable {
        file: table.file(),
        detail: error.to_string(),
    };
    let times = table.column(&rows, "time")?.i64().map_err(failed)?;
    let prices = table.column(&rows, "price")?.f64().map_err(failed)?;
    let all: Vec<(Time, f64)> = (times.iter().zip(prices.iter()))
        .filter_map(|(time, price)| Some((Time(time?), price?)))
        .collect();
    let (Some((first, _)), Some((last, _))) = (all.first(), all.last()) else {
        return Err(no_name(&table, named, name)?);
    };
    let from = from.unwrap_or(first.day());
    let to = Day(from.0.saturating_add(days));
    let is_late = |known: Day, wanted: Day| known.0.saturating_sub(wanted.0) > LATE_DAYS;
    if is_late(first.day(), from) || is_late(to, last.day()) {
        return Err(AdapterError::EmptyRange {
            file: format!("{} of {name}", table.file()),
            from: from.to_string(),
            to: to.to_string(),
            covers: format!("{} to {}", first.day(), last.day()),
        });
    }
    Ok(all.into_iter().filter(|(time, _)| time.day() >= from && time.day() <= to).collect())
}

/// The error of a name that a file does not have.
fn no_name(table: &Table, named: &'static str, name: &str) -> Result<AdapterError, AdapterError> {
    let known =
        table.collect(table.scan().select([col(named).unique().sort(SortOptions::default())]))?;
    let known = table
        .column(&known, named)?
        .str()
        .map(|known| known.iter().flatten().take(LISTED).map(str::to_owned).collect::<Vec<_>>());
    Ok(AdapterError::NoName {
        file: table.file(),
        column: named,
        name: name.to_owned(),
        known: known.unwrap_or_default().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("prices.parquet");
        let mut table = df![
            "timestamp" => [3_i64, 1, 2, 2, 4, 1].map(|day| day * 86_400_000),
            "pair" => ["ETH", "ETH", "ETH", "ETH", "ETH", "BTC"],
            "close" => [Some(2_100.0), Some(2_000.0), Some(2_050.0), Some(9.0), None, Some(1.0)],
        ]
        .unwrap()
        .lazy()
        .with_column(col("timestamp").cast(DataType::Datetime(TimeUnit::Milliseconds, None)))
        .collect()
        .unwrap();
        let file = std::fs::File::create(&path).unwrap();
        ParquetWriter::new(file).finish(&mut table).unwrap();
        path
    }

    #[test]
    fn prices_of_one_name_come_in_the_order_of_time_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path());
        let path = recorded_path(&file, "ETH", (None, 2)).unwrap();
        let days: Vec<(i64, f64)> =
            path.iter().map(|(time, price)| (time.day().0, *price)).collect();
        assert_eq!(days, [(1, 2_000.0), (2, 2_050.0), (3, 2_100.0)]);
        let later = recorded_path(&file, "ETH", (Some(Day(2)), 1)).unwrap();
        assert_eq!(later.len(), 2);
    }

    #[test]
    fn a_name_or_a_span_that_a_file_has_not_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path());
        let said = recorded_path(&file, "DOGE", (None, 1)).unwrap_err().to_string();
        assert!(said.contains("DOGE") && said.contains("BTC, ETH"), "{said}");
        let said = recorded_path(&file, "ETH", (None, 30)).unwrap_err().to_string();
        assert!(said.contains("1970-01-02 to 1970-01-04"), "{said}");
        let said = recorded_path(&file, "ETH", (Some(Day(-5)), 3)).unwrap_err().to_string();
        assert!(said.contains("1969-12-27"), "{said}");
    }
}
