//! Aave V3: one pool, a market for each of its reserves that is configured.
//!
//! Exact for pools of v3.0 (`POOL_REVISION` up to 3) and v3.2 (5), whose bytecode the tests run; v3.1 (4) is read by
//! the rules of its source, without bytecode to test them on. Later pools (deficits, other rounding) are refused by
//! [`Protocol::check`] and by every read, which asks the pool for its revision each time; and a pool whose own
//! indices are not the ones we compute is left out.

mod legs;
pub(crate) mod read;
pub mod reserve;
mod rewards;

use super::multicall::Batch;
use super::{RwCache, code_at, node, not_covered, same_address};
use alloy::primitives::{Address, Bytes};
use alloy::sol_types::SolCall;
use async_trait::async_trait;
use plimsoll_core::execution::BlockRef;
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_core::units::{Amount, Ray};
use plimsoll_core::{ChainId, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::{Act, At, Fall, Protocol, Read, Reading};
use plimsoll_frame::LegFrame;
use read::{Asked, IMarket, IPool, IScaled, Named, Parts};
use rewards::{Found, Programmes};
use serde::{Deserialize, Serialize};

/// The name under which it is configured, as recorded history has it.
pub const NAME: &str = "aave-v3";

/// A pool and the reserves of it that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AaveV3Settings {
    /// The chain's id.
    pub chain: u64,
    /// The pool.
    pub pool: Address,
    /// Its reserves.
    pub markets: Vec<Pledged>,
}

/// A reserve, and the market contract of the vault that acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pledged {
    /// The asset.
    pub asset: Address,
    /// The vault's market contract, where there is one; without it nothing is held.
    #[serde(default)]
    pub contract: Option<Address>,
}

/// The adapter.
#[derive(Debug)]
pub struct AaveV3 {
    settings: AaveV3Settings,
    markets: Vec<(MarketId, Pledged)>,
    /// Which contracts the pool last named for each asset: a memory that saves a call, and is checked
    /// against the pool's answer at every block.
    parts: RwCache<Address, Parts>,
    /// Who pays rewards for each aToken: remembered and checked likewise.
    programmes: Programmes,
}

impl AaveV3 {
    /// Returns the adapter of a pool.
    #[must_use]
    pub fn new(settings: AaveV3Settings) -> AaveV3 {
        let chain = ChainId(settings.chain);
        let id = |pledged: &Pledged| MarketId::new(NAME, chain, &pledged.asset.to_string());
        let markets = settings.markets.iter().map(|pledged| (id(pledged), *pledged)).collect();
        AaveV3 { settings, markets, parts: RwCache::default(), programmes: RwCache::default() }
    }

    fn place(&self) -> (&str, ChainId) {
        (NAME, ChainId(self.settings.chain))
    }

    fn find(&self, market: &MarketId) -> Option<&Pledged> {
        self.markets.iter().find(|(id, _)| id == market).map(|(_, pledged)| pledged)
    }

    /// Reads the markets of `wanted`; those whose contracts turn out to be others than remembered come back
    /// for another call.
    async fn round<'a>(
        &self,
        nodes: &Nodes,
        at: &At,
        (wanted, is_first): (&[&'a (MarketId, Pledged)], bool),
        read: &mut Read,
    ) -> Result<Vec<&'a (MarketId, Pledged)>, AdapterError> {
        let mut batch = Batch::default();
        let mut asked: Vec<(&(MarketId, Pledged), Question)> = wanted
            .iter()
            .map(|market| {
                let (pool, (_, pledged)) = (self.settings.pool, market);
                let question = match self.parts.get(&pledged.asset) {
                    Some(parts) => {
                        let asked = read::ask(&mut batch, pool, pledged, &parts);
                        Question::Known(Box::new((asked, parts, None)))
                    }
                    None => Question::Unknown(read::ask_named(&mut batch, pool, pledged.asset)),
                };
                (*market, question)
            })
            .collect();
        // Behind everything else: feeds of rewards are chosen by those who pay them, and one that burns all the gas
        // it is given must leave what comes before it answered.
        for (_, question) in &mut asked {
            if let Question::Known(known) = question {
                let a_token = known.1.a_token;
                let programme = self.programmes.get(&a_token);
                known.2 = programme.map(|paid| rewards::ask(&mut batch, a_token, paid));
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let (mut again, mut unlearned) = (Vec::new(), Vec::new());
        for (market, question) in asked {
            let (id, pledged) = market;
            let found = match (read::named(&answers, question.named(), at, id), question) {
                (Err(error), _) => Err(error),
                (Ok(parts), Question::Known(known)) if known.1 == parts => {
                    let found = match &known.2 {
                        Some(asked) => rewards::decode(&answers, asked, id.as_str()),
                        None => Found::Changed,
                    };
                    if is_first && matches!(found, Found::Changed) {
                        unlearned.push(parts.a_token);
                        again.push(market);
                        continue;
                    }
                    read::decode(&answers, (&known.0, parts.line), at, id)
                        .and_then(|row| AaveV3::row(id, pledged.asset, at, row))
                        .map(|reading| rewarded(reading, found))
                }
                (Ok(parts), _) => {
                    self.parts.set(pledged.asset, parts);
                    unlearned.push(parts.a_token);
                    again.push(market);
                    continue;
                }
            };
            match found {
                Ok(reading) => read.readings.push(reading),
                Err(error) => read.unreadable.push((id.clone(), error)),
            }
        }
        if !unlearned.is_empty() {
            rewards::learn(self, nodes, at, &unlearned).await?;
        }
        Ok(again)
    }
}

/// The reading with its rewards, which nobody claims for us.
fn rewarded(mut reading: Reading, found: Found) -> Reading {
    if let Found::Rewards(rewards) = found {
        reading.rewards = Some(rewards);
        reading.terms.rewards_end = reading.rewards_end();
        reading.terms.rewards_unclaimed = reading.terms.rewards_end.is_some();
    }
    reading
}

enum Question {
    Known(Box<(Asked, Parts, Option<rewards::Asked>)>),
    Unknown(Named),
}

impl Question {
    fn named(&self) -> Named {
        match self {
            Question::Known(known) => known.0.named,
            Question::Unknown(named) => *named,
        }
    }
}

#[async_trait]
impl Protocol for AaveV3 {
    fn name(&self) -> &str {
        NAME
    }

    fn markets(&self) -> Vec<MarketId> {
        self.markets.iter().map(|(id, _)| id.clone()).collect()
    }

    async fn check(&self, nodes: &Nodes, at: &At) -> Result<(), AdapterError> {
        let pool = self.settings.pool;
        super::check_chain(nodes, at, self.place()).await?;
        code_at(nodes, at, pool, NAME).await?;
        let mut batch = Batch::default();
        let revision = batch.ask(pool, &IPool::POOL_REVISIONCall {});
        let mut asked = Vec::new();
        for (id, pledged) in &self.markets {
            let asset = pledged.asset;
            let data = read::ask_named(&mut batch, pool, asset);
            let contract = pledged.contract.map(|contract| {
                let asset = batch.ask(contract, &IMarket::assetCall {});
                let a_token = batch.ask(contract, &IMarket::aTokenCall {});
                (contract, asset, a_token, batch.ask(contract, &IMarket::poolCall {}))
            });
            asked.push((id, pledged, data, contract));
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let revision = answers.get(revision, NAME)?;
        if Line::of_revision(revision).is_none() {
            return Err(AdapterError::Mismatch {
                about: NAME.to_owned(),
                contract: pool,
                field: "POOL_REVISION",
                expected: format!("1 to 5: {}", read::LATER),
                found: revision.to_string(),
            });
        }
        let mut batch = Batch::default();
        let mut tokens = Vec::new();
        for (id, pledged, data, contract) in asked {
            let about = id.as_str();
            code_at(nodes, at, pledged.asset, about).await?;
            let a_token = read::named(&answers, data, at, id)?.a_token;
            if let Some((contract, asset, named, named_pool)) = contract {
                code_at(nodes, at, contract, about).await?;
                let (asset, named) = (answers.get(asset, about)?, answers.get(named, about)?);
                same_address(about, contract, "asset", (pledged.asset, asset))?;
                same_address(about, contract, "aToken", (a_token, named))?;
                same_address(about, contract, "pool", (pool, answers.get(named_pool, about)?))?;
            }
            let of = batch.ask(a_token, &IScaled::UNDERLYING_ASSET_ADDRESSCall {});
            tokens.push((
                about,
                pledged.asset,
                a_token,
                of,
                batch.ask(a_token, &IScaled::POOLCall {}),
            ));
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (about, asset, a_token, of, named_pool) in tokens {
            let found = answers.get(of, about)?;
            same_address(about, a_token, "UNDERLYING_ASSET_ADDRESS", (asset, found))?;
            same_address(about, a_token, "POOL", (pool, answers.get(named_pool, about)?))?;
        }
        Ok(())
    }

    async fn read(&self, nodes: &Nodes, at: &At) -> Result<Read, AdapterError> {
        let mut read = Read::default();
        let mut wanted: Vec<&(MarketId, Pledged)> = self.markets.iter().collect();
        // Once where everything is as remembered; a second time for what is new or was replaced.
        for is_first in [true, false] {
            if wanted.is_empty() {
                break;
            }
            wanted = self.round(nodes, at, (&wanted, is_first), &mut read).await?;
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
        _nodes: &Nodes,
        _blocks: (BlockRef, BlockRef),
        fallen: &[(MarketId, Ray, Ray)],
    ) -> Result<Vec<Fall>, AdapterError> {
        // The index of a reserve never falls: bad debt stays with the reserve as debt that nobody pays.
        Ok(super::unexplained(fallen))
    }

    async fn legs(&self, nodes: &Nodes, at: &At, from: u64) -> Result<LegFrame, AdapterError> {
        legs::read(self, nodes, at, from).await
    }

    fn call(&self, action: &Act, holder: Address) -> Option<(Address, Bytes)> {
        let asset = self.find(&action.market)?.asset;
        let amount = action.amount.0;
        let data = if action.is_entry {
            IPool::supplyCall { asset, amount, onBehalfOf: holder, referralCode: 0 }.abi_encode()
        } else {
            IPool::withdrawCall { asset, amount, to: holder }.abi_encode()
        };
        Some((self.settings.pool, data.into()))
    }

    fn decode(&self, to: Address, data: &Bytes) -> Option<Act> {
        if to != self.settings.pool {
            return None;
        }
        let (asset, amount, is_entry) = match data.get(..4)? {
            selector if selector == IPool::supplyCall::SELECTOR => {
                let call = IPool::supplyCall::abi_decode_validate(data).ok()?;
                (call.asset, call.amount, true)
            }
            selector if selector == IPool::withdrawCall::SELECTOR => {
                let call = IPool::withdrawCall::abi_decode_validate(data).ok()?;
                (call.asset, call.amount, false)
            }
            _ => return None,
        };
        let (market, _) = self.markets.iter().find(|(_, pledged)| pledged.asset == asset)?;
        Some(Act { market: market.clone(), is_entry, amount: Amount(amount) })
    }
}

/// The nodes' refusal, as this protocol's.
fn refused(at: &At) -> impl Fn(plimsoll_execute::chain::NodeError) -> AdapterError + '_ {
    node(NAME, at)
}
