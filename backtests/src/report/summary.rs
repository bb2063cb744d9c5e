//! The summary: the table of strategies, and the parts of the universe.

use super::model::{Report, SleeveRow, StrategyPage};
use super::text;
use maud::{Markup, html};

/// Why a return can be unknown.
const NO_RETURN: &str = "Nothing could be earned: no market held had a recorded index.";

/// A column of the table of strategies.
enum Column {
    /// A count, which is always known.
    Count(&'static str, fn(&StrategyPage) -> usize),
    /// A figure that can be unknown, and why it then is.
    Figure(&'static str, fn(&StrategyPage) -> Option<f64>, &'static str),
}

impl Column {
    fn heading(&self) -> &'static str {
        match self {
            Column::Count(heading, _) | Column::Figure(heading, ..) => heading,
        }
    }

    fn cell(&self, page: &StrategyPage) -> Markup {
        match self {
            Column::Count(_, count_of) => {
                html! { td.n { (text::grouped(text::count(count_of(page)))) } }
            }
            Column::Figure(_, figure, why) => text::cell(figure(page), why),
        }
    }

    /// Returns why the figure of at least one strategy is unknown, or `None` where all are known.
    fn unknown(&self, report: &Report) -> Option<&'static str> {
        let Column::Figure(_, figure, why) = self else { return None };
        let is_unknown = |page| !figure(page).is_some_and(f64::is_finite);
        report.strategies.iter().any(is_unknown).then_some(why)
    }
}

/// What was measured, left to right.
const COLUMNS: [Column; 9] = [
    Column::Figure("Annualised %", |page| page.annualised_pct, NO_RETURN),
    Column::Figure(
        "Max drawdown %",
        |page| page.max_drawdown_pct,
        "There is no NAV from which a fall could be measured.",
    ),
    Column::Figure(
        "CVaR 95 daily %",
        |page| page.cvar95_daily_pct,
        "There are too few daily returns for a tail.",
    ),
    Column::Count("Switches", |page| page.switches),
    Column::Figure("Turnover \u{d7}", |page| Some(page.turnover), "It is not a finite number."),
    Column::Figure("Cost %", |page| Some(page.cost_pct), "It is not a finite number."),
    Column::Figure("Gas %", |page| page.gas_pct, "The price of gas is not known."),
    Column::Figure(
        "Exitable 24 h %",
        |page| page.exitable_24h_pct,
        "At least one market held does not say how much could be withdrawn.",
    ),
    Column::Figure(
        "Idle %",
        |page| page.idle_pct,
        "There is no NAV of which a share could sit idle.",
    ),
];

/// The table of strategies, and what its figures mean.
pub(super) fn strategies(report: &Report) -> Markup {
    html! {
        div.scroll {
            table.sortable.wide.pinned {
                caption { "Strategies, " (report.from) " to " (report.to) }
                thead { tr {
                    th scope="col" { "Strategy" }
                    @for column in &COLUMNS { th.n scope="col" { (column.heading()) } }
                } }
                tbody {
                    @for (index, page) in report.strategies.iter().enumerate() {
                        tr {
                            th scope="row" { a href={ "#strategy-" (index) } { (page.name) } }
                            @for column in &COLUMNS { (column.cell(page)) }
                        }
                    }
                }
            }
        }
        p { "Annualised rates compound over a 365-day year." }
        p.note {
            "Drawdown is the largest fall from the running peak; "
            "CVaR 95 is the mean loss of the worst 5 % of days, a positive figure is a loss. Turnover "
            "is one-way, as a multiple of NAV. Cost (on turnover) and gas are percent of NAV at the "
            "time, summed. Exitable is the lowest share of NAV that could have left within 24 hours, idle the mean "
            "share that sat in no market."
        }
        (reasons(report))
    }
}

/// Why figures of the table are unknown, in print too, where nothing can be pointed at.
fn reasons(report: &Report) -> Markup {
    let unknown = COLUMNS
        .iter()
        .filter_map(|column| Some((column.heading(), column.unknown(report)?)))
        .collect::<Vec<_>>();
    html! {
        @if !unknown.is_empty() {
            ul.note {
                @for (heading, why) in unknown { li { b { (heading) } " unknown: " (why) } }
            }
        }
    }
}

/// The table of results by part of the universe.
pub(super) fn sleeves(report: &Report) -> Markup {
    html! {
        div.scroll {
            table.sortable.wide.pinned {
                caption { "Annualised % by part of the universe" }
                thead { tr {
                    th scope="col" { "Part" }
                    th.n scope="col" { "Markets" }
                    @for page in &report.strategies { th.n scope="col" { (page.name) } }
                } }
                tbody {
                    @for sleeve in &report.sleeves { (sleeve_row(report, sleeve)) }
                }
            }
        }
        p.note { "Rates compound over a 365-day year." }
    }
}

fn sleeve_row(report: &Report, sleeve: &SleeveRow) -> Markup {
    // A strategy without a figure for this part is unknown there, not absent from the table.
    let figures = sleeve.annualised_pct.iter().copied().chain(std::iter::repeat(None));
    html! {
        tr {
            th scope="row" { (sleeve.name) }
            td.n { (text::grouped(text::count(sleeve.markets))) }
            @for value in figures.take(report.strategies.len()) { (text::cell(value, NO_RETURN)) }
        }
    }
}
