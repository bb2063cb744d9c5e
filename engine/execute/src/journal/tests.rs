use super::*;
use alloy_primitives::{Address, B256, Bytes};
use plimsoll_core::execution::{BlockRef, Trip};
use plimsoll_core::{Amount, ChainId};

fn identity() -> Identity {
    Identity {
        chain: ChainId(31_337),
        genesis: "0x00".to_owned(),
        signer: "0x01".to_owned(),
        vault: "0x02".to_owned(),
    }
}

fn plan(number: u8) -> PlanId {
    B256::repeat_byte(number)
}

fn planned() -> Step {
    Step::Planned {
        call: B256::ZERO,
        to: Address::ZERO,
        data: Bytes::from_static(b"call"),
        entries: Amount::ZERO,
        valid_until: 9,
        block: BlockRef { number: 1, hash: B256::ZERO },
        time: Time(0),
    }
}

fn some_lines(journal: &mut Journal) {
    journal.step(Time(1), plan(1), planned()).unwrap();
    journal.step(Time(2), plan(1), Step::Admitted { policy: B256::ZERO }).unwrap();
    journal.append(Time(3), &Record::Trip(Trip::Reverts { count: 3 })).unwrap();
}

#[test]
fn what_was_written_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(folder.path(), &identity()).unwrap();
    some_lines(&mut journal);
    let (head, folded) = (journal.head(), journal.folded().clone());
    drop(journal);
    let again = Journal::open(folder.path(), &identity()).unwrap();
    assert_eq!((again.head(), again.folded()), (head, &folded));
    assert_eq!((head.0, folded.breaker), (3, Breaker::DeriskOnly));
}

#[test]
fn one_process_writes_and_others_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(folder.path(), &identity()).unwrap();
    some_lines(&mut journal);
    let second = Journal::open(folder.path(), &identity()).unwrap_err();
    assert!(matches!(second, JournalError::Locked { .. }), "{second}");
    let read = Reader::open(folder.path()).unwrap().verify().unwrap();
    assert_eq!(read.head, journal.head());
}

#[test]
fn a_journal_of_another_vault_is_refused_and_a_missing_one_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Journal::open(folder.path(), &identity()).unwrap_err();
    assert!(matches!(missing, JournalError::Missing { .. }), "{missing}");
    drop(Journal::create(folder.path(), &identity()).unwrap());
    let other = Identity { vault: "0x03".to_owned(), ..identity() };
    let foreign = Journal::open(folder.path(), &other).unwrap_err();
    assert!(matches!(foreign, JournalError::Foreign { .. }), "{foreign}");
    assert!(Journal::create(folder.path(), &identity()).is_err(), "never a second beginning");
}

#[test]
fn an_illegal_step_writes_nothing_and_the_journal_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(folder.path(), &identity()).unwrap();
    let early = journal.step(Time(1), plan(1), Step::NonceBound { nonce: 1 }).unwrap_err();
    assert!(matches!(early, JournalError::Illegal(_)), "{early}");
    assert_eq!(journal.head().0, 0);
    some_lines(&mut journal);
}

/// Changes the file behind the engine's back.
fn tamper(folder: &Path, change: &str) {
    let connection = Connection::open(file(folder)).unwrap();
    assert_eq!(connection.execute(change, []).unwrap(), 1, "{change}");
}

#[test]
fn a_line_that_was_changed_removed_or_put_elsewhere_is_found() {
    for (change, number) in [
        ("UPDATE lines SET body = replace(body, '9', '8') WHERE number = 1", 1),
        ("UPDATE lines SET time_ms = 7 WHERE number = 2", 2),
        ("UPDATE lines SET kind = 'marked' WHERE number = 2", 2),
        ("DELETE FROM lines WHERE number = 2", 3),
        ("UPDATE meta SET value = replace(value, '0x02', '0x05') WHERE key = 'identity'", 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        some_lines(&mut Journal::create(folder.path(), &identity()).unwrap());
        tamper(folder.path(), change);
        let damaged = Journal::open(folder.path(), &identity()).unwrap_err();
        let JournalError::Damaged { number: found, .. } = damaged else { panic!("{damaged}") };
        assert_eq!(found, number, "{change}");
    }
}

#[test]
fn after_a_failed_write_nothing_more_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(folder.path(), &identity()).unwrap();
    some_lines(&mut journal);
    // Someone else put a line where ours has to go.
    tamper(folder.path(), "INSERT INTO lines VALUES (4, 0, 'marked', NULL, '{}', x'00')");
    let stopped = Record::Stopped { reason: "test".to_owned() };
    let failed = journal.append(Time(4), &stopped).unwrap_err();
    assert!(matches!(failed, JournalError::Write { .. }), "{failed}");
    let again = journal.append(Time(4), &stopped).unwrap_err();
    assert!(matches!(again, JournalError::Broken { .. }), "{again}");
    assert_eq!(journal.head().0, 3);
}

#[test]
fn a_file_without_tables_is_a_beginning_that_was_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(file(folder.path()), b"").unwrap();
    let mut journal = Journal::create(folder.path(), &identity()).unwrap();
    some_lines(&mut journal);
}
