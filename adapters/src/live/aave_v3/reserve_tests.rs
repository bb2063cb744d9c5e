use super::*;
use alloy::primitives::uint;

/// USDC on the pool of Ethereum: active, a cap of 3,500,000,000, a factor of 10 %, six decimals.
fn word() -> U256 {
    let bits = |value: u64, from: usize| U256::from(value) << from;
    bits(7_500, 0)
        | bits(7_800, 16)
        | bits(10_450, 32)
        | bits(6, 48)
        | bits(1, 56)
        | bits(1, 58)
        | bits(1_000, 64)
        | bits(3_150_000_000, 80)
        | bits(3_500_000_000, 116)
}

#[test]
fn the_packed_word_reads_as_aave_writes_it() {
    let found = Configuration::of(word());
    assert_eq!(found.decimals, 6);
    assert_eq!(found.reserve_factor, Bps(1_000));
    assert_eq!(found.liquidation_threshold, Bps(7_800));
    assert_eq!(found.cap(), Some(uint!(3_500_000_000_000_000_U256)));
    let switches = |bit: usize| Configuration::of(word() | (U256::from(1) << bit)).switches;
    assert_eq!(found.switches, Switches { is_active: true, is_frozen: false, is_paused: false });
    assert!(switches(57).is_frozen && switches(60).is_paused);
    assert!(!found.has_virtual_balance);
    assert!(Configuration::of(word() | (U256::from(1) << 252)).has_virtual_balance);
}

fn reserve() -> Reserve {
    let ray = |bps: u32| Ray(U256::from(bps) * uint!(100_000_000_000_000_000_000_000_U256));
    Reserve {
        line: Line::V3_0,
        configuration: Configuration::of(word()),
        curve: KinkedCurve {
            base: ray(0),
            slope1: ray(550),
            slope2: ray(4_000),
            optimal: ray(9_000),
        },
        supply_index: Ray::ONE,
        borrow_index: Ray::ONE,
        supply_rate: ray(0),
        borrow_rate: ray(0),
        updated: 1_000,
        accrued_to_treasury: U256::ZERO,
        unbacked: U256::ZERO,
        scaled_supply: uint!(1_000_000_000_000_U256),
        scaled_debt: uint!(900_000_000_000_U256),
        cash: Amount(uint!(100_000_000_000_U256)),
        virtual_balance: None,
        stake: Stake::default(),
        read: 1_000,
    }
}

/// At the kink 5.5 % is paid on 90 %, of which the protocol keeps a tenth: 4.455 %.
#[test]
fn a_tiny_entry_sets_the_rate_that_the_curve_says() {
    let after = reserve().after(true, Amount(U256::from(1)), 1_000).unwrap();
    let apr = after.supply_apr.to_f64();
    assert!((apr - 0.044_55).abs() < 1e-9, "{apr}");
    assert_eq!(after.held.worth, Amount(U256::from(1)));
    assert_eq!(after.supplied.0, uint!(1_000_000_000_001_U256));
}

/// Of 100,000 that lie there the pool has counted 50,000 in: the rest was sent to it.
#[test]
fn what_the_pool_did_not_count_in_moves_no_rate_and_cannot_leave() {
    let given = Amount(uint!(50_000_000_000_U256));
    let ours = Shares(given.0 * U256::from(3));
    let pool = Reserve {
        line: Line::V3_2,
        scaled_debt: uint!(450_000_000_000_U256),
        virtual_balance: Some(given),
        stake: Stake { counted: ours, owned: ours },
        ..reserve()
    };
    let waited = pool.after(false, Amount::ZERO, 1_000).unwrap();
    assert_eq!((waited.exit, waited.held.available), (given, given));
    let more = Amount(given.0 + U256::from(1));
    let refused = pool.after(false, more, 1_000).unwrap_err();
    assert_eq!(refused, PredictError::NotAvailable { asked: more, available: given });
    // 450,000 of 500,000 lent: at the kink, as if the other 50,000 were not there.
    let apr = pool.after(true, Amount(U256::from(1)), 1_000).unwrap();
    assert!((apr.supply_apr.to_f64() - 0.044_55).abs() < 1e-9, "{:?}", apr.supply_apr);
    // The market contract itself may be short of what was counted in.
    let short = Reserve { cash: Amount(U256::from(7)), ..pool };
    assert_eq!(short.after(false, Amount::ZERO, 1_000).unwrap().exit, Amount(U256::from(7)));
}

#[test]
fn an_entry_lowers_the_rate_and_time_alone_does_not() {
    let touched =
        Reserve { supply_rate: Ray(uint!(44_550_000_000_000_000_000_000_000_U256)), ..reserve() };
    let waited = touched.after(true, Amount::ZERO, 31_537_000).unwrap();
    assert_eq!(waited.supply_apr, touched.supply_rate);
    // A year at 4.455 %, simple.
    assert_eq!(waited.share_price.0, uint!(1_044_550_000_000_000_000_000_000_000_U256));
    let entered = touched.after(true, Amount(uint!(500_000_000_000_U256)), 1_000).unwrap();
    assert!(entered.supply_apr < touched.supply_rate);
}

#[test]
fn what_the_pool_would_refuse_is_refused_with_what_it_would_take() {
    let amount = Amount(U256::from(10));
    let paused = |bit: usize| Reserve {
        configuration: Configuration::of(word() | (U256::from(1) << bit)),
        ..reserve()
    };
    for bit in [57, 60] {
        let refused = paused(bit).after(true, amount, 1_000).unwrap_err();
        assert_eq!(refused, PredictError::NoRoom { asked: amount, room: Amount::ZERO });
    }
    let none = reserve().after(false, amount, 1_000).unwrap_err();
    assert_eq!(none, PredictError::NotAvailable { asked: amount, available: Amount::ZERO });
    let past = reserve().after(true, amount, 999).unwrap_err();
    assert_eq!(past, PredictError::Past { asked: 999, read: 1_000 });
    let full = Reserve { scaled_supply: uint!(3_499_999_999_999_999_U256), ..reserve() };
    let capped = full.after(true, amount, 1_000).unwrap_err();
    assert_eq!(capped, PredictError::NoRoom { asked: amount, room: Amount(U256::from(1)) });
}
