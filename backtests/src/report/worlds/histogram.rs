//! How the differences to each rule are spread over the worlds.

use super::compared::{by_world, spoken, subject};
use crate::report::chart::{WIDTH, Words, drawing, px};
use crate::report::scale::{Scale, is_drawable};
use crate::report::{text, ticks};
use crate::worlds::{Paired, WorldsReport};
use maud::{Markup, html};

/// Height of the bars, pixels.
const HEIGHT: f64 = 110.0;
/// Bars from one tick to the next.
const BARS_A_STEP: f64 = 4.0;

/// One picture for each rule.
pub(super) fn histograms(report: &WorldsReport) -> Markup {
    if report.paired.is_empty() {
        return html! { p.note { "There is nothing to compare." } };
    }
    let name = subject(report).map_or_else(String::new, |line| spoken(&line.name));
    html! {
        p {
            "In how many worlds " (name) " earned how much more or less, percentage points a year. Each "
            "picture has its own axis."
        }
        div.multiples {
            @for (index, pair) in report.paired.iter().enumerate() { (histogram(report, index, pair)) }
        }
    }
}

fn histogram(report: &WorldsReport, index: usize, pair: &Paired) -> Markup {
    let mut values = by_world(report, pair);
    let (all, equal) = (values.len(), values.iter().filter(|value| value.abs() <= 0.0).count());
    values.retain(|value| is_drawable(*value) && value.abs() > 0.0);
    values.sort_by(f64::total_cmp);
    let unknown = all.saturating_sub(equal).saturating_sub(values.len());
    let (low, high) = drawn(&values);
    let beyond = values.iter().filter(|value| **value < low || **value > high).count();
    let kept = values.iter().map(|value| value.clamp(low, high)).chain([0.0]);
    let scale = Scale::covering(kept, 4.0).filter(|_| !values.is_empty());
    let remarks = [
        (equal, "without a difference, not drawn"),
        (beyond, "beyond the ends, drawn in the last bar"),
        (unknown, "of unknown result, not drawn"),
    ];
    html! {
        figure.plain {
            figcaption { "Against " b { (pair.against) } }
            @match scale {
                Some(scale) => (bars(index, pair, &values, &scale)),
                None => p.note { "No world with a difference that could be drawn." },
            }
            @for (count, what) in remarks {
                @if count > 0 { p.note { (worlds(count)) " " (what) "." } }
            }
        }
    }
}

/// Returns the range that is drawn: a world far outside the bulk would flatten all others.
fn drawn(sorted: &[f64]) -> (f64, f64) {
    let at = |tenths: usize| sorted.get(sorted.len().saturating_sub(1) * tenths / 10).copied();
    match at(1).zip(at(9)) {
        Some((low, high)) if high > low => (low - (high - low), high + (high - low)),
        _ => (f64::MIN, f64::MAX),
    }
}

/// One bar: from where to where, and how many worlds.
struct Bar {
    from: f64,
    to: f64,
    worlds: usize,
}

/// Returns the bars; zero is always an edge, and what lies beyond the ends is in the last one.
fn counted(sorted: &[f64], scale: &Scale) -> Vec<Bar> {
    let edges = scale.ticks();
    let below = |edge: f64| sorted.partition_point(|value| *value < edge);
    let steps = edges.windows(2).flat_map(|pair| {
        let [from, to] = pair else { return Vec::new() };
        let width = (to - from) / BARS_A_STEP;
        [0.0, 1.0, 2.0, 3.0]
            .map(|place| (from + place * width, from + (place + 1.0) * width))
            .to_vec()
    });
    // An edge that is zero but for rounding would count the smallest losses as gains.
    let snap = |edge: f64| if ticks::is_zero(edge) { 0.0 } else { edge };
    let mut bars: Vec<Bar> = steps
        .map(|(from, to)| (snap(from), snap(to)))
        .map(|(from, to)| Bar { from, to, worlds: below(to).saturating_sub(below(from)) })
        .collect();
    let left = bars.first().map_or(0, |bar| below(bar.from));
    let right = bars.last().map_or(0, |bar| sorted.len().saturating_sub(below(bar.to)));
    if let Some(bar) = bars.first_mut() {
        bar.worlds += left;
    }
    if let Some(bar) = bars.last_mut() {
        bar.worlds += right;
    }
    bars
}

fn bars(index: usize, pair: &Paired, sorted: &[f64], scale: &Scale) -> Markup {
    let bars = counted(sorted, scale);
    let most = bars.iter().map(|bar| bar.worlds).max().unwrap_or(1).max(1);
    let better = sorted.iter().filter(|value| **value > 0.0).count();
    let worse = sorted.len() - better;
    let tallest = format!("tallest bar {}", worlds(most));
    let words = Words {
        id: &format!("spread-{index}"),
        title: &format!("Differences to {} by world", pair.against),
        text: &format!("Better in {better}, worse in {worse} of {} worlds; {tallest}.", pair.n),
    };
    html! {
        p.sides {
            span.c1 { "worse in " (text::grouped(text::count(worse))) }
            span.quiet { (tallest) }
            span.c0 { "better in " (text::grouped(text::count(better))) }
        }
        div.frame {
            div.plot { (drawing(&words, HEIGHT, None, &marks(&bars, most, scale))) }
            (ticks::below(scale, ""))
        }
    }
}

fn marks(bars: &[Bar], most: usize, scale: &Scale) -> Markup {
    let x = |value: f64| scale.fraction(value) * WIDTH;
    html! {
        @for bar in bars.iter().filter(|bar| bar.worlds > 0) {
            @let height = HEIGHT * bar.worlds as f64 / most as f64;
            rect.bar.(if bar.from < 0.0 { "c1" } else { "c0" }) x=(px(x(bar.from)))
                y=(px(HEIGHT - height)) width=(px(x(bar.to) - x(bar.from))) height=(px(height)) {
                title { (edge(bar.from)) " to " (edge(bar.to)) ": " (worlds(bar.worlds)) }
            }
        }
        line.grid.zero x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
        line.grid.zero x1=(px(x(0.0))) x2=(px(x(0.0))) y1="0" y2=(HEIGHT) {}
    }
}

fn edge(value: f64) -> String {
    text::fixed(value, 3).unwrap_or_default()
}

fn worlds(count: usize) -> String {
    text::counted(text::count(count), "world", "worlds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_far_out_does_not_flatten_the_others() {
        let mut values: Vec<f64> = (0..100).map(|at| f64::from(at) * 0.01 - 0.3).collect();
        values.insert(0, -100.0);
        let (low, high) = drawn(&values);
        assert!(low > -2.0 && high < 2.0, "{low} {high}");
        let scale =
            Scale::covering(values.iter().map(|value| value.clamp(low, high)), 4.0).unwrap();
        let bars = counted(&values, &scale);
        assert_eq!(
            bars.iter().map(|bar| bar.worlds).sum::<usize>(),
            101,
            "every world is in a bar"
        );
        assert_eq!(bars.first().unwrap().worlds, 1);
        let lost: usize = bars.iter().filter(|bar| bar.from < 0.0).map(|bar| bar.worlds).sum();
        assert_eq!(lost, 31, "no bar lies on both sides of zero");
    }
}
