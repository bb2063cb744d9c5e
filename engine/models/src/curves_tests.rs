use super::*;
use plimsoll_core::Lending;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const TRUE: Kinked = Kinked { base: 0.0, slope_below: 0.05, slope_above: 0.5, kink: 0.9 };

#[test]
fn a_curve_seen_on_both_sides_of_its_kink_is_found() {
    let pairs: Vec<(f64, f64)> = (0..40)
        .map(|step| 0.75 + 0.005 * f64::from(step))
        .map(|used| (used, TRUE.rate(used)))
        .collect();
    let fit = fit_pairs(&pairs).unwrap();
    assert!((fit.curve.kink - 0.9).abs() < 1e-9, "{fit:?}");
    assert!(fit.worst < 1e-9, "{fit:?}");
    assert!((fit.curve.rate(0.3) - TRUE.rate(0.3)).abs() < 1e-9);
}

#[test]
fn below_the_kink_the_line_goes_on_and_says_how_far_it_was_seen() {
    let pairs: Vec<(f64, f64)> = (0..20)
        .map(|step| 0.6 + 0.01 * f64::from(step))
        .map(|used| (used, TRUE.rate(used)))
        .collect();
    let fit = fit_pairs(&pairs).unwrap();
    assert!((fit.curve.rate(0.4) - TRUE.rate(0.4)).abs() < 1e-9, "{fit:?}");
    assert!(fit.curve.rate(1.0) < TRUE.rate(1.0), "what was not seen is not promised");
    assert!((fit.seen.1 - 0.79).abs() < 1e-9);
}

#[test]
fn few_pairs_or_one_utilization_leave_the_curve_unknown() {
    assert_eq!(fit_pairs(&[(0.5, 0.02); 5]), None);
    assert_eq!(fit_pairs(&[(0.5, 0.02); 50]), None);
}

#[test]
fn the_error_is_that_of_the_noise() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let pairs: Vec<(f64, f64)> = (0..200)
        .map(|_| {
            let used = random.random_range(0.7..0.99);
            (used, TRUE.rate(used) + random.random_range(-0.001..0.001))
        })
        .collect();
    let fit = fit_pairs(&pairs).unwrap();
    let noise = 0.001 / 3f64.sqrt();
    assert!((fit.error / noise - 1.0).abs() < 0.15, "{fit:?}");
}

/// Suppliers come and go; borrowers are content every day with `elasticity`.
fn track(elasticity: f64, noise: f64) -> Track {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let curve = Curve::Kinked(TRUE);
    let mut supplied = 100.0f64;
    let mut demand = 0.0f64;
    let days = (0..120).map(|_| {
        supplied = (supplied * (0.05 * random.random_range(-1.0f64..1.0)).exp()).clamp(60.0, 160.0);
        demand = 0.9 * demand + noise * random.random_range(-1.0..1.0);
        let base = Lending::at_rest(curve, 0.1, 100.0, 70.0 * demand.exp());
        let market = Lending { elasticity, demand_rate: TRUE.rate(0.7), ..base };
        let utilization = market.sustainable_utilization(supplied - 100.0);
        DayRow { utilization: Some(utilization), tvl_usd: Some(supplied), ..DayRow::default() }
    });
    Track {
        market: "a:1:x".parse().unwrap(),
        first: Day(0),
        days: days.collect(),
        pair: Vec::new(),
    }
}

#[test]
fn the_elasticity_of_borrowers_is_read_from_suppliers_coming_and_going() {
    let found = |true_value: f64, noise: f64| {
        elasticity(&track(true_value, noise), Day(119), &Curve::Kinked(TRUE))
    };
    let (stiff, soft) = (found(0.1, 0.0), found(2.0, 0.0));
    assert!(stiff < 0.35 && soft > 1.0, "{stiff} {soft}");
    // Noise in demand moves borrowing and the rate together, which a plain regression takes for an answer.
    let noisy = found(1.0, 0.05);
    assert!((0.4..1.4).contains(&noisy), "{noisy}");
}

#[test]
fn without_a_size_the_elasticity_is_the_assumed_one() {
    let day = DayRow { utilization: Some(0.8), ..DayRow::default() };
    let track = Track {
        market: "a:1:x".parse().unwrap(),
        first: Day(0),
        days: vec![day; 90],
        pair: Vec::new(),
    };
    let found = elasticity(&track, Day(89), &Curve::Kinked(TRUE));
    assert!((found - USUAL_ELASTICITY).abs() < 1e-15);
}

#[test]
fn a_curve_that_was_changed_is_the_present_one() {
    let before = Kinked { base: 0.02, ..TRUE };
    let days = (0..45).map(|day| {
        let used = 0.7 + 0.29 * (0.5 + 0.5 * (f64::from(day) * 0.9).sin());
        let curve = if day < 20 { before } else { TRUE };
        let rate = curve.rate(used) * used;
        DayRow { utilization: Some(used), supply_apr: Some(rate), ..DayRow::default() }
    });
    let track = Track {
        market: "a:1:x".parse().unwrap(),
        first: Day(0),
        days: days.collect(),
        pair: Vec::new(),
    };
    let fit = fitted(&track, Day(44)).unwrap();
    assert!(fit.error < 1e-9 && fit.pairs < 26, "{fit:?}");
    assert!((fit.curve.rate(0.95) - TRUE.rate(0.95)).abs() < 1e-9);
}
