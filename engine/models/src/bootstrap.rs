//! Block bootstrap: how far a mean over days may be off when days resemble their neighbours.

use plimsoll_core::statistics::quantile;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Days in a block: longer than labels overlap.
pub const BLOCK_DAYS: usize = 7;
/// Resamples of days: fits take many such intervals.
const DAY_RESAMPLES: usize = 500;
/// Resamples of clusters: reports take few.
const CLUSTER_RESAMPLES: usize = 2_000;

/// A day's, or a market's, sum of something, and how many it sums.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DaySum {
    /// The sum.
    pub sum: f64,
    /// How many.
    pub count: f64,
}

/// Returns the mean over all days and the interval that holds `share` of resampled means.
///
/// Days are drawn in blocks of [`BLOCK_DAYS`] with replacement; the same days give the same interval.
/// `None` of nothing.
#[must_use]
pub fn mean_interval(days: &[DaySum], share: f64, seed: u64) -> Option<(f64, f64, f64)> {
    resampled(days, BLOCK_DAYS, DAY_RESAMPLES, share, seed)
}

/// Returns the mean and its interval as [`mean_interval`] does, of sums that do not resemble their
/// neighbours, such as those of whole markets: each is drawn by itself.
#[must_use]
pub fn cluster_interval(clusters: &[DaySum], share: f64, seed: u64) -> Option<(f64, f64, f64)> {
    resampled(clusters, 1, CLUSTER_RESAMPLES, share, seed)
}

fn resampled(
    sums: &[DaySum],
    length: usize,
    resamples: usize,
    share: f64,
    seed: u64,
) -> Option<(f64, f64, f64)> {
    let total = sums.iter().fold(DaySum::default(), add);
    if total.count <= 0.0 {
        return None;
    }
    let blocks = sums.len().div_ceil(length);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let means: Vec<f64> = (0..resamples)
        .filter_map(|_| {
            let mut drawn = DaySum::default();
            for _ in 0..blocks {
                let start = random.random_range(0..sums.len());
                // A block that reaches the end goes on from the start.
                let places = (start..start + length).map(|place| place % sums.len());
                drawn = places.filter_map(|place| sums.get(place)).fold(drawn, add);
            }
            (drawn.count > 0.0).then(|| drawn.sum / drawn.count)
        })
        .collect();
    let tail = 0.5 * (1.0 - share);
    let (low, high) = (quantile(&means, tail)?, quantile(&means, 1.0 - tail)?);
    Some((total.sum / total.count, low, high))
}

fn add(sum: DaySum, day: &DaySum) -> DaySum {
    DaySum { sum: sum.sum + day.sum, count: sum.count + day.count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_days_have_no_spread() {
        let days = [DaySum { sum: 2.0, count: 4.0 }; 30];
        let (mean, low, high) = mean_interval(&days, 0.9, 1).unwrap();
        assert!(
            (mean - 0.5).abs() < 1e-15 && (low - 0.5).abs() < 1e-15 && (high - 0.5).abs() < 1e-15
        );
        assert_eq!(mean_interval(&[], 0.9, 1), None);
    }

    #[test]
    fn one_market_apart_from_the_others_widens_the_interval_over_markets() {
        let mut markets = [DaySum { sum: 1.0, count: 10.0 }; 12];
        let (_, low, high) = cluster_interval(&markets, 0.9, 1).unwrap();
        assert!(high - low < 1e-12);
        markets[3].sum = 13.0;
        let (mean, low, high) = cluster_interval(&markets, 0.9, 1).unwrap();
        assert!((mean - 0.2).abs() < 1e-12 && low < 0.11 && high > 0.29, "{low} {high}");
    }

    #[test]
    fn runs_of_like_days_widen_the_interval() {
        let value = |day: usize, run: usize| if (day / run).is_multiple_of(2) { 1.0 } else { 0.0 };
        let width = |run: usize| {
            let days: Vec<_> =
                (0..280).map(|day| DaySum { sum: value(day, run), count: 1.0 }).collect();
            let (_, low, high) = mean_interval(&days, 0.9, 1).unwrap();
            high - low
        };
        assert!(width(7) > 2.0 * width(1), "{} {}", width(7), width(1));
    }
}
