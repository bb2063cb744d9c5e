//! `plimsoll demo`: the same document for the same seed, books that add up, a journal that can be decided again.

use crate::support::{code, document, folder, number, plimsoll, said};
use serde_json::Value;
use std::collections::BTreeMap;
use std::thread;

/// A decimal string with `decimals` decimals as raw units.
fn raw(value: &Value, decimals: usize) -> i128 {
    let text = value.as_str().expect("a decimal string");
    let (whole, part) = text.split_once('.').expect("a decimal point");
    assert_eq!(part.len(), decimals, "{text}: every decimal of the asset");
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    let whole: i128 = whole.trim_start_matches('-').parse().unwrap();
    sign * (whole * 10_i128.pow(u32::try_from(decimals).unwrap()) + part.parse::<i128>().unwrap())
}

/// Checks that what a vault of a demo gained is what its markets brought, by cause, to the last unit.
pub(super) fn check_books(vault: &Value) {
    let decimals = if vault["name"] == "WETH" { 18 } else { 6 };
    let raw = |value: &Value| raw(value, decimals);
    let gained = raw(&vault["end_nav"]) - raw(&vault["start_nav"]);
    let profits = vault["pnl_by_market"].as_array().unwrap();
    let explained: i128 = profits.iter().map(|profit| raw(&profit["total"])).sum();
    assert_eq!(gained, explained, "the books add up to the change of NAV, to the last unit");
    for profit in profits {
        let names = ["income", "rewards", "fees", "price", "cost", "impairment"];
        let parts: i128 = names.iter().map(|name| raw(&profit[*name])).sum();
        assert_eq!(parts, raw(&profit["total"]), "{profit}");
        for name in ["impermanent_loss", "lvr"] {
            assert!(raw(&profit[name]) <= 0, "{name} is a loss: {profit}");
        }
    }
}

#[test]
fn a_demo_can_be_had_again_and_its_books_and_its_journals_agree() {
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
    assert_eq!(told["vault"]["start_nav"], "100000.000000");
    let vaults = told["vaults"].as_array().unwrap();
    let names: Vec<&Value> = vaults.iter().map(|vault| &vault["name"]).collect();
    assert_eq!(names, ["USDC", "WETH"]);
    for vault in vaults {
        check_books(vault);
        check_moves(vault);
    }
    for field in ["pnl_by_market", "moves", "baselines"] {
        assert_eq!(told[field], vaults[0][field], "what is not under `vaults` is of USDC");
    }
    assert_eq!(told["vault"]["end_nav"], vaults[0]["end_nav"]);
    assert_eq!(told["kinds_used"], serde_json::json!(["lending", "staking", "lp", "mining"]));
    assert!(number(&told["baselines"]["equal_pct"]).abs() > 0.0);
    assert!(number(&told["baselines"]["idle_pct"]).abs() < 1e-9);
    let gas: u128 = told["gas"]["paid_by_operator"].as_str().unwrap().parse().unwrap();
    assert!(gas > 0);
    assert_eq!(told["faults"]["reverts"], 0, "no plan reverts in a quiet world");

    for name in ["journal", "journal-weth"] {
        let journal = first.path().join(name).display().to_string();
        let replayed = document(&plimsoll(&["journal", "replay", "--folder", &journal, "--json"]));
        let verified = document(&plimsoll(&["journal", "verify", "--folder", &journal, "--json"]));
        let plans = verified["plans"].as_array().unwrap().len();
        assert!(plans > 0, "there were plans");
        assert_eq!(replayed["plans"], plans, "every plan comes out byte for byte");
        // One at the first look, and one an hour.
        assert_eq!(replayed["decisions"], 4 * 24 + 1 - busy(&verified));
    }
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

/// Money moves between idle and markets, each plan's with a reason, and no protocol is given more than the line allows.
fn check_moves(vault: &Value) {
    let decimals = if vault["name"] == "WETH" { 18 } else { 6 };
    let moves = vault["moves"].as_array().unwrap();
    assert!(!moves.is_empty(), "the engine moved something");
    let mut entered: BTreeMap<String, i128> = BTreeMap::new();
    for each in moves {
        let (from, to) = (each["from"].as_str().unwrap(), each["to"].as_str().unwrap());
        assert!(!each["reason"].as_str().unwrap().is_empty(), "{each}");
        assert!(each["gas_used"].as_u64().unwrap() > 0, "{each}");
        match each["kind"].as_str().unwrap() {
            "entry" => assert!(from == "idle" && to != "idle", "{each}"),
            "exit" | "harvest" => assert!(from != "idle" && to == "idle", "{each}"),
            "range" => assert!(from == to, "{each}"),
            other => panic!("{other}: {each}"),
        }
        let amount = raw(&each["amount"], decimals);
        let protocol = |market: &str| market.split(':').next().unwrap().to_owned();
        match each["kind"].as_str().unwrap() {
            "entry" => *entered.entry(protocol(to)).or_default() += amount,
            "exit" => *entered.entry(protocol(from)).or_default() -= amount,
            _ => {}
        }
    }
    // The balanced line: no protocol holds more than 35 %.
    let nav = raw(&vault["start_nav"], decimals);
    for (protocol, amount) in entered {
        assert!(amount * 1_000 <= nav * 351, "{protocol} was given {amount} raw units of {nav}");
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

#[test]
fn a_world_that_is_none_is_refused_before_anything_begins() {
    let (_kept, path) = folder();
    let file = format!("{path}/world.toml");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(&file, "noise_per_hour = 7.0\n").unwrap();
    let run = plimsoll(&["demo", "--world", &file, "--headless"]);
    assert_ne!(code(&run), 0);
    let words = said(&run);
    assert!(words.contains("world.toml") && words.contains("between 0 and 0.05"), "{words}");
}
