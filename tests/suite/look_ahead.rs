//! No look-ahead, end to end: rows after a day are altered in the file itself, and nothing that the
//! command line wrote about the days before changes by a byte.

use crate::support::{code, folder, generated, plimsoll, read, said, write};
use polars::prelude::*;
use proptest::prelude::*;
use std::path::Path;

const DAYS: i64 = 70;
/// 2024-01-01, the first day of a generated history, in days since 1970-01-01.
const FIRST: i64 = 19_723;
const DAY_MS: i64 = 86_400_000;

/// The journal lines about days up to `cut`, by the command line.
fn journal_until(data: &Path, out: &Path, strategy: &str, cut: i64) -> Vec<String> {
    let (data, out_text) = (data.display().to_string(), out.display().to_string());
    let run = plimsoll(&[
        "backtest",
        "--data",
        &data,
        "--strategy",
        strategy,
        "--decide",
        "daily",
        "--no-spread",
        "--out",
        &out_text,
    ]);
    assert_eq!(code(&run), 0, "{}", said(&run));
    let journal = std::fs::read_to_string(out.join("journal.jsonl")).unwrap();
    let end = (FIRST + cut + 1) * DAY_MS - 1;
    journal
        .lines()
        .filter(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            entry["record"]["time"].as_i64().unwrap() <= end
        })
        .map(str::to_owned)
        .collect()
}

/// Whether a row of `column` lies after day `cut`.
fn is_after(column: &str, cut: i64) -> Expr {
    let end = lit((FIRST + cut + 1) * DAY_MS - 1);
    col(column).gt(end.cast(DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))))
}

fn scaled(name: &'static str, after: &Expr, factor: f64) -> Expr {
    when(after.clone()).then(col(name) * lit(factor)).otherwise(col(name)).alias(name)
}

/// Alters every row after day `cut`: other rates, another index, other rewards, liquidity and prices,
/// another name, no borrowing, no deposits; one market is gone; gas and ether cost something else.
fn alter(data: &Path, cut: i64, factor: f64) {
    let file = data.join("synthetic_reserves_daily.parquet");
    let after = is_after("timestamp", cut);
    let numbers = [
        "supply_apr",
        "borrow_apr",
        "reward_apr",
        "liquidity_index",
        "reward_index",
        "utilization",
        "tvl_usd",
        "exit_usd",
        "entry_usd",
        "price_usd",
    ];
    let first = col("asset_address").eq(lit(plimsoll_backtests::generate::address(0)));
    let renamed = when(after.clone()).then(lit("XYZ")).otherwise(col("symbol")).alias("symbol");
    let set = |name: &str, value: bool| {
        when(after.clone()).then(lit(value)).otherwise(col(name)).alias(name)
    };
    let closed = [set("borrowing_enabled", false), set("frozen", true)];
    let altered = read(&file)
        .lazy()
        .with_columns(numbers.map(|name| scaled(name, &after, factor)))
        .with_column(renamed)
        .with_columns(closed)
        .filter(after.and(first).not());
    write(&file, altered.collect().unwrap());
    for (name, column) in [
        ("gas_price_daily_synthetic.parquet", "avg_gas_price_gwei"),
        ("prices_daily_synthetic.parquet", "price_usd"),
    ] {
        // The price of the last day before the cut is known on the next day only, so the day of the cut
        // itself is altered too: it may not be seen on that day.
        let after = is_after("date", cut - 1);
        let table = read(&data.join(name)).lazy().with_column(scaled(column, &after, factor));
        write(&data.join(name), table.collect().unwrap());
    }
}

proptest! {
    // Each case runs the binary twice; `make deep` asks for many more through PROPTEST_CASES.
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]
    #[test]
    fn altering_every_row_after_a_cut_changes_nothing_written_about_the_days_before(
        cut in 10i64..DAYS - 2,
        // Below the factor at which the source as a whole is taken for percent and refused.
        factor in prop_oneof![0.2f64..0.9, 1.1f64..40.0],
        seed in 0u64..1000,
        strategy in prop::sample::select(vec!["hold", "equal", "highest-apr@trailing_days=7", "mean7-hysteresis", "allocator", "allocator"]),
    ) {
        let (folder, _) = folder();
        let data = folder.path().join("data");
        generated(&data, 5, u32::try_from(DAYS).unwrap(), seed);
        let before = journal_until(&data, &folder.path().join("a"), strategy, cut);
        alter(&data, cut, factor);
        let after = journal_until(&data, &folder.path().join("b"), strategy, cut);
        prop_assert!(!before.is_empty());
        prop_assert_eq!(before, after, "rows after the cut change nothing written about the days before it");
    }
}
