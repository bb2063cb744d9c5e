//! ERC-4626 vaults.
//!
//! A vault that supplies everything to one configured market of Morpho Blue is looked through, and so is Aave's
//! `StataTokenV2` to its reserve; both are exact to the last unit, and that a vault is what it is said to be is
//! checked at every block, by its own `totalAssets` and `convertToAssets`.
//! Of any other vault the index is exact, its rate is the growth of the index over the last blocks, and what
//! can leave is its idle money, or what it tells the holder: never more than it says.

pub mod looked_through;
pub mod opaque;
mod read;
pub mod stata;
mod stata_read;

use super::aave_v3::read::Parts;
use super::morpho_blue::{self, read::MarketParams};
use super::multicall::{Batch, Slot};
use super::{RwCache, code_at, node, not_covered, same_address};
use alloy::primitives::{Address, B256, Bytes, keccak256};
use alloy::sol_types::{SolCall, SolValue};
use async_trait::async_trait;
use plimsoll_core::execution::BlockRef;
use plimsoll_core::units::{Amount, Ray};
use plimsoll_core::{ChainId, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::{Act, At, Cause, Fall, Protocol, Read};
use plimsoll_frame::LegFrame;
use read::{IMarket, IVault};
use serde::{Deserialize, Serialize};

/// The name under which it is configured where the settings give no other.
pub const NAME: &str = "erc4626";

/// Vaults of one protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erc4626Settings {
    /// The protocol's name: the first part of the market ids.
    #[serde(default = "default_name")]
    pub name: String,
    /// The chain's id.
    pub chain: u64,
    /// The vaults.
    pub markets: Vec<Erc4626Vault>,
}

fn default_name() -> String {
    NAME.to_owned()
}

/// A vault, and the market contract of ours that acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erc4626Vault {
    /// The vault.
    pub vault: Address,
    /// Our vault's market contract, where there is one; without it nothing is held.
    #[serde(default)]
    pub contract: Option<Address>,
    /// The one market that it supplies to, where it does.
    #[serde(default)]
    pub inner: Option<Inner>,
    /// Over how many blocks the growth of the index is taken, for a vault that is not looked through. Nodes
    /// that keep no archive know the last 128.
    #[serde(default = "default_window")]
    pub window_blocks: u64,
    /// For a vault that stakes and does not lend: the days before a withdrawal pays, 0 where it pays at once. A vault that is
    /// looked through is none.
    #[serde(default)]
    pub staking_days: Option<u32>,
}

fn default_window() -> u64 {
    100
}

/// What is inside a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Inner {
    /// One market of Morpho Blue.
    Morpho(InnerMorpho),
    /// A reserve of Aave V3: the vault is its `StataTokenV2`.
    Aave(InnerAave),
}

impl Inner {
    fn morpho(self) -> Option<InnerMorpho> {
        match self {
            Inner::Morpho(inner) => Some(inner),
            Inner::Aave(_) => None,
        }
    }

    fn aave(self) -> Option<InnerAave> {
        match self {
            Inner::Morpho(_) => None,
            Inner::Aave(inner) => Some(inner),
        }
    }

    /// The contract that holds what the vault supplies.
    fn contract(self) -> Address {
        match self {
            Inner::Morpho(inner) => inner.morpho,
            Inner::Aave(inner) => inner.aave_pool,
        }
    }
}

/// A pool of Aave V3 from v3.1 on, with a reserve of the vault's asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerAave {
    /// The pool.
    pub aave_pool: Address,
}

/// A market of Morpho Blue inside a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerMorpho {
    /// Morpho Blue.
    pub morpho: Address,
    /// What the market's parameters hash to.
    pub id: B256,
}

/// What of a vault cannot change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fixed {
    pub(super) asset: Address,
    pub(super) symbol: String,
    pub(super) decimals: u8,
    pub(super) share_decimals: u8,
    pub(super) params: Option<MarketParams>,
}

/// The adapter.
#[derive(Debug)]
pub struct Erc4626 {
    settings: Erc4626Settings,
    markets: Vec<(MarketId, Erc4626Vault)>,
    fixed: RwCache<Address, Fixed>,
    /// The contracts of the reserve inside a vault over Aave: remembered, and compared at every block.
    parts: RwCache<Address, Parts>,
}

type AskedFixed = (Slot<IVault::assetCall>, Slot<IVault::decimalsCall>, Option<AskedInner>);

/// What is asked of what is inside a vault.
pub(super) enum AskedInner {
    Morpho(B256, Slot<morpho_blue::read::IMorpho::idToMarketParamsCall>),
    Aave(Address, Slot<stata_read::IStata::POOLCall>),
}

impl Erc4626 {
    /// Returns the adapter of a protocol's vaults.
    #[must_use]
    pub fn new(settings: Erc4626Settings) -> Erc4626 {
        let chain = ChainId(settings.chain);
        let id =
            |vault: &Erc4626Vault| MarketId::new(&settings.name, chain, &vault.vault.to_string());
        let markets = settings.markets.iter().map(|vault| (id(vault), *vault)).collect();
        Erc4626 { markets, settings, fixed: RwCache::default(), parts: RwCache::default() }
    }

    fn place(&self) -> (&str, ChainId) {
        (&self.settings.name, ChainId(self.settings.chain))
    }

    fn find(&self, market: &MarketId) -> Option<&Erc4626Vault> {
        self.markets.iter().find(|(id, _)| id == market).map(|(_, vault)| vault)
    }

    /// Learns what cannot change of vaults that were not met before. Returns those that did not say.
    async fn learn(
        &self,
        nodes: &Nodes,
        at: &At,
    ) -> Result<Vec<(MarketId, AdapterError)>, AdapterError> {
        let mut batch = Batch::default();
        let unknown: Vec<(&MarketId, &Erc4626Vault, AskedFixed)> = self
            .markets
            .iter()
            .filter(|(_, wanted)| self.fixed.get(&wanted.vault).is_none())
            .map(|(market, wanted)| (market, wanted, read::ask_fixed(&mut batch, wanted)))
            .collect();
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let (mut missing, mut batch, mut named) = (Vec::new(), Batch::default(), Vec::new());
        for (market, wanted, (asset, decimals, inner)) in unknown {
            let about = market.as_str();
            let found = answers.get(asset, about).and_then(|asset| {
                let params = match inner {
                    None => None,
                    Some(AskedInner::Aave(pool, slot)) => {
                        let found = answers.get(slot, about)?;
                        same_address(about, wanted.vault, "POOL", (pool, found))?;
                        None
                    }
                    Some(AskedInner::Morpho(id, slot)) => {
                        let params = answers.get(slot, about)?;
                        let is_there = keccak256(params.abi_encode()) == id;
                        let lacks = "the market that it is said to supply to does not exist";
                        Some(params)
                            .filter(|_| is_there)
                            .ok_or_else(|| not_covered(market, at, lacks))?
                            .into()
                    }
                };
                Ok((asset, answers.get(decimals, about)?, params))
            });
            match found {
                Ok((asset, share_decimals, params)) => {
                    let slots = read::ask_token(&mut batch, asset);
                    named.push((market, wanted.vault, (asset, share_decimals, params), slots));
                }
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (market, vault, (asset, share_decimals, params), (symbol, decimals)) in named {
            let about = market.as_str();
            let symbol = answers.text(symbol, about);
            let found = symbol.and_then(|symbol| {
                let decimals = answers.get(decimals, about)?;
                Ok(Fixed { asset, symbol, decimals, share_decimals, params })
            });
            match found {
                Ok(fixed) => self.fixed.set(vault, fixed),
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        Ok(missing)
    }

    /// Reads the vaults of `wanted`; those whose reserve turns out to be another than remembered come back for
    /// another call.
    async fn round<'a>(
        &self,
        nodes: &Nodes,
        at: &At,
        wanted: &[&'a (MarketId, Erc4626Vault)],
        read: &mut Read,
    ) -> Result<Vec<&'a (MarketId, Erc4626Vault)>, AdapterError> {
        let (mut batch, mut asked) = (Batch::default(), Vec::new());
        for each in wanted {
            let vault = &each.1;
            if let Some(fixed) = self.fixed.get(&vault.vault) {
                let parts = self.parts.get(&vault.vault);
                let slots = read::ask(&mut batch, vault, (&fixed, parts));
                asked.push((*each, fixed, slots));
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let mut again = Vec::new();
        for (each, fixed, slots) in asked {
            let (market, vault) = each;
            let reserve = slots.reserve.as_ref();
            let reserve = reserve.map(|asked| stata_read::decode(&answers, asked, at, market));
            let row = read::decode(&answers, &slots, at, market);
            let found = match (row, reserve) {
                (Err(error), _) | (_, Some(Err(error))) => Err(error),
                (Ok(_), Some(Ok(stata_read::Found::Changed(parts)))) => {
                    self.parts.set(vault.vault, parts);
                    again.push(each);
                    continue;
                }
                (Ok(row), Some(Ok(stata_read::Found::Reserve(inner)))) => {
                    stata_read::reading(market, &fixed, at, row, *inner)
                }
                (Ok(row), None) if row.inner.is_some() => {
                    read::looked_through(market, &fixed, at, row)
                }
                (Ok(row), None) => {
                    let rate = read::growth(self, nodes, at, (market, vault, &fixed), &row).await;
                    rate.and_then(|rate| read::opaque((market, vault), &fixed, at, (row, rate)))
                }
            };
            match found {
                Ok(reading) => read.readings.push(reading),
                Err(error) => read.unreadable.push((market.clone(), error)),
            }
        }
        Ok(again)
    }

    /// A block with its time.
    async fn moment(&self, nodes: &Nodes, block: BlockRef) -> Result<At, AdapterError> {
        let failed = node(&self.settings.name, &At { block, timestamp: 0 });
        let timestamp = nodes.block(block.number).await.map_err(failed)?.timestamp;
        Ok(At { block, timestamp })
    }

    /// The index of the market inside a vault, accrued, at a block.
    async fn inner_index(
        &self,
        nodes: &Nodes,
        block: BlockRef,
        market: &MarketId,
        wanted: &Erc4626Vault,
    ) -> Result<Option<Ray>, AdapterError> {
        let inner = wanted.inner.and_then(Inner::morpho);
        let (Some(inner), Some(fixed)) = (inner, self.fixed.get(&wanted.vault)) else {
            return Ok(None);
        };
        let Some(params) = fixed.params else { return Ok(None) };
        let at = self.moment(nodes, block).await?;
        let mut batch = Batch::default();
        let asked = morpho_blue::read::ask_market(&mut batch, inner.morpho, inner.id, &params);
        let answers = batch.send(nodes, &at, self.place()).await?;
        let found = morpho_blue::read::decode_market(&answers, &asked, &at, market)?;
        let price = found.accrued(at.timestamp).and_then(|now| now.share_price());
        price.map(Some).map_err(|error| not_covered(market, &at, &error.to_string()))
    }
}

#[async_trait]
impl Protocol for Erc4626 {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn markets(&self) -> Vec<MarketId> {
        self.markets.iter().map(|(id, _)| id.clone()).collect()
    }

    async fn check(&self, nodes: &Nodes, at: &At) -> Result<(), AdapterError> {
        super::check_chain(nodes, at, self.place()).await?;
        for (market, wanted) in &self.markets {
            code_at(nodes, at, wanted.vault, market.as_str()).await?;
            if let Some(inner) = wanted.inner {
                code_at(nodes, at, inner.contract(), market.as_str()).await?;
            }
        }
        if let Some((_, error)) = self.learn(nodes, at).await?.into_iter().next() {
            return Err(error);
        }
        let mut batch = Batch::default();
        let mut asked = Vec::new();
        for (market, wanted) in &self.markets {
            let Some(fixed) = self.fixed.get(&wanted.vault) else { continue };
            let about = market.as_str();
            code_at(nodes, at, fixed.asset, about).await?;
            if let Some(params) = &fixed.params {
                same_address(about, wanted.vault, "asset", (params.loanToken, fixed.asset))?;
            }
            if let Some(contract) = wanted.contract {
                code_at(nodes, at, contract, about).await?;
                let asset = batch.ask(contract, &IMarket::assetCall {});
                let inner = batch.ask(contract, &IMarket::innerCall {});
                asked.push((about, contract, (fixed.asset, asset), (wanted.vault, inner)));
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (about, contract, (asset, named), (vault, inner)) in asked {
            same_address(about, contract, "asset", (asset, answers.get(named, about)?))?;
            same_address(about, contract, "inner", (vault, answers.get(inner, about)?))?;
        }
        // That a vault is what it is said to supply to shows in its figures.
        match self.read(nodes, at).await?.unreadable.into_iter().next() {
            Some((_, error @ AdapterError::Disagrees { .. })) => Err(error),
            _ => Ok(()),
        }
    }

    async fn read(&self, nodes: &Nodes, at: &At) -> Result<Read, AdapterError> {
        let mut read = Read { unreadable: self.learn(nodes, at).await?, readings: Vec::new() };
        let mut wanted: Vec<&(MarketId, Erc4626Vault)> = self.markets.iter().collect();
        // Once where everything is as remembered; a second time for reserves that are new or were replaced.
        for _ in 0..2 {
            if !wanted.is_empty() {
                wanted = self.round(nodes, at, &wanted, &mut read).await?;
            }
        }
        for (id, _) in wanted {
            let detail = "the pool named other contracts twice at one block";
            read.unreadable.push((id.clone(), not_covered(id, at, detail)));
        }
        let order = self.markets();
        let place = |id: &MarketId| order.iter().position(|market| market == id);
        read.readings.sort_by_key(|reading| place(&reading.market));
        Ok(read)
    }

    async fn attribute(
        &self,
        nodes: &Nodes,
        (from, to): (BlockRef, BlockRef),
        fallen: &[(MarketId, Ray, Ray)],
    ) -> Result<Vec<Fall>, AdapterError> {
        let now = self.moment(nodes, to).await?;
        self.learn(nodes, &now).await?;
        let mut falls = super::unexplained(fallen);
        for fall in &mut falls {
            let Some((market, wanted)) = self.markets.iter().find(|(id, _)| *id == fall.market)
            else {
                continue;
            };
            let Some(inner) = wanted.inner.and_then(Inner::morpho) else { continue };
            let before = self.inner_index(nodes, from, market, wanted).await?;
            let after = self.inner_index(nodes, to, market, wanted).await?;
            if matches!((before, after), (Some(before), Some(after)) if after < before) {
                let id = morpho_blue::market_id(self.settings.chain, inner.morpho, inner.id);
                fall.cause = Cause::Underlying { market: id.to_string() };
            }
        }
        Ok(falls)
    }

    /// Nobody borrows from a vault: the borrowers are those of the market inside it, which has an adapter of
    /// its own.
    async fn legs(&self, _nodes: &Nodes, at: &At, _from: u64) -> Result<LegFrame, AdapterError> {
        LegFrame::from_legs(Vec::new()).map_err(|error| AdapterError::NotCovered {
            about: self.settings.name.clone(),
            block: at.block.number,
            detail: error.to_string(),
        })
    }

    fn call(&self, action: &Act, holder: Address) -> Option<(Address, Bytes)> {
        let vault = self.find(&action.market)?.vault;
        let (assets, receiver) = (action.amount.0, holder);
        let data = if action.is_entry {
            IVault::depositCall { assets, receiver }.abi_encode()
        } else {
            IVault::withdrawCall { assets, receiver, owner: holder }.abi_encode()
        };
        Some((vault, data.into()))
    }

    fn decode(&self, to: Address, data: &Bytes) -> Option<Act> {
        let (market, _) = self.markets.iter().find(|(_, wanted)| wanted.vault == to)?;
        let (assets, is_entry) = match data.get(..4)? {
            selector if selector == IVault::depositCall::SELECTOR => {
                (IVault::depositCall::abi_decode_validate(data).ok()?.assets, true)
            }
            selector if selector == IVault::withdrawCall::SELECTOR => {
                (IVault::withdrawCall::abi_decode_validate(data).ok()?.assets, false)
            }
            _ => return None,
        };
        Some(Act { market: market.clone(), is_entry, amount: Amount(assets) })
    }
}
