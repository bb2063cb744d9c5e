//! Panels of made-up markets for tests.

use crate::panel::{DayRow, Panel, Track};
use plimsoll_core::Day;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Returns `markets` markets over `days` days. Market number n starts from the rate `first(n)`; `next` makes a
/// day's rate of the rate of the day before, and the index grows by exactly what was advertised then.
pub(crate) fn panel(
    (markets, days): (usize, i64),
    first: impl Fn(usize) -> f64,
    next: impl Fn(f64, i64, &mut ChaCha8Rng) -> f64,
) -> Panel {
    let tracks = (0..markets).map(|number| {
        let mut random = ChaCha8Rng::seed_from_u64(number as u64);
        let (mut rate, mut index) = (first(number), 1.0);
        let days = (0..days).map(|day| {
            index *= 1.0 + rate / 365.0;
            rate = next(rate, day, &mut random);
            DayRow { supply_apr: Some(rate), share_price: Some(index), ..DayRow::default() }
        });
        let market = format!("a:1:{number:03}").parse().unwrap();
        Track { market, first: Day(0), days: days.collect(), pair: Vec::new() }
    });
    Panel { tracks: tracks.collect(), today: Day(days - 1) }
}

/// A rate that is drawn back to 4 %.
pub(crate) fn reverting(rate: f64, _: i64, random: &mut ChaCha8Rng) -> f64 {
    (0.04 + 0.5 * (rate - 0.04) + 0.02 * random.random_range(-1.0..1.0)).max(0.001)
}

/// A rate that goes anywhere.
pub(crate) fn wandering(rate: f64, _: i64, random: &mut ChaCha8Rng) -> f64 {
    rate * (0.02 * random.random_range(-1.0f64..1.0)).exp()
}
