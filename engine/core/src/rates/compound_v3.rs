//! Compound v3 (Comet): two curves of the same shape, one for suppliers and one for borrowers.
//!
//! The two are set independently, so what suppliers receive is *not* what borrowers pay times
//! utilization: reserves make up the difference or keep it. Utilization may exceed 1.

use super::{RateError, SECONDS_PER_YEAR, WAD, apr_of_wad_per_second, fits, mul_div_down};
use crate::units::{Amount, Apr, Wad};
use alloy_primitives::U256;

/// One of Comet's curves.
///
/// # Units
/// Rates per second and utilizations, all in wad.
///
/// # Source
/// `Comet`, the immutables `supplyPerSecondInterestRate*`, `supplyKink`, and the same for borrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KinkedCurve {
    /// The rate at no utilization.
    pub base: Wad,
    /// What the rate gains per unit of utilization up to the kink.
    pub slope_low: Wad,
    /// What the rate gains per unit of utilization beyond the kink.
    pub slope_high: Wad,
    /// The utilization at the kink.
    pub kink: Wad,
}

impl KinkedCurve {
    /// Returns the curve of yearly constants as the configurator stores them.
    ///
    /// # Units
    /// Yearly rates and the kink, as fractions with 18 decimals. Each rate is rounded down to a
    /// whole unit per second, as the contract does.
    ///
    /// # Source
    /// `Comet.constructor`, `perYear* / SECONDS_PER_YEAR`.
    #[must_use]
    pub fn from_yearly(base: u64, slope_low: u64, slope_high: u64, kink: u64) -> KinkedCurve {
        let per_second = |yearly: u64| Wad(U256::from(yearly / u64::from(SECONDS_PER_YEAR)));
        KinkedCurve {
            base: per_second(base),
            slope_low: per_second(slope_low),
            slope_high: per_second(slope_high),
            kink: Wad(U256::from(kink)),
        }
    }

    /// Returns the rate at a utilization, which may exceed 1.
    ///
    /// # Units
    /// Per second, in wad.
    ///
    /// # Errors
    /// [`RateError::Overflow`] where the contract would revert, as for a rate beyond 64 bits.
    ///
    /// # Source
    /// `Comet.getSupplyRate` and `Comet.getBorrowRate`, which differ in their constants only.
    pub fn rate(&self, utilization: Wad) -> Result<Wad, RateError> {
        let below = mul_factor(self.slope_low, utilization.min(self.kink))?;
        let beyond = utilization.0.saturating_sub(self.kink.0);
        let above = mul_factor(self.slope_high, Wad(beyond))?;
        let gained = fits(below.checked_add(above), "interest rate")?;
        let rate = fits(self.base.0.checked_add(gained), "interest rate")?;
        match u64::try_from(rate) {
            Ok(_) => Ok(Wad(rate)),
            Err(_) => Err(RateError::Overflow { step: "safe64" }),
        }
    }
}

/// The rates of one Comet market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CometRates {
    /// What suppliers receive.
    pub supply: KinkedCurve,
    /// What borrowers pay.
    pub borrow: KinkedCurve,
}

impl CometRates {
    /// Returns the rate suppliers receive.
    ///
    /// # Units
    /// Per second, in wad; net, as reserves are fed by the distance between the curves.
    ///
    /// # Errors
    /// [`RateError::Overflow`] where the contract would revert.
    ///
    /// # Source
    /// `Comet.getSupplyRate`.
    pub fn supply_rate(&self, utilization: Wad) -> Result<Wad, RateError> {
        self.supply.rate(utilization)
    }

    /// Returns the rate borrowers pay.
    ///
    /// # Units
    /// Per second, in wad.
    ///
    /// # Errors
    /// [`RateError::Overflow`] where the contract would revert.
    ///
    /// # Source
    /// `Comet.getBorrowRate`.
    pub fn borrow_rate(&self, utilization: Wad) -> Result<Wad, RateError> {
        self.borrow.rate(utilization)
    }
}

/// Returns debt over supply, rounded down; zero when nothing is supplied, above 1 in stress.
///
/// # Units
/// Both amounts are present values: principal times index, not the stored principal.
///
/// # Errors
/// [`RateError::Overflow`] for amounts no token has.
///
/// # Source
/// `Comet.getUtilization`.
pub fn utilization(borrowed: Amount, supplied: Amount) -> Result<Wad, RateError> {
    if supplied.is_zero() {
        return Ok(Wad(U256::ZERO));
    }
    mul_div_down(borrowed.0, WAD, supplied.0, "getUtilization").map(Wad)
}

/// Reads a per-second rate as a simple yearly one: the door out.
#[must_use]
pub fn apr(per_second: Wad) -> Apr {
    apr_of_wad_per_second(per_second)
}

/// `CometMath.mulFactor`: rounded down.
fn mul_factor(rate: Wad, factor: Wad) -> Result<U256, RateError> {
    mul_div_down(rate.0, factor.0, WAD, "mulFactor")
}

#[cfg(test)]
#[path = "compound_v3_tests.rs"]
mod tests;
