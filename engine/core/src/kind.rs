//! How a market earns: the four ways, on one scale.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a market earns.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum MarketKind {
    /// Borrowers pay interest.
    #[default]
    Lending,
    /// Validators earn rewards.
    Staking,
    /// Traders pay fees to those who provide liquidity.
    Lp,
    /// A campaign pays rewards to those who stake.
    Mining,
}

impl MarketKind {
    /// Every kind, in the order in which they are reported.
    pub const ALL: [MarketKind; 4] =
        [MarketKind::Lending, MarketKind::Staking, MarketKind::Lp, MarketKind::Mining];

    /// The kind as a key.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            MarketKind::Lending => "lending",
            MarketKind::Staking => "staking",
            MarketKind::Lp => "lp",
            MarketKind::Mining => "mining",
        }
    }

    /// Whether it is the kind of a market that says nothing of its kind.
    #[must_use]
    pub fn is_lending(&self) -> bool {
        *self == MarketKind::Lending
    }
}

impl fmt::Display for MarketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
