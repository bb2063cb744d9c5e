use super::*;
use crate::rates::testing::{agree, any_u256};
use proptest::prelude::*;

const MILLI: u64 = 1_000_000_000_000_000;

fn wad(milli: u64) -> Wad {
    Wad(U256::from(milli) * U256::from(MILLI))
}

/// The market of comet `interest-rate-test.ts`: supply 0/.04/.4, borrow .01/.05/.3, kinks .8.
fn market() -> CometRates {
    CometRates {
        supply: KinkedCurve::from_yearly(0, 40 * MILLI, 400 * MILLI, 800 * MILLI),
        borrow: KinkedCurve::from_yearly(10 * MILLI, 50 * MILLI, 300 * MILLI, 800 * MILLI),
    }
}

fn any_curve() -> impl Strategy<Value = KinkedCurve> {
    let yearly = || 0..=5_000 * MILLI;
    (yearly(), yearly(), yearly(), 0..=1_000 * MILLI)
        .prop_map(|(base, low, high, kink)| KinkedCurve::from_yearly(base, low, high, kink))
}

fn any_utilization() -> impl Strategy<Value = Wad> {
    (0..=3_000 * MILLI).prop_map(|value| Wad(U256::from(value)))
}

#[test]
fn yearly_constants_round_down_to_whole_units_per_second() {
    let borrow = market().borrow;
    assert_eq!(borrow.base, Wad(U256::from(317_097_919)));
    assert_eq!(borrow.slope_low, Wad(U256::from(1_585_489_599)));
    assert_eq!(borrow.slope_high, Wad(U256::from(9_512_937_595u64)));
}

#[test]
fn rates_equal_the_published_points_and_hand_worked_ones() {
    // (utilization, supply, borrow) in thousandths a year. U = .1 is printed in
    // interest-rate-test.ts; the others are base + low x .8 + high x (U - .8), by hand.
    for (utilization, supply, borrow) in [
        (0, 0, 10),
        (100, 4, 15),
        (800, 32, 50),
        (900, 72, 80),
        (1_000, 112, 110),
        (1_100, 152, 140),
    ] {
        let utilization = wad(utilization);
        let market = market();
        for (rate, expected) in [
            (market.supply_rate(utilization).unwrap(), supply),
            (market.borrow_rate(utilization).unwrap(), borrow),
        ] {
            let yearly = rate.0 * U256::from(SECONDS_PER_YEAR);
            let expected = wad(expected).0;
            assert!(yearly <= expected, "every rounding is down");
            // Their MINIMUM_PRECISION_WEI: four floors lose up to four units per second.
            assert!(expected - yearly <= U256::from(100_000_000), "{yearly} not {expected}");
        }
    }
}

#[test]
fn rates_per_second_are_exact() {
    // Worked in Python integers from Comet.sol.
    for (utilization, supply, borrow) in [
        (100, 126_839_167u64, 475_646_878u64),
        (800, 1_014_713_343, 1_585_489_598),
        (900, 2_283_105_022, 2_536_783_357),
        (1_100, 4_819_888_380, 4_439_370_876),
    ] {
        assert_eq!(market().supply_rate(wad(utilization)), Ok(Wad(U256::from(supply))));
        assert_eq!(market().borrow_rate(wad(utilization)), Ok(Wad(U256::from(borrow))));
    }
}

#[test]
fn suppliers_may_receive_more_than_borrowers_pay() {
    // At U = .1 borrowers bring .015 x .1 = .0015 a unit supplied, suppliers receive .004: the
    // curves are independent and reserves pay the rest.
    let supply = apr(market().supply_rate(wad(100)).unwrap());
    let borrow = apr(market().borrow_rate(wad(100)).unwrap());
    assert!(supply.0 > borrow.0 * 0.1);
}

#[test]
fn utilization_is_zero_when_nothing_is_supplied_and_may_exceed_one() {
    let amount = |value: u64| Amount(U256::from(value));
    assert_eq!(utilization(amount(5), amount(0)), Ok(wad(0)));
    assert_eq!(utilization(amount(110), amount(100)), Ok(wad(1_100)));
    let third = utilization(amount(1), amount(3)).unwrap();
    assert_eq!(third, Wad(U256::from(333_333_333_333_333_333u64)), "rounded down");
}

#[test]
fn a_rate_beyond_64_bits_is_refused_as_by_the_contract() {
    let curve = KinkedCurve { base: Wad(U256::from(u64::MAX)), ..market().borrow };
    assert_eq!(curve.rate(wad(0)), Ok(Wad(U256::from(u64::MAX))));
    assert_eq!(curve.rate(wad(100)), Err(RateError::Overflow { step: "safe64" }));
}

proptest! {
    #[test]
    fn the_rate_never_falls_as_utilization_rises(
        curve in any_curve(), a in any_utilization(), b in any_utilization()
    ) {
        let low = curve.rate(a.min(b)).unwrap();
        let high = curve.rate(a.max(b)).unwrap();
        prop_assert!(low <= high, "more utilization never means a lower rate");
    }

    #[test]
    fn the_curve_is_continuous_at_its_kink(curve in any_curve()) {
        let at = curve.rate(curve.kink).unwrap().0;
        let above = curve.rate(Wad(curve.kink.0 + U256::from(1))).unwrap().0;
        prop_assert!(above - at <= U256::from(1), "one unit of utilization adds at most one unit");
    }

    #[test]
    fn the_integer_rates_agree_with_plain_floating_point(
        curve in any_curve(), utilization in any_utilization()
    ) {
        let [base, low, high] = [curve.base, curve.slope_low, curve.slope_high].map(|r| apr(r).0);
        let [kink, at] = [curve.kink, utilization].map(Wad::to_f64);
        let plain = base + low * at.min(kink) + high * (at - kink).max(0.0);
        // Two products are rounded down to whole units of 1e-18 per second.
        let floors = 2.0 * 1e-18 * f64::from(SECONDS_PER_YEAR);
        let found = apr(curve.rate(utilization).unwrap()).0;
        prop_assert!(agree(found, plain, 1e-9, floors), "{found} is not {plain}");
    }

    #[test]
    fn no_number_makes_the_model_panic(numbers in proptest::array::uniform5(any_u256())) {
        let [base, slope_low, slope_high, kink, free] = numbers.map(Wad);
        let _ = KinkedCurve { base, slope_low, slope_high, kink }.rate(free);
        let _ = utilization(Amount(base.0), Amount(free.0));
    }
}
