//! The live driver: each block is read, judged and answered, by the same loop body as a replay.
//!
//! What a decision follows from is written down before it is taken ([`Inputs`]), and the decision is a pure
//! function of that and of what was written down before ([`Desk`]); so a journal can be replayed to the same
//! plans, byte for byte. [`Engine`] does what is not pure: it asks nodes, writes, signs and sends.

pub mod books;
mod desk;
mod engine;
mod heads;
mod inputs;
mod leaving;
mod moves;
mod orders;
mod replayed;
mod rest;
mod settle;
mod start;
mod trips;
mod window;
mod words;

pub use desk::{Desk, DeskError, DeskSettings, Ruling};
pub use engine::{Engine, EngineError, EngineSettings, Parts, Tick};
pub use heads::{Arrival, Heads};
pub use inputs::{Inputs, PriceSource, Seen};
pub use moves::proposal;
pub use orders::{Order, Orders};
pub use replayed::{Minds, ParityError, Replayed, replayed};
pub use rest::{Does, Refused};
pub use start::{Checked, StartError, check_start};
pub use trips::TripSettings;
pub use window::Window;
pub use words::Words;
