use super::*;
use crate::execution::intent::BlockRef;
use crate::time::Time;
use crate::units::Amount;
use alloy_primitives::{Address, Bytes, U256, keccak256};
use proptest::prelude::*;

fn hash(number: u64) -> B256 {
    keccak256(number.to_be_bytes())
}

fn block(number: u64) -> BlockRef {
    BlockRef { number, hash: hash(1_000 + number) }
}

fn planned(id: u64) -> Step {
    Step::Planned {
        call: hash(500 + id),
        to: Address::ZERO,
        data: Bytes::new(),
        entries: Amount(U256::from(7)),
        valid_until: 100,
        block: block(1),
        time: Time(0),
    }
}

fn attempt(id: u64, nonce: u64, fee: u128) -> Attempt {
    let mut seed = id.to_be_bytes().to_vec();
    seed.extend(fee.to_be_bytes());
    Attempt {
        hash: keccak256(seed),
        purpose: Purpose::Call,
        call: hash(500 + id),
        nonce,
        max_fee: fee,
        priority_fee: fee / 10,
        gas: 100_000,
        raw: Bytes::from_static(b"bytes"),
    }
}

fn cancel(id: u64, nonce: u64, fee: u128) -> Attempt {
    Attempt { purpose: Purpose::Cancel, call: B256::ZERO, ..attempt(1_000 + id, nonce, fee) }
}

fn included(attempt: &Attempt, number: u64, succeeded: bool) -> Step {
    Step::Included(Inclusion {
        hash: attempt.hash,
        block: block(number),
        succeeded,
        gas_used: 21_000,
        gas_price: 5,
    })
}

/// Takes `steps` of plan `id`.
fn after(intents: &mut Intents, id: u64, steps: &[Step]) -> Result<(), Reason> {
    steps
        .iter()
        .try_for_each(|step| intents.apply(hash(id), step).map_err(|illegal| illegal.reason))
}

fn signed(id: u64, nonce: u64) -> Vec<Step> {
    vec![
        planned(id),
        Step::Admitted { policy: hash(9) },
        Step::Simulated { block: block(1), gas: 90_000 },
        Step::NonceBound { nonce },
        Step::Signed(attempt(id, nonce, 100)),
    ]
}

fn state(intents: &Intents, id: u64) -> State {
    intents.get(hash(id)).unwrap().state
}

#[test]
fn a_plan_runs_from_planned_to_done() {
    let mut intents = Intents::default();
    let sent = attempt(1, 4, 100);
    after(&mut intents, 1, &signed(1, 4)).unwrap();
    let rest = [
        Step::Broadcast { hash: sent.hash },
        included(&sent, 3, true),
        Step::Final { block: block(3) },
    ];
    after(&mut intents, 1, &rest).unwrap();
    assert_eq!(state(&intents, 1), State::Closed(Outcome::Done));
    assert_eq!((intents.next_nonce(), intents.open()), (Some(5), None));
    assert!(intents.get(hash(1)).unwrap().counts_as_spent());
}

#[test]
fn what_was_spent_counts_from_the_last_moment_at_which_it_may_have_happened() {
    let mut intents = Intents::default();
    after(&mut intents, 1, &signed(1, 4)).unwrap();
    // Planned at 0 and valid until second 100: a plan made a day after 0 could land within a day of it.
    assert_eq!(intents.spent()[0].time, Time(100_000));
}

#[test]
fn one_plan_at_a_time_is_on_its_way() {
    let mut intents = Intents::default();
    after(&mut intents, 1, &signed(1, 4)).unwrap();
    assert_eq!(after(&mut intents, 2, &[planned(2)]), Err(Reason::Busy(hash(1))));
    assert_eq!(after(&mut intents, 1, &[planned(1)]), Err(Reason::Known));
}

#[test]
fn what_was_signed_is_never_given_up_and_a_nonce_without_a_signature_is_free_again() {
    let given_up = Step::Abandoned { reason: "too late".to_owned() };
    let mut intents = Intents::default();
    after(&mut intents, 1, &signed(1, 4)).unwrap();
    assert_eq!(after(&mut intents, 1, std::slice::from_ref(&given_up)), Err(Reason::Order));

    let mut intents = Intents::default();
    after(&mut intents, 1, &signed(1, 4)[..4]).unwrap();
    after(&mut intents, 1, &[given_up]).unwrap();
    assert_eq!(state(&intents, 1), State::Closed(Outcome::Abandoned));
    after(&mut intents, 2, &signed(2, 4)).unwrap();
    assert_eq!(intents.of_nonce(4).unwrap().id, hash(2));
}

#[test]
fn every_signature_of_a_plan_has_its_nonce_and_its_call_and_pays_an_eighth_more() {
    let mut intents = Intents::default();
    after(&mut intents, 1, &signed(1, 4)).unwrap();
    let mut sign = |attempt: Attempt| after(&mut intents, 1, &[Step::Signed(attempt)]);
    assert_eq!(sign(attempt(1, 5, 200)), Err(Reason::OtherNonce(5)));
    assert_eq!(sign(attempt(2, 4, 200)), Err(Reason::OtherCall));
    assert_eq!(sign(attempt(1, 4, 112)), Err(Reason::Underpriced));
    assert_eq!(sign(attempt(1, 4, 114)), Err(Reason::Underpriced), "the priority fee too");
    assert_eq!(least_bump(100), 114);
    sign(attempt(1, 4, 130)).unwrap();
    sign(cancel(1, 4, 200)).unwrap();
    assert_eq!(sign(attempt(1, 4, 900)), Err(Reason::Cancelled));
}

#[test]
fn whichever_of_our_transactions_is_final_decides() {
    for (wins, succeeded, outcome) in [
        (0, true, Outcome::Done),
        (0, false, Outcome::Reverted),
        (1, true, Outcome::Done),
        (2, true, Outcome::Replaced),
    ] {
        let mut intents = Intents::default();
        let ours = [attempt(1, 4, 100), attempt(1, 4, 130), cancel(1, 4, 200)];
        after(&mut intents, 1, &signed(1, 4)).unwrap();
        let rest = [
            Step::Signed(ours[1].clone()),
            Step::Signed(ours[2].clone()),
            included(&ours[wins], 3, succeeded),
            Step::Final { block: block(3) },
        ];
        after(&mut intents, 1, &rest).unwrap();
        assert_eq!(state(&intents, 1), State::Closed(outcome));
        let spent = intents.get(hash(1)).unwrap().counts_as_spent();
        assert_eq!(spent, outcome == Outcome::Done);
    }
}

#[test]
fn a_reorg_puts_it_back_to_broadcast_and_only_its_own_block_is_final() {
    let mut intents = Intents::default();
    let sent = attempt(1, 4, 100);
    after(&mut intents, 1, &signed(1, 4)).unwrap();
    after(&mut intents, 1, &[included(&sent, 3, true)]).unwrap();
    let final_elsewhere = Step::Final { block: block(4) };
    assert_eq!(after(&mut intents, 1, &[final_elsewhere]), Err(Reason::OtherBlock(block(4).hash)));
    let gone = Step::Reorged { block: block(3) };
    after(&mut intents, 1, &[gone, Step::Simulated { block: block(4), gas: 1 }]).unwrap();
    assert_eq!(state(&intents, 1), State::Broadcast);
    assert_eq!(intents.get(hash(1)).unwrap().reorgs, 1);
    after(&mut intents, 1, &[included(&sent, 5, true), Step::Final { block: block(5) }]).unwrap();
    assert_eq!(state(&intents, 1), State::Closed(Outcome::Done));
}

#[test]
fn a_frozen_plan_takes_no_step_and_holds_the_place() {
    let mut intents = Intents::default();
    after(&mut intents, 1, &signed(1, 4)).unwrap();
    after(&mut intents, 1, &[Step::Frozen { reason: "foreign nonce".to_owned() }]).unwrap();
    let sent = attempt(1, 4, 100);
    assert_eq!(after(&mut intents, 1, &[included(&sent, 3, true)]), Err(Reason::Order));
    assert_eq!(after(&mut intents, 2, &[planned(2)]), Err(Reason::Busy(hash(1))));
    assert!(intents.get(hash(1)).unwrap().counts_as_spent(), "it may still happen");
}

#[test]
fn a_foreign_transaction_is_none_of_ours() {
    let mut intents = Intents::default();
    after(&mut intents, 1, &signed(1, 4)).unwrap();
    let other = attempt(3, 4, 100);
    let foreign = Err(Reason::ForeignHash(other.hash));
    assert_eq!(after(&mut intents, 1, &[included(&other, 3, true)]), foreign);
    assert_eq!(after(&mut intents, 1, &[Step::Broadcast { hash: other.hash }]), foreign);
}

#[test]
fn steps_survive_the_journal() {
    let steps = [signed(1, 4), vec![included(&attempt(1, 4, u128::MAX), 3, true)]].concat();
    for step in steps {
        let text = serde_json::to_string(&step).unwrap();
        assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), step, "{text}");
    }
}

/// Any step of plan 1 or 2, sensible or not.
fn any_step() -> impl Strategy<Value = (u64, Step)> {
    let attempts =
        (1..3u64, 3..6u64, prop::sample::select(vec![100u128, 130, 200, 400]), any::<bool>())
            .prop_map(
                |(id, nonce, fee, is_cancel)| {
                    if is_cancel { cancel(id, nonce, fee) } else { attempt(id, nonce, fee) }
                },
            );
    let step = prop_oneof![
        (1..3u64).prop_map(planned),
        Just(Step::Admitted { policy: hash(9) }),
        Just(Step::Simulated { block: block(1), gas: 1 }),
        (3..6u64).prop_map(|nonce| Step::NonceBound { nonce }),
        attempts.clone().prop_map(Step::Signed),
        attempts.clone().prop_map(|attempt| Step::Broadcast { hash: attempt.hash }),
        (attempts, 1..4u64, any::<bool>()).prop_map(|(a, number, ok)| included(&a, number, ok)),
        (1..4u64).prop_map(|number| Step::Reorged { block: block(number) }),
        (1..4u64).prop_map(|number| Step::Final { block: block(number) }),
        Just(Step::Abandoned { reason: String::new() }),
        Just(Step::Frozen { reason: String::new() }),
    ];
    ((1..3u64), step)
}

proptest! {
    /// Whatever steps are tried: at each nonce everything signed belongs to one plan, every signed call of a
    /// plan is the same, at most one plan is open, and a refused step changes nothing.
    #[test]
    fn no_order_of_steps_breaks_the_rules(steps in prop::collection::vec(any_step(), 0..60)) {
        let mut intents = Intents::default();
        for (id, step) in steps {
            let before = intents.clone();
            if intents.apply(hash(id), &step).is_err() {
                prop_assert_eq!(&intents, &before);
            }
            prop_assert!(intents.iter().filter(|intent| !intent.state.is_closed()).count() <= 1);
            let mut owners: BTreeMap<u64, PlanId> = BTreeMap::new();
            for intent in intents.iter() {
                for attempt in &intent.attempts {
                    prop_assert_eq!(*owners.entry(attempt.nonce).or_insert(intent.id), intent.id);
                    if attempt.purpose == Purpose::Call {
                        prop_assert_eq!(attempt.call, intent.call);
                    }
                }
                let abandoned = intent.state == State::Closed(Outcome::Abandoned);
                prop_assert!(!abandoned || intent.attempts.is_empty());
            }
        }
    }
}
