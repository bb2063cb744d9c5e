//! The errors of two rules on rows of which nothing but a rate and an index is asked.

use super::POINTS;
use crate::features::AHEAD_DAYS;
use crate::panel::{Panel, mean};
use plimsoll_core::Day;
use serde::Serialize;

/// The errors of two rules that need nothing but rates and an index.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Naive {
    /// Mean absolute error of the newest rate, percentage points.
    pub spot_mae_pct: Option<f64>,
    /// Mean absolute error of the mean of the known rates of seven days, percentage points.
    pub mean7_mae_pct: Option<f64>,
    /// Rows.
    pub n: usize,
}

/// Returns the errors on every row of `from` to `to` that has a rate and a label of at least zero,
/// whatever is known of the month before.
#[must_use]
pub fn naive(panel: &Panel, from: Day, to: Day) -> Naive {
    let (mut spot, mut mean7) = (Vec::new(), Vec::new());
    let days = (from.0..=to.0).map(Day);
    for (day, track) in days.flat_map(|day| panel.tracks.iter().map(move |track| (day, track))) {
        let newest = track.at(day).and_then(|row| row.supply_apr);
        let label = track.realised_apr(day, AHEAD_DAYS).filter(|label| *label >= 0.0);
        let week = mean(&track.known(day, 7, |row| row.supply_apr));
        if let (Some(newest), Some(week), Some(label)) = (newest, week, label) {
            spot.push((newest - label).abs() * POINTS);
            mean7.push((week - label).abs() * POINTS);
        }
    }
    Naive { spot_mae_pct: mean(&spot), mean7_mae_pct: mean(&mean7), n: spot.len() }
}
