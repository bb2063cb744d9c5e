//! Sees one plan after another through to a block that stays.
//!
//! What to do next is decided by [`advance()`], which is pure. Here it is done, in one order only: write it down,
//! then do it. One sender writes for a signer; nothing else uses its key.

use super::nodes::{Head, NodeError, Nodes, Simulated};
use super::signer::{Signer, SignerError, Unsigned};
use super::vault::brings_in;
use crate::journal::{Journal, JournalError, Record};
use crate::killpoint;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol;
use alloy::sol_types::SolEvent;
use plimsoll_core::execution::{
    AdmissionPolicy, Attempt, Call, Denial, Intent, Memory, Next, Outcome, Patience, PlanId,
    Purpose, Request, Seen, State, Step, Trip, admit, advance,
};
use plimsoll_core::time::DAY_MS;
use plimsoll_core::{Amount, ChainId, MarketId, Time};
use std::collections::BTreeMap;

#[cfg(feature = "faults")]
#[path = "naive.rs"]
mod naive;

sol! {
    /// What the vault says of a plan that it carried out.
    event Reallocated(bytes32 indexed planId, uint256 planNumber, uint256 before, uint256 after);
}

/// Gas of a transaction that does nothing.
const CANCEL_GAS: u64 = 21_000;
/// Steps within one block: more would be a circle.
const MOST_STEPS: usize = 32;
/// Blocks for which what was taken to be final is still looked at.
const WATCHED_BLOCKS: u64 = 64;

/// What the sender is run with.
#[derive(Debug, Clone)]
pub struct SenderSettings {
    /// The chain.
    pub chain: ChainId,
    /// The vault.
    pub vault: Address,
    /// How patient it is.
    pub patience: Patience,
    /// The tip for a unit of gas, wei.
    pub tip: u128,
    /// The most gas that a plan may use.
    pub most_gas: u64,
    /// Gas that is allowed beyond what the trial used, percent.
    pub gas_margin_pct: u64,
}

/// A plan, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its name.
    pub id: PlanId,
    /// The call of the vault.
    pub data: Bytes,
    /// What is brought into each market.
    pub entries: BTreeMap<MarketId, Amount>,
    /// What each market would hold afterwards.
    pub holdings_after: BTreeMap<MarketId, Amount>,
    /// Everything that is owned.
    pub nav: Amount,
    /// The least that the vault may say it owns afterwards, raw units.
    pub least_after: Amount,
    /// Unix seconds after which the vault refuses it.
    pub valid_until: u64,
}

/// How far the open plan came with a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// There is none.
    Idle,
    /// It waits for the chain.
    Waiting(PlanId),
    /// It is over.
    Closed(PlanId, Outcome),
    /// The policy does not allow it.
    Denied(PlanId, Vec<Denial>),
    /// It needs a person.
    Frozen(PlanId, String),
}

/// Why the sender could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The journal. Nothing may be signed any more.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The nodes.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The signer.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// A plan that went in circles.
    #[error("plan {plan} took {MOST_STEPS} steps in one block")]
    Circle {
        /// The plan.
        plan: PlanId,
    },
}

impl SendError {
    /// Whether the next block may cure it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            SendError::Node(NodeError::WrongChain { .. } | NodeError::TooFew { .. }) => false,
            SendError::Node(_) | SendError::Signer(SignerError::Remote(_)) => true,
            _ => false,
        }
    }
}

/// The one writer of a signer.
#[derive(Debug)]
pub struct Sender {
    journal: Journal,
    nodes: Nodes,
    signer: Signer,
    policy: AdmissionPolicy,
    policy_hash: B256,
    settings: SenderSettings,
    memory: Memory,
    refusal: Option<String>,
    proposal: Option<Proposal>,
}

impl Sender {
    /// Returns the sender of `signer` with what its journal says.
    #[must_use]
    pub fn new(
        journal: Journal,
        (nodes, signer): (Nodes, Signer),
        policy: AdmissionPolicy,
        settings: SenderSettings,
    ) -> Sender {
        let text = serde_json::to_vec(&policy).unwrap_or_default();
        Sender {
            journal,
            nodes,
            signer,
            policy,
            policy_hash: keccak256(text),
            settings,
            memory: Memory::default(),
            refusal: None,
            proposal: None,
        }
    }

    /// The journal, for reading.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// What it is run with.
    #[must_use]
    pub fn settings(&self) -> &SenderSettings {
        &self.settings
    }

    /// The address whose key signs.
    #[must_use]
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Returns what entries may still bring in at `now` by the policy, of a vault that owns `nav`.
    #[must_use]
    pub fn entry_room(&self, now: Time, nav: Amount) -> Amount {
        let spent = self.journal.folded().intents.spent();
        let today = spent.iter().filter(|spent| now.0.saturating_sub(spent.time.0) < DAY_MS);
        let today = today.fold(Amount::ZERO, |sum, spent| sum.saturating_add(spent.entries));
        let of_plan = nav.share_down(self.policy.entries_per_plan).unwrap_or_default();
        let of_day = nav.share_down(self.policy.entries_per_day).unwrap_or_default();
        of_plan.min(of_day.saturating_sub(today))
    }

    /// Writes a line that is no step of a plan.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn note(&mut self, time: Time, record: &Record) -> Result<(), JournalError> {
        self.journal.append(time, record)
    }

    /// Hash of the policy in force.
    #[must_use]
    pub fn policy_hash(&self) -> B256 {
        self.policy_hash
    }

    /// Takes a plan in; it is written down, and sent with the next blocks.
    ///
    /// # Errors
    /// [`SendError`]; also while another plan is on its way.
    pub fn propose(&mut self, head: &Head, proposal: Proposal) -> Result<(), SendError> {
        let entries = proposal.entries.values();
        let step = Step::Planned {
            call: called(self.settings.vault, &proposal.data),
            to: self.settings.vault,
            data: proposal.data.clone(),
            entries: entries.fold(Amount::ZERO, |sum, entry| sum.saturating_add(*entry)),
            valid_until: proposal.valid_until,
            block: head.block,
            time: time_of(head),
        };
        self.journal.step(time_of(head), proposal.id, step)?;
        self.memory = Memory::default();
        self.proposal = Some(proposal);
        Ok(())
    }

    /// Writes down why the breaker moved.
    ///
    /// # Errors
    /// [`SendError::Journal`].
    pub fn trip(&mut self, head: &Head, trip: Trip) -> Result<(), SendError> {
        Ok(self.journal.append(time_of(head), &Record::Trip(trip))?)
    }

    /// Does with `head` what can be done, and returns how far it came.
    ///
    /// # Errors
    /// [`SendError`]; what was written stands.
    pub async fn on_head(&mut self, head: &Head) -> Result<Progress, SendError> {
        self.watch_final(head).await?;
        for _ in 0..MOST_STEPS {
            let intents = &self.journal.folded().intents;
            let Some(intent) = intents.open().cloned() else { return Ok(self.last()) };
            if intent.state == State::Frozen {
                return Ok(Progress::Frozen(intent.id, intent.reason.unwrap_or_default()));
            }
            let breaker = self.journal.folded().breaker;
            let is_allowed =
                if intent.is_exit() { breaker.allows_exits() } else { breaker.allows_entries() };
            let is_signed = !intent.attempts.is_empty();
            // It was admitted before the breaker moved.
            if !is_allowed && !is_signed && intent.state != State::Planned {
                self.abandon(head, intent.id, format!("the breaker stands at {breaker}"))?;
                continue;
            }
            let asked =
                self.nodes.seen(self.signer.address(), Some(&intent), (head, self.settings.tip));
            let seen = asked.await?;
            self.note_unknown(&intent, &seen);
            // A cancel takes its place, where anything may be signed at all.
            self.memory.is_refused |= is_signed && !is_allowed && breaker.allows_exits();
            #[cfg(feature = "faults")]
            if self.resent_afresh(head, &intent, &seen).await? {
                return Ok(Progress::Waiting(intent.id));
            }
            let next = advance(
                &self.journal.folded().intents,
                &seen,
                &self.memory,
                &self.settings.patience,
            );
            let is_quiet = matches!(next, Next::Wait | Next::Record(_) | Next::Admit);
            if !breaker.allows_exits() && !is_quiet {
                return Ok(Progress::Waiting(intent.id));
            }
            if let Some(progress) = self.act(head, intent, next).await? {
                return Ok(progress);
            }
        }
        let open = self.journal.folded().intents.open();
        Err(SendError::Circle { plan: open.map(|intent| intent.id).unwrap_or_default() })
    }

    /// Does one thing; `Some` where there is nothing more to do with this block.
    async fn act(
        &mut self,
        head: &Head,
        intent: Intent,
        next: Next,
    ) -> Result<Option<Progress>, SendError> {
        match next {
            Next::Wait => return Ok(Some(Progress::Waiting(intent.id))),
            Next::Admit => return self.admit(head, &intent),
            Next::Simulate => self.simulate(head, &intent).await?,
            Next::Record(step) => self.step(head, intent.id, step)?,
            Next::Sign { purpose, max_fee, priority_fee } => {
                self.sign(head, &intent, (purpose, max_fee, priority_fee)).await?;
            }
            Next::Send(hash) => {
                self.send(head, &intent, hash).await?;
                return Ok(Some(Progress::Waiting(intent.id)));
            }
        }
        Ok(None)
    }

    /// What became of the newest plan, if it closed.
    fn last(&self) -> Progress {
        let newest = self.journal.folded().intents.iter().next_back();
        match newest.map(|intent| (intent.id, intent.state)) {
            Some((id, State::Closed(outcome))) => Progress::Closed(id, outcome),
            _ => Progress::Idle,
        }
    }

    fn step(&mut self, head: &Head, plan: PlanId, step: Step) -> Result<(), SendError> {
        Ok(self.journal.step(time_of(head), plan, step)?)
    }

    fn abandon(&mut self, head: &Head, plan: PlanId, reason: String) -> Result<(), SendError> {
        self.step(head, plan, Step::Abandoned { reason })
    }

    /// Asks the policy.
    fn admit(&mut self, head: &Head, intent: &Intent) -> Result<Option<Progress>, SendError> {
        let Some(proposal) = self.proposal.clone().filter(|proposal| proposal.id == intent.id)
        else {
            let reason = "the engine stopped before it was admitted".to_owned();
            self.abandon(head, intent.id, reason)?;
            return Ok(None);
        };
        // What is asked for is what will be signed, or the policy judges something else.
        if !brings_in(&intent.data, proposal.entries.values().copied()) {
            let reason = "the call does not bring in what the plan says".to_owned();
            self.abandon(head, intent.id, reason)?;
            return Ok(None);
        }
        // What its first signature may cost; more is paid only where the base fee rises after that.
        let wanted = head.base_fee.saturating_mul(2).saturating_add(self.settings.tip);
        let most = wanted.min(self.settings.patience.max_fee);
        let request = Request {
            chain: self.settings.chain,
            call: Call { to: intent.to, selector: selector(&intent.data) },
            value: U256::ZERO,
            entries: &proposal.entries,
            holdings_after: &proposal.holdings_after,
            nav: proposal.nav,
            gas: U256::from(self.settings.most_gas).saturating_mul(U256::from(most)),
            max_fee: most,
        };
        let folded = self.journal.folded();
        let earlier = folded.intents.spent();
        // The plan itself is the last of them.
        let earlier = earlier.split_last().map(|(_, earlier)| earlier).unwrap_or_default();
        match admit(&self.policy, &request, earlier, (folded.breaker, time_of(head))) {
            Ok(()) => {
                self.step(head, intent.id, Step::Admitted { policy: self.policy_hash })?;
                Ok(None)
            }
            Err(denials) => {
                let each: Vec<String> = denials.iter().map(ToString::to_string).collect();
                self.abandon(head, intent.id, format!("the policy: {}", each.join("; ")))?;
                Ok(Some(Progress::Denied(intent.id, denials)))
            }
        }
    }

    /// Tries the plan on the head and checks what it would do.
    async fn simulate(&mut self, head: &Head, intent: &Intent) -> Result<(), SendError> {
        let parties = (self.signer.address(), intent.to);
        let tried = self.nodes.simulate(parties, &intent.data, head.block).await;
        let least = self.proposal.as_ref().map(|proposal| proposal.least_after);
        let is_signed = !intent.attempts.is_empty();
        // After a restart the guards of each leg, which are in the bytes, have to do.
        let least = if is_signed { least.or(Some(Amount::ZERO)) } else { least };
        let judged = match tried {
            // No word about the plan: a refusal would give it up for a state that is none.
            Ok(simulated) if simulated.logs.iter().all(|(from, ..)| *from != intent.to) => {
                let (block, contract) = (head.block.number, intent.to);
                return Err(NodeError::Blank { block, contract }.into());
            }
            Ok(simulated) => self.judged(intent, &simulated, least),
            Err(NodeError::Reverts { detail, .. }) => Err(format!("it reverts: {detail}")),
            Err(error) => return Err(error.into()),
        };
        if is_signed {
            self.memory.tried_after = intent.reorgs;
            self.memory.is_refused = judged.is_err();
            self.refusal = judged.as_ref().err().cloned();
        }
        match judged {
            Err(_) if is_signed => Ok(()),
            Ok(gas) => self.step(head, intent.id, Step::Simulated { block: head.block, gas }),
            Err(reason) => self.abandon(head, intent.id, reason),
        }
    }

    /// Why the plan that is on its way is not sent again, where a trial after a reorganisation said so: a cancel takes its
    /// nonce.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Whether a trial did what was wanted; its gas.
    fn judged(
        &self,
        intent: &Intent,
        simulated: &Simulated,
        least: Option<Amount>,
    ) -> Result<u64, String> {
        let ours = simulated.logs.iter().filter(|(from, ..)| *from == intent.to);
        let events: Vec<Reallocated> = ours
            .filter_map(|(_, topics, data)| Reallocated::decode_raw_log(topics, data).ok())
            .filter(|event| event.planId == intent.id)
            .collect();
        let [event] = events.as_slice() else {
            return Err(format!("the vault says {} times that it carried it out", events.len()));
        };
        let least = least.ok_or("what it was to leave is not known any more")?;
        if event.after < least.0 {
            return Err(format!(
                "it would leave {} raw units, {} at least are wanted",
                event.after, least.0
            ));
        }
        if simulated.gas > self.settings.most_gas {
            let most = self.settings.most_gas;
            return Err(format!("it uses {} gas, {most} at most are allowed", simulated.gas));
        }
        Ok(simulated.gas)
    }

    /// Signs, and writes the bytes down before anyone sees them.
    async fn sign(
        &mut self,
        head: &Head,
        intent: &Intent,
        (purpose, max_fee, priority_fee): (Purpose, u128, u128),
    ) -> Result<(), SendError> {
        let own = self.signer.address();
        let (to, data, gas) = match purpose {
            Purpose::Call => (intent.to, intent.data.clone(), self.gas_limit(intent)),
            Purpose::Cancel => (own, Bytes::new(), CANCEL_GAS),
        };
        let nonce = intent.nonce.unwrap_or_default();
        let unsigned = Unsigned {
            chain: self.settings.chain.0,
            nonce,
            to,
            data: data.clone(),
            gas,
            max_fee,
            priority_fee,
        };
        killpoint!("sign.before");
        let (hash, raw) = self.signer.sign(&unsigned).await?;
        killpoint!("sign.after");
        let call = called(to, &data);
        let attempt = Attempt { hash, purpose, call, nonce, max_fee, priority_fee, gas, raw };
        self.step(head, intent.id, Step::Signed(attempt))?;
        self.memory.signed_at = Some(head.block.number);
        Ok(())
    }

    /// What the trial used, and a margin.
    fn gas_limit(&self, intent: &Intent) -> u64 {
        let used = intent.gas.unwrap_or(self.settings.most_gas);
        let margin = used.saturating_mul(self.settings.gas_margin_pct).div_ceil(100);
        used.saturating_add(margin)
    }

    /// Sends bytes that are on disk. Whatever the nodes answer, they were sent.
    async fn send(&mut self, head: &Head, intent: &Intent, hash: B256) -> Result<(), SendError> {
        let Some(attempt) = intent.attempt(hash) else { return Ok(()) };
        self.step(head, intent.id, Step::Broadcast { hash })?;
        killpoint!("send.before");
        let _answers = self.nodes.send(&attempt.raw).await;
        killpoint!("send.after");
        self.memory.sent_at = Some(head.block.number);
        Ok(())
    }

    /// Remembers since when the nonce is used without a transaction of ours.
    fn note_unknown(&mut self, intent: &Intent, seen: &Seen) {
        let is_used = intent.nonce.is_some_and(|nonce| seen.nonce > nonce);
        let is_unknown = is_used && seen.included.is_empty() && intent.inclusion.is_none();
        let since = self.memory.unknown_since.unwrap_or(seen.head.number);
        self.memory.unknown_since = is_unknown.then_some(since);
    }

    /// Stops everything where a block that was taken to be final is gone.
    async fn watch_final(&mut self, head: &Head) -> Result<(), SendError> {
        // Plans that were given up are in no block; the newest that is in one stands for those before it.
        let closed = self.journal.folded().intents.iter().rev().filter(|it| it.state.is_closed());
        let Some(inclusion) = closed.filter_map(|it| it.inclusion).next() else { return Ok(()) };
        let depth = head.block.number.saturating_sub(inclusion.block.number);
        let is_behind = head.block.number < inclusion.block.number;
        if is_behind || depth > WATCHED_BLOCKS || !self.journal.folded().breaker.allows_exits() {
            return Ok(());
        }
        let stands = self.nodes.hash_at(inclusion.block.number).await? == inclusion.block.hash;
        if stands { Ok(()) } else { self.trip(head, Trip::DeepReorg { depth }) }
    }
}

/// Keccak of a call's target and data: what all signatures of a plan share.
#[must_use]
pub fn called(to: Address, data: &Bytes) -> B256 {
    keccak256([to.as_slice(), data.as_ref()].concat())
}

fn selector(data: &Bytes) -> [u8; 4] {
    data.get(..4).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default()
}

fn time_of(head: &Head) -> Time {
    Time(i64::try_from(head.timestamp).unwrap_or(i64::MAX).saturating_mul(1000))
}
