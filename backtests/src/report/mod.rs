//! The backtest report: one HTML file that needs nothing else, neither network nor server.
//!
//! It draws and tabulates what `model::Report` holds, and computes only what a picture or a caption
//! needs: drawdowns from the NAV, mean weights, medians, sums. What is unknown is written "unknown",
//! with the reason, and never as zero. All text from the data is escaped. The script only adds hover
//! read-outs, sorting, filters and the theme switch; without it everything can still be read.

mod calendar;
mod chart;
#[cfg(test)]
mod checks;
pub mod course;
pub mod curves;
mod decisions;
mod lines;
pub mod model;
mod page;
mod plot;
mod quality;
mod scale;
mod scores;
mod stack;
mod steps;
mod strategy;
mod strip;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod thin;
mod ticks;
pub mod worlds;

use calendar::Calendar;
use maud::{Markup, html};
use model::Report;
use page::{Page, section};

/// Returns the report as a complete HTML document.
#[must_use]
pub fn render(report: &Report) -> String {
    let page = Page {
        title: &report.title,
        labels: &report.labels,
        facts: facts(report),
        links: links(report),
    };
    page.document(&html! { (results(report)) (strategies(report)) (caveats(report)) })
}

fn facts(report: &Report) -> Markup {
    let [decisions, markets] = [report.decisions, report.markets].map(text::count);
    html! {
        span { (report.from) " to " (report.to) }
        span { (text::counted(decisions, "decision day", "decision days")) }
        span { (text::counted(markets, "market", "markets")) }
        span { (text::counted(report.rows_read, "row read", "rows read")) }
    }
}

/// Links to the sections.
fn links(report: &Report) -> Markup {
    html! {
        li { a href="#summary" { "Summary" } }
        @if !report.spreads.is_empty() { li { a href="#spread" { "Spread" } } }
        @if !report.sleeves.is_empty() { li { a href="#parts" { "Parts" } } }
        @for (index, page) in report.strategies.iter().enumerate() {
            li { a href={ "#strategy-" (index) } { (page.name) } }
        }
        li { a href="#limits" { "Limits" } }
        li { a href="#approximations" { "Approximations" } }
        li { a href="#quality" { "Data quality" } }
        li { a href="#settings" { "Settings" } }
        li { a href="#provenance" { "Provenance" } }
    }
}

/// What came out, for all strategies together.
fn results(report: &Report) -> Markup {
    let summary = if report.strategies.is_empty() {
        html! { p.note { "No strategy was run." } }
    } else {
        summary::strategies(report)
    };
    html! {
        (section("summary", "Summary", &summary))
        @if let Some(time) = time_axis(report) {
            (section("growth", "Growth since the start", &lines::growth(report, &time)))
            (section("drawdown", "Drawdown from the running peak", &lines::drawdown(report, &time)))
        }
        @if !report.spreads.is_empty() {
            (section("spread", "Spread", &spread(report)))
        }
        @if !report.sleeves.is_empty() {
            (section("parts", "Parts of the universe", &summary::sleeves(report)))
        }
    }
}

fn spread(report: &Report) -> Markup {
    html! {
        p {
            "Each strategy again, with choices that nobody can foresee made otherwise. A difference between "
            "two strategies that is smaller than this spread is no ground to prefer one of them."
        }
        (strip::tables(report))
        p.note { "Each dot is a variant, the bar is the median, the ring is the reported run." }
    }
}

fn strategies(report: &Report) -> Markup {
    let time = time_axis(report);
    html! {
        @for (index, page) in report.strategies.iter().enumerate() {
            (strategy::section(index, page, time.as_ref()))
        }
    }
}

/// What limits the meaning of the result, and where it came from.
fn caveats(report: &Report) -> Markup {
    html! {
        (section("limits", "Limits not applied", &quality::waived(&report.waived)))
        (section(
            "approximations",
            "Approximations",
            &quality::approximations(&report.approximations),
        ))
        (section("quality", "Data quality", &quality::quality(&report.quality)))
        (section("settings", "Settings", &quality::settings(report)))
        (section("provenance", "Provenance", &quality::provenance(report)))
    }
}

/// Returns the time axis that all charts share, or `None` where nothing was recorded.
fn time_axis(report: &Report) -> Option<Calendar> {
    let days = report.strategies.iter().flat_map(|page| {
        let held = page.allocation.iter().map(|(day, _)| *day);
        page.nav.iter().map(|(day, _)| *day).chain(held)
    });
    Calendar::covering(days)
}
