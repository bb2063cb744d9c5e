use super::*;

/// A million of a token with six decimals, 90 % of it lent at 4 % at target.
fn market() -> Market {
    let (assets, shares) = (uint!(1_000_000_000_000_U256), uint!(1_000_000_000_000_000_000_U256));
    Market {
        supply_assets: assets,
        supply_shares: shares,
        borrow_assets: uint!(900_000_000_000_U256),
        borrow_shares: uint!(900_000_000_000_000_000_U256),
        updated: 1_000,
        fee: Wad(U256::ZERO),
        curve: Some(AdaptiveCurve { rate_at_target: morpho::INITIAL_RATE_AT_TARGET }),
        cash: Amount(uint!(100_000_000_000_U256)),
        counted: Shares::ZERO,
        owned: Shares::ZERO,
        read: 1_000,
    }
}

#[test]
fn at_target_suppliers_get_nine_tenths_of_four_percent() {
    let rates = market().rates().unwrap();
    assert!((rates.borrow.to_f64() - 0.04).abs() < 1e-9, "{}", rates.borrow.to_f64());
    assert!((rates.supply.to_f64() - 0.036).abs() < 1e-9, "{}", rates.supply.to_f64());
}

#[test]
fn an_empty_market_has_the_index_one_and_no_market_takes_nothing() {
    let empty = Market {
        supply_assets: U256::ZERO,
        supply_shares: U256::ZERO,
        borrow_assets: U256::ZERO,
        borrow_shares: U256::ZERO,
        ..market()
    };
    assert_eq!(empty.share_price(), Ok(Ray::ONE));
    let amount = Amount(U256::from(5));
    let entered = empty.after(true, amount, 1_000).unwrap();
    assert_eq!(entered.held.worth, amount);
    let none = Market { updated: 0, ..empty }.supply(amount).unwrap_err();
    assert_eq!(none, PredictError::NoRoom { asked: amount, room: Amount::ZERO });
}

#[test]
fn interest_goes_to_suppliers_and_the_fee_is_taken_in_shares() {
    let year = 1_000 + u64::from(SECONDS_PER_YEAR);
    let free = market().accrued(year).unwrap();
    let fee = Wad(uint!(100_000_000_000_000_000_U256));
    let taxed = Market { fee, ..market() }.accrued(year).unwrap();
    assert_eq!(free.supply_assets, taxed.supply_assets, "the fee takes no assets");
    let gained = |market: Market| market.share_price().unwrap().to_f64() - 1.0;
    // At target the rate stands still, and e^0.04 - 1 is 4.081 % on nine tenths.
    assert!((gained(free) - 0.036_73).abs() < 1e-5, "{}", gained(free));
    assert!((gained(taxed) / gained(free) - 0.9).abs() < 1e-3, "{}", gained(taxed));
}

#[test]
fn what_is_lent_cannot_leave_and_what_others_own_is_not_ours() {
    let rich = Market { counted: Shares(uint!(500_000_000_000_000_000_U256)), ..market() };
    let rich = Market { owned: rich.counted, ..rich };
    let all = Amount(uint!(400_000_000_000_U256));
    let refused = rich.after(false, all, 1_000).unwrap_err();
    let available = Amount(uint!(100_000_000_000_U256));
    assert_eq!(refused, PredictError::NotAvailable { asked: all, available });
    assert!(rich.after(false, available, 1_000).is_ok());
    let none = market().after(false, Amount(U256::from(1)), 1_000).unwrap_err();
    assert!(matches!(none, PredictError::NotAvailable { available: Amount::ZERO, .. }));
    let past = rich.after(false, all, 999).unwrap_err();
    assert_eq!(past, PredictError::Past { asked: 999, read: 1_000 });
}

#[test]
fn a_market_without_a_rate_model_stands_still() {
    let still = Market { curve: None, ..market() };
    let later = still.after(true, Amount::ZERO, 1_000_000).unwrap();
    assert_eq!(later.share_price, still.share_price().unwrap());
    assert!(later.supply_apr.0.is_zero());
}
