//! The page of a run of generated worlds: what came out in words, every rule, the paired differences, and
//! where the rule loses.
//!
//! It says which of two rules copes better with markets of this kind, and nothing of what either earns
//! outside: the banner says so whether or not the caller does. The ceiling is no rule, so it shares no
//! axis with the rules and is not given figures that were never looked for.

mod compared;
mod differences;
mod histogram;
mod losses;
mod outcome;
mod rules;
#[cfg(test)]
mod tests;

use super::page::{Page, remarks, section};
use super::text;
use crate::worlds::WorldsReport;
use maud::{Markup, html};

/// The title.
const TITLE: &str = "Rules in generated worlds";
/// What the banner says where no label given does.
const SYNTHETIC: &str = "Synthetic: every rate, event and price here was generated from a seed. This says \
                         nothing about real returns.";
/// Why a mean can be unknown.
const NO_WORLD: &str = "No world was run, or a world's result is not a number.";
/// Why a comparison can be unknown.
const NO_PAIR: &str = "The results of the two in the same worlds were not recorded.";

/// Returns the page as a complete HTML document.
#[must_use]
pub fn render(report: &WorldsReport, labels: &[String], notes: &[String]) -> String {
    let labels = with_own(labels);
    let page = Page { title: TITLE, labels: &labels, facts: facts(report), links: links() };
    page.document(&html! {
        (section("summary", "What came out", &outcome::what_came_out(report)))
        (section("rules", "Every rule over all worlds", &rules::rules(report)))
        (section("differences", "Differences in the same worlds", &differences::differences(report)))
        (section("by-world", "World by world", &histogram::histograms(report)))
        (section("losses", "Where it loses", &losses::losses(report)))
        (section("forecasts", "Forecasts in service", &services(report)))
        (section("notes", "Notes", &remarks(notes)))
    })
}

/// Returns the labels, and before them that the worlds are made up where none of them says so.
fn with_own(labels: &[String]) -> Vec<String> {
    let said = labels.join(" ").to_lowercase();
    let says_so = said.contains("synthetic") && said.contains("real returns");
    let own = (!says_so).then(|| SYNTHETIC.to_owned());
    own.into_iter().chain(labels.iter().cloned()).collect()
}

fn facts(report: &WorldsReport) -> Markup {
    html! {
        span { (text::counted(text::length(&report.seeds), "world", "worlds")) }
        @if let Some((first, last)) = report.seeds.iter().min().zip(report.seeds.iter().max()) {
            span { "seeds " (first) " to " (last) }
        }
        span { (text::counted(text::count(report.markets), "market", "markets")) " in all of them" }
        span { (money(report.capital)) " at the start" }
    }
}

fn links() -> Markup {
    html! {
        li { a href="#summary" { "What came out" } }
        li { a href="#rules" { "Rules" } }
        li { a href="#differences" { "Differences" } }
        li { a href="#by-world" { "World by world" } }
        li { a href="#losses" { "Where it loses" } }
        li { a href="#forecasts" { "Forecasts" } }
        li { a href="#notes" { "Notes" } }
    }
}

/// Whole dollars, grouped.
fn money(usd: f64) -> String {
    let digits = text::whole(usd);
    digits.map_or_else(|| "unknown USD".to_owned(), |digits| format!("{digits}\u{a0}USD"))
}

/// How often each forecast served.
fn services(report: &WorldsReport) -> Markup {
    let all: usize = report.services.values().sum();
    if all == 0 {
        return html! { p.note { "No forecast was in service." } };
    }
    html! {
        div.scroll {
            table.sortable {
                caption.spoken { "Forecasts in service" }
                thead { tr {
                    th scope="col" { "Forecast" }
                    th.n scope="col" { "Decisions" }
                    th.n scope="col" { "Share %" }
                } }
                tbody {
                    @for (name, count) in &report.services {
                        tr {
                            th scope="row" { (name) }
                            td.n { (text::grouped(text::count(*count))) }
                            (text::cell(Some(*count as f64 / all as f64 * 100.0), NO_WORLD))
                        }
                    }
                }
            }
        }
        p.note { "Of all decisions over all worlds, how many each forecast served." }
    }
}
