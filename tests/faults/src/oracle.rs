//! What must hold whatever went wrong, judged from the chain, from the journal on disk and from the bytes that were
//! sent; never from what the engine says of itself.

use crate::policy::{Breach, Landed, Limits, Sent, breaches};
use alloy::primitives::B256;
use plimsoll_core::execution::{Outcome, PlanId, State};
use plimsoll_execute::journal::{JournalError, Reader, Verified};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A plan had its effect more than once.
    #[error("plan {plan} was carried out {count} times")]
    MoreThanOnce {
        /// The plan.
        plan: PlanId,
        /// How often.
        count: usize,
    },
    /// The vault carried out a plan of which the journal knows nothing.
    #[error("plan {0} was carried out and is not in the journal")]
    UnknownPlan(PlanId),
    /// The journal does not say what the chain says.
    #[error("plan {plan} is {state} in the journal and was carried out {effects} times")]
    Disagrees {
        /// The plan.
        plan: PlanId,
        /// Its state in the journal.
        state: String,
        /// Its effects on the chain.
        effects: usize,
    },
    /// The journal is damaged.
    #[error("the journal: {0}")]
    Journal(String),
    /// A line that was read before is not there any more, or is another one.
    #[error("line {0} of the journal was there, and is lost or changed")]
    LostLine(i64),
    /// A transaction of the key that the journal does not know.
    #[error("transaction {hash} at nonce {nonce} is of our key and not in the journal")]
    Foreign {
        /// The transaction.
        hash: B256,
        /// Its nonce.
        nonce: u64,
    },
    /// Nonces of the key are not one after the other.
    #[error("after nonce {after} came nonce {found}")]
    Gap {
        /// The one before.
        after: u64,
        /// The one found.
        found: u64,
    },
    /// Bytes went to a node before they were in the journal.
    #[error("transaction {0} went to a node and is not in the journal")]
    NotWrittenDown(B256),
    /// The policy was broken.
    #[error("transaction {hash}: {breach}")]
    Policy {
        /// The transaction.
        hash: B256,
        /// The limit.
        breach: Breach,
    },
    /// A plan that has not ended long after everything healed.
    #[error("plan {plan} still is {state}")]
    NotOver {
        /// The plan.
        plan: PlanId,
        /// Where it stands.
        state: String,
    },
}

/// Everything that is judged.
#[derive(Debug)]
pub struct Evidence {
    /// Transactions of the key on the chain, and of others that made the vault carry a plan out.
    pub landed: Vec<Landed>,
    /// Bytes that went to nodes.
    pub sent: Vec<Sent>,
    /// The journal, every line checked.
    pub journal: Result<Verified, String>,
}

impl Evidence {
    /// Reads the journal in `folder`.
    #[must_use]
    pub fn of(folder: &Path, landed: Vec<Landed>, sent: Vec<Sent>) -> Evidence {
        let read = Reader::open(folder).and_then(|reader| reader.verify());
        Evidence { landed, sent, journal: read.map_err(|error| error.to_string()) }
    }

    /// How often the vault carried each plan out.
    #[must_use]
    pub fn effects(&self) -> BTreeMap<PlanId, usize> {
        let mut effects = BTreeMap::new();
        for plan in self.landed.iter().flat_map(|one| &one.effects) {
            *effects.entry(*plan).or_default() += 1;
        }
        effects
    }
}

/// Returns everything in `evidence` that must not be. `is_healed` says that every plan has to be over.
#[must_use]
pub fn findings(limits: &Limits, evidence: &Evidence, is_healed: bool) -> Vec<Finding> {
    let effects = evidence.effects();
    let mut found: Vec<Finding> = effects
        .iter()
        .filter(|(_, count)| **count > 1)
        .map(|(plan, count)| Finding::MoreThanOnce { plan: *plan, count: *count })
        .collect();
    match &evidence.journal {
        Err(error) => found.push(Finding::Journal(error.clone())),
        Ok(journal) => found.extend(against_journal(journal, evidence, &effects, is_healed)),
    }
    found.extend(gaps(limits, &evidence.landed));
    let broken = breaches(limits, &evidence.landed, &evidence.sent);
    found.extend(broken.into_iter().map(|(hash, breach)| Finding::Policy { hash, breach }));
    found
}

/// What the journal and the chain do not say alike.
fn against_journal(
    journal: &Verified,
    evidence: &Evidence,
    effects: &BTreeMap<PlanId, usize>,
    is_healed: bool,
) -> Vec<Finding> {
    let intents = &journal.folded.intents;
    let mut found = Vec::new();
    let mut known: BTreeSet<B256> = BTreeSet::new();
    for intent in intents.iter() {
        known.extend(intent.attempts.iter().map(|attempt| attempt.hash));
        let count = effects.get(&intent.id).copied().unwrap_or_default();
        let agrees = match intent.state {
            State::Closed(Outcome::Done) => count == 1,
            State::Closed(_) => count == 0,
            // Before anything is signed nothing can have happened.
            State::Planned | State::Admitted | State::Simulated | State::NonceBound => count == 0,
            State::Signed | State::Broadcast | State::Included | State::Frozen => count <= 1,
        };
        let state = format!("{:?}", intent.state);
        if !agrees {
            let (plan, state) = (intent.id, state.clone());
            found.push(Finding::Disagrees { plan, state, effects: count });
        }
        if is_healed && !intent.state.is_closed() {
            found.push(Finding::NotOver { plan: intent.id, state });
        }
    }
    let strangers = effects.keys().filter(|plan| intents.get(**plan).is_none());
    found.extend(strangers.map(|plan| Finding::UnknownPlan(*plan)));
    for one in evidence.landed.iter().filter(|one| !known.contains(&one.tx.hash)) {
        found.push(Finding::Foreign { hash: one.tx.hash, nonce: one.tx.nonce });
    }
    let unwritten: BTreeSet<B256> = evidence
        .sent
        .iter()
        .map(|sent| sent.tx.hash)
        .filter(|hash| !known.contains(hash))
        .collect();
    found.extend(unwritten.into_iter().map(Finding::NotWrittenDown));
    found
}

/// Nonces of the key's transactions that do not follow each other.
fn gaps(limits: &Limits, landed: &[Landed]) -> Vec<Finding> {
    let ours: Vec<u64> =
        landed.iter().filter(|one| one.tx.from == limits.signer).map(|one| one.tx.nonce).collect();
    let pairs = ours.iter().zip(ours.iter().skip(1));
    pairs
        .filter(|(before, after)| **before + 1 != **after)
        .map(|(before, after)| Finding::Gap { after: *before, found: *after })
        .collect()
}

/// The lines of a journal that were seen on disk: none of them may ever be lost.
#[derive(Debug, Default)]
pub struct Remembered {
    lines: BTreeMap<i64, [u8; 32]>,
}

impl Remembered {
    /// Reads what is new since the last time; a journal that is not there yet has nothing.
    ///
    /// # Errors
    /// [`JournalError`] of a journal that is there and cannot be read.
    pub fn look(&mut self, folder: &Path) -> Result<(), JournalError> {
        let reader = match Reader::open(folder) {
            Ok(reader) => reader,
            Err(JournalError::Missing { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let next = self.lines.last_key_value().map_or(1, |(number, _)| number.saturating_add(1));
        reader.lines(next, &mut |line| {
            self.lines.insert(line.number, line.hash);
            Ok(())
        })
    }

    /// How many lines were seen.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns the lines that are not there any more, or are others.
    ///
    /// # Errors
    /// [`JournalError`] of a journal that cannot be read.
    pub fn lost(&self, folder: &Path) -> Result<Vec<Finding>, JournalError> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let mut now: BTreeMap<i64, [u8; 32]> = BTreeMap::new();
        Reader::open(folder)?.lines(1, &mut |line| {
            now.insert(line.number, line.hash);
            Ok(())
        })?;
        let lost = self.lines.iter().filter(|(number, hash)| now.get(*number) != Some(*hash));
        Ok(lost.map(|(number, _)| Finding::LostLine(*number)).collect())
    }
}
