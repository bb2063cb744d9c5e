//! The service as its readers see it: a real server on loopback, real HTTP, a real Prometheus.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod answers;
mod logs;
mod scraped;
mod stopping;
mod stream;
mod support;
mod world;
