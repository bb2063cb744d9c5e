//! Tests that see everything: the command line on made-up and on real history, bad input, the contract
//! of the output, look-ahead, and the shape of the workspace.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod accounts;
mod advice;
mod architecture;
mod bad_input;
mod command_line;
mod curves;
mod history;
mod how_it_decides;
mod ingest;
mod journal;
mod kinds;
mod lines;
mod live;
mod llama;
mod look_ahead;
mod models_score;
mod output_contract;
mod scorecard;
mod sender;
mod support;
