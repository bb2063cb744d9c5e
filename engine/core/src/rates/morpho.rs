//! Morpho: the adaptive curve, whose rate at 90 % utilization moves with time, and the liquidation
//! incentive.
//!
//! The contract's exponential is a second-order Taylor polynomial, up to 0.9 % off the true one,
//! and its average over time a rule of three points. Both are kept: exact means as deployed.

use super::{RateError, WAD, apr_of_wad_per_second, fits, mul_div_down};
use crate::units::{Amount, Apr, Wad};
use alloy_primitives::{I256, U256, uint};

/// The utilization the curve steers to: 90 %.
///
/// # Source
/// `ConstantsLib.TARGET_UTILIZATION`.
pub const TARGET_UTILIZATION: Wad = wad(900_000_000_000_000_000);
/// The rate at target of a new market: 4 % a year, per second.
///
/// # Source
/// `ConstantsLib.INITIAL_RATE_AT_TARGET`.
pub const INITIAL_RATE_AT_TARGET: Wad = wad(40_000_000_000_000_000 / YEAR);
/// The lowest rate at target: 0.1 % a year, per second.
///
/// # Source
/// `ConstantsLib.MIN_RATE_AT_TARGET`.
pub const MIN_RATE_AT_TARGET: Wad = wad(1_000_000_000_000_000 / YEAR);
/// The highest rate at target: 200 % a year, per second.
///
/// # Source
/// `ConstantsLib.MAX_RATE_AT_TARGET`.
pub const MAX_RATE_AT_TARGET: Wad = wad(2_000_000_000_000_000_000 / YEAR);

const YEAR: u64 = 365 * 24 * 60 * 60;
const ONE: I256 = I256::from_raw(WAD);
/// The rate at full utilization over the rate at target, and that over the rate at none.
const CURVE_STEEPNESS: I256 = I256::from_raw(wad(4_000_000_000_000_000_000).0);
/// 50 a year, per second: 50e18 / 31,536,000, rounded down.
const ADJUSTMENT_SPEED: I256 = I256::from_raw(wad(1_585_489_599_188).0);

/// `ExpLib.LN_2_INT`.
const LN_2: i128 = 693_147_180_559_945_309;
/// `ExpLib.LN_WEI_INT`: below it the exponential is zero.
const LN_WEI: i128 = -41_446_531_673_892_822_312;
/// `ExpLib.WEXP_UPPER_BOUND`: from it on the exponential stands still.
const EXP_UPPER_BOUND: i128 = 93_859_467_695_000_404_319;
/// `ExpLib.WEXP_UPPER_VALUE`.
const EXP_UPPER_VALUE: U256 =
    uint!(57_716_089_161_558_943_949_701_069_502_944_508_345_128_422_502_756_744_429_568_U256);

const LIQUIDATION_CURSOR: U256 = wad(300_000_000_000_000_000).0;
const MAX_LIQUIDATION_INCENTIVE_FACTOR: Wad = wad(1_150_000_000_000_000_000);

/// The state of a market's interest rate model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdaptiveCurve {
    /// The rate at target utilization after the last interaction; zero before the first.
    ///
    /// # Units
    /// Per second, in wad.
    pub rate_at_target: Wad,
}

impl AdaptiveCurve {
    /// Returns the average borrow rate of the `elapsed_seconds` since the last interaction, and the
    /// rate at target to go on with.
    ///
    /// `utilization` is the market's over that whole time: it changes only with an interaction.
    ///
    /// # Units
    /// Both per second, in wad.
    ///
    /// # Errors
    /// [`RateError::Overflow`] where the contract would revert; never for a rate at target within
    /// its bounds and a utilization of at most 1.
    ///
    /// # Source
    /// `AdaptiveCurveIrm._borrowRate`.
    pub fn borrow_rate(
        &self,
        utilization: Wad,
        elapsed_seconds: u64,
    ) -> Result<(Wad, Wad), RateError> {
        let error = distance_from_target(signed(utilization.0)?)?;
        let (average, end) = match signed(self.rate_at_target.0)? {
            I256::ZERO => (signed(INITIAL_RATE_AT_TARGET.0)?, signed(INITIAL_RATE_AT_TARGET.0)?),
            start => adapt(start, error, elapsed_seconds)?,
        };
        Ok((unsigned(curve(average, error)?)?, unsigned(end)?))
    }
}

/// Returns debt over supply, rounded down; zero when nothing is supplied.
///
/// # Errors
/// [`RateError::Overflow`] for amounts beyond what a market holds (128 bits).
///
/// # Source
/// `AdaptiveCurveIrm._borrowRate`, its first line.
pub fn utilization(borrowed: Amount, supplied: Amount) -> Result<Wad, RateError> {
    if supplied.is_zero() {
        return Ok(Wad(U256::ZERO));
    }
    mul_div_down(borrowed.0, WAD, supplied.0, "wDivDown").map(Wad)
}

/// Returns what suppliers receive: what borrowers pay times utilization, less the market's fee.
///
/// The contract never states this number; it follows from how a market accrues. Rounded down.
///
/// # Units
/// Per second, in wad, net of `fee`, itself in wad.
///
/// # Errors
/// [`RateError::OutOfRange`] for a fee above 100 %, else overflow.
///
/// # Source
/// `Morpho._accrueInterest`.
pub fn supply_rate_down(borrow_rate: Wad, utilization: Wad, fee: Wad) -> Result<Wad, RateError> {
    let kept = below_one(fee, "fee")?;
    let gross = mul_div_down(borrow_rate.0, utilization.0, WAD, "wMulDown")?;
    mul_div_down(gross, kept, WAD, "wMulDown").map(Wad)
}

/// Returns by how much a debt grows in `seconds`, over the debt: `e^x - 1` to its third power of `x`.
///
/// # Errors
/// [`RateError::Overflow`] where the contract would revert.
///
/// # Source
/// `MathLib.wTaylorCompounded`.
pub fn compounded_interest(per_second: Wad, seconds: u64) -> Result<Wad, RateError> {
    const STEP: &str = "wTaylorCompounded";
    let first = fits(per_second.0.checked_mul(U256::from(seconds)), STEP)?;
    let second = mul_div_down(first, first, U256::from(2) * WAD, STEP)?;
    let third = mul_div_down(second, first, U256::from(3) * WAD, STEP)?;
    let sum = fits(first.checked_add(second), STEP)?;
    fits(sum.checked_add(third), STEP).map(Wad)
}

/// Returns how much collateral a liquidator seizes per debt repaid, both in value.
///
/// `min(1.15, 1 / (1 - 0.3 (1 - lltv)))`: the closer the liquidation threshold to 1, the less.
///
/// # Errors
/// [`RateError::OutOfRange`] for a liquidation threshold above 1.
///
/// # Source
/// `Morpho.liquidate`, `liquidationIncentiveFactor`.
pub fn liquidation_incentive_factor(lltv: Wad) -> Result<Wad, RateError> {
    let margin = below_one(lltv, "lltv")?;
    let discount = mul_div_down(LIQUIDATION_CURSOR, margin, WAD, "wMulDown")?;
    let factor = mul_div_down(WAD, WAD, WAD.saturating_sub(discount), "wDivDown")?;
    Ok(Wad(factor).min(MAX_LIQUIDATION_INCENTIVE_FACTOR))
}

/// Reads a per-second rate as a simple yearly one: the door out.
#[must_use]
pub fn apr(per_second: Wad) -> Apr {
    apr_of_wad_per_second(per_second)
}

/// How far utilization is from target: -1 at none, 1 when everything is lent.
fn distance_from_target(utilization: I256) -> Result<I256, RateError> {
    let target = signed(TARGET_UTILIZATION.0)?;
    let distance = fits(utilization.checked_sub(target), "err")?;
    let room = if utilization > target { ONE.saturating_sub(target) } else { target };
    div_to_zero(distance, room)
}

/// The average and the last rate at target after `elapsed_seconds` at a distance from target.
fn adapt(start: I256, error: I256, elapsed_seconds: u64) -> Result<(I256, I256), RateError> {
    const STEP: &str = "avgRateAtTarget";
    let speed = mul_to_zero(ADJUSTMENT_SPEED, error)?;
    let elapsed = signed(U256::from(elapsed_seconds))?;
    let adaptation = fits(speed.checked_mul(elapsed), "linearAdaptation")?;
    if adaptation.is_zero() {
        return Ok((start, start));
    }
    let end = moved(start, adaptation)?;
    let middle = moved(start, halved(adaptation))?;
    let ends = fits(start.checked_add(end), STEP)?;
    let middles = fits(middle.checked_add(middle), STEP)?;
    let sum = fits(ends.checked_add(middles), STEP)?;
    Ok((halved(halved(sum)), end))
}

/// `AdaptiveCurveIrm._curve`.
fn curve(rate_at_target: I256, error: I256) -> Result<I256, RateError> {
    let coefficient = if error.is_negative() {
        ONE.saturating_sub(div_to_zero(ONE, CURVE_STEEPNESS)?)
    } else {
        CURVE_STEEPNESS.saturating_sub(ONE)
    };
    let multiple = fits(mul_to_zero(coefficient, error)?.checked_add(ONE), "_curve")?;
    mul_to_zero(multiple, rate_at_target)
}

/// `AdaptiveCurveIrm._newRateAtTarget`.
fn moved(start: I256, adaptation: I256) -> Result<I256, RateError> {
    let unbounded = mul_to_zero(start, exponential(adaptation)?)?;
    Ok(unbounded.min(signed(MAX_RATE_AT_TARGET.0)?).max(signed(MIN_RATE_AT_TARGET.0)?))
}

/// `ExpLib.wExp`: `2^q * (1 + r + r^2 / 2)` where `x = q ln 2 + r`.
fn exponential(x: I256) -> Result<I256, RateError> {
    let narrow = match i128::try_from(x) {
        Ok(narrow) => narrow.clamp(LN_WEI - 1, EXP_UPPER_BOUND),
        Err(_) if x.is_negative() => LN_WEI - 1,
        Err(_) => EXP_UPPER_BOUND,
    };
    if narrow < LN_WEI {
        return Ok(I256::ZERO);
    }
    if narrow == EXP_UPPER_BOUND {
        return signed(EXP_UPPER_VALUE);
    }
    let one = 1_000_000_000_000_000_000;
    // Divisions round to zero here as in Solidity, so q is x / ln 2 to the nearest.
    let doublings = (narrow + narrow.signum() * (LN_2 / 2)) / LN_2;
    let rest = narrow - doublings * LN_2;
    let taylor = U256::from((one + rest + rest * rest / one / 2).unsigned_abs());
    let shift = fits(usize::try_from(doublings.unsigned_abs()).ok(), "wExp")?;
    signed(if doublings < 0 { taylor >> shift } else { taylor << shift })
}

/// `MathLib.wMulToZero`.
fn mul_to_zero(x: I256, y: I256) -> Result<I256, RateError> {
    fits(fits(x.checked_mul(y), "wMulToZero")?.checked_div(ONE), "wMulToZero")
}

/// `MathLib.wDivToZero`.
fn div_to_zero(x: I256, y: I256) -> Result<I256, RateError> {
    const STEP: &str = "wDivToZero";
    fits(x.checked_mul(ONE), STEP)?.checked_div(y).ok_or(RateError::ZeroDivisor { step: STEP })
}

/// Half, rounded to zero.
fn halved(x: I256) -> I256 {
    x.saturating_div(I256::from_limbs([2, 0, 0, 0]))
}

fn signed(value: U256) -> Result<I256, RateError> {
    fits(I256::try_from(value).ok(), "int256")
}

fn unsigned(value: I256) -> Result<Wad, RateError> {
    fits(U256::try_from(value).ok(), "uint256").map(Wad)
}

/// `1 - part`, or a refusal naming the field.
fn below_one(part: Wad, field: &'static str) -> Result<U256, RateError> {
    let allowed = "at most 1e18";
    WAD.checked_sub(part.0).ok_or(RateError::OutOfRange { field, found: part.0, allowed })
}

const fn wad(value: u64) -> Wad {
    Wad(U256::from_limbs([value, 0, 0, 0]))
}

#[cfg(test)]
#[path = "morpho_tests.rs"]
mod tests;
