//! The page of rate curves: for each market what it pays at which utilization, and what our own deposit
//! would do to that.
//!
//! Where our effect is not known the page says so and draws none. Outside the utilization on record a
//! fitted curve is a guess, and the range on record is shaded.

mod amount;
mod broken_line;
mod deposit_charts;
mod model;
mod sheet;
#[cfg(test)]
mod tests;
mod utilization_chart;

pub use model::{CurveFit, CurveMarket, CurvesPage, DepositPoint};

use super::page::{Page, remarks, section};
use super::text;
use amount::grouped;
use maud::{Markup, html};
use sheet::Sheet;

/// Returns the page as a complete HTML document.
#[must_use]
pub fn render(page: &CurvesPage) -> String {
    let links =
        html! { li { a href="#contents" { "Markets" } } li { a href="#notes" { "Notes" } } };
    let document = Page { title: &page.title, labels: &page.labels, facts: facts(page), links };
    document.document(&html! {
        (section("contents", "Markets", &contents(page)))
        @for (index, market) in page.markets.iter().enumerate() {
            (Sheet { index, market, unit: &page.unit }.section())
        }
        (section("notes", "Notes", &remarks(&page.notes)))
    })
}

fn facts(page: &CurvesPage) -> Markup {
    let exact = page.markets.iter().filter(|market| market.is_exact).count();
    let fitted = page.markets.iter().filter(|market| market.shown_fit().is_some()).count();
    let count = |count: usize| text::grouped(text::count(count));
    html! {
        span { (text::counted(text::length(&page.markets), "market", "markets")) }
        span { (count(exact)) " with the contract's own curve" }
        span { (count(fitted)) " with a fitted curve" }
        span { "amounts in " (page.unit) }
    }
}

fn percent_of(fraction: Option<f64>) -> Option<f64> {
    fraction.map(|fraction| fraction * 100.0)
}

fn bps(rate: f64) -> Option<String> {
    text::fixed(rate * 1e4, 1)
}

/// The table of contents, which is also the overview.
fn contents(page: &CurvesPage) -> Markup {
    if page.markets.is_empty() {
        return html! { p.note { "No market was given." } };
    }
    html! {
        div.scroll {
            table.sortable.filterable.wide.pinned {
                caption.spoken { "Markets" }
                thead { tr {
                    th scope="col" { "Market" }
                    th.n scope="col" { "Advertised APR %" }
                    th.n scope="col" { "Utilization %" }
                    th scope="col" { "Curve" }
                    th.n scope="col" { "Fit error bps" }
                    th.n scope="col" { "Supplied, " (page.unit) }
                } }
                tbody {
                    @for (index, market) in page.markets.iter().enumerate() { (overview(index, market)) }
                }
            }
        }
    }
}

fn overview(index: usize, market: &CurveMarket) -> Markup {
    let kind = match (market.is_exact, &market.fit) {
        (true, _) => "exact",
        (false, Some(_)) => "fitted",
        (false, None) => "unknown",
    };
    html! {
        tr {
            th scope="row" { a href={ "#market-" (index) } { (market.name) } code.id { (market.id) } }
            (text::cell(percent_of(market.advertised_apr), "It is not on record."))
            (text::cell(percent_of(market.utilization), "It is not on record."))
            td { (kind) }
            td.n {
                @match (market.is_exact, market.shown_fit().and_then(|fit| bps(fit.error))) {
                    (true, _) => span.quiet { "none" },
                    (false, Some(error)) => (error),
                    (false, None) => (text::unknown("There is no fit.")),
                }
            }
            (text::digits_cell(market.supplied.and_then(grouped), "It is not on record."))
        }
    }
}
