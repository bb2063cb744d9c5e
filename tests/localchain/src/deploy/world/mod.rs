//! Everything that the two vaults can be in: beside the lending markets, exchanges with pools that people trade in, a
//! staked ether with its withdrawal queue, campaigns that pay rewards, oracles over feeds, and the market contracts.

mod fee;
mod pools;
mod staked;
mod vaults;

pub use fee::take_fee_on_transfer;
pub(crate) use pools::{PAIR_REWARDS, RANGE_REWARDS, end_campaign_at, step};
pub use pools::{Pair, PoolToken, Pools, RangePool};
pub use staked::StakedEther;

use super::tokens::{FEED_DECIMALS, TokenAndFeed};
use super::{Asset, Deployment, Exchanges, PlimsollVault, VaultRoles, deploy_exchanges};
use crate::abi::IPriceFeed;
use crate::deploy::steps::Steps;
use crate::{Artifacts, Call, ChainSettings, LocalChain, LocalChainError, Mining, Origin};
use alloy::primitives::{Address, I256, U256};
use alloy::sol_types::SolValue;

/// Seconds in a day.
pub(crate) const DAY: u64 = 86_400;
/// The price in whole USD that the reward's feed starts with.
pub(crate) const REWARD_USD: u32 = 5;
/// What a block stands for while all of this is deployed.
const SECONDS_OF_A_BLOCK: u64 = 12;
/// How many days StakingRewards pays a campaign out, a constant of its code.
const STAKING_DAYS: u64 = 60;

/// How a world begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldSettings {
    /// Days that both campaigns have before them; StakingRewards' is cut short where that is less than its 60.
    pub campaign_days: u64,
}

impl Default for WorldSettings {
    fn default() -> WorldSettings {
        WorldSettings { campaign_days: 20 }
    }
}

/// What [`deploy_world`] put beside the lending markets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// The exchanges.
    pub exchanges: Exchanges,
    /// A second stablecoin with 6 decimals, and its feed in USD.
    pub usdt: TokenAndFeed,
    /// What campaigns pay, with 18 decimals, and its feed in USD.
    pub reward: TokenAndFeed,
    /// The staked ether.
    pub staked: StakedEther,
    /// The pools.
    pub pools: Pools,
    /// Trades for everybody in one transaction: `StepRunner`.
    pub trader: Address,
    /// The vault of USDC.
    pub usdc_vault: PlimsollVault,
    /// The vault of WETH.
    pub weth_vault: PlimsollVault,
}

/// Who holds which role in the vault of USDC and in that of WETH. Each vault wants an allocator of its own: an engine lets
/// nobody else use its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BothRoles {
    /// In the vault of USDC.
    pub usdc: VaultRoles,
    /// In the vault of WETH.
    pub weth: VaultRoles,
}

impl From<VaultRoles> for BothRoles {
    /// The same in both.
    fn from(roles: VaultRoles) -> BothRoles {
        BothRoles { usdc: roles, weth: roles }
    }
}

/// Puts all of it beside what [`deploy()`] made, which nobody may have used yet, with two vaults. All
/// feeds have posted at the end. Blocks stand for a few seconds meanwhile, whatever they stand for otherwise.
///
/// # Errors
/// [`LocalChainError`] when an artifact is missing or a step reverts.
///
/// [`deploy()`]: crate::deploy()
pub async fn deploy_world(
    chain: &mut LocalChain,
    artifacts: &Artifacts,
    deployment: &Deployment,
    (roles, settings): (BothRoles, WorldSettings),
) -> Result<World, LocalChainError> {
    let ChainSettings { block_seconds, mining, .. } = chain.settings();
    chain.set_mining(Mining::OnDemand).await?;
    chain.set_block_seconds(SECONDS_OF_A_BLOCK).await?;
    let made = make(chain, artifacts, deployment, (roles, settings)).await;
    chain.set_block_seconds(block_seconds).await?;
    chain.set_mining(mining).await?;
    made
}

async fn make(
    chain: &LocalChain,
    artifacts: &Artifacts,
    deployment: &Deployment,
    (roles, settings): (BothRoles, WorldSettings),
) -> Result<World, LocalChainError> {
    let exchanges = deploy_exchanges(chain, artifacts).await?;
    let mut steps = Steps::start(chain, artifacts).await?;
    let usdt = token(&mut steps, ("USDT", 6, 1))?;
    let reward = token(&mut steps, ("RWD", 18, REWARD_USD))?;
    let staked = staked::deploy(&mut steps)?;
    let trader = steps.create((Origin::StandIn, "StepRunner"), &[])?;
    steps.finish().await?;
    let tokens = Tokens {
        usdc: deployment.token(Asset::Usdc)?,
        weth: deployment.token(Asset::Weth)?,
        usdt,
        reward,
    };
    let place = pools::Place {
        chain,
        artifacts,
        exchanges: &exchanges,
        tokens,
        staked: &staked,
        trader,
        settings,
    };
    let pools = place.pools().await?;
    let vaults = vaults::Vaults {
        chain,
        artifacts,
        deployment,
        exchanges: &exchanges,
        tokens,
        staked: &staked,
        pools: &pools,
        roles,
    };
    let (usdc_vault, weth_vault) = vaults.deploy().await?;
    repost(chain, deployment, (&tokens, &staked)).await?;
    Ok(World { exchanges, usdt, reward, staked, pools, trader, usdc_vault, weth_vault })
}

/// The tokens of the pools, with their feeds in USD.
#[derive(Debug, Clone, Copy)]
struct Tokens {
    usdc: TokenAndFeed,
    weth: TokenAndFeed,
    usdt: TokenAndFeed,
    reward: TokenAndFeed,
}

/// A token that anyone mints, and its feed.
fn token(
    steps: &mut Steps<'_>,
    (symbol, decimals, price): (&str, u8, u32),
) -> Result<TokenAndFeed, LocalChainError> {
    let named = (symbol.to_owned(), symbol.to_owned(), U256::from(decimals)).abi_encode_params();
    let token = steps.create((Origin::StandIn, "Token"), &named)?;
    let answer = U256::from(price) * U256::from(100_000_000);
    let posted = (format!("{symbol} / USD"), U256::from(FEED_DECIMALS), answer).abi_encode_params();
    let feed = steps.create((Origin::StandIn, "PriceFeed"), &posted)?;
    Ok(TokenAndFeed { token, feed })
}

/// Has every feed say what it says once more, so that none is older than the world.
async fn repost(
    chain: &LocalChain,
    deployment: &Deployment,
    (tokens, staked): (&Tokens, &StakedEther),
) -> Result<(), LocalChainError> {
    let known = deployment.tokens.values().map(|token| token.feed);
    let feeds = known.chain([tokens.usdt.feed, tokens.reward.feed, staked.feed]);
    let mut calls = Vec::new();
    for feed in feeds {
        let answer: I256 = chain.call(feed, &IPriceFeed::latestRoundDataCall {}).await?.answer;
        calls.push(Call::new(deployment.admin, feed, &IPriceFeed::postCall { answer }));
    }
    chain.execute(&calls).await.map(|_| ())
}
