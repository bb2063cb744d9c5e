//! Staked ETH: Lido's wstETH in a vault of WETH, held by a market contract that sells it or asks the withdrawal queue for it.
//!
//! The index is what a wstETH is redeemed for; what it is sold for is the oracle's price. The queue's length is not told by
//! any contract: the days before a withdrawal pays are what the settings expect, or the age of the oldest request that still
//! waits where that is more; while the queue is paused or in bunker mode, what they expect of that. Where it is sold is the
//! market contract's own pool: without a contract nothing is known to be sold.

pub mod holding;
mod read;

use super::morpho_blue::read::IToken;
use super::multicall::Batch;
use super::uniswap_v3::holding::PROBE;
use super::uniswap_v3::read::IOracle;
use super::{RwCache, code_at, disagrees, node, not_covered, same_address};
use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;
use async_trait::async_trait;
use holding::{BPS, Staked, WAD};
use plimsoll_core::execution::BlockRef;
use plimsoll_core::lp::LpError;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_core::{ChainId, Facts, MarketId, MarketKind};
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::live::Words;
use plimsoll_execute::protocol::{
    Act, At, Beyond, Cause, Fall, Held, Pair, Protocol, Read, Reading, Switches,
};
use plimsoll_frame::{LegFrame, MovingTerms, Terms};
use read::{Found, IMarket, IQueue, IWstEth, Row, Totals};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The protocol's name: the first part of its market ids.
pub const NAME: &str = "staked-eth";
/// Who can make the token worthless.
const ISSUER: &str = "lido";
/// Reads of a market at one block: what is remembered may have changed, and then its hints.
const ROUNDS: usize = 4;
/// Seconds in a day.
const DAY: f64 = 86_400.0;

/// Markets of staked ETH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StakedEthSettings {
    /// The chain's id.
    pub chain: u64,
    /// The markets.
    pub markets: Vec<StakedMarket>,
}

/// A wrapped staked token with its queue, and the market contract of ours that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StakedMarket {
    /// wstETH.
    pub wst_eth: Address,
    /// Lido's withdrawal queue.
    pub queue: Address,
    /// The vault's asset: WETH.
    pub asset: Address,
    /// Worth of stETH in the asset: the market contract's oracle.
    pub oracle: Address,
    /// Our vault's market contract, where there is one; without it nothing is held.
    #[serde(default)]
    pub contract: Option<Address>,
    /// Days that a request is expected to wait, where the queue itself does not show more.
    #[serde(default = "default_days")]
    pub expected_days: u32,
    /// Days that it is expected to wait while the queue is paused or in bunker mode.
    #[serde(default = "default_bunker_days")]
    pub bunker_days: u32,
}

fn default_days() -> u32 {
    4
}

/// A slashed validator's last penalty is known after 8,192 epochs of 6.4 minutes.
fn default_bunker_days() -> u32 {
    37
}

/// What of a market cannot change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fixed {
    symbol: String,
    decimals: u8,
    st_eth: Address,
    swap: Address,
    /// Slippage and stale band, basis points.
    bounds: (U256, U256),
    feeds: Vec<(Address, u32)>,
}

/// What changes seldom, is remembered, and is compared at every block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// Somebody waits in the queue.
    waits: bool,
    finalized: U256,
    checkpoint: U256,
    units: U256,
    requests: Vec<U256>,
    hints: Vec<U256>,
}

/// The adapter.
#[derive(Debug)]
pub struct StakedEth {
    chain: ChainId,
    markets: Vec<(MarketId, StakedMarket)>,
    fixed: RwCache<MarketId, Fixed>,
    parts: RwCache<MarketId, Parts>,
}

impl StakedEth {
    /// Returns the adapter of some markets.
    #[must_use]
    pub fn new(settings: StakedEthSettings) -> StakedEth {
        let chain = ChainId(settings.chain);
        let id = |market: &StakedMarket| MarketId::new(NAME, chain, &market.wst_eth.to_string());
        let markets = settings.markets.into_iter().map(|market| (id(&market), market)).collect();
        StakedEth { chain, markets, fixed: RwCache::default(), parts: RwCache::default() }
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
            if self.fixed.get(market).is_some() {
                continue;
            }
            let token = (
                batch.ask(wanted.asset, &IToken::symbolCall {}),
                batch.ask(wanted.asset, &IToken::decimalsCall {}),
            );
            let lido = (
                batch.ask(wanted.wst_eth, &IWstEth::stETHCall {}),
                batch.ask(wanted.queue, &IQueue::WSTETHCall {}),
                batch.ask(wanted.oracle, &IOracle::feedsCall {}),
            );
            let contract = wanted.contract.map(|contract| {
                let named = (
                    batch.ask(contract, &IMarket::assetCall {}),
                    batch.ask(contract, &IMarket::wstEthCall {}),
                    batch.ask(contract, &IMarket::queueCall {}),
                    batch.ask(contract, &IMarket::oracleCall {}),
                );
                let bounds = (
                    batch.ask(contract, &IMarket::swapCall {}),
                    batch.ask(contract, &IMarket::slippageBpsCall {}),
                    batch.ask(contract, &IMarket::staleBandBpsCall {}),
                );
                (contract, named, bounds)
            });
            asked.push((market, wanted, token, lido, contract));
        }
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let mut missing = Vec::new();
        for (market, wanted, token, lido, contract) in asked {
            let about = market.as_str();
            let learnt = (|| {
                let st_eth = answers.get(lido.0, about)?;
                let of = answers.get(lido.1, about)?;
                same_address(about, wanted.queue, "WSTETH", (wanted.wst_eth, of))?;
                let (mut swap, mut bounds) = (Address::ZERO, (U256::ZERO, U256::ZERO));
                if let Some((contract, named, found)) = contract {
                    let same = |field, expected, found| {
                        same_address(about, contract, field, (expected, found))
                    };
                    same("asset", wanted.asset, answers.get(named.0, about)?)?;
                    same("wstEth", wanted.wst_eth, answers.get(named.1, about)?)?;
                    same("queue", wanted.queue, answers.get(named.2, about)?)?;
                    same("oracle", wanted.oracle, answers.get(named.3, about)?)?;
                    swap = answers.get(found.0, about)?;
                    bounds = (answers.get(found.1, about)?, answers.get(found.2, about)?);
                }
                // An oracle of another kind than ours does not name its feeds.
                let feeds = answers.get(lido.2, about).ok();
                let feeds = feeds.into_iter().flat_map(|feeds| [feeds.base, feeds.over]);
                let feeds = feeds.filter(|each: &IOracle::Feed| !each.feed.is_zero());
                Ok(Fixed {
                    symbol: answers.text(token.0, about)?,
                    decimals: answers.get(token.1, about)?,
                    st_eth,
                    swap,
                    bounds,
                    feeds: feeds.map(|each| (each.feed, each.heartbeat)).collect(),
                })
            })();
            match learnt {
                Ok(fixed) => self.fixed.set(market.clone(), fixed),
                Err(error) => missing.push((market.clone(), error)),
            }
        }
        Ok(missing)
    }

    /// Reads the markets of `wanted`; those of which something is other than remembered come back for another call.
    async fn round<'a>(
        &self,
        nodes: &Nodes,
        at: &At,
        wanted: &[&'a (MarketId, StakedMarket)],
        read: &mut Read,
    ) -> Result<Vec<&'a (MarketId, StakedMarket)>, AdapterError> {
        let (mut batch, mut asked) = (Batch::default(), Vec::new());
        for each in wanted {
            let (market, place) = each;
            if let Some(fixed) = self.fixed.get(market) {
                let known = self.parts.get(market).unwrap_or_default();
                let slots = read::ask(&mut batch, place, &fixed, &known);
                asked.push((*each, fixed, known, slots));
            }
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        let mut again = Vec::new();
        for (each, fixed, known, slots) in asked {
            let (market, place) = each;
            let found = read::decode((&answers, &slots), (market, at), (&fixed, &known));
            let reading = match found {
                Ok(Found::Changed(parts)) => {
                    self.parts.set(market.clone(), parts);
                    again.push(each);
                    continue;
                }
                Ok(Found::Row(row)) => reading((market, at), place, &fixed, *row),
                Err(error) => Err(error),
            };
            match reading {
                Ok(reading) => read.readings.push(reading),
                Err(error) => read.unreadable.push((market.clone(), error)),
            }
        }
        Ok(again)
    }

    /// A block with its time.
    async fn moment(&self, nodes: &Nodes, block: BlockRef) -> Result<At, AdapterError> {
        let failed = node(NAME, &At { block, timestamp: 0 });
        let timestamp = nodes.block(block.number).await.map_err(failed)?.timestamp;
        Ok(At { block, timestamp })
    }

    /// What was staked at a block.
    async fn totals(
        &self,
        nodes: &Nodes,
        at: &At,
        (market, st_eth): (&MarketId, Address),
    ) -> Result<Totals, AdapterError> {
        let mut batch = Batch::default();
        let asked = read::ask_totals(&mut batch, st_eth);
        let answers = batch.send(nodes, at, self.place()).await?;
        read::totals(&answers, asked, market.as_str())
    }
}

/// Makes the reading of a market; refuses it where the contract says otherwise.
fn reading(
    (market, at): (&MarketId, &At),
    wanted: &StakedMarket,
    fixed: &Fixed,
    row: Row,
) -> Result<Reading, AdapterError> {
    let failed = |error: LpError| not_covered(market, at, &error.to_string());
    let Row { staked, is_paused, is_slow, oldest, said } = row;
    let (low, high) = staked.value().map_err(failed)?;
    let (queued, claimable) = staked.queued().map_err(failed)?;
    let mut held = Held::default();
    if let Some((said_low, said_high, said_free, said_queued)) = said {
        disagrees(market, at, "value, low", (low.0, said_low))?;
        disagrees(market, at, "value, high", (high.0, said_high))?;
        disagrees(market, at, "queued", (queued, said_queued))?;
        let free = staked.liquidity().map_err(failed)?.unwrap_or(Amount(said_free));
        disagrees(market, at, "liquidity", (free.0, said_free))?;
        held = Held { shares: Shares(staked.units), worth: low, available: free };
    }
    let rate = staked.redeemed(WAD).map_err(failed)?;
    let share_price = Ray(staked.redeemed(Ray::ONE.0).map_err(failed)?);
    let price = f64::midpoint(f64::from(staked.quote.worst), f64::from(staked.quote.best));
    let pair = Pair {
        price: price / f64::from(PROBE) * share_price.to_f64(),
        fees_asset: None,
        fees_foreign: None,
        depth: None,
    };
    let waited = oldest.map(|time| Amount(U256::from(at.timestamp.saturating_sub(time))));
    let waited = waited.map_or(0.0, |seconds| seconds.to_f64(0) / DAY);
    let slow_days = if is_slow { wanted.bunker_days } else { 0 };
    let expected = f64::from(wanted.expected_days.max(slow_days));
    let facts = Facts { queued: Amount(queued), claimable: Amount(claimable), ..Facts::default() };
    Ok(Reading {
        market: market.clone(),
        symbol: fixed.symbol.as_str().into(),
        asset: wanted.asset,
        decimals: fixed.decimals,
        at: *at,
        share_price,
        supplied: staked.total().map_err(failed)?,
        borrowed: Amount::ZERO,
        supply_apr: Ray(U256::ZERO),
        borrow_apr: None,
        exit: staked.exit().map_err(failed)?,
        entry: staked.room.map(Amount),
        switches: Switches {
            is_active: true,
            is_frozen: is_paused || !staked.quote.is_fresh,
            is_paused: false,
        },
        terms: Terms {
            kind: MarketKind::Staking,
            issuer: Some(ISSUER.to_owned()),
            wrap_depth: Some(2),
            moving: Some(moving(&staked).map_err(failed)?),
            ..Terms::default()
        },
        held,
        rewards: Some(Vec::new()),
        beyond: Beyond {
            pair: Some(pair),
            delay_days: waited.max(expected),
            facts,
            words: Words::Staked { rate: Amount(rate) },
        },
        model: Arc::new(staked),
    })
}

/// Staking costs what the oracle's worst price is below one; leaving what the sale of one token brings below its worth, at most
/// what the contract lets a sale lose.
fn moving(staked: &Staked) -> Result<MovingTerms, LpError> {
    let (worst, best) = staked.prices(WAD)?;
    let redeemed = staked.redeemed(WAD)?;
    let share = |part: U256, whole: U256| (1.0 - f64::from(part) / f64::from(whole)).max(0.0);
    let sale = staked.ladder.iter().find(|(sold, _)| *sold == WAD);
    let exit = sale.map_or(0.0, |(_, brings)| share(*brings, worst));
    let exit = exit.min(f64::from(staked.bounds.0) / f64::from(BPS));
    // Staking is one for one: what it counts less is the discount at which the token is sold, and half of the oracle's band.
    let entry = share(worst, redeemed);
    let middle = f64::midpoint(f64::from(worst), f64::from(best)).min(f64::from(redeemed));
    let provision = ((middle - f64::from(worst)) / f64::from(redeemed)).max(0.0);
    Ok(MovingTerms { entry, exit, reward_sale: 0.0, provision })
}

#[async_trait]
impl Protocol for StakedEth {
    fn name(&self) -> &str {
        NAME
    }

    fn markets(&self) -> Vec<MarketId> {
        self.markets.iter().map(|(id, _)| id.clone()).collect()
    }

    async fn check(&self, nodes: &Nodes, at: &At) -> Result<(), AdapterError> {
        super::check_chain(nodes, at, self.place()).await?;
        for (market, wanted) in &self.markets {
            let parts = [wanted.wst_eth, wanted.queue, wanted.asset, wanted.oracle];
            for part in parts.into_iter().chain(wanted.contract) {
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
        let mut wanted: Vec<&(MarketId, StakedMarket)> = self.markets.iter().collect();
        for _ in 0..ROUNDS {
            if !wanted.is_empty() {
                wanted = self.round(nodes, at, &wanted, &mut read).await?;
            }
        }
        for (id, _) in wanted {
            let detail = "the queue gave other requests again and again at one block";
            read.unreadable.push((id.clone(), not_covered(id, at, detail)));
        }
        let order = self.markets();
        let place = |id: &MarketId| order.iter().position(|market| market == id);
        read.readings.sort_by_key(|reading| place(&reading.market));
        Ok(read)
    }

    /// ETH per share falls by slashing and penalties alone: what was lost is the fall on the fewer shares of both ends.
    async fn attribute(
        &self,
        nodes: &Nodes,
        (from, to): (BlockRef, BlockRef),
        fallen: &[(MarketId, Ray, Ray)],
    ) -> Result<Vec<Fall>, AdapterError> {
        let mut falls = super::unexplained(fallen);
        let (from, to) = (self.moment(nodes, from).await?, self.moment(nodes, to).await?);
        // What does not say what it is keeps its falls unexplained.
        self.learn(nodes, &to).await?;
        for fall in &mut falls {
            let Some(fixed) = self.fixed.get(&fall.market) else { continue };
            let place = (&fall.market, fixed.st_eth);
            let then = self.totals(nodes, &from, place).await?;
            let now = self.totals(nodes, &to, place).await?;
            let kept = Amount(then.shares.min(now.shares));
            let worth = |totals: Totals| {
                let worth = Amount(totals.pooled).mul_div_down(kept, Amount(totals.shares));
                worth.unwrap_or_default()
            };
            let amount = worth(then).saturating_sub(worth(now));
            if !amount.is_zero() {
                fall.cause = Cause::Slashed { amount };
            }
        }
        Ok(falls)
    }

    /// Nobody borrows.
    async fn legs(&self, _nodes: &Nodes, at: &At, _from: u64) -> Result<LegFrame, AdapterError> {
        LegFrame::from_legs(Vec::new()).map_err(|error| AdapterError::NotCovered {
            about: NAME.to_owned(),
            block: at.block.number,
            detail: error.to_string(),
        })
    }

    /// The market contract's own call: WETH has to be unwrapped to be staked, and is sold or queued for to come back.
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
