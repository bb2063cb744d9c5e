//! A market's curve and its borrowers' elasticity, fitted on its trailing days.

use crate::panel::{DayRow, Track, mean};
use plimsoll_core::{Curve, Day, Kinked};

/// Days that a curve is fitted on at most.
const FIT_DAYS: i64 = 45;
/// How many of the newest pairs are tried where all of them fit badly: stewards change curves.
const NEWEST: [usize; 5] = [36, 28, 21, 15, 10];
/// A fit whose error is below this is one curve: a rate, one basis point.
const GOOD_ERROR: f64 = 1e-4;
/// A straight line whose error is below this needs no kink: a rate, a tenth of a basis point.
const STRAIGHT_ERROR: f64 = 1e-5;
/// Fewest pairs for a fit.
const FEWEST_PAIRS: usize = 10;
/// The smallest range of utilization that tells a slope.
const SMALLEST_RANGE: f64 = 0.01;
/// Where a kink is looked for, in steps of a hundredth from here on.
const FIRST_KINK: f64 = 0.5;
/// Where a straight line pretends to have its kink at most.
const LAST_KINK: f64 = 0.98;
/// How many places for a kink are tried.
const KINKS: u32 = 48;
/// The elasticity that is assumed where the history says nothing: half a percent less borrowing for each
/// percent of the rate. An assumption.
pub const USUAL_ELASTICITY: f64 = 0.5;
/// Days over which changes are compared to see an answer of borrowers.
const ANSWER_DAYS: usize = 7;
/// Independent changes that weigh as much as the assumption.
const ASSUMPTION_WEIGHT: f64 = 8.0;
/// No elasticity is believed above this.
const MOST_ELASTIC: f64 = 3.0;

/// A fitted curve, net of the reserve factor: what borrowers pay that reaches suppliers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FittedCurve {
    /// The curve; used with a reserve factor of zero.
    pub curve: Kinked,
    /// Root of the mean squared error, as a rate.
    pub error: f64,
    /// The largest error.
    pub worst: f64,
    /// Pairs fitted on.
    pub pairs: usize,
    /// Lowest and highest utilization seen: outside them the curve is a guess.
    pub seen: (f64, f64),
}

impl FittedCurve {
    /// Whether a kink was seen, with pairs on both sides of it.
    #[must_use]
    pub fn has_kink(&self) -> bool {
        let (below, above) = (self.curve.slope(0.0), self.curve.slope(1.0));
        (above - below).abs() > 1e-9
    }
}

/// Fits a kinked curve on the trailing (utilization, supply rate over utilization) pairs of `track` up to
/// `day`; `None` where they are too few or all alike: then the curve is unknown.
#[must_use]
pub fn fitted(track: &Track, day: Day) -> Option<FittedCurve> {
    let all = pairs(track, day);
    let whole = fit_pairs(&all)?;
    if whole.error <= GOOD_ERROR {
        return Some(whole);
    }
    // A curve that changed is two curves: the newest days that fit well are the present one.
    let newest = NEWEST.into_iter().filter_map(|count| {
        let recent = all.get(all.len().checked_sub(count)?..)?;
        fit_pairs(recent).filter(|fit| fit.error <= GOOD_ERROR)
    });
    newest.into_iter().next().or(Some(whole))
}

/// Returns the (utilization, supply rate over utilization) pairs that a curve is fitted on.
#[must_use]
pub fn pairs(track: &Track, day: Day) -> Vec<(f64, f64)> {
    let both = |row: &DayRow| Some((row.utilization.filter(|used| *used > 0.0)?, row.supply_apr?));
    let days = (day.0 - FIT_DAYS + 1..=day.0).filter_map(|day| both(track.at(Day(day))?));
    days.map(|(used, rate)| (used, rate / used)).collect()
}

/// Fits a kinked curve on (utilization, rate) pairs.
#[must_use]
pub fn fit_pairs(pairs: &[(f64, f64)]) -> Option<FittedCurve> {
    let low = pairs.iter().map(|(used, _)| *used).fold(f64::INFINITY, f64::min);
    let high = pairs.iter().map(|(used, _)| *used).fold(0.0, f64::max);
    if pairs.len() < FEWEST_PAIRS || high - low < SMALLEST_RANGE {
        return None;
    }
    let described = |curve: Kinked| {
        let misses = || pairs.iter().map(|(used, rate)| (curve.rate(*used) - rate).abs());
        let squares: f64 = misses().map(|miss| miss * miss).sum();
        FittedCurve {
            curve,
            error: (squares / pairs.len() as f64).sqrt(),
            worst: misses().fold(0.0, f64::max),
            pairs: pairs.len(),
            seen: (low, high),
        }
    };
    let straight = described(line(pairs, high.min(LAST_KINK))?);
    if straight.error <= STRAIGHT_ERROR {
        return Some(straight);
    }
    let kinks = (0..KINKS).map(|step| FIRST_KINK + 0.01 * f64::from(step));
    // Only a kink with pairs on both sides can be seen.
    let seen = kinks.filter(|kink| *kink > low && *kink < high);
    let hinges = seen.filter_map(|kink| Some(described(hinge(pairs, kink)?)));
    let best = hinges.min_by(|a, b| a.error.total_cmp(&b.error));
    Some(best.filter(|best| best.error < straight.error).unwrap_or(straight))
}

/// The straight line through `pairs`, with a kink at `kink` at which nothing happens.
fn line(pairs: &[(f64, f64)], kink: f64) -> Option<Kinked> {
    let count = pairs.len() as f64;
    let (x, y) =
        pairs.iter().fold((0.0, 0.0), |(x, y), pair| (x + pair.0 / count, y + pair.1 / count));
    let (mut across, mut along) = (0.0, 0.0);
    for (used, rate) in pairs {
        across += (used - x) * (rate - y);
        along += (used - x).powi(2);
    }
    let slope = (across / along).max(0.0);
    // A base below zero is no rate: the line then goes through the origin.
    let (base, slope) = if y - slope * x < 0.0 { (0.0, y / x) } else { (y - slope * x, slope) };
    let is_finite = base.is_finite() && slope.is_finite();
    let (below, above) = (slope * kink, slope * (1.0 - kink));
    is_finite.then_some(Kinked { base, slope_below: below, slope_above: above, kink })
}

/// The least-squares kinked curve with its kink at `kink`; `None` where it would fall anywhere.
fn hinge(pairs: &[(f64, f64)], kink: f64) -> Option<Kinked> {
    let row = |used: f64| [1.0, used.min(kink) / kink, ((used - kink) / (1.0 - kink)).max(0.0)];
    let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
    for (used, rate) in pairs {
        let inputs = row(*used);
        for (line, (slot, a)) in matrix.iter_mut().zip(right.iter_mut().zip(inputs)) {
            *slot += a * rate;
            for (cell, b) in line.iter_mut().zip(inputs) {
                *cell += a * b;
            }
        }
    }
    let [base, slope_below, slope_above] = match solve(matrix, right)? {
        found @ [base, ..] if base >= 0.0 => found,
        // No rate is below zero: the best curve then starts at the origin.
        _ => {
            let [[_, _, _], [_, a, b], [_, _, c]] = matrix;
            let [_, x, y] = right;
            let whole = a * c - b * b;
            if whole.abs() < 1e-14 {
                return None;
            }
            [0.0, (x * c - y * b) / whole, (a * y - b * x) / whole]
        }
    };
    let is_rising = slope_below >= 0.0 && slope_above >= 0.0;
    is_rising.then_some(Kinked { base, slope_below, slope_above, kink })
}

/// Cramer's rule; `None` for a matrix that is not told from a singular one.
fn solve(matrix: [[f64; 3]; 3], right: [f64; 3]) -> Option<[f64; 3]> {
    let determinant = |[a, b, c]: [[f64; 3]; 3]| {
        let [a0, a1, a2] = a;
        let [b0, b1, b2] = b;
        let [c0, c1, c2] = c;
        a0 * (b1 * c2 - b2 * c1) - a1 * (b0 * c2 - b2 * c0) + a2 * (b0 * c1 - b1 * c0)
    };
    let whole = determinant(matrix);
    if whole.abs() < 1e-14 {
        return None;
    }
    let [a, b, c] = matrix;
    let [x, y, z] = right;
    let with = |column: usize| {
        let put = |row: [f64; 3], value: f64| {
            let [p, q, r] = row;
            match column {
                0 => [value, q, r],
                1 => [p, value, r],
                _ => [p, q, value],
            }
        };
        determinant([put(a, x), put(b, y), put(c, z)]) / whole
    };
    Some([with(0), with(1), with(2)])
}

/// Returns by how many percent borrowing falls when the rate rises by one, from the trailing days of
/// `track` up to `day`.
///
/// Changes of the rate that suppliers cause, by coming and going, are an experiment on the borrowers:
/// the answer is their part of the covariance with supply (an instrumental variable). Few or weak
/// experiments leave the estimate near [`USUAL_ELASTICITY`].
#[must_use]
pub fn elasticity(track: &Track, day: Day, curve: &Curve) -> f64 {
    let days = (day.0 - 2 * FIT_DAYS + 1..=day.0).map(|day| {
        let row = track.at(Day(day))?;
        let (used, supplied) = (row.utilization?, row.tvl_usd?);
        let rate = curve.borrow_apr(used);
        (used > 0.0 && supplied > 0.0 && rate > 0.0)
            .then(|| ((used * supplied).ln(), supplied.ln(), rate.ln()))
    });
    let logs: Vec<Option<(f64, f64, f64)>> = days.collect();
    let pairs = logs.iter().zip(logs.iter().skip(ANSWER_DAYS));
    let changes: Vec<(f64, f64, f64)> = pairs
        .filter_map(|(before, after)| {
            let (before, after) = (before.as_ref()?, after.as_ref()?);
            Some((after.0 - before.0, after.1 - before.1, after.2 - before.2))
        })
        .collect();
    let of =
        |read: &dyn Fn(&(f64, f64, f64)) -> f64| -> Vec<f64> { changes.iter().map(read).collect() };
    let (borrowed, supplied, rate) = (of(&|c| c.0), of(&|c| c.1), of(&|c| c.2));
    let (Some(with_rate), Some(with_borrowed), Some(rate_alone), Some(supply_alone)) = (
        covariance(&rate, &supplied),
        covariance(&borrowed, &supplied),
        covariance(&rate, &rate),
        covariance(&supplied, &supplied),
    ) else {
        return USUAL_ELASTICITY;
    };
    // Suppliers must have moved the rate the way that they do: more of them, a lower rate.
    let relevance = with_rate * with_rate / (rate_alone * supply_alone).max(f64::MIN_POSITIVE);
    if with_rate >= 0.0 || !relevance.is_finite() {
        return USUAL_ELASTICITY;
    }
    let found = (with_borrowed / -with_rate).clamp(0.0, MOST_ELASTIC);
    let experiments = relevance * changes.len() as f64 / ANSWER_DAYS as f64;
    let weight = experiments / (experiments + ASSUMPTION_WEIGHT);
    weight * found + (1.0 - weight) * USUAL_ELASTICITY
}

fn covariance(a: &[f64], b: &[f64]) -> Option<f64> {
    let (centre_a, centre_b) = (mean(a)?, mean(b)?);
    let products: Vec<f64> =
        a.iter().zip(b).map(|(a, b)| (a - centre_a) * (b - centre_b)).collect();
    mean(&products)
}

#[cfg(test)]
#[path = "curves_tests.rs"]
mod tests;
