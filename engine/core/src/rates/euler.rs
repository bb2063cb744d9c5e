//! Euler v2 vaults (EVK) on `IRMLinearKink`: a two-slope curve over a 32-bit utilization.
//!
//! The model's number is per second and compounds every second. The vault caps it and hands
//! suppliers what is left after its interest fee.

use super::{RateError, SECONDS_PER_YEAR, fits, mul_div_down};
use crate::units::{Amount, Apr, BPS_ONE, Bps, Ray};
use alloy_primitives::{U256, uint};

/// The most a vault charges per second, whatever its model says: 1,000,000 % APY.
///
/// # Units
/// Per second, in ray.
///
/// # Source
/// EVK `Constants.sol`, `MAX_ALLOWED_INTEREST_RATE`.
pub const MAX_BORROW_RATE: Ray = Ray(uint!(291_867_278_914_945_094_175_U256));

/// A vault's borrow rate as a function of its utilization.
///
/// # Units
/// `base_rate` is per second, in ray. Both slopes are per second, in ray, for *each* of the
/// `u32::MAX` steps of utilization; `kink` counts those steps.
///
/// # Source
/// EVK `IRMLinearKink`, its immutables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearKink {
    /// The rate of an unused vault.
    pub base_rate: Ray,
    /// What the rate gains with each step up to the kink.
    pub slope1: Ray,
    /// What the rate gains with each step beyond the kink.
    pub slope2: Ray,
    /// The utilization at the kink, of `u32::MAX`.
    pub kink: u32,
}

impl LinearKink {
    /// Returns what the model answers at a utilization, before the vault's cap.
    ///
    /// # Units
    /// Per second, in ray.
    ///
    /// # Errors
    /// [`RateError::Overflow`] where the contract would revert; a vault then keeps its last rate.
    ///
    /// # Source
    /// `IRMLinearKink.computeInterestRateInternal`.
    pub fn model_rate(&self, utilization: u32) -> Result<Ray, RateError> {
        const STEP: &str = "computeInterestRate";
        let steps_below = U256::from(utilization.min(self.kink));
        let steps_above = U256::from(utilization.saturating_sub(self.kink));
        let below = fits(self.slope1.0.checked_mul(steps_below), STEP)?;
        let above = fits(self.slope2.0.checked_mul(steps_above), STEP)?;
        let to_kink = fits(self.base_rate.0.checked_add(below), STEP)?;
        fits(to_kink.checked_add(above), STEP).map(Ray)
    }

    /// Returns what borrowers pay at a utilization: the model's answer, capped by the vault.
    ///
    /// # Units
    /// Per second, in ray.
    ///
    /// # Errors
    /// [`RateError::Overflow`] where the model would revert.
    ///
    /// # Source
    /// EVK `BorrowUtils.computeInterestRate`.
    pub fn borrow_rate(&self, utilization: u32) -> Result<Ray, RateError> {
        Ok(self.model_rate(utilization)?.min(MAX_BORROW_RATE))
    }
}

/// Returns the share of a vault's assets that is lent, of `u32::MAX`, rounded down; zero when the
/// vault is empty.
///
/// # Errors
/// [`RateError::Overflow`] for amounts beyond what a vault holds (112 bits).
///
/// # Source
/// `IRMLinearKink.computeInterestRateInternal`.
pub fn utilization(cash: Amount, borrows: Amount) -> Result<u32, RateError> {
    const STEP: &str = "utilization";
    let total = fits(cash.checked_add(borrows), STEP)?;
    if total.is_zero() {
        return Ok(0);
    }
    let part = mul_div_down(borrows.0, U256::from(u32::MAX), total.0, STEP)?;
    fits(u32::try_from(part).ok(), STEP)
}

/// Returns what suppliers receive: what borrowers pay, spread over all assets, less the fee.
///
/// The contract never states this number; it follows from how a vault accrues. Rounded down.
///
/// # Units
/// Per second, in ray, net of `interest_fee`.
///
/// # Errors
/// [`RateError::OutOfRange`] for a fee above 100 %, else overflow.
///
/// # Source
/// EVK `Cache.initVaultCache`: fees are `interestFee` of 1e4 of the interest.
pub fn supply_rate_down(
    borrow_rate: Ray,
    cash: Amount,
    borrows: Amount,
    interest_fee: Bps,
) -> Result<Ray, RateError> {
    const STEP: &str = "supply rate";
    let kept = BPS_ONE.checked_sub(interest_fee.0).ok_or(RateError::OutOfRange {
        field: "interest_fee",
        found: U256::from(interest_fee.0),
        allowed: "at most 10000 bp",
    })?;
    let total = fits(cash.checked_add(borrows), STEP)?;
    if total.is_zero() {
        return Ok(Ray(U256::ZERO));
    }
    let gross = mul_div_down(borrow_rate.0, borrows.0, total.0, STEP)?;
    mul_div_down(gross, U256::from(kept), U256::from(BPS_ONE), STEP).map(Ray)
}

/// Reads a per-second rate as a simple yearly one: the door out.
///
/// # Units
/// Per 365-day year like every [`Apr`]. Euler's own tools count 365.2425 days.
#[must_use]
pub fn apr(per_second: Ray) -> Apr {
    Apr(per_second.to_f64() * f64::from(SECONDS_PER_YEAR))
}

#[cfg(test)]
#[path = "euler_tests.rs"]
mod tests;
