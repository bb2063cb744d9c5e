//! Arithmetic of a pair as the market contract has it (`contracts/src/libraries/PairMath.sol`), rounded as there.

use alloy::primitives::{U256, U512, uint};
use plimsoll_core::lp::LpError;
use plimsoll_core::lp::fixed::{mul_div_down, mul_div_up, root_down};

/// Parts of one.
pub(super) const WAD: U256 = uint!(1_000_000_000_000_000_000_U256);
const KEPT: U256 = uint!(3_000_000_000_000_000_U256);
const TAKEN: U256 = uint!(997_000_000_000_000_000_U256);
const OVERFLOW: LpError = LpError::Overflow { what: "a product" };
const NOT_ENOUGH: LpError = LpError::NotEnough { what: "the pair" };

pub(super) fn sum(a: U256, b: U256) -> Result<U256, LpError> {
    a.checked_add(b).ok_or(LpError::Overflow { what: "a sum" })
}

pub(super) fn product(a: U256, b: U256) -> Result<U256, LpError> {
    a.checked_mul(b).ok_or(OVERFLOW)
}

pub(super) fn less(a: U256, b: U256) -> Result<U256, LpError> {
    a.checked_sub(b).ok_or(NOT_ENOUGH)
}

/// The root of a product, rounded down; the contract reverts where the product does not fit.
pub(super) fn root(a: U256, b: U256) -> Result<U256, LpError> {
    Ok(root_down(U512::from(product(a, b)?)))
}

/// What `amount` buys.
pub(super) fn amount_out(amount: U256, from: U256, to: U256) -> Result<U256, LpError> {
    let counted = product(amount, U256::from(997))?;
    mul_div_down(counted, to, sum(product(from, U256::from(1_000))?, counted)?)
}

/// The part of `amount` to swap, so that the rest and what it buys enter in the ratio that the pair then has.
pub(super) fn part_to_swap(amount: U256, reserve: U256) -> Result<U256, LpError> {
    let squared = product(reserve, U256::from(3_988_009))?;
    let inner = sum(squared, product(amount, U256::from(3_988_000))?)?;
    let found = less(root(reserve, inner)?, product(reserve, U256::from(1_997))?)?;
    Ok(found / U256::from(1_994))
}

/// The part of all shares to burn so that it brings, with the other token sold, `part` of the reserve.
pub(super) fn burn_for(part: U256) -> Result<U256, LpError> {
    let b = sum(uint!(1_997_000_000_000_000_000_U256), mul_div_up(KEPT, part, WAD)?)?;
    let four = product(product(U256::from(4), part)?, WAD)?;
    let discriminant = less(product(b, b)?, four)?;
    let root = root_down(U512::from(discriminant));
    sum(less(b, root)? / U256::from(2), U256::from(2))
}

/// What burning `burned` of all shares and selling the other token brings, as a part of the reserve.
pub(super) fn brings_of(burned: U256) -> Result<U256, LpError> {
    let taken = mul_div_down(TAKEN, burned, WAD)?;
    let left = less(WAD, product(KEPT, burned)? / WAD)?;
    sum(burned, mul_div_down(taken, less(WAD, burned)?, left)?)
}

/// The most of all shares that can be burned so that selling the other token brings `price` of the pair's own price before.
pub(super) fn most_burned(price: U256) -> Result<U256, LpError> {
    if price >= TAKEN {
        return Ok(U256::ZERO);
    }
    let left = less(TAKEN, mul_div_down(KEPT, price, WAD)?)?;
    mul_div_down(less(TAKEN, price)?, WAD, left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_swapped_and_what_is_left_fit_the_pair_that_is_then(
            amount in 1_000_000_u64.., reserve in 1_000_000_000_u64.., other in 1_000_000_000_u64..
        ) {
            let [amount, reserve, other] = [amount, reserve, other].map(|each| U256::from(each) << 20);
            let sold = part_to_swap(amount, reserve).unwrap();
            let bought = amount_out(sold, reserve, other).unwrap();
            let rest = amount - sold;
            // rest / (reserve + sold) = bought / (other - bought)
            let left = f64::from(rest) / f64::from(reserve + sold);
            let right = f64::from(bought) / f64::from(other - bought);
            prop_assert!((left / right - 1.0).abs() < 1e-6, "the rest is in the pair's ratio");
        }

        #[test]
        fn what_is_burned_for_a_part_brings_it(part in 1_u64..400_000_000_000_000_000) {
            let part = U256::from(part);
            let brought = brings_of(burn_for(part).unwrap()).unwrap();
            prop_assert!(brought >= part, "it brings enough");
            prop_assert!(brought - part < U256::from(10), "and hardly more");
        }

        #[test]
        fn a_sale_within_the_bound_brings_its_price(price in 500_000_000_000_000_000_u64..997_000_000_000_000_000) {
            let price = U256::from(price);
            let burned = most_burned(price).unwrap();
            prop_assume!(burned > U256::from(1_000_000));
            // Beside the burned part the other token is sold for this part of the pair's price.
            let sold = brings_of(burned).unwrap() - burned;
            // Two units of what it brings are rounding.
            let least = mul_div_down(price, burned, WAD).unwrap();
            prop_assert!(sold + U256::from(2) >= least, "at least the price: {sold}, {least}");
        }
    }
}
