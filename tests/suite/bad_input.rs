//! Bad input, each with the message a person gets and the exit code a program gets.

use crate::support::{code, document, folder, generated, plimsoll, read, said, write};
use polars::prelude::*;
use std::path::Path;

/// A healthy made-up history of six markets over sixty days, changed by `change`.
struct Bad {
    folder: tempfile::TempDir,
    path: String,
}

impl Bad {
    fn new(change: impl FnOnce(LazyFrame) -> LazyFrame) -> Bad {
        let (folder, path) = folder();
        let file = generated(folder.path(), 6, 60, 1);
        let table = read(&file);
        write(&file, change(table.lazy()).collect().unwrap());
        Bad { folder, path }
    }

    fn backtest(&self, more: &[&str]) -> std::process::Output {
        plimsoll(&[&["backtest", "--data", &self.path, "--no-spread"], more].concat())
    }

    fn refused(&self, more: &[&str]) -> String {
        let run = self.backtest(more);
        assert_eq!(code(&run), 3, "{}", said(&run));
        assert!(run.stdout.is_empty(), "nothing half-done on standard output");
        said(&run)
    }

    /// The quality lines of a defect: (rows, action).
    fn flagged(&self, defect: &str) -> Vec<(u64, String)> {
        let checked = document(&plimsoll(&["data", "check", "--data", &self.path, "--json"]));
        let lines = checked["quality"].as_array().unwrap();
        lines
            .iter()
            .filter(|line| line["defect"] == defect)
            .map(|line| {
                (line["rows"].as_u64().unwrap(), line["action"].as_str().unwrap().to_owned())
            })
            .collect()
    }
}

/// The first market on day 30.
fn one_row() -> Expr {
    let day = lit(1_706_659_200_000i64)
        .cast(DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)));
    col("asset_address").eq(lit(plimsoll_backtests::generate::address(0))).and(
        col("timestamp").gt_eq(day.clone()).and(
            col("timestamp")
                .lt(day + lit(86_400_000i64).cast(DataType::Duration(TimeUnit::Milliseconds))),
        ),
    )
}

fn set(column: &'static str, value: f64) -> impl FnOnce(LazyFrame) -> LazyFrame {
    move |table| {
        table.with_column(when(one_row()).then(lit(value)).otherwise(col(column)).alias(column))
    }
}

#[test]
fn a_truncated_file_is_named_and_can_be_mended() {
    let bad = Bad::new(|table| table);
    let file = bad.folder.path().join("synthetic_reserves_daily.parquet");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let message = bad.refused(&[]);
    assert!(
        message.contains("synthetic_reserves_daily.parquet: not a readable Parquet file"),
        "{message}"
    );
    assert!(message.contains("it may be truncated: copy or download it again"), "{message}");
}

#[test]
fn a_missing_column_is_named_with_the_nearest_one() {
    let message = Bad::new(|table| table.rename(["supply_apr"], ["suply_apr"], true)).refused(&[]);
    assert!(
        message.contains("column `supply_apr` is missing (did you mean to rename `suply_apr`?)"),
        "{message}"
    );
}

#[test]
fn a_column_of_another_type_is_named_with_both_types() {
    let message =
        Bad::new(|table| table.with_column(col("supply_apr").cast(DataType::String))).refused(&[]);
    assert!(
        message.contains("column `supply_apr` is str, expected f64; write it as f64"),
        "{message}"
    );
}

#[test]
fn a_null_where_a_row_needs_a_name_is_refused_with_its_row() {
    let message = Bad::new(|table| {
        table.with_column(
            when(one_row()).then(lit(NULL)).otherwise(col("asset_address")).alias("asset_address"),
        )
    })
    .refused(&[]);
    assert!(message.contains("row 180 of those read: `asset_address` is null"), "{message}");
}

#[test]
fn nan_and_a_negative_rate_are_taken_out_and_shown() {
    let bad = Bad::new(set("supply_apr", f64::NAN));
    assert_eq!(bad.flagged("not-a-number"), vec![(1, "value-withheld".to_owned())]);
    assert_eq!(code(&bad.backtest(&[])), 0, "one bad cell does not stop a replay");
    let bad = Bad::new(set("supply_apr", -0.02));
    assert_eq!(bad.flagged("out-of-range"), vec![(1, "value-withheld".to_owned())]);
    let checked = plimsoll(&["data", "check", "--data", &bad.path]);
    assert!(
        said(&checked).contains("`supply_apr` is -0.02, allowed is a finite number >= 0, or null")
    );
}

#[test]
fn percent_where_a_fraction_belongs_is_refused_with_the_remedy() {
    let bad = Bad::new(|table| table.with_column(col("supply_apr") * lit(100.0)));
    let message = bad.refused(&[]);
    assert!(
        message.contains("synthetic_reserves_daily.parquet (index): supply_apr looks like percent"),
        "{message}"
    );
    assert!(message.contains("divide the column by 100"), "{message}");
}

#[test]
fn one_market_in_percent_is_not_bought_and_the_others_are() {
    let bad = Bad::new(|table| {
        let first = col("asset_address").eq(lit(plimsoll_backtests::generate::address(0)));
        let scaled = when(first).then(col("supply_apr") * lit(100.0)).otherwise(col("supply_apr"));
        table.with_column(scaled.alias("supply_apr"))
    });
    let slips = bad.flagged("unit-slip");
    assert_eq!(slips.len(), 1, "{slips:?}");
    assert!(slips[0].0 > 40 && slips[0].1 == "rate-withheld", "{slips:?}");
    assert_eq!(code(&bad.backtest(&[])), 0);
}

#[test]
fn a_loss_is_not_hidden_by_another_number_that_is_wrong() {
    // The index of every market falls by a tenth on day 30, and utilization is nonsense from then on.
    let day = lit(1_706_659_200_000i64)
        .cast(DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)));
    let bad = Bad::new(|table| {
        let after = col("timestamp").gt_eq(day);
        let fallen = when(after.clone()).then(col("liquidity_index") * lit(0.9));
        let broken = when(after).then(lit(-1e-9));
        table.with_columns([
            fallen.otherwise(col("liquidity_index")).alias("liquidity_index"),
            broken.otherwise(col("utilization")).alias("utilization"),
        ])
    });
    let run = bad.backtest(&["--strategy", "hold", "--limits", "off", "--json"]);
    let drawdown = crate::support::number(&document(&run)["strategies"][0]["max_drawdown_pct"]);
    assert!((9.0..11.0).contains(&drawdown), "{drawdown}");
}

#[test]
fn a_time_that_cannot_be_is_dropped_and_nothing_hangs() {
    let bad = Bad::new(|table| {
        let far =
            lit(i64::MAX / 4).cast(DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)));
        table.with_column(when(one_row()).then(far).otherwise(col("timestamp")).alias("timestamp"))
    });
    assert_eq!(bad.flagged("out-of-range"), vec![(1, "dropped".to_owned())]);
    assert_eq!(code(&bad.backtest(&[])), 0);
}

#[test]
fn the_same_rows_in_two_files_are_taken_once_and_shown() {
    let bad = Bad::new(|table| table);
    let file = bad.folder.path().join("synthetic_reserves_daily.parquet");
    std::fs::copy(&file, bad.folder.path().join("zz_reserves_daily.parquet")).unwrap();
    let twice = bad.flagged("duplicate");
    assert_eq!(twice.len(), 6);
    assert!(twice.iter().all(|(rows, action)| *rows == 60 && action == "dropped"), "{twice:?}");
    assert_eq!(code(&bad.backtest(&[])), 0);
}

#[test]
fn an_address_that_is_none_is_refused_with_its_file_row_and_column() {
    let message = Bad::new(|table| {
        let gone = when(one_row()).then(lit("")).otherwise(col("asset_address"));
        table.with_column(gone.alias("asset_address"))
    })
    .refused(&[]);
    assert!(message.contains("row 180 of those read: `asset_address` is \"\""), "{message}");
    assert!(message.contains("synthetic_reserves_daily.parquet"), "{message}");
}

#[test]
fn networks_without_an_id_are_named_when_nothing_is_left() {
    let bad = Bad::new(|table| table.with_column(lit("atlantis").alias("chain")));
    let message = bad.refused(&[]);
    assert!(message.contains("the chains atlantis have no known id"), "{message}");
}

#[test]
fn duplicate_rows_are_dropped_and_rows_out_of_order_are_sorted_and_shown() {
    let bad = Bad::new(|table| {
        let twice = table.clone().filter(one_row());
        concat([table, twice], UnionArgs::default()).unwrap()
    });
    assert_eq!(bad.flagged("duplicate"), vec![(1, "dropped".to_owned())]);
    assert_eq!(bad.flagged("out-of-order"), vec![(1, "sorted".to_owned())]);
}

#[test]
fn a_gap_is_shown_and_nothing_is_filled_in() {
    let bad = Bad::new(|table| table.filter(one_row().not()));
    assert_eq!(bad.flagged("gap"), vec![(1, "flagged".to_owned())]);
    let checked = said(&plimsoll(&["data", "check", "--data", &bad.path]));
    assert!(
        checked.contains("no row from 2024-01-31 to 2024-01-31; nothing is filled in"),
        "{checked}"
    );
}

#[test]
fn a_row_of_an_unknown_network_is_dropped_and_shown() {
    let bad = Bad::new(|table| {
        table.with_column(
            when(one_row()).then(lit("atlantis")).otherwise(col("chain")).alias("chain"),
        )
    });
    assert_eq!(bad.flagged("unknown-network"), vec![(1, "dropped".to_owned())]);
}

#[test]
fn an_empty_range_says_what_the_file_covers() {
    let bad = Bad::new(|table| table);
    let message = bad.refused(&["--from", "2030-01-01", "--to", "2030-06-01"]);
    assert!(
        message.contains(
            "no row from 2030-01-01 to 2030-06-01; the file covers 2024-01-01 to 2024-02-29"
        ),
        "{message}"
    );
    let message = bad.refused(&["--to", "2024-01-03"]);
    assert!(message.contains("the first decision needs 8 days of history before it"), "{message}");
}

#[test]
fn an_unknown_strategy_market_chain_or_asset_is_refused_with_what_there_is() {
    let bad = Bad::new(|table| table);
    for (words, expected) in [
        (["--strategy", "higest-apr"], "did you mean \"highest-apr\"?"),
        (["--chains", "etherium"], "chain \"etherium\" is not known; there are ethereum"),
        (["--assets", "USDX"], "no market in the data is called \"USDX\"; did you mean USD"),
    ] {
        let run = bad.backtest(&words);
        assert_eq!(code(&run), 2, "{}", said(&run));
        assert!(said(&run).contains(expected), "{}", said(&run));
    }
    let message = bad.refused(&["--strategy", "hold@market=aave-v3:1:0xnone"]);
    assert!(message.contains("market aave-v3:1:0xnone has not been observed"), "{message}");
    let run = bad.backtest(&["--strategy", "hold@market=USDC"]);
    assert!(
        said(&run).contains("market = \"USDC\" is not a market id protocol:chainId:address"),
        "{}",
        said(&run)
    );
}

#[test]
fn words_that_contradict_or_cannot_be_are_refused() {
    let bad = Bad::new(|table| table);
    for (words, expected) in [
        (
            vec!["--from", "2024-02-01", "--to", "2024-01-20"],
            "--from 2024-02-01 is after --to 2024-01-20",
        ),
        (vec!["--decide", "daily", "--weekday", "mon"], "--weekday is for weekly decisions"),
        (vec!["--cost-bps", "10001"], "10001 is not in 0..=10000"),
        (vec!["--capital", "nan"], "expected a number from 1 to 1e15"),
        (vec!["--from", "yesterday"], "expected a date YYYY-MM-DD"),
        (
            vec!["--limits", "bold"],
            "expected cautious, balanced, adventurous, strict, measurable or off",
        ),
        (vec!["--contract", "aave-weekly", "--chains", "base"], "cannot be used with"),
    ] {
        let run = bad.backtest(&words);
        assert_eq!(code(&run), 2, "{words:?}: {}", said(&run));
        assert!(said(&run).contains(expected), "{words:?}: {}", said(&run));
    }
}

#[test]
fn a_bad_config_key_is_named_with_file_line_and_suggestion() {
    let bad = Bad::new(|table| table);
    let config = bad.folder.path().join("plimsoll.toml");
    std::fs::write(&config, "[backtest]\ncost_bp = 5\n").unwrap();
    let config = config.display().to_string();
    let run = bad.backtest(&["--config", &config]);
    assert_eq!(code(&run), 4, "{}", said(&run));
    assert!(said(&run).contains("plimsoll.toml:2: unknown field `cost_bp`"), "{}", said(&run));
    assert!(said(&run).contains("did you mean `cost_bps`?"), "{}", said(&run));
    let run = bad.backtest(&["--config", "/nowhere/plimsoll.toml"]);
    assert_eq!(code(&run), 4);
    assert!(said(&run).contains("/nowhere/plimsoll.toml: cannot be read"), "{}", said(&run));
}

#[test]
fn a_folder_without_history_or_no_folder_at_all_says_what_is_expected() {
    let (empty, path) = folder();
    let run = plimsoll(&["backtest", "--data", &path]);
    assert_eq!(code(&run), 3);
    assert!(
        said(&run).contains("expected at least one of *reserves_daily*.parquet"),
        "{}",
        said(&run)
    );
    let gone = empty.path().join("gone").display().to_string();
    let run = plimsoll(&["backtest", "--data", &gone]);
    assert_eq!(code(&run), 3);
    assert!(
        said(&run).contains("give a folder with --data DIR or PLIMSOLL_DATA"),
        "{}",
        said(&run)
    );
    let run = plimsoll(&["backtest"]);
    assert_eq!(code(&run), 2);
}

#[test]
fn results_that_cannot_be_written_fail_with_their_own_code() {
    let bad = Bad::new(|table| table);
    let file = bad.folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let run = bad.backtest(&["--out", &Path::new(&file).join("sub").display().to_string()]);
    assert_eq!(code(&run), 5, "{}", said(&run));
    assert!(said(&run).contains("choose another folder with --out"), "{}", said(&run));
}
