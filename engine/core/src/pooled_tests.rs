use super::*;
use proptest::prelude::*;

fn pool() -> Pooled {
    Pooled {
        base: 0.0,
        fees: 200_000.0,
        rewards: 0.0,
        others: 1_000_000.0,
        variance: 0.64,
        half_width: None,
        recentre_cost: 0.001,
        recentre_gas: 5.0,
        running: 0.0,
    }
}

#[test]
fn a_full_range_earns_its_share_of_fees_less_an_eighth_of_the_variance() {
    let pool = pool();
    // 20 % fees, 8 % LVR, of a deposit too small to dilute.
    assert!((pool.apr(0.0) - (0.2 - 0.08)).abs() < 1e-15);
    // As much as everybody else: half of the fees.
    assert!((pool.income(1_000_000.0) - (100_000.0 - 80_000.0)).abs() < 1e-9);
}

#[test]
fn a_narrow_range_multiplies_fees_and_losses_alike() {
    let narrow = Pooled { half_width: Some(0.2), ..pool() };
    let times = 1.0 / (1.0 - (-0.1f64).exp());
    assert!((narrow.concentration() - times).abs() < 1e-12);
    assert!((narrow.fee_apr(0.0) - 0.2 * times).abs() < 1e-12);
    assert!((narrow.lvr_apr() - 0.08 * times).abs() < 1e-12);
    // 0.64 / 0.04: sixteen times a year.
    assert!((narrow.recentres() - 16.0).abs() < 1e-12);
}

#[test]
fn where_price_moves_cost_more_than_fees_pay_no_width_pays_and_the_widest_loses_least() {
    let losing = Pooled { fees: 50_000.0, ..pool() };
    let widths = [0.05, 0.2, 0.8, 2.0];
    let best = losing.with_best_width(10_000.0, &widths).unwrap();
    assert!(best.income(10_000.0) < 0.0);
    assert_eq!(best.half_width, Some(2.0));
    assert_eq!(losing.with_best_width(1.0, &[]), None);
}

#[test]
fn a_quiet_pair_is_best_held_narrow_and_a_wild_one_wide() {
    let widths = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0];
    let quiet = Pooled { variance: 0.000_1, fees: 20_000.0, ..pool() };
    let quiet = quiet.with_best_width(50_000.0, &widths).unwrap().half_width.unwrap();
    let wild = pool().with_best_width(50_000.0, &widths).unwrap().half_width.unwrap();
    assert!(quiet < 0.05, "{quiet}");
    assert!(wild > quiet, "{wild}");
}

#[test]
fn gas_and_exchanges_make_a_wider_range_best() {
    let widths: Vec<f64> = (1..200).map(|step| 0.01 * f64::from(step)).collect();
    let width = |pool: Pooled| pool.with_best_width(5_000.0, &widths).unwrap().half_width.unwrap();
    let dear = Pooled { recentre_gas: 50.0, ..pool() };
    assert!(width(dear) > width(pool()), "{} {}", width(dear), width(pool()));
    let costly = Pooled { recentre_cost: 0.02, ..pool() };
    assert!(width(costly) > width(pool()), "{} {}", width(costly), width(pool()));
}

#[test]
fn a_range_is_worth_what_its_tokens_are() {
    assert!((range_value(None, 1.21) - 1.1).abs() < 1e-15);
    for width in [0.05, 0.5, 2.0] {
        assert!((range_value(Some(width), 1.0) - 1.0).abs() < 1e-12);
        // Above the range it is all in the asset and rises no more; below it falls as the price does.
        let (above, further) = (width.exp() * 1.1, width.exp() * 3.0);
        assert!(
            (range_value(Some(width), above) - range_value(Some(width), further)).abs() < 1e-12
        );
        let below = (-width).exp() * 0.9;
        let (one, half) = (range_value(Some(width), below), range_value(Some(width), 0.5 * below));
        assert!((half - 0.5 * one).abs() < 1e-12);
    }
    // The wider the range, the nearer to the full one.
    assert!((range_value(Some(30.0), 1.5) - 1.5f64.sqrt()).abs() < 1e-6);
}

/// The loss of a range against its rebalancing portfolio over a fine random walk is what `lvr_apr` says.
#[test]
fn lvr_is_what_a_rebalanced_copy_of_the_position_keeps_over_it() {
    use rand::{Rng, SeedableRng};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let (width, variance) = (0.4, 0.64);
    let pool = Pooled { half_width: Some(width), variance, ..pool() };
    let steps = 400;
    let dt = 1.0 / 365.0 / f64::from(steps);
    let (mut lost, paths) = (0.0, 2_000);
    for _ in 0..paths {
        let (mut price, mut hedge) = (1.0f64, 0.0);
        for _ in 0..steps {
            let shock: f64 = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
            let next = price * ((variance * dt).sqrt() * shock - 0.5 * variance * dt).exp();
            let root = price.sqrt();
            // The foreign token held, per unit of value at the start.
            let edge = (0.5 * width).exp();
            let foreign = (1.0 / root - 1.0 / edge) / (2.0 * (1.0 - 1.0 / edge));
            hedge += foreign * (next - price);
            price = next;
        }
        lost += hedge - (range_value(Some(width), price) - 1.0);
    }
    let found = lost / f64::from(paths) * 365.0;
    assert!((found / pool.lvr_apr() - 1.0).abs() < 0.02, "{found} {}", pool.lvr_apr());
}

proptest! {
    #[test]
    fn income_is_the_rate_times_the_deposit_and_never_convex(
        deposit in 1.0f64..5e6, width in 0.01f64..3.0, variance in 0.0f64..1.0,
    ) {
        let pool = Pooled { variance, half_width: Some(width), running: 10.0, ..pool() };
        let by_rate = deposit * pool.apr(deposit);
        prop_assert!((pool.income(deposit) - by_rate).abs() <= 1e-9 * by_rate.abs().max(1.0));
        let around = 0.5 * (pool.income(0.9 * deposit) + pool.income(1.1 * deposit));
        prop_assert!(around <= pool.income(deposit) + 1e-6);
    }
}
