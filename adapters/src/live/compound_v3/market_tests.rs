use super::*;

const MILLI: u64 = 1_000_000_000_000_000;

fn units(whole: u64) -> U256 {
    U256::from(whole) * U256::from(1_000_000)
}

/// The market of comet `interest-rate-test.ts`, a tenth of it borrowed, with everything at an index of one.
fn market() -> Comet {
    Comet {
        rates: CometRates {
            supply: KinkedCurve::from_yearly(0, 40 * MILLI, 400 * MILLI, 800 * MILLI),
            borrow: KinkedCurve::from_yearly(10 * MILLI, 50 * MILLI, 300 * MILLI, 800 * MILLI),
        },
        supply_index: INDEX_SCALE,
        borrow_index: INDEX_SCALE,
        supply_base: units(1_000),
        borrow_base: units(100),
        accrued: 1_000,
        cash: Amount(units(900)),
        principal: units(40),
        is_in_debt: false,
        no_supply: false,
        no_withdrawal: false,
        read: 1_000,
    }
}

fn ray(per_second: u64) -> Ray {
    Ray(U256::from(per_second) * U256::from(31_536_000u64) * U256::from(1_000_000_000u64))
}

#[test]
fn rates_at_a_tenth_are_the_published_ones() {
    // `interest-rate-test.ts`: .4 % for suppliers, 1.5 % for borrowers; per second as core's own test has them.
    let rates = market().yearly_rates().unwrap();
    assert_eq!(rates, (ray(126_839_167), ray(475_646_878)));
    let curve = market().curve();
    assert!((curve.borrow_apr(0.1) - 0.015).abs() < 1e-9);
    assert!((curve.supply_apr(0.1, 0.0) - 0.004).abs() < 1e-9);
    assert!((curve.borrow_apr(0.9) - 0.08).abs() < 1e-9);
    assert!((curve.supply_apr(1.1, 0.0) - 0.152).abs() < 1e-9);
}

#[test]
fn a_year_of_interest_is_simple_between_two_acts() {
    let later = market().after(true, Amount::ZERO, 1_000 + 31_536_000).unwrap();
    // 1e15 x 126,839,167 x 31,536,000 / 1e18, rounded down, on top of 1e15.
    assert_eq!(later.share_price, Ray(U256::from(1_003_999_999_970_512u64) * INDEX_TO_RAY));
    assert_eq!(later.supplied, Amount(U256::from(1_003_999_999u64)));
    assert_eq!(later.borrowed, Amount(U256::from(101_499_999u64)));
    assert_eq!(later.held.worth, Amount(U256::from(40_159_999u64)));
    assert_eq!(later.supply_apr, ray(126_839_167), "nobody has acted since");
}

#[test]
fn a_deposit_dilutes_and_a_withdrawal_concentrates() {
    let market = market();
    let entered = market.after(true, Amount(units(1_000)), 1_000).unwrap();
    assert_eq!(entered.held.worth, Amount(units(1_040)));
    assert_eq!(entered.exit, Amount(units(1_900)));
    assert!(entered.supply_apr < ray(126_839_167));
    let left = market.after(false, Amount(units(40)), 1_000).unwrap();
    assert!(left.held.worth.is_zero() && left.supply_apr > ray(126_839_167));
}

#[test]
fn what_the_contract_would_refuse_is_refused() {
    let available = Amount(units(40));
    let asked = Amount(units(41));
    let refused = Err(PredictError::NotAvailable { asked, available });
    assert_eq!(market().after(false, asked, 1_000), refused, "more would be a loan");
    let dry = Comet { cash: Amount(units(3)), ..market() };
    let (asked, available) = (Amount(units(4)), Amount(units(3)));
    let refused = Err(PredictError::NotAvailable { asked, available });
    assert_eq!(dry.after(false, asked, 1_000), refused);
    let closed = Comet { no_supply: true, no_withdrawal: true, ..market() };
    assert!(
        closed.after(true, asked, 1_000).is_err() && closed.after(false, asked, 1_000).is_err()
    );
    assert_eq!(closed.exit(), Ok(Amount::ZERO));
    let debtor = Comet { is_in_debt: true, principal: U256::ZERO, ..market() };
    assert!(debtor.after(true, asked, 1_000).is_err());
    assert_eq!(
        market().after(true, asked, 999),
        Err(PredictError::Past { asked: 999, read: 1_000 })
    );
}
