//! Scores by day, each made once: every strategy and every variant of a replay reads the same.

use plimsoll_core::Day;
use plimsoll_frame::{Asked, MarketFrame, RiskModel, Scores, View};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A model on a frame.
#[derive(Debug)]
pub struct Scorer<'a> {
    model: &'a dyn RiskModel,
    /// Every market of the source: a part of the universe alone would teach too little.
    frame: &'a MarketFrame,
    asked: Asked,
    days: Mutex<BTreeMap<Day, Arc<OnceLock<Arc<Scores>>>>>,
}

impl<'a> Scorer<'a> {
    /// Returns a scorer that has made nothing yet.
    #[must_use]
    pub fn new(model: &'a dyn RiskModel, frame: &'a MarketFrame, asked: Asked) -> Scorer<'a> {
        Scorer { model, frame, asked, days: Mutex::default() }
    }

    /// Makes the scores at the end of each of `days`, several at a time: a replay that has to wait for its
    /// scores waits alone.
    pub fn make(&self, days: &BTreeSet<Day>) {
        days.par_iter().for_each(|day| drop(self.on(*day)));
    }

    /// Returns the scores at the end of the day on which the clock of `view` stands.
    #[must_use]
    pub fn at(&self, view: &View<'_>) -> Arc<Scores> {
        self.on(view.clock().day())
    }

    fn on(&self, day: Day) -> Arc<Scores> {
        let cell = {
            let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
            days.entry(day).or_default().clone()
        };
        let make = || Arc::new(self.model.scores(&self.frame.view(day.end()), self.asked));
        cell.get_or_init(make).clone()
    }
}
