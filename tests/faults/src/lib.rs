//! What goes wrong between the engine and the chain, made to happen, and judged.
//!
//! [`FaultProxy`] stands between the engine and a node and drops, delays, lags, lies and breaks what passes, by
//! rules and by a seed. It is for tests: it never meets a public network.

pub mod clock;
pub mod proxy;

pub use clock::Stopwatch;
pub use proxy::{Control, FaultProxy};
