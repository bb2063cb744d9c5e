//! Reading a journal, also while another process writes it.

use super::record::{Identity, Line, Record, chained, seed};
use super::{BUSY, Folded, JournalError, SCHEMA, file};
use plimsoll_core::Time;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::{Path, PathBuf};

/// A journal open for reading.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
    identity: Identity,
    seed: [u8; 32],
}

/// A journal whose every line was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Whose it is.
    pub identity: Identity,
    /// Number and hash of the last line.
    pub head: (i64, [u8; 32]),
    /// What the lines say.
    pub folded: Folded,
}

impl Reader {
    /// Opens the journal in `folder`.
    ///
    /// # Errors
    /// [`JournalError`] where there is none, or it is of another version.
    pub fn open(folder: &Path) -> Result<Reader, JournalError> {
        let path = file(folder);
        if !path.exists() {
            return Err(JournalError::Missing { path });
        }
        let failed = |detail: String| JournalError::Open { path: path.clone(), detail };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let opened = Connection::open_with_flags(&path, flags);
        let connection = opened.map_err(|error| failed(error.to_string()))?;
        connection.busy_timeout(BUSY).map_err(|error| failed(error.to_string()))?;
        // Whoever made it was stopped before anything was in it.
        let tables = "SELECT count(*) FROM sqlite_master WHERE name = 'meta'";
        let has_tables = connection.query_row(tables, [], |row| row.get::<_, i64>(0));
        if has_tables.map_err(|error| failed(error.to_string()))? == 0 {
            return Err(JournalError::Missing { path });
        }
        let meta = |key: &str| -> rusqlite::Result<Option<String>> {
            let mut ask = connection.prepare("SELECT value FROM meta WHERE key = ?1")?;
            ask.query_row([key], |row| row.get(0)).optional()
        };
        let found = meta("schema").map_err(|error| failed(error.to_string()))?.unwrap_or_default();
        if found != SCHEMA.to_string() {
            return Err(JournalError::Schema { path, found });
        }
        let text = meta("identity").map_err(|error| failed(error.to_string()))?.unwrap_or_default();
        let identity = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        let seed = seed(&text);
        Ok(Reader { connection, path, identity, seed })
    }

    /// Whose journal it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Gives every line to `each`, in order, from `first` on.
    ///
    /// # Errors
    /// [`JournalError`] of the file, or of `each`.
    pub fn lines(
        &self,
        first: i64,
        each: &mut dyn FnMut(Line) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let failed = |error: rusqlite::Error| JournalError::Open {
            path: self.path.clone(),
            detail: error.to_string(),
        };
        let query = "SELECT number, time_ms, kind, body, hash FROM lines WHERE number >= ?1 \
                     ORDER BY number";
        let mut ask = self.connection.prepare(query).map_err(failed)?;
        let mut rows = ask.query([first]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let line = (|| -> rusqlite::Result<Line> {
                Ok(Line {
                    number: row.get(0)?,
                    time: Time(row.get(1)?),
                    kind: row.get(2)?,
                    body: row.get(3)?,
                    hash: row.get(4)?,
                })
            })();
            each(line.map_err(failed)?)?;
        }
        Ok(())
    }

    /// Checks every line: that each follows from the one before, is a record, and can have happened.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] with the first line that does not.
    pub fn verify(&self) -> Result<Verified, JournalError> {
        let mut head = (0, self.seed);
        let mut folded = Folded::default();
        self.lines(i64::MIN, &mut |line| {
            let record = self.record(&line, head)?;
            folded.take(&record).map_err(|illegal| self.damaged(&line, &illegal.to_string()))?;
            head = (line.number, line.hash);
            Ok(())
        })?;
        Ok(Verified { identity: self.identity.clone(), head, folded })
    }

    /// The record of `line`, which has to follow `head`.
    fn record(&self, line: &Line, head: (i64, [u8; 32])) -> Result<Record, JournalError> {
        if line.number != head.0 + 1 {
            return Err(self.damaged(line, &format!("line {} is missing", head.0 + 1)));
        }
        let hash = chained(&head.1, line.number, line.time, &line.kind, &line.body);
        if hash != line.hash {
            return Err(self.damaged(line, "its hash does not follow from the line before"));
        }
        let record: Record = serde_json::from_str(&line.body)
            .map_err(|error| self.damaged(line, &format!("it is no record: {error}")))?;
        if record.kind() != line.kind {
            return Err(self.damaged(line, "its kind is not that of its record"));
        }
        Ok(record)
    }

    fn damaged(&self, line: &Line, detail: &str) -> JournalError {
        let detail = detail.to_owned();
        JournalError::Damaged { path: self.path.clone(), number: line.number, detail }
    }
}
