//! One strategy: its parameters, where the money was, what it decided, and what that cost.

use super::calendar::Calendar;
use super::model::StrategyPage;
use super::{decisions, scores, stack, text};
use maud::{Markup, html};

/// The section of strategy number `index`.
pub(super) fn section(index: usize, page: &StrategyPage, time: Option<&Calendar>) -> Markup {
    html! {
        section.strategy id={ "strategy-" (index) } {
            h2 { span.kicker { "Strategy" } " " (page.name) }
            @if page.params.is_empty() {
                p.note { "It takes no parameters." }
            } @else {
                (text::pairs(&page.params))
            }
            h3 { "Allocation" }
            @match time {
                Some(time) => (stack::allocation(index, page, time)),
                None => p.note { "No weights were recorded." },
            }
            h3 { "Decisions" }
            (decisions::section(page))
            @if !page.scores.is_empty() {
                h3 { "Scores at the last decision" }
                (scores::section(&page.scores))
            }
            h3 { "Costs" }
            (costs(page))
        }
    }
}

/// What the decisions cost.
fn costs(page: &StrategyPage) -> Markup {
    let gas = page.gas_pct.filter(|gas| gas.is_finite());
    let moves = page.decisions.iter().filter(|decision| decision.moved);
    let dearest = moves.map(|decision| decision.cost_pct).max_by(f64::total_cmp);
    let rows = [
        ("Turnover, one-way, \u{d7} NAV", Some(page.turnover), "It is not a finite number."),
        ("Cost on turnover, % of NAV", Some(page.cost_pct), "It is not a finite number."),
        ("Gas, % of NAV", gas, "The price of gas is not known."),
        (
            "Cost and gas, % of NAV",
            gas.map(|gas| gas + page.cost_pct),
            "Gas is not known, so the sum is not known either.",
        ),
    ];
    html! {
        div.scroll {
            table.costs {
                caption.spoken { "Costs of " (page.name) }
                tbody {
                    @for (name, value, why) in rows {
                        tr { th scope="row" { (name) } (text::cell(value, why)) }
                    }
                    @if let Some(dearest) = dearest {
                        tr {
                            th scope="row" { "Dearest single decision, % of NAV" }
                            (text::cell(Some(dearest), "It is not a finite number."))
                        }
                    }
                }
            }
        }
    }
}
