//! The worlds in which the rule lost most, with what shows them again.

use super::NO_PAIR;
use super::compared::{spoken, subject};
use crate::report::text;
use crate::worlds::{Paired, WorldsReport};
use maud::{Markup, html};

/// The table.
pub(super) fn losses(report: &WorldsReport) -> Markup {
    let count: usize = report.paired.iter().map(|pair| pair.worst.len()).sum();
    if count == 0 {
        return html! { p.note { "It lost to none in any world." } };
    }
    let name = subject(report).map_or("Rule", |line| line.name.as_str());
    html! {
        p { "The worlds in which " (spoken(name)) " lost most to each, worst first." }
        div.scroll {
            table.sortable.filterable.wide.pinned {
                caption { "Percentage points a year" }
                thead { tr {
                    th scope="col" { "Against" }
                    th.n scope="col" { "Seed" }
                    th.n scope="col" { "Difference" }
                    th.n scope="col" { (name) " %" }
                    th.n scope="col" { "The other %" }
                    th scope="col" { "To see it again" }
                } }
                tbody {
                    @for pair in &report.paired {
                        @for (seed, difference) in &pair.worst { (loss(report, pair, *seed, *difference)) }
                    }
                }
            }
        }
    }
}

fn loss(report: &WorldsReport, pair: &Paired, seed: u64, difference: f64) -> Markup {
    let place = report.seeds.iter().position(|known| *known == seed);
    let of = |name: &str| {
        let line = report.lines.iter().find(|line| line.name == name)?;
        line.by_seed.get(place?).copied()
    };
    html! {
        tr {
            th scope="row" { (pair.against) }
            td.n { (seed) }
            (text::cell(Some(difference), NO_PAIR))
            (text::cell(of(&pair.name), NO_PAIR))
            (text::cell(of(&pair.against), NO_PAIR))
            td { code { "plimsoll backtest --synthetic " (seed) ".." (seed) } }
        }
    }
}
