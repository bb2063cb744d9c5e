//! Stable pools against the bytecode over random states: swaps, people who join, rates that move and are noticed or not, prices
//! that leave par, our entries and exits, leaps in time.

use crate::on_stables::OnStables;
use crate::pairs_stage::{IPooledMarket, post_to, told};
use crate::random_states::{Count, Step, all_are_true, comes_true, later};
use crate::stables::read;
use crate::stables_stage::Stables;
use crate::stage::{PLACES, Stage};
use alloy::primitives::U256;
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_localchain::abi::IStablePool;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

async fn equals(states: usize, seed: u64) {
    let Some(mut stage) = Stage::open(Line::V3_0).await else { return };
    Stables::open(&mut stage).await;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut count = Count::default();
    while count.states < states {
        let snapshot = stage.chain.snapshot().await.unwrap();
        for _ in 0..20.min(states - count.states) {
            people(&stage, &mut rng).await;
            state(&stage, &mut rng, &mut count).await;
        }
        stage.chain.revert(snapshot).await.unwrap();
    }
    println!("balancer-stable: {count:?}, seed {seed}");
    assert!(count.is_enough(), "too little was tried");
}

/// Somebody swaps or joins; rates and prices move.
async fn people(stage: &Stage, rng: &mut ChaCha8Rng) {
    let stables = stage.stables.as_ref().unwrap();
    let place = rng.random_range(0..PLACES);
    let spot = &stables.places[place];
    let asset = stage.token(spot.asset);
    let other = rng.random_range(0..spot.others.len());
    let most = if rng.random_bool(0.1) { 1_000_000_000 } else { 30_000_000 };
    let dollars = rng.random_range(1..most);
    let odd = U256::from(rng.random_range(0..99u64));
    match rng.random_range(0..10) {
        0..3 => {
            let ends = (asset, spot.others[other].token);
            stables.swap(stage, place, ends, spot.dollars(None, dollars) + odd).await;
        }
        3..6 => {
            let ends = (spot.others[other].token, asset);
            stables.swap(stage, place, ends, spot.dollars(Some(other), dollars) + odd).await;
        }
        6 => spot.join(stage, asset, spot.dollars(None, dollars) + odd).await,
        7 => {
            let token = spot.others[other].token;
            spot.join(stage, token, spot.dollars(Some(other), dollars) + odd).await;
        }
        8 => told(stage, spot.contract, &IPooledMarket::noteCall {}).await.unwrap(),
        _ => {}
    }
    let rated = &spot.others[other];
    if !rated.provider.is_zero() && rng.random_bool(0.5) {
        let by = if rng.random_bool(0.05) { -30_000 } else { rng.random_range(-300..3_000) };
        spot.rate_moves(stage, other, by).await;
        if rng.random_bool(0.3) {
            let call = IStablePool::updateTokenRateCacheCall { token: rated.token };
            stage.does(stage.account(3), spot.pool.address, &call).await;
        }
    }
    if rng.random_bool(0.3) {
        let price = u64::from(spot.asset.first_price_usd()) * 1_000_000;
        let low = if rng.random_bool(0.1) { 900_000 } else { 997_000 };
        let price = price / 1_000_000 * rng.random_range(low..1_003_000);
        post_to(stage, rated.feed, price).await;
    }
}

async fn state(stage: &Stage, rng: &mut ChaCha8Rng, count: &mut Count) {
    let readings = read(stage).await;
    all_are_true(stage, &OnStables, &readings, count).await;
    let place = rng.random_range(0..PLACES);
    let (spot, reading) = (&stage.stables.as_ref().unwrap().places[place], &readings[place]);
    let time = later(reading, rng);
    let is_entry = rng.random_bool(0.5);
    let whole = spot.dollars(None, 50_000_000);
    let free = reading.held.available.0;
    let part = U256::from(rng.random_range(1u64..1_000_000));
    let amount = match (rng.random_range(0..8), is_entry) {
        (0, _) => U256::ZERO,
        (1, _) => U256::from(rng.random_range(1u64..20)),
        (2, false) => free,
        (3, false) => reading.held.worth.0 + U256::from(rng.random_range(0u64..3)),
        (4, true) => whole * part / U256::from(20_000),
        (5, false) => {
            reading.held.worth.0 * U256::from(rng.random_range(990u64..1_020)) / U256::from(1_000)
        }
        (_, true) => whole * part / U256::from(1_000_000),
        (_, false) => free * part / U256::from(1_000_000),
    };
    let step = Step { is_entry, amount, time };
    let market = (place, reading);
    comes_true((stage, &OnStables), market, (spot.contract, spot.asset), step, count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stable_pools_equal_the_bytecode() {
    equals(60, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `make deep`"]
async fn stable_pools_equal_the_bytecode_in_a_thousand_states() {
    equals(1_000, 11).await;
}
