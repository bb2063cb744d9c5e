//! What became of a plan.

use super::decimal::Decimal;
use plimsoll_core::Amount;
use plimsoll_core::execution::{Intent, Outcome, Purpose, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FateState {
    /// Decided and approved.
    Planned,
    /// Within the policy; what it spends is reserved.
    Admitted,
    /// Tried at a block, with the wanted effect.
    Simulated,
    /// It has a nonce.
    NonceBound,
    /// Bytes are signed and on disk.
    Signed,
    /// Bytes were sent at least once.
    Broadcast,
    /// In a block that may still go.
    Included,
    /// Carried out, once; the block stays.
    Done,
    /// Included and reverted: nothing moved.
    Reverted,
    /// A cancel took its nonce.
    Replaced,
    /// Given up before anything was signed.
    Abandoned,
    /// It needs a person.
    Frozen,
}

impl FateState {
    /// The name under which an end is counted; `None` while the plan is on its way.
    #[must_use]
    pub fn end(self) -> Option<&'static str> {
        match self {
            FateState::Done => Some("done"),
            FateState::Reverted => Some("reverted"),
            FateState::Replaced => Some("replaced"),
            FateState::Abandoned => Some("abandoned"),
            FateState::Frozen => Some("frozen"),
            _ => None,
        }
    }
}

impl From<State> for FateState {
    fn from(state: State) -> FateState {
        match state {
            State::Planned => FateState::Planned,
            State::Admitted => FateState::Admitted,
            State::Simulated => FateState::Simulated,
            State::NonceBound => FateState::NonceBound,
            State::Signed => FateState::Signed,
            State::Broadcast => FateState::Broadcast,
            State::Included => FateState::Included,
            State::Closed(Outcome::Done) => FateState::Done,
            State::Closed(Outcome::Reverted) => FateState::Reverted,
            State::Closed(Outcome::Replaced) => FateState::Replaced,
            State::Closed(Outcome::Abandoned) => FateState::Abandoned,
            State::Frozen => FateState::Frozen,
        }
    }
}

/// A transaction of a plan. Its signed bytes are not shown: whoever has them can send them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionView {
    /// Its hash.
    pub hash: String,
    /// `call` for the plan itself, `cancel` for what takes its nonce.
    pub purpose: String,
    /// The most that it pays for a unit of gas, wei.
    pub max_fee_wei: Decimal,
    /// The block that holds it; null while none does.
    #[schema(required = true)]
    pub block: Option<u64>,
}

/// What became of a plan, up to one line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FateView {
    /// The line of the journal that tells it.
    pub id: u64,
    /// The decision that made the plan.
    pub decision: u64,
    /// The name of the plan on the chain.
    pub plan_id: String,
    /// Where it stands.
    pub state: FateState,
    /// Why it was given up or needs a person.
    #[schema(required = true)]
    pub reason: Option<String>,
    /// Its nonce.
    #[schema(required = true)]
    pub nonce: Option<u64>,
    /// Every transaction that was ever signed for it, oldest first.
    pub transactions: Vec<TransactionView>,
    /// Gas units that the included one used.
    #[schema(required = true)]
    pub gas_used: Option<u64>,
    /// What the operator paid for it, wei.
    #[schema(required = true)]
    pub gas_paid_wei: Option<Decimal>,
    /// How often a block that held it went.
    pub reorgs: u32,
}

impl FateView {
    /// Returns where `intent`, which `decision` made, stands after `line` of the journal.
    #[must_use]
    pub fn of(intent: &Intent, decision: u64, line: u64) -> FateView {
        let included = intent.inclusion;
        let transactions = intent.attempts.iter().map(|attempt| TransactionView {
            hash: attempt.hash.to_string(),
            purpose: match attempt.purpose {
                Purpose::Call => "call".to_owned(),
                Purpose::Cancel => "cancel".to_owned(),
            },
            max_fee_wei: Decimal::whole(attempt.max_fee),
            block: included.filter(|it| it.hash == attempt.hash).map(|it| it.block.number),
        });
        FateView {
            id: line,
            decision,
            plan_id: intent.id.to_string(),
            state: intent.state.into(),
            reason: intent.reason.clone(),
            nonce: intent.nonce,
            transactions: transactions.collect(),
            gas_used: included.map(|it| it.gas_used),
            gas_paid_wei: included.map(|_| Decimal::of(Amount(intent.gas_cost()), 0)),
            reorgs: intent.reorgs,
        }
    }
}
