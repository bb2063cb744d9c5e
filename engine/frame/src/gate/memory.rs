//! What the gate remembers of a market.

use crate::row::{MarketRow, Observation};
use crate::schema::Column;
use plimsoll_core::{Day, Time};
use std::collections::VecDeque;
use std::sync::Arc;

/// How many admitted rates make the past of a market.
const PAST_RATES: usize = 7;

/// What the gate remembers of one market.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    pub(super) symbol: Arc<str>,
    pub(super) time: Time,
    pub(super) share_price: Option<f64>,
    pub(super) supply_apr: Option<f64>,
    pub(super) rates: [Option<f64>; 3],
    pub(super) updated_at: Option<Time>,
    /// When the index last changed.
    pub(super) moved: Time,
    /// When any of `rates` last changed.
    pub(super) stirred: Time,
    /// Readings so far, dropped ones left out.
    pub(super) seen: u64,
    pub(super) past: VecDeque<f64>,
    /// Runs of days without a row: the first and the last missing day of each.
    pub(super) gaps: Vec<(Day, Day)>,
}

impl Memory {
    pub(super) fn first(observation: &Observation) -> Memory {
        let row = &observation.row;
        Memory {
            symbol: observation.symbol.clone(),
            time: row.time,
            share_price: row.get(Column::SharePrice),
            supply_apr: row.get(Column::SupplyApr),
            rates: rates_of(row),
            updated_at: observation.updated_at,
            moved: row.time,
            stirred: row.time,
            seen: 1,
            past: VecDeque::with_capacity(PAST_RATES),
            gaps: Vec::new(),
        }
    }

    pub(super) fn learn(&mut self, observation: &Observation, withheld: bool) {
        let row = &observation.row;
        let (from, to) = (self.time.day().plus(1), row.time.day().plus(-1));
        if from <= to {
            self.gaps.push((from, to));
        }
        if let Some(index) = row.get(Column::SharePrice) {
            if self.share_price.is_none_or(|was| !is_same(was, index)) {
                self.moved = row.time;
            }
            self.share_price = Some(index);
        }
        let rates = rates_of(row);
        if !are_same(&rates, &self.rates) {
            self.stirred = row.time;
        }
        self.rates = rates;
        self.supply_apr = row.get(Column::SupplyApr);
        if let Some(apr) = self.supply_apr.filter(|apr| !withheld && *apr > 0.0) {
            if self.past.len() == PAST_RATES {
                self.past.pop_front();
            }
            self.past.push_back(apr);
        }
        self.updated_at = observation.updated_at.max(self.updated_at);
        self.symbol = observation.symbol.clone();
        self.time = row.time;
        self.seen += 1;
    }
}

/// The numbers that tell whether a feed without an index lives.
pub(super) fn rates_of(row: &MarketRow) -> [Option<f64>; 3] {
    [row.get(Column::SupplyApr), row.get(Column::RewardApr), row.get(Column::TvlUsd)]
}

/// Whether two readings are the same number, bit for bit.
pub(super) fn is_same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

/// Whether an index stands at its very start.
pub(super) fn is_one(value: f64) -> bool {
    is_same(value, 1.0)
}

/// The median, of at least three numbers.
pub(super) fn median(values: &VecDeque<f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() >= 3)
}

/// Whether two sets of readings are the same, missing ones included.
pub(super) fn are_same(a: &[Option<f64>; 3], b: &[Option<f64>; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| match (a, b) {
        (Some(a), Some(b)) => is_same(*a, *b),
        (None, None) => true,
        _ => false,
    })
}
