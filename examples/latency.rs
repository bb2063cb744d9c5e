//! Times a new block to the first broadcast: an engine on a local chain that moves something in every block.
//!
//! `cargo run --release --example latency -- 1000`. The chain, its people and the engine share this machine; the time is from the
//! moment at which the engine asks for the head until the signed bytes were sent and answered.

use alloy::primitives::{Address, U256};
use async_trait::async_trait;
use plimsoll_adapters::live::{PriceFeed, PriceSettings, Prices, ProtocolSettings, from_settings};
use plimsoll_core::execution::{AdmissionPolicy, Call, Patience};
use plimsoll_core::{Amount, Bps, ChainId, MarketId, RiskPreference};
use plimsoll_execute::chain::vault::REALLOCATE;
use plimsoll_execute::chain::{Endpoint, Nodes, Sender, SenderSettings, Signer};
use plimsoll_execute::journal::{Identity, Journal};
use plimsoll_execute::live::{
    DeskSettings, Engine, EngineSettings, Parts, PriceSource, TripSettings,
};
use plimsoll_execute::protocol::At;
use plimsoll_frame::{Reason, Situation, Strategy, StrategyError, Target};
use plimsoll_localchain::{
    Artifacts, Asset, CHAIN_ID, ChainSettings, Driver, LocalChain, MarketSettings, VaultMarket,
    VaultRoles, deploy, deploy_vault, deposit,
};
use plimsoll_models::{FirstModel, FirstSettings};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Holds a tenth of everything in one market, and a little more or less of it at every decision.
#[derive(Debug)]
struct Restless {
    market: MarketId,
}

impl Strategy for Restless {
    fn name(&self) -> &'static str {
        "restless"
    }

    fn params(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::new()
    }

    fn target(&self, now: &Situation<'_>) -> Result<Target, StrategyError> {
        let held = now.held.get(&self.market).copied().unwrap_or_default();
        let wanted = if held < 0.100_25 { 0.100_5 } else { 0.1 };
        Ok(Target::weights(BTreeMap::from([(self.market.clone(), wanted)]), Reason::Hold)?)
    }
}

#[derive(Debug)]
struct Feeds(Prices);

#[async_trait]
impl PriceSource for Feeds {
    async fn prices(&self, nodes: &Nodes, at: &At) -> BTreeMap<Address, f64> {
        let read = self.0.read(nodes, at).await.unwrap_or_default();
        read.into_iter().filter_map(|(asset, price)| Some((asset, price.ok()?.usd))).collect()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let blocks = std::env::args().nth(1).map_or(Ok(1_000), |text| text.parse::<u32>())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(timed(blocks))
}

async fn timed(blocks: u32) -> Result<(), Box<dyn std::error::Error>> {
    let artifacts = Artifacts::find()?;
    let day = ChainSettings { block_seconds: 86_400, ..ChainSettings::default() };
    let mut chain = LocalChain::start(&artifacts, day).await?;
    let deployment = deploy(&chain, &artifacts).await?;
    let accounts = chain.accounts().to_vec();
    let account = |place: usize| accounts.get(place).copied().ok_or("too few accounts");
    let roles = VaultRoles {
        owner: account(2)?,
        curator: account(3)?,
        allocator: account(1)?,
        guardian: account(4)?,
    };
    let vault = deploy_vault(&chain, &artifacts, &deployment, roles).await?;
    let mut driver =
        Driver::start(&mut chain, deployment.clone(), MarketSettings::default()).await?;
    // A block a day at first: the limits ask for a month of history.
    for _ in 0..36 {
        driver.step(&chain).await?;
    }
    let million = U256::from(1_000_000_000_000u64);
    deposit(&chain, &deployment, &vault, (account(5)?, million)).await?;
    chain.set_block_seconds(12).await?;
    driver.step(&chain).await?;

    let usdc = deployment.token(Asset::Usdc)?;
    let contract = vault.contract(VaultMarket::Aave).ok_or("no market")?;
    let pool = deployment.aave.pool;
    let settings: ProtocolSettings = serde_json::from_value(serde_json::json!({
        "protocol": "aave_v3", "chain": CHAIN_ID, "pool": pool,
        "markets": [{ "asset": usdc.token, "contract": contract }],
    }))?;
    let protocols = from_settings(&[settings])?;
    let market = protocols.first().and_then(|protocol| protocol.markets().first().cloned());
    let market = market.ok_or("no market")?;
    let feed: PriceFeed = serde_json::from_value(serde_json::json!({
        "asset": usdc.token, "feed": usdc.feed, "decimals": 8, "heartbeat_seconds": 864_000,
    }))?;
    let prices = Prices::new(PriceSettings { chain: CHAIN_ID, feeds: vec![feed] });
    let endpoint = Endpoint::new(&chain.http_url(), Duration::from_secs(5))?;
    let nodes = Nodes::new(vec![endpoint], 1, CHAIN_ID)?;
    let key = chain.keys().nth(1).ok_or("too few keys")?;
    let signer = Signer::plain(&alloy::hex::encode(key), CHAIN_ID)?;
    let folder = tempfile::tempdir()?;
    let identity = Identity {
        chain: ChainId(CHAIN_ID),
        genesis: "local".to_owned(),
        signer: signer.address().to_string(),
        vault: vault.address.to_string(),
    };
    let journal = Journal::create(folder.path(), &identity)?;
    let policy = AdmissionPolicy {
        chain: ChainId(CHAIN_ID),
        calls: BTreeSet::from([Call { to: vault.address, selector: REALLOCATE }]),
        caps: BTreeMap::from([(market.clone(), Amount(U256::MAX))]),
        per_market: Bps(10_000),
        entries_per_plan: Bps(10_000),
        entries_per_day: Bps(60_000),
        gas_per_day: U256::MAX,
        exit_gas_per_day: U256::MAX,
        max_fee: 1_000_000_000_000,
    };
    let patience = Patience {
        confirmations: 0,
        resend_after: 3,
        bump_after: 5,
        unknown_for: 20,
        max_fee: 1_000_000_000_000,
    };
    let sending = SenderSettings {
        chain: ChainId(CHAIN_ID),
        vault: vault.address,
        patience,
        tip: 1_000_000_000,
        most_gas: 6_000_000,
        gas_margin_pct: 30,
    };
    let desk = DeskSettings {
        strategy: "restless".to_owned(),
        preference: RiskPreference::default(),
        own_issuer: Some("circle".to_owned()),
        leaving_first: 0.1,
        places: BTreeMap::from([(market.clone(), contract)]),
        guard: Bps(5),
        valid_seconds: 600,
        window_days: 430,
        horizon_days: 30.0,
    };
    let parts = Parts {
        nodes: nodes.clone(),
        protocols,
        prices: Box::new(Feeds(prices)),
        sender: Sender::new(journal, (nodes.clone(), signer), policy, sending),
        model: Box::new(FirstModel::new(FirstSettings::default())?),
        strategy: Box::new(Restless { market }),
        desk,
    };
    let live = EngineSettings {
        vault: vault.address,
        is_live: true,
        decide_every: 12,
        gas_per_action: 400_000,
        gas_token: None,
        trips: TripSettings::default(),
        folder: folder.path().to_owned(),
    };
    let head = nodes.head().await?;
    let now = At { block: head.block, timestamp: head.timestamp };
    let mut engine = Engine::start(parts, live, now.time())?;
    for number in 1..head.block.number {
        let past = nodes.block(number).await?;
        let at = At { block: past.block, timestamp: past.timestamp };
        let is_of_a_day = past.timestamp + 86_400 <= head.timestamp;
        if is_of_a_day && !engine.desk().window().has(at.time().day()) {
            engine.learn(&at).await?;
        }
    }
    let (mut sent, mut quiet) = (Vec::new(), 0u32);
    for _ in 0..blocks {
        driver.step(&chain).await?;
        let (tick, took) = measured(&mut engine, &nodes).await?;
        if tick { sent.push(took) } else { quiet += 1 }
    }
    sent.sort();
    let at = |share: usize| {
        let place = (sent.len().saturating_sub(1)) * share / 100;
        sent.get(place).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    };
    println!(
        "{blocks} blocks, {} broadcasts, {quiet} blocks without one: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        sent.len(),
        at(50),
        at(90),
        at(99),
        at(100)
    );
    Ok(())
}

/// Lets the engine answer the newest head; whether it sent something, and how long it took.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
async fn measured(
    engine: &mut Engine,
    nodes: &Nodes,
) -> Result<(bool, Duration), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let head = nodes.head().await?;
    let tick = engine.on_head(&head).await?;
    Ok((tick.proposed.is_some(), start.elapsed()))
}
