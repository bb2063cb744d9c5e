//! Balancer V2's ComposableStable pool, version 3: [`StablePool`], and its invariant in [`math`].

mod decimal;
pub mod math;
mod pool;
mod visit;

pub use pool::{Amplification, MINIMUM_SUPPLY, StablePool, StableToken};

#[cfg(test)]
mod tests;
