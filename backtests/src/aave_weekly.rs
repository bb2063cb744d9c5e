//! The contract `aave-weekly`: a published replay, restated to the letter, to check our arithmetic.
//!
//! Thirty weekly choices of one reserve among the stablecoin reserves of Aave V3 on six chains. It
//! crosses chains with no bridge, fills missing days forward, and takes the rows as they are: it is a
//! check of arithmetic and no proof of skill.

use crate::sleeves::{Sleeve, SleeveId};
use plimsoll_core::{ChainId, Denomination, MarketId};
use plimsoll_execute::Feed;
use plimsoll_frame::{Column, FrameError, MarketFrame, MarketFrameBuilder, MarketRow, Strategy};
use plimsoll_strategies::{Equal, HighestApr, Hold, Mean7Hysteresis};

/// The name under which the contract is chosen.
pub const NAME: &str = "aave-weekly";

/// The symbols, by the name a reserve had on the first day.
const SYMBOLS: [&str; 7] = ["USDC", "USDT", "DAI", "GHO", "USDT0", "USD₮0", "USDt"];

/// The chains, by EIP-155 id: Ethereum, Arbitrum, Base, Optimism, Polygon, Avalanche.
pub const CHAINS: [ChainId; 6] =
    [ChainId(1), ChainId(42_161), ChainId(8453), ChainId(10), ChainId(137), ChainId(43_114)];

/// Why the contract cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// No reserve of the contract has a row on the first day.
    #[error(
        "contract {NAME}: no reserve named {} on its chains has a row on the first day of the data",
        SYMBOLS.join(", ")
    )]
    NoUniverse,
    /// A frame that could not be built.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Returns the contract's rows: its reserves on every calendar day, missing days filled forward.
///
/// # Errors
/// [`ContractError`].
pub fn sleeve(feed: &Feed) -> Result<Sleeve, ContractError> {
    let is_candidate = |market: &&MarketId| {
        feed.catalog.get(*market).is_some_and(|info| {
            CHAINS.contains(&market.chain())
                && market.protocol() == "aave-v3"
                && SYMBOLS.contains(&info.first_symbol.as_ref())
                && info.was_active
        })
    };
    let candidates: Vec<MarketId> =
        feed.frame.markets().iter().filter(is_candidate).cloned().collect();
    let rows = feed.frame.subset(&candidates)?;
    let (Some(first), Some(last)) = (rows.days().first().copied(), rows.days().last().copied())
    else {
        return Err(ContractError::NoUniverse);
    };
    let on_first_day = rows.view(first.end());
    let universe: Vec<MarketId> = on_first_day
        .quotes()
        .into_iter()
        .filter(|quote| quote.share_price.is_some())
        .map(|quote| quote.market)
        .collect();
    let mut filled = MarketFrameBuilder::default();
    for day in (first.0..=last.0).map(plimsoll_core::Day) {
        let view = rows.view(day.end());
        for market in &universe {
            let known = |column| view.last_known(market, column);
            filled.push(
                &MarketRow::empty(market.clone(), day.start())
                    .with(Column::SharePrice, known(Column::SharePrice))
                    .with(Column::SupplyApr, known(Column::SupplyApr)),
            );
        }
    }
    if universe.is_empty() {
        return Err(ContractError::NoUniverse);
    }
    let frame: MarketFrame = filled.finish()?;
    Ok(Sleeve { id: SleeveId { chain: None, denomination: Denomination::Usd }, frame })
}

/// Returns the contract's rules: `equal`, `hold` on Ethereum USDT where it is there, the highest newest
/// rate, the highest 7-day mean, and the 7-day mean with one point of hysteresis.
#[must_use]
pub fn strategies(feed: &Feed, sleeve: &Sleeve) -> Vec<Box<dyn Strategy>> {
    let is_usdt = |market: &&MarketId| {
        let info = feed.catalog.get(*market);
        market.chain() == ChainId(1)
            && info.is_some_and(|info| info.first_symbol.starts_with("USDT"))
    };
    let usdt = sleeve.frame.markets().iter().find(is_usdt).cloned();
    let hysteresis = Mean7Hysteresis::default();
    let mut rules: Vec<Box<dyn Strategy>> = vec![Box::new(Equal)];
    if let Some(usdt) = usdt {
        rules.push(Box::new(Hold { market: Some(usdt) }));
    }
    rules.push(Box::new(HighestApr::default()));
    rules.push(Box::new(HighestApr { trailing_days: hysteresis.trailing_days }));
    rules.push(Box::new(hysteresis));
    rules
}
