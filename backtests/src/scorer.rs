//! Scores by day, each made once: every strategy and every variant of a replay reads the same.

use plimsoll_core::Day;
use plimsoll_frame::{MarketFrame, RiskModel, Scores, View};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A model on a frame.
#[derive(Debug)]
pub struct Scorer<'a> {
    model: &'a dyn RiskModel,
    /// Every market of the source: a part of the universe alone would teach too little.
    frame: &'a MarketFrame,
    days: Mutex<BTreeMap<Day, Arc<OnceLock<Arc<Scores>>>>>,
}

impl<'a> Scorer<'a> {
    /// Returns a scorer that has made nothing yet.
    #[must_use]
    pub fn new(model: &'a dyn RiskModel, frame: &'a MarketFrame) -> Scorer<'a> {
        Scorer { model, frame, days: Mutex::default() }
    }

    /// Returns the scores at the end of the day on which the clock of `view` stands.
    #[must_use]
    pub fn at(&self, view: &View<'_>) -> Arc<Scores> {
        let day = view.clock().day();
        let cell = {
            let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
            days.entry(day).or_default().clone()
        };
        cell.get_or_init(|| Arc::new(self.model.scores(&self.frame.view(view.clock())))).clone()
    }
}
