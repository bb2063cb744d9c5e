//! What came out, in plain words.

use super::compared::{is_ceiling, lost, rivals, spoken, subject};
use super::money;
use crate::report::text;
use crate::worlds::{WorldsLine, WorldsReport};
use maud::{Markup, html};

/// The result in plain words.
pub(super) fn what_came_out(report: &WorldsReport) -> Markup {
    let Some(line) = subject(report).filter(|_| !report.seeds.is_empty()) else {
        return html! { p.note { "No rule was run in any world." } };
    };
    html! {
        p.lead {
            "With " (money(report.capital)) " over "
            (text::counted(text::length(&report.seeds), "world", "worlds")) ", "
            b { (spoken(&line.name)) } " earned " (text::percent(line.annualised_pct)) " a year"
            (best_rival(report)) "." (missed(report, line)) (worst_rival(report))
        }
        @if report.seeds.len() == 1 {
            p.note { "One world tells nothing of another: there is no interval." }
        }
    }
}

fn best_rival(report: &WorldsReport) -> Markup {
    // The hardest comparison: the rule to which the difference is smallest.
    let Some(pair) = rivals(report).min_by(|a, b| a.mean_pct.total_cmp(&b.mean_pct)) else {
        return html! {};
    };
    let end = |value: f64| text::known(text::fixed(value, 2));
    let open = pair.lo_pct <= 0.0 && pair.hi_pct >= 0.0;
    html! {
        ", " (points(pair.mean_pct)) " points " (if pair.mean_pct < 0.0 { "less" } else { "more" })
        " than " (pair.against) ", the best of the others (90\u{a0}% interval " (end(pair.lo_pct)) " to "
        (end(pair.hi_pct))
        @if open { ", which has zero in it: these worlds do not tell which is better" } ")"
    }
}

fn missed(report: &WorldsReport, line: &WorldsLine) -> Markup {
    let ceiling = report.lines.iter().find(|other| is_ceiling(&other.name));
    html! {
        @match ceiling {
            Some(ceiling) => {
                " Perfect foresight earned " (text::percent(ceiling.annualised_pct)) ", so "
                (points(ceiling.annualised_pct - line.annualised_pct)) " points were missed."
            }
            None => " What perfect foresight would have earned was not looked for.",
        }
    }
}

fn worst_rival(report: &WorldsReport) -> Markup {
    let counted = rivals(report).filter_map(|pair| Some((lost(report, pair)?, pair)));
    html! {
        @match counted.max_by_key(|(lost, _)| *lost) {
            Some((0, _)) => " It lost to no rule in any world.",
            Some((lost, pair)) => {
                " It lost most often to " (pair.against) ": in " (text::grouped(text::count(lost))) " of "
                (text::counted(text::count(pair.n), "world", "worlds")) "."
            }
            None => "",
        }
    }
}

/// Percentage points: their size, without a sign.
fn points(value: f64) -> String {
    text::known(text::fixed(value.abs(), 2))
}
