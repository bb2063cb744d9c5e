//! The pools of two vaults with people in them: hours of trades, stakers, prices and rates, and what vaults do in between.

use crate::pairs_stage::{IPooledMarket, IPriced};
use crate::stage::{ACT_GAS, artifacts, nodes};
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;
use plimsoll_adapters::live::{
    BalancerStable, BalancerStableSettings, StableMarket, UniswapV2, UniswapV2Settings, V2Market,
};
use plimsoll_core::MarketKind;
use plimsoll_core::units::{Amount, Shares};
use plimsoll_execute::At;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::live::Words;
use plimsoll_execute::protocol::{Held, Protocol, Reading};
use plimsoll_localchain::abi::{IStakingRewards, IToken};
use plimsoll_localchain::{
    CHAIN_ID, Call, ChainSettings, Driver, LocalChain, MarketSettings, SceneSettings, VaultMarket,
    VaultRoles, World, WorldSettings, deploy, deploy_world,
};

const HOUR: u64 = 3_600;
/// Days that the campaign still has.
const CAMPAIGN_DAYS: u64 = 2;

alloy::sol! {
    interface IOracles {
        function oracle() external view returns (address);
        function rewardOracle() external view returns (address);
    }
}

struct Scene {
    chain: LocalChain,
    driver: Driver,
    world: World,
    nodes: Nodes,
    protocols: Vec<Box<dyn Protocol>>,
}

impl Scene {
    async fn open() -> Option<Scene> {
        let artifacts = artifacts()?;
        let settings = ChainSettings { block_seconds: HOUR, ..ChainSettings::default() };
        let mut chain = LocalChain::start(&artifacts, settings).await.unwrap();
        let deployed = deploy(&chain, &artifacts).await.unwrap();
        let own = chain.accounts();
        let roles =
            VaultRoles { allocator: own[1], owner: own[2], curator: own[3], guardian: own[4] };
        let begun = (roles.into(), WorldSettings { campaign_days: CAMPAIGN_DAYS });
        let world = deploy_world(&mut chain, &artifacts, &deployed, begun).await.unwrap();
        let lending = MarketSettings { seed: 3, ..MarketSettings::default() };
        let mut driver = Driver::start(&mut chain, deployed, lending).await.unwrap();
        let living = SceneSettings { gap_days: None, ..SceneSettings::default() };
        driver.enter(&chain, world.clone(), living).await.unwrap();
        let nodes = nodes(&chain.http_url(), CHAIN_ID);
        let protocols = protocols(&chain, &world).await;
        Some(Scene { chain, driver, world, nodes, protocols })
    }

    async fn read(&self) -> Vec<Reading> {
        let head = self.nodes.head().await.unwrap();
        let at = At { block: head.block, timestamp: head.timestamp };
        let mut readings = Vec::new();
        for protocol in &self.protocols {
            let read = protocol.read(&self.nodes, &at).await.unwrap();
            assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
            readings.extend(read.readings);
        }
        for (reading, (contract, _)) in readings.iter().zip(self.places()) {
            assert_eq!(reading.held, self.held(contract).await, "{}", reading.market);
        }
        readings
    }

    /// The market contracts in the order of the readings, each with its vault.
    fn places(&self) -> [(Address, Address); 3] {
        let (usdc, weth) = (&self.world.usdc_vault, &self.world.weth_vault);
        let stable = VaultMarket::BalancerStable;
        [(usdc, VaultMarket::UniswapV2), (usdc, stable), (weth, stable)]
            .map(|(vault, market)| (vault.contract(market).unwrap(), vault.address))
    }

    async fn held(&self, contract: Address) -> Held {
        let value = self.chain.call(contract, &IPooledMarket::valueCall {}).await.unwrap();
        let shares = self.chain.call(contract, &IPooledMarket::sharesCall {}).await.unwrap();
        let free = self.chain.call(contract, &IPooledMarket::liquidityCall {}).await.unwrap();
        Held { shares: Shares(shares), worth: Amount(value.low), available: Amount(free) }
    }

    /// What an amount of the reward is worth.
    async fn reward(&self, amount: U256) -> IPriced::quoteReturn {
        let (contract, _) = self.places()[0];
        let oracle = self.chain.call(contract, &IOracles::rewardOracleCall {}).await.unwrap();
        self.chain.call(oracle, &IPriced::quoteCall { amount }).await.unwrap()
    }

    /// A vault enters or leaves in a block at `time`, and what was predicted has to happen.
    async fn acts(&self, place: usize, (is_entry, amount): (bool, U256)) {
        let reading = self.read().await.remove(place);
        let (contract, vault) = self.places()[place];
        let time = reading.at.timestamp + 12;
        let foreseen = reading.model.after(is_entry, Amount(amount), time).unwrap();
        let data = Bytes::new();
        if is_entry {
            let mint = IToken::mintCall { to: contract, amount };
            self.send(vault, reading.asset, &mint).await;
            self.send(vault, contract, &IPooledMarket::depositCall { assets: amount, data }).await;
        } else {
            self.send(vault, contract, &IPooledMarket::withdrawCall { assets: amount }).await;
        }
        self.chain.mine_at(time).await.unwrap();
        assert_eq!(foreseen.held, self.held(contract).await, "{}", reading.market);
        let now = self.read().await.remove(place);
        assert_eq!(foreseen.share_price, now.share_price, "{}", reading.market);
        assert_eq!(foreseen.supplied, now.supplied, "{}", reading.market);
    }

    async fn send(&self, who: Address, to: Address, call: &impl SolCall) {
        let call = Call::new(who, to, call).with_gas(ACT_GAS);
        self.chain.send(&call).await.unwrap();
    }
}

/// The adapters as a vault's settings would make them.
async fn protocols(chain: &LocalChain, world: &World) -> Vec<Box<dyn Protocol>> {
    let (usdc, weth) = (&world.usdc_vault, &world.weth_vault);
    let contract = usdc.contract(VaultMarket::UniswapV2).unwrap();
    let oracle = chain.call(contract, &IOracles::oracleCall {}).await.unwrap();
    let mut pair = V2Market::new(world.pools.pair.address, usdc.asset, oracle);
    pair.contract = Some(contract);
    pair.staking = Some(world.pools.staking);
    pair.reward_oracle = Some(chain.call(contract, &IOracles::rewardOracleCall {}).await.unwrap());
    let stable = VaultMarket::BalancerStable;
    let pools = [(usdc, &world.pools.usd), (weth, &world.pools.ether)];
    let stables = pools
        .map(|(vault, pool)| StableMarket::new(pool.address, vault.asset, vault.contract(stable)));
    let pairs = UniswapV2Settings { chain: CHAIN_ID, markets: vec![pair] };
    let stables = BalancerStableSettings { chain: CHAIN_ID, markets: stables.into() };
    vec![Box::new(UniswapV2::new(pairs)), Box::new(BalancerStable::new(stables))]
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_of_two_vaults_are_read_and_foreseen_while_people_live_in_them() {
    let Some(mut scene) = Scene::open().await else { return };
    for (_, vault) in scene.places() {
        scene.chain.set_balance(vault, U256::from(10).pow(U256::from(21))).await.unwrap();
    }
    for protocol in &scene.protocols {
        let head = scene.nodes.head().await.unwrap();
        let at = At { block: head.block, timestamp: head.timestamp };
        protocol.check(&scene.nodes, &at).await.unwrap();
    }
    // Feeds post with the first block in which people act.
    scene.driver.step(&scene.chain).await.unwrap();
    let first = scene.read().await;
    let amounts = first.iter().map(|reading| reading.supplied.0 / U256::from(1_000));
    let amounts: Vec<U256> = amounts.collect();
    for (place, amount) in amounts.iter().enumerate() {
        scene.acts(place, (true, *amount)).await;
    }
    let mut were_paid = 0;
    for hour in 1..60u64 {
        scene.driver.step(&scene.chain).await.unwrap();
        let readings = scene.read().await;
        let is_paid = readings[0].reward_apr(Some(1.0)).is_some();
        let runs = readings[0].terms.kind == MarketKind::Mining;
        assert_eq!(is_paid, runs && scene.reward(U256::from(1)).await.isFresh);
        were_paid += usize::from(is_paid);
        if hour % 6 == 0 {
            let place = usize::try_from(hour / 6 % 3).unwrap();
            let amount = amounts[place] / U256::from(10);
            scene.acts(place, (hour % 12 == 0, amount)).await;
        }
    }
    let last = scene.read().await;
    assert!((40..55).contains(&were_paid), "two days of sixty hours: {were_paid}");
    for (now, then) in last.iter().zip(&first) {
        let worth = now.held.worth.to_f64(now.decimals);
        assert!(worth > 0.0 && now.share_price != then.share_price, "{}", now.market);
    }
    assert!(last[1].share_price > first[1].share_price, "fees");
    assert!(last[2].share_price > first[2].share_price, "fees and what validators earned");
    // What was earned is due, as the staking contract and the oracle say.
    let (contract, vault) = scene.places()[0];
    let earned = IStakingRewards::earnedCall { account: contract };
    let earned = scene.chain.call(scene.world.pools.staking, &earned).await.unwrap();
    let worth = scene.reward(earned).await;
    assert!(worth.isFresh && !worth.low.is_zero());
    assert_eq!(last[0].beyond.facts.rewards_due, Amount(worth.low));
    assert_eq!(last[0].beyond.words, Words::Harvests);
    scene.send(vault, contract, &IPooledMarket::harvestCall { data: Bytes::new() }).await;
    scene.chain.mine().await.unwrap();
    assert!(scene.read().await[0].beyond.facts.rewards_due.is_zero());
}
