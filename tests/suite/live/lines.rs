//! `plimsoll demo --lines`: three risk lines in one world, each within its limits, as one figure.

use super::demo::check_books;
use crate::support::{document, folder, number, plimsoll};
use serde_json::Value;

/// Limits that only what the engine buys can pass; the others move with the world as well.
const OWN: [&str; 2] = ["per_issuer", "wrap_depth"];
/// Hours within which what the world took beyond a limit is brought back: an hour to decide in, one to land in, and as
/// many again where the world moves on meanwhile.
const LONGEST: u64 = 6;

/// Checks how much of its limits a vault used, and tells it.
pub(super) fn check_limits(vault: &Value) {
    let name = format!("{}, {}", vault["name"], vault["line"]);
    for (limit, used) in vault["limits"].as_object().unwrap() {
        let number = |name: &str| number(&used[name]);
        let count = |name: &str| used[name].as_u64().unwrap();
        let (over, longest) = (count("over"), count("longest"));
        println!(
            "{name}: {limit} {:.4} of {:.4}, passed at {over} blocks, {longest} together",
            number("used"),
            number("allowed")
        );
        assert!(!OWN.contains(&limit.as_str()) || over == 0, "{name}: {limit} {used}");
        assert!(longest <= LONGEST, "{name}: {limit} is passed for too long: {used}");
    }
}

/// The three lines in the world of seed 7, for some days; and the page.
fn played(days: &str) -> (Vec<Value>, String) {
    let (folder, path) = folder();
    let file = format!("{path}/lines.html");
    let arguments =
        ["demo", "--headless", "--days", days, "--seed", "7", "--lines", &file, "--json"];
    let told = document(&plimsoll(&arguments));
    let page = std::fs::read_to_string(folder.path().join("lines.html")).unwrap();
    (told["lines"].as_array().unwrap().clone(), page)
}

/// The most that a line's vault used of a limit.
fn used(told: &Value, vault: usize, limit: &str) -> f64 {
    number(&told["vaults"][vault]["limits"][limit]["used"])
}

fn check(lines: &[Value], page: &str) {
    let names: Vec<&Value> = lines.iter().map(|told| &told["vaults"][0]["line"]).collect();
    assert_eq!(names, ["cautious", "balanced", "adventurous"]);
    for told in lines {
        for vault in told["vaults"].as_array().unwrap() {
            check_books(vault);
            check_limits(vault);
        }
    }
    let rises = |vault, limit, times: f64| {
        let of: Vec<f64> = lines.iter().map(|told| used(told, vault, limit)).collect();
        assert!(of.is_sorted_by(|a, b| *b > a * times), "{limit} in vault {vault}: {of:?}");
    };
    rises(0, "es999_1y", 1.0);
    rises(0, "foreign_exposure", 1.5);
    assert_eq!(page.matches("<figure").count(), 6, "a chart for each vault on each line");
    for line in ["cautious", "balanced", "adventurous"] {
        assert!(page.contains(&format!("<b>{line}</b>")), "{line}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"), "it needs nothing else");
}

#[test]
#[ignore = "long: three demos of twenty days; `make deep` runs them"]
fn three_lines_hold_visibly_different_portfolios_each_within_its_limits() {
    let (lines, page) = played("20");
    check(&lines, &page);
}

#[test]
fn a_day_of_three_lines_is_one_figure() {
    let (lines, page) = played("1");
    check(&lines, &page);
}
