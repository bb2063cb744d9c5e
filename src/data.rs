//! `plimsoll data`: look at history, or make some.

use crate::cli::{CheckOptions, DataCommand, GenerateOptions};
use crate::{output, wiring};
use plimsoll_adapters::Selection;
use plimsoll_backtests::generate;
use plimsoll_core::{Denomination, MarketId, Time};
use plimsoll_frame::{GateMode, QualityRow};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Runs the subcommand.
pub(crate) fn run(command: &DataCommand, config: Option<&Path>) -> anyhow::Result<()> {
    match command {
        DataCommand::Check(options) => check(options, config),
        DataCommand::Generate(options) => generate(options),
    }
}

/// What `data check --json` prints.
#[derive(Debug, Serialize)]
struct Checked {
    schema: u32,
    data_hash: String,
    files: Vec<String>,
    rows_read: u64,
    rows_kept: usize,
    from: Option<Time>,
    to: Option<Time>,
    markets: Vec<Market>,
    quality: Vec<QualityRow>,
}

/// One market of the folder.
#[derive(Debug, Serialize)]
struct Market {
    market: MarketId,
    symbol: String,
    denomination: Denomination,
}

fn check(options: &CheckOptions, config: Option<&Path>) -> anyhow::Result<()> {
    let config = crate::config::load(config)?;
    let source = wiring::open(&options.data)?;
    let chains = wiring::chains(&options.chains)?;
    let selection = Selection { chains, ..Selection::default() };
    let feed = wiring::feed(&source, &selection, &config, GateMode::Enforce)?;
    let span = feed.frame.span();
    let checked = Checked {
        schema: 1,
        data_hash: feed.data_hash,
        files: source.file_names().collect(),
        rows_read: feed.rows_read,
        rows_kept: feed.frame.height(),
        from: span.map(|span| span.0),
        to: span.map(|span| span.1),
        markets: feed
            .catalog
            .into_iter()
            .map(|(market, info)| Market {
                market,
                symbol: info.last_symbol.to_string(),
                denomination: info.denomination,
            })
            .collect(),
        quality: feed.quality.rows().cloned().collect(),
    };
    if options.json {
        return output::document(&checked);
    }
    output::say(&text(&checked));
    Ok(())
}

/// The quality table by defect, then every market's lines.
fn text(checked: &Checked) -> String {
    let mut lines = vec![format!(
        "{}: {} rows read, {} kept, {} markets",
        checked.files.join(", "),
        checked.rows_read,
        checked.rows_kept,
        checked.markets.len()
    )];
    let mut totals: BTreeMap<(String, String), (usize, u64)> = BTreeMap::new();
    for row in &checked.quality {
        let total = totals.entry((row.defect.to_string(), row.action.to_string())).or_default();
        total.0 += 1;
        total.1 += row.rows;
    }
    let mut table = vec![["defect", "markets", "rows", "action"].map(str::to_owned).to_vec()];
    table.extend(totals.into_iter().map(|((defect, action), (markets, rows))| {
        vec![defect, markets.to_string(), rows.to_string(), action]
    }));
    lines.push(output::columns(&table));
    lines.push(String::new());
    // A first observation is the rule for every market; the totals above are enough of it.
    let shown =
        checked.quality.iter().filter(|row| row.defect != plimsoll_frame::Defect::FirstObservation);
    lines.extend(shown.map(|row| {
        format!(
            "{} {} ({}): {} rows {} to {}, {}: {}",
            row.market,
            row.symbol,
            row.defect,
            row.rows,
            row.first,
            row.last,
            row.action,
            row.detail
        )
    }));
    lines.join("\n")
}

fn generate(options: &GenerateOptions) -> anyhow::Result<()> {
    let history =
        generate::History { markets: options.markets, days: options.days, seed: options.seed };
    for path in generate::write(&options.out, &history)? {
        output::say(&format!("wrote {} (synthetic)", path.display()));
    }
    Ok(())
}
