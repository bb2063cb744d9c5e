use super::*;
use crate::rates::testing::{agree, any_u256};
use proptest::prelude::*;

const DAY: u64 = 86_400;
const WHOLE: u64 = 1_000_000_000_000_000_000;
const NEW: AdaptiveCurve = AdaptiveCurve { rate_at_target: wad(0) };
const AT_4_PERCENT: AdaptiveCurve = AdaptiveCurve { rate_at_target: INITIAL_RATE_AT_TARGET };

fn yearly_percent(rate: Wad) -> f64 {
    apr(rate).0 * 100.0
}

fn any_curve() -> impl Strategy<Value = AdaptiveCurve> {
    (31_709_791u64..=63_419_583_967).prop_map(|rate| AdaptiveCurve { rate_at_target: wad(rate) })
}

/// The curve over a distance from target, in plain floating point.
fn plain_multiple(utilization: f64) -> f64 {
    let distance = utilization - 0.9;
    if distance > 0.0 { 1.0 + 3.0 * distance / 0.1 } else { 1.0 + 0.75 * distance / 0.9 }
}

#[test]
fn constants_equal_the_contracts() {
    // ConstantsLib.sol divides each by 365 days in integers.
    assert_eq!(
        ADJUSTMENT_SPEED,
        signed(uint!(50_000_000_000_000_000_000_U256) / U256::from(YEAR)).unwrap()
    );
    assert_eq!(INITIAL_RATE_AT_TARGET, wad(1_268_391_679));
    assert_eq!(MIN_RATE_AT_TARGET, wad(31_709_791));
    assert_eq!(MAX_RATE_AT_TARGET, wad(63_419_583_967));
}

#[test]
fn a_new_market_starts_at_4_percent_however_long_it_waited() {
    // AdaptiveCurveIrmTest.testFirstBorrowRateUtilizationZero and ..One: a quarter, and four times.
    for elapsed in [0, DAY, u64::MAX] {
        let empty = NEW.borrow_rate(wad(0), elapsed);
        assert_eq!(empty, Ok((wad(317_097_919), INITIAL_RATE_AT_TARGET)));
        let full = NEW.borrow_rate(wad(WHOLE), elapsed);
        assert_eq!(full, Ok((wad(4 * 1_268_391_679), INITIAL_RATE_AT_TARGET)));
    }
}

#[test]
fn five_days_at_the_extremes_equal_the_contract_to_the_last_unit() {
    // Worked in Python integers from AdaptiveCurveIrm.sol and ExpLib.sol.
    let full = AT_4_PERCENT.borrow_rate(wad(WHOLE), 5 * DAY);
    assert_eq!(full, Ok((wad(7_338_724_560), wad(2_516_027_586))));
    let empty = AT_4_PERCENT.borrow_rate(wad(0), 5 * DAY);
    assert_eq!(empty, Ok((wad(232_787_607), wad(639_427_588))));
}

#[test]
fn ordinary_interactions_equal_the_contract_to_the_last_unit() {
    // (rate at target, utilization, seconds, average, rate at target after), worked in Python
    // integers from AdaptiveCurveIrm.sol; the last three stand next to or above the target.
    for (start, utilization, elapsed, average, end) in [
        (14_307_462_807, 455_200_494_606_748_983, 21, 9_004_095_074, 14_307_227_376),
        (12_148_990_595, 421_610_615_998_048_273, 76, 7_305_466_530, 12_148_212_482),
        (953_831_467, 499_959_435_146_339_162, 777_608, 493_568_160, 551_158_965),
        (13_448_337_026, 727_062_179_473_666_137, 85, 11_510_082_914, 13_447_988_774),
        (6_841_558_356, 899_999_999_999_999_999, 86_428, 6_841_558_356, 6_841_558_356),
        (8_821_715_471, 900_000_000_000_000_001, 86_437, 8_821_715_471, 8_821_715_471),
        (1_831_898_273, 934_567_890_123_456_789, 86_473, 3_821_643_024, 1_920_775_281),
    ] {
        let curve = AdaptiveCurve { rate_at_target: wad(start) };
        assert_eq!(curve.borrow_rate(wad(utilization), elapsed), Ok((wad(average), wad(end))));
    }
}

#[test]
fn five_days_at_the_extremes_are_near_the_published_rates() {
    // AdaptiveCurveIrmTest.testRateAfterUtilizationOne and ..Zero print the continuous averages
    // 22.976 % and 0.7240 %. Three points with a true exponential give 23.202 % and 0.7310 %;
    // the contract's Taylor exponential is 0.5 % low at x = +0.342 and 0.9 % high at -0.342.
    let x = 50.0 * 5.0 / 365.0_f64;
    for (utilization, extreme, x, contract, three_points, continuous) in [
        (wad(WHOLE), 16.0, x, 23.1434, 23.2019, 22.976),
        (wad(0), 1.0, -x, 0.734_12, 0.731_04, 0.7240),
    ] {
        let (average, _) = AT_4_PERCENT.borrow_rate(utilization, 5 * DAY).unwrap();
        let found = yearly_percent(average);
        assert!(agree(found, contract, 0.0, 1e-4), "{found}");
        let plain = extreme * (1.0 + x.exp() + 2.0 * (x / 2.0).exp()) / 4.0;
        assert!(agree(plain, three_points, 0.0, 1e-4), "{plain}");
        assert!(agree(found, plain, 0.005, 0.0), "the Taylor polynomial costs under 0.5 %");
        assert!(agree(found, continuous, 0.02, 0.0), "{found} is not near {continuous}");
    }
}

#[test]
fn forty_five_days_half_way_above_target_end_at_87_percent() {
    // AdaptiveCurveIrmTest.testRateAfter45DaysUtilizationAboveTargetNoPing: 87.22 % to 0.5 %.
    let (_, end) = AT_4_PERCENT.borrow_rate(wad(WHOLE / 100 * 95), 45 * DAY).unwrap();
    assert_eq!(end, wad(27_550_077_831));
    assert!(agree(yearly_percent(end), 87.22, 0.005, 0.0));
}

#[test]
fn utilization_is_rounded_down_and_zero_when_nothing_is_supplied() {
    let amount = |value: u64| Amount(U256::from(value));
    assert_eq!(utilization(amount(2), amount(3)), Ok(wad(666_666_666_666_666_666)));
    assert_eq!(utilization(amount(5), amount(0)), Ok(wad(0)));
}

#[test]
fn at_target_nothing_moves() {
    for elapsed in [0, DAY, u64::MAX] {
        let still = AT_4_PERCENT.borrow_rate(TARGET_UTILIZATION, elapsed);
        assert_eq!(still, Ok((INITIAL_RATE_AT_TARGET, INITIAL_RATE_AT_TARGET)));
    }
}

#[test]
fn the_exponential_stands_still_at_both_ends() {
    let int = |value: i128| I256::try_from(value).unwrap();
    let one = i128::from(WHOLE);
    for (x, expected) in [
        (0, one),
        (one, 2_707_864_291_678_420_188),
        (-one, 370_113_253_479_550_356),
        (LN_WEI, 0),
        (LN_WEI - 1, 0),
        (i128::MIN, 0),
    ] {
        assert_eq!(exponential(int(x)), Ok(int(expected)), "{x}");
    }
    let top = signed(EXP_UPPER_VALUE).unwrap();
    assert_eq!(exponential(int(EXP_UPPER_BOUND)), Ok(top));
    assert_eq!(exponential(I256::MAX), Ok(top));
    assert_eq!(exponential(I256::MIN), Ok(I256::ZERO));
    assert!(exponential(int(EXP_UPPER_BOUND - 1)).unwrap() <= top);
}

#[test]
fn the_liquidation_incentive_equals_the_published_factors() {
    // (lltv in thousandths, factor to the printed digits): min(1.15, 1 / (0.3 lltv + 0.7)), as in
    // Morpho.liquidate with the cursor and cap of morpho-blue ConstantsLib.sol.
    for (lltv, expected) in [
        (385, 1.15),
        (625, 1.126_761),
        (770, 1.074_114),
        (860, 1.043_841),
        (915, 1.026_167),
        (945, 1.016_777),
        (965, 1.010_611),
        (980, 1.006_036),
        (1_000, 1.0),
    ] {
        let factor = liquidation_incentive_factor(wad(lltv * (WHOLE / 1_000))).unwrap();
        assert!(agree(factor.to_f64(), expected, 0.0, 5e-7), "{lltv}: {factor:?}");
    }
    let at_86 = liquidation_incentive_factor(wad(WHOLE / 100 * 86));
    assert_eq!(at_86, Ok(wad(1_043_841_336_116_910_229)), "rounded down");
    assert!(liquidation_incentive_factor(wad(WHOLE + 1)).is_err());
}

proptest! {
    #[test]
    fn the_borrow_rate_never_falls_as_utilization_rises(
        curve in any_curve(), a in 0..=WHOLE, b in 0..=WHOLE, elapsed in 0..=400 * DAY
    ) {
        let low = curve.borrow_rate(wad(a.min(b)), elapsed).unwrap();
        let high = curve.borrow_rate(wad(a.max(b)), elapsed).unwrap();
        prop_assert!(low.0 <= high.0, "more utilization never costs less");
        prop_assert!(low.1 <= high.1, "nor makes the later rate lower");
    }

    #[test]
    fn the_curve_is_continuous_at_its_target(curve in any_curve(), elapsed in 0..=400 * DAY) {
        let target = TARGET_UTILIZATION.0;
        let [below, at, above] = [target - U256::from(1), target, target + U256::from(1)]
            .map(|u| curve.borrow_rate(Wad(u), elapsed).unwrap().0.0);
        // A unit of utilization is a part in 1e17 of the way to the end; rates are below 1e12.
        prop_assert!(above - at <= U256::from(10), "one unit above is a small step");
        prop_assert!(at - below <= U256::from(10), "one unit below is a small step");
    }

    #[test]
    fn the_rate_at_target_stays_in_its_bounds(
        curve in any_curve(), utilization in 0..=WHOLE, elapsed in any::<u64>()
    ) {
        let (_, end) = curve.borrow_rate(wad(utilization), elapsed).unwrap();
        prop_assert!(MIN_RATE_AT_TARGET <= end, "never below 0.1 % a year");
        prop_assert!(end <= MAX_RATE_AT_TARGET, "never above 200 % a year");
    }

    #[test]
    fn suppliers_never_receive_more_than_borrowers_pay(
        curve in any_curve(), utilization in 0..=WHOLE, fee in 0..=WHOLE
    ) {
        let (borrow, _) = curve.borrow_rate(wad(utilization), 0).unwrap();
        let supply = supply_rate_down(borrow, wad(utilization), wad(fee)).unwrap();
        prop_assert!(
            supply.0 * WAD <= borrow.0 * U256::from(utilization),
            "what suppliers receive is at most what borrowers pay times utilization"
        );
    }

    #[test]
    fn the_integer_curve_agrees_with_plain_floating_point(
        curve in any_curve(), utilization in 0..=WHOLE
    ) {
        let (found, _) = curve.borrow_rate(wad(utilization), 0).unwrap();
        let plain = apr(curve.rate_at_target).0 * plain_multiple(wad(utilization).to_f64());
        // One rounding to a whole unit of 1e-18 per second.
        prop_assert!(agree(apr(found).0, plain, 1e-9, 1e-18 * 31_536_000.0));
    }

    #[test]
    fn the_exponential_is_within_one_percent_of_the_true_one(x in -20.0f64..60.0) {
        let wads = Wad::from_f64_floor(x.abs()).unwrap();
        let magnitude = signed(wads.0).unwrap();
        let signed_x = if x < 0.0 { -magnitude } else { magnitude };
        let found = unsigned(exponential(signed_x).unwrap()).unwrap().to_f64();
        prop_assert!(agree(found, x.exp(), 0.01, 1e-18), "{found} is not e^{x}");
    }

    #[test]
    fn no_number_makes_the_model_panic(
        numbers in proptest::array::uniform3(any_u256()), elapsed in any::<u64>()
    ) {
        let [rate_at_target, free, other] = numbers.map(Wad);
        let _ = AdaptiveCurve { rate_at_target }.borrow_rate(free, elapsed);
        let _ = utilization(Amount(free.0), Amount(other.0));
        let _ = supply_rate_down(rate_at_target, free, other);
        let _ = liquidation_incentive_factor(free);
    }
}
