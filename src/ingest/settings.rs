//! What is ingested: settings of a file, markets named on the command line, or both.

use super::options::IngestOptions;
use crate::config::Config;
use crate::exit::Kind;
use alloy::primitives::{Address, B256};
use anyhow::{Context, anyhow, bail};
use plimsoll_adapters::ingest::{Every, Job};
use plimsoll_adapters::live::aave_v3::{self, Pledged};
use plimsoll_adapters::live::{
    AaveV3Settings, Erc4626Settings, MorphoBlueSettings, PriceSettings, ProtocolSettings,
};
use plimsoll_adapters::live::{
    balancer_stable, compound_v3, morpho_blue, staked_eth, uniswap_v2, uniswap_v3,
};
use plimsoll_core::MarketId;
use plimsoll_execute::chain::{Endpoint, Nodes, Retries};
use serde::Deserialize;
use serde_json::json;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

/// The section `[ingest]`: the same markets and prices as those of `[live]`, for who runs no engine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ingest {
    /// The protocols.
    pub(crate) protocols: Vec<ProtocolSettings>,
    /// Price feeds; prices are unknown without them.
    pub(crate) prices: Option<PriceSettings>,
}

/// The markets and prices that are wanted, and their chain.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The chain's id.
    pub(crate) chain: u64,
    /// The protocols.
    pub(crate) protocols: Vec<ProtocolSettings>,
    /// The prices.
    pub(crate) prices: Option<PriceSettings>,
}

impl Wanted {
    /// Reads the settings and the markets on the command line: those that the settings have are selected from them,
    /// and others are taken as their ids name them.
    pub(crate) fn of(options: &IngestOptions, config: &Config) -> anyhow::Result<Wanted> {
        let (mut protocols, prices) = match (&config.ingest, config.live.as_deref()) {
            (Some(ingest), _) => (ingest.protocols.clone(), ingest.prices.clone()),
            (None, Some(live)) => (live.protocols.clone(), Some(live.prices.clone())),
            (None, None) => (Vec::new(), None),
        };
        if !options.market.is_empty() {
            let mut others = options.market.clone();
            for settings in &mut protocols {
                settings.retain(|market| {
                    let is_wanted = options.market.contains(market);
                    others.retain(|other| other != market);
                    is_wanted
                });
            }
            protocols.retain(|settings| !settings.contracts().is_empty());
            for market in &others {
                protocols.push(named(market, options.aave_pool)?);
            }
        }
        let chains: Vec<u64> = protocols.iter().map(chain).collect();
        let Some(chain) = chains.first().copied() else {
            bail!(
                "no market: name some with --market, or in [[ingest.protocols]] or [[live.protocols]] of --config FILE"
            );
        };
        let of_prices = prices.iter().map(|prices| prices.chain);
        if let Some(other) = chains.into_iter().chain(of_prices).find(|other| *other != chain) {
            bail!(
                "markets or prices are on chains {chain} and {other}: ingest one chain at a time, each into a folder of its own"
            );
        }
        Ok(Wanted { chain, protocols, prices })
    }
}

fn chain(settings: &ProtocolSettings) -> u64 {
    match settings {
        ProtocolSettings::AaveV3(all) => all.chain,
        ProtocolSettings::MorphoBlue(all) => all.chain,
        ProtocolSettings::Erc4626(all) => all.chain,
        ProtocolSettings::UniswapV3(all) => all.chain,
        ProtocolSettings::UniswapV2(all) => all.chain,
        ProtocolSettings::BalancerStable(all) => all.chain,
        ProtocolSettings::StakedEth(all) => all.chain,
        ProtocolSettings::CompoundV3(all) => all.chain,
    }
}

/// The settings of a market that is named by its id alone.
fn named(market: &MarketId, pool: Option<Address>) -> anyhow::Result<ProtocolSettings> {
    let chain = market.chain().0;
    let refuse = |what: &str| anyhow!("--market {market}: {what}");
    let part = |place: usize| market.as_str().split(':').nth(place).unwrap_or_default();
    let address = part(2).parse::<Address>().map_err(|_| refuse("its third part is no address"))?;
    Ok(match market.protocol() {
        aave_v3::NAME => {
            let pool = pool.ok_or_else(|| {
                refuse("an id names no pool: give it with --aave-pool ADDRESS, or in --config FILE")
            })?;
            let markets = vec![Pledged { asset: address, contract: None }];
            ProtocolSettings::AaveV3(AaveV3Settings { chain, pool, markets })
        }
        morpho_blue::NAME => {
            let id = part(3).parse::<B256>();
            let id = id.map_err(|_| refuse("its fourth part is no market's id of 32 bytes"))?;
            let markets = serde_json::from_value(json!([{ "id": id }]))?;
            ProtocolSettings::MorphoBlue(MorphoBlueSettings { chain, morpho: address, markets })
        }
        compound_v3::NAME => {
            return Err(refuse("an id names no base asset: give it in --config FILE"));
        }
        uniswap_v2::NAME | uniswap_v3::NAME | balancer_stable::NAME | staked_eth::NAME => {
            return Err(refuse("an id names no asset and no oracle: give them in --config FILE"));
        }
        name => {
            let markets = serde_json::from_value(json!([{ "vault": address }]))?;
            let name = name.to_owned();
            ProtocolSettings::Erc4626(Erc4626Settings { name, chain, markets })
        }
    })
}

/// What is asked, and how patiently.
pub(crate) fn job(options: &IngestOptions) -> Job {
    let seconds = options.every_seconds.map(Every::Seconds);
    let blocks = Every::Blocks(options.every.unwrap_or(NonZeroU64::MIN));
    Job {
        from: options.from_block,
        to: options.to_block,
        every: seconds.unwrap_or(blocks),
        chunk_blocks: options.chunk_blocks,
        concurrency: usize::from(options.concurrency),
        retries: Retries {
            tries: options.tries,
            first_wait: Duration::from_millis(options.first_wait_ms),
            longest_wait: Duration::from_secs(30),
            counts: Arc::default(),
        },
        folder: options.out.clone(),
    }
}

/// The nodes: every one of them has to say the same.
pub(crate) fn nodes(options: &IngestOptions, chain: u64) -> anyhow::Result<Nodes> {
    let timeout = Duration::from_millis(options.timeout_ms);
    let endpoint =
        |node: &crate::live::settings::Hidden| Ok(Endpoint::new(&node.reveal()?, timeout)?);
    let endpoints = options.rpc.iter().map(endpoint).collect::<anyhow::Result<Vec<_>>>();
    let endpoints = endpoints.context(Kind::Settings)?;
    let all = endpoints.len();
    Nodes::new(endpoints, all, chain).context(Kind::Settings)
}
