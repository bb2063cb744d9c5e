//! Events with their meaning: whose position changed, by how much of what, and in which market.
//!
//! An event is decoded only where encoding it again gives the same bytes. What is not known, or is known and of
//! another form, is kept as it is, and counted.

mod aave_v3;
mod erc4626;
mod morpho_blue;

use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::SolEvent;
use plimsoll_core::{ChainId, MarketId};
use plimsoll_execute::chain::{Log, LogFilter};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

use crate::live::ProtocolSettings;
use crate::live::erc4626::Inner;

/// What accounting needs of an event, where it has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields {
    /// Whose position changed.
    pub account: Option<Address>,
    /// Who else took part: who paid, who liquidated, who received.
    pub counterparty: Option<Address>,
    /// The token.
    pub asset: Option<Address>,
    /// How much of it, raw units.
    pub amount: Option<U256>,
    /// How many shares, as the protocol counts them.
    pub shares: Option<U256>,
}

/// An event that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Its name.
    pub event: &'static str,
    /// What accounting needs of it.
    pub fields: Fields,
    /// Every argument by its name in the contract, as JSON; numbers as the interface of nodes writes them.
    pub arguments: String,
}

/// What was made of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It was understood.
    Decoded(Box<Decoded>),
    /// Its signature is known and its content is of another form.
    Undecodable(&'static str),
    /// Its signature is not known.
    Unknown,
}

type Read = Box<dyn Fn(&Log) -> Option<(Fields, String)> + Send + Sync>;

/// One event of a protocol.
struct Entry {
    topic: B256,
    event: &'static str,
    read: Read,
}

/// Returns how the event `E` is read.
fn entry<E: SolEvent + Serialize + 'static>(fields: fn(&E) -> Fields) -> Entry {
    let read = move |log: &Log| {
        let event = E::decode_raw_log(log.topics.iter().copied(), &log.data).ok()?;
        let same = event.encode_topics().iter().map(|token| token.0).eq(log.topics.iter().copied());
        if !same || event.encode_data() != log.data {
            return None;
        }
        Some((fields(&event), serde_json::to_string(&event).ok()?))
    };
    let event = E::SIGNATURE.split('(').next().unwrap_or(E::SIGNATURE);
    Entry { topic: E::SIGNATURE_HASH, event, read: Box::new(read) }
}

/// How a log names its market.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Naming {
    /// By the token.
    Asset,
    /// By its first argument.
    First,
    /// The contract is one.
    Contract,
}

/// A contract whose events are kept.
pub struct Source {
    protocol: String,
    chain: ChainId,
    contract: Address,
    /// Markets of a contract that holds many; all of its events where there is none.
    ids: BTreeSet<B256>,
    naming: Naming,
    entries: Vec<Entry>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.protocol, self.contract)
    }
}

impl Source {
    /// The protocol's name.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// The contract.
    #[must_use]
    pub fn contract(&self) -> Address {
        self.contract
    }

    /// Which events are asked for.
    #[must_use]
    pub fn filter(&self) -> LogFilter {
        let first = self.ids.iter().copied().collect();
        LogFilter { contract: self.contract, events: Vec::new(), first }
    }

    /// Whether `log` is one that [`Source::filter`] asks for.
    #[must_use]
    pub fn wants(&self, log: &Log) -> bool {
        let is_named = || log.topics.get(1).is_some_and(|first| self.ids.contains(first));
        log.address == self.contract && (self.ids.is_empty() || is_named())
    }

    /// Returns what `log` says.
    #[must_use]
    pub fn decode(&self, log: &Log) -> Found {
        let known = |entry: &&Entry| log.topics.first() == Some(&entry.topic);
        let Some(entry) = self.entries.iter().find(known) else { return Found::Unknown };
        match (entry.read)(log) {
            Some((fields, arguments)) => {
                Found::Decoded(Box::new(Decoded { event: entry.event, fields, arguments }))
            }
            None => Found::Undecodable(entry.event),
        }
    }

    /// Returns the market that `log` is about, where that can be said.
    #[must_use]
    pub fn market(&self, log: &Log, found: &Found) -> Option<MarketId> {
        let place = match (&self.naming, found) {
            (Naming::Asset, Found::Decoded(decoded)) => decoded.fields.asset?.to_string(),
            (Naming::Asset, _) => return None,
            (Naming::First, _) => format!("{}:{}", self.contract, log.topics.get(1)?),
            (Naming::Contract, _) => self.contract.to_string(),
        };
        Some(MarketId::new(&self.protocol, self.chain, &place))
    }
}

/// Returns the contracts whose events matter for the markets of `settings`, each once, by address.
#[must_use]
pub fn sources(settings: &[ProtocolSettings]) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    let mut add =
        |source: Source| match sources.iter_mut().find(|it| it.contract == source.contract) {
            Some(known) => known.ids.extend(source.ids),
            None => sources.push(source),
        };
    for settings in settings {
        match settings {
            ProtocolSettings::AaveV3(pool) => {
                add(aave_v3::source(ChainId(pool.chain), pool.pool));
            }
            ProtocolSettings::MorphoBlue(blue) => {
                let ids = blue.markets.iter().map(|market| market.id).collect();
                add(morpho_blue::source(ChainId(blue.chain), blue.morpho, ids));
            }
            ProtocolSettings::Erc4626(vaults) => {
                for vault in &vaults.markets {
                    add(erc4626::source(&vaults.name, ChainId(vaults.chain), vault.vault));
                    let chain = ChainId(vaults.chain);
                    match vault.inner {
                        Some(Inner::Morpho(inner)) => {
                            let ids = BTreeSet::from([inner.id]);
                            add(morpho_blue::source(chain, inner.morpho, ids));
                        }
                        Some(Inner::Aave(inner)) => add(aave_v3::source(chain, inner.aave_pool)),
                        None => {}
                    }
                }
            }
            // Fees, prices, queues and balances are in the contracts' own state at every block: no event is asked for.
            ProtocolSettings::UniswapV3(_)
            | ProtocolSettings::UniswapV2(_)
            | ProtocolSettings::BalancerStable(_)
            | ProtocolSettings::StakedEth(_)
            | ProtocolSettings::CompoundV3(_) => {}
        }
    }
    sources.sort_by_key(|source| source.contract);
    sources
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
