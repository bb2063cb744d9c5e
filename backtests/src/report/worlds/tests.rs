//! Facts about the page of generated worlds.

use super::*;
use crate::report::checks::{self, HOSTILE, check_requests, check_tags};
use crate::worlds::{FORESIGHT, Paired, WorldsLine};
use std::collections::BTreeMap;

fn line(name: &str, by_seed: Vec<f64>) -> WorldsLine {
    let mean = by_seed.iter().sum::<f64>() / by_seed.len() as f64;
    WorldsLine {
        name: name.into(),
        strategy: name.into(),
        params: BTreeMap::new(),
        annualised_pct: mean,
        lo_pct: mean - 0.1,
        hi_pct: mean + 0.1,
        max_drawdown_pct: Some(0.42),
        switches: 2.5,
        switches_total: 5,
        turnover: 1.25,
        cost_pct: 0.07,
        gas_pct: 0.02,
        idle_pct: 3.5,
        exitable_24h_pct: None,
        worlds_stuck: 1,
        by_seed,
    }
}

fn pair(of: &WorldsLine, other: &WorldsLine) -> Paired {
    let differences: Vec<f64> = of.by_seed.iter().zip(&other.by_seed).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / differences.len() as f64;
    let seeds = (11_u64..).zip(differences.iter().copied());
    Paired {
        name: of.name.clone(),
        against: other.name.clone(),
        mean_pct: mean,
        lo_pct: mean - 0.07,
        hi_pct: mean + 0.07,
        wins: differences.iter().filter(|found| **found > 0.0).count(),
        n: differences.len(),
        worst: seeds.filter(|(_, found)| *found < 0.0).collect(),
    }
}

fn report_of(lines: Vec<WorldsLine>) -> WorldsReport {
    let subject = lines[0].clone();
    WorldsReport {
        seeds: (11..).take(subject.by_seed.len()).collect(),
        capital: 100_000.0,
        markets: 34,
        paired: lines.iter().skip(1).map(|other| pair(&subject, other)).collect(),
        lines,
        services: BTreeMap::from([("ridge".to_owned(), 30), ("mean7".to_owned(), 10)]),
    }
}

/// An allocator that beats `hold` in two worlds of four, equals it in one and loses to it in one.
fn usual() -> WorldsReport {
    report_of(vec![
        line("allocator", vec![3.0, 4.0, 3.5, 3.1]),
        line("hold", vec![2.5, 3.2, 3.5, 3.6]),
        line(FORESIGHT, vec![4.9, 5.0, 4.8, 4.9]),
    ])
}

fn empty() -> WorldsReport {
    WorldsReport {
        seeds: Vec::new(),
        capital: f64::NAN,
        markets: 0,
        lines: Vec::new(),
        paired: Vec::new(),
        services: BTreeMap::new(),
    }
}

fn body(report: &WorldsReport) -> String {
    checks::body(&render(report, &[], &[]))
}

/// The text without its tags.
fn words(html: &str) -> String {
    let parts = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect::<String>().replace('\u{a0}', " ")
}

#[test]
fn the_result_is_said_in_words() {
    let words = words(&body(&usual()));
    assert!(words.contains(
        "With 100,000 USD over 4 worlds, the allocator earned 3.40 % a year, 0.20 points more than \
         hold, the best of the others (90 % interval 0.13 to 0.27). Perfect foresight earned 4.90 %, \
         so 1.50 points were missed. It lost most often to hold: in 1 of 4 worlds."
    ));
}

#[test]
fn an_interval_with_zero_in_it_tells_nothing() {
    let report = report_of(vec![line("a", vec![3.0, 3.2]), line("b", vec![3.1, 3.16])]);
    let words = words(&body(&report));
    assert!(words.contains("0.03 points less than b"));
    assert!(words.contains("zero in it: these worlds do not tell which is better"));
    assert!(words.contains("What perfect foresight would have earned was not looked for."));
}

#[test]
fn worlds_without_a_difference_are_neither_won_nor_lost() {
    let html = body(&usual());
    assert!(html.contains(
        "<td class=\"n\">2</td><td class=\"n\">1</td><td class=\"n\">1</td><td class=\"n\">4</td>"
    ));
    assert!(words(&html).contains("1 world without a difference, not drawn."));
}

#[test]
fn the_ceiling_has_a_result_and_nothing_else() {
    let html = body(&usual());
    let rules = html.split_once("id=\"rules\"").unwrap().1.split_once("</table>").unwrap().0;
    let row = rules.split("<tr>").last().unwrap();
    assert!(row.contains(FORESIGHT) && row.contains("4.90"));
    assert_eq!(row.matches(">unknown<").count(), 8, "{row}");
    assert!(html.contains("ceiling, not drawn"));
}

#[test]
fn a_lost_world_can_be_run_again() {
    let html = body(&usual());
    assert!(html.contains("plimsoll backtest --synthetic 14..14"));
    let loss = "<td class=\"n\">14</td><td class=\"n\">\u{2212}0.50</td><td class=\"n\">3.10</td>";
    assert!(html.contains(loss), "the seed, the difference and both results");
    assert!(
        body(&report_of(vec![line("a", vec![3.0]), line("b", vec![2.0])]))
            .contains("It lost to none in any world.")
    );
}

#[test]
fn the_banner_always_says_that_the_worlds_are_made_up() {
    let banner = |labels: &[String]| render(&usual(), labels, &[]);
    assert!(banner(&[]).contains(SYNTHETIC));
    let own = "Synthetic worlds; they say nothing about real returns".to_owned();
    let html = banner(std::slice::from_ref(&own));
    assert!(html.contains(&own) && !html.contains(SYNTHETIC), "said once");
}

#[test]
fn nothing_from_the_data_becomes_markup() {
    let mut report =
        report_of(vec![line(HOSTILE, vec![3.0, 4.0]), line("<b>x</b>", vec![3.1, 3.2])]);
    report.lines[0].params.insert("<i>", HOSTILE.into());
    report.services.insert(HOSTILE.into(), 3);
    let html = render(&report, &[HOSTILE.into()], &[HOSTILE.into()]);
    let body = checks::body(&html);
    assert!(!body.contains("<script") && !body.contains("<b>x") && !body.contains("<i>"));
    assert!(body.contains("&lt;script&gt;"));
}

#[test]
fn the_tags_are_balanced_and_the_ids_unique() {
    for report in [empty(), usual(), report_of(vec![line("a", vec![3.0])])] {
        check_tags(&body(&report));
    }
}

#[test]
fn what_is_not_a_number_is_unknown() {
    let mut report = usual();
    for line in &mut report.lines {
        line.annualised_pct = f64::NAN;
        line.turnover = f64::INFINITY;
        line.by_seed[0] = f64::NAN;
        line.by_seed[1] = 1e300;
    }
    for pair in &mut report.paired {
        (pair.mean_pct, pair.lo_pct, pair.hi_pct) = (f64::NAN, f64::NEG_INFINITY, f64::NAN);
        pair.worst = vec![(99, f64::NAN)];
    }
    for report in [report, empty()] {
        let html = body(&report);
        assert!(!html.contains("NaN") && !html.contains(">inf"), "{html}");
        assert!(html.contains("unknown"));
    }
    // Results that were not recorded world by world are not taken for no losses.
    let mut report = usual();
    report.lines[1].by_seed.clear();
    assert!(body(&report).contains(NO_PAIR));
    assert!(!words(&body(&report)).contains("It lost to no rule"));
}

#[test]
fn one_world_and_one_rule_can_be_shown() {
    let html = body(&report_of(vec![line("a", vec![3.0])]));
    assert!(html.contains("There is only one rule") && html.contains("there is no interval"));
    let html = body(&report_of(vec![line("a", vec![3.0]), line("b", vec![2.0])]));
    assert!(html.contains("<svg"));
    assert!(body(&empty()).contains("No rule was run in any world."));
    assert!(!body(&empty()).contains("<svg"));
}

#[test]
fn the_document_asks_for_nothing_from_outside() {
    check_requests(&render(&usual(), &[], &[]));
}

#[test]
fn a_hundred_thousand_worlds_stay_a_small_file() {
    let many = |by: f64| (0..100_000).map(|at| f64::from(at % 977) * 0.001 + by).collect();
    let mut report = report_of(vec![line("a", many(0.1)), line("b", many(0.0))]);
    for pair in &mut report.paired {
        pair.worst.truncate(5);
    }
    assert!(render(&report, &[], &[]).len() < 100_000);
}
