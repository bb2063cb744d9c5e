//! The rate of one market against its utilization: the curve, what was observed, and where it is now.

use super::broken_line::{below, bends, rate_at};
use super::model::CurveMarket;
use super::percent_of;
use crate::report::chart::px;
use crate::report::plot::{HEIGHT, Plot, key};
use crate::report::scale::{Scale, is_drawable};
use crate::report::{text, thin};
use maud::{Markup, html};

/// The title.
const TITLE: &str = "Rate against utilization";
/// Most observed pairs drawn.
const MOST_DOTS: usize = 400;
/// A curve that rises beyond this many times the highest rate that matters now leaves the picture.
const HEADROOM: f64 = 2.0;

/// The chart, or a note where there is nothing to draw.
pub(super) fn figure(id: String, market: &CurveMarket) -> Markup {
    let drawn = Drawn::of(market);
    let Some((x, y)) = drawn.axes() else {
        return html! { p.note { "No curve and no observation to draw." } };
    };
    let suffix = ("\u{a0}%", "\u{a0}%");
    let plot = Plot { id, title: TITLE, text: drawn.text(), x, y, suffix, height: HEIGHT };
    html! {
        figure.plain {
            figcaption { b { (TITLE) } }
            (plot.frame(&drawn.marks(&plot)))
            (drawn.keys())
            @if let Some(end) = drawn.end.filter(|_| drawn.is_cut) {
                p.note { "The curve leaves the picture: " (end) "." }
            }
        }
    }
}

/// What is drawn.
///
/// # Units
/// Percent throughout.
struct Drawn {
    /// The curve, up to where it leaves the picture.
    curve: Vec<(f64, f64)>,
    /// Whether it does.
    is_cut: bool,
    /// The last point of the whole curve, in words.
    end: Option<String>,
    observed: Vec<(f64, f64)>,
    kinks: Vec<f64>,
    /// The utilization now.
    now: Option<f64>,
    /// Lowest and highest utilization on record, where the curve was fitted.
    seen: Option<(f64, f64)>,
}

impl Drawn {
    fn of(market: &CurveMarket) -> Drawn {
        let in_percent = |(used, rate): &(f64, f64)| (used * 100.0, rate * 100.0);
        let rates: Vec<_> = market.rates.iter().map(in_percent).collect();
        let observed: Vec<_> = market.observed.iter().map(in_percent).collect();
        let (kinks, now) = (bends(&rates), percent_of(market.utilization));
        let (curve, is_cut) = below(&rates, ceiling(&rates, &kinks, now, &observed));
        let end = rates.last().map(|(used, rate)| {
            format!("{} at utilization {}", text::percent(*rate), text::percent(*used))
        });
        let seen = market.shown_fit().map(|fit| (fit.seen.0 * 100.0, fit.seen.1 * 100.0));
        Drawn {
            curve,
            is_cut,
            end,
            observed,
            kinks,
            now: now.filter(|now| is_drawable(*now)),
            seen: seen.filter(|(low, high)| is_drawable(*low) && is_drawable(*high)),
        }
    }

    /// The axes, or `None` where there is nothing to draw.
    fn axes(&self) -> Option<(Scale, Scale)> {
        let both = || self.curve.iter().chain(&self.observed);
        let x = both().map(|point| point.0).chain([0.0, 100.0]).chain(self.now);
        let y = both().map(|point| point.1).chain([0.0]);
        let axes = Scale::covering(x, 4.0).zip(Scale::covering(y, 4.0));
        axes.filter(|_| both().any(|(x, y)| is_drawable(*x) && is_drawable(*y)))
    }

    fn text(&self) -> String {
        format!(
            "{TITLE}; kinks: {}; at the end {}.",
            list(&self.kinks_in_words()),
            list(self.end.as_slice())
        )
    }

    fn kinks_in_words(&self) -> Vec<String> {
        self.kinks.iter().map(|kink| text::percent(*kink)).collect()
    }

    fn marks(&self, plot: &Plot<'_>) -> Markup {
        html! {
            @if let Some((low, high)) = self.seen {
                @let (left, right) = (plot.at((low, 0.0)).0, plot.at((high, 0.0)).0);
                rect.seen x=(px(left)) y="0" width=(px((right - left).max(2.0))) height=(plot.height) {}
            }
            @for kink in &self.kinks { (plot.vertical("kink", *kink)) }
            @if let Some(now) = self.now { (plot.vertical("now", now)) }
            (plot.dots(&thin::evenly(&self.observed, MOST_DOTS)))
            (plot.line("c0", self.curve.iter().copied()))
        }
    }

    fn keys(&self) -> Markup {
        let observed = format!("observed, {}", self.observed.len());
        let kinks = format!("kink at {}", self.kinks_in_words().join(", "));
        html! {
            p.keys {
                @if !self.curve.is_empty() { (key("c0", "curve")) }
                @if !self.observed.is_empty() { (key("point c1", &observed)) }
                @if self.seen.is_some() { (key("shade", "range on record")) }
                @if !self.kinks.is_empty() { (key("kink", &kinks)) }
                @if self.now.is_some() { (key("now", "now")) }
            }
        }
    }
}

/// Returns the highest rate worth drawing, percent: a curve can end at a hundred times what it pays.
fn ceiling(rates: &[(f64, f64)], kinks: &[f64], now: Option<f64>, observed: &[(f64, f64)]) -> f64 {
    let on_curve = kinks.iter().copied().chain(now).filter_map(|used| rate_at(rates, used));
    let seen = observed.iter().map(|(_, rate)| *rate);
    let highest = on_curve.chain(seen).filter(|rate| is_drawable(*rate)).fold(0.0, f64::max);
    if highest > 0.0 { HEADROOM * highest } else { f64::INFINITY }
}

/// Words separated by commas, or "none".
fn list(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
