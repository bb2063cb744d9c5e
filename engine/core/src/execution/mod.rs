//! What may happen to money that is on its way: the states of a plan on the chain, and who may send what.
//!
//! Pure. The executor writes every [`Step`] to its journal before it acts on it; what the journal holds,
//! folded by [`Intents::apply`], is the whole truth about what was sent and what came of it.

pub mod admission;
pub mod advance;
pub mod breaker;
pub mod intent;
pub mod intents;

pub use admission::{Admission, AdmissionPolicy, Call, Denial, Request, Spent, admit};
pub use advance::{Memory, Next, Patience, Seen, TIME_IS_OVER, advance};
pub use breaker::{Breaker, Trip};
pub use intent::{Attempt, BlockRef, Inclusion, Intent, Outcome, PlanId, Purpose, State, Step};
pub use intents::{IllegalStep, Intents, Reason};
