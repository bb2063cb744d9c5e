//! Linear regressions by linfa, with guards for its defects.
//!
//! linfa 0.8.1's elastic net centres the target and not the inputs, so with an intercept it finds the
//! wrong optimum on inputs that are not centred; and a penalty weighs inputs by their scale. Here every
//! input is centred and scaled before it is fitted, and the coefficients are taken back afterwards.
//! Ordinary least squares fails on inputs that say the same thing twice; such a fit is refused, not used.

use linfa::prelude::*;
use linfa_elasticnet::ElasticNet;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2};

/// Below this standard deviation an input is constant.
const CONSTANT: f64 = 1e-12;
/// Rounds of reweighting for least absolute deviations.
const ROUNDS: usize = 12;
/// Residuals below this weigh no more than it does.
const SMALLEST_RESIDUAL: f64 = 1e-4;

/// A linear function of `N` inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear<const N: usize> {
    /// The value where every input is zero.
    pub intercept: f64,
    /// What each input adds.
    pub coefficients: [f64; N],
}

/// Why there is no fit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Too few rows for the number of inputs.
    #[error("{rows} rows are too few to fit {inputs} inputs")]
    TooFew {
        /// Rows given.
        rows: usize,
        /// Inputs.
        inputs: usize,
    },
    /// A number that is none.
    #[error("an input, target or coefficient is not finite")]
    NotFinite,
    /// linfa gave up.
    #[error("linfa: {detail}")]
    Solver {
        /// What it said.
        detail: String,
    },
}

impl<const N: usize> Linear<N> {
    /// Returns the value at `inputs`.
    #[must_use]
    pub fn at(&self, inputs: &[f64; N]) -> f64 {
        let each = self.coefficients.iter().zip(inputs).map(|(slope, input)| slope * input);
        self.intercept + each.sum::<f64>()
    }
}

/// Inputs centred and scaled, with the way back.
struct Scaled<const N: usize> {
    centre: [f64; N],
    scale: [f64; N],
    target_centre: f64,
    inputs: Array2<f64>,
    target: Array1<f64>,
}

impl<const N: usize> Scaled<N> {
    fn new(inputs: &[[f64; N]], target: &[f64]) -> Result<Scaled<N>, FitError> {
        let rows = inputs.len().min(target.len());
        if rows < 3 * (N + 1) {
            return Err(FitError::TooFew { rows, inputs: N });
        }
        let is_finite = inputs.iter().flatten().chain(target).all(|value| value.is_finite());
        if !is_finite {
            return Err(FitError::NotFinite);
        }
        let count = rows as f64;
        let (mut centre, mut scale) = ([0.0; N], [0.0; N]);
        for row in inputs {
            for (sum, value) in centre.iter_mut().zip(row) {
                *sum += value / count;
            }
        }
        for row in inputs {
            for ((sum, value), middle) in scale.iter_mut().zip(row).zip(&centre) {
                *sum += (value - middle).powi(2) / count;
            }
        }
        for spread in &mut scale {
            *spread = spread.sqrt();
        }
        let target_centre = target.iter().sum::<f64>() / count;
        let scaled = |row: &[f64; N]| -> Vec<f64> {
            let each = row.iter().zip(&centre).zip(&scale);
            each.map(
                |((value, middle), spread)| {
                    if *spread > CONSTANT { (value - middle) / spread } else { 0.0 }
                },
            )
            .collect()
        };
        let flat: Vec<f64> = inputs.iter().flat_map(scaled).collect();
        let inputs = Array2::from_shape_vec((rows, N), flat)
            .map_err(|error| FitError::Solver { detail: error.to_string() })?;
        let target = target.iter().map(|value| value - target_centre).collect();
        Ok(Scaled { centre, scale, target_centre, inputs, target })
    }

    /// The function of the inputs as they were given.
    fn unscaled(&self, slopes: &Array1<f64>, intercept: f64) -> Result<Linear<N>, FitError> {
        let mut coefficients = [0.0; N];
        let mut level = self.target_centre + intercept;
        for (place, slot) in coefficients.iter_mut().enumerate() {
            let (slope, spread) = (slopes.get(place), self.scale.get(place));
            let spread = spread.copied().unwrap_or_default();
            if spread > CONSTANT {
                *slot = slope.copied().unwrap_or_default() / spread;
                level -= *slot * self.centre.get(place).copied().unwrap_or_default();
            }
        }
        let is_finite = level.is_finite() && coefficients.iter().all(|slope| slope.is_finite());
        if is_finite {
            Ok(Linear { intercept: level, coefficients })
        } else {
            Err(FitError::NotFinite)
        }
    }
}

fn solver(error: impl std::fmt::Display) -> FitError {
    FitError::Solver { detail: error.to_string() }
}

/// Fits an elastic net: least squares with a `penalty` on the size of the coefficients, half of it on their
/// squares.
///
/// # Errors
/// [`FitError`].
pub fn elastic_net<const N: usize>(
    inputs: &[[f64; N]],
    target: &[f64],
    penalty: f64,
) -> Result<Linear<N>, FitError> {
    let scaled = Scaled::new(inputs, target)?;
    let data = Dataset::new(scaled.inputs.clone(), scaled.target.clone());
    let fitted = ElasticNet::params().penalty(penalty).l1_ratio(0.5).fit(&data).map_err(solver)?;
    scaled.unscaled(fitted.hyperplane(), fitted.intercept())
}

/// Fits least absolute deviations, the regression of the median, by least squares reweighted until the
/// weights settle.
///
/// # Errors
/// [`FitError`].
pub fn median_regression<const N: usize>(
    inputs: &[[f64; N]],
    target: &[f64],
) -> Result<Linear<N>, FitError> {
    let scaled = Scaled::new(inputs, target)?;
    let varies: Vec<usize> =
        (0..N).filter(|place| scaled.scale.get(*place).is_some_and(|s| *s > CONSTANT)).collect();
    let rows = scaled.inputs.nrows();
    let mut weights = vec![1.0; rows];
    let mut slopes = Array1::zeros(N);
    let mut intercept = 0.0;
    for _ in 0..ROUNDS {
        // The weight goes on every input and on a column of ones: linfa's own intercept has no weight.
        let design = Array2::from_shape_fn((rows, varies.len() + 1), |(row, column)| {
            let weight = weights.get(row).copied().unwrap_or_default();
            let place = varies.get(column).copied();
            weight * place.and_then(|place| scaled.inputs.get((row, place))).copied().unwrap_or(1.0)
        });
        let weighted = scaled.target.iter().zip(&weights).map(|(value, weight)| value * weight);
        let data = Dataset::new(design, weighted.collect::<Array1<f64>>());
        let fitted =
            LinearRegression::default().with_intercept(false).fit(&data).map_err(solver)?;
        for (column, place) in varies.iter().enumerate() {
            if let (Some(slot), Some(found)) = (slopes.get_mut(*place), fitted.params().get(column))
            {
                *slot = *found;
            }
        }
        intercept = fitted.params().get(varies.len()).copied().unwrap_or_default();
        if !intercept.is_finite() || slopes.iter().any(|slope: &f64| !slope.is_finite()) {
            return Err(FitError::NotFinite);
        }
        let fitted_values = scaled.inputs.dot(&slopes) + intercept;
        for ((weight, value), fit) in weights.iter_mut().zip(&scaled.target).zip(&fitted_values) {
            *weight = 1.0 / (value - fit).abs().max(SMALLEST_RESIDUAL).sqrt();
        }
    }
    scaled.unscaled(&slopes, intercept)
}

#[cfg(test)]
#[path = "regression_tests.rs"]
mod tests;
