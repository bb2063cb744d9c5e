//! `plimsoll demo --event`: what each thing that goes wrong costs, who bears it, what the engine does, and that
//! everything can be taken out at the end.

use crate::support::{document, number, plimsoll};
use serde_json::Value;

/// What rounding and twelve seconds of interest may make of a price.
const STILL: f64 = 1e-6;

/// An event in the world of seed 7, with what holds of every one.
fn played(event: &str) -> Value {
    let arguments = ["demo", "--event", event, "--seed", "7", "--headless", "--json"];
    // The demo itself refuses books that do not add up.
    let told = document(&plimsoll(&arguments));
    assert_eq!((&told["schema"], &told["event"]), (&Value::from(1), &Value::from(event)));
    for vault in told["vaults"].as_array().unwrap() {
        check(event, vault);
    }
    told
}

fn vault<'a>(told: &'a Value, name: &str) -> &'a Value {
    let vaults = told["vaults"].as_array().unwrap();
    vaults.iter().find(|vault| vault["name"] == name).unwrap()
}

fn whole(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

/// What the rows of causes say of markets of a protocol.
fn sum(rows: &Value, protocol: &str, cause: &str) -> f64 {
    let rows = rows.as_array().unwrap().iter();
    let of = rows.filter(|row| row["market"].as_str().unwrap().starts_with(protocol));
    of.map(|row| whole(&row[cause])).sum()
}

/// What the event itself cost, as a part of NAV.
fn lost(vault: &Value) -> f64 {
    1.0 - whole(&vault["nav"]["after"]) / whole(&vault["nav"]["before"])
}

/// What of NAV was held in markets of a protocol.
fn held(vault: &Value, protocol: &str) -> f64 {
    let held = vault["held"].as_object().unwrap().iter();
    let of = held.filter(|(market, _)| market.starts_with(protocol));
    of.map(|(_, worth)| whole(worth)).sum::<f64>() / whole(&vault["nav"]["before"])
}

/// What must hold of a vault in any event.
fn check(event: &str, vault: &Value) {
    let name = format!("{event}, {}", vault["name"]);
    let price = &vault["share_price"];
    for leaver in vault["leavers"].as_array().unwrap() {
        assert!(leaver["paid_by"].is_u64(), "{name}: nobody waits for ever: {leaver}");
        let (paid, asked) = (number(&leaver["price"]), number(&leaver["price_when_asked"]));
        assert!(paid <= asked * (1.0 + STILL), "{name}: nobody gains by leaving: {leaver}");
        assert!(paid >= asked * 0.99, "{name}: leaving costs a hundredth at most: {leaver}");
    }
    let early = number(&vault["leavers"][0]["price"]);
    // Where the price itself was a gain, as of ether in a range, all have it.
    let most = number(&price["before"]).max(number(&price["after"]));
    assert!(early <= most * (1.0 + 1e-4), "{name}: nobody is better off by leaving first");
    assert!(
        number(&vault["stayer"]["price_at_end"]) >= number(&price["end"]) * (1.0 - STILL),
        "{name}: the late leaver took nothing from who stayed"
    );
    let halts = vault["engine"]["halts"].as_array().unwrap();
    assert!(
        halts.len() <= 12,
        "{name}: the engine does not try the same again and again: {halts:?}"
    );
    assert_eq!(vault["engine"]["trips"].as_array().unwrap().len(), 0, "{name}: {vault}");
    let freed = &vault["freed"];
    assert_eq!(freed["shares_left"], "0", "{name}: {freed}");
    assert!(!freed["got"].as_array().unwrap().is_empty(), "{name}: {freed}");
    // Gains of the last day are not unlocked yet; they stay behind when the last share leaves.
    let (left, locked) = (whole(&freed["left_behind"]), whole(&freed["locked"]));
    let there = whole(&freed["there"]);
    assert!(left <= locked + there * 1e-7, "{name}: everything else is out: {freed}");
}

#[test]
fn a_slashing_is_borne_once_by_all_and_the_queue_brings_the_rest_home() {
    let told = played("slashing");
    let weth = vault(&told, "WETH");
    // A twentieth of what is in staked ether; a stable pool that has not noticed is counted at the worst token.
    let exposed = held(weth, "staked-eth") + held(weth, "balancer-stable");
    assert!(exposed > 0.2, "something was struck: {exposed}");
    assert!(lost(weth) > 0.0 && lost(weth) <= 0.0501 * exposed, "{} of {exposed}", lost(weth));
    let impaired = sum(&weth["event"], "staked-eth", "impairment");
    let nav = whole(&weth["nav"]["before"]);
    assert!((impaired / nav / held(weth, "staked-eth") + 0.05).abs() < 1e-4, "{impaired}");
    assert!(weth["engine"]["first_move_after"].as_u64().unwrap() <= 6, "{}", weth["engine"]);
}

#[test]
fn staked_ether_at_093_is_redeemed_at_par_by_the_queue() {
    let told = played("depeg");
    let weth = vault(&told, "WETH");
    let exposed = held(weth, "staked-eth") + held(weth, "balancer-stable");
    assert!(lost(weth) > 0.0 && lost(weth) <= 0.0701 * exposed, "{} of {exposed}", lost(weth));
    assert!(weth["engine"]["first_move_after"].as_u64().unwrap() <= 6, "{}", weth["engine"]);
    let back = sum(&weth["later"], "staked-eth", "total");
    let struck = -sum(&weth["event"], "staked-eth", "total");
    assert!(back > 0.9 * struck, "who stayed got {back} back of {struck}");
    let (early, stayer) = (number(&weth["leavers"][0]["price"]), &weth["stayer"]["price_at_end"]);
    assert!(number(stayer) > early, "the discount is borne by who leaves while it lasts");
}

#[test]
#[ignore = "long: the other events; `make deep` runs them"]
fn a_campaign_that_ends_costs_nothing_and_what_it_owed_is_collected() {
    let told = played("campaign-end");
    let usdc = vault(&told, "USDC");
    assert!(held(usdc, "uniswap-v2") > 0.05);
    assert!(sum(&usdc["later"], "uniswap-v2", "rewards") > 0.0, "{usdc}");
    assert!(usdc["stuck"]["blocks"] == 0, "{}", usdc["stuck"]);
}

#[test]
#[ignore = "long: the other events; `make deep` runs them"]
fn a_queue_of_ten_days_costs_nothing() {
    let told = played("queue");
    let weth = vault(&told, "WETH");
    assert!(held(weth, "staked-eth") > 0.1);
    assert!(lost(weth).abs() < 1e-4 && number(&weth["stayer"]["against_before_pct"]) > -0.01);
}

#[test]
#[ignore = "long: the other events; `make deep` runs them"]
fn a_reward_that_takes_a_fee_is_never_sold_below_the_bound() {
    let told = played("reward-fee");
    let usdc = vault(&told, "USDC");
    assert!(held(usdc, "uniswap-v2") > 0.05);
    assert!(lost(usdc).abs() < 0.005, "nothing was lost at once: {}", lost(usdc));
    assert!(usdc["stuck"]["blocks"] == 0, "rewards hold nothing else up: {}", usdc["stuck"]);
}

#[test]
#[ignore = "long: the other events; `make deep` runs them"]
fn a_worthless_reward_costs_nothing_that_was_counted() {
    let told = played("worthless-reward");
    let usdc = vault(&told, "USDC");
    assert!(held(usdc, "uniswap-v2") > 0.05);
    assert!(lost(usdc).abs() < 0.005, "{}", lost(usdc));
    assert!(sum(&usdc["later"], "uniswap-v2", "rewards").abs() < 1e-9, "{usdc}");
}

#[test]
#[ignore = "long: the other events; `make deep` runs them"]
fn a_drained_pool_moves_no_value_and_is_stuck_until_somebody_trades_back() {
    let told = played("drain");
    for (name, protocol) in [("USDC", "uniswap-v2"), ("WETH", "balancer-stable")] {
        let vault = vault(&told, name);
        assert!(held(vault, protocol) > 0.05, "{name}");
        assert!(lost(vault) < 0.002, "{name}: {}", lost(vault));
        let blocks = vault["stuck"]["blocks"].as_u64().unwrap();
        assert!((1..=24).contains(&blocks), "{name}: {}", vault["stuck"]);
    }
}

#[test]
#[ignore = "long: the other events; `make deep` runs them"]
fn a_price_that_leaves_the_range_and_comes_back_costs_what_laying_it_anew_did() {
    let told = played("swing");
    let usdc = vault(&told, "USDC");
    assert!(held(usdc, "uniswap-v3") > 0.005);
    assert!(lost(usdc) < 0.05, "{}", lost(usdc));
}
