//! What the driver does in pools, campaigns and staked ether when nothing is asked of it.

use super::Scene;
use crate::support::HOUR;
use alloy::primitives::U256;
use plimsoll_localchain::abi::{IStakingRewards, IUniswapV3Pool};
use plimsoll_localchain::{Asset, Market, PricePath};

/// Beyond the fee: its second order.
const SLACK: f64 = 2e-5;
/// For staked ether also a day's rewards, which are told after the trades of their block.
const REPORT: f64 = 8e-5;

#[tokio::test]
async fn arbitrage_keeps_every_pool_within_its_fee_of_the_reference() {
    let Some(mut scene) = Scene::hours(3).await else { return };
    let mut before = scene.look().await;
    for _ in 0..72 {
        scene.step().await;
        let beyond = scene.beyond_fees().await;
        let most = [SLACK, SLACK, SLACK, SLACK, SLACK + REPORT];
        assert!(beyond.iter().zip(most).all(|(beyond, most)| *beyond < most), "{beyond:?}");
        let now = scene.look().await;
        assert!(now.pair != before.pair, "nobody traded");
        before = now;
    }
}

#[tokio::test]
async fn the_same_seed_makes_the_same_world_block_for_block() {
    let Some(mut first) = Scene::hours(7).await else { return };
    let mut second = Scene::hours(7).await.unwrap();
    let heads = first.steps(30).await;
    assert_eq!(heads, second.steps(30).await);
    let mut other = Scene::hours(8).await.unwrap();
    assert_ne!(heads.last(), other.steps(30).await.last());
}

#[tokio::test]
async fn a_loaded_copy_lives_on_like_the_original() {
    let Some(mut scene) = Scene::hours(4).await else { return };
    scene.steps(5).await;
    let artifacts = crate::support::artifacts().unwrap();
    let copy = plimsoll_localchain::LocalChain::start(&artifacts, scene.chain.settings());
    let copy = copy.await.unwrap();
    copy.load(&scene.chain.dump().await.unwrap()).await.unwrap();
    let (driver, world) = (scene.driver.clone(), scene.world.clone());
    let mut copied = Scene { chain: copy, driver, world };
    scene.steps(12).await;
    copied.steps(12).await;
    assert_eq!(scene.look().await, copied.look().await);
}

#[tokio::test]
async fn fees_accrue_rates_grow_and_lending_moves() {
    let Some(mut scene) = Scene::hours(5).await else { return };
    let pool = scene.world.pools.range.address;
    let growth = async |scene: &Scene| {
        let zero = scene.chain.call(pool, &IUniswapV3Pool::feeGrowthGlobal0X128Call {}).await;
        let one = scene.chain.call(pool, &IUniswapV3Pool::feeGrowthGlobal1X128Call {}).await;
        [zero.unwrap(), one.unwrap()]
    };
    let (fees, before) = (growth(&scene).await, scene.look().await);
    let lending = scene.driver.observe(&scene.chain).await.unwrap();
    scene.steps(24 * 5).await;
    let (fees_after, after) = (growth(&scene).await, scene.look().await);
    assert!(fees_after.iter().zip(fees).all(|(after, before)| *after > before), "{fees_after:?}");
    let root = |pair: (f64, f64)| (pair.0 * pair.1).sqrt();
    let pair_fees = root(after.pair) / root(before.pair) - 1.0;
    assert!(pair_fees > 1e-4, "the pair earned {pair_fees}");
    // Five reports at 3.2 % a year, a tenth of it to the treasury.
    let earned = after.staked_rate / before.staked_rate - 1.0;
    let expected = 0.032 * 0.9 * 5.0 / 365.0;
    assert!((earned / expected - 1.0).abs() < 0.25, "{earned} {expected}");
    assert!(after.requests.1 > before.requests.1, "nothing was finalized: {after:?}");
    assert!(after.requests.0 > after.requests.1, "nothing waits: {after:?}");
    let came = (after.staked_part - before.staked_part).abs();
    assert!(came > 1e-3, "no staker came or went");
    let now = scene.driver.observe(&scene.chain).await.unwrap();
    let market = Market::Aave(Asset::Usdc);
    let moved = (now[&market].utilization() - lending[&market].utilization()).abs();
    assert!(moved > 1e-4, "{moved}");
}

#[tokio::test]
async fn a_campaign_ends_by_itself_and_another_follows() {
    let Some(mut scene) = Scene::open(6, 6 * HOUR).await else { return };
    let staking = scene.world.pools.staking;
    let end = scene.look().await.campaign_end;
    let per_share = async |scene: &Scene| -> U256 {
        scene.chain.call(staking, &IStakingRewards::rewardPerTokenCall {}).await.unwrap()
    };
    let mut at_end = None;
    for _ in 0..4 * 24 {
        let head = scene.step().await.head;
        if head.time >= end && head.time < end + 2 * 86_400 {
            let now = per_share(&scene).await;
            assert_eq!(*at_end.get_or_insert(now), now, "paid after the end");
        }
    }
    let later = scene.look().await;
    assert!(later.campaign_end > end, "{later:?}");
    assert!(at_end.is_some_and(|then| then > U256::ZERO));
    assert!(per_share(&scene).await > at_end.unwrap());
}

#[tokio::test]
async fn ether_follows_a_recorded_path() {
    let Some(mut scene) = Scene::hours(9).await else { return };
    let start = scene.chain.head().await.unwrap().time;
    let path = PricePath::new(vec![(0, 2_000.0), (2 * HOUR, 2_200.0), (4 * HOUR, 1_800.0)]);
    scene.driver.follow(Asset::Weth, path.unwrap(), start);
    let mut seen = Vec::new();
    for _ in 0..5 {
        scene.step().await;
        let usdc = scene.driver.references().unwrap();
        let price = scene.look().await.range_price;
        assert!((price / usdc.ether - 1.0).abs() < 0.0006);
        seen.push(price);
    }
    let expected = [2_500.0, 2_750.0, 2_750.0, 2_250.0, 2_250.0];
    for (price, expected) in seen.iter().zip(expected) {
        assert!((price / expected - 1.0).abs() < 0.01, "{seen:?}");
    }
}
