//! The proxy against a real node, the checkers against chains made to break their rules, and the engine against
//! the faults of the matrix.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod breaker;
mod campaign;
mod oracle;
mod policy;
mod proxy;
mod support;
