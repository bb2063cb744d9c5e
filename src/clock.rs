//! The one home of the wall clock.

use plimsoll_core::Time;
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time now.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn now() -> Time {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(passed.as_millis()).unwrap_or(i64::MAX))
}
