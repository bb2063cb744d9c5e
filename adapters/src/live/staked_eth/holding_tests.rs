use super::*;

fn ether(milli: u64) -> U256 {
    U256::from(milli) * WAD / U256::from(1_000)
}

/// A share is worth 1.15 ETH and is sold at 0.99 of that, at worst at 0.98; 100 wstETH are held, the pool takes 60 of them.
fn staked() -> Staked {
    let part = |milli: u64| PROBE * U256::from(milli) / U256::from(1_000);
    let quote = Quote { worst: part(980), best: part(1_000), is_fresh: true, until: Some(2_000) };
    Staked {
        pooled: ether(1_150_000),
        all_shares: ether(1_000_000),
        external_shares: ether(100_000),
        room: Some(ether(40_000)),
        quote,
        units: ether(100_000),
        held: ether(3_000),
        requests: Vec::new(),
        sales: vec![(ether(100_000), ether(90_000)), (ether(50_000), ether(57_000))],
        ladder: vec![(ether(1_000), ether(1_140)), (ether(60_000), ether(68_000))],
        bounds: (U256::from(100), U256::from(1_000)),
        read: 1_000,
    }
}

#[test]
fn what_others_back_is_part_of_all_and_not_of_the_rate() {
    let staked = staked();
    assert_eq!(staked.redeemed(WAD), Ok(ether(1_150)));
    assert_eq!(staked.total(), Ok(Amount(ether(1_150_000 + 115_000))));
    let entered = staked.after(true, Amount(ether(23_000)), 1_000).unwrap();
    assert_eq!(entered.held.shares, Shares(ether(120_000)));
    assert_eq!(entered.supplied, Amount(ether(1_288_000)));
    assert_eq!(entered.share_price, Ray(Ray::ONE.0 * U256::from(1_150) / U256::from(1_000)));
}

#[test]
fn worth_is_the_lower_of_price_and_rate_and_liquidity_what_the_pool_takes() {
    let staked = staked();
    // 100 x 1.15 at 0.98, or at 1; and 3 that are held.
    assert_eq!(staked.value(), Ok((Amount(ether(115_700)), Amount(ether(118_000)))));
    // All is not sold for 100 x 1.127 less 1 %; a half is, for at least 50 x 1.127 x 0.99.
    assert_eq!(
        staked.liquidity(),
        Ok(Some(Amount(ether(3_000) + ether(55_786_500) / U256::from(1_000))))
    );
    // Anyone gets at least what 60 have to bring.
    assert_eq!(staked.exit(), Ok(Amount(ether(66_943_800) / U256::from(1_000))));
    // A price above the rate counts for the higher side alone.
    let mut dear = staked;
    (dear.quote.worst, dear.quote.best) = (PROBE * U256::from(2), PROBE * U256::from(3));
    assert_eq!(dear.value(), Ok((Amount(ether(118_000)), Amount(ether(348_000)))));
}

#[test]
fn a_stale_price_takes_a_band_off_and_closes() {
    let staked = staked();
    let still = staked.after(true, Amount::ZERO, 2_000).unwrap();
    assert_eq!(still.held.worth, Amount(ether(115_700)));
    let late = staked.after(true, Amount::ZERO, 2_001).unwrap();
    assert_eq!(
        late.held.worth,
        Amount(ether(112_700) * U256::from(9) / U256::from(10) + ether(3_000))
    );
    assert!(late.held.available.is_zero());
    assert!(staked.after(true, Amount(ether(1)), 2_001).is_err());
    let kept = staked.after(false, Amount(ether(3_000)), 2_001).unwrap();
    assert_eq!(kept.held.worth, Amount(ether(112_700) * U256::from(9) / U256::from(10)));
}

#[test]
fn a_request_is_worth_the_least_of_what_was_asked_and_what_its_shares_are_now() {
    let request = |asked, shares, claimable| Request {
        asked: ether(asked),
        shares: ether(shares),
        part: WAD / U256::from(2),
        claimable: Option::map(claimable, ether),
    };
    let requests = vec![
        request(12_000, 10_000, Some(10_000)),
        request(11_000, 10_000, None),
        request(12_000, 10_000, None),
    ];
    let staked = Staked { requests, ..staked() };
    // Halves of 10 that are paid, of 11 that were asked for, of 11.5 that the shares are worth.
    assert_eq!(staked.queued(), Ok((ether(16_250), ether(5_000))));
}

#[test]
fn what_is_not_known_is_refused_and_said_so() {
    let staked = staked();
    let asked = Amount(ether(41_000));
    let room = Amount(ether(40_000));
    assert_eq!(staked.after(true, asked, 1_000), Err(PredictError::NoRoom { asked, room }));
    let available = staked.liquidity().unwrap().unwrap();
    let asked = Amount(ether(99_000));
    let refused = Err(PredictError::NotAvailable { asked, available });
    assert_eq!(staked.after(false, asked, 1_000), refused);
    let sale = staked.after(false, Amount(ether(10_000)), 1_000).unwrap_err().to_string();
    assert!(sale.contains("not predicted"), "{sale}");
    // After an entry the sale of all is unknown, and a half, which is less than 60, can be sold.
    let entered = staked.after(true, Amount(ether(11_500)), 1_000).unwrap();
    let half = ether(55_000) * U256::from(1_115_730) / U256::from(1_000_000);
    assert_eq!(entered.held.available, Amount(half + ether(3_000)));
}
