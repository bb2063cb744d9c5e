//! `plimsoll demo`: the same document for the same seed, books that add up, a journal that can be decided again.

use crate::support::{code, document, folder, number, plimsoll, said};
use serde_json::Value;
use std::collections::BTreeMap;
use std::thread;

/// A decimal string with six decimals as raw units.
fn raw(value: &Value) -> i128 {
    let text = value.as_str().expect("a decimal string");
    let (whole, part) = text.split_once('.').expect("a decimal point");
    assert_eq!(part.len(), 6, "{text}: every decimal of USDC");
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    let whole: i128 = whole.trim_start_matches('-').parse().unwrap();
    sign * (whole * 1_000_000 + part.parse::<i128>().unwrap())
}

#[test]
fn a_demo_can_be_had_again_and_its_books_and_its_journal_agree() {
    let (first, path) = folder();
    let arguments = ["demo", "--headless", "--days", "4", "--seed", "7", "--json"];
    let again = thread::spawn(move || plimsoll(&arguments));
    let run = plimsoll(&[&arguments[..], &["--out", &path]].concat());
    let told = document(&run);
    let again = again.join().unwrap();
    assert_eq!(code(&again), 0, "{}", said(&again));
    assert!(run.stdout == again.stdout, "the same seed gives the same document");
    assert!(run.stderr.is_empty(), "headless says nothing: {}", said(&run));

    assert_eq!(told["schema"], 1);
    let vault = &told["vault"];
    assert_eq!(vault["start_nav"], "100000.000000");
    let gained = raw(&vault["end_nav"]) - raw(&vault["start_nav"]);
    let profits = told["pnl_by_market"].as_array().unwrap();
    let explained: i128 = profits.iter().map(|profit| raw(&profit["total"])).sum();
    assert_eq!(gained, explained, "the books add up to the change of NAV, to the last unit");
    assert!(gained > 0, "lending brings something: {gained}");
    for profit in profits {
        let names = ["income", "rewards", "fees", "price", "cost", "impairment"];
        let parts: i128 = names.iter().map(|name| raw(&profit[*name])).sum();
        assert_eq!(parts, raw(&profit["total"]), "{profit}");
        assert_eq!(profit["kind"], "lending");
    }
    assert!(number(&told["baselines"]["equal_pct"]) > 0.0);
    assert!(number(&told["baselines"]["idle_pct"]).abs() < 1e-9);
    check_moves(&told);

    let journal = first.path().join("journal").display().to_string();
    let replayed = document(&plimsoll(&["journal", "replay", "--folder", &journal, "--json"]));
    let verified = document(&plimsoll(&["journal", "verify", "--folder", &journal, "--json"]));
    let plans = verified["plans"].as_array().unwrap().len();
    assert!(plans > 0, "there were plans");
    assert_eq!(replayed["plans"], plans, "every plan comes out byte for byte");
    // One at the first look, and one an hour.
    assert_eq!(replayed["decisions"], 4 * 24 + 1 - busy(&verified));
}

/// Blocks on which nothing was decided since a plan was on its way.
fn busy(verified: &Value) -> usize {
    let plans = verified["plans"].as_array().unwrap();
    let blocks = plans.iter().map(|plan| {
        let planned = plan["decided_on"]["number"].as_u64().unwrap();
        let included = plan["inclusion"]["block"]["number"].as_u64();
        // Included in the next block and final in the one after: that next one is not decided on.
        included.map_or(0, |included| included - planned)
    });
    usize::try_from(blocks.sum::<u64>()).unwrap()
}

/// Money moves between idle and markets, each plan's with a reason, and no market is left with less than nothing.
fn check_moves(told: &Value) {
    let moves = told["moves"].as_array().unwrap();
    assert!(!moves.is_empty(), "the engine moved something");
    let mut held: BTreeMap<String, i128> = BTreeMap::new();
    for each in moves {
        let (from, to) = (each["from"].as_str().unwrap(), each["to"].as_str().unwrap());
        assert!((from == "idle") != (to == "idle"), "{each}");
        assert!(each["reason"].as_str().unwrap().starts_with("move:"), "{each}");
        assert!(each["gas_used"].as_u64().unwrap() > 0, "{each}");
        let amount = raw(&each["amount"]);
        *held.entry(from.to_owned()).or_default() -= amount;
        *held.entry(to.to_owned()).or_default() += amount;
    }
    let gas: u128 = told["gas"]["paid_by_operator"].as_str().unwrap().parse().unwrap();
    assert!(gas > 0);
    // The balanced line: no protocol holds more than 35 %.
    let mut by_protocol: BTreeMap<&str, i128> = BTreeMap::new();
    for (market, amount) in held.iter().filter(|(market, _)| *market != "idle") {
        *by_protocol.entry(market.split(':').next().unwrap()).or_default() += amount;
    }
    for (protocol, amount) in by_protocol {
        assert!(
            amount <= 35_010 * 1_000_000,
            "{protocol} holds {amount} raw units of 100,000 USDC"
        );
    }
}

#[test]
fn a_demo_without_its_contracts_says_what_to_do() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let run = command.args(["demo", "--days", "1"]).env("PLIMSOLL_CONTRACTS", "/nowhere").output();
    let run = run.unwrap();
    assert_eq!(code(&run), 3);
    assert!(said(&run).contains("make contracts"), "{}", said(&run));
}
