//! The driver: the same for the same seed, alive, and able to break a market.

use crate::support::{HOUR, artifacts, units};
use plimsoll_localchain::abi::{IAavePool, IToken};
use plimsoll_localchain::{
    Asset, Call, ChainSettings, Driver, Head, LocalChain, Market, MarketSettings, Run, StepReport,
    deploy,
};

struct World {
    chain: LocalChain,
    driver: Driver,
}

impl World {
    async fn open(seed: u64, block_seconds: u64) -> Option<World> {
        let artifacts = artifacts()?;
        let settings = ChainSettings { block_seconds, ..ChainSettings::default() };
        let mut chain = LocalChain::start(&artifacts, settings).await.unwrap();
        let deployed = deploy(&chain, &artifacts).await.unwrap();
        let settings = MarketSettings { seed, ..MarketSettings::default() };
        let driver = Driver::start(&mut chain, deployed, settings).await.unwrap();
        Some(World { chain, driver })
    }

    async fn step(&mut self) -> StepReport {
        let report = self.driver.step(&self.chain).await.unwrap();
        assert_eq!(report.reverted, 0, "{report:?}");
        report
    }

    async fn heads(&mut self, blocks: usize) -> Vec<Head> {
        let mut heads = Vec::new();
        for _ in 0..blocks {
            heads.push(self.step().await.head);
        }
        heads
    }

    async fn utilization(&self, market: Market) -> f64 {
        self.driver.observe(&self.chain).await.unwrap()[&market].utilization()
    }
}

#[tokio::test]
async fn the_same_seed_makes_the_same_blocks() {
    let Some(mut first) = World::open(7, HOUR).await else { return };
    let mut second = World::open(7, HOUR).await.unwrap();
    let heads = first.heads(48).await;
    assert_eq!(heads, second.heads(48).await);
    let mut other = World::open(8, HOUR).await.unwrap();
    assert_ne!(heads.last(), other.heads(48).await.last());
}

#[tokio::test]
async fn a_snapshot_and_a_clone_of_the_driver_replay_the_same_hours() {
    let Some(mut world) = World::open(4, HOUR).await else { return };
    let (snapshot, driver) = (world.chain.snapshot().await.unwrap(), world.driver.clone());
    let heads = world.heads(12).await;
    world.chain.revert(snapshot).await.unwrap();
    world.driver = driver;
    assert_eq!(heads, world.heads(12).await);
}

#[tokio::test]
async fn a_large_deposit_of_ours_lowers_the_rate_until_people_answer() {
    let Some(mut world) = World::open(9, HOUR).await else { return };
    let market = Market::Aave(Asset::Usdc);
    let (us, pool) = (world.chain.accounts()[1], world.driver.deployment().aave.pool);
    let asset = world.driver.deployment().token(Asset::Usdc).unwrap().token;
    let amount = units(25_000_000, Asset::Usdc);
    let before = world.driver.observe(&world.chain).await.unwrap()[&market];
    let calls = [
        Call::new(us, asset, &IToken::mintCall { to: us, amount }),
        Call::new(us, asset, &IToken::approveCall { spender: pool, amount }),
        Call::new(
            us,
            pool,
            &IAavePool::supplyCall { asset, amount, onBehalfOf: us, referralCode: 0 },
        ),
    ];
    world.chain.execute(&calls).await.unwrap();
    let diluted = world.driver.observe(&world.chain).await.unwrap()[&market];
    assert!(diluted.supply_apr < before.supply_apr * 0.6, "{before:?} {diluted:?}");
    world.heads(24 * 5).await;
    let later = world.driver.observe(&world.chain).await.unwrap()[&market];
    assert!(later.supply_apr > diluted.supply_apr * 1.1, "{diluted:?} {later:?}");
    assert!(later.supplied < diluted.supplied, "nobody left: {later:?}");
}

#[tokio::test]
async fn a_step_makes_exactly_one_block_of_the_right_length() {
    let Some(mut world) = World::open(3, 12).await else { return };
    let mut last = world.chain.head().await.unwrap();
    for head in world.heads(50).await {
        assert_eq!((head.number, head.time), (last.number + 1, last.time + 12));
        last = head;
    }
}

#[tokio::test]
async fn two_weeks_move_rates_in_every_market_without_a_failed_transaction() {
    let Some(mut world) = World::open(1, HOUR).await else { return };
    let mut ranges = std::collections::BTreeMap::new();
    for _ in 0..14 {
        for _ in 0..24 {
            world.step().await;
        }
        for (market, state) in world.driver.observe(&world.chain).await.unwrap() {
            let range = ranges.entry(market).or_insert((f64::MAX, 0.0f64));
            *range = (range.0.min(state.utilization()), range.1.max(state.utilization()));
            assert!(state.borrow_apr > state.supply_apr, "{market} {state:?}");
            assert!(state.utilization() <= 1.0, "{market} {state:?}");
        }
    }
    for (market, (low, high)) in ranges {
        assert!(high - low > 0.02, "{market} stands still: {low} to {high}");
        assert!(low > 0.3, "{market} is deserted: {low}");
    }
}

#[tokio::test]
async fn a_crash_is_followed_by_liquidations_and_the_market_lives_on() {
    let Some(mut world) = World::open(5, HOUR).await else { return };
    world.heads(24).await;
    world.driver.shock(Asset::Weth, 0.85);
    world.driver.shock(Asset::Wbtc, 0.85);
    assert!(world.step().await.liquidations > 3, "15 % less, and hardly a liquidation");
    world.heads(24).await;
}

#[tokio::test]
async fn a_sudden_run_takes_utilization_to_100_percent_at_once() {
    let Some(mut world) = World::open(2, 12).await else { return };
    for market in Market::ALL {
        world.driver.bank_run(market, Run::Sudden).unwrap();
        world.step().await;
        let state = world.driver.observe(&world.chain).await.unwrap()[&market];
        assert!(state.available.is_zero(), "{market} can still pay {}", state.available);
        assert!((state.utilization() - 1.0).abs() < 1e-9, "{market}");
        world.heads(5).await;
        assert!((world.utilization(market).await - 1.0).abs() < 1e-9, "{market} recovered");
    }
}

#[tokio::test]
async fn there_is_no_run_on_a_market_without_people() {
    let Some(mut world) = World::open(2, 12).await else { return };
    let refused = world.driver.bank_run(Market::Aave(Asset::Wbtc), Run::Sudden);
    assert_eq!(refused.unwrap_err().to_string(), "there is no market aave WBTC");
}

#[tokio::test]
async fn an_announced_run_rises_first_and_ends_when_people_are_calm() {
    let Some(mut world) = World::open(2, HOUR).await else { return };
    let market = Market::Aave(Asset::Dai);
    world.driver.bank_run(market, Run::Announced { blocks: 6 }).unwrap();
    let mut last = world.utilization(market).await;
    for _ in 0..6 {
        world.step().await;
        let now = world.utilization(market).await;
        assert!(now > last && now < 1.0, "{last} to {now}");
        last = now;
    }
    world.step().await;
    assert!((world.utilization(market).await - 1.0).abs() < 1e-9);
    world.driver.calm(market).unwrap();
    world.heads(72).await;
    assert!(world.utilization(market).await < 0.97, "rates of a run draw suppliers back");
}
