//! Pairs against the bytecode over random states: trades, prices that move in pair and oracle or in one of them, people who
//! stake, gifts, the protocol's fee, our entries, exits, harvests and staking, leaps in time.

use crate::on_pairs::{OnPairs, protocol_takes};
use crate::pairs::read;
use crate::pairs_stage::{IPooledMarket, Pairs, told};
use crate::random_states::{Count, Step, all_are_true, comes_true, later};
use crate::ranges_stage::post;
use crate::stage::{EMPTY, Stage, units};
use crate::subject::{Subject, Wanted};
use alloy::primitives::{Bytes, U256};
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_localchain::Asset;
use plimsoll_localchain::abi::IUniswapV2Pair;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

async fn equals(states: usize, seed: u64) {
    let Some(mut stage) = Stage::open(Line::V3_0).await else { return };
    Pairs::open(&mut stage).await;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut count = Count::default();
    while count.states < states {
        let snapshot = stage.chain.snapshot().await.unwrap();
        if rng.random_bool(0.5) {
            protocol_takes(&stage).await;
        }
        for _ in 0..20.min(states - count.states) {
            people(&stage, &mut rng).await;
            state(&stage, &mut rng, &mut count).await;
        }
        stage.chain.revert(snapshot).await.unwrap();
    }
    println!("uniswap-v2: {count:?}, seed {seed}");
    assert!(count.is_enough(), "too little was tried");
}

/// Somebody trades, stakes or gives; now and then the oracle follows, or goes its own way.
async fn people(stage: &Stage, rng: &mut ChaCha8Rng) {
    let pairs = stage.pairs.as_ref().unwrap();
    for _ in 0..rng.random_range(0..3) {
        let (place, sells_asset) = (rng.random_range(0..EMPTY), rng.random_bool(0.5));
        let spot = &pairs.places[place];
        let sold = if sells_asset { spot.asset } else { spot.other };
        let most = if rng.random_bool(0.1) { 3_000_000_000u64 } else { 60_000_000 };
        let amount = units(rng.random_range(1..most), sold) / U256::from(sold.first_price_usd());
        let odd = U256::from(rng.random_range(1..99u64));
        pairs.trade(stage, place, sells_asset, amount + odd).await;
    }
    if rng.random_bool(0.3) {
        let around = if rng.random_bool(0.1) { 300_000_000 } else { 10_000_000 };
        let price = 2_500_000_000 - around + rng.random_range(0..2 * around);
        post(stage, Asset::Weth, price).await;
    }
    if rng.random_bool(0.1) {
        post(stage, Asset::Usdc, rng.random_range(990_000..1_010_000)).await;
    }
    let place = rng.random_range(0..2);
    let spot = &pairs.places[place];
    match rng.random_range(0..12) {
        0 => {
            let token = [Asset::Dai, Asset::Wbtc][place];
            pairs.campaign(stage, place, units(rng.random_range(1..1_000), token)).await;
        }
        1 => pairs.others_stake(stage, place, rng.random_range(2..50)).await,
        2 => OnPairs.set(stage, place, Wanted::Donated).await.unwrap(),
        3 => {
            let giver = stage.account(1);
            let amount = stage.balance(giver, spot.pair).await / U256::from(100_000_000u64);
            let call = IUniswapV2Pair::transferCall { to: spot.pair, amount };
            stage.does(giver, spot.pair, &call).await;
        }
        4 => {
            let call = IPooledMarket::harvestCall { data: Bytes::new() };
            // A sale that the oracle's bound refuses is no harvest.
            let _ = told(stage, spot.contract, &call).await;
        }
        5 => {
            let shares = stage.asks(spot.contract, &IPooledMarket::sharesCall {}).await;
            let part = shares * U256::from(rng.random_range(0..3u64)) / U256::from(2);
            let call = IPooledMarket::arrangeCall { data: part.to_be_bytes::<32>().into() };
            told(stage, spot.contract, &call).await.unwrap();
        }
        _ => {}
    }
}

async fn state(stage: &Stage, rng: &mut ChaCha8Rng, count: &mut Count) {
    let readings = read(stage).await;
    all_are_true(stage, &OnPairs, &readings, count).await;
    let place = rng.random_range(0..EMPTY);
    let (spot, reading) = (&stage.pairs.as_ref().unwrap().places[place], &readings[place]);
    let time = later(reading, rng);
    let is_entry = rng.random_bool(0.5);
    let whole = units(200_000_000, spot.asset) / U256::from(spot.asset.first_price_usd());
    let free = reading.held.available.0;
    let part = U256::from(rng.random_range(1u64..1_000_000));
    let amount = match (rng.random_range(0..8), is_entry) {
        (0, _) => U256::ZERO,
        (1, _) => U256::from(rng.random_range(1u64..20)),
        (2, false) => free,
        (3, false) => reading.held.worth.0 + U256::from(rng.random_range(0u64..3)),
        (4, true) => whole * part / U256::from(10_000),
        (_, true) => whole * part / U256::from(1_000_000),
        (_, false) => free * part / U256::from(1_000_000),
    };
    let step = Step { is_entry, amount, time };
    let market = (place, reading);
    comes_true((stage, &OnPairs), market, (spot.contract, spot.asset), step, count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_equal_the_bytecode() {
    equals(60, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `make deep`"]
async fn pairs_equal_the_bytecode_in_a_thousand_states() {
    equals(1_000, 11).await;
}
