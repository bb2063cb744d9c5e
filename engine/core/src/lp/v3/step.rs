//! One step of a swap: within one stretch of constant liquidity.

use super::price::{after_input, after_output, amount0_down, amount0_up, amount1_down, amount1_up};
use crate::lp::LpError;
use crate::lp::fixed::{mul_div_down, mul_div_up};
use crate::units::Amount;
use alloy_primitives::{U256, uint};

/// Fees are in millionths.
const FEE_ONE: U256 = uint!(1000000_U256);

/// What is fixed about a swap, or about what remains of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwapAmount {
    /// So much is paid in, the fee included.
    ExactIn(Amount),
    /// So much is wanted out.
    ExactOut(Amount),
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The root of the price afterwards, Q64.96.
    pub sqrt_price_x96: U256,
    /// Paid in, without the fee, rounded up.
    pub amount_in: U256,
    /// Paid out, rounded down.
    pub amount_out: U256,
    /// The fee, in the token paid in, rounded up.
    pub fee: U256,
}

/// Moves the price from `price` toward `target` with `liquidity`, as far as the amount that remains goes. `fee` is in
/// millionths, below one.
///
/// # Errors
/// [`LpError`] where a number does not fit.
///
/// # Source
/// Uniswap V3, `SwapMath.computeSwapStep`.
pub fn swap_step(
    (price, target): (U256, U256),
    liquidity: u128,
    remaining: SwapAmount,
    fee: u32,
) -> Result<Step, LpError> {
    let zero_for_one = price >= target;
    let fee = U256::from(fee);
    let kept = FEE_ONE.checked_sub(fee).ok_or(LpError::Overflow { what: "a fee" })?;
    let paid = |to: U256| {
        if zero_for_one {
            amount0_up(to, price, liquidity)
        } else {
            amount1_up(price, to, liquidity)
        }
    };
    let got = |to: U256| {
        if zero_for_one {
            amount1_down(to, price, liquidity)
        } else {
            amount0_down(price, to, liquidity)
        }
    };
    match remaining {
        SwapAmount::ExactIn(Amount(remaining)) => {
            let usable = mul_div_down(remaining, kept, FEE_ONE)?;
            let whole = paid(target)?;
            let next = if usable >= whole {
                target
            } else {
                after_input(price, liquidity, usable, zero_for_one)?
            };
            let amount_in = if next == target { whole } else { paid(next)? };
            let amount_out = got(next)?;
            // Short of the target everything that remains is taken; what the price did not need is fee.
            let fee = if next == target {
                mul_div_up(amount_in, fee, kept)?
            } else {
                remaining.checked_sub(amount_in).ok_or(LpError::NotEnough { what: "an input" })?
            };
            Ok(Step { sqrt_price_x96: next, amount_in, amount_out, fee })
        }
        SwapAmount::ExactOut(Amount(remaining)) => {
            let whole = got(target)?;
            let next = if remaining >= whole {
                target
            } else {
                after_output(price, liquidity, remaining, zero_for_one)?
            };
            let amount_out = if next == target { whole } else { got(next)? };
            let amount_in = paid(next)?;
            let fee = mul_div_up(amount_in, fee, kept)?;
            Ok(Step { sqrt_price_x96: next, amount_in, amount_out: amount_out.min(remaining), fee })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lp::fixed::Q96;
    use proptest::prelude::*;

    const LIQUIDITY: u128 = 2_000_000_000_000_000_000;
    /// The root of 1.01 and of 100.1 / 100, Q64.96.
    const TARGET: U256 = uint!(79623317895830914510639640423_U256);

    #[test]
    fn a_step_capped_at_its_target_is_the_contracts() {
        // Uniswap V3, test/SwapMath.spec.ts, "exact amount in that gets capped at price target in one for zero".
        let one = SwapAmount::ExactIn(Amount(uint!(1000000000000000000_U256)));
        let step = swap_step((Q96, TARGET), LIQUIDITY, one, 600).unwrap();
        assert_eq!(step.sqrt_price_x96, TARGET);
        assert_eq!(step.amount_in, uint!(9975124224178055_U256));
        assert_eq!(step.fee, uint!(5988667735148_U256));
        assert_eq!(step.amount_out, uint!(9925619580021728_U256));
    }

    #[test]
    fn an_output_capped_at_its_target_is_the_contracts() {
        // Uniswap V3, test/SwapMath.spec.ts, "exact amount out that gets capped at price target in one for zero".
        let one = SwapAmount::ExactOut(Amount(uint!(1000000000000000000_U256)));
        let step = swap_step((Q96, TARGET), LIQUIDITY, one, 600).unwrap();
        assert_eq!(step.amount_in, uint!(9975124224178055_U256));
        assert_eq!(step.fee, uint!(5988667735148_U256));
        assert_eq!(step.amount_out, uint!(9925619580021728_U256));
    }

    proptest! {
        #[test]
        fn a_step_takes_at_most_what_remains_and_stays_before_its_target(
            price in 1_u128.., target in 1_u128.., liquidity in 1_u128.., remaining in any::<u128>(), fee in 0_u32..1_000_000
        ) {
            let ends = (U256::from(price) << 20, U256::from(target) << 20);
            let amount = Amount(U256::from(remaining));
            if let Ok(step) = swap_step(ends, liquidity, SwapAmount::ExactIn(amount), fee) {
                prop_assert!(step.amount_in + step.fee <= amount.0, "no more is taken than given");
                let (low, high) = (ends.0.min(ends.1), ends.0.max(ends.1));
                prop_assert!((low..=high).contains(&step.sqrt_price_x96), "the price stays between its ends");
            }
            if let Ok(step) = swap_step(ends, liquidity, SwapAmount::ExactOut(amount), fee) {
                prop_assert!(step.amount_out <= amount.0, "no more goes out than wanted");
            }
        }
    }
}
