//! The stage of a demo: a local chain with lending protocols on it, people who use them, and a vault.

use crate::config::{self, Config};
use crate::live::assemble::{self, Assembly};
use alloy::primitives::U256;
use anyhow::Context;
use plimsoll_core::RiskLine;
use plimsoll_execute::chain::Signer;
use plimsoll_execute::journal::Journal;
use plimsoll_execute::live::Engine;
use plimsoll_localchain::{
    Artifacts, Asset, CHAIN_ID, ChainSettings, Deployment, Driver, LocalChain, MarketSettings,
    PlimsollVault, VaultMarket, VaultRoles, deploy, deploy_vault, deposit,
};
use std::path::Path;

/// Seconds that a block stands for.
pub(crate) const BLOCK_SECONDS: u64 = 3_600;
/// Blocks of a day.
pub(crate) const DAY_BLOCKS: u64 = 86_400 / BLOCK_SECONDS;
/// Days of markets before the depositor comes: what the engine learns from.
pub(crate) const DAYS_BEFORE: u64 = 36;
/// The engine's place among the chain's accounts.
const ENGINE: usize = 1;

/// A chain with its people and the vault.
pub(crate) struct Stage {
    /// The chain.
    pub(crate) chain: LocalChain,
    /// The people.
    pub(crate) driver: Driver,
    /// The vault.
    pub(crate) vault: PlimsollVault,
    /// Everything else that was deployed.
    pub(crate) deployment: Deployment,
}

/// The chain's settings.
fn chain_settings() -> ChainSettings {
    ChainSettings { block_seconds: BLOCK_SECONDS, ..ChainSettings::default() }
}

impl Stage {
    /// Deploys everything and brings people to it.
    pub(crate) async fn set(artifacts: &Artifacts, seed: u64) -> anyhow::Result<Stage> {
        let mut chain = LocalChain::start(artifacts, chain_settings()).await?;
        let deployment = deploy(&chain, artifacts).await?;
        let accounts = chain.accounts().to_vec();
        let account =
            |place: usize| accounts.get(place).copied().context("the chain has too few accounts");
        let roles = VaultRoles {
            allocator: account(ENGINE)?,
            owner: account(2)?,
            curator: account(3)?,
            guardian: account(4)?,
        };
        let vault = deploy_vault(&chain, artifacts, &deployment, roles).await?;
        let settings = MarketSettings { seed, ..MarketSettings::default() };
        let driver = Driver::start(&mut chain, deployment.clone(), settings).await?;
        Ok(Stage { chain, driver, vault, deployment })
    }

    /// Lets the markets live for a day.
    pub(crate) async fn day(&mut self) -> anyhow::Result<()> {
        for _ in 0..DAY_BLOCKS {
            self.driver.step(&self.chain).await?;
        }
        Ok(())
    }

    /// Has the depositor at `place` among the accounts come with `whole` units.
    pub(crate) async fn deposit(&self, place: usize, whole: u64) -> anyhow::Result<()> {
        let amount = U256::from(whole) * U256::from(10).pow(U256::from(Asset::Usdc.decimals()));
        let depositor = self.chain.accounts().get(place).copied().context("no depositor")?;
        Ok(deposit(&self.chain, &self.deployment, &self.vault, (depositor, amount)).await?)
    }

    /// Returns a copy of the same world as it stands, on a chain of its own.
    pub(crate) async fn copied(&self, artifacts: &Artifacts) -> anyhow::Result<Stage> {
        let chain = LocalChain::start(artifacts, chain_settings()).await?;
        chain.load(&self.chain.dump().await?).await?;
        let (driver, vault) = (self.driver.clone(), self.vault.clone());
        Ok(Stage { chain, driver, vault, deployment: self.deployment.clone() })
    }

    /// The settings of an engine on this stage, as a person would write them.
    pub(crate) fn settings(&self, line: RiskLine, state: &Path) -> anyhow::Result<String> {
        let contract = |market| {
            let found = self.vault.contract(market);
            found.with_context(|| format!("the vault has no contract for {market:?}"))
        };
        let usdc = self.deployment.token(Asset::Usdc)?;
        let weth = self.deployment.token(Asset::Weth)?;
        let mut morpho = String::new();
        for (place, market) in self.deployment.morpho.markets.iter().enumerate() {
            let contract = contract(VaultMarket::Morpho(place))?;
            morpho.push_str(&format!(
                "    {{ id = \"{}\", contract = \"{contract}\", loan_feed = \"{}\" }},\n",
                market.id, usdc.feed
            ));
        }
        Ok(format!(
            r#"# Written by `plimsoll demo`: settings for its local chain.
[risk]
line = "{line}"

[live]
chain = {CHAIN_ID}
nodes = ["{node}"]
websocket = "{socket}"
poll_ms = 100
vault = "{vault}"
state = "{state}"
listen = "127.0.0.1:9464"
decide_every_seconds = {BLOCK_SECONDS}
valid_seconds = {valid}
gas_token = "{weth_token}"
learn_days = {DAYS_BEFORE}

[live.signer]
kind = "plain"
key_env = "PLIMSOLL_DEMO_KEY"

[live.sending]
confirmations = 1
resend_after = 2
bump_after = 3
unknown_for = 10
tip_gwei = 1

[[live.protocols]]
protocol = "aave_v3"
chain = {CHAIN_ID}
pool = "{pool}"
markets = [{{ asset = "{usdc_token}", contract = "{aave}" }}]

[[live.protocols]]
protocol = "morpho_blue"
chain = {CHAIN_ID}
morpho = "{blue}"
markets = [
{morpho}]

[[live.protocols]]
protocol = "erc4626"
chain = {CHAIN_ID}
markets = [{{ vault = "{inner}", contract = "{erc4626}" }}]

[live.prices]
chain = {CHAIN_ID}
feeds = [
    {{ asset = "{usdc_token}", feed = "{usdc_feed}", decimals = 8, heartbeat_seconds = 86400 }},
    {{ asset = "{weth_token}", feed = "{weth_feed}", decimals = 8, heartbeat_seconds = 7200 }},
]
"#,
            node = self.chain.http_url(),
            socket = self.chain.ws_url(),
            vault = self.vault.address,
            state = state.display(),
            valid = 3 * BLOCK_SECONDS,
            weth_token = weth.token,
            weth_feed = weth.feed,
            usdc_token = usdc.token,
            usdc_feed = usdc.feed,
            pool = self.deployment.aave.pool,
            aave = contract(VaultMarket::Aave)?,
            blue = self.deployment.morpho.blue,
            inner = self.deployment.vault,
            erc4626 = contract(VaultMarket::Erc4626)?,
        ))
    }

    /// Returns an engine that is live on this stage, with a new journal in `state`.
    pub(crate) async fn engine(&self, line: RiskLine, state: &Path) -> anyhow::Result<Engine> {
        let config = self.config(line, state)?;
        let live = config.live.as_deref().context("no live settings")?;
        let key = self.chain.keys().nth(ENGINE).context("the chain has too few keys")?;
        let signer = Signer::plain(&alloy::hex::encode(key), CHAIN_ID)?;
        let assembly = Assembly::with_signer(live, &config, signer)?;
        let identity = assembly.identity(live).await?;
        let journal = if assemble::has_journal(state) {
            assemble::open(live, &identity)?
        } else {
            Journal::create(state, &identity)?
        };
        Ok(assembly.start(live, journal, true).await?.engine)
    }

    fn config(&self, line: RiskLine, state: &Path) -> anyhow::Result<Config> {
        let text = self.settings(line, state)?;
        config::parse("demo.toml", &text, Vec::new()).map_err(anyhow::Error::msg)
    }
}
