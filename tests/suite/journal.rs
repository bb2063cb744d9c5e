//! `plimsoll journal` on a journal that the engine wrote.

use crate::support::{code, document, folder, plimsoll, said};
use alloy::primitives::{Address, B256, Bytes, U256};
use plimsoll_core::execution::{BlockRef, Step, Trip};
use plimsoll_core::{Amount, ChainId, Time};
use plimsoll_execute::journal::{Identity, Journal, Record};

/// A journal with one plan that was given up, and a breaker that tripped.
fn written(folder: &std::path::Path) {
    let identity = Identity {
        chain: ChainId(31_337),
        genesis: "0x00".to_owned(),
        signer: "0xsigner".to_owned(),
        vault: "0xvault".to_owned(),
    };
    let mut journal = Journal::create(folder, &identity).unwrap();
    let plan = B256::repeat_byte(0xab);
    let planned = Step::Planned {
        call: B256::ZERO,
        to: Address::ZERO,
        data: Bytes::new(),
        entries: Amount(U256::from(5)),
        valid_until: 1_735_690_000,
        block: BlockRef { number: 7, hash: B256::ZERO },
        time: Time(1_735_689_600_000),
    };
    journal.step(Time(1_735_689_600_000), plan, planned).unwrap();
    let reason = "it reverts: PlanExpired".to_owned();
    journal.step(Time(1_735_689_612_000), plan, Step::Abandoned { reason }).unwrap();
    let trip = Record::Trip(Trip::Reverts { count: 3 });
    journal.append(Time(1_735_689_624_000), &trip).unwrap();
}

#[test]
fn it_is_verified_shown_explained_and_exported() {
    let (kept, path) = folder();
    written(kept.path());
    let verified = plimsoll(&["journal", "verify", "--folder", &path]);
    assert_eq!(code(&verified), 0, "{}", said(&verified));
    assert!(said(&verified).contains("3 lines"), "{}", said(&verified));
    assert!(said(&verified).contains("derisk_only"), "{}", said(&verified));
    let json = document(&plimsoll(&["journal", "verify", "--folder", &path, "--json"]));
    assert_eq!(json["lines"], 3);
    assert_eq!(json["plans"][0]["state"]["closed"], "abandoned");

    let shown = plimsoll(&["journal", "show", "--folder", &path, "--kind", "abandoned"]);
    assert!(said(&shown).contains("PlanExpired") && !said(&shown).contains("trip"));
    let explained = plimsoll(&["journal", "explain", "0xabab", "--folder", &path]);
    let text = said(&explained);
    assert!(text.contains("brings in 5 raw units") && text.contains("PlanExpired"), "{text}");
    let exported = plimsoll(&["journal", "export", "--folder", &path]);
    let lines = String::from_utf8(exported.stdout).unwrap();
    let each: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((each.len(), &each[2]["kind"]), (3, &serde_json::json!("trip")));
}

#[test]
fn a_missing_one_is_named_and_what_is_not_there_is_said() {
    let (kept, path) = folder();
    let missing = plimsoll(&["journal", "verify", "--folder", &path]);
    assert_eq!(code(&missing), 3);
    assert!(said(&missing).contains("there is no journal here"), "{}", said(&missing));
    written(kept.path());
    let nothing = plimsoll(&["journal", "explain", "0xcd", "--folder", &path]);
    assert_eq!(code(&nothing), 2);
    assert!(said(&nothing).contains("0 plans begin with 0xcd"), "{}", said(&nothing));
    assert_eq!(code(&plimsoll(&["journal", "explain", "9", "--folder", &path])), 2);
}
