//! The trait [`Protocol`]: what do its contracts say at a block, what would we change, and how is it called?
//!
//! A [`Reading`] is exact: integers as the contracts give them, all from one block. It becomes a row of the
//! market frame by [`Reading::observation`], which is where integers become `f64`.

use crate::adapter::AdapterError;
use crate::chain::Nodes;
use crate::live::Words;
use alloy::primitives::{Address, Bytes, U256};
use async_trait::async_trait;
use plimsoll_core::execution::BlockRef;
use plimsoll_core::rates::SECONDS_PER_YEAR;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_core::{Facts, MarketId, MarketKind, Time};
use plimsoll_frame::{Column, LegFrame, MarketRow, Observation, Terms};
use std::fmt;
use std::sync::Arc;

/// The block at which everything is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The block.
    pub block: BlockRef,
    /// Its timestamp, Unix seconds.
    pub timestamp: u64,
}

impl At {
    /// The block's time.
    #[must_use]
    pub fn time(&self) -> Time {
        Time(i64::try_from(self.timestamp).unwrap_or(i64::MAX).saturating_mul(1000))
    }
}

/// One lending protocol on one chain: how it is read, what an action of ours changes, how it is called.
///
/// It keeps no state: the same block gives the same answers.
#[async_trait]
pub trait Protocol: Send + Sync + fmt::Debug {
    /// The name under which it is configured and reported: the first part of its market ids.
    fn name(&self) -> &str;

    /// Its markets, in order.
    fn markets(&self) -> Vec<MarketId>;

    /// Checks, once, at start-up, that the configured contracts are what they are said to be, on the chain
    /// they are said to be on: code is there, the assets and pools that they name are the configured ones.
    ///
    /// # Errors
    /// [`AdapterError`] that names the contract, what was expected and what was found.
    async fn check(&self, nodes: &Nodes, at: &At) -> Result<(), AdapterError>;

    /// Reads every market at one block, by one multicall.
    ///
    /// A market whose own calls revert is left out, with its reason, and the others stand.
    ///
    /// # Errors
    /// [`AdapterError`] where nothing could be read at all.
    async fn read(&self, nodes: &Nodes, at: &At) -> Result<Read, AdapterError>;

    /// Returns why the indices that fell between two blocks did, from the protocol's own events.
    ///
    /// Each fall of `fallen` gets exactly one cause; what no event explains is [`Cause::Unexplained`].
    ///
    /// # Errors
    /// [`AdapterError`].
    async fn attribute(
        &self,
        nodes: &Nodes,
        blocks: (BlockRef, BlockRef),
        fallen: &[(MarketId, Ray, Ray)],
    ) -> Result<Vec<Fall>, AdapterError>;

    /// Returns the legs of everyone who borrows, found in the protocol's events from block `from` on and read
    /// at one block, in pages.
    ///
    /// # Errors
    /// [`AdapterError`].
    async fn legs(&self, nodes: &Nodes, at: &At, from: u64) -> Result<LegFrame, AdapterError>;

    /// Returns the protocol's own call by which `action` is done for `holder`, or `None` for a market that is
    /// not among its own.
    fn call(&self, action: &Act, holder: Address) -> Option<(Address, Bytes)>;

    /// Reads a call of the protocol back, or `None` where it is none that [`Protocol::call`] builds.
    fn decode(&self, to: Address, data: &Bytes) -> Option<Act>;
}

/// Something done with a market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The market.
    pub market: MarketId,
    /// Whether money goes in; else it comes out.
    pub is_entry: bool,
    /// How much, raw units of its asset.
    pub amount: Amount,
}

/// What a protocol said at one block.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// The markets that answered, in the order of [`Protocol::markets`].
    pub readings: Vec<Reading>,
    /// The markets that did not, each with the reason.
    pub unreadable: Vec<(MarketId, AdapterError)>,
}

/// Whether a market's own switches let money in and out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switches {
    /// Switched on at all.
    pub is_active: bool,
    /// Deposits are refused.
    pub is_frozen: bool,
    /// Everything is refused.
    pub is_paused: bool,
}

/// One market at one block, exact.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The market.
    pub market: MarketId,
    /// The asset's symbol.
    pub symbol: Arc<str>,
    /// The asset.
    pub asset: Address,
    /// Its decimals.
    pub decimals: u8,
    /// Where it was read.
    pub at: At,
    /// Asset per share: the index, interest accrued to the block's timestamp.
    pub share_price: Ray,
    /// Everything supplied, interest accrued.
    pub supplied: Amount,
    /// Everything borrowed, interest accrued.
    pub borrowed: Amount,
    /// Advertised supply rate: a year's, simple, net of the protocol's share.
    pub supply_apr: Ray,
    /// Advertised borrow rate: a year's, simple.
    pub borrow_apr: Option<Ray>,
    /// What anyone could withdraw in this block: cash, and nothing while it is switched off or paused.
    pub exit: Amount,
    /// What anyone could deposit in this block: room below its cap; `None` without one.
    pub entry: Option<Amount>,
    /// Its switches.
    pub switches: Switches,
    /// What its contracts say that no row repeats.
    pub terms: Terms,
    /// What the vault's market contract holds in it.
    pub held: Held,
    /// What its holders are paid beside the index; `None` where that is unknown.
    pub rewards: Option<Vec<Reward>>,
    /// What an action would change.
    pub model: Arc<dyn Predict>,
    /// What only markets with a pair, a queue or a campaign have.
    pub beyond: Beyond,
}

/// What only markets with a pair, a queue or a campaign have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Beyond {
    /// The pair, where there is one.
    pub pair: Option<Pair>,
    /// Queue before a withdrawal pays, days.
    pub delay_days: f64,
    /// What is known of our position beyond its worth.
    pub facts: Facts,
    /// What the market contract needs to be told things.
    pub words: Words,
}

/// A pair of tokens, or a staked token and what it is redeemed for.
///
/// # Units
/// Prices in the market's asset for a whole unit; liquidity in units that are worth twice the root of the price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// What the other token fetches, by the oracle that the market contract values it by.
    pub price: f64,
    /// Cumulative fees in the asset per unit of liquidity.
    pub fees_asset: Option<f64>,
    /// Cumulative fees in the other token per unit of liquidity.
    pub fees_foreign: Option<f64>,
    /// What a full range as deep as the pool is now would be worth.
    pub depth: Option<Amount>,
}

/// A reward that is paid to the holders of a market's shares, in proportion to them, beside the index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reward {
    /// What it is paid in.
    pub token: Address,
    /// Its decimals.
    pub decimals: u8,
    /// Raw units a second, for all holders together.
    pub per_second: Amount,
    /// Raw units that one whole share has earned since the beginning, as the contract counts them.
    pub index: U256,
    /// When it ends, Unix seconds.
    pub end: u64,
    /// USD per whole unit, as the protocol's own feed for it says; its age is not checked.
    pub price_usd: Option<f64>,
    /// Units of the market's asset per whole unit, where the market contract has an oracle for it and no USD is known.
    pub price_in_asset: Option<f64>,
}

impl Reward {
    /// Whether it is paid at `timestamp`, Unix seconds.
    #[must_use]
    pub fn is_paid(&self, timestamp: u64) -> bool {
        timestamp < self.end && !self.per_second.is_zero()
    }

    /// USD a year for all holders together, `asset_usd` being the price of the market's asset; `None` without a price.
    #[must_use]
    pub fn usd_per_year(&self, asset_usd: f64) -> Option<f64> {
        let yearly = self.per_second.to_f64(self.decimals) * f64::from(SECONDS_PER_YEAR);
        let price = self.price_usd.or(self.price_in_asset.map(|price| price * asset_usd));
        price.map(|price| yearly * price)
    }
}

/// What we hold in a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Shares, as the protocol counts them (Aave: scaled balance).
    pub shares: Shares,
    /// Their worth, as the protocol would pay it, rounded down.
    pub worth: Amount,
    /// What could be taken out in this block.
    pub available: Amount,
}

/// What a market would look like after an action of ours.
pub trait Predict: Send + Sync + fmt::Debug {
    /// Returns the market as it would be at `timestamp` (Unix seconds, not before the reading) right after our
    /// entry or exit of `amount` then, everybody else staying where they are; `amount` zero lets time pass.
    ///
    /// # Errors
    /// [`PredictError`] where the contracts would refuse the action, or an amount does not fit them.
    fn after(
        &self,
        is_entry: bool,
        amount: Amount,
        timestamp: u64,
    ) -> Result<Predicted, PredictError>;

    /// Returns the market as it would be at `timestamp` right after our position is laid anew between two ticks, or
    /// first laid there with `amount`; `None` where positions have no range.
    fn laid(
        &self,
        _range: (i32, i32),
        _amount: Option<Amount>,
        _timestamp: u64,
    ) -> Option<Result<Predicted, PredictError>> {
        None
    }
}

/// A market after an action, exact to the last unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Predicted {
    /// The index.
    pub share_price: Ray,
    /// The supply rate.
    pub supply_apr: Ray,
    /// Everything supplied.
    pub supplied: Amount,
    /// Everything borrowed.
    pub borrowed: Amount,
    /// What anyone could withdraw.
    pub exit: Amount,
    /// What we would hold.
    pub held: Held,
}

/// Why an action cannot be predicted: the contracts would refuse it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PredictError {
    /// Deposits are not taken, or fewer.
    #[error("{} raw units would enter, {} at most can", .asked.0, .room.0)]
    NoRoom {
        /// What was asked.
        asked: Amount,
        /// What can enter.
        room: Amount,
    },
    /// So much cannot leave.
    #[error("{} raw units would leave, {} at most can", .asked.0, .available.0)]
    NotAvailable {
        /// What was asked.
        asked: Amount,
        /// What can leave.
        available: Amount,
    },
    /// Arithmetic that the contract would refuse.
    #[error("the contract's arithmetic refuses it: {detail}")]
    Arithmetic {
        /// Which step.
        detail: String,
    },
    /// A time before the reading.
    #[error("{asked} lies before the reading, which is of {read}")]
    Past {
        /// What was asked, Unix seconds.
        asked: u64,
        /// When it was read.
        read: u64,
    },
}

/// A fall of an index with its cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fall {
    /// The market.
    pub market: MarketId,
    /// The index before.
    pub before: Ray,
    /// The index after.
    pub after: Ray,
    /// Why.
    pub cause: Cause,
}

/// Why an index fell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Bad debt that suppliers bear, raw units of the asset.
    BadDebt {
        /// How much.
        amount: Amount,
    },
    /// Validators lost stake, raw units of the asset.
    Slashed {
        /// How much.
        amount: Amount,
    },
    /// A market inside it fell: an ERC-4626 vault looked through.
    Underlying {
        /// Which.
        market: String,
    },
    /// No event of the protocol explains it.
    Unexplained,
}

impl Reading {
    /// What is paid beside the index in a year, over what is supplied: simple, before any claim of ours.
    ///
    /// `None` where nothing is paid, and where it is unknown: a reward without a price, an asset without one.
    #[must_use]
    pub fn reward_apr(&self, price_usd: Option<f64>) -> Option<f64> {
        let asset_usd = price_usd?;
        let tvl = self.supplied.to_f64(self.decimals) * asset_usd;
        let mut paid = self.paid_rewards().peekable();
        paid.peek()?;
        let yearly: Option<f64> = paid.map(|paid| paid.usd_per_year(asset_usd)).sum();
        yearly.filter(|_| tvl > 0.0).map(|yearly| yearly / tvl)
    }

    fn paid_rewards(&self) -> impl Iterator<Item = &Reward> {
        self.rewards.iter().flatten().filter(|reward| reward.is_paid(self.at.timestamp))
    }

    /// When the first of the rewards that are paid ends.
    #[must_use]
    pub fn rewards_end(&self) -> Option<Time> {
        let end = self.paid_rewards().map(|reward| reward.end).min()?;
        i64::try_from(end).ok()?.checked_mul(1_000).map(Time)
    }

    /// The rate that the market tells of itself; what only grows by its index tells none.
    fn advertised(&self) -> Option<f64> {
        let tells = self.terms.kind == MarketKind::Lending || !self.supply_apr.0.is_zero();
        tells.then(|| self.supply_apr.to_f64())
    }

    /// The reading as the gate takes it; `price_usd` is that of the asset, where it is known.
    #[must_use]
    pub fn observation(&self, price_usd: Option<f64>) -> Observation {
        let whole = |amount: Amount| amount.to_f64(self.decimals);
        let usd = |amount: Amount| price_usd.map(|price| whole(amount) * price);
        let (supplied, borrowed) = (whole(self.supplied), whole(self.borrowed));
        let utilization = (supplied > 0.0 && borrowed > 0.0).then_some(borrowed / supplied);
        let takes_deposits =
            self.switches.is_active && !self.switches.is_frozen && !self.switches.is_paused;
        let entry = if takes_deposits { self.entry } else { Some(Amount::ZERO) };
        let row = MarketRow::empty(self.market.clone(), self.at.time())
            .with(Column::PriceUsd, price_usd)
            .with(Column::SharePrice, Some(self.share_price.to_f64()))
            .with(Column::SupplyApr, self.advertised())
            .with(Column::RewardApr, self.reward_apr(price_usd))
            .with(Column::Utilization, utilization)
            .with(Column::TvlUsd, usd(self.supplied))
            .with(Column::ExitUsd, usd(self.exit))
            .with(Column::EntryUsd, entry.and_then(usd))
            .with(Column::ExitDelayDays, Some(self.beyond.delay_days));
        let row = match &self.beyond.pair {
            Some(pair) => row
                .with(Column::PairPrice, Some(pair.price))
                .with(Column::FeesAsset, pair.fees_asset)
                .with(Column::FeesForeign, pair.fees_foreign)
                .with(Column::DepthUsd, pair.depth.and_then(usd)),
            None => row,
        };
        let mut observation =
            Observation::of(MarketRow { block: Some(self.at.block.number), ..row }, &self.symbol);
        observation.borrow_apr = self.borrow_apr.map(Ray::to_f64);
        observation.takes_deposits = Some(takes_deposits);
        observation.is_active = Some(self.switches.is_active);
        observation
    }
}
