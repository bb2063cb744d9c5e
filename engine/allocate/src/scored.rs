//! The one table of scores against the owner's line: what the strategy decides by is what the journal, the
//! report and every question show.

use crate::candidates::Candidates;
use crate::evidence::RunScenario;
use crate::optimise::Constraint;
use crate::propose::{LEAST_IDLE, after_deposit_apr, constraint_text, sustainable_apr};
use crate::restore::usable;
use plimsoll_core::exit::{ExitTimes, exit_times};
use plimsoll_core::journal::Scored;
use plimsoll_core::{Enforcement, Limit, MarketId};
use plimsoll_frame::{Score, Situation};
use std::collections::{BTreeMap, BTreeSet};

/// How many markets without money in them the journal keeps, best first.
const NOTED: usize = 5;
/// The share of everything whose way out is looked at where nothing is held.
const PROBE: f64 = 0.01;
/// The share of a limit on losses from which on it is what holds money back.
const NEARLY: f64 = 0.98;

/// A portfolio to be scored.
#[derive(Debug, Clone, Copy)]
pub struct Holding<'a> {
    /// What the optimiser chose for each candidate, by which constraints are read.
    pub deposits: &'a [f64],
    /// What is in each market, whole units.
    pub amounts: &'a BTreeMap<MarketId, f64>,
    /// Everything there is, whole units.
    pub total: f64,
}

/// Returns the scores of the markets with money in them, in order.
#[must_use]
pub fn scored(now: &Situation<'_>, candidates: &Candidates, holding: &Holding<'_>) -> Vec<Scored> {
    rows(now, candidates, holding, &[])
}

/// As [`scored`], with the best of the other markets by net rate.
#[must_use]
pub fn noted(now: &Situation<'_>, candidates: &Candidates, holding: &Holding<'_>) -> Vec<Scored> {
    let mut others: Vec<(f64, &MarketId)> = candidates
        .markets
        .iter()
        .filter(|market| !holding.has_money(market))
        .filter_map(|market| Some((now.scores.of(market)?.net_apr()?, market)))
        .collect();
    others.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let best: Vec<&MarketId> = others.into_iter().take(NOTED).map(|(_, market)| market).collect();
    rows(now, candidates, holding, &best)
}

fn rows(
    now: &Situation<'_>,
    candidates: &Candidates,
    holding: &Holding<'_>,
    others: &[&MarketId],
) -> Vec<Scored> {
    let held = holding.amounts.keys().filter(|market| holding.has_money(market));
    let kept: BTreeSet<&MarketId> = held.chain(others.iter().copied()).collect();
    let table = Table::new(now, candidates, holding);
    kept.into_iter().map(|market| table.row(market)).collect()
}

impl Holding<'_> {
    fn has_money(&self, market: &MarketId) -> bool {
        self.amounts.get(market).is_some_and(|held| *held > 0.0)
    }
}

/// What every row needs.
struct Table<'a> {
    now: &'a Situation<'a>,
    candidates: &'a Candidates,
    holding: &'a Holding<'a>,
    cvar: Option<Vec<f64>>,
    rare: Option<Vec<f64>>,
    /// Measures of loss that are as high as they may be.
    full: Vec<Limit>,
    /// What each protocol holds.
    protocols: BTreeMap<&'a str, f64>,
}

impl<'a> Table<'a> {
    fn new(
        now: &'a Situation<'a>,
        candidates: &'a Candidates,
        holding: &'a Holding<'a>,
    ) -> Table<'a> {
        let share = |amount: f64| if holding.total > 0.0 { amount / holding.total } else { 0.0 };
        let weights: BTreeMap<MarketId, f64> = holding
            .amounts
            .iter()
            .map(|(market, amount)| (market.clone(), share(*amount)))
            .collect();
        let mut protocols: BTreeMap<&str, f64> = BTreeMap::new();
        for (market, amount) in holding.amounts {
            *protocols.entry(market.protocol()).or_default() += amount;
        }
        let scenarios = now.scenarios();
        let line = &now.policy.preference;
        let measured = [
            (Limit::Cvar95_30d, scenarios.cvar95_30d(&weights), line.cvar95_30d.value()),
            (Limit::Es999_1y, scenarios.es999_1y(&weights), line.es999_1y.value()),
        ];
        let is_full = |(limit, found, most): &(Limit, Option<f64>, f64)| {
            now.policy.enforcement != Enforcement::Off
                && found.is_some_and(|found| {
                    found >= NEARLY * usable(*limit, candidates.headroom) * most
                })
        };
        Table {
            full: measured.into_iter().filter(is_full).map(|(limit, ..)| limit).collect(),
            now,
            candidates,
            holding,
            cvar: scenarios.cvar95_slopes(&weights),
            rare: scenarios.es999_slopes(&weights),
            protocols,
        }
    }

    /// The row of `market`.
    fn row(&self, market: &MarketId) -> Scored {
        let unknown = Score::default();
        let score = self.now.scores.of(market).unwrap_or(&unknown);
        let amount = self.holding.amounts.get(market).copied().unwrap_or_default();
        let place = self.candidates.markets.iter().position(|known| known == market);
        let sustainable = match place {
            Some(place) => sustainable_apr(self.candidates, place, amount),
            None => score.sustainable_apr,
        };
        let exits = self.exits(market, amount);
        Scored {
            market: market.clone(),
            weight: if self.holding.total > 0.0 { amount / self.holding.total } else { 0.0 },
            advertised_apr: score.advertised_apr,
            after_deposit_apr: place
                .and_then(|place| after_deposit_apr(self.candidates, place, amount)),
            sustainable_apr: sustainable,
            realised_apr: score.realised_apr,
            net_apr: sustainable.map(|rate| rate - score.expected_loss),
            interval: score.interval,
            p_loss_1y: score.p_loss_1y,
            exit_p50_h: exits.p50_hours,
            exit_p95_h: exits.p95_hours,
            binding_constraint: self.constraint(market, place),
            limit_use: self.limit_use(market, amount),
        }
    }

    fn constraint(&self, market: &MarketId, place: Option<usize>) -> Option<String> {
        let mut barred = self.candidates.left_out.iter();
        if let Some((_, reason)) = barred.find(|(known, _)| known == market) {
            return Some(reason.key().to_owned());
        }
        let constraint = self.candidates.book.constraint(self.holding.deposits, place?)?;
        let held: f64 = self.holding.deposits.iter().sum();
        let is_idle = held < (1.0 - LEAST_IDLE) * self.candidates.book.wealth;
        // Money is left: what it may not do is lose more.
        let column = self.now.scenarios().column(market);
        let adds = |limit: &&Limit| {
            let slopes = if **limit == Limit::Cvar95_30d { &self.cvar } else { &self.rare };
            let slope = slopes.as_ref().zip(column).and_then(|(slopes, at)| slopes.get(at));
            slope.is_some_and(|slope| *slope > 0.0)
        };
        match self.full.iter().find(adds) {
            Some(limit) if constraint == Constraint::Wealth && is_idle => {
                Some(limit.key().to_owned())
            }
            _ => Some(constraint_text(self.candidates, constraint)),
        }
    }

    /// How long `amount` takes to leave, or a hundredth of everything where there is none.
    fn exits(&self, market: &MarketId, amount: f64) -> ExitTimes {
        let score = self.now.scores.of(market);
        let quote = self.now.view.quote(market);
        let size = quote.and_then(|quote| Some(quote.tvl_usd? / quote.price_usd?));
        let Some((score, size)) = score.zip(size) else { return ExitTimes::default() };
        let asked = if amount > 0.0 { amount } else { PROBE * self.holding.total };
        // What our own deposit adds is not counted on: borrowers may take it up.
        let held = self.now.held.get(market).copied().unwrap_or_default() * self.now.nav;
        exit_times(&score.free_shares, asked, size.max(held), self.now.leaving_first.value())
    }

    /// What a unit more of `market`, which holds `amount`, adds to the measure of each limit.
    fn limit_use(&self, market: &MarketId, amount: f64) -> BTreeMap<Limit, f64> {
        let scenarios = self.now.scenarios();
        let column = scenarios.column(market);
        let slope = |slopes: &Option<Vec<f64>>| slopes.as_ref()?.get(column?).copied();
        let own = self.protocols.get(market.protocol()).copied().unwrap_or_default();
        let is_largest = self.protocols.values().all(|other| *other <= own);
        let terms = self.now.view.terms(market);
        let issuer = terms.and_then(|terms| terms.issuer.as_deref());
        let is_foreign = terms.and_then(|terms| terms.pool).is_some_and(|pool| pool.is_foreign);
        let run = RunScenario { leaving_first: self.now.leaving_first };
        let exits = self.now.view.quote(market).and_then(|quote| run.exit_units(&quote));
        let counts = |is: bool| f64::from(u8::from(is));
        let uses = [
            (Limit::Cvar95_30d, slope(&self.cvar)),
            (Limit::Es999_1y, slope(&self.rare)),
            (Limit::WorstProtocolLoss, Some(counts(is_largest))),
            (Limit::PerProtocol, Some(1.0)),
            (Limit::PerIssuer, issuer.map(|name| counts(!self.now.policy.is_own_issuer(name)))),
            (Limit::PerChain, Some(1.0)),
            (Limit::ForeignExposure, is_foreign.then_some(1.0)),
            (Limit::WrapDepth, terms.and_then(|terms| terms.wrap_depth).map(f64::from)),
            // Of the share that cannot leave.
            (Limit::Exit24hRun, exits.map(|exits| counts(amount >= exits))),
        ];
        uses.into_iter().filter_map(|(limit, found)| Some((limit, found?))).collect()
    }
}
