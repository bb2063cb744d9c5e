//! What the journal holds, and how one line is chained to the one before.

use crate::live::{DeskSettings, Inputs};
use plimsoll_core::execution::{PlanId, Step, Trip};
use plimsoll_core::journal::Executed;
use plimsoll_core::{ChainId, Entry, Time};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One thing that the engine knew, decided or did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The engine started.
    Started {
        /// Its version.
        version: String,
        /// Hash of the policy in force.
        policy: String,
        /// Whether it sends.
        is_live: bool,
        /// What it decides with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        desk: Option<Box<DeskSettings>>,
    },
    /// What was known when a decision was taken: it follows from this, and from what was known before.
    Observed(Box<Inputs>),
    /// A valuation, a decision, or what was carried out.
    Entry(Entry),
    /// A step of a plan.
    Step {
        /// The plan.
        plan: PlanId,
        /// What happened to it.
        step: Step,
    },
    /// What a plan that is final did.
    Settled {
        /// The plan.
        plan: PlanId,
        /// What it moved.
        executed: Executed,
    },
    /// The breaker tripped, or a person moved it.
    Trip(Trip),
    /// The engine stopped in good order.
    Stopped {
        /// Why.
        reason: String,
    },
}

impl Record {
    /// The name of its kind: what the journal is searched by.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Record::Started { .. } => "started",
            Record::Observed(_) => "observed",
            Record::Settled { .. } => "executed",
            Record::Entry(Entry::Marked(_)) => "marked",
            Record::Entry(Entry::Decided(_)) => "decided",
            Record::Entry(Entry::Executed(_)) => "executed",
            Record::Step { step, .. } => step.name(),
            Record::Trip(_) => "trip",
            Record::Stopped { .. } => "stopped",
        }
    }

    /// The plan that it is about.
    #[must_use]
    pub fn plan(&self) -> Option<PlanId> {
        match self {
            Record::Step { plan, .. } | Record::Settled { plan, .. } => Some(*plan),
            _ => None,
        }
    }
}

/// Whose journal it is. Another chain, signer or vault is another journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The chain.
    pub chain: ChainId,
    /// Hash of the chain's first block.
    pub genesis: String,
    /// Address of the engine's key.
    pub signer: String,
    /// Address of the vault.
    pub vault: String,
}

/// One line as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: i64,
    /// When it was written, by the chain's clock.
    pub time: Time,
    /// The kind of its record.
    pub kind: String,
    /// The record as JSON.
    pub body: String,
    /// SHA-256 of the line before and of this one.
    pub hash: [u8; 32],
}

/// Returns the hash from which the first line is chained.
#[must_use]
pub fn seed(identity: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"plimsoll journal 1");
    hash.update(identity.len().to_le_bytes());
    hash.update(identity);
    hash.finalize().into()
}

/// Returns the hash of a line that follows one with the hash `before`.
#[must_use]
pub fn chained(before: &[u8; 32], number: i64, time: Time, kind: &str, body: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(number.to_le_bytes());
    hash.update(time.0.to_le_bytes());
    for text in [kind, body] {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}
