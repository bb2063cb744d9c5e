//! The one place of this crate that looks at the wall clock: how long the engine takes to be ready again is
//! measured in seconds of a person's day, not of the chain's.

use std::time::{Duration, Instant};

/// A clock that was started.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts one.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is time to recover; nothing depends on it"
    )]
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// Returns the time since it was started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
