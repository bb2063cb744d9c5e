//! Every rule over all worlds, with its parameters.

use super::NO_WORLD;
use super::compared::is_ceiling;
use crate::report::text;
use crate::worlds::{WorldsLine, WorldsReport};
use maud::{Markup, html};

/// Why the ceiling has no more than a result.
const CEILING: &str =
    "Of the best plan found with the future known only the result is kept, not what it did.";

/// A column of the table of rules: its heading, its figure, and why it can be unknown.
type Column = (&'static str, fn(&WorldsLine) -> Option<f64>, &'static str);

/// What was measured, left to right, after the mean and its interval.
const COLUMNS: [Column; 7] = [
    ("Max drawdown %", |line| line.max_drawdown_pct, "A world had no NAV to measure a fall from."),
    ("Switches", |line| Some(line.switches), NO_WORLD),
    ("Turnover \u{d7}", |line| Some(line.turnover), NO_WORLD),
    ("Cost %", |line| Some(line.cost_pct), NO_WORLD),
    ("Gas %", |line| Some(line.gas_pct), NO_WORLD),
    ("Idle %", |line| Some(line.idle_pct), NO_WORLD),
    (
        "Exitable 24 h %",
        |line| line.exitable_24h_pct,
        "In at least one world a market held did not say how much could be withdrawn.",
    ),
];

pub(super) fn rules(report: &WorldsReport) -> Markup {
    if report.lines.is_empty() {
        return html! { p.note { "No rule was run." } };
    }
    html! {
        div.scroll {
            table.sortable.wide.pinned.tight {
                caption { "Means over " (text::counted(text::length(&report.seeds), "world", "worlds")) }
                thead { tr {
                    th scope="col" { "Rule" }
                    @for name in ["Annualised %", "Interval from", "Interval to"] {
                        th.n scope="col" { (name) }
                    }
                    @for (heading, ..) in &COLUMNS { th.n scope="col" { (heading) } }
                    th.n scope="col" { "Worlds stuck" }
                } }
                tbody { @for line in &report.lines { (rule(line)) } }
            }
        }
        p.note {
            "Annualised is net of costs and gas; the interval holds nine of ten means of worlds drawn with "
            "replacement. Drawdown is the largest fall from the running peak. Turnover is one-way, as a "
            "multiple of NAV. Cost and gas are percent of NAV at the time, summed. Idle is the mean share "
            "that sat in no market, exitable the lowest share that could have left within 24 hours. A "
            "world is stuck where something could not leave when it was to."
        }
        (parameters(report))
    }
}

fn rule(line: &WorldsLine) -> Markup {
    let is_ceiling = is_ceiling(&line.name);
    html! {
        tr {
            th scope="row" { (line.name) }
            @for value in [line.annualised_pct, line.lo_pct, line.hi_pct] {
                (text::cell(Some(value), NO_WORLD))
            }
            @for (_, figure, why) in &COLUMNS {
                @if is_ceiling { (text::cell(None, CEILING)) } @else { (text::cell(figure(line), why)) }
            }
            @let stuck = (!is_ceiling).then(|| text::grouped(text::count(line.worlds_stuck)));
            (text::digits_cell(stuck, CEILING))
        }
    }
}

fn parameters(report: &WorldsReport) -> Markup {
    let known: Vec<&WorldsLine> =
        report.lines.iter().filter(|line| !line.params.is_empty()).collect();
    html! {
        @if !known.is_empty() {
            details {
                summary { "Parameters" }
                @for line in known {
                    @let params: Vec<(String, String)> =
                        line.params.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
                    h3 { (line.name) }
                    (text::pairs(&params))
                }
            }
        }
    }
}
