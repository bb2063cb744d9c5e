//! The pools that people trade in, with what their first provider brings, and the campaigns on them.

use super::{DAY, REWARD_USD, STAKING_DAYS, StakedEther, Tokens, WorldSettings};
use crate::abi::{
    IPositionManager, IStakingRewards, IStepRunner, IToken, IUniswapV2Pair, IWrappedStakedEth,
    IncentiveKey,
};
use crate::deploy::{Asset, Exchanges, StablePool, StableToken, deploy_staking_rewards};
use crate::driver::{person, raw, whole};
use crate::{Artifacts, Call, LocalChain, LocalChainError};
use alloy::primitives::aliases::{I24, U24};
use alloy::primitives::{Address, B256, U160, U256, uint};
use alloy::sol_types::SolCall;

/// More of a token than anybody will need, in whole units; less of what has to be staked.
const PLENTY: f64 = 1e9;
const ENOUGH_STAKED: f64 = 80_000.0;
/// A hundred million ether, in wei.
const ETHER: U256 = uint!(100_000_000_000_000_000_000_000_000_U256);
/// What each pool begins with: whole USDC on its side, and whole ether on the side of the staked one.
const RANGES_USDC: [(i32, f64); 2] = [(6_000, 10e6), (1_000, 5e6)];
const PAIR_USDC: f64 = 20e6;
const REWARD_PAIR_USDC: f64 = 1e6;
const STABLE_USDC: f64 = 10e6;
const STABLE_ETHER: f64 = 6_000.0;
/// Storage words of StakingRewards among which the end of its campaign is.
const WORDS: u64 = 16;
/// What campaigns pay: StakingRewards in 60 days, Uniswap's staker in its whole time; whole rewards.
pub(crate) const PAIR_REWARDS: f64 = 120_000.0;
pub(crate) const RANGE_REWARDS: f64 = 5_000.0;
/// Amplification and swap fee with 18 decimals.
const USD_POOL: (u64, U256) = (500, uint!(100_000_000_000_000_U256));
const ETHER_POOL: (u64, U256) = (50, uint!(400_000_000_000_000_U256));
/// For how long the pool of staked ether keeps a rate that it has read, in seconds.
const RATE_SECONDS: u64 = 10_800;
/// How many people stake and unstake the pair's shares.
const STAKERS: usize = 4;
/// Gas of the transaction in which the trader approves everything.
const RUN_GAS: u64 = 4_000_000;

/// A token by its address and decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolToken {
    /// Where it is.
    pub token: Address,
    /// Its decimals.
    pub decimals: u8,
}

/// A Uniswap V3 pool of something priced in something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangePool {
    /// The pool.
    pub address: Address,
    /// In millionths.
    pub fee: u32,
    /// Ticks of ranges are multiples of this.
    pub tick_spacing: i32,
    /// What is priced.
    pub base: PoolToken,
    /// What it is priced in.
    pub quote: PoolToken,
}

/// A Uniswap V2 pair of something priced in something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The pair.
    pub address: Address,
    /// What is priced.
    pub base: PoolToken,
    /// What it is priced in.
    pub quote: PoolToken,
}

/// Every pool, and the campaigns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pools {
    /// Who brought all liquidity and owns what is not staked by others.
    pub provider: Address,
    /// WETH in USDC, 0.05 %.
    pub range: RangePool,
    /// The campaign of Uniswap's staker on that pool.
    pub incentive: IncentiveKey,
    /// WETH in USDC.
    pub pair: Pair,
    /// StakingRewards for shares of that pair.
    pub staking: Address,
    /// Who stakes there.
    pub stakers: Vec<Address>,
    /// The reward in USDC.
    pub reward_pair: Pair,
    /// USDC and USDT.
    pub usd: StablePool,
    /// Staked ether and WETH.
    pub ether: StablePool,
}

impl RangePool {
    /// Whether what is priced is the pool's token 0.
    #[must_use]
    pub fn is_base_zero(&self) -> bool {
        self.base.token < self.quote.token
    }

    /// Returns what the pool calls a price of whole base in whole quote.
    ///
    /// # Errors
    /// [`LocalChainError::OutOfRange`] for a price that no pool can have.
    pub fn sqrt_price_x96(&self, price: f64) -> Result<U160, LocalChainError> {
        let root = raw("square root price", self.ratio(price).sqrt() * 2f64.powi(96), 0)?;
        let refuse = || LocalChainError::OutOfRange { field: "square root price", found: price };
        U160::checked_from_limbs_slice(root.as_limbs()).ok_or_else(refuse)
    }

    /// Returns the price of whole base in whole quote that the pool calls so.
    #[must_use]
    pub fn price(&self, sqrt_price_x96: U160) -> f64 {
        let ratio = (whole(U256::from(sqrt_price_x96), 0) / 2f64.powi(96)).powi(2);
        let raw = if self.is_base_zero() { ratio } else { 1.0 / ratio };
        raw * 10f64.powi(i32::from(self.base.decimals) - i32::from(self.quote.decimals))
    }

    /// Returns the last usable tick at or below a price's.
    #[must_use]
    pub fn usable_tick(&self, price: f64) -> i32 {
        let tick = (self.ratio(price).ln() / 1.0001f64.ln()).floor().clamp(-887_200.0, 887_200.0);
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within 887,200")]
        let tick = tick as i32;
        tick.div_euclid(self.tick_spacing).saturating_mul(self.tick_spacing)
    }

    /// Raw token 1 per raw token 0.
    fn ratio(&self, price: f64) -> f64 {
        let raw =
            price * 10f64.powi(i32::from(self.quote.decimals) - i32::from(self.base.decimals));
        if self.is_base_zero() { raw } else { 1.0 / raw }
    }
}

/// What pools are made of.
pub(super) struct Place<'a> {
    pub(super) chain: &'a LocalChain,
    pub(super) artifacts: &'a Artifacts,
    pub(super) exchanges: &'a Exchanges,
    pub(super) tokens: Tokens,
    pub(super) staked: &'a StakedEther,
    pub(super) trader: Address,
    pub(super) settings: WorldSettings,
}

impl Place<'_> {
    /// Makes and fills the pools, begins the campaigns.
    pub(super) async fn pools(&self) -> Result<Pools, LocalChainError> {
        let provider = person("liquidity provider");
        self.fund(provider).await?;
        let (pair, reward_pair) = self.pairs(provider).await?;
        let distributed =
            (pair.address, self.tokens.reward.token, raw("rewards", PAIR_REWARDS, 18)?);
        let staking =
            deploy_staking_rewards(self.chain, self.artifacts, provider, distributed).await?;
        let stakers = self.stakers(provider, &pair, staking).await?;
        let (usd, ether) = self.stable_pools(provider).await?;
        self.shorten(staking).await?;
        let (range, incentive) = self.range(provider).await?;
        Ok(Pools { provider, range, incentive, pair, staking, stakers, reward_pair, usd, ether })
    }

    /// Tokens for the provider and the trader, and their approvals.
    async fn fund(&self, provider: Address) -> Result<(), LocalChainError> {
        let Tokens { usdc, weth, usdt, reward } = self.tokens;
        let wst_eth = self.staked.wst_eth;
        self.chain.set_balance(provider, ETHER).await?;
        let known = [(usdc, 6), (weth, 18), (usdt, 6), (reward, 18)];
        let mut funds = Vec::new();
        for (token, decimals) in known {
            funds.push((token.token, raw("funds", PLENTY, decimals)?));
        }
        self.exchanges.fund(self.chain, provider, &funds).await?;
        let staked = raw("staked ether", ENOUGH_STAKED, 18)?;
        // Calldata is empty: ether that arrives is staked and wrapped.
        let stake = Call::new(provider, wst_eth, &IToken::symbolCall {});
        let spender = self.exchanges.balancer.vault;
        let approve = IToken::approveCall { spender, amount: U256::MAX };
        let amount = staked / U256::from(2);
        let pass_on = IToken::transferCall { to: self.trader, amount };
        let mut calls = vec![
            Call { value: staked, data: Default::default(), ..stake },
            Call::new(provider, wst_eth, &approve),
            Call::new(provider, wst_eth, &pass_on),
        ];
        let mut steps = vec![step(wst_eth, &approve)];
        for (token, amount) in funds {
            let mint = IToken::mintCall { to: self.trader, amount };
            calls.push(Call::new(provider, token, &mint));
            for spender in [spender, self.exchanges.uniswap_v2.router] {
                steps.push(step(token, &IToken::approveCall { spender, amount: U256::MAX }));
            }
        }
        let run = IStepRunner::runCall { steps };
        calls.push(Call::new(provider, self.trader, &run).with_gas(RUN_GAS));
        self.chain.execute(&calls).await.map(|_| ())
    }

    async fn pairs(&self, provider: Address) -> Result<(Pair, Pair), LocalChainError> {
        let Tokens { usdc, weth, reward, .. } = self.tokens;
        let made = async |base: Address, usd: f64, price: u32| {
            let router = self.exchanges.uniswap_v2;
            let address = router.create_pair(self.chain, provider, (usdc.token, base)).await?;
            let quoted = (usdc.token, raw("liquidity", usd, 6)?);
            let priced = (base, raw("liquidity", usd / f64::from(price), 18)?);
            router.add_liquidity(self.chain, provider, (quoted, priced)).await?;
            let base = PoolToken { token: base, decimals: 18 };
            Ok::<_, LocalChainError>(Pair { address, base, quote: self.usdc() })
        };
        let pair = made(weth.token, PAIR_USDC, Asset::Weth.first_price_usd()).await?;
        Ok((pair, made(reward.token, REWARD_PAIR_USDC, REWARD_USD).await?))
    }

    /// Passes half of the pair's shares on to people, who stake half of theirs.
    async fn stakers(
        &self,
        provider: Address,
        pair: &Pair,
        staking: Address,
    ) -> Result<Vec<Address>, LocalChainError> {
        let account = provider;
        let held = self.chain.call(pair.address, &IToken::balanceOfCall { account }).await?;
        let each = held / U256::from(2 * STAKERS);
        let people: Vec<Address> =
            (0..STAKERS).map(|number| person(&format!("staker {number}"))).collect();
        let mut calls = Vec::new();
        for who in &people {
            self.chain.set_balance(*who, ETHER).await?;
            let pass_on = IUniswapV2Pair::transferCall { to: *who, amount: each };
            let approve = IUniswapV2Pair::approveCall { spender: staking, amount: U256::MAX };
            let stake = IStakingRewards::stakeCall { amount: each / U256::from(2) };
            calls.push(Call::new(provider, pair.address, &pass_on).with_gas(RUN_GAS));
            calls.push(Call::new(*who, pair.address, &approve).with_gas(RUN_GAS));
            calls.push(Call::new(*who, staking, &stake).with_gas(RUN_GAS));
        }
        self.chain.execute(&calls).await?;
        Ok(people)
    }

    async fn stable_pools(
        &self,
        provider: Address,
    ) -> Result<(StablePool, StablePool), LocalChainError> {
        let balancer = self.exchanges.balancer;
        let plain = |token| StableToken {
            token,
            rate_provider: Address::ZERO,
            cache_seconds: 0,
            is_exempt: false,
        };
        let wst_eth = self.staked.wst_eth;
        let rated = StableToken {
            token: wst_eth,
            rate_provider: wst_eth,
            cache_seconds: RATE_SECONDS,
            is_exempt: false,
        };
        let Tokens { usdc, weth, usdt, .. } = self.tokens;
        let both = [plain(usdc.token), plain(usdt.token)];
        let usd = balancer.create_stable_pool(self.chain, provider, &both, USD_POOL).await?;
        let both = [rated, plain(weth.token)];
        let ether = balancer.create_stable_pool(self.chain, provider, &both, ETHER_POOL).await?;
        let dollars = raw("liquidity", STABLE_USDC, 6)?;
        let worth = raw("liquidity", STABLE_ETHER, 18)?;
        let wrapped = IWrappedStakedEth::getWstETHByStETHCall { amount: worth };
        let wrapped = self.chain.call(wst_eth, &wrapped).await?;
        let amounts = if wst_eth < weth.token { [wrapped, worth] } else { [worth, wrapped] };
        let calls = [
            balancer.initialize(provider, &usd, &[dollars, dollars]),
            balancer.initialize(provider, &ether, &amounts),
        ];
        self.chain.execute(&calls).await?;
        Ok((usd, ether))
    }

    /// Has the campaign of StakingRewards end as soon as it should.
    async fn shorten(&self, staking: Address) -> Result<(), LocalChainError> {
        let days = self.settings.campaign_days.min(STAKING_DAYS);
        let now = self.chain.head().await?.time;
        let end = now.saturating_add(days.saturating_mul(DAY));
        end_campaign_at(self.chain, staking, end).await
    }

    /// Makes the Uniswap V3 pool, opens the first ranges and stakes the widest in a campaign.
    async fn range(&self, provider: Address) -> Result<(RangePool, IncentiveKey), LocalChainError> {
        let (uniswap, price) =
            (self.exchanges.uniswap_v3, f64::from(Asset::Weth.first_price_usd()));
        let base = PoolToken { token: self.tokens.weth.token, decimals: 18 };
        let mut range = RangePool {
            address: Address::ZERO,
            fee: 500,
            tick_spacing: 10,
            base,
            quote: self.usdc(),
        };
        let both = (base.token, range.quote.token);
        let first = (range.fee, range.sqrt_price_x96(price)?);
        range.address = uniswap.create_pool(self.chain, provider, both, first).await?;
        let mut opened = Vec::new();
        for (ticks, usd) in RANGES_USDC {
            let params = mint_params(&range, provider, (price, ticks, usd))?;
            opened.push(uniswap.open(self.chain, provider, params).await?.id);
        }
        let step = self.chain.settings().block_seconds;
        let start = self.chain.head().await?.time.saturating_add(step.saturating_mul(2));
        let lasts = self.settings.campaign_days.max(1).saturating_mul(DAY);
        let incentive = IncentiveKey {
            rewardToken: self.tokens.reward.token,
            pool: range.address,
            startTime: U256::from(start),
            endTime: U256::from(start.saturating_add(lasts)),
            refundee: provider,
        };
        let rewards = raw("rewards", RANGE_REWARDS, 18)?;
        self.chain.execute(&[uniswap.create_incentive(provider, &incentive, rewards)]).await?;
        if let Some(widest) = opened.first() {
            self.chain.execute(&[uniswap.stake(provider, *widest, &incentive)]).await?;
        }
        Ok((range, incentive))
    }

    fn usdc(&self) -> PoolToken {
        PoolToken { token: self.tokens.usdc.token, decimals: 6 }
    }
}

/// Rewrites when StakingRewards stops paying, where it would pay for longer: no key of the contract can.
pub(crate) async fn end_campaign_at(
    chain: &LocalChain,
    staking: Address,
    time: u64,
) -> Result<(), LocalChainError> {
    let end = chain.call(staking, &IStakingRewards::periodFinishCall {}).await?;
    if end <= U256::from(time) {
        return Ok(());
    }
    for word in (0..WORDS).map(U256::from) {
        let found: B256 = chain.request("eth_getStorageAt", (staking, word, "latest")).await?;
        if U256::from_be_bytes(found.0) == end {
            return chain.set_storage(staking, word, U256::from(time)).await;
        }
    }
    Err(LocalChainError::Answer {
        method: "periodFinish",
        found: format!("{end}, which none of the first {WORDS} words of its storage is"),
    })
}

/// A call of the trader's.
pub(crate) fn step(target: Address, call: &impl SolCall) -> IStepRunner::Step {
    IStepRunner::Step { target, data: call.abi_encode().into() }
}

/// A position that reaches so many ticks to either side of a price, of so many USD on either side.
fn mint_params(
    range: &RangePool,
    recipient: Address,
    (price, ticks, usd): (f64, i32, f64),
) -> Result<IPositionManager::MintParams, LocalChainError> {
    let middle = range.usable_tick(price);
    let tick = |tick: i32| {
        let refuse = |_| LocalChainError::OutOfRange { field: "tick", found: f64::from(tick) };
        I24::try_from(tick).map_err(refuse)
    };
    let of_base = raw("liquidity", usd / price, range.base.decimals)?;
    let of_quote = raw("liquidity", usd, range.quote.decimals)?;
    let (zero, one) =
        (range.base.token.min(range.quote.token), range.base.token.max(range.quote.token));
    let (amount0, amount1) =
        if range.is_base_zero() { (of_base, of_quote) } else { (of_quote, of_base) };
    Ok(IPositionManager::MintParams {
        token0: zero,
        token1: one,
        fee: U24::saturating_from(range.fee),
        tickLower: tick(middle.saturating_sub(ticks))?,
        tickUpper: tick(middle.saturating_add(ticks))?,
        amount0Desired: amount0,
        amount1Desired: amount1,
        amount0Min: U256::ZERO,
        amount1Min: U256::ZERO,
        recipient,
        deadline: U256::MAX,
    })
}
