//! Random books, for tests and for timing.

use super::{Book, Choice, Earns};
use plimsoll_core::{Curve, Kinked, Lending};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A random book: markets at, below and above the kink, larger and smaller than us, with rewards, caps,
/// groups and fixed costs.
pub(crate) fn random_book(seed: u64) -> Book {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let markets = random.random_range(2..=50usize);
    let wealth = 10f64.powf(random.random_range(3.0..8.0));
    let protocols = random.random_range(1..=8usize);
    let has_groups = random.random_bool(0.5);
    let fixed_cost = if random.random_bool(0.5) { random.random_range(0.5..30.0) } else { 0.0 };
    let (has_costs, has_caps) = (random.random_bool(0.5), random.random_bool(0.5));
    let holds = random.random_bool(0.6);
    let has_past = random.random_bool(0.3);
    let mut left = wealth;
    let choices = (0..markets)
        .map(|_| {
            let kink = random.random_range(0.7..0.95);
            let curve = if random.random_bool(0.7) {
                Curve::Kinked(Kinked {
                    base: random.random_range(0.0..0.02),
                    slope_below: random.random_range(0.02..0.1),
                    slope_above: random.random_range(0.1..3.0),
                    kink,
                })
            } else {
                Curve::Adaptive { rate_at_target: random.random_range(0.005..0.15) }
            };
            let supplied = 10f64.powf(random.random_range(4.0..8.5));
            let utilization = match random.random_range(0..4) {
                0 => curve.target(),
                1 => random.random_range(curve.target()..0.999),
                _ => random.random_range(0.05..curve.target()),
            };
            let mut lending = Lending::at_rest(
                curve,
                random.random_range(0.0..0.3),
                supplied,
                supplied * utilization,
            );
            if random.random_bool(0.7) {
                lending.elasticity = random.random_range(0.05..3.0);
            }
            if random.random_bool(0.3) {
                lending.rewards = supplied * random.random_range(0.0..0.08);
            }
            let held = if holds && random.random_bool(0.3) {
                let held = left * random.random_range(0.0..0.6);
                left -= held;
                held
            } else {
                0.0
            };
            let cost = if has_costs { random.random_range(0.0..0.001) } else { 0.0 };
            Choice {
                held,
                charge: random.random_range(0.0..0.005),
                cap: if has_caps { wealth * random.random_range(0.05..0.6) } else { f64::INFINITY },
                least: if utilization > curve.target() && random.random_bool(0.5) {
                    lending.deposit_at(curve.target()).max(0.0)
                } else {
                    0.0
                },
                entry_cost: cost,
                exit_cost: cost,
                fixed_cost,
                groups: if has_groups { vec![random.random_range(0..protocols)] } else { vec![] },
                exits: f64::INFINITY,
                entered: if has_past { held * random.random_range(0.0..1.0) } else { 0.0 },
                left: if has_past { wealth * random.random_range(0.0..0.3) } else { 0.0 },
                earns: Earns::Curve(lending),
            }
        })
        .collect();
    Book {
        group_caps: vec![wealth * 0.35; protocols],
        horizon: random.random_range(0.02..0.5),
        choices,
        wealth,
        stuck_cap: f64::INFINITY,
        entry_cap: f64::INFINITY,
    }
}
