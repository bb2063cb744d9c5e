//! `plimsoll ingest` as a process, on a local chain whose markets live: what it writes, what becomes of it when it is
//! killed, and what it makes of nodes that limit, break off, withhold and forget.

mod faults;
mod show;
mod stage;
