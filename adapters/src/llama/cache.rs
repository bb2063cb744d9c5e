//! Answers kept on disk: one file each, with the time it was fetched and a checksum.
//!
//! A file is written aside and renamed, so a run that is killed leaves the old copy or the new one. A
//! file that is not what was written is reported and never read.

use plimsoll_core::Time;
use plimsoll_execute::AdapterError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where answers are kept, and for how long they will do.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheSettings {
    /// The folder; it is made where it is not there.
    pub folder: PathBuf,
    /// Age after which an answer is fetched again, days.
    pub max_age_days: f64,
}

/// A folder of answers.
pub(super) struct Cache {
    settings: CacheSettings,
}

/// What there is under a key.
#[derive(Debug, PartialEq)]
pub(super) enum Kept {
    /// Nothing.
    Nothing,
    /// What was written.
    Answer(Answer),
    /// Something else.
    Damaged(String),
}

/// An answer as it was written.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    /// When it was fetched.
    pub(super) fetched_at: Time,
    /// The answer.
    pub(super) body: Vec<u8>,
}

/// The first line of a file; the answer follows it.
#[derive(Serialize, Deserialize)]
struct Header {
    /// What the answer is of, for people: the checksum covers the key.
    of: String,
    fetched_at: Time,
    sha256: String,
}

impl Cache {
    /// Opens the folder and makes it where it is not there.
    pub(super) fn open(settings: CacheSettings) -> Result<Cache, AdapterError> {
        std::fs::create_dir_all(&settings.folder).map_err(|error| AdapterError::NoCache {
            dir: settings.folder.display().to_string(),
            detail: error.to_string(),
        })?;
        Ok(Cache { settings })
    }

    /// Whether a copy is young enough to be used unasked; one from the future is not.
    pub(super) fn is_fresh(&self, fetched_at: Time, now: Time) -> bool {
        (0.0..=self.settings.max_age_days).contains(&now.days_since(fetched_at))
    }

    /// Reads what is kept under `key`.
    pub(super) fn read(&self, key: &str) -> Kept {
        let content = match std::fs::read(self.file(key)) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Kept::Nothing,
            Err(error) => return Kept::Damaged(error.to_string()),
        };
        let mut parts = content.splitn(2, |byte| *byte == b'\n');
        let header = parts.next().and_then(|line| serde_json::from_slice::<Header>(line).ok());
        let (Some(Header { fetched_at, sha256, .. }), Some(body)) = (header, parts.next()) else {
            return Kept::Damaged("it has no readable first line".to_owned());
        };
        if checksum(key, fetched_at, body) != sha256 {
            return Kept::Damaged("its SHA-256 is not the one that was written".to_owned());
        }
        Kept::Answer(Answer { fetched_at, body: body.to_vec() })
    }

    /// Writes `body` under `key`; `of` says to people what it is.
    pub(super) fn write(&self, key: &str, of: &str, answer: &Answer) -> std::io::Result<()> {
        let header = Header {
            of: of.to_owned(),
            fetched_at: answer.fetched_at,
            sha256: checksum(key, answer.fetched_at, &answer.body),
        };
        let file = self.file(key);
        // Two runs at once write aside to files of their own; the later rename wins.
        let aside = file.with_extension(format!("{}.part", std::process::id()));
        let written = write_whole(&aside, &serde_json::to_vec(&header)?, &answer.body)
            .and_then(|()| std::fs::rename(&aside, &file));
        if written.is_err() {
            // Nothing is lost where this fails too: a later run overwrites the file.
            let _ = std::fs::remove_file(&aside);
        }
        written
    }

    /// The file of a key: a name that holds nothing of what the key holds, such as a paid plan's.
    pub(super) fn file(&self, key: &str) -> PathBuf {
        let name: String = hexadecimal(Sha256::digest(key)).chars().take(32).collect();
        self.settings.folder.join(format!("{name}.llama"))
    }
}

fn write_whole(path: &Path, header: &[u8], body: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(header)?;
    file.write_all(b"\n")?;
    file.write_all(body)?;
    file.sync_all()
}

/// The checksum of all that must not change: a copy under another key, or with another time, is damaged.
fn checksum(key: &str, fetched_at: Time, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(key.len().to_le_bytes());
    hash.update(key);
    hash.update(fetched_at.0.to_le_bytes());
    hash.update(body);
    hexadecimal(hash.finalize())
}

fn hexadecimal(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(folder: &Path) -> Cache {
        let settings = CacheSettings { folder: folder.join("new"), max_age_days: 1.0 };
        Cache::open(settings).unwrap()
    }

    fn copy(body: &[u8]) -> Answer {
        Answer { fetched_at: Time(86_400_000), body: body.to_vec() }
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        assert_eq!(cache.read("a"), Kept::Nothing);
        cache.write("a", "A", &copy(b"old")).unwrap();
        cache.write("a", "A", &copy(b"with\na second line \xff")).unwrap();
        assert_eq!(cache.read("a"), Kept::Answer(copy(b"with\na second line \xff")));
        assert_eq!(cache.read("b"), Kept::Nothing);
        assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 1);
    }

    #[test]
    fn a_changed_cut_or_moved_copy_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        cache.write("a", "A", &copy(b"body")).unwrap();
        let whole = std::fs::read(cache.file("a")).unwrap();
        for length in 0..whole.len() {
            std::fs::write(cache.file("a"), &whole[..length]).unwrap();
            assert!(matches!(cache.read("a"), Kept::Damaged(_)), "cut to {length} bytes");
        }
        let text = String::from_utf8(whole.clone()).unwrap();
        std::fs::write(cache.file("a"), text.replace("86400000", "96400000")).unwrap();
        assert!(matches!(cache.read("a"), Kept::Damaged(_)), "with another time");
        std::fs::write(cache.file("b"), whole).unwrap();
        assert!(matches!(cache.read("b"), Kept::Damaged(_)), "under another key");
    }

    #[test]
    fn a_copy_is_fresh_up_to_its_age_and_never_before_it_was_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        assert!(cache.is_fresh(Time(0), Time(86_400_000)));
        assert!(!cache.is_fresh(Time(0), Time(86_400_001)));
        assert!(!cache.is_fresh(Time(1), Time(0)));
    }
}
