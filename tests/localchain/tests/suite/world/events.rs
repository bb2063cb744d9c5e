//! Each event does what it says, and nothing goes wrong unasked.

use super::Scene;
use crate::support::HOUR;
use plimsoll_localchain::abi::{IPriceFeed, IStakingRewards};
use plimsoll_localchain::{Event, PoolName, SceneSettings};

#[tokio::test]
async fn an_ended_campaign_pays_no_more_and_stakers_leave() {
    let Some(mut scene) = Scene::open(1, 6 * HOUR).await else { return };
    scene.steps(4).await;
    let before = scene.look().await;
    let time = scene.chain.head().await.unwrap().time;
    assert!(before.campaign_end > time && before.staked_part > 0.1, "{before:?}");
    scene.driver.happen(Event::CampaignEnd).unwrap();
    let head = scene.step().await.head;
    assert_eq!(scene.look().await.campaign_end, head.time);
    let staking = scene.world.pools.staking;
    let call = IStakingRewards::rewardPerTokenCall {};
    let paid = scene.chain.call(staking, &call).await.unwrap();
    scene.steps(4 * 20).await;
    assert_eq!(scene.chain.call(staking, &call).await.unwrap(), paid);
    let after = scene.look().await;
    assert!(after.staked_part < before.staked_part / 4.0, "{after:?}");
    assert_eq!(after.campaign_end, head.time, "another campaign began");
}

#[tokio::test]
async fn slashing_takes_its_part_of_the_rate() {
    let Some(mut scene) = Scene::hours(2).await else { return };
    scene.step().await;
    let before = scene.look().await.staked_rate;
    scene.driver.happen(Event::Slashing(0.05)).unwrap();
    scene.step().await;
    let fallen = scene.look().await.staked_rate / before;
    assert!((fallen - 0.95).abs() < 1e-4, "{fallen}");
    scene.step().await;
    assert!((scene.look().await.staked_rate / before - 0.95).abs() < 1e-3, "slashed twice");
}

#[tokio::test]
async fn a_depeg_to_93_hundredths_is_in_the_feed_and_in_the_pool_until_it_ends() {
    let Some(mut scene) = Scene::hours(3).await else { return };
    let feed = scene.world.staked.feed;
    let said = async |scene: &Scene| {
        let answer = scene.chain.call(feed, &IPriceFeed::latestAnswerCall {}).await.unwrap();
        f64::from(answer.into_raw()) / 1e18
    };
    scene.step().await;
    assert!((said(&scene).await - 1.0).abs() < 0.005);
    scene.driver.happen(Event::Depeg(0.93)).unwrap();
    scene.steps(3).await;
    let pool = |state: &plimsoll_localchain::WorldState| state.ether.price() / state.staked_rate;
    assert!((said(&scene).await - 0.93).abs() < 0.005);
    assert!((pool(&scene.look().await) - 0.93).abs() < 0.006, "{:?}", scene.look().await);
    scene.driver.happen(Event::Depeg(1.0)).unwrap();
    scene.steps(3).await;
    assert!((said(&scene).await - 1.0).abs() < 0.005);
    assert!((pool(&scene.look().await) - 1.0).abs() < 0.006);
}

#[tokio::test]
async fn a_queue_of_ten_days_finalizes_nothing_earlier() {
    let settings = SceneSettings { withdrawals: (1.0, 20.0), ..SceneSettings::default() };
    let Some(mut scene) = Scene::with(4, 6 * HOUR, settings).await else { return };
    scene.driver.happen(Event::Queue { days: 10 }).unwrap();
    scene.steps(4 * 10 - 1).await;
    let waiting = scene.look().await;
    assert_eq!(waiting.requests.1, 0, "{waiting:?}");
    assert!(waiting.requests.0 > 30 && waiting.waiting > 100.0, "{waiting:?}");
    scene.steps(6).await;
    let later = scene.look().await;
    assert!(later.requests.1 > 0 && later.requests.1 < later.requests.0, "{later:?}");
    scene.driver.happen(Event::Queue { days: 0 }).unwrap();
    scene.steps(2).await;
    let done = scene.look().await;
    assert!(done.requests.0 - done.requests.1 <= 1, "{done:?}");
}

#[tokio::test]
async fn a_worthless_reward_is_zero_in_its_feed_and_next_to_nothing_in_its_pair() {
    let Some(mut scene) = Scene::hours(5).await else { return };
    scene.step().await;
    assert!(scene.look().await.reward_price() > 3.0);
    scene.driver.happen(Event::WorthlessReward).unwrap();
    scene.steps(2).await;
    let feed = scene.world.reward.feed;
    let said = scene.chain.call(feed, &IPriceFeed::latestAnswerCall {}).await.unwrap();
    assert!(said.is_zero(), "{said}");
    assert!(scene.look().await.reward_price() < 2e-6);
}

#[tokio::test]
async fn a_trade_drains_each_pool_and_the_next_block_fills_it_again() {
    let Some(mut scene) = Scene::hours(6).await else { return };
    let pools = [PoolName::Range, PoolName::Pair, PoolName::Reward, PoolName::Usd, PoolName::Ether];
    for (place, pool) in pools.into_iter().enumerate() {
        scene.step().await;
        let before = scene.look().await;
        scene.driver.happen(Event::Drain(pool)).unwrap();
        scene.step().await;
        let (drained, beyond) = (scene.look().await, scene.beyond_fees().await);
        assert!(beyond[place] > 0.3, "{pool:?}: {beyond:?}");
        let left = match pool {
            PoolName::Range => drained.range_price / before.range_price,
            PoolName::Pair => drained.pair.1 / before.pair.1,
            PoolName::Reward => drained.reward_pair.1 / before.reward_pair.1,
            PoolName::Usd => drained.usd.balances.1 / before.usd.balances.1,
            PoolName::Ether => drained.ether.balances.1 / before.ether.balances.1,
        };
        assert!(left < 0.05, "{pool:?}: {left} is left");
        for (other, beyond) in beyond.iter().enumerate() {
            assert!(other == place || *beyond < 1e-4, "{pool:?} moved another: {beyond}");
        }
        scene.step().await;
        let beyond = scene.beyond_fees().await;
        assert!(beyond.iter().all(|beyond| *beyond < 1e-4), "{pool:?}: {beyond:?}");
    }
}

#[tokio::test]
async fn a_swing_takes_ether_through_a_range_and_back() {
    let Some(mut scene) = Scene::hours(7).await else { return };
    scene.step().await;
    let start = scene.look().await;
    scene.driver.happen(Event::Swing { factor: 1.3, blocks: 2 }).unwrap();
    let mut prices = Vec::new();
    for _ in 0..4 {
        scene.step().await;
        prices.push(scene.look().await.range_price / start.range_price);
    }
    let near = |price: f64, expected: f64| (price / expected - 1.0).abs() < 0.08;
    let expected = [1.3, 1.3, 1.0, 1.0];
    assert!(prices.iter().zip(expected).all(|(price, wanted)| near(*price, wanted)), "{prices:?}");
    // The narrow range of a tenth to either side was left and entered again.
    let liquidity = scene.look().await.range_liquidity;
    assert_eq!(liquidity, start.range_liquidity);
    assert!(liquidity > 0);
}
