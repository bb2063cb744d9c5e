//! `equal`: the same in every market that can be bought.

use crate::ranking::Ranking;
use plimsoll_core::MarketId;
use plimsoll_frame::{Reason, Situation, Strategy, StrategyError, Target};
use std::collections::BTreeMap;

/// Spreads evenly over the open markets at every decision. What is held in a market that cannot be
/// bought now stays where it is; the rest is spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Equal;

impl Strategy for Equal {
    fn name(&self) -> &'static str {
        "equal"
    }

    fn params(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::new()
    }

    fn target(&self, now: &Situation<'_>) -> Result<Target, StrategyError> {
        let Situation { view, held, .. } = now;
        let open = Ranking::new(view, 1).into_open();
        if open.is_empty() {
            return Ok(Target::stay(Reason::NothingOpen));
        }
        let is_open = |market: &MarketId| open.iter().any(|(known, _)| known == market);
        let mut weights: BTreeMap<MarketId, f64> = held
            .iter()
            .filter(|(market, _)| !is_open(market))
            .map(|(market, weight)| (market.clone(), weight.clamp(0.0, 1.0)))
            .collect();
        let spread = (1.0 - weights.values().sum::<f64>()).max(0.0);
        let each = spread / open.len() as f64;
        weights.extend(open.iter().map(|(market, _)| (market.clone(), each)));
        let reason = Reason::Equal { markets: open.len() };
        Ok(Target::weights(weights, reason)?.among(open))
    }
}
