//! Back-filling: the markets, the events and the blocks of a range, from nodes into Parquet history.
//!
//! The range is cut into parts of a fixed number of blocks, whatever the nodes are willing to answer at once. A part
//! is read, checked, written and noted, in this order; a process that is killed anywhere goes on with the next part,
//! and the bytes are those of a run that nobody interrupted. A range that cannot be read is an error, never a gap.

mod chunk;
mod error;
pub mod events;
mod manifest;
mod tables;

pub use error::{ChunkError, IngestError};
pub use manifest::{Chunk, Every, Identity, Logs, Missing, Written};

use crate::live::multicall::Batch;
use crate::live::{PriceSettings, Prices, ProtocolSettings, from_settings};
use crate::recorded;
use alloy::primitives::B256;
use chunk::{Before, Content, Reader};
use events::{Found, Source};
use manifest::{Manifest, names};
use plimsoll_core::ChainId;
use plimsoll_execute::chain::{Nodes, Refusal, Refused, Retries};
use plimsoll_execute::protocol::Protocol;
use plimsoll_execute::{AdapterError, At};
use polars::prelude::{DataFrame, PolarsResult};
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Job {
    /// The first block.
    pub from: u64,
    /// The last block.
    pub to: u64,
    /// At which blocks the markets are read.
    pub every: Every,
    /// Blocks of a part.
    pub chunk_blocks: NonZeroU64,
    /// Questions that may be open at once.
    pub concurrency: usize,
    /// How patiently nodes are asked.
    pub retries: Retries,
    /// Where the files go.
    pub folder: PathBuf,
}

/// What is read from, and by which rules.
#[derive(Debug)]
pub struct Sources {
    nodes: Nodes,
    protocols: Vec<Box<dyn Protocol>>,
    prices: Option<Prices>,
    events: Vec<Source>,
    settings: (Vec<ProtocolSettings>, Option<PriceSettings>),
}

impl Sources {
    /// Returns the sources that the settings name, read by nodes that are asked as patiently as the job says. Market
    /// contracts of a vault play no part.
    ///
    /// # Errors
    /// [`AdapterError::Settings`].
    pub fn new(
        (nodes, job): (Nodes, &Job),
        mut settings: Vec<ProtocolSettings>,
        prices: Option<PriceSettings>,
    ) -> Result<Sources, AdapterError> {
        let nodes = nodes.patiently(job.retries.clone());
        settings.iter_mut().for_each(ProtocolSettings::forget_contracts);
        let protocols = from_settings(&settings)?;
        let events = events::sources(&settings);
        let feeds = prices.clone().map(Prices::new);
        Ok(Sources { nodes, protocols, prices: feeds, events, settings: (settings, prices) })
    }
}

/// What happens meanwhile.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// It begins: parts that are finished already, and all of them.
    Begins {
        /// Finished earlier.
        finished: usize,
        /// All.
        chunks: usize,
        /// Parts that are read again, since the chain replaced their blocks.
        replaced: usize,
    },
    /// A part is finished.
    Finished {
        /// The part.
        chunk: &'a Chunk,
        /// Its place, from 1.
        number: usize,
        /// All parts.
        chunks: usize,
    },
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Every part, in order.
    pub chunks: Vec<Chunk>,
    /// Parts that were finished before.
    pub resumed: usize,
    /// The newest block that is final, where every node says so.
    pub finalized: Option<u64>,
    /// The hash of everything that was written.
    pub hash: String,
    /// Blocks whose events were asked for one by one, since a range lacked some.
    pub withheld: u64,
}

/// Reads the range into the folder; what is there already is not read again.
///
/// # Errors
/// [`IngestError`]; what is finished stays.
pub async fn ingest(
    job: &Job,
    sources: &Sources,
    told: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Outcome, IngestError> {
    if job.from > job.to {
        return Err(IngestError::Empty { from: job.from, to: job.to });
    }
    let nodes = &sources.nodes;
    let node = |what: &str| {
        let what = what.to_owned();
        move |source| IngestError::Node { what, source }
    };
    nodes.check_chain().await.map_err(node("the nodes' chain"))?;
    let genesis = nodes.hash_of_first().await.map_err(node("the first block of the chain"))?;
    let identity = Identity::new(
        (nodes.chain(), genesis),
        (job.from, job.chunk_blocks, job.every),
        sources.settings.clone(),
    );
    let parts = identity.parts(job.to);
    let mut manifest = Manifest::open(&job.folder, &identity, job.to)?;
    let head = nodes.head().await.map_err(node("the newest block"))?;
    if head.block.number < job.to {
        return Err(IngestError::NotYet { to: job.to, head: head.block.number });
    }
    let replaced = replaced(&mut manifest, nodes).await?;
    let resumed = manifest.chunks.len() - manifest.missing.len();
    told(Progress::Begins { finished: resumed, chunks: parts.len(), replaced });
    let open: Vec<usize> = (0..parts.len())
        .filter(|place| *place >= manifest.chunks.len() || manifest.missing.contains(place))
        .collect();
    if let Some((first, _)) = open.first().and_then(|place| parts.get(*place)) {
        check(job, sources, *first).await?;
    }
    let mut reader = Reader::new(sources, job);
    let mut withheld = 0;
    for place in open {
        let Some(part) = parts.get(place).copied() else { continue };
        let before = place.checked_sub(1).and_then(|place| manifest.chunks.get(place));
        let before = before.map(|chunk| Before { hash: chunk.last, time: chunk.last_time });
        let finished = manifest.chunks.len();
        let content = reader
            .read(part, before)
            .await
            .map_err(|source| failed(source, part, (job, finished, parts.len())))?;
        withheld += content.withheld;
        let chunk = written(&manifest, part, &content)?;
        manifest.finish(place, chunk)?;
        if let Some(chunk) = manifest.chunks.get(place) {
            told(Progress::Finished { chunk, number: place + 1, chunks: parts.len() });
        }
    }
    let finalized = nodes.finalized().await;
    let (hash, chunks) = (manifest.hash().to_owned(), manifest.chunks);
    Ok(Outcome { chunks, resumed, finalized, hash, withheld })
}

/// Lets the last parts go whose blocks the chain has replaced, and says how many.
async fn replaced(manifest: &mut Manifest, nodes: &Nodes) -> Result<usize, IngestError> {
    let count = manifest.chunks.len();
    let mut first = None;
    for kept in (1..=count).rev() {
        let Some(chunk) = manifest.chunks.get(kept - 1) else { continue };
        let (block, last) = (chunk.to, chunk.last);
        let found = nodes.block(block).await;
        let found =
            found.map_err(|source| IngestError::Node { what: format!("block {block}"), source })?;
        if found.block.hash == last {
            manifest.truncate(kept)?;
            manifest.missing.retain(|place| *place < kept);
            return Ok(count - kept);
        }
        first = Some((block, last, found.block.hash));
    }
    match first {
        None => Ok(0),
        Some((block, kept, found)) => {
            let folder = manifest.folder().to_owned();
            Err(IngestError::OtherChain { folder, block, kept, found })
        }
    }
}

/// Checks, before anything is read, that contracts are what the settings say, and that the first open block's state is
/// kept.
async fn check(job: &Job, sources: &Sources, first: u64) -> Result<(), IngestError> {
    let at = |number| async move {
        let found = sources.nodes.block(number).await;
        let head = found
            .map_err(|source| IngestError::Node { what: format!("block {number}"), source })?;
        Ok::<At, IngestError>(At { block: head.block, timestamp: head.timestamp })
    };
    let last = at(job.to).await?;
    let of = |source| ChunkError::Adapter { block: job.to, source: Box::new(source) };
    for protocol in &sources.protocols {
        let checked = protocol.check(&sources.nodes, &last).await.map_err(of);
        checked.map_err(|error| explained(error, job.to))?;
    }
    if let Some(prices) = &sources.prices {
        let checked = prices.check(&sources.nodes, &last).await.map_err(of);
        checked.map_err(|error| explained(error, job.to))?;
    }
    let first = at(first).await?;
    let (chain, block) = (ChainId(sources.nodes.chain()), first.block.number);
    let sent = Batch::of_the_place().send(&sources.nodes, &first, ("multicall", chain)).await;
    let sent = sent.map_err(|source| ChunkError::Adapter { block, source: Box::new(source) });
    sent.map(|_| ()).map_err(|error| explained(error, block))
}

/// The error of a part.
fn failed(
    source: ChunkError,
    (from, to): (u64, u64),
    (job, finished, chunks): (&Job, usize, usize),
) -> IngestError {
    if source.refusal() == Refusal::Pruned {
        return explained(source, from);
    }
    let (source, tries) = (Box::new(source), job.retries.tries);
    IngestError::Chunk { from, to, source, tries, finished, chunks }
}

/// An error where nothing was read yet.
fn explained(error: ChunkError, near: u64) -> IngestError {
    let is_pruned = error.refusal() == Refusal::Pruned;
    match error {
        ChunkError::Adapter { block, source } if is_pruned => {
            IngestError::Pruned { block, detail: source.to_string() }
        }
        error if is_pruned => IngestError::Pruned { block: near, detail: error.to_string() },
        ChunkError::Adapter { source, block } => match *source {
            AdapterError::Node { source, .. } => {
                IngestError::Node { what: format!("block {block}"), source: *source }
            }
            source => IngestError::Adapter(source),
        },
        ChunkError::Node(source) => IngestError::Node { what: format!("block {near}"), source },
        error @ ChunkError::Inconsistent(_) => {
            IngestError::Damaged { path: PathBuf::new(), detail: error.to_string() }
        }
    }
}

/// Writes the files of a part, and returns what is noted of it.
fn written(
    manifest: &Manifest,
    (from, to): (u64, u64),
    content: &Content<'_>,
) -> Result<Chunk, IngestError> {
    let rows: Vec<&recorded::Row> = content.rows.iter().collect();
    let heads = content.headers.iter().map(|headed| &headed.head);
    let time = heads.map(|head| (head.block.number, head.timestamp)).collect();
    let tables: [PolarsResult<DataFrame>; 4] = [
        recorded::table(&rows),
        tables::blocks(&content.headers, &content.snapshots),
        tables::logs(&content.events, &time),
        tables::gaps(&content.gaps),
    ];
    let mut files = Vec::new();
    for (name, table) in names((from, to)).into_iter().zip(tables) {
        let bytes = table.and_then(|mut table| recorded::parquet(&mut table));
        let bytes = bytes.map_err(|source| IngestError::Table { name: name.clone(), source })?;
        files.push(manifest.store(&name, &bytes)?);
    }
    let mut logs = Logs::default();
    for event in &content.events {
        *(match event.found {
            Found::Decoded(_) => &mut logs.decoded,
            Found::Undecodable(_) => &mut logs.undecodable,
            Found::Unknown => &mut logs.unknown,
        }) += 1;
    }
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let ends = content.headers.first().zip(content.headers.last());
    let (parent, last, last_time) = ends.map_or((B256::ZERO, B256::ZERO, 0), |(first, last)| {
        (first.head.parent, last.head.block.hash, last.head.timestamp)
    });
    Ok(Chunk {
        from,
        to,
        parent,
        last,
        last_time,
        snapshots: count(content.snapshots.len()),
        rows: count(content.rows.len()),
        logs,
        gaps: missing(content),
        files,
    })
}

/// What could not be read, by what it is about.
fn missing(content: &Content<'_>) -> Vec<Missing> {
    let mut found: BTreeMap<&str, Missing> = BTreeMap::new();
    for gap in &content.gaps {
        let of = found.entry(&gap.about).or_insert_with(|| Missing {
            about: gap.about.clone(),
            snapshots: 0,
            first_block: gap.block,
            reason: gap.reason.clone(),
        });
        of.snapshots += 1;
    }
    found.into_values().collect()
}

/// Whether `folder` holds an ingest that was begun.
#[must_use]
pub fn is_begun(folder: &Path) -> bool {
    folder.join(manifest::NAME).exists()
}
