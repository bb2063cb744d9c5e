//! The settings of an engine on the stage, as a person would write them.

use super::{BLOCK_SECONDS, DAYS_BEFORE, Seat, Stage};
use alloy::primitives::Address;
use alloy::sol;
use anyhow::Context;
use plimsoll_core::RiskLine;
use plimsoll_localchain::{Asset, CHAIN_ID, VaultMarket};
use std::fmt::Write;
use std::path::Path;

sol! {
    function oracle() external view returns (address);
    function rewardOracle() external view returns (address);
}

/// How long the node may take: a machine that is busy must not make another document.
const TIMEOUT_MS: u64 = 120_000;
/// Fall of the share price at which the breaker trips, basis points, with lending alone.
const LENDING_DROP_BPS: u32 = 100;
/// The same where positions have prices: a market that moves is no fault.
const PRICED_DROP_BPS: u32 = 1_000;

impl Stage {
    /// The settings of the engine of a vault.
    pub(crate) async fn settings(
        &self,
        seat: &Seat,
        line: RiskLine,
        state: &Path,
    ) -> anyhow::Result<String> {
        let (usdc, weth) =
            (self.deployment.token(Asset::Usdc)?, self.deployment.token(Asset::Weth)?);
        let drop = if self.world.is_some() { PRICED_DROP_BPS } else { LENDING_DROP_BPS };
        Ok(format!(
            r#"# Written by `plimsoll demo`: settings for its local chain.
[risk]
line = "{line}"

[live]
chain = {CHAIN_ID}
nodes = ["{node}"]
websocket = "{socket}"
poll_ms = 100
timeout_ms = {TIMEOUT_MS}
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

[live.trips]
nav_drop_bps = {drop}

[live.sending]
confirmations = 1
resend_after = 2
bump_after = 3
unknown_for = 10
tip_gwei = 1
{protocols}
[live.prices]
chain = {CHAIN_ID}
feeds = [
    {{ asset = "{usdc_token}", feed = "{usdc_feed}", decimals = 8, heartbeat_seconds = 86400 }},
    {{ asset = "{weth_token}", feed = "{weth_feed}", decimals = 8, heartbeat_seconds = 7200 }},
]
"#,
            node = self.chain.http_url(),
            socket = self.chain.ws_url(),
            vault = seat.vault.address,
            state = state.display(),
            valid = 3 * BLOCK_SECONDS,
            weth_token = weth.token,
            weth_feed = weth.feed,
            usdc_token = usdc.token,
            usdc_feed = usdc.feed,
            protocols = self.protocols(seat).await?,
        ))
    }

    /// A table for each protocol that the vault has markets of, with the markets that are not Morpho's one each.
    async fn protocols(&self, seat: &Seat) -> anyhow::Result<String> {
        let mut text = String::new();
        let mut morpho = String::new();
        let asset = self.deployment.token(seat.asset)?;
        for (market, contract) in &seat.vault.markets {
            if let VaultMarket::Morpho(place) = market {
                let known = self.deployment.morpho.markets.get(*place);
                let id = known.context("a market of Morpho that was not deployed")?.id;
                let feed = asset.feed;
                writeln!(
                    morpho,
                    r#"    {{ id = "{id}", contract = "{contract}", loan_feed = "{feed}" }},"#
                )?;
                continue;
            }
            let (name, market) = self.market(seat, *market, *contract).await?;
            write!(text, "\n[[live.protocols]]\nprotocol = \"{name}\"\nchain = {CHAIN_ID}\n")?;
            if name == "aave_v3" {
                writeln!(text, "pool = \"{}\"", self.deployment.aave.pool)?;
            }
            writeln!(text, "markets = [{{ {market}, contract = \"{contract}\" }}]")?;
        }
        if !morpho.is_empty() {
            let blue = self.deployment.morpho.blue;
            write!(
                text,
                "\n[[live.protocols]]\nprotocol = \"morpho_blue\"\nchain = {CHAIN_ID}\nmorpho = \"{blue}\"\nmarkets = [\n{morpho}]\n"
            )?;
        }
        Ok(text)
    }

    /// The protocol of a market and what is said of it.
    async fn market(
        &self,
        seat: &Seat,
        market: VaultMarket,
        contract: Address,
    ) -> anyhow::Result<(&'static str, String)> {
        let asset = self.deployment.token(seat.asset)?.token;
        let world = || self.world.as_ref().context("a market with a price in a world without");
        let oracle = async || anyhow::Ok(self.chain.call(contract, &oracleCall {}).await?);
        Ok(match market {
            VaultMarket::Aave | VaultMarket::Morpho(_) => {
                ("aave_v3", format!("asset = \"{asset}\""))
            }
            VaultMarket::Erc4626 => ("erc4626", format!("vault = \"{}\"", self.deployment.vault)),
            VaultMarket::UniswapV3 => {
                let pool = &world()?.pools.range;
                let oracle = oracle().await?;
                (
                    "uniswap_v3",
                    format!(
                        r#"pool = "{}", asset = "{asset}", oracle = "{oracle}", fee = {}"#,
                        pool.address, pool.fee
                    ),
                )
            }
            VaultMarket::UniswapV2 => {
                let pools = &world()?.pools;
                let oracle = oracle().await?;
                let reward = self.chain.call(contract, &rewardOracleCall {}).await?;
                (
                    "uniswap_v2",
                    format!(
                        r#"pair = "{}", asset = "{asset}", oracle = "{oracle}", staking = "{}", reward_oracle = "{reward}""#,
                        pools.pair.address, pools.staking
                    ),
                )
            }
            VaultMarket::BalancerStable => {
                let pools = &world()?.pools;
                let pool = if seat.asset == Asset::Weth { &pools.ether } else { &pools.usd };
                let pool = pool.address;
                ("balancer_stable", format!(r#"pool = "{pool}", asset = "{asset}""#))
            }
            VaultMarket::StakedEth => {
                let staked = world()?.staked;
                let oracle = oracle().await?;
                (
                    "staked_eth",
                    format!(
                        r#"wst_eth = "{}", queue = "{}", asset = "{asset}", oracle = "{oracle}""#,
                        staked.wst_eth, staked.queue
                    ),
                )
            }
        })
    }
}
