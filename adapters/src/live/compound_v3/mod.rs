//! Compound III: the base asset of each `Comet`, which is what suppliers earn on. Collateral earns nothing and is not read.
//!
//! No package holds Comet's code, so this adapter was never run against it: its arithmetic is written from the published source
//! and held against the points that its own tests print, its calls against a stand-in. What the contract says of itself (its
//! totals, utilization and both curves at two points) is compared at every block, and a market that says otherwise is left out.
//! The vault has no market contract for it: what is held is the position of any `holder`. Its rewards in COMP are not read.

pub mod market;
mod read;

use super::morpho_blue::read::IToken;
use super::multicall::Batch;
use super::{RwCache, code_at};
use alloy::primitives::{Address, Bytes};
use alloy::sol_types::SolCall;
use async_trait::async_trait;
use plimsoll_core::execution::BlockRef;
use plimsoll_core::units::{Amount, Ray};
use plimsoll_core::{ChainId, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::{Act, At, Fall, Protocol, Read};
use plimsoll_frame::LegFrame;
use read::IComet;
use serde::{Deserialize, Serialize};

/// The protocol's name: the first part of its market ids.
pub const NAME: &str = "compound-v3";

/// Markets of Compound III.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompoundV3Settings {
    /// The chain's id.
    pub chain: u64,
    /// The markets.
    pub markets: Vec<CometMarket>,
}

/// One `Comet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CometMarket {
    /// The contract.
    pub comet: Address,
    /// The base asset, against which the contract is checked.
    pub asset: Address,
    /// Whose position is shown as held; nobody's without one.
    #[serde(default)]
    pub holder: Option<Address>,
}

/// What of a market cannot change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fixed {
    symbol: String,
    decimals: u8,
}

/// The adapter.
#[derive(Debug)]
pub struct CompoundV3 {
    chain: ChainId,
    markets: Vec<(MarketId, CometMarket)>,
    fixed: RwCache<MarketId, Fixed>,
}

impl CompoundV3 {
    /// Returns the adapter of some markets.
    #[must_use]
    pub fn new(settings: CompoundV3Settings) -> CompoundV3 {
        let chain = ChainId(settings.chain);
        let id = |market: &CometMarket| MarketId::new(NAME, chain, &market.comet.to_string());
        let markets = settings.markets.into_iter().map(|market| (id(&market), market)).collect();
        CompoundV3 { chain, markets, fixed: RwCache::default() }
    }

    fn place(&self) -> (&str, ChainId) {
        (NAME, self.chain)
    }

    /// Learns what cannot change of markets that were not met before. Returns those that did not say.
    async fn learn(
        &self,
        nodes: &Nodes,
        at: &At,
    ) -> Result<Vec<(MarketId, AdapterError)>, AdapterError> {
        let (mut batch, mut asked) = (Batch::default(), Vec::new());
        for (market, wanted) in &self.markets {
            if self.fixed.get(market).is_none() {
                let asset = batch.ask(wanted.comet, &IComet::baseTokenCall {});
                let symbol = batch.ask(wanted.asset, &IToken::symbolCall {});
                let decimals = batch.ask(wanted.asset, &IToken::decimalsCall {});
                asked.push((market, wanted, (asset, symbol, decimals)));
            }
        }
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let mut missing = Vec::new();
        for (market, wanted, (asset, symbol, decimals)) in asked {
            let about = market.as_str();
            let learnt = (|| {
                let found = answers.get(asset, about)?;
                super::same_address(about, wanted.comet, "baseToken", (wanted.asset, found))?;
                let symbol = answers.text(symbol, about)?;
                Ok(Fixed { symbol, decimals: answers.get(decimals, about)? })
            })();
            match learnt {
                Ok(fixed) => self.fixed.set(market.clone(), fixed),
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        Ok(missing)
    }
}

#[async_trait]
impl Protocol for CompoundV3 {
    fn name(&self) -> &str {
        NAME
    }

    fn markets(&self) -> Vec<MarketId> {
        self.markets.iter().map(|(id, _)| id.clone()).collect()
    }

    async fn check(&self, nodes: &Nodes, at: &At) -> Result<(), AdapterError> {
        super::check_chain(nodes, at, self.place()).await?;
        for (market, wanted) in &self.markets {
            for part in [wanted.comet, wanted.asset] {
                code_at(nodes, at, part, market.as_str()).await?;
            }
        }
        if let Some((_, error)) = self.learn(nodes, at).await?.into_iter().next() {
            return Err(error);
        }
        match self.read(nodes, at).await?.unreadable.into_iter().next() {
            Some((_, error @ AdapterError::Disagrees { .. })) => Err(error),
            _ => Ok(()),
        }
    }

    async fn read(&self, nodes: &Nodes, at: &At) -> Result<Read, AdapterError> {
        let mut read = Read { unreadable: self.learn(nodes, at).await?, readings: Vec::new() };
        let (mut batch, mut asked) = (Batch::default(), Vec::new());
        for (market, wanted) in &self.markets {
            if let Some(fixed) = self.fixed.get(market) {
                asked.push((market, wanted, fixed, read::ask(&mut batch, wanted)));
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (market, wanted, fixed, slots) in asked {
            let found = read::decode(&answers, &slots, (market, at));
            match found.and_then(|row| read::reading((market, at), wanted.asset, &fixed, row)) {
                Ok(reading) => read.readings.push(reading),
                Err(error) => read.unreadable.push((market.clone(), error)),
            }
        }
        Ok(read)
    }

    /// The index never falls: bad debt is borne by the reserves.
    async fn attribute(
        &self,
        _nodes: &Nodes,
        _blocks: (BlockRef, BlockRef),
        fallen: &[(MarketId, Ray, Ray)],
    ) -> Result<Vec<Fall>, AdapterError> {
        Ok(super::unexplained(fallen))
    }

    /// Borrowers and their collateral are not read, and that is said: an empty answer would mean that nobody borrows.
    async fn legs(&self, _nodes: &Nodes, at: &At, _from: u64) -> Result<LegFrame, AdapterError> {
        Err(AdapterError::NotCovered {
            about: NAME.to_owned(),
            block: at.block.number,
            detail: "its borrowers are not read".to_owned(),
        })
    }

    fn call(&self, action: &Act, _holder: Address) -> Option<(Address, Bytes)> {
        let (_, wanted) = self.markets.iter().find(|(id, _)| *id == action.market)?;
        let (asset, amount) = (wanted.asset, action.amount.0);
        let data = if action.is_entry {
            IComet::supplyCall { asset, amount }.abi_encode()
        } else {
            IComet::withdrawCall { asset, amount }.abi_encode()
        };
        Some((wanted.comet, data.into()))
    }

    fn decode(&self, to: Address, data: &Bytes) -> Option<Act> {
        let (market, wanted) = self.markets.iter().find(|(_, wanted)| wanted.comet == to)?;
        let (asset, amount, is_entry) = match data.get(..4)? {
            selector if selector == IComet::supplyCall::SELECTOR => {
                let call = IComet::supplyCall::abi_decode_validate(data).ok()?;
                (call.asset, call.amount, true)
            }
            selector if selector == IComet::withdrawCall::SELECTOR => {
                let call = IComet::withdrawCall::abi_decode_validate(data).ok()?;
                (call.asset, call.amount, false)
            }
            _ => return None,
        };
        let act = Act { market: market.clone(), is_entry, amount: Amount(amount) };
        (asset == wanted.asset).then_some(act)
    }
}
