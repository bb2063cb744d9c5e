use super::*;
use futures::executor::block_on;
use plimsoll_core::approve::{Enforcement, Policy};
use plimsoll_core::{Bps, Day, Evidence, MarketEvidence, RiskPreference, Time, approve};
use plimsoll_frame::{MarketFrame, MarketRow};
use proptest::prelude::*;

fn market(name: &str) -> MarketId {
    format!("aave-v3:1:{name}").parse().unwrap()
}

fn frame(rows: &[(&str, i64, f64)]) -> MarketFrame {
    let rows = rows.iter().map(|(name, day, index)| {
        MarketRow::empty(market(name), Day(*day).start())
            .with(Column::SharePrice, Some(*index))
            .with(Column::SupplyApr, Some(0.05))
    });
    MarketFrame::from_rows(rows.collect()).unwrap()
}

fn approved(ledger: &Ledger, weights: &[(&str, f64)], bps: u32, first: bool) -> Approved {
    let nav = ledger.portfolio().nav();
    let weights = weights.iter().map(|(name, weight)| (market(name), *weight)).collect();
    let costs = plimsoll_core::CostModel {
        turnover: Bps(bps),
        gas_per_action: None,
        is_first_entry: first,
    };
    let plan = plimsoll_allocate::plan(Time(0), &nav, &weights, &costs);
    let open = |entry: &Action| {
        (entry.market.clone(), MarketEvidence { open: true, ..Default::default() })
    };
    let evidence =
        Evidence { markets: plan.entries.iter().map(open).collect(), ..Default::default() };
    let policy = Policy::new(RiskPreference::default(), Enforcement::Off);
    approve(plan, &nav, &evidence, &policy).approved
}

fn units(value: u64) -> Amount {
    Amount::from_f64_floor(value as f64, 18).unwrap()
}

#[test]
fn a_position_earns_its_index_and_a_switch_costs_its_bp() {
    let frame =
        frame(&[("a", 0, 1.10), ("b", 0, 2.0), ("a", 7, 1.21), ("b", 7, 2.0), ("b", 14, 2.1)]);
    let mut ledger = Ledger::new(units(1_000), 18);
    let entry = approved(&ledger, &[("a", 1.0)], 5, true);
    ledger.learn_prices(&frame.view(Day(0).end()), entry.plan());
    block_on(ledger.execute(&entry)).unwrap();
    ledger.mark(&frame.view(Day(7).end()));
    // 1000 at 1.10, valued at 1.21: 1100, less what rounding took.
    assert!((ledger.portfolio().nav().total.to_f64(18) - 1_100.0).abs() < 1e-9);
    let switch = approved(&ledger, &[("b", 1.0)], 5, false);
    ledger.learn_prices(&frame.view(Day(7).end()), switch.plan());
    let done = block_on(ledger.execute(&switch)).unwrap();
    assert!((done.cost.to_f64(18) - 0.55).abs() < 1e-9, "5 bp of 1100");
    ledger.mark(&frame.view(Day(14).end()));
    assert!((ledger.portfolio().nav().total.to_f64(18) - 1_100.0 * 0.9995 * 1.05).abs() < 1e-9);
}

#[test]
fn rewards_are_earned_from_the_entry_on_and_become_idle_money() {
    let row = |day: i64, rewards: f64, price: Option<f64>| {
        MarketRow::empty(market("a"), Day(day).start())
            .with(Column::SharePrice, Some(2.0))
            .with(Column::SupplyApr, Some(0.05))
            .with(Column::RewardIndex, Some(rewards))
            .with(Column::PriceUsd, price)
    };
    let rows = vec![row(0, 7.0, Some(0.5)), row(1, 7.25, Some(0.5)), row(2, 7.5, Some(0.5))];
    let frame = MarketFrame::from_rows(rows).unwrap();
    let mut ledger = Ledger::new(units(1_000), 18);
    let entry = approved(&ledger, &[("a", 1.0)], 0, true);
    ledger.learn_prices(&frame.view(Day(0).end()), entry.plan());
    block_on(ledger.execute(&entry)).unwrap();
    // 500 shares at 0.25 USD each, of an asset worth half a dollar; a mark twice pays once.
    for _ in 0..2 {
        ledger.mark(&frame.view(Day(1).end()));
        assert!((ledger.portfolio().idle.to_f64(18) - 250.0).abs() < 1e-9);
    }
    ledger.mark(&frame.view(Day(2).end()));
    assert!((ledger.portfolio().nav().total.to_f64(18) - 1_500.0).abs() < 1e-9);
}

#[test]
fn an_exit_whose_gas_is_more_than_it_frees_is_paid_from_what_is_left() {
    let frame = frame(&[("a", 0, 1.0), ("b", 0, 1.0)]);
    let mut ledger = Ledger::new(units(1_000), 18);
    let entry = approved(&ledger, &[("a", 0.999), ("b", 0.001)], 0, true);
    ledger.learn_prices(&frame.view(Day(0).end()), entry.plan());
    block_on(ledger.execute(&entry)).unwrap();
    let nav = ledger.portfolio().nav();
    let exit = Action { kind: ActionKind::Exit, market: market("b"), amount: units(1) };
    let costs = plimsoll_core::CostModel { gas_per_action: Some(units(9)), ..Default::default() };
    let plan = Plan { exits: vec![exit], ..Plan::nothing(Time(0), costs) };
    let policy = Policy::new(RiskPreference::default(), Enforcement::Strict);
    let plan = approve(plan, &nav, &Evidence::default(), &policy).approved;
    let done = block_on(ledger.execute(&plan)).unwrap();
    assert_eq!(done.gas, Some(units(9)));
    let sold = done.out[&market("a")].to_f64(18);
    assert!((sold - 8.0).abs() < 1e-12, "what had to be sold for gas is in the books");
    assert_eq!(ledger.portfolio().nav().total, units(991));
    assert!(!ledger.portfolio().positions.contains_key(&market("b")));
}

#[test]
fn a_market_that_stops_reporting_is_valued_at_its_last_index_and_named_stale() {
    let frame = frame(&[("a", 0, 1.0), ("b", 9, 1.0)]);
    let mut ledger = Ledger::new(units(10), 18);
    let entry = approved(&ledger, &[("a", 1.0)], 0, true);
    ledger.learn_prices(&frame.view(Day(0).end()), entry.plan());
    block_on(ledger.execute(&entry)).unwrap();
    assert_eq!(ledger.mark(&frame.view(Day(1).end())), vec![]);
    assert_eq!(ledger.mark(&frame.view(Day(9).end())), vec![market("a")]);
    assert_eq!(ledger.portfolio().nav().total, units(10));
}

#[test]
fn a_plan_for_a_market_without_a_price_does_nothing_at_all() {
    let frame = frame(&[("a", 0, 1.0)]);
    let mut ledger = Ledger::new(units(10), 18);
    let entry = approved(&ledger, &[("a", 0.5), ("zzz", 0.5)], 0, true);
    ledger.learn_prices(&frame.view(Day(0).end()), entry.plan());
    let before = ledger.portfolio().clone();
    let error = block_on(ledger.execute(&entry)).unwrap_err();
    assert_eq!(error, ExecuteError::NoPrice { market: market("zzz") });
    assert_eq!(*ledger.portfolio(), before, "nothing is half done");
}

proptest! {
    #[test]
    fn no_money_is_made_by_moving_it(
        moves in proptest::collection::vec((0.0f64..1.0, 0.0f64..1.0), 1..20),
        bps in 0u32..100,
        index in 0.5f64..3.0,
    ) {
        let frame = frame(&[("a", 0, index), ("b", 0, 1.0 / index)]);
        let mut ledger = Ledger::new(units(1_000_000), 18);
        let start = ledger.portfolio().nav().total;
        let mut paid = Amount::ZERO;
        for (a, b) in moves {
            let scale = (a + b).max(1.0);
            let plan = approved(&ledger, &[("a", a / scale), ("b", b / scale)], bps, false);
            ledger.learn_prices(&frame.view(Day(0).end()), plan.plan());
            let done = block_on(ledger.execute(&plan)).unwrap();
            paid = paid.checked_add(done.cost).unwrap();
        }
        let end = ledger.portfolio().nav().total;
        let spent = end.checked_add(paid).unwrap();
        prop_assert!(spent <= start, "without growth, what is left and what was paid never exceed the start");
        let lost = start.checked_sub(spent).unwrap();
        prop_assert!(lost <= Amount::from_f64_floor(1e-12, 18).unwrap(), "rounding takes a few raw units at most");
    }
}
