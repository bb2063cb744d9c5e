//! Every adapter against the bytecode over many random states: people that act, our own entries and exits,
//! leaps in time. What is read equals the contracts to the last unit, and what is predicted happens.

use crate::bench::{came_true, is_true};
use crate::on_aave::{ON_V3_0, ON_V3_2};
use crate::on_morpho::OnMorpho;
use crate::on_stata::OnStata;
use crate::on_vaults::OnVaults;
use crate::stage::{EMPTY, Stage, artifacts, deployed};
use crate::subject::Subject;
use alloy::primitives::U256;
use plimsoll_core::units::Amount;
use plimsoll_localchain::{ChainSettings, Driver, LocalChain, MarketSettings};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// States of a run in `make test`.
const SLICE: usize = 60;
/// States of a run in `make deep`.
const ALL: usize = 1_000;

/// States between two returns to the base: over years of full utilization a market's interest would outgrow
/// the contract's own integers.
const ROUND: usize = 20;

/// What a run compared.
#[derive(Debug, Default)]
struct Count {
    states: usize,
    readings: usize,
    entries: usize,
    exits: usize,
    waits: usize,
    refused: usize,
}

async fn equals(subject: &dyn Subject, states: usize, seed: u64) {
    let Some(artifacts) = artifacts() else { return };
    let settings = ChainSettings { block_seconds: 600, ..ChainSettings::default() };
    let mut chain = LocalChain::start(&artifacts, settings).await.unwrap();
    let deployed = deployed(&chain, &artifacts, subject.line()).await;
    let market = MarketSettings { seed, ..MarketSettings::default() };
    let mut driver = Driver::start(&mut chain, deployed.0.clone(), market).await.unwrap();
    let stage = Stage::around(chain, deployed, artifacts).await;
    stage.populate().await;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut count = Count::default();
    while count.states < states {
        // The base wanders by an hour; from it people and we go our way for some weeks, and back.
        driver.step(&stage.chain).await.unwrap();
        let (base, snapshot) = (driver.clone(), stage.chain.snapshot().await.unwrap());
        for _ in 0..ROUND.min(states - count.states) {
            if rng.random_bool(0.4) {
                driver.step(&stage.chain).await.unwrap();
            }
            state(&stage, subject, &mut rng, &mut count).await;
        }
        stage.chain.revert(snapshot).await.unwrap();
        driver = base;
    }
    println!("{}: {count:?}, seed {seed}", subject.name());
    assert!(count.entries > states / 8 && count.exits > states / 16, "too little was tried");
}

/// One state: everything is read and compared, then one place is acted on, and that is compared.
async fn state(stage: &Stage, subject: &dyn Subject, rng: &mut ChaCha8Rng, count: &mut Count) {
    let adapter = subject.adapter(stage, None);
    let at = stage.at().await;
    let read = adapter.read(&stage.nodes, &at).await.unwrap();
    assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
    for (place, reading) in read.readings.iter().enumerate() {
        let truth = subject.truth(stage, place).await;
        is_true(reading, &truth)
            .unwrap_or_else(|why| panic!("{} at {at:?}: {why}", reading.market));
        count.readings += 1;
    }
    count.states += 1;
    let place = rng.random_range(0..EMPTY);
    let reading = &read.readings[place];
    let seconds = match rng.random_range(0..4) {
        0 => 1,
        1 => rng.random_range(2..3_600),
        2 => rng.random_range(3_600..86_400),
        _ => rng.random_range(86_400..20 * 86_400),
    };
    let time = at.timestamp + seconds;
    let (is_entry, amount) = wanted(rng, reading);
    let foreseen = reading.model.after(is_entry, Amount(amount), time);
    let contract = subject.contract(stage, place);
    let done = if amount.is_zero() {
        stage.chain.mine_at(time).await.unwrap();
        true
    } else {
        stage.act(contract, subject.asset(stage, place), (is_entry, amount), time).await
    };
    let what = format!("{} entry {is_entry} of {amount} at {time}", reading.market);
    match (foreseen, done) {
        (Ok(foreseen), true) => {
            let truth = subject.truth(stage, place).await;
            came_true(&foreseen, &truth).unwrap_or_else(|why| panic!("{what}: {why}"));
            match (amount.is_zero(), is_entry) {
                (true, _) => count.waits += 1,
                (_, true) => count.entries += 1,
                _ => count.exits += 1,
            }
        }
        (Err(_), false) => count.refused += 1,
        (foreseen, done) => panic!("{what}: predicted {foreseen:?}, done {done}"),
    }
}

/// An amount of any size: raw units, a part of the market, all that is held, more than can be.
fn wanted(rng: &mut ChaCha8Rng, reading: &plimsoll_execute::Reading) -> (bool, U256) {
    let is_entry = rng.random_bool(0.5);
    let part = |whole: U256, rng: &mut ChaCha8Rng| {
        whole * U256::from(rng.random_range(1u64..1_000_000)) / U256::from(1_000_000)
    };
    let amount = match rng.random_range(0..10) {
        0 => U256::ZERO,
        1 => U256::from(rng.random_range(1u64..20)),
        2 if !is_entry => reading.held.available.0,
        3 if !is_entry => reading.held.worth.0 + U256::from(rng.random_range(0u64..3)),
        4 => part(reading.supplied.0 * U256::from(2), rng),
        _ if is_entry => part(reading.supplied.0, rng) / U256::from(20),
        _ => part(reading.held.available.0, rng),
    };
    (is_entry, amount)
}

macro_rules! runs {
    ($($slice:ident, $all:ident, $subject:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $slice() {
            equals(&$subject, SLICE, 7).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        #[ignore = "long: `make deep`"]
        async fn $all() {
            equals(&$subject, ALL, 11).await;
        }
    )*};
}

runs! {
    aave_equals_the_bytecode, aave_equals_the_bytecode_in_a_thousand_states, ON_V3_0;
    aave_v3_2_equals_the_bytecode, aave_v3_2_equals_the_bytecode_in_a_thousand_states, ON_V3_2;
    morpho_equals_the_bytecode, morpho_equals_the_bytecode_in_a_thousand_states, OnMorpho;
    stata_tokens_equal_the_bytecode, stata_tokens_equal_the_bytecode_in_a_thousand_states, OnStata;
    vaults_equal_the_bytecode, vaults_equal_the_bytecode_in_a_thousand_states,
        OnVaults { is_looked_through: true };
}
