//! Pairs of Uniswap V2, each held by a market contract of the vault, staked in a StakingRewards contract or not.
//!
//! Everything is read by one call: the pair, the campaign, what the market contract says of itself, and its oracles. What it
//! is worth and what can leave is reckoned anew with the arithmetic of `plimsoll-core` and has to equal the contract's own
//! words. A price that is not fresh is shown as the contract values by it, and lets nothing in or out.

pub mod act;
pub mod holding;
mod math;
mod read;
mod reading;

use super::morpho_blue::read::IToken;
use super::multicall::{Answers, Batch, Slot};
use super::oracle::{AskedPlaces, Feeds};
use super::{RwCache, code_at, same_address};
use alloy::primitives::{Address, Bytes};
use async_trait::async_trait;
use holding::Setting;
use plimsoll_core::execution::BlockRef;
use plimsoll_core::units::Ray;
use plimsoll_core::{ChainId, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::{Act, At, Fall, Protocol, Read};
use plimsoll_frame::LegFrame;
use serde::{Deserialize, Serialize};

/// The protocol's name: the first part of its market ids.
pub const NAME: &str = "uniswap-v2";

/// Markets in pairs of Uniswap V2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UniswapV2Settings {
    /// The chain's id.
    pub chain: u64,
    /// The markets.
    pub markets: Vec<V2Market>,
}

/// A pair, and the market contract of ours that holds shares of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct V2Market {
    /// The pair.
    pub pair: Address,
    /// The vault's asset, one of the pair's tokens.
    pub asset: Address,
    /// Worth of the other token in the asset: the market contract's oracle.
    pub oracle: Address,
    /// StakingRewards for the pair's shares, where they are staked.
    #[serde(default)]
    pub staking: Option<Address>,
    /// Worth of the reward in the asset; none where the reward is the asset.
    #[serde(default)]
    pub reward_oracle: Option<Address>,
    /// Our vault's market contract, where there is one; without it nothing is held, and the market is named by the asset.
    #[serde(default)]
    pub contract: Option<Address>,
    /// The contract by which it is named, once that was forgotten.
    #[serde(skip)]
    named: Option<Address>,
}

impl V2Market {
    /// A pair, the asset of the vault and the oracle of the other token; without staking and without a market contract.
    #[must_use]
    pub fn new(pair: Address, asset: Address, oracle: Address) -> V2Market {
        let (staking, reward_oracle, contract, named) = (None, None, None, None);
        V2Market { pair, asset, oracle, staking, reward_oracle, contract, named }
    }

    /// Forgets the market contract, and keeps the market's name.
    pub fn forget_contract(&mut self) {
        self.named = self.contract.take().or(self.named);
    }

    /// The market's id: two market contracts of one pair are two markets.
    #[must_use]
    pub fn id(&self, chain: u64) -> MarketId {
        let detail = self.contract.or(self.named).unwrap_or(self.asset);
        MarketId::new(NAME, ChainId(chain), &format!("{}:{detail}", self.pair))
    }
}

/// What of a market cannot change.
#[derive(Debug, Clone, PartialEq)]
struct Fixed {
    symbol: String,
    other_symbol: String,
    /// Token 0 and token 1.
    tokens: (Address, Address),
    factory: Address,
    setting: Setting,
    feeds: Option<Feeds>,
    campaign: Option<Campaign>,
    /// What selling the reward costs beside the oracle's band, as a share.
    reward_fee: f64,
}

/// What staked shares are paid in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Campaign {
    staking: Address,
    reward: Address,
    decimals: u8,
    priced: Priced,
}

/// How a reward is priced.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Priced {
    /// It is the asset.
    Asset,
    /// By an oracle.
    By(Address, Option<Box<Feeds>>),
    /// By nothing that is known.
    Unknown,
}

/// The adapter.
#[derive(Debug)]
pub struct UniswapV2 {
    chain: ChainId,
    markets: Vec<(MarketId, V2Market)>,
    fixed: RwCache<MarketId, Fixed>,
}

/// What is asked of a market once its parts are known.
struct AskedTokens {
    names: (Slot<IToken::symbolCall>, Slot<IToken::symbolCall>),
    decimals: (Slot<IToken::decimalsCall>, Slot<IToken::decimalsCall>),
    feeds: Option<AskedPlaces>,
    reward: Option<Slot<IToken::decimalsCall>>,
    reward_feeds: Option<AskedPlaces>,
}

impl UniswapV2 {
    /// Returns the adapter of some markets.
    #[must_use]
    pub fn new(settings: UniswapV2Settings) -> UniswapV2 {
        let chain = settings.chain;
        let markets = settings.markets.into_iter().map(|market| (market.id(chain), market));
        let fixed = RwCache::default();
        UniswapV2 { chain: ChainId(chain), markets: markets.collect(), fixed }
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
            match first(&answers, &asked, market.as_str(), wanted) {
                Ok(fixed) => {
                    let tokens = ask_tokens(&mut batch, wanted, &fixed);
                    second.push((market, fixed, tokens));
                }
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (market, fixed, asked) in second {
            match named(&answers, &asked, market.as_str(), fixed) {
                Ok(fixed) => self.fixed.set(market.clone(), fixed),
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        Ok(missing)
    }
}

/// What a first call tells of a market that does not change.
fn first(
    answers: &Answers,
    asked: &read::AskedFixed,
    about: &str,
    wanted: &V2Market,
) -> Result<Fixed, AdapterError> {
    let tokens = (answers.get(asked.tokens.0, about)?, answers.get(asked.tokens.1, about)?);
    let is_asset_zero = tokens.0 == wanted.asset;
    if !is_asset_zero {
        same_address(about, wanted.pair, "asset", (wanted.asset, tokens.1))?;
    }
    let mut setting = Setting::default();
    if let Some((slots, contract)) = asked.contract.as_ref().zip(wanted.contract) {
        let named =
            |field, expected, found| same_address(about, contract, field, (expected, found));
        named("asset", wanted.asset, answers.get(slots.asset, about)?)?;
        named("pair", wanted.pair, answers.get(slots.pair, about)?)?;
        named("oracle", wanted.oracle, answers.get(slots.oracle, about)?)?;
        let staking = wanted.staking.unwrap_or_default();
        named("staking", staking, answers.get(slots.staking, about)?)?;
        let oracle = wanted.reward_oracle.unwrap_or_default();
        named("rewardOracle", oracle, answers.get(slots.reward_oracle, about)?)?;
        setting = read::setting(answers, slots, about)?;
    }
    let mut campaign = None;
    if let Some(((staked, reward), staking)) = asked.staking.zip(wanted.staking) {
        let staked = answers.get(staked, about)?;
        same_address(about, staking, "stakingToken", (wanted.pair, staked))?;
        let reward = answers.get(reward, about)?;
        let feeds = asked.reward_feeds.as_ref();
        let feeds = feeds.and_then(|asked| Feeds::decode(answers, asked, about));
        let priced = match wanted.reward_oracle {
            _ if reward == wanted.asset => Priced::Asset,
            Some(oracle) => Priced::By(oracle, feeds.map(Box::new)),
            None => Priced::Unknown,
        };
        campaign = Some(Campaign { staking, reward, decimals: 0, priced });
    }
    Ok(Fixed {
        symbol: String::new(),
        other_symbol: String::new(),
        tokens,
        factory: answers.get(asked.factory, about)?,
        setting: Setting { is_asset_zero, ..setting },
        feeds: Feeds::decode(answers, &asked.feeds, about),
        campaign,
        reward_fee: reading::FEE,
    })
}

fn ask_tokens(batch: &mut Batch, wanted: &V2Market, fixed: &Fixed) -> AskedTokens {
    let (zero, one) = fixed.tokens;
    let other = if fixed.setting.is_asset_zero { one } else { zero };
    let mut name = |token| batch.ask(token, &IToken::symbolCall {});
    let names = (name(wanted.asset), name(other));
    let mut places = |token| batch.ask(token, &IToken::decimalsCall {});
    let decimals = (places(wanted.asset), places(other));
    let reward = fixed.campaign.as_ref().map(|campaign| places(campaign.reward));
    let reward_feeds = match &fixed.campaign {
        Some(Campaign { priced: Priced::By(_, Some(feeds)), .. }) => Some(feeds.ask_places(batch)),
        _ => None,
    };
    let feeds = fixed.feeds.as_ref().map(|feeds| feeds.ask_places(batch));
    AskedTokens { names, decimals, feeds, reward, reward_feeds }
}

/// What a second call tells.
fn named(
    answers: &Answers,
    asked: &AskedTokens,
    about: &str,
    mut fixed: Fixed,
) -> Result<Fixed, AdapterError> {
    fixed.symbol = answers.text(asked.names.0, about)?;
    fixed.other_symbol = answers.text(asked.names.1, about)?;
    let (asset, other) =
        (answers.get(asked.decimals.0, about)?, answers.get(asked.decimals.1, about)?);
    fixed.setting.decimals = (asset, other);
    let scaled = |feeds: Option<Feeds>, places: &Option<AskedPlaces>, token| {
        let (feeds, places) = feeds.zip(places.as_ref())?;
        feeds.scaled((answers, places), (asset, token), about)
    };
    fixed.feeds = scaled(fixed.feeds, &asked.feeds, other);
    if let Some((campaign, slot)) = fixed.campaign.as_mut().zip(asked.reward) {
        campaign.decimals = answers.get(slot, about)?;
        if let Priced::By(_, feeds) = &mut campaign.priced {
            let found = feeds.take().map(|feeds| *feeds);
            *feeds = scaled(found, &asked.reward_feeds, campaign.decimals).map(Box::new);
        }
    }
    Ok(fixed)
}

#[async_trait]
impl Protocol for UniswapV2 {
    fn name(&self) -> &str {
        NAME
    }

    fn markets(&self) -> Vec<MarketId> {
        self.markets.iter().map(|(id, _)| id.clone()).collect()
    }

    async fn check(&self, nodes: &Nodes, at: &At) -> Result<(), AdapterError> {
        super::check_chain(nodes, at, self.place()).await?;
        for (market, wanted) in &self.markets {
            let parts = [Some(wanted.pair), Some(wanted.asset), Some(wanted.oracle)];
            let more = [wanted.staking, wanted.reward_oracle, wanted.contract];
            for part in parts.into_iter().chain(more).flatten() {
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
                let slots = read::ask(&mut batch, wanted, &fixed);
                asked.push((market, wanted, fixed, slots));
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (market, wanted, fixed, slots) in asked {
            let row = read::decode((&answers, &slots), (market.as_str(), at), &fixed);
            let reading = row.and_then(|row| reading::reading((market, at), wanted, &fixed, row));
            match reading {
                Ok(reading) => read.readings.push(reading),
                Err(error) => read.unreadable.push((market.clone(), error)),
            }
        }
        Ok(read)
    }

    /// The index is the root of a price, which falls without a loss of anybody's: no event of the pair explains it.
    async fn attribute(
        &self,
        _nodes: &Nodes,
        _blocks: (BlockRef, BlockRef),
        fallen: &[(MarketId, Ray, Ray)],
    ) -> Result<Vec<Fall>, AdapterError> {
        Ok(super::unexplained(fallen))
    }

    /// Nobody borrows from a pair.
    async fn legs(&self, _nodes: &Nodes, at: &At, _from: u64) -> Result<LegFrame, AdapterError> {
        super::pools::no_legs(NAME, at)
    }

    /// The market contract's own call: one token becomes two by no one call of the pair. The vault alone may make it.
    fn call(&self, action: &Act, _holder: Address) -> Option<(Address, Bytes)> {
        let (_, wanted) = self.markets.iter().find(|(id, _)| *id == action.market)?;
        Some((wanted.contract?, super::pools::call(action)))
    }

    fn decode(&self, to: Address, data: &Bytes) -> Option<Act> {
        let (market, _) = self.markets.iter().find(|(_, wanted)| wanted.contract == Some(to))?;
        super::pools::act(market, data)
    }
}
