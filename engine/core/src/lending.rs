//! One lending market with our deposit in it: the four rates, income and marginal income.
//!
//! Four rates are kept apart. *Advertised* is what the market pays now. *After our deposit* has the
//! borrowers where they are. *Sustainable* lets them answer with an elasticity. *Realised* is the growth
//! of the index and is measured, not computed here. Optimising the rate after our deposit drives
//! utilization to 1 and books interest that reverts, so decisions use the sustainable one.

use crate::curve::Curve;
use serde::{Deserialize, Serialize};

/// Below this no rate is told from zero.
const TINY: f64 = 1e-12;

/// Balances and behaviour of one market without us.
///
/// # Units
/// Balances in one unit of account, USD where nothing else is said; rates per 365-day year.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lending {
    /// The rate curve.
    pub curve: Curve,
    /// The protocol's share of the interest.
    pub reserve_factor: f64,
    /// What others supply.
    pub supplied: f64,
    /// What is borrowed at `demand_rate`.
    pub borrowed: f64,
    /// The borrow rate at which that much is borrowed.
    pub demand_rate: f64,
    /// Percent by which borrowing falls when the rate rises by one percent.
    pub elasticity: f64,
    /// Rewards for all suppliers together, a year.
    pub rewards: f64,
}

impl Lending {
    /// Returns a market that is at rest as it stands: its borrowers are content with the rate of its
    /// utilization.
    ///
    /// Without elasticity nothing answers to our deposit.
    #[must_use]
    pub fn at_rest(curve: Curve, reserve_factor: f64, supplied: f64, borrowed: f64) -> Lending {
        let utilization = if supplied > 0.0 { borrowed / supplied } else { 0.0 };
        let demand_rate = curve.borrow_apr(utilization);
        Lending {
            curve,
            reserve_factor,
            supplied,
            borrowed,
            demand_rate,
            elasticity: 0.0,
            rewards: 0.0,
        }
    }

    /// Returns utilization with our `deposit` while the borrowers stay where they are; 0 in an empty
    /// market.
    #[must_use]
    pub fn utilization_after(&self, deposit: f64) -> f64 {
        let supplied = self.supplied + deposit;
        if supplied > 0.0 { self.borrowed / supplied } else { 0.0 }
    }

    /// Returns the rate with our `deposit` while the borrowers stay where they are, rewards included.
    #[must_use]
    pub fn after_deposit_apr(&self, deposit: f64) -> f64 {
        self.interest_apr(self.utilization_after(deposit)) + self.reward_apr(deposit)
    }

    /// Returns the part of the rate that borrowers pay, at `utilization`.
    #[must_use]
    pub fn interest_apr(&self, utilization: f64) -> f64 {
        self.curve.supply_apr(utilization, self.reserve_factor)
    }

    /// Returns the part of the rate that rewards pay: diluted by our own deposit.
    #[must_use]
    pub fn reward_apr(&self, deposit: f64) -> f64 {
        let supplied = self.supplied + deposit;
        if supplied > 0.0 { self.rewards / supplied } else { 0.0 }
    }

    /// Returns the utilization at which borrowers, answering with their elasticity, are content with our
    /// `deposit` in the market.
    ///
    /// They borrow `borrowed * (rate / demand_rate)^-elasticity`, and no more than there is.
    #[must_use]
    pub fn sustainable_utilization(&self, deposit: f64) -> f64 {
        self.utilization_near(deposit, self.utilization_after(deposit))
    }

    /// As [`Lending::sustainable_utilization`], with a first guess: neighbours in a table are near each
    /// other.
    #[must_use]
    pub fn utilization_near(&self, deposit: f64, guess: f64) -> f64 {
        let fixed = self.utilization_after(deposit);
        if self.elasticity <= 0.0 || self.demand_rate <= TINY || fixed <= 0.0 {
            return fixed.min(1.0);
        }
        // Excess demand in logarithms falls as utilization rises, so the root is bracketed by 0 and 1.
        let excess = |utilization: f64| {
            let rate = self.curve.borrow_apr(utilization).max(TINY);
            (fixed / utilization).ln() - self.elasticity * (rate / self.demand_rate).ln()
        };
        if excess(1.0) >= 0.0 {
            return 1.0;
        }
        let (mut low, mut high) = (0.0, 1.0);
        let mut utilization = guess.clamp(1e-9, 1.0);
        for _ in 0..60 {
            let found = excess(utilization);
            if found >= 0.0 {
                low = utilization
            } else {
                high = utilization
            }
            if found.abs() < 1e-13 || high - low < 1e-14 {
                break;
            }
            let rate = self.curve.borrow_apr(utilization).max(TINY);
            let slope =
                1.0 / utilization + self.elasticity * self.curve.borrow_slope(utilization) / rate;
            let newton = utilization + found / slope;
            utilization = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        }
        utilization
    }

    /// Returns the rate with our `deposit` once the borrowers have answered, rewards included.
    #[must_use]
    pub fn sustainable_apr(&self, deposit: f64) -> f64 {
        self.interest_apr(self.sustainable_utilization(deposit)) + self.reward_apr(deposit)
    }

    /// Returns what our `deposit` earns a year at the sustainable rate.
    #[must_use]
    pub fn income(&self, deposit: f64) -> f64 {
        deposit * self.sustainable_apr(deposit)
    }

    /// Returns what the next unit of our `deposit` earns a year at the sustainable rate, our effect on
    /// what is in already taken off: the derivative of [`Lending::income`]; on a kink the one to its right.
    #[must_use]
    pub fn marginal_income(&self, deposit: f64) -> f64 {
        let supplied = self.supplied + deposit;
        if supplied <= 0.0 {
            return self.sustainable_apr(deposit);
        }
        let utilization = self.sustainable_utilization(deposit);
        // A deposit lowers utilization: on a kink the next unit meets the slope on its left.
        let left = utilization - 1e-12;
        let slope = self.curve.supply_slope(left, self.reserve_factor);
        let by_utilization = deposit * slope * self.utilization_slope(utilization, supplied);
        let dilution = self.rewards * self.supplied / (supplied * supplied);
        self.interest_apr(utilization) + by_utilization + dilution
    }

    /// What utilization changes by per unit of our deposit; below zero, or zero where demand exceeds all
    /// that there is.
    fn utilization_slope(&self, utilization: f64, supplied: f64) -> f64 {
        let rate = self.curve.borrow_apr(utilization).max(TINY);
        if utilization >= 1.0 && self.is_rationed(supplied) {
            return 0.0;
        }
        let answer = self.elasticity * self.curve.borrow_slope(utilization - 1e-12) / rate;
        -1.0 / (supplied * (1.0 / utilization.max(TINY) + answer))
    }

    /// Whether borrowers want more than everything at the rate of full utilization.
    fn is_rationed(&self, supplied: f64) -> bool {
        let rate = self.curve.borrow_apr(1.0).max(TINY);
        let wanted = if self.demand_rate > TINY && self.elasticity > 0.0 {
            self.borrowed * (rate / self.demand_rate).powf(-self.elasticity)
        } else {
            self.borrowed
        };
        wanted > supplied
    }

    /// Returns the deposit that brings sustainable utilization to `utilization`; below zero where others
    /// would have to leave for it.
    #[must_use]
    pub fn deposit_at(&self, utilization: f64) -> f64 {
        if utilization <= 0.0 {
            return f64::INFINITY;
        }
        let rate = self.curve.borrow_apr(utilization).max(TINY);
        let answer = if self.elasticity > 0.0 && self.demand_rate > TINY {
            (rate / self.demand_rate).powf(-self.elasticity)
        } else {
            1.0
        };
        self.borrowed * answer / utilization - self.supplied
    }

    /// Returns the market with its demand moved so that, with `deposit` of ours in it, its interest rate
    /// is `apr`: a forecast sets the level, the curve keeps the slope.
    ///
    /// A rate beyond what the curve can pay gives the end of the curve.
    #[must_use]
    pub fn with_level(mut self, deposit: f64, apr: f64) -> Lending {
        let utilization = self.utilization_of(apr);
        self.borrowed = utilization * (self.supplied + deposit);
        self.demand_rate = self.curve.borrow_apr(utilization);
        self
    }

    /// Returns the lowest utilization at which suppliers get `apr` in interest, within 0 and 1.
    #[must_use]
    pub fn utilization_of(&self, apr: f64) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        if self.interest_apr(high) <= apr {
            return high;
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.interest_apr(middle) < apr { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }
}

#[cfg(test)]
#[path = "lending_tests.rs"]
mod tests;
