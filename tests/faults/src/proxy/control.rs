//! The test's hand on a running proxy: which rules hold, and what came of them.

use super::rule::{Active, Fault, Rule, Side};
use alloy::primitives::B256;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// One request, or one message of a subscription, and what was done to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// By which door it came.
    pub side: Side,
    /// Its method; `eth_subscription` for a message of a subscription, and empty for what is no JSON-RPC.
    pub method: String,
    /// Its parameters, where it sends a transaction.
    pub params: Option<Value>,
    /// The names of the faults that befell it.
    pub faults: Vec<&'static str>,
    /// Whether the node heard of it.
    pub is_forwarded: bool,
}

/// The name of a rule at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId(u64);

#[derive(Debug, Default)]
struct State {
    rules: BTreeMap<RuleId, Active>,
    made: u64,
    log: Vec<Event>,
    counts: BTreeMap<&'static str, u64>,
    /// Hashes that a lie put in the place of others.
    faked: BTreeMap<B256, B256>,
}

/// Sets rules on a running proxy, and reads what happened. Clones are of one proxy.
#[derive(Debug, Clone)]
pub struct Control {
    state: Arc<Mutex<State>>,
    logged: watch::Sender<usize>,
    seed: u64,
}

impl Control {
    pub(super) fn new(seed: u64) -> Control {
        Control { state: Arc::default(), logged: watch::Sender::new(0), seed }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can fail half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a rule, from the next request on.
    pub fn add(&self, rule: impl Into<Rule>) -> RuleId {
        let mut state = self.state();
        let id = RuleId(state.made);
        state.made += 1;
        state.rules.insert(id, Active::new(rule.into(), self.seed, id.0));
        id
    }

    /// Takes a rule away; whatever waits at its gate goes on.
    pub fn remove(&self, id: RuleId) {
        if let Some(active) = self.state().rules.remove(&id)
            && let Some(gate) = active.gate()
        {
            gate.open();
        }
    }

    /// Takes every rule away and opens every gate: from here on the node is as good as it is.
    pub fn heal(&self) {
        let mut state = self.state();
        for active in std::mem::take(&mut state.rules).into_values() {
            if let Some(gate) = active.gate() {
                gate.open();
            }
        }
        state.faked.clear();
    }

    /// Everything that happened, in the order in which it was over.
    #[must_use]
    pub fn log(&self) -> Vec<Event> {
        self.state().log.clone()
    }

    /// How often each fault befell something.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.state().counts.clone()
    }

    /// How often `fault` befell something.
    #[must_use]
    pub fn count(&self, fault: &Fault) -> u64 {
        self.state().counts.get(fault.name()).copied().unwrap_or_default()
    }

    /// Forgets what happened; the rules stand.
    pub fn clear_log(&self) {
        let mut state = self.state();
        state.log.clear();
        state.counts.clear();
        self.logged.send_replace(0);
    }

    /// Returns once the log is as wanted.
    pub async fn wait_for(&self, mut is_wanted: impl FnMut(&[Event]) -> bool) {
        let mut logged = self.logged.subscribe();
        while !is_wanted(&self.state().log) {
            // It cannot be closed: this is one of its senders.
            let _ = logged.changed().await;
        }
    }

    /// The faults that befall one request.
    pub(super) fn strikes(&self, side: Side, method: &str) -> Vec<Fault> {
        let mut state = self.state();
        let faults: Vec<Fault> =
            state.rules.values_mut().filter_map(|rule| rule.strikes(side, method)).collect();
        for fault in &faults {
            *state.counts.entry(fault.name()).or_default() += 1;
        }
        faults
    }

    pub(super) fn note(&self, event: Event) {
        let mut state = self.state();
        state.log.push(event);
        self.logged.send_replace(state.log.len());
    }

    /// The hash that a lie puts in the place of `hash`, the same whenever it is asked for.
    pub(super) fn fake(&self, hash: B256) {
        let seed = B256::left_padding_from(&self.seed.to_be_bytes());
        let fake = alloy::primitives::keccak256([hash.as_slice(), seed.as_slice()].concat());
        self.state().faked.insert(hash, fake);
    }

    /// `text` with every true hash that was lied about replaced by the made-up one.
    pub(super) fn faked(&self, text: &str) -> String {
        let state = self.state();
        let each = state.faked.iter();
        each.fold(text.to_owned(), |text, (real, fake)| {
            text.replace(&real.to_string(), &fake.to_string())
        })
    }

    /// `text` with every made-up hash replaced by the true one.
    pub(super) fn unfaked(&self, text: &str) -> String {
        let state = self.state();
        let each = state.faked.iter();
        each.fold(text.to_owned(), |text, (real, fake)| {
            text.replace(&fake.to_string(), &real.to_string())
        })
    }
}
