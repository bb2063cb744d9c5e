//! Legs that did not go through, so that they neither hold the others up nor are tried every hour.
//!
//! A plan is carried out whole or not at all: where a reward cannot be sold, the exit beside it does not happen either. Of a
//! plan that the chain refused, the least needed legs are blamed: upkeep before entries, entries before what leaves.
//! Upkeep and entries that are blamed rest, two hours the first time and twice as long each time after. What leaves never
//! rests: exits and requests to a queue that are blamed are tried one at a time, alone, every hour, or every other hour
//! where there is something else to do. What went through since is blamed no more.

use crate::chain::vault::{LegKind, legs_of};
use alloy::primitives::Address;
use plimsoll_core::Time;
use plimsoll_core::execution::{Intent, Outcome, State, TIME_IS_OVER};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Milliseconds of the first rest.
const FIRST_REST: i64 = 2 * 3_600_000;
/// Milliseconds for which a refusal is remembered.
const REMEMBERED: i64 = 7 * 86_400_000;
/// Doublings of the rest at most.
const DOUBLINGS: u32 = 6;

/// What a leg does: the contract's kinds, and requests to a queue apart from what is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Takes in what was earned or is owed.
    Collects,
    /// Changes the shape of the position.
    Arranges,
    /// Idle to market.
    Enters,
    /// Asks a queue to pay out.
    Requests,
    /// Market to idle.
    Leaves,
}

impl Does {
    /// What a leg does that is told `data`.
    pub(super) fn of(kind: LegKind, data: &[u8]) -> Does {
        match kind {
            LegKind::Exit => Does::Leaves,
            LegKind::Harvest if data.is_empty() => Does::Collects,
            LegKind::Harvest => Does::Requests,
            LegKind::Arrange => Does::Arranges,
            LegKind::Entry => Does::Enters,
        }
    }

    /// How much it is needed.
    fn need(self) -> u8 {
        match self {
            Does::Collects | Does::Arranges => 0,
            Does::Enters => 1,
            Does::Requests | Does::Leaves => 2,
        }
    }
}

/// A leg: its market contract and what it does.
pub(super) type LegOf = (Address, Does);

/// A leg that was blamed for plans that did not go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The market contract.
    pub contract: Address,
    /// What it does.
    pub does: Does,
    /// How often within the last week, and since it last went through.
    pub times: u32,
    /// When the last time was decided.
    pub last: Time,
}

/// Returns the legs that are to be blamed for plans of the last week, in the order of contracts and of what they do.
#[must_use]
pub(super) fn refused<'a>(
    intents: impl DoubleEndedIterator<Item = &'a Intent>,
    now: Time,
) -> Vec<Refused> {
    let mut all: Vec<Refused> = Vec::new();
    let mut cleared: BTreeSet<LegOf> = BTreeSet::new();
    for intent in intents.rev().take_while(|intent| now.0 - intent.time.0 <= REMEMBERED) {
        let legs = legs_of(&intent.data);
        let legs: Vec<LegOf> =
            legs.iter().map(|(at, kind, data)| (*at, Does::of(*kind, data))).collect();
        if intent.state == State::Closed(Outcome::Done) {
            cleared.extend(legs);
            continue;
        }
        let least = legs.iter().map(|(_, does)| does.need()).min();
        let Some(least) = least.filter(|_| is_refusal(intent)) else { continue };
        let blamed = legs.into_iter().filter(|(_, does)| does.need() == least);
        for (contract, does) in blamed.filter(|leg| !cleared.contains(leg)) {
            match all.iter_mut().find(|known| known.place() == (contract, does)) {
                Some(known) => known.times = known.times.saturating_add(1),
                None => all.push(Refused { contract, does, times: 1, last: intent.time }),
            }
        }
    }
    all.sort_by_key(Refused::place);
    all
}

/// Whether the chain refused a plan, by a trial or when it was included.
fn is_refusal(intent: &Intent) -> bool {
    match intent.state {
        State::Closed(Outcome::Reverted) => true,
        // Admitted, and no trial had the wanted effect.
        State::Closed(Outcome::Abandoned) => {
            let is_late = intent.reason.as_deref() == Some(TIME_IS_OVER);
            intent.policy.is_some() && intent.gas.is_none() && !is_late
        }
        _ => false,
    }
}

impl Refused {
    fn place(&self) -> LegOf {
        (self.contract, self.does)
    }

    fn rests(&self, now: Time) -> bool {
        let doublings = self.times.saturating_sub(1).min(DOUBLINGS);
        now.0 - self.last.0 < FIRST_REST << doublings
    }
}

/// Whether upkeep or an entry rests.
pub(super) fn rests(refused: &[Refused], place: LegOf, now: Time) -> bool {
    refused.iter().any(|each| each.place() == place && each.rests(now))
}

/// What of the legs that leave is to be tried now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leaving {
    /// All of them, with everything else.
    All,
    /// Those that nothing is known against, with upkeep, and without entries: these were approved beside all exits.
    Trusted(Vec<LegOf>),
    /// This one, alone.
    Alone(LegOf),
}

/// Returns how legs that leave are tried; `has_others` where there is upkeep beside them.
pub(super) fn leaving(refused: &[Refused], legs: &[LegOf], has_others: bool, now: Time) -> Leaving {
    let known = |place: &LegOf| refused.iter().find(|each| each.place() == *place);
    let suspects = legs.iter().filter_map(|place| Some((known(place)?.last, *place)));
    let Some((_, oldest)) = suspects.clone().min() else { return Leaving::All };
    let trusted: Vec<LegOf> = legs.iter().filter(|place| known(place).is_none()).copied().collect();
    let last = suspects.map(|(last, _)| last.0).max().unwrap_or(i64::MIN);
    let was_just_tried = now.0 - last < FIRST_REST;
    if was_just_tried && (has_others || !trusted.is_empty()) {
        return Leaving::Trusted(trusted);
    }
    Leaving::Alone(oldest)
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
    const C: Address = Address::repeat_byte(3);

    fn ended(hour: i64, outcome: Outcome, legs: &[LegOf]) -> Intent {
        let moves: Vec<Move> = legs
            .iter()
            .map(|(contract, does)| Move {
                contract: *contract,
                kind: match does {
                    Does::Collects | Does::Requests => LegKind::Harvest,
                    Does::Arranges => LegKind::Arrange,
                    Does::Enters => LegKind::Entry,
                    Does::Leaves => LegKind::Exit,
                },
                amount: None,
                least: Amount::ZERO,
                most: Amount::ZERO,
                data: if *does == Does::Requests { vec![1].into() } else { Bytes::new() },
            })
            .collect();
        Intent {
            id: B256::ZERO,
            state: State::Closed(outcome),
            to: A,
            data: call((B256::ZERO, B256::ZERO), 0, &moves),
            call: B256::ZERO,
            entries: Amount::ZERO,
            valid_until: 0,
            decided_on: BlockRef { number: 0, hash: B256::ZERO },
            time: Time(hour * HOUR),
            policy: Some(B256::ZERO),
            gas: None,
            nonce: None,
            attempts: Vec::new(),
            inclusion: None,
            reorgs: 0,
            reason: None,
        }
    }

    fn found(intents: &[Intent], hour: i64) -> Vec<Refused> {
        refused(intents.iter(), Time(hour * HOUR))
    }

    #[test]
    fn the_least_needed_legs_are_blamed_and_rest_twice_as_long_each_time() {
        let all = [(A, Does::Leaves), (A, Does::Collects), (B, Does::Enters), (A, Does::Requests)];
        let intents = [
            ended(-200, Outcome::Abandoned, &all),
            ended(1, Outcome::Abandoned, &all),
            ended(4, Outcome::Reverted, &[(A, Does::Collects)]),
        ];
        let found = found(&intents, 5);
        let collects =
            Refused { contract: A, does: Does::Collects, times: 2, last: Time(4 * HOUR) };
        assert_eq!(found, [collects]);
        let at = |hour| rests(&found, (A, Does::Collects), Time(hour * HOUR));
        assert!(at(5) && at(7) && !at(8), "four hours");
        assert!(!rests(&found, (B, Does::Collects), Time(5 * HOUR)));
        let legs = [(A, Does::Leaves), (A, Does::Requests)];
        assert_eq!(leaving(&found, &legs, true, Time(5 * HOUR)), Leaving::All);
    }

    #[test]
    fn what_went_through_since_is_blamed_no_more_and_other_causes_blame_nobody() {
        let legs = [(A, Does::Leaves), (B, Does::Leaves)];
        let refusal = ended(1, Outcome::Abandoned, &legs);
        let done = ended(2, Outcome::Done, &legs[..1]);
        let only = found(&[refusal.clone(), done], 3);
        assert_eq!(only.iter().map(Refused::place).collect::<Vec<_>>(), &legs[1..]);
        let denied = Intent { policy: None, ..refusal.clone() };
        let late = Intent { reason: Some(TIME_IS_OVER.to_owned()), ..refusal.clone() };
        let replaced = ended(1, Outcome::Replaced, &legs);
        assert_eq!(found(&[denied, late, replaced], 3), []);
        assert_eq!(found(&[refusal], 3).len(), 2);
    }

    #[test]
    fn of_exits_that_were_refused_one_is_tried_at_a_time_and_the_others_go_on() {
        let [a, b, c] = [(A, Does::Leaves), (B, Does::Requests), (C, Does::Leaves)];
        let at = |intents: &[Intent], hour, legs: &[LegOf], has_others| {
            leaving(&found(intents, hour), legs, has_others, Time(hour * HOUR))
        };
        let first = ended(0, Outcome::Abandoned, &[a, b]);
        let one = [first.clone()];
        // Nothing else is to be done: at once, one by one, until the culprit is alone.
        assert_eq!(at(&one, 1, &[a, b], false), Leaving::Alone(a));
        let two = [first.clone(), ended(1, Outcome::Abandoned, &[a])];
        assert_eq!(at(&two, 2, &[a, b], false), Leaving::Alone(b));
        let three = [first.clone(), two[1].clone(), ended(2, Outcome::Done, &[b])];
        assert_eq!(at(&three, 3, &[a], false), Leaving::Alone(a), "the only one is always tried");
        // Another exit, or upkeep, has every other turn.
        assert_eq!(at(&one, 1, &[a, b, c], false), Leaving::Trusted(vec![c]));
        assert_eq!(at(&one, 2, &[a, b, c], false), Leaving::Alone(a));
        assert_eq!(at(&two, 2, &[a, b, c], false), Leaving::Trusted(vec![c]));
        assert_eq!(at(&two, 3, &[a, b, c], false), Leaving::Alone(b));
        assert_eq!(at(&one, 1, &[a], true), Leaving::Trusted(vec![]));
        assert_eq!(at(&one, 2, &[a], true), Leaving::Alone(a));
        assert_eq!(at(&[], 1, &[a, b], false), Leaving::All);
    }
}
