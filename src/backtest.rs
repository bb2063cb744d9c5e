//! `plimsoll backtest`: strategies over recorded history.

use crate::cli::{BacktestOptions, Contract, Limits, Often};
use crate::config::Config;
use crate::exit::Kind;
use crate::{facts, output, universe, wiring};
use anyhow::Context;
use chrono::Weekday;
use plimsoll_adapters::Selection;
use plimsoll_allocate::RunScenario;
use plimsoll_backtests::document::{Document, Facts};
use plimsoll_backtests::schedule::{Decide, Schedule, Span};
use plimsoll_backtests::suite::{self, Settings, Suite};
use plimsoll_backtests::{Sleeve, SleeveId, aave_weekly, pages, report, sleeves, tables};
use plimsoll_core::approve::{Enforcement, Policy};
use plimsoll_core::{Bps, MarketId, RiskPreference, Time};
use plimsoll_execute::Feed;
use plimsoll_frame::{Column, GateMode, QualityReport, Strategy};
use std::path::{Path, PathBuf};

/// The name of the report in its folder.
pub(crate) const REPORT: &str = "report.html";

/// Runs the backtest, prints it, and writes its files where a folder is given.
pub(crate) fn run(options: &BacktestOptions, config: Option<&Path>) -> anyhow::Result<()> {
    let config = crate::config::load(config)?;
    let done = replay(options, &config)?;
    let document = Document::new(&done.suite, &done.facts);
    if let Some(out) = &options.out {
        for path in done.write(out, &document)? {
            output::say(&format!("wrote {}", path.display()));
        }
    }
    if options.json {
        output::document(&document)?;
    } else {
        output::say(&summary(&done, &document));
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

    /// The document of the result.
    pub(crate) fn document(&self) -> Document {
        Document::new(&self.suite, &self.facts)
    }
}

/// What is replayed, before it runs.
struct Plan {
    feed: Feed,
    sleeves: Vec<Sleeve>,
    strategies: Vec<Box<dyn Strategy>>,
    schedule: Schedule,
    variants: Vec<(&'static str, String, Schedule)>,
    span: Span,
    policy: Policy,
}

/// Reads, replays and returns the result.
pub(crate) fn replay(options: &BacktestOptions, config: &Config) -> anyhow::Result<Done> {
    let source = wiring::open(&options.data)?.with_index_only();
    let is_contract = options.contract.is_some();
    let chains = match options.contract {
        Some(Contract::AaveWeekly) => aave_weekly::CHAINS.to_vec(),
        None => wiring::chains(&options.chains)?,
    };
    let selection = Selection { chains, to: options.to, from: options.from };
    let mode = if is_contract { GateMode::FlagOnly } else { GateMode::Enforce };
    let feed = wiring::feed(&source, &selection, config, mode)?;
    let plan = match options.contract {
        Some(Contract::AaveWeekly) => contract(options, feed)?,
        None => ordinary(options, config, feed)?,
    };
    let gas = wiring::Gas::read(&source, &selection, config)?;
    let cost_bps = options.cost_bps.unwrap_or(config.backtest.cost_bps);
    let settings = Settings {
        strategies: plan.strategies,
        policy: plan.policy.clone(),
        turnover_cost: Bps(cost_bps),
        is_equal_free: is_contract,
        schedule: plan.schedule.clone(),
        variants: plan.variants,
        scenario: RunScenario { leaving_first: config.run.leaving_first.0 },
        capital: options.capital.unwrap_or(config.backtest.capital.0),
        gas: &|sleeve: &SleeveId, time: Time| gas.per_action(sleeve, time),
        keeps_journal: options.out.is_some(),
    };
    let markets: Vec<MarketId> =
        plan.sleeves.iter().flat_map(|sleeve| sleeve.frame.markets().to_vec()).collect();
    let bar = output::bar("replaying");
    let suite = suite::run(plan.sleeves, &settings, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let suite = suite.context(Kind::Data)?;
    let known = known(&suite, &plan.feed, &markets);
    let facts = Facts {
        data_hash: plan.feed.data_hash.clone(),
        rows_read: plan.feed.rows_read,
        from: plan.span.from.unwrap_or(plan.span.first).max(plan.span.first),
        to: plan.span.to.unwrap_or(plan.span.last).min(plan.span.last),
        first_decision: plan.schedule.first(),
        last_day: plan.schedule.last,
        decisions: plan.schedule.decisions.len(),
        labels: facts::labels(&markets, is_contract),
        preference: plan.policy.preference,
        quality: about(&plan.feed.quality, &markets),
        approximations: facts::approximations(config, known, cost_bps),
    };
    let cover = cover(options, &source, cost_bps, suite.results.len(), suite.left_out.len());
    Ok(Done { suite, facts, feed: plan.feed, cover })
}

/// The ordinary backtest: per chain and unit, on what the gate lets through.
fn ordinary(options: &BacktestOptions, config: &Config, feed: Feed) -> anyhow::Result<Plan> {
    let markets = universe::select(&feed.catalog, &options.assets)?;
    let sleeves = sleeves::split(&feed.frame, &feed.catalog, &markets)?;
    let strategies = match options.strategy.as_slice() {
        [] => plimsoll_strategies::default_set(),
        names => names
            .iter()
            .map(|name| plimsoll_strategies::by_name(name))
            .collect::<Result<Vec<_>, _>>()
            .context(Kind::Usage)?,
    };
    let span = span(options, &sleeves)?;
    let decide = match options.decide {
        Often::Daily => Decide::Daily,
        Often::Weekly => Decide::Weekly(options.weekday.unwrap_or(Weekday::Mon)),
    };
    let schedule = Schedule::regular(&span, decide).context(Kind::Data)?;
    let variants =
        if options.no_spread { Vec::new() } else { suite::variants(&span, decide, &schedule) };
    let (preference, enforcement) = match options.limits {
        Limits::Line(line) => (RiskPreference::of_line(line), Enforcement::Strict),
        Limits::Off => (config.risk, Enforcement::Off),
        Limits::Measurable => (config.risk, Enforcement::Measurable),
    };
    let policy = Policy { preference, enforcement };
    Ok(Plan { feed, sleeves, strategies, schedule, variants, span, policy })
}

/// The contract `aave-weekly`.
fn contract(options: &BacktestOptions, feed: Feed) -> anyhow::Result<Plan> {
    let sleeve = aave_weekly::sleeve(&feed).context(Kind::Data)?;
    let strategies = aave_weekly::strategies(&feed, &sleeve);
    let sleeves = vec![sleeve];
    let span = span(options, &sleeves)?;
    let schedule = Schedule::aave_weekly(&span, options.weekday).context(Kind::Data)?;
    let weekdays = suite::WEEK.into_iter().filter_map(|weekday| {
        let schedule = Schedule::aave_weekly(&span, Some(weekday)).ok()?;
        Some(("weekday", weekday.to_string(), schedule))
    });
    let variants = if options.no_spread { Vec::new() } else { weekdays.collect() };
    let policy = Policy { preference: RiskPreference::default(), enforcement: Enforcement::Off };
    Ok(Plan { feed, sleeves, strategies, schedule, variants, span, policy })
}

fn span(options: &BacktestOptions, sleeves: &[Sleeve]) -> anyhow::Result<Span> {
    let spans = || sleeves.iter().filter_map(|sleeve| sleeve.frame.span());
    let first = spans().map(|(first, _)| first.day()).min();
    let last = spans().map(|(_, last)| last.day()).max();
    let (Some(first), Some(last)) = (first, last) else {
        return Err(anyhow::anyhow!(
            "none of the selected markets has a row that passed the data-quality gate; \
             `plimsoll data check --data {}` says why",
            options.data.display()
        ))
        .context(Kind::Data);
    };
    Ok(Span { first, last, from: options.from, to: options.to })
}

/// The quality lines of the selected markets and of the source as a whole.
fn about(quality: &QualityReport, markets: &[MarketId]) -> QualityReport {
    let mut report = quality.clone();
    report.retain(|market| markets.contains(market));
    report
}

/// What the source knew of costs and liquidity.
fn known(suite: &Suite, feed: &Feed, markets: &[MarketId]) -> facts::Known {
    let outcomes = || suite.results.iter().map(|result| &result.outcome);
    facts::Known {
        gas: outcomes().all(|outcome| outcome.gas.is_some())
            && outcomes().any(|outcome| outcome.gas.is_some_and(|gas| gas > 0.0)),
        exit: outcomes().all(|outcome| outcome.exitable_24h_pct().is_some()),
        peg: peg(feed, markets),
    }
}

/// The largest distance of a known price from one dollar, over the dollar assets.
fn peg(feed: &Feed, markets: &[MarketId]) -> Option<f64> {
    let (_, last) = feed.frame.span()?;
    let view = feed.frame.view(last);
    let dollars = markets.iter().filter(|market| {
        let info = feed.catalog.get(*market);
        info.is_some_and(|info| info.denomination == plimsoll_core::Denomination::Usd)
    });
    dollars
        .filter_map(|market| view.extremes(market, Column::PriceUsd))
        .map(|(low, high)| (1.0 - low).abs().max((high - 1.0).abs()))
        .max_by(f64::total_cmp)
}

fn cover(
    options: &BacktestOptions,
    source: &plimsoll_adapters::ParquetSource,
    cost_bps: u32,
    strategies: usize,
    left_out: usize,
) -> pages::Cover {
    let setting = |name: &str, value: String| (name.to_owned(), value);
    let weekday = options.weekday.map_or_else(String::new, |weekday| format!(", {weekday}"));
    let mut settings = vec![
        setting("Decisions", format!("{:?}{weekday}", options.decide).to_lowercase()),
        setting("Cost of one-way turnover", format!("{cost_bps} bp, the first entry free")),
        setting("Assets", options.assets.join(", ")),
        setting("Limits", format!("{:?}", options.limits).to_lowercase()),
    ];
    if let Some(contract) = options.contract {
        settings = vec![
            setting("Contract", format!("{contract:?}")),
            setting("Cost of one-way turnover", format!("{cost_bps} bp, the first entry free")),
        ];
    }
    if left_out > 0 {
        settings.push(setting(
            "Parts left out",
            format!("{left_out}: nothing could be bought there at the first decision"),
        ));
    }
    let plural = if strategies == 1 { "strategy" } else { "strategies" };
    pages::Cover {
        title: format!("Backtest of {strategies} {plural}"),
        source: format!(
            "{} ({})",
            source.folder().display(),
            source.file_names().collect::<Vec<_>>().join(", ")
        ),
        settings,
    }
}

fn parts(count: usize) -> String {
    if count == 1 { "one part".to_owned() } else { format!("{count} parts") }
}

/// The result as text for a terminal.
pub(crate) fn summary(done: &Done, document: &Document) -> String {
    let mut lines = document.labels.clone();
    let facts = &done.facts;
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
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (line, result) in document.strategies.iter().zip(&done.suite.results) {
        rows.push(vec![
            pages::title(result),
            output::percent(line.annualised_pct),
            output::percent(line.max_drawdown_pct),
            output::percent(line.cvar95_daily_pct),
            line.switches.to_string(),
            format!("{:.2}x", line.turnover),
            format!("{:.2}", line.cost_pct),
            output::percent(line.gas_pct),
            output::percent(line.exitable_24h_pct),
        ]);
    }
    lines.push(output::columns(&rows));
    for (line, result) in document.strategies.iter().zip(&done.suite.results) {
        for spread in &line.spread {
            lines.push(format!(
                "{} by {}: {} to {}, median {}",
                pages::title(result),
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
