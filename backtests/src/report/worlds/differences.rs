//! The paired differences: a table with a dot and its whisker in each row.

use super::compared::{is_ceiling, lost, rivals, spoken, subject};
use super::{NO_PAIR, NO_WORLD};
use crate::report::chart::{self, STRIP, Words, px};
use crate::report::scale::{Scale, is_drawable};
use crate::report::text;
use crate::report::ticks::{self, is_zero};
use crate::worlds::{Paired, WorldsReport};
use maud::{Markup, html};

/// The table.
pub(super) fn differences(report: &WorldsReport) -> Markup {
    if report.paired.is_empty() {
        return html! { p.note { "There is only one rule, so there is nothing to compare." } };
    }
    let ends = rivals(report).flat_map(|pair| [pair.lo_pct, pair.mean_pct, pair.hi_pct]);
    let scale = Scale::covering(ends.chain([0.0]), 5.0);
    let name = subject(report).map_or_else(String::new, |line| spoken(&line.name));
    html! {
        p { "What " (name) " earned more than each of the others in the same worlds." }
        div.scroll {
            table.strips.pinned {
                caption { "Percentage points a year" }
                thead { tr {
                    th scope="col" { "Against" }
                    th.strip scope="col" { (ticks::heading(scale.as_ref(), "Difference", "")) }
                    @for name in ["Mean", "From", "To", "Better in", "Equal in", "Worse in", "Worlds"] {
                        th.n scope="col" { (name) }
                    }
                } }
                tbody {
                    @for (index, pair) in report.paired.iter().enumerate() {
                        (difference(report, index, pair, scale.as_ref()))
                    }
                }
            }
        }
        p.note {
            "The dot is the mean difference in the same worlds, the line its 90\u{a0}% interval, the firm "
            "vertical is no difference. An interval with zero in it is no ground to prefer either. "
            @if report.paired.iter().any(|pair| is_ceiling(&pair.against)) {
                "Perfect foresight is a ceiling and no rule, so it is not drawn on the rules' axis."
            }
        }
    }
}

fn difference(report: &WorldsReport, index: usize, pair: &Paired, scale: Option<&Scale>) -> Markup {
    let lost = lost(report, pair);
    let equal = lost.and_then(|lost| pair.n.checked_sub(lost)?.checked_sub(pair.wins));
    html! {
        tr {
            th scope="row" { (pair.against) }
            td.strip {
                @if is_ceiling(&pair.against) {
                    span.quiet { "ceiling, not drawn" }
                } @else if let Some(scale) = scale {
                    (whisker(&format!("pair-{index}"), pair, scale))
                }
            }
            @for value in [pair.mean_pct, pair.lo_pct, pair.hi_pct] {
                (text::digits_cell(text::signed(value), NO_WORLD))
            }
            @for count in [Some(pair.wins), equal, lost, Some(pair.n)] {
                (text::digits_cell(count.map(text::count).map(text::grouped), NO_PAIR))
            }
        }
    }
}

fn whisker(id: &str, pair: &Paired, scale: &Scale) -> Markup {
    let at = |value: f64| ticks::along(scale, value);
    let middle = px(STRIP / 2.0);
    let interval = is_drawable(pair.lo_pct) && is_drawable(pair.hi_pct);
    let [mean, low, high] = [pair.mean_pct, pair.lo_pct, pair.hi_pct].map(text::signed_percent);
    let title = format!("Difference to {}", pair.against);
    let text = format!("Mean {mean}, interval {low} to {high}.");
    let marks = html! {
        @for tick in scale.ticks() {
            line.grid.zero[is_zero(tick)] x1=(at(tick)) x2=(at(tick)) y1="0" y2=(STRIP) {}
        }
        @if interval {
            line.whisker x1=(at(pair.lo_pct)) x2=(at(pair.hi_pct)) y1=(middle) y2=(middle) {}
            @for end in [pair.lo_pct, pair.hi_pct] {
                line.whisker x1=(at(end)) x2=(at(end)) y1="10" y2=(STRIP - 10.0) {}
            }
        }
        @if is_drawable(pair.mean_pct) { circle.mean cx=(at(pair.mean_pct)) cy=(middle) r="4.5" {} }
    };
    chart::strip(&Words { id, title: &title, text: &text }, &marks)
}
