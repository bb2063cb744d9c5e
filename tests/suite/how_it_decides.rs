//! Every number of the worked example in docs/how-it-decides.md, computed again.

use plimsoll_allocate::optimise::{Book, Choice, Constraint, Earns, solve};
use plimsoll_core::{Curve, Kinked, Lending};
use plimsoll_models::priors::Priors;

/// The market of the example: one million supplied, four fifths lent, a kink at nine tenths.
fn market() -> Lending {
    let curve = Curve::Kinked(Kinked { base: 0.0, slope_below: 0.05, slope_above: 0.6, kink: 0.9 });
    Lending { elasticity: 0.5, ..Lending::at_rest(curve, 0.1, 1_000_000.0, 800_000.0) }
}

fn choice(earns: Earns, held: f64, charge: f64) -> Choice {
    Choice {
        earns,
        held,
        charge,
        cap: f64::INFINITY,
        least: 0.0,
        exits: f64::INFINITY,
        entry_cost: 0.000_25,
        exit_cost: 0.000_25,
        fixed_cost: 2.0,
        entered: 0.0,
        left: 0.0,
        groups: Vec::new(),
    }
}

/// The lines of the example's tables: what, and the number as the document writes it.
fn lines() -> Vec<(&'static str, String)> {
    let percent = |rate: f64| format!("{:.3} %", rate * 100.0);
    let market = market();
    let mut lines = vec![
        ("utilization now", percent(market.utilization_after(0.0))),
        ("borrow rate now", percent(market.curve.borrow_apr(0.8))),
        ("advertised", percent(market.after_deposit_apr(0.0))),
        ("utilization after our 200,000", percent(market.utilization_after(200_000.0))),
        ("after our deposit", percent(market.after_deposit_apr(200_000.0))),
        (
            "utilization once borrowers have answered",
            percent(market.sustainable_utilization(200_000.0)),
        ),
        ("sustainable", percent(market.sustainable_apr(200_000.0))),
        ("the next unit earns", percent(market.marginal_income(200_000.0))),
    ];
    let priors = Priors::stated().unwrap();
    let aave = "aave-v3:1:0xa".parse().unwrap();
    let charge = priors.expected_loss(&aave, Some("circle"));
    lines.push(("expected loss", percent(charge)));
    lines.push((
        "probability of a loss within a year",
        percent(priors.p_loss_1y(&aave, Some("circle"))),
    ));
    // 200,000 sit at a flat 2 %; the market above is the alternative.
    let book = Book {
        choices: vec![
            choice(Earns::Curve(market), 0.0, charge),
            choice(Earns::Flat(0.02), 200_000.0, charge),
        ],
        wealth: 200_000.0,
        horizon: 90.0 / 365.0,
        group_caps: Vec::new(),
        stuck_cap: f64::INFINITY,
        entry_cap: f64::INFINITY,
    };
    let solution = solve(&book);
    let (moved, stays) = (solution.deposits[0], solution.deposits[1]);
    let still = book.value(&[0.0, 200_000.0]);
    let cost = 2.0 * 2.0 + 2.0 * 0.000_25 * moved;
    let gain = solution.value - still;
    let more = (gain + cost) / book.horizon;
    let money = |amount: f64| format!("{amount:.2}");
    lines.extend([
        ("moved", format!("{:.0}", (moved / 100.0).round() * 100.0)),
        ("stays", format!("{:.0}", (stays / 100.0).round() * 100.0)),
        ("rate of the part that moved", percent(market.sustainable_apr(moved))),
        ("cost of the move", money(cost)),
        ("net gain in 90 days", money(gain)),
        ("break-even days", format!("{:.1}", cost / more * 365.0)),
        ("value of staying", money(still)),
        ("value of moving", money(solution.value)),
    ]);
    assert_eq!(book.constraint(&solution.deposits, 0), Some(Constraint::Wealth));
    lines.push(("no split is worth more than", money(solution.bound)));
    lines
}

#[test]
fn every_number_of_the_worked_example_is_what_the_code_computes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/how-it-decides.md");
    for (a, b) in lines() {
        println!("LINE {a} {b}");
    }
    let text = std::fs::read_to_string(path).unwrap();
    for (what, number) in lines() {
        let line = format!("| {what} | {number} |");
        assert!(text.contains(&line), "docs/how-it-decides.md lacks the line {line}");
    }
}
