//! Morpho Blue: one contract, a market for each configured id.
//!
//! Exact for markets with the adaptive curve or without a rate model. There is no cap and no switch: what
//! can leave is what nobody has borrowed. Bad debt falls on suppliers at once, and the event says how much.

mod legs;
pub mod market;
pub(crate) mod read;

use super::multicall::{Batch, Slot};
use super::{RwCache, code_at, node, not_covered, same_address};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use async_trait::async_trait;
use market::VIRTUAL_SHARES;
use plimsoll_core::execution::BlockRef;
use plimsoll_core::units::{Amount, Ray};
use plimsoll_core::{ChainId, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::{LogFilter, Nodes};
use plimsoll_execute::protocol::{Act, At, Cause, Fall, Protocol, Read};
use plimsoll_frame::LegFrame;
use read::{IAdaptiveCurve, IMarket, IMorpho, MarketParams};
use serde::{Deserialize, Serialize};

/// The name under which it is configured.
pub const NAME: &str = "morpho-blue";

/// A deployment and the markets of it that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MorphoBlueSettings {
    /// The chain's id.
    pub chain: u64,
    /// The contract that holds all markets.
    pub morpho: Address,
    /// The markets.
    pub markets: Vec<MorphoMarket>,
}

/// A market, and the market contract of the vault that acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MorphoMarket {
    /// What its parameters hash to.
    pub id: B256,
    /// The vault's market contract, where there is one; without it nothing is held.
    #[serde(default)]
    pub contract: Option<Address>,
    /// A Chainlink feed of the loan token in USD, for borrowers' legs. Morpho itself knows no dollar; without
    /// a feed only a loan token that is a dollar has legs.
    #[serde(default)]
    pub loan_feed: Option<Address>,
}

/// The adapter.
#[derive(Debug)]
pub struct MorphoBlue {
    settings: MorphoBlueSettings,
    markets: Vec<(MarketId, MorphoMarket)>,
    /// Parameters by id: they cannot change, since the id is their hash.
    params: RwCache<B256, MarketParams>,
}

/// The id of a market of Morpho Blue.
#[must_use]
pub fn market_id(chain: u64, morpho: Address, id: B256) -> MarketId {
    MarketId::new(NAME, ChainId(chain), &format!("{morpho}:{id}"))
}

impl MorphoBlue {
    /// Returns the adapter of a deployment.
    #[must_use]
    pub fn new(settings: MorphoBlueSettings) -> MorphoBlue {
        let id = |market: &MorphoMarket| market_id(settings.chain, settings.morpho, market.id);
        let markets = settings.markets.iter().map(|market| (id(market), *market)).collect();
        MorphoBlue { settings, markets, params: RwCache::default() }
    }

    fn place(&self) -> (&str, ChainId) {
        (NAME, ChainId(self.settings.chain))
    }

    fn find(&self, market: &MarketId) -> Option<&MorphoMarket> {
        self.markets.iter().find(|(id, _)| id == market).map(|(_, wanted)| wanted)
    }

    /// Learns the parameters of markets that were not met before. Returns those that have none.
    async fn learn(
        &self,
        nodes: &Nodes,
        at: &At,
    ) -> Result<Vec<(MarketId, AdapterError)>, AdapterError> {
        let mut batch = Batch::default();
        let unknown: Vec<(&MarketId, B256, Slot<IMorpho::idToMarketParamsCall>)> = self
            .markets
            .iter()
            .filter(|(_, wanted)| self.params.get(&wanted.id).is_none())
            .map(|(market, wanted)| {
                let call = IMorpho::idToMarketParamsCall { id: wanted.id };
                (market, wanted.id, batch.ask(self.settings.morpho, &call))
            })
            .collect();
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let mut missing = Vec::new();
        for (market, id, slot) in unknown {
            match answers.get(slot, market.as_str()) {
                // A market that was never created has parameters of zero, and they hash to another id.
                Ok(params) if keccak256(params.abi_encode()) == id => self.params.set(id, params),
                Ok(_) => {
                    missing
                        .push((market.clone(), not_covered(market, at, "there is no such market")));
                }
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        Ok(missing)
    }

    async fn totals(&self, nodes: &Nodes, block: BlockRef, id: B256) -> Result<U256, AdapterError> {
        let data = IMorpho::marketCall { id }.abi_encode().into();
        let at = At { block, timestamp: 0 };
        let answer = nodes.call(self.settings.morpho, &data, block.hash).await;
        let answer = answer.map_err(node(NAME, &at))?;
        let totals = IMorpho::marketCall::abi_decode_returns(&answer).map_err(|error| {
            let (about, call) = (NAME.to_owned(), IMorpho::marketCall::SIGNATURE);
            let (contract, block, detail) = (self.settings.morpho, block.number, error.to_string());
            AdapterError::Call { about, contract, block, call, detail }
        })?;
        Ok(U256::from(totals.totalSupplyShares))
    }

    /// The bad debt that was put on suppliers of a market after the first block, up to the second.
    async fn bad_debt(
        &self,
        nodes: &Nodes,
        (from, to): (BlockRef, BlockRef),
        id: B256,
    ) -> Result<Amount, AdapterError> {
        let filter = LogFilter {
            contract: self.settings.morpho,
            events: vec![IMorpho::Liquidate::SIGNATURE_HASH],
            first: vec![id],
        };
        let at = At { block: to, timestamp: 0 };
        let logs = nodes.logs(&filter, from.number.saturating_add(1), to).await;
        let mut sum = Amount::ZERO;
        for log in logs.map_err(node(NAME, &at))? {
            let event = IMorpho::Liquidate::decode_raw_log(log.topics.iter().copied(), &log.data);
            let event = event.map_err(|error| AdapterError::NotCovered {
                about: NAME.to_owned(),
                block: log.block(),
                detail: format!("an event Liquidate in another form: {error}"),
            })?;
            sum = sum.saturating_add(Amount(event.badDebtAssets));
        }
        Ok(sum)
    }

    /// Whether putting `bad_debt` back onto the index after would bring it to what it was, on the fewer
    /// shares of both ends.
    async fn explains(
        &self,
        nodes: &Nodes,
        blocks: (BlockRef, BlockRef),
        (id, bad_debt): (B256, Amount),
        (before, after): (Ray, Ray),
    ) -> Result<bool, AdapterError> {
        let first = self.totals(nodes, blocks.0, id).await?;
        let shares = first.min(self.totals(nodes, blocks.1, id).await?);
        let million = Ray::ONE.0.saturating_mul(VIRTUAL_SHARES);
        let back =
            bad_debt.mul_div_down(Amount(million), Amount(shares.saturating_add(VIRTUAL_SHARES)));
        let back = back.unwrap_or_default().0.saturating_add(after.0);
        Ok(!bad_debt.is_zero() && back >= before.0)
    }
}

#[async_trait]
impl Protocol for MorphoBlue {
    fn name(&self) -> &str {
        NAME
    }

    fn markets(&self) -> Vec<MarketId> {
        self.markets.iter().map(|(id, _)| id.clone()).collect()
    }

    async fn check(&self, nodes: &Nodes, at: &At) -> Result<(), AdapterError> {
        let morpho = self.settings.morpho;
        super::check_chain(nodes, at, self.place()).await?;
        code_at(nodes, at, morpho, NAME).await?;
        if let Some((_, error)) = self.learn(nodes, at).await?.into_iter().next() {
            return Err(error);
        }
        let mut batch = Batch::default();
        let mut asked = Vec::new();
        for (market, wanted) in &self.markets {
            let about = market.as_str();
            let Some(params) = self.params.get(&wanted.id) else { continue };
            code_at(nodes, at, params.loanToken, about).await?;
            let model = if params.irm.is_zero() {
                None
            } else {
                code_at(nodes, at, params.irm, about).await?;
                Some(batch.ask(params.irm, &IAdaptiveCurve::MORPHOCall {}))
            };
            let contract = match wanted.contract {
                Some(contract) => {
                    code_at(nodes, at, contract, about).await?;
                    let asset = batch.ask(contract, &IMarket::assetCall {});
                    let of = batch.ask(contract, &IMarket::morphoCall {});
                    Some((contract, asset, of, batch.ask(contract, &IMarket::idCall {})))
                }
                None => None,
            };
            asked.push((about, wanted.id, params, model, contract));
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (about, id, params, model, contract) in asked {
            if let Some(model) = model {
                let found = answers.get(model, about)?;
                same_address(about, params.irm, "MORPHO", (morpho, found))?;
            }
            if let Some((contract, asset, of, named)) = contract {
                let asset = answers.get(asset, about)?;
                same_address(about, contract, "asset", (params.loanToken, asset))?;
                same_address(about, contract, "morpho", (morpho, answers.get(of, about)?))?;
                let found = answers.get(named, about)?;
                if found != id {
                    let (about, field) = (about.to_owned(), "id");
                    let (expected, found) = (id.to_string(), found.to_string());
                    return Err(AdapterError::Mismatch { about, contract, field, expected, found });
                }
            }
        }
        Ok(())
    }

    async fn read(&self, nodes: &Nodes, at: &At) -> Result<Read, AdapterError> {
        let mut read = Read { unreadable: self.learn(nodes, at).await?, readings: Vec::new() };
        let mut batch = Batch::default();
        let mut asked = Vec::new();
        for (market, wanted) in &self.markets {
            if let Some(params) = self.params.get(&wanted.id) {
                let slots = read::ask(&mut batch, self.settings.morpho, wanted, &params);
                asked.push((market, params.loanToken, slots));
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (market, asset, slots) in asked {
            let found = read::decode(&answers, &slots, at, market);
            match found.and_then(|row| read::row(market, asset, at, row)) {
                Ok(reading) => read.readings.push(reading),
                Err(error) => read.unreadable.push((market.clone(), error)),
            }
        }
        Ok(read)
    }

    async fn attribute(
        &self,
        nodes: &Nodes,
        blocks: (BlockRef, BlockRef),
        fallen: &[(MarketId, Ray, Ray)],
    ) -> Result<Vec<Fall>, AdapterError> {
        let mut falls = Vec::with_capacity(fallen.len());
        for (market, before, after) in fallen {
            let mut cause = Cause::Unexplained;
            if let Some(wanted) = self.find(market) {
                let amount = self.bad_debt(nodes, blocks, wanted.id).await?;
                let prices = (*before, *after);
                if self.explains(nodes, blocks, (wanted.id, amount), prices).await? {
                    cause = Cause::BadDebt { amount };
                }
            }
            falls.push(Fall { market: market.clone(), before: *before, after: *after, cause });
        }
        Ok(falls)
    }

    async fn legs(&self, nodes: &Nodes, at: &At, from: u64) -> Result<LegFrame, AdapterError> {
        legs::read(self, nodes, at, from).await
    }

    /// A call needs the market's parameters, which are known once it was read or checked.
    fn call(&self, action: &Act, holder: Address) -> Option<(Address, Bytes)> {
        let params = self.params.get(&self.find(&action.market)?.id)?;
        let (assets, shares, on_behalf) = (action.amount.0, U256::ZERO, holder);
        let data = if action.is_entry {
            let data = Bytes::new();
            IMorpho::supplyCall { params, assets, shares, onBehalf: on_behalf, data }.abi_encode()
        } else {
            let call = IMorpho::withdrawCall {
                params,
                assets,
                shares,
                onBehalf: on_behalf,
                receiver: holder,
            };
            call.abi_encode()
        };
        Some((self.settings.morpho, data.into()))
    }

    fn decode(&self, to: Address, data: &Bytes) -> Option<Act> {
        if to != self.settings.morpho {
            return None;
        }
        let (params, assets, shares, is_entry) = match data.get(..4)? {
            selector if selector == IMorpho::supplyCall::SELECTOR => {
                let call = IMorpho::supplyCall::abi_decode_validate(data).ok()?;
                (call.params, call.assets, call.shares, true)
            }
            selector if selector == IMorpho::withdrawCall::SELECTOR => {
                let call = IMorpho::withdrawCall::abi_decode_validate(data).ok()?;
                (call.params, call.assets, call.shares, false)
            }
            _ => return None,
        };
        let id = keccak256(params.abi_encode());
        let (market, _) = self.markets.iter().find(|(_, wanted)| wanted.id == id)?;
        let act = Act { market: market.clone(), is_entry, amount: Amount(assets) };
        shares.is_zero().then_some(act)
    }
}
