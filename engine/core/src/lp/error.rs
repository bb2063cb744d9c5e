//! Why a pool refuses.

use alloy_primitives::U256;

/// Why a step is not possible. The contract reverts where one of these comes, and only there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LpError {
    /// A tick outside what prices can be.
    #[error("tick {tick} is outside -887272..=887272")]
    TickOutOfRange {
        /// The tick.
        tick: i32,
    },
    /// A range whose ends are in the wrong order.
    #[error("a range from tick {lower} to {upper} is empty")]
    EmptyRange {
        /// Its lower end.
        lower: i32,
        /// Its upper end.
        upper: i32,
    },
    /// A tick that is no multiple of the pool's spacing.
    #[error("tick {tick} is no multiple of the spacing {spacing}")]
    TickNotSpaced {
        /// The tick.
        tick: i32,
        /// The pool's spacing.
        spacing: i32,
    },
    /// A root of a price outside what the contract can hold, or a limit that is on the wrong side of the price.
    #[error("the root of the price {found} (Q64.96) is out of range")]
    PriceOutOfRange {
        /// The root.
        found: U256,
    },
    /// More liquidity than a tick may carry.
    #[error("tick {tick} may not carry so much liquidity")]
    TooMuchLiquidity {
        /// The tick.
        tick: i32,
    },
    /// A position without liquidity has no fees to bring up to date.
    #[error("the position has no liquidity")]
    NoLiquidity,
    /// More was asked for than there is.
    #[error("{what}: asked for more than there is")]
    NotEnough {
        /// Of what.
        what: &'static str,
    },
    /// Nothing was asked for, or nothing comes of it.
    #[error("{what} is zero")]
    Zero {
        /// What.
        what: &'static str,
    },
    /// A number that does not fit the contract's integer.
    #[error("{what} does not fit")]
    Overflow {
        /// Which number.
        what: &'static str,
    },
    /// An iteration that does not settle.
    #[error("{what} did not converge")]
    NotConverged {
        /// Which.
        what: &'static str,
    },
    /// A swap that would leave less than it found.
    #[error("the product of the reserves would fall")]
    ProductFalls,
    /// A token's place that the pool does not have.
    #[error("the pool has no token {place}")]
    NoSuchToken {
        /// The place.
        place: usize,
    },
}
