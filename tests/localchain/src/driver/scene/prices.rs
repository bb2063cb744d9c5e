//! Prices that only pools and staked ether have: the second stablecoin, the staked ether at its discount, the reward.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

const SECONDS_PER_YEAR: f64 = 31_536_000.0;
/// How fast what has a peg returns to it, per year, and how much it strays, per square root of a year.
const PULL: f64 = 120.0;
const STABLE_VOLATILITY: f64 = 0.01;
const STAKED_VOLATILITY: f64 = 0.008;
/// The reward's volatility, per square root of a year.
const REWARD_VOLATILITY: f64 = 0.9;
/// What a worthless reward still brings in its pair, in USD: a pool has no price of zero.
pub(super) const WORTHLESS: f64 = 1e-6;

/// What is posted: in USD, but staked ether in ether.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoted {
    Usdt,
    Staked,
    Reward,
}

impl Quoted {
    pub(super) const ALL: [Quoted; 3] = [Quoted::Usdt, Quoted::Staked, Quoted::Reward];

    /// The feed's deviation as a fraction and its heartbeat in seconds.
    fn rules(self) -> (f64, u64) {
        match self {
            Quoted::Usdt => (0.000_5, 86_400),
            Quoted::Staked => (0.001, 86_400),
            Quoted::Reward => (0.005, 3_600),
        }
    }
}

/// Prices in what pools price in, as whoever knows has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct References {
    /// Ether in USDC.
    pub ether: f64,
    /// USDT in USDC.
    pub usdt: f64,
    /// stETH in ether.
    pub staked: f64,
    /// The reward in USDC.
    pub reward: f64,
}

/// The true prices, and the last answers with their times.
#[derive(Debug, Clone)]
pub(super) struct PoolPrices {
    pub(super) usdt: f64,
    pub(super) staked: f64,
    pub(super) reward: f64,
    /// What staked ether is drawn to.
    pub(super) peg: f64,
    posted: [(f64, u64); 3],
}

impl PoolPrices {
    pub(super) fn start(reward: f64, time: u64) -> PoolPrices {
        let posted = [1.0, 1.0, reward].map(|price| (price, time));
        PoolPrices { usdt: 1.0, staked: 1.0, reward, peg: 1.0, posted }
    }

    pub(super) fn advance(&mut self, rng: &mut ChaCha8Rng, seconds: f64) {
        let years = seconds / SECONDS_PER_YEAR;
        let mut draw = || rng.sample::<f64, _>(StandardNormal);
        let pull = (PULL * years).min(1.0);
        self.usdt += pull * (1.0 - self.usdt) + STABLE_VOLATILITY * years.sqrt() * draw();
        self.staked += pull * (self.peg - self.staked) + STAKED_VOLATILITY * years.sqrt() * draw();
        // Above the protocol's rate anybody stakes instead of buying.
        self.staked = self.staked.min(1.0);
        let even = -REWARD_VOLATILITY.powi(2) / 2.0;
        let moved = (even * years + REWARD_VOLATILITY * years.sqrt() * draw()).exp();
        if self.reward > WORTHLESS {
            self.reward *= moved;
        }
    }

    /// Puts staked ether at a price and keeps it there.
    pub(super) fn depeg(&mut self, price: f64) {
        (self.staked, self.peg) = (price, price);
    }

    /// The answers that feeds give in a block at `time`.
    pub(super) fn post(&mut self, time: u64) -> Vec<(Quoted, f64)> {
        let truths =
            [self.usdt, self.staked, if self.reward > WORTHLESS { self.reward } else { 0.0 }];
        let mut posts = Vec::new();
        for ((quoted, truth), posted) in Quoted::ALL.into_iter().zip(truths).zip(&mut self.posted) {
            let (deviation, heartbeat) = quoted.rules();
            let strayed = (truth - posted.0).abs() > deviation * posted.0.max(f64::MIN_POSITIVE);
            if strayed || time.saturating_sub(posted.1) >= heartbeat {
                *posted = (truth, time);
                posts.push((quoted, truth));
            }
        }
        posts
    }
}
