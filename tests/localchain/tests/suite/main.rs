//! The local chain, its contracts and its market.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod control;
mod exchanges;
mod lending;
mod liquidations;
mod lp;
mod market;
mod rates;
mod support;
mod v3_2;
mod world;
