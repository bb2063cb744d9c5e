//! Statistics that the core and the models share.

use crate::units::floor_to_index;

/// The `share` quantile of `values` by linear interpolation, or `None` of nothing.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share.clamp(0.0, 1.0) * (sorted.len().checked_sub(1)?) as f64;
    let (low, part) = (floor_to_index(place), place.fract());
    let (a, b) = (sorted.get(low)?, sorted.get(low + 1).or(sorted.last())?);
    Some(a + (b - a) * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = [3.0, 1.0, 2.0];
        assert!((quantile(&values, 0.5).unwrap() - 2.0).abs() < 1e-15);
        assert!((quantile(&values, 0.75).unwrap() - 2.5).abs() < 1e-15);
        assert!((quantile(&values, 1.0).unwrap() - 3.0).abs() < 1e-15);
        assert_eq!(quantile(&[], 0.5), None);
    }
}
