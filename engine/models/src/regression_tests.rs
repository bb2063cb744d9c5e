use super::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// y = 0.5 + 2 a - b + noise, with inputs far from zero and of unlike scales.
fn sample(rows: usize) -> (Vec<[f64; 2]>, Vec<f64>) {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let inputs: Vec<[f64; 2]> = (0..rows)
        .map(|_| [10.0 + random.random_range(-1.0..1.0), -300.0 + random.random_range(-5.0..5.0)])
        .collect();
    let target =
        inputs.iter().map(|[a, b]| 0.5 + 2.0 * a - b + random.random_range(-0.1..0.1)).collect();
    (inputs, target)
}

#[test]
fn elastic_net_finds_the_optimum_on_inputs_that_are_not_centred() {
    let (inputs, target) = sample(2_000);
    let fitted = elastic_net(&inputs, &target, 1e-4).unwrap();
    assert!((fitted.coefficients[0] - 2.0).abs() < 0.02, "{fitted:?}");
    assert!((fitted.coefficients[1] + 1.0).abs() < 0.02, "{fitted:?}");
    assert!((fitted.at(&[10.0, -300.0]) - 320.5).abs() < 0.02, "{fitted:?}");
}

#[test]
fn without_centring_linfa_finds_another_optimum() {
    // The defect that `Scaled` guards against: if this ever fails, linfa has mended it.
    let (inputs, target) = sample(2_000);
    let flat: Vec<f64> = inputs.iter().flatten().copied().collect();
    let data = Dataset::new(
        Array2::from_shape_vec((inputs.len(), 2), flat).unwrap(),
        Array1::from(target.clone()),
    );
    let raw = ElasticNet::params().penalty(1e-4).l1_ratio(0.5).fit(&data).unwrap();
    let error = |at: &dyn Fn(&[f64; 2]) -> f64| -> f64 {
        inputs.iter().zip(&target).map(|(row, value)| (at(row) - value).powi(2)).sum()
    };
    let guarded = elastic_net(&inputs, &target, 1e-4).unwrap();
    let with = error(&|row| guarded.at(row));
    let without =
        error(&|row| raw.intercept() + raw.hyperplane()[0] * row[0] + raw.hyperplane()[1] * row[1]);
    assert!(without > 2.0 * with, "without {without}, with {with}");
}

#[test]
fn a_penalty_weighs_inputs_alike_whatever_their_units() {
    let (inputs, target) = sample(500);
    let percent: Vec<[f64; 2]> = inputs.iter().map(|[a, b]| [a * 1e6, *b]).collect();
    let (one, other) =
        (elastic_net(&inputs, &target, 0.1).unwrap(), elastic_net(&percent, &target, 0.1).unwrap());
    assert!((one.coefficients[0] - other.coefficients[0] * 1e6).abs() < 1e-9);
}

#[test]
fn the_median_regression_ignores_how_far_an_outlier_lies() {
    let (inputs, mut target) = sample(600);
    for value in target.iter_mut().take(60) {
        *value += 1e6;
    }
    let fitted = median_regression(&inputs, &target).unwrap();
    assert!((fitted.coefficients[0] - 2.0).abs() < 0.05, "{fitted:?}");
    assert!((fitted.at(&[10.0, -300.0]) - 320.5).abs() < 0.05, "{fitted:?}");
}

#[test]
fn a_constant_input_has_no_coefficient() {
    let inputs: Vec<[f64; 2]> = (0..50).map(|row| [f64::from(row), 3.0]).collect();
    let target: Vec<f64> = (0..50).map(|row| 2.0 * f64::from(row) + 1.0).collect();
    for fitted in
        [median_regression(&inputs, &target).unwrap(), elastic_net(&inputs, &target, 1e-9).unwrap()]
    {
        assert!(fitted.coefficients[1].abs() < 1e-12, "{fitted:?}");
        assert!((fitted.at(&[10.0, 3.0]) - 21.0).abs() < 1e-3, "{fitted:?}");
    }
}

#[test]
fn too_few_rows_and_numbers_that_are_none_are_refused() {
    let few = elastic_net(&[[1.0, 2.0]; 5], &[1.0; 5], 0.1).unwrap_err();
    assert_eq!(few.to_string(), "5 rows are too few to fit 2 inputs");
    let mut inputs = vec![[1.0, 2.0]; 50];
    inputs[3][1] = f64::NAN;
    assert_eq!(median_regression(&inputs, &[1.0; 50]).unwrap_err(), FitError::NotFinite);
}
