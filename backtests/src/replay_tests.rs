use super::*;
use crate::outcome::Outcome;
use crate::schedule::{Decide, Span};
use futures::executor::block_on;
use plimsoll_core::approve::Enforcement;
use plimsoll_core::preference::Fraction;
use plimsoll_core::{MarketId, RiskPreference};
use plimsoll_frame::{Column, MarketRow};
use plimsoll_strategies::by_name;
use proptest::prelude::*;

fn market(name: &str) -> MarketId {
    format!("aave-v3:1:{name}").parse().unwrap()
}

/// One row per market and day from rates, the index earning each day the rate of the day before.
fn rows(rates: &[Vec<f64>]) -> Vec<MarketRow> {
    let mut rows = Vec::new();
    for (name, days) in ["a", "b", "c"].into_iter().zip(rates) {
        let mut index = 1.0;
        for (day, rate) in days.iter().enumerate() {
            rows.push(
                MarketRow::empty(market(name), Day(i64::try_from(day).unwrap()).start())
                    .with(Column::SharePrice, Some(index))
                    .with(Column::SupplyApr, Some(*rate)),
            );
            index *= 1.0 + rate / 365.0;
        }
    }
    rows
}

fn span(last: i64) -> Span {
    Span { first: Day(0), last: Day(last), from: None, to: None }
}

fn run(rows: Vec<MarketRow>, spec: &str, bps: u32, decide: Decide) -> Vec<Entry> {
    let frame = MarketFrame::from_rows(rows).unwrap();
    let last = frame.span().unwrap().1.day();
    let schedule = Schedule::regular(&span(last.0), decide).unwrap();
    let strategy = by_name(spec).unwrap();
    let policy = Policy::new(RiskPreference::default(), Enforcement::Off);
    let job = Replay {
        scores: &|_: &View<'_>| Arc::default(),
        frame: &frame,
        strategy: strategy.as_ref(),
        policy: &policy,
        schedule: &schedule,
        turnover_cost: Bps(bps),
        gas: &|_| None,
        scenario: RunScenario { leaving_first: Fraction::of_percent(10) },
        capital: 1_000_000.0,
        marks: Marks::Daily,
    };
    let mut journal = Vec::new();
    block_on(replay(&job, &mut |entry| journal.push(entry))).unwrap();
    journal
}

fn outcome(journal: &[Entry]) -> Outcome {
    Outcome::of(journal, DECIMALS, 1_000_000.0)
}

#[test]
fn a_switch_worked_by_hand() {
    // a pays 3.65 % throughout; b pays 1 % until day 9 and 7.3 % from day 10 on. Decisions are daily
    // from day 8: enter a on day 8, leave for b on day 10, stay to the end on day 14.
    let a = vec![0.0365; 15];
    let b: Vec<f64> = (0..15).map(|day| if day < 10 { 0.01 } else { 0.073 }).collect();
    let journal = run(rows(&[a, b]), "highest-apr", 20, Decide::Daily);
    let outcome = outcome(&journal);
    let expected = 1.0001f64.powi(2) * (1.0 - 0.002) * 1.0002f64.powi(4);
    assert!((outcome.days.last().unwrap().nav - expected).abs() < 1e-12);
    assert_eq!((outcome.switches, outcome.decisions), (1, 6));
    assert!((outcome.turnover - 1.0).abs() < 1e-12);
    assert!((outcome.cost - 0.002).abs() < 1e-12);
    assert_eq!(outcome.gas(), None, "unknown gas is not free gas");
    assert_eq!(outcome.exitable_24h_pct(), None, "unknown exit is not zero");
}

#[test]
fn every_decision_is_in_the_journal_with_its_reason_moves_and_non_moves_alike() {
    let journal =
        run(rows(&[vec![0.05; 12], vec![0.04; 12]]), "mean7-hysteresis", 5, Decide::Daily);
    let decided: Vec<_> = journal
        .iter()
        .filter_map(|entry| match entry {
            Entry::Decided(decided) => Some(decided),
            _ => None,
        })
        .collect();
    assert_eq!(decided.len(), 3);
    assert!(decided[0].reason.starts_with("first entry: aave-v3:1:a"), "{}", decided[0].reason);
    assert!(
        decided[1].reason.starts_with("stay: the best other rate, 4.00 %"),
        "{}",
        decided[1].reason
    );
    assert_eq!(decided[1].alternatives.len(), 2);
}

#[test]
fn a_journal_entry_reads_back_as_it_was_written() {
    for entry in run(rows(&[vec![0.05; 12], vec![0.06; 12]]), "equal", 5, Decide::Daily) {
        let line = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry);
    }
}

proptest! {
    #[test]
    fn altering_every_row_after_a_cut_changes_nothing_before_it(
        rates in proptest::collection::vec(proptest::collection::vec(0.0f64..0.5, 30), 3),
        other in proptest::collection::vec(proptest::collection::vec(0.0f64..0.5, 30), 3),
        cut in 9usize..30,
        spec in prop::sample::select(vec![
            "hold", "equal", "highest-apr", "highest-apr@trailing_days=7", "mean7-hysteresis",
        ]),
    ) {
        let altered: Vec<Vec<f64>> = rates.iter().zip(&other)
            .map(|(rates, other)| rates[..cut].iter().chain(&other[cut..]).copied().collect())
            .collect();
        let until = |journal: Vec<Entry>| -> Vec<Entry> {
            let last = Day(i64::try_from(cut).unwrap() - 1).end();
            journal.into_iter().filter(|entry| match entry {
                Entry::Marked(marked) => marked.time <= last,
                Entry::Decided(decided) => decided.time <= last,
                Entry::Executed(executed) => executed.time <= last,
            }).collect()
        };
        // The rate of day d moves the index of day d + 1, so rows up to the cut are the same.
        let (before, after) = (
            until(run(rows(&rates), spec, 5, Decide::Daily)),
            until(run(rows(&altered), spec, 5, Decide::Daily)),
        );
        prop_assert!(!before.is_empty());
        prop_assert_eq!(before, after, "altering every row after a cut changes nothing before it");
    }

    #[test]
    fn a_replay_gives_the_same_journal_every_time(
        rates in proptest::collection::vec(proptest::collection::vec(0.0f64..0.5, 20), 3)
    ) {
        prop_assert_eq!(
            run(rows(&rates), "mean7-hysteresis", 5, Decide::Daily),
            run(rows(&rates), "mean7-hysteresis", 5, Decide::Daily),
            "the same rows give the same journal"
        );
    }
}
