//! Ranges of Uniswap V3 pools, each held by a market contract of the vault.
//!
//! Everything is read by one call: the pool with the ticks around its price, the position with its fees, what the market
//! contract says of itself, and its oracle. What it is worth and what can leave is reckoned anew with the arithmetic of
//! `plimsoll-core` and has to equal the contract's own words. A price that is not fresh is shown as the contract values by it,
//! and lets nothing in or out. Rewards of a staked position are read; which campaign to stake for is not decided here.

pub mod act;
pub mod holding;
pub mod quote;
pub(crate) mod read;
mod reading;

use super::morpho_blue::read::IToken;
use super::multicall::{Batch, Slot};
use super::{RwCache, code_at, not_covered, same_address};
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;
use async_trait::async_trait;
use holding::Setting;
use plimsoll_core::execution::BlockRef;
use plimsoll_core::units::{Amount, Ray};
use plimsoll_core::{ChainId, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::{Act, At, Fall, Protocol, Read};
use plimsoll_frame::LegFrame;
use read::{Found, IMarket, IOracle, ISwap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The protocol's name: the first part of its market ids.
pub const NAME: &str = "uniswap-v3";
/// Reads of a market at one block: what is remembered of it, its words and its ticks may each have changed once.
const ROUNDS: usize = 4;

/// Markets in pools of Uniswap V3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UniswapV3Settings {
    /// The chain's id.
    pub chain: u64,
    /// The markets.
    pub markets: Vec<V3Market>,
}

/// A pool, and the market contract of ours that holds a range of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct V3Market {
    /// The pool.
    pub pool: Address,
    /// The vault's asset, one of the pool's tokens.
    pub asset: Address,
    /// Worth of the other token in the asset: the market contract's oracle.
    pub oracle: Address,
    /// Our vault's market contract, where there is one; without it nothing is held, and the market is named by the pool's fee.
    #[serde(default)]
    pub contract: Option<Address>,
    /// The pool's fee in millionths.
    pub fee: u32,
    /// The contract by which it is named, once that was forgotten.
    #[serde(skip)]
    named: Option<Address>,
}

impl V3Market {
    /// A pool with its fee in millionths, the asset of the vault and the oracle of the other token; without a market contract.
    #[must_use]
    pub fn new((pool, fee): (Address, u32), asset: Address, oracle: Address) -> V3Market {
        V3Market { pool, asset, oracle, contract: None, fee, named: None }
    }

    /// Forgets the market contract, and keeps the market's name.
    pub fn forget_contract(&mut self) {
        self.named = self.contract.take().or(self.named);
    }

    /// The market's id.
    #[must_use]
    pub fn id(&self, chain: u64) -> MarketId {
        let detail = self.contract.or(self.named);
        let detail = detail.map_or_else(|| self.fee.to_string(), |contract| contract.to_string());
        MarketId::new(NAME, ChainId(chain), &format!("{}:{detail}", self.pool))
    }
}

/// What of a market cannot change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fixed {
    symbol: String,
    other_symbol: String,
    /// Token 0 and token 1.
    tokens: (Address, Address),
    fee: u32,
    spacing: i32,
    setting: Setting,
    /// What swapping costs, as a share; of the asset and the other token, and of the reward.
    swap_fee: f64,
    reward_fee: f64,
    /// The oracle's feeds with their heartbeats, seconds.
    feeds: Vec<(Address, u32)>,
    campaign: Option<Campaign>,
}

/// What a staked position is paid in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Campaign {
    staker: Address,
    reward: Address,
    decimals: u8,
    /// The reward's oracle; `None` where it is the asset.
    oracle: Option<Address>,
}

/// What changes seldom, is remembered, and is compared at every block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// The tick around which the bitmap is read.
    tick: i32,
    token: U256,
    range: (i32, i32),
    /// The incentive that it is staked for.
    stake: Option<(U256, U256, Address)>,
    /// The ticks in use around the price.
    ticks: BTreeSet<i32>,
}

/// The adapter.
#[derive(Debug)]
pub struct UniswapV3 {
    chain: ChainId,
    markets: Vec<(MarketId, V3Market)>,
    fixed: RwCache<MarketId, Fixed>,
    parts: RwCache<MarketId, Parts>,
}

/// What is asked of a market once its parts are known.
struct AskedTokens {
    names: (Slot<IToken::symbolCall>, Slot<IToken::symbolCall>),
    decimals: (Slot<IToken::decimalsCall>, Slot<IToken::decimalsCall>),
    swap_pool: Option<Slot<ISwap::poolCall>>,
    reward_decimals: Option<Slot<IToken::decimalsCall>>,
}

impl UniswapV3 {
    /// Returns the adapter of some markets.
    #[must_use]
    pub fn new(settings: UniswapV3Settings) -> UniswapV3 {
        let chain = settings.chain;
        let markets = settings.markets.into_iter().map(|market| (market.id(chain), market));
        UniswapV3 {
            chain: ChainId(chain),
            markets: markets.collect(),
            fixed: RwCache::default(),
            parts: RwCache::default(),
        }
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
        let mut batch = Batch::default();
        let mut unknown = Vec::new();
        for (market, wanted) in &self.markets {
            if self.fixed.get(market).is_none() {
                unknown.push((market, wanted, read::ask_fixed(&mut batch, wanted)));
            }
        }
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let (mut missing, mut batch, mut second) = (Vec::new(), Batch::default(), Vec::new());
        for (market, wanted, asked) in unknown {
            match first(&answers, &asked, (market, at), wanted) {
                Ok((fixed, swap)) => {
                    let tokens = ask_tokens(&mut batch, wanted, &fixed, swap);
                    second.push((market, wanted, fixed, tokens));
                }
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (market, wanted, mut fixed, asked) in second {
            let about = market.as_str();
            let learnt = (|| {
                fixed.symbol = answers.text(asked.names.0, about)?;
                fixed.other_symbol = answers.text(asked.names.1, about)?;
                fixed.setting.decimals =
                    (answers.get(asked.decimals.0, about)?, answers.get(asked.decimals.1, about)?);
                // A swap contract that names no pool swaps elsewhere.
                let pool = asked.swap_pool.and_then(|slot| answers.get(slot, about).ok());
                fixed.setting.swaps_here = pool == Some(wanted.pool);
                if let Some((campaign, slot)) = fixed.campaign.as_mut().zip(asked.reward_decimals) {
                    campaign.decimals = answers.get(slot, about)?;
                }
                Ok(())
            })();
            match learnt {
                Ok(()) => self.fixed.set(market.clone(), fixed),
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        Ok(missing)
    }

    /// Reads the markets of `wanted`; those of which something turns out to be other than remembered come back for
    /// another call.
    async fn round<'a>(
        &self,
        nodes: &Nodes,
        at: &At,
        wanted: &[&'a (MarketId, V3Market)],
        read: &mut Read,
    ) -> Result<Vec<&'a (MarketId, V3Market)>, AdapterError> {
        let (mut batch, mut asked) = (Batch::default(), Vec::new());
        for each in wanted {
            let (market, place) = each;
            if let Some(fixed) = self.fixed.get(market) {
                let parts = self.parts.get(market);
                let slots = read::ask(&mut batch, place, &fixed, parts.as_ref());
                asked.push((*each, fixed, parts, slots));
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let mut again = Vec::new();
        for (each, fixed, parts, slots) in asked {
            let (market, place) = each;
            let known = (&fixed, parts.as_ref());
            let found = read::decode((&answers, &slots), (market, at), known);
            let reading = match found {
                Ok(Found::Changed(parts)) => {
                    self.parts.set(market.clone(), parts);
                    again.push(each);
                    continue;
                }
                Ok(Found::Row(row)) => reading::reading((market, at), place, &fixed, *row),
                Err(error) => Err(error),
            };
            match reading {
                Ok(reading) => read.readings.push(reading),
                Err(error) => read.unreadable.push((market.clone(), error)),
            }
        }
        Ok(again)
    }
}

/// What a first call tells of a market that does not change, and its swap contract.
fn first(
    answers: &super::multicall::Answers,
    asked: &read::AskedFixed,
    (market, at): (&MarketId, &At),
    wanted: &V3Market,
) -> Result<(Fixed, Option<Address>), AdapterError> {
    let about = market.as_str();
    let tokens = (answers.get(asked.tokens.0, about)?, answers.get(asked.tokens.1, about)?);
    let is_asset_zero = tokens.0 == wanted.asset;
    if !is_asset_zero && tokens.1 != wanted.asset {
        same_address(about, wanted.pool, "asset", (wanted.asset, tokens.1))?;
    }
    let fee = answers.get(asked.fee, about)?.to::<u32>();
    if fee != wanted.fee {
        let (expected, found) = (wanted.fee.to_string(), fee.to_string());
        let (about, contract) = (about.to_owned(), wanted.pool);
        return Err(AdapterError::Mismatch { about, contract, field: "fee", expected, found });
    }
    let spacing = answers.get(asked.spacing, about)?.as_i32();
    if spacing <= 0 {
        return Err(not_covered(market, at, "a pool without a spacing of ticks"));
    }
    let mut setting = read::setting_without((0, 0), is_asset_zero);
    let (mut campaign, mut swap) = (None, None);
    if let Some(slots) = &asked.contract {
        let contract = wanted.contract.unwrap_or_default();
        let named =
            |field, expected, found| same_address(about, contract, field, (expected, found));
        named("asset", wanted.asset, answers.get(slots.asset, about)?)?;
        named("pool", wanted.pool, answers.get(slots.pool, about)?)?;
        named("oracle", wanted.oracle, answers.get(slots.oracle, about)?)?;
        setting.manager = answers.get(slots.manager, about)?;
        setting.bounds = read::bounds(answers, slots, about)?;
        swap = Some(answers.get(slots.swap, about)?);
        let (staker, reward) =
            (answers.get(slots.staker, about)?, answers.get(slots.reward, about)?);
        let oracle = answers.get(slots.reward_oracle, about)?;
        let oracle = (reward != wanted.asset).then_some(oracle);
        campaign = (!staker.is_zero()).then_some(Campaign { staker, reward, decimals: 0, oracle });
    }
    // An oracle of another kind than ours does not name its feeds: how long its price lasts is then unknown.
    let feeds = answers.get(asked.feeds, about).ok();
    let feeds = feeds.into_iter().flat_map(|feeds| [feeds.base, feeds.over]);
    let feeds = feeds.filter(|each: &IOracle::Feed| !each.feed.is_zero());
    let share = f64::from(fee) / 1e6;
    let fixed = Fixed {
        symbol: String::new(),
        other_symbol: String::new(),
        tokens,
        fee,
        spacing,
        setting,
        swap_fee: share,
        reward_fee: share,
        feeds: feeds.map(|each| (each.feed, each.heartbeat)).collect(),
        campaign,
    };
    Ok((fixed, swap))
}

fn ask_tokens(
    batch: &mut Batch,
    wanted: &V3Market,
    fixed: &Fixed,
    swap: Option<Address>,
) -> AskedTokens {
    let (zero, one) = fixed.tokens;
    let other = if fixed.setting.is_asset_zero { one } else { zero };
    let mut name = |token| batch.ask(token, &IToken::symbolCall {});
    let names = (name(wanted.asset), name(other));
    let mut places = |token| batch.ask(token, &IToken::decimalsCall {});
    let decimals = (places(wanted.asset), places(other));
    let reward_decimals = fixed.campaign.as_ref().map(|campaign| places(campaign.reward));
    let swap_pool = swap.map(|swap| batch.ask(swap, &ISwap::poolCall {}));
    AskedTokens { names, decimals, swap_pool, reward_decimals }
}

#[async_trait]
impl Protocol for UniswapV3 {
    fn name(&self) -> &str {
        NAME
    }

    fn markets(&self) -> Vec<MarketId> {
        self.markets.iter().map(|(id, _)| id.clone()).collect()
    }

    async fn check(&self, nodes: &Nodes, at: &At) -> Result<(), AdapterError> {
        super::check_chain(nodes, at, self.place()).await?;
        for (market, wanted) in &self.markets {
            let parts =
                [Some(wanted.pool), Some(wanted.asset), Some(wanted.oracle), wanted.contract];
            for part in parts.into_iter().flatten() {
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
        let mut wanted: Vec<&(MarketId, V3Market)> = self.markets.iter().collect();
        // Once where everything is as remembered.
        for _ in 0..ROUNDS {
            if !wanted.is_empty() {
                wanted = self.round(nodes, at, &wanted, &mut read).await?;
            }
        }
        for (id, _) in wanted {
            let detail = "the pool gave other ticks again and again at one block";
            read.unreadable.push((id.clone(), not_covered(id, at, detail)));
        }
        let order = self.markets();
        let place = |id: &MarketId| order.iter().position(|market| market == id);
        read.readings.sort_by_key(|reading| place(&reading.market));
        Ok(read)
    }

    /// The index is the root of a price, which falls without a loss of anybody's: no event of the pool explains it.
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
        LegFrame::from_legs(Vec::new()).map_err(|error| AdapterError::NotCovered {
            about: NAME.to_owned(),
            block: at.block.number,
            detail: error.to_string(),
        })
    }

    /// The market contract's own call, into the range that it has: a range takes two tokens, which no one call of the pool
    /// makes of one. The vault alone may make it.
    fn call(&self, action: &Act, _holder: Address) -> Option<(Address, Bytes)> {
        let (_, wanted) = self.markets.iter().find(|(id, _)| *id == action.market)?;
        let assets = action.amount.0;
        let data = if action.is_entry {
            IMarket::depositCall { assets, data: Bytes::new() }.abi_encode()
        } else {
            IMarket::withdrawCall { assets }.abi_encode()
        };
        Some((wanted.contract?, data.into()))
    }

    fn decode(&self, to: Address, data: &Bytes) -> Option<Act> {
        let (market, _) = self.markets.iter().find(|(_, wanted)| wanted.contract == Some(to))?;
        let (assets, is_entry) = match data.get(..4)? {
            selector if selector == IMarket::depositCall::SELECTOR => {
                (IMarket::depositCall::abi_decode_validate(data).ok()?.assets, true)
            }
            selector if selector == IMarket::withdrawCall::SELECTOR => {
                (IMarket::withdrawCall::abi_decode_validate(data).ok()?.assets, false)
            }
            _ => return None,
        };
        Some(Act { market: market.clone(), is_entry, amount: Amount(assets) })
    }
}
