//! Impermanent loss and LVR in `f64`, for models: definitions, apart from the contracts' integers.
//!
//! The price P is token 1 for one token 0, and everything is worth so much of token 1. A position of liquidity L in a
//! range from a to b holds, with the price moved into the range,
//!
//! - x(P) = L (1/sqrt P - 1/sqrt b) of token 0,
//! - y(P) = L (sqrt P - sqrt a) of token 1,
//!
//! and is worth V(P) = P x(P) + y(P). A Uniswap V2 position is the range from 0 to infinity.
//!
//! **Impermanent loss** from P0 to P is V(P) less what the tokens held at P0 would be worth: never above zero.
//!
//! **LVR** over a path is what a portfolio gains over the position that holds x(P) of token 0 at every price but trades
//! at the market's: the sum of V(P_i) + x(P_i) (P_{i+1} - P_i) - V(P_{i+1}) over its steps. Each term is the impermanent loss
//! of one step with the sign turned round; none is below zero, because V is concave. As steps become small it tends to
//! the integral of sigma^2 P^2 |x'(P)| / 2 dt, which is L sigma^2 sqrt(P) / 4 inside a range.
//!
//! Fees are not in here: what a position earns is fees less LVR, against a portfolio that is rebalanced.
//!
//! # Source
//! Milionis, Moallemi, Roughgarden, Zhang, "Automated Market Making and Loss-Versus-Rebalancing" (2022), sections 3 and 4.
//!
//! # Tolerance
//! The closed form used here loses no digits to a difference of two values; the result is within 1e-12 of L sqrt(P)
//! of the definition. Amounts are within 1e-10 of L sqrt(P) (token 1) and L / sqrt(P) (token 0) of the contracts', and one unit.

use crate::Amount;
use alloy_primitives::U256;

/// A position, as a model sees it.
///
/// # Units
/// `liquidity` in any unit u; amounts are then in u / sqrt(price) and u * sqrt(price), with prices as token 1 for token 0. With
/// the contract's liquidity and raw prices, amounts are raw units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RangePosition {
    liquidity: f64,
    /// The roots of the prices at its ends; the upper one may be infinite.
    roots: (f64, f64),
}

impl RangePosition {
    /// Returns a position between two prices; `None` unless liquidity is at least zero and the prices are in order.
    #[must_use]
    pub fn new(liquidity: f64, (low, high): (f64, f64)) -> Option<RangePosition> {
        let is_fine = liquidity >= 0.0 && liquidity.is_finite() && low >= 0.0 && low < high;
        is_fine.then(|| RangePosition { liquidity, roots: (low.sqrt(), high.sqrt()) })
    }

    /// Returns a Uniswap V2 position: every price is inside. `liquidity` is the root of the product of its amounts.
    #[must_use]
    pub fn everywhere(liquidity: f64) -> Option<RangePosition> {
        RangePosition::new(liquidity, (0.0, f64::INFINITY))
    }

    /// Returns a position between two ticks.
    #[must_use]
    pub fn between_ticks(liquidity: u128, (lower, upper): (i32, i32)) -> Option<RangePosition> {
        let price = |tick: i32| (f64::from(tick) * 1.0001_f64.ln()).exp();
        RangePosition::new(Amount(U256::from(liquidity)).to_f64(0), (price(lower), price(upper)))
    }

    /// The root of the price, moved into the range.
    fn root(&self, price: f64) -> f64 {
        price.sqrt().clamp(self.roots.0, self.roots.1)
    }

    /// Returns how much of token 0 and of token 1 it holds at a price.
    #[must_use]
    pub fn amounts(&self, price: f64) -> (f64, f64) {
        let root = self.root(price);
        (self.liquidity * (1.0 / root - 1.0 / self.roots.1), self.liquidity * (root - self.roots.0))
    }

    /// Returns what it is worth at a price, in token 1.
    #[must_use]
    pub fn value(&self, price: f64) -> f64 {
        let (token0, token1) = self.amounts(price);
        token0 * price + token1
    }

    /// Returns its value at `to` less what the tokens it held at `from` are worth then, in token 1: zero or below.
    #[must_use]
    pub fn impermanent_loss(&self, from: f64, to: f64) -> f64 {
        let (start, end) = (self.root(from), self.root(to));
        self.liquidity * (end - start) * (1.0 - to / (start * end))
    }

    /// Returns the same as a fraction of what the tokens held at `from` are worth at `to`.
    #[must_use]
    pub fn impermanent_loss_fraction(&self, from: f64, to: f64) -> f64 {
        let (token0, token1) = self.amounts(from);
        let held = token0 * to + token1;
        if held > 0.0 { self.impermanent_loss(from, to) / held } else { 0.0 }
    }

    /// Returns the LVR of a path of prices, in token 1: zero or above.
    #[must_use]
    pub fn lvr(&self, path: &[f64]) -> f64 {
        path.windows(2)
            .filter_map(|step| match step {
                [from, to] => Some(-self.impermanent_loss(*from, *to)),
                _ => None,
            })
            .sum()
    }

    /// Returns the LVR of a moment at a price, in token 1 for each unit of time that `volatility` is for: the variance of
    /// the logarithm of the price over that unit is its square.
    ///
    /// Outside the range it is zero. Everywhere, as a fraction of the value, it is volatility^2 / 8.
    #[must_use]
    pub fn lvr_rate(&self, price: f64, volatility: f64) -> f64 {
        let root = price.sqrt();
        let is_inside = root >= self.roots.0 && root < self.roots.1;
        if is_inside { self.liquidity * volatility * volatility * root / 4.0 } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lp::v3::price::amounts_down;
    use crate::lp::v3::tick::sqrt_price_at;
    use proptest::prelude::*;

    #[test]
    fn a_v2_position_loses_what_everybody_says_when_the_price_doubles() {
        // 2 sqrt(r) / (1 + r) - 1: 5.7 % at twice, 20 % at four times, the same at a half.
        let position = RangePosition::everywhere(7.0).unwrap();
        for (ratio, loss) in [(2.0, -0.057_190_958), (4.0, -0.2), (0.5, -0.057_190_958)] {
            let found = position.impermanent_loss_fraction(3.0, 3.0 * ratio);
            assert!((found - loss).abs() < 1e-9, "{ratio}: {found}");
        }
    }

    #[test]
    fn the_rate_of_lvr_everywhere_is_an_eighth_of_the_variance() {
        let position = RangePosition::everywhere(1_000.0).unwrap();
        let fraction = position.lvr_rate(2_500.0, 0.8) / position.value(2_500.0);
        assert!((fraction - 0.08).abs() < 1e-15);
    }

    #[test]
    fn a_path_of_small_steps_has_the_lvr_of_its_rate() {
        // Up and down by the same factor, each step of variance u^2: the sum of rates is within a few u of the path's LVR.
        let position = RangePosition::new(1_000.0, (2_000.0, 3_000.0)).unwrap();
        let step: f64 = 0.000_5;
        let path: Vec<f64> =
            (0..=10_000).map(|i| 2_500.0 * (step * f64::from(i % 2)).exp()).collect();
        let rates: f64 =
            path.iter().take(10_000).map(|price| position.lvr_rate(*price, step)).sum();
        assert!((position.lvr(&path) / rates - 1.0).abs() < 0.001);
    }

    proptest! {
        #[test]
        fn loss_and_lvr_are_their_definitions_within_the_tolerance(
            path in prop::collection::vec(0.001_f64..10_000.0, 2..20), low in 0.0_f64..5_000.0, width in 0.1_f64..5_000.0
        ) {
            let position = RangePosition::new(1e6, (low, low + width)).unwrap();
            let highest = path.iter().copied().fold(0.0, f64::max);
            // The definition itself subtracts numbers of this size.
            let tolerance = 1e-12 * 1e6 * highest.sqrt().max(1.0) * (1.0 + highest / path.iter().copied().fold(f64::INFINITY, f64::min));
            let mut lvr = 0.0;
            for step in path.windows(2) {
                let (token0, token1) = position.amounts(step[0]);
                let held = token0 * step[1] + token1;
                let loss = position.impermanent_loss(step[0], step[1]);
                prop_assert!(loss <= 0.0, "never above zero");
                prop_assert!((position.value(step[1]) - held - loss).abs() <= tolerance, "the definition of impermanent loss");
                lvr += position.value(step[0]) + token0 * (step[1] - step[0]) - position.value(step[1]);
            }
            prop_assert!((position.lvr(&path) - lvr).abs() <= 20.0 * tolerance, "the definition of LVR");
            prop_assert!(position.lvr(&path) >= 0.0, "never below zero");
        }

        #[test]
        fn amounts_are_the_contracts_within_the_tolerance(lower in -200_000_i32..200_000, width in 1_i32..50_000, at in -220_000_i32..220_000) {
            let liquidity = 1_000_000_000_000_000_000_000_000_u128;
            let position = RangePosition::between_ticks(liquidity, (lower, lower + width)).unwrap();
            let range = (sqrt_price_at(lower).unwrap(), sqrt_price_at(lower + width).unwrap());
            let exact = amounts_down(sqrt_price_at(at).unwrap(), range, liquidity).unwrap();
            let root = (f64::from(at) * 1.0001_f64.ln() / 2.0).exp();
            let inside = root.clamp(position.roots.0, position.roots.1);
            let found = position.amounts(root * root);
            let (exact0, exact1) = (f64::from(exact.token0.0), f64::from(exact.token1.0));
            // Q64.96 keeps only 96 - 17 bits of the lowest root here; that is far below the tolerance.
            prop_assert!((found.0 - exact0).abs() <= 1e-10 * 1e24 / inside + 1.0, "token 0: {} {}", found.0, exact0);
            prop_assert!((found.1 - exact1).abs() <= 1e-10 * 1e24 * inside + 1.0, "token 1: {} {}", found.1, exact1);
        }
    }
}
