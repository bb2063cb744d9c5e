use super::*;
use crate::view::{DecidedAt, FateState};
use plimsoll_core::journal::Decided;
use plimsoll_core::{CostModel, Plan, Time};

fn decision(line: u64) -> Event {
    let plan = Plan::nothing(Time(0), CostModel::default());
    let decided = Decided {
        time: Time(0),
        reason: "nothing is worth its cost".to_owned(),
        alternatives: vec![],
        expected: None,
        scores: vec![],
        plan,
        refusals: vec![],
        waivers: vec![],
    };
    let at = DecidedAt { line, block: Some(line), time: Time(0), strategy: "hold", decimals: 6 };
    Event::Decision(Arc::new(DecisionView::of(&decided, at)))
}

fn fate(line: u64, decision: u64) -> Event {
    Event::Fate(Arc::new(FateView {
        id: line,
        decision,
        plan_id: "0x01".to_owned(),
        state: FateState::Done,
        reason: None,
        nonce: Some(0),
        transactions: vec![],
        gas_used: None,
        gas_paid_wei: None,
        reorgs: 0,
    }))
}

fn kept(most: usize, lines: &[u64]) -> Events {
    let mut events = Events::new(most);
    for line in lines {
        events.push(decision(*line)).unwrap();
    }
    events
}

fn ids(following: &Following) -> Vec<u64> {
    following.events.iter().map(Event::id).collect()
}

#[test]
fn what_follows_a_place_comes_in_order_and_once() {
    let events = kept(9, &[3, 5, 8]);
    assert_eq!(ids(&events.following(3, 9)), [5, 8]);
    assert_eq!(ids(&events.following(4, 9)), [5, 8]);
    assert_eq!(ids(&events.following(3, 1)), [5]);
    assert_eq!(events.following(8, 9), Following::default());
    assert_eq!(events.following(2, 9).gap, None, "everything after line 2 was published");
}

#[test]
fn what_is_no_longer_kept_is_a_gap_and_never_silence() {
    let events = kept(2, &[3, 5, 8, 9]);
    let following = events.following(3, 9);
    assert_eq!(following.gap, Some(Gap { after: 3, through: 5 }));
    assert_eq!(ids(&following), [8, 9]);
    assert_eq!(events.following(5, 9).gap, None, "the last one that went was seen");
}

#[test]
fn after_a_restart_what_came_before_is_a_gap() {
    let events = kept(9, &[70, 72]);
    assert_eq!(events.following(50, 9).gap, Some(Gap { after: 50, through: 69 }));
    let mut recalled = Events::new(9);
    recalled.begin_after(0);
    recalled.push(decision(70)).unwrap();
    assert_eq!(recalled.following(50, 9).gap, None, "nothing lies between, the driver says");
}

#[test]
fn a_place_beyond_the_newest_line_is_of_another_journal() {
    let events = kept(9, &[3, 5]);
    let following = events.following(900, 9);
    assert_eq!(following.gap, Some(Gap { after: 0, through: 5 }));
    assert!(following.events.is_empty());
}

#[test]
fn a_line_that_is_not_newer_is_refused() {
    let mut events = kept(9, &[3, 5]);
    assert_eq!(events.push(decision(5)), Err(OutOfOrder { found: 5, newest: 5 }));
    assert_eq!(events.push(fate(4, 3)), Err(OutOfOrder { found: 4, newest: 5 }));
    assert_eq!(ids(&events.following(0, 9)), [3, 5]);
}

#[test]
fn a_fate_is_an_event_of_its_own_and_is_told_with_its_decision() {
    let mut events = kept(9, &[3, 5]);
    events.push(fate(6, 3)).unwrap();
    assert_eq!(ids(&events.following(5, 9)), [6]);
    let fates: Vec<Option<u64>> = events
        .decisions()
        .iter()
        .map(|decision| decision.fate.as_ref().map(|fate| fate.id))
        .collect();
    assert_eq!(fates, [Some(6), None]);
}

#[test]
fn a_span_takes_the_first_after_a_line_or_the_last_of_all() {
    let lines = vec![1, 2, 3, 4, 5, 6];
    let of = |after, before, limit| Span { after, before, limit }.of(lines.clone(), |line| *line);
    assert_eq!(of(None, None, 2), [5, 6]);
    assert_eq!(of(None, Some(5), 2), [3, 4]);
    assert_eq!(of(Some(2), None, 2), [3, 4]);
    assert_eq!(of(Some(2), Some(4), 9), [3]);
}

#[test]
fn it_knows_when_a_page_is_not_all_there_is() {
    let events = kept(3, &[3, 5, 8, 9]);
    let covers = |after, before, limit| events.covers(Span { after, before, limit });
    assert!(covers(Some(3), None, 9));
    assert!(!covers(Some(2), None, 9), "line 3 is not kept");
    assert!(covers(None, None, 3));
    assert!(!covers(None, None, 4), "there may be an older one");
    assert!(!covers(None, Some(9), 3));
    assert!(!Events::new(3).covers(Span { after: Some(0), before: None, limit: 1 }));
}
