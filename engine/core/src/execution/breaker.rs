//! The circuit breaker: what may still be sent after something went wrong.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How much is allowed. Only a person brings it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// Everything that the policy allows.
    #[default]
    Normal,
    /// Exits toward idle, and nothing else.
    DeriskOnly,
    /// Nothing.
    Halt,
}

/// Why it tripped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trip {
    /// What a transaction moved is not what was asserted.
    Delta {
        /// What was found.
        detail: String,
    },
    /// Too many reverts in a row.
    Reverts {
        /// How many.
        count: u32,
    },
    /// NAV fell by more than the policy takes for an accident.
    NavDrop {
        /// By how many basis points.
        bps: u32,
    },
    /// Endpoints that disagree for too long.
    Quorum {
        /// On what.
        detail: String,
    },
    /// Someone else used the key.
    ForeignNonce {
        /// The nonce.
        nonce: u64,
    },
    /// The chain is not the one that it was.
    WrongChain {
        /// What it says it is.
        found: u64,
    },
    /// A reorg beyond what was taken for final.
    DeepReorg {
        /// Its depth in blocks.
        depth: u64,
    },
    /// A person said so.
    Operator {
        /// What was asked for.
        to: Breaker,
    },
    /// A person wants everything out that can come out.
    Leave,
}

impl Trip {
    /// What it allows from then on.
    #[must_use]
    pub fn allows(&self) -> Breaker {
        match self {
            // The world is not understood, or the key is not ours alone: nothing more is signed.
            Trip::ForeignNonce { .. } | Trip::WrongChain { .. } | Trip::DeepReorg { .. } => {
                Breaker::Halt
            }
            Trip::Operator { to } => *to,
            Trip::Delta { .. }
            | Trip::Reverts { .. }
            | Trip::NavDrop { .. }
            | Trip::Quorum { .. }
            | Trip::Leave => Breaker::DeriskOnly,
        }
    }
}

impl Breaker {
    /// Returns the state after `trip`: it never becomes looser, unless a person says so.
    #[must_use]
    pub fn after(self, trip: &Trip) -> Breaker {
        match trip {
            Trip::Operator { to } => *to,
            // Who wants out has to be let out.
            Trip::Leave => Breaker::DeriskOnly,
            _ => self.max(trip.allows()),
        }
    }

    /// Whether a plan that brings money in may be sent.
    #[must_use]
    pub fn allows_entries(self) -> bool {
        self == Breaker::Normal
    }

    /// Whether anything may be sent.
    #[must_use]
    pub fn allows_exits(self) -> bool {
        self != Breaker::Halt
    }
}

impl fmt::Display for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Breaker::Normal => "normal",
            Breaker::DeriskOnly => "derisk_only",
            Breaker::Halt => "halt",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_person_makes_it_looser() {
        let delta = Trip::Delta { detail: "idle fell".to_owned() };
        let foreign = Trip::ForeignNonce { nonce: 3 };
        assert_eq!(Breaker::Normal.after(&delta), Breaker::DeriskOnly);
        assert_eq!(Breaker::DeriskOnly.after(&foreign), Breaker::Halt);
        assert_eq!(Breaker::Halt.after(&delta), Breaker::Halt);
        let resume = Trip::Operator { to: Breaker::Normal };
        assert_eq!(Breaker::Halt.after(&resume), Breaker::Normal);
    }

    #[test]
    fn exits_go_on_until_everything_stops() {
        assert!(Breaker::DeriskOnly.allows_exits() && !Breaker::DeriskOnly.allows_entries());
        assert!(!Breaker::Halt.allows_exits());
    }
}
