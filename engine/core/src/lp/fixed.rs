//! Products that are wider than the contracts' 256 bits, each division with its rounding in its name.

use super::LpError;
use alloy_primitives::{U256, U512, uint};

/// 2^96, the one of Q64.96.
pub const Q96: U256 = uint!(0x1000000000000000000000000_U256);
/// 2^128, the one of Q128.128.
pub const Q128: U256 = uint!(0x100000000000000000000000000000000_U256);

/// Returns `a * b / c`, rounded down.
///
/// # Errors
/// [`LpError::Zero`] for a divisor of zero, [`LpError::Overflow`] beyond 256 bits.
pub fn mul_div_down(a: U256, b: U256, c: U256) -> Result<U256, LpError> {
    divided(a, b, c, false)
}

/// Returns `a * b / c`, rounded up.
///
/// # Errors
/// [`LpError::Zero`] for a divisor of zero, [`LpError::Overflow`] beyond 256 bits.
pub fn mul_div_up(a: U256, b: U256, c: U256) -> Result<U256, LpError> {
    divided(a, b, c, true)
}

fn divided(a: U256, b: U256, c: U256, up: bool) -> Result<U256, LpError> {
    if c.is_zero() {
        return Err(LpError::Zero { what: "a divisor" });
    }
    // Most products fit, and then the division is the short one.
    if let Some(product) = a.checked_mul(b) {
        return Ok(if up { product.div_ceil(c) } else { product / c });
    }
    let product: U512 = a.widening_mul(b);
    let quotient = if up { product.div_ceil(U512::from(c)) } else { product / U512::from(c) };
    U256::checked_from_limbs_slice(quotient.as_limbs())
        .ok_or(LpError::Overflow { what: "a quotient" })
}

/// Returns `a / b`, rounded up.
pub(crate) fn div_up(a: U256, b: U256) -> Result<U256, LpError> {
    if b.is_zero() {
        return Err(LpError::Zero { what: "a divisor" });
    }
    Ok(a.div_ceil(b))
}

/// Adds, or says which number does not fit.
pub(crate) fn add(a: U256, b: U256, what: &'static str) -> Result<U256, LpError> {
    a.checked_add(b).ok_or(LpError::Overflow { what })
}

/// Subtracts, or says of what there is not enough.
pub(crate) fn sub(a: U256, b: U256, what: &'static str) -> Result<U256, LpError> {
    a.checked_sub(b).ok_or(LpError::NotEnough { what })
}

/// Multiplies, or says which number does not fit.
pub(crate) fn mul(a: U256, b: U256, what: &'static str) -> Result<U256, LpError> {
    a.checked_mul(b).ok_or(LpError::Overflow { what })
}

/// Returns the root of a number of up to 512 bits, rounded down. The root always fits 256 bits.
#[must_use]
pub fn root_down(number: U512) -> U256 {
    if number.is_zero() {
        return U256::ZERO;
    }
    // Newton from above falls until it meets the root.
    let mut root = U512::from(1) << number.bit_len().div_ceil(2);
    loop {
        let next: U512 = (root + number / root) >> 1;
        if next >= root {
            return U256::checked_from_limbs_slice(root.as_limbs()).unwrap_or(U256::MAX);
        }
        root = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wide() -> impl Strategy<Value = U256> {
        (any::<[u64; 4]>(), 0usize..256).prop_map(|(limbs, shift)| U256::from_limbs(limbs) >> shift)
    }

    proptest! {
        #[test]
        fn a_quotient_rounded_down_times_the_divisor_is_the_product_less_a_remainder(a in wide(), b in wide(), c in wide()) {
            prop_assume!(!c.is_zero());
            let product: U512 = a.widening_mul(b);
            let exact = product / U512::from(c);
            let remainder = product % U512::from(c);
            let fits = U256::checked_from_limbs_slice(exact.as_limbs());
            prop_assert_eq!(mul_div_down(a, b, c).ok(), fits, "down is the floor, or an error where it does not fit");
            let up = if remainder.is_zero() { exact } else { exact + U512::from(1) };
            let fits = U256::checked_from_limbs_slice(up.as_limbs());
            prop_assert_eq!(mul_div_up(a, b, c).ok(), fits, "up is the ceiling");
        }

        #[test]
        fn a_root_squared_is_at_most_the_number_and_the_next_is_more(a in wide(), b in wide()) {
            let number: U512 = a.widening_mul(b);
            let root = U512::from(root_down(number));
            prop_assert!(root * root <= number, "rounded down");
            let next = root + U512::from(1);
            prop_assert!(next.checked_mul(next).is_none_or(|square| square > number), "and by less than one");
        }
    }
}
