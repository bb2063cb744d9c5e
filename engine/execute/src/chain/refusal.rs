//! What a refusal means for who asked: providers share neither codes nor words for it.
//!
//! What nobody has a rule for counts as passing trouble: it is tried again, and then said in the node's own words.

use super::endpoint::RpcError;
use super::nodes::NodeError;
use std::time::Duration;

/// The question whose answer may be too large.
const LOGS: &str = "eth_getLogs";

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// So much at once is not answered: ask for less, such as the number of blocks that the node says would do.
    TooMuch {
        /// How many blocks it says would do.
        blocks: Option<u64>,
    },
    /// Asked too often.
    TooOften {
        /// How long the node asks to wait.
        wait: Option<Duration>,
    },
    /// The node does not keep what is that old.
    Pruned,
    /// Trouble that may pass.
    Passing {
        /// How long the node asks to wait.
        wait: Option<Duration>,
    },
    /// It would be the same again.
    Final,
}

/// An error that may be a node's refusal.
pub trait Refused {
    /// What it means.
    fn refusal(&self) -> Refusal;
}

/// Words of a provider that limits how often it is asked.
const TOO_OFTEN: [&str; 14] = [
    "rate limit",
    "rate-limit",
    "ratelimit",
    "request rate",
    "too many requests",
    "requests per second",
    "per second capacity",
    "/second request limit",
    "rps limit",
    "throughput",
    "request count exceeded",
    "credits",
    "cu limit",
    "quota",
];

/// Words of a node that has thrown away what is that old.
const PRUNED: [&str; 15] = [
    "missing trie node",
    "missingtrienode",
    "pruned",
    "pruning",
    "archive",
    "historical state",
    "state is not available",
    "state not available",
    "state unavailable",
    "no state available",
    "old data not available",
    "state histories",
    "maximum proof window",
    "distance to target block exceeds",
    "block height is",
];

/// Words of a node that does not answer so much at once; for events alone, since they mean something else elsewhere.
const TOO_MUCH: [&str; 20] = [
    "range",
    "limit",
    "too many",
    "more than",
    "exceed",
    "too large",
    "too big",
    "too wide",
    "response size",
    "not greater than",
    "smaller",
    "reduce",
    "timed out",
    "timeout",
    "time out",
    "took too long",
    "deadline",
    "out of memory",
    "maximum",
    "no backend is currently healthy",
];

/// Words of a node that will say the same again.
const FINAL: [&str; 8] = [
    "unauthorized",
    "must be authenticated",
    "invalid project id",
    "api key",
    "method not found",
    "does not exist/is not available",
    "not whitelisted",
    "execution reverted",
];

impl Refused for RpcError {
    fn refusal(&self) -> Refusal {
        match self {
            RpcError::BadAddress { .. } => Refusal::Final,
            RpcError::Broken { .. } => Refusal::Passing { wait: None },
            RpcError::Timeout { method, .. } if *method == LOGS => {
                Refusal::TooMuch { blocks: None }
            }
            RpcError::Timeout { .. } => Refusal::Passing { wait: None },
            RpcError::Status { method, status, wait, .. } => of_status(method, *status, *wait),
            RpcError::Refused { method, code, message, status, wait, .. } => {
                of_words(method, (*code, message), (*status, *wait))
            }
        }
    }
}

impl Refused for NodeError {
    fn refusal(&self) -> Refusal {
        match self {
            NodeError::NoQuorum { first: Some(error), .. } => error.refusal(),
            // They differ: one may be behind.
            NodeError::NoQuorum { first: None, .. }
            | NodeError::Gone { .. }
            | NodeError::Blank { .. } => Refusal::Passing { wait: None },
            NodeError::WrongChain { .. } | NodeError::Reverts { .. } | NodeError::TooFew { .. } => {
                Refusal::Final
            }
        }
    }
}

fn of_status(method: &str, status: u16, wait: Option<Duration>) -> Refusal {
    match status {
        429 => Refusal::TooOften { wait },
        408 | 413 | 504 | 524 if method == LOGS => Refusal::TooMuch { blocks: None },
        408 | 500..=599 => Refusal::Passing { wait },
        _ => Refusal::Final,
    }
}

fn of_words(
    method: &str,
    (code, message): (i64, &str),
    (status, wait): (u16, Option<Duration>),
) -> Refusal {
    let words = message.to_lowercase();
    let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
    // A reverted call is an answer, whatever its reason says.
    if code == 3 {
        return Refusal::Final;
    }
    if status == 429 || code == 429 || code == -32_029 || says(&TOO_OFTEN) {
        return Refusal::TooOften { wait };
    }
    if code == 4_444 || says(&PRUNED) {
        return Refusal::Pruned;
    }
    if code == -32_601 || says(&FINAL) || matches!(status, 401..=403) {
        return Refusal::Final;
    }
    match method {
        // EIP-1474's "limit exceeded" means the answer here, and how often elsewhere.
        LOGS if code == -32_005 || says(&TOO_MUCH) => Refusal::TooMuch { blocks: fits(&words) },
        _ if code == -32_005 => Refusal::TooOften { wait },
        _ => Refusal::Passing { wait },
    }
}

/// How many blocks the node says would do: `[0x10, 0x1f]`, or `range 16-31`. Its bounds are not taken over, or a
/// wrong hint would leave a gap.
fn fits(words: &str) -> Option<u64> {
    let ends = |first: &str, last: &str, radix| {
        let number = |text: &str| u64::from_str_radix(text.trim(), radix).ok();
        let count = number(last)?.checked_sub(number(first)?)?.checked_add(1)?;
        (count > 0).then_some(count)
    };
    let hexadecimal = || {
        let (_, rest) = words.rsplit_once('[')?;
        let (first, last) = rest.split_once(']')?.0.split_once(',')?;
        ends(first.trim().strip_prefix("0x")?, last.trim().strip_prefix("0x")?, 16)
    };
    let decimal = || {
        let (_, rest) = words.rsplit_once("range ")?;
        let (first, last) = rest.split_once('-')?;
        let end = last.find(|c: char| !c.is_ascii_digit()).unwrap_or(last.len());
        ends(first, last.get(..end)?, 10)
    };
    hexadecimal().or_else(decimal)
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
