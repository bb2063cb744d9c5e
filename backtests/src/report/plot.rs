//! One picture of a market: points, lines and marks between two value axes.

use crate::report::chart::{WIDTH, Words, drawing, path, px};
use crate::report::scale::{Scale, is_drawable};
use crate::report::{thin, ticks};
use maud::{Markup, html};

/// Height of a picture, pixels.
pub(super) const HEIGHT: f64 = 200.0;
/// Height of each of two pictures above one another, pixels.
pub(super) const HALF: f64 = 76.0;
/// Most points of one line.
const MOST_POINTS: usize = 400;

/// One picture: its axes, its words, and how wide a unit of it is.
pub(super) struct Plot<'a> {
    pub(super) id: String,
    pub(super) title: &'a str,
    pub(super) text: String,
    pub(super) x: Scale,
    pub(super) y: Scale,
    /// What follows a figure on either axis.
    pub(super) suffix: (&'static str, &'static str),
    pub(super) height: f64,
}

impl Plot<'_> {
    pub(super) fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x.fraction(x) * WIDTH, ticks::depth(&self.y, self.height, y))
    }

    pub(super) fn line(&self, class: &str, points: impl Iterator<Item = (f64, f64)>) -> Markup {
        let drawable = points.filter(|(x, y)| is_drawable(*x) && is_drawable(*y));
        let points: Vec<_> = drawable.map(|point| self.at(point)).collect();
        match points.as_slice() {
            [] => html! {},
            [only] => html! { path.points.(class) d={ (path(&[*only])) "h0" } {} },
            _ => {
                html! { path.line.(class) d=(path(&thin::keep_extremes(&points, MOST_POINTS))) {} }
            }
        }
    }

    /// Round marks that keep their shape however the drawing stretches: strokes without a length.
    pub(super) fn dots(&self, points: &[(f64, f64)]) -> Markup {
        let drawable = points.iter().filter(|(x, y)| is_drawable(*x) && is_drawable(*y));
        let marks: String =
            drawable.map(|point| path(&[self.at(*point)]) + "h0").collect::<Vec<_>>().concat();
        html! { @if !marks.is_empty() { path.points.c1 d=(marks) {} } }
    }

    pub(super) fn vertical(&self, class: &str, x: f64) -> Markup {
        let is_known = is_drawable(x);
        let x = px(self.at((x, 0.0)).0);
        html! { @if is_known { line.mark.(class) x1=(x) x2=(x) y1="0" y2=(self.height) {} } }
    }

    pub(super) fn frame(&self, marks: &Markup) -> Markup {
        let words = Words { id: &self.id, title: self.title, text: &self.text };
        let marks = html! { (ticks::lines_across(&self.y, self.height)) (marks) };
        html! {
            div.frame {
                (ticks::beside(&self.y, self.height, self.suffix.1))
                div.plot { (drawing(&words, self.height, None, &marks)) }
                (ticks::below(&self.x, self.suffix.0))
            }
        }
    }
}

/// One entry of a legend: its mark's class, and what it says.
pub(super) fn key(class: &str, words: &str) -> Markup {
    html! { span.key.(class) { span.swatch {} (words) } }
}
