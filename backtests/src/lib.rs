//! Backtests: the replay driver, the ledger, results, and the report.
//!
//! A replay runs the live loop on recorded rows: the same strategy, the same plan, the same approval.
//! Only the feed and the executor differ.

pub mod aave_weekly;
pub mod document;
pub mod generate;
pub mod ledger;
pub mod outcome;
pub mod pages;
pub mod replay;
pub mod report;
pub mod schedule;
pub mod scorer;
pub mod sleeves;
pub mod suite;
pub mod tables;
pub mod world;
pub mod worlds;

pub use document::Document;
pub use ledger::Ledger;
pub use outcome::{DayPoint, Outcome};
pub use replay::{Replay, ReplayError, replay};
pub use schedule::{Decide, Schedule, Span};
pub use scorer::Scorer;
pub use sleeves::{Sleeve, SleeveId};
pub use suite::{Settings, StrategyResult, Suite, SuiteError};
