//! Staked ETH in a living world: the token is sold in a Balancer pool, people stake, ask and trade, validators are slashed, the price
//! falls, the queue stands still. Every block is read, and compared with the market contract by the adapter itself.

use crate::stage::{ACT_GAS, artifacts, nodes};
use crate::staked_stage::{IStakedMarket, ether};
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolValue;
use plimsoll_adapters::live::{StakedEth, StakedEthSettings, StakedMarket};
use plimsoll_core::units::Amount;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::{Cause, Protocol};
use plimsoll_execute::{At, Reading};
use plimsoll_localchain::abi::IToken;
use plimsoll_localchain::{
    Asset, CHAIN_ID, Call, ChainSettings, Driver, Event, LocalChain, MarketSettings, Origin,
    PoolName, SceneSettings, VaultMarket, VaultRoles, WorldSettings, deploy, deploy_world,
};
use std::collections::BTreeMap;

alloy::sol! {
    interface INamed {
        function oracle() external view returns (address);
        function swap() external view returns (address);
    }
}

/// Seconds that a block stands for: feeds are posted often enough for hours.
const BLOCK: u64 = 3_600;

struct Living {
    chain: LocalChain,
    driver: Driver,
    nodes: Nodes,
    adapter: StakedEth,
    owner: Address,
    contract: Address,
}

impl Living {
    async fn open() -> Option<Living> {
        let artifacts = artifacts()?;
        let settings = ChainSettings { block_seconds: BLOCK, ..ChainSettings::default() };
        let mut chain = LocalChain::start(&artifacts, settings).await.unwrap();
        let deployed = deploy(&chain, &artifacts).await.unwrap();
        let account = |number: usize| chain.accounts()[number];
        let roles = VaultRoles {
            allocator: account(1),
            owner: account(2),
            curator: account(3),
            guardian: account(4),
        };
        let (owner, settings) = (account(8), WorldSettings::default());
        let world = deploy_world(&mut chain, &artifacts, &deployed, (roles.into(), settings))
            .await
            .unwrap();
        let mut markets = world.weth_vault.markets.iter();
        let staked = markets.find(|(market, _)| *market == VaultMarket::StakedEth);
        let of_vault = staked.unwrap().1;
        let oracle = chain.call(of_vault, &INamed::oracleCall {}).await.unwrap();
        let swap: Address = chain.call(of_vault, &INamed::swapCall {}).await.unwrap();
        // The same market contract as the vault's, that obeys an account.
        let asset = deployed.token(Asset::Weth).unwrap().token;
        let lido = world.staked;
        let bounds = (U256::from(50), U256::from(1_000));
        let settings = (lido.wst_eth, lido.queue, oracle, swap, bounds.0, bounds.1);
        let artifact = artifacts.read(Origin::Plimsoll, "StakedEthMarket").unwrap();
        let arguments = (owner, asset, settings).abi_encode_params();
        let code = artifact.creation(&BTreeMap::new(), &arguments).unwrap();
        let contract = chain.create(deployed.admin, code).await.unwrap();
        let market = StakedMarket {
            wst_eth: lido.wst_eth,
            queue: lido.queue,
            asset,
            oracle,
            contract: Some(contract),
            expected_days: 2,
            bunker_days: 37,
        };
        let settings = StakedEthSettings { chain: CHAIN_ID, markets: vec![market] };
        let nodes = nodes(&chain.http_url(), CHAIN_ID);
        let lending = MarketSettings { seed: 3, ..MarketSettings::default() };
        let mut driver = Driver::start(&mut chain, deployed, lending).await.unwrap();
        driver.enter(&chain, world, SceneSettings::default()).await.unwrap();
        let adapter = StakedEth::new(settings);
        let mut living = Living { chain, driver, nodes, adapter, owner, contract };
        // Feeds are posted by those who act.
        living.driver.step(&living.chain).await.unwrap();
        let mint = IToken::mintCall { to: contract, amount: ether(900) };
        living.chain.execute(&[Call::new(owner, asset, &mint)]).await.unwrap();
        let data = Bytes::new();
        living.told(&IStakedMarket::depositCall { assets: ether(900), data }).await;
        Some(living)
    }

    async fn told(&self, call: &impl alloy::sol_types::SolCall) {
        let call = Call::new(self.owner, self.contract, call).with_gas(ACT_GAS);
        self.chain.execute(&[call]).await.unwrap();
    }

    async fn read(&self) -> Reading {
        let head = self.nodes.head().await.unwrap();
        let at = At { block: head.block, timestamp: head.timestamp };
        let mut read = self.adapter.read(&self.nodes, &at).await.unwrap();
        assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
        read.readings.remove(0)
    }

    /// People act for so many blocks, each of which is read; the last reading.
    async fn lives(&mut self, blocks: usize) -> Reading {
        for _ in 1..blocks {
            self.driver.step(&self.chain).await.unwrap();
            self.read().await;
        }
        self.driver.step(&self.chain).await.unwrap();
        self.read().await
    }

    async fn happens(&mut self, event: Event, blocks: usize) -> Reading {
        self.driver.happen(event).unwrap();
        self.lives(blocks).await
    }
}

fn whole(whole: u64) -> Amount {
    Amount(ether(whole))
}

/// By how much it is sold below what it is redeemed for.
fn discount(reading: &Reading) -> f64 {
    1.0 - reading.beyond.pair.unwrap().price / reading.share_price.to_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_of_staked_ether_is_read_through_all_that_happens_to_it() {
    let Some(mut living) = Living::open().await else { return };
    let calm = living.lives(6).await;
    assert!(discount(&calm).abs() < 0.006, "{}", discount(&calm));
    assert!(calm.held.available > whole(800), "{:?}", calm.held);
    let index = calm.share_price;
    let grown = living.lives(25).await;
    assert!(grown.share_price > index, "validators earn daily");

    let before = grown.at.block;
    let fallen = living.happens(Event::Slashing(0.03), 1).await;
    let lost = fallen.share_price.to_f64() / grown.share_price.to_f64();
    assert!((lost - 0.97).abs() < 1e-3, "{lost}");
    let fall = [(fallen.market.clone(), grown.share_price, fallen.share_price)];
    let cause = living.adapter.attribute(&living.nodes, (before, fallen.at.block), &fall).await;
    let Cause::Slashed { amount } = cause.unwrap()[0].cause else { panic!("no slashing") };
    let part = amount.to_f64(18) / grown.supplied.to_f64(18);
    assert!((part - 0.03).abs() < 0.002, "{part}");

    let depegged = living.happens(Event::Depeg(0.93), 3).await;
    assert!((discount(&depegged) - 0.07).abs() < 0.006, "{}", discount(&depegged));
    let entry = depegged.terms.moving.unwrap().entry;
    assert!(entry > 0.06, "who stakes at one loses it: {entry}");
    let back = living.happens(Event::Depeg(1.0), 3).await;
    assert!(discount(&back).abs() < 0.006, "{}", discount(&back));

    // We ask while the queue stands still, and are paid when it moves again.
    let data = (ether(100),).abi_encode_params().into();
    living.told(&IStakedMarket::harvestCall { data }).await;
    let waits = living.happens(Event::Queue { days: 6 }, 24 * 5).await;
    assert!(waits.beyond.delay_days > 4.5, "{}", waits.beyond.delay_days);
    let facts = waits.beyond.facts;
    assert!(facts.claimable.is_zero() && facts.queued > whole(100));
    let paid = living.happens(Event::Queue { days: 0 }, 26).await;
    let facts = paid.beyond.facts;
    assert!(facts.claimable == facts.queued && !facts.queued.is_zero(), "{facts:?}");
    assert!((paid.beyond.delay_days - 2.0).abs() < 1e-9, "{}", paid.beyond.delay_days);
    living.told(&IStakedMarket::harvestCall { data: Bytes::new() }).await;
    assert!(living.read().await.beyond.facts.queued.is_zero());

    let drained = living.happens(Event::Drain(PoolName::Ether), 1).await;
    assert!(drained.exit.is_zero() && drained.held.available.is_zero(), "{:?}", drained.held);
    assert!(!drained.held.worth.is_zero(), "valued by the oracle");
    let filled = living.lives(2).await;
    assert!(filled.held.available > whole(600), "{:?}", filled.held);
}
