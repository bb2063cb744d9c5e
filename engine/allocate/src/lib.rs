//! Where the money should go, from a target to a plan, and the pure loop body [`step()`].
//!
//! Pure: no clock, no file, no network. The live driver and the replay driver both call [`step()`].

pub mod advice;
pub mod candidates;
pub mod evidence;
pub mod optimise;
pub mod planning;
pub mod propose;
pub mod restore;
pub mod scored;
pub mod step;
pub mod upkeep;

pub use advice::{Advice, Advised, AdvisedPosition, Question, advise};
pub use candidates::{Candidates, LeftOut};
pub use evidence::{RunScenario, Seen};
pub use planning::plan;
pub use propose::{AllocatorSettings, Proposal, propose};
pub use restore::{Restored, restored};
pub use step::{Decision, Observed, State, step};
pub use upkeep::{in_order, upkeep};
