//! Three portfolios side by side: what is held, what is recommended within the line, and the highest return
//! whatever the line says.

use crate::candidates::Candidates;
use crate::evidence::{RunScenario, Seen, evidence};
use crate::planning::plan;
use crate::propose::{AllocatorSettings, Proposal, binding, keep, propose, weights};
use crate::scored::{Holding, scored};
use plimsoll_core::journal::Scored;
use plimsoll_core::{
    CostModel, Enforcement, Evidence, MarketId, Plan, Policy, Portfolio, Refusal, Verdict, Waiver,
    approve,
};
use plimsoll_frame::{Scores, Situation, View};
use std::collections::BTreeMap;

/// What is to be advised on.
#[derive(Debug)]
pub struct Question<'a> {
    /// Everything observed so far.
    pub view: View<'a>,
    /// What is expected of each market.
    pub scores: &'a Scores,
    /// What is held.
    pub portfolio: &'a Portfolio,
    /// The owner's limits.
    pub policy: &'a Policy,
    /// The run that the exit limit assumes.
    pub run: RunScenario,
    /// What moving costs.
    pub costs: CostModel,
    /// The allocator's parameters.
    pub settings: AllocatorSettings,
    /// Whether a market without an index may be bought: advice on advertised rates, nothing to replay.
    pub takes_advertised: bool,
}

/// The three portfolios, and why others are not bought.
#[derive(Debug, Clone)]
pub struct Advice {
    /// The markets to choose from, within the line.
    pub candidates: Candidates,
    /// `keep`, `recommended`, `highest`.
    pub plans: Vec<Advised>,
}

/// One portfolio with what is expected of it and what leads to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Advised {
    /// `keep`, `recommended` or `highest`.
    pub name: &'static str,
    /// What is expected of it.
    pub proposal: Proposal,
    /// Where the money is then, largest first.
    pub positions: Vec<AdvisedPosition>,
    /// What leads to it: exits first.
    pub plan: Plan,
    /// What the limits cut.
    pub refusals: Vec<Refusal>,
    /// Limits that were not applied.
    pub waivers: Vec<Waiver>,
    /// CVaR95 over 30 days; `None` where unknown.
    pub cvar95_30d: Option<f64>,
    /// ES99.9 over a year; `None` where unknown.
    pub es999_1y: Option<f64>,
    /// Share of everything that is lost if the largest protocol goes to zero.
    pub worst_protocol_loss: f64,
}

/// One position.
#[derive(Debug, Clone, PartialEq)]
pub struct AdvisedPosition {
    /// What is known of it.
    pub scored: Scored,
    /// What is in it, whole units.
    pub amount: f64,
    /// What its constraint would bring a year if it were a hundredth of everything looser; `None` where
    /// nothing can be loosened.
    pub relaxing_brings: Option<f64>,
}

/// Returns the three portfolios.
#[must_use]
pub fn advise(question: &Question<'_>) -> Advice {
    let nav = question.portfolio.nav();
    let held = nav.weights(question.portfolio.decimals);
    let off = Policy { enforcement: Enforcement::Off, ..question.policy.clone() };
    let within = situation(question, question.policy, &held);
    let without = situation(question, &off, &held);
    let candidates = Candidates::advised(&within, &question.settings, question.takes_advertised);
    let free = Candidates::advised(&without, &question.settings, question.takes_advertised);
    let stays = keep(&within, &candidates);
    let best = propose(&within, &question.settings, &candidates);
    let highest = propose(&without, &question.settings, &free);
    let recommended = if best.is_move {
        advised(question, &within, &candidates, best, "recommended")
    } else {
        // Not worth moving: what it would have brought stays in the figures of the gain.
        let (gain, p_gain, break_even_days) = (best.gain, best.p_gain, best.break_even_days);
        let kept = Proposal { gain, p_gain, break_even_days, cost: best.cost, ..stays.clone() };
        advised(question, &within, &candidates, kept, "recommended")
    };
    let plans = vec![
        advised(question, &within, &candidates, stays, "keep"),
        recommended,
        advised(question, &without, &free, highest, "highest"),
    ];
    Advice { candidates, plans }
}

fn situation<'a>(
    question: &'a Question<'_>,
    policy: &'a Policy,
    held: &'a BTreeMap<MarketId, f64>,
) -> Situation<'a> {
    let portfolio = question.portfolio;
    let nav = portfolio.nav().total.to_f64(portfolio.decimals);
    Situation {
        view: question.view,
        scores: question.scores,
        held,
        facts: &portfolio.facts,
        nav,
        // A person who asks says what is held, not since when.
        executed: &[],
        decimals: portfolio.decimals,
        costs: crate::step::costs(&question.costs, portfolio.decimals),
        policy,
        leaving_first: question.run.leaving_first,
    }
}

/// Carries a proposal through plan and approval, and describes where the money is then.
fn advised(
    question: &Question<'_>,
    now: &Situation<'_>,
    candidates: &Candidates,
    proposal: Proposal,
    name: &'static str,
) -> Advised {
    let decimals = question.portfolio.decimals;
    let nav = question.portfolio.nav();
    let clock = question.view.clock();
    let empty = Plan::nothing(clock, question.costs);
    let wanted = weights(now, candidates, &proposal.deposits);
    let asked = if proposal.is_move { plan(clock, &nav, &wanted, &question.costs) } else { empty };
    let seen = Seen { view: &question.view, scores: question.scores, run: question.run, decimals };
    let mut known = evidence(&seen, &asked, &nav);
    if question.takes_advertised {
        open_advertised(&question.view, &mut known);
    }
    let Verdict { approved, refusals, waivers } = approve(asked, &nav, &known, now.policy);
    let plan = approved.plan().clone();
    let amounts = after(&plan, &nav, decimals);
    let total: f64 = nav.total.saturating_sub(plan.cost().known()).to_f64(decimals);
    let share = |amount: f64| if total > 0.0 { amount / total } else { 0.0 };
    let after_weights: BTreeMap<MarketId, f64> =
        amounts.iter().map(|(market, amount)| (market.clone(), share(*amount))).collect();
    let holding = Holding { deposits: &proposal.deposits, amounts: &amounts, total };
    let positions = positions(now, candidates, &holding);
    let mut protocols: BTreeMap<&str, f64> = BTreeMap::new();
    for (market, weight) in &after_weights {
        *protocols.entry(market.protocol()).or_default() += weight;
    }
    let scenarios = now.scenarios();
    Advised {
        name,
        positions,
        cvar95_30d: scenarios.cvar95_30d(&after_weights),
        es999_1y: scenarios.es999_1y(&after_weights),
        worst_protocol_loss: protocols.values().copied().fold(0.0, f64::max),
        plan,
        refusals,
        waivers,
        proposal,
    }
}

/// Marks markets that advertise a fresh rate as open.
fn open_advertised(view: &View<'_>, known: &mut Evidence) {
    for (market, evidence) in &mut known.markets {
        evidence.open |= view.quote(market).is_some_and(|quote| quote.is_advertised());
    }
}

/// What each market holds after `plan`, whole units.
fn after(plan: &Plan, nav: &plimsoll_core::Nav, decimals: u8) -> BTreeMap<MarketId, f64> {
    let mut amounts = nav.by_market.clone();
    for exit in &plan.exits {
        if let Some(held) = amounts.get_mut(&exit.market) {
            *held = held.saturating_sub(exit.amount);
        }
    }
    for entry in &plan.entries {
        let held = amounts.entry(entry.market.clone()).or_default();
        *held = held.checked_add(entry.amount).unwrap_or(*held);
    }
    amounts.into_iter().map(|(market, amount)| (market, amount.to_f64(decimals))).collect()
}

/// The markets with money in them, largest first.
fn positions(
    now: &Situation<'_>,
    candidates: &Candidates,
    holding: &Holding<'_>,
) -> Vec<AdvisedPosition> {
    let rows = scored(now, candidates, holding).into_iter();
    let mut positions: Vec<AdvisedPosition> = rows
        .map(|row| {
            let place = candidates.markets.iter().position(|known| *known == row.market);
            let binding = place.and_then(|place| binding(candidates, holding.deposits, place));
            AdvisedPosition {
                amount: holding.amounts.get(&row.market).copied().unwrap_or_default(),
                relaxing_brings: binding.and_then(|binding| binding.gain),
                scored: row,
            }
        })
        .collect();
    positions.sort_by(|a, b| {
        let (a, b) = (&a.scored, &b.scored);
        b.weight.total_cmp(&a.weight).then_with(|| a.market.cmp(&b.market))
    });
    positions
}
