use super::*;
use plimsoll_core::{Curve, Kinked};
use proptest::prelude::*;
use sample::random_book;

#[path = "sample.rs"]
mod sample;

const CURVE: Curve =
    Curve::Kinked(Kinked { base: 0.0, slope_below: 0.05, slope_above: 0.6, kink: 0.8 });

fn lending(supplied: f64, utilization: f64) -> Lending {
    Lending::at_rest(CURVE, 0.1, supplied, supplied * utilization)
}

fn choice(earns: Earns) -> Choice {
    Choice {
        earns,
        held: 0.0,
        charge: 0.0,
        cap: f64::INFINITY,
        least: 0.0,
        exits: f64::INFINITY,
        entry_cost: 0.0,
        exit_cost: 0.0,
        fixed_cost: 0.0,
        entered: 0.0,
        left: 0.0,
        groups: Vec::new(),
    }
}

fn book(choices: Vec<Choice>, wealth: f64) -> Book {
    Book {
        choices,
        wealth,
        horizon: 1.0,
        group_caps: Vec::new(),
        stuck_cap: f64::INFINITY,
        entry_cap: f64::INFINITY,
    }
}

fn flat(apr: f64) -> Choice {
    choice(Earns::Flat(apr))
}

#[test]
fn two_equal_markets_share_the_money() {
    let same = || choice(Earns::Curve(lending(100.0, 0.6)));
    let solution = solve(&book(vec![same(), same()], 50.0));
    assert!((solution.deposits[0] - 25.0).abs() < 1e-3, "{solution:?}");
    assert!((solution.deposits[1] - 25.0).abs() < 1e-3, "{solution:?}");
}

#[test]
fn at_the_optimum_marginals_are_equal_and_averages_are_not() {
    // Income of x in S at 60 %: x 0.05/0.8 B^2/(S+x)^2 0.9; marginal B^2 (S-x)/(S+x)^3 alike.
    let (small, large) = (lending(100.0, 0.6), lending(400.0, 0.5));
    let both = vec![choice(Earns::Curve(small)), choice(Earns::Curve(large))];
    let solution = solve(&book(both, 60.0));
    let marginals =
        [small.marginal_income(solution.deposits[0]), large.marginal_income(solution.deposits[1])];
    assert!((marginals[0] - marginals[1]).abs() < 1e-6, "{solution:?} {marginals:?}");
    assert!((solution.deposits.iter().sum::<f64>() - 60.0).abs() < 1e-6);
    assert!(
        (small.sustainable_apr(solution.deposits[0]) - large.sustainable_apr(solution.deposits[1]))
            .abs()
            > 1e-4
    );
}

#[test]
fn more_money_than_the_markets_can_use_stays_idle_where_income_would_fall() {
    // s ~ 1/(S+x)^2: income is largest at x = S; beyond it more money earns less.
    let solution = solve(&book(vec![choice(Earns::Curve(lending(100.0, 0.6)))], 400.0));
    assert!((solution.deposits[0] - 100.0).abs() < 0.05, "{solution:?}");
}

#[test]
fn the_kink_is_crossed_where_the_far_side_is_better() {
    // Above the kink the first market pays a lot on little; its marginal is negative until the kink and
    // jumps there. A hill climb from 0 would stop on the near side.
    let above = lending(100.0, 0.9);
    assert!(above.marginal_income(0.0) > 0.0);
    let near = book(vec![choice(Earns::Curve(above)), flat(0.02)], 60.0);
    let solution = solve(&near);
    let dynamic = solve_dynamic(&near, 600);
    assert!(solution.value >= dynamic.value - near.tolerance(), "{solution:?} {dynamic:?}");
    assert!(solution.bound >= solution.value);
}

#[test]
fn left_over_money_goes_to_the_market_whose_demand_jumps() {
    // Both pay 5 % at the margin; the first takes any amount at it, the second only five.
    let capped = Choice { cap: 5.0, ..flat(0.05) };
    let solution = solve(&book(vec![capped, flat(0.05)], 100.0));
    assert!((solution.value - 5.0).abs() < 1e-9, "{solution:?}");
}

#[test]
fn a_difference_smaller_than_the_costs_moves_nothing() {
    let held = Choice { held: 100.0, exit_cost: 0.001, entry_cost: 0.001, ..flat(0.050) };
    let better = Choice { entry_cost: 0.001, exit_cost: 0.001, ..flat(0.0515) };
    let still = solve(&book(vec![held.clone(), better.clone()], 100.0));
    assert!(
        (still.deposits[0] - 100.0).abs() < 1e-9,
        "15 bp a year do not pay for 20 bp: {still:?}"
    );
    let longer = Book { horizon: 2.0, ..book(vec![held, better], 100.0) };
    let moved = solve(&longer);
    assert!((moved.deposits[1] - 100.0).abs() < 1e-6, "over two years they do: {moved:?}");
}

#[test]
fn what_was_moved_lately_is_undone_only_where_that_pays_both_ways() {
    // Moving from the first to the second costs 0.2 and undoes 0.1 of the first and 0.1 of the second.
    let costs = |choice| Choice { entry_cost: 0.001, exit_cost: 0.001, ..choice };
    let of = |entered, left, apr| {
        let held = Choice { held: 100.0, entered, ..costs(flat(0.050)) };
        solve(&book(vec![held, Choice { left, ..costs(flat(apr)) }], 100.0))
    };
    let settled = of(0.0, 0.0, 0.053);
    assert!((settled.deposits[1] - 100.0).abs() < 1e-6, "30 bp pay for 20: {settled:?}");
    let fresh = of(100.0, 100.0, 0.053);
    assert!((fresh.deposits[0] - 100.0).abs() < 1e-9, "not for both ways, 40: {fresh:?}");
    let better = of(100.0, 100.0, 0.055);
    assert!((better.deposits[1] - 100.0).abs() < 1e-6, "50 do: {better:?}");
    // What goes first undoes the late half; the rest pays its own way, 30 in all.
    let half = of(50.0, 50.0, 0.0525);
    assert!((half.deposits[0] - 100.0).abs() < 1e-9, "25 bp do not pay for 30: {half:?}");
    let half = of(50.0, 50.0, 0.0535);
    assert!((half.deposits[1] - 100.0).abs() < 1e-6, "35 do: {half:?}");
}

#[test]
fn the_costs_of_a_move_are_those_of_its_own() {
    let held =
        Choice { held: 100.0, entered: 100.0, exit_cost: 0.001, fixed_cost: 1.0, ..flat(0.05) };
    let both = book(vec![held, Choice { fixed_cost: 1.0, entry_cost: 0.002, ..flat(0.1) }], 100.0);
    assert!((both.cost(&[40.0, 60.0]) - (2.0 + 0.06 + 0.12)).abs() < 1e-12);
    assert!(both.cost(&[100.0, 0.0]).abs() < 1e-12, "standing still is free");
}

#[test]
fn a_fixed_cost_is_paid_only_for_what_is_worth_it() {
    let held = Choice { held: 100.0, fixed_cost: 1.0, ..flat(0.05) };
    let better = Choice { fixed_cost: 1.0, ..flat(0.065) };
    let still = solve(&book(vec![held.clone(), better], 100.0));
    assert!((still.deposits[0] - 100.0).abs() < 1e-9, "1.5 does not pay for 2: {still:?}");
    let best = Choice { fixed_cost: 1.0, ..flat(0.08) };
    let moved = solve(&book(vec![held, best], 100.0));
    assert!((moved.deposits[1] - 100.0).abs() < 1e-6, "3 does: {moved:?}");
}

#[test]
fn a_market_above_target_is_entered_only_with_enough_to_bring_it_down() {
    let market = lending(100.0, 0.9);
    let least = market.deposit_at(0.8);
    let above = Choice { least, ..choice(Earns::Curve(market)) };
    let poor = solve(&book(vec![above.clone()], 10.0));
    assert!(poor.deposits[0].abs() < 1e-9, "10 cannot bring 90 % down to 80 %: {poor:?}");
    let rich = solve(&book(vec![above], 30.0));
    assert!(rich.deposits[0] >= least - 1e-6, "{rich:?}");
}

#[test]
fn a_held_market_above_its_cap_is_not_forced_out() {
    let over = Choice { held: 60.0, cap: 20.0, ..flat(0.05) };
    let solution = solve(&book(vec![over, flat(0.01)], 100.0));
    assert!((solution.deposits[0] - 60.0).abs() < 1e-9, "{solution:?}");
    assert!((solution.deposits[1] - 40.0).abs() < 1e-6, "{solution:?}");
}

#[test]
fn groups_share_their_cap() {
    let grouped = |apr| Choice { groups: vec![0], ..flat(apr) };
    let with_groups = Book {
        group_caps: vec![35.0],
        ..book(vec![grouped(0.08), grouped(0.07), flat(0.03)], 100.0)
    };
    let solution = solve(&with_groups);
    assert!((solution.deposits[0] - 35.0).abs() < 1e-6, "{solution:?}");
    assert!((solution.deposits[2] - 65.0).abs() < 1e-6, "{solution:?}");
    assert_eq!(with_groups.constraint(&solution.deposits, 0), Some(Constraint::Group(0)));
    let binding = with_groups.binding(&solution.deposits, 0).unwrap();
    assert!(
        (binding.gain.unwrap() - 0.05).abs() < 1e-6,
        "1 % of 100 at 5 points more: {binding:?}"
    );
}

#[test]
fn what_may_be_stuck_is_capped_over_all_markets() {
    let deep = Choice { exits: 50.0, ..flat(0.03) };
    let shallow = Choice { exits: 10.0, ..flat(0.08) };
    let run = Book { stuck_cap: 30.0, ..book(vec![deep, shallow], 100.0) };
    let solution = solve(&run);
    assert!(run.is_feasible(&solution.deposits));
    assert!((solution.deposits[1] - 40.0).abs() < 1e-3, "10 leave, 30 may be stuck: {solution:?}");
    assert!((solution.deposits[0] - 50.0).abs() < 1e-3, "{solution:?}");
}

#[test]
fn no_more_is_brought_in_than_may_be() {
    let slow = Book { entry_cap: 25.0, ..book(vec![flat(0.05), flat(0.04)], 100.0) };
    let solution = solve(&slow);
    assert!((solution.deposits.iter().sum::<f64>() - 25.0).abs() < 1e-3, "{solution:?}");
    assert!((solution.deposits[0] - 25.0).abs() < 1e-3, "{solution:?}");
}

#[test]
fn an_empty_book_and_a_poor_one_are_left_alone() {
    assert!(solve(&book(vec![], 100.0)).deposits.is_empty());
    assert_eq!(solve(&book(vec![flat(0.05)], 0.0)).deposits, vec![0.0]);
    let losing = solve(&book(vec![Choice { charge: 0.1, ..flat(0.05) }], 100.0));
    assert!(losing.deposits[0].abs() < 1e-9, "what loses is not bought");
}

#[test]
fn a_larger_holder_than_the_market_is_solved_like_any_other() {
    let books: Vec<Choice> =
        [20.0, 40.0, 80.0].map(|supplied| choice(Earns::Curve(lending(supplied, 0.7)))).into();
    let large = book(books, 1_000.0);
    let (fast, dynamic) = (solve(&large), solve_dynamic(&large, 600));
    assert!((fast.value - dynamic.value).abs() < large.tolerance(), "{fast:?} {dynamic:?}");
}

#[test]
fn the_fast_path_equals_the_dynamic_programme_on_random_books() {
    compare(150);
}

#[test]
#[ignore = "half a minute: make deep"]
fn the_fast_path_equals_the_dynamic_programme_on_a_thousand_random_books() {
    compare(1_000);
}

/// Solves `books` random books both ways.
fn compare(books: u64) {
    let (mut proven, mut worst, mut fast_short) = (0, 0.0f64, 0);
    for seed in 0..books {
        let book = random_book(seed);
        let (fast, dynamic) = (solve_fast(&book), solve_dynamic(&book, 600));
        assert!(book.is_feasible(&fast.deposits) && book.is_feasible(&dynamic.deposits), "{seed}");
        let is_proven = fast.bound - fast.value <= book.tolerance();
        let short = (dynamic.value - fast.value) / (book.wealth * book.horizon) * 1e4;
        if is_proven {
            proven += 1;
            assert!(
                short <= 0.1,
                "book {seed}: proven, yet {short} bp a year short of the dynamic programme"
            );
        }
        assert!(
            dynamic.value <= fast.bound + 1e-3 * book.tolerance(),
            "book {seed}: the bound {} is below what the dynamic programme found, {}",
            fast.bound,
            dynamic.value
        );
        if short > 0.1 {
            fast_short += 1;
        }
        let solved = solve(&book);
        let short = (dynamic.value - solved.value) / (book.wealth * book.horizon) * 1e4;
        worst = worst.max(short);
        assert!(short <= 0.1, "book {seed}: {short} bp a year short of the dynamic programme");
    }
    assert!(
        proven * 2 > books,
        "the fast path decides most books: {proven} of {books}, {fast_short} short, worst {worst} bp"
    );
}

proptest! {
    #[test]
    fn a_solution_is_feasible_and_never_worse_than_staying(seed in 1_000_000u64..2_000_000) {
        let book = random_book(seed);
        let solution = solve(&book);
        prop_assert!(book.is_feasible(&solution.deposits), "no cap is broken");
        let still = book.value(&book.held());
        prop_assert!(solution.value >= still - 1e-9 * still.abs(), "moving is never worse than staying");
        prop_assert!(solution.bound >= solution.value, "nothing is better than the bound");
    }
}
