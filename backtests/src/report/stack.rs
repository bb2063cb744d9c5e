//! The allocation of one strategy over time: a stack of steps, largest market at the bottom.
//!
//! Every band of some size carries the number that its row in the legend has.

use super::calendar::Calendar;
use super::chart::{self, Axes, WIDTH, Words};
use super::lines::day_list;
use super::model::StrategyPage;
use super::scale::Scale;
use super::steps::{self, Step};
use super::text;
use maud::{Markup, html};
use plimsoll_core::Day;
use std::collections::BTreeMap;

/// Markets with a band of their own; the rest share one.
const MOST_BANDS: usize = 8;
/// Most days drawn; a step is wider than a pixel then.
const MOST_DAYS: usize = 400;
/// Pixels.
const HEIGHT: f64 = 260.0;

/// One band.
struct Band {
    label: String,
    class: String,
    /// Number in the drawing and in the legend.
    key: String,
    /// Weight on each day, percent.
    weights: Vec<f64>,
}

/// The allocation chart with its legend.
pub(super) fn allocation(index: usize, page: &StrategyPage, time: &Calendar) -> Markup {
    let bands = bands(page);
    let Some(scale) = Scale::covering([0.0, 100.0].into_iter(), 4.0) else {
        return html! {};
    };
    if page.allocation.is_empty() {
        return html! { p.note { "No weights were recorded, so there is no allocation to draw." } };
    }
    let axes = Axes { time, value: &scale, height: HEIGHT };
    let days: Vec<Day> = page.allocation.iter().map(|(day, _)| *day).collect();
    let kept = kept_days(&bands, days.len());
    let steps: Vec<Day> = kept.iter().filter_map(|at| days.get(*at).copied()).collect();
    let (id, text) = (format!("allocation-{index}"), describe(&bands));
    let words = Words { id: &id, title: "Allocation over time", text: &text };
    let (marks, numbers) = draw(&axes, &bands, &kept, &days);
    html! {
        figure.chart.allocation {
            div.frame {
                (axes.value_labels())
                div.plot { (axes.drawing(&words, &day_list(&steps), &marks)) (numbers) }
                (axes.time_labels())
            }
            (legend(&page.name, &bands, &kept))
        }
    }
}

/// Returns the bands, bottom to top: the largest markets, the others together, and what lay idle.
fn bands(page: &StrategyPage) -> Vec<Band> {
    let mut markets = weights_by_market(page);
    let rest = markets.split_off(markets.len().min(MOST_BANDS));
    let days = page.allocation.len();
    let mut bands: Vec<Band> = markets
        .into_iter()
        .enumerate()
        .map(|(index, (label, weights))| Band {
            label: label.to_owned(),
            class: format!("c{index}"),
            key: (index + 1).to_string(),
            weights,
        })
        .collect();
    if !rest.is_empty() {
        let label = format!("other ({})", text::counted(text::length(&rest), "market", "markets"));
        let weights = sum(rest.iter().map(|(_, weights)| weights), days);
        bands.push(Band { label, class: "other".into(), key: "o".into(), weights });
    }
    let invested = sum(bands.iter().map(|band| &band.weights), days);
    let idle: Vec<f64> = invested.iter().map(|weight| (100.0 - weight).max(0.0)).collect();
    // Below a hundredth of a percent it is rounding, not idle money.
    if idle.iter().any(|weight| *weight >= 0.01) {
        let (label, class, key) = ("idle".into(), "idle".into(), "i".into());
        bands.push(Band { label, class, key, weights: idle });
    }
    bands
}

/// Returns each market's weight on each day, percent, largest mean first.
fn weights_by_market(page: &StrategyPage) -> Vec<(&str, Vec<f64>)> {
    let mut markets: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (at, (_, weights)) in page.allocation.iter().enumerate() {
        for (label, weight) in weights.iter().filter(|(_, weight)| weight.is_finite()) {
            let days = markets.entry(label).or_insert_with(|| vec![0.0; page.allocation.len()]);
            if let Some(day) = days.get_mut(at) {
                *day += weight.max(0.0) * 100.0;
            }
        }
    }
    let mut markets: Vec<_> = markets.into_iter().collect();
    markets.sort_by(|a, b| mean(&b.1).total_cmp(&mean(&a.1)).then(a.0.cmp(b.0)));
    markets
}

fn sum<'a>(bands: impl Iterator<Item = &'a Vec<f64>>, days: usize) -> Vec<f64> {
    bands.fold(vec![0.0; days], |mut total, weights| {
        total.iter_mut().zip(weights).for_each(|(total, weight)| *total += weight);
        total
    })
}

fn mean(weights: &[f64]) -> f64 {
    if weights.is_empty() { 0.0 } else { weights.iter().sum::<f64>() / weights.len() as f64 }
}

/// Returns the positions of the days to draw: of each stretch the day of the largest change, so that
/// a step stays where it was, and the first and the last.
fn kept_days(bands: &[Band], days: usize) -> Vec<usize> {
    let stretch = days.div_ceil(MOST_DAYS).max(1);
    let all: Vec<usize> = (0..days).collect();
    let largest = |days: &[usize]| {
        days.iter().copied().max_by(|a, b| change(bands, *a).total_cmp(&change(bands, *b)))
    };
    let ends = all.first().into_iter().chain(all.last()).copied();
    let mut kept: Vec<usize> = all.chunks(stretch).filter_map(largest).chain(ends).collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// Returns how much moved on the day at `at`, percent.
fn change(bands: &[Band], at: usize) -> f64 {
    let Some(before) = at.checked_sub(1) else {
        return 0.0;
    };
    let moved = |band: &Band| Some((band.weights.get(at)? - band.weights.get(before)?).abs());
    bands.iter().filter_map(moved).sum()
}

/// Returns the bands and the numbers upon them.
fn draw(axes: &Axes<'_>, bands: &[Band], kept: &[usize], days: &[Day]) -> (Markup, Markup) {
    let days: Vec<Day> = kept.iter().filter_map(|at| days.get(*at)).copied().collect();
    let edges = edges(axes, &days);
    let mut below = vec![0.0; edges.len()];
    let mut drawn: Vec<(&Band, Vec<Step>)> = Vec::with_capacity(bands.len());
    for band in bands {
        let weights = kept.iter().map(|at| band.weights.get(*at).copied().unwrap_or(0.0));
        drawn.push((band, steps::upon(axes, &edges, weights, &mut below)));
    }
    (outlines(&drawn), numbers(&drawn))
}

/// Returns where each day starts and ends: a weight holds until the next day drawn.
fn edges(axes: &Axes<'_>, days: &[Day]) -> Vec<(f64, f64)> {
    let after = days.last().map(|day| day.plus(1));
    let ends = days.iter().skip(1).copied().chain(after);
    let x = |day: Day| axes.time.fraction(day) * WIDTH;
    days.iter().zip(ends).map(|(from, to)| (x(*from), x(to))).collect()
}

fn outlines(drawn: &[(&Band, Vec<Step>)]) -> Markup {
    html! {
        @for (band, band_steps) in drawn {
            path.band.(band.class) d=(steps::outline(band_steps)) {}
        }
    }
}

fn numbers(drawn: &[(&Band, Vec<Step>)]) -> Markup {
    html! {
        @for (band, band_steps) in drawn {
            @if let Some((x, y)) = steps::room(band_steps) {
                span.number.(band.class) aria-hidden="true"
                    style={ "left:" (chart::px(x / WIDTH * 100.0)) "%;--y:" (chart::px(y)) "px" } {
                    (band.key)
                }
            }
        }
    }
}

fn describe(bands: &[Band]) -> String {
    let means: Vec<String> = bands
        .iter()
        .map(|band| format!("{} {}", band.label, text::percent(mean(&band.weights))))
        .collect();
    format!("Share of NAV by market, percent. Mean weights: {}.", means.join(", "))
}

fn legend(name: &str, bands: &[Band], kept: &[usize]) -> Markup {
    let peak = |band: &Band| band.weights.iter().copied().max_by(f64::total_cmp);
    html! {
        div.scroll.legend {
            table {
                caption.quiet { "Weights of " (name) ", % of NAV" }
                thead { tr {
                    th scope="col" { "Market" }
                    th.n scope="col" { "Mean" }
                    th.n scope="col" { "Peak" }
                    th.n scope="col" { "Last" }
                } }
                tbody {
                    @for band in bands {
                        @let values = kept.iter().map(|at| band.weights.get(*at).copied());
                        tr.key.(band.class) data-values=(chart::read_out(values)) {
                            th scope="row" {
                                span.number { (band.key) } span.name { (band.label) }
                            }
                            (text::cell(Some(mean(&band.weights)), ""))
                            (text::cell(peak(band), ""))
                            (text::cell(band.weights.last().copied(), ""))
                        }
                    }
                }
            }
        }
    }
}
