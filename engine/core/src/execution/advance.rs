//! What to do next with a plan that is on its way: a pure function of what the journal holds and of what the
//! chain says.
//!
//! A missing receipt is never failure. Only a nonce that was used decides, and only a block that stays ends a
//! plan. What cannot be told apart from someone else using the key stops everything.

use super::intent::{Attempt, BlockRef, Inclusion, Intent, Purpose, State, Step};
use super::intents::{Intents, least_bump};
use alloy_primitives::B256;

/// How patient the executor is. Blocks are those of its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Blocks on top of one before it is taken to stay.
    pub confirmations: u64,
    /// Blocks before the same bytes are sent again.
    pub resend_after: u64,
    /// Blocks before more is paid.
    pub bump_after: u64,
    /// Blocks that a used nonce may go without any of our transactions being found.
    pub unknown_for: u64,
    /// The highest fee for a unit of gas, wei.
    pub max_fee: u128,
}

/// What the chain says at one head. Nothing in it comes from another block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The head.
    pub head: BlockRef,
    /// Its timestamp, Unix seconds.
    pub timestamp: u64,
    /// Transactions that the signer has sent in blocks up to the head.
    pub nonce: u64,
    /// Those of the plan's transactions that are in a block of this chain, each checked against it.
    pub included: Vec<Inclusion>,
    /// The hash of this chain's block at the height at which the plan was last found; `None` above the
    /// head, or where it was not asked for.
    pub at_inclusion: Option<B256>,
    /// What a unit of gas has to pay now, wei.
    pub base_fee: u128,
    /// What is offered on top of it, wei.
    pub tip: u128,
}

/// What is remembered between blocks and lost in a crash: forgetting it costs a message, never money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// The height at which the newest bytes were signed.
    pub signed_at: Option<u64>,
    /// The height at which they were last sent.
    pub sent_at: Option<u64>,
    /// The height at which the nonce was first seen used without a transaction of ours.
    pub unknown_since: Option<u64>,
    /// The reorganisations of the plan after which it was tried again.
    pub tried_after: u32,
    /// Whether it then failed: its bytes are not sent again, and a cancel takes its nonce.
    pub is_refused: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ask the policy.
    Admit,
    /// Try it on the head, then write [`Step::Simulated`].
    Simulate,
    /// Write this.
    Record(Step),
    /// Sign, and write [`Step::Signed`] before anything else.
    Sign {
        /// A call or a cancel.
        purpose: Purpose,
        /// The most for a unit of gas, wei.
        max_fee: u128,
        /// The tip, wei.
        priority_fee: u128,
    },
    /// Write [`Step::Broadcast`], then send the bytes of this transaction.
    Send(B256),
    /// Look again at the next block.
    Wait,
}

/// Why a plan is given up that nobody signed in time.
pub const TIME_IS_OVER: &str = "its time was over before it was signed";

/// Returns what to do next with the open plan of `intents`.
#[must_use]
pub fn advance(intents: &Intents, seen: &Seen, memory: &Memory, patience: &Patience) -> Next {
    let Some(intent) = intents.open() else { return Next::Wait };
    let is_late = seen.timestamp > intent.valid_until;
    match intent.state {
        State::Planned | State::Admitted | State::Simulated | State::NonceBound if is_late => {
            Next::Record(Step::Abandoned { reason: TIME_IS_OVER.to_owned() })
        }
        State::Planned => Next::Admit,
        State::Admitted => Next::Simulate,
        State::Simulated => bind(intents, seen),
        State::NonceBound => sign(Purpose::Call, seen, None, patience),
        State::Signed | State::Broadcast => under_way(intent, seen, memory, patience),
        State::Included => included(intent, seen, patience),
        State::Frozen | State::Closed(_) => Next::Wait,
    }
}

/// The nonce is the chain's, and the journal has to agree.
fn bind(intents: &Intents, seen: &Seen) -> Next {
    match intents.next_nonce() {
        // A node that is behind; a final block that is gone is watched for elsewhere.
        Some(next) if seen.nonce < next => Next::Wait,
        Some(next) if seen.nonce > next => frozen(format!(
            "the chain counts {} transactions of this key and the journal {next}: someone else uses it, or \
             the journal is an old one",
            seen.nonce
        )),
        _ => Next::Record(Step::NonceBound { nonce: seen.nonce }),
    }
}

/// Signed bytes of which it is not known whether they are in a block.
fn under_way(intent: &Intent, seen: &Seen, memory: &Memory, patience: &Patience) -> Next {
    if let Some(found) = seen.included.first() {
        return Next::Record(Step::Included(*found));
    }
    let (Some(nonce), Some(newest)) = (intent.nonce, intent.newest()) else {
        return frozen("it was signed without a nonce".to_owned());
    };
    let height = seen.head.number;
    let waited = |since: Option<u64>| since.map(|since| height.saturating_sub(since));
    if seen.nonce > nonce {
        // Used by one of ours that this node does not show yet, or by someone else.
        return match waited(memory.unknown_since) {
            Some(blocks) if blocks > patience.unknown_for => frozen(format!(
                "nonce {nonce} was used {blocks} blocks ago and none of our transactions is on the chain"
            )),
            _ => Next::Wait,
        };
    }
    // The world is another one since: what was right there may not be right here.
    if intent.reorgs > memory.tried_after && newest.purpose == Purpose::Call {
        return Next::Simulate;
    }
    let never_sent = memory.sent_at.is_none();
    let is_refused = memory.is_refused && newest.purpose == Purpose::Call;
    if !is_refused && (intent.state == State::Signed || never_sent) {
        return Next::Send(newest.hash);
    }
    let is_late = seen.timestamp > intent.valid_until;
    if is_refused {
        let cancel = sign(Purpose::Cancel, seen, Some(newest), patience);
        // Where the fee allows no cancel its bytes wait until the vault refuses them by itself.
        if matches!(cancel, Next::Sign { .. }) || !is_late {
            return cancel;
        }
    }
    let is_slow = waited(memory.signed_at).is_none_or(|blocks| blocks >= patience.bump_after);
    let purpose = match newest.purpose {
        // The vault refuses it by now: something that costs less takes its place.
        Purpose::Call if is_late => Some(Purpose::Cancel),
        purpose if is_slow && seen.base_fee > newest.max_fee => Some(purpose),
        _ => None,
    };
    // Where the fee allows no other signature, the old bytes go on being sent: a jam would be worse.
    let replacement = purpose.map(|purpose| sign(purpose, seen, Some(newest), patience));
    match replacement {
        Some(next @ Next::Sign { .. }) => next,
        _ if waited(memory.sent_at).is_none_or(|blocks| blocks >= patience.resend_after) => {
            Next::Send(newest.hash)
        }
        _ => Next::Wait,
    }
}

/// In a block that may still go.
fn included(intent: &Intent, seen: &Seen, patience: &Patience) -> Next {
    let Some(inclusion) = intent.inclusion else {
        return frozen("it is in a block that nobody wrote down".to_owned());
    };
    let block = inclusion.block;
    let is_there = seen.included.iter().any(|found| found.block == block);
    match seen.at_inclusion {
        _ if is_there => stays(inclusion, seen, patience),
        Some(hash) if hash == block.hash => stays(inclusion, seen, patience),
        Some(_) => Next::Record(Step::Reorged { block }),
        // A node that is behind the block, or was not asked, knows nothing of it.
        None => Next::Wait,
    }
}

/// In a block of this chain: final once enough blocks are on top.
fn stays(inclusion: Inclusion, seen: &Seen, patience: &Patience) -> Next {
    let block = inclusion.block;
    let on_top = seen.head.number.saturating_sub(block.number);
    if on_top >= patience.confirmations { Next::Record(Step::Final { block }) } else { Next::Wait }
}

/// A signature with the fee of the day, or enough to take the place of `before`; none where that is more than
/// may be paid.
fn sign(purpose: Purpose, seen: &Seen, before: Option<&Attempt>, patience: &Patience) -> Next {
    let tip = seen.tip;
    let wanted = seen.base_fee.saturating_mul(2).saturating_add(tip).min(patience.max_fee);
    let (max_fee, priority_fee) = match before {
        None => (wanted, tip.min(wanted)),
        Some(before) => {
            let max_fee = wanted.max(least_bump(before.max_fee));
            (max_fee, tip.max(least_bump(before.priority_fee)).min(max_fee))
        }
    };
    if max_fee > patience.max_fee {
        return Next::Wait;
    }
    Next::Sign { purpose, max_fee, priority_fee }
}

fn frozen(reason: String) -> Next {
    Next::Record(Step::Frozen { reason })
}

#[cfg(test)]
#[path = "advance_tests.rs"]
mod tests;
