//! The spread: how far each strategy's result moves with the weekday and with the start.
//!
//! Each variant is a dot on a scale that all strategies share; least, median and most are figures.

use super::chart::{self, STRIP, Words, px};
use super::model::{Report, Spread};
use super::scale::{Scale, is_drawable};
use super::{text, ticks};
use maud::{Markup, html};

/// Why a variant can be unknown.
const NOTHING_EARNED: &str = "Nothing could be earned in this variant, so it has no rate.";

/// The spread section's tables, one for each thing that was varied.
pub(super) fn tables(report: &Report) -> Markup {
    let mut varied: Vec<&str> = Vec::new();
    for spread in &report.spreads {
        if !varied.contains(&spread.varied.as_str()) {
            varied.push(&spread.varied);
        }
    }
    html! {
        @for (index, varied) in varied.into_iter().enumerate() {
            @let spreads: Vec<&Spread> =
                report.spreads.iter().filter(|spread| spread.varied == varied).collect();
            (table(report, index, varied, &spreads))
            (variants(varied, &spreads))
        }
    }
}

fn table(report: &Report, index: usize, varied: &str, spreads: &[&Spread]) -> Markup {
    let reported = |spread: &Spread| {
        report.strategies.iter().find(|page| page.name == spread.strategy)?.annualised_pct
    };
    let known = spreads.iter().flat_map(|spread| sorted(spread));
    let scale = Scale::covering(known.chain(spreads.iter().filter_map(|s| reported(s))), 5.0);
    html! {
        div.scroll {
            table.strips {
                caption { "By " (varied) ", annualised %" }
                thead { tr {
                    th scope="col" { "Strategy" }
                    th.strip scope="col" { (ticks::heading(scale.as_ref(), "Variants", "\u{a0}%")) }
                    @for name in ["Min", "Median", "Max", "Max \u{2212} min", "Reported"] {
                        th.n scope="col" { (name) }
                    }
                } }
                tbody {
                    @for (row, spread) in spreads.iter().enumerate() {
                        @let id = format!("strip-{index}-{row}");
                        (line(&id, spread, reported(spread), scale.as_ref()))
                    }
                }
            }
        }
    }
}

fn line(id: &str, spread: &Spread, reported: Option<f64>, scale: Option<&Scale>) -> Markup {
    let values = sorted(spread);
    let (least, most) = (values.first().copied(), values.last().copied());
    let range = least.zip(most).map(|(least, most)| most - least);
    html! {
        tr {
            th scope="row" { (spread.strategy) }
            td.strip { @if let Some(scale) = scale { (strip(id, spread, reported, scale)) } }
            @for value in [least, median(&values), most, range] {
                (text::cell(value, NOTHING_EARNED))
            }
            (text::cell(reported, "The run shown in this report could earn nothing."))
        }
    }
}

/// The dots of one strategy, its median as a bar, and the reported run as a ring.
fn strip(id: &str, spread: &Spread, reported: Option<f64>, scale: &Scale) -> Markup {
    let at = |value: f64| ticks::along(scale, value);
    let middle = px(STRIP / 2.0);
    let title = format!("{}, by {}", spread.strategy, spread.varied);
    let words = Words { id, title: &title, text: &describe(spread) };
    let marks = html! {
        @for tick in scale.ticks() {
            line.grid x1=(at(tick)) x2=(at(tick)) y1="0" y2=(STRIP) {}
        }
        @if let Some(median) = median(&sorted(spread)) {
            line.median x1=(at(median)) x2=(at(median)) y1="6" y2=(STRIP - 6.0) {}
        }
        @for (label, value) in drawable(spread) {
            circle.dot cx=(at(value)) cy=(middle) r="4" {
                title { (label) ": " (text::percent(value)) }
            }
        }
        @if let Some(value) = reported.filter(|value| is_drawable(*value)) {
            circle.ring cx=(at(value)) cy=(middle) r="7.5" {
                title { "Reported: " (text::percent(value)) }
            }
        }
    };
    chart::strip(&words, &marks)
}

/// The figure of every variant, folded away.
fn variants(varied: &str, spreads: &[&Spread]) -> Markup {
    let count: u64 = spreads.iter().map(|spread| text::length(&spread.results)).sum();
    html! {
        details {
            summary { (text::counted(count, "variant", "variants")) " by " (varied) ", in figures" }
            div.scroll {
                table.sortable {
                    caption.spoken { "Every variant by " (varied) ", annualised %" }
                    thead { tr {
                        th scope="col" { "Strategy" }
                        th scope="col" { (varied) }
                        th.n scope="col" { "Annualised %" }
                    } }
                    tbody {
                        @for spread in spreads {
                            @for (label, value) in &spread.results {
                                tr {
                                    th scope="row" { (spread.strategy) }
                                    td { (label) }
                                    (text::cell(*value, NOTHING_EARNED))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn drawable(spread: &Spread) -> impl Iterator<Item = (&str, f64)> {
    let known =
        spread.results.iter().filter_map(|(label, value)| Some((label.as_str(), (*value)?)));
    known.filter(|(_, value)| is_drawable(*value))
}

/// Returns the known results, least first.
fn sorted(spread: &Spread) -> Vec<f64> {
    let mut values: Vec<f64> = drawable(spread).map(|(_, value)| value).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

fn describe(spread: &Spread) -> String {
    let results: Vec<String> = spread
        .results
        .iter()
        .map(|(label, value)| format!("{label} {}", text::percent(value.unwrap_or(f64::NAN))))
        .collect();
    format!("Annualised result by {}: {}.", spread.varied, results.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), Some(3.0));
        assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
        assert_eq!(median(&[]), None);
    }
}
