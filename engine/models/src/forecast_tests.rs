use super::*;
use crate::test_panel::{self, reverting, wandering};
use rand_chacha::ChaCha8Rng;

/// Markets that all start from 4 %.
fn panel(markets: usize, days: i64, next: impl Fn(f64, i64, &mut ChaCha8Rng) -> f64) -> Panel {
    test_panel::panel((markets, days), |_| 0.04, next)
}

fn is_regression(name: &str) -> bool {
    ["median-regression", "elastic-net"].contains(&name)
}

#[test]
fn where_rates_revert_a_regression_serves_and_says_by_how_much() {
    let fit = Fit::at(&panel(90, 160, reverting), Day(159), &|_| true);
    assert!(fit.serving().all(is_regression), "{}", fit.reason);
    assert!(fit.reason.contains("was better than"), "{}", fit.reason);
    assert!(fit.training_rows > 500);
}

#[test]
fn where_rates_wander_the_baseline_serves_and_says_so() {
    let fit = Fit::at(&panel(30, 160, wandering), Day(159), &|_| true);
    assert_eq!(fit.service().forecast, "persistence", "{}", fit.reason);
    assert!(fit.reason.contains("no regression beat it"), "{}", fit.reason);
}

#[test]
fn quiet_markets_that_wander_and_lively_ones_that_revert_are_served_apart() {
    let mut panel = panel(30, 160, reverting);
    let quiet = self::panel(60, 160, wandering);
    for (number, mut track) in quiet.tracks.into_iter().enumerate() {
        track.market = format!("quiet:1:{number:03}").parse().unwrap();
        panel.tracks.push(track);
    }
    let fit = Fit::at(&panel, Day(159), &|_| true);
    let serving: Vec<&str> = fit.serving().collect();
    assert_eq!(serving.len(), 3);
    assert_eq!(serving[0], "persistence", "{}", fit.reason);
    assert!(is_regression(serving[2]), "{}", fit.reason);
    for row in rows_on(&panel, Day(159)) {
        let market = &panel.tracks[row.track].market;
        let is_quiet = market.protocol() == "quiet";
        if row.deviation30 <= fit.groups[0].up_to {
            assert!(is_quiet);
            assert_eq!(fit.forecast(market, &row).name(), "persistence");
        }
    }
}

#[test]
fn a_market_on_which_nothing_was_measured_is_forecast_by_its_newest_rate() {
    let panel = panel(90, 160, reverting);
    let fit = Fit::at(&panel, Day(159), &|place| place != 7);
    let market = |row: &Row| &panel.tracks[row.track].market;
    for row in rows_on(&panel, Day(159)) {
        let (forecast, rate) = (fit.forecast(market(&row), &row), 0.05);
        let (low, high) = fit.interval(market(&row), &row, rate).unwrap();
        if row.track == 7 {
            assert_eq!(forecast.name(), "persistence");
            let group = fit.groups.iter().find(|group| row.deviation30 <= group.up_to).unwrap();
            assert!(
                group.half_width_unmeasured > group.half_width,
                "the newest rate misses by more"
            );
            let half = group.half_width_unmeasured.unwrap() * row.scale;
            assert!((high - rate - half).abs() < 1e-15 && low <= rate);
        } else {
            assert!(is_regression(forecast.name()));
        }
    }
}

#[test]
fn names_are_those_of_the_forecasts() {
    let fit = Fit::at(&panel(30, 160, reverting), Day(159), &|_| true);
    let names: Vec<&str> =
        fit.candidates.iter().map(|candidate| candidate.forecast.name()).collect();
    assert_eq!(names, Forecast::NAMES);
}

#[test]
fn a_regression_that_stops_working_is_switched_off() {
    // Rates revert for 120 days and then wander: what was learnt is wrong now.
    let changing = |rate: f64, day: i64, random: &mut ChaCha8Rng| {
        if day < 120 { reverting(rate, day, random) } else { wandering(rate, day, random) }
    };
    let panel = panel(30, 200, changing);
    assert!(Fit::at(&panel, Day(119), &|_| true).serving().all(is_regression));
    let later = Fit::at(&panel, Day(170), &|_| true);
    assert!(!later.serving().any(is_regression), "{}", later.reason);
}

#[test]
fn a_short_history_has_a_baseline_and_says_why() {
    let fit = Fit::at(&panel(5, 40, wandering), Day(39), &|_| true);
    assert!(!fit.serving().any(is_regression));
    assert!(fit.reason.contains("too little history"), "{}", fit.reason);
    let nothing = Fit::at(&panel(1, 3, wandering), Day(2), &|_| true);
    assert_eq!(nothing.service().forecast, "persistence");
    assert_eq!(nothing.groups.iter().map(|group| group.half_width).collect::<Vec<_>>(), [None]);
}

#[test]
fn nine_of_ten_outcomes_lie_in_the_interval() {
    let panel = panel(40, 220, reverting);
    let fit = Fit::at(&panel, Day(150), &|_| true);
    let (mut inside, mut all) = (0.0, 0.0);
    for day in 158..=212 {
        for row in rows_on(&panel, Day(day)) {
            let market = &panel.tracks[row.track].market;
            let rate = fit.forecast(market, &row).of(&row);
            let (low, high) = fit.interval(market, &row, rate).unwrap();
            let label = row.label.unwrap();
            inside += f64::from(u8::from((low..=high).contains(&label)));
            all += 1.0;
        }
    }
    assert!((inside / all - COVERAGE).abs() < 0.05, "{} of {all}", inside / all);
}

#[test]
fn nothing_after_the_day_of_the_fit_changes_it() {
    let whole = panel(20, 200, reverting);
    let mut cut = whole.clone();
    for track in &mut cut.tracks {
        for (place, day) in track.days.iter_mut().enumerate() {
            if place > 150 {
                day.supply_apr = Some(9.0);
                day.share_price = Some(9.0);
            }
        }
    }
    assert_eq!(Fit::at(&whole, Day(150), &|_| true), Fit::at(&cut, Day(150), &|_| true));
    assert_eq!(
        rows_on(&whole, Day(150)).iter().map(|row| row.features).collect::<Vec<_>>(),
        rows_on(&cut, Day(150)).iter().map(|row| row.features).collect::<Vec<_>>()
    );
}
