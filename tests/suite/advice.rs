//! `allocate` and `rebalance`: the contract of their documents, and clear answers to odd requests.

use crate::support::{code, document, folder, generated, number, plimsoll, read, said, write};
use polars::prelude::*;
use serde_json::Value;

fn allocate(more: &[&str]) -> std::process::Output {
    plimsoll(&[&["allocate", "--asset", "USD", "--synthetic", "7"], more].concat())
}

fn plan<'d>(document: &'d Value, name: &str) -> &'d Value {
    document["plans"].as_array().unwrap().iter().find(|plan| plan["name"] == name).unwrap()
}

fn deployed(plan: &Value) -> f64 {
    plan["positions"].as_array().unwrap().iter().map(|position| number(&position["weight"])).sum()
}

#[test]
fn allocate_prints_its_contract() {
    let document = document(&allocate(&["--amount", "25000", "--risk", "balanced", "--json"]));
    for key in ["schema", "as_of", "asset", "amount", "line", "plans"] {
        assert!(document.get(key).is_some(), "{key}");
    }
    let names: Vec<_> =
        document["plans"].as_array().unwrap().iter().map(|plan| plan["name"].clone()).collect();
    assert_eq!(names, vec!["keep", "recommended", "highest"]);
    for plan in document["plans"].as_array().unwrap() {
        for key in
            ["positions", "expected_net_apr", "lo", "hi", "cvar95_30d", "worst_protocol_loss"]
        {
            assert!(plan.get(key).is_some(), "{key}");
        }
        for position in plan["positions"].as_array().unwrap() {
            for key in [
                "market",
                "weight",
                "advertised_apr",
                "after_deposit_apr",
                "sustainable_apr",
                "score",
                "p_loss_1y",
                "exit_p50_h",
                "exit_p95_h",
                "binding_constraint",
            ] {
                assert!(position.get(key).is_some(), "{key}");
            }
        }
    }
    assert!(deployed(plan(&document, "keep")).abs() < 1e-12);
    assert!(deployed(plan(&document, "recommended")) > 0.2);
    assert!(document["labels"][0].as_str().unwrap().contains("synthetic"));
}

#[test]
fn the_recommended_plan_keeps_within_the_line_and_the_highest_earns_more() {
    for line in ["cautious", "balanced", "adventurous"] {
        let document = document(&allocate(&["--amount", "500000", "--risk", line, "--json"]));
        let (best, highest) = (plan(&document, "recommended"), plan(&document, "highest"));
        let (cap, rare) = match line {
            "cautious" => (0.25, 0.15),
            "balanced" => (0.35, 0.30),
            _ => (0.50, 0.50),
        };
        assert!(number(&best["worst_protocol_loss"]) <= cap + 1e-6, "{line}");
        assert!(number(&best["es999_1y"]) <= rare + 1e-3, "{line}");
        assert!(number(&best["expected_net_apr"]) <= number(&highest["expected_net_apr"]) + 1e-9);
    }
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let words = ["--amount", "25000", "--json"];
    assert_eq!(allocate(&words).stdout, allocate(&words).stdout);
}

#[test]
fn more_than_all_capacity_leaves_the_rest_idle_and_says_so() {
    let run = allocate(&["--amount", "1e13", "--json"]);
    let found = document(&run);
    assert!(number(&plan(&found, "recommended")["idle"]) > 0.9);
    let text = said(&allocate(&["--amount", "1e13"]));
    assert!(text.contains("USD stay idle: more would pass a limit"), "{text}");
}

#[test]
fn an_amount_of_nothing_or_less_is_refused_with_what_is_expected() {
    for amount in ["0", "-5", "nan", "all"] {
        let run = allocate(&["--amount", amount]);
        assert_eq!(code(&run), 2, "{amount}");
        assert!(said(&run).contains("expected a number of whole units above 0"), "{}", said(&run));
    }
}

#[test]
fn an_unknown_asset_is_refused_with_the_nearest() {
    let run = plimsoll(&["allocate", "--asset", "USDX", "--amount", "5", "--synthetic", "7"]);
    assert_eq!(code(&run), 2);
    assert!(said(&run).contains("USD"), "{}", said(&run));
}

#[test]
fn no_source_is_refused_with_the_three_that_there_are() {
    let run = plimsoll(&["allocate", "--asset", "USD", "--amount", "5"]);
    assert_eq!(code(&run), 2);
    assert!(said(&run).contains("--data DIR (or PLIMSOLL_DATA), --llama URL or --synthetic SEED"));
}

#[test]
fn a_line_stricter_than_any_market_buys_nothing_and_says_why() {
    let (folder, path) = folder();
    let config = folder.path().join("strict.toml");
    std::fs::write(&config, "[risk]\nline = \"cautious\"\nwrap_depth = 0\n").unwrap();
    let config = config.display().to_string();
    let run = plimsoll(&[
        "--config",
        &config,
        "allocate",
        "--asset",
        "USD",
        "--amount",
        "1000",
        "--synthetic",
        "7",
    ]);
    assert_eq!(code(&run), 0, "{path} {}", said(&run));
    let text = said(&run);
    assert!(text.contains("wrapped deeper than the line allows"), "{text}");
    assert!(text.contains("can be bought within this line: everything stays as it is"), "{text}");
}

/// The answer about a made-up history in which `column` is `value` throughout.
fn asked_where(column: &str, value: Expr) -> std::process::Output {
    let (folder, _) = folder();
    let data = folder.path().join("data");
    generated(&data, 5, 60, 1);
    let file = data.join("synthetic_reserves_daily.parquet");
    write(&file, read(&file).lazy().with_column(value.alias(column)).collect().unwrap());
    let data = data.display().to_string();
    plimsoll(&["allocate", "--asset", "USD", "--amount", "1000", "--json", "--data", &data])
}

/// Why markets are not bought, each once; that nothing is.
fn left_alone(run: &std::process::Output) -> Vec<String> {
    let found = document(run);
    let recommended = plan(&found, "recommended");
    assert!((number(&recommended["idle"]) - 1.0).abs() < 1e-12, "{recommended}");
    assert!(number(&recommended["cost"]).is_sign_positive(), "nothing costs nothing, not -0");
    let reason = |line: &Value| line["reason"].as_str().unwrap().to_owned();
    let mut reasons: Vec<String> =
        found["left_out"].as_array().unwrap().iter().map(reason).collect();
    reasons.dedup();
    reasons
}

#[test]
fn where_every_market_is_locked_or_no_rate_is_known_everything_stays_and_the_reason_is_said() {
    let locked = asked_where("frozen", lit(true));
    assert_eq!(left_alone(&locked), vec!["it takes no deposits now"]);
    let silent = asked_where("supply_apr", lit(NULL).cast(DataType::Float64));
    assert_eq!(left_alone(&silent), vec!["nothing says what it will pay"]);
}

#[test]
fn where_nothing_could_leave_no_more_is_brought_in_than_the_line_lets_be_stuck() {
    let full = document(&asked_where("exit_usd", lit(0.0)));
    let idle = number(&plan(&full, "recommended")["idle"]);
    // The balanced line wants 60 % to be able to leave within a day of a run.
    assert!((0.6..1.0).contains(&idle), "{idle}");
}

#[test]
fn a_holding_gets_move_or_wait_with_break_even_and_probability() {
    let found = document(&allocate(&["--amount", "100000", "--json"]));
    let position = &plan(&found, "recommended")["positions"][0];
    let market = position["market"].as_str().unwrap();
    let (folder, _) = folder();
    let file = folder.path().join("held.toml");
    std::fs::write(
        &file,
        format!("asset = \"USD\"\nidle = \"90000\"\n[positions]\n\"{market}\" = \"10000\"\n"),
    )
    .unwrap();
    let file = file.display().to_string();
    let words = ["rebalance", "--position", &file, "--synthetic", "7"];
    let moved = document(&plimsoll(&[&words[..], &["--json"]].concat()));
    assert_eq!(moved["decision"], "move");
    assert!(number(&moved["gain"]) > 0.0 && number(&moved["p_gain"]) > 0.7);
    assert!(number(&moved["break_even_days"]) < 90.0);
    let text = said(&plimsoll(&words));
    assert!(text.starts_with("MOVE: the best move gains +"), "{text}");
    // Gas of more than it could bring: wait.
    let dear = document(&plimsoll(&[&words[..], &["--gas-usd", "5000", "--json"]].concat()));
    assert_eq!(dear["decision"], "wait");
}

#[test]
fn a_bad_holding_is_refused_with_its_form() {
    let (folder, _) = folder();
    let file = folder.path().join("held.toml");
    let path = file.display().to_string();
    for (text, expected) in [
        ("asset = \"USD\"\nidle = \"-1\"", "is no amount"),
        ("asset = \"USD\"", "nothing is held"),
        ("asset = \"USD\"\nidel = 3", "unknown field"),
        (
            "asset = \"USD\"\n[positions]\n\"aave-v3:1:0x1\" = \"5\"",
            "the source has no such market",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let run = plimsoll(&["rebalance", "--position", &path, "--synthetic", "7"]);
        assert_eq!(code(&run), 2, "{text}");
        assert!(said(&run).contains(expected), "{text}: {}", said(&run));
    }
}

#[test]
fn worlds_report_means_paired_differences_and_the_ceiling() {
    let run = plimsoll(&[
        "backtest",
        "--synthetic",
        "1..3",
        "--capital",
        "100000",
        "--strategy",
        "hold,allocator",
        "--json",
    ]);
    let document = document(&run);
    let names: Vec<_> = document["strategies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, vec!["hold", "allocator", "perfect-foresight"]);
    let paired = document["worlds"]["paired"].as_array().unwrap();
    assert_eq!(paired.len(), 2);
    assert!(number(&paired[1]["mean_pct"]) <= 0.0, "foresight is the ceiling");
    assert!(document["labels"][0].as_str().unwrap().starts_with("synthetic"));
    for bad in ["3..1", "x", "1..9999999"] {
        let run = plimsoll(&["backtest", "--synthetic", bad]);
        assert_eq!(code(&run), 2, "{bad}");
        assert!(said(&run).contains("expected seeds A..B"), "{}", said(&run));
    }
}
