//! Many worlds, and bank runs: what must hold in each.

use super::demo::check_books;
use super::lines::check_limits;
use crate::support::{document, number, plimsoll};
use serde_json::Value;

/// A bank run by `seed`, `sudden` or `announced`.
fn run(seed: &str, how: &str) -> Value {
    document(&plimsoll(&["demo", "--bank-run", how, "--seed", seed, "--headless", "--json"]))
}

/// What must hold in any run.
fn check(told: &Value) {
    let name = format!("seed {} with {} blocks of warning", told["seed"], told["warning_blocks"]);
    assert!(
        number(&told["peak_utilization"]) > 0.999,
        "{name}: the market was used in full: {told}"
    );
    assert_eq!(told["entries_above_target"], 0, "{name}: {told}");
    let leavers = told["leavers"].as_array().unwrap();
    assert_eq!(leavers.len(), 2);
    for leaver in leavers {
        assert!(leaver["paid_by"].is_u64(), "{name}: nobody waits for ever: {leaver}");
        // The price of when they asked, or of later, when more had been earned: never less for being late.
        let (paid, asked) = (number(&leaver["price"]), number(&leaver["price_when_asked"]));
        assert!(paid >= asked - 1e-8, "{name}: {leaver}");
        assert!(paid <= asked * 1.001, "{name}: nobody gains by leaving: {leaver}");
    }
    let stayer = &told["stayer"];
    assert!(number(&stayer["price_at_end"]) >= number(&stayer["price_at_run"]), "{name}: {stayer}");
    // Who left last was not paid less than who left first.
    assert!(
        number(&leavers[1]["price"]) >= number(&leavers[0]["price"]) - 1e-8,
        "{name}: {leavers:?}"
    );
    println!(
        "{name}: at most {} USDC stuck, at {} blocks; early {:.8}, late {:.8}, stayed {:.8} a share",
        told["stuck"]["most"],
        told["stuck"]["blocks"],
        number(&leavers[0]["price"]),
        number(&leavers[1]["price"]),
        number(&stayer["price_at_end"])
    );
}

#[test]
fn a_bank_run_is_borne_by_who_stays_for_a_while_and_by_nobody_in_the_end() {
    let sudden = std::thread::spawn(|| run("7", "sudden"));
    check(&run("7", "announced"));
    check(&sudden.join().unwrap());
}

#[test]
#[ignore = "long: forty bank runs; `make deep` runs them"]
fn bank_runs_by_twenty_seeds_with_and_without_warning() {
    for seed in 1..=20 {
        let seed = seed.to_string();
        let other = seed.clone();
        let sudden = std::thread::spawn(move || run(&other, "sudden"));
        check(&run(&seed, "announced"));
        check(&sudden.join().unwrap());
    }
}

#[test]
#[ignore = "long: twenty demos of sixty days; `make deep` runs them"]
fn sixty_days_by_twenty_seeds_add_up_and_enter_nothing_above_its_target() {
    for seed in 1..=20 {
        let seed = seed.to_string();
        let arguments = ["demo", "--headless", "--days", "60", "--seed", &seed, "--json"];
        // The demo itself refuses books that do not add up and entries above the target.
        let told = document(&plimsoll(&arguments));
        for vault in told["vaults"].as_array().unwrap() {
            check_books(vault);
            check_limits(vault);
            let pct = |name: &str| number(&vault["baselines"][name]);
            println!(
                "seed {seed}, {}: {:.2} % a year; idle {:.2}, best at the start {:.2}, equal {:.2}; {} moves; {}",
                vault["name"],
                number(&vault["annualised_pct"]),
                pct("idle_pct"),
                pct("hold_best_at_start_pct"),
                pct("equal_pct"),
                vault["moves"].as_array().unwrap().len(),
                vault["kinds_used"]
            );
        }
        assert_eq!(told["faults"]["reverts"], 0, "seed {seed}");
    }
}
