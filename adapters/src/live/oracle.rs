//! The oracle that a market contract prices by (`IPriceOracle`): what it says of any amount at one block, and until when.
//!
//! Contracts ask it for amounts that nobody knows before the call, so its own arithmetic is needed: that of `FeedOracle`
//! (`contracts/src/oracles/FeedOracle.sol`) is had from its feeds, and believed where it gives the oracle's own answer
//! for [`PROBE`]. Of any other oracle that answer is scaled, which may be a unit off.

use super::multicall::{Answers, Batch, Slot};
use alloy::primitives::{Address, I256, U256};
use alloy::sol;
use plimsoll_core::lp::LpError;
use plimsoll_core::lp::fixed::{mul_div_down, mul_div_up};
use plimsoll_execute::AdapterError;

sol! {
    interface IPriceOracle {
        struct Feed { address feed; uint32 heartbeat; uint104 minimum; uint104 maximum; }
        function quote(uint256 amount) external view returns (uint256 low, uint256 high, bool isFresh);
        function feeds() external view returns (Feed base, Feed over);
        function bandBps() external view returns (uint256);
    }
    interface IPriceFeed {
        function decimals() external view returns (uint8);
        function latestRoundData() external view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
    }
}

/// The amount whose worth is asked for as a price.
pub const PROBE: U256 =
    alloy::primitives::uint!(1_000_000_000_000_000_000_000_000_000_000_000_000_U256);
const BPS: U256 = alloy::primitives::uint!(10_000_U256);

/// What an oracle says of any amount: a fraction of it, the worst rounded down and the best rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotes {
    worst: (U256, U256),
    best: (U256, U256),
    /// Whether every amount is answered to the unit.
    pub is_exact: bool,
    /// Whether it may be traded on.
    pub is_fresh: bool,
    /// Until when it may, Unix seconds; `None` where the oracle does not say.
    pub until: Option<u64>,
}

impl Quotes {
    /// From the worst and the best price of [`PROBE`].
    #[must_use]
    pub fn probed((worst, best): (U256, U256), is_fresh: bool) -> Quotes {
        let (worst, best) = ((worst, PROBE), (best, PROBE));
        Quotes { worst, best, is_exact: false, is_fresh, until: None }
    }

    /// The worst that `amount` is worth.
    ///
    /// # Errors
    /// [`LpError::Overflow`] beyond 256 bits.
    pub fn worst(&self, amount: U256) -> Result<U256, LpError> {
        mul_div_down(amount, self.worst.0, self.worst.1)
    }

    /// The best that `amount` is worth.
    ///
    /// # Errors
    /// [`LpError::Overflow`] beyond 256 bits.
    pub fn best(&self, amount: U256) -> Result<U256, LpError> {
        mul_div_up(amount, self.best.0, self.best.1)
    }

    /// The middle of both for [`PROBE`], rounded down.
    ///
    /// # Errors
    /// [`LpError::Overflow`] beyond 256 bits.
    pub fn middle(&self) -> Result<U256, LpError> {
        let (worst, best) = (self.worst(PROBE)?, self.best(PROBE)?);
        Ok((worst & best).saturating_add((worst ^ best) >> 1))
    }

    /// Half of the distance between both, as a share of their middle.
    ///
    /// # Errors
    /// [`LpError::Overflow`] beyond 256 bits.
    pub fn half_band(&self) -> Result<f64, LpError> {
        let (worst, best) = (f64::from(self.worst(PROBE)?), f64::from(self.best(PROBE)?));
        let all = worst + best;
        Ok(if all > 0.0 { (best - worst) / all } else { 0.0 })
    }

    /// The same at a later time: a price gets old.
    #[must_use]
    pub fn at(mut self, timestamp: u64) -> Quotes {
        self.is_fresh &= self.until.is_none_or(|until| timestamp <= until);
        self
    }
}

/// A feed and what is believed of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Feed {
    address: Address,
    heartbeat: u32,
    limits: (U256, U256),
}

impl Feed {
    fn of(feed: &IPriceOracle::Feed) -> Feed {
        let limits = (U256::from(feed.minimum), U256::from(feed.maximum));
        Feed { address: feed.feed, heartbeat: feed.heartbeat, limits }
    }

    fn within(&self, answer: I256) -> U256 {
        let (least, most) = self.limits;
        U256::try_from(answer).map_or(least, |answer| answer.clamp(least, most))
    }
}

/// What of a `FeedOracle` cannot change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Feeds {
    base: Feed,
    over: Option<Feed>,
    band: U256,
    /// The price is the first answer times the first, over the second answer times the second.
    scale: (U256, U256),
}

/// The questions whose answers never change.
pub(crate) struct AskedFeeds {
    feeds: Slot<IPriceOracle::feedsCall>,
    band: Slot<IPriceOracle::bandBpsCall>,
}

/// The questions about decimals of feeds.
pub(crate) type AskedPlaces = Vec<Slot<IPriceFeed::decimalsCall>>;

pub(crate) fn ask_feeds(batch: &mut Batch, oracle: Address) -> AskedFeeds {
    AskedFeeds {
        feeds: batch.ask(oracle, &IPriceOracle::feedsCall {}),
        band: batch.ask(oracle, &IPriceOracle::bandBpsCall {}),
    }
}

impl Feeds {
    /// The feeds, if the oracle names any; how they are scaled is learnt of [`Feeds::ask_places`].
    pub(crate) fn decode(answers: &Answers, asked: &AskedFeeds, about: &str) -> Option<Feeds> {
        let feeds = answers.get(asked.feeds, about).ok()?;
        let band = answers.get(asked.band, about).ok().filter(|band| *band <= BPS)?;
        let over = (!feeds.over.feed.is_zero()).then(|| Feed::of(&feeds.over));
        Some(Feeds { base: Feed::of(&feeds.base), over, band, scale: Default::default() })
    }

    pub(crate) fn ask_places(&self, batch: &mut Batch) -> AskedPlaces {
        let feeds = [Some(self.base), self.over].into_iter().flatten();
        feeds.map(|feed| batch.ask(feed.address, &IPriceFeed::decimalsCall {})).collect()
    }

    /// With the decimals of the feeds, of the asset and of the token that is priced.
    pub(crate) fn scaled(
        mut self,
        (answers, asked): (&Answers, &AskedPlaces),
        (asset, token): (u8, u8),
        about: &str,
    ) -> Option<Feeds> {
        let mut places = asked.iter().map(|slot| answers.get(*slot, about).ok().map(u32::from));
        let base = places.next()??;
        let over = match self.over {
            Some(_) => places.next()??,
            None => 0,
        };
        let ten = |places: u32| U256::from(10).checked_pow(U256::from(places));
        let up = ten(u32::from(asset).checked_add(over)?)?;
        self.scale = (up, ten(u32::from(token).checked_add(base)?)?);
        Some(self)
    }
}

/// The questions at a block.
pub(crate) struct AskedQuotes {
    quote: Slot<IPriceOracle::quoteCall>,
    rounds: Vec<Slot<IPriceFeed::latestRoundDataCall>>,
}

pub(crate) fn ask(batch: &mut Batch, oracle: Address, feeds: Option<&Feeds>) -> AskedQuotes {
    let quote = batch.ask(oracle, &IPriceOracle::quoteCall { amount: PROBE });
    let feeds = feeds.into_iter().flat_map(|feeds| [Some(feeds.base), feeds.over]).flatten();
    let rounds = feeds.map(|feed| batch.ask(feed.address, &IPriceFeed::latestRoundDataCall {}));
    AskedQuotes { quote, rounds: rounds.collect() }
}

/// What the oracle says at the block.
pub(crate) fn decode(
    (answers, asked): (&Answers, &AskedQuotes),
    feeds: Option<&Feeds>,
    about: &str,
) -> Result<Quotes, AdapterError> {
    let said = answers.get(asked.quote, about)?;
    let mut quotes = Quotes::probed((said.low, said.high), said.isFresh);
    let Some(feeds) = feeds else { return Ok(quotes) };
    let mut rounds = asked.rounds.iter().map(|slot| answers.get(*slot, about).ok());
    let mut found = |feed: &Feed, broken: U256| match rounds.next().flatten() {
        Some(round) => {
            let end = u64::try_from(round.updatedAt).unwrap_or(u64::MAX);
            (feed.within(round.answer), Some(end.saturating_add(u64::from(feed.heartbeat))))
        }
        // A feed that does not answer counts as the limit at which the token is worth least.
        None => (broken, None),
    };
    let (base, until) = found(&feeds.base, feeds.base.limits.0);
    let (over, until_over) = match &feeds.over {
        Some(feed) => found(feed, feed.limits.1),
        None => (U256::from(1), until),
    };
    quotes.until = match (until, until_over) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let up = base.checked_mul(feeds.scale.0);
    let down = over.checked_mul(feeds.scale.1).and_then(|down| down.checked_mul(BPS));
    let (less, more) = (BPS.saturating_sub(feeds.band), BPS.saturating_add(feeds.band));
    let by = |part: U256| Some((up?.checked_mul(part)?, down?));
    if let (Some(worst), Some(best)) = (by(less), by(more)) {
        let exact = Quotes { worst, best, is_exact: true, ..quotes };
        let both = (exact.worst(PROBE).ok(), exact.best(PROBE).ok());
        if both == (Some(said.low), Some(said.high)) {
            return Ok(exact);
        }
    }
    Ok(quotes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_rounded_down_and_the_best_up() {
        let third = |part: u64| (U256::from(part), U256::from(3_000));
        let quotes = Quotes {
            worst: third(999),
            best: third(1_001),
            is_exact: true,
            is_fresh: true,
            until: Some(9),
        };
        let ten = U256::from(10);
        assert_eq!(quotes.worst(ten), Ok(U256::from(3)));
        assert_eq!(quotes.best(ten), Ok(U256::from(4)));
        assert!((quotes.half_band().unwrap() - 0.001).abs() < 1e-12);
        assert!(quotes.at(9).is_fresh && !quotes.at(10).is_fresh);
    }

    #[test]
    fn an_answer_is_taken_to_the_limit_that_it_breaks() {
        let limits = (U256::from(5), U256::from(9));
        let feed = Feed { address: Address::ZERO, heartbeat: 1, limits };
        let found = [-3, 0, 7, 12].map(|answer| feed.within(I256::try_from(answer).unwrap()));
        assert_eq!(found, [5, 5, 7, 9].map(U256::from));
    }
}
