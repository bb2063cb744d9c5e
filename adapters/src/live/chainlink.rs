//! Prices in USD from Chainlink feeds, at one block.
//!
//! A price that is old, not above zero, of an unfinished round, or far from a second source is unknown, with
//! the reason; it is never zero and never the last one that was good.

use super::multicall::{Answers, Batch, Slot};
use super::{check_chain, code_at};
use alloy::primitives::{Address, I256, U256};
use alloy::sol;
use plimsoll_core::{Amount, Bps, ChainId};
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::{AdapterError, At};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name under which errors are reported.
pub const NAME: &str = "chainlink";

sol! {
    /// Chainlink's `AggregatorV3Interface`.
    interface IFeed {
        function decimals() external view returns (uint8);
        function latestRoundData() external view
            returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
    }
}

/// The feeds of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSettings {
    /// The chain's id.
    pub chain: u64,
    /// One feed for each asset.
    pub feeds: Vec<PriceFeed>,
}

/// The feed of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceFeed {
    /// The asset.
    pub asset: Address,
    /// Its feed in USD.
    pub feed: Address,
    /// The feed's decimals: a feed of others is refused.
    #[serde(default = "usd_decimals")]
    pub decimals: u8,
    /// Seconds after which an answer is too old: the feed's heartbeat and some blocks.
    pub heartbeat_seconds: u64,
    /// What it is compared with.
    #[serde(default)]
    pub second: Option<SecondSource>,
}

fn usd_decimals() -> u8 {
    8
}

/// Another way to the same price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondSource {
    /// A feed whose answer is the price.
    pub feed: Address,
    /// A feed by whose answer it is multiplied: a cross rate, such as stETH in ETH times ETH in USD.
    #[serde(default)]
    pub times: Option<Address>,
    /// Seconds after which their answers are too old.
    pub heartbeat_seconds: u64,
    /// How far apart the two may be.
    pub max_deviation_bps: Bps,
}

/// A price, or why there is none.
pub type Price = Result<Known, Unknown>;

/// A price that may be used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// USD per whole unit.
    pub usd: f64,
    /// The feed's answer, exact.
    pub answer: U256,
    /// The decimals of it.
    pub decimals: u8,
    /// When it was posted, Unix seconds.
    pub updated: u64,
}

/// Why a price is unknown.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unknown {
    /// The feed reverted, or is none.
    #[error("{0}")]
    NoAnswer(String),
    /// An answer that is no price.
    #[error("feed {feed} answers {answer}, which is not above zero")]
    NotPositive {
        /// The feed.
        feed: Address,
        /// Its answer.
        answer: I256,
    },
    /// A round that was begun and not finished, or answered by an earlier one.
    #[error("round {round} of feed {feed} is incomplete")]
    Incomplete {
        /// The feed.
        feed: Address,
        /// The round.
        round: u128,
    },
    /// An answer that is too old, or of the future.
    #[error("feed {feed} answered at {updated}, {limit} seconds are allowed before {now}")]
    Stale {
        /// The feed.
        feed: Address,
        /// When it answered, Unix seconds.
        updated: U256,
        /// The block's time.
        now: u64,
        /// How old it may be.
        limit: u64,
    },
    /// Other decimals than configured.
    #[error("feed {feed} has {found} decimals, {expected} are configured")]
    Decimals {
        /// The feed.
        feed: Address,
        /// What is configured.
        expected: u8,
        /// What it says.
        found: u8,
    },
    /// Two sources that differ by too much.
    #[error("the feed says {usd} USD and the second source {second}, {allowed} apart are allowed")]
    Deviates {
        /// What the feed says.
        usd: f64,
        /// What the second source says.
        second: f64,
        /// How far apart they may be.
        allowed: Bps,
    },
    /// A second source that cannot be used, so that nothing confirms the first.
    #[error("the second source is unknown: {0}")]
    Unconfirmed(Box<Unknown>),
}

/// The prices of a chain.
#[derive(Debug, Clone)]
pub struct Prices {
    settings: PriceSettings,
}

/// A round as a feed gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Round {
    feed: Address,
    id: u128,
    answered_in: u128,
    answer: I256,
    updated: U256,
    decimals: u8,
}

type AskedRound = (Address, Slot<IFeed::latestRoundDataCall>, Slot<IFeed::decimalsCall>);

impl Prices {
    /// Returns the prices of the configured feeds.
    #[must_use]
    pub fn new(settings: PriceSettings) -> Prices {
        Prices { settings }
    }

    fn place(&self) -> (&str, ChainId) {
        (NAME, ChainId(self.settings.chain))
    }

    /// Checks, once, that every feed is a contract of the configured chain with the configured decimals.
    ///
    /// # Errors
    /// [`AdapterError`] that names the feed.
    pub async fn check(&self, nodes: &Nodes, at: &At) -> Result<(), AdapterError> {
        check_chain(nodes, at, self.place()).await?;
        let mut batch = Batch::default();
        let mut asked = Vec::new();
        for feed in &self.settings.feeds {
            code_at(nodes, at, feed.feed, NAME).await?;
            for other in feed.second.iter().flat_map(|second| [Some(second.feed), second.times]) {
                code_at(nodes, at, other.unwrap_or(feed.feed), NAME).await?;
            }
            asked.push((feed, batch.ask(feed.feed, &IFeed::decimalsCall {})));
        }
        let answers = batch.send(nodes, at, self.place()).await?;
        for (feed, slot) in asked {
            let found = answers.get(slot, NAME)?;
            if found != feed.decimals {
                return Err(AdapterError::Mismatch {
                    about: NAME.to_owned(),
                    contract: feed.feed,
                    field: "decimals",
                    expected: feed.decimals.to_string(),
                    found: found.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Reads every price at one block, by one multicall.
    ///
    /// # Errors
    /// [`AdapterError`] where nothing could be read at all; a single feed that fails is an unknown price.
    pub async fn read(
        &self,
        nodes: &Nodes,
        at: &At,
    ) -> Result<BTreeMap<Address, Price>, AdapterError> {
        let mut batch = Batch::default();
        let mut ask = |feed: Address| -> AskedRound {
            let round = batch.ask(feed, &IFeed::latestRoundDataCall {});
            (feed, round, batch.ask(feed, &IFeed::decimalsCall {}))
        };
        let asked: Vec<_> = self
            .settings
            .feeds
            .iter()
            .map(|feed| {
                let second = feed.second.as_ref();
                let times = second.and_then(|second| second.times);
                (feed, ask(feed.feed), second.map(|second| ask(second.feed)), times.map(&mut ask))
            })
            .collect();
        let answers = batch.send(nodes, at, self.place()).await?;
        let prices = asked.into_iter().map(|(feed, own, second, times)| {
            let own = round(&answers, own);
            let second = second.map(|slots| round(&answers, slots));
            let times = times.map(|slots| round(&answers, slots));
            (feed.asset, price(feed, at.timestamp, own, (second, times)))
        });
        Ok(prices.collect())
    }
}

fn round(answers: &Answers, (feed, round, decimals): AskedRound) -> Result<Round, Unknown> {
    let failed = |error: AdapterError| Unknown::NoAnswer(error.to_string());
    let data = answers.get(round, NAME).map_err(failed)?;
    Ok(Round {
        feed,
        id: data.roundId.to(),
        answered_in: data.answeredInRound.to(),
        answer: data.answer,
        updated: data.updatedAt,
        decimals: answers.get(decimals, NAME).map_err(failed)?,
    })
}

type MaybeRound = Option<Result<Round, Unknown>>;

/// What is believed of a feed and its second source.
fn price(
    feed: &PriceFeed,
    now: u64,
    own: Result<Round, Unknown>,
    (second, times): (MaybeRound, MaybeRound),
) -> Price {
    let own = own?;
    if own.decimals != feed.decimals {
        let (expected, found) = (feed.decimals, own.decimals);
        return Err(Unknown::Decimals { feed: own.feed, expected, found });
    }
    let known = sound(&own, now, feed.heartbeat_seconds)?;
    let (Some(settings), Some(second)) = (&feed.second, second) else { return Ok(known) };
    let usd = |round: Result<Round, Unknown>| {
        let found = round.and_then(|round| sound(&round, now, settings.heartbeat_seconds));
        found.map(|found| found.usd).map_err(|why| Unknown::Unconfirmed(Box::new(why)))
    };
    let mut other = usd(second)?;
    if let Some(times) = times {
        other *= usd(times)?;
    }
    let allowed = settings.max_deviation_bps;
    if (known.usd / other - 1.0).abs() <= allowed.to_fraction() {
        return Ok(known);
    }
    Err(Unknown::Deviates { usd: known.usd, second: other, allowed })
}

/// A round by itself: complete, above zero, and not older than `limit` seconds.
fn sound(round: &Round, now: u64, limit: u64) -> Price {
    let Round { feed, id, answered_in, answer, updated, decimals } = *round;
    if updated.is_zero() || answered_in < id {
        return Err(Unknown::Incomplete { feed, round: id });
    }
    let at = u64::try_from(updated).ok().filter(|at| *at <= now && now - *at <= limit);
    let Some(at) = at else { return Err(Unknown::Stale { feed, updated, now, limit }) };
    let exact = U256::try_from(answer).ok().filter(|exact| !exact.is_zero());
    let Some(exact) = exact else { return Err(Unknown::NotPositive { feed, answer }) };
    Ok(Known { usd: Amount(exact).to_f64(decimals), answer: exact, decimals, updated: at })
}

#[cfg(test)]
#[path = "chainlink_tests.rs"]
mod tests;
