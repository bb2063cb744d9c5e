//! What a strategy expected of the markets that it held, wanted or ranked highest, and what kept each from
//! holding more.

use super::model::{ScoreRow, ScoreTable};
use super::text;
use maud::{Markup, html};

/// Parts shown unfolded.
const SHOWN: usize = 2;

/// The tables of all parts.
pub(super) fn section(tables: &[ScoreTable]) -> Markup {
    let (shown, folded) = tables.split_at(tables.len().min(SHOWN));
    html! {
        p.note {
            "Rates in percent a year. After us: with our deposit while the borrowers stay. Sustainable: once "
            "they have answered. 7 d: what the index grew by. Net: less what is expected to be lost; markets "
            "are ranked by it. Exit: for the position, or for a hundredth of everything where there is none. "
            "Use: what one more unit of it adds to the measure of each limit."
        }
        @for part in shown { (table(part)) }
        @if !folded.is_empty() {
            details {
                summary { (text::counted(text::length(folded), "further part", "further parts")) }
                @for part in folded { (table(part)) }
            }
        }
    }
}

fn table(part: &ScoreTable) -> Markup {
    html! {
        div.scroll {
            table.scores {
                caption { (part.sleeve) ", " (part.day) }
                thead { tr {
                    th scope="col" { "Market" }
                    th.n scope="col" { "Weight %" }
                    th scope="col" { "Binds" }
                    @for head in [
                        "Advertised", "After us", "Sustainable", "7 d", "Net",
                        "Nine of ten", "P(loss) %", "Exit p50 h", "Exit p95 h",
                    ] {
                        th.n scope="col" { (head) }
                    }
                    th scope="col" { "Use" }
                } }
                tbody { @for market in &part.rows { (row(market)) } }
            }
        }
    }
}

fn row(market: &ScoreRow) -> Markup {
    let interval = market.interval_pct.and_then(|(low, high)| {
        Some(format!("{} to {}", text::fixed(low, 2)?, text::fixed(high, 2)?))
    });
    html! {
        tr {
            th scope="row" { (market.market) }
            (text::cell(Some(market.weight_pct), "It is not a finite number."))
            td { @if let Some(binds) = &market.binds { code { (binds) } } }
            (text::cell(market.advertised_pct, "No fresh rate."))
            (text::cell(market.after_deposit_pct, "The size of the market or its curve is not known."))
            (text::cell(market.sustainable_pct, "Nothing says what it will pay."))
            (text::cell(market.realised_pct, "The index does not go back seven days."))
            (text::cell(market.net_pct, "Nothing says what it will pay."))
            td.n {
                @match interval {
                    Some(interval) => (interval),
                    None => (text::unknown("The forecast has no interval.")),
                }
            }
            (text::cell(market.p_loss_pct, "No prior covers it."))
            (text::cell(market.exit_p50_h, "It could not leave, or free liquidity is not known."))
            (text::cell(market.exit_p95_h, "It could not leave, or free liquidity is not known."))
            td {
                details.small {
                    summary { (text::counted(text::length(&market.limit_use), "limit", "limits")) }
                    ul { @for (limit, found) in &market.limit_use {
                        li { code { (limit) } " " span.n { (text::fixed(*found, 2).unwrap_or_else(|| "unknown".to_owned())) } }
                    } }
                }
            }
        }
    }
}
