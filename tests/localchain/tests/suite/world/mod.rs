//! The world of both vaults: what is deployed works, what lives in it lives, what goes wrong on demand goes wrong.

mod events;
mod life;
mod vaults;

use crate::support::{HOUR, artifacts};
use plimsoll_localchain::{
    ChainSettings, Deployment, Driver, Head, LocalChain, MarketSettings, SceneSettings, StepReport,
    VaultRoles, World, WorldSettings, WorldState, deploy, deploy_world,
};

/// A chain with everything on it, and nobody there yet.
struct Ground {
    chain: LocalChain,
    deployed: Deployment,
    world: World,
}

impl Ground {
    async fn open(block_seconds: u64, campaign_days: u64) -> Option<Ground> {
        let artifacts = artifacts()?;
        let settings = ChainSettings { block_seconds, ..ChainSettings::default() };
        let mut chain = LocalChain::start(&artifacts, settings).await.unwrap();
        let deployed = deploy(&chain, &artifacts).await.unwrap();
        let accounts = chain.accounts();
        let roles = VaultRoles {
            allocator: accounts[1],
            owner: accounts[2],
            curator: accounts[3],
            guardian: accounts[4],
        };
        let begun = (roles.into(), WorldSettings { campaign_days });
        let world = deploy_world(&mut chain, &artifacts, &deployed, begun).await.unwrap();
        Some(Ground { chain, deployed, world })
    }
}

/// The same with people.
struct Scene {
    chain: LocalChain,
    driver: Driver,
    world: World,
}

impl Scene {
    async fn open(seed: u64, block_seconds: u64) -> Option<Scene> {
        Scene::with(seed, block_seconds, SceneSettings::default()).await
    }

    async fn with(seed: u64, block_seconds: u64, settings: SceneSettings) -> Option<Scene> {
        let Ground { mut chain, deployed, world } = Ground::open(block_seconds, 20).await?;
        let lending = MarketSettings { seed, ..MarketSettings::default() };
        let mut driver = Driver::start(&mut chain, deployed, lending).await.unwrap();
        driver.enter(&chain, world.clone(), settings).await.unwrap();
        Some(Scene { chain, driver, world })
    }

    async fn hours(seed: u64) -> Option<Scene> {
        Scene::open(seed, HOUR).await
    }

    async fn step(&mut self) -> StepReport {
        let report = self.driver.step(&self.chain).await.unwrap();
        assert_eq!(report.reverted, 0, "{report:?}");
        report
    }

    async fn steps(&mut self, blocks: usize) -> Vec<Head> {
        let mut heads = Vec::new();
        for _ in 0..blocks {
            heads.push(self.step().await.head);
        }
        heads
    }

    async fn look(&self) -> WorldState {
        self.driver.look(&self.chain).await.unwrap()
    }

    /// How far each pool is from the reference, less its fee: the two of ether, the reward, USDT, staked ether.
    async fn beyond_fees(&self) -> [f64; 5] {
        let (now, reference) = (self.look().await, self.driver.references().unwrap());
        let off = |price: f64, reference: f64, fee: f64| (price / reference - 1.0).abs() - fee;
        let staked = reference.staked * now.staked_rate;
        [
            off(now.range_price, reference.ether, 0.0005),
            off(now.pair_price(), reference.ether, 0.003),
            off(now.reward_price(), reference.reward, 0.003),
            off(now.usd.price(), reference.usdt, 0.0001),
            off(now.ether.price(), staked, 0.0004),
        ]
    }
}
