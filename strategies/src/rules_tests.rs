//! Every rule, worked by hand, and the property that holds for all of them.

use super::*;
use plimsoll_allocate::AllocatorSettings;
use plimsoll_core::journal::Executed;
use plimsoll_core::preference::Fraction;
use plimsoll_core::{
    Amount, Day, Enforcement, Limit, MarketId, Policy, RiskLine, RiskPreference, Time,
};
use plimsoll_frame::{
    Column, Costs, MarketFrame, MarketRow, Reason, Score, Scores, Situation, Strategy,
    StrategyError, View,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn market(name: &str) -> MarketId {
    format!("aave-v3:1:{name}").parse().unwrap()
}

/// One row per market and day; `None` is a rate that was withheld.
fn frame(rates: &[(&str, &[Option<f64>])]) -> MarketFrame {
    let rows = rates.iter().flat_map(|(name, days)| {
        days.iter().enumerate().map(|(day, rate)| {
            let time = Day(i64::try_from(day).unwrap()).start();
            MarketRow::empty(market(name), time)
                .with(Column::SupplyApr, *rate)
                .with(Column::SharePrice, Some(1.0))
        })
    });
    MarketFrame::from_rows(rows.collect()).unwrap()
}

fn decide(spec: &str, frame: &MarketFrame, held: &[(&str, f64)]) -> plimsoll_frame::Target {
    let held = held.iter().map(|(name, weight)| (market(name), *weight)).collect();
    let (_, last) = frame.span().unwrap();
    ask(by_name(spec).unwrap().as_ref(), frame.view(last.day().end()), &held).unwrap()
}

/// What a rule wants without scores, costs or limits.
fn ask(
    strategy: &dyn Strategy,
    view: View<'_>,
    held: &BTreeMap<MarketId, f64>,
) -> Result<plimsoll_frame::Target, StrategyError> {
    let preference = RiskPreference::of_line(RiskLine::Balanced);
    strategy.target(&Situation {
        view,
        scores: &Scores::default(),
        held,
        facts: &BTreeMap::new(),
        nav: 1.0,
        executed: &[],
        decimals: 18,
        costs: Costs::default(),
        policy: &Policy::new(preference, Enforcement::Off),
        leaving_first: Fraction::of_percent(10),
    })
}

fn all_in(target: &plimsoll_frame::Target) -> Option<String> {
    let weights = target.wanted()?;
    assert_eq!(
        weights.values().copied().map(f64::to_bits).collect::<Vec<_>>(),
        vec![1f64.to_bits()]
    );
    weights.keys().next().map(|market| market.address().to_owned())
}

#[test]
fn highest_apr_takes_the_newest_rate_or_the_mean() {
    let frame = frame(&[("a", &[Some(0.02), Some(0.09)]), ("b", &[Some(0.08), Some(0.06)])]);
    assert_eq!(all_in(&decide("highest-apr", &frame, &[])), Some("a".to_owned()));
    // Means over two days: a 5.5 %, b 7 %.
    assert_eq!(all_in(&decide("highest-apr@trailing_days=2", &frame, &[])), Some("b".to_owned()));
}

#[test]
fn highest_apr_stays_where_it_is_best_and_says_what_is_second() {
    let frame = frame(&[("a", &[Some(0.05)]), ("b", &[Some(0.04)])]);
    let target = decide("highest-apr", &frame, &[("a", 1.0)]);
    assert_eq!(target.wanted(), None);
    assert_eq!(
        target.reason.to_string(),
        "stay: the best other rate, 4.00 %, does not beat 5.00 %"
    );
    assert_eq!(target.alternatives.len(), 2);
}

#[test]
fn hysteresis_moves_only_for_more_than_its_margin() {
    let just_below = frame(&[("a", &[Some(0.05)]), ("b", &[Some(0.0599)])]);
    assert_eq!(decide("mean7-hysteresis", &just_below, &[("a", 1.0)]).wanted(), None);
    let above = frame(&[("a", &[Some(0.05)]), ("b", &[Some(0.0601)])]);
    assert_eq!(all_in(&decide("mean7-hysteresis", &above, &[("a", 1.0)])), Some("b".to_owned()));
    assert_eq!(decide("mean7-hysteresis@margin=0.02", &above, &[("a", 1.0)]).wanted(), None);
}

#[test]
fn equal_spreads_over_open_markets_and_leaves_what_cannot_be_bought() {
    let frame = frame(&[("a", &[Some(0.05)]), ("b", &[Some(0.0)]), ("c", &[None])]);
    let target = decide("equal", &frame, &[("c", 0.4)]);
    let weights = target.wanted().unwrap();
    assert!((weights[&market("a")] - 0.3).abs() < 1e-15);
    assert!((weights[&market("b")] - 0.3).abs() < 1e-15);
    assert!((weights[&market("c")] - 0.4).abs() < 1e-15);
    assert_eq!(target.reason, Reason::Equal { markets: 2 });
}

#[test]
fn hold_enters_the_named_market_and_never_moves() {
    let frame = frame(&[("a", &[Some(0.01)]), ("b", &[Some(0.09)])]);
    assert_eq!(all_in(&decide("hold@market=aave-v3:1:a", &frame, &[])), Some("a".to_owned()));
    assert_eq!(all_in(&decide("hold", &frame, &[])), Some("b".to_owned()));
    assert_eq!(decide("hold", &frame, &[("a", 1.0)]).wanted(), None);
    let unknown = by_name("hold@market=aave-v3:1:zzz").unwrap();
    let error =
        ask(unknown.as_ref(), frame.view(Time(i64::MAX / 2)), &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("market aave-v3:1:zzz has not been observed"), "{error}");
}

#[test]
fn a_held_market_with_an_unknown_rate_is_held_for_a_week_and_then_left() {
    let rate = Some(0.05);
    let short = frame(&[("a", &[rate, rate, None, None]), ("b", &[Some(0.2); 4])]);
    assert_eq!(decide("highest-apr", &short, &[("a", 1.0)]).wanted(), None);
    let long = frame(&[
        ("a", &[rate, None, None, None, None, None, None, None, None]),
        ("b", &[Some(0.2); 9]),
    ]);
    assert_eq!(all_in(&decide("highest-apr", &long, &[("a", 1.0)])), Some("b".to_owned()));
}

#[test]
fn the_allocator_takes_its_parameters_within_their_ranges() {
    let given = by_name("allocator@horizon_days=45@most_entered=0.25").unwrap().params();
    assert_eq!((given["horizon_days"].as_str(), given["most_entered"].as_str()), ("45", "0.25"));
    assert_eq!(
        by_name("allocator@confidence=70").unwrap_err().to_string(),
        "strategy allocator: confidence = \"70\" is not a probability from 0 to 1"
    );
}

/// What the allocator wants that holds `a` since `days` ago, while `b` pays 30 bp more.
fn after_entering(days: i64, undo_days: f64) -> plimsoll_frame::Target {
    let frame = frame(&[("a", &[Some(0.05); 30]), ("b", &[Some(0.053); 30])]);
    let view = frame.view(frame.span().unwrap().1.day().end());
    let one = Amount::from_f64_floor(100.0, 18).unwrap();
    let entered = Executed {
        time: view.clock().day().plus(-days).end(),
        out: BTreeMap::from([(market("b"), one)]),
        left: BTreeSet::from([market("b")]),
        into: BTreeMap::from([(market("a"), one)]),
        turnover: one,
        cost: Amount::ZERO,
        gas: None,
        nav_before: one,
    };
    let score = |apr| Score { sustainable_apr: Some(apr), ..Score::default() };
    let each = BTreeMap::from([(market("a"), score(0.05)), (market("b"), score(0.053))]);
    let settings =
        AllocatorSettings { horizon_days: 365.0, undo_days, ..AllocatorSettings::default() };
    let now = Situation {
        view,
        scores: &Scores { each, ..Scores::default() },
        held: &BTreeMap::from([(market("a"), 1.0)]),
        facts: &BTreeMap::new(),
        nav: 100.0,
        executed: &[entered],
        decimals: 18,
        costs: Costs { turnover: 0.002, gas_per_action: None },
        policy: &Policy::new(RiskPreference::of_line(RiskLine::Balanced), Enforcement::Off),
        leaving_first: Fraction::of_percent(10),
    };
    Allocator { settings }.target(&now).unwrap()
}

#[test]
fn the_allocator_undoes_a_late_move_only_where_that_pays_both_ways() {
    assert_eq!(all_in(&after_entering(20, 14.0)), Some("b".to_owned()), "30 bp pay for 20");
    assert_eq!(after_entering(7, 14.0).wanted(), None, "not for 20 and the 20 of a week ago");
    assert_eq!(all_in(&after_entering(7, 0.0)), Some("b".to_owned()));
}

#[test]
fn the_allocator_says_what_it_expects_and_what_binds() {
    let moved = after_entering(20, 14.0);
    let expected = moved.expected.unwrap();
    // 30 bp for a year on 100, less 20 bp for moving.
    assert!((expected.gain - 0.1).abs() < 1e-6 && expected.p_gain > 0.99, "{expected:?}");
    assert!((expected.net_apr - 0.053).abs() < 1e-9 && expected.interval.is_none());
    let rows: BTreeMap<&str, _> =
        moved.scores.iter().map(|row| (row.market.address(), row)).collect();
    assert_eq!(rows.len(), 2);
    assert!((rows["b"].weight - 1.0).abs() < 1e-9 && rows["a"].weight.abs() < 1e-9);
    assert_eq!(rows["b"].binding_constraint.as_deref(), Some("capital"));
    assert_eq!((rows["b"].exit_p95_h, rows["b"].p_loss_1y), (None, None), "unknown is unknown");
    let used = &rows["a"].limit_use;
    assert_eq!(used.get(&Limit::Cvar95_30d), None, "there are no scenarios");
    assert!((used[&Limit::PerProtocol] - 1.0).abs() < 1e-15);
}

/// What the allocator wants that holds nothing, where 100 earn 5 % and a deposit costs `gas`.
fn from_idle(gas: f64, stay_days: f64) -> plimsoll_frame::Target {
    let frame = frame(&[("a", &[Some(0.05); 30])]);
    let score = Score { sustainable_apr: Some(0.05), ..Score::default() };
    let now = Situation {
        view: frame.view(frame.span().unwrap().1.day().end()),
        scores: &Scores { each: BTreeMap::from([(market("a"), score)]), ..Scores::default() },
        held: &BTreeMap::new(),
        facts: &BTreeMap::new(),
        nav: 100.0,
        executed: &[],
        decimals: 18,
        costs: Costs { turnover: 0.0, gas_per_action: Some(gas) },
        policy: &Policy::new(RiskPreference::of_line(RiskLine::Balanced), Enforcement::Off),
        leaving_first: Fraction::of_percent(10),
    };
    let settings = AllocatorSettings { stay_days, ..AllocatorSettings::default() };
    Allocator { settings }.target(&now).unwrap()
}

#[test]
fn idle_money_is_placed_for_as_long_as_it_would_stay() {
    // 30 days bring 0.41, 90 days 1.23.
    assert_eq!(all_in(&from_idle(0.8, 90.0)), Some("a".to_owned()));
    assert_eq!(from_idle(0.8, 30.0).wanted(), None, "it would stay too short");
    assert_eq!(from_idle(1.3, 90.0).wanted(), None, "gas takes more than it brings");
    let expected = from_idle(0.8, 90.0).expected.unwrap();
    // A third of what 90 days bring, costs taken off.
    assert!((expected.gain - (5.0 * 90.0 / 365.0 - 0.8) / 3.0).abs() < 1e-6, "{expected:?}");
}

#[test]
fn nothing_is_bought_where_nothing_is_open() {
    let frame = frame(&[("a", &[None])]);
    for spec in NAMES {
        let target = decide(spec, &frame, &[]);
        assert_eq!((target.wanted(), &target.reason), (None, &Reason::NothingOpen), "{spec}");
    }
}

#[test]
fn an_unknown_strategy_or_parameter_is_refused_with_the_nearest() {
    assert_eq!(
        by_name("higest-apr").unwrap_err().to_string(),
        "strategy \"higest-apr\" is not known; did you mean \"highest-apr\"?; there are hold, equal, highest-apr, mean7-hysteresis, stake, lp-range, mine, allocator"
    );
    assert_eq!(
        by_name("highest-apr@days=7").unwrap_err().to_string(),
        "strategy highest-apr: parameter \"days\" is not known; it takes trailing_days"
    );
    assert_eq!(
        by_name("mean7-hysteresis@margin=1.5").unwrap_err().to_string(),
        "strategy mean7-hysteresis: margin = \"1.5\" is not a fraction from 0 to 1, such as 0.01"
    );
    assert!(by_name("highest-apr@trailing_days=0").is_err());
    assert!(by_name("equal@x=1").unwrap_err().to_string().contains("it takes none"));
}

proptest! {
    #[test]
    fn no_rule_ever_leaves_the_simplex(
        rates in proptest::collection::vec(proptest::collection::vec(proptest::option::of(0.0f64..3.0), 1..9), 1..6),
        raw in proptest::collection::vec(0.0f64..1.0, 6),
    ) {
        let names = ["a", "b", "c", "d", "e", "f"];
        let table: Vec<(&str, &[Option<f64>])> =
            names.iter().copied().zip(rates.iter().map(Vec::as_slice)).collect();
        let frame = frame(&table);
        let total = raw.iter().sum::<f64>().max(1.0);
        let held: Vec<(&str, f64)> = names.iter().copied().zip(raw.iter().map(|w| w / total)).collect();
        for spec in ["hold", "equal", "highest-apr", "highest-apr@trailing_days=7", "mean7-hysteresis"] {
            let target = decide(spec, &frame, &held);
            if let Some(weights) = target.wanted() {
                let sum: f64 = weights.values().sum();
                prop_assert!(
                    weights.values().all(|w| (0.0..=1.0).contains(w)) && sum <= 1.0 + 1e-9,
                    "no rule ever leaves the simplex: {} {:?}", spec, weights
                );
            }
        }
    }
}
