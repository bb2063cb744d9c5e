//! Rate curves as models see them: the yearly borrow rate against utilization, in `f64`.
//!
//! The integer forms, exact to the contracts, are in [`crate::rates`]; tests hold the two together.
//! Nothing here knows a deposit: [`crate::lending`] puts a curve and a market's balances together.

use serde::{Deserialize, Serialize};

/// How much steeper than at target the Morpho curve is at its ends.
///
/// # Source
/// `AdaptiveCurveIrm`, `ConstantsLib.CURVE_STEEPNESS`.
pub const MORPHO_STEEPNESS: f64 = 4.0;
/// The utilization that the Morpho curve steers to.
///
/// # Source
/// `AdaptiveCurveIrm`, `ConstantsLib.TARGET_UTILIZATION`.
pub const MORPHO_TARGET: f64 = 0.9;
/// How fast the Morpho rate at target moves at either end, per year.
///
/// # Source
/// `AdaptiveCurveIrm`, `ConstantsLib.ADJUSTMENT_SPEED`.
pub const MORPHO_SPEED: f64 = 50.0;
/// The least and the greatest yearly rate at target of the Morpho curve.
///
/// # Source
/// `AdaptiveCurveIrm`, `ConstantsLib.MIN_RATE_AT_TARGET` and `MAX_RATE_AT_TARGET`.
pub const MORPHO_RATE_BOUNDS: (f64, f64) = (0.001, 2.0);

/// A rate that rises with two slopes that meet at a kink.
///
/// # Units
/// Yearly rates and utilization as fractions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kinked {
    /// The rate at utilization 0.
    pub base: f64,
    /// What it rises by up to the kink.
    pub slope_below: f64,
    /// What it rises by from the kink to utilization 1.
    pub slope_above: f64,
    /// The utilization of the kink, between 0 and 1.
    pub kink: f64,
}

impl Kinked {
    /// Returns the rate at `utilization`. Above 1 the upper slope goes on, as it does in Compound III.
    #[must_use]
    pub fn rate(&self, utilization: f64) -> f64 {
        let below = if self.kink > 0.0 { (utilization / self.kink).clamp(0.0, 1.0) } else { 1.0 };
        let room = 1.0 - self.kink;
        let above = if room > 0.0 { ((utilization - self.kink) / room).max(0.0) } else { 0.0 };
        self.base + self.slope_below * below + self.slope_above * above
    }

    /// Returns what the rate rises by per unit of utilization, above the kink if `utilization` is on it.
    #[must_use]
    pub fn slope(&self, utilization: f64) -> f64 {
        if utilization >= self.kink && self.kink < 1.0 {
            self.slope_above / (1.0 - self.kink)
        } else if self.kink > 0.0 {
            self.slope_below / self.kink
        } else {
            0.0
        }
    }
}

/// A market's curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Curve {
    /// Aave V3 and Euler: a kinked borrow rate; suppliers get it times utilization, less the reserve
    /// factor.
    Kinked(Kinked),
    /// Compound III: a borrow and a supply rate of their own, both kinked.
    Separate {
        /// What borrowers pay.
        borrow: Kinked,
        /// What suppliers get.
        supply: Kinked,
    },
    /// Morpho's adaptive curve, as it stands now.
    Adaptive {
        /// The yearly rate at the target utilization.
        rate_at_target: f64,
    },
}

impl Curve {
    /// Returns the yearly rate that borrowers pay at `utilization`.
    #[must_use]
    pub fn borrow_apr(&self, utilization: f64) -> f64 {
        match self {
            Curve::Kinked(kinked) => kinked.rate(utilization),
            Curve::Separate { borrow, .. } => borrow.rate(utilization),
            Curve::Adaptive { rate_at_target } => {
                adaptive(*rate_at_target).rate(utilization.min(1.0))
            }
        }
    }

    /// Returns what the borrow rate rises by per unit of utilization.
    #[must_use]
    pub fn borrow_slope(&self, utilization: f64) -> f64 {
        match self {
            Curve::Kinked(kinked) => kinked.slope(utilization),
            Curve::Separate { borrow, .. } => borrow.slope(utilization),
            Curve::Adaptive { rate_at_target } => adaptive(*rate_at_target).slope(utilization),
        }
    }

    /// Returns the yearly rate that suppliers get at `utilization` when the protocol keeps
    /// `reserve_factor` of the interest.
    #[must_use]
    pub fn supply_apr(&self, utilization: f64, reserve_factor: f64) -> f64 {
        match self {
            Curve::Separate { supply, .. } => supply.rate(utilization),
            _ => self.borrow_apr(utilization) * utilization * (1.0 - reserve_factor),
        }
    }

    /// Returns what the supply rate rises by per unit of utilization.
    #[must_use]
    pub fn supply_slope(&self, utilization: f64, reserve_factor: f64) -> f64 {
        match self {
            Curve::Separate { supply, .. } => supply.slope(utilization),
            _ => {
                let rate = self.borrow_apr(utilization);
                (rate + utilization * self.borrow_slope(utilization)) * (1.0 - reserve_factor)
            }
        }
    }

    /// Returns the utilization above which the rate is meant to bring it down again.
    #[must_use]
    pub fn target(&self) -> f64 {
        match self {
            Curve::Kinked(kinked) | Curve::Separate { borrow: kinked, .. } => kinked.kink,
            Curve::Adaptive { .. } => MORPHO_TARGET,
        }
    }

    /// Returns the utilizations at which a slope changes, lowest first, each once.
    #[must_use]
    pub fn kinks(&self) -> Vec<f64> {
        let mut kinks = match self {
            Curve::Separate { borrow, supply } => vec![borrow.kink, supply.kink],
            _ => vec![self.target()],
        };
        kinks.sort_by(f64::total_cmp);
        kinks.dedup();
        kinks
    }
}

/// The Morpho curve at `rate_at_target`, which has a kink at the target like any other: a quarter of the
/// rate at utilization 0, four times the rate at 1.
fn adaptive(rate_at_target: f64) -> Kinked {
    let base = rate_at_target / MORPHO_STEEPNESS;
    Kinked {
        base,
        slope_below: rate_at_target - base,
        slope_above: rate_at_target * (MORPHO_STEEPNESS - 1.0),
        kink: MORPHO_TARGET,
    }
}

/// Returns the yearly rate at target of a Morpho curve after `years` at `utilization`.
///
/// # Source
/// `AdaptiveCurveIrm._borrowRate`: the rate at target grows as `exp(speed * error * time)`, with the error
/// scaled to -1 .. 1 around the target, within its bounds.
#[must_use]
pub fn adapted_rate_at_target(rate_at_target: f64, utilization: f64, years: f64) -> f64 {
    let span = if utilization > MORPHO_TARGET { 1.0 - MORPHO_TARGET } else { MORPHO_TARGET };
    let error = (utilization.min(1.0) - MORPHO_TARGET) / span;
    let (least, greatest) = MORPHO_RATE_BOUNDS;
    (rate_at_target * (MORPHO_SPEED * error * years).exp()).clamp(least, greatest)
}

/// Returns the mean yearly borrow rate of a Morpho curve over `years` at `utilization`, by the contract's
/// average in two steps.
///
/// # Source
/// `AdaptiveCurveIrm._borrowRate`: the rate at target is averaged as (start + end + 2 mid) / 4. The contract
/// takes the exponential from a polynomial, which [`crate::rates::morpho`] does too; here it is exact.
#[must_use]
pub fn adapted_mean_rate(rate_at_target: f64, utilization: f64, years: f64) -> f64 {
    let at = |years: f64| adapted_rate_at_target(rate_at_target, utilization, years);
    let mean = (at(0.0) + at(years) + 2.0 * at(0.5 * years)) / 4.0;
    adaptive(mean).rate(utilization.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AAVE: Kinked = Kinked { base: 0.01, slope_below: 0.04, slope_above: 0.6, kink: 0.8 };

    #[test]
    fn a_kinked_curve_goes_through_its_three_points() {
        for (utilization, rate) in [(0.0, 0.01), (0.8, 0.05), (0.9, 0.35), (1.0, 0.65)] {
            assert!((AAVE.rate(utilization) - rate).abs() < 1e-15, "{utilization}");
        }
    }

    #[test]
    fn the_morpho_curve_pays_a_quarter_at_zero_and_four_times_at_one() {
        let curve = Curve::Adaptive { rate_at_target: 0.04 };
        for (utilization, rate) in
            [(0.0, 0.01), (0.45, 0.025), (0.9, 0.04), (0.95, 0.1), (1.0, 0.16)]
        {
            assert!((curve.borrow_apr(utilization) - rate).abs() < 1e-15, "{utilization}");
        }
    }

    #[test]
    fn five_days_at_full_utilization_nearly_double_the_morpho_rate() {
        // reference: exp(50 / 365 * 5) = 1.9836
        let rate = adapted_rate_at_target(0.04, 1.0, 5.0 / 365.0);
        assert!((rate / 0.04 - 1.983_6).abs() < 1e-4, "{rate}");
        assert!((adapted_rate_at_target(0.04, 1.0, 50.0) - 2.0).abs() < 1e-15, "bounded above");
        assert!((adapted_rate_at_target(0.04, 0.0, 50.0) - 0.001).abs() < 1e-15, "bounded below");
    }

    #[test]
    fn five_days_at_either_end_cost_the_published_means() {
        // reference: 23.202 % and 0.7310 % by the two-step average; 22.976 % and 0.7240 % continuously.
        let mean = |utilization| adapted_mean_rate(0.04, utilization, 5.0 / 365.0);
        assert!((mean(1.0) - 0.232_02).abs() < 1e-5, "{}", mean(1.0));
        assert!((mean(0.0) - 0.007_310).abs() < 1e-5, "{}", mean(0.0));
        assert!((mean(1.0) / 0.229_76 - 1.0).abs() < 0.02);
        assert!((mean(0.0) / 0.007_240 - 1.0).abs() < 0.02);
    }

    #[test]
    fn compound_pays_suppliers_by_a_curve_of_their_own() {
        let borrow = Kinked { base: 0.01, slope_below: 0.04, slope_above: 0.06, kink: 0.8 };
        let supply = Kinked { base: 0.0, slope_below: 0.032, slope_above: 0.08, kink: 0.8 };
        let curve = Curve::Separate { borrow, supply };
        assert!((curve.borrow_apr(0.1) - 0.015).abs() < 1e-15);
        assert!(
            (curve.supply_apr(0.1, 0.5) - 0.004).abs() < 1e-15,
            "the reserve factor is in the curve"
        );
    }

    proptest! {
        #[test]
        fn a_slope_is_the_limit_of_differences(
            base in 0.0f64..0.05, below in 0.0f64..0.2, above in 0.0f64..3.0, kink in 0.3f64..0.95,
            utilization in 0.01f64..0.99, factor in 0.0f64..0.5,
        ) {
            let curve = Curve::Kinked(Kinked { base, slope_below: below, slope_above: above, kink });
            prop_assume!((utilization - kink).abs() > 1e-3);
            let step = 1e-7;
            let difference = (curve.supply_apr(utilization + step, factor)
                - curve.supply_apr(utilization - step, factor)) / (2.0 * step);
            prop_assert!(
                (difference - curve.supply_slope(utilization, factor)).abs() < 1e-5 * (1.0 + difference.abs()),
                "the slope of the supply rate is its derivative"
            );
        }
    }
}
