//! What runs over random states have in common: what is read is compared with the contracts, and what is foreseen of an entry,
//! an exit or a wait with what comes of it.

use crate::bench::{came_true, is_true};
use crate::stage::Stage;
use crate::subject::Subject;
use alloy::primitives::{Address, U256};
use plimsoll_core::units::Amount;
use plimsoll_execute::protocol::Reading;
use plimsoll_localchain::Asset;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// What a run compared.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) states: usize,
    pub(crate) readings: usize,
    pub(crate) entries: usize,
    pub(crate) exits: usize,
    pub(crate) waits: usize,
    pub(crate) refused: usize,
}

impl Count {
    /// Whether enough was tried for the run to say anything.
    pub(crate) fn is_enough(&self) -> bool {
        self.entries > self.states / 8 && self.exits > self.states / 16
    }
}

/// An entry, an exit, or a wait where nothing moves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) is_entry: bool,
    pub(crate) amount: U256,
    pub(crate) time: u64,
}

/// A moment soon after a reading: seconds, an hour or a day.
pub(crate) fn later(reading: &Reading, rng: &mut ChaCha8Rng) -> u64 {
    let most = [2, 3_600, 86_400][rng.random_range(0..3)];
    reading.at.timestamp + rng.random_range(1..most)
}

/// Compares what was read in a state with what the contracts say.
pub(crate) async fn all_are_true(
    stage: &Stage,
    subject: &dyn Subject,
    readings: &[Reading],
    count: &mut Count,
) {
    for (place, reading) in readings.iter().enumerate() {
        let truth = subject.truth(stage, place).await;
        is_true(reading, &truth).unwrap_or_else(|why| panic!("{}: {why}", reading.market));
        count.readings += 1;
    }
    count.states += 1;
}

/// Takes a step in the market at `place`, and compares what comes of it with what was foreseen.
pub(crate) async fn comes_true(
    (stage, subject): (&Stage, &dyn Subject),
    (place, reading): (usize, &Reading),
    (contract, asset): (Address, Asset),
    step: Step,
    count: &mut Count,
) {
    let Step { is_entry, amount, time } = step;
    let foreseen = reading.model.after(is_entry, Amount(amount), time);
    let done = if amount.is_zero() {
        stage.chain.mine_at(time).await.unwrap();
        true
    } else {
        stage.act(contract, asset, (is_entry, amount), time).await
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
