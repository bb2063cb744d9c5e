//! The decisions of one strategy: what moved, why, what it cost, and what was passed over.
//!
//! Moves come first; decisions to stay are kept as well, folded away where there are many.

use super::model::{DecisionLine, StrategyPage};
use super::text;
use maud::{Markup, html};

/// Up to this many decisions stand in one table, in order of time.
const SHORT: usize = 16;
/// Moves shown before the rest is folded away.
const MOVES_SHOWN: usize = 40;

/// The decisions of `page`.
pub(super) fn section(page: &StrategyPage) -> Markup {
    let all: Vec<&DecisionLine> = page.decisions.iter().collect();
    let (moves, stays): (Vec<_>, Vec<_>) = all.iter().partition(|decision| decision.moved);
    let moved = match moves.len() {
        0 => "none of which moved anything".to_owned(),
        _ => format!("of which {} moved something", text::grouped(text::length(&moves))),
    };
    let caption =
        format!("{}, {moved}", text::counted(text::length(&all), "decision", "decisions"));
    html! {
        @if all.is_empty() {
            p.note { "No decision was recorded." }
        } @else if all.len() <= SHORT {
            (table(&caption, "", &all))
        } @else {
            @let (shown, rest) = moves.split_at(moves.len().min(MOVES_SHOWN));
            @if shown.is_empty() {
                p { (caption) "." }
            } @else {
                (table(&format!("{caption}: the moves"), "", shown))
            }
            @let further = text::counted(text::length(rest), "further move", "further moves");
            (folded(&further, "", rest))
            @let stayed = text::counted(text::length(&stays), "decision to stay", "decisions to stay");
            (folded(&stayed, "stays", &stays))
        }
    }
}

fn folded(caption: &str, class: &str, decisions: &[&DecisionLine]) -> Markup {
    html! {
        @if !decisions.is_empty() {
            details {
                summary { (caption) }
                (table(caption, class, decisions))
            }
        }
    }
}

fn table(caption: &str, class: &str, decisions: &[&DecisionLine]) -> Markup {
    html! {
        div.scroll {
            table class={ "decisions filterable " (class) } {
                caption { (caption) }
                thead { tr {
                    th scope="col" { "Date" }
                    th scope="col" { "Part" }
                    th scope="col" { "What moved, % of NAV" }
                    th scope="col" { "Reason" }
                    th.n scope="col" { "Cost %" }
                    th scope="col" { "Ranked highest" }
                } }
                tbody { @for decision in decisions { (row(decision)) } }
            }
        }
    }
}

fn row(decision: &DecisionLine) -> Markup {
    html! {
        tr {
            th.date scope="row" { (decision.day) }
            td { (decision.sleeve) }
            td { (moved(decision)) }
            td { (decision.reason) (refusals(&decision.refusals)) }
            (text::cell(Some(decision.cost_pct), "The cost is not a finite number."))
            td { (alternatives(&decision.alternatives)) }
        }
    }
}

fn moved(decision: &DecisionLine) -> Markup {
    html! {
        @if !decision.moved { span.stay { "stay" } }
        ul.legs {
            @for (word, legs) in [("from", &decision.out), ("to", &decision.into)] {
                @for (label, share) in legs {
                    li {
                        span.word { (word) } " " span { (label) } " "
                        span.n { (text::percent(share * 100.0)) }
                    }
                }
            }
        }
    }
}

fn refusals(refusals: &[String]) -> Markup {
    html! {
        @if !refusals.is_empty() {
            ul.refusals {
                @for refusal in refusals { li { b { "Limit: " } (refusal) } }
            }
        }
    }
}

/// The markets ranked highest: the first at a glance, all of them on demand.
fn alternatives(alternatives: &[(String, f64)]) -> Markup {
    let Some(((label, rate), rest)) = alternatives.split_first() else {
        return html! {};
    };
    let best = html! { (label) " " span.n { (text::percent(rate * 100.0)) } };
    if rest.is_empty() {
        return best;
    }
    html! {
        details.small {
            summary { (best) }
            ol {
                @for (label, rate) in alternatives {
                    li { span { (label) } " " span.n { (text::percent(rate * 100.0)) } }
                }
            }
        }
    }
}
