//! That the oracles can find something: each finding, from evidence made for it.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use plimsoll_core::execution::{Attempt, BlockRef, Inclusion, PlanId, Purpose, Step};
use plimsoll_core::{Amount, ChainId, Time};
use plimsoll_execute::journal::{Identity, Journal, file};
use plimsoll_faults::policy::{Landed, Sent, Tx};
use plimsoll_faults::{Breach, Evidence, Finding, Limits, Remembered, findings};
use std::collections::BTreeMap;
use tempfile::TempDir;

const ENGINE: Address = Address::repeat_byte(1);
const VAULT: Address = Address::repeat_byte(2);

fn limits() -> Limits {
    Limits {
        chain: 31_337,
        signer: ENGINE,
        vault: VAULT,
        caps: BTreeMap::new(),
        per_market_bps: 10_000,
        entries_per_plan_bps: 10_000,
        entries_per_day_bps: 10_000,
        gas_per_day: U256::MAX,
        exit_gas_per_day: U256::MAX,
        max_fee: u128::MAX,
        slack_bps: 0,
    }
}

fn plan(number: u8) -> PlanId {
    B256::repeat_byte(number)
}

/// A journal of one plan, as far as `steps` go.
struct Book {
    folder: TempDir,
    journal: Journal,
}

const BLOCK: BlockRef = BlockRef { number: 9, hash: B256::repeat_byte(9) };

fn attempt(number: u8) -> Attempt {
    let raw = Bytes::from(vec![number]);
    Attempt {
        hash: keccak256(&raw),
        purpose: Purpose::Call,
        call: B256::ZERO,
        nonce: u64::from(number),
        max_fee: 1,
        priority_fee: 1,
        gas: 1,
        raw,
    }
}

impl Book {
    fn new() -> Book {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity {
            chain: ChainId(31_337),
            genesis: "0x00".to_owned(),
            signer: ENGINE.to_string(),
            vault: VAULT.to_string(),
        };
        let journal = Journal::create(folder.path(), &identity).unwrap();
        Book { folder, journal }
    }

    /// Takes plan `number` through so many of its steps.
    fn plan(&mut self, number: u8, steps: usize) {
        let attempt = attempt(number);
        let hash = attempt.hash;
        let inclusion =
            Inclusion { hash, block: BLOCK, succeeded: true, gas_used: 1, gas_price: 1 };
        let all = [
            Step::Planned {
                call: B256::ZERO,
                to: VAULT,
                data: Bytes::new(),
                entries: Amount::ZERO,
                valid_until: 0,
                block: BLOCK,
                time: Time(0),
            },
            Step::Admitted { policy: B256::ZERO },
            Step::Simulated { block: BLOCK, gas: 1 },
            Step::NonceBound { nonce: u64::from(number) },
            Step::Signed(attempt),
            Step::Broadcast { hash },
            Step::Included(inclusion),
            Step::Final { block: BLOCK },
        ];
        for step in all.into_iter().take(steps) {
            self.journal.step(Time(0), plan(number), step).unwrap();
        }
    }

    fn found(&self, landed: Vec<Landed>, sent: Vec<Sent>, is_healed: bool) -> Vec<Finding> {
        let evidence = Evidence::of(self.folder.path(), landed, sent);
        findings(&limits(), &evidence, is_healed)
    }
}

fn tx(number: u8) -> Tx {
    let call = plimsoll_faults::abi::reallocateCall {
        planId: plan(number),
        validUntil: 0,
        expectedHash: B256::ZERO,
        legs: Vec::new(),
    };
    Tx {
        hash: attempt(number).hash,
        from: ENGINE,
        to: Some(VAULT),
        chain: 31_337,
        nonce: u64::from(number),
        value: U256::ZERO,
        data: alloy::sol_types::SolCall::abi_encode(&call).into(),
        max_fee: 1,
    }
}

fn landed(number: u8, effects: &[u8]) -> Landed {
    Landed {
        tx: tx(number),
        block: 9,
        time: 9,
        succeeded: true,
        gas_used: 1,
        gas_price: 1,
        effects: effects.iter().map(|number| plan(*number)).collect(),
        entered: BTreeMap::new(),
        after: BTreeMap::new(),
        nav: U256::ZERO,
    }
}

const DONE: usize = 8;
const SENT: usize = 6;

#[test]
fn a_plan_that_was_done_and_a_plan_on_its_way_are_as_they_should_be() {
    let mut book = Book::new();
    book.plan(1, DONE);
    book.plan(2, SENT);
    let sent = vec![Sent { tx: tx(1) }, Sent { tx: tx(2) }];
    assert_eq!(book.found(vec![landed(1, &[1])], sent.clone(), false), []);
    // Included, and the journal does not know it yet.
    assert_eq!(book.found(vec![landed(1, &[1]), landed(2, &[2])], sent, false), []);
}

#[test]
fn effects_that_the_journal_does_not_have_and_those_that_it_has_alone_are_found() {
    let mut book = Book::new();
    book.plan(1, DONE);
    let disagrees =
        |plan, state: &str, effects| Finding::Disagrees { plan, state: state.to_owned(), effects };
    let nothing = book.found(Vec::new(), Vec::new(), true);
    assert_eq!(nothing, [disagrees(plan(1), "Closed(Done)", 0)]);
    book.plan(2, 4);
    let early = book.found(vec![landed(1, &[1]), landed(2, &[2])], Vec::new(), false);
    assert!(early.contains(&disagrees(plan(2), "NonceBound", 1)), "{early:?}");
    let unknown = book.found(vec![landed(1, &[1, 7])], Vec::new(), false);
    assert!(unknown.contains(&Finding::UnknownPlan(plan(7))), "{unknown:?}");
}

#[test]
fn a_plan_carried_out_twice_is_found_by_oracle_and_policy() {
    let mut book = Book::new();
    book.plan(1, DONE);
    let mut again = landed(2, &[1]);
    again.tx.data = tx(1).data;
    let sent = vec![Sent { tx: tx(1) }, Sent { tx: again.tx.clone() }];
    let found = book.found(vec![landed(1, &[1]), again.clone()], sent, true);
    let hash = again.tx.hash;
    assert!(found.contains(&Finding::MoreThanOnce { plan: plan(1), count: 2 }));
    assert!(found.contains(&Finding::Foreign { hash, nonce: 2 }));
    assert!(found.contains(&Finding::NotWrittenDown(hash)));
    let crossed = Breach::PlanAtTwoNonces { plan: plan(1), nonces: [1, 2].into() };
    assert!(found.contains(&Finding::Policy { hash, breach: crossed }), "{found:?}");
}

#[test]
fn gaps_and_plans_that_never_end_are_found() {
    let mut book = Book::new();
    book.plan(1, DONE);
    book.plan(3, SENT);
    let found = book.found(vec![landed(1, &[1]), landed(3, &[3])], Vec::new(), true);
    let gap = Finding::Gap { after: 1, found: 3 };
    let open = Finding::NotOver { plan: plan(3), state: "Broadcast".to_owned() };
    assert_eq!(found, [open, gap]);
}

#[test]
fn a_damaged_journal_and_a_lost_line_are_found() {
    let mut book = Book::new();
    book.plan(1, 3);
    let mut remembered = Remembered::default();
    remembered.look(book.folder.path()).unwrap();
    assert_eq!(remembered.len(), 3);
    assert_eq!(remembered.lost(book.folder.path()).unwrap(), []);
    let other = Book::new();
    let lost = remembered.lost(other.folder.path()).unwrap();
    assert_eq!(lost, [1, 2, 3].map(Finding::LostLine));
    // Closing writes everything into the one file; a letter of a line becomes another.
    let Book { folder, journal } = book;
    drop(journal);
    let path = file(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let word = b"admitted";
    let places: Vec<usize> = bytes
        .windows(word.len())
        .enumerate()
        .filter_map(|(place, window)| (window == word).then_some(place))
        .collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place] = b'e';
    }
    std::fs::write(&path, bytes).unwrap();
    let found = findings(&limits(), &Evidence::of(folder.path(), Vec::new(), Vec::new()), true);
    assert!(
        matches!(found.as_slice(), [Finding::Journal(detail)] if detail.contains("line 2")),
        "{found:?}"
    );
}
