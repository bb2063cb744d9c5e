//! The report's pages: a fold over the journals.

use crate::document::{Document, Facts, ScoresLine, scores, spread};
use crate::outcome::Outcome;
use crate::replay::DECIMALS;
use crate::report::model::{
    DecisionLine, QualityLine, Report, ScoreRow, ScoreTable, SleeveRow, Spread, StrategyPage,
    WaivedLimit,
};
use crate::suite::{StrategyResult, Suite};
use plimsoll_core::approve::{Refusal, RefusalCause};
use plimsoll_core::journal::{Decided, Executed, Marked, Scored};
use plimsoll_core::{Amount, Day, Entry, MarketId};
use plimsoll_execute::{Catalog, MarketInfo};
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
    let labels = Labels::new(catalog);
    let names = titles(&suite.results);
    let named_results = || names.iter().zip(&suite.results);
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
        strategies: named_results()
            .map(|(name, result)| page(suite, name, result, &labels))
            .collect(),
        sleeves: sleeves(suite),
        spreads: named_results().flat_map(|(name, result)| spreads(suite, name, result)).collect(),
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

/// A way to name a market.
type Name<'a> = dyn Fn(&MarketId, &MarketInfo) -> String + 'a;

/// Short names of markets for charts and tables, each told from every other.
struct Labels(BTreeMap<MarketId, String>);

impl Labels {
    /// Names every market by symbol, chain and the start of its address, and by the protocol or the end
    /// of the address too where that is not enough.
    fn new(catalog: &Catalog) -> Labels {
        let short = |market: &MarketId, info: &MarketInfo| {
            let address: String = market.address().chars().take(6).collect();
            format!("{} {} {address}", info.last_symbol, market.chain())
        };
        let with_protocol = |market: &MarketId, info: &MarketInfo| {
            format!("{} ({})", short(market, info), market.protocol())
        };
        let in_full = |market: &MarketId, info: &MarketInfo| {
            let all: Vec<char> = market.address().chars().collect();
            let end: String = all.iter().skip(all.len().saturating_sub(4)).collect();
            format!("{}..{end} ({})", short(market, info), market.protocol())
        };
        let names: [&Name<'_>; 3] = [&short, &with_protocol, &in_full];
        let mut labels = BTreeMap::new();
        for name in names {
            let mut taken: BTreeMap<String, Vec<&MarketId>> = BTreeMap::new();
            for (market, info) in catalog.iter().filter(|(market, _)| !labels.contains_key(*market))
            {
                taken.entry(name(market, info)).or_default().push(market);
            }
            for (label, markets) in taken {
                if let [market] = markets.as_slice() {
                    labels.insert((*market).clone(), label);
                }
            }
        }
        Labels(labels)
    }

    fn of(&self, market: &MarketId) -> String {
        self.0.get(market).cloned().unwrap_or_else(|| market.to_string())
    }
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

fn spreads(suite: &Suite, name: &str, result: &StrategyResult) -> Vec<Spread> {
    spread(suite, result)
        .into_iter()
        .map(|line| Spread {
            strategy: name.to_owned(),
            varied: line.varied.to_owned(),
            results: line.variants,
        })
        .collect()
}

/// Returns a name for each result that tells it from the others.
#[must_use]
pub fn titles(results: &[StrategyResult]) -> Vec<String> {
    let named: Vec<Named<'_>> =
        results.iter().map(|result| (result.name, &result.params)).collect();
    told_apart(&named)
}

/// A strategy's name with its parameters.
pub(crate) type Named<'a> = (&'a str, &'a BTreeMap<&'static str, String>);

/// Names that tell each strategy from the others: what it averages over where that matters, and every
/// parameter where two would still be the same.
pub(crate) fn told_apart(named: &[Named<'_>]) -> Vec<String> {
    let short =
        |(name, params): &Named<'_>| match (*name, params.get("trailing_days").map(String::as_str))
        {
            ("highest-apr", Some("1")) => "highest-apr (spot)".to_owned(),
            ("highest-apr", Some(days)) => format!("highest-apr ({days}-day mean)"),
            (name, _) => name.to_owned(),
        };
    let all: Vec<String> = named.iter().map(short).collect();
    let titles = named.iter().zip(&all).map(|((name, params), title)| {
        if all.iter().filter(|other| *other == title).count() < 2 {
            return title.clone();
        }
        let params = params.iter().map(|(key, value)| format!("{key} {value}"));
        format!("{name} ({})", params.collect::<Vec<_>>().join(", "))
    });
    titles.collect()
}

fn page(suite: &Suite, name: &str, result: &StrategyResult, labels: &Labels) -> StrategyPage {
    let outcome = &result.outcome;
    let mut decisions: Vec<DecisionLine> = suite
        .sleeves
        .iter()
        .zip(&result.journals)
        .flat_map(|((id, _), journal)| decision_lines(&id.to_string(), journal, labels))
        .collect();
    decisions.sort_by(|a, b| (a.day, &a.sleeve).cmp(&(b.day, &b.sleeve)));
    StrategyPage {
        name: name.to_owned(),
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
        gas_pct: outcome.gas().map(|gas| gas * 100.0),
        exitable_24h_pct: outcome.exitable_24h_pct(),
        idle_pct: outcome.idle_pct(),
        nav: outcome.days.iter().map(|point| (point.day, point.nav)).collect(),
        allocation: allocation(&result.journals, labels),
        decisions,
        scores: scores(suite, result).into_iter().map(|line| score_table(line, labels)).collect(),
    }
}

fn score_table(line: ScoresLine, labels: &Labels) -> ScoreTable {
    let percent = |rate: Option<f64>| rate.map(|rate| rate * 100.0);
    let row = |scored: Scored| ScoreRow {
        market: labels.of(&scored.market),
        weight_pct: scored.weight * 100.0,
        advertised_pct: percent(scored.advertised_apr),
        after_deposit_pct: percent(scored.after_deposit_apr),
        sustainable_pct: percent(scored.sustainable_apr),
        realised_pct: percent(scored.realised_apr),
        net_pct: percent(scored.net_apr),
        interval_pct: scored.interval.map(|(low, high)| (low * 100.0, high * 100.0)),
        p_loss_pct: percent(scored.p_loss_1y),
        exit_p50_h: scored.exit_p50_h,
        exit_p95_h: scored.exit_p95_h,
        binds: scored.binding_constraint,
        limit_use: scored
            .limit_use
            .into_iter()
            .map(|(limit, found)| (limit.to_string(), found))
            .collect(),
    };
    let mut rows: Vec<ScoreRow> = line.markets.into_iter().map(row).collect();
    rows.sort_by(|a, b| {
        let rate = |row: &ScoreRow| row.net_pct.unwrap_or(f64::NEG_INFINITY);
        b.weight_pct.total_cmp(&a.weight_pct).then_with(|| rate(b).total_cmp(&rate(a)))
    });
    ScoreTable { sleeve: line.sleeve, day: line.day, rows }
}

/// Weights over all sleeves on evenly spaced days.
fn allocation(journals: &[Vec<Entry>], labels: &Labels) -> Vec<(Day, Vec<(String, f64)>)> {
    let mut days: BTreeMap<Day, Vec<&Marked>> = BTreeMap::new();
    for entry in journals.iter().flatten() {
        if let Entry::Marked(marked) = entry {
            days.entry(marked.time.day()).or_default().push(marked);
        }
    }
    let step = days.len().div_ceil(ALLOCATION_SAMPLES).max(1);
    days.into_iter().step_by(step).map(|(day, marked)| (day, weights(&marked, labels))).collect()
}

fn weights(marked: &[&Marked], labels: &Labels) -> Vec<(String, f64)> {
    let total: f64 = marked.iter().map(|mark| mark.nav.to_f64(DECIMALS)).sum();
    let mut weights: Vec<(String, f64)> = marked
        .iter()
        .flat_map(|mark| &mark.by_market)
        .map(|(market, worth)| (labels.of(market), worth.to_f64(DECIMALS) / total))
        .collect();
    weights.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    weights
}

/// Every decision of one journal, joined with what was done about it.
fn decision_lines(sleeve: &str, journal: &[Entry], labels: &Labels) -> Vec<DecisionLine> {
    let mut lines: Vec<DecisionLine> = Vec::new();
    for entry in journal {
        match entry {
            Entry::Decided(decided) => lines.push(decided_line(sleeve, decided, labels)),
            Entry::Executed(executed) => {
                if let Some(line) = lines.last_mut() {
                    add_execution(line, executed, labels);
                }
            }
            Entry::Marked(_) => {}
        }
    }
    lines
}

fn decided_line(sleeve: &str, decided: &Decided, labels: &Labels) -> DecisionLine {
    DecisionLine {
        day: decided.time.day(),
        sleeve: sleeve.to_owned(),
        moved: false,
        reason: named(&decided.reason, labels),
        out: Vec::new(),
        into: Vec::new(),
        cost_pct: 0.0,
        alternatives: decided
            .alternatives
            .iter()
            .map(|(market, rate)| (labels.of(market), *rate))
            .collect(),
        refusals: decided.refusals.iter().map(|refusal| refused(refusal, labels)).collect(),
    }
}

/// Puts names for the market ids in a sentence.
fn named(sentence: &str, labels: &Labels) -> String {
    let name = |word: &str| {
        let market: Option<MarketId> = word.parse().ok();
        market.filter(|market| labels.0.contains_key(market)).map(|market| labels.of(&market))
    };
    let words = sentence.split(' ').map(|word| name(word).unwrap_or_else(|| word.to_owned()));
    words.collect::<Vec<_>>().join(" ")
}

fn refused(refusal: &Refusal, labels: &Labels) -> String {
    let why = match &refusal.cause {
        RefusalCause::NotOpen => "cannot be bought now".to_owned(),
        RefusalCause::AboveTarget => "utilization would stay above target".to_owned(),
        RefusalCause::Exceeds(limit) => format!("would pass {limit}"),
        RefusalCause::Unanswerable(limit) => format!("{limit} cannot be answered"),
        RefusalCause::Unfunded => "is not paid for".to_owned(),
    };
    let whole = |amount: Amount| amount.to_f64(DECIMALS);
    format!(
        "{}: {why}; {:.0} asked, {:.0} allowed",
        labels.of(&refusal.market),
        whole(refusal.asked),
        whole(refusal.allowed)
    )
}

fn add_execution(line: &mut DecisionLine, executed: &Executed, labels: &Labels) {
    let nav = executed.nav_before.to_f64(DECIMALS);
    let shares = |moved: &BTreeMap<MarketId, Amount>| -> Vec<(String, f64)> {
        moved
            .iter()
            .map(|(market, amount)| (labels.of(market), amount.to_f64(DECIMALS) / nav))
            .collect()
    };
    line.moved = true;
    line.out = shares(&executed.out);
    line.into = shares(&executed.into);
    let paid = executed.cost.to_f64(DECIMALS) + executed.gas.unwrap_or_default().to_f64(DECIMALS);
    line.cost_pct = paid / nav * 100.0;
}
