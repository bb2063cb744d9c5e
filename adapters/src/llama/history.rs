//! The charts of many pools as one adapter: a UTC day a batch, in the order of time.

use super::registry::Named;
use super::row::row;
use super::schema::Reading;
use crate::Selection;
use async_trait::async_trait;
use plimsoll_core::Day;
use plimsoll_execute::adapter::Disorder;
use plimsoll_execute::{Adapter, AdapterError};
use plimsoll_frame::Observation;
use std::collections::BTreeMap;

/// The readings of all pools.
pub(super) struct History {
    source: String,
    to: Option<Day>,
    pools: Vec<Named>,
    /// Readings with the place of their pool, by (time, market) once all are there.
    rows: Vec<(Reading, usize)>,
    next: usize,
    unsorted: Vec<Disorder>,
    /// Rows of chains without a known id, which are kept: a pool's UUID is unique over all chains.
    unknown: BTreeMap<String, (Day, Day, u64)>,
}

impl History {
    /// Returns a history without rows, of `source`, that takes nothing after the last day selected.
    pub(super) fn new(source: String, selection: &Selection) -> History {
        History {
            source,
            to: selection.to,
            pools: Vec::new(),
            rows: Vec::new(),
            next: 0,
            unsorted: Vec::new(),
            unknown: BTreeMap::new(),
        }
    }

    /// Adds the chart of a pool, whose market must come after those added before, and returns how many
    /// readings were left out because a later one of their day is there.
    pub(super) fn add(&mut self, pool: Named, mut chart: Vec<Reading>) -> usize {
        chart.retain(|reading| self.to.is_none_or(|to| reading.time <= to.end()));
        self.unsorted.extend(unsorted(&pool, &chart));
        chart.sort_by_key(|reading| reading.time);
        let count = chart.len();
        let mut kept: Vec<Reading> = Vec::with_capacity(count);
        for reading in chart {
            match kept.last_mut() {
                Some(last) if last.time.day() == reading.time.day() => *last = reading,
                _ => kept.push(reading),
            }
        }
        if let Some(name) = &pool.unknown_chain
            && let (Some(first), Some(last)) = (kept.first(), kept.last())
        {
            let days = (first.time.day(), last.time.day());
            let found = self.unknown.entry(name.clone()).or_insert((days.0, days.1, 0));
            let rows = u64::try_from(kept.len()).unwrap_or(u64::MAX);
            *found = (found.0.min(days.0), found.1.max(days.1), found.2.saturating_add(rows));
        }
        let place = self.pools.len();
        let repeated = count - kept.len();
        self.pools.push(pool);
        self.rows.extend(kept.into_iter().map(|reading| (reading, place)));
        repeated
    }

    /// Puts the rows in order.
    ///
    /// # Errors
    /// [`AdapterError::EmptyRange`] where no row is in the span that was asked for.
    pub(super) fn finish(mut self, selection: &Selection) -> Result<History, AdapterError> {
        self.rows.sort_by_key(|(reading, place)| (reading.time, *place));
        let days = self.rows.first().zip(self.rows.last());
        let days = days.map(|((first, _), (last, _))| (first.time.day(), last.time.day()));
        if days.is_some_and(|(_, last)| selection.from.is_none_or(|from| last >= from)) {
            return Ok(self);
        }
        let text = |day: Option<Day>, open: &str| {
            day.map_or_else(|| open.to_owned(), |day| day.to_string())
        };
        Err(AdapterError::EmptyRange {
            file: self.source,
            from: text(selection.from, "the first day"),
            to: text(selection.to, "the last day"),
            covers: days.map_or_else(
                || "no day up to there".to_owned(),
                |(first, last)| format!("{first} to {last}"),
            ),
        })
    }
}

#[async_trait]
impl Adapter for History {
    fn name(&self) -> String {
        format!("{} (advertised rates)", self.source)
    }

    async fn observe(&mut self) -> Result<Option<Vec<Observation>>, AdapterError> {
        let rest = self.rows.get(self.next..).unwrap_or_default();
        let Some(day) = rest.first().map(|(reading, _)| reading.time.day()) else {
            return Ok(None);
        };
        let count = rest.partition_point(|(reading, _)| reading.time.day() == day);
        let observed = |(reading, place): &(Reading, usize)| {
            self.pools.get(*place).map(|pool| row(&pool.market, &pool.symbol, reading))
        };
        let batch = rest.iter().take(count).filter_map(observed).collect();
        self.next += count;
        Ok(Some(batch))
    }

    fn disorder(&self) -> Vec<Disorder> {
        let unknown =
            self.unknown.iter().map(|(name, (first, last, rows))| Disorder::UnknownNetwork {
                name: name.clone(),
                days: (*first, *last),
                rows: *rows,
                are_kept: true,
            });
        self.unsorted.iter().cloned().chain(unknown).collect()
    }
}

/// The readings that stand before an earlier one, if any.
fn unsorted(pool: &Named, chart: &[Reading]) -> Option<Disorder> {
    let mut latest = chart.first()?.time;
    let mut days: Option<(Day, Day)> = None;
    let mut rows = 0;
    for reading in chart {
        if reading.time < latest {
            let day = reading.time.day();
            days = Some(days.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
            rows += 1;
        }
        latest = latest.max(reading.time);
    }
    let (market, symbol) = (pool.market.clone(), pool.symbol.to_string());
    Some(Disorder::Unsorted { market, symbol, days: days?, rows })
}
