//! A value axis on the page: the words at its ticks and the lines through them.

use super::chart::{WIDTH, px};
use super::scale::Scale;
use maud::{Markup, html};

/// Returns how far below the top of a drawing `value` lies, in pixels.
pub(super) fn depth(scale: &Scale, height: f64, value: f64) -> f64 {
    (1.0 - scale.fraction(value)) * height
}

/// Returns where on an axis from left to right `value` lies, such as "12.5%".
pub(super) fn along(scale: &Scale, value: f64) -> String {
    px(scale.fraction(value) * 100.0) + "%"
}

/// The words beside an axis from bottom to top; `suffix` follows each figure.
pub(super) fn beside(scale: &Scale, height: f64, suffix: &str) -> Markup {
    html! {
        div.yticks aria-hidden="true" {
            @for tick in scale.ticks() {
                span style={ "--y:" (px(depth(scale, height, tick))) "px" } {
                    (scale.label(tick)) (suffix)
                }
            }
        }
    }
}

/// The words below an axis from left to right.
pub(super) fn below(scale: &Scale, suffix: &str) -> Markup {
    html! { div.xticks aria-hidden="true" { (words(scale, suffix)) } }
}

/// The words of an axis from left to right in the heading of a column; `name` where there is no axis.
pub(super) fn heading(scale: Option<&Scale>, name: &str, suffix: &str) -> Markup {
    html! {
        @match scale {
            Some(scale) => span.axis { (words(scale, suffix)) },
            None => (name),
        }
    }
}

fn words(scale: &Scale, suffix: &str) -> Markup {
    html! {
        @for tick in scale.ticks() {
            span style={ "left:" (along(scale, tick)) } { (scale.label(tick)) (suffix) }
        }
    }
}

/// The lines across a drawing, the one at zero firmer.
pub(super) fn lines_across(scale: &Scale, height: f64) -> Markup {
    html! {
        @for tick in scale.ticks() {
            @let y = px(depth(scale, height, tick));
            line.grid.zero[is_zero(tick)] x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
        }
    }
}

/// Whether a tick is zero but for rounding.
pub(super) fn is_zero(tick: f64) -> bool {
    tick.abs() < 1e-9
}
