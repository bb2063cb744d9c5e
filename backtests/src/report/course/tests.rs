//! Facts about the page of a world's days.

use super::*;
use crate::report::checks::{self, HOSTILE, check_drawings, check_requests, check_tags};

fn line(name: &str, values: &[f64]) -> CourseLine {
    let points = (0_u32..).map(f64::from).zip(values.iter().copied());
    CourseLine { name: name.to_owned(), points: points.collect() }
}

fn chart(title: &str, lines: Vec<CourseLine>) -> CourseChart {
    CourseChart { title: title.to_owned(), suffix: "\u{a0}%", range: None, lines }
}

fn figures(mean: f64) -> MoveFigures {
    MoveFigures { mean: Some(mean), deviation: Some(0.5), changes: None, next_day: Some(0.81) }
}

fn page(charts: Vec<CourseChart>, recorded: Result<RecordedMoves, String>) -> CoursePage {
    let markets = vec![MarketCourse { name: format!("aave {HOSTILE}"), charts }];
    let kind = |id, markets| KindCourse { id, title: id.into(), text: "Rates.".into(), markets };
    CoursePage {
        title: "Thirty days".into(),
        labels: vec!["Synthetic.".into()],
        facts: vec!["30 days".into()],
        days: 3.0,
        mark: 1.0,
        marked: "the depositors come".into(),
        kinds: vec![kind("lending", markets), kind("pools", Vec::new())],
        moves: Some(RateMoves { world: vec![("aave USDC".into(), figures(3.25))], recorded }),
        notes: Vec::new(),
    }
}

fn recorded() -> RecordedMoves {
    let quartiles = [figures(2.11), figures(3.22), figures(4.33)];
    RecordedMoves { source: "reserves_daily".into(), count: (12, 34), quartiles }
}

#[test]
fn every_line_is_drawn_named_and_ends_in_its_last_figure() {
    let lines = vec![line("supply", &[3.0, 4.0, 3.5]), line("borrow", &[5.0, 5.5, 1_234.4])];
    let html = render(&page(vec![chart("APR", lines)], Ok(recorded())));
    let body = checks::body(&html);
    check_requests(&html);
    check_drawings(&html);
    check_tags(&body);
    assert_eq!(body.matches("<path class=\"line").count(), 2);
    assert!(body.contains("supply 3.50\u{a0}%") && body.contains("borrow 1234\u{a0}%"), "{body}");
    assert!(body.contains("between 3.00\u{a0}% and 4.00\u{a0}%"), "{body}");
    assert!(body.contains("mark kink"), "the day is marked");
    assert!(!body.contains(HOSTILE));
}

#[test]
fn recorded_quartiles_stand_below_the_worlds_markets() {
    let body = checks::body(&render(&page(Vec::new(), Ok(recorded()))));
    let place = |text: &str| body.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    assert!(place("3.25") < place("2.11") && place("2.11") < place("3.22"));
    assert!(place("3.22") < place("4.33"));
    assert!(body.contains("12\u{a0}reserves") && body.contains("34\u{a0}windows"));
    assert!(body.contains("unknown"), "a figure that is not known is not zero");
}

#[test]
fn what_is_missing_is_said_and_not_drawn() {
    let charts =
        vec![chart("empty", Vec::new()), chart("no number", vec![line("rate", &[f64::NAN])])];
    let html = render(&page(charts, Err("PLIMSOLL_DATA names no folder".into())));
    let body = checks::body(&html);
    check_drawings(&html);
    check_tags(&body);
    assert_eq!(body.matches("nothing to draw").count(), 2);
    assert_eq!(body.matches("<svg").count(), 0);
    assert!(body.contains("missing beside these: PLIMSOLL_DATA names no folder."));
    assert!(body.contains("There is none in this world."));
}
