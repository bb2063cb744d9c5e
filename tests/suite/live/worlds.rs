//! Worlds that are fixed beforehand, in `tests/worlds`: for each, plain arithmetic on what its file says tells which kinds of
//! markets pay more than lending does, and which do not; the engine has to enter the first and stay out of the second.

use crate::support::{document, number, plimsoll};
use serde_json::Value;
use std::path::Path;

/// What the arithmetic needs of a world, and where it is from: `tests/localchain` for sizes, the file for habits.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    volatility: f64,
    falls_per_year: f64,
    noise_per_hour: f64,
    validator_apr: f64,
    campaign_days: f64,
    has_more_campaigns: bool,
}

/// Days before the depositors come.
const BEFORE: f64 = 36.0;
/// Days over which a decision earns.
const HORIZON: f64 = 30.0;
/// What lending USDC and WETH pays at most in these worlds, and at least.
const USDC_LENDING: (f64, f64) = (0.025, 0.06);
const WETH_LENDING: (f64, f64) = (0.005, 0.02);
/// By how much the arithmetic has to be sure: twice what it is compared with.
const SURE: f64 = 2.0;
/// The mean of the exponential of a normal number of deviation 0.8: how much larger trades are than their median.
const MEAN_SIZE: f64 = 1.377;

fn numbers(name: &str) -> Numbers {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/worlds/{name}.toml"));
    let text = std::fs::read_to_string(file).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let of = |key: &str, usual: f64| {
        table.get(key).map_or(usual, |value| {
            value.as_float().or(value.as_integer().map(|whole| whole as f64)).unwrap()
        })
    };
    Numbers {
        volatility: of("volatility", 0.7),
        falls_per_year: of("falls_per_year", 24.0),
        noise_per_hour: of("noise_per_hour", 0.004),
        validator_apr: of("validator_apr", 0.032),
        campaign_days: of("campaign_days", 60.0),
        has_more_campaigns: of("gap_days", 3.0) >= 0.0,
    }
}

impl Numbers {
    /// The variance of the logarithm of ether's price, a year: its path, and falls of 6 % on average.
    fn variance(&self) -> f64 {
        self.volatility.powi(2) + self.falls_per_year * 2.0 * 0.06_f64.powi(2)
    }

    /// What the whole curve of a pool loses to those who know the price, a year.
    fn lvr(&self) -> f64 {
        self.variance() / 8.0
    }

    /// What trades without knowledge pay the pair, of its worth, a year: one an hour, of a part of one side, and arbitrage undoes
    /// each; fee 0.3 %.
    fn pair_fees(&self) -> f64 {
        8_760.0 * self.noise_per_hour * MEAN_SIZE * 0.5 * 2.0 * 0.003
    }

    /// The same of the pool of ranges, of what a full range as deep would be worth: two an hour of parts of the pair's 40
    /// million USDC, undone by arbitrage, at 0.05 %; its depth is 270 million at the start.
    fn range_fees(&self) -> f64 {
        8_760.0 * 2.0 * self.noise_per_hour * MEAN_SIZE * 2.0 * 40e6 * 0.0005 / 270e6
    }

    /// What the campaign pays on the pair's 40 million for as much of the horizon as it lasts, a year: 120,000 of 5 USD in 60 days.
    fn rewards(&self) -> f64 {
        let left = (self.campaign_days - BEFORE).clamp(0.0, HORIZON);
        let lasts = if self.has_more_campaigns { HORIZON } else { left };
        120_000.0 * 5.0 * 365.0 / 60.0 / 40e6 * lasts / HORIZON
    }

    /// What staked ether earns: a tenth of what validators do goes to the treasury.
    fn staking(&self) -> f64 {
        0.9 * self.validator_apr
    }
}

/// Six days of a world, at a line.
fn played(name: &str, line: &str) -> Value {
    let file = format!("{}/tests/worlds/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let arguments = ["demo", "--headless", "--days", "6", "--seed", "3", "--line", line];
    document(&plimsoll(&[&arguments[..], &["--world", &file, "--json"]].concat()))
}

/// Whether a vault of `told` entered a market of a protocol.
fn entered(told: &Value, vault: &str, protocol: &str) -> bool {
    let vaults = told["vaults"].as_array().unwrap();
    let vault = vaults.iter().find(|each| each["name"] == vault).unwrap();
    let moves = vault["moves"].as_array().unwrap();
    moves.iter().any(|each| {
        each["kind"] == "entry" && each["to"].as_str().unwrap().starts_with(&format!("{protocol}:"))
    })
}

#[test]
fn in_the_usual_world_the_campaign_and_staked_ether_are_entered_and_ranges_are_not() {
    let world = numbers("usual");
    assert!(world.pair_fees() + world.rewards() - world.lvr() > SURE * USDC_LENDING.1);
    assert!(world.staking() > WETH_LENDING.1);
    assert!(SURE * world.range_fees() < world.lvr(), "{} {}", world.range_fees(), world.lvr());
    let told = played("usual", "balanced");
    assert!(entered(&told, "USDC", "uniswap-v2"), "the campaign: {told}");
    assert!(entered(&told, "WETH", "staked-eth"), "staking: {told}");
    assert!(entered(&told, "USDC", "aave-v3"), "lending: {told}");
    assert!(!entered(&told, "USDC", "uniswap-v3"), "ranges lose: {told}");
    assert!(!entered(&told, "WETH", "uniswap-v3"), "ranges lose: {told}");
}

#[test]
fn where_people_trade_much_and_prices_swing_little_ranges_are_entered() {
    let world = numbers("trading");
    assert!(world.range_fees() > SURE * world.lvr(), "{} {}", world.range_fees(), world.lvr());
    // The whole curve alone would pay more than lending; a range makes more of the same money.
    assert!(10.0 * (world.range_fees() - world.lvr()) > SURE * USDC_LENDING.1);
    assert!(world.rewards() < 1e-9, "no campaign runs");
    let told = played("trading", "balanced");
    assert!(entered(&told, "USDC", "uniswap-v3"), "{told}");
}

#[test]
fn where_nothing_else_pays_nothing_but_lending_is_entered() {
    let world = numbers("lending");
    assert!(SURE * (world.pair_fees() + world.rewards()) < world.lvr() + USDC_LENDING.0);
    assert!(SURE * world.range_fees() < world.lvr());
    assert!(SURE * world.staking() < WETH_LENDING.0);
    let told = played("lending", "adventurous");
    assert_eq!(told["kinds_used"], serde_json::json!(["lending"]), "{told}");
    assert!(number(&told["vault"]["annualised_pct"]) > 0.0);
}
