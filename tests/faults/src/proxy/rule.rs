//! What goes wrong, when, and how often.

use super::gate::Gate;
use alloy::primitives::U256;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// By which door a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// HTTP.
    Http,
    /// WebSocket.
    WebSocket,
}

/// Before the node hears of a request, or after it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The node has not heard of it.
    Before,
    /// The node did it; its answer is still here.
    After,
}

/// For how long.
#[derive(Debug, Clone)]
pub enum Wait {
    /// Until the test opens the gate.
    Gate(Gate),
    /// Milliseconds.
    Millis(u64),
}

/// What is said instead of the node's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An HTTP status such as 429 or 500, and no JSON. By WebSocket: nothing.
    Status(u16),
    /// A JSON-RPC error.
    Error {
        /// Its code.
        code: i64,
        /// Its words.
        message: String,
    },
    /// A page of HTML with status 200, as gateways give.
    Html,
}

/// What is done to the bytes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garbling {
    /// Its last third is missing; lengths are right, the JSON is not.
    Truncated,
    /// The connection breaks within the answer.
    Cut,
    /// It answers another request.
    OtherId,
    /// It answers none.
    NoId,
    /// Everything is said twice: each item of a batch; a single answer by WebSocket alone.
    Twice,
    /// Items of a batch come in reverse order; by WebSocket an answer comes after the next message.
    Reversed,
}

/// What a test makes of a result, by method and parameters.
pub type Made = Arc<dyn Fn(&str, &Value, Value) -> Value + Send + Sync>;

/// What a provider that limits its answers says instead of one: HTTP status, code, words.
pub type Refusal = (u16, i64, String);

/// A provider's limit: from the parameters and the answer to what is said instead of it, if anything is.
#[derive(Clone)]
pub struct Limit(pub Arc<Limiting>);

/// How a limit is found to be passed.
pub type Limiting = dyn Fn(&Value, &Value) -> Option<Refusal> + Send + Sync;

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("limit")
    }
}

/// What the node is made to say that is not so.
#[derive(Clone)]
pub enum Lie {
    /// Its newest block has another hash, and it stands by it.
    HeadHash,
    /// Every account has this many wei.
    Balance(U256),
    /// A call's answer of one word is times ten to this power.
    Scaled(u32),
    /// It counts this many more transactions of an account.
    NonceAhead(u64),
    /// It counts this many fewer.
    NonceBehind(u64),
    /// A call needs this percentage of the gas that it needs.
    GasPercent(u64),
    /// The last events of every list are missing.
    FewerLogs(usize),
    /// What the test makes of a result, by method and parameters.
    Custom(Made),
}

impl fmt::Debug for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Lie {
    fn name(&self) -> &'static str {
        match self {
            Lie::HeadHash => "lie_head_hash",
            Lie::Balance(_) => "lie_balance",
            Lie::Scaled(_) => "lie_scaled",
            Lie::NonceAhead(_) => "lie_nonce_ahead",
            Lie::NonceBehind(_) => "lie_nonce_behind",
            Lie::GasPercent(_) => "lie_gas",
            Lie::FewerLogs(_) => "lie_fewer_logs",
            Lie::Custom(_) => "lie_custom",
        }
    }
}

/// What is made of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// There is none.
    Empty,
    /// It succeeded, whatever it did.
    Succeeded,
    /// It failed, whatever it did.
    Failed,
    /// It is in a block that does not exist, at its own height.
    OtherBlock,
    /// One that is not on the chain is in the newest block, and succeeded.
    Invented,
}

/// What goes wrong with a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketFault {
    /// A frame that is none; the connection is of no use after it.
    BrokenFrame,
    /// An error that answers nothing, and then what was to be sent.
    StrayError,
    /// The connection closes instead of saying it.
    Close,
    /// It is not said.
    Skip,
    /// It is said twice.
    Repeat,
    /// The connection stays open and nothing is said on it any more, in either direction.
    Silence,
}

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection closes, and the node never hears of the request.
    DropBefore,
    /// The node does it, and the connection closes without an answer.
    DropAfter,
    /// It takes its time. What waits before the node is sent to it also where the client is gone by then.
    Delay(Place, Wait),
    /// The node is this many blocks behind, in everything that it says.
    Lag(u64),
    /// It says what is not so.
    Lie(Lie),
    /// Its receipts are not what happened.
    Receipt(Forgery),
    /// It says that it is a node of another chain.
    ChainId(u64),
    /// Something else is said, and the node heard of the request or did not.
    Answer(Place, Reply),
    /// It does not answer so much at once.
    Limit(Limit),
    /// The bytes of its answer are broken.
    Garble(Garbling),
    /// The subscription is broken. Counted in notifications, not in requests.
    Socket(SocketFault),
}

impl Fault {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Fault::DropBefore => "drop_before",
            Fault::DropAfter => "drop_after",
            Fault::Delay(Place::Before, _) => "delay_before",
            Fault::Delay(Place::After, _) => "delay_after",
            Fault::Lag(_) => "lag",
            Fault::Lie(lie) => lie.name(),
            Fault::Receipt(Forgery::Empty) => "receipt_empty",
            Fault::Receipt(Forgery::Succeeded) => "receipt_succeeded",
            Fault::Receipt(Forgery::Failed) => "receipt_failed",
            Fault::Receipt(Forgery::OtherBlock) => "receipt_other_block",
            Fault::Receipt(Forgery::Invented) => "receipt_invented",
            Fault::ChainId(_) => "chain_id",
            Fault::Answer(Place::Before, _) => "answer_before",
            Fault::Answer(Place::After, _) => "answer_after",
            Fault::Limit(_) => "limit",
            Fault::Garble(Garbling::Truncated) => "truncated",
            Fault::Garble(Garbling::Cut) => "cut",
            Fault::Garble(Garbling::OtherId) => "other_id",
            Fault::Garble(Garbling::NoId) => "no_id",
            Fault::Garble(Garbling::Twice) => "twice",
            Fault::Garble(Garbling::Reversed) => "reversed",
            Fault::Socket(SocketFault::BrokenFrame) => "socket_broken_frame",
            Fault::Socket(SocketFault::StrayError) => "socket_stray_error",
            Fault::Socket(SocketFault::Close) => "socket_close",
            Fault::Socket(SocketFault::Skip) => "socket_skip",
            Fault::Socket(SocketFault::Repeat) => "socket_repeat",
            Fault::Socket(SocketFault::Silence) => "socket_silence",
        }
    }

    /// Whether it can befall a request of this method at all; what cannot is neither counted nor drawn for.
    fn concerns(&self, method: &str) -> bool {
        match self {
            Fault::Receipt(_) => method == "eth_getTransactionReceipt",
            Fault::ChainId(_) => matches!(method, "eth_chainId" | "net_version"),
            Fault::Lie(Lie::Balance(_)) => method == "eth_getBalance",
            Fault::Lie(Lie::Scaled(_)) => method == "eth_call",
            Fault::Lie(Lie::NonceAhead(_) | Lie::NonceBehind(_)) => {
                method == "eth_getTransactionCount"
            }
            Fault::Lie(Lie::GasPercent(_)) => method == "eth_estimateGas",
            Fault::Lie(Lie::FewerLogs(_)) | Fault::Limit(_) => method == "eth_getLogs",
            Fault::Socket(SocketFault::Silence) => true,
            Fault::Socket(_) => method == NOTIFICATION,
            Fault::Lag(_) | Fault::Delay(..) | Fault::Lie(Lie::HeadHash | Lie::Custom(_)) => true,
            Fault::DropBefore | Fault::DropAfter | Fault::Answer(..) | Fault::Garble(_) => {
                method != NOTIFICATION
            }
        }
    }
}

/// The method of a subscription's messages.
pub(super) const NOTIFICATION: &str = "eth_subscription";

/// One fault with when it happens. Without more said it always does.
#[derive(Debug, Clone)]
pub struct Rule {
    fault: Fault,
    methods: Option<BTreeSet<String>>,
    side: Option<Side>,
    skipped: u64,
    times: Option<u64>,
    per_mille: u32,
}

impl From<Fault> for Rule {
    fn from(fault: Fault) -> Rule {
        Rule::new(fault)
    }
}

impl Rule {
    /// Returns the rule that `fault` always happens.
    #[must_use]
    pub fn new(fault: Fault) -> Rule {
        Rule { fault, methods: None, side: None, skipped: 0, times: None, per_mille: 1_000 }
    }

    /// Only to these methods.
    #[must_use]
    pub fn on(mut self, methods: &[&str]) -> Rule {
        self.methods = Some(methods.iter().map(|method| (*method).to_owned()).collect());
        self
    }

    /// Only by this door.
    #[must_use]
    pub fn over(mut self, side: Side) -> Rule {
        self.side = Some(side);
        self
    }

    /// Not to the first `count`.
    #[must_use]
    pub fn after(mut self, count: u64) -> Rule {
        self.skipped = count;
        self
    }

    /// At most so often.
    #[must_use]
    pub fn times(mut self, count: u64) -> Rule {
        self.times = Some(count);
        self
    }

    /// In so many of a thousand cases, by the proxy's seed.
    #[must_use]
    pub fn in_per_mille(mut self, per_mille: u32) -> Rule {
        self.per_mille = per_mille;
        self
    }
}

/// A rule at work.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) rule: Rule,
    seen: u64,
    done: u64,
    random: ChaCha8Rng,
}

impl Active {
    /// The rule's own draws: what other rules do changes nothing for it.
    pub(super) fn new(rule: Rule, seed: u64, number: u64) -> Active {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(number);
        Active { rule, seen: 0, done: 0, random }
    }

    /// Returns the fault if it befalls this request.
    pub(super) fn strikes(&mut self, side: Side, method: &str) -> Option<Fault> {
        let rule = &self.rule;
        let is_by_socket = matches!(rule.fault, Fault::Socket(_));
        let is_meant = rule.side.is_none_or(|wanted| wanted == side)
            && (!is_by_socket || side == Side::WebSocket)
            && rule.methods.as_ref().is_none_or(|methods| methods.contains(method))
            && rule.fault.concerns(method);
        if !is_meant {
            return None;
        }
        self.seen += 1;
        let is_due = self.seen > rule.skipped && rule.times.is_none_or(|times| self.done < times);
        if !is_due || self.random.random_range(0..1_000) >= rule.per_mille {
            return None;
        }
        self.done += 1;
        Some(rule.fault.clone())
    }

    /// The gate that it holds things up with.
    pub(super) fn gate(&self) -> Option<&Gate> {
        match &self.rule.fault {
            Fault::Delay(_, Wait::Gate(gate)) => Some(gate),
            _ => None,
        }
    }
}
