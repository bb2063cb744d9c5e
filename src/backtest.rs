//! `plimsoll backtest`: strategies over recorded history.

use crate::cli::{BacktestOptions, Contract};
use crate::config::Config;
use crate::exit::Kind;
use crate::setup::{self, Setup};
use crate::{facts, output, summary, wiring};
use anyhow::Context;
use plimsoll_adapters::Selection;
use plimsoll_allocate::RunScenario;
use plimsoll_backtests::document::{Document, Facts};
use plimsoll_backtests::suite::{self, Settings, Suite};
use plimsoll_backtests::{Scorer, SleeveId, aave_weekly, pages, report, tables};
use plimsoll_core::{Bps, Enforcement, Time};
use plimsoll_execute::Feed;
use plimsoll_frame::{Asked, GateMode, MarketFrame, View};
use plimsoll_models::{FirstModel, FirstSettings};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the report in its folder.
pub(crate) const REPORT: &str = "report.html";

/// Runs the backtest, prints it, and writes its files where a folder is given.
pub(crate) fn run(options: &BacktestOptions, config: Option<&Path>) -> anyhow::Result<()> {
    let config = crate::config::load(config)?;
    if options.synthetic.is_some() {
        setup::check(options).context(Kind::Usage)?;
        return crate::worlds::run(options, &config);
    }
    let done = replay(options, &config)?;
    let document = done.document();
    if let Some(out) = &options.out {
        for path in done.write(out, &document)? {
            output::say(&format!("wrote {}", path.display()));
        }
    }
    if options.json {
        output::document(&document)?;
    } else {
        output::say(&done.summary(&document));
    }
    Ok(())
}

/// A finished backtest.
pub(crate) struct Done {
    suite: Suite,
    facts: Facts,
    feed: Feed,
    cover: pages::Cover,
}

impl Done {
    /// Writes every file of the result to `out`.
    pub(crate) fn write(&self, out: &Path, document: &Document) -> anyhow::Result<Vec<PathBuf>> {
        let page = pages::report(&self.suite, &self.facts, &self.feed.catalog, self.cover.clone());
        let json = serde_json::to_vec_pretty(document)?;
        let mut written = vec![
            tables::write_file(out, REPORT, report::render(&page).as_bytes())?,
            tables::write_file(out, "result.json", &json)?,
        ];
        written.extend(tables::write(out, &self.suite)?);
        Ok(written)
    }

    /// The result as text.
    pub(crate) fn summary(&self, document: &Document) -> String {
        summary::text(&self.suite, &self.facts, document)
    }

    /// The document of the result.
    pub(crate) fn document(&self) -> Document {
        Document::new(&self.suite, &self.facts)
    }
}

/// Reads, replays and returns the result.
pub(crate) fn replay(options: &BacktestOptions, config: &Config) -> anyhow::Result<Done> {
    setup::check(options).context(Kind::Usage)?;
    let source = wiring::open(&options.folder()?)?.with_index_only();
    let (chains, mode) = match options.contract {
        Some(Contract::AaveWeekly) => (aave_weekly::CHAINS.to_vec(), GateMode::FlagOnly),
        None => (wiring::chains(&options.chains)?, GateMode::Enforce),
    };
    let selection = Selection { chains, to: options.to, from: options.from };
    let feed = wiring::feed(&source, &selection, config, mode)?;
    let setup = match options.contract {
        Some(Contract::AaveWeekly) => setup::contract(options, &feed)?,
        None => setup::ordinary(options, config, &feed)?,
    };
    let gas = wiring::Gas::read(&source, &selection, config)?;
    let data_hash = plimsoll_execute::feed::extended(&feed.data_hash, &gas.bytes());
    let facts = Facts { data_hash, ..setup.facts(options, &feed) };
    let suite = run_suite(options, config, setup, &gas, &feed.frame)?;
    let facts =
        Facts { approximations: facts::approximations(options, config, &suite, &feed), ..facts };
    let cover = facts::cover(options, config, &source, &suite);
    Ok(Done { suite, facts, feed, cover })
}

/// Runs every strategy, with a bar.
fn run_suite(
    options: &BacktestOptions,
    config: &Config,
    setup: Setup,
    gas: &wiring::Gas,
    frame: &MarketFrame,
) -> anyhow::Result<Suite> {
    let model = FirstModel::new(FirstSettings::default())?;
    let has_limits = setup.policy.enforcement != Enforcement::Off;
    let is_read = setup.strategies.iter().any(|rule| rule.reads_scores());
    let asked = if is_read { Asked::Everything } else { Asked::Limits };
    let scorer = Scorer::new(&model, frame, asked);
    let is_scored = has_limits || is_read;
    if is_scored {
        let others = setup.variants.iter().map(|(_, _, schedule)| schedule);
        let schedules = others.chain([&setup.schedule]);
        scorer.make(&schedules.flat_map(|schedule| schedule.decisions.iter().copied()).collect());
    }
    let scores = |view: &View<'_>| if is_scored { scorer.at(view) } else { Arc::default() };
    let settings = Settings {
        strategies: setup.strategies,
        scores: &scores,
        policy: setup.policy,
        turnover_cost: Bps(options.cost_bps(config)),
        is_equal_free: options.contract.is_some(),
        schedule: setup.schedule,
        variants: setup.variants,
        scenario: RunScenario { leaving_first: config.run.leaving_first.0 },
        capital: options.capital.unwrap_or(config.backtest.capital.0),
        gas: &|sleeve: &SleeveId, time: Time| gas.per_action(sleeve, time),
        keeps_journal: options.out.is_some(),
    };
    let bar = output::bar("replaying");
    let suite = suite::run(setup.sleeves, &settings, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    suite.context(Kind::Data)
}
