//! Ranges against the bytecode over random states: trades, prices that move in pool and oracle or in one of them, our entries,
//! exits, harvests and other ranges, leaps in time.

use crate::bench::came_true;
use crate::on_ranges::OnRanges;
use crate::random_states::{Count, Step, all_are_true, comes_true, later};
use crate::ranges::read;
use crate::ranges_stage::{IRangeMarket, Ranges, post};
use crate::stage::{EMPTY, Stage, units};
use crate::subject::Subject;
use alloy::primitives::U256;
use alloy::sol_types::SolValue;
use plimsoll_core::UpkeepKind;
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_localchain::Asset;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

async fn equals(states: usize, seed: u64) {
    let Some(mut stage) = Stage::open(Line::V3_0).await else { return };
    Ranges::open(&mut stage).await;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut count, mut laid) = (Count::default(), 0);
    while count.states < states {
        let snapshot = stage.chain.snapshot().await.unwrap();
        for _ in 0..20.min(states - count.states) {
            people(&stage, &mut rng).await;
            state(&stage, &mut rng, (&mut count, &mut laid)).await;
        }
        stage.chain.revert(snapshot).await.unwrap();
    }
    println!("uniswap-v3: {count:?}, {laid} laid anew, seed {seed}");
    assert!(count.is_enough(), "too little was tried");
    assert!(laid > states / 20, "too few ranges were laid anew");
}

/// Somebody trades; now and then the oracle follows, or goes its own way.
async fn people(stage: &Stage, rng: &mut ChaCha8Rng) {
    let ranges = stage.ranges.as_ref().unwrap();
    for _ in 0..rng.random_range(0..3) {
        let (place, sells_asset) = (rng.random_range(0..EMPTY), rng.random_bool(0.5));
        let spot = &ranges.places[place];
        let sold = if sells_asset { spot.asset } else { spot.other };
        let most = if rng.random_bool(0.1) { 3_000_000_000u64 } else { 30_000_000 };
        let amount = units(rng.random_range(1..most), sold) / U256::from(sold.first_price_usd());
        ranges
            .trade(stage, place, sells_asset, amount + U256::from(rng.random_range(1..99u64)))
            .await;
    }
    if rng.random_bool(0.3) {
        let around = if rng.random_bool(0.1) { 300_000_000 } else { 5_000_000 };
        let price = 2_500_000_000 - around + rng.random_range(0..2 * around);
        post(stage, Asset::Weth, price).await;
    }
    if rng.random_bool(0.1) {
        let place = rng.random_range(0..EMPTY);
        let call = IRangeMarket::harvestCall { data: alloy::primitives::Bytes::new() };
        // A sale that the oracle's bound refuses is no harvest.
        let _ = ranges.places[place].told(stage, &call).await;
    }
}

async fn state(stage: &Stage, rng: &mut ChaCha8Rng, (count, laid): (&mut Count, &mut usize)) {
    let readings = read(stage).await;
    all_are_true(stage, &OnRanges, &readings, count).await;
    let place = rng.random_range(0..EMPTY);
    let (spot, reading) = (&stage.ranges.as_ref().unwrap().places[place], &readings[place]);
    if rng.random_bool(0.15) {
        let half_width = rng.random_range(10_000..600_000u32);
        let (_, data) = reading.beyond.words.leg(UpkeepKind::Range { half_width }).unwrap();
        let (_, lower, upper) = <(U256, i32, i32)>::abi_decode_params(&data).unwrap();
        let time = reading.at.timestamp + 12;
        let foreseen = reading.model.laid((lower, upper), None, time).unwrap();
        let done = spot.told_at(stage, &IRangeMarket::arrangeCall { data }, time).await;
        let what = format!("{} laid from {lower} to {upper}", reading.market);
        match (foreseen, done) {
            (Ok(foreseen), true) => {
                let truth = OnRanges.truth(stage, place).await;
                came_true(&foreseen, &truth).unwrap_or_else(|why| panic!("{what}: {why}"));
                *laid += 1;
            }
            (Err(_), false) => count.refused += 1,
            (foreseen, done) => panic!("{what}: predicted {foreseen:?}, done {done}"),
        }
        return;
    }
    let time = later(reading, rng);
    let is_entry = rng.random_bool(0.5);
    let whole = units(20_000_000, spot.asset) / U256::from(spot.asset.first_price_usd());
    let free = reading.held.available.0;
    let part = U256::from(rng.random_range(1u64..1_000_000));
    let amount = match (rng.random_range(0..8), is_entry) {
        (0, _) => U256::ZERO,
        (1, _) => U256::from(rng.random_range(1u64..20)),
        (2, false) => free,
        (3, false) => reading.held.worth.0 + U256::from(rng.random_range(0u64..3)),
        (4, true) => whole * part / U256::from(1_000),
        (_, true) => whole * part / U256::from(1_000_000),
        (_, false) => free * part / U256::from(1_000_000),
    };
    let step = Step { is_entry, amount, time };
    let market = (place, reading);
    comes_true((stage, &OnRanges), market, (spot.contract, spot.asset), step, count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_equal_the_bytecode() {
    equals(60, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `make deep`"]
async fn ranges_equal_the_bytecode_in_a_thousand_states() {
    equals(1_000, 11).await;
}
