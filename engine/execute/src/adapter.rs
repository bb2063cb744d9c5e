//! The trait [`Adapter`]: what does this protocol say?

use crate::chain::NodeError;
use alloy::primitives::{Address, U256};
use async_trait::async_trait;
use plimsoll_core::{ChainId, Day, MarketId};
use plimsoll_frame::Observation;

/// What does this protocol, or this source, say?
///
/// A live adapter reads one block at a time; a source of history gives what was recorded, a day at a
/// time. The loop sees no difference. How to act on a protocol joins this trait with the first
/// adapter that can be acted on.
#[async_trait]
pub trait Adapter: Send {
    /// The name under which it is configured and reported.
    fn name(&self) -> String;

    /// Returns the next batch of observations, each market's in the order of time, or `None` at the
    /// end of what was recorded.
    ///
    /// # Errors
    /// [`AdapterError`]; the adapter's own markets are then missing, and nothing else.
    async fn observe(&mut self) -> Result<Option<Vec<Observation>>, AdapterError>;

    /// Returns what the adapter itself found wrong with the order of its rows so far.
    fn disorder(&self) -> Vec<Disorder> {
        Vec::new()
    }
}

/// What an adapter had to put right, or leave out, before a row could become an observation.
#[derive(Debug, Clone, PartialEq)]
pub enum Disorder {
    /// Rows of a market that stood before an earlier one in the file.
    Unsorted {
        /// The market.
        market: MarketId,
        /// Its name.
        symbol: String,
        /// First and last day.
        days: (Day, Day),
        /// How many.
        rows: u64,
    },
    /// Rows of a network that has no known chain id.
    UnknownNetwork {
        /// What the source calls it.
        name: String,
        /// First and last day.
        days: (Day, Day),
        /// How many.
        rows: u64,
        /// Whether the source kept them, as markets of no known chain; else it left them out.
        are_kept: bool,
    },
}

/// Why an adapter has no observation.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AdapterError {
    /// The folder holds none of the files that a source knows.
    #[error("{dir}: no file that this source knows; expected at least one of {expected}")]
    NoFiles {
        /// The folder.
        dir: String,
        /// The known names.
        expected: String,
    },
    /// A folder that is not there.
    #[error("{dir}: {detail}; give a folder with --data DIR or PLIMSOLL_DATA")]
    NoFolder {
        /// The folder.
        dir: String,
        /// What the system said.
        detail: String,
    },
    /// A file that cannot be read as Parquet.
    #[error(
        "{file}: not a readable Parquet file ({detail}); it may be truncated: copy or download it again"
    )]
    Unreadable {
        /// The file.
        file: String,
        /// What the reader said, on one line.
        detail: String,
    },
    /// A column that the source needs.
    #[error("{file}: column `{column}` is missing{nearest}; the file has {found}")]
    MissingColumn {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The nearest name in the file, as a phrase.
        nearest: String,
        /// What the file has.
        found: String,
    },
    /// A column of another type.
    #[error("{file}: column `{column}` is {found}, expected {expected}; write it as {expected}")]
    WrongDtype {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// Its type.
        found: String,
        /// What is needed.
        expected: &'static str,
    },
    /// A null in a column that names what the row is about.
    #[error(
        "{file}: row {row} of those read: `{column}` is null; a row without it belongs to nothing, so remove or fill it"
    )]
    Null {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The row among those read, from 0.
        row: usize,
    },
    /// A name that cannot be part of a market id.
    #[error(
        "{file}: row {row} of those read: `{column}` is {found:?}, which is no name: it must not be empty or hold a colon"
    )]
    BadName {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The row among those read, from 0.
        row: usize,
        /// What was found.
        found: String,
    },
    /// A name of which a file says nothing.
    #[error("{file}: no row whose `{column}` is {name:?}; it has {known}")]
    NoName {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// What was asked for.
        name: String,
        /// What is there.
        known: String,
    },
    /// No row in the span that was asked for.
    #[error("{file}: no row from {from} to {to}; the file covers {covers}")]
    EmptyRange {
        /// The file.
        file: String,
        /// What was asked for.
        from: String,
        /// What was asked for.
        to: String,
        /// What is there.
        covers: String,
    },
    /// An address that is none.
    #[error(
        "the address of the server is not usable: {detail}; give one such as https://yields.llama.fi"
    )]
    BadAddress {
        /// What is wrong with it. The address itself may hold a key, so it is not repeated.
        detail: String,
    },
    /// A folder that answers cannot be kept in.
    #[error("{dir}: {detail}; give a folder that can be written to, or keep no answers")]
    NoCache {
        /// The folder.
        dir: String,
        /// What the system said.
        detail: String,
    },
    /// A listing in which no pool is wanted.
    #[error(
        "{url}: none of the {listed} pools listed passes the filters; lower the least TVL, or name fewer \
         chains and symbols"
    )]
    NoPools {
        /// The listing.
        url: String,
        /// How many it has.
        listed: usize,
    },
    /// A server that gave no answer, or refused.
    #[error("{url}: {detail} after {}; {}", times(*.attempts), remedy(*.status))]
    Http {
        /// What was asked for, without what may be secret.
        url: String,
        /// What it answered, where it did.
        status: Option<u16>,
        /// How often it was asked.
        attempts: u32,
        /// What happened, on one line.
        detail: String,
    },
    /// An answer that is not what the server's interface promises.
    #[error(
        "{url}: the answer is not usable after {}: {detail}; try again later, and if it stays so, the \
         interface has changed", times(*.attempts)
    )]
    Payload {
        /// What was asked for, without what may be secret.
        url: String,
        /// How often it was asked.
        attempts: u32,
        /// What is wrong with it.
        detail: String,
    },
    /// Nodes that gave no answer to believe.
    #[error("{protocol} at block {block}: {source}")]
    Node {
        /// The protocol that asked.
        protocol: String,
        /// The block that was asked about.
        block: u64,
        /// What the nodes said.
        source: Box<NodeError>,
    },
    /// A contract that reverts, or answers in another form.
    #[error("{about} at block {block}: {call} of {contract}: {detail}")]
    Call {
        /// The market or protocol.
        about: String,
        /// The contract.
        contract: Address,
        /// The block.
        block: u64,
        /// The function.
        call: &'static str,
        /// What came back.
        detail: String,
    },
    /// A contract that is not what the configuration says it is.
    #[error(
        "{about}: {field} of {contract} is {found}, expected {expected}; correct the configuration"
    )]
    Mismatch {
        /// The market or protocol.
        about: String,
        /// The contract.
        contract: Address,
        /// What was looked at.
        field: &'static str,
        /// What the configuration says.
        expected: String,
        /// What the contract says.
        found: String,
    },
    /// No contract at a configured address.
    #[error(
        "{about}: there is no contract at {contract} in block {block}; correct the address, or the chain"
    )]
    NoCode {
        /// The market or protocol.
        about: String,
        /// The address.
        contract: Address,
        /// The block.
        block: u64,
    },
    /// A block of another chain than the markets are on.
    #[error("{about} is on {expected}, and the nodes are on {found}; correct the configuration")]
    WrongChain {
        /// The protocol.
        about: String,
        /// The markets' chain.
        expected: ChainId,
        /// The nodes' chain.
        found: ChainId,
    },
    /// Our arithmetic is not the contract's: it is of another version than we know.
    #[error(
        "{about} at block {block}: {field} is {found} on chain and {computed} by our arithmetic; the \
         contract is of another version: leave the market out until it is supported"
    )]
    Disagrees {
        /// The market.
        about: String,
        /// The block.
        block: u64,
        /// Which number.
        field: &'static str,
        /// What we computed.
        computed: U256,
        /// What the contract says.
        found: U256,
    },
    /// A state that the adapter's arithmetic does not cover.
    #[error("{about} at block {block}: {detail}")]
    NotCovered {
        /// The market or protocol.
        about: String,
        /// The block.
        block: u64,
        /// What is not covered.
        detail: String,
    },
    /// Settings that cannot be meant.
    #[error("{about}: {detail}")]
    Settings {
        /// The protocol.
        about: String,
        /// What is wrong, and how to mend it.
        detail: String,
    },
}

impl AdapterError {
    /// Whether the next try may cure it. A file stays as it is; a server in trouble recovers, and a page
    /// that stands in for an answer goes away. A call that reverts may do so for a state that passes; a
    /// contract that is another one than configured stays so.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            AdapterError::Http { status, .. } => status.is_none_or(AdapterError::is_passing),
            AdapterError::Payload { .. } | AdapterError::Call { .. } => true,
            AdapterError::Node { source, .. } => source.is_transient(),
            _ => false,
        }
    }

    /// Whether an HTTP status is one that passes: a timeout, too many requests, or the server's own
    /// trouble.
    #[must_use]
    pub fn is_passing(status: u16) -> bool {
        matches!(status, 408 | 429 | 500..=599)
    }
}

/// "1 attempt" or "4 attempts".
fn times(attempts: u32) -> String {
    format!("{attempts} attempt{}", if attempts == 1 { "" } else { "s" })
}

/// What a person can do about a server that gave no answer, or refused.
fn remedy(status: Option<u16>) -> &'static str {
    match status {
        None => {
            "check the network and the address, then run again: where there is a cache, what was fetched is \
             kept"
        }
        Some(429) => "it is asked too often: allow fewer requests a minute, or run again later",
        Some(status) if AdapterError::is_passing(status) => {
            "the server is in trouble: run again later; where there is a cache, what was fetched is kept"
        }
        Some(401 | 402 | 403 | 451) => "it refuses to serve this: check the address, or the plan",
        Some(_) => "check the address: this is not where the interface is",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(status: Option<u16>) -> AdapterError {
        let detail = status.map_or("no route".to_owned(), |status| format!("status {status}"));
        AdapterError::Http { url: "http://h/pools".to_owned(), status, attempts: 4, detail }
    }

    #[test]
    fn a_server_in_trouble_passes_and_a_refusal_or_a_file_does_not() {
        for status in [None, Some(408), Some(429), Some(500), Some(503)] {
            assert!(http(status).is_transient(), "{status:?}");
        }
        for status in [Some(301), Some(400), Some(403), Some(404)] {
            assert!(!http(status).is_transient(), "{status:?}");
        }
        let file = AdapterError::NoFolder { dir: "d".to_owned(), detail: "gone".to_owned() };
        assert!(!file.is_transient());
    }

    #[test]
    fn nodes_recover_and_a_wrong_contract_does_not() {
        let node = |source| AdapterError::Node {
            protocol: "a".to_owned(),
            block: 1,
            source: Box::new(source),
        };
        let silent = NodeError::NoQuorum {
            method: "eth_call",
            agreeing: 0,
            asked: 1,
            quorum: 1,
            first: None,
        };
        assert!(node(silent).is_transient());
        let foreign = NodeError::WrongChain { node: "n".to_owned(), found: 2, wanted: 1 };
        assert!(!node(foreign).is_transient());
        let contract = Address::ZERO;
        let empty = AdapterError::NoCode { about: "a".to_owned(), contract, block: 1 };
        assert!(!empty.is_transient());
    }

    #[test]
    fn an_http_error_says_where_what_how_often_and_what_to_do() {
        assert_eq!(
            http(Some(503)).to_string(),
            "http://h/pools: status 503 after 4 attempts; the server is in trouble: run again \
             later; where there is a cache, what was fetched is kept"
        );
    }
}
