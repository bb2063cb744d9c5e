//! What the chain says of pools, campaigns and staked ether, read at once.

use super::stable::Curve;
use crate::abi::{
    IBalancerVault, IStablePool, IStakedEth, IStakingRewards, IUniswapV2Pair, IUniswapV3Pool,
    IWithdrawalQueue, IncentiveKey,
};
use crate::deploy::world::RANGE_REWARDS;
use crate::deploy::{Pair, PoolToken, RangePool};
use crate::driver::observe::Answers;
use crate::driver::whole;
use crate::{LocalChain, LocalChainError, World};
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;

/// Amplifications of the two stable pools have this precision.
const AMPLIFICATION_ONE: f64 = 1_000.0;

/// Pools, campaigns and staked ether as they stand at a block. Prices are of one whole in another.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldState {
    /// Ether in USDC, as the Uniswap V3 pool has it.
    pub range_price: f64,
    /// Liquidity in use there.
    pub range_liquidity: u128,
    /// Whole ether and USDC that a raw unit of liquidity in use has earned there in fees since the pool was made.
    pub range_fees: (f64, f64),
    /// Whole rewards that Uniswap's staker pays there in a second, and when it stops, in Unix seconds.
    pub range_rewards: (f64, u64),
    /// Whole ether and USDC in the pair.
    pub pair: (f64, f64),
    /// Whole rewards and USDC in their pair.
    pub reward_pair: (f64, f64),
    /// Whole shares of the pair, and of the rewards' pair.
    pub shares: (f64, f64),
    /// The stable pool of dollars.
    pub usd: StableState,
    /// The stable pool of staked ether.
    pub ether: StableState,
    /// stETH per wstETH, as the protocol has it.
    pub staked_rate: f64,
    /// Whole ether staked.
    pub pooled: f64,
    /// Whole ether that waits in the withdrawal queue.
    pub waiting: f64,
    /// The newest request of the queue, and the newest that is finalized.
    pub requests: (u64, u64),
    /// When StakingRewards stops paying, in Unix seconds.
    pub campaign_end: u64,
    /// Whole rewards that it pays in a second until then.
    pub reward_rate: f64,
    /// The part of the pair's shares that is staked there.
    pub staked_part: f64,
    /// Raw shares of the pair that each staker has, and that each has staked.
    pub(super) stakers: Vec<(U256, U256)>,
    /// Requests of the people who leave staked ether.
    pub(super) leaving: Vec<U256>,
}

/// A stable pool of two tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StableState {
    /// What there is of the token that is priced (USDT, wstETH) and of what it is priced in (USDC, WETH), whole.
    pub balances: (f64, f64),
    /// The rate that the pool counts the first at, and when it reads it anew.
    pub rate: (f64, u64),
    /// Whole shares.
    pub shares: f64,
    amplification: f64,
    pub(super) fee: f64,
}

impl StableState {
    /// Returns what one whole of the first brings of the second, before the fee.
    #[must_use]
    pub fn price(&self) -> f64 {
        let counted = self.balances.0 * self.rate.0;
        self.curve().price(counted) * self.rate.0
    }

    pub(super) fn curve(&self) -> Curve {
        Curve::through((self.balances.0 * self.rate.0, self.balances.1), self.amplification)
    }
}

impl WorldState {
    /// Returns ether in USDC, as the pair has it.
    #[must_use]
    pub fn pair_price(&self) -> f64 {
        self.pair.1 / self.pair.0
    }

    /// Returns the reward in USDC, as its pair has it.
    #[must_use]
    pub fn reward_price(&self) -> f64 {
        self.reward_pair.1 / self.reward_pair.0
    }

    /// Returns what staking the pair's shares is promised at this price of the reward: a simple yearly fraction, zero
    /// once the campaign is over.
    #[must_use]
    pub fn reward_apr(&self, time: u64, reward_price: f64) -> f64 {
        let staked = 2.0 * self.pair.1 * self.staked_part;
        if time >= self.campaign_end || staked <= 0.0 {
            return 0.0;
        }
        self.reward_rate * 31_536_000.0 * reward_price / staked
    }
}

/// Reads all of it at the newest block, in one call.
pub(super) async fn look(
    chain: &LocalChain,
    world: &World,
    (leaver, incentive): (Address, &IncentiveKey),
) -> Result<WorldState, LocalChainError> {
    let (pools, staked) = (&world.pools, &world.staked);
    let mut calls: Vec<(Address, Bytes)> = Vec::new();
    let mut ask = |to: Address, data: Vec<u8>| calls.push((to, data.into()));
    ask(pools.range.address, IUniswapV3Pool::slot0Call {}.abi_encode());
    ask(pools.range.address, IUniswapV3Pool::liquidityCall {}.abi_encode());
    ask(pools.range.address, IUniswapV3Pool::feeGrowthGlobal0X128Call {}.abi_encode());
    ask(pools.range.address, IUniswapV3Pool::feeGrowthGlobal1X128Call {}.abi_encode());
    for pair in [&pools.pair, &pools.reward_pair] {
        ask(pair.address, IUniswapV2Pair::getReservesCall {}.abi_encode());
        ask(pair.address, IUniswapV2Pair::totalSupplyCall {}.abi_encode());
    }
    let balancer = world.exchanges.balancer.vault;
    for pool in [&pools.usd, &pools.ether] {
        ask(balancer, IBalancerVault::getPoolTokensCall { poolId: pool.id }.abi_encode());
        ask(pool.address, IStablePool::getAmplificationParameterCall {}.abi_encode());
        ask(pool.address, IStablePool::getSwapFeePercentageCall {}.abi_encode());
        ask(pool.address, IStablePool::getActualSupplyCall {}.abi_encode());
    }
    let rate = IStablePool::getTokenRateCacheCall { token: staked.wst_eth };
    ask(pools.ether.address, rate.abi_encode());
    let one = U256::from(10).pow(U256::from(18));
    ask(staked.st_eth, IStakedEth::getPooledEthBySharesCall { shares: one }.abi_encode());
    ask(staked.st_eth, IStakedEth::totalSupplyCall {}.abi_encode());
    ask(staked.queue, IWithdrawalQueue::unfinalizedStETHCall {}.abi_encode());
    ask(staked.queue, IWithdrawalQueue::getLastRequestIdCall {}.abi_encode());
    ask(staked.queue, IWithdrawalQueue::getLastFinalizedRequestIdCall {}.abi_encode());
    ask(staked.queue, IWithdrawalQueue::getWithdrawalRequestsCall { owner: leaver }.abi_encode());
    ask(pools.staking, IStakingRewards::periodFinishCall {}.abi_encode());
    ask(pools.staking, IStakingRewards::rewardRateCall {}.abi_encode());
    ask(pools.staking, IStakingRewards::totalSupplyCall {}.abi_encode());
    for who in &pools.stakers {
        ask(pools.pair.address, IUniswapV2Pair::balanceOfCall { account: *who }.abi_encode());
        ask(pools.staking, IStakingRewards::balanceOfCall { account: *who }.abi_encode());
    }
    let answers = chain.call_many(calls).await?;
    read(world, incentive, &mut Answers(answers.into_iter()))
}

fn read(
    world: &World,
    incentive: &IncentiveKey,
    answers: &mut Answers,
) -> Result<WorldState, LocalChainError> {
    let pools = &world.pools;
    let slot0 = answers.next::<IUniswapV3Pool::slot0Call>()?;
    let range_liquidity = answers.next::<IUniswapV3Pool::liquidityCall>()?;
    let zero = answers.next::<IUniswapV3Pool::feeGrowthGlobal0X128Call>()?;
    let one = answers.next::<IUniswapV3Pool::feeGrowthGlobal1X128Call>()?;
    let range_fees = growth(&pools.range, (zero, one));
    let (pair, pair_shares) = reserves(&pools.pair, answers)?;
    let (reward_pair, reward_shares) = reserves(&pools.reward_pair, answers)?;
    let (usdt, wst_eth) = ((world.usdt.token, 6), (world.staked.wst_eth, 18));
    let usd = stable((usdt, 6), pools.usd.address, answers)?;
    let mut ether = stable((wst_eth, 18), pools.ether.address, answers)?;
    let kept = answers.next::<IStablePool::getTokenRateCacheCall>()?;
    ether.rate = (whole(kept.rate, 18), kept.expires.saturating_to());
    let staked_rate = whole(answers.next::<IStakedEth::getPooledEthBySharesCall>()?, 18);
    let pooled = whole(answers.next::<IStakedEth::totalSupplyCall>()?, 18);
    let waiting = whole(answers.next::<IWithdrawalQueue::unfinalizedStETHCall>()?, 18);
    let newest = answers.next::<IWithdrawalQueue::getLastRequestIdCall>()?;
    let finalized = answers.next::<IWithdrawalQueue::getLastFinalizedRequestIdCall>()?;
    let leaving = answers.next::<IWithdrawalQueue::getWithdrawalRequestsCall>()?;
    let campaign_end = answers.next::<IStakingRewards::periodFinishCall>()?.saturating_to();
    let reward_rate = whole(answers.next::<IStakingRewards::rewardRateCall>()?, 18);
    let staked = whole(answers.next::<IStakingRewards::totalSupplyCall>()?, 18);
    let mut stakers = Vec::with_capacity(pools.stakers.len());
    for _ in &pools.stakers {
        let free = answers.next::<IUniswapV2Pair::balanceOfCall>()?;
        stakers.push((free, answers.next::<IStakingRewards::balanceOfCall>()?));
    }
    Ok(WorldState {
        range_price: pools.range.price(slot0.sqrtPriceX96),
        range_liquidity,
        range_fees,
        range_rewards: per_second(incentive),
        pair,
        reward_pair,
        shares: (pair_shares, reward_shares),
        usd,
        ether,
        staked_rate,
        pooled,
        waiting,
        requests: (newest.saturating_to(), finalized.saturating_to()),
        campaign_end,
        reward_rate,
        staked_part: if pair_shares > 0.0 { staked / pair_shares } else { 0.0 },
        stakers,
        leaving,
    })
}

/// What fee growth of both tokens is of base and quote.
fn growth(range: &RangePool, (zero, one): (U256, U256)) -> (f64, f64) {
    let (base, quote) = if range.is_base_zero() { (zero, one) } else { (one, zero) };
    let each = |raw, token: PoolToken| whole(raw, token.decimals) / 2f64.powi(128);
    (each(base, range.base), each(quote, range.quote))
}

/// Whole rewards that a campaign of Uniswap's staker pays in a second, and when it stops.
fn per_second(incentive: &IncentiveKey) -> (f64, u64) {
    let lasts = incentive.endTime.saturating_sub(incentive.startTime);
    (RANGE_REWARDS / whole(lasts, 0), incentive.endTime.saturating_to())
}

/// Whole base and quote of a pair, and its whole shares.
fn reserves(pair: &Pair, answers: &mut Answers) -> Result<((f64, f64), f64), LocalChainError> {
    let found = answers.next::<IUniswapV2Pair::getReservesCall>()?;
    let (zero, one) = (U256::from(found.reserve0), U256::from(found.reserve1));
    let (base, quote) = if pair.base.token < pair.quote.token { (zero, one) } else { (one, zero) };
    let shares = whole(answers.next::<IUniswapV2Pair::totalSupplyCall>()?, 18);
    Ok(((whole(base, pair.base.decimals), whole(quote, pair.quote.decimals)), shares))
}

/// A pool of `first` and another token, both with their decimals.
fn stable(
    ((first, decimals), other_decimals): ((Address, u8), u8),
    pool: Address,
    answers: &mut Answers,
) -> Result<StableState, LocalChainError> {
    let held = answers.next::<IBalancerVault::getPoolTokensCall>()?;
    let mut balances = (0.0, 0.0);
    for (token, balance) in held.tokens.iter().zip(held.balances) {
        if *token == first {
            balances.0 = whole(balance, decimals);
        } else if *token != pool {
            balances.1 = whole(balance, other_decimals);
        }
    }
    let amplification = answers.next::<IStablePool::getAmplificationParameterCall>()?;
    let amplification = whole(amplification.value, 0) / AMPLIFICATION_ONE;
    let fee = whole(answers.next::<IStablePool::getSwapFeePercentageCall>()?, 18);
    let shares = whole(answers.next::<IStablePool::getActualSupplyCall>()?, 18);
    Ok(StableState { balances, rate: (1.0, u64::MAX), shares, amplification, fee })
}
