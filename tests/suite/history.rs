//! Real market history. Skipped, with a printed reason, where PLIMSOLL_DATA names no folder.

use crate::support::{document, number, plimsoll, real_history};
use serde_json::Value;

/// Runs the contract and returns name (with its trailing days) and annualised percent.
fn contract(data: &str, more: &[&str]) -> (Value, Vec<(String, f64)>) {
    let mut words = vec!["backtest", "--data", data, "--contract", "aave-weekly", "--json"];
    words.extend(more);
    let document = document(&plimsoll(&words));
    let strategies = document["strategies"].as_array().unwrap();
    let lines = strategies
        .iter()
        .map(|line| {
            let days = line["params"]["trailing_days"].as_str().unwrap_or_default();
            (format!("{}{days}", line["name"].as_str().unwrap()), number(&line["annualised_pct"]))
        })
        .collect();
    (document, lines)
}

fn assert_close(found: &[(String, f64)], expected: &[(&str, f64)]) {
    assert_eq!(found.len(), expected.len());
    for ((name, found), (expected_name, expected)) in found.iter().zip(expected) {
        assert_eq!(name, expected_name);
        assert!((found - expected).abs() <= 0.01, "{name}: {found} is not {expected} within 0.01");
    }
}

/// Source: bench/baselines/rebalance.py, whose figures have two decimals.
#[test]
fn the_contract_gives_the_published_figures_at_5_and_at_20_bp() {
    let Some(data) = real_history() else { return };
    let span = ["--from", "2025-07-22", "--to", "2026-02-28", "--no-spread"];
    let (document, at_5) = contract(&data, &[&span[..], &["--cost-bps", "5"]].concat());
    assert_close(
        &at_5,
        &[
            ("equal", 3.53),
            ("hold", 3.78),
            ("highest-apr1", 4.22),
            ("highest-apr7", 3.96),
            ("mean7-hysteresis7", 4.53),
        ],
    );
    assert_eq!((&document["markets"], &document["decisions"]), (&18.into(), &30.into()));
    let switches: Vec<_> = document["strategies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["switches"].clone())
        .collect();
    assert_eq!(switches, vec![0, 0, 15, 14, 9]);
    assert!(document["labels"][0].as_str().unwrap().contains("check of arithmetic"));
    let (_, at_20) = contract(&data, &[&span[..], &["--cost-bps", "20"]].concat());
    assert_close(
        &at_20,
        &[
            ("equal", 3.53),
            ("hold", 3.78),
            ("highest-apr1", 0.22),
            ("highest-apr7", 0.23),
            ("mean7-hysteresis7", 2.10),
        ],
    );
}

/// Source: `rebalance.py DIR 2025-09-01 2026-01-31` and `rebalance.py DIR 2025-07-25 2025-12-24`.
#[test]
fn the_contract_gives_the_baselines_figures_on_other_spans() {
    let Some(data) = real_history() else { return };
    for (from, to, expected) in [
        ("2025-09-01", "2026-01-31", [3.61, 3.85, 4.43, 4.25, 5.07]),
        ("2025-07-25", "2025-12-24", [3.87, 4.39, 3.52, 4.80, 5.27]),
    ] {
        let (_, found) =
            contract(&data, &["--from", from, "--to", to, "--cost-bps", "5", "--no-spread"]);
        for ((name, found), expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 0.01, "{from}: {name}: {found} is not {expected}");
        }
    }
}

/// Source: the baseline's line "hysteresis at 5 bp by weekday", from Wednesday on.
#[test]
fn the_contract_gives_the_baselines_figures_on_every_weekday() {
    let Some(data) = real_history() else { return };
    let (document, _) = contract(&data, &["--cost-bps", "5"]);
    let spread = &document["strategies"][4]["spread"][0];
    let expected = [
        ("Mon", 4.93),
        ("Tue", 4.87),
        ("Wed", 4.53),
        ("Thu", 4.59),
        ("Fri", 4.25),
        ("Sat", 4.72),
        ("Sun", 4.94),
    ];
    for (found, (weekday, expected)) in spread["variants"].as_array().unwrap().iter().zip(expected)
    {
        assert_eq!(found[0], weekday);
        assert!(
            (number(&found[1]) - expected).abs() <= 0.01,
            "{weekday}: {} is not {expected}",
            found[1]
        );
    }
    let (_, friday) = contract(&data, &["--weekday", "fri", "--no-spread"]);
    assert!((friday[4].1 - 4.25).abs() <= 0.01);
}

/// The ordinary backtest on the same file: per chain, on what the gate lets through, with its spread.
#[test]
fn the_ordinary_backtest_runs_per_chain_and_shows_its_spread() {
    let Some(data) = real_history() else { return };
    let document = document(&plimsoll(&["backtest", "--data", &data, "--json"]));
    let sleeves: Vec<&str> = document["sleeves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sleeve| sleeve["name"].as_str().unwrap())
        .collect();
    assert!(sleeves.contains(&"ethereum USD") && sleeves.contains(&"base USD"), "{sleeves:?}");
    for dead in ["bnb USD", "zksync USD"] {
        assert!(!sleeves.contains(&dead), "every rate of {dead} is a zero without cause");
    }
    for line in document["strategies"].as_array().unwrap() {
        let spread = line["spread"].as_array().unwrap();
        let varied: Vec<_> =
            spread.iter().map(|spread| spread["varied"].as_str().unwrap()).collect();
        assert_eq!(varied, ["weekday", "start"]);
        assert_eq!(spread[0]["variants"].as_array().unwrap().len(), 7);
        assert!(spread[1]["variants"].as_array().unwrap().len() >= 4);
        // What the file does not know is null, not zero.
        assert_eq!(line["exitable_24h_pct"], Value::Null);
        assert_eq!(line["gas_pct"], Value::Null);
    }
    let waived: Vec<&str> = document["limits_not_applied"]
        .as_array()
        .unwrap()
        .iter()
        .map(|limit| limit["limit"].as_str().unwrap())
        .collect();
    assert_eq!(waived.len(), 7, "this file answers none of the limits: {waived:?}");
}

/// Live rules on a source that answers no limit: nothing is bought, and nothing is lost.
#[test]
fn a_strict_line_buys_nothing_where_its_limits_cannot_be_answered() {
    let Some(data) = real_history() else { return };
    let words = ["backtest", "--data", &data, "--limits", "cautious", "--no-spread", "--json"];
    for line in document(&plimsoll(&words))["strategies"].as_array().unwrap() {
        assert!(number(&line["annualised_pct"]).abs() < 1e-12, "{line}");
        assert!(number(&line["turnover"]).abs() < 1e-12);
    }
}

/// The defects that are known of this history, found by the gate.
#[test]
fn the_gate_finds_the_known_defects() {
    let Some(data) = real_history() else { return };
    let checked = document(&plimsoll(&["data", "check", "--data", &data, "--json"]));
    let lines = |defect: &str| -> Vec<Value> {
        let quality = checked["quality"].as_array().unwrap();
        quality.iter().filter(|line| line["defect"] == defect).cloned().collect()
    };
    let rows =
        |defect: &str| lines(defect).iter().map(|line| line["rows"].as_u64().unwrap()).sum::<u64>();

    let foreign = lines("foreign-network");
    assert_eq!(foreign.len(), 15, "five on bnb, ten on zksync");
    assert!(foreign.iter().all(|line| {
        let market = line["market"].as_str().unwrap();
        (market.starts_with("aave-v3:56:") || market.starts_with("aave-v3:324:"))
            && line["first"] == "2025-07-22"
            && line["action"] == "dropped"
    }));

    // The index falls on 26 rows; 15 of the falls are from rows of another network, which are gone.
    assert_eq!(rows("falling-index"), 11);
    assert!(lines("falling-index").iter().all(|line| line["action"] == "flagged"));

    let renamed: Vec<String> = lines("renamed-symbol")
        .iter()
        .map(|line| line["detail"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(renamed.len(), 7);
    assert!(renamed.contains(&"USDC is called USDC.e from 2025-08-01".to_owned()), "{renamed:?}");
    assert!(renamed.contains(&"USDT is called USDT0 from 2025-08-28".to_owned()), "{renamed:?}");

    let gaps = lines("gap");
    let whole_source = gaps.iter().find(|line| line["market"] == "*").unwrap();
    assert_eq!(whole_source["rows"], 2, "2025-07-23 and 2026-02-15");
    assert_eq!(
        (&whole_source["first"], &whole_source["last"]),
        (&"2025-07-23".into(), &"2026-02-15".into())
    );

    let frozen = lines("frozen-feed");
    assert!(
        frozen.iter().any(|line| line["symbol"] == "KNC" && line["rows"].as_u64().unwrap() > 200)
    );
}

/// Every reserve, over the whole span.
#[test]
fn all_reserves_are_replayed_and_keyed_by_address() {
    let Some(data) = real_history() else { return };
    let checked = document(&plimsoll(&["data", "check", "--data", &data, "--json"]));
    let markets = checked["markets"].as_array().unwrap();
    let reserves =
        markets.iter().filter(|market| market["market"].as_str().unwrap().starts_with("aave-v3:"));
    let by_address =
        reserves.filter(|market| market["market"].as_str().unwrap().contains(":0x")).count();
    assert_eq!(by_address, 166);
    let words = ["backtest", "--data", &data, "--assets", "all", "--no-spread", "--json"];
    let replayed = document(&plimsoll(&words));
    // The reserves of units in which nothing can be bought on the first decision day are left out: BNB,
    // zkSync, and listings that came later.
    let markets = replayed["markets"].as_u64().unwrap();
    assert!((110..166).contains(&markets), "{markets}");
    let sleeves = replayed["sleeves"].as_array().unwrap();
    assert_eq!(
        sleeves.iter().map(|sleeve| sleeve["markets"].as_u64().unwrap()).sum::<u64>(),
        markets
    );
}
