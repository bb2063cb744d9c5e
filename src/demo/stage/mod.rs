//! The stage of a demo: a local chain with everything that vaults can be in, people who use it, and vaults.

mod settings;

use crate::config::{self, Config};
use crate::live::assemble::{self, Assembly};
use alloy::primitives::{Address, U256};
use anyhow::Context;
use plimsoll_core::RiskLine;
use plimsoll_execute::chain::Signer;
use plimsoll_execute::journal::Journal;
use plimsoll_execute::live::Engine;
use plimsoll_localchain::{
    Artifacts, Asset, BothRoles, CHAIN_ID, ChainSettings, Deployment, Driver, LocalChain,
    MarketSettings, PlimsollVault, SceneSettings, VaultRoles, World, WorldSettings, deploy,
    deploy_vault, deploy_world, deposit,
};
use std::path::Path;

/// Seconds that a block stands for.
pub(crate) const BLOCK_SECONDS: u64 = 3_600;
/// Blocks of a day.
pub(crate) const DAY_BLOCKS: u64 = 86_400 / BLOCK_SECONDS;
/// Seconds that a block stands for while depositors come or go.
const DEPOSIT_SECONDS: u64 = 12;
/// Days of markets before the depositor comes: what the engine learns from.
pub(crate) const DAYS_BEFORE: u64 = 36;
/// Places among the chain's accounts: the engines' keys, and who looks after the vaults.
const USDC_ENGINE: usize = 1;
const WETH_ENGINE: usize = 8;
const OWNER: usize = 2;
const CURATOR: usize = 3;
const GUARDIAN: usize = 4;

/// How much of the world there is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scope {
    /// Lending alone, and a vault of USDC.
    Lending,
    /// Pools, staked ether and campaigns beside it, and a vault of WETH.
    Everything {
        /// How pools and staked ether live.
        scene: SceneSettings,
        /// How the world begins.
        world: WorldSettings,
    },
}

/// A vault on the stage, and who moves its money.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    /// What it holds.
    pub(crate) asset: Asset,
    /// The vault.
    pub(crate) vault: PlimsollVault,
    /// Its engine's place among the accounts.
    engine: usize,
}

/// A chain with its people and the vaults.
pub(crate) struct Stage {
    /// The chain.
    pub(crate) chain: LocalChain,
    /// The people.
    pub(crate) driver: Driver,
    /// The vault of USDC.
    pub(crate) usdc: Seat,
    /// The vault of WETH, where there is more than lending.
    pub(crate) weth: Option<Seat>,
    /// What was deployed beside them.
    pub(crate) deployment: Deployment,
    /// Pools, staked ether and campaigns, where they are.
    pub(crate) world: Option<World>,
}

/// The chain's settings.
fn chain_settings() -> ChainSettings {
    ChainSettings { block_seconds: BLOCK_SECONDS, ..ChainSettings::default() }
}

fn account(chain: &LocalChain, place: usize) -> anyhow::Result<Address> {
    chain.accounts().get(place).copied().context("the chain has too few accounts")
}

/// Who does what in a vault whose engine has the key at `engine`.
fn roles(chain: &LocalChain, engine: usize) -> anyhow::Result<VaultRoles> {
    Ok(VaultRoles {
        allocator: account(chain, engine)?,
        owner: account(chain, OWNER)?,
        curator: account(chain, CURATOR)?,
        guardian: account(chain, GUARDIAN)?,
    })
}

impl Stage {
    /// Deploys everything and brings people to it.
    pub(crate) async fn set(
        artifacts: &Artifacts,
        people: MarketSettings,
        scope: Scope,
    ) -> anyhow::Result<Stage> {
        let mut chain = LocalChain::start(artifacts, chain_settings()).await?;
        let deployment = deploy(&chain, artifacts).await?;
        let usdc = roles(&chain, USDC_ENGINE)?;
        let seat = |asset, vault, engine| Seat { asset, vault, engine };
        let Scope::Everything { scene, world: begun } = scope else {
            let vault = deploy_vault(&chain, artifacts, &deployment, usdc).await?;
            let driver = Driver::start(&mut chain, deployment.clone(), people).await?;
            let usdc = seat(Asset::Usdc, vault, USDC_ENGINE);
            return Ok(Stage { chain, driver, usdc, weth: None, deployment, world: None });
        };
        let both = BothRoles { usdc, weth: roles(&chain, WETH_ENGINE)? };
        let world = deploy_world(&mut chain, artifacts, &deployment, (both, begun)).await?;
        let mut driver = Driver::start(&mut chain, deployment.clone(), people).await?;
        driver.enter(&chain, world.clone(), scene).await?;
        let usdc = seat(Asset::Usdc, world.usdc_vault.clone(), USDC_ENGINE);
        let weth = Some(seat(Asset::Weth, world.weth_vault.clone(), WETH_ENGINE));
        Ok(Stage { chain, driver, usdc, weth, deployment, world: Some(world) })
    }

    /// The vaults.
    pub(crate) fn seats(&self) -> impl Iterator<Item = &Seat> {
        std::iter::once(&self.usdc).chain(&self.weth)
    }

    /// Has blocks stand for seconds.
    pub(crate) async fn shortly(&mut self) -> anyhow::Result<()> {
        Ok(self.chain.set_block_seconds(DEPOSIT_SECONDS).await?)
    }

    /// Has blocks stand for hours again.
    pub(crate) async fn hourly(&mut self) -> anyhow::Result<()> {
        Ok(self.chain.set_block_seconds(BLOCK_SECONDS).await?)
    }

    /// Lets the markets live for a day.
    pub(crate) async fn day(&mut self) -> anyhow::Result<()> {
        for _ in 0..DAY_BLOCKS {
            self.driver.step(&self.chain).await?;
        }
        Ok(())
    }

    /// Has the depositors of each vault come: their place among the accounts, whole units. It takes a few blocks, which
    /// stand for seconds, so that no feed grows old meanwhile.
    pub(crate) async fn deposit(
        &mut self,
        deposits: &dyn Fn(&Seat) -> Vec<(usize, u64)>,
    ) -> anyhow::Result<()> {
        self.shortly().await?;
        for seat in self.seats() {
            for (place, whole) in deposits(seat) {
                let unit = U256::from(10).pow(U256::from(seat.asset.decimals()));
                let coming = (account(&self.chain, place)?, U256::from(whole) * unit);
                deposit(&self.chain, &self.deployment, &seat.vault, coming).await?;
            }
        }
        self.hourly().await
    }

    /// Returns a copy of the same world as it stands, on a chain of its own.
    pub(crate) async fn copied(&self, artifacts: &Artifacts) -> anyhow::Result<Stage> {
        let chain = LocalChain::start(artifacts, chain_settings()).await?;
        chain.load(&self.chain.dump().await?).await?;
        Ok(Stage {
            chain,
            driver: self.driver.clone(),
            usdc: self.usdc.clone(),
            weth: self.weth.clone(),
            deployment: self.deployment.clone(),
            world: self.world.clone(),
        })
    }

    /// Returns an engine that is live on this stage, with a new journal in `state`.
    pub(crate) async fn engine(
        &self,
        seat: &Seat,
        line: RiskLine,
        state: &Path,
    ) -> anyhow::Result<Engine> {
        let config = self.config(seat, line, state).await?;
        let live = config.live.as_deref().context("no live settings")?;
        let key = self.chain.keys().nth(seat.engine).context("the chain has too few keys")?;
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

    async fn config(&self, seat: &Seat, line: RiskLine, state: &Path) -> anyhow::Result<Config> {
        let text = self.settings(seat, line, state).await?;
        config::parse("demo.toml", &text, Vec::new()).map_err(anyhow::Error::msg)
    }
}
