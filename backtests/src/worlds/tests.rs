use super::*;
use plimsoll_allocate::RunScenario;
use plimsoll_core::preference::Fraction;
use plimsoll_core::{Bps, Enforcement, RiskLine, RiskPreference};
use plimsoll_models::{FirstModel, FirstSettings};
use plimsoll_strategies::by_name;
use std::collections::BTreeSet;

fn rules() -> Vec<Box<dyn Strategy>> {
    let specs = ["hold", "equal", "highest-apr", "highest-apr@trailing_days=7", "allocator"];
    specs.map(|name| by_name(name).unwrap()).into()
}

fn results(
    seeds: Vec<u64>,
    capital: f64,
    enforcement: Enforcement,
) -> (Vec<WorldResult>, WorldsReport) {
    let strategies = rules();
    let settings = WorldsSettings {
        seeds,
        capital,
        strategies: &strategies,
        model: &|| Box::new(FirstModel::new(FirstSettings::default()).unwrap()),
        policy: &Policy::new(RiskPreference::of_line(RiskLine::Balanced), enforcement),
        costing: Costing {
            turnover: Bps(5),
            gas_units: 250_000.0,
            scenario: RunScenario { leaving_first: Fraction::of_percent(10) },
        },
        foresight_trials: 700,
    };
    let results = run(&settings, &|| {}).unwrap();
    let report = WorldsReport::new(&results, &strategies, capital);
    (results, report)
}

#[test]
fn no_rule_beats_perfect_foresight_and_the_same_seed_gives_the_same_result() {
    let (first, report) = results(vec![1, 2], 100_000.0, Enforcement::Off);
    let (second, _) = results(vec![1, 2], 100_000.0, Enforcement::Off);
    for (a, b) in first.iter().zip(&second) {
        let of = |result: &WorldResult| -> Vec<Option<f64>> {
            result.courses.iter().map(|course| course.outcome.annualised_pct()).collect()
        };
        assert_eq!(of(a), of(b));
        assert_eq!(a.ceiling_pct, b.ceiling_pct);
        assert!(of(a).into_iter().all(|found| found <= a.ceiling_pct));
    }
    assert_eq!(report.lines.last().unwrap().name, "perfect-foresight");
    let names: BTreeSet<&str> = report.lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(
        names.len(),
        report.lines.len(),
        "each name tells its line from the others: {names:?}"
    );
    assert!(report.paired.iter().all(|paired| names.contains(paired.against.as_str())));
    assert!(report.paired.iter().all(|paired| paired.name == "allocator" && paired.n == 2));
}

#[test]
fn a_large_depositor_earns_less_than_a_small_one_chasing_the_same_rate() {
    let rate = |capital| {
        let (results, _) = results(vec![3], capital, Enforcement::Off);
        results[0].courses[2].outcome.annualised_pct().unwrap()
    };
    assert!(rate(1e7) < rate(1e5), "our own deposit lowers what we chase");
}

#[test]
fn within_the_line_no_protocol_holds_more_than_its_cap_after_a_decision() {
    let (results, _) = results(vec![4], 1e6, Enforcement::Strict);
    let ids = {
        let settings = crate::world::WorldSettings { markets: None, days: 1, seed: 4 };
        market_ids(&crate::world::World::new(&settings))
    };
    for course in &results[0].courses {
        for held in course.holdings.iter().flatten() {
            let nav = 1e6;
            for protocol in ids.iter().map(|id| id.protocol()) {
                let pairs = ids.iter().zip(held).filter(|(id, _)| id.protocol() == protocol);
                let sum: f64 = pairs.map(|(_, amount)| amount).sum();
                // NAV grows a little over half a year; the cap is a share of it.
                assert!(sum <= 0.35 * nav * 1.1, "{protocol}: {sum}");
            }
        }
    }
}
