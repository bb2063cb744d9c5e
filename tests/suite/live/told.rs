//! What a person sees of a demo: the terminal, and the page of the world's days; and that ether follows a recorded path.

use crate::support::{code, folder, plimsoll, said, write};
use plimsoll_core::time::DAY_MS;
use polars::prelude::*;

/// Days of the world of a demo of two days, and one to spare.
const DAYS: i64 = 40;

/// A file with an ether that slowly loses a twentieth of its worth within forty days.
fn prices(file: &std::path::Path) {
    let hours: Vec<i64> = (0..24 * DAYS).collect();
    let close =
        hours.iter().map(|hour| 3_000.0 * (-0.05 * *hour as f64 / (24.0 * DAYS as f64)).exp());
    let table = df![
        "timestamp" => hours.iter().map(|hour| hour * DAY_MS / 24).collect::<Vec<i64>>(),
        "pair" => vec!["ETH/USDT"; hours.len()],
        "close" => close.collect::<Vec<f64>>(),
    ]
    .unwrap()
    .lazy()
    .with_column(col("timestamp").cast(DataType::Datetime(TimeUnit::Milliseconds, None)))
    .collect()
    .unwrap();
    write(file, table);
}

#[test]
fn each_position_is_told_with_what_it_earned_and_the_world_is_drawn() {
    let (kept, path) = folder();
    let (file, page) = (kept.path().join("ether.parquet"), format!("{path}/world.html"));
    prices(&file);
    let file = file.display().to_string();
    let arguments = ["demo", "--days", "2", "--seed", "7", "--html", &page];
    let recorded = ["--prices", &file, "--prices-of", "ETH/USDT"];
    let run = plimsoll(&[&arguments[..], &recorded].concat());
    assert_eq!(code(&run), 0, "{}", said(&run));
    assert!(run.stdout.is_empty(), "text for people goes to standard error");
    let told = said(&run);
    // What is about to take long, each move with its reason, and each evening.
    for words in [
        "This takes one to five minutes",
        "because: move:",
        "held back by",
        "day   1  USDC",
        "day   2  WETH",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let line = |of: &str, word: &str| {
        let is_of = |line: &&str| line.trim_start().starts_with(of) && line.contains(word);
        told.lines().find(is_of).unwrap_or_else(|| panic!("{of}: {told}")).to_owned()
    };
    let range = line("uniswap-v3 ", ": fees ");
    for words in ["fees ", " due)", "rewards ", "impermanent loss ", "LVR "] {
        assert!(range.contains(words), "{words}: {range}");
    }
    let staked = line("staked-eth ", ": rewards ");
    for words in ["rewards ", "in the queue ", "to be claimed", "below what it is redeemed for"] {
        assert!(staked.contains(words), "{words}: {staked}");
    }
    assert!(told.contains("USDC by market") && told.contains("WETH by market"), "{told}");

    let drawn = std::fs::read_to_string(&page).unwrap();
    for words in
        ["Synthetic", "Ether's price alone is recorded: ETH/USDT", "the depositors come", "<svg"]
    {
        assert!(drawn.contains(words), "{words}");
    }
    // The last price of ether in the pool: 38 days of the fall from 2,500.
    let expected = 2_500.0 * (-0.05f64 * 38.0 / 40.0).exp();
    let reference = drawn.split("reference ").nth(1).unwrap();
    let digits: String = reference
        .chars()
        .take_while(|each| each.is_ascii_digit() || *each == '.' || *each == ',')
        .collect();
    let found: f64 = digits.replace(',', "").parse().unwrap();
    assert!((found / expected - 1.0).abs() < 0.02, "{found} {expected}");
}

#[test]
fn prices_that_a_file_does_not_have_are_refused_before_anything_begins() {
    let (kept, _) = folder();
    let file = kept.path().join("ether.parquet");
    prices(&file);
    let file = file.display().to_string();
    let refused = |more: &[&str]| {
        let run = plimsoll(&[&["demo", "--headless", "--prices", &file][..], more].concat());
        assert_eq!(code(&run), 3, "{}", said(&run));
        said(&run)
    };
    let said = refused(&[]);
    assert!(said.contains("\"ETH\"") && said.contains("ETH/USDT"), "{said}");
    let said = refused(&["--prices-of", "ETH/USDT", "--days", "30"]);
    assert!(said.contains("a demo of 30 days needs prices of 66"), "{said}");
    assert!(said.contains("1970-01-01 to 1970-02-09"), "{said}");
}
