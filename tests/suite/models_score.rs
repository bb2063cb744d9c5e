//! The scorecard of the forecasts on real history. Skipped, with a printed reason, without it.

use crate::support::{document, number, plimsoll, real_history};
use serde_json::Value;

const BASELINES: [&str; 3] = ["persistence", "mean7", "half-and-half"];
const METRICS: [&str; 5] =
    ["mae_pct", "rmse_pct", "mae_less_best_baseline_pct", "coverage", "width_pct"];

/// Runs the scorecard.
pub(crate) fn score(data: &str, more: &[&str]) -> std::process::Output {
    let words = ["models", "score", "--data", data, "--task", "realised7", "--json"];
    plimsoll(&[&words[..], more].concat())
}

/// The row of a split, model and metric.
fn find<'a>(document: &'a Value, split: &str, model: &str, metric: &str) -> &'a Value {
    let is_it =
        |row: &&Value| row["split"] == split && row["model"] == model && row["metric"] == metric;
    document["rows"].as_array().unwrap().iter().find(is_it).unwrap()
}

/// What programs may rely on.
pub(crate) fn assert_has_the_promised_names(document: &Value) {
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
