//! What can go wrong with a local chain.

use alloy::node_bindings::NodeError;
use alloy::primitives::{Address, B256};
use alloy::transports::TransportError;
use std::path::PathBuf;

/// Why a local chain, its contracts or its market did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LocalChainError {
    /// A file that `contracts/tools/prepare` makes is not there.
    #[error("{path} is missing: run contracts/tools/prepare")]
    NotPrepared {
        /// The file or folder.
        path: PathBuf,
    },
    /// A file of contracts is not what it should be.
    #[error("{path} cannot be read as {expected}: {found}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// What was found instead.
        found: String,
    },
    /// A contract needs a library whose address was not given.
    #[error("{contract} needs the address of the library {library}")]
    Unlinked {
        /// The contract.
        contract: String,
        /// The library, by name.
        library: String,
    },
    /// anvil did not come up.
    #[error("anvil at {path} did not start: {source}")]
    NoNode {
        /// The binary.
        path: PathBuf,
        /// What the start said.
        source: Box<NodeError>,
    },
    /// There is no room for the node's old states.
    #[error(
        "a temporary folder for the chain's states cannot be made: {source}; TMPDIR names another place"
    )]
    NoFolder {
        /// What the system says.
        source: std::io::Error,
    },
    /// The node refused a request, or did not answer it.
    #[error("{method}: {source}")]
    Request {
        /// The JSON-RPC method.
        method: &'static str,
        /// What the transport said.
        source: Box<TransportError>,
    },
    /// The node answered, but not with what the method promises.
    #[error("{method} answered {found}")]
    Answer {
        /// The JSON-RPC method, or the contract's function.
        method: &'static str,
        /// What came.
        found: String,
    },
    /// A transaction was included and reverted.
    #[error("{function} on {to:?} reverted in {hash}: {reason}")]
    Reverted {
        /// The transaction.
        hash: B256,
        /// Its target; none for a creation.
        to: Option<Address>,
        /// The selector or "creation".
        function: String,
        /// What the node says when the call is repeated.
        reason: String,
    },
    /// A transaction was not included although blocks were mined for it.
    #[error("{hash} is in none of the blocks mined for it")]
    NotIncluded {
        /// The transaction.
        hash: B256,
    },
    /// A number of the market does not fit the contract's integer.
    #[error("{field} cannot be {found}")]
    OutOfRange {
        /// Which number.
        field: &'static str,
        /// Its value.
        found: f64,
    },
    /// A market that this deployment does not have.
    #[error("there is no market {name}")]
    UnknownMarket {
        /// How it was named.
        name: String,
    },
}
