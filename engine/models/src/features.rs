//! What a forecast may look at: rows of numbers strictly from the past, with the label that came after.

use crate::panel::{Panel, Track, deviation, mean};
use plimsoll_core::Day;

/// Days over which the label is realised.
pub const AHEAD_DAYS: i64 = 7;
/// Fewest known rates among the last thirty days for a row.
const FEWEST_KNOWN: usize = 20;

/// One market on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The track's place in its panel.
    pub track: usize,
    /// The day on which the features were known.
    pub day: Day,
    /// The newest advertised rate.
    pub spot: f64,
    /// Its mean over seven days.
    pub mean7: f64,
    /// Its mean over thirty days.
    pub mean30: f64,
    /// What regressions see, in the order of [`NAMES`].
    pub features: [f64; NAMES.len()],
    /// The standard deviation of the rates of thirty days: how lively the market is.
    pub deviation30: f64,
    /// How far the rate usually moves: the scale of errors.
    pub scale: f64,
    /// The realised rate of the next seven days, where they have passed.
    pub label: Option<f64>,
}

/// The features' names. All but the last are differences from the newest rate, so that a regression with
/// nothing to say says persistence.
pub const NAMES: [&str; 9] = [
    "mean7_less_spot",
    "mean30_less_spot",
    "realised7_less_spot",
    "yesterday_less_spot",
    "market_wide_less_spot",
    "market_wide_change",
    "utilization_less_mean",
    "deviation30",
    "spot_above_mean30",
];

/// Returns the row of every track on `day` that has enough past.
#[must_use]
pub fn rows_on(panel: &Panel, day: Day) -> Vec<Row> {
    let tracks = || panel.tracks.iter().enumerate();
    let (mut now, mut before) = (Vec::new(), Vec::new());
    for (_, track) in tracks() {
        if let (Some(rate), Some(trailing)) = (spot(track, day), mean_rate(track, day, 30)) {
            now.push(rate);
            before.push(trailing);
        }
    }
    // The median of all markets: one that pays 500 % says nothing of the level of the others.
    let (level, usual) = (median(&mut now), median(&mut before));
    let wide = level.zip(usual).unwrap_or_default();
    tracks().filter_map(|(place, track)| row(place, track, day, wide)).collect()
}

fn spot(track: &Track, day: Day) -> Option<f64> {
    track.at(day)?.supply_apr
}

fn mean_rate(track: &Track, day: Day, count: i64) -> Option<f64> {
    mean(&track.known(day, count, |row| row.supply_apr))
}

fn row(place: usize, track: &Track, day: Day, wide: (f64, f64)) -> Option<Row> {
    let spot = spot(track, day)?;
    let month = track.known(day, 30, |row| row.supply_apr);
    if month.len() < FEWEST_KNOWN {
        return None;
    }
    let mean30 = mean(&month)?;
    let mean7 = mean_rate(track, day, 7)?;
    let yesterday = track.at(day.plus(-1)).and_then(|row| row.supply_apr).unwrap_or(spot);
    let realised = track.realised_apr(day.plus(-7), 7).unwrap_or(mean7);
    let used = track.known(day, 30, |row| row.utilization);
    let utilization = track.at(day)?.utilization.zip(mean(&used));
    let spread = deviation(&month).unwrap_or_default();
    let week = deviation(&track.known(day, 7, |row| row.supply_apr)).unwrap_or_default();
    let scale = 0.000_5 + 0.05 * spot.max(mean7) + 0.5 * (spread + week);
    let features = [
        mean7 - spot,
        mean30 - spot,
        realised - spot,
        yesterday - spot,
        wide.0 - spot,
        wide.0 - wide.1,
        utilization.map_or(0.0, |(now, usual)| (now - usual) * mean7),
        spread,
        (spot - mean30).max(0.0),
    ];
    Some(Row {
        track: place,
        day,
        spot,
        mean7,
        mean30,
        features,
        deviation30: spread,
        scale,
        label: track.realised_apr(day, AHEAD_DAYS),
    })
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
