//! Properties of a pool as a whole. That it is the contract's to the wei is held by the tests on the local chain.

use super::tick::sqrt_price_at;
use super::*;
use crate::Amount;
use crate::lp::{Amounts, LpError};
use alloy_primitives::{Address, U256};
use proptest::prelude::*;

fn key(lower: i32, upper: i32) -> PositionKey {
    PositionKey { owner: Address::ZERO, lower, upper }
}

/// A pool at price one with a wide and a narrow range.
fn pool() -> Pool {
    let mut pool = Pool::new((3_000, 60), sqrt_price_at(0).unwrap(), 1_000).unwrap();
    pool.mint(key(-60_000, 60_000), 1_000_000_000_000, 1_000).unwrap();
    pool.mint(key(-120, 120), 5_000_000_000_000, 1_012).unwrap();
    pool
}

fn exact_in(zero_for_one: bool, amount: u64) -> Order {
    Order::unlimited(zero_for_one, SwapAmount::ExactIn(Amount(U256::from(amount))))
}

#[test]
fn what_the_contract_refuses_leaves_the_pool_as_it_was() {
    let before = pool();
    let mut pool = before.clone();
    assert_eq!(pool.mint(key(0, 0), 1, 0), Err(LpError::EmptyRange { lower: 0, upper: 0 }));
    let odd = LpError::TickNotSpaced { tick: 7, spacing: 60 };
    assert_eq!(pool.mint(key(0, 7), 1, 0), Err(odd));
    assert_eq!(pool.mint(key(0, 60), u128::MAX / 2, 0), Err(LpError::TooMuchLiquidity { tick: 0 }));
    assert_eq!(pool.burn(key(0, 60), 0, 0), Err(LpError::NoLiquidity));
    assert!(pool.burn(key(-120, 120), 5_000_000_000_001, 0).is_err());
    let order = exact_in(true, 0);
    assert_eq!(pool.swap(order, 0), Err(LpError::Zero { what: "the amount" }));
    let order = Order { limit_x96: pool.sqrt_price_x96, ..exact_in(true, 1) };
    assert!(pool.swap(order, 0).is_err());
    assert_eq!(pool, before);
}

#[test]
fn a_range_that_closes_leaves_no_ticks() {
    let mut pool = pool();
    pool.burn(key(-120, 120), 5_000_000_000_000, 1_024).unwrap();
    assert_eq!(pool.ticks.keys().copied().collect::<Vec<_>>(), [-60_000, 60_000]);
    assert_eq!(pool.liquidity, 1_000_000_000_000);
}

#[test]
fn a_price_far_out_stops_at_the_limit_and_takes_no_more() {
    let mut pool = pool();
    let swapped = pool.swap(exact_in(true, u64::MAX), 1_024).unwrap();
    assert_eq!(pool.sqrt_price_x96, tick::MIN_SQRT_PRICE + U256::from(1));
    assert_eq!((pool.liquidity, swapped.crossed), (0, 2));
    assert!(swapped.paid.0 < U256::from(u64::MAX));
}

proptest! {
    #[test]
    fn fees_owed_never_exceed_fees_paid(
        swaps in prop::collection::vec((any::<bool>(), 1_u64..20_000_000_000), 1..40)
    ) {
        let mut pool = pool();
        let mut fees = [U256::ZERO; 2];
        for (place, (zero_for_one, amount)) in swaps.into_iter().enumerate() {
            let now = 1_100 + u32::try_from(place).unwrap();
            let swapped = pool.swap(exact_in(zero_for_one, amount), now).unwrap();
            fees[usize::from(!zero_for_one)] += swapped.fee.0;
        }
        let mut owed = [U256::ZERO; 2];
        for range in [key(-60_000, 60_000), key(-120, 120)] {
            pool.burn(range, 0, 2_000).unwrap();
            let paid = pool.collect(range, (u128::MAX, u128::MAX));
            owed[0] += U256::from(paid.0);
            owed[1] += U256::from(paid.1);
        }
        prop_assert!(owed[0] <= fees[0] && owed[1] <= fees[1], "every rounding is for the pool");
    }

    #[test]
    fn selling_what_was_bought_never_gains(zero_for_one in any::<bool>(), amount in 1_u64..20_000_000_000) {
        let mut pool = pool();
        let there = pool.swap(exact_in(zero_for_one, amount), 1_100).unwrap();
        prop_assume!(!there.received.is_zero());
        let order = Order::unlimited(!zero_for_one, SwapAmount::ExactIn(there.received));
        let back = pool.swap(order, 1_200).unwrap();
        prop_assert!(back.received <= there.paid, "a round trip never gains");
    }

    #[test]
    fn liquidity_in_and_out_never_gains(lower in -50_i32..50, width in 1_i32..50, liquidity in 1_u64..) {
        let mut pool = pool();
        let range = key(lower * 60, (lower + width) * 60);
        let paid = pool.mint(range, u128::from(liquidity), 1_100).unwrap();
        let back = pool.burn(range, u128::from(liquidity), 1_100).unwrap();
        prop_assert!(back.token0 <= paid.token0 && back.token1 <= paid.token1, "rounding is for the pool");
    }

    #[test]
    fn a_managers_record_says_what_collect_pays_but_for_roundings(
        amounts in prop::collection::vec(1_u64..1_000_000_000_000, 2..12), swaps in prop::collection::vec((any::<bool>(), 1_u64..20_000_000_000), 1..20)
    ) {
        let mut pool = pool();
        let mut held = Vec::new();
        for amount in amounts {
            let most = Amounts::of(U256::from(amount), U256::from(amount));
            if let Ok((managed, _)) = Managed::open(&mut pool, key(-180, 180), most, 1_050) {
                held.push(managed);
            }
        }
        for (zero_for_one, amount) in swaps {
            pool.swap(exact_in(zero_for_one, amount), 1_100).unwrap();
        }
        let count = u128::try_from(held.len()).unwrap();
        for managed in &mut held {
            let owed = managed.owed_now(&pool).unwrap();
            let paid = managed.collect(&mut pool, (u128::MAX, u128::MAX), 1_200).unwrap();
            prop_assert!(paid.0 <= owed.0 && owed.0 - paid.0 <= count, "at most a unit a position is missing");
            prop_assert_eq!(managed.owed, (0, 0), "the record is written down by what was asked for");
        }
    }
}
