//! `hold`: enter once and never move.

use crate::ranking::Ranking;
use plimsoll_core::{Apr, MarketId};
use plimsoll_frame::{Reason, Situation, Strategy, StrategyError, Target};
use std::collections::BTreeMap;

/// Enters one market and stays: the named one, else the one with the highest 7-day mean rate at the
/// first decision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hold {
    /// The market to hold.
    pub market: Option<MarketId>,
}

impl Strategy for Hold {
    fn name(&self) -> &'static str {
        "hold"
    }

    fn params(&self) -> BTreeMap<&'static str, String> {
        let market = self.market.as_ref();
        BTreeMap::from([(
            "market",
            market.map_or_else(|| "best 7-day mean at entry".to_owned(), ToString::to_string),
        )])
    }

    fn target(&self, now: &Situation<'_>) -> Result<Target, StrategyError> {
        let Situation { view, held, .. } = now;
        if !held.is_empty() {
            return Ok(Target::stay(Reason::Hold));
        }
        let Some(market) = &self.market else {
            return Ok(Ranking::new(view, 7).best_above(now, 0.0)?);
        };
        let quote = view
            .quote(market)
            .ok_or_else(|| StrategyError::UnknownMarket { market: market.clone() })?;
        let Some(apr) = quote.supply_apr.filter(|_| quote.is_open()) else {
            return Ok(Target::stay(Reason::NothingOpen));
        };
        let reason = Reason::Enter { market: market.clone(), apr: Apr(apr.0) };
        Ok(Target::weights(BTreeMap::from([(market.clone(), 1.0)]), reason)?)
    }
}
