//! What goes wrong between the engine and the chain, made to happen, and judged.
//!
//! [`FaultProxy`] stands between the engine and a node and drops, delays, lags, lies and breaks what passes, by
//! rules and by a seed. [`Stage`] is a vault with money in it on a chain of its own. [`findings`] judges what came of
//! it: from the chain, from the journal on disk and from the bytes that were sent, with [`policy`] as a second
//! opinion on the limits. It is for tests: it never meets a public network.

pub mod abi;
pub mod clock;
pub mod engine;
pub mod oracle;
pub mod policy;
pub mod proxy;
pub mod runner;
pub mod stage;

pub use clock::Stopwatch;
pub use oracle::{Evidence, Finding, Remembered, findings};
pub use policy::{Breach, Limits};
pub use proxy::{Control, FaultProxy};
pub use runner::{Heard, Launch, Process, Runner, RunnerError};
pub use stage::{Guard, MILLION, Stage};
