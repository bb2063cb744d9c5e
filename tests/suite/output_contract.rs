//! The machine-readable output: names that may be added to and never renamed.

use crate::support::{document, folder, generated, number, plimsoll};
use serde_json::Value;
use std::collections::BTreeSet;

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn backtest() -> Value {
    let (folder, path) = folder();
    generated(folder.path(), 8, 160, 3);
    document(&plimsoll(&["backtest", "--data", &path, "--no-spread", "--json"]))
}

#[test]
fn the_backtest_document_has_every_promised_name() {
    let document = backtest();
    let top = [
        "schema",
        "data_hash",
        "engine_version",
        "from",
        "to",
        "decisions",
        "markets",
        "strategies",
        "quality",
    ];
    assert!(keys(&document).is_superset(&top.into()), "{:?}", keys(&document));
    assert_eq!(document["schema"], 1);
    assert_eq!(document["data_hash"].as_str().unwrap().len(), 64);
    let strategy = [
        "name",
        "params",
        "annualised_pct",
        "max_drawdown_pct",
        "cvar95_daily_pct",
        "switches",
        "turnover",
        "cost_pct",
        "exitable_24h_pct",
    ];
    for line in document["strategies"].as_array().unwrap() {
        assert!(keys(line).is_superset(&strategy.into()), "{:?}", keys(line));
    }
    let quality = ["market", "defect", "rows", "action"];
    assert!(!document["quality"].as_array().unwrap().is_empty());
    for line in document["quality"].as_array().unwrap() {
        assert!(keys(line).is_superset(&quality.into()), "{:?}", keys(line));
    }
}

#[test]
fn what_the_source_knows_is_a_number_and_not_null() {
    for line in backtest()["strategies"].as_array().unwrap() {
        let exit = number(&line["exitable_24h_pct"]);
        assert!((0.0..=100.0).contains(&exit), "{exit}");
        assert!(number(&line["gas_pct"]) > 0.0, "the made-up history has gas prices");
        assert!(number(&line["annualised_pct"]) > 0.0);
    }
}

#[test]
fn synthetic_data_are_labelled_so_everywhere() {
    let document = backtest();
    assert!(document["labels"][0].as_str().unwrap().starts_with("Synthetic data"));
    let (folder, path) = folder();
    generated(folder.path(), 4, 60, 1);
    let out = folder.path().join("out");
    let run = plimsoll(&[
        "backtest",
        "--data",
        &path,
        "--no-spread",
        "--out",
        &out.display().to_string(),
    ]);
    assert_eq!(crate::support::code(&run), 0, "{}", crate::support::said(&run));
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(report.contains("Synthetic data"), "the report says so too");
    for file in ["result.json", "nav.parquet", "trades.parquet", "journal.jsonl"] {
        assert!(out.join(file).is_file(), "{file}");
    }
}

#[test]
fn the_same_rows_and_settings_give_the_same_bytes() {
    let (folder, path) = folder();
    generated(folder.path(), 6, 90, 7);
    let words = ["backtest", "--data", &path, "--json"];
    assert_eq!(plimsoll(&words).stdout, plimsoll(&words).stdout);
}

#[test]
fn the_protocol_cap_holds_where_there_are_several_protocols() {
    let (folder, path) = folder();
    generated(folder.path(), 8, 120, 5);
    let out = folder.path().join("out");
    let words =
        ["backtest", "--data", &path, "--no-spread", "--strategy", "highest-apr,equal", "--out"];
    let run = plimsoll(&[&words[..], &[&out.display().to_string()]].concat());
    assert_eq!(crate::support::code(&run), 0, "{}", crate::support::said(&run));
    let journal = std::fs::read_to_string(out.join("journal.jsonl")).unwrap();
    let mut refused = 0;
    for line in journal.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let record = &record["record"];
        if record["entry"] == "decided" {
            refused += record["refusals"].as_array().unwrap().len();
        }
        let Some(held) = record["by_market"].as_object() else { continue };
        let amount = |value: &Value| {
            let digits = value.as_str().unwrap().trim_start_matches("0x");
            u128::from_str_radix(digits, 16).unwrap() as f64
        };
        let nav = amount(&record["nav"]);
        let mut protocols = std::collections::BTreeMap::<&str, f64>::new();
        for (market, worth) in held {
            let protocol = market.split(':').next().unwrap();
            *protocols.entry(protocol).or_default() += amount(worth) / nav;
        }
        // 35 % at the decision; between decisions the index may carry a position past it a little.
        assert!(protocols.values().all(|share| *share <= 0.36), "{protocols:?}");
    }
    assert!(
        refused > 0,
        "a rule that wants everything in one market is cut, and the journal says so"
    );
}
