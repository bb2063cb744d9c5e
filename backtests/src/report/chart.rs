//! What the charts share: the frame with its axes, colours and dashes, and paths.
//!
//! The drawing itself stretches with the page; every word beside it is ordinary text, so that it keeps
//! its size on a narrow screen.

use super::calendar::Calendar;
use super::scale::Scale;
use super::ticks;
use maud::{Markup, html};
use plimsoll_core::Day;
use std::fmt::Write as _;

/// Width of a drawing in its own units; it stretches to the width of the page.
pub(super) const WIDTH: f64 = 1000.0;
/// Height of a drawing in a row of a table, pixels.
pub(super) const STRIP: f64 = 30.0;

/// Colours in the style sheet (`c0` and so on).
const COLOURS: usize = 8;
/// Dash patterns in the style sheet (`d0` and so on); with eight colours, forty different lines.
const DASHES: usize = 5;

/// Returns the classes of the colour and dash pattern of series number `index`.
pub(super) fn series_class(index: usize) -> String {
    format!("c{} d{}", index % COLOURS, index % DASHES)
}

/// Text for those who cannot see a drawing.
pub(super) struct Words<'a> {
    /// Unique in the document.
    pub(super) id: &'a str,
    /// What the drawing is.
    pub(super) title: &'a str,
    /// What it shows.
    pub(super) text: &'a str,
}

impl Words<'_> {
    /// The identifiers of the title and the text.
    fn ids(&self) -> (String, String) {
        (format!("{}-title", self.id), format!("{}-text", self.id))
    }
}

/// The days of the hover read-out.
pub(super) struct Hover<'a> {
    first: Day,
    last: Day,
    days: &'a str,
}

/// A drawing that stretches with the page.
pub(super) fn drawing(
    words: &Words<'_>,
    height: f64,
    hover: Option<&Hover<'_>>,
    marks: &Markup,
) -> Markup {
    let (title, text) = words.ids();
    let height = px(height);
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (height) } height=(height)
            preserveAspectRatio="none" role="img" aria-labelledby={ (title) " " (text) }
            data-first=[hover.map(|hover| hover.first.0)]
            data-last=[hover.map(|hover| hover.last.0)]
            data-days=[hover.map(|hover| hover.days)] {
            title id=(title) { (words.title) }
            desc id=(text) { (words.text) }
            (marks)
        }
    }
}

/// A drawing in a row of a table: as wide as its cell, and its circles stay round.
pub(super) fn strip(words: &Words<'_>, marks: &Markup) -> Markup {
    let (title, text) = words.ids();
    html! {
        svg.dots width="100%" height=(STRIP) role="img" aria-labelledby={ (title) " " (text) } {
            title id=(title) { (words.title) }
            desc id=(text) { (words.text) }
            (marks)
        }
    }
}

/// The axes of a drawing.
pub(super) struct Axes<'a> {
    /// Left to right.
    pub(super) time: &'a Calendar,
    /// Bottom to top, percent.
    pub(super) value: &'a Scale,
    /// Pixels.
    pub(super) height: f64,
}

impl Axes<'_> {
    /// Returns how far below the top `value` lies, in pixels.
    pub(super) fn y(&self, value: f64) -> f64 {
        ticks::depth(self.value, self.height, value)
    }

    /// The labels of the value axis.
    pub(super) fn value_labels(&self) -> Markup {
        ticks::beside(self.value, self.height, "\u{a0}%")
    }

    /// The labels of the time axis.
    pub(super) fn time_labels(&self) -> Markup {
        html! {
            div.xticks aria-hidden="true" {
                @for tick in self.time.ticks() {
                    span style={ "left:" (px(tick.fraction * 100.0)) "%" } { (tick.label) }
                }
            }
        }
    }

    /// The drawing: the grid, `marks` above it, and the hover read-out's days.
    pub(super) fn drawing(&self, words: &Words<'_>, days: &str, marks: &Markup) -> Markup {
        let hover = Hover { first: self.time.first(), last: self.time.last(), days };
        drawing(words, self.height, Some(&hover), &html! { (self.grid()) (marks) })
    }

    fn grid(&self) -> Markup {
        html! {
            (ticks::lines_across(self.value, self.height))
            @for tick in self.time.ticks() {
                @let x = px(tick.fraction * WIDTH);
                line.grid x1=(x) x2=(x) y1="0" y2=(px(self.height)) {}
            }
        }
    }
}

/// Returns a coordinate to a tenth of a pixel, in as few characters as possible; never "NaN".
pub(super) fn px(value: f64) -> String {
    let mut digits = format!("{:.1}", if value.is_finite() { value } else { 0.0 });
    if digits.ends_with(".0") {
        digits.truncate(digits.len() - 2);
    }
    if digits == "-0" { "0".to_owned() } else { digits }
}

/// Returns the path of a broken line through `points`.
pub(super) fn path(points: &[(f64, f64)]) -> String {
    let mut path = String::with_capacity(points.len() * 10);
    for (index, (x, y)) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        // Writing to a string cannot fail.
        let _ = write!(path, "{command}{} {}", px(*x), px(*y));
    }
    path
}

/// Returns figures for the hover read-out, two decimals, empty where there is none.
pub(super) fn read_out(values: impl Iterator<Item = Option<f64>>) -> String {
    let texts: Vec<String> = values
        .map(|value| value.filter(|value| value.is_finite()))
        .map(|value| value.map_or_else(String::new, |value| format!("{value:.2}")))
        .collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_finite() {
        assert_eq!(px(12.04), "12");
        assert_eq!(px(12.34), "12.3");
        assert_eq!(px(-0.01), "0");
        assert_eq!(px(f64::NAN), "0");
        assert_eq!(path(&[(0.0, 1.5), (10.0, 2.0)]), "M0 1.5L10 2");
        assert_eq!(read_out([Some(1.0), None, Some(f64::INFINITY)].into_iter()), "1.00,,");
    }

    #[test]
    fn forty_series_look_different() {
        let classes: std::collections::BTreeSet<_> = (0..40).map(series_class).collect();
        assert_eq!(classes.len(), 40);
    }
}
