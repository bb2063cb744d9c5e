//! Features, forecasts, scenarios and scores: what each market will pay, and how it can hurt.
//!
//! Pure: a view goes in, a table of scores comes out. Every random draw is seeded.

pub mod bootstrap;
pub mod curves;
pub mod features;
pub mod first;
pub mod forecast;
pub mod kinds;
pub mod panel;
pub mod priors;
pub mod regression;
pub mod scenarios;
pub mod scorecard;
#[cfg(test)]
mod test_panel;

pub use first::{FirstModel, FirstSettings};
