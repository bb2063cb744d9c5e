//! `plimsoll replay`: a report without a single option.

use crate::backtest::{self, REPORT};
use crate::cli::{BacktestOptions, Cli, Command, ReplayOptions};
use crate::output;
use anyhow::Context;
use clap::Parser;
use plimsoll_backtests::generate::{self, History};
use std::path::{Path, PathBuf};

/// The made-up history of the replay: a year of twelve markets.
const HISTORY: History = History { markets: 12, days: 365, seed: 1 };

/// Replays the given history, or a made-up one, and writes the report.
pub(crate) fn run(options: &ReplayOptions, config: Option<&Path>) -> anyhow::Result<()> {
    let given = options.data.clone().filter(|folder| !folder.as_os_str().is_empty());
    let data: PathBuf = match given {
        Some(folder) => {
            output::say(&format!("replaying the history in {}", folder.display()));
            folder
        }
        None => {
            let folder = options.out.join("synthetic-history");
            generate::write(&folder, &HISTORY)?;
            output::say(&format!(
                "PLIMSOLL_DATA is not set: replaying a made-up history, labelled synthetic, in {}",
                folder.display()
            ));
            folder
        }
    };
    let config = crate::config::load(config)?;
    let done = backtest::replay(&backtest_options(&data, &options.out)?, &config)?;
    let document = done.document();
    done.write(&options.out, &document)?;
    output::say(&done.summary(&document));
    let report = options.out.join(REPORT);
    let report = report.canonicalize().unwrap_or(report);
    output::say(&format!("\nthe report is {}: open it in a browser", report.display()));
    Ok(())
}

/// The options of an ordinary backtest, as the command line would give them.
fn backtest_options(data: &Path, out: &Path) -> anyhow::Result<BacktestOptions> {
    let words = [
        "plimsoll".as_ref(),
        "backtest".as_ref(),
        "--data".as_ref(),
        data.as_os_str(),
        "--out".as_ref(),
        out.as_os_str(),
    ];
    match Cli::try_parse_from(words)?.command {
        Command::Backtest(options) => Ok(*options),
        _ => Err(anyhow::anyhow!("not a backtest")).context("replay"),
    }
}
