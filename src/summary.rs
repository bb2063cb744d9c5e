//! A result as text for a terminal.

use crate::output;
use plimsoll_backtests::document::{Document, Facts};
use plimsoll_backtests::{Suite, pages};

fn parts(count: usize) -> String {
    if count == 1 { "one part".to_owned() } else { format!("{count} parts") }
}

/// The result as text for a terminal.
pub(crate) fn text(suite: &Suite, facts: &Facts, document: &Document) -> String {
    let mut lines = document.labels.clone();
    lines.push(format!(
        "{} to {}, {} decisions, {} markets in {}; percent, compounded over a 365-day year",
        facts.first_decision,
        facts.last_day,
        facts.decisions,
        document.markets,
        parts(document.sleeves.len())
    ));
    let head = [
        "strategy",
        "annualised",
        "drawdown",
        "CVaR95 1d",
        "switches",
        "turnover",
        "cost",
        "gas",
        "exit 24h",
        "idle",
    ];
    let names = pages::titles(&suite.results);
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (line, name) in document.strategies.iter().zip(&names) {
        rows.push(vec![
            name.clone(),
            output::percent(line.annualised_pct),
            output::percent(line.max_drawdown_pct),
            output::percent(line.cvar95_daily_pct),
            line.switches.to_string(),
            format!("{:.2}x", line.turnover),
            format!("{:.2}", line.cost_pct),
            output::percent(line.gas_pct),
            output::percent(line.exitable_24h_pct),
            output::percent(line.idle_pct),
        ]);
    }
    lines.push(output::columns(&rows));
    for paired in &document.paired {
        let (better, all) = paired.better_schedules;
        lines.push(format!(
            "{} less {}: {:+.2} points a year ({:+.2} to {:+.2}, blocks of days){}",
            paired.name,
            paired.against,
            paired.mean_pct,
            paired.lo_pct,
            paired.hi_pct,
            if all > 0 {
                format!(", better on {better} of {all} schedules")
            } else {
                String::new()
            }
        ));
    }
    for (line, name) in document.strategies.iter().zip(&names) {
        for spread in &line.spread {
            lines.push(format!(
                "{} by {}: {} to {}, median {}",
                name.clone(),
                spread.varied,
                output::percent(spread.min_pct),
                output::percent(spread.max_pct),
                output::percent(spread.median_pct)
            ));
        }
    }
    let waived: Vec<String> =
        document.limits_not_applied.iter().map(|line| line.limit.to_string()).collect();
    if !waived.is_empty() {
        lines.push(format!("limits not applied: {}", waived.join(", ")));
    }
    lines.push(format!(
        "data quality: {} findings; --out DIR writes a report with all of them",
        document.quality.len()
    ));
    lines.join("\n")
}
