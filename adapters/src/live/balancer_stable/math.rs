//! Arithmetic of a stable pool as the market contract has it (`contracts/src/libraries/StableMath.sol`), rounded as there. It
//! says what can leave; what the pool itself does is reckoned by `plimsoll-core`.

use alloy::primitives::{U256, uint};
use plimsoll_core::lp::LpError;
use plimsoll_core::lp::fixed::{mul_div_down, mul_div_up};

/// Parts of one.
pub(super) const WAD: U256 = uint!(1_000_000_000_000_000_000_U256);
const MOST_STEPS: u32 = 255;

pub(super) fn sum(a: U256, b: U256) -> Result<U256, LpError> {
    a.checked_add(b).ok_or(LpError::Overflow { what: "a sum" })
}

pub(super) fn product(a: U256, b: U256) -> Result<U256, LpError> {
    a.checked_mul(b).ok_or(LpError::Overflow { what: "a product" })
}

pub(super) fn less(a: U256, b: U256) -> Result<U256, LpError> {
    a.checked_sub(b).ok_or(LpError::NotEnough { what: "the pool" })
}

fn total(balances: &[U256]) -> Result<U256, LpError> {
    balances.iter().try_fold(U256::ZERO, |all, each| sum(all, *each))
}

/// Returns the invariant; `amplification` is `A n^(n-1)` times `precision`.
fn invariant(balances: &[U256], (amplification, precision): (U256, U256)) -> Result<U256, LpError> {
    let (count, all) = (U256::from(balances.len()), total(balances)?);
    if all.is_zero() {
        return Ok(U256::ZERO);
    }
    let weight = product(amplification, count)?;
    let weighted = mul_div_down(weight, all, precision)?;
    let mut found = all;
    for _ in 0..MOST_STEPS {
        let mut power = found;
        for balance in balances {
            power = mul_div_down(power, found, product(*balance, count)?)?;
        }
        let last = found;
        let more = product(sum(count, U256::from(1))?, power)?;
        let below = sum(mul_div_down(less(weight, precision)?, found, precision)?, more)?;
        found = mul_div_down(sum(weighted, product(count, power)?)?, found, below)?;
        if found.abs_diff(last) <= U256::from(1) {
            return Ok(found);
        }
    }
    Err(LpError::NotConverged { what: "the invariant" })
}

/// Returns the part of all shares that taking `amount` of the token at `place` out costs, rounded up.
pub(super) fn cost_of(
    balances: &[U256],
    (place, amount): (usize, U256),
    fee: U256,
    amplification: (U256, U256),
) -> Result<U256, LpError> {
    let before = invariant(balances, amplification)?;
    let own = *balances.get(place).ok_or(LpError::NoSuchToken { place })?;
    let free = mul_div_down(own, amount, total(balances)?)?;
    let taken = sum(free, mul_div_up(less(amount, free)?, WAD, less(WAD, fee)?)?)?;
    if taken >= own {
        return Ok(WAD);
    }
    let mut left = balances.to_vec();
    if let Some(balance) = left.get_mut(place) {
        *balance = less(own, taken)?;
    }
    let after = invariant(&left, amplification)?;
    less(WAD, mul_div_down(after, WAD, before)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::lp::stable::math::invariant_down;
    use proptest::prelude::*;

    const PRECISION: U256 = uint!(1_000_U256);

    proptest! {
        #[test]
        fn the_invariant_is_the_pools_but_for_rounding(
            one in 1_u64..1_000_000, other in 1_u64..1_000_000, third in 1_u64..1_000_000, amplification in 1_u64..5_000
        ) {
            let balances = [one, other, third].map(|each| U256::from(each) * WAD);
            let weight = U256::from(amplification) * PRECISION;
            let found = invariant(&balances, (weight, PRECISION)).unwrap();
            let pools = invariant_down(weight, &balances).unwrap();
            prop_assert!(found.abs_diff(pools) <= pools / U256::from(1_000_000_000_000_u64), "{found} {pools}");
        }

        #[test]
        fn taking_more_costs_more_and_a_pool_in_balance_costs_about_the_part(part in 1_u64..400_000) {
            let million = U256::from(1_000_000) * WAD;
            let weight = (U256::from(500) * PRECISION, PRECISION);
            let cost = |amount: U256| cost_of(&[million, million], (0, amount), U256::ZERO, weight).unwrap();
            let amount = U256::from(part) * WAD;
            let half = amount / U256::from(2);
            prop_assert!(cost(amount + WAD) > cost(amount), "more costs more");
            let low = f64::from(cost(amount)) / f64::from(half);
            prop_assert!((0.999_999 / 1e6..1.01 / 1e6).contains(&low), "{low}");
        }
    }
}
