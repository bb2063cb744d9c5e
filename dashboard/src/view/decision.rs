//! Decisions, moves and non-moves alike, as the journal holds them.

use super::decimal::{Decimal, Moment};
use super::fate::FateView;
use super::figure::AsOf;
use super::score::{Interval, ScoredView};
use plimsoll_core::approve::{Refusal, RefusalCause, WaiverCause};
use plimsoll_core::journal::{Decided, Expected};
use plimsoll_core::{Action, Amount, Plan, Time, Waiver};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A plan is carried out, or would be if the engine were sending.
    Moved,
    /// Nothing is worth its cost.
    Stayed,
    /// Something was wanted, and the limits left nothing of it.
    Refused,
}

impl Verdict {
    /// The name of the verdict in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Moved => "moved",
            Verdict::Stayed => "stayed",
            Verdict::Refused => "refused",
        }
    }
}

/// A market that was ranked, with what it was ranked by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlternativeView {
    /// The market.
    pub market: String,
    /// What the strategy ranked it by.
    pub ranked_by: f64,
}

/// What was expected of the best portfolio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedView {
    /// Net gain over staying put, over the horizon, costs taken off; whole units of the denomination.
    pub gain: f64,
    /// The probability that it is above zero.
    pub p_gain: f64,
    /// Yearly net rate, idle money included.
    pub net_apr: f64,
    /// Where that rate lies in nine of ten cases.
    #[schema(required = true)]
    pub interval: Option<Interval>,
}

impl From<&Expected> for ExpectedView {
    fn from(expected: &Expected) -> ExpectedView {
        ExpectedView {
            gain: expected.gain,
            p_gain: expected.p_gain,
            net_apr: expected.net_apr,
            interval: expected.interval.map(|(low, high)| Interval { low, high }),
        }
    }
}

/// One side of one move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionView {
    /// The market.
    pub market: String,
    /// How much, in the vault's asset.
    pub amount: Decimal,
}

/// What a plan costs, in the vault's asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CostView {
    /// The part that grows with the turnover.
    pub proportional: Decimal,
    /// Gas; null where its price is not known.
    #[schema(required = true)]
    pub gas: Option<Decimal>,
}

/// The plan after the limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanView {
    /// What leaves.
    pub exits: Vec<ActionView>,
    /// What enters.
    pub entries: Vec<ActionView>,
    /// One-way turnover.
    pub turnover: Decimal,
    /// Its cost.
    pub cost: CostView,
}

impl PlanView {
    fn of(plan: &Plan, decimals: u8) -> PlanView {
        let actions = |actions: &[Action]| {
            let action = |action: &Action| ActionView {
                market: action.market.to_string(),
                amount: Decimal::of(action.amount, decimals),
            };
            actions.iter().map(action).collect()
        };
        let cost = plan.cost();
        PlanView {
            exits: actions(&plan.exits),
            entries: actions(&plan.entries),
            turnover: Decimal::of(plan.turnover(), decimals),
            cost: CostView {
                proportional: Decimal::of(cost.proportional, decimals),
                gas: cost.gas.map(|gas| Decimal::of(gas, decimals)),
            },
        }
    }
}

/// A buy that was cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusalView {
    /// The market.
    pub market: String,
    /// What cut it: `not_open`, `above_target`, `exceeds`, `unanswerable` or `unfunded`.
    pub cause: String,
    /// The limit, where a limit cut it.
    #[schema(required = true)]
    pub limit: Option<String>,
    /// What was asked.
    pub asked: Decimal,
    /// What was left of it.
    pub allowed: Decimal,
}

impl RefusalView {
    fn of(refusal: &Refusal, decimals: u8) -> RefusalView {
        let (cause, limit) = match &refusal.cause {
            RefusalCause::NotOpen => ("not_open", None),
            RefusalCause::AboveTarget => ("above_target", None),
            RefusalCause::Exceeds(limit) => ("exceeds", Some(limit)),
            RefusalCause::Unanswerable(limit) => ("unanswerable", Some(limit)),
            RefusalCause::Unfunded => ("unfunded", None),
        };
        RefusalView {
            market: refusal.market.to_string(),
            cause: cause.to_owned(),
            limit: limit.map(|limit| limit.key().to_owned()),
            asked: Decimal::of(refusal.asked, decimals),
            allowed: Decimal::of(refusal.allowed, decimals),
        }
    }
}

/// A limit that was not applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverView {
    /// The limit.
    pub limit: String,
    /// Why: `off`, `unanswerable`, `one_protocol` or `one_chain`.
    pub cause: String,
}

impl From<&Waiver> for WaiverView {
    fn from(waiver: &Waiver) -> WaiverView {
        let cause = match waiver.cause {
            WaiverCause::Off => "off",
            WaiverCause::Unanswerable => "unanswerable",
            WaiverCause::OneProtocol => "one_protocol",
            WaiverCause::OneChain => "one_chain",
        };
        WaiverView { limit: waiver.limit.key().to_owned(), cause: cause.to_owned() }
    }
}

/// What keeps a market from holding more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindingView {
    /// The market.
    pub market: String,
    /// What binds.
    pub constraint: String,
}

/// One decision. Its figures share its as-of block, source and method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionView {
    /// The line of the journal that holds it; later decisions have larger ones.
    pub id: u64,
    /// The state of the world that it was made on.
    pub as_of: AsOf,
    /// The engine's journal, with the line.
    pub source: String,
    /// The strategy that decided.
    pub method: String,
    /// What was decided.
    pub verdict: Verdict,
    /// The reason, as one sentence.
    pub reason: String,
    /// The markets that were ranked highest, best first.
    pub alternatives: Vec<AlternativeView>,
    /// What was expected; null of a strategy that expects nothing in figures.
    #[schema(required = true)]
    pub expected: Option<ExpectedView>,
    /// The markets that are held, wanted or ranked highest.
    pub scores: Vec<ScoredView>,
    /// The plan after the limits.
    pub plan: PlanView,
    /// Buys that a limit cut.
    pub refusals: Vec<RefusalView>,
    /// Limits that were not applied.
    pub waivers: Vec<WaiverView>,
    /// What keeps each market from holding more.
    pub binding: Vec<BindingView>,
    /// What became of the plan; null where there is none, or it is not on its way.
    #[schema(required = true)]
    pub fate: Option<FateView>,
    /// When the decision was made, by the chain's clock.
    pub time: Moment,
}

/// Where a decision comes from: the rest is in the journal's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecidedAt<'a> {
    /// The line of the journal.
    pub line: u64,
    /// The block that it was made on.
    pub block: Option<u64>,
    /// That block's time.
    pub time: Time,
    /// The strategy's name.
    pub strategy: &'a str,
    /// Decimals of the vault's asset.
    pub decimals: u8,
}

impl DecisionView {
    /// Returns the journal's entry as it is shown.
    #[must_use]
    pub fn of(decided: &Decided, at: DecidedAt<'_>) -> DecisionView {
        let binding = |scored: &ScoredView| {
            let constraint = scored.binding_constraint.clone()?;
            Some(BindingView { market: scored.market.clone(), constraint })
        };
        let scores: Vec<ScoredView> = decided.scores.iter().map(ScoredView::from).collect();
        DecisionView {
            id: at.line,
            as_of: AsOf { block: at.block, time: at.time.into() },
            source: format!("journal line {}", at.line),
            method: at.strategy.to_owned(),
            verdict: verdict(decided),
            reason: decided.reason.clone(),
            alternatives: decided
                .alternatives
                .iter()
                .map(|(market, by)| AlternativeView { market: market.to_string(), ranked_by: *by })
                .collect(),
            expected: decided.expected.as_ref().map(ExpectedView::from),
            binding: scores.iter().filter_map(binding).collect(),
            scores,
            plan: PlanView::of(&decided.plan, at.decimals),
            refusals: decided.refusals.iter().map(|r| RefusalView::of(r, at.decimals)).collect(),
            waivers: decided.waivers.iter().map(WaiverView::from).collect(),
            fate: None,
            time: decided.time.into(),
        }
    }
}

fn verdict(decided: &Decided) -> Verdict {
    let cut_to_nothing = |refusal: &Refusal| refusal.allowed == Amount::ZERO;
    if !decided.plan.is_empty() {
        Verdict::Moved
    } else if decided.refusals.iter().any(cut_to_nothing) {
        Verdict::Refused
    } else {
        Verdict::Stayed
    }
}
