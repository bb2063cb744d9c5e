//! Pools, campaigns and staked ether in motion: people trade, arbitrage brings prices back, stakers come and go,
//! validators earn, withdrawals wait. And what goes wrong on demand.
//!
//! As with lending it is scenery, not a forecast: sizes and habits are plausible numbers.

mod fees;
mod look;
mod path;
mod people;
mod prices;
mod stable;
mod trade;

pub use look::{StableState, WorldState};
pub use path::PricePath;
pub use prices::References;

use super::{person, raw};
use crate::abi::{IPriceFeed, IStepRunner};
use crate::deploy::world::{REWARD_USD, end_campaign_at};
use crate::{Call, LocalChain, LocalChainError, World};
use alloy::primitives::{Address, I256};
use people::Affairs;
use prices::{PoolPrices, Quoted, WORTHLESS};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use trade::Trades;

/// Gas of the trader's one transaction, and of a post.
const TRADE_GAS: u64 = 8_000_000;
const POST_GAS: u64 = 200_000;
/// Sets these draws apart from those of lending, so that lending goes on as it would alone.
const STREAM: u64 = 5;

/// How pools and staked ether live.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SceneSettings {
    /// The median trade without knowledge, as a part of a pool, for a block of an hour.
    pub noise_per_hour: f64,
    /// The probability that somebody who knows the reference price trades before all others.
    pub informed: f64,
    /// What validators earn: a simple yearly fraction.
    pub validator_apr: f64,
    /// The probability that somebody asks for a withdrawal of staked ether in a block, and how much on average.
    pub withdrawals: (f64, f64),
    /// Days that a withdrawal waits.
    pub queue_days: u64,
    /// The probability that a staker of the pair acts in a block.
    pub stakers: f64,
    /// Days between a campaign's end and the next; none where no other follows.
    pub gap_days: Option<u64>,
}

impl Default for SceneSettings {
    fn default() -> SceneSettings {
        SceneSettings {
            noise_per_hour: 0.004,
            informed: 0.3,
            validator_apr: 0.032,
            withdrawals: (0.3, 30.0),
            queue_days: 2,
            stakers: 0.15,
            gap_days: Some(3),
        }
    }
}

/// A pool by what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PoolName {
    /// WETH and USDC on Uniswap V3.
    Range,
    /// WETH and USDC on Uniswap V2.
    Pair,
    /// The reward and USDC on Uniswap V2.
    Reward,
    /// USDT and USDC on Balancer.
    Usd,
    /// wstETH and WETH on Balancer.
    Ether,
}

/// What happens on demand, with the next block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// StakingRewards stops paying, and no other campaign follows. The node rewrites when it ends: no key of the contract
    /// can.
    CampaignEnd,
    /// Validators lose this part of all staked ether.
    Slashing(f64),
    /// Staked ether trades at this price in ether and stays there; 1 ends it.
    Depeg(f64),
    /// Withdrawals wait as many days from now on, those that wait already as well.
    Queue {
        /// How many.
        days: u64,
    },
    /// The reward is worth nothing: its feed says zero, its pair a millionth of a dollar.
    WorthlessReward,
    /// After all others somebody sells to a pool until hardly any USDC, or WETH, is left. The next block brings it back.
    Drain(PoolName),
    /// Ether's price is multiplied, and divided again after some blocks.
    Swing {
        /// By what.
        factor: f64,
        /// For how many blocks.
        blocks: u64,
    },
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) world: World,
    settings: SceneSettings,
    rng: ChaCha8Rng,
    prices: PoolPrices,
    affairs: Affairs,
    leaver: Address,
    /// What happens with the next block.
    drains: Vec<PoolName>,
    slashing: Option<f64>,
    ends_campaign: bool,
    /// How far ether is from where it would be, and for how many more blocks.
    swing: Option<(f64, u64)>,
}

/// What a block of the scene is planned from.
pub(super) struct Hour {
    pub(super) time: u64,
    pub(super) seconds: f64,
    /// Ether and USDC in USD.
    pub(super) usd: (f64, f64),
}

impl Scene {
    /// Brings the people to a world that nobody has used.
    pub(super) async fn start(
        chain: &LocalChain,
        world: World,
        (settings, seed): (SceneSettings, u64),
    ) -> Result<Scene, LocalChainError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(STREAM);
        let time = chain.head().await?.time;
        let leaver = person("leaver of staked ether");
        chain.set_balance(leaver, raw("funds", 1e6, 18)?).await?;
        let affairs = Affairs::start(time);
        let prices = PoolPrices::start(f64::from(REWARD_USD), time);
        let (drains, slashing, ends_campaign, swing) = (Vec::new(), None, false, None);
        Ok(Scene {
            world,
            settings,
            rng,
            prices,
            affairs,
            leaver,
            drains,
            slashing,
            ends_campaign,
            swing,
        })
    }

    pub(super) async fn look(&self, chain: &LocalChain) -> Result<WorldState, LocalChainError> {
        let incentive = self.affairs.incentive.as_ref().unwrap_or(&self.world.pools.incentive);
        look::look(chain, &self.world, (self.leaver, incentive)).await
    }

    /// Has an event happen. Returns by what ether's price changes at once.
    pub(super) fn happen(&mut self, event: Event) -> f64 {
        match event {
            Event::CampaignEnd => self.ends_campaign = true,
            Event::Slashing(part) => self.slashing = Some(part),
            Event::Depeg(price) => self.prices.depeg(price),
            Event::Queue { days } => self.settings.queue_days = days,
            Event::WorthlessReward => self.prices.reward = WORTHLESS,
            Event::Drain(pool) => self.drains.push(pool),
            Event::Swing { factor, blocks } => {
                let before = self.swing.replace((factor, blocks)).map_or(1.0, |(before, _)| before);
                return factor / before;
            }
        }
        1.0
    }

    /// Counts a block off a swing. Returns by what ether's price changes with it.
    pub(super) fn swing(&mut self) -> f64 {
        match &mut self.swing {
            Some((factor, 0)) => {
                let back = 1.0 / *factor;
                self.swing = None;
                back
            }
            Some((_, blocks)) => {
                *blocks = blocks.saturating_sub(1);
                1.0
            }
            None => 1.0,
        }
    }

    /// How far ether is from where it would be.
    pub(super) fn swung(&self) -> f64 {
        self.swing.map_or(1.0, |(factor, _)| factor)
    }

    /// Prices in what pools price in.
    pub(super) fn references(&self, usd: (f64, f64)) -> References {
        References {
            ether: usd.0 / usd.1,
            usdt: self.prices.usdt / usd.1,
            staked: self.prices.staked,
            reward: self.prices.reward / usd.1,
        }
    }

    /// What everybody does in a block. Returns the transactions and how many of them are posts.
    pub(super) async fn plan(
        &mut self,
        chain: &LocalChain,
        (now, hour): (&WorldState, &Hour),
    ) -> Result<(Vec<Call>, usize), LocalChainError> {
        self.prices.advance(&mut self.rng, hour.seconds);
        let mut calls = Vec::new();
        for (quoted, answer) in self.prices.post(hour.time) {
            calls.push(self.post(quoted, answer)?);
        }
        let posts = calls.len();
        let trades = Trades {
            world: &self.world,
            settings: &self.settings,
            now,
            references: self.references(hour.usd),
            time: hour.time,
            seconds: hour.seconds,
        };
        let mut steps = trades.steps(&mut self.rng)?;
        for pool in self.drains.drain(..) {
            steps.push(trades.drain(pool)?);
        }
        if let Some(asked) = people::ask_to_leave(
            &self.settings,
            &self.world,
            self.leaver,
            (&mut self.rng, hour.seconds),
        )? {
            steps.extend(asked);
        }
        let run = IStepRunner::runCall { steps };
        let trader = self.world.trader;
        calls.push(Call::new(self.world.pools.provider, trader, &run).with_gas(TRADE_GAS));
        if self.ends_campaign {
            end_campaign_at(chain, self.world.pools.staking, hour.time).await?;
            (self.ends_campaign, self.settings.gap_days) = (false, None);
        }
        let person = people::People {
            world: &self.world,
            settings: &self.settings,
            now,
            time: hour.time,
            reward: self.references(hour.usd).reward,
            leaver: self.leaver,
        };
        calls.extend(person.act(&mut self.affairs, &mut self.rng)?);
        if let Some(part) = self.slashing.take() {
            calls.push(person.slashing(part)?);
        }
        Ok((calls, posts))
    }

    /// The transaction by which a feed posts.
    fn post(&self, quoted: Quoted, price: f64) -> Result<Call, LocalChainError> {
        let world = &self.world;
        let (feed, decimals) = match quoted {
            Quoted::Usdt => (world.usdt.feed, 8),
            Quoted::Reward => (world.reward.feed, 8),
            Quoted::Staked => (world.staked.feed, 18),
        };
        let refuse = |_| LocalChainError::OutOfRange { field: "price", found: price };
        let answer = I256::try_from(raw("price", price, decimals)?).map_err(refuse)?;
        let call = IPriceFeed::postCall { answer };
        Ok(Call::new(world.exchanges.admin, feed, &call).with_gas(POST_GAS))
    }
}
