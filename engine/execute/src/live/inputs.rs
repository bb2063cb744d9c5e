//! What is known at a block, as it is written down before a decision.

use super::rest::Refused;
use super::words::Words;
use crate::chain::{Nodes, VaultState};
use crate::protocol::{At, Protocol, Read, Reading};
use alloy::primitives::Address;
use async_trait::async_trait;
use plimsoll_core::{Amount, CostModel, Facts, MarketId};
use plimsoll_frame::{MarketRow, Observation, Terms};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What one protocol said at one block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The protocol.
    pub source: String,
    /// Its rows.
    pub observations: Vec<Observation>,
    /// What its contracts say that no row repeats.
    pub terms: BTreeMap<MarketId, Terms>,
    /// The markets that could not be read, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreadable: BTreeMap<MarketId, String>,
    /// What is known of our positions beyond their worth.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<MarketId, Facts>,
    /// What market contracts need to be told things; those that take no words are not here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<MarketId, Words>,
}

/// Everything that a decision at one block rests on, besides what was known before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The protocols, in the order of the configuration.
    pub seen: Vec<Seen>,
    /// The vault; `None` for blocks of the past that were read to learn from.
    pub vault: Option<VaultState>,
    /// What moving costs.
    pub costs: CostModel,
    /// What entries may still bring in today by the policy, raw units.
    pub entry_room: Amount,
    /// Legs of plans that did not go through lately.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// Whether the breaker lets nothing be brought in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_leaves: bool,
}

/// What assets are worth.
#[async_trait]
pub trait PriceSource: Send + Sync + fmt::Debug {
    /// Returns the USD price of each asset whose price is known at one block; an asset whose price is stale
    /// or doubtful is absent.
    async fn prices(&self, nodes: &Nodes, at: &At) -> BTreeMap<Address, f64>;
}

impl Seen {
    /// Returns that a protocol said nothing: its markets are held and not bought.
    #[must_use]
    pub fn silent(protocol: &dyn Protocol, reason: &str, at: &At) -> Seen {
        let markets = protocol.markets();
        let row = |market: &MarketId| {
            let row = MarketRow::empty(market.clone(), at.time());
            Observation::of(MarketRow { block: Some(at.block.number), ..row }, "")
        };
        Seen {
            source: protocol.name().to_owned(),
            observations: markets.iter().map(row).collect(),
            terms: BTreeMap::new(),
            unreadable: markets.into_iter().map(|market| (market, reason.to_owned())).collect(),
            facts: BTreeMap::new(),
            words: BTreeMap::new(),
        }
    }

    /// Returns what `read` says, with the prices of the assets.
    ///
    /// A market that could not be read gets a row of unknowns: it is held and not bought.
    #[must_use]
    pub fn new(source: &str, read: &Read, at: &At, prices: &BTreeMap<Address, f64>) -> Seen {
        let price = |asset: &Address| prices.get(asset).copied();
        let known = read.readings.iter().map(|reading| reading.observation(price(&reading.asset)));
        let unknown = read.unreadable.iter().map(|(market, _)| {
            let row = MarketRow::empty(market.clone(), at.time());
            Observation::of(MarketRow { block: Some(at.block.number), ..row }, "")
        });
        let terms = read.readings.iter();
        let reasons = read.unreadable.iter();
        Seen {
            source: source.to_owned(),
            observations: known.chain(unknown).collect(),
            terms: terms.map(|each| (each.market.clone(), each.terms.clone())).collect(),
            unreadable: reasons.map(|(market, why)| (market.clone(), why.to_string())).collect(),
            facts: said(read, |reading| reading.beyond.facts),
            words: said(read, |reading| reading.beyond.words),
        }
    }
}

/// What `of` says of each market, but for those of which it says nothing.
fn said<T: Default + PartialEq>(read: &Read, of: impl Fn(&Reading) -> T) -> BTreeMap<MarketId, T> {
    let each = read.readings.iter().map(|reading| (reading.market.clone(), of(reading)));
    each.filter(|(_, said)| *said != T::default()).collect()
}
