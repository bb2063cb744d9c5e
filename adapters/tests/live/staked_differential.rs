//! Staked ETH against the bytecode over random states: reports of gains and losses, trades, prices, requests that are paid late,
//! claims, parts given in kind, our entries and exits, leaps in time.

use crate::bench::Bench;
use crate::on_staked::OnStaked;
use crate::stage::{EMPTY, Stage};
use crate::staked::all_are_true;
use crate::staked_stage::{IStakedMarket, StakedWorld, ether, lido_earns, lido_loses};
use crate::subject::Subject;
use alloy::primitives::U256;
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_core::units::Amount;
use plimsoll_execute::protocol::Protocol;
use plimsoll_localchain::Asset;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a run compared.
#[derive(Debug, Default)]
struct Count {
    states: usize,
    readings: usize,
    with_a_queue: usize,
    claimable: usize,
    entries: usize,
    exits: usize,
    sales: usize,
    waits: usize,
    refused: usize,
}

async fn equals(states: usize, seed: u64) {
    let Some(mut stage) = Stage::open(Line::V3_0).await else { return };
    StakedWorld::open(&mut stage).await;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut count = Count::default();
    while count.states < states {
        let snapshot = stage.chain.snapshot().await.unwrap();
        // It remembers from state to state, as in an engine.
        let adapter = OnStaked.adapter(&stage, None);
        for _ in 0..20.min(states - count.states) {
            people(&stage, &mut rng).await;
            state(&stage, adapter.as_ref(), &mut rng, &mut count).await;
        }
        stage.chain.revert(snapshot).await.unwrap();
    }
    println!("staked-eth: {count:?}, seed {seed}");
    assert!(count.entries > states / 8 && count.sales > states / 12, "too little was tried");
    assert!(count.with_a_queue > states / 4 && count.claimable > states / 20, "no queue");
}

async fn people(stage: &Stage, rng: &mut ChaCha8Rng) {
    let world = stage.staked.as_ref().unwrap();
    let place = rng.random_range(0..EMPTY);
    let at = &world.places[place];
    let wei = U256::from(rng.random_range(1u64..999_999));
    if rng.random_bool(0.4) {
        let most = if rng.random_bool(0.2) { 20_000 } else { 300 };
        let amount = ether(rng.random_range(1..most)) + wei;
        world.trade(stage, place, (rng.random_bool(0.5), amount)).await;
    }
    if rng.random_bool(0.4) {
        lido_earns(stage, &at.lido, ether(rng.random_range(1..40)) + wei).await;
    }
    if rng.random_bool(0.15) {
        lido_loses(stage, &at.lido, ether(rng.random_range(1..200)) + wei).await;
    }
    if rng.random_bool(0.2) {
        at.stake(stage, stage.account(5), ether(rng.random_range(1..5_000)) + wei).await;
    }
    if rng.random_bool(0.3) {
        let price = 1_000_000 - rng.random_range(0..3_000) + rng.random_range(0..500);
        let price = if rng.random_bool(0.1) { price - 60_000 } else { price };
        at.post(stage, price).await;
    }
    if rng.random_bool(0.5) {
        let units = stage.asks(at.contract, &IStakedMarket::sharesCall {}).await;
        let part = U256::from(rng.random_range(1u64..400_000));
        // More requests than can be open, or too small a one, are refused.
        let _ = at.asked(stage, units * part / U256::from(1_000_000)).await;
    }
    if rng.random_bool(0.3) {
        let last = at.last_request(stage).await;
        let late = U256::from(rng.random_range(0u64..3));
        if last > late {
            at.finalized(stage, last - late).await;
        }
    }
    if rng.random_bool(0.1) {
        let (to, part) = (stage.account(6), U256::from(rng.random_range(0u64..200)) * ether(1));
        let share = part / U256::from(1_000);
        at.told(stage, &IStakedMarket::transferInKindCall { to, shareOfWad: share }).await.unwrap();
        for request in stage.asks(at.contract, &IStakedMarket::requestsCall {}).await {
            // What is not paid yet cannot be claimed.
            let call = IStakedMarket::claimCall { request, receiver: to };
            let _ = stage.tries(to, at.contract, &call).await;
        }
    }
}

async fn state(stage: &Stage, adapter: &dyn Protocol, rng: &mut ChaCha8Rng, count: &mut Count) {
    let readings = all_are_true(stage, adapter).await;
    for reading in &readings {
        count.readings += 1;
        count.with_a_queue += usize::from(!reading.beyond.facts.queued.is_zero());
        count.claimable += usize::from(!reading.beyond.facts.claimable.is_zero());
    }
    count.states += 1;
    let place = rng.random_range(0..EMPTY);
    let (spot, reading) = (&stage.staked.as_ref().unwrap().places[place], &readings[place]);
    let most = [2, 3_600, 86_400][rng.random_range(0..3)];
    let time = reading.at.timestamp + rng.random_range(1..most);
    let is_entry = rng.random_bool(0.5);
    let free = reading.held.available.0;
    let held = stage.asks(spot.contract, &IStakedMarket::heldCall {}).await;
    let part = U256::from(rng.random_range(1u64..1_000_000));
    let amount = match (rng.random_range(0..8), is_entry) {
        (0, _) => U256::ZERO,
        (1, _) => U256::from(rng.random_range(1u64..20)),
        (2, false) => free,
        (3, false) => free + free / U256::from(100) + U256::from(1_000),
        (4, false) => held.min(free),
        (_, true) => ether(3_000) * part / U256::from(1_000_000),
        (_, false) => free * part / U256::from(1_000_000),
    };
    let foreseen = reading.model.after(is_entry, Amount(amount), time);
    let done = if amount.is_zero() {
        stage.chain.mine_at(time).await.unwrap();
        true
    } else {
        stage.act(spot.contract, Asset::Weth, (is_entry, amount), time).await
    };
    let what = format!("{} entry {is_entry} of {amount} at {time}", reading.market);
    let bench = Bench { stage, subject: &OnStaked, wrap: |adapter| adapter };
    match (foreseen, done) {
        (Ok(foreseen), true) => {
            let truth = OnStaked.truth(stage, place).await;
            bench.came_true(&foreseen, &truth).unwrap_or_else(|why| panic!("{what}: {why}"));
            match (amount.is_zero(), is_entry) {
                (true, _) => count.waits += 1,
                (_, true) => count.entries += 1,
                _ => count.exits += 1,
            }
        }
        // A sale is not predicted; what was said to be available leaves.
        (Err(_), true) if !is_entry && amount > held => count.sales += 1,
        (Err(_), false) if is_entry || amount > free => count.refused += 1,
        (foreseen, done) => panic!("{what}: predicted {foreseen:?}, done {done}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staked_eth_equals_the_bytecode() {
    equals(60, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `make deep`"]
async fn staked_eth_equals_the_bytecode_in_a_thousand_states() {
    equals(1_000, 11).await;
}
