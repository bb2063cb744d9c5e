use super::*;
use crate::panel::DayRow;
use plimsoll_core::{RiskLine, RiskPreference, Scenarios};
use std::sync::Arc;

fn markets(count: usize, protocols: usize) -> Vec<(MarketId, Option<String>)> {
    let issuer = |number: usize| ["circle", "tether", "sky"][number % 3].to_owned();
    let name = |number: usize| {
        let protocol = [
            "aave-v3",
            "compound-v3",
            "morpho-blue",
            "spark",
            "euler-v2",
            "fluid",
            "silo",
            "moonwell",
        ];
        format!("{}:1:{number:03}", protocol[number % protocols])
    };
    let mut all: Vec<_> =
        (0..count).map(|number| (name(number).parse().unwrap(), Some(issuer(number)))).collect();
    all.sort();
    all
}

fn drawn(markets: &[(MarketId, Option<String>)]) -> Scenarios {
    Scenarios {
        markets: markets.iter().map(|(market, _)| market.clone()).collect(),
        rare: Arc::new(rare_losses(markets, &Priors::stated().unwrap(), 1)),
        months: Months::default(),
    }
}

#[test]
fn rare_losses_come_as_often_and_cost_as_much_as_stated() {
    let priors = Priors::stated().unwrap();
    let markets = markets(12, 4);
    let scenarios = drawn(&markets);
    for (column, (market, issuer)) in markets.iter().enumerate() {
        let hits: Vec<f64> =
            scenarios.rare.by_column[column].iter().map(|(_, lost)| *lost).collect();
        let (often, mean) =
            (hits.len() as f64 / f64::from(YEARS), hits.iter().sum::<f64>() / f64::from(YEARS));
        let expected = priors.p_loss_1y(market, issuer.as_deref());
        assert!((often / expected - 1.0).abs() < 0.12, "{market}: {often} {expected}");
        let expected = priors.expected_loss(market, issuer.as_deref());
        assert!((mean / expected - 1.0).abs() < 0.2, "{market}: {mean} {expected}");
    }
}

#[test]
fn a_protocol_falls_as_a_whole_so_that_spreading_inside_it_helps_little() {
    let markets = markets(12, 4);
    let scenarios = drawn(&markets);
    let spread = |chosen: &dyn Fn(&MarketId) -> bool| {
        let members: Vec<_> = markets.iter().filter(|(market, _)| chosen(market)).collect();
        let each = 1.0 / members.len() as f64;
        let weights = members.iter().map(|(market, _)| (market.clone(), each)).collect();
        scenarios.es999_1y(&weights).unwrap()
    };
    let within = spread(&|market| market.protocol() == "aave-v3");
    let across =
        spread(&|market| market.address().ends_with('0') || market.address().ends_with('5'));
    let all = spread(&|_| true);
    assert!(within > 1.5 * all, "within one protocol {within}, over all {all}");
    assert!(across < within, "{across} {within}");
}

#[test]
fn a_slashing_strikes_all_staked_ether_at_once() {
    let name = |name: &str| (name.parse::<MarketId>().unwrap(), Some("lido".to_owned()));
    let markets = [name("lido:1:0xa"), name("staked-eth:1:0xa"), name("stack:1:0xa")];
    let priors = Priors::stated().unwrap();
    let scenarios = drawn(&markets);
    let years = |column: usize| -> std::collections::BTreeSet<u32> {
        scenarios.rare.by_column[column].iter().map(|(year, _)| *year).collect()
    };
    let both = years(0).intersection(&years(1)).count() as f64 / f64::from(YEARS);
    let shared = 1.0
        - (1.0 - priors.slashing.probability)
            * (1.0 - priors.of_issuer("lido").probability)
            * (1.0 - priors.chain.probability);
    assert!((both / shared - 1.0).abs() < 0.12, "{both} {shared}");
    let other = years(0).intersection(&years(2)).count() as f64 / f64::from(YEARS);
    assert!(other < both, "what is not staked is not slashed: {other} {both}");
}

#[test]
fn the_limits_of_each_line_are_jointly_feasible_on_a_typical_universe() {
    // Sixteen markets over eight protocols, half of them established.
    let markets = markets(16, 8);
    let scenarios = drawn(&markets);
    for line in RiskLine::ALL {
        let limits = RiskPreference::of_line(line);
        // All protocols evenly; the issuer of the vault's own asset is apart.
        let mut protocols: BTreeMap<&str, Vec<&MarketId>> = BTreeMap::new();
        for (market, _) in &markets {
            protocols.entry(market.protocol()).or_default().push(market);
        }
        let share = 1.0 / protocols.len() as f64;
        assert!(share <= limits.per_protocol.value(), "{line}");
        let mut weights = BTreeMap::new();
        for members in protocols.values() {
            for market in members {
                weights.insert((*market).clone(), share / members.len() as f64);
            }
        }
        // Loss is proportional to what is deployed: the rest stays idle.
        let es = scenarios.es999_1y(&weights).unwrap();
        let deployed = (limits.es999_1y.value() / es).min(1.0);
        assert!(deployed >= 0.9, "{line}: ES99.9 {es} leaves {deployed} deployed");
        assert!(share <= limits.worst_protocol_loss.value(), "{line}");
    }
}

#[test]
fn months_are_drawn_from_what_the_indices_did() {
    // x earns 10 bp a day but for one fall of 5 %; y stands still.
    let mut index = 1.0;
    let days = (0..100).map(|day| {
        index *= if day == 50 { 0.95 } else { 1.001 };
        DayRow { share_price: Some(index), ..DayRow::default() }
    });
    let x = Track {
        market: "a:1:x".parse().unwrap(),
        first: Day(0),
        days: days.collect(),
        pair: Vec::new(),
    };
    let still = DayRow { share_price: Some(2.0), ..DayRow::default() };
    let y = Track {
        market: "a:1:y".parse().unwrap(),
        first: Day(0),
        days: vec![still; 100],
        pair: Vec::new(),
    };
    let panel = Panel { tracks: vec![x, y], today: Day(99) };
    let months = months(&panel, &as_lending, 3);
    let calm = 1.001f64.powi(30) - 1.0;
    for month in &months.draws {
        assert!(months.earned(1, month).abs() < 1e-15);
        let falls =
            ((months.earned(0, month) + 1.0).ln() - (calm + 1.0).ln()) / (0.95f64 / 1.001).ln();
        assert!((falls - falls.round()).abs() < 1e-9, "{month:?}: whole falls only");
    }
    let fell = months.draws.iter().filter(|month| months.earned(0, month) < 0.0);
    let hit = fell.count() as f64 / months.draws.len() as f64;
    // A block of ten of the 90 possible contains the fall with probability 10/90; three are drawn.
    let expected = 1.0 - (1.0f64 - 10.0 / 90.0).powi(3);
    assert!((hit - expected).abs() < 0.08, "{hit} {expected}");
}

#[test]
fn a_short_history_gives_no_months_rather_than_calm_ones() {
    let still = DayRow { share_price: Some(2.0), ..DayRow::default() };
    let track = Track {
        market: "a:1:y".parse().unwrap(),
        first: Day(0),
        days: vec![still; 20],
        pair: Vec::new(),
    };
    assert!(
        months(&Panel { tracks: vec![track], today: Day(19) }, &as_lending, 1).draws.is_empty()
    );
}
