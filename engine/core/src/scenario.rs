//! Scenarios of loss, and the two measures that the risk line limits with them.
//!
//! Frequent and rare losses are measured apart: a quantile at 95 % cannot see a loss rarer than 5 %.

use crate::ids::MarketId;
use std::collections::BTreeMap;

/// The share of outcomes that CVaR95 means over.
const FREQUENT_TAIL: f64 = 0.05;
/// The share of years that ES99.9 means over.
const RARE_TAIL: f64 = 0.001;

/// What may happen to each market, jointly.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenarios {
    /// The markets, in order; the columns of what follows.
    pub markets: Vec<MarketId>,
    /// Returns over 30 days, one row a scenario, one number a market; empty where the history is too
    /// short to say.
    pub returns_30d: Vec<Vec<f64>>,
    /// Years in which something rare happens, each as (column, share lost).
    pub rare_years: Vec<Vec<(usize, f64)>>,
    /// How many years were drawn in all.
    pub years: usize,
}

impl Scenarios {
    /// The column of `market`.
    fn column(&self, market: &MarketId) -> Option<usize> {
        self.markets.binary_search(market).ok()
    }

    /// Weights by column; `None` where a weight is of a market without a column.
    fn by_column(&self, weights: &BTreeMap<MarketId, f64>) -> Option<Vec<f64>> {
        let mut columns = vec![0.0; self.markets.len()];
        for (market, weight) in weights {
            if *weight > 0.0 {
                *columns.get_mut(self.column(market)?)? += weight;
            }
        }
        Some(columns)
    }

    /// Returns the mean loss beyond the 95 % quantile over 30 days of `weights`, as a fraction of NAV; at
    /// least zero. `None` without scenarios for one of the markets.
    #[must_use]
    pub fn cvar95_30d(&self, weights: &BTreeMap<MarketId, f64>) -> Option<f64> {
        let columns = self.by_column(weights)?;
        if self.returns_30d.is_empty() {
            return None;
        }
        let loss = |row: &Vec<f64>| -> f64 {
            -row.iter().zip(&columns).map(|(earned, weight)| earned * weight).sum::<f64>()
        };
        let mut losses: Vec<f64> = self.returns_30d.iter().map(loss).collect();
        losses.sort_by(|a, b| b.total_cmp(a));
        Some(tail_mean(&losses, losses.len(), FREQUENT_TAIL).max(0.0))
    }

    /// Returns the mean loss beyond the 99.9 % quantile over a year of `weights`, as a fraction of NAV.
    /// `None` without scenarios for one of the markets.
    #[must_use]
    pub fn es999_1y(&self, weights: &BTreeMap<MarketId, f64>) -> Option<f64> {
        let columns = self.by_column(weights)?;
        if self.years == 0 {
            return None;
        }
        let mut losses = self.rare_losses(&columns);
        losses.sort_by(|a, b| b.total_cmp(a));
        Some(tail_mean(&losses, self.years, RARE_TAIL))
    }

    /// Returns what a little more of each market adds to ES99.9 of `weights`, by column: the mean loss of
    /// the market in the years that the measure means over.
    #[must_use]
    pub fn es999_slopes(&self, weights: &BTreeMap<MarketId, f64>) -> Option<Vec<f64>> {
        let columns = self.by_column(weights)?;
        let mut slopes = vec![0.0; columns.len()];
        let losses = self.rare_losses(&columns);
        let mut order: Vec<(usize, f64)> = losses.into_iter().enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let mut left = self.years as f64 * RARE_TAIL;
        let total = left;
        for (year, _) in order {
            let share = left.clamp(0.0, 1.0);
            for (column, lost) in self.rare_years.get(year).into_iter().flatten() {
                if let Some(slope) = slopes.get_mut(*column) {
                    *slope += share * lost / total;
                }
            }
            left -= 1.0;
            if left <= 0.0 {
                break;
            }
        }
        (total > 0.0).then_some(slopes)
    }

    fn rare_losses(&self, columns: &[f64]) -> Vec<f64> {
        let of_year = |year: &Vec<(usize, f64)>| -> f64 {
            let each = year.iter().filter_map(|(column, lost)| Some(columns.get(*column)? * lost));
            each.sum()
        };
        self.rare_years.iter().map(of_year).collect()
    }
}

/// The mean of the largest `share` of `count` outcomes, of which `sorted` holds the largest and the others
/// are zero; the last one counts in part.
fn tail_mean(sorted: &[f64], count: usize, share: f64) -> f64 {
    let total = count as f64 * share;
    if total <= 0.0 {
        return 0.0;
    }
    let mut left = total;
    let mut sum = 0.0;
    for loss in sorted {
        sum += loss * left.clamp(0.0, 1.0);
        left -= 1.0;
        if left <= 0.0 {
            break;
        }
    }
    sum / total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenarios() -> Scenarios {
        let markets = ["a:1:x", "b:1:y"].map(|name| name.parse().unwrap()).to_vec();
        // 100 months: one in which x loses 2 %, four in which y loses 1 %, else both earn 0.3 %.
        let mut returns_30d = vec![vec![0.003, 0.003]; 95];
        returns_30d.push(vec![-0.02, 0.003]);
        returns_30d.extend(vec![vec![0.003, -0.01]; 4]);
        // 2,000 years: in one x is lost whole, in one y loses half.
        let rare_years = vec![vec![(0, 1.0)], vec![(1, 0.5)]];
        Scenarios { markets, returns_30d, rare_years, years: 2_000 }
    }

    fn weights(x: f64, y: f64) -> BTreeMap<MarketId, f64> {
        BTreeMap::from([("a:1:x".parse().unwrap(), x), ("b:1:y".parse().unwrap(), y)])
    }

    #[test]
    fn cvar95_is_the_mean_of_the_worst_five_of_a_hundred() {
        let scenarios = scenarios();
        // Half and half: one loss of 0.85 %, four of 0.35 %.
        let found = scenarios.cvar95_30d(&weights(0.5, 0.5)).unwrap();
        assert!((found - (0.0085 + 4.0 * 0.0035) / 5.0).abs() < 1e-15, "{found}");
        assert!(
            scenarios.cvar95_30d(&weights(0.0, 0.0)).unwrap().abs() < 1e-15,
            "idle loses nothing"
        );
    }

    #[test]
    fn es999_is_the_mean_of_the_worst_two_of_two_thousand_years() {
        let scenarios = scenarios();
        let found = scenarios.es999_1y(&weights(0.35, 0.65)).unwrap();
        assert!((found - (0.35 + 0.325) / 2.0).abs() < 1e-15, "{found}");
        let slopes = scenarios.es999_slopes(&weights(0.35, 0.65)).unwrap();
        assert!((slopes[0] - 0.5).abs() < 1e-15 && (slopes[1] - 0.25).abs() < 1e-15, "{slopes:?}");
    }

    #[test]
    fn a_market_without_scenarios_is_unknown_and_not_safe() {
        let scenarios = scenarios();
        let stranger = BTreeMap::from([("c:1:z".parse().unwrap(), 0.1)]);
        assert_eq!(scenarios.es999_1y(&stranger), None);
        assert_eq!(scenarios.cvar95_30d(&stranger), None);
        assert_eq!(Scenarios::default().es999_1y(&BTreeMap::new()), None);
    }
}
