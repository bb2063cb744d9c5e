//! What we own, and what it is worth by the index.

use crate::ids::MarketId;
use crate::units::{Amount, Ray, Shares};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Shares held in one market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Shares of the market.
    pub shares: Shares,
    /// The last share price known for the market; the value of the position rests on it.
    pub share_price: Ray,
}

impl Position {
    /// Returns what the shares are worth at the last known price, rounded down; zero only if the
    /// product does not fit 256 bits, which no position that was bought can reach.
    #[must_use]
    pub fn worth(&self) -> Amount {
        self.shares.worth_down(self.share_price).unwrap_or_default()
    }
}

/// Idle money and positions of one vault, in one denomination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Portfolio {
    /// Decimals of every amount here.
    pub decimals: u8,
    /// Money that sits in no market.
    pub idle: Amount,
    /// Positions with a share or more, by market.
    pub positions: BTreeMap<MarketId, Position>,
    /// What is known of positions beyond their worth, by market.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<MarketId, Facts>,
}

/// What is known of a position beyond its worth.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The range that it has, where it has one.
    pub range: Option<RangeFacts>,
    /// Fees that could be collected now, in the vault's denomination.
    pub fees_due: Amount,
    /// Rewards that could be claimed now, at what they would be sold for.
    pub rewards_due: Amount,
    /// What waits in the protocol's queue.
    pub queued: Amount,
    /// What of it is ready to be claimed.
    pub claimable: Amount,
}

/// A range and where the price stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RangeFacts {
    /// Half of its width, in the logarithm of the price.
    pub half_width: f64,
    /// How far the price is from its middle, in the logarithm of the price; up is positive.
    pub offset: f64,
}

impl RangeFacts {
    /// Whether the price has left the range: it earns nothing until it is laid anew.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.offset.abs() >= self.half_width
    }
}

/// The value of a portfolio, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nav {
    /// Idle money and all positions.
    pub total: Amount,
    /// The idle part.
    pub idle: Amount,
    /// The value of each position.
    pub by_market: BTreeMap<MarketId, Amount>,
}

impl Portfolio {
    /// Returns a portfolio of nothing but idle money.
    #[must_use]
    pub fn of_idle(idle: Amount, decimals: u8) -> Portfolio {
        Portfolio { decimals, idle, positions: BTreeMap::new(), facts: BTreeMap::new() }
    }

    /// Values every position at its last known share price.
    #[must_use]
    pub fn nav(&self) -> Nav {
        let by_market: BTreeMap<_, _> = self
            .positions
            .iter()
            .map(|(market, position)| (market.clone(), position.worth()))
            .collect();
        let total =
            by_market.values().fold(self.idle, |sum, worth| Amount(sum.0.saturating_add(worth.0)));
        Nav { total, idle: self.idle, by_market }
    }
}

impl Nav {
    /// Returns the value held in `market`, zero when there is none.
    #[must_use]
    pub fn held(&self, market: &MarketId) -> Amount {
        self.by_market.get(market).copied().unwrap_or_default()
    }

    /// Returns each position's share of the total.
    ///
    /// # Units
    /// Fractions; they and the idle share sum to one.
    #[must_use]
    pub fn weights(&self, decimals: u8) -> BTreeMap<MarketId, f64> {
        let total = self.total.to_f64(decimals);
        if total <= 0.0 {
            return BTreeMap::new();
        }
        self.by_market
            .iter()
            .map(|(market, worth)| (market.clone(), worth.to_f64(decimals) / total))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;

    #[test]
    fn nav_is_idle_money_plus_shares_times_index() {
        let market: MarketId = "aave-v3:1:0xa".parse().unwrap();
        let mut portfolio = Portfolio::of_idle(Amount(U256::from(250)), 2);
        portfolio.positions.insert(
            market.clone(),
            Position {
                shares: Shares(U256::from(1000)),
                share_price: Ray::from_f64_floor(1.25).unwrap(),
            },
        );
        let nav = portfolio.nav();
        assert_eq!(nav.total, Amount(U256::from(1500)));
        assert_eq!(nav.held(&market), Amount(U256::from(1250)));
        let weights = nav.weights(2);
        assert!((weights[&market] - 1250.0 / 1500.0).abs() < 1e-15);
    }
}
