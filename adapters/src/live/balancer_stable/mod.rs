//! Stable pools of Balancer V2 (ComposableStable, version 3), each held by a market contract of the vault.
//!
//! Everything is read by one call: the pool's books, its rates as it keeps them and as they are, what the market contract says
//! of itself, and its oracles. The pool's rate and supply, the contract's prices, values and what can leave are reckoned anew
//! and have to equal their own words. A pool in recovery mode is left out. Gauges are not read: nothing is staked there.

pub mod act;
pub mod holding;
mod math;
mod read;
mod reading;

use super::morpho_blue::read::IToken;
use super::multicall::{Answers, Batch, Slot};
use super::oracle::{self, AskedFeeds, AskedPlaces, Feeds};
use super::{RwCache, code_at, not_covered, same_address};
use alloy::primitives::{Address, B256, Bytes, U256};
use async_trait::async_trait;
use holding::Setting;
use plimsoll_core::execution::BlockRef;
use plimsoll_core::units::Ray;
use plimsoll_core::{ChainId, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::{Act, At, Fall, Protocol, Read};
use plimsoll_frame::LegFrame;
use read::{IMarket, IPool, IVault};
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

/// What of a market cannot change.
#[derive(Debug, Clone, PartialEq)]
struct Fixed {
    symbol: String,
    decimals: u8,
    vault: Address,
    id: B256,
    /// The place of the pool's own share among its tokens.
    own_place: usize,
    setting: Setting,
    /// The tokens without the pool's own share, in its order.
    tokens: Vec<Token>,
}

/// What of a token cannot change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    address: Address,
    whole: U256,
    /// What brings raw units to 18 decimals, with 18 decimals.
    scaling: U256,
    /// What tells its rate; zero for a rate of one.
    provider: Address,
    is_exempt: bool,
    oracle: Option<(Address, Option<Box<Feeds>>)>,
}

/// The adapter.
#[derive(Debug)]
pub struct BalancerStable {
    chain: ChainId,
    markets: Vec<(MarketId, StableMarket)>,
    fixed: RwCache<MarketId, Fixed>,
}

/// What is asked first of a market.
struct AskedPool {
    vault: Slot<IPool::getVaultCall>,
    id: Slot<IPool::getPoolIdCall>,
    own_place: Slot<IPool::getBptIndexCall>,
    providers: Slot<IPool::getRateProvidersCall>,
    symbol: Slot<IToken::symbolCall>,
    contract: Option<AskedSetting>,
}

struct AskedSetting {
    asset: Slot<IMarket::assetCall>,
    pool: Slot<IMarket::poolCall>,
    oracles: Slot<IMarket::tokenOraclesCall>,
    bps: (Slot<IMarket::slippageBpsCall>, Slot<IMarket::staleBandBpsCall>),
}

/// What is asked of a token, once it is known.
struct AskedToken {
    decimals: Slot<IToken::decimalsCall>,
    is_exempt: Slot<IPool::isTokenExemptFromYieldProtocolFeeCall>,
    places: Option<AskedPlaces>,
}

/// A market in the making: what its pool and its contract said.
struct Begun {
    fixed: Fixed,
    providers: Vec<Address>,
    /// The contract's oracles in the pool's order, zero for the asset.
    oracles: Option<Vec<Address>>,
}

/// What is asked secondly: the pool's tokens, and the feeds of each oracle.
struct AskedTokens {
    tokens: Slot<IVault::getPoolTokensCall>,
    feeds: Vec<(Address, AskedFeeds)>,
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

    /// Learns what cannot change of markets that were not met before, in three calls: the pool, its tokens, and these.
    async fn learn(
        &self,
        nodes: &Nodes,
        at: &At,
    ) -> Result<Vec<(MarketId, AdapterError)>, AdapterError> {
        let (mut missing, mut batch, mut first) = (Vec::new(), Batch::default(), Vec::new());
        for (market, wanted) in &self.markets {
            if self.fixed.get(market).is_none() {
                first.push((market, wanted, ask_pool(&mut batch, wanted)));
            }
        }
        if first.is_empty() {
            return Ok(Vec::new());
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let (mut batch, mut second) = (Batch::default(), Vec::new());
        for (market, wanted, asked) in first {
            match begun(&answers, &asked, market.as_str(), wanted) {
                Ok(begun) => {
                    let asked = ask_tokens(&mut batch, wanted, &begun);
                    second.push((market, wanted, begun, asked));
                }
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let (mut batch, mut third) = (Batch::default(), Vec::new());
        for (market, wanted, begun, asked) in second {
            match listed((&answers, &asked), (market, at), wanted, begun) {
                Ok(fixed) => {
                    let tokens = fixed.tokens.iter();
                    let asked = tokens.map(|token| ask_token(&mut batch, wanted.pool, token));
                    let asked: Vec<AskedToken> = asked.collect();
                    third.push((market, fixed, asked));
                }
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (market, fixed, asked) in third {
            match named(&answers, &asked, (market, at), fixed) {
                Ok(fixed) => self.fixed.set(market.clone(), fixed),
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        Ok(missing)
    }
}

fn ask_pool(batch: &mut Batch, wanted: &StableMarket) -> AskedPool {
    let pool = wanted.pool;
    AskedPool {
        vault: batch.ask(pool, &IPool::getVaultCall {}),
        id: batch.ask(pool, &IPool::getPoolIdCall {}),
        own_place: batch.ask(pool, &IPool::getBptIndexCall {}),
        providers: batch.ask(pool, &IPool::getRateProvidersCall {}),
        symbol: batch.ask(wanted.asset, &IToken::symbolCall {}),
        contract: wanted.contract.map(|contract| AskedSetting {
            asset: batch.ask(contract, &IMarket::assetCall {}),
            pool: batch.ask(contract, &IMarket::poolCall {}),
            oracles: batch.ask(contract, &IMarket::tokenOraclesCall {}),
            bps: (
                batch.ask(contract, &IMarket::slippageBpsCall {}),
                batch.ask(contract, &IMarket::staleBandBpsCall {}),
            ),
        }),
    }
}

/// What the first call tells.
fn begun(
    answers: &Answers,
    asked: &AskedPool,
    about: &str,
    wanted: &StableMarket,
) -> Result<Begun, AdapterError> {
    let (mut setting, mut oracles) = (Setting::default(), None);
    if let Some((slots, contract)) = asked.contract.as_ref().zip(wanted.contract) {
        let named =
            |field, expected, found| same_address(about, contract, field, (expected, found));
        named("asset", wanted.asset, answers.get(slots.asset, about)?)?;
        named("pool", wanted.pool, answers.get(slots.pool, about)?)?;
        oracles = Some(answers.get(slots.oracles, about)?);
        setting.slippage_bps = answers.get(slots.bps.0, about)?;
        setting.stale_band_bps = answers.get(slots.bps.1, about)?;
    }
    let own_place = answers.get(asked.own_place, about)?.saturating_to();
    let fixed = Fixed {
        symbol: answers.text(asked.symbol, about)?,
        decimals: 0,
        vault: answers.get(asked.vault, about)?,
        id: answers.get(asked.id, about)?,
        own_place,
        setting,
        tokens: Vec::new(),
    };
    Ok(Begun { fixed, providers: answers.get(asked.providers, about)?, oracles })
}

fn ask_tokens(batch: &mut Batch, wanted: &StableMarket, begun: &Begun) -> AskedTokens {
    let held = IVault::getPoolTokensCall { poolId: begun.fixed.id };
    let tokens = batch.ask(begun.fixed.vault, &held);
    let known = begun.oracles.iter().flatten().copied();
    let known = known.chain(wanted.oracles.iter().map(|each| each.oracle));
    let known = known.filter(|oracle| !oracle.is_zero());
    let feeds = known.map(|oracle| (oracle, oracle::ask_feeds(batch, oracle))).collect();
    AskedTokens { tokens, feeds }
}

/// What the second call tells: the pool's tokens, with its own share among them, and their oracles.
fn listed(
    (answers, asked): (&Answers, &AskedTokens),
    (market, at): (&MarketId, &At),
    wanted: &StableMarket,
    begun: Begun,
) -> Result<Fixed, AdapterError> {
    let about = market.as_str();
    let Begun { mut fixed, mut providers, oracles } = begun;
    let mut tokens = answers.get(asked.tokens, about)?.tokens;
    let own = fixed.own_place;
    if providers.len() != tokens.len() || tokens.get(own) != Some(&wanted.pool) {
        return Err(not_covered(market, at, "a pool whose own share is not among its tokens"));
    }
    tokens.remove(own);
    providers.remove(own);
    let Some(place) = tokens.iter().position(|token| *token == wanted.asset) else {
        let found = tokens.first().copied().unwrap_or_default();
        same_address(about, wanted.pool, "asset", (wanted.asset, found))?;
        return Err(not_covered(market, at, "a pool without tokens"));
    };
    fixed.setting.place = place;
    for (place, (token, provider)) in tokens.into_iter().zip(providers).enumerate() {
        let set = wanted.oracles.iter().find(|each| each.token == token).map(|each| each.oracle);
        let own = oracles.as_ref().map(|all| all.get(place).copied().unwrap_or_default());
        if let (Some(set), Some(own), Some(contract)) = (set, own, wanted.contract) {
            same_address(about, contract, "tokenOracles", (set, own))?;
        }
        let oracle = own.filter(|own| !own.is_zero()).or(set);
        let is_asset = token == wanted.asset;
        // As the contract's own constructor has it.
        if is_asset == oracle.is_some() || (is_asset && !provider.is_zero()) {
            let detail = format!(
                "token {token} needs an oracle, and the asset neither an oracle nor a rate; name them under `oracles`"
            );
            return Err(AdapterError::Settings { about: about.to_owned(), detail });
        }
        let feeds = |oracle: Address| {
            let found = asked.feeds.iter().find(|(each, _)| *each == oracle);
            found.and_then(|(_, asked)| Feeds::decode(answers, asked, about)).map(Box::new)
        };
        fixed.tokens.push(Token {
            address: token,
            whole: U256::ZERO,
            scaling: U256::ZERO,
            provider,
            is_exempt: false,
            oracle: oracle.map(|oracle| (oracle, feeds(oracle))),
        });
    }
    Ok(fixed)
}

fn ask_token(batch: &mut Batch, pool: Address, token: &Token) -> AskedToken {
    let exempt = IPool::isTokenExemptFromYieldProtocolFeeCall { token: token.address };
    let feeds = token.oracle.as_ref().and_then(|(_, feeds)| feeds.as_ref());
    AskedToken {
        decimals: batch.ask(token.address, &IToken::decimalsCall {}),
        is_exempt: batch.ask(pool, &exempt),
        places: feeds.map(|feeds| feeds.ask_places(batch)),
    }
}

/// What the third call tells.
fn named(
    answers: &Answers,
    asked: &[AskedToken],
    (market, at): (&MarketId, &At),
    mut fixed: Fixed,
) -> Result<Fixed, AdapterError> {
    let about = market.as_str();
    let mut places = Vec::with_capacity(asked.len());
    for each in asked {
        places.push(answers.get(each.decimals, about)?);
    }
    fixed.decimals = places.get(fixed.setting.place).copied().unwrap_or_default();
    let ten = |places: u8| U256::from(10).pow(U256::from(places));
    for ((token, asked), places) in fixed.tokens.iter_mut().zip(asked).zip(places) {
        // The pool itself takes no others.
        let missing = 18u8.checked_sub(places);
        let missing = missing.ok_or_else(|| not_covered(market, at, "more than 18 decimals"))?;
        token.whole = ten(places);
        token.scaling = ten(18) * ten(missing);
        token.is_exempt = answers.get(asked.is_exempt, about)?;
        if let Some((_, feeds)) = &mut token.oracle {
            let found = feeds.take().zip(asked.places.as_ref());
            let scaled = found.and_then(|(feeds, slots)| {
                feeds.scaled((answers, slots), (fixed.decimals, places), about)
            });
            *feeds = scaled.map(Box::new);
        }
    }
    fixed.setting.whole = ten(fixed.decimals);
    Ok(fixed)
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
