//! Scenarios of loss, and the two measures that the risk line limits with them.
//!
//! Frequent and rare losses are measured apart: a quantile at 95 % cannot see a loss rarer than 5 %.

use crate::ids::MarketId;
use crate::units::floor_to_index;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The share of outcomes that CVaR95 means over.
const FREQUENT_TAIL: f64 = 0.05;
/// The share of years that ES99.9 means over.
const RARE_TAIL: f64 = 0.001;

/// What may happen to each market, jointly.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenarios {
    /// The markets, in order; the columns of what follows.
    pub markets: Vec<MarketId>,
    /// Returns over 30 days; without draws where the history is too short to say.
    pub months: Months,
    /// Rare losses by column.
    pub rare: Arc<RareLosses>,
}

/// Months put together from blocks of days, the same blocks for every market.
///
/// Kept as blocks and draws: of a thousand markets a portfolio holds a few, and only their months are ever
/// worked out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Months {
    /// For each column what its index grows by over each block, as a factor.
    pub growths: Vec<Vec<f64>>,
    /// For each scenario its blocks.
    pub draws: Vec<Vec<usize>>,
}

impl Months {
    /// Returns what `column` returns in the scenario of `blocks`, as a fraction; no number where a block is
    /// not known.
    #[must_use]
    pub fn earned(&self, column: usize, blocks: &[usize]) -> f64 {
        let growths = self.growths.get(column).map(Vec::as_slice).unwrap_or_default();
        let growth = |block: &usize| growths.get(*block).copied().unwrap_or(f64::NAN);
        blocks.iter().map(growth).product::<f64>() - 1.0
    }

    /// What the markets of `columns` lose together in each scenario.
    fn losses(&self, columns: &[f64]) -> Vec<f64> {
        let held = columns.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
        let held: Vec<(usize, f64)> = held.map(|(column, weight)| (column, *weight)).collect();
        let loss = |blocks: &Vec<usize>| {
            -held.iter().map(|(column, weight)| self.earned(*column, blocks) * weight).sum::<f64>()
        };
        self.draws.iter().map(loss).collect()
    }
}

/// Years in which something rare happens.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RareLosses {
    /// For each column the years that hit it, as (year, share lost), in order.
    pub by_column: Vec<Vec<(u32, f64)>>,
    /// How many years were drawn in all.
    pub years: u32,
}

impl Scenarios {
    /// Returns the column of `market`.
    #[must_use]
    pub fn column(&self, market: &MarketId) -> Option<usize> {
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
        if self.months.draws.is_empty() {
            return None;
        }
        let mut losses = self.months.losses(&columns);
        losses.sort_by(|a, b| b.total_cmp(a));
        let count = u32::try_from(losses.len()).ok()?;
        // A scenario that is no number makes the measure unknown, not small.
        Some(tail_mean(&losses, count, FREQUENT_TAIL))
            .filter(|mean| mean.is_finite())
            .map(|m| m.max(0.0))
    }

    /// Returns what a little more of each market adds to CVaR95 of `weights`, by column: the mean loss of
    /// the market in the scenarios that the measure means over; below zero for one that earns in them.
    #[must_use]
    pub fn cvar95_slopes(&self, weights: &BTreeMap<MarketId, f64>) -> Option<Vec<f64>> {
        let columns = self.by_column(weights)?;
        let total = self.months.draws.len() as f64 * FREQUENT_TAIL;
        if total <= 0.0 {
            return None;
        }
        let mut months: Vec<_> =
            self.months.losses(&columns).into_iter().zip(&self.months.draws).collect();
        months.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut slopes = vec![0.0; self.markets.len()];
        let mut left = total;
        for (_, blocks) in months {
            let share = left.clamp(0.0, 1.0) / total;
            if share <= 0.0 {
                break;
            }
            for (column, slope) in slopes.iter_mut().enumerate() {
                *slope -= share * self.months.earned(column, blocks);
            }
            left -= 1.0;
        }
        Some(slopes).filter(|slopes| slopes.iter().all(|slope| slope.is_finite()))
    }

    /// Returns the mean loss beyond the 99.9 % quantile over a year of `weights`, as a fraction of NAV.
    /// `None` without scenarios for one of the markets.
    #[must_use]
    pub fn es999_1y(&self, weights: &BTreeMap<MarketId, f64>) -> Option<f64> {
        let columns = self.by_column(weights)?;
        if self.rare.years == 0 {
            return None;
        }
        let losses: Vec<f64> =
            self.worst_years(&columns).into_iter().map(|(_, loss)| loss).collect();
        Some(tail_mean(&losses, self.rare.years, RARE_TAIL))
    }

    /// Returns what a little more of each market adds to ES99.9 of `weights`, by column: the mean loss of
    /// the market in the years that the measure means over.
    #[must_use]
    pub fn es999_slopes(&self, weights: &BTreeMap<MarketId, f64>) -> Option<Vec<f64>> {
        let columns = self.by_column(weights)?;
        let total = f64::from(self.rare.years) * RARE_TAIL;
        if total <= 0.0 {
            return None;
        }
        let mut left = total;
        let mut shares: BTreeMap<u32, f64> = BTreeMap::new();
        for (year, _) in self.worst_years(&columns) {
            shares.insert(year, left.clamp(0.0, 1.0) / total);
            left -= 1.0;
        }
        let slope = |hits: &Vec<(u32, f64)>| -> f64 {
            hits.iter().filter_map(|(year, lost)| Some(shares.get(year)? * lost)).sum()
        };
        Some(self.rare.by_column.iter().map(slope).collect())
    }

    /// The years that ES99.9 means over, worst first, as (year, loss).
    fn worst_years(&self, columns: &[f64]) -> Vec<(u32, f64)> {
        let mut losses = vec![0.0; usize::try_from(self.rare.years).unwrap_or(0)];
        let mut hit: Vec<u32> = Vec::new();
        for (hits, weight) in self.rare.by_column.iter().zip(columns) {
            if *weight <= 0.0 {
                continue;
            }
            for (year, lost) in hits {
                let slot = usize::try_from(*year).ok().and_then(|year| losses.get_mut(year));
                if let Some(loss) = slot {
                    if *loss <= 0.0 {
                        hit.push(*year);
                    }
                    *loss += weight * lost;
                }
            }
        }
        let at = |year: u32| usize::try_from(year).ok().and_then(|year| losses.get(year)).copied();
        let mut worst: Vec<(u32, f64)> =
            hit.into_iter().filter_map(|year| Some((year, at(year)?))).collect();
        let count = floor_to_index((f64::from(self.rare.years) * RARE_TAIL - 1e-9).ceil());
        let by_loss =
            |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0));
        if worst.len() > count && count > 0 {
            worst.select_nth_unstable_by(count - 1, by_loss);
            worst.truncate(count);
        }
        worst.sort_by(by_loss);
        worst
    }
}

/// The mean of the largest `share` of `count` outcomes, of which `sorted` holds the largest and the others
/// are zero; the last one counts in part.
fn tail_mean(sorted: &[f64], count: u32, share: f64) -> f64 {
    let total = f64::from(count) * share;
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
        let months = Months {
            growths: vec![vec![1.003, 0.98, 1.003], vec![1.003, 1.003, 0.99]],
            draws: [vec![vec![0]; 95], vec![vec![1]], vec![vec![2]; 4]].concat(),
        };
        // 2,000 years: in one x is lost whole, in one y loses half.
        let by_column = vec![vec![(7, 1.0)], vec![(9, 0.5)]];
        Scenarios { markets, months, rare: Arc::new(RareLosses { by_column, years: 2_000 }) }
    }

    fn weights(x: f64, y: f64) -> BTreeMap<MarketId, f64> {
        BTreeMap::from([("a:1:x".parse().unwrap(), x), ("b:1:y".parse().unwrap(), y)])
    }

    #[test]
    fn cvar95_is_the_mean_of_the_worst_five_of_a_hundred() {
        let scenarios = scenarios();
        // Half and half: one loss of 0.85 %, four of 0.35 %.
        let found = scenarios.cvar95_30d(&weights(0.5, 0.5)).unwrap();
        assert!((found - (0.0085 + 4.0 * 0.0035) / 5.0).abs() < 1e-14, "{found}");
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
        let at = |x: f64| scenarios.cvar95_30d(&weights(x, 0.3)).unwrap();
        let frequent = scenarios.cvar95_slopes(&weights(0.6, 0.3)).unwrap();
        assert!((frequent[0] - (at(0.601) - at(0.6)) / 0.001).abs() < 1e-9, "{frequent:?}");
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
