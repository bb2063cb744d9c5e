//! Differential: what `plimsoll_core::lp` computes equals what the deployed bytecode does, to the wei: what every call
//! returns, what it logs, and the state after it.

mod bench;
mod managed;
mod rewards;
mod stable;
mod v2;
mod v3;
mod v3_steps;
