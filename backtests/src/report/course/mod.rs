//! The page of a world's days: utilization, rates, fees, rewards and prices of every market over time, and how its
//! rates move beside recorded ones.
//!
//! It draws what it is given and smooths nothing. What is not known is said to be, and is no line at zero.

mod chart;
mod model;
mod moves;
#[cfg(test)]
mod tests;

pub use model::{
    CourseChart, CourseLine, CoursePage, KindCourse, MarketCourse, MoveFigures, RateMoves,
    RecordedMoves,
};

use super::page::{Page, remarks, section};
use maud::{Markup, html};

/// Returns the page as a complete HTML document.
#[must_use]
pub fn render(page: &CoursePage) -> String {
    let facts = html! { @for fact in &page.facts { span { (fact) } } };
    let links = html! {
        @for kind in &page.kinds { li { a href={ "#" (kind.id) } { (kind.title) } } }
        @if page.moves.is_some() { li { a href="#moves" { "How rates move" } } }
        li { a href="#notes" { "Notes" } }
    };
    let document = Page { title: &page.title, labels: &page.labels, facts, links };
    document.document(&html! {
        @for kind in &page.kinds { (section(kind.id, &kind.title, &course(page, kind))) }
        @if let Some(moves) = &page.moves {
            (section("moves", "How rates move", &moves::table(moves)))
        }
        (section("notes", "Notes", &remarks(&page.notes)))
    })
}

fn course(page: &CoursePage, kind: &KindCourse) -> Markup {
    html! {
        p { (kind.text) " Days run from left to right; at the dashed mark " (page.marked) "." }
        @if kind.markets.is_empty() { p.note { "There is none in this world." } }
        @for (place, market) in kind.markets.iter().enumerate() {
            h3 { (market.name) }
            div.curves {
                @for (number, chart) in market.charts.iter().enumerate() {
                    (chart::figure(format!("{}-{place}-{number}", kind.id), page, chart))
                }
            }
        }
    }
}
