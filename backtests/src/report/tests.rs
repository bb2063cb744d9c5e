//! Facts about whole documents.

use super::checks::{self, HOSTILE, check_drawings, check_ids, check_requests, check_words};
use super::model::{
    DecisionLine, QualityLine, Report, ScoreRow, ScoreTable, SleeveRow, Spread, StrategyPage,
    WaivedLimit,
};
use super::render;
use plimsoll_core::Day;

fn empty() -> Report {
    Report {
        title: "Backtest".into(),
        labels: Vec::new(),
        source: String::new(),
        data_hash: String::new(),
        engine_version: String::new(),
        from: Day(20_000),
        to: Day(20_000),
        decisions: 0,
        markets: 0,
        rows_read: 0,
        settings: Vec::new(),
        strategies: Vec::new(),
        sleeves: Vec::new(),
        spreads: Vec::new(),
        waived: Vec::new(),
        approximations: Vec::new(),
        quality: Vec::new(),
    }
}

/// A strategy of which nothing is known.
fn blank(name: &str) -> StrategyPage {
    StrategyPage {
        name: name.into(),
        params: Vec::new(),
        annualised_pct: None,
        max_drawdown_pct: None,
        cvar95_daily_pct: None,
        switches: 0,
        turnover: 1.25,
        cost_pct: 0.31,
        gas_pct: None,
        exitable_24h_pct: None,
        idle_pct: Some(12.5),
        nav: Vec::new(),
        allocation: Vec::new(),
        decisions: Vec::new(),
        scores: Vec::new(),
    }
}

fn decision(moved: bool) -> DecisionLine {
    DecisionLine {
        day: Day(20_001),
        sleeve: HOSTILE.into(),
        moved,
        reason: HOSTILE.into(),
        out: vec![(HOSTILE.into(), 0.25)],
        into: vec![(HOSTILE.into(), 0.25)],
        cost_pct: 0.01,
        alternatives: vec![(HOSTILE.into(), 0.05), (HOSTILE.into(), 0.04)],
        refusals: vec![HOSTILE.into()],
    }
}

/// A strategy over `days` days, with twelve markets of which one after another is largest.
fn busy(name: &str, days: i64) -> StrategyPage {
    let weight = |day: i64, market: i64| {
        if (day / 90 + market) % 12 == 0 { 0.4 } else { 0.05 }
    };
    let wave = |day: i64| ((day % 97) as f64 / 97.0 - 0.5) * 0.002;
    StrategyPage {
        nav: (0..days)
            .map(|day| (Day(20_000 + day), 1.0 + day as f64 * 1e-4 + wave(day)))
            .collect(),
        allocation: (0..days)
            .map(|day| {
                let weights = (0..12).map(|market| (format!("m{market}"), weight(day, market)));
                (Day(20_000 + day), weights.collect())
            })
            .collect(),
        annualised_pct: Some(3.65),
        decisions: vec![decision(true), decision(false)],
        ..blank(name)
    }
}

fn hostile() -> Report {
    let name = || HOSTILE.to_owned();
    Report {
        title: name(),
        labels: vec![name()],
        source: name(),
        data_hash: name(),
        engine_version: name(),
        settings: vec![(name(), name())],
        strategies: vec![StrategyPage {
            params: vec![(name(), name())],
            allocation: vec![(Day(20_000), vec![(name(), 1.0)])],
            ..busy(HOSTILE, 30)
        }],
        sleeves: vec![SleeveRow { name: name(), markets: 3, annualised_pct: vec![None] }],
        spreads: vec![Spread {
            strategy: name(),
            varied: name(),
            results: vec![(name(), Some(1.0)), (name(), None)],
        }],
        waived: vec![WaivedLimit { limit: name(), value: name(), reason: name() }],
        approximations: vec![(name(), name())],
        quality: vec![QualityLine {
            market: name(),
            symbol: name(),
            defect: name(),
            rows: 1,
            action: name(),
            first: Day(20_000),
            last: Day(20_001),
            detail: name(),
        }],
        ..empty()
    }
}

fn body(report: &Report) -> String {
    checks::body(&render(report))
}

#[test]
fn scores_are_shown_with_what_binds_and_what_is_unknown_says_why() {
    let row = ScoreRow {
        market: HOSTILE.into(),
        weight_pct: 35.0,
        advertised_pct: Some(4.5),
        after_deposit_pct: None,
        sustainable_pct: Some(4.25),
        realised_pct: Some(4.0),
        net_pct: Some(4.12),
        interval_pct: Some((3.0, 5.5)),
        p_loss_pct: Some(0.5),
        exit_p50_h: Some(0.0),
        exit_p95_h: None,
        binds: Some("per_protocol:aave-v3".into()),
        limit_use: vec![("es999_1y".into(), 0.9)],
    };
    let table = ScoreTable { sleeve: "ethereum USD".into(), day: Day(20_000), rows: vec![row] };
    let page = StrategyPage { scores: vec![table], ..blank("allocator") };
    let html = render(&Report { strategies: vec![page], ..empty() });
    assert!(html.contains("Scores at the last decision") && !html.contains(HOSTILE));
    for shown in ["per_protocol:aave-v3", "3.00 to 5.50", "es999_1y", "its curve is not known"] {
        assert!(html.contains(shown), "{shown}");
    }
    let without = render(&Report { strategies: vec![blank("hold")], ..empty() });
    assert!(!without.contains("Scores at the last decision"));
}

#[test]
fn text_from_the_data_is_escaped_everywhere() {
    let html = render(&hostile());
    assert!(!html.contains(HOSTILE));
    assert_eq!(html.matches("<script").count(), 1, "only our own script");
    assert!(html.matches("&lt;script&gt;").count() > 30);
}

#[test]
fn a_quote_in_a_name_does_not_end_an_attribute() {
    let name = "a\" onmouseover=\"alert(1)";
    let html = render(&Report { strategies: vec![busy(name, 30)], ..empty() });
    assert!(!html.contains("a\" onmouseover"));
}

#[test]
fn what_is_unknown_says_so_and_why_and_is_never_zero() {
    let html = body(&Report { strategies: vec![blank("s")], ..empty() });
    let table = html.split_once("<tbody>").unwrap().1.split_once("</tbody>").unwrap().0;
    assert_eq!(table.matches(">unknown</abbr>").count(), 5);
    assert!(!table.contains("0.00"), "{table}");
    for why in table.split("<abbr").skip(1) {
        assert!(why.contains("title=\"") && !why.contains("title=\"\""), "a reason is given");
    }
}

#[test]
fn figures_that_are_not_numbers_are_unknown() {
    let page = StrategyPage {
        annualised_pct: Some(f64::NAN),
        cost_pct: f64::INFINITY,
        turnover: f64::NAN,
        ..blank("s")
    };
    let html = body(&Report { strategies: vec![page], ..empty() });
    assert!(!html.contains("NaN") && !html.contains(">inf"));
}

#[test]
fn the_document_asks_for_nothing_from_outside() {
    for report in [empty(), hostile(), Report { strategies: vec![busy("s", 300)], ..empty() }] {
        check_requests(&render(&report));
    }
}

#[test]
fn an_empty_report_can_be_read() {
    let html = body(&empty());
    assert!(!html.contains("NaN") && html.contains("No strategy was run."));
    assert!(!html.contains("<svg"));
    let html = body(&Report { strategies: vec![blank("s")], ..empty() });
    assert!(!html.contains("NaN") && !html.contains("<svg"));
}

#[test]
fn nothing_but_finite_numbers_is_drawn() {
    let mut page = busy("s", 300);
    for (at, bad) in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308].iter().enumerate()
    {
        page.nav[at * 7].1 = *bad;
        page.allocation[at * 7].1[0].1 = *bad;
    }
    page.annualised_pct = Some(f64::NAN);
    let spread = Spread {
        strategy: "s".into(),
        varied: "weekday".into(),
        results: vec![("Mon".into(), Some(f64::NAN)), ("Tue".into(), Some(1e300))],
    };
    let html = body(&Report { strategies: vec![page], spreads: vec![spread], ..empty() });
    check_drawings(&html);
}

#[test]
fn a_single_day_can_be_drawn() {
    let html = body(&Report { strategies: vec![busy("s", 1)], ..empty() });
    assert!(html.contains("<svg") && !html.contains("NaN"));
}

#[test]
fn ten_years_stay_a_small_file() {
    let strategies: Vec<_> = (0..5).map(|index| busy(&format!("s{index}"), 3_650)).collect();
    let html = render(&Report { strategies, ..empty() });
    assert!(html.len() < 700_000, "{} bytes", html.len());
    for path in html.split("class=\"line").skip(1) {
        let path = path.split_once("</path>").unwrap().0;
        assert!(path.matches('L').count() < 800);
    }
}

#[test]
fn end_labels_keep_their_distance() {
    let strategies: Vec<_> = (0..25).map(|index| busy(&format!("s{index}"), 60)).collect();
    let html = body(&Report { strategies, ..empty() });
    let ends =
        html.split_once("class=\"ends\"").unwrap().1.split_once("class=\"xticks\"").unwrap().0;
    let mut tops: Vec<f64> = ends
        .split("--y:")
        .skip(1)
        .map(|rest| rest.split_once("px").unwrap().0.parse().unwrap())
        .collect();
    assert_eq!(tops.len(), 25);
    tops.sort_by(f64::total_cmp);
    assert!(tops.windows(2).all(|pair| pair[1] - pair[0] >= 19.8), "{tops:?}");
}

#[test]
fn every_drawing_has_words_and_every_table_a_caption() {
    check_words(&body(&hostile()));
}

#[test]
fn ids_are_unique() {
    let report = Report {
        strategies: vec![busy("a", 60), busy("b", 60)],
        spreads: ["weekday", "start"]
            .map(|varied| Spread {
                strategy: "a".into(),
                varied: varied.into(),
                results: vec![("Mon".into(), Some(1.0))],
            })
            .to_vec(),
        ..empty()
    };
    check_ids(&body(&report));
}

#[test]
fn many_decisions_show_the_moves_and_fold_the_rest() {
    let mut page = blank("s");
    page.decisions = (0..300).map(|at| decision(at % 3 == 0)).collect();
    let html = body(&Report { strategies: vec![page], ..empty() });
    assert!(html.contains("300\u{a0}decisions, of which 100 moved something: the moves"));
    assert!(html.contains("60\u{a0}further moves") && html.contains("200\u{a0}decisions to stay"));
}
