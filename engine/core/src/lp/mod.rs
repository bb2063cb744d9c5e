//! Liquidity positions and what they earn, in the contracts' own integers: every result equals the deployed
//! bytecode's to the last wei, which tests on the local chain hold to over thousands of random steps.
//!
//! - [`v3`]: Uniswap V3, a pool's whole state, its positions, the position manager and the staker.
//! - [`v2`]: Uniswap V2.
//! - [`stable`]: Balancer's ComposableStable pool, version 3.
//! - [`rewards`]: the StakingRewards contract.
//! - [`value`]: what a position is worth at an oracle's price, whatever the pool's own price is.
//! - [`loss`]: impermanent loss and LVR, in `f64`, for models.
//! - [`fixed`] has the products wider than 256 bits, each with its rounding.
//!
//! What a contract refuses is an [`LpError`], and leaves the state as it was. `docs/lp.md` tells what is left out.

mod error;
pub mod fixed;
pub mod loss;
pub mod rewards;
pub mod stable;
pub mod v2;
pub mod v3;
pub mod value;

pub use error::LpError;

use crate::Amount;
use alloy_primitives::U256;

/// Amounts of a pool's two tokens.
///
/// # Units
/// Raw units; token 0 is the one with the lower address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Of token 0.
    pub token0: Amount,
    /// Of token 1.
    pub token1: Amount,
}

impl Amounts {
    /// Puts raw units together.
    #[must_use]
    pub fn of(token0: U256, token1: U256) -> Amounts {
        Amounts { token0: Amount(token0), token1: Amount(token1) }
    }
}
