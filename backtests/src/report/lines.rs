//! Line charts: growth and drawdown of every strategy in one picture.
//!
//! Each line ends in its own label, and has a dash pattern besides its colour.

use super::calendar::Calendar;
use super::chart::{self, Axes, WIDTH, Words};
use super::model::{Report, StrategyPage};
use super::scale::{Scale, is_drawable};
use super::text;
use super::thin;
use maud::{Markup, html};
use plimsoll_core::Day;
use std::collections::{BTreeMap, BTreeSet};

/// Most points of one line.
const MOST_POINTS: usize = 800;
/// Most days of the hover read-out.
const MOST_DAYS: usize = 400;
/// Pixels from one end label to the next.
const LABEL_GAP: f64 = 20.0;
/// Pixels between the plot and the labels.
const LEADER: f64 = 20.0;

/// One line.
struct Line<'a> {
    name: &'a str,
    /// Percent.
    points: BTreeMap<Day, f64>,
    /// What the label says after the name.
    note: String,
}

/// The growth of every strategy since the start.
pub(super) fn growth(report: &Report, time: &Calendar) -> Markup {
    let lines: Vec<Line<'_>> = report
        .strategies
        .iter()
        .map(|page| (page, growth_pct(page)))
        .filter_map(|(page, points)| {
            let last = text::signed_percent(*points.last_key_value()?.1);
            Some(Line { name: &page.name, points, note: last })
        })
        .collect();
    let text = describe(&lines, "Growth of NAV since the start, percent. At the end:");
    let words = Words { id: "growth", title: "Growth since the start", text: &text };
    figure(&words, time, &lines, &[0.0], 340.0)
}

/// The fall of every strategy from its running peak.
pub(super) fn drawdown(report: &Report, time: &Calendar) -> Markup {
    let lines: Vec<Line<'_>> = report
        .strategies
        .iter()
        .map(|page| (page, drawdown_pct(page)))
        .filter_map(|(page, points)| {
            let worst = points.values().copied().min_by(f64::total_cmp)?;
            Some(Line {
                name: &page.name,
                points,
                note: format!("worst\u{a0}{}", text::percent(worst)),
            })
        })
        .collect();
    let text = describe(&lines, "Fall of NAV from its running peak, percent:");
    let words = Words { id: "drawdown", title: "Drawdown", text: &text };
    // At least a tenth of a percent high, so that rounding in the cents does not look like a crash.
    figure(&words, time, &lines, &[0.0, -0.1], 240.0)
}

fn growth_pct(page: &StrategyPage) -> BTreeMap<Day, f64> {
    let growth = page.nav.iter().map(|(day, nav)| (*day, (nav - 1.0) * 100.0));
    growth.filter(|(_, growth)| is_drawable(*growth)).collect()
}

fn drawdown_pct(page: &StrategyPage) -> BTreeMap<Day, f64> {
    let nav = page.nav.iter().filter(|(_, nav)| is_drawable(*nav));
    // NAV is 1 at the start, so a loss on the first day is a drawdown too.
    nav.scan(1.0_f64, |peak, (day, nav)| {
        *peak = peak.max(*nav);
        Some((*day, (nav / *peak - 1.0) * 100.0))
    })
    .collect()
}

fn describe(lines: &[Line<'_>], what: &str) -> String {
    let ends: Vec<String> =
        lines.iter().map(|line| format!("{} {}", line.name, line.note)).collect();
    format!("{what} {}.", ends.join(", "))
}

fn figure(
    words: &Words<'_>,
    time: &Calendar,
    lines: &[Line<'_>],
    always: &[f64],
    least_height: f64,
) -> Markup {
    let values = lines.iter().flat_map(|line| line.points.values()).chain(always).copied();
    let Some(scale) = Scale::covering(values, 5.0).filter(|_| !lines.is_empty()) else {
        return html! { p.note { "No NAV was recorded, so there is nothing to draw." } };
    };
    let height = least_height.max((lines.len() as f64 + 1.0) * LABEL_GAP);
    let axes = Axes { time, value: &scale, height };
    let days: BTreeSet<Day> = lines.iter().flat_map(|line| line.points.keys()).copied().collect();
    let days = thin::evenly(&days.into_iter().collect::<Vec<_>>(), MOST_DAYS);
    html! {
        figure.chart {
            div.frame {
                (axes.value_labels())
                div.plot { (axes.drawing(words, &day_list(&days), &paths(&axes, lines))) }
                (end_labels(&axes, lines, &days))
                (axes.time_labels())
            }
        }
    }
}

/// Returns the days of the hover read-out, as days since 1970.
pub(super) fn day_list(days: &[Day]) -> String {
    let texts: Vec<String> = days.iter().map(|day| day.0.to_string()).collect();
    texts.join(",")
}

fn paths(axes: &Axes<'_>, lines: &[Line<'_>]) -> Markup {
    html! {
        @for (index, line) in lines.iter().enumerate() {
            @let points: Vec<(f64, f64)> = line.points.iter()
                .map(|(day, value)| (axes.time.fraction(*day) * WIDTH, axes.y(*value)))
                .collect();
            path.line.(chart::series_class(index))
                d=(chart::path(&thin::keep_extremes(&points, MOST_POINTS))) {}
        }
    }
}

/// The labels at the ends of the lines, each joined to its line where it had to move aside.
fn end_labels(axes: &Axes<'_>, lines: &[Line<'_>], days: &[Day]) -> Markup {
    let ends: Vec<f64> = lines
        .iter()
        .map(|line| line.points.last_key_value().map_or(axes.height, |(_, value)| axes.y(*value)))
        .collect();
    let places = thin::dodge(&ends, LABEL_GAP, axes.height);
    html! {
        (leaders(axes.height, &ends, &places))
        div.ends {
            @for ((index, line), place) in lines.iter().enumerate().zip(&places) {
                @let values = days.iter().map(|day| line.points.get(day).copied());
                div.key.(chart::series_class(index)) style={ "--y:" (chart::px(*place)) "px" }
                    data-values=(chart::read_out(values)) {
                    span.swatch {}
                    span.name title=(line.name) { (line.name) }
                    span.value { (line.note) }
                }
            }
        }
    }
}

fn leaders(height: f64, ends: &[f64], places: &[f64]) -> Markup {
    let height = chart::px(height);
    html! {
        svg.leaders viewBox={ "0 0 " (LEADER) " " (height) } width=(LEADER) height=(height)
            aria-hidden="true" {
            title { "Leaders" }
            desc { "Lines from the end of each curve to its label." }
            @for (index, (end, place)) in ends.iter().zip(places).enumerate() {
                line.(chart::series_class(index)) x1="1" y1=(chart::px(*end)) x2=(LEADER - 3.0)
                    y2=(chart::px(*place)) {}
            }
        }
    }
}
