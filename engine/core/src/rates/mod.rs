//! Rate models, integer-exact as the lending contracts compute them.
//!
//! One file per protocol. A model answers with the number the deployed contract answers with, to
//! the last unit, and with an error where the contract would revert. Where a contract multiplies in
//! 256 bits, so do we: a product that only fits in 512 bits is an error, not a better answer.
//!
//! It refuses to forecast, to read a chain and to round in its own way. The one way out to `f64` is
//! each model's `apr`.

pub mod aave_v3;
pub mod compound_v3;
pub mod euler;
pub mod morpho;

use crate::units::{Apr, Wad};
use alloy_primitives::U256;

/// Seconds in the 365-day year that Aave, Compound and Morpho count in, and that [`Apr`] means.
pub const SECONDS_PER_YEAR: u32 = 31_536_000;

/// One, with 18 decimals.
const WAD: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// Why a rate model has no answer: the contract would have reverted on the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// A step left the integer type of the contract.
    #[error("{step} overflows")]
    Overflow {
        /// The step, named after the contract's function or variable.
        step: &'static str,
    },
    /// A step divided by zero.
    #[error("{step} divides by zero")]
    ZeroDivisor {
        /// The step, named after the contract's function or variable.
        step: &'static str,
    },
    /// A parameter the contract does not accept.
    #[error("{field} is {found}, allowed: {allowed}")]
    OutOfRange {
        /// Which parameter.
        field: &'static str,
        /// Its value, in the contract's units.
        found: U256,
        /// What the contract accepts.
        allowed: &'static str,
    },
}

/// Names the step that overflowed.
fn fits<T>(value: Option<T>, step: &'static str) -> Result<T, RateError> {
    value.ok_or(RateError::Overflow { step })
}

/// `a * b / c` rounded down, with a product of 256 bits, as Solidity computes it.
fn mul_div_down(a: U256, b: U256, c: U256, step: &'static str) -> Result<U256, RateError> {
    fits(a.checked_mul(b), step)?.checked_div(c).ok_or(RateError::ZeroDivisor { step })
}

/// Reads a per-second rate as a simple yearly one.
fn apr_of_wad_per_second(rate: Wad) -> Apr {
    Apr(rate.to_f64() * f64::from(SECONDS_PER_YEAR))
}

#[cfg(test)]
mod testing {
    use alloy_primitives::U256;
    use proptest::prelude::*;

    /// Any 256-bit number, of any size: a uniform one would nearly always be astronomical.
    pub(crate) fn any_u256() -> impl Strategy<Value = U256> {
        (any::<[u64; 4]>(), 0usize..256).prop_map(|(limbs, shift)| U256::from_limbs(limbs) >> shift)
    }

    /// Whether two numbers agree to `relative`, or to `absolute` where both are small.
    pub(crate) fn agree(found: f64, expected: f64, relative: f64, absolute: f64) -> bool {
        (found - expected).abs() <= expected.abs() * relative + absolute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_step() {
        let overflow = mul_div_down(U256::MAX, U256::from(2), U256::from(2), "rayMul");
        assert_eq!(overflow, Err(RateError::Overflow { step: "rayMul" }));
        assert_eq!(overflow.unwrap_err().to_string(), "rayMul overflows");
        let zero = mul_div_down(U256::MAX, U256::from(1), U256::ZERO, "wDivDown");
        assert_eq!(zero, Err(RateError::ZeroDivisor { step: "wDivDown" }));
    }

    #[test]
    fn a_year_has_365_days() {
        assert_eq!(SECONDS_PER_YEAR, 365 * 24 * 60 * 60);
    }
}
