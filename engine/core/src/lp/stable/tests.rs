//! Properties of a pool as a whole. That it is the contract's to the unit is held by the tests on the local chain.

use super::*;
use crate::Amount;
use crate::lp::LpError;
use alloy_primitives::U256;
use proptest::prelude::*;

const NOW: u64 = 1_700_000_000;

fn one() -> U256 {
    U256::from(10).pow(U256::from(18))
}

/// A million of each of two tokens, with 18 and 6 decimals, the first at a rate.
fn pool(rate: U256, shares: (U256, U256)) -> StablePool {
    let token = |decimals: u64, rate, has_rate| StableToken {
        balance: U256::ZERO,
        scaling: one() * U256::from(10).pow(U256::from(18 - decimals)),
        rate,
        old_rate: rate,
        has_rate,
        is_exempt: false,
    };
    let mut pool = StablePool {
        tokens: vec![token(18, rate, true), token(6, one(), false)],
        supply: U256::ZERO,
        amplification: Amplification::fixed(200),
        swap_fee: one() / U256::from(2_500),
        protocol_shares: shares,
        last_amplification: U256::ZERO,
        last_invariant: U256::ZERO,
    };
    let million = U256::from(1_000_000);
    let first = [Amount(million * one()), Amount(million * million)];
    pool.initialize(&first, NOW).unwrap();
    pool
}

#[test]
fn the_first_provider_is_given_the_invariant_less_the_minimum() {
    let pool = pool(one(), (U256::ZERO, U256::ZERO));
    assert!(pool.supply.abs_diff(U256::from(2_000_000) * one()) <= U256::from(1));
    assert_eq!(pool.rate_down(NOW), Ok(one()));
}

#[test]
fn an_amplification_on_its_way_is_between_its_ends() {
    let values = (U256::from(200_000), U256::from(400_000));
    let moving = Amplification { values, times: (1_000, 2_000) };
    let found = [1_000, 1_250, 2_000, 3_000].map(|now| moving.at(now));
    assert_eq!(found, [200_000, 250_000, 400_000, 400_000].map(U256::from));
    let back = Amplification { values: (values.1, values.0), times: (1_000, 2_000) };
    assert_eq!(back.at(1_250), U256::from(350_000));
}

#[test]
fn yield_goes_to_the_protocol_by_its_share_and_not_where_it_is_exempt() {
    let half = one() / U256::from(2);
    let risen = |is_exempt| {
        let mut pool = pool(one(), (U256::ZERO, half));
        pool.tokens[0].is_exempt = is_exempt;
        pool.tokens[0].rate = one() * U256::from(102) / U256::from(100);
        (pool.actual_supply(NOW).unwrap(), pool.supply)
    };
    let (with_owed, supply) = risen(false);
    // A hundredth of all is yield, half of it the protocol's: a half of a hundredth is minted, a little more because it dilutes.
    let minted = (with_owed - supply) * U256::from(1_000) / supply;
    assert_eq!(minted, U256::from(4));
    let (with_owed, supply) = risen(true);
    assert_eq!(with_owed, supply);
}

#[test]
fn what_the_contract_refuses_leaves_the_pool_as_it_was() {
    let before = pool(one(), (U256::ZERO, U256::ZERO));
    let mut pool = before.clone();
    let much = Amount(U256::from(2_000_000_000_000_u64));
    assert!(pool.swap_exact_out((0, 1), much, NOW).is_err());
    assert!(pool.swap_exact_in((0, 0), Amount(U256::MAX), NOW).is_err());
    assert_eq!(pool.join_one_token(7, much, NOW), Err(LpError::NoSuchToken { place: 7 }));
    assert!(pool.exit_one_token(0, Amount(U256::MAX), NOW).is_err());
    assert!(pool.join_exact_tokens(&[much], NOW).is_err());
    assert_eq!(pool, before);
}

proptest! {
    #[test]
    fn swapping_there_and_back_never_gains_and_never_lowers_the_rate(
        amount in 1_u64..900_000_000_000, rate in 900_u64..1_200, from in 0_usize..2
    ) {
        let rate = one() * U256::from(rate) / U256::from(1_000);
        let mut pool = pool(rate, (one() / U256::from(2), U256::ZERO));
        let before = pool.rate_down(NOW).unwrap();
        let unit = pool.tokens[from].scaling / one();
        let amount = Amount(U256::from(amount) * U256::from(1_000_000_000_000_u64) / unit);
        if let Ok(out) = pool.swap_exact_in((from, 1 - from), amount, NOW)
            && let Ok(back) = pool.swap_exact_in((1 - from, from), out, NOW)
        {
            prop_assert!(back <= amount, "a round trip never gains");
        }
        prop_assert!(pool.rate_down(NOW).unwrap() >= before, "the pool's own token never falls by a swap");
    }

    #[test]
    fn joining_and_leaving_never_gains(token0 in 0_u64..900_000, token1 in 0_u64..900_000, place in 0_usize..2) {
        prop_assume!(token0 + token1 > 0);
        let mut pool = pool(one(), (U256::ZERO, U256::ZERO));
        let paid = [Amount(U256::from(token0) * one()), Amount(U256::from(token1) * U256::from(1_000_000))];
        let (own, taken) = pool.join_exact_tokens(&paid, NOW).unwrap();
        prop_assert_eq!(taken, paid.to_vec(), "at a rate of one all of it is taken");
        let mut other = pool.clone();
        let back = pool.exit_all_tokens(own, NOW).unwrap();
        let value = |amounts: &[Amount]| amounts[0].0 / U256::from(1_000_000_000_000_u64) + amounts[1].0;
        // The pool was in balance, where the sum of the balances is least for its invariant.
        prop_assert!(value(&back) <= value(&paid) + U256::from(2), "a round trip from balance never gains");
        if let Ok(one_token) = other.exit_one_token(place, own, NOW) && paid[1 - place].is_zero() {
            prop_assert!(one_token <= paid[place], "nor anything in the same token");
        }
    }
}
