//! A price path that somebody recorded.

use crate::LocalChainError;

/// Prices at times, to be followed instead of seeded ones. A file is read by whoever has it: the columns are time in Unix
/// seconds and price.
#[derive(Debug, Clone, PartialEq)]
pub struct PricePath {
    points: Vec<(u64, f64)>,
}

impl PricePath {
    /// Takes over times and prices.
    ///
    /// # Errors
    /// [`LocalChainError::OutOfRange`] when there are none, a price is not positive or times do not rise.
    pub fn new(points: Vec<(u64, f64)>) -> Result<PricePath, LocalChainError> {
        let refuse = |found| Err(LocalChainError::OutOfRange { field: "price path", found });
        if points.is_empty() {
            return refuse(0.0);
        }
        if let Some((_, price)) =
            points.iter().find(|(_, price)| !price.is_finite() || *price <= 0.0)
        {
            return refuse(*price);
        }
        let pairs = points.iter().zip(points.iter().skip(1));
        if let Some((_, (_, price))) =
            pairs.into_iter().find(|((before, _), (after, _))| after <= before)
        {
            return refuse(*price);
        }
        Ok(PricePath { points })
    }

    /// Returns the price `seconds` after the first, over the first: the last one known then.
    #[must_use]
    pub fn relative(&self, seconds: u64) -> f64 {
        let Some((start, first)) = self.points.first() else { return 1.0 };
        let now = start.saturating_add(seconds);
        let known = self.points.partition_point(|(time, _)| *time <= now);
        let last = self.points.get(known.saturating_sub(1));
        last.map_or(1.0, |(_, price)| price / first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_the_last_price_known_over_the_first() {
        let path = PricePath::new(vec![(100, 2_000.0), (200, 1_000.0), (250, 3_000.0)]).unwrap();
        let said = [0, 99, 100, 149, 150, 9_999].map(|seconds| path.relative(seconds));
        let expected = [1.0, 1.0, 0.5, 0.5, 1.5, 1.5];
        assert!(
            said.iter().zip(expected).all(|(said, expected)| (said - expected).abs() < 1e-12),
            "{said:?}"
        );
    }

    #[test]
    fn a_path_that_is_none_is_refused() {
        for points in [vec![], vec![(1, 0.0)], vec![(1, f64::NAN)], vec![(2, 1.0), (2, 1.0)]] {
            assert!(PricePath::new(points.clone()).is_err(), "{points:?}");
        }
    }
}
