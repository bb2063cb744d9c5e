use super::*;
use crate::forecast::Forecast;
use crate::panel::DayRow;
use crate::test_panel::{self, reverting};
use rand_chacha::ChaCha8Rng;

/// Markets of which each starts from a higher rate than the one before it.
fn panel(markets: usize, days: i64, next: impl Fn(f64, i64, &mut ChaCha8Rng) -> f64) -> Panel {
    test_panel::panel((markets, days), |number| 0.03 + 0.001 * number as f64, next)
}

/// One market in five is never trained on.
fn is_seen(market: &MarketId) -> bool {
    !market.as_str().ends_with(['0', '5'])
}

fn line<'a>(card: &'a Scorecard, split: Split, model: &str, metric: Metric) -> &'a Line {
    let is_it = |line: &&Line| line.split == split && line.model == model && line.metric == metric;
    card.lines.iter().find(is_it).unwrap()
}

/// The index restated: over any seven days of one rate it grows by simple interest, as the label has it.
fn simple(mut panel: Panel) -> Panel {
    for track in &mut panel.tracks {
        let mut index = 1.0;
        for day in &mut track.days {
            day.share_price = Some(index);
            index *= (1.0 + day.supply_apr.unwrap() * 7.0 / 365.0).powf(1.0 / 7.0);
        }
    }
    panel
}

#[test]
fn a_rule_that_is_always_right_has_no_error() {
    let constant = simple(panel(20, 150, |rate, _, _| rate));
    let card = scorecard(&constant, ScoredDays::new(Day(110), Day(142)), &is_seen).unwrap();
    for split in [Split::Seen, Split::Unseen] {
        let persistence = line(&card, split, "persistence", Metric::MaePct);
        assert!(persistence.value.unwrap() < 1e-9 && persistence.hi.unwrap() < 1e-9);
        let markets = if split == Split::Seen { 16 } else { 4 };
        assert_eq!(persistence.n, markets * 33);
        assert!(!persistence.in_service);
        let service = line(&card, split, SERVICE, Metric::MaePct);
        assert!(service.in_service && service.value.unwrap() < 1e-9);
    }
}

#[test]
fn where_rates_revert_what_serves_beats_every_baseline_and_is_the_newest_rate_on_unseen_markets() {
    let card = scorecard(&panel(60, 220, reverting), ScoredDays::new(Day(150), Day(212)), &is_seen)
        .unwrap();
    for model in [SERVICE, SERVICE_ONCE] {
        let less = line(&card, Split::Seen, model, Metric::MaeLessBestBaselinePct);
        assert!(less.hi.unwrap() < 0.0, "{less:?}");
        assert!(less.over_markets.unwrap().1 < 0.0, "{less:?}");
        let unseen = |model: &str| line(&card, Split::Unseen, model, Metric::MaePct).value;
        assert_eq!(unseen(model), unseen("persistence"));
        assert!(unseen(model) > unseen("elastic-net"), "here the care costs something");
    }
    for split in [Split::Seen, Split::Unseen] {
        let mae = |model: &str| line(&card, split, model, Metric::MaePct).value.unwrap();
        let best = line(&card, split, SERVICE, Metric::MaeLessBestBaselinePct);
        let difference = mae(SERVICE) - mae(best.against.unwrap());
        assert!((difference - best.value.unwrap()).abs() < 1e-12, "the difference is paired");
    }
}

#[test]
fn nine_of_ten_outcomes_lie_in_the_interval_of_what_serves() {
    let card = scorecard(&panel(60, 220, reverting), ScoredDays::new(Day(150), Day(212)), &is_seen)
        .unwrap();
    for split in [Split::Seen, Split::Unseen] {
        let inside = line(&card, split, SERVICE, Metric::Coverage);
        assert!((inside.value.unwrap() - 0.9).abs() < 0.05, "{inside:?}");
        assert!(line(&card, split, SERVICE, Metric::WidthPct).value.unwrap() > 0.0);
    }
}

#[test]
fn no_baseline_is_in_service_and_every_model_has_every_figure() {
    let card = scorecard(&panel(30, 150, reverting), ScoredDays::new(Day(120), Day(142)), &is_seen)
        .unwrap();
    let baselines = ["persistence", "mean7", "half-and-half"];
    assert!(card.lines.iter().all(|line| !line.in_service || !baselines.contains(&line.model)));
    for model in Forecast::NAMES.into_iter().chain([SERVICE_ONCE, SERVICE]) {
        let of_model = card.lines.iter().filter(|line| line.model == model);
        let in_service = line(&card, Split::Seen, model, Metric::MaePct).in_service;
        assert_eq!(of_model.count(), if in_service { 10 } else { 6 }, "{model}");
    }
}

#[test]
fn what_cannot_be_fitted_is_unknown_and_not_zero() {
    let card =
        scorecard(&panel(20, 90, reverting), ScoredDays::new(Day(60), Day(82)), &is_seen).unwrap();
    let regression = line(&card, Split::Seen, "median-regression", Metric::MaePct);
    assert_eq!((regression.value, regression.lo, regression.n), (None, None, 0));
    assert!(card.fit.reason.contains("too little history"), "{}", card.fit.reason);
}

#[test]
fn the_past_of_an_unseen_market_changes_no_fit() {
    let whole = panel(40, 200, reverting);
    let mut altered = whole.clone();
    for track in altered.tracks.iter_mut().filter(|track| !is_seen(&track.market)) {
        for day in &mut track.days {
            day.supply_apr = day.supply_apr.map(|rate| 3.0 * rate + 0.1);
        }
    }
    let days = ScoredDays::new(Day(140), Day(192));
    let (one, other) =
        (scorecard(&whole, days, &is_seen).unwrap(), scorecard(&altered, days, &is_seen).unwrap());
    assert_eq!(one.fit, other.fit);
    assert_eq!(one.served, other.served);
    assert_ne!(one.lines, other.lines, "the unseen markets themselves are scored differently");
}

#[test]
fn what_comes_after_the_last_label_changes_nothing_and_training_ends_before_the_scored_days() {
    let whole = panel(30, 200, reverting);
    let days = ScoredDays::new(Day(140), Day(170));
    assert_eq!(days.train_to, Day(132));
    let altered = |from: i64| {
        let mut panel = whole.clone();
        for day in panel
            .tracks
            .iter_mut()
            .flat_map(|t| t.days.iter_mut().skip(usize::try_from(from).unwrap()))
        {
            *day = DayRow { supply_apr: Some(9.0), share_price: Some(9.0), ..DayRow::default() };
        }
        scorecard(&panel, days, &is_seen).unwrap()
    };
    let card = scorecard(&whole, days, &is_seen).unwrap();
    assert_eq!(card, altered(178));
    assert_eq!(card.fit, altered(133).fit);
}

#[test]
fn days_without_labels_or_without_a_past_are_refused_with_the_remedy() {
    let panel = panel(20, 150, reverting);
    let refused = |from: i64, to: i64| {
        scorecard(&panel, ScoredDays::new(Day(from), Day(to)), &is_seen).unwrap_err()
    };
    assert!(matches!(
        refused(145, 149),
        ScorecardError::NoLabels { remedy: Remedy::Until(Day(142)), .. }
    ));
    assert_eq!(last_labelled(&panel), Some(Day(142)));
    // Long before the data: refused at once, however many days that are.
    assert!(matches!(refused(-700_000, 60), ScorecardError::TooLittle { .. }));
    let ScorecardError::TooLittle { remedy: Remedy::From(first), .. } = refused(25, 60) else {
        panic!("there is no month before day 25");
    };
    assert!(scorecard(&panel, ScoredDays::new(first, Day(60)), &is_seen).is_ok());
    let before = ScoredDays::new(first.plus(-1), Day(60));
    assert!(scorecard(&panel, before, &is_seen).is_err());
}

#[test]
fn the_naive_rules_are_scored_on_every_row_with_a_rate_and_a_label() {
    let constant = simple(panel(3, 30, |rate, _, _| rate));
    let found = naive(&constant, Day(0), Day(29));
    assert_eq!(found.n, 3 * 23);
    assert!(found.spot_mae_pct.unwrap() < 1e-9 && found.mean7_mae_pct.unwrap() < 1e-9);
    let none = naive(&constant, Day(23), Day(29));
    assert_eq!((none.n, none.spot_mae_pct), (0, None));
}
