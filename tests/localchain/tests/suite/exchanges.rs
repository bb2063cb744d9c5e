//! The exchanges deploy and do what they are for: pools, positions, swaps, campaigns.

use crate::support::{Desk, units};
use alloy::primitives::{Address, Signed, U160, U256, aliases::U24};
use alloy::sol_types::SolValue;
use plimsoll_localchain::abi::{
    IPositionManager, IQuoterV2, IStablePool, IStakingRewards, IToken, IUniswapV2Pair,
    IUniswapV3Pool, IUniswapV3Staker, IWeth9, IncentiveKey,
};
use plimsoll_localchain::{
    Artifacts, Asset, Call, Exchanges, StableToken, deploy_exchanges, deploy_staking_rewards,
};

const DAY: u64 = 86_400;

struct Floor {
    desk: Desk,
    artifacts: Artifacts,
    exchanges: Exchanges,
}

impl Floor {
    async fn open() -> Option<Floor> {
        let desk = Desk::open(12).await?;
        let artifacts = Artifacts::find().unwrap();
        let exchanges = deploy_exchanges(&desk.chain, &artifacts).await.unwrap();
        Some(Floor { desk, artifacts, exchanges })
    }

    async fn fund(&self, who: Address, assets: &[Asset]) {
        let tokens: Vec<_> = assets
            .iter()
            .map(|asset| (self.desk.token(*asset), units(10_000_000, *asset)))
            .collect();
        self.exchanges.fund(&self.desk.chain, who, &tokens).await.unwrap();
    }

    /// The raw units of an asset that somebody holds after and before a call.
    async fn gained(&self, who: Address, asset: Asset, call: Call) -> U256 {
        let before = self.desk.balance(who, asset).await;
        self.desk.chain.execute(&[call]).await.unwrap();
        self.desk.balance(who, asset).await - before
    }

    async fn mint_in(&self, pool_fee: u32, who: Address) -> (Address, U256) {
        let (weth, usdc) = (self.desk.token(Asset::Weth), self.desk.token(Asset::Usdc));
        // A pool at price one: only the arithmetic of amounts matters here.
        let price = U160::from(1) << 96;
        let uniswap = &self.exchanges.uniswap_v3;
        let pool = uniswap
            .create_pool(&self.desk.chain, who, (weth, usdc), (pool_fee, price))
            .await
            .unwrap();
        let params = IPositionManager::MintParams {
            token0: weth.min(usdc),
            token1: weth.max(usdc),
            fee: U24::from(pool_fee),
            tickLower: Signed::try_from(-6_000).unwrap(),
            tickUpper: Signed::try_from(6_000).unwrap(),
            amount0Desired: U256::from(1_000_000_000_000_u64),
            amount1Desired: U256::from(1_000_000_000_000_u64),
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            recipient: who,
            deadline: U256::MAX,
        };
        let opened = uniswap.open(&self.desk.chain, who, params).await.unwrap();
        assert!(opened.liquidity > 0 && opened.amounts.0 > U256::ZERO);
        (pool, opened.id)
    }
}

#[tokio::test]
async fn weth9_wraps_and_unwraps_ether() {
    let Some(floor) = Floor::open().await else { return };
    let (who, weth9) = (floor.desk.account(1), floor.exchanges.weth9);
    let mut wrap = Call::new(who, weth9, &IWeth9::depositCall {});
    wrap.value = U256::from(7);
    let unwrap = Call::new(who, weth9, &IWeth9::withdrawCall { wad: U256::from(3) });
    floor.desk.chain.execute(&[wrap, unwrap]).await.unwrap();
    let held = IWeth9::balanceOfCall { account: who };
    assert_eq!(floor.desk.chain.call(weth9, &held).await.unwrap(), U256::from(4));
}

#[tokio::test]
async fn a_v3_swap_pays_what_the_quoter_said_and_the_position_describes_itself() {
    let Some(floor) = Floor::open().await else { return };
    let who = floor.desk.account(1);
    floor.fund(who, &[Asset::Usdc, Asset::Weth]).await;
    let (pool, id) = floor.mint_in(3_000, who).await;
    let (weth, usdc) = (floor.desk.token(Asset::Weth), floor.desk.token(Asset::Usdc));
    let amount = U256::from(10_000_000_000_u64);
    let params = IQuoterV2::QuoteExactInputSingleParams {
        tokenIn: weth,
        tokenOut: usdc,
        amountIn: amount,
        fee: U24::from(3_000),
        sqrtPriceLimitX96: U160::ZERO,
    };
    let uniswap = &floor.exchanges.uniswap_v3;
    let quote = IQuoterV2::quoteExactInputSingleCall { params };
    let quoted = floor.desk.chain.call(uniswap.quoter, &quote).await.unwrap();
    let sell = uniswap.sell(who, (weth, usdc, 3_000), amount);
    assert_eq!(floor.gained(who, Asset::Usdc, sell).await, quoted.amountOut);
    let slot0 = floor.desk.chain.call(pool, &IUniswapV3Pool::slot0Call {}).await.unwrap();
    assert_eq!(slot0.sqrtPriceX96, quoted.sqrtPriceX96After);
    // The descriptor's library is linked: without it the picture could not be drawn.
    let described = IPositionManager::tokenURICall { tokenId: id };
    let uri = floor.desk.chain.call(uniswap.positions, &described).await.unwrap();
    assert!(uri.starts_with("data:application/json;base64,"), "{uri}");
}

#[tokio::test]
async fn a_third_of_a_v3_campaign_pays_its_only_staker_a_third_of_the_reward() {
    let Some(floor) = Floor::open().await else { return };
    let who = floor.desk.account(1);
    floor.fund(who, &[Asset::Usdc, Asset::Weth, Asset::Dai]).await;
    let (pool, id) = floor.mint_in(3_000, who).await;
    let uniswap = &floor.exchanges.uniswap_v3;
    let start = floor.desk.chain.head().await.unwrap().time + 100;
    let key = IncentiveKey {
        rewardToken: floor.desk.token(Asset::Dai),
        pool,
        startTime: U256::from(start),
        endTime: U256::from(start + 30 * DAY),
        refundee: who,
    };
    let reward = units(30_000, Asset::Dai);
    floor.desk.chain.execute(&[uniswap.create_incentive(who, &key, reward)]).await.unwrap();
    floor.desk.chain.mine_at(start).await.unwrap();
    floor.desk.chain.execute(&[uniswap.stake(who, id, &key)]).await.unwrap();
    let staked = floor.desk.chain.head().await.unwrap().time;
    floor.desk.chain.mine_at(staked + 10 * DAY).await.unwrap();
    let info = IUniswapV3Staker::getRewardInfoCall { key, tokenId: id };
    let earned = floor.desk.chain.call(uniswap.staker, &info).await.unwrap().reward;
    let third = units(10_000, Asset::Dai);
    // The seconds before the staking went by without anybody.
    assert!(earned <= third && earned > third - units(1, Asset::Dai), "{earned}");
}

#[tokio::test]
async fn a_v2_pair_is_staked_for_a_sixth_of_the_reward_in_a_sixth_of_the_time() {
    let Some(floor) = Floor::open().await else { return };
    let who = floor.desk.account(1);
    floor.fund(who, &[Asset::Usdc, Asset::Weth, Asset::Dai]).await;
    let (weth, usdc) = (floor.desk.token(Asset::Weth), floor.desk.token(Asset::Usdc));
    let (chain, uniswap) = (&floor.desk.chain, &floor.exchanges.uniswap_v2);
    let pair = uniswap.create_pair(chain, who, (weth, usdc)).await.unwrap();
    let both = ((weth, units(40, Asset::Weth)), (usdc, units(100_000, Asset::Usdc)));
    let minted = uniswap.add_liquidity(chain, who, both).await.unwrap();
    let bought = floor
        .gained(who, Asset::Usdc, uniswap.sell(who, (weth, usdc), units(1, Asset::Weth)))
        .await;
    // 1 of 41 less 0.3 %.
    assert!(bought > units(2_400, Asset::Usdc) && bought < units(2_440, Asset::Usdc), "{bought}");
    let reward = (pair, floor.desk.token(Asset::Dai), units(6_000, Asset::Dai));
    let rewards = deploy_staking_rewards(chain, &floor.artifacts, who, reward).await.unwrap();
    let approve = IUniswapV2Pair::approveCall { spender: rewards, amount: U256::MAX };
    floor.desk.does(who, pair, &approve).await;
    floor.desk.does(who, rewards, &IStakingRewards::stakeCall { amount: minted }).await;
    let staked = chain.head().await.unwrap().time;
    chain.mine_at(staked + 10 * DAY).await.unwrap();
    let earned = IStakingRewards::earnedCall { account: who };
    let earned = chain.call(rewards, &earned).await.unwrap();
    let sixth = units(1_000, Asset::Dai);
    assert!(earned <= sixth && earned > sixth - units(1, Asset::Dai), "{earned}");
}

#[tokio::test]
async fn a_stable_pool_swaps_near_one_for_one_and_its_token_is_worth_one() {
    let Some(floor) = Floor::open().await else { return };
    let who = floor.desk.account(1);
    floor.fund(who, &[Asset::Usdc, Asset::Dai]).await;
    let (chain, balancer) = (&floor.desk.chain, &floor.exchanges.balancer);
    let stable = |asset: Asset| StableToken {
        token: floor.desk.token(asset),
        rate_provider: Address::ZERO,
        cache_seconds: 0,
        is_exempt: false,
    };
    let fee = U256::from(400_000_000_000_000_u64);
    let both = [stable(Asset::Usdc), stable(Asset::Dai)];
    let pool = balancer.create_stable_pool(chain, who, &both, (200, fee)).await.unwrap();
    let first: Vec<U256> = pool
        .tokens
        .iter()
        .filter(|token| **token != pool.address)
        .map(|token| {
            let asset =
                if *token == floor.desk.token(Asset::Usdc) { Asset::Usdc } else { Asset::Dai };
            units(1_000_000, asset)
        })
        .collect();
    chain.execute(&[balancer.initialize(who, &pool, &first)]).await.unwrap();
    let (usdc, dai) = (floor.desk.token(Asset::Usdc), floor.desk.token(Asset::Dai));
    let sold = (true, units(10_000, Asset::Usdc));
    let got = floor.gained(who, Asset::Dai, balancer.swap(who, &pool, (usdc, dai), sold)).await;
    assert!(got > units(9_990, Asset::Dai) && got < units(9_997, Asset::Dai), "{got}");
    let rate = chain.call(pool.address, &IStablePool::getRateCall {}).await.unwrap();
    assert!(
        rate > units(1, Asset::Dai) && rate < units(1, Asset::Dai) + U256::from(10_u64.pow(13))
    );
    let all = (U256::from(2), U256::from(1_000)).abi_encode_params();
    chain.execute(&[balancer.exit(who, &pool, all.into())]).await.unwrap();
    let held = IToken::balanceOfCall { account: who };
    assert!(chain.call(pool.address, &held).await.unwrap() > U256::ZERO);
}
