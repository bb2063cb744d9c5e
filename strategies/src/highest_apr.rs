//! `highest-apr`: everything where the rate is highest.

use crate::ranking::Ranking;
use plimsoll_frame::{Situation, Strategy, StrategyError, Target};
use std::collections::BTreeMap;
use std::num::NonZeroU16;

/// Moves everything to the market with the highest advertised rate, whatever a move costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HighestApr {
    /// Days over which the rate is averaged; 1 takes the newest rate.
    pub trailing_days: NonZeroU16,
}

impl Default for HighestApr {
    fn default() -> HighestApr {
        HighestApr { trailing_days: NonZeroU16::MIN }
    }
}

impl Strategy for HighestApr {
    fn name(&self) -> &'static str {
        "highest-apr"
    }

    fn params(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([("trailing_days", self.trailing_days.to_string())])
    }

    fn target(&self, now: &Situation<'_>) -> Result<Target, StrategyError> {
        Ok(Ranking::new(&now.view, self.trailing_days.get()).best_above(now, 0.0)?)
    }
}
