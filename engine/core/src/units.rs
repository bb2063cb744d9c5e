//! Settlement units (integers, as contracts see them) and the two doors to the analysis world.
//!
//! An integer becomes an `f64` only through `to_f64`, and an `f64` becomes an integer only through
//! `from_f64_floor`. Every division names its rounding. Nothing here casts in any other way.

use alloy_primitives::{U256, U512};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Decimals of a [`Wad`].
pub const WAD_DECIMALS: u8 = 18;
/// Decimals of a [`Ray`].
pub const RAY_DECIMALS: u8 = 27;
/// Basis points in one.
pub const BPS_ONE: u32 = 10_000;

/// An amount of a token.
///
/// # Units
/// Raw token units: 1 USDC is `1_000_000`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Amount(pub U256);

/// Shares of a market: aTokens scaled, cTokens, ERC-4626 shares.
///
/// # Units
/// Raw share units, with the decimals of the market's asset.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Shares(pub U256);

/// A fixed-point number with 18 decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wad(pub U256);

/// A fixed-point number with 27 decimals: indices and Aave rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ray(pub U256);

/// Basis points: 1 is 0.01 %.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Bps(pub u32);

/// A simple yearly rate, per 365-day year, net of protocol fees.
///
/// # Units
/// A fraction: 0.035 is 3.5 %.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Apr(pub f64);

impl Amount {
    /// No tokens.
    pub const ZERO: Amount = Amount(U256::ZERO);

    /// Reads the amount as whole units of a token with `decimals`: the door out.
    ///
    /// # Units
    /// Whole tokens. Lossy: 53 bits of the integer survive.
    #[must_use]
    pub fn to_f64(self, decimals: u8) -> f64 {
        scaled_to_f64(self.0, decimals)
    }

    /// Returns the largest amount not above `value` whole tokens: the door in.
    ///
    /// `None` for NaN, negative, infinite or unrepresentable values.
    #[must_use]
    pub fn from_f64_floor(value: f64, decimals: u8) -> Option<Amount> {
        scaled_from_f64_floor(value, decimals).map(Amount)
    }

    /// Adds, or `None` on overflow.
    #[must_use]
    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).map(Amount)
    }

    /// Adds, stopping at the largest amount.
    #[must_use]
    pub fn saturating_add(self, other: Amount) -> Amount {
        Amount(self.0.saturating_add(other.0))
    }

    /// Subtracts, or `None` when `other` is larger.
    #[must_use]
    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        self.0.checked_sub(other.0).map(Amount)
    }

    /// Subtracts, stopping at zero.
    #[must_use]
    pub fn saturating_sub(self, other: Amount) -> Amount {
        Amount(self.0.saturating_sub(other.0))
    }

    /// Returns `self * numerator / denominator`, rounded down; `None` on a zero denominator or overflow.
    #[must_use]
    pub fn mul_div_down(self, numerator: Amount, denominator: Amount) -> Option<Amount> {
        mul_div(self.0, numerator.0, denominator.0, Rounding::Down).map(Amount)
    }

    /// Returns the share `bps` of this amount, rounded up: a cost, against ourselves.
    #[must_use]
    pub fn share_up(self, bps: Bps) -> Option<Amount> {
        mul_div(self.0, U256::from(bps.0), U256::from(BPS_ONE), Rounding::Up).map(Amount)
    }

    /// Returns the share `bps` of this amount, rounded down: a limit, against ourselves.
    #[must_use]
    pub fn share_down(self, bps: Bps) -> Option<Amount> {
        mul_div(self.0, U256::from(bps.0), U256::from(BPS_ONE), Rounding::Down).map(Amount)
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl Shares {
    /// No shares.
    pub const ZERO: Shares = Shares(U256::ZERO);

    /// Returns the shares that `amount` buys at `share_price`, rounded down; `None` at price zero.
    #[must_use]
    pub fn bought_down(amount: Amount, share_price: Ray) -> Option<Shares> {
        mul_div(amount.0, Ray::ONE.0, share_price.0, Rounding::Down).map(Shares)
    }

    /// Returns the fewest shares whose redemption pays at least `amount`; `None` at price zero.
    #[must_use]
    pub fn redeemed_up(amount: Amount, share_price: Ray) -> Option<Shares> {
        mul_div(amount.0, Ray::ONE.0, share_price.0, Rounding::Up).map(Shares)
    }

    /// Returns what the shares are worth at `share_price`, rounded down.
    #[must_use]
    pub fn worth_down(self, share_price: Ray) -> Option<Amount> {
        mul_div(self.0, share_price.0, Ray::ONE.0, Rounding::Down).map(Amount)
    }

    /// Adds, or `None` on overflow.
    #[must_use]
    pub fn checked_add(self, other: Shares) -> Option<Shares> {
        self.0.checked_add(other.0).map(Shares)
    }

    /// Subtracts, stopping at zero.
    #[must_use]
    pub fn saturating_sub(self, other: Shares) -> Shares {
        Shares(self.0.saturating_sub(other.0))
    }
}

impl Wad {
    /// Reads the number: the door out.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        scaled_to_f64(self.0, WAD_DECIMALS)
    }

    /// Returns the largest wad not above `value`: the door in.
    #[must_use]
    pub fn from_f64_floor(value: f64) -> Option<Wad> {
        scaled_from_f64_floor(value, WAD_DECIMALS).map(Wad)
    }
}

impl Ray {
    /// One.
    pub const ONE: Ray = Ray(U256::from_limbs([0x9fd0_803c_e800_0000, 0x033b_2e3c, 0, 0]));

    /// Reads the number: the door out.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        scaled_to_f64(self.0, RAY_DECIMALS)
    }

    /// Returns the largest ray not above `value`: the door in.
    #[must_use]
    pub fn from_f64_floor(value: f64) -> Option<Ray> {
        scaled_from_f64_floor(value, RAY_DECIMALS).map(Ray)
    }
}

impl Bps {
    /// Reads the basis points as a fraction.
    #[must_use]
    pub fn to_fraction(self) -> f64 {
        f64::from(self.0) / f64::from(BPS_ONE)
    }
}

impl fmt::Display for Bps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bp", self.0)
    }
}

impl fmt::Display for Apr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} %", self.0 * 100.0)
    }
}

/// Returns the largest whole number not above `number`, as a place or a count: the door from a model's
/// number to an index. Below zero and NaN give 0.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast stops at the ends of the range, and NaN gives 0"
)]
pub fn floor_to_index(number: f64) -> usize {
    number as usize
}

enum Rounding {
    Down,
    Up,
}

/// `a * b / c` through 512 bits, so that only the result can overflow.
fn mul_div(a: U256, b: U256, c: U256, rounding: Rounding) -> Option<U256> {
    if c.is_zero() {
        return None;
    }
    let product: U512 = a.widening_mul(b);
    let divisor = U512::from(c);
    let quotient = match rounding {
        Rounding::Down => product / divisor,
        Rounding::Up => product.div_ceil(divisor),
    };
    U256::checked_from_limbs_slice(quotient.as_limbs())
}

fn scaled_to_f64(value: U256, decimals: u8) -> f64 {
    f64::from(value) / 10f64.powi(i32::from(decimals))
}

/// The exact floor of `value * 10^decimals`: the mantissa is multiplied before the exponent shifts,
/// so no bit is lost to a product in floating point.
fn scaled_from_f64_floor(value: f64, decimals: u8) -> Option<U256> {
    if !value.is_finite() || value.is_sign_negative() && value != 0.0 {
        return None;
    }
    let bits = value.to_bits();
    let raw_exponent = (bits >> 52) & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = match raw_exponent {
        0 => (fraction, -1074),
        _ => (fraction | (1 << 52), i64::try_from(raw_exponent).ok()? - 1075),
    };
    let power = match 10u128.checked_pow(u32::from(decimals)) {
        Some(power) => U256::from(power),
        None => U256::from(10).checked_pow(U256::from(decimals))?,
    };
    let scaled = U256::from(mantissa).checked_mul(power)?;
    let shift = usize::try_from(exponent.unsigned_abs()).ok()?;
    if exponent < 0 {
        return Some(if shift >= 256 { U256::ZERO } else { scaled >> shift });
    }
    if scaled.is_zero() {
        return Some(U256::ZERO);
    }
    (scaled.leading_zeros() >= shift).then(|| scaled << shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_ray_is_ten_to_the_twenty_seven() {
        assert_eq!(Ray::ONE.0, U256::from(10).pow(U256::from(27)));
    }

    #[test]
    fn an_aave_rate_of_35e24_reads_as_3_5_percent() {
        let rate = Ray(U256::from(35) * U256::from(10).pow(U256::from(24)));
        assert!((rate.to_f64() - 0.035).abs() < 1e-17);
    }

    #[test]
    fn the_door_in_floors_exactly() {
        assert_eq!(Amount::from_f64_floor(1.5, 6), Some(Amount(U256::from(1_500_000))));
        // 0.1 in binary is 0.1000000000000000055511151231257827...: the floor keeps its exact digits.
        assert_eq!(
            Ray::from_f64_floor(0.1),
            Some(Ray(U256::from(100_000_000_000_000_005_551_115_123u128)))
        );
        assert_eq!(Amount::from_f64_floor(0.0, 18), Some(Amount::ZERO));
        assert_eq!(Amount::from_f64_floor(f64::MIN_POSITIVE, 18), Some(Amount::ZERO));
    }

    #[test]
    fn the_door_in_refuses_what_has_no_amount() {
        for bad in [f64::NAN, -1.0, -f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, 1e60] {
            assert_eq!(Amount::from_f64_floor(bad, 18), None, "{bad}");
        }
        assert_eq!(Amount::from_f64_floor(-0.0, 18), Some(Amount::ZERO));
    }

    #[test]
    fn an_index_is_the_floor_and_never_below_zero() {
        let found = [2.99, -1.0, f64::NAN, 0.0, f64::INFINITY].map(floor_to_index);
        assert_eq!(found, [2, 0, 0, 0, usize::MAX]);
    }

    #[test]
    fn a_zero_share_price_buys_nothing_and_never_divides() {
        assert_eq!(Shares::bought_down(Amount(U256::from(1)), Ray(U256::ZERO)), None);
    }

    proptest! {
        #[test]
        fn in_then_out_never_gains_and_loses_less_than_one_unit(
            value in 0.0f64..1e12, decimals in 0u8..=18
        ) {
            let amount = Amount::from_f64_floor(value, decimals).unwrap();
            let back = amount.to_f64(decimals);
            let unit = 10f64.powi(-i32::from(decimals));
            let rounding = value * f64::EPSILON * 2.0;
            prop_assert!(back <= value + rounding, "the round trip never gains");
            prop_assert!(back >= value - unit - rounding, "the round trip loses less than one raw unit");
        }

        #[test]
        fn out_is_monotone(a in any::<u128>(), b in any::<u128>(), decimals in 0u8..=27) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(
                Amount(U256::from(low)).to_f64(decimals) <= Amount(U256::from(high)).to_f64(decimals),
                "a larger integer never reads as a smaller number"
            );
        }

        #[test]
        fn buying_then_redeeming_never_gains(amount in 0u128..1u128 << 100, price in 1u128..1u128 << 100) {
            let amount = Amount(U256::from(amount));
            let price = Ray(U256::from(price));
            let shares = Shares::bought_down(amount, price).unwrap();
            prop_assert!(
                shares.worth_down(price).unwrap() <= amount,
                "rounding is against ourselves, so a round trip never gains"
            );
        }

        #[test]
        fn redeeming_up_pays_at_least_the_amount(amount in 0u128..1u128 << 100, price in 1u128..1u128 << 100) {
            let amount = Amount(U256::from(amount));
            let price = Ray(U256::from(price));
            let shares = Shares::redeemed_up(amount, price).unwrap();
            prop_assert!(
                shares.worth_down(price).unwrap() >= amount,
                "shares rounded up are worth at least what was asked"
            );
        }

        #[test]
        fn a_cost_is_never_rounded_away(amount in 1u128..u128::MAX, bps in 1u32..=10_000) {
            let cost = Amount(U256::from(amount)).share_up(Bps(bps)).unwrap();
            prop_assert!(!cost.is_zero(), "a cost on something is never zero");
            prop_assert!(cost.0 <= U256::from(amount), "a cost of at most 100 % is at most the amount");
        }
    }
}
