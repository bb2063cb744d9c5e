//! The list of what is finished: a line for each part, each with the hash of everything before it.
//!
//! A part's files are durable before its line is written, so that a process killed anywhere leaves either a part
//! that is there, or one that is read again. Nothing of the clock or of the nodes' moods is in it: two runs over the
//! same blocks write the same bytes, however often either was interrupted.

use super::error::IngestError;
use super::tables::{BLOCKS, GAPS, LOGS};
use crate::live::{PriceSettings, ProtocolSettings};
use crate::recorded::{PREFIX, store};
use alloy::primitives::B256;
use plimsoll_execute::killpoint;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// The file of lines.
pub(super) const NAME: &str = "ingest.jsonl";
/// The file that is locked while somebody writes.
const LOCK: &str = "ingest.lock";
/// Of what is written: another form of files or lines is another number.
const SCHEMA: u32 = 1;

/// At which blocks the markets are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// At the first block, and every so many from there.
    Blocks(NonZeroU64),
    /// At the first block of every so many seconds since 1970, such as of each hour.
    Seconds(NonZeroU64),
}

/// What a folder holds: everything that its bytes follow from, but for where it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    schema: u32,
    /// The chain's id.
    pub chain: u64,
    /// The hash of the chain's first block.
    pub genesis: B256,
    /// The first block.
    pub from: u64,
    /// Blocks of a part.
    pub chunk_blocks: NonZeroU64,
    /// When the markets are read.
    pub every: Every,
    /// The markets.
    pub protocols: Vec<ProtocolSettings>,
    /// The prices.
    pub prices: Option<PriceSettings>,
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its first block.
    pub from: u64,
    /// Its last block.
    pub to: u64,
    /// The hash of the block before it.
    pub parent: B256,
    /// The hash of its last block.
    pub last: B256,
    /// The time of its last block, Unix seconds: the next part's snapshots follow from it.
    pub last_time: u64,
    /// Blocks at which the markets were read.
    pub snapshots: u64,
    /// Rows of markets.
    pub rows: u64,
    /// Events.
    pub logs: Logs,
    /// What could not be read at a block, by market or price.
    pub gaps: Vec<Missing>,
    /// Its files.
    pub files: Vec<Written>,
}

/// Events, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Logs {
    /// Understood.
    pub decoded: u64,
    /// Of a known signature and another form; kept as they are.
    pub undecodable: u64,
    /// Of an unknown signature; kept as they are.
    pub unknown: u64,
}

/// A market or a price that could not be read at some blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The market, or `price:` and the asset.
    pub about: String,
    /// At how many blocks.
    pub snapshots: u64,
    /// The first of them.
    pub first_block: u64,
    /// Why, there.
    pub reason: String,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// Its length, bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// A line: what it says, and the hash of that and of the line before.
#[derive(Debug, Serialize, Deserialize)]
struct Line<'a> {
    hash: String,
    #[serde(borrow)]
    entry: &'a RawValue,
}

/// The folder of an ingest, locked.
#[derive(Debug)]
pub(super) struct Manifest {
    folder: PathBuf,
    _lock: File,
    identity: String,
    hash: String,
    /// The finished parts, in order.
    pub(super) chunks: Vec<Chunk>,
    /// Finished parts with a file that is not there any more: their places.
    pub(super) missing: BTreeSet<usize>,
}

impl Identity {
    /// Returns that of an ingest.
    #[must_use]
    pub fn new(
        (chain, genesis): (u64, B256),
        (from, chunk_blocks, every): (u64, NonZeroU64, Every),
        (protocols, prices): (Vec<ProtocolSettings>, Option<PriceSettings>),
    ) -> Identity {
        Identity { schema: SCHEMA, chain, genesis, from, chunk_blocks, every, protocols, prices }
    }

    /// The parts of the range up to `to`.
    pub(super) fn parts(&self, to: u64) -> Vec<(u64, u64)> {
        let (mut parts, mut from) = (Vec::new(), self.from);
        while from <= to {
            let last = to.min(from.saturating_add(self.chunk_blocks.get() - 1));
            parts.push((from, last));
            from = last.saturating_add(1);
        }
        parts
    }

    /// The first thing that `other` has otherwise, with both.
    fn difference(&self, other: &Identity) -> Option<(&'static str, String, String)> {
        let fields: [(&'static str, [String; 2]); 8] = [
            ("layout", [self.schema, other.schema].map(|it| it.to_string())),
            ("chain", [self.chain, other.chain].map(|it| it.to_string())),
            ("first block of the chain", [self.genesis, other.genesis].map(|it| it.to_string())),
            ("--from-block", [self.from, other.from].map(|it| it.to_string())),
            ("--chunk-blocks", [self.chunk_blocks, other.chunk_blocks].map(|it| it.to_string())),
            ("--every", [self, other].map(|it| text(&it.every))),
            ("markets", [self, other].map(|it| text(&it.protocols))),
            ("prices", [self, other].map(|it| text(&it.prices))),
        ];
        let mut fields = fields.into_iter().map(|(name, [ours, theirs])| (name, ours, theirs));
        fields.find(|(_, ours, theirs)| ours != theirs)
    }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

impl Manifest {
    /// Locks `folder` and takes up what an earlier process finished there.
    pub(super) fn open(folder: &Path, wanted: &Identity, to: u64) -> Result<Manifest, IngestError> {
        let io = |source| IngestError::Io { path: folder.join(NAME), source };
        fs::create_dir_all(folder).map_err(io)?;
        let lock = locked(folder)?;
        let before = match fs::read_to_string(folder.join(NAME)) {
            Ok(before) => before,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(io(error)),
        };
        let mut manifest = Manifest {
            folder: folder.to_owned(),
            _lock: lock,
            identity: text(wanted),
            hash: String::new(),
            chunks: Vec::new(),
            missing: BTreeSet::new(),
        };
        manifest.read(&before, wanted)?;
        manifest.keep(wanted, to)?;
        manifest.sweep(&wanted.parts(to))?;
        manifest.look()?;
        Ok(manifest)
    }

    /// Reads the lines; a last one that was not finished is none.
    fn read(&mut self, before: &str, wanted: &Identity) -> Result<(), IngestError> {
        let whole = before.rfind('\n').map_or(0, |end| end + 1);
        for (place, line) in before.get(..whole).unwrap_or_default().lines().enumerate() {
            let damaged = |detail: &str| IngestError::Damaged {
                path: self.folder.join(NAME),
                detail: format!(
                    "line {}: {detail}; remove the folder's files and run again, or restore them",
                    place + 1
                ),
            };
            let line: Line<'_> =
                serde_json::from_str(line).map_err(|error| damaged(&error.to_string()))?;
            let hash = chained(&self.hash, line.entry.get());
            if hash != line.hash {
                return Err(damaged("its hash is not that of what it says"));
            }
            if place == 0 {
                let found: Identity = serde_json::from_str(line.entry.get())
                    .map_err(|error| damaged(&error.to_string()))?;
                if let Some((field, found, wanted)) = found.difference(wanted) {
                    let folder = self.folder.clone();
                    return Err(IngestError::Other { folder, field, found, wanted });
                }
            } else {
                let chunk = serde_json::from_str(line.entry.get());
                self.chunks.push(chunk.map_err(|error| damaged(&error.to_string()))?);
            }
            self.hash = hash;
        }
        if self.hash.is_empty() || whole < before.len() {
            return self.rewrite();
        }
        Ok(())
    }

    /// Keeps the parts that are those of the range, and lets the rest go: a shorter last part grows with the range.
    fn keep(&mut self, wanted: &Identity, to: u64) -> Result<(), IngestError> {
        if let Some(last) = self.chunks.last().filter(|last| last.to > to) {
            return Err(IngestError::Other {
                folder: self.folder.clone(),
                field: "--to-block",
                found: last.to.to_string(),
                wanted: format!("{to}, which is less"),
            });
        }
        let parts = wanted.parts(to);
        let same = self.chunks.iter().zip(&parts);
        let same = same.take_while(|(chunk, part)| (chunk.from, chunk.to) == **part).count();
        self.truncate(same)
    }

    /// Forgets the parts from the place `count` on, and removes their files.
    pub(super) fn truncate(&mut self, count: usize) -> Result<(), IngestError> {
        if count >= self.chunks.len() {
            return Ok(());
        }
        let gone = self.chunks.split_off(count);
        // The line goes first: files without a line are swept up, lines without a file would be looked for.
        self.rewrite()?;
        for file in gone.iter().flat_map(|chunk| &chunk.files) {
            self.remove(&self.folder.join(&file.name))?;
        }
        Ok(())
    }

    /// Removes what a killed process left half done, and refuses history that is of something else.
    fn sweep(&self, parts: &[(u64, u64)]) -> Result<(), IngestError> {
        let io = |source| IngestError::Io { path: self.folder.clone(), source };
        let known: BTreeSet<&str> = self
            .chunks
            .iter()
            .flat_map(|chunk| &chunk.files)
            .map(|file| file.name.as_str())
            .collect();
        let ours: BTreeSet<String> = parts.iter().flat_map(|part| names(*part)).collect();
        for entry in fs::read_dir(&self.folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_of = |prefix: &&str| name.starts_with(prefix);
            let is_kind = [PREFIX, BLOCKS, LOGS, GAPS].iter().any(is_of);
            let is_half = name.strip_suffix(".new").is_some_and(|name| {
                name == NAME
                    || [PREFIX, BLOCKS, LOGS, GAPS].iter().any(|kind| name.starts_with(kind))
            });
            if is_half || (ours.contains(&name) && !known.contains(name.as_str())) {
                self.remove(&path)?;
            } else if is_kind && !known.contains(name.as_str()) {
                return Err(IngestError::Foreign { path });
            }
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<(), IngestError> {
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(IngestError::Io { path: path.to_owned(), source })
            }
            _ => Ok(()),
        }
    }

    /// Compares the files with their lines.
    fn look(&mut self) -> Result<(), IngestError> {
        for (place, chunk) in self.chunks.iter().enumerate() {
            for file in &chunk.files {
                let path = self.folder.join(&file.name);
                match fs::read(&path) {
                    Ok(bytes) if sha256(&bytes) == file.sha256 => {}
                    Ok(_) => {
                        let detail = "is not what was written; remove it and run again: it is then read anew";
                        return Err(IngestError::Damaged { path, detail: detail.to_owned() });
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        self.missing.insert(place);
                    }
                    Err(source) => return Err(IngestError::Io { path, source }),
                }
            }
        }
        Ok(())
    }

    /// Puts a file of a part into the folder.
    pub(super) fn store(&self, name: &str, bytes: &[u8]) -> Result<Written, IngestError> {
        killpoint!("ingest before {name}");
        store(&self.folder, name, bytes)
            .map_err(|source| IngestError::Io { path: self.folder.join(name), source })?;
        killpoint!("ingest after {name}");
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(Written { name: name.to_owned(), bytes: length, sha256: sha256(bytes) })
    }

    /// Notes that a part is finished: the one at `place`, or the next.
    pub(super) fn finish(&mut self, place: usize, chunk: Chunk) -> Result<(), IngestError> {
        if let Some(known) = self.chunks.get(place) {
            if *known == chunk {
                self.missing.remove(&place);
                return Ok(());
            }
            return Err(IngestError::Damaged {
                path: self.folder.join(NAME),
                detail: format!(
                    "blocks {} to {} are not what they were when they were first read; begin anew in another folder",
                    chunk.from, chunk.to
                ),
            });
        }
        let path = self.folder.join(NAME);
        let io = |source| IngestError::Io { path: path.clone(), source };
        let line = self.line(&text(&chunk)).map_err(io)?;
        let mut file = OpenOptions::new().append(true).open(&path).map_err(io)?;
        let (half, rest) = line.as_bytes().split_at(line.len() / 2);
        file.write_all(half).map_err(io)?;
        killpoint!("ingest within a line");
        file.write_all(rest).map_err(io)?;
        file.sync_all().map_err(io)?;
        killpoint!("ingest after a line");
        self.chunks.push(chunk);
        Ok(())
    }

    /// Writes all lines anew.
    fn rewrite(&mut self) -> Result<(), IngestError> {
        let path = self.folder.join(NAME);
        let io = |source| IngestError::Io { path: path.clone(), source };
        self.hash.clear();
        let entries: Vec<String> =
            std::iter::once(self.identity.clone()).chain(self.chunks.iter().map(text)).collect();
        let mut lines = String::new();
        for entry in entries {
            lines.push_str(&self.line(&entry).map_err(io)?);
        }
        store(&self.folder, NAME, lines.as_bytes()).map_err(io)
    }

    /// The line of `entry`, after which its hash is the newest.
    fn line(&mut self, entry: &str) -> io::Result<String> {
        self.hash = chained(&self.hash, entry);
        let raw: &RawValue = serde_json::from_str(entry)?;
        let line = Line { hash: self.hash.clone(), entry: raw };
        Ok(format!("{}\n", serde_json::to_string(&line)?))
    }

    /// The hash of everything that is finished.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The files of a part.
pub(super) fn names((from, to): (u64, u64)) -> [String; 4] {
    [PREFIX, BLOCKS, LOGS, GAPS].map(|kind| format!("{kind}{from:012}_{to:012}.parquet"))
}

fn locked(folder: &Path) -> Result<File, IngestError> {
    let path = folder.join(LOCK);
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = opened.map_err(|source| IngestError::Io { path: path.clone(), source })?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(IngestError::Locked { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(IngestError::Io { path, source }),
    }
}

fn chained(before: &str, entry: &str) -> String {
    sha256([before, "\n", entry].concat().as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
