//! What the loop looks back on: of each market the last row of each past day, and today's newest.
//!
//! Models read days. Everything between is in the recorded history and not here, so that a long life stays
//! small and a journal of decisions holds all that they rest on.

use super::inputs::Seen;
use plimsoll_core::time::DAY_MS;
use plimsoll_core::{Day, MarketId, Time};
use plimsoll_frame::{
    FrameError, Gate, GateSettings, MarketFrame, MarketFrameBuilder, MarketRow, TermsBook,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The rows of the last days.
#[derive(Debug)]
pub struct Window {
    gate: GateSettings,
    days: i64,
    gates: BTreeMap<String, Gate>,
    rows: BTreeMap<MarketId, BTreeMap<Day, MarketRow>>,
    terms: TermsBook,
}

impl Window {
    /// Returns a window over `days` days that has seen nothing.
    #[must_use]
    pub fn new(gate: GateSettings, days: i64) -> Window {
        Window {
            gate,
            days,
            gates: BTreeMap::new(),
            rows: BTreeMap::new(),
            terms: TermsBook::default(),
        }
    }

    /// Takes in what a protocol said at `time`.
    pub fn take(&mut self, time: Time, seen: &Seen) {
        let settings = &self.gate;
        let new = || Gate::new(&seen.source, settings.clone());
        let gate = self.gates.entry(seen.source.clone()).or_insert_with(new);
        for observation in &seen.observations {
            let Some(row) = gate.admit(observation.clone()) else { continue };
            self.rows.entry(row.market.clone()).or_default().insert(row.time.day(), row);
        }
        for (market, terms) in &seen.terms {
            self.terms.learn(market, time, terms.clone());
        }
        let oldest = Time(time.0.saturating_sub(self.days.saturating_mul(DAY_MS))).day();
        for days in self.rows.values_mut() {
            *days = days.split_off(&oldest);
        }
    }

    /// Whether `day` was seen at all.
    #[must_use]
    pub fn has(&self, day: Day) -> bool {
        self.rows.values().any(|days| days.contains_key(&day))
    }

    /// Returns the rows as a frame.
    ///
    /// # Errors
    /// [`FrameError`]; the gate leaves out what no frame can hold.
    pub fn frame(&self) -> Result<MarketFrame, FrameError> {
        let rows = self.rows.values().flat_map(BTreeMap::values);
        let mut builder = MarketFrameBuilder::with_capacity(rows.clone().count());
        for row in rows {
            builder.push(row);
        }
        Ok(builder.finish()?.with_terms(Arc::new(self.terms.clone())))
    }
}
