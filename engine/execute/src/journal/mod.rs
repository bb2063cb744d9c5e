//! The journal: everything that was known, decided and done, in one SQLite file, each line chained to the
//! one before by its hash.
//!
//! One process writes; the file beside it is locked while it does. Nothing is acknowledged before it is on
//! disk. After the first failure to write, nothing is ever written or signed again by this process: what a
//! disk says after it has failed is not believed.

mod reader;
mod record;

pub use reader::{Reader, Verified};
pub use record::{Identity, Line, Record, chained, seed};

use crate::killpoint;
use plimsoll_core::execution::{Breaker, IllegalStep, Intents, PlanId, Step, Trip};
use plimsoll_core::journal::{Executed, Marked};
use plimsoll_core::{Entry, Time};
use rusqlite::{Connection, OpenFlags, params};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The version of the tables.
const SCHEMA: i64 = 1;
/// How long a reader is waited for.
const BUSY: Duration = Duration::from_secs(5);
const TABLES: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE lines (
        number INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, kind TEXT NOT NULL, plan TEXT,
        body TEXT NOT NULL, hash BLOB NOT NULL
    ) STRICT;
    CREATE INDEX lines_by_plan ON lines (plan) WHERE plan IS NOT NULL;
    CREATE TABLE sign_guard (nonce INTEGER PRIMARY KEY, plan TEXT NOT NULL UNIQUE) STRICT;
";

/// The journal of one signer on one chain, open for writing.
#[derive(Debug)]
pub struct Journal {
    connection: Connection,
    path: PathBuf,
    head: (i64, [u8; 32]),
    folded: Folded,
    is_broken: bool,
    /// Held as long as this process writes.
    _lock: File,
}

/// What the lines say when they are folded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Folded {
    /// Every plan.
    pub intents: Intents,
    /// Where the breaker stands.
    pub breaker: Breaker,
    /// What the plans that are final did, oldest first.
    pub executed: Vec<(PlanId, Executed)>,
    /// The newest valuation.
    pub marked: Option<Marked>,
    /// Whether a person wants everything out.
    pub is_leaving: bool,
}

/// Why there is no journal, or no line was written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process writes.
    #[error("{path}: another process writes this journal; stop it first, or give another folder")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be opened.
    #[error("{path}: {detail}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        detail: String,
    },
    /// There is no journal where there should be one.
    #[error(
        "{path}: there is no journal here. Without it nobody knows what was signed; restore it, or start a \
         new one with `plimsoll init` after making sure that no transaction of this key is on its way"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The journal of someone else.
    #[error("{path}: this is the journal of {found}, not of {wanted}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose was asked for.
        wanted: String,
    },
    /// Tables of another version.
    #[error("{path}: written by another version (tables {found}, this one knows {SCHEMA})")]
    Schema {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: String,
    },
    /// A line that does not follow from the one before, or is no record.
    #[error("{path}: line {number} is damaged: {detail}; nothing may be signed on it")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line.
        number: i64,
        /// What is wrong.
        detail: String,
    },
    /// A step that cannot have happened.
    #[error(transparent)]
    Illegal(#[from] IllegalStep),
    /// The disk.
    #[error("{path}: could not be written: {detail}; the engine stops, what is on disk is kept")]
    Write {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        detail: String,
    },
    /// It failed before.
    #[error("{path}: a write failed before, so nothing more is written; start again")]
    Broken {
        /// The file.
        path: PathBuf,
    },
}

impl Journal {
    /// Creates a journal that is not there yet.
    ///
    /// # Errors
    /// [`JournalError`]; also where there is one already.
    pub fn create(folder: &Path, identity: &Identity) -> Result<Journal, JournalError> {
        let path = file(folder);
        let opened = |error: &dyn std::fmt::Display| JournalError::Open {
            path: path.clone(),
            detail: error.to_string(),
        };
        std::fs::create_dir_all(folder).map_err(|error| opened(&error))?;
        let lock = locked(folder)?;
        if path.exists() && Reader::open(folder).is_ok() {
            return Err(opened(&"there is a journal already"));
        }
        // A process that was killed while it made the tables leaves a file without them: begin again.
        let mut connection =
            connect(&path, OpenFlags::default()).map_err(|error| opened(&error))?;
        let identity = serde_json::to_string(identity).map_err(|error| opened(&error))?;
        killpoint!("journal.create.before");
        let made = (|| -> rusqlite::Result<()> {
            let all = connection.transaction()?;
            all.execute_batch(TABLES)?;
            let mut put = all.prepare("INSERT INTO meta VALUES (?1, ?2)")?;
            put.execute(params!["schema", SCHEMA.to_string()])?;
            put.execute(params!["identity", identity])?;
            drop(put);
            killpoint!("journal.create.uncommitted");
            all.commit()
        })();
        made.map_err(|error| opened(&error))?;
        killpoint!("journal.create.after");
        let head = (0, seed(&identity));
        Ok(Journal {
            connection,
            path,
            head,
            folded: Folded::default(),
            is_broken: false,
            _lock: lock,
        })
    }

    /// Opens a journal and reads it whole: every hash, every step.
    ///
    /// # Errors
    /// [`JournalError`]; nothing may be signed then.
    pub fn open(folder: &Path, identity: &Identity) -> Result<Journal, JournalError> {
        let path = file(folder);
        if !path.exists() {
            return Err(JournalError::Missing { path });
        }
        let lock = locked(folder)?;
        killpoint!("journal.open.before");
        let verified = Reader::open(folder)?.verify()?;
        if verified.identity != *identity {
            let said = |identity: &Identity| {
                format!(
                    "{} for vault {} on chain {}",
                    identity.signer, identity.vault, identity.chain
                )
            };
            let (found, wanted) = (said(&verified.identity), said(identity));
            return Err(JournalError::Foreign { path, found, wanted });
        }
        let opened = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE);
        let connection = opened.map_err(|error| JournalError::Open {
            path: path.clone(),
            detail: error.to_string(),
        })?;
        killpoint!("journal.open.after");
        let Verified { head, folded, .. } = verified;
        Ok(Journal { connection, path, head, folded, is_broken: false, _lock: lock })
    }

    /// Gives every line with its record to `each`, in order.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn read(&self, each: &mut dyn FnMut(&Line, &Record)) -> Result<(), JournalError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        Reader::open(folder)?.lines(0, &mut |line| {
            let damaged = |error: serde_json::Error| JournalError::Damaged {
                path: self.path.clone(),
                number: line.number,
                detail: error.to_string(),
            };
            let record = serde_json::from_str(&line.body).map_err(damaged)?;
            each(&line, &record);
            Ok(())
        })
    }

    /// What the lines say.
    #[must_use]
    pub fn folded(&self) -> &Folded {
        &self.folded
    }

    /// Whether a write failed: nothing more is written then.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// The number and hash of the last line.
    #[must_use]
    pub fn head(&self) -> (i64, [u8; 32]) {
        self.head
    }

    /// Takes a step of a plan: it is legal, and on disk when this returns.
    ///
    /// # Errors
    /// [`JournalError`]; where the step was legal, the disk failed and nothing may follow.
    pub fn step(&mut self, time: Time, plan: PlanId, step: Step) -> Result<(), JournalError> {
        self.append(time, &Record::Step { plan, step })
    }

    /// Writes a record; it is on disk when this returns.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn append(&mut self, time: Time, record: &Record) -> Result<(), JournalError> {
        if self.is_broken {
            return Err(JournalError::Broken { path: self.path.clone() });
        }
        // A step that is legal and then not written leaves a journal that says nothing more.
        self.folded.take(record)?;
        let kind = record.kind();
        killpoint!("journal.{kind}.before");
        match self.written(time, record) {
            Ok(head) => {
                self.head = head;
                killpoint!("journal.{kind}.after");
                Ok(())
            }
            Err(detail) => {
                self.is_broken = true;
                Err(JournalError::Write { path: self.path.clone(), detail })
            }
        }
    }

    /// Writes a line in a transaction of its own and returns the new head.
    fn written(&mut self, time: Time, record: &Record) -> Result<(i64, [u8; 32]), String> {
        let kind = record.kind();
        let body = serde_json::to_string(record).map_err(|error| error.to_string())?;
        let (last, before) = self.head;
        let number = last + 1;
        let hash = chained(&before, number, time, kind, &body);
        let plan = record.plan().map(|plan| plan.to_string());
        let committed = (|| -> rusqlite::Result<()> {
            let all = self.connection.transaction()?;
            all.prepare_cached("INSERT INTO lines VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![number, time.0, kind, plan, body, hash.as_slice()])?;
            match record {
                // The same nonce for two plans would break here even if everything above were wrong.
                Record::Step { plan, step: Step::NonceBound { nonce } } => {
                    all.prepare_cached("INSERT INTO sign_guard VALUES (?1, ?2)")?
                        .execute(params![i64::try_from(*nonce).ok(), plan.to_string()])?;
                }
                Record::Step { plan, step: Step::Abandoned { .. } } => {
                    all.prepare_cached("DELETE FROM sign_guard WHERE plan = ?1")?
                        .execute(params![plan.to_string()])?;
                }
                _ => {}
            }
            killpoint!("journal.{kind}.uncommitted");
            all.commit()
        })();
        committed.map(|()| (number, hash)).map_err(|error| error.to_string())
    }
}

impl Folded {
    /// Takes a record into account.
    ///
    /// # Errors
    /// [`IllegalStep`]; then nothing changed.
    pub fn take(&mut self, record: &Record) -> Result<(), IllegalStep> {
        match record {
            Record::Step { plan, step } => self.intents.apply(*plan, step),
            Record::Trip(trip) => {
                self.breaker = self.breaker.after(trip);
                self.is_leaving = match trip {
                    Trip::Leave => true,
                    Trip::Operator { .. } => false,
                    _ => self.is_leaving,
                };
                Ok(())
            }
            Record::Settled { plan, executed } => {
                self.executed.push((*plan, executed.clone()));
                Ok(())
            }
            Record::Entry(Entry::Marked(marked)) => {
                self.marked = Some(marked.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// The journal's file in its folder.
#[must_use]
pub fn file(folder: &Path) -> PathBuf {
    folder.join("journal.sqlite")
}

/// Locks the folder for writing.
fn locked(folder: &Path) -> Result<File, JournalError> {
    let path = folder.join("journal.lock");
    let opened = |error: std::io::Error| JournalError::Open {
        path: path.clone(),
        detail: error.to_string(),
    };
    let options = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = options.map_err(opened)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path: file(folder) }),
        Err(TryLockError::Error(error)) => Err(opened(error)),
    }
}

/// Opens the file as it has to be for every commit to be on disk.
fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    Ok(connection)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
