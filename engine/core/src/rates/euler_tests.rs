use super::*;
use crate::rates::testing::{agree, any_u256};
use proptest::prelude::*;

const WHOLE: u64 = 1_000_000_000_000_000_000;

fn amount(value: u64) -> Amount {
    Amount(U256::from(value))
}

fn ray(value: u128) -> Ray {
    Ray(U256::from(value))
}

/// The model of EVK `InterestRateLinearKink.t.sol`: 0 % APY, 10 % at the kink of 50 %, 300 % full.
fn model() -> LinearKink {
    LinearKink {
        base_rate: ray(0),
        slope1: ray(1_406_417_851),
        slope2: ray(19_050_045_013),
        kink: 2_147_483_648,
    }
}

/// Yearly simple rates up to 500 %, spread over the steps of utilization.
fn any_model() -> impl Strategy<Value = LinearKink> {
    let slope = || 0u64..=36_000_000_000;
    (0u64..=10_000_000_000_000_000_000, slope(), slope(), any::<u32>()).prop_map(
        |(base, slope1, slope2, kink)| LinearKink {
            base_rate: ray(base.into()),
            slope1: ray(slope1.into()),
            slope2: ray(slope2.into()),
            kink,
        },
    )
}

#[test]
fn rates_equal_the_contracts_published_points() {
    // InterestRateLinearKink.t.sol: per second, ln(1 + APY) over 365.2425 days, to their 1e-6.
    let per_second = |apy: f64| (1.0 + apy).ln() / (365.2425 * 86_400.0);
    for (cash, borrows, expected, apy, relative) in [
        (0, WHOLE, 43_929_919_477_309_202_859, 3.0, 1e-6),
        (WHOLE, WHOLE, 3_020_259_335_871_382_597, 0.1, 1e-6),
        (WHOLE, WHOLE / 3, 1_510_129_667_232_482_373, 0.048_808_8, 1e-5),
        (WHOLE, 3 * WHOLE, 23_475_089_397_768_479_147, 1.097_617_1, 1e-4),
    ] {
        let steps = utilization(amount(cash), amount(borrows)).unwrap();
        let rate = model().borrow_rate(steps).unwrap();
        assert_eq!(rate, ray(expected), "worked in Python integers from IRMLinearKink.sol");
        assert!(agree(rate.to_f64(), per_second(apy), relative, 0.0), "{apy}");
    }
}

#[test]
fn utilization_counts_in_steps_rounded_down() {
    assert_eq!(utilization(amount(0), amount(0)), Ok(0), "an empty vault");
    assert_eq!(utilization(amount(7), amount(0)), Ok(0));
    assert_eq!(utilization(amount(0), amount(7)), Ok(u32::MAX));
    assert_eq!(utilization(amount(7), amount(7)), Ok(2_147_483_647));
    assert!(utilization(Amount(U256::MAX), amount(1)).is_err());
}

#[test]
fn a_vault_caps_what_its_model_asks() {
    let greedy = LinearKink { base_rate: ray(u128::MAX), ..model() };
    assert_eq!(greedy.model_rate(0), Ok(ray(u128::MAX)));
    assert_eq!(greedy.borrow_rate(0), Ok(MAX_BORROW_RATE));
    // The cap's own definition: 10,001 times the money in a Gregorian year.
    let compounded = (MAX_BORROW_RATE.to_f64() * 365.2425 * 86_400.0).exp();
    assert!(agree(compounded, 10_001.0, 1e-5, 0.0), "{compounded}");
}

#[test]
fn suppliers_receive_the_lent_share_less_the_fee() {
    let borrow = ray(1_000_000_000_000_000_000);
    let supply = supply_rate_down(borrow, amount(1), amount(3), Bps(1_000));
    assert_eq!(supply, Ok(ray(675_000_000_000_000_000)), "75 % lent, 10 % fee");
    assert_eq!(supply_rate_down(borrow, amount(0), amount(0), Bps(1_000)), Ok(ray(0)));
    assert!(supply_rate_down(borrow, amount(1), amount(3), Bps(10_001)).is_err());
}

proptest! {
    #[test]
    fn the_borrow_rate_never_falls_as_utilization_rises(
        model in any_model(), a in any::<u32>(), b in any::<u32>()
    ) {
        let low = model.borrow_rate(a.min(b)).unwrap();
        let high = model.borrow_rate(a.max(b)).unwrap();
        prop_assert!(low <= high, "more utilization never costs less");
    }

    #[test]
    fn the_curve_is_continuous_at_its_kink(model in any_model()) {
        let at = model.model_rate(model.kink).unwrap().0;
        let above = model.model_rate(model.kink.saturating_add(1)).unwrap().0;
        prop_assert!(above - at <= model.slope2.0, "one step adds at most the upper slope");
    }

    #[test]
    fn suppliers_never_receive_more_than_borrowers_pay(
        model in any_model(), cash in any::<u64>(), borrows in any::<u64>(), fee in 0u32..=10_000
    ) {
        let borrow = model.borrow_rate(utilization(amount(cash), amount(borrows)).unwrap()).unwrap();
        let supply = supply_rate_down(borrow, amount(cash), amount(borrows), Bps(fee)).unwrap();
        prop_assert!(
            supply.0 * (U256::from(cash) + U256::from(borrows)) <= borrow.0 * U256::from(borrows),
            "what suppliers receive in all is at most what borrowers pay in all"
        );
    }

    #[test]
    fn the_integer_rates_agree_with_plain_floating_point(model in any_model(), steps in any::<u32>()) {
        let [at, kink, all] = [steps, model.kink, u32::MAX].map(f64::from);
        let [base, slope1, slope2] = [model.base_rate, model.slope1, model.slope2].map(|r| apr(r).0);
        let plain = base
            + slope1 * all * (at / all).min(kink / all)
            + slope2 * all * (at / all - kink / all).max(0.0);
        let found = apr(model.model_rate(steps).unwrap()).0;
        prop_assert!(agree(found, plain, 1e-9, 1e-15), "{found} is not {plain}");
    }

    #[test]
    fn no_number_makes_the_model_panic(
        numbers in proptest::array::uniform4(any_u256()), kink in any::<u32>(), steps in any::<u32>()
    ) {
        let [base_rate, slope1, slope2, free] = numbers.map(Ray);
        let model = LinearKink { base_rate, slope1, slope2, kink };
        let _ = model.borrow_rate(steps);
        let _ = utilization(Amount(base_rate.0), Amount(free.0));
        let _ = supply_rate_down(slope1, Amount(base_rate.0), Amount(free.0), Bps(steps));
    }
}
