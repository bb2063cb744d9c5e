//! Sleeves: the parts of a universe between which a replay moves nothing.
//!
//! A vault lives on one chain and has one denomination. There is no bridge in the model, and no
//! exchange between denominations, so each chain and denomination is a sleeve of its own with the same
//! capital.

use plimsoll_core::{ChainId, Denomination, MarketId};
use plimsoll_execute::Catalog;
use plimsoll_frame::{FrameError, MarketFrame};
use std::collections::BTreeMap;
use std::fmt;

/// A sleeve's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SleeveId {
    /// The chain; `None` where the sleeve spans several, which only a check of arithmetic does.
    pub chain: Option<ChainId>,
    /// The unit everything is measured in.
    pub denomination: Denomination,
}

/// A sleeve with its rows.
#[derive(Debug, Clone)]
pub struct Sleeve {
    /// Its place.
    pub id: SleeveId,
    /// Its rows.
    pub frame: MarketFrame,
}

/// Splits the rows of `markets` into sleeves, each with at least one row.
///
/// # Errors
/// [`FrameError`] from polars only.
pub fn split<'m>(
    frame: &MarketFrame,
    catalog: &Catalog,
    markets: impl IntoIterator<Item = &'m MarketId>,
) -> Result<Vec<Sleeve>, FrameError> {
    let mut places: BTreeMap<SleeveId, Vec<MarketId>> = BTreeMap::new();
    for market in markets {
        if let Some(info) = catalog.get(market) {
            let id =
                SleeveId { chain: Some(market.chain()), denomination: info.denomination.clone() };
            places.entry(id).or_default().push(market.clone());
        }
    }
    let mut sleeves = Vec::new();
    for (id, markets) in places {
        let frame = frame.subset(&markets)?;
        if frame.height() > 0 {
            sleeves.push(Sleeve { id, frame });
        }
    }
    Ok(sleeves)
}

impl fmt::Display for SleeveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.chain {
            Some(chain) => write!(f, "{chain} {}", self.denomination),
            None => write!(f, "all chains {}", self.denomination),
        }
    }
}
