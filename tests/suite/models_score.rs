//! The scorecard of the forecasts on real history. Skipped, with a printed reason, without it.

use crate::support::{
    code, document, folder, generated, number, plimsoll, read, real_history, said,
};
use polars::prelude::*;
use serde_json::Value;
use std::path::Path;

const BASELINES: [&str; 3] = ["persistence", "mean7", "half-and-half"];
const METRICS: [&str; 5] =
    ["mae_pct", "rmse_pct", "mae_less_best_baseline_pct", "coverage", "width_pct"];

fn score(data: &str, more: &[&str]) -> std::process::Output {
    let words = ["models", "score", "--data", data, "--task", "realised7", "--json"];
    plimsoll(&[&words[..], more].concat())
}

/// The rows of a document by split, model and metric.
fn find<'a>(document: &'a Value, split: &str, model: &str, metric: &str) -> &'a Value {
    let is_it =
        |row: &&Value| row["split"] == split && row["model"] == model && row["metric"] == metric;
    document["rows"].as_array().unwrap().iter().find(is_it).unwrap()
}

fn assert_has_the_promised_names(document: &Value) {
    assert_eq!(document["schema"], 1);
    assert_eq!(document["task"], "realised7");
    assert_eq!(document["data_hash"].as_str().unwrap().len(), 64);
    for name in ["train_to", "from", "to"] {
        assert_eq!(document[name].as_str().unwrap().len(), 10, "{name}");
    }
    let rows = document["rows"].as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let names = row.as_object().unwrap();
        for name in ["split", "model", "in_service", "metric", "value", "lo", "hi", "n"] {
            assert!(names.contains_key(name), "{name} is missing from {row}");
        }
        assert!(["seen", "unseen"].contains(&row["split"].as_str().unwrap()), "{row}");
        assert!(METRICS.contains(&row["metric"].as_str().unwrap()), "{row}");
        assert!(row["n"].is_u64(), "{row}");
        let is_baseline = BASELINES.contains(&row["model"].as_str().unwrap());
        assert!(!(is_baseline && row["in_service"].as_bool().unwrap()), "{row}");
        if row["value"].is_null() {
            assert!(
                row["lo"].is_null() && row["hi"].is_null(),
                "unknown is null throughout: {row}"
            );
        } else {
            assert!(number(&row["lo"]) <= number(&row["hi"]), "{row}");
        }
    }
    for split in ["seen", "unseen"] {
        for baseline in BASELINES {
            find(document, split, baseline, "mae_pct");
        }
        assert_eq!(find(document, split, "service", "mae_pct")["in_service"], true);
    }
}

#[test]
fn the_document_has_every_promised_name_and_two_runs_give_the_same_bytes() {
    let Some(data) = real_history() else { return };
    let run = score(&data, &[]);
    let found = document(&run);
    assert_has_the_promised_names(&found);
    assert_eq!(
        (&found["train_to"], &found["from"], &found["to"]),
        (&"2025-12-06".into(), &"2025-12-14".into(), &"2026-02-21".into())
    );
    assert_eq!(run.stdout, score(&data, &[]).stdout);
}

/// Source: `bench/baselines/yield_tasks.txt`, "realised 7d APR (liquidity_index) [later]".
#[test]
fn the_naive_rules_have_the_published_errors_on_the_published_rows() {
    let Some(data) = real_history() else { return };
    let found = document(&score(&data, &["--from", "2025-12-16"]));
    let check = &found["published_check"];
    assert_eq!(check["n"], 6647);
    for (name, published) in [("spot_mae_pct", 0.2550), ("mean7_mae_pct", 0.2676)] {
        let found = number(&check[name]);
        assert!((found - published).abs() <= 0.000_05, "{name}: {found} is not {published}");
    }
    assert_eq!(found["train_to"], "2025-12-08");
}

/// What serves beats every baseline on later days of the markets it learns from. On the dozen markets that
/// no fit has seen it is no worse than the best baseline by more than the choice of markets explains; over
/// weeks alone, persistence was better there on the default split, and the scorecard says so.
#[test]
fn what_is_in_service_is_not_worse_than_the_best_baseline_by_more_than_chance() {
    let Some(data) = real_history() else { return };
    for span in [&[][..], &["--from", "2025-12-16"]] {
        let found = document(&score(&data, span));
        let less = |split| find(&found, split, "service", "mae_less_best_baseline_pct");
        assert!(number(&less("seen")["hi"]) < 0.0, "{}", less("seen"));
        assert!(number(&less("unseen")["over_markets"][0]) <= 0.0, "{}", less("unseen"));
        for split in ["seen", "unseen"] {
            let inside = number(&find(&found, split, "service", "coverage")["value"]);
            assert!((0.82..0.98).contains(&inside), "{split}: {inside}");
        }
    }
}

#[test]
fn rows_more_than_seven_days_after_the_last_scored_day_change_nothing() {
    let (folder, path) = folder();
    let file = generated(folder.path(), 20, 160, 4);
    let span = ["--from", "2024-04-15", "--to", "2024-05-20"];
    let before = score(&path, &span);
    assert_has_the_promised_names(&document(&before));
    // 2024-05-27 is the last day whose index a label needs.
    let end = lit(1_716_854_400_000i64)
        .cast(DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)));
    alter(&file, col("timestamp").gt_eq(end));
    assert_eq!(before.stdout, score(&path, &span).stdout);
}

fn alter(file: &Path, after: Expr) {
    let other = |name: &str| {
        when(after.clone()).then(col(name) * lit(3.0)).otherwise(col(name)).alias(name)
    };
    let table = read(file).lazy().with_columns(["supply_apr", "liquidity_index"].map(other));
    crate::support::write(file, table.collect().unwrap());
}

#[test]
fn words_and_days_that_cannot_be_scored_are_refused_with_the_remedy() {
    let (folder, path) = folder();
    generated(folder.path(), 8, 100, 2);
    for (words, expected_code, expected) in [
        (vec!["--from", "2024-03-01", "--to", "2024-02-01"], 2, "is after --to 2024-02-01"),
        (vec!["--chains", "etherium"], 2, "there are ethereum"),
        (vec!["--from", "2024-04-05"], 3, "the last day that can be scored is 2024-04-02"),
        (vec!["--from", "2030-01-01"], 3, "the file covers 2024-01-01 to 2024-04-09"),
        (vec!["--from", "2024-01-20"], 3, "too little history before 2024-01-20"),
    ] {
        let run = score(&path, &words);
        assert_eq!(code(&run), expected_code, "{words:?}: {}", said(&run));
        assert!(said(&run).contains(expected), "{words:?}: {}", said(&run));
        assert!(run.stdout.is_empty(), "nothing half-done on standard output");
    }
    let run = plimsoll(&["models", "score", "--data", &path, "--task", "tomorrow"]);
    assert_eq!(code(&run), 2);
    assert!(said(&run).contains("realised7"), "{}", said(&run));
}
