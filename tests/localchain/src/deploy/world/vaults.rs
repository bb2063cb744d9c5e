//! The two vaults, with an oracle, a swap and a market contract for each kind of market.

use super::{BothRoles, Pools, StakedEther, Tokens};
use crate::abi::{
    IFeedOracle::Feed, StakedEthMarketSettings, UniswapV2MarketSettings, UniswapV3MarketSettings,
    VaultBounds,
};
use crate::deploy::plimsoll::{self, CREATION_GAS};
use crate::deploy::steps::Steps;
use crate::deploy::{
    Asset, Deployment, Exchanges, PlimsollVault, StablePool, TokenAndFeed, VaultMarket, VaultRoles,
};
use crate::{Artifacts, LocalChain, LocalChainError, Origin};
use alloy::primitives::{Address, U256, Uint, aliases::U24};
use alloy::sol_types::SolValue;

/// Bounds of both vaults: an entry into a pool gives up a part of the oracle's band, which is at most 75 bp, half a swap's
/// fee and what the swap moves the price by.
const BOUNDS: VaultBounds =
    VaultBounds { turnoverBps: 10_000, moveLossBps: 100, dayLossBps: 100, monthLossBps: 500 };
/// The most of a vault that may be in one market with a price, in basis points; lending may have it all.
const PRICED_CAP_BPS: u16 = 5_000;
/// What comes off a value while its price is stale.
const STALE_BPS: U256 = U256::from_limbs([1_000, 0, 0, 0]);
/// How long answers are good: twice the heartbeat of ether's and the reward's feeds, and a day and an hour for the others.
const FAST: u32 = 7_200;
const SLOW: u32 = 90_000;
/// How far true prices may be from answers: what both feeds let pass before they post.
const ETHER_BAND: u64 = 75;
const TETHER_BAND: u64 = 30;
const STAKED_BAND: u64 = 10;
/// One, with the decimals of feeds in USD.
const USD: u128 = 100_000_000;

pub(super) struct Vaults<'a> {
    pub(super) chain: &'a LocalChain,
    pub(super) artifacts: &'a Artifacts,
    pub(super) deployment: &'a Deployment,
    pub(super) exchanges: &'a Exchanges,
    pub(super) tokens: Tokens,
    pub(super) staked: &'a StakedEther,
    pub(super) pools: &'a Pools,
    pub(super) roles: BothRoles,
}

impl Vaults<'_> {
    /// Deploys the vault of USDC and the vault of WETH.
    pub(super) async fn deploy(&self) -> Result<(PlimsollVault, PlimsollVault), LocalChainError> {
        let mut steps = Steps::start(self.chain, self.artifacts).await?;
        let usdc = self.usdc_vault(&mut steps)?;
        let weth = self.weth_vault(&mut steps)?;
        steps.finish().await?;
        Ok((usdc, weth))
    }

    fn usdc_vault(&self, steps: &mut Steps<'_>) -> Result<PlimsollVault, LocalChainError> {
        let asset = self.tokens.usdc.token;
        let vault = plimsoll::vault(steps, (asset, "USDC"), (self.roles.usdc, BOUNDS))?;
        let mut markets = plimsoll::lending_markets(steps, self.deployment, vault)?;
        let ether = self.dollar_oracle(steps, self.tokens.weth, (FAST, ETHER_BAND))?;
        let reward = self.dollar_oracle(steps, self.tokens.reward, (FAST, ETHER_BAND))?;
        let tether = self.dollar_oracle(steps, self.tokens.usdt, (SLOW, TETHER_BAND))?;
        let pools = self.pools;
        let sells = own(steps, "UniswapV2Swap", &pools.reward_pair.address.abi_encode())?;
        let campaign = (self.exchanges.uniswap_v3.staker, self.tokens.reward.token, reward, sells);
        let range = self.range(steps, (vault, asset), (ether, campaign))?;
        markets.push((VaultMarket::UniswapV3, range));
        let settings = UniswapV2MarketSettings {
            pair: pools.pair.address,
            oracle: ether,
            staking: pools.staking,
            rewardOracle: reward,
            rewardSwap: sells,
            slippageBps: U256::from(100),
            staleBandBps: STALE_BPS,
        };
        let arguments = (vault, asset, settings).abi_encode_params();
        markets.push((VaultMarket::UniswapV2, own(steps, "UniswapV2Market", &arguments)?));
        let stable = stable(steps, (vault, asset), (&pools.usd, tether))?;
        markets.push((VaultMarket::BalancerStable, stable));
        self.list(steps, (vault, asset), self.roles.usdc, markets)
    }

    fn weth_vault(&self, steps: &mut Steps<'_>) -> Result<PlimsollVault, LocalChainError> {
        let asset = self.tokens.weth.token;
        let vault = plimsoll::vault(steps, (asset, "WETH"), (self.roles.weth, BOUNDS))?;
        let mut markets = plimsoll::aave_market(steps, self.deployment, (vault, Asset::Weth))?;
        let pools = self.pools;
        // Staked ether in ether, straight from its feed.
        let (one, none) = (10u128.pow(18), feed(Address::ZERO, 0, (0, 0)));
        let base = feed(self.staked.feed, SLOW, (one / 2, one.saturating_mul(2)));
        let st_eth = oracle(steps, (self.staked.st_eth, asset), (base, none), STAKED_BAND)?;
        let both = (pools.ether.address, asset, self.staked.wst_eth).abi_encode_params();
        let swap = own(steps, "BalancerSwap", &both)?;
        let settings = StakedEthMarketSettings {
            wstEth: self.staked.wst_eth,
            queue: self.staked.queue,
            oracle: st_eth,
            swap,
            slippageBps: U256::from(50),
            staleBandBps: STALE_BPS,
        };
        let arguments = (vault, asset, settings).abi_encode_params();
        markets.push((VaultMarket::StakedEth, own(steps, "StakedEthMarket", &arguments)?));
        let Tokens { usdc, weth, .. } = self.tokens;
        let (base, over) = (dollar_feed(usdc, SLOW), dollar_feed(weth, FAST));
        let dollar = oracle(steps, (usdc.token, asset), (base, over), ETHER_BAND)?;
        let none = (Address::ZERO, Address::ZERO, Address::ZERO, Address::ZERO);
        let range = self.range(steps, (vault, asset), (dollar, none))?;
        markets.push((VaultMarket::UniswapV3, range));
        let stable = stable(steps, (vault, asset), (&pools.ether, st_eth))?;
        markets.push((VaultMarket::BalancerStable, stable));
        self.list(steps, (vault, asset), self.roles.weth, markets)
    }

    /// A market of ranges in the pool of WETH and USDC; `campaign` is staker, reward, its oracle and its swap.
    fn range(
        &self,
        steps: &mut Steps<'_>,
        (vault, asset): (Address, Address),
        (oracle, (staker, reward, reward_oracle, reward_swap)): (
            Address,
            (Address, Address, Address, Address),
        ),
    ) -> Result<Address, LocalChainError> {
        let pool = self.pools.range.address;
        let settings = UniswapV3MarketSettings {
            pool,
            manager: self.exchanges.uniswap_v3.positions,
            swap: own(steps, "UniswapV3Swap", &pool.abi_encode())?,
            oracle,
            staker,
            reward,
            rewardOracle: reward_oracle,
            rewardSwap: reward_swap,
            minWidth: U24::from(600),
            maxWidth: U24::from(12_000),
            maxMiddleDistance: U24::from(600),
            maxSpotDistance: U24::from(100),
            slippageBps: U256::from(50),
            staleBandBps: STALE_BPS,
        };
        own(steps, "UniswapV3Market", &(vault, asset, settings).abi_encode_params())
    }

    /// Worth of a token in USDC, from both feeds in USD.
    fn dollar_oracle(
        &self,
        steps: &mut Steps<'_>,
        token: TokenAndFeed,
        (heartbeat, band): (u32, u64),
    ) -> Result<Address, LocalChainError> {
        let usdc = self.tokens.usdc;
        let feeds = (dollar_feed(token, heartbeat), dollar_feed(usdc, SLOW));
        oracle(steps, (token.token, usdc.token), feeds, band)
    }

    fn list(
        &self,
        steps: &mut Steps<'_>,
        (vault, asset): (Address, Address),
        roles: VaultRoles,
        markets: Vec<(VaultMarket, Address)>,
    ) -> Result<PlimsollVault, LocalChainError> {
        for (market, contract) in &markets {
            let cap = if market.is_priced() { PRICED_CAP_BPS } else { 10_000 };
            for call in plimsoll::listing(roles.curator, vault, (*contract, cap)) {
                steps.add(call);
            }
        }
        Ok(PlimsollVault { address: vault, asset, markets, roles })
    }
}

/// The market of a stable pool of the asset and one other token.
fn stable(
    steps: &mut Steps<'_>,
    (vault, asset): (Address, Address),
    (pool, oracle): (&StablePool, Address),
) -> Result<Address, LocalChainError> {
    let others = pool.tokens.iter().filter(|token| **token != pool.address);
    let oracles: Vec<Address> =
        others.map(|token| if *token == asset { Address::ZERO } else { oracle }).collect();
    let arguments = (vault, asset, pool.address, oracles, U256::from(50), STALE_BPS);
    own(steps, "BalancerStableMarket", &arguments.abi_encode_params())
}

fn oracle(
    steps: &mut Steps<'_>,
    (token, asset): (Address, Address),
    (base, over): (Feed, Feed),
    band: u64,
) -> Result<Address, LocalChainError> {
    let arguments = (token, asset, base, over, U256::from(band)).abi_encode_params();
    own(steps, "FeedOracle", &arguments)
}

/// A feed in USD, with wide limits.
fn dollar_feed(token: TokenAndFeed, heartbeat: u32) -> Feed {
    feed(token.feed, heartbeat, (USD / 10_000, USD.saturating_mul(1_000_000)))
}

fn feed(feed: Address, heartbeat: u32, (minimum, maximum): (u128, u128)) -> Feed {
    let limit = |value: u128| Uint::<104, 2>::saturating_from(value);
    Feed { feed, heartbeat, minimum: limit(minimum), maximum: limit(maximum) }
}

/// Creates one of our own contracts.
fn own(steps: &mut Steps<'_>, name: &str, arguments: &[u8]) -> Result<Address, LocalChainError> {
    steps.create_with_gas((Origin::Plimsoll, name), arguments, CREATION_GAS)
}
