//! An engine from its settings.

use super::settings::{Hidden, Live, SignerSettings};
use crate::config::Config;
use crate::exit::Kind;
use alloy::primitives::{Address, U256};
use anyhow::{Context, anyhow};
use async_trait::async_trait;
use plimsoll_adapters::live::{Prices, ProtocolSettings, from_settings};
use plimsoll_core::execution::{AdmissionPolicy, Call, Patience};
use plimsoll_core::{Amount, Bps, ChainId, MarketId, asset};
use plimsoll_execute::chain::vault::REALLOCATE;
use plimsoll_execute::chain::{Endpoint, Head, Nodes, Sender, SenderSettings, Signer};
use plimsoll_execute::journal::{Identity, Journal, JournalError, Reader};
use plimsoll_execute::live::{
    Checked, DeskSettings, Engine, EngineSettings, Minds, Parts, PriceSource, TripSettings,
    check_start,
};
use plimsoll_execute::protocol::{At, Protocol};
use plimsoll_models::{FirstModel, FirstSettings};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// Wei of a gwei.
const GWEI: u64 = 1_000_000_000;
/// Days that models look back on, and a month more.
const WINDOW_DAYS: i64 = 430;

/// What was found at the start, beside the engine.
pub(crate) struct Started {
    /// The engine.
    pub(crate) engine: Engine,
    /// The head at which it was.
    pub(crate) head: Head,
}

/// Everything of an engine but its journal.
pub(crate) struct Assembly {
    /// The nodes.
    pub(crate) nodes: Nodes,
    /// Who signs.
    signer: Signer,
    /// The protocols.
    protocols: Vec<Box<dyn Protocol>>,
    /// The prices.
    prices: Prices,
    /// What decisions are taken with.
    desk: DeskSettings,
    /// What may be signed.
    policy: AdmissionPolicy,
}

impl Assembly {
    /// Reads the settings; asks nothing yet.
    pub(crate) fn new(live: &Live, config: &Config) -> anyhow::Result<Assembly> {
        let signer = signer(&live.signer, live.chain).context(Kind::Settings)?;
        Assembly::with_signer(live, config, signer)
    }

    /// Reads the settings, but for who signs.
    pub(crate) fn with_signer(
        live: &Live,
        config: &Config,
        signer: Signer,
    ) -> anyhow::Result<Assembly> {
        let nodes = nodes(live).context(Kind::Settings)?;
        let protocols = from_settings(&live.protocols).context(Kind::Settings)?;
        let places = places(&live.protocols, &protocols);
        let desk = desk(live, config, places.clone()).context(Kind::Settings)?;
        let policy = policy(live, &places).context(Kind::Settings)?;
        let prices = Prices::new(live.prices.clone());
        Ok(Assembly { nodes, signer, protocols, prices, desk, policy })
    }

    /// The address of the engine's key.
    pub(crate) fn key(&self) -> Address {
        self.signer.address()
    }

    /// Whose journal it is.
    pub(crate) async fn identity(&self, live: &Live) -> anyhow::Result<Identity> {
        let genesis = self.nodes.hash_of_first().await.context(Kind::Data)?;
        Ok(Identity {
            chain: ChainId(live.chain),
            genesis: genesis.to_string(),
            signer: self.key().to_string(),
            vault: live.vault.to_string(),
        })
    }

    /// Checks everything that has to hold before anything is planned.
    pub(crate) async fn check(
        &self,
        live: &Live,
        journal: &Journal,
    ) -> anyhow::Result<(Checked, Head)> {
        let head = self.nodes.head().await.context(Kind::Data)?;
        let checked = check_start(
            (&self.nodes, &head),
            &self.protocols,
            (&self.desk, live.vault, self.key()),
            (journal, &live.fingerprints),
        );
        let checked = checked.await.context(Kind::Settings)?;
        let at = At { block: head.block, timestamp: head.timestamp };
        self.prices.check(&self.nodes, &at).await.context(Kind::Settings)?;
        Ok((checked, head))
    }

    /// Returns the engine on its journal.
    pub(crate) async fn start(
        self,
        live: &Live,
        journal: Journal,
        is_live: bool,
    ) -> anyhow::Result<Started> {
        let (_, head) = self.check(live, &journal).await?;
        let asset = self.symbol(&head).await;
        let mut desk = self.desk;
        desk.own_issuer = asset.as_deref().and_then(asset::issuer).map(str::to_owned);
        let (model, strategy) = minds(&desk).map_err(|detail| anyhow!(detail))?;
        let settings = SenderSettings {
            chain: ChainId(live.chain),
            vault: live.vault,
            patience: patience(live),
            tip: gwei(live.sending.tip_gwei),
            most_gas: live.sending.most_gas,
            gas_margin_pct: live.sending.gas_margin_pct,
        };
        let nodes = self.nodes.clone();
        let sender = Sender::new(journal, (nodes, self.signer), self.policy, settings);
        let parts = Parts {
            nodes: self.nodes,
            protocols: self.protocols,
            prices: Box::new(Feeds(self.prices)),
            sender,
            model,
            strategy,
            desk,
        };
        let settings = EngineSettings {
            vault: live.vault,
            is_live,
            decide_every: live.decide_every_seconds,
            gas_per_action: live.gas_per_action,
            gas_token: live.gas_token,
            trips: TripSettings {
                reverts: live.trips.reverts,
                nav_drop_bps: live.trips.nav_drop_bps.0,
                disagreements: live.trips.disagreements,
            },
            folder: live.state.clone(),
        };
        let at = At { block: head.block, timestamp: head.timestamp };
        let engine = Engine::start(parts, settings, at.time()).context(Kind::Data)?;
        Ok(Started { engine, head })
    }

    /// The symbol of the vault's asset, from the first market that says it.
    async fn symbol(&self, head: &Head) -> Option<String> {
        let at = At { block: head.block, timestamp: head.timestamp };
        for protocol in &self.protocols {
            let read = protocol.read(&self.nodes, &at).await.ok()?;
            if let Some(reading) = read.readings.first() {
                return Some(reading.symbol.to_string());
            }
        }
        None
    }
}

/// Prices from feeds.
#[derive(Debug)]
struct Feeds(Prices);

#[async_trait]
impl PriceSource for Feeds {
    async fn prices(&self, nodes: &Nodes, at: &At) -> BTreeMap<Address, f64> {
        let Ok(prices) = self.0.read(nodes, at).await else { return BTreeMap::new() };
        let known = prices.into_iter().filter_map(|(asset, price)| Some((asset, price.ok()?.usd)));
        known.collect()
    }
}

/// Opens the journal of the vault and key.
pub(crate) fn open(live: &Live, identity: &Identity) -> anyhow::Result<Journal> {
    Journal::open(&live.state, identity).context(Kind::Data)
}

/// Returns the model and the strategy of `desk`: what a replay of the journal needs as well.
pub(crate) fn minds(desk: &DeskSettings) -> Result<Minds, String> {
    let settings = FirstSettings { horizon_days: desk.horizon_days, ..FirstSettings::default() };
    let model = FirstModel::new(settings).map_err(|error| error.to_string())?;
    let strategy =
        plimsoll_strategies::by_name(&desk.strategy).map_err(|error| error.to_string())?;
    Ok((Box::new(model), strategy))
}

fn nodes(live: &Live) -> anyhow::Result<Nodes> {
    let timeout = Duration::from_millis(live.timeout_ms);
    let endpoint = |node: &Hidden| Ok(Endpoint::new(&node.reveal()?, timeout)?);
    let endpoints = live.nodes.iter().map(endpoint).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Nodes::new(endpoints, live.quorum, live.chain)?)
}

fn signer(settings: &SignerSettings, chain: u64) -> anyhow::Result<Signer> {
    match settings {
        SignerSettings::Keystore { path, password_file, password_env } => {
            let password = match (password_file, password_env) {
                (Some(file), None) => std::fs::read_to_string(file)
                    .with_context(|| format!("{}: the password cannot be read", file.display()))?,
                (None, Some(name)) => variable(name, "the password of the keystore")?,
                _ => anyhow::bail!(
                    "live.signer: give either password_file or password_env, which name where the password is"
                ),
            };
            Ok(Signer::keystore(path, password.trim_end_matches(['\r', '\n']))?)
        }
        SignerSettings::Remote { url, address } => {
            let server = Endpoint::new(&url.reveal()?, Duration::from_secs(10))?;
            Ok(Signer::Remote { server, address: *address })
        }
        SignerSettings::Plain { key_env } => {
            Ok(Signer::plain(&variable(key_env, "a plain key")?, chain)?)
        }
        SignerSettings::Watch { address } => Ok(Signer::Watching(*address)),
    }
}

fn variable(name: &str, what: &str) -> anyhow::Result<String> {
    std::env::var(name).map_err(|_| anyhow!("{name} is not set; it is to hold {what}"))
}

/// The market contract of each market.
fn places(
    settings: &[ProtocolSettings],
    protocols: &[Box<dyn Protocol>],
) -> BTreeMap<MarketId, Address> {
    let each = settings.iter().zip(protocols);
    let pairs = each
        .flat_map(|(settings, protocol)| protocol.markets().into_iter().zip(settings.contracts()));
    pairs.filter_map(|(market, contract)| Some((market, contract?))).collect()
}

fn desk(
    live: &Live,
    config: &Config,
    places: BTreeMap<MarketId, Address>,
) -> anyhow::Result<DeskSettings> {
    if places.is_empty() {
        anyhow::bail!(
            "live.protocols: no market names the `contract` of the vault that acts on it, so nothing could be done"
        );
    }
    plimsoll_strategies::by_name(&live.strategy).context("live.strategy")?;
    Ok(DeskSettings {
        strategy: live.strategy.clone(),
        preference: config.risk,
        own_issuer: None,
        leaving_first: config.run.leaving_first.0.value(),
        places,
        guard: Bps(live.guard_bps.0),
        valid_seconds: live.valid_seconds,
        window_days: WINDOW_DAYS,
        horizon_days: live.horizon_days.0,
    })
}

fn policy(live: &Live, places: &BTreeMap<MarketId, Address>) -> anyhow::Result<AdmissionPolicy> {
    let settings = &live.policy;
    let mut caps: BTreeMap<MarketId, Amount> =
        places.keys().map(|market| (market.clone(), Amount(U256::MAX))).collect();
    for (name, cap) in &settings.caps {
        let market: MarketId = name.parse().with_context(|| format!("live.policy.caps: {name}"))?;
        let slot = caps.get_mut(&market);
        let slot = slot.with_context(|| {
            let known: Vec<String> = places.keys().map(ToString::to_string).collect();
            format!(
                "live.policy.caps: {market} is no configured market; there are {}",
                known.join(", ")
            )
        })?;
        *slot = Amount(*cap);
    }
    Ok(AdmissionPolicy {
        chain: ChainId(live.chain),
        calls: BTreeSet::from([Call { to: live.vault, selector: REALLOCATE }]),
        caps,
        per_market: Bps(settings.per_market_bps.0),
        entries_per_plan: Bps(settings.entries_per_plan_bps.0),
        entries_per_day: Bps(settings.entries_per_day_bps.0),
        gas_per_day: U256::from(gwei(settings.gas_per_day_gwei)),
        exit_gas_per_day: U256::from(gwei(settings.exit_gas_per_day_gwei)),
        max_fee: gwei(live.sending.max_fee_gwei),
    })
}

fn patience(live: &Live) -> Patience {
    let sending = live.sending;
    Patience {
        confirmations: sending.confirmations,
        resend_after: sending.resend_after,
        bump_after: sending.bump_after,
        unknown_for: sending.unknown_for,
        max_fee: gwei(sending.max_fee_gwei),
    }
}

fn gwei(count: u64) -> u128 {
    u128::from(count) * u128::from(GWEI)
}

/// Whether a journal is in the folder.
pub(crate) fn has_journal(folder: &Path) -> bool {
    // One that was being made when the process was killed holds nothing: it is made anew.
    !matches!(Reader::open(folder), Err(JournalError::Missing { .. }))
}
