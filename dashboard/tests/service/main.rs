//! The service as its readers see it: a real server on loopback, real HTTP, a real Prometheus.

mod answers;
mod logs;
mod scraped;
mod stopping;
mod stream;
mod support;
mod world;
