//! What only stable pools have: a rate that fees and other tokens' rates raise, tokens that leave par, a rate that the pool has
//! not noticed, an amplification on its way, a pool that is drained, paused, or recovers.

use crate::bench::{came_true, is_true};
use crate::on_stables::{OnStables, market, oracles};
use crate::pairs_stage::{IPooledMarket, post_to};
use crate::ranges_stage::HEARTBEAT;
use crate::stables_stage::{IPoolAdmin, StablePlace, Stables};
use crate::stage::{EMPTY, PLACES, Stage, units};
use crate::subject::{Subject, Wanted};
use alloy::primitives::{Address, U256};
use plimsoll_adapters::live::{BalancerStable, BalancerStableSettings, StableMarket};
use plimsoll_core::MarketKind;
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_core::units::Amount;
use plimsoll_execute::protocol::{Protocol, Reading};
use plimsoll_execute::{AdapterError, live::Words};
use plimsoll_frame::{Column, PoolShape};
use plimsoll_localchain::CHAIN_ID;
use plimsoll_localchain::abi::{IPriceFeed, IStablePool};

async fn opened() -> Option<Stage> {
    let mut stage = Stage::open(Line::V3_0).await?;
    Stables::open(&mut stage).await;
    Some(stage)
}

fn stables(stage: &Stage) -> &Stables {
    stage.stables.as_ref().unwrap()
}

fn spot(stage: &Stage, place: usize) -> &StablePlace {
    &stables(stage).places[place]
}

pub(crate) async fn read(stage: &Stage) -> Vec<Reading> {
    let at = stage.at().await;
    let read = OnStables.adapter(stage, None).read(&stage.nodes, &at).await.unwrap();
    assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
    read.readings
}

async fn enter(stage: &Stage, place: usize, dollars: u64) {
    let at = spot(stage, place);
    let time = stage.chain.head().await.unwrap().time + 12;
    let act = (true, at.dollars(None, dollars));
    assert!(stage.act(at.contract, at.asset, act, time).await, "entered {place}");
}

async fn all_are_true(stage: &Stage) -> Vec<Reading> {
    let readings = read(stage).await;
    for (place, reading) in readings.iter().enumerate() {
        let truth = OnStables.truth(stage, place).await;
        is_true(reading, &truth).unwrap_or_else(|why| panic!("place {place}: {why}"));
    }
    readings
}

/// What is predicted of an act happens, or is refused by both; whether it happened.
async fn agrees(stage: &Stage, place: usize, (is_entry, amount): (bool, U256)) -> bool {
    let now = read(stage).await.remove(place);
    let time = now.at.timestamp + 12;
    let foreseen = now.model.after(is_entry, Amount(amount), time);
    let at = spot(stage, place);
    let done = stage.act(at.contract, at.asset, (is_entry, amount), time).await;
    match (foreseen, done) {
        (Ok(foreseen), true) => {
            let truth = OnStables.truth(stage, place).await;
            came_true(&foreseen, &truth).unwrap_or_else(|why| panic!("place {place}: {why}"));
            true
        }
        (Err(_), false) => false,
        (foreseen, done) => panic!("place {place}: predicted {foreseen:?}, done {done}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_of_swaps_and_rates_of_tokens_raise_the_index() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 2, 1_000_000).await;
    let before = all_are_true(&stage).await.remove(2);
    assert!((before.share_price.to_f64() - 1.0).abs() < 1e-4, "{:?}", before.share_price);
    let (at, asset) = (spot(&stage, 2), stage.token(spot(&stage, 2).asset));
    for _ in 0..4 {
        let ends = (asset, at.others[0].token);
        stables(&stage).swap(&stage, 2, ends, at.dollars(None, 50_000_000)).await;
        let back = at.dollars(Some(0), 50_000_000) * U256::from(10) / U256::from(12);
        stables(&stage).swap(&stage, 2, (ends.1, ends.0), back).await;
    }
    let traded = all_are_true(&stage).await.remove(2);
    let grown = traded.share_price.to_f64() / before.share_price.to_f64() - 1.0;
    // 400 million dollars of swaps at 0.04 % in a pool of 4.4 billion, half of it the protocol's.
    let expected = 400e6 * 0.000_4 / 4.4e9 / 2.0;
    assert!((grown / expected - 1.0).abs() < 0.03, "{grown}, expected {expected}");
    assert_eq!(traded.beyond.facts.fees_due, Amount::ZERO, "fees are in the index");
    // A rate grows by a thousandth; a visit has the pool read it, a fifth of the yield is the protocol's.
    at.rate_moves(&stage, 0, 1_000).await;
    let unnoticed = all_are_true(&stage).await.remove(2);
    assert_eq!(unnoticed.share_price, traded.share_price);
    assert!(unnoticed.supplied > traded.supplied, "what lies there is worth more already");
    assert!(agrees(&stage, 2, (true, at.dollars(None, 1_000))).await);
    let noticed = all_are_true(&stage).await.remove(2);
    let grown = noticed.share_price.to_f64() / traded.share_price.to_f64() - 1.0;
    let part = 2.4 / 4.4;
    assert!((grown / (0.001 * part * 0.8) - 1.0).abs() < 0.05, "{grown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terms_say_what_the_low_value_loses_by_an_entry() {
    let Some(stage) = opened().await else { return };
    for place in 0..PLACES {
        let reading = read(&stage).await.remove(place);
        assert_eq!((reading.terms.kind, reading.beyond.words), (MarketKind::Lp, Words::Plain));
        let pool = reading.terms.pool.unwrap();
        assert_eq!((pool.shape, pool.is_foreign), (PoolShape::Stable, false));
        let moving = reading.terms.moving.unwrap();
        // A thousandth of the pool, which is what the terms are of, and a little.
        for amount in
            [reading.supplied.0 / U256::from(1_000), units(100, spot(&stage, place).asset)]
        {
            let time = reading.at.timestamp;
            let foreseen = reading.model.after(true, Amount(amount), time).unwrap().held.worth;
            let places = reading.decimals;
            let cost = 1.0 - foreseen.to_f64(places) / Amount(amount).to_f64(places);
            // The worst token's price is ten basis points below par; the rest is the fee on what is swapped.
            assert!((cost - moving.entry).abs() < 1e-5, "place {place}: {cost} {}", moving.entry);
        }
        let fee = pool.fee;
        assert!(moving.entry > 0.001 - fee && moving.entry < 0.001 + fee, "{}", moving.entry);
        assert!(moving.exit < moving.entry);
        let row = reading.observation(Some(1.0)).row;
        assert!((row.get(Column::PairPrice).unwrap() - 1.0).abs() < 1e-6);
        assert!(row.get(Column::DepthUsd).unwrap() > 0.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_leaves_par_is_in_the_low_value_at_once() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000_000).await;
    let before = all_are_true(&stage).await.remove(0);
    for (feed, price) in [(0, 930_000), (1, 980_000)] {
        post_to(&stage, spot(&stage, 0).others[feed].feed, price).await;
    }
    let after = all_are_true(&stage).await.remove(0);
    let lost = 1.0 - after.held.worth.to_f64(6) / before.held.worth.to_f64(6);
    assert!((lost - 0.07).abs() < 1e-4, "all of it could be the worst token: {lost}");
    assert!((after.beyond.pair.unwrap().price - 0.93).abs() < 1e-6);
    assert_eq!(after.share_price, before.share_price, "the pool itself lost nothing");
    assert!(after.terms.moving.unwrap().entry > 0.07);
    // The pool still pays at par: what leaves does so within the bounds, and what enters is held to the best price.
    assert!(agrees(&stage, 0, (false, units(1_000, spot(&stage, 0).asset))).await);
    assert!(agrees(&stage, 0, (true, units(1_000, spot(&stage, 0).asset))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_that_falls_is_a_loss_before_the_pool_has_noticed() {
    let Some(stage) = opened().await else { return };
    // This pool keeps its rate for some hours.
    enter(&stage, 1, 1_000_000).await;
    let at = spot(&stage, 1);
    let before = all_are_true(&stage).await.remove(1);
    at.rate_moves(&stage, 0, -50_000).await;
    let slashed = all_are_true(&stage).await.remove(1);
    assert_eq!(slashed.share_price, before.share_price, "by its books nothing has happened");
    let lost = 1.0 - slashed.held.worth.to_f64(8) / before.held.worth.to_f64(8);
    assert!((lost - 0.05).abs() < 1e-4, "{lost}");
    // An exit before and one after the pool reads the rate anew.
    assert!(agrees(&stage, 1, (false, at.dollars(None, 10_000))).await);
    let later = stage.chain.head().await.unwrap().time + 30_000;
    stage.chain.mine_at(later).await.unwrap();
    all_are_true(&stage).await;
    assert!(agrees(&stage, 1, (false, at.dollars(None, 10_000))).await);
    let noticed = all_are_true(&stage).await.remove(1);
    let fallen = 1.0 - noticed.share_price.to_f64() / before.share_price.to_f64();
    assert!(fallen > 0.02 && fallen < 0.03, "about half of the pool lost 5 %: {fallen}");
    // By now the worst token is at par again.
    assert!(noticed.held.worth > slashed.held.worth);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_gets_old_is_foreseen_and_closes_the_market() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000_000).await;
    let before = all_are_true(&stage).await.remove(0);
    let asset = stage.deployed.token(spot(&stage, 0).asset).unwrap().feed;
    let others = spot(&stage, 0).others.iter().map(|other| other.feed);
    let feeds: Vec<Address> = others.chain([asset]).collect();
    let mut oldest = u64::MAX;
    for feed in &feeds {
        let round = stage.asks(*feed, &IPriceFeed::latestRoundDataCall {}).await;
        oldest = oldest.min(round.updatedAt.to::<u64>() + u64::from(HEARTBEAT));
    }
    let of = |time| before.model.after(true, Amount::ZERO, time).unwrap();
    assert!(!of(oldest).held.available.is_zero() && of(oldest + 1).held.available.is_zero());
    for time in [oldest, oldest + 1] {
        stage.chain.mine_at(time).await.unwrap();
        came_true(&of(time), &OnStables.truth(&stage, 0).await).unwrap();
    }
    let after = all_are_true(&stage).await.remove(0);
    assert!(after.switches.is_frozen && after.held.available.is_zero());
    assert!(after.held.worth < before.held.worth, "the band of a stale price comes off");
    for is_entry in [true, false] {
        assert!(!agrees(&stage, 0, (is_entry, units(500, spot(&stage, 0).asset))).await);
    }
    for feed in feeds {
        post_to(&stage, feed, 1_000_000).await;
    }
    assert!(!all_are_true(&stage).await[0].switches.is_frozen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_drained_of_the_asset_lets_little_out_and_is_worth_no_less() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 50_000_000).await;
    let before = all_are_true(&stage).await.remove(0);
    let (at, asset) = (spot(&stage, 0), stage.token(spot(&stage, 0).asset));
    for other in 0..2 {
        let amount = at.dollars(Some(other), 1_040_000_000);
        let amount = if other == 1 { amount * U256::from(10) / U256::from(11) } else { amount };
        stables(&stage).swap(&stage, 0, (at.others[other].token, asset), amount).await;
    }
    let after = all_are_true(&stage).await.remove(0);
    assert!(after.exit.0 * U256::from(40) < before.exit.0, "{:?}", after.exit);
    assert!(after.held.worth >= before.held.worth, "fees on top");
    assert!(after.held.available.0 * U256::from(2) < before.held.available.0);
    let (all, some) = (after.held.worth.0, after.held.available.0);
    assert!(!agrees(&stage, 0, (false, all)).await, "not all of it can leave");
    if !some.is_zero() {
        assert!(agrees(&stage, 0, (false, some)).await, "what is available can");
    }
    // Who brings the asset is given more than its worth.
    assert!(agrees(&stage, 0, (true, units(500_000, at.asset))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amplification_on_its_way_is_read_and_not_foreseen() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000_000).await;
    let ends = stage.chain.head().await.unwrap().time + 10 * 86_400;
    let (to, end) = (U256::from(900), U256::from(ends));
    let call = IPoolAdmin::startAmplificationParameterUpdateCall { rawEndValue: to, endTime: end };
    stage.does(stage.account(1), spot(&stage, 0).pool.address, &call).await;
    // Out of balance, so that the amplification counts.
    let at = spot(&stage, 0);
    let ends_of = (at.others[0].token, stage.token(at.asset));
    let amount = at.dollars(Some(0), 900_000_000);
    stables(&stage).swap(&stage, 0, ends_of, amount).await;
    let first = all_are_true(&stage).await.remove(0);
    let one = Amount(units(1_000, at.asset));
    assert!(first.model.after(true, one, first.at.timestamp).is_ok(), "in this very block it is");
    let refused = first.model.after(true, one, first.at.timestamp + 12).unwrap_err();
    assert!(refused.to_string().contains("on its way"), "{refused}");
    stage.chain.mine_at(ends - 86_400).await.unwrap();
    let later = all_are_true(&stage).await.remove(0);
    assert!(later.share_price > first.share_price, "the same balances are a greater invariant");
    stage.chain.mine_at(ends + 1).await.unwrap();
    all_are_true(&stage).await;
    assert!(agrees(&stage, 0, (true, one.0)).await && agrees(&stage, 0, (false, one.0)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_shown_and_ends_and_a_pool_that_recovers_is_left_out() {
    let Some(stage) = opened().await else { return };
    enter(&stage, 0, 1_000_000).await;
    let before = all_are_true(&stage).await.remove(0);
    OnStables.set(&stage, 0, Wanted::Paused).await.unwrap();
    let paused = all_are_true(&stage).await.remove(0);
    assert!(paused.switches.is_paused && paused.held.available.is_zero());
    assert_eq!(paused.held.worth, before.held.worth, "it takes the liquidity, not the value");
    stables(&stage).administer(&stage, 0, &IPoolAdmin::unpauseCall {}).await;
    assert!(!all_are_true(&stage).await[0].switches.is_paused);
    stables(&stage).administer(&stage, 0, &IPoolAdmin::enableRecoveryModeCall {}).await;
    let adapter = OnStables.adapter(&stage, None);
    let read = adapter.read(&stage.nodes, &stage.at().await).await.unwrap();
    assert_eq!(read.readings.len(), PLACES - 1);
    let (market, why) = &read.unreadable[0];
    assert_eq!(*market, before.market);
    assert!(matches!(why, AdapterError::NotCovered { .. }) && why.to_string().contains("recovery"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_leave_leaves_and_the_band_stays() {
    let Some(stage) = opened().await else { return };
    for place in 0..EMPTY {
        enter(&stage, place, 500_000).await;
        let before = read(&stage).await.remove(place).held;
        assert_eq!(before.available, before.worth, "all of the low value can leave");
        assert!(agrees(&stage, place, (false, before.available.0)).await);
        let left = OnStables.truth(&stage, place).await.held.worth;
        assert!(left.0 * U256::from(500) < before.worth.0, "place {place}: {left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_sends_to_the_vault_is_not_in_the_pool() {
    let Some(stage) = opened().await else { return };
    for place in 0..EMPTY {
        enter(&stage, place, 100_000).await;
    }
    let before = all_are_true(&stage).await;
    for (place, then) in before.iter().enumerate().take(EMPTY) {
        OnStables.set(&stage, place, Wanted::Donated).await.unwrap();
        let after = all_are_true(&stage).await.remove(place);
        assert_eq!((after.held, after.supplied, after.exit), (then.held, then.supplied, then.exit));
        let amount = spot(&stage, place).dollars(None, 777);
        assert!(agrees(&stage, place, (true, amount)).await);
    }
    let kept = stage.asks(spot(&stage, 0).contract, &IPooledMarket::heldCall {}).await;
    assert!(kept.is_zero());
}

async fn refused(stage: &Stage, market: StableMarket) -> AdapterError {
    let settings = BalancerStableSettings { chain: CHAIN_ID, markets: vec![market] };
    let adapter = BalancerStable::new(settings);
    adapter.check(&stage.nodes, &stage.at().await).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn oracles_that_are_not_the_contracts_are_refused_at_the_start() {
    let Some(stage) = opened().await else { return };
    let mut swapped = market(&stage, 0);
    swapped.oracles = oracles(&stage, 0);
    let settings = |market| BalancerStableSettings { chain: CHAIN_ID, markets: vec![market] };
    let right = BalancerStable::new(settings(swapped.clone()));
    right.check(&stage.nodes, &stage.at().await).await.unwrap();
    let (one, other) = (swapped.oracles[0].oracle, swapped.oracles[1].oracle);
    (swapped.oracles[0].oracle, swapped.oracles[1].oracle) = (other, one);
    let error = refused(&stage, swapped).await;
    assert!(matches!(error, AdapterError::Mismatch { field: "tokenOracles", .. }), "{error}");
    // Without a contract they have to be named.
    let mut missing = market(&stage, 0);
    (missing.contract, missing.oracles) = (None, oracles(&stage, 0));
    let token = missing.oracles.remove(0).token;
    let error = refused(&stage, missing).await.to_string();
    assert!(error.contains(&token.to_string()) && error.contains("needs an oracle"), "{error}");
    let mut elsewhere = market(&stage, 0);
    elsewhere.pool = spot(&stage, 1).pool.address;
    let error = refused(&stage, elsewhere).await;
    assert!(matches!(error, AdapterError::Mismatch { field: "pool", .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_is_named_by_its_contract_and_keeps_that_name() {
    let Some(stage) = opened().await else { return };
    let names = OnStables.adapter(&stage, None).markets();
    let (mut by_contract, pool) = (market(&stage, 0), spot(&stage, 0).pool.address);
    let asset = stage.token(spot(&stage, 0).asset);
    let by_asset = StableMarket::new(pool, asset, None);
    let expected = format!("balancer-stable:31337:{pool}:{asset}").to_lowercase();
    assert_eq!(by_asset.id(CHAIN_ID).as_str(), expected);
    by_contract.forget_contract();
    assert_eq!((by_contract.id(CHAIN_ID), by_contract.contract), (names[0].clone(), None));
    let rate = stage.asks(pool, &IStablePool::getRateCall {}).await;
    assert_eq!(read(&stage).await[0].share_price.0, rate * U256::from(1_000_000_000));
}
