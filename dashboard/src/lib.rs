//! The engine's HTTP service: what the driver publishes, read by people and machines.
//!
//! [`channel`] gives two ends. The driver holds a [`Publisher`] and never waits for a reader; the [`Service`]
//! answers `/livez`, `/readyz`, `/metrics` and the read endpoints under `/v1`, whose OpenAPI document is made
//! from the handlers. [`logging`] writes logs, from which [`Secrets`] are cut.
//!
//! Nothing can be changed over HTTP. It depends on the vocabulary alone, neither on frames nor on a chain client.

mod clock;
mod events;
mod guard;
pub mod logging;
mod metrics;
mod problem;
mod publisher;
mod routes;
mod secrets;
mod service;
mod settings;
pub mod view;

pub use events::{Event, OutOfOrder, Span};
pub use metrics::Metrics;
pub use problem::Problem;
pub use publisher::{About, Publisher, channel};
pub use routes::openapi;
pub use secrets::{REDACTED, Secrets};
pub use service::{History, Service, ServiceError, listen};
pub use settings::Settings;
