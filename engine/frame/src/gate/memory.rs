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
    pub(super) pair_price: Option<f64>,
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
    /// Index and rate of the last days, oldest first, rows without either left out.
    pub(super) track: VecDeque<(Time, f64, f64)>,
    /// Rows with a rate above zero, and those of them taken for percent.
    pub(super) rated: (u64, u64),
    /// Runs of days without a row: the first and the last missing day of each.
    pub(super) gaps: Vec<(Day, Day)>,
}

/// Days in the year of every rate.
pub(super) const YEAR_DAYS: f64 = 365.0;
/// Over how many days the rates that were promised are compared with what the index grew.
const TRACK_DAYS: f64 = 30.0;
/// From how many days on that comparison says something of a low rate.
const SHORTEST_TRACK_DAYS: f64 = 6.5;
/// Between the root of a price and the price itself.
const BEYOND_ROOT: f64 = 0.75;
/// A rate from which one step of the index is enough.
const PLAIN_APR: f64 = 0.2;

impl Memory {
    /// The growth of the index since the row before, as a yearly rate; `None` without two indices.
    pub(super) fn last_growth(&self, row: &MarketRow) -> Option<f64> {
        let (was, is) = (self.share_price?, row.get(Column::SharePrice)?);
        Some((is / was - 1.0) * YEAR_DAYS / row.time.days_since(self.time))
    }

    /// Whether an index that fell to `left` of what it was fell with the price of its pair. A share of a pool falls with the root of
    /// it; what falls with all of it, as a staked token does, or without, has lost something.
    pub(super) fn follows_price(&self, row: &MarketRow, left: f64) -> bool {
        let Some(now) = row.get(Column::PairPrice) else { return false };
        self.pair_price.is_none_or(|before| left >= (now / before).powf(BEYOND_ROOT))
    }

    /// What the rates of the last days promised and what the index grew, both as yearly rates.
    ///
    /// One step is enough for a high rate. A low one takes a week or more, most of whose rows moved the
    /// index, by at least five times the `resolution` in which it is recorded: a market that nobody
    /// touches stands still and then catches up, and that says nothing of units.
    pub(super) fn promised_and_grown(
        &self,
        row: &MarketRow,
        resolution: f64,
    ) -> Option<(f64, f64)> {
        let apr = row.get(Column::SupplyApr)?;
        if let (Some(promised), Some(grown)) = (self.supply_apr, self.last_growth(row))
            && promised > PLAIN_APR
            && apr > PLAIN_APR
            && grown > 0.0
        {
            return Some((promised, grown));
        }
        let (from, first, _) = *self.track.front()?;
        let days = row.time.days_since(from);
        let growth = row.get(Column::SharePrice)? / first - 1.0;
        if days < SHORTEST_TRACK_DAYS || growth < 5.0 * resolution {
            return None;
        }
        // Rates of a month that are far above what the index grew would show in the newest one too; most
        // rows end here.
        if apr < 10.0 * growth * YEAR_DAYS / days {
            return None;
        }
        let steps = || self.track.iter().zip(self.track.iter().skip(1));
        let moved = steps().filter(|(before, after)| !is_same(before.1, after.1)).count();
        let mut promised: f64 =
            steps().map(|(before, after)| before.2 * after.0.days_since(before.0)).sum();
        let (last, _, apr) = *self.track.back()?;
        promised += apr * row.time.days_since(last);
        (2 * moved >= self.track.len().saturating_sub(1))
            .then(|| (promised / days, growth * YEAR_DAYS / days))
    }

    pub(super) fn first(observation: &Observation) -> Memory {
        let row = &observation.row;
        Memory {
            symbol: observation.symbol.clone(),
            time: row.time,
            share_price: row.get(Column::SharePrice),
            pair_price: row.get(Column::PairPrice),
            supply_apr: row.get(Column::SupplyApr),
            rates: rates_of(row),
            updated_at: observation.updated_at,
            moved: row.time,
            stirred: row.time,
            seen: 1,
            past: VecDeque::with_capacity(PAST_RATES),
            track: tracked(row).into_iter().collect(),
            rated: (0, 0),
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
        self.pair_price = row.get(Column::PairPrice).or(self.pair_price);
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
        self.track.extend(tracked(row));
        while self.track.front().is_some_and(|(time, ..)| row.time.days_since(*time) > TRACK_DAYS) {
            self.track.pop_front();
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

/// The time, index and rate of a row that has both.
fn tracked(row: &MarketRow) -> Option<(Time, f64, f64)> {
    Some((row.time, row.get(Column::SharePrice)?, row.get(Column::SupplyApr)?))
}
