//! All plans of one signer, folded from the journal.

use super::admission::Spent;
use super::intent::{Attempt, BlockRef, Inclusion, Intent, Outcome, PlanId, Purpose, State, Step};
use crate::units::Amount;
use alloy_primitives::B256;
use std::collections::BTreeMap;

/// The least by which a replacement pays more, in per mille: nodes ask for an eighth, and rounding is ours.
pub const BUMP_PER_MILLE: u128 = 125;

/// Every plan of one signer on one chain. At most one has a nonce and is not over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Intents {
    by_id: BTreeMap<PlanId, Intent>,
    /// Plans in the order in which they were made.
    order: Vec<PlanId>,
    /// The plan of each nonce that was ever bound.
    nonces: BTreeMap<u64, PlanId>,
}

/// A step that cannot have happened: the journal or the executor is wrong, and nothing may be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plan {plan}: {step} cannot follow {state}: {reason}")]
pub struct IllegalStep {
    /// The plan.
    pub plan: PlanId,
    /// The step.
    pub step: &'static str,
    /// Where the plan stood.
    pub state: String,
    /// What forbids it.
    pub reason: Reason,
}

/// What forbids a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Not from this state.
    #[error("not from there")]
    Order,
    /// No plan of this name.
    #[error("there is no such plan")]
    Unknown,
    /// The name is taken.
    #[error("a plan of this name exists")]
    Known,
    /// Another plan is on its way.
    #[error("plan {0} is on its way, and one at a time may be")]
    Busy(PlanId),
    /// The nonce belongs to another plan.
    #[error("nonce {0} belongs to plan {1}")]
    NonceTaken(u64, PlanId),
    /// A nonce below one that was used.
    #[error("nonce {0} is below {1}, the lowest free one")]
    NonceBehind(u64, u64),
    /// Bytes at another nonce than the plan's.
    #[error("the bytes are for nonce {0}")]
    OtherNonce(u64),
    /// Bytes of another call than the plan's.
    #[error("the bytes call something else than the plan does")]
    OtherCall,
    /// A replacement that pays too little more.
    #[error("a replacement has to pay an eighth more")]
    Underpriced,
    /// The plan was given up for a cancel already.
    #[error("a cancel was signed, so the call may not be signed again")]
    Cancelled,
    /// A transaction that is none of the plan's.
    #[error("{0} is no transaction of this plan")]
    ForeignHash(B256),
    /// Another block than the one that holds it.
    #[error("block {0} does not hold it")]
    OtherBlock(B256),
}

impl Intents {
    /// Every plan, in the order in which they were made.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Intent> {
        self.order.iter().filter_map(|id| self.by_id.get(id))
    }

    /// The plan of this name.
    #[must_use]
    pub fn get(&self, id: PlanId) -> Option<&Intent> {
        self.by_id.get(&id)
    }

    /// The plan that is not over, if there is one; one that needs a person counts.
    #[must_use]
    pub fn open(&self) -> Option<&Intent> {
        self.iter().rev().find(|intent| !intent.state.is_closed())
    }

    /// The lowest nonce that no plan of ours has used.
    #[must_use]
    pub fn next_nonce(&self) -> Option<u64> {
        self.nonces.last_key_value().map(|(nonce, _)| nonce + 1)
    }

    /// The plan that has `nonce`.
    #[must_use]
    pub fn of_nonce(&self, nonce: u64) -> Option<&Intent> {
        self.get(*self.nonces.get(&nonce)?)
    }

    /// What earlier plans used up, or may still use up.
    #[must_use]
    pub fn spent(&self) -> Vec<Spent> {
        let spent = |intent: &Intent| Spent {
            time: intent.latest(),
            entries: if intent.counts_as_spent() { intent.entries } else { Amount::ZERO },
            gas: intent.gas_cost(),
            is_exit: intent.is_exit(),
        };
        self.iter().map(spent).collect()
    }

    /// Takes one step, or refuses it and changes nothing.
    ///
    /// # Errors
    /// [`IllegalStep`].
    pub fn apply(&mut self, id: PlanId, step: &Step) -> Result<(), IllegalStep> {
        let refused = |state: String, reason: Reason| IllegalStep {
            plan: id,
            step: step.name(),
            state,
            reason,
        };
        if let Step::Planned { .. } = step {
            let intent =
                self.planned(id, step).map_err(|reason| refused("nothing".into(), reason))?;
            self.by_id.insert(id, intent);
            self.order.push(id);
            return Ok(());
        }
        let Some(intent) = self.by_id.get(&id) else {
            return Err(refused("nothing".into(), Reason::Unknown));
        };
        let said = |reason: Reason| refused(format!("{:?}", intent.state), reason);
        if let Step::NonceBound { nonce } = step {
            self.nonce_is_free(*nonce).map_err(said)?;
        }
        let next = stepped(intent, step).map_err(said)?;
        match step {
            Step::NonceBound { nonce } => drop(self.nonces.insert(*nonce, id)),
            // Nothing was signed at it, so the next plan takes it.
            Step::Abandoned { .. } => self.nonces.retain(|_, plan| *plan != id),
            _ => {}
        }
        self.by_id.insert(id, next);
        Ok(())
    }

    fn planned(&self, id: PlanId, step: &Step) -> Result<Intent, Reason> {
        let Step::Planned { call, to, data, entries, valid_until, block, time } = step else {
            return Err(Reason::Order);
        };
        if self.by_id.contains_key(&id) {
            return Err(Reason::Known);
        }
        if let Some(open) = self.open() {
            return Err(Reason::Busy(open.id));
        }
        Ok(Intent {
            id,
            state: State::Planned,
            to: *to,
            data: data.clone(),
            call: *call,
            entries: *entries,
            valid_until: *valid_until,
            decided_on: *block,
            time: *time,
            policy: None,
            gas: None,
            nonce: None,
            attempts: Vec::new(),
            inclusion: None,
            reorgs: 0,
            reason: None,
        })
    }

    fn nonce_is_free(&self, nonce: u64) -> Result<(), Reason> {
        if let Some(other) = self.nonces.get(&nonce) {
            return Err(Reason::NonceTaken(nonce, *other));
        }
        match self.next_nonce() {
            Some(next) if nonce < next => Err(Reason::NonceBehind(nonce, next)),
            _ => Ok(()),
        }
    }
}

/// The plan after `step`.
fn stepped(intent: &Intent, step: &Step) -> Result<Intent, Reason> {
    let mut next = intent.clone();
    next.state = match (intent.state, step) {
        (State::Closed(_) | State::Frozen, _) => return Err(Reason::Order),
        (state, Step::Frozen { reason }) if !state.is_closed() => {
            next.reason = Some(reason.clone());
            State::Frozen
        }
        (State::Planned, Step::Admitted { policy }) => {
            next.policy = Some(*policy);
            State::Admitted
        }
        (State::Admitted | State::Simulated, Step::Simulated { gas, .. }) => {
            next.gas = Some(*gas);
            State::Simulated
        }
        // Tried again after a reorg, before the same bytes are sent again.
        (State::Signed | State::Broadcast, Step::Simulated { .. }) => intent.state,
        (State::Simulated, Step::NonceBound { nonce }) => {
            next.nonce = Some(*nonce);
            State::NonceBound
        }
        (State::NonceBound | State::Signed | State::Broadcast, Step::Signed(attempt)) => {
            may_sign(intent, attempt)?;
            next.attempts.push(attempt.clone());
            State::Signed
        }
        (State::Signed | State::Broadcast, Step::Broadcast { hash }) => {
            intent.attempt(*hash).ok_or(Reason::ForeignHash(*hash))?;
            State::Broadcast
        }
        // A crash between sending and writing leaves the plan where it was signed.
        (State::Signed | State::Broadcast | State::Included, Step::Included(inclusion)) => {
            intent.attempt(inclusion.hash).ok_or(Reason::ForeignHash(inclusion.hash))?;
            if intent.inclusion.is_some_and(|known| known.block == inclusion.block) {
                return Err(Reason::Order);
            }
            next.inclusion = Some(*inclusion);
            State::Included
        }
        (State::Included, Step::Reorged { block }) => {
            holds(intent, block)?;
            next.inclusion = None;
            next.reorgs = intent.reorgs.saturating_add(1);
            State::Broadcast
        }
        (State::Included, Step::Final { block }) => {
            State::Closed(outcome(intent, holds(intent, block)?)?)
        }
        (
            State::Planned | State::Admitted | State::Simulated | State::NonceBound,
            Step::Abandoned { reason },
        ) => {
            next.reason = Some(reason.clone());
            State::Closed(Outcome::Abandoned)
        }
        _ => return Err(Reason::Order),
    };
    Ok(next)
}

/// Whether `attempt` may be signed for `intent`: same nonce, same call, a fee that nodes take.
fn may_sign(intent: &Intent, attempt: &Attempt) -> Result<(), Reason> {
    if intent.nonce != Some(attempt.nonce) {
        return Err(Reason::OtherNonce(attempt.nonce));
    }
    let is_call = attempt.purpose == Purpose::Call;
    if is_call && attempt.call != intent.call {
        return Err(Reason::OtherCall);
    }
    let Some(last) = intent.newest() else { return Ok(()) };
    if is_call && last.purpose == Purpose::Cancel {
        return Err(Reason::Cancelled);
    }
    let pays_more = |new: u128, old: u128| new >= least_bump(old);
    if pays_more(attempt.max_fee, last.max_fee)
        && pays_more(attempt.priority_fee, last.priority_fee)
    {
        Ok(())
    } else {
        Err(Reason::Underpriced)
    }
}

/// Returns the least fee that replaces `fee`.
#[must_use]
pub fn least_bump(fee: u128) -> u128 {
    fee.saturating_add(fee.saturating_mul(BUMP_PER_MILLE).div_ceil(1000)).saturating_add(1)
}

fn holds<'a>(intent: &'a Intent, block: &BlockRef) -> Result<&'a Inclusion, Reason> {
    let inclusion = intent.inclusion.as_ref().ok_or(Reason::Order)?;
    if inclusion.block == *block { Ok(inclusion) } else { Err(Reason::OtherBlock(block.hash)) }
}

/// What came of a plan one of whose transactions is final.
fn outcome(intent: &Intent, inclusion: &Inclusion) -> Result<Outcome, Reason> {
    let attempt = intent.attempt(inclusion.hash).ok_or(Reason::ForeignHash(inclusion.hash))?;
    Ok(match (attempt.purpose, inclusion.succeeded) {
        (Purpose::Cancel, _) => Outcome::Replaced,
        (Purpose::Call, true) => Outcome::Done,
        (Purpose::Call, false) => Outcome::Reverted,
    })
}

#[cfg(test)]
#[path = "intents_tests.rs"]
mod tests;
