//! The one place of this crate that reads a clock: how long ago the driver published something.
//!
//! Only differences are used, and only to call figures stale. Everything else about time comes from the driver.

use std::time::{Duration, Instant};

/// When something was published, by the clock that only goes forward.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Since(Instant);

impl Since {
    /// Now.
    #[expect(
        clippy::disallowed_methods,
        reason = "a driver that hangs cannot say so: the age of its last word is measured here"
    )]
    pub(crate) fn now() -> Since {
        Since(Instant::now())
    }

    /// How long ago that was.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
