//! One market: its facts, how far its curve can be believed, its charts, and the deposits in figures.

use super::amount::{amount, grouped};
use super::deposit_charts::{self, DepositCharts};
use super::model::CurveMarket;
use super::{bps, percent_of, utilization_chart};
use crate::report::{text, thin};
use maud::{Markup, html};

/// Most deposits in figures.
const MOST_ROWS: usize = 24;

/// One market's section.
pub(super) struct Sheet<'a> {
    pub(super) index: usize,
    pub(super) market: &'a CurveMarket,
    /// In what amounts are counted.
    pub(super) unit: &'a str,
}

impl Sheet<'_> {
    pub(super) fn section(&self) -> Markup {
        let market = self.market;
        let id = format!("market-{}", self.index);
        html! {
            section.strategy id=(id) {
                h2 { (market.name) code.id { (market.id) } }
                (self.facts())
                p {
                    (self.quality())
                    @if let Some(words) = deposit_charts::largest_income(market, self.unit) {
                        " " (words)
                    }
                }
                div.curves {
                    (utilization_chart::figure(format!("{id}-curve"), market))
                    @if let Some(charts) = DepositCharts::of(market, self.unit) {
                        (charts.rates(format!("{id}-rates")))
                        (charts.incomes([format!("{id}-income"), format!("{id}-marginal")]))
                    }
                }
                @if !market.deposits.is_empty() { (self.figures()) }
                p.note { a href="#contents" { "All markets" } }
            }
        }
    }

    fn facts(&self) -> Markup {
        let market = self.market;
        let amount = |value: Option<f64>| value.and_then(|value| amount(value, self.unit));
        let rate =
            |value: Option<f64>| Some(text::percent(value.filter(|v| v.is_finite())? * 100.0));
        let facts = [
            ("Supplied", amount(market.supplied)),
            ("Borrowed", amount(market.borrowed)),
            ("Utilization", rate(market.utilization)),
            ("Advertised APR", rate(market.advertised_apr)),
            ("Elasticity", market.elasticity.and_then(|value| text::fixed(value, 2))),
        ];
        html! {
            dl.pairs.spaced {
                @for (name, value) in facts {
                    div { dt { (name) } dd { (text::or_unknown(value, "It is not on record.")) } }
                }
            }
        }
    }

    /// How far the curve can be believed.
    fn quality(&self) -> Markup {
        let market = self.market;
        html! {
            @if market.is_exact {
                "The curve is the contract's own."
            } @else if let Some(fit) = market.shown_fit() {
                "The curve is fitted: it misses by " (text::known(bps(fit.error)))
                " basis points (root mean square; at worst " (text::known(bps(fit.worst))) ") over "
                (text::counted(text::count(fit.pairs), "pair", "pairs"))
                " with utilization from " (text::percent(fit.seen.0 * 100.0)) " to "
                (text::percent(fit.seen.1 * 100.0)) "; outside that it is a guess."
            } @else {
                "The curve is " (text::unknown("Neither the contract's curve nor a fit is there."))
                ": there is neither the contract's own nor enough on record to fit one."
            }
            @if market.deposits.is_empty() {
                " What our deposit would do is unknown: "
                @if market.supplied.is_none() || market.borrowed.is_none() {
                    "what is supplied or borrowed is not on record."
                } @else if market.is_exact || market.fit.is_some() {
                    "no deposit was worked out."
                } @else {
                    "without a curve there is no telling."
                }
            }
        }
    }

    /// The deposits in figures, folded away.
    fn figures(&self) -> Markup {
        let rows = thin::evenly(&self.market.deposits, MOST_ROWS);
        let why = "It is not a number.";
        html! {
            details {
                summary { "In figures" span.quiet { (text::counted(text::length(&rows), "deposit", "deposits")) } }
                div.scroll {
                    table {
                        caption.spoken { "What our deposit would do in " (self.market.name) }
                        thead { tr {
                            th.n scope="col" { "Our deposit, " (self.unit) }
                            @for name in ["After our deposit %", "Sustainable %", "Next unit %"] {
                                th.n scope="col" { (name) }
                            }
                            th.n scope="col" { "Income a year, " (self.unit) }
                        } }
                        tbody {
                            @for row in rows {
                                tr {
                                    (text::digits_cell(grouped(row.deposit), why))
                                    @for rate in [row.after_deposit_apr, row.sustainable_apr, row.marginal_income] {
                                        (text::cell(percent_of(Some(rate)), why))
                                    }
                                    (text::cell(Some(row.income), why))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
