//! Stable pools of Balancer V2 (ComposableStable, version 3), each held by a market contract of the vault.
//!
//! Everything is read by one call: the pool's books, its rates as it keeps them and as they are, what the market contract says
//! of itself, and its oracles. The pool's rate and supply, the contract's prices, values and what can leave are reckoned anew
//! and have to equal their own words. A pool in recovery mode is left out. Gauges are not read: nothing is staked there.

pub mod act;
pub mod holding;
mod learn;
mod math;
mod read;
mod reading;

use super::multicall::Batch;
use super::{RwCache, code_at};
use alloy::primitives::{Address, Bytes};
use async_trait::async_trait;
use learn::Fixed;
use plimsoll_core::execution::BlockRef;
use plimsoll_core::units::Ray;
use plimsoll_core::{ChainId, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::{Act, At, Fall, Protocol, Read};
use plimsoll_frame::LegFrame;
use serde::{Deserialize, Serialize};

/// The protocol's name: the first part of its market ids.
pub const NAME: &str = "balancer-stable";

/// Markets in stable pools of Balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalancerStableSettings {
    /// The chain's id.
    pub chain: u64,
    /// The markets.
    pub markets: Vec<StableMarket>,
}

/// A pool, and the market contract of ours that holds shares of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StableMarket {
    /// The pool.
    pub pool: Address,
    /// The vault's asset, one of the pool's tokens.
    pub asset: Address,
    /// Oracles of the pool's other tokens; the market contract names its own, so they are needed without one only.
    #[serde(default)]
    pub oracles: Vec<TokenOracle>,
    /// Our vault's market contract, where there is one; without it nothing is held, and the market is named by the asset.
    #[serde(default)]
    pub contract: Option<Address>,
    /// The contract by which it is named, once that was forgotten.
    #[serde(skip)]
    named: Option<Address>,
}

/// What prices a token of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenOracle {
    /// The token.
    pub token: Address,
    /// Worth in the asset of what its rate counts in, or of itself where it has none.
    pub oracle: Address,
}

impl StableMarket {
    /// A pool and the asset of the vault, by a market contract that names its oracles, or by oracles alone.
    #[must_use]
    pub fn new(pool: Address, asset: Address, contract: Option<Address>) -> StableMarket {
        StableMarket { pool, asset, oracles: Vec::new(), contract, named: None }
    }

    /// Forgets the market contract, and keeps the market's name.
    pub fn forget_contract(&mut self) {
        self.named = self.contract.take().or(self.named);
    }

    /// The market's id: two market contracts of one pool are two markets.
    #[must_use]
    pub fn id(&self, chain: u64) -> MarketId {
        let detail = self.contract.or(self.named).unwrap_or(self.asset);
        MarketId::new(NAME, ChainId(chain), &format!("{}:{detail}", self.pool))
    }
}

/// The adapter.
#[derive(Debug)]
pub struct BalancerStable {
    chain: ChainId,
    markets: Vec<(MarketId, StableMarket)>,
    fixed: RwCache<MarketId, Fixed>,
}

impl BalancerStable {
    /// Returns the adapter of some markets.
    #[must_use]
    pub fn new(settings: BalancerStableSettings) -> BalancerStable {
        let chain = settings.chain;
        let markets = settings.markets.into_iter().map(|market| (market.id(chain), market));
        let fixed = RwCache::default();
        BalancerStable { chain: ChainId(chain), markets: markets.collect(), fixed }
    }

    fn place(&self) -> (&str, ChainId) {
        (NAME, self.chain)
    }
}

#[async_trait]
impl Protocol for BalancerStable {
    fn name(&self) -> &str {
        NAME
    }

    fn markets(&self) -> Vec<MarketId> {
        self.markets.iter().map(|(id, _)| id.clone()).collect()
    }

    async fn check(&self, nodes: &Nodes, at: &At) -> Result<(), AdapterError> {
        super::check_chain(nodes, at, self.place()).await?;
        for (market, wanted) in &self.markets {
            let parts = [Some(wanted.pool), Some(wanted.asset), wanted.contract];
            let oracles = wanted.oracles.iter().map(|each| each.oracle);
            for part in parts.into_iter().flatten().chain(oracles) {
                code_at(nodes, at, part, market.as_str()).await?;
            }
        }
        if let Some((_, error)) = learn::learn(self, nodes, at).await?.into_iter().next() {
            return Err(error);
        }
        match self.read(nodes, at).await?.unreadable.into_iter().next() {
            Some((_, error @ AdapterError::Disagrees { .. })) => Err(error),
            _ => Ok(()),
        }
    }

    async fn read(&self, nodes: &Nodes, at: &At) -> Result<Read, AdapterError> {
        let mut read =
            Read { unreadable: learn::learn(self, nodes, at).await?, readings: Vec::new() };
        let (mut batch, mut asked) = (Batch::default(), Vec::new());
        for (market, wanted) in &self.markets {
            if let Some(fixed) = self.fixed.get(market) {
                let slots = read::ask(&mut batch, (wanted.pool, wanted.contract), &fixed);
                asked.push((market, wanted, fixed, slots));
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (market, wanted, fixed, slots) in asked {
            let row = read::decode((&answers, &slots), (market, at), &fixed);
            let reading = row.and_then(|row| reading::reading((market, at), wanted, &fixed, row));
            match reading {
                Ok(reading) => read.readings.push(reading),
                Err(error) => read.unreadable.push((market.clone(), error)),
            }
        }
        Ok(read)
    }

    /// The pool's rate falls where a token's own rate falls or the pool is robbed: no event of the pool says which.
    async fn attribute(
        &self,
        _nodes: &Nodes,
        _blocks: (BlockRef, BlockRef),
        fallen: &[(MarketId, Ray, Ray)],
    ) -> Result<Vec<Fall>, AdapterError> {
        Ok(super::unexplained(fallen))
    }

    /// Nobody borrows from a pool.
    async fn legs(&self, _nodes: &Nodes, at: &At, _from: u64) -> Result<LegFrame, AdapterError> {
        super::pools::no_legs(NAME, at)
    }

    /// The market contract's own call, which bounds the join by its oracles. The vault alone may make it.
    fn call(&self, action: &Act, _holder: Address) -> Option<(Address, Bytes)> {
        let (_, wanted) = self.markets.iter().find(|(id, _)| *id == action.market)?;
        Some((wanted.contract?, super::pools::call(action)))
    }

    fn decode(&self, to: Address, data: &Bytes) -> Option<Act> {
        let (market, _) = self.markets.iter().find(|(_, wanted)| wanted.contract == Some(to))?;
        super::pools::act(market, data)
    }
}
