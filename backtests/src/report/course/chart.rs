//! One chart over the days of a world.

use super::model::{CourseChart, CoursePage};
use crate::report::plot::{Plot, key};
use crate::report::scale::{Scale, is_drawable};
use crate::report::text;
use maud::{Markup, html};

/// Pixels.
const HEIGHT: f64 = 130.0;
/// Colours and dash patterns of lines.
const COLOURS: usize = 8;
const DASHES: usize = 3;

/// The chart, or a note where there is nothing to draw.
pub(super) fn figure(id: String, page: &CoursePage, chart: &CourseChart) -> Markup {
    html! {
        figure.plain {
            figcaption { b { (chart.title) } }
            @match axes(page, chart) {
                Some((x, y)) => (drawn((id, page), chart, (x, y))),
                None => p.note { "Nothing is known of this, so there is nothing to draw." },
            }
        }
    }
}

fn axes(page: &CoursePage, chart: &CourseChart) -> Option<(Scale, Scale)> {
    let values = chart.lines.iter().flat_map(|line| &line.points).map(|point| point.1);
    let x = Scale::between(0.0, page.days, 5.0);
    let y = match chart.range {
        Some((low, high)) if chart.lines.iter().any(|line| !line.points.is_empty()) => {
            Scale::between(low, high, 3.0)
        }
        _ => Scale::covering(values, 3.0),
    };
    x.zip(y)
}

fn drawn((id, page): (String, &CoursePage), chart: &CourseChart, (x, y): (Scale, Scale)) -> Markup {
    let title = chart.title.as_str();
    let suffix = ("", chart.suffix);
    let plot = Plot { id, title, text: words(chart), x, y, suffix, height: HEIGHT };
    let marks = html! {
        (plot.vertical("kink", page.mark))
        @for (place, line) in chart.lines.iter().enumerate() {
            (plot.line(&class(place), line.points.iter().copied()))
        }
    };
    html! {
        (plot.frame(&marks))
        p.keys {
            @for (place, line) in chart.lines.iter().enumerate() {
                @if let Some(last) = last(chart, place) {
                    (key(&class(place), &format!("{} {last}", line.name)))
                }
            }
        }
    }
}

fn class(place: usize) -> String {
    // Told apart by more than colour.
    format!("c{} d{}", place % COLOURS, place % DASHES)
}

/// A figure of the chart with its unit.
fn figure_of(chart: &CourseChart, value: f64) -> Option<String> {
    let places = if value.abs() >= 1_000.0 { 0 } else { 2 };
    text::fixed(value, places).map(|digits| digits + chart.suffix)
}

/// The last figure of a line.
fn last(chart: &CourseChart, place: usize) -> Option<String> {
    let points = chart.lines.get(place)?.points.iter().rev();
    let last = points.map(|point| point.1).find(|value| is_drawable(*value))?;
    figure_of(chart, last)
}

/// The chart for those who cannot see it: where each line ends, its lowest and its highest.
fn words(chart: &CourseChart) -> String {
    let each = chart.lines.iter().enumerate().filter_map(|(place, line)| {
        let values = || line.points.iter().map(|point| point.1).filter(|value| is_drawable(*value));
        let low = figure_of(chart, values().min_by(f64::total_cmp)?)?;
        let high = figure_of(chart, values().max_by(f64::total_cmp)?)?;
        Some(format!("{}: {} at the end, between {low} and {high}", line.name, last(chart, place)?))
    });
    format!("{} over the days. {}.", chart.title, each.collect::<Vec<_>>().join("; "))
}
