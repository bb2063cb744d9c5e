//! Legs that did not go through rest for a while, so that they neither hold the others up nor are tried every hour.
//!
//! A plan is carried out whole or not at all: where a reward cannot be sold, the exit beside it does not happen either. Of a
//! plan that was given up, or reverted, the least needed legs are blamed: upkeep before entries, entries before exits.
//! What is blamed rests for two hours the first time, and twice as long each time after. An exit never rests where it
//! is the only one; of several that rest, the one that waits longest is tried, alone.

use crate::chain::vault::{LegKind, legs_of};
use alloy::primitives::Address;
use plimsoll_core::Time;
use plimsoll_core::execution::{Intent, Outcome, State};
use serde::{Deserialize, Serialize};

/// Milliseconds of the first rest.
const FIRST_REST: i64 = 2 * 3_600_000;
/// Milliseconds for which a refusal is remembered.
const REMEMBERED: i64 = 7 * 86_400_000;
/// Doublings of the rest at most.
const DOUBLINGS: u32 = 6;

/// A leg that was blamed for plans that did not go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The market contract.
    pub contract: Address,
    /// What it does, as the contract counts kinds.
    pub kind: u8,
    /// How often within the last week.
    pub times: u32,
    /// When the last time was decided.
    pub last: Time,
}

/// Returns the legs that are to be blamed for plans of the last week, in the order of contracts and kinds.
#[must_use]
pub(super) fn refused<'a>(
    intents: impl DoubleEndedIterator<Item = &'a Intent>,
    now: Time,
) -> Vec<Refused> {
    let mut all: Vec<Refused> = Vec::new();
    let recent = intents.rev().take_while(|intent| now.0 - intent.time.0 <= REMEMBERED);
    let gone = recent.filter(|intent| {
        matches!(intent.state, State::Closed(Outcome::Abandoned | Outcome::Reverted))
    });
    for intent in gone {
        let legs = legs_of(&intent.data);
        let Some(least) = legs.iter().map(|(_, kind)| need(*kind)).min() else { continue };
        for (contract, kind) in legs.into_iter().filter(|(_, kind)| need(*kind) == least) {
            match all.iter_mut().find(|known| known.is_of(contract, kind)) {
                Some(known) => known.times = known.times.saturating_add(1),
                None => {
                    all.push(Refused { contract, kind: kind.code(), times: 1, last: intent.time });
                }
            }
        }
    }
    all.sort_by_key(|each| (each.contract, each.kind));
    all
}

/// How much a leg is needed.
fn need(kind: LegKind) -> u8 {
    match kind {
        LegKind::Harvest | LegKind::Arrange => 0,
        LegKind::Entry => 1,
        LegKind::Exit => 2,
    }
}

impl Refused {
    fn is_of(&self, contract: Address, kind: LegKind) -> bool {
        self.contract == contract && self.kind == kind.code()
    }

    fn rests(&self, now: Time) -> bool {
        let doublings = self.times.saturating_sub(1).min(DOUBLINGS);
        now.0 - self.last.0 < FIRST_REST << doublings
    }
}

/// Whether a leg rests.
pub(super) fn rests(refused: &[Refused], (contract, kind): (Address, LegKind), now: Time) -> bool {
    refused.iter().any(|each| each.is_of(contract, kind) && each.rests(now))
}

/// Keeps of some exits, by their contracts, those that do not rest; of none such the one that waits longest.
pub(super) fn awake(refused: &[Refused], exits: &[Address], now: Time) -> Vec<Address> {
    let is_awake = |contract: &&Address| !rests(refused, (**contract, LegKind::Exit), now);
    let awake: Vec<Address> = exits.iter().filter(is_awake).copied().collect();
    if !awake.is_empty() {
        return awake;
    }
    let last = |contract: &&Address| {
        refused.iter().find(|each| each.is_of(**contract, LegKind::Exit)).map(|each| each.last)
    };
    exits.iter().min_by_key(last).copied().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::vault::{Move, call};
    use alloy::primitives::{B256, Bytes};
    use plimsoll_core::Amount;
    use plimsoll_core::execution::BlockRef;

    const HOUR: i64 = 3_600_000;
    const A: Address = Address::repeat_byte(1);
    const B: Address = Address::repeat_byte(2);

    fn given_up(hour: i64, outcome: Outcome, legs: &[(Address, LegKind)]) -> Intent {
        let moves: Vec<Move> = legs
            .iter()
            .map(|(contract, kind)| Move {
                contract: *contract,
                kind: *kind,
                amount: None,
                least: Amount::ZERO,
                most: Amount::ZERO,
                data: Bytes::new(),
            })
            .collect();
        let data = call((B256::ZERO, B256::ZERO), 0, &moves);
        Intent {
            id: B256::ZERO,
            state: State::Closed(outcome),
            to: A,
            data,
            call: B256::ZERO,
            entries: Amount::ZERO,
            valid_until: 0,
            decided_on: BlockRef { number: 0, hash: B256::ZERO },
            time: Time(hour * HOUR),
            policy: None,
            gas: None,
            nonce: None,
            attempts: Vec::new(),
            inclusion: None,
            reorgs: 0,
            reason: None,
        }
    }

    #[test]
    fn the_least_needed_legs_are_blamed_and_rest_twice_as_long_each_time() {
        let all = [(A, LegKind::Exit), (A, LegKind::Harvest), (B, LegKind::Entry)];
        let intents = [
            given_up(-200, Outcome::Abandoned, &all),
            given_up(0, Outcome::Done, &[(B, LegKind::Entry)]),
            given_up(1, Outcome::Abandoned, &all),
            given_up(4, Outcome::Reverted, &[(A, LegKind::Harvest)]),
        ];
        let found = refused(intents.iter(), Time(5 * HOUR));
        let harvest = Refused { contract: A, kind: 1, times: 2, last: Time(4 * HOUR) };
        assert_eq!(found, [harvest]);
        let at = |hour| rests(&found, (A, LegKind::Harvest), Time(hour * HOUR));
        assert!(at(5) && at(7) && !at(8), "four hours");
        assert!(!rests(&found, (A, LegKind::Exit), Time(5 * HOUR)));
        assert!(!rests(&found, (B, LegKind::Harvest), Time(5 * HOUR)));
    }

    #[test]
    fn exits_take_turns_where_all_of_them_were_refused_and_one_is_always_tried() {
        let both = [(A, LegKind::Exit), (B, LegKind::Exit)];
        let first = given_up(0, Outcome::Abandoned, &both);
        let found = refused([&first].into_iter(), Time(HOUR));
        assert_eq!(awake(&found, &[A, B], Time(HOUR)), [A]);
        let second = given_up(1, Outcome::Abandoned, &[(A, LegKind::Exit)]);
        let found = refused([&first, &second].into_iter(), Time(2 * HOUR));
        assert_eq!(awake(&found, &[A, B], Time(2 * HOUR)), [B]);
        assert_eq!(awake(&found, &[A], Time(2 * HOUR)), [A], "the only one");
        assert_eq!(awake(&[], &[A, B], Time(2 * HOUR)), [A, B]);
    }
}
