//! What a position has earned: the growth of fees inside its range.

use crate::lp::LpError;
use crate::lp::fixed::{Q128, mul_div_down};
use alloy_primitives::{Address, U256};

/// Fees per unit of liquidity since the pool began, of both tokens. Only differences mean anything.
///
/// # Units
/// Raw token units over liquidity in Q128.128; wraps at 2^256.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Growth {
    /// Of token 0.
    pub token0: U256,
    /// Of token 1.
    pub token1: U256,
}

impl Growth {
    /// Subtracts, wrapping as the contract does.
    #[must_use]
    pub fn minus(self, other: Growth) -> Growth {
        Growth {
            token0: self.token0.wrapping_sub(other.token0),
            token1: self.token1.wrapping_sub(other.token1),
        }
    }
}

/// Who holds liquidity, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PositionKey {
    /// The account that the pool knows: the position manager for all of its positions together.
    pub owner: Address,
    /// The lower end of the range, a tick.
    pub lower: i32,
    /// The upper end, a tick; the range ends just below it.
    pub upper: i32,
}

/// A position of a pool.
///
/// # Source
/// Uniswap V3, `Position.Info`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Its liquidity.
    pub liquidity: u128,
    /// The growth inside its range when it was last brought up to date.
    pub inside_last: Growth,
    /// What it may collect, raw token 0 and token 1: fees and burned liquidity.
    pub owed: (u128, u128),
}

impl Position {
    /// Returns the position brought up to date and changed by `delta` liquidity; `inside` is the growth inside its range now.
    ///
    /// # Errors
    /// [`LpError::NoLiquidity`] for a change of zero to a position without any; [`LpError::NotEnough`] or
    /// [`LpError::Overflow`] for more than there is or can be.
    ///
    /// # Source
    /// Uniswap V3, `Position.update`.
    pub fn changed(self, delta: i128, inside: Growth) -> Result<Position, LpError> {
        if delta == 0 && self.liquidity == 0 {
            return Err(LpError::NoLiquidity);
        }
        let liquidity = changed_liquidity(self.liquidity, delta)?;
        let earned = earned_down(inside.minus(self.inside_last), self.liquidity)?;
        let owed = (self.owed.0.wrapping_add(earned.0), self.owed.1.wrapping_add(earned.1));
        Ok(Position { liquidity, inside_last: inside, owed })
    }
}

/// Returns the fees of `liquidity` over a growth, rounded down: raw token 0 and token 1, cut to 128 bits as the contracts do.
///
/// # Errors
/// Never for numbers that came from a pool.
///
/// # Source
/// Uniswap V3, `Position.update` and `NonfungiblePositionManager`.
pub fn earned_down(growth: Growth, liquidity: u128) -> Result<(u128, u128), LpError> {
    let liquidity = U256::from(liquidity);
    let of = |growth| mul_div_down(growth, liquidity, Q128).map(|fees| fees.wrapping_to::<u128>());
    Ok((of(growth.token0)?, of(growth.token1)?))
}

/// Returns `liquidity + delta`.
///
/// # Source
/// Uniswap V3, `LiquidityMath.addDelta`.
pub(super) fn changed_liquidity(liquidity: u128, delta: i128) -> Result<u128, LpError> {
    liquidity.checked_add_signed(delta).ok_or(if delta < 0 {
        LpError::NotEnough { what: "liquidity" }
    } else {
        LpError::Overflow { what: "liquidity" }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_right_when_the_growth_has_wrapped() {
        let last = Growth { token0: U256::MAX - U256::from(5), token1: U256::ZERO };
        let now = Growth { token0: Q128, token1: Q128 };
        let position = Position { liquidity: 3, inside_last: last, owed: (1, u128::MAX) };
        let after = position.changed(0, now).unwrap();
        assert_eq!(after.owed, (4, 2));
        assert_eq!(Position::default().changed(0, now), Err(LpError::NoLiquidity));
        assert_eq!(position.changed(-4, now), Err(LpError::NotEnough { what: "liquidity" }));
    }
}
