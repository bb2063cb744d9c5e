//! Aave v3: the two-slope borrow curve, the rate suppliers receive, and how the indices grow.
//!
//! The curve is `DefaultReserveInterestRateStrategyV2`'s. [`supply_rate`] is exact from v3.2 on; until v3.1
//! the contract first averaged stable and variable debt, which could move the last digits of it.
//! [`Line`] knows which pools do what; the tests of the local chain hold it against their bytecode.

use super::{RateError, SECONDS_PER_YEAR, fits, mul_div_down};
use crate::units::{Amount, Apr, BPS_ONE, Bps, Ray};
use alloy_primitives::{U256, uint};

const RAY: U256 = Ray::ONE.0;
const RAY_PER_WAD: U256 = uint!(1_000_000_000_U256);
const RAY_PER_BPS: U256 = uint!(100_000_000_000_000_000_000_000_U256);

/// The borrow rate of a reserve as a function of its utilization.
///
/// # Units
/// Yearly rates and a utilization, all in ray. `slope1` is what the rate gains up to `optimal`,
/// `slope2` what it gains from there to full utilization.
///
/// # Source
/// `DefaultReserveInterestRateStrategyV2`, `InterestRateDataRay`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KinkedCurve {
    /// The rate of an unused reserve.
    pub base: Ray,
    /// What the rate gains between no utilization and `optimal`.
    pub slope1: Ray,
    /// What the rate gains between `optimal` and full utilization.
    pub slope2: Ray,
    /// The utilization at the kink.
    pub optimal: Ray,
}

impl KinkedCurve {
    /// Returns the curve of parameters as the contract stores them, in the contract's order.
    ///
    /// # Errors
    /// [`RateError::OutOfRange`] for parameters that `_setInterestRateParams` refuses.
    ///
    /// # Source
    /// `DefaultReserveInterestRateStrategyV2._setInterestRateParams` and `_bpsToRay`.
    pub fn from_bps(
        optimal: Bps,
        base: Bps,
        slope1: Bps,
        slope2: Bps,
    ) -> Result<KinkedCurve, RateError> {
        let refuse = |field, found: U256, allowed| RateError::OutOfRange { field, found, allowed };
        if !(100..=9_900).contains(&optimal.0) {
            return Err(refuse("optimal", U256::from(optimal.0), "100 to 9900 bp"));
        }
        if slope1 > slope2 {
            return Err(refuse("slope1", U256::from(slope1.0), "at most slope2"));
        }
        let highest = U256::from(base.0) + U256::from(slope1.0) + U256::from(slope2.0);
        if highest > U256::from(100_000u32) {
            return Err(refuse("base + slope1 + slope2", highest, "at most 100000 bp"));
        }
        let ray = |bps: Bps| Ray(U256::from(bps.0) * RAY_PER_BPS);
        Ok(KinkedCurve {
            base: ray(base),
            slope1: ray(slope1),
            slope2: ray(slope2),
            optimal: ray(optimal),
        })
    }

    /// Returns the variable borrow rate at a utilization.
    ///
    /// # Units
    /// Yearly, in ray.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert; never for a curve from
    /// [`KinkedCurve::from_bps`] at a utilization from 0 to 1.
    ///
    /// # Source
    /// `DefaultReserveInterestRateStrategyV2.calculateInterestRates`.
    pub fn borrow_rate(&self, utilization: Ray) -> Result<Ray, RateError> {
        let gained = if utilization > self.optimal {
            let above_kink = fits(utilization.0.checked_sub(self.optimal.0), "excess usage")?;
            let room_above = fits(RAY.checked_sub(self.optimal.0), "RAY - optimalUsageRatio")?;
            let excess = ray_div(above_kink, room_above)?;
            let second = ray_mul(self.slope2.0, excess)?;
            fits(self.slope1.0.checked_add(second), "variable borrow rate")?
        } else {
            ray_div(ray_mul(self.slope1.0, utilization.0)?, self.optimal.0)?
        };
        fits(self.base.0.checked_add(gained), "variable borrow rate").map(Ray)
    }
}

/// Returns the share of `supplied` that is `debt`, half up; zero without debt.
///
/// `supplied` is the available liquidity plus the debt, and on the supply side also plus the
/// reserve's deficit (`unbacked` in the contract).
///
/// # Errors
/// [`RateError`] where the contract would revert: debt against nothing supplied, or overflow.
///
/// # Source
/// `DefaultReserveInterestRateStrategyV2.calculateInterestRates`, `borrowUsageRatio` and
/// `supplyUsageRatio`.
pub fn utilization(debt: Amount, supplied: Amount) -> Result<Ray, RateError> {
    if debt.is_zero() {
        return Ok(Ray(U256::ZERO));
    }
    ray_div(debt.0, supplied.0).map(Ray)
}

/// Returns the rate suppliers receive: what borrowers pay, spread over all that is supplied, less
/// the reserve factor.
///
/// # Units
/// Yearly, in ray, net of the reserve factor.
///
/// # Errors
/// [`RateError::OutOfRange`] for a reserve factor above 100 %, else overflow.
///
/// # Source
/// `DefaultReserveInterestRateStrategyV2.calculateInterestRates`, `currentLiquidityRate`.
pub fn supply_rate(
    borrow_rate: Ray,
    supply_utilization: Ray,
    reserve_factor: Bps,
) -> Result<Ray, RateError> {
    let kept = BPS_ONE.checked_sub(reserve_factor.0).ok_or(RateError::OutOfRange {
        field: "reserve_factor",
        found: U256::from(reserve_factor.0),
        allowed: "at most 10000 bp",
    })?;
    let gross = ray_mul(borrow_rate.0, supply_utilization.0)?;
    mul_div_half_up(gross, U256::from(kept), U256::from(BPS_ONE), "percentMul").map(Ray)
}

/// Returns `part` of `amount`, half up.
///
/// # Errors
/// [`RateError::Overflow`] where the contract would revert.
///
/// # Source
/// `PercentageMath.percentMul`.
pub fn percent_mul(amount: U256, part: Bps) -> Result<U256, RateError> {
    mul_div_half_up(amount, U256::from(part.0), U256::from(BPS_ONE), "percentMul")
}

/// Returns the borrow rate that suppliers' interest is reckoned with until v3.1: the mean over stable and
/// variable debt, which moves the last digits of `borrow_rate` even where all debt is variable.
///
/// # Errors
/// [`RateError::Overflow`] where the contract would revert.
///
/// # Source
/// `DefaultReserveInterestRateStrategy._getOverallBorrowRate` of aave-v3-core v3.0, without stable debt.
pub fn overall_borrow_rate_v3_0(borrow_rate: Ray, debt: Amount) -> Result<Ray, RateError> {
    if debt.is_zero() {
        return Ok(Ray(U256::ZERO));
    }
    let debt = fits(debt.0.checked_mul(RAY_PER_WAD), "wadToRay")?;
    ray_div(ray_mul(debt, borrow_rate.0)?, debt).map(Ray)
}

/// Returns by what factor a supply index grows in `seconds`: simple interest.
///
/// # Errors
/// [`RateError::Overflow`] for a rate no reserve can have.
///
/// # Source
/// `MathUtils.calculateLinearInterest`.
pub fn linear_interest(rate: Ray, seconds: u64) -> Result<Ray, RateError> {
    let gained = rate_for(rate, seconds)?;
    fits(RAY.checked_add(gained), "calculateLinearInterest").map(Ray)
}

/// Returns by what factor a borrow index grows in `seconds`: `e^x` to its third power of `x`.
///
/// # Errors
/// [`RateError::Overflow`] where the contract's unchecked arithmetic would wrap.
///
/// # Source
/// `MathUtils.calculateCompoundedInterest` of aave-v3-origin v3.7. Older pools use
/// [`compounded_interest_v3_0`].
pub fn compounded_interest(rate: Ray, seconds: u64) -> Result<Ray, RateError> {
    const STEP: &str = "calculateCompoundedInterest";
    let x = rate_for(rate, seconds)?;
    let third = ray_mul(x, x / U256::from(6))?;
    let second_and_third = ray_mul(x, fits((x / U256::from(2)).checked_add(third), STEP)?)?;
    let first = fits(RAY.checked_add(x), STEP)?;
    fits(first.checked_add(second_and_third), STEP).map(Ray)
}

/// Returns by what factor a borrow index grows in `seconds`: three terms of the binomial series.
///
/// Its third term keeps only the first digits, so within a year at a rate of at most 100 % it falls
/// short of [`compounded_interest`] by up to six parts in a million.
///
/// # Errors
/// [`RateError::Overflow`] where the contract would revert.
///
/// # Source
/// `MathUtils.calculateCompoundedInterest` of aave-v3-core v3.0, and the same in v3.1 and v3.2.
pub fn compounded_interest_v3_0(rate: Ray, seconds: u64) -> Result<Ray, RateError> {
    const STEP: &str = "calculateCompoundedInterest";
    let year = U256::from(SECONDS_PER_YEAR);
    let per_second_squared = ray_mul(rate.0, rate.0)? / (year * year);
    let per_second_cubed = ray_mul(per_second_squared, rate.0)? / year;
    let pairs = U256::from(seconds) * U256::from(seconds.saturating_sub(1));
    let triples = pairs * U256::from(seconds.saturating_sub(2));
    let second = fits(pairs.checked_mul(per_second_squared), STEP)? / U256::from(2);
    let third = fits(triples.checked_mul(per_second_cubed), STEP)? / U256::from(6);
    let first = linear_interest(rate, seconds)?.0;
    let sum = fits(first.checked_add(second), STEP)?;
    fits(sum.checked_add(third), STEP).map(Ray)
}

/// A line of Aave V3 whose arithmetic is known, as a pool names it by its `POOL_REVISION`.
///
/// v3.0 and v3.2 are tested against their bytecode. Of v3.1 no package holds bytecode: what is said of it is
/// read from its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// Revisions 1 to 3: rates follow the tokens that lie with the aToken.
    V3_0,
    /// Revision 4: rates follow the virtual balance, tokens that the pool itself has counted in and out.
    V3_1,
    /// Revision 5: no stable debt, so nothing is averaged; efficiency modes hold reserves by a bitmap.
    V3_2,
}

/// What a reserve's rates follow.
///
/// # Units
/// Raw units of its asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balances {
    /// What is not lent: the virtual balance where the line has one, else the aToken's own.
    pub available: Amount,
    /// Variable debt; stable debt is not covered.
    pub debt: Amount,
    /// Supply that bridges minted without backing.
    pub unbacked: Amount,
}

/// What borrowers pay and suppliers receive, yearly, in ray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// The variable borrow rate.
    pub borrow: Ray,
    /// The supply rate, net of the reserve factor.
    pub supply: Ray,
}

impl Line {
    /// Returns the line of a pool's revision; `None` for one whose arithmetic is not known here: from revision 6
    /// (v3.3) on pools keep deficits, and later ones round otherwise.
    #[must_use]
    pub fn of_revision(revision: U256) -> Option<Line> {
        match u64::try_from(revision).ok()? {
            1..=3 => Some(Line::V3_0),
            4 => Some(Line::V3_1),
            5 => Some(Line::V3_2),
            _ => None,
        }
    }

    /// Returns whether the pool keeps a virtual balance: what was sent to it by itself then moves no rate and
    /// cannot be withdrawn.
    #[must_use]
    pub fn has_virtual_balance(self) -> bool {
        self >= Line::V3_1
    }

    /// Returns the rates that a pool of this line sets.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    ///
    /// # Source
    /// `calculateInterestRates` of `DefaultReserveInterestRateStrategy` (v3.0) and
    /// `DefaultReserveInterestRateStrategyV2` (v3.1, v3.2).
    pub fn rates(
        self,
        curve: &KinkedCurve,
        balances: Balances,
        reserve_factor: Bps,
    ) -> Result<Rates, RateError> {
        let Balances { available, debt, unbacked } = balances;
        let borrowable =
            Amount(fits(available.0.checked_add(debt.0), "availableLiquidityPlusDebt")?);
        let supplied = Amount(fits(borrowable.0.checked_add(unbacked.0), "unbacked")?);
        let borrow = curve.borrow_rate(utilization(debt, borrowable)?)?;
        let paid = match self {
            Line::V3_0 | Line::V3_1 => overall_borrow_rate_v3_0(borrow, debt)?,
            Line::V3_2 => borrow,
        };
        let supply = supply_rate(paid, utilization(debt, supplied)?, reserve_factor)?;
        Ok(Rates { borrow, supply })
    }
}

/// Reads a yearly rate in ray: the door out.
#[must_use]
pub fn apr(rate: Ray) -> Apr {
    Apr(rate.to_f64())
}

/// The part of a yearly rate that falls on `seconds`, rounded down.
fn rate_for(rate: Ray, seconds: u64) -> Result<U256, RateError> {
    mul_div_down(rate.0, U256::from(seconds), U256::from(SECONDS_PER_YEAR), "rate * seconds")
}

/// Multiplies two rays, half up.
///
/// # Errors
/// [`RateError::Overflow`] where the contract would revert.
///
/// # Source
/// `WadRayMath.rayMul`.
pub fn ray_mul(a: U256, b: U256) -> Result<U256, RateError> {
    mul_div_half_up(a, b, RAY, "rayMul")
}

/// Divides two rays, half up.
///
/// # Errors
/// [`RateError`] where the contract would revert.
///
/// # Source
/// `WadRayMath.rayDiv`.
pub fn ray_div(a: U256, b: U256) -> Result<U256, RateError> {
    mul_div_half_up(a, RAY, b, "rayDiv")
}

/// `a * b / c` to the nearest, a half up: the shape of `rayMul`, `rayDiv` and `percentMul` alike.
fn mul_div_half_up(a: U256, b: U256, c: U256, step: &'static str) -> Result<U256, RateError> {
    let product = fits(a.checked_mul(b), step)?;
    let raised = fits(product.checked_add(c / U256::from(2)), step)?;
    raised.checked_div(c).ok_or(RateError::ZeroDivisor { step })
}

#[cfg(test)]
#[path = "aave_v3_tests.rs"]
mod tests;
