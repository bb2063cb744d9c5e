use super::*;
use plimsoll_core::{ChainId, Time};

const APR: f64 = 0.05;
/// The first day of every feed here, 2024-01-01.
const FIRST: i64 = 19_723;

fn market() -> MarketId {
    MarketId::new("aave-v3", ChainId(1), "0xa")
}

/// A healthy observation on day `day`: 5 % a year, six decimals in the index.
fn healthy(day: i64) -> Observation {
    let index = ((1.1 * (1.0 + APR * day as f64 / 365.0)) * 1e6).round() / 1e6;
    let row = MarketRow::empty(market(), Day(FIRST + day).start())
        .with(Column::SharePrice, Some(index))
        .with(Column::SupplyApr, Some(APR));
    Observation {
        index_decimals: Some(6),
        borrowable: Some(true),
        borrow_apr: Some(0.07),
        ..Observation::of(row, "USDC")
    }
}

fn with(day: i64, column: Column, value: f64) -> Observation {
    let mut observation = healthy(day);
    observation.row.set(column, Some(value));
    observation
}

/// Runs the gate and returns what came through on the last day, and the table without first
/// observations.
fn run(observations: Vec<Observation>) -> (Option<MarketRow>, Vec<(Defect, Action, u64)>) {
    let mut gate = Gate::new("test", GateSettings::default());
    let mut last = None;
    for observation in observations {
        last = gate.admit(observation);
    }
    let report = gate.report();
    let lines = report
        .rows()
        .filter(|line| line.defect != Defect::FirstObservation)
        .map(|line| (line.defect, line.action, line.rows))
        .collect();
    (last, lines)
}

fn healthy_days(days: i64) -> Vec<Observation> {
    (0..days).map(healthy).collect()
}

#[test]
fn what_falls_with_the_root_of_its_pairs_price_is_no_loss_and_what_falls_without_is() {
    let fall = |index: f64, price: Option<f64>| {
        let mut days = healthy_days(3);
        days.iter_mut().for_each(|day| day.row.set(Column::PairPrice, price.map(|_| 2_500.0)));
        let was = days[2].row.get(Column::SharePrice).unwrap();
        let mut last = with(3, Column::SharePrice, was * index);
        last.row.set(Column::PairPrice, price);
        days.push(last);
        run(days).1.iter().any(|(defect, ..)| *defect == Defect::FallingIndex)
    };
    assert!(fall(0.95, None), "nothing explains it");
    assert!(!fall(0.9, Some(2_500.0 * 0.81)), "a pool's share follows the root");
    assert!(!fall(0.901, Some(2_500.0 * 0.81)), "with fees on top");
    assert!(fall(0.95, Some(2_500.0)), "a pool's rate fell and no price did");
    assert!(
        fall(0.95, Some(2_500.0 * 0.95)),
        "a staked token is worth less because it was slashed"
    );
}

#[test]
fn a_healthy_feed_passes_untouched_but_for_its_first_row() {
    let mut gate = Gate::new("test", GateSettings::default());
    assert_eq!(gate.admit(healthy(0)), None);
    for day in 1..60 {
        assert_eq!(gate.admit(healthy(day)), Some(healthy(day).row), "day {day}");
    }
    let report = gate.report();
    let lines: Vec<_> = report.rows().collect();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].defect, lines[0].rows), (Defect::FirstObservation, 1));
}

#[test]
fn a_number_that_cannot_be_is_taken_out_and_the_index_of_its_row_stays() {
    for (bad, defect) in [
        (f64::NAN, Defect::NotANumber),
        (f64::INFINITY, Defect::NotANumber),
        (-0.01, Defect::OutOfRange),
    ] {
        for column in [Column::SupplyApr, Column::Utilization, Column::TvlUsd] {
            let mut days = healthy_days(3);
            days.push(with(3, column, bad));
            let (row, lines) = run(days);
            let row = row.unwrap();
            assert_eq!(row.get(column), None);
            assert_eq!(row.get(Column::SharePrice), healthy(3).row.get(Column::SharePrice));
            assert_eq!(lines, vec![(defect, Action::ValueWithheld, 1)], "{bad}");
        }
    }
}

#[test]
fn a_row_whose_index_cannot_be_is_dropped() {
    for bad in [f64::NAN, 0.0, -1.0] {
        let mut days = healthy_days(3);
        days.push(with(3, Column::SharePrice, bad));
        assert_eq!(run(days).0, None, "{bad}");
    }
}

#[test]
fn a_time_that_cannot_be_is_dropped_and_named() {
    let mut days = healthy_days(3);
    let mut late = healthy(3);
    late.row.time = Time(i64::MAX);
    days.push(late);
    let (row, lines) = run(days);
    assert_eq!((row, lines), (None, vec![(Defect::OutOfRange, Action::Dropped, 1)]));
}

#[test]
fn percent_of_a_low_rate_is_caught_within_days_by_what_the_index_grew() {
    // 0.19 % a year, in percent: 0.19 reads as 19 %.
    let days = (0..12).map(|day| {
        let index = ((1.0 + 0.0019 * day as f64 / 365.0) * 1e6).round() / 1e6;
        let mut observation = with(day, Column::SharePrice, index);
        observation.row.set(Column::SupplyApr, Some(0.19));
        observation
    });
    let (row, lines) = run(days.collect());
    assert_eq!(row.unwrap().get(Column::SupplyApr), None);
    assert_eq!(lines, vec![(Defect::UnitSlip, Action::RateWithheld, 5)]);
}

#[test]
fn percent_read_as_a_fraction_is_caught_by_the_index() {
    let days = (0..10).map(|day| with(day, Column::SupplyApr, APR * 100.0)).collect();
    let (row, lines) = run(days);
    assert_eq!(row.unwrap().get(Column::SupplyApr), None);
    assert_eq!(lines, vec![(Defect::UnitSlip, Action::RateWithheld, 9)]);
}

#[test]
fn one_row_of_percent_is_caught_by_the_past() {
    let mut days = healthy_days(10);
    days.push(with(10, Column::SupplyApr, APR * 100.0));
    days.push(healthy(11));
    let (row, lines) = run(days);
    assert_eq!(row.unwrap().get(Column::SupplyApr), Some(APR), "the next row is sound again");
    assert_eq!(lines, vec![(Defect::UnitSlip, Action::RateWithheld, 1)]);
}

#[test]
fn a_rate_above_one_hundred_percent_needs_the_index_to_confirm_it() {
    let mut days = healthy_days(5);
    days.push(with(5, Column::SupplyApr, 1.2));
    let (row, lines) = run(days);
    assert_eq!(row.unwrap().get(Column::SupplyApr), None);
    assert_eq!(lines, vec![(Defect::ImplausibleRate, Action::RateWithheld, 1)]);
}

#[test]
fn a_feed_whose_index_stands_still_is_frozen_after_three_days_and_thaws() {
    let mut days = healthy_days(3);
    let still = healthy(2).row.get(Column::SharePrice).unwrap();
    days.extend((3..8).map(|day| with(day, Column::SharePrice, still)));
    let (row, lines) = run(days.clone());
    let row = row.unwrap();
    assert_eq!(row.get(Column::SupplyApr), None, "nobody buys on a frozen feed");
    assert_eq!(row.get(Column::SharePrice), Some(still), "a holder is still valued");
    assert_eq!(lines, vec![(Defect::FrozenFeed, Action::RateWithheld, 3)]);
    days.push(healthy(8));
    assert_eq!(run(days).0.unwrap().get(Column::SupplyApr), Some(APR));
}

#[test]
fn a_collateral_only_market_with_no_rate_is_not_frozen() {
    let days = (0..10)
        .map(|day| {
            let mut observation = with(day, Column::SupplyApr, 0.0);
            observation.row.set(Column::SharePrice, Some(1.0));
            Observation { borrowable: Some(false), borrow_apr: Some(0.0), ..observation }
        })
        .collect();
    let (row, lines) = run(days);
    assert_eq!(row.unwrap().get(Column::SupplyApr), Some(0.0));
    assert_eq!(lines, vec![]);
}

#[test]
fn a_zero_rate_on_a_market_that_lends_is_missing_not_zero() {
    let days = (0..4)
        .map(|day| {
            let mut observation = with(day, Column::SupplyApr, 0.0);
            observation.row.set(Column::SharePrice, Some(1.0));
            Observation { borrow_apr: Some(0.0), ..observation }
        })
        .collect();
    let (row, lines) = run(days);
    assert_eq!(row.unwrap().get(Column::SupplyApr), None);
    assert_eq!(lines, vec![(Defect::ZeroRate, Action::RateWithheld, 3)]);
}

#[test]
fn a_first_row_of_another_network_never_reaches_the_frame_and_is_named() {
    let mut days = vec![with(0, Column::SharePrice, 1.0877)];
    days.extend((1..4).map(|day| with(day, Column::SharePrice, 1.0 + 1e-4 * (day - 1) as f64)));
    let mut gate = Gate::new("test", GateSettings::default());
    let rows: Vec<_> = days.into_iter().filter_map(|day| gate.admit(day)).collect();
    assert_eq!(rows[0].get(Column::SharePrice), Some(1.0));
    let report = gate.report();
    let foreign: Vec<_> =
        report.rows().filter(|line| line.defect == Defect::ForeignNetwork).collect();
    assert_eq!((foreign.len(), foreign[0].rows, foreign[0].action), (1, 1, Action::Dropped));
    assert_eq!(foreign[0].first, Day(FIRST));
    assert!(!report.rows().any(|line| line.defect == Defect::FallingIndex));
}

#[test]
fn a_row_whose_own_key_names_another_network_is_dropped() {
    let mut days = healthy_days(3);
    days.push(Observation { key_network: Some(ChainId(56)), ..healthy(3) });
    let (row, lines) = run(days);
    assert_eq!(row, None);
    assert_eq!(lines, vec![(Defect::ForeignNetwork, Action::Dropped, 1)]);
}

#[test]
fn a_falling_index_is_kept_and_flagged() {
    let mut days = healthy_days(5);
    days.push(with(5, Column::SharePrice, 1.05));
    let (row, lines) = run(days);
    let row = row.unwrap();
    assert_eq!(row.get(Column::SharePrice), Some(1.05));
    assert_eq!(row.get(Column::SupplyApr), Some(APR));
    assert_eq!(lines, vec![(Defect::FallingIndex, Action::Flagged, 1)]);
}

#[test]
fn a_row_older_than_the_one_before_it_keeps_its_index_and_loses_its_rate() {
    let touched = |day: i64, at: i64| Observation { updated_at: Some(Time(at)), ..healthy(day) };
    let days = vec![touched(0, 10), touched(1, 20), touched(2, 5), touched(3, 6), touched(4, 30)];
    let mut gate = Gate::new("test", GateSettings::default());
    let rows: Vec<_> = days.into_iter().filter_map(|day| gate.admit(day)).collect();
    let rates: Vec<_> = rows.iter().map(|row| row.get(Column::SupplyApr)).collect();
    assert_eq!(rates, vec![Some(APR), None, None, Some(APR)]);
    assert!(rows.iter().all(|row| row.get(Column::SharePrice).is_some()));
}

#[test]
fn duplicates_renames_gaps_and_closed_markets_are_in_the_table() {
    let mut days = healthy_days(3);
    days.push(healthy(2));
    days.push(Observation { symbol: "USDC.e".into(), ..healthy(6) });
    days.push(Observation { symbol: "USDC.e".into(), takes_deposits: Some(false), ..healthy(7) });
    let (row, lines) = run(days);
    assert_eq!(row.unwrap().get(Column::EntryUsd), Some(0.0), "a closed market takes nothing");
    assert_eq!(
        lines,
        vec![
            (Defect::Gap, Action::Flagged, 3),
            (Defect::Duplicate, Action::Dropped, 1),
            (Defect::RenamedSymbol, Action::Flagged, 1),
            (Defect::DepositsClosed, Action::Flagged, 1),
        ]
    );
}

#[test]
fn flag_only_drops_nothing_that_a_frame_can_hold() {
    let mut gate =
        Gate::new("test", GateSettings { mode: GateMode::FlagOnly, ..GateSettings::default() });
    assert!(gate.admit(healthy(0)).is_some());
    let stale = Observation { marked_stale: true, takes_deposits: Some(false), ..healthy(1) };
    let row = gate.admit(stale).unwrap();
    assert_eq!(row.get(Column::SupplyApr), Some(APR));
    assert_eq!(row.get(Column::EntryUsd), None);
    assert!(gate.report().rows().all(|line| line.action == Action::Flagged));
}

proptest::proptest! {
    #[test]
    fn what_the_gate_does_to_a_row_does_not_depend_on_later_rows(
        indices in proptest::collection::vec(0.9f64..1.5, 2..30),
        aprs in proptest::collection::vec(0.0f64..8.0, 30),
        cut in 0usize..30,
    ) {
        let cut = cut.min(indices.len());
        let observe = |alter: bool| indices.iter().zip(&aprs).enumerate().map(|(day, (index, apr))| {
            let day_number = i64::try_from(day).unwrap();
            let mut observation = with(day_number, Column::SharePrice, if alter && day >= cut { 1.0 } else { *index });
            observation.row.set(Column::SupplyApr, Some(if alter && day >= cut { 0.5 } else { *apr }));
            observation
        }).collect::<Vec<_>>();
        let admit = |observations: Vec<Observation>| {
            let mut gate = Gate::new("test", GateSettings::default());
            let admitted: Vec<_> = observations.into_iter().map(|row| gate.admit(row)).collect();
            admitted.into_iter().take(cut).collect::<Vec<_>>()
        };
        proptest::prop_assert_eq!(
            admit(observe(false)), admit(observe(true)),
            "what the gate does to a row does not depend on later rows"
        );
    }
}
