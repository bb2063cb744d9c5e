//! The loop body: what is known becomes a decision.

use crate::evidence::{RunScenario, Seen, evidence};
use crate::planning::plan;
use crate::upkeep::in_order;
use plimsoll_core::journal::{Decided, Executed};
use plimsoll_core::{
    Approved, CostModel, MarketId, Nav, Plan, Policy, Portfolio, Verdict, approve,
};
use plimsoll_frame::{Costs, Scores, Situation, Strategy, StrategyError, View};
use std::collections::BTreeMap;

/// What lasts from one decision to the next.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// The rule.
    pub strategy: &'a dyn Strategy,
    /// The owner's limits.
    pub policy: &'a Policy,
}

/// What is known at the clock of a decision.
#[derive(Debug)]
pub struct Observed<'t> {
    /// Every row so far.
    pub view: View<'t>,
    /// What is expected of each market.
    pub scores: &'t Scores,
    /// What is held, valued at the last known index.
    pub portfolio: Portfolio,
    /// The run that the exit limit assumes.
    pub run: RunScenario,
    /// What moving costs now.
    pub costs: CostModel,
    /// What was carried out so far, oldest first.
    pub executed: &'t [Executed],
}

/// A decision: what may be done, and what the journal keeps of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The plan after the limits.
    pub approved: Approved,
    /// The decision as the journal keeps it.
    pub entry: Decided,
}

/// Returns the decision that follows from `state` and `observed`.
///
/// Pure: the same arguments give the same decision, byte for byte.
///
/// # Errors
/// [`StrategyError`] where the strategy has no answer; nothing moves then.
pub fn step(state: &State<'_>, observed: &Observed<'_>) -> Result<Decision, StrategyError> {
    let nav = observed.portfolio.nav();
    let held = nav.weights(observed.portfolio.decimals);
    let target = state.strategy.target(&situation(state, observed, &nav, &held))?;
    let clock = observed.view.clock();
    let proposed = match target.wanted() {
        Some(weights) => plan(clock, &nav, weights, &observed.costs),
        None => Plan::nothing(clock, observed.costs),
    };
    let proposed = in_order(proposed, &target);
    let decimals = observed.portfolio.decimals;
    let seen = Seen { view: &observed.view, scores: observed.scores, run: observed.run, decimals };
    let known = evidence(&seen, &proposed, &nav);
    let Verdict { approved, refusals, waivers } = approve(proposed, &nav, &known, state.policy);
    let entry = Decided {
        time: clock,
        reason: target.reason.to_string(),
        alternatives: target.alternatives,
        expected: target.expected,
        scores: target.scores,
        plan: approved.plan().clone(),
        refusals,
        waivers,
    };
    Ok(Decision { approved, entry })
}

/// What the strategy may look at.
fn situation<'a>(
    state: &State<'a>,
    observed: &'a Observed<'_>,
    nav: &Nav,
    held: &'a BTreeMap<MarketId, f64>,
) -> Situation<'a> {
    let decimals = observed.portfolio.decimals;
    Situation {
        view: observed.view,
        scores: observed.scores,
        held,
        facts: &observed.portfolio.facts,
        nav: nav.total.to_f64(decimals),
        executed: observed.executed,
        decimals,
        costs: costs(&observed.costs, decimals),
        policy: state.policy,
        leaving_first: observed.run.leaving_first,
    }
}

/// What moving costs, as models see it.
pub(crate) fn costs(costs: &CostModel, decimals: u8) -> Costs {
    Costs {
        turnover: if costs.is_first_entry { 0.0 } else { costs.turnover.to_fraction() },
        gas_per_action: costs.gas_per_action.map(|gas| gas.to_f64(decimals)),
    }
}
