//! The places at which an engine can be killed, from a recording of a run in which it was not.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// The n-th time that the engine comes by a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KillPoint {
    /// The place's name.
    pub name: String,
    /// From 1.
    pub nth: u64,
}

impl fmt::Display for KillPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.nth)
    }
}

/// Returns every place that a run came by, as often as it did, in order: what `PLIMSOLL_KILL_TRACE` wrote.
///
/// # Errors
/// Whatever the system says of the file.
pub fn recorded(trace: &Path) -> std::io::Result<Vec<KillPoint>> {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let text = std::fs::read_to_string(trace)?;
    let points = text.lines().map(|name| {
        let nth = seen.entry(name.to_owned()).or_default();
        *nth += 1;
        KillPoint { name: name.to_owned(), nth: *nth }
    });
    Ok(points.collect())
}
