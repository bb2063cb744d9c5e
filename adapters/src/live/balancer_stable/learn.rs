//! What of a pool cannot change: learnt once, in three calls, for the pool names its tokens and these name themselves.

use super::holding::Setting;
use super::read::{IMarket, IPool, IVault};
use super::{BalancerStable, StableMarket};
use crate::live::morpho_blue::read::IToken;
use crate::live::multicall::{Answers, Batch, Slot};
use crate::live::oracle::{self, AskedFeeds, AskedPlaces, Feeds};
use crate::live::{not_covered, same_address};
use alloy::primitives::{Address, B256, U256};
use plimsoll_core::MarketId;
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::At;

/// What of a market cannot change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fixed {
    pub(super) symbol: String,
    pub(super) decimals: u8,
    pub(super) vault: Address,
    pub(super) id: B256,
    /// The place of the pool's own share among its tokens.
    pub(super) own_place: usize,
    pub(super) setting: Setting,
    /// The tokens without the pool's own share, in its order.
    pub(super) tokens: Vec<Token>,
}

/// What of a token cannot change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) address: Address,
    pub(super) whole: U256,
    /// What brings raw units to 18 decimals, with 18 decimals.
    pub(super) scaling: U256,
    /// What tells its rate; zero for a rate of one.
    pub(super) provider: Address,
    pub(super) is_exempt: bool,
    pub(super) oracle: Option<(Address, Option<Box<Feeds>>)>,
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

/// Learns what cannot change of markets that were not met before, in three calls: the pool, its tokens, and these.
pub(super) async fn learn(
    adapter: &BalancerStable,
    nodes: &Nodes,
    at: &At,
) -> Result<Vec<(MarketId, AdapterError)>, AdapterError> {
    let (mut missing, mut batch, mut first) = (Vec::new(), Batch::default(), Vec::new());
    for (market, wanted) in &adapter.markets {
        if adapter.fixed.get(market).is_none() {
            first.push((market, wanted, ask_pool(&mut batch, wanted)));
        }
    }
    if first.is_empty() {
        return Ok(Vec::new());
    }
    let answers = batch.send(nodes, at, adapter.place()).await?;
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
    let answers = batch.send(nodes, at, adapter.place()).await?;
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
    let answers = batch.send(nodes, at, adapter.place()).await?;
    for (market, fixed, asked) in third {
        match named(&answers, &asked, (market, at), fixed) {
            Ok(fixed) => adapter.fixed.set(market.clone(), fixed),
            Err(error) => missing.push((market.clone(), error)),
        }
    }
    Ok(missing)
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
