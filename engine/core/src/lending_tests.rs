use super::*;
use crate::curve::Kinked;
use proptest::prelude::*;

/// Base 0, 5 % at the kink of 80 %, 65 % at the end; the protocol keeps a tenth.
const CURVE: Curve =
    Curve::Kinked(Kinked { base: 0.0, slope_below: 0.05, slope_above: 0.6, kink: 0.8 });

fn market(supplied: f64, borrowed: f64) -> Lending {
    Lending::at_rest(CURVE, 0.1, supplied, borrowed)
}

#[test]
fn our_deposit_lowers_the_rate_that_is_advertised() {
    // 64 of 100 lent: 4 % x 0.64 x 0.9. With 28 more, 64 of 128: 3.125 % x 0.5 x 0.9.
    let market = market(100.0, 64.0);
    assert!((market.after_deposit_apr(0.0) - 0.04 * 0.64 * 0.9).abs() < 1e-15);
    assert!((market.after_deposit_apr(28.0) - 0.03125 * 0.5 * 0.9).abs() < 1e-15);
}

#[test]
fn rewards_are_shared_with_our_own_deposit() {
    let market = Lending { rewards: 10.0, ..market(100.0, 0.0) };
    assert!((market.after_deposit_apr(100.0) - 0.05).abs() < 1e-15, "10 a year over 200");
    // x R / (S + x): half of all rewards at x = S, a quarter of them for the next S's worth.
    assert!((market.income(100.0) - 5.0).abs() < 1e-12);
    assert!((market.marginal_income(100.0) - 10.0 * 100.0 / 40_000.0).abs() < 1e-12);
}

#[test]
fn elastic_borrowers_bring_part_of_the_rate_back() {
    let still = market(100.0, 64.0);
    let elastic = Lending { elasticity: 1.0, ..still };
    let very = Lending { elasticity: 50.0, ..still };
    let (without, with, most) =
        (still.sustainable_apr(28.0), elastic.sustainable_apr(28.0), very.sustainable_apr(28.0));
    assert!(without < with && with < most && most < still.after_deposit_apr(0.0));
    // U (128) r(U) = 64 r(0.64) with r proportional to U: U = 0.64 / sqrt(1.28).
    let utilization = elastic.sustainable_utilization(28.0);
    assert!((utilization - 0.64 / 1.28f64.sqrt()).abs() < 1e-12, "{utilization}");
}

#[test]
fn marginal_income_jumps_up_where_the_deposit_goes_through_the_kink() {
    // 90 of 100 lent; at a deposit of 12.5 utilization is the kink's 0.8.
    let market = market(100.0, 90.0);
    assert!((market.deposit_at(0.8) - 12.5).abs() < 1e-12);
    let (before, after) = (market.marginal_income(12.4), market.marginal_income(12.6));
    assert!(after > before + 0.05, "{before} {after}");
}

#[test]
fn income_is_not_concave_beyond_twice_the_market() {
    // Without base rate s is proportional to U^2: x B^2 / (S + x)^2 is convex for x above 2 S.
    let market = market(100.0, 50.0);
    let second = |x: f64| market.income(x + 1.0) - 2.0 * market.income(x) + market.income(x - 1.0);
    assert!(second(150.0) < 0.0 && second(250.0) > 0.0);
}

#[test]
fn a_market_that_wants_more_than_there_is_stays_at_full_utilization() {
    let hungry = Lending { elasticity: 0.1, demand_rate: 0.05, ..market(100.0, 200.0) };
    assert!((hungry.sustainable_utilization(10.0) - 1.0).abs() < 1e-15);
    assert!((hungry.marginal_income(10.0) - hungry.interest_apr(1.0)).abs() < 1e-12);
}

#[test]
fn an_empty_market_pays_rewards_only() {
    let empty = Lending { rewards: 1.0, ..market(0.0, 0.0) };
    assert!((empty.sustainable_apr(10.0) - 0.1).abs() < 1e-15);
    assert!(empty.sustainable_apr(0.0).abs() < 1e-15);
}

#[test]
fn a_forecast_sets_the_level_and_the_curve_keeps_the_slope() {
    let market = Lending { elasticity: 0.5, ..market(100.0, 64.0) };
    let higher = market.with_level(20.0, 0.04);
    assert!((higher.sustainable_apr(20.0) - 0.04).abs() < 1e-9);
    assert!(higher.sustainable_apr(40.0) < 0.04);
}

proptest! {
    #[test]
    fn marginal_income_is_the_derivative_of_income(
        supplied in 1.0f64..1e6, utilization in 0.01f64..0.999, share in 0.001f64..4.0,
        elasticity in prop_oneof![Just(0.0), 0.01f64..5.0], rewards in 0.0f64..1e4,
    ) {
        let market = Lending {
            elasticity, rewards, ..market(supplied, supplied * utilization)
        };
        let deposit = supplied * share;
        let step = deposit * 1e-6;
        let after = market.sustainable_utilization(deposit);
        prop_assume!((after - 0.8).abs() > 1e-4 && after < 0.9999);
        let difference = (market.income(deposit + step) - market.income(deposit - step)) / (2.0 * step);
        let marginal = market.marginal_income(deposit);
        prop_assert!(
            (difference - marginal).abs() < 1e-6 * (1.0 + marginal.abs()) + 1e-9 * rewards,
            "{difference} {marginal}: the marginal income is the slope of the income"
        );
    }

    #[test]
    fn a_larger_deposit_never_raises_the_rate(
        supplied in 0.0f64..1e6, utilization in 0.0f64..1.0, elasticity in 0.0f64..5.0,
        rewards in 0.0f64..1e4, deposit in 0.0f64..1e7, more in 0.0f64..1e7,
    ) {
        let market = Lending {
            elasticity, rewards, ..market(supplied, supplied * utilization)
        };
        prop_assume!(supplied + deposit > 0.0);
        prop_assert!(
            market.sustainable_apr(deposit + more) <= market.sustainable_apr(deposit) + 1e-9,
            "our own money never raises what a market pays"
        );
    }

    #[test]
    fn the_deposit_for_a_utilization_gives_that_utilization(
        supplied in 1.0f64..1e6, utilization in 0.05f64..0.99, elasticity in 0.0f64..5.0,
        part in 0.1f64..0.95,
    ) {
        let market = Lending { elasticity, ..market(supplied, supplied * utilization) };
        let wanted = utilization * part;
        let deposit = market.deposit_at(wanted);
        prop_assert!(deposit >= 0.0);
        prop_assert!(
            (market.sustainable_utilization(deposit) - wanted).abs() < 1e-9,
            "going there and looking gives the same number"
        );
    }
}
