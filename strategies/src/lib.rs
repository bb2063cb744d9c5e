//! One file per strategy. Each is pure: a view and a holding give a target.
//!
//! The rules here are simple enough to check by hand; they are the yardstick for everything that is
//! meant to beat them.

pub mod allocator;
pub mod equal;
pub mod highest_apr;
pub mod hold;
pub mod mean7_hysteresis;
mod ranking;
mod settings;

pub use allocator::Allocator;
pub use equal::Equal;
pub use highest_apr::HighestApr;
pub use hold::Hold;
pub use mean7_hysteresis::Mean7Hysteresis;
pub use settings::{SettingsError, by_name, default_set};
