use super::*;
use plimsoll_core::Day;
use proptest::prelude::*;

fn row(market: &str, time: i64, apr: Option<f64>) -> MarketRow {
    MarketRow::empty(market.parse().unwrap(), Time(time)).with(Column::SupplyApr, apr)
}

fn frame() -> MarketFrame {
    MarketFrame::from_rows(vec![
        row("a:1:x", 2, None),
        row("b:1:x", 1, Some(0.5)),
        row("a:1:x", 1, Some(0.1)),
    ])
    .unwrap()
}

#[test]
fn rows_are_sorted_by_time_then_market_and_missing_stays_null() {
    let frame = frame();
    assert_eq!(frame.height(), 3);
    let aprs: Vec<_> = frame.numbers(Column::SupplyApr).unwrap().iter().collect();
    assert_eq!(aprs, vec![Some(0.1), Some(0.5), None]);
    assert_eq!(frame.table().column("tvl_usd").unwrap().null_count(), 3);
}

#[test]
fn a_table_of_another_shape_is_refused_by_name() {
    let table = frame().table().clone();
    let missing = table.drop("utilization").unwrap();
    let message = MarketFrame::try_new(missing).unwrap_err().to_string();
    assert!(message.starts_with("column `utilization` is missing"), "{message}");

    let mut extra = table.clone();
    extra.with_column(Int64Chunked::from_vec(pl("symbol"), vec![1, 2, 3]).into_column()).unwrap();
    let message = MarketFrame::try_new(extra).unwrap_err().to_string();
    assert!(message.starts_with("column `symbol` is not part of the schema"), "{message}");

    let mut wrong = table;
    wrong
        .with_column(Int64Chunked::from_vec(pl("supply_apr"), vec![1, 2, 3]).into_column())
        .unwrap();
    let message = MarketFrame::try_new(wrong).unwrap_err().to_string();
    assert_eq!(message, "column `supply_apr` is i64, expected f64");
}

#[test]
fn numbers_out_of_range_are_refused_with_row_market_and_time() {
    for bad in [f64::NAN, -0.01, f64::INFINITY] {
        let error =
            MarketFrame::from_rows(vec![row("a:1:x", 0, Some(bad))]).unwrap_err().to_string();
        assert!(error.contains("row 0: a:1:x at 1970-01-01T00:00:00Z: `supply_apr` is"), "{error}");
        assert!(error.contains("allowed is a finite number >= 0, or null"), "{error}");
    }
}

#[test]
fn a_second_row_for_a_market_and_time_is_refused() {
    let error =
        MarketFrame::from_rows(vec![row("a:1:x", 5, None), row("a:1:x", 5, None)]).unwrap_err();
    assert!(matches!(error, FrameError::Unsorted { row: 1, .. }), "{error}");
}

#[test]
fn a_view_holds_nothing_after_its_clock() {
    let frame = frame();
    let view = frame.view(Time(1));
    assert_eq!(view.table().height(), 2);
    assert_eq!(view.quotes().len(), 2);
    assert!(frame.view(Time(0)).quotes().is_empty());
    assert_eq!(
        frame.view(Time(2)).last_known(&"a:1:x".parse().unwrap(), Column::SupplyApr),
        Some(0.1)
    );
}

#[test]
fn a_market_not_seen_for_two_days_is_stale_and_not_open() {
    let day = Day(20_000);
    let at = |clock: Day| {
        let row = row("a:1:x", day.start().0, Some(0.1)).with(Column::SharePrice, Some(1.0));
        let frame = MarketFrame::from_rows(vec![row]).unwrap();
        frame.view(clock.end()).quote(&"a:1:x".parse().unwrap()).unwrap()
    };
    assert!(at(day).is_open() && at(day.plus(1)).is_open());
    assert!(!at(day.plus(2)).is_fresh && !at(day.plus(2)).is_open());
}

#[test]
fn a_trailing_mean_leaves_out_missing_days_and_days_before_the_window() {
    let day = |n: i64, apr| row("a:1:x", Day(n).start().0 + 20, apr);
    let frame = MarketFrame::from_rows(vec![
        day(0, Some(9.0)),
        day(1, Some(0.1)),
        day(2, None),
        day(3, Some(0.3)),
    ])
    .unwrap();
    let means = frame.view(Day(3).end()).trailing_mean(Column::SupplyApr, 3);
    assert!((means[0].1 - 0.2).abs() < 1e-15);
    assert_eq!(frame.view(Day(3).end()).trailing(3).height(), 3);
}

#[test]
fn a_subset_keeps_the_rows_of_its_markets_alone() {
    let frame = frame();
    let subset = frame.subset(&["b:1:x".parse().unwrap(), "c:1:x".parse().unwrap()]).unwrap();
    assert_eq!(subset.height(), 1);
    assert_eq!(subset.markets().len(), 1);
}

proptest! {
    #[test]
    fn what_a_view_shows_does_not_depend_on_later_rows(
        aprs in proptest::collection::vec(0.0f64..1.0, 2..40), cut in 0usize..40, other in 0.0f64..1.0
    ) {
        let cut = cut.min(aprs.len() - 1);
        let rows = |alter: bool| aprs.iter().enumerate().map(|(day, apr)| {
            let apr = if alter && day > cut { other } else { *apr };
            row("a:1:x", Day(i64::try_from(day).unwrap()).start().0, Some(apr))
        }).collect::<Vec<_>>();
        let clock = Day(i64::try_from(cut).unwrap()).end();
        let (a, b) = (MarketFrame::from_rows(rows(false)).unwrap(), MarketFrame::from_rows(rows(true)).unwrap());
        let (a, b) = (a.view(clock), b.view(clock));
        prop_assert!(a.table().equals_missing(&b.table()), "rows after the clock change nothing in the table");
        prop_assert_eq!(a.quotes(), b.quotes(), "rows after the clock change no quote");
        prop_assert_eq!(
            a.trailing_mean(Column::SupplyApr, 7), b.trailing_mean(Column::SupplyApr, 7),
            "rows after the clock change no mean"
        );
    }
}
