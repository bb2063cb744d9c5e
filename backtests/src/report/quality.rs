//! What limits the meaning of the result: limits not applied, approximations, defects of the data,
//! and where everything came from.

use super::model::{QualityLine, Report, WaivedLimit};
use super::text;
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};

/// Defects with at most this many lines are shown unfolded.
const FEW: usize = 3;

/// The limits that were not applied.
pub(super) fn waived(limits: &[WaivedLimit]) -> Markup {
    html! {
        @if limits.is_empty() {
            p.note { "Every limit was applied." }
        } @else {
            div.scroll {
                table.wide {
                    caption.spoken { "Limits that were not applied" }
                    thead { tr {
                        th scope="col" { "Limit" }
                        th.n scope="col" { "Value" }
                        th scope="col" { "Why it was not applied" }
                    } }
                    tbody {
                        @for limit in limits {
                            tr {
                                th scope="row" { code { (limit.limit) } }
                                td.n { (limit.value) }
                                td.prose { (limit.reason) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What the replay approximates.
pub(super) fn approximations(approximations: &[(String, String)]) -> Markup {
    html! {
        @if approximations.is_empty() {
            p.note { "None was recorded." }
        } @else {
            div.scroll {
                table.wide {
                    caption.spoken { "Approximations" }
                    thead { tr {
                        th scope="col" { "What is approximated" }
                        th scope="col" { "How large the error is" }
                    } }
                    tbody {
                        @for (what, error) in approximations {
                            tr { th.prose scope="row" { (what) } td.prose { (error) } }
                        }
                    }
                }
            }
        }
    }
}

/// What the data-quality gate found: an overview by defect, and the lines of each on demand.
pub(super) fn quality(lines: &[QualityLine]) -> Markup {
    let mut defects: BTreeMap<&str, Vec<&QualityLine>> = BTreeMap::new();
    for line in lines {
        defects.entry(&line.defect).or_default().push(line);
    }
    let mut defects: Vec<_> = defects.into_iter().collect();
    // Rare defects first: a single line that is wrong tells more than a hundred that are alike.
    defects.sort_by(|a, b| a.1.len().cmp(&b.1.len()).then(a.0.cmp(b.0)));
    html! {
        @if defects.is_empty() {
            p.note { "The gate found nothing." }
        } @else {
            (overview(&defects))
            @for (defect, lines) in &defects { (details(defect, lines)) }
        }
    }
}

fn overview(defects: &[(&str, Vec<&QualityLine>)]) -> Markup {
    html! {
        div.scroll {
            table.sortable.wide {
                caption { "Defects, the rarest first" }
                thead { tr {
                    th scope="col" { "Defect" }
                    th.n scope="col" { "Markets" }
                    th.n scope="col" { "Lines" }
                    th.n scope="col" { "Rows" }
                    th scope="col" { "First" }
                    th scope="col" { "Last" }
                    th scope="col" { "What was done" }
                } }
                tbody { @for (defect, lines) in defects { (overview_row(defect, lines)) } }
            }
        }
    }
}

fn overview_row(defect: &str, lines: &[&QualityLine]) -> Markup {
    let markets: BTreeSet<&str> = lines.iter().map(|line| line.market.as_str()).collect();
    let actions: BTreeSet<&str> = lines.iter().map(|line| line.action.as_str()).collect();
    let actions: Vec<&str> = actions.into_iter().collect();
    let rows = lines.iter().fold(0_u64, |rows, line| rows.saturating_add(line.rows));
    html! {
        tr {
            th.prose scope="row" { (defect) }
            td.n {
                @if markets.contains("*") { "all" } @else {
                    (text::grouped(text::count(markets.len())))
                }
            }
            td.n { (text::grouped(text::length(lines))) }
            td.n { (text::grouped(rows)) }
            td.date { @if let Some(first) = lines.iter().map(|line| line.first).min() { (first) } }
            td.date { @if let Some(last) = lines.iter().map(|line| line.last).max() { (last) } }
            td.prose { (actions.join("; ")) }
        }
    }
}

fn details(defect: &str, lines: &[&QualityLine]) -> Markup {
    let count = text::counted(text::length(lines), "line", "lines");
    html! {
        details open[lines.len() <= FEW] {
            summary { (defect) " " span.quiet { (count) } }
            div.scroll {
                table.wide.sortable.filterable[lines.len() > FEW] {
                    caption.spoken { (defect) ": " (count) }
                    thead { tr {
                        th scope="col" { "Market" }
                        th.n scope="col" { "Rows" }
                        th scope="col" { "First" }
                        th scope="col" { "Last" }
                        th scope="col" { "What was done" }
                        th scope="col" { "First instance" }
                    } }
                    tbody { @for line in lines { (line_row(line)) } }
                }
            }
        }
    }
}

fn line_row(line: &QualityLine) -> Markup {
    html! {
        tr {
            th scope="row" {
                @if line.market == "*" { "whole source" } @else {
                    (line.symbol) code.id { (line.market) }
                }
            }
            td.n { (text::grouped(line.rows)) }
            td.date { (line.first) }
            td.date { (line.last) }
            td.prose { (line.action) }
            td.prose { (line.detail) }
        }
    }
}

/// The settings of the run.
pub(super) fn settings(report: &Report) -> Markup {
    html! {
        @if report.settings.is_empty() {
            p.note { "No settings were recorded." }
        } @else {
            (text::pairs(&report.settings))
        }
    }
}

/// Where the rows came from and what read them: enough to run it again.
pub(super) fn provenance(report: &Report) -> Markup {
    let rows_read = text::grouped(report.rows_read);
    let rows = [
        ("Source", report.source.as_str()),
        ("Hash of the rows read", report.data_hash.as_str()),
        ("Rows read", rows_read.as_str()),
        ("Engine version", report.engine_version.as_str()),
    ];
    html! {
        dl.provenance {
            @for (name, value) in rows {
                dt { (name) }
                dd { @if value.is_empty() {
                    (text::unknown("It was not recorded."))
                } @else {
                    (value)
                } }
            }
        }
    }
}
