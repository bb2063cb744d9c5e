//! How a daily rate moves.

use plimsoll_backtests::report::course::MoveFigures;

/// Fewer known days than this tell nothing.
pub(super) const LEAST_DAYS: usize = 10;
/// A rate that strays less than this, points, stands still.
const STILL: f64 = 1e-9;

/// The figures of a daily rate in percent, a day without one included.
pub(super) fn figures(days: &[Option<f64>]) -> MoveFigures {
    let known: Vec<f64> = days.iter().flatten().copied().collect();
    let Some(mean) = mean(&known).filter(|_| known.len() >= LEAST_DAYS) else {
        return MoveFigures::default();
    };
    let pairs = || days.windows(2).filter_map(|pair| Some(((*pair.first()?)?, (*pair.get(1)?)?)));
    let changes: Vec<f64> = pairs().map(|(today, next)| next - today).collect();
    let deviation = deviation(&known);
    let products: f64 = pairs().map(|(today, next)| (today - mean) * (next - mean)).sum();
    let squares: f64 = known.iter().map(|rate| (rate - mean).powi(2)).sum();
    let moves = deviation.is_some_and(|deviation| deviation > STILL);
    MoveFigures {
        mean: Some(mean),
        deviation,
        changes: self::deviation(&changes),
        next_day: moves.then_some(products / squares),
    }
}

/// The value below which a `part` of all known values lies, between the two nearest.
pub(super) fn quantile(values: impl Iterator<Item = Option<f64>>, part: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.flatten().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = u32::try_from(sorted.len().checked_sub(1)?).ok()?;
    let place = part * f64::from(last);
    let below = (0..=last).rev().find(|rank| f64::from(*rank) <= place)?;
    let at = |rank: u32| sorted.get(usize::try_from(rank).ok()?).copied();
    let (low, high) = (at(below)?, at(below.saturating_add(1).min(last))?);
    Some(low + (high - low) * (place - f64::from(below)))
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn deviation(values: &[f64]) -> Option<f64> {
    let middle = mean(values)?;
    let squares: Vec<f64> = values.iter().map(|value| (value - middle).powi(2)).collect();
    Some(mean(&squares)?.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_swings_is_told_from_one_that_drifts() {
        let swings: Vec<Option<f64>> =
            (0..20).map(|day| Some(if day % 2 == 0 { 3.0 } else { 5.0 })).collect();
        let found = figures(&swings);
        let near = |found: Option<f64>, wanted: f64| (found.unwrap() - wanted).abs() < 1e-12;
        assert!(near(found.mean, 4.0) && near(found.deviation, 1.0), "{found:?}");
        assert!(near(found.next_day, -0.95), "19 products of -1 over 20 squares: {found:?}");
        let drifts: Vec<Option<f64>> = (0..20).map(|day| Some(f64::from(day))).collect();
        let found = figures(&drifts);
        assert!(near(found.changes, 0.0) && found.next_day.unwrap() > 0.8, "{found:?}");
    }

    #[test]
    fn a_day_that_is_missing_is_no_change_and_too_few_days_tell_nothing() {
        let mut days: Vec<Option<f64>> = (0..12).map(|day| Some(f64::from(day))).collect();
        days[5] = None;
        assert!(figures(&days).changes.unwrap() < 1e-12);
        assert_eq!(figures(&days[..9]), MoveFigures::default());
        assert_eq!(figures(&[Some(2.0); 12]).next_day, None, "a rate that stands still has none");
    }

    #[test]
    fn quartiles_lie_between_the_nearest_values() {
        let values = [Some(4.0), None, Some(1.0), Some(2.0), Some(3.0), Some(f64::NAN)];
        let at = |part| quantile(values.into_iter(), part).unwrap();
        assert!((at(0.25) - 1.75).abs() < 1e-12 && (at(0.5) - 2.5).abs() < 1e-12);
        assert!((at(1.0) - 4.0).abs() < 1e-12);
        assert_eq!(quantile([None].into_iter(), 0.5), None);
    }
}
