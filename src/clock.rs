//! The one home of the wall clock.

use crate::exit::Kind;
use anyhow::{Context, anyhow};
use plimsoll_core::Time;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The variable that stands in for the clock, so that an answer from kept data can be had again.
const STAND_IN: &str = "PLIMSOLL_NOW";

/// Returns the time now: what [`STAND_IN`] says where it is set, else the clock's.
pub(crate) fn now() -> anyhow::Result<Time> {
    match std::env::var(STAND_IN).ok().filter(|text| !text.is_empty()) {
        Some(text) => parse(&text).context(Kind::Usage),
        None => Ok(wall()),
    }
}

/// How long something takes, by the clock that only goes forward.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch(Instant);

impl Watch {
    /// Begins now.
    #[expect(clippy::disallowed_methods, reason = "figures of speed; nothing is decided by them")]
    pub(crate) fn start() -> Watch {
        Watch(Instant::now())
    }

    /// How long ago that was.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

fn parse(text: &str) -> anyhow::Result<Time> {
    let at = chrono::DateTime::parse_from_rfc3339(text.trim());
    at.map(|at| Time(at.timestamp_millis()))
        .map_err(|_| anyhow!("{STAND_IN}={text}: expected a time such as 2026-06-01T12:00:00Z"))
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn wall() -> Time {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(passed.as_millis()).unwrap_or(i64::MAX))
}
