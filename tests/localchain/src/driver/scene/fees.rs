//! What those who bring liquidity earned: fees between two looks, and what campaigns promise.

use super::PoolName;
use super::look::{StableState, WorldState};

const SECONDS_PER_YEAR: f64 = 31_536_000.0;
/// How far a range reaches whose earnings are told: a fifth to either side of the price.
const REACH: f64 = 1.2;
/// Decimals of what the Uniswap V3 pool prices, and of what it prices in.
const DECIMALS: (i32, i32) = (18, 6);

impl WorldState {
    /// Returns what a pool's fees brought since `earlier` to what was in it then, as a fraction; trades move prices and
    /// campaigns pay beside it. In the Uniswap V3 pool it is what a range of a fifth to either side of the earlier price
    /// earned, as if the price had stayed in it.
    #[must_use]
    pub fn fees_since(&self, earlier: &WorldState, pool: PoolName) -> f64 {
        let earned = match pool {
            PoolName::Range => {
                let grown = (
                    self.range_fees.0 - earlier.range_fees.0,
                    self.range_fees.1 - earlier.range_fees.1,
                );
                (grown.0 * self.range_price + grown.1) / earlier.liquidity_worth()
            }
            PoolName::Pair => {
                root_per_share(self.pair, self.shares.0)
                    / root_per_share(earlier.pair, earlier.shares.0)
                    - 1.0
            }
            PoolName::Reward => {
                root_per_share(self.reward_pair, self.shares.1)
                    / root_per_share(earlier.reward_pair, earlier.shares.1)
                    - 1.0
            }
            PoolName::Usd => stable(&self.usd, &earlier.usd),
            PoolName::Ether => stable(&self.ether, &earlier.ether),
        };
        if earned.is_finite() { earned } else { 0.0 }
    }

    /// Returns what rewards bring to a staked range of a fifth to either side, at this price of the reward: a simple
    /// yearly fraction, zero once the campaign is over.
    #[must_use]
    pub fn range_reward_apr(&self, time: u64, reward_price: f64) -> f64 {
        let (per_second, end) = self.range_rewards;
        let worth = self.range_worth();
        if time >= end || worth <= 0.0 {
            return 0.0;
        }
        per_second * SECONDS_PER_YEAR * reward_price / worth
    }

    /// Returns what all liquidity in use would be worth in a range of a fifth to either side, in whole USDC.
    #[must_use]
    pub fn range_worth(&self) -> f64 {
        // Rounded at the sixteenth figure.
        self.range_liquidity as f64 * self.liquidity_worth()
    }

    /// What a raw unit of liquidity is worth in such a range at the pool's price, in whole USDC: both halves alike.
    fn liquidity_worth(&self) -> f64 {
        let (base, quote) = DECIMALS;
        let root = (self.range_price * 10f64.powi(quote - base)).sqrt();
        let below = root * (1.0 - 1.0 / REACH.sqrt()) / 10f64.powi(quote);
        2.0 * below
    }
}

/// What grows with fees alone in a pair of two tokens whose product is kept.
fn root_per_share((base, quote): (f64, f64), shares: f64) -> f64 {
    (base * quote).sqrt() / shares
}

/// The growth of the curve per share, both times with the rate that the pool counts now: it is not fees that move that.
fn stable(now: &StableState, earlier: &StableState) -> f64 {
    let mut before = *earlier;
    before.rate = now.rate;
    (now.curve().invariant() / now.shares) / (before.curve().invariant() / before.shares) - 1.0
}
