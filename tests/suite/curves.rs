//! Rate curves against recorded rates. Skipped, with a printed reason, without real history.

use crate::support::{document, number, plimsoll, real_history};
use plimsoll_core::rates::aave_v3;
use plimsoll_core::{Bps, Curve, Kinked, Ray};

/// Source: `aave_irm_golden`, from the proposals of bgd-labs/aave-proposals-v3.
#[test]
fn the_aave_curve_gives_every_recorded_rate_within_a_basis_point() {
    let Some(data) = real_history() else { return };
    let file = std::path::Path::new(&data).join("aave_irm_golden.parquet");
    let table = crate::support::read(&file);
    let names = ["implied_utilization", "base", "slope1", "slope2", "optimal", "borrow_apr"];
    let columns: Vec<Vec<f64>> = names
        .iter()
        .map(|name| table.column(name).unwrap().f64().unwrap().into_no_null_iter().collect())
        .collect();
    assert_eq!(table.height(), 1_817);
    let mut worst = 0.0f64;
    let rows = (0..table.height()).map(|row| {
        let number = |column: usize| columns[column][row];
        (row, [0, 1, 2, 3, 4, 5].map(number))
    });
    for (row, [used, base, below, above, kink, recorded]) in rows {
        let curve = Curve::Kinked(Kinked { base, slope_below: below, slope_above: above, kink });
        worst = worst.max((curve.borrow_apr(used) - recorded).abs());
        // The integers of the contract say the same.
        let bps = |rate: f64| Bps(format!("{:.0}", rate * 1e4).parse().unwrap());
        let exact =
            aave_v3::KinkedCurve::from_bps(bps(kink), bps(base), bps(below), bps(above)).unwrap();
        let rate = exact.borrow_rate(Ray::from_f64_floor(used).unwrap()).unwrap();
        assert!((aave_v3::apr(rate).0 - recorded).abs() <= 1e-4, "row {row}");
    }
    println!("1,817 rows, worst error {:.3} bp", worst * 1e4);
    assert!(worst <= 1e-4, "{worst}");
}

/// The contract's stablecoin reserves, by chain, with the most that a fit may miss by.
#[test]
fn the_curves_of_the_stablecoin_reserves_are_fitted_within_two_basis_points() {
    let Some(data) = real_history() else { return };
    let chains = plimsoll_backtests::aave_weekly::CHAINS;
    let (mut fitted, mut unknown) = (0, 0);
    for chain in chains {
        let (folder, out) = crate::support::folder();
        let run = document(&plimsoll(&[
            "curves",
            "--data",
            &data,
            "--asset",
            "USD",
            "--chain",
            &chain.to_string(),
            "--out",
            &out,
            "--json",
        ]));
        drop(folder);
        for market in run["markets"].as_array().unwrap() {
            let name = format!("{chain} {}", market["symbol"].as_str().unwrap());
            if market["curve"] == "unknown" {
                unknown += 1;
                println!("{name}: unknown");
                continue;
            }
            let error = number(&market["error_apr"]) * 1e4;
            let (pairs, worst) = (&market["pairs"], number(&market["worst_error_apr"]) * 1e4);
            println!("{name}: {error:.2} bp, worst {worst:.2} bp, {pairs} pairs");
            assert!(error <= 2.0, "{name}: {error} bp");
            fitted += 1;
        }
    }
    assert!(fitted >= 18 && unknown <= 8, "{fitted} fitted, {unknown} unknown");
}
