//! The table of how rates moved, beside recorded ones.

use super::model::{MoveFigures, RateMoves};
use crate::report::text;
use maud::{Markup, html};

/// Why a figure can be unknown.
const TOO_SHORT: &str = "There are fewer than ten days, or the rate never moved.";

/// The table, and where the recorded figures come from or why they are not there.
pub(super) fn table(moves: &RateMoves) -> Markup {
    html! {
        p {
            "What suppliers are promised in each lending market, looked at once a day: how far it strays, how far it moves from "
            "one day to the next, and how much of today is left tomorrow."
        }
        @if moves.world.is_empty() { p.note { "No lending market was seen." } } @else {
            div.scroll {
                table.wide.pinned.tight {
                    caption.spoken { "How daily supply APRs move" }
                    thead { tr {
                        th scope="col" { "Supply APR" }
                        th.n scope="col" { "Mean %" }
                        th.n scope="col" { "Deviation, points" }
                        th.n scope="col" { "Deviation of daily changes, points" }
                        th.n scope="col" { "Autocorrelation, 1 day" }
                    } }
                    tbody {
                        @for (name, figures) in &moves.world { (row(name, figures)) }
                        @if let Ok(recorded) = &moves.recorded {
                            @let names = ["recorded, lower quartile", "recorded, median", "recorded, upper quartile"];
                            @for (name, figures) in names.iter().zip(&recorded.quartiles) { (row(name, figures)) }
                        }
                    }
                }
            }
        }
        @match &moves.recorded {
            Ok(recorded) => p.note {
                "Recorded: " (recorded.source) "; "
                (text::counted(text::count(recorded.count.0), "reserve", "reserves")) " cut into "
                (text::counted(text::count(recorded.count.1), "window", "windows"))
                " as long as these days; quartiles over the windows, figure by figure."
            },
            Err(why) => p.note { "Recorded rates are missing beside these: " (why) "." },
        }
    }
}

fn row(name: &str, figures: &MoveFigures) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            @for figure in [figures.mean, figures.deviation, figures.changes, figures.next_day] {
                (text::cell(figure, TOO_SHORT))
            }
        }
    }
}
