use super::*;
use crate::rates::testing::{agree, any_u256};
use proptest::prelude::*;

const DAY: u64 = 86_400;
const YEAR: u64 = 365 * DAY;

fn ray(digits: &str) -> Ray {
    Ray(digits.parse().unwrap())
}

fn percent(value: u64) -> Ray {
    Ray(U256::from(value) * RAY / U256::from(100))
}

/// The curve of aave-v3-origin `RateStrategy.calculateRates.t.sol`.
fn curve() -> KinkedCurve {
    KinkedCurve::from_bps(Bps(8_000), Bps(100), Bps(400), Bps(6_000)).unwrap()
}

fn any_curve() -> impl Strategy<Value = KinkedCurve> {
    (100u32..=9_900, 0u32..=10_000, 0u32..=20_000, 0u32..=50_000).prop_map(
        |(optimal, base, slope1, extra)| {
            KinkedCurve::from_bps(Bps(optimal), Bps(base), Bps(slope1), Bps(slope1 + extra))
                .unwrap()
        },
    )
}

fn utilization_of(part: u64) -> Ray {
    Ray(U256::from(part) * RAY / U256::from(u64::MAX))
}

/// The same curve in plain floating point.
fn plain_rate(curve: &KinkedCurve, utilization: f64) -> f64 {
    let [base, slope1, slope2, optimal] =
        [curve.base, curve.slope1, curve.slope2, curve.optimal].map(Ray::to_f64);
    if utilization > optimal {
        base + slope1 + slope2 * (utilization - optimal) / (1.0 - optimal)
    } else {
        base + slope1 * utilization / optimal
    }
}

#[test]
fn linear_interest_of_8_percent_over_7_years_is_56_percent() {
    // aave-v3-origin MathUtils.t.sol.
    assert_eq!(linear_interest(percent(8), 7 * YEAR), Ok(percent(156)));
}

#[test]
fn compounded_interest_equals_the_contract_to_the_last_digit() {
    // aave-v3-origin v3.7 MathUtils.t.sol. With rayMul rounded down the first would end in 2.
    for (rate, seconds, expected) in [
        (percent(8), 7 * YEAR, "1746069333333333333333333333"),
        (percent(100_000), 10_000 * YEAR, "166666716666676666667666666666666600000000000000"),
        (percent(5), DAY, "1000136995684421674802557900"),
        (percent(5), YEAR, "1051270833333333333333333333"),
        (percent(100), YEAR, "2666666666666666666666666666"),
        (percent(8), 0, "1000000000000000000000000000"),
    ] {
        assert_eq!(compounded_interest(rate, seconds), Ok(ray(expected)));
    }
}

#[test]
fn v3_0_compounds_a_little_less() {
    // Worked in Python integers from aave-v3-core MathUtils.sol.
    for (rate, seconds, expected) in [
        (percent(8), 7 * YEAR, "1745486836363624056433536000"),
        (percent(5), DAY, "1000136995684207123907444230"),
        (percent(5), YEAR, "1051265681539063650421944000"),
        (percent(100), YEAR, "2666663803286306996604104000"),
        (percent(8), 0, "1000000000000000000000000000"),
        (percent(8), 1, "1000000002536783358701166920"),
    ] {
        assert_eq!(compounded_interest_v3_0(rate, seconds), Ok(ray(expected)));
    }
}

#[test]
fn the_curve_passes_through_its_published_points() {
    // RateStrategy.calculateRates.t.sol: optimal 80 %, base 1 %, slopes 4 % and 60 %.
    for (utilization, borrow) in [(0, 1), (40, 3), (80, 5), (90, 35), (100, 65)] {
        assert_eq!(curve().borrow_rate(percent(utilization)), Ok(percent(borrow)));
    }
    let at_90 = supply_rate(percent(35), percent(90), Bps(1_000)).unwrap();
    assert_eq!(at_90, ray("283500000000000000000000000"), "35 % x 90 % x (1 - 10 %)");
    assert!((apr(at_90).0 - 0.2835).abs() < 1e-15);
}

#[test]
fn a_deficit_lowers_the_supply_side_only() {
    let amount = |value: u64| Amount(U256::from(value));
    assert_eq!(utilization(amount(80), amount(100)), Ok(percent(80)));
    assert_eq!(utilization(amount(80), amount(100 + 60)), Ok(percent(50)));
    assert_eq!(utilization(amount(2), amount(3)), Ok(ray("666666666666666666666666667")));
    assert_eq!(utilization(amount(0), amount(0)), Ok(Ray(U256::ZERO)), "an empty reserve");
    assert_eq!(utilization(amount(1), amount(0)), Err(RateError::ZeroDivisor { step: "rayDiv" }));
}

#[test]
fn a_reserve_with_a_deficit_equals_the_contract_to_the_last_digit() {
    // (debt, available, deficit, utilization, borrow, supply), worked in Python integers from
    // calculateInterestRates: optimal 92 %, base 0, slopes 5.5 % and 40 %, reserve factor 15 %.
    let curve = KinkedCurve::from_bps(Bps(9_200), Bps(0), Bps(550), Bps(4_000)).unwrap();
    for (debt, available, deficit, used, borrow, supply) in [
        (
            1_234_567_890_123u64,
            765_432_109_877u64,
            0u64,
            "617283945061500000000000000",
            "36902844541720108695652174",
            "19362603443298596112677250",
        ),
        (
            987_654_321,
            12_345_679,
            1_111,
            "987654321000000000000000000",
            "393271605000000000000000000",
            "330153573203507095153617285",
        ),
        (
            7,
            1,
            3,
            "875000000000000000000000000",
            "52309782608695652173913043",
            "28294836956521739130434782",
        ),
    ] {
        let amount = |value: u64| Amount(U256::from(value));
        let borrow_side = utilization(amount(debt), amount(available + debt)).unwrap();
        let supply_side = utilization(amount(debt), amount(available + debt + deficit)).unwrap();
        let borrow_rate = curve.borrow_rate(borrow_side).unwrap();
        assert_eq!([borrow_side, borrow_rate], [ray(used), ray(borrow)]);
        assert_eq!(supply_rate(borrow_rate, supply_side, Bps(1_500)), Ok(ray(supply)));
    }
}

#[test]
fn parameters_the_contract_refuses_are_refused() {
    let curve = |optimal, base, slope1, slope2| {
        KinkedCurve::from_bps(Bps(optimal), Bps(base), Bps(slope1), Bps(slope2))
    };
    for refused in [
        curve(99, 0, 0, 0),
        curve(9_901, 0, 0, 0),
        curve(8_000, 0, 2, 1),
        curve(8_000, 1, 0, 100_000),
        curve(8_000, u32::MAX, u32::MAX, u32::MAX),
    ] {
        assert!(matches!(refused, Err(RateError::OutOfRange { .. })), "{refused:?}");
    }
    assert!(supply_rate(percent(5), percent(80), Bps(10_001)).is_err());
}

#[test]
fn a_revision_names_its_line_and_later_ones_name_none() {
    let line = |revision: u64| Line::of_revision(U256::from(revision));
    assert_eq!([1, 2, 3].map(line), [Some(Line::V3_0); 3]);
    assert_eq!([4, 5].map(line), [Some(Line::V3_1), Some(Line::V3_2)]);
    assert_eq!([0, 6, 7, u64::MAX].map(line), [None; 4]);
    assert_eq!(Line::of_revision(U256::MAX), None);
    let keeps = [Line::V3_0, Line::V3_1, Line::V3_2].map(Line::has_virtual_balance);
    assert_eq!(keeps, [false, true, true]);
}

#[test]
fn averaging_over_stable_debt_moves_the_last_digits_until_v3_1() {
    // Seven raw units lent of eight, worked in Python integers from both versions of calculateInterestRates.
    let curve = KinkedCurve::from_bps(Bps(9_200), Bps(0), Bps(550), Bps(4_000)).unwrap();
    let amount = |value: u64| Amount(U256::from(value));
    let balances = Balances { available: amount(1), debt: amount(7), unbacked: amount(0) };
    let rates = |line: Line| line.rates(&curve, balances, Bps(1_500)).unwrap();
    let borrow = ray("52309782608695652173913043");
    for line in [Line::V3_0, Line::V3_1, Line::V3_2] {
        assert_eq!(rates(line).borrow, borrow);
    }
    assert_eq!(rates(Line::V3_2).supply, ray("38905400815217391304347826"));
    assert_eq!(rates(Line::V3_1).supply, ray("38905400787500000000000000"));
    assert_eq!(rates(Line::V3_0), rates(Line::V3_1));
}

proptest! {
    #[test]
    fn the_borrow_rate_never_falls_as_utilization_rises(
        curve in any_curve(), a in any::<u64>(), b in any::<u64>()
    ) {
        let low = curve.borrow_rate(utilization_of(a.min(b))).unwrap();
        let high = curve.borrow_rate(utilization_of(a.max(b))).unwrap();
        prop_assert!(low <= high, "more utilization never costs less");
    }

    #[test]
    fn the_curve_is_continuous_at_its_kink(curve in any_curve()) {
        let at = curve.borrow_rate(curve.optimal).unwrap().0;
        let above = curve.borrow_rate(Ray(curve.optimal.0 + U256::from(1))).unwrap().0;
        prop_assert_eq!(at, curve.base.0 + curve.slope1.0, "the kink is at base plus slope1");
        // 700 % over the last 1 % of utilization is 700 per unit, and rounding adds one.
        prop_assert!(above - at <= U256::from(701), "one unit of utilization is a small step");
    }

    #[test]
    fn suppliers_never_receive_more_than_borrowers_pay(
        curve in any_curve(), part in any::<u64>(), reserve_factor in 0u32..=10_000
    ) {
        let utilization = utilization_of(part);
        let borrow = curve.borrow_rate(utilization).unwrap();
        let supply = supply_rate(borrow, utilization, Bps(reserve_factor)).unwrap();
        let paid = borrow.0 * utilization.0 / RAY;
        prop_assert!(supply.0 <= paid + U256::from(1), "only half-up rounding can add one unit");
    }

    #[test]
    fn the_integer_rates_agree_with_plain_floating_point(
        curve in any_curve(), part in any::<u64>(), reserve_factor in 0u32..=10_000
    ) {
        let utilization = utilization_of(part);
        let borrow = curve.borrow_rate(utilization).unwrap();
        let supply = supply_rate(borrow, utilization, Bps(reserve_factor)).unwrap();
        let plain = plain_rate(&curve, utilization.to_f64());
        let plain_supply =
            plain * utilization.to_f64() * (1.0 - f64::from(reserve_factor) / 10_000.0);
        // The absolute part: f64 loses digits where it subtracts two utilizations near the kink.
        prop_assert!(agree(apr(borrow).0, plain, 1e-9, 1e-13), "borrow rate");
        prop_assert!(agree(apr(supply).0, plain_supply, 1e-9, 1e-13), "supply rate");
    }

    #[test]
    fn growth_agrees_with_plain_floating_point(rate in 0u64..=10_000, seconds in 0..=7 * YEAR) {
        let rate = Ray(U256::from(rate) * RAY_PER_BPS);
        let x = rate.to_f64() * (seconds as f64) / (YEAR as f64);
        let taylor = 1.0 + x + x * x / 2.0 + x * x * x / 6.0;
        prop_assert!(agree(linear_interest(rate, seconds).unwrap().to_f64(), 1.0 + x, 1e-9, 0.0));
        prop_assert!(agree(compounded_interest(rate, seconds).unwrap().to_f64(), taylor, 1e-9, 0.0));
    }

    #[test]
    fn v3_0_falls_short_by_less_than_six_millionths_in_a_year(
        rate in 0u64..=10_000, seconds in 0..=YEAR
    ) {
        let rate = Ray(U256::from(rate) * RAY_PER_BPS);
        let [old, new] = [compounded_interest_v3_0, compounded_interest]
            .map(|grow| grow(rate, seconds).unwrap());
        prop_assert!(old <= new, "the binomial form never grows faster");
        prop_assert!(agree(old.to_f64(), new.to_f64(), 6e-6, 0.0), "nor falls far behind");
    }

    #[test]
    fn no_number_makes_the_model_panic(
        numbers in proptest::array::uniform5(any_u256()), seconds in any::<u64>(), bps in any::<u32>()
    ) {
        let [base, slope1, slope2, optimal, free] = numbers.map(Ray);
        let curve = KinkedCurve { base, slope1, slope2, optimal };
        let _ = curve.borrow_rate(free);
        let _ = supply_rate(base, free, Bps(bps));
        let _ = utilization(Amount(base.0), Amount(free.0));
        let _ = linear_interest(free, seconds);
        let _ = compounded_interest(free, seconds);
        let _ = compounded_interest_v3_0(free, seconds);
    }
}
