//! Numbers with 18 decimals. What does not fit 256 bits on the way is refused, as the contract does.
//!
//! # Source
//! Balancer V2, `FixedPoint`.

use crate::lp::LpError;
use crate::lp::fixed::{div_up as quotient_up, mul};
use alloy_primitives::{U256, uint};

const ONE: U256 = uint!(1000000000000000000_U256);

pub(super) const fn one() -> U256 {
    ONE
}

pub(super) fn mul_down(a: U256, b: U256) -> Result<U256, LpError> {
    Ok(mul(a, b, "a product")? / ONE)
}

pub(super) fn mul_up(a: U256, b: U256) -> Result<U256, LpError> {
    quotient_up(mul(a, b, "a product")?, ONE)
}

pub(super) fn div_down(a: U256, b: U256) -> Result<U256, LpError> {
    mul(a, ONE, "a product")?.checked_div(b).ok_or(LpError::Zero { what: "a divisor" })
}

pub(super) fn div_up(a: U256, b: U256) -> Result<U256, LpError> {
    quotient_up(mul(a, ONE, "a product")?, b)
}

/// One less a number, and zero for more than one.
pub(super) fn complement(a: U256) -> U256 {
    ONE.saturating_sub(a)
}
