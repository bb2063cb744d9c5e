//! One plan on its way to the chain.

use crate::time::Time;
use crate::units::Amount;
use alloy_primitives::{B256, Bytes, U256};
use serde::{Deserialize, Serialize};

/// The name of a plan on the chain: the vault refuses to carry the same one out twice.
pub type PlanId = B256;

/// A block by number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRef {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The plan's one call of the vault.
    Call,
    /// Nothing, at the same nonce: it takes the plan's place.
    Cancel,
}

/// Signed bytes.
///
/// # Units
/// Fees in wei for each unit of gas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The hash of the transaction.
    pub hash: B256,
    /// What it is for.
    pub purpose: Purpose,
    /// Keccak of its target and call data: every call of a plan has the same.
    pub call: B256,
    /// The nonce.
    pub nonce: u64,
    /// The most that is paid for a unit of gas.
    pub max_fee: u128,
    /// What of it goes to the block's proposer.
    pub priority_fee: u128,
    /// The gas limit.
    pub gas: u64,
    /// The bytes that are sent, and sent again.
    pub raw: Bytes,
}

/// A transaction of ours in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion {
    /// The transaction.
    pub hash: B256,
    /// The block.
    pub block: BlockRef,
    /// Whether it did what it was for.
    pub succeeded: bool,
    /// Gas that it used.
    pub gas_used: u64,
    /// What was paid for a unit of gas, wei.
    pub gas_price: u128,
}

/// What came of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Carried out, once.
    Done,
    /// Included and reverted: nothing moved, the nonce is used.
    Reverted,
    /// A cancel took its nonce.
    Replaced,
    /// Given up before anything was signed.
    Abandoned,
}

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
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
    /// Bytes were sent at least once, whatever the answer.
    Broadcast,
    /// In a block that may still go.
    Included,
    /// Over.
    Closed(Outcome),
    /// It needs a person.
    Frozen,
}

impl State {
    /// Whether nothing happens any more.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, State::Closed(_))
    }
}

/// One thing that happened to a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It was decided and approved.
    Planned {
        /// Keccak of the vault's address and the call data.
        call: B256,
        /// Target and call data, as they will be sent.
        to: alloy_primitives::Address,
        /// Call data.
        data: Bytes,
        /// What its entries bring in, raw units of the vault's asset.
        entries: Amount,
        /// Unix seconds after which the vault refuses it.
        valid_until: u64,
        /// The block whose state it was decided on.
        block: BlockRef,
        /// That block's time.
        time: Time,
    },
    /// The policy allows it.
    Admitted {
        /// Hash of the policy in force.
        policy: B256,
    },
    /// It was tried with the wanted effect.
    Simulated {
        /// On the state of this block.
        block: BlockRef,
        /// Gas that it used there.
        gas: u64,
    },
    /// It was given a nonce.
    NonceBound {
        /// The nonce.
        nonce: u64,
    },
    /// Bytes were signed. They are not sent before this is on disk.
    Signed(Attempt),
    /// Bytes are about to be sent.
    Broadcast {
        /// The transaction.
        hash: B256,
    },
    /// A transaction of ours was found in a block.
    Included(Inclusion),
    /// The block that held it is gone.
    Reorged {
        /// That block.
        block: BlockRef,
    },
    /// The block that holds it stays.
    Final {
        /// That block.
        block: BlockRef,
    },
    /// Given up; only possible while nothing is signed.
    Abandoned {
        /// Why.
        reason: String,
    },
    /// It needs a person.
    Frozen {
        /// Why.
        reason: String,
    },
}

impl Step {
    /// The step's name, as the journal shows it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Step::Planned { .. } => "planned",
            Step::Admitted { .. } => "admitted",
            Step::Simulated { .. } => "simulated",
            Step::NonceBound { .. } => "nonce_bound",
            Step::Signed(_) => "signed",
            Step::Broadcast { .. } => "broadcast",
            Step::Included(_) => "included",
            Step::Reorged { .. } => "reorged",
            Step::Final { .. } => "final",
            Step::Abandoned { .. } => "abandoned",
            Step::Frozen { .. } => "frozen",
        }
    }
}

/// A plan with everything that happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Intent {
    /// Its name.
    pub id: PlanId,
    /// Where it stands.
    pub state: State,
    /// Target of its call.
    pub to: alloy_primitives::Address,
    /// Call data.
    pub data: Bytes,
    /// Keccak of both.
    pub call: B256,
    /// What its entries bring in: counted as spent until it is known not to happen.
    pub entries: Amount,
    /// Unix seconds after which the vault refuses it.
    pub valid_until: u64,
    /// The block whose state it was decided on.
    pub decided_on: BlockRef,
    /// That block's time.
    pub time: Time,
    /// The policy that admitted it.
    pub policy: Option<B256>,
    /// Gas that it used when it was tried.
    pub gas: Option<u64>,
    /// Its nonce.
    pub nonce: Option<u64>,
    /// Every signature ever made for it, oldest first; none is ever forgotten.
    pub attempts: Vec<Attempt>,
    /// Where a transaction of it was last found.
    pub inclusion: Option<Inclusion>,
    /// How often a block that held it went.
    pub reorgs: u32,
    /// Why it was given up or needs a person.
    pub reason: Option<String>,
}

impl Intent {
    /// The attempt of `hash`.
    #[must_use]
    pub fn attempt(&self, hash: B256) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.hash == hash)
    }

    /// The newest signed bytes: those that are sent again.
    #[must_use]
    pub fn newest(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Whether it brings nothing in: such plans are never held back by limits on entries.
    #[must_use]
    pub fn is_exit(&self) -> bool {
        self.entries.is_zero()
    }

    /// Returns the most that it may have cost in gas so far, wei: what was paid, else what its dearest
    /// signature allows.
    #[must_use]
    pub fn gas_cost(&self) -> U256 {
        let cost = |gas: u64, price: u128| U256::from(gas).saturating_mul(U256::from(price));
        match self.inclusion {
            Some(paid) => cost(paid.gas_used, paid.gas_price),
            None => {
                let each = self.attempts.iter().map(|attempt| cost(attempt.gas, attempt.max_fee));
                each.max().unwrap_or_default()
            }
        }
    }

    /// Returns the last moment at which the vault may have carried it out: limits of a day count from there, or two
    /// plans that were made a day apart could land within one.
    #[must_use]
    pub fn latest(&self) -> Time {
        let until = i64::try_from(self.valid_until).unwrap_or(i64::MAX).saturating_mul(1000);
        Time(self.time.0.max(until))
    }

    /// Whether what it brings in has to be counted as spent: it happened, or may still happen.
    #[must_use]
    pub fn counts_as_spent(&self) -> bool {
        !matches!(
            self.state,
            State::Planned
                | State::Closed(Outcome::Reverted | Outcome::Replaced | Outcome::Abandoned)
        )
    }
}
