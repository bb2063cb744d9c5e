//! `mean7-hysteresis`: the highest mean rate, but only where it wins by a margin.

use crate::ranking::Ranking;
use plimsoll_frame::{Situation, Strategy, StrategyError, Target};
use std::collections::BTreeMap;
use std::num::NonZeroU16;

/// Moves everything to the market with the highest mean rate, once it beats what is held by `margin`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean7Hysteresis {
    /// Days over which the rate is averaged.
    pub trailing_days: NonZeroU16,
    /// By how much a market must beat what is held, a fraction: 0.01 is one percentage point.
    pub margin: f64,
}

impl Default for Mean7Hysteresis {
    fn default() -> Mean7Hysteresis {
        Mean7Hysteresis { trailing_days: NonZeroU16::MIN.saturating_add(6), margin: 0.01 }
    }
}

impl Strategy for Mean7Hysteresis {
    fn name(&self) -> &'static str {
        "mean7-hysteresis"
    }

    fn params(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("margin", self.margin.to_string()),
            ("trailing_days", self.trailing_days.to_string()),
        ])
    }

    fn target(&self, now: &Situation<'_>) -> Result<Target, StrategyError> {
        Ok(Ranking::new(&now.view, self.trailing_days.get()).best_above(now, self.margin)?)
    }
}
