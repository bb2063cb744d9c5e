//! Why a range is not ingested: what was read, what is kept, and how to go on.

use alloy::primitives::B256;
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::{NodeError, Refusal, Refused};
use polars::prelude::PolarsError;
use std::io;
use std::path::PathBuf;

/// Why a range is not ingested. What is finished stays, whatever it is.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The nodes.
    #[error("{what}: {source}")]
    Node {
        /// What was asked for.
        what: String,
        /// What they say.
        source: NodeError,
    },
    /// The configured contracts.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// State that no node keeps.
    #[error(
        "the state at block {block} is not kept by the node: reading it needs an archive node; name one with --rpc, or \
         begin later with --from-block ({detail})"
    )]
    Pruned {
        /// The block.
        block: u64,
        /// What the node says.
        detail: String,
    },
    /// Blocks that could not be read.
    #[error(
        "blocks {from} to {to}: {source}; tried {tries} times. {finished} of {chunks} parts are finished and kept: run the \
         same command again to go on from there"
    )]
    Chunk {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
        /// What went wrong.
        source: Box<ChunkError>,
        /// How often each question is tried.
        tries: u32,
        /// Parts that are finished.
        finished: usize,
        /// All parts.
        chunks: usize,
    },
    /// A range beyond the chain.
    #[error("--to-block {to} is not there yet: the newest block is {head}")]
    NotYet {
        /// The wanted end.
        to: u64,
        /// The newest block.
        head: u64,
    },
    /// A range without a block.
    #[error("--from-block {from} is after --to-block {to}")]
    Empty {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Another process has the folder.
    #[error("{}: another ingest writes there; wait for it, or give another folder with --out", .folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder with something else in it.
    #[error(
        "{}: was begun with {field} {found}, and is now asked for {wanted}; give another folder with --out, or the same \
         settings", .folder.display()
    )]
    Other {
        /// The folder.
        folder: PathBuf,
        /// What differs.
        field: &'static str,
        /// What is there.
        found: String,
        /// What is wanted.
        wanted: String,
    },
    /// History of something else in the folder.
    #[error(
        "{}: is no file of this ingest, and a replay would read both; give another folder with --out", .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A file or a line that is not what was written.
    #[error("{}: {detail}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and how to mend it.
        detail: String,
    },
    /// A chain that has none of the kept blocks.
    #[error(
        "block {block} of {} has hash {kept}, and on the nodes' chain {found}: it is another chain, or it was replaced \
         from the first part on; give another folder with --out", .folder.display()
    )]
    OtherChain {
        /// The folder.
        folder: PathBuf,
        /// The block.
        block: u64,
        /// Its hash in the folder.
        kept: B256,
        /// Its hash on the chain.
        found: B256,
    },
    /// The disk.
    #[error("{}: {source}; what is finished is kept: run the same command again to go on", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Rows that are no table.
    #[error("{name}: {source}")]
    Table {
        /// The file.
        name: String,
        /// What is wrong.
        source: PolarsError,
    },
}

/// Why a part of a range could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    /// The nodes gave no answer.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A protocol could not be read at all.
    #[error("block {block}: {source}")]
    Adapter {
        /// The block.
        block: u64,
        /// Why.
        source: Box<AdapterError>,
    },
    /// Answers that do not fit together: a reorganisation, or a node that says what is not so.
    #[error("the answers do not fit together: {0}")]
    Inconsistent(String),
}

impl ChunkError {
    /// Whether answers do not fit together, so that all of them are worth asking for again.
    pub(super) fn is_contradiction(&self) -> bool {
        match self {
            ChunkError::Inconsistent(_) | ChunkError::Node(NodeError::Gone { .. }) => true,
            ChunkError::Adapter { source, .. } => matches!(**source, AdapterError::Call { .. }),
            ChunkError::Node(_) => false,
        }
    }
}

impl Refused for ChunkError {
    fn refusal(&self) -> Refusal {
        match self {
            ChunkError::Node(error) => error.refusal(),
            ChunkError::Inconsistent(_) => Refusal::Passing { wait: None },
            ChunkError::Adapter { source, .. } => match source.as_ref() {
                AdapterError::Node { source, .. } => source.refusal(),
                // The multicall itself was answered with something else.
                AdapterError::Call { .. } => Refusal::Passing { wait: None },
                _ => Refusal::Final,
            },
        }
    }
}
