//! Facts about the page of rate curves.

use super::*;
use crate::report::checks::{self, HOSTILE, check_drawings, check_requests, check_tags};

/// A market with a kink at 0.9 of which everything is known.
fn market(name: &str) -> CurveMarket {
    let rate = |used: f64| if used < 0.9 { 0.05 * used / 0.9 } else { 0.05 + 4.0 * (used - 0.9) };
    let steps = |count: u32| (0..=count).map(move |step| f64::from(step) / f64::from(count));
    CurveMarket {
        id: "aave-v3:1:0xabc".into(),
        name: name.into(),
        supplied: Some(12_345_678.0),
        borrowed: Some(9_876_542.0),
        utilization: Some(0.8),
        advertised_apr: Some(0.0345),
        elasticity: Some(0.5),
        fit: Some(CurveFit { error: 0.00123, worst: 0.0045, pairs: 45, seen: (0.71, 0.93) }),
        is_exact: false,
        rates: steps(50).map(|used| (used, rate(used))).collect(),
        observed: vec![(0.78, 0.043), (0.8, 0.0447)],
        deposits: steps(30)
            .map(|share| DepositPoint {
                deposit: 40e6 * share,
                after_deposit_apr: 0.03 / (1.0 + share),
                sustainable_apr: 0.035 / (1.0 + share),
                income: 4e6 * share * (1.0 - share),
                marginal_income: 0.1 * (1.0 - 2.0 * share),
            })
            .collect(),
        kinks: vec![2.5e6],
    }
}

/// A market of which nothing is known.
fn blank(name: &str) -> CurveMarket {
    CurveMarket {
        id: String::new(),
        supplied: None,
        borrowed: None,
        utilization: None,
        advertised_apr: None,
        elasticity: None,
        fit: None,
        rates: Vec::new(),
        observed: Vec::new(),
        deposits: Vec::new(),
        kinks: Vec::new(),
        ..market(name)
    }
}

fn page(markets: Vec<CurveMarket>) -> CurvesPage {
    CurvesPage {
        title: "Rate curves".into(),
        labels: Vec::new(),
        notes: Vec::new(),
        unit: "USD".into(),
        markets,
    }
}

fn body(page: &CurvesPage) -> String {
    checks::body(&render(page))
}

#[test]
fn the_tags_are_balanced_and_the_ids_unique() {
    for page in [page(Vec::new()), page(vec![blank("a")]), page(vec![market("a"), market("b")])] {
        check_tags(&body(&page));
    }
}

#[test]
fn nothing_from_the_data_becomes_markup() {
    let hostile = CurveMarket { id: HOSTILE.into(), ..market(HOSTILE) };
    let html = body(&CurvesPage {
        title: HOSTILE.into(),
        labels: vec![HOSTILE.into()],
        notes: vec![HOSTILE.into()],
        unit: "<b>USD</b>".into(),
        markets: vec![hostile],
    });
    assert!(!html.contains("<script") && !html.contains("<b>USD"));
    assert!(html.contains("&lt;script&gt;"));
    check_tags(&html);
}

#[test]
fn what_is_unknown_is_said_and_not_drawn() {
    let html = body(&page(vec![blank("a")]));
    assert!(!html.contains("<svg") && !html.contains("0.00"));
    assert!(html.contains("What our deposit would do is unknown"));
    assert!(html.contains("what is supplied or borrowed is not on record"));
    let without = CurveMarket { fit: None, deposits: Vec::new(), rates: Vec::new(), ..market("a") };
    let html = body(&page(vec![without]));
    assert!(html.contains("without a curve there is no telling"));
    assert_eq!(html.matches("<svg").count(), 1, "the observations alone are drawn");
}

#[test]
fn a_curve_is_the_contracts_own_or_fitted_with_its_error() {
    let html = body(&page(vec![market("a")])).replace('\u{a0}', " ");
    assert!(
        html.contains(
            "misses by 12.3 basis points (root mean square; at worst 45.0) over 45 pairs"
        )
    );
    assert!(html.contains("class=\"seen\""));
    let html = body(&page(vec![CurveMarket { is_exact: true, ..market("a") }]));
    assert!(
        html.contains("The curve is the contract&#39;s own.") || html.contains("contract's own.")
    );
    assert!(!html.contains("class=\"seen\"") && !html.contains("basis points"));
}

#[test]
fn income_is_marked_where_it_is_largest() {
    let html = body(&page(vec![market("a")])).replace('\u{a0}', " ");
    assert!(
        html.contains(
            "Income is largest at a deposit of 20.00 million USD: 1.00 million USD a year."
        )
    );
    assert_eq!(html.matches("class=\"mark best\"").count(), 2);
    let mut rising = market("a");
    rising.deposits.truncate(10);
    let html = body(&page(vec![rising])).replace('\u{a0}', " ");
    assert!(html.contains("Income still rises at the largest deposit shown: 840.00 thousand USD a year at 12.00 million USD."));
    assert!(!html.contains("class=\"mark best\""));
}

#[test]
fn a_steep_end_leaves_the_picture_and_is_said() {
    let html = body(&page(vec![market("a")])).replace('\u{a0}', " ");
    assert!(html.contains("The curve leaves the picture: 45.00 % at utilization 100.00 %."));
}

#[test]
fn nothing_but_finite_numbers_is_printed() {
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308];
    let mut market = market("a");
    for (at, bad) in bad.into_iter().enumerate() {
        market.rates[at * 3] = (bad, bad);
        market.observed.push((0.5, bad));
        market.kinks.push(bad);
        market.deposits[at].deposit = bad;
        market.deposits[at + 5].income = bad;
        market.deposits[at + 10].marginal_income = bad;
        market.deposits[at + 15].sustainable_apr = bad;
    }
    market.supplied = Some(f64::NAN);
    market.utilization = Some(f64::INFINITY);
    market.fit =
        Some(CurveFit { error: f64::NAN, worst: f64::NAN, pairs: 0, seen: (f64::NAN, 1e308) });
    let html = body(&page(vec![market]));
    assert!(!html.contains("NaN") && !html.contains(">inf"), "{html}");
    check_tags(&html);
    check_drawings(&html);
}

#[test]
fn one_point_can_be_drawn() {
    let mut market = market("a");
    market.rates.truncate(1);
    market.observed.truncate(1);
    market.deposits.truncate(1);
    let html = body(&page(vec![market]));
    assert!(html.contains("<svg") && !html.contains("NaN"));
    check_tags(&html);
}

#[test]
fn the_document_asks_for_nothing_from_outside() {
    check_requests(&render(&page(vec![market("a"), blank("b")])));
}

#[test]
fn sixty_markets_stay_readable() {
    let html = render(&page((0..60).map(|at| market(&format!("market {at}"))).collect()));
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    assert!(html.contains("href=\"#market-59\"") && html.contains("id=\"market-59\""));
    assert!(render(&page(Vec::new())).contains("No market was given."));
}
