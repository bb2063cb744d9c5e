//! What `ingest --json` prints.

use plimsoll_adapters::ingest::{Job, Logs, Missing, Outcome};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// The document.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    schema: u32,
    chain: u64,
    from_block: u64,
    to_block: u64,
    /// The hash of the last block.
    last_hash: String,
    /// Whether the chain says that the last block is final; unknown where a node does not say.
    is_final: Option<bool>,
    finalized_block: Option<u64>,
    /// Parts of the range.
    chunks: usize,
    /// Parts that were finished before.
    resumed: usize,
    blocks: u64,
    snapshots: u64,
    rows: u64,
    logs: Logs,
    /// What could not be read at some blocks, with the first reason.
    unread: Vec<Missing>,
    /// The hash of everything that was written: two folders with the same one hold the same bytes.
    hash: String,
    files: usize,
    bytes: u64,
    asked: Asked,
}

/// What it took: not of the files, and another one each time.
#[derive(Debug, Serialize)]
struct Asked {
    nodes: usize,
    requests: u64,
    /// Questions asked again.
    repeated: u64,
    /// Refusals for being asked too often.
    rate_limited: u64,
    /// Ranges asked for in smaller parts.
    split: u64,
    /// Blocks asked for one by one, since a range lacked events.
    withheld_blocks: u64,
}

impl Document {
    /// Returns that of a finished ingest by so many nodes, asked so often.
    pub(crate) fn of(
        (job, outcome): (&Job, &Outcome),
        chain: u64,
        (nodes, requests): (usize, u64),
    ) -> Document {
        let chunks = &outcome.chunks;
        let sum = |of: fn(&plimsoll_adapters::ingest::Chunk) -> u64| chunks.iter().map(of).sum();
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &job.retries.counts;
        Document {
            schema: 1,
            chain,
            from_block: job.from,
            to_block: job.to,
            last_hash: chunks.last().map(|chunk| chunk.last.to_string()).unwrap_or_default(),
            is_final: outcome.finalized.map(|finalized| finalized >= job.to),
            finalized_block: outcome.finalized,
            chunks: chunks.len(),
            resumed: outcome.resumed,
            blocks: sum(|chunk| chunk.to - chunk.from + 1),
            snapshots: sum(|chunk| chunk.snapshots),
            rows: sum(|chunk| chunk.rows),
            logs: Logs {
                decoded: sum(|chunk| chunk.logs.decoded),
                undecodable: sum(|chunk| chunk.logs.undecodable),
                unknown: sum(|chunk| chunk.logs.unknown),
            },
            unread: unread(outcome),
            hash: outcome.hash.clone(),
            files: chunks.iter().map(|chunk| chunk.files.len()).sum(),
            bytes: sum(|chunk| chunk.files.iter().map(|file| file.bytes).sum()),
            asked: Asked {
                nodes,
                requests,
                repeated: count(&counts.repeated),
                rate_limited: count(&counts.too_often),
                split: count(&counts.split),
                withheld_blocks: outcome.withheld,
            },
        }
    }

    /// What a person wants to know.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![format!(
            "blocks {} to {}: {} rows of markets at {} blocks, {} events ({} of unknown signature, {} of another form; both kept \
             as they are), {} files, {} bytes",
            self.from_block,
            self.to_block,
            self.rows,
            self.snapshots,
            self.logs.decoded + self.logs.undecodable + self.logs.unknown,
            self.logs.unknown,
            self.logs.undecodable,
            self.files,
            self.bytes
        )];
        lines.push(format!(
            "{} requests, {} asked again, {} refused as too many, {} ranges split, {} blocks asked for one by one",
            self.asked.requests,
            self.asked.repeated,
            self.asked.rate_limited,
            self.asked.split,
            self.asked.withheld_blocks
        ));
        lines.push(match (self.is_final, self.finalized_block) {
            (Some(true), _) => format!("block {} is final", self.to_block),
            (Some(false), Some(last)) => format!(
                "block {} is NOT final, {last} is: run the same command again later, and what was replaced is read again",
                self.to_block
            ),
            _ => format!("the nodes do not say whether block {} is final", self.to_block),
        });
        lines.extend(self.unread.iter().map(|missing| {
            format!(
                "{} could not be read at {} of {} blocks, first at {}: {}",
                missing.about,
                missing.snapshots,
                self.snapshots,
                missing.first_block,
                missing.reason
            )
        }));
        lines.push(format!("hash {}", self.hash));
        lines.join("\n")
    }
}

/// What could not be read, over all parts.
fn unread(outcome: &Outcome) -> Vec<Missing> {
    let mut found: BTreeMap<&str, Missing> = BTreeMap::new();
    for missing in outcome.chunks.iter().flat_map(|chunk| &chunk.gaps) {
        match found.get_mut(missing.about.as_str()) {
            Some(known) => known.snapshots += missing.snapshots,
            None => {
                found.insert(&missing.about, missing.clone());
            }
        }
    }
    found.into_values().collect()
}
