//! From the words of a person to what is replayed.

use crate::cli::{BacktestOptions, Limits, Often};
use crate::config::Config;
use crate::exit::Kind;
use crate::{facts, universe};
use anyhow::Context;
use chrono::Weekday;
use plimsoll_backtests::document::Facts;
use plimsoll_backtests::schedule::{Decide, Schedule, Span};
use plimsoll_backtests::{Sleeve, aave_weekly, sleeves, suite};
use plimsoll_core::approve::{Enforcement, Policy};
use plimsoll_core::{MarketId, RiskPreference};
use plimsoll_execute::Feed;
use plimsoll_frame::Strategy;

/// What is replayed, before it runs.
pub(crate) struct Setup {
    /// The markets that were asked for.
    pub(crate) markets: Vec<MarketId>,
    pub(crate) sleeves: Vec<Sleeve>,
    pub(crate) strategies: Vec<Box<dyn Strategy>>,
    pub(crate) schedule: Schedule,
    pub(crate) variants: Vec<(&'static str, String, Schedule)>,
    pub(crate) span: Span,
    pub(crate) policy: Policy,
}

impl Setup {
    /// What the result will say of the run, the approximations still to come.
    pub(crate) fn facts(&self, options: &BacktestOptions, feed: &Feed) -> Facts {
        let mut quality = feed.quality.clone();
        quality.retain(|market| self.markets.contains(market));
        let Span { first, last, from, to } = self.span;
        Facts {
            data_hash: feed.data_hash.clone(),
            rows_read: feed.rows_read,
            from: from.unwrap_or(first).max(first),
            to: to.unwrap_or(last).min(last),
            first_decision: self.schedule.first(),
            last_day: self.schedule.last,
            decisions: self.schedule.decisions.len(),
            labels: facts::labels(&self.markets, options.contract.is_some()),
            preference: self.policy.preference,
            quality,
            approximations: Vec::new(),
        }
    }
}

/// Refuses words that contradict each other.
pub(crate) fn check(options: &BacktestOptions) -> anyhow::Result<()> {
    if let (Some(from), Some(to)) = (options.from, options.to)
        && from > to
    {
        anyhow::bail!("--from {from} is after --to {to}");
    }
    if options.decide == Often::Daily && options.weekday.is_some() {
        anyhow::bail!("--weekday is for weekly decisions; leave it out with --decide daily");
    }
    Ok(())
}

/// The ordinary backtest: per chain and unit, on what the gate lets through.
pub(crate) fn ordinary(
    options: &BacktestOptions,
    config: &Config,
    feed: &Feed,
) -> anyhow::Result<Setup> {
    if feed.catalog.is_empty() {
        let networks: Vec<&str> = feed.quality.rows().map(|line| line.symbol.as_str()).collect();
        return Err(anyhow::anyhow!(
            "no row could be read as a market: the chains {} have no known id; write them as names such \
             as ethereum, or as EIP-155 numbers",
            networks.join(", ")
        ))
        .context(Kind::Data);
    }
    let markets = universe::select(&feed.catalog, &options.assets)?;
    let sleeves = sleeves::split(&feed.frame, &feed.catalog, &markets)?;
    let strategies = strategies(options)?;
    let span = span(options, &sleeves)?;
    let decide = match options.decide {
        Often::Daily => Decide::Daily,
        Often::Weekly => Decide::Weekly(options.weekday.unwrap_or(Weekday::Mon)),
    };
    let schedule = Schedule::regular(&span, decide).context(Kind::Data)?;
    let variants =
        if options.no_spread { Vec::new() } else { suite::variants(&span, decide, &schedule) };
    let policy = policy(options, config);
    Ok(Setup { markets, sleeves, strategies, schedule, variants, span, policy })
}

/// The strategies that were asked for.
pub(crate) fn strategies(options: &BacktestOptions) -> anyhow::Result<Vec<Box<dyn Strategy>>> {
    match options.strategy.as_slice() {
        [] => Ok(plimsoll_strategies::default_set()),
        names => names
            .iter()
            .map(|name| plimsoll_strategies::by_name(name))
            .collect::<Result<Vec<_>, _>>()
            .context(Kind::Usage),
    }
}

/// The limits that were asked for.
pub(crate) fn policy(options: &BacktestOptions, config: &Config) -> Policy {
    let (preference, enforcement) = match options.limits {
        Limits::Line(line) => (RiskPreference::of_line(line), Enforcement::Strict),
        Limits::Strict => (config.risk, Enforcement::Strict),
        Limits::Off => (config.risk, Enforcement::Off),
        Limits::Measurable => (config.risk, Enforcement::Measurable),
    };
    Policy::new(preference, enforcement)
}

/// The contract `aave-weekly`.
pub(crate) fn contract(options: &BacktestOptions, feed: &Feed) -> anyhow::Result<Setup> {
    let sleeve = aave_weekly::sleeve(feed).context(Kind::Data)?;
    let strategies = aave_weekly::strategies(feed, &sleeve);
    let markets = sleeve.frame.markets().to_vec();
    let sleeves = vec![sleeve];
    let span = span(options, &sleeves)?;
    let schedule = Schedule::aave_weekly(&span, options.weekday).context(Kind::Data)?;
    let weekdays = suite::WEEK.into_iter().filter_map(|weekday| {
        let schedule = Schedule::aave_weekly(&span, Some(weekday)).ok()?;
        Some(("weekday", weekday.to_string(), schedule))
    });
    let variants = if options.no_spread { Vec::new() } else { weekdays.collect() };
    let policy = Policy::new(RiskPreference::default(), Enforcement::Off);
    Ok(Setup { markets, sleeves, strategies, schedule, variants, span, policy })
}

fn span(options: &BacktestOptions, sleeves: &[Sleeve]) -> anyhow::Result<Span> {
    let spans = || sleeves.iter().filter_map(|sleeve| sleeve.frame.span());
    let first = spans().map(|(first, _)| first.day()).min();
    let last = spans().map(|(_, last)| last.day()).max();
    let (Some(first), Some(last)) = (first, last) else {
        return Err(anyhow::anyhow!(
            "none of the selected markets has a row that passed the data-quality gate; \
             `plimsoll data check --data {}` says why",
            options.folder()?.display()
        ))
        .context(Kind::Data);
    };
    Ok(Span { first, last, from: options.from, to: options.to })
}
