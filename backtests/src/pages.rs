//! The report's pages: a fold over the journals.

use crate::document::{Document, Facts, spread};
use crate::outcome::Outcome;
use crate::replay::DECIMALS;
use crate::report::model::{
    DecisionLine, QualityLine, Report, SleeveRow, Spread, StrategyPage, WaivedLimit,
};
use crate::suite::{StrategyResult, Suite};
use plimsoll_core::approve::{Refusal, RefusalCause};
use plimsoll_core::journal::{Decided, Executed, Marked};
use plimsoll_core::{Amount, Day, Entry, MarketId};
use plimsoll_execute::Catalog;
use std::collections::BTreeMap;

/// Days of allocation that one chart shows at most.
const ALLOCATION_SAMPLES: usize = 200;

/// What a report says besides results.
#[derive(Debug, Clone)]
pub struct Cover {
    /// Its title.
    pub title: String,
    /// Where the rows came from.
    pub source: String,
    /// The settings of the run.
    pub settings: Vec<(String, String)>,
}

/// Returns the report of a run whose journals were kept.
#[must_use]
pub fn report(suite: &Suite, facts: &Facts, catalog: &Catalog, cover: Cover) -> Report {
    let document = Document::new(suite, facts);
    Report {
        title: cover.title,
        labels: document.labels,
        source: cover.source,
        data_hash: document.data_hash,
        engine_version: document.engine_version.to_owned(),
        from: document.first_decision,
        to: document.last_day,
        decisions: document.decisions,
        markets: document.markets,
        rows_read: facts.rows_read,
        settings: cover.settings,
        strategies: suite.results.iter().map(|result| page(suite, result, catalog)).collect(),
        sleeves: sleeves(suite),
        spreads: suite.results.iter().flat_map(|result| spreads(suite, result)).collect(),
        waived: document
            .limits_not_applied
            .into_iter()
            .map(|line| WaivedLimit {
                limit: line.limit.to_string(),
                value: line.value,
                reason: line.reason,
            })
            .collect(),
        approximations: document
            .approximations
            .into_iter()
            .map(|line| (line.what, line.error))
            .collect(),
        quality: document
            .quality
            .into_iter()
            .map(|line| QualityLine {
                market: line.market,
                symbol: line.symbol,
                defect: line.defect.to_string(),
                rows: line.rows,
                action: line.action.to_string(),
                first: line.first,
                last: line.last,
                detail: line.detail,
            })
            .collect(),
    }
}

/// A short name of a market for charts: symbol, chain, and the start of its address.
#[must_use]
pub fn label(catalog: &Catalog, market: &MarketId) -> String {
    let symbol = catalog.get(market).map_or("?", |info| info.last_symbol.as_ref());
    let address: String = market.address().chars().take(6).collect();
    format!("{symbol} {} {address}", market.chain())
}

fn sleeves(suite: &Suite) -> Vec<SleeveRow> {
    if suite.sleeves.len() < 2 {
        return Vec::new();
    }
    let row = |(place, (id, markets)): (usize, &(crate::SleeveId, usize))| SleeveRow {
        name: id.to_string(),
        markets: *markets,
        annualised_pct: suite
            .results
            .iter()
            .map(|result| result.by_sleeve.get(place).and_then(Outcome::annualised_pct))
            .collect(),
    };
    suite.sleeves.iter().enumerate().map(row).collect()
}

fn spreads(suite: &Suite, result: &StrategyResult) -> Vec<Spread> {
    let title = title(result);
    spread(suite, result)
        .into_iter()
        .map(|line| Spread {
            strategy: title.clone(),
            varied: line.varied.to_owned(),
            results: line.variants,
        })
        .collect()
}

/// The strategy's name, with the parameter that tells it from its siblings.
#[must_use]
pub fn title(result: &StrategyResult) -> String {
    match (result.name, result.params.get("trailing_days").map(String::as_str)) {
        ("highest-apr", Some("1")) => "highest-apr (spot)".to_owned(),
        ("highest-apr", Some(days)) => format!("highest-apr ({days}-day mean)"),
        (name, _) => name.to_owned(),
    }
}

fn page(suite: &Suite, result: &StrategyResult, catalog: &Catalog) -> StrategyPage {
    let outcome = &result.outcome;
    let mut decisions: Vec<DecisionLine> = suite
        .sleeves
        .iter()
        .zip(&result.journals)
        .flat_map(|((id, _), journal)| decision_lines(&id.to_string(), journal, catalog))
        .collect();
    decisions.sort_by(|a, b| (a.day, &a.sleeve).cmp(&(b.day, &b.sleeve)));
    StrategyPage {
        name: title(result),
        params: result
            .params
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect(),
        annualised_pct: outcome.annualised_pct(),
        max_drawdown_pct: outcome.max_drawdown_pct(),
        cvar95_daily_pct: outcome.cvar95_daily_pct(),
        switches: outcome.switches,
        turnover: outcome.turnover,
        cost_pct: outcome.cost * 100.0,
        gas_pct: outcome.gas.map(|gas| gas * 100.0),
        exitable_24h_pct: outcome.exitable_24h_pct(),
        nav: outcome.days.iter().map(|point| (point.day, point.nav)).collect(),
        allocation: allocation(&result.journals, catalog),
        decisions,
    }
}

/// Weights over all sleeves on evenly spaced days.
fn allocation(journals: &[Vec<Entry>], catalog: &Catalog) -> Vec<(Day, Vec<(String, f64)>)> {
    let mut days: BTreeMap<Day, Vec<&Marked>> = BTreeMap::new();
    for entry in journals.iter().flatten() {
        if let Entry::Marked(marked) = entry {
            days.entry(marked.time.day()).or_default().push(marked);
        }
    }
    let step = days.len().div_ceil(ALLOCATION_SAMPLES).max(1);
    days.into_iter().step_by(step).map(|(day, marked)| (day, weights(&marked, catalog))).collect()
}

fn weights(marked: &[&Marked], catalog: &Catalog) -> Vec<(String, f64)> {
    let total: f64 = marked.iter().map(|mark| mark.nav.to_f64(DECIMALS)).sum();
    let mut weights: Vec<(String, f64)> = marked
        .iter()
        .flat_map(|mark| &mark.by_market)
        .map(|(market, worth)| (label(catalog, market), worth.to_f64(DECIMALS) / total))
        .collect();
    weights.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    weights
}

/// Every decision of one journal, joined with what was done about it.
fn decision_lines(sleeve: &str, journal: &[Entry], catalog: &Catalog) -> Vec<DecisionLine> {
    let mut lines: Vec<DecisionLine> = Vec::new();
    for entry in journal {
        match entry {
            Entry::Decided(decided) => lines.push(decided_line(sleeve, decided, catalog)),
            Entry::Executed(executed) => {
                if let Some(line) = lines.last_mut() {
                    add_execution(line, executed, catalog);
                }
            }
            Entry::Marked(_) => {}
        }
    }
    lines
}

fn decided_line(sleeve: &str, decided: &Decided, catalog: &Catalog) -> DecisionLine {
    DecisionLine {
        day: decided.time.day(),
        sleeve: sleeve.to_owned(),
        moved: false,
        reason: named(&decided.reason, catalog),
        out: Vec::new(),
        into: Vec::new(),
        cost_pct: 0.0,
        alternatives: decided
            .alternatives
            .iter()
            .map(|(market, rate)| (label(catalog, market), *rate))
            .collect(),
        refusals: decided.refusals.iter().map(|refusal| refused(refusal, catalog)).collect(),
    }
}

/// Puts names for the market ids in a sentence.
fn named(sentence: &str, catalog: &Catalog) -> String {
    let name = |word: &str| {
        let market: Option<MarketId> = word.parse().ok();
        market.filter(|market| catalog.contains_key(market)).map(|market| label(catalog, &market))
    };
    let words = sentence.split(' ').map(|word| name(word).unwrap_or_else(|| word.to_owned()));
    words.collect::<Vec<_>>().join(" ")
}

fn refused(refusal: &Refusal, catalog: &Catalog) -> String {
    let why = match &refusal.cause {
        RefusalCause::NotOpen => "cannot be bought now".to_owned(),
        RefusalCause::Exceeds(limit) => format!("would pass {limit}"),
        RefusalCause::Unanswerable(limit) => format!("{limit} cannot be answered"),
        RefusalCause::Unfunded => "is not paid for".to_owned(),
    };
    let whole = |amount: Amount| amount.to_f64(DECIMALS);
    format!(
        "{}: {why}; {:.0} asked, {:.0} allowed",
        label(catalog, &refusal.market),
        whole(refusal.asked),
        whole(refusal.allowed)
    )
}

fn add_execution(line: &mut DecisionLine, executed: &Executed, catalog: &Catalog) {
    let nav = executed.nav_before.to_f64(DECIMALS);
    let shares = |moved: &BTreeMap<MarketId, Amount>| -> Vec<(String, f64)> {
        moved
            .iter()
            .map(|(market, amount)| (label(catalog, market), amount.to_f64(DECIMALS) / nav))
            .collect()
    };
    line.moved = true;
    line.out = shares(&executed.out);
    line.into = shares(&executed.into);
    let paid = executed.cost.to_f64(DECIMALS) + executed.gas.unwrap_or_default().to_f64(DECIMALS);
    line.cost_pct = paid / nav * 100.0;
}
