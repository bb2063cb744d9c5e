//! What everybody in a pool or a campaign shares, with our deposit in it: fees, rewards, and what price moves
//! cost.
//!
//! Fees and rewards are fixed sums that are split by shares, so our own deposit dilutes them, ours included.
//! Loss-versus-rebalancing (LVR) is what a pool loses to traders who know the price better: of a full range
//! `variance / 8` of its value a year (Milionis, Moallemi, Roughgarden and Zhang, "Automated Market Making and
//! Loss-Versus-Rebalancing", 2022, equation for the constant product). A range that ends a factor `exp(w)` above
//! and below the price makes of the same money `1 / (1 - exp(-w/2))` times the liquidity, so it earns and loses
//! that many times as much, until the price leaves it: after `w^2 / variance` years on average for a price
//! without drift. Then it is set anew, which costs the exchange of half of it.
//!
//! To first order around the middle of the range: what lies outside for a while before it is set anew earns
//! nothing, which is not counted here.

use serde::{Deserialize, Serialize};

/// A pool or a campaign without us, and how our money would stand in it.
///
/// # Units
/// Balances in one unit of account; rates per 365-day year.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pooled {
    /// What the position earns by itself, whoever else is there.
    pub base: f64,
    /// Fees that traders pay to all together, a year.
    pub fees: f64,
    /// Rewards to all together, a year, less what selling them costs.
    pub rewards: f64,
    /// What shares with us, as the money that a full range would need for it.
    pub others: f64,
    /// Variance of the logarithm of the pair's price, a year; 0 where the price does not matter.
    pub variance: f64,
    /// Half of the range's width, in the logarithm of the price; `None` for the full range.
    pub half_width: Option<f64>,
    /// Share of the position's value that setting the range anew costs.
    pub recentre_cost: f64,
    /// What setting the range anew costs whatever its size.
    pub recentre_gas: f64,
    /// What collecting and selling costs a year whatever the size.
    pub running: f64,
}

impl Pooled {
    /// Returns how many times the liquidity of a full range the same money makes.
    #[must_use]
    pub fn concentration(&self) -> f64 {
        self.half_width.map_or(1.0, |width| 1.0 / -(-0.5 * width).exp_m1())
    }

    /// Returns how often a year the price leaves the range; 0 for a full range.
    #[must_use]
    pub fn recentres(&self) -> f64 {
        self.half_width.map_or(0.0, |width| self.variance / (width * width))
    }

    /// Returns the share of the value that better informed traders take a year.
    #[must_use]
    pub fn lvr_apr(&self) -> f64 {
        self.concentration() * self.variance / 8.0
    }

    /// Returns the share of the pool that is ours with our `deposit`.
    fn share(&self, deposit: f64) -> f64 {
        let ours = deposit * self.concentration();
        if ours <= 0.0 { 0.0 } else { ours / (self.others.max(0.0) + ours) }
    }

    /// Returns what fees and rewards pay on our `deposit`, diluted by it; at zero, what the first unit would get,
    /// and zero in a pool in which nobody is.
    fn shared_apr(&self, paid: f64, deposit: f64) -> f64 {
        let total = self.others.max(0.0) + deposit.max(0.0) * self.concentration();
        if total > 0.0 { paid * self.concentration() / total } else { 0.0 }
    }

    /// Returns what fees pay on our `deposit`.
    #[must_use]
    pub fn fee_apr(&self, deposit: f64) -> f64 {
        self.shared_apr(self.fees, deposit)
    }

    /// Returns what rewards pay on our `deposit`.
    #[must_use]
    pub fn reward_apr(&self, deposit: f64) -> f64 {
        self.shared_apr(self.rewards, deposit)
    }

    /// Returns what setting the range anew costs a year, as a share of our `deposit`; sums that do not depend on
    /// its size are left out at zero.
    #[must_use]
    pub fn upkeep_apr(&self, deposit: f64) -> f64 {
        let fixed = self.recentres() * self.recentre_gas + self.running;
        let spread = if deposit > 0.0 { fixed / deposit } else { 0.0 };
        self.recentres() * self.recentre_cost + spread
    }

    /// Returns the expected rate with our `deposit`: everything that it earns less LVR and upkeep.
    #[must_use]
    pub fn apr(&self, deposit: f64) -> f64 {
        self.base + self.fee_apr(deposit) + self.reward_apr(deposit)
            - self.lvr_apr()
            - self.upkeep_apr(deposit)
    }

    /// Returns what our `deposit` is expected to earn a year.
    #[must_use]
    pub fn income(&self, deposit: f64) -> f64 {
        if deposit <= 0.0 {
            return 0.0;
        }
        (self.fees + self.rewards) * self.share(deposit)
            + deposit * (self.base - self.lvr_apr() - self.recentres() * self.recentre_cost)
            - self.recentres() * self.recentre_gas
            - self.running
    }

    /// Returns the pool with the one of `widths` in which our `deposit` is expected to earn most; `None` where
    /// none is given.
    ///
    /// The best may still lose: then no range pays.
    #[must_use]
    pub fn with_best_width(self, deposit: f64, widths: &[f64]) -> Option<Pooled> {
        let each = widths.iter().filter(|width| **width > 0.0);
        let each = each.map(|width| Pooled { half_width: Some(*width), ..self });
        each.max_by(|a, b| a.income(deposit).total_cmp(&b.income(deposit)))
    }
}

/// Returns what a range around the price 1 that ends at `exp(half_width)` and `exp(-half_width)` is worth at `price`,
/// as a share of what it was worth at 1, fees apart; in the asset in which the price is given.
///
/// `None` is the full range: the square root of the price.
#[must_use]
pub fn range_value(half_width: Option<f64>, price: f64) -> f64 {
    let Some(width) = half_width else { return price.max(0.0).sqrt() };
    let edge = (0.5 * width).exp();
    let root = price.max(0.0).sqrt();
    // Of one unit of liquidity: (2 sqrt p - p / sqrt p_upper - sqrt p_lower), clamped to one token outside.
    let inside = root.clamp(1.0 / edge, edge);
    let foreign = (1.0 / inside - 1.0 / edge).max(0.0) * price;
    let own = (inside - 1.0 / edge).max(0.0);
    (foreign + own) / (2.0 * (1.0 - 1.0 / edge))
}

#[cfg(test)]
#[path = "pooled_tests.rs"]
mod tests;
