//! Positions that the position manager holds for others.

use super::Pool;
use super::position::{Growth, PositionKey, earned_down};
use super::price::liquidity_for_down;
use super::tick::sqrt_price_at;
use crate::lp::{Amounts, LpError};

/// A position of the position manager. All of its positions in one range are one position of the pool; this is the
/// share of one owner. What `collect` pays follows from this record, not from the pool's.
///
/// # Source
/// Uniswap V3, `NonfungiblePositionManager.Position`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Managed {
    /// The range, and the manager as its owner.
    pub key: PositionKey,
    /// Its liquidity.
    pub liquidity: u128,
    /// The growth inside the range when the manager last brought it up to date.
    pub inside_last: Growth,
    /// What it may collect, raw token 0 and token 1.
    pub owed: (u128, u128),
}

impl Managed {
    /// Opens a position with as much liquidity as `most` pays for, and returns what it cost.
    ///
    /// # Errors
    /// [`LpError`] where the contracts revert; the pool is then as before.
    ///
    /// # Source
    /// Uniswap V3, `NonfungiblePositionManager.mint`.
    pub fn open(
        pool: &mut Pool,
        key: PositionKey,
        most: Amounts,
        now: u32,
    ) -> Result<(Managed, Amounts), LpError> {
        let liquidity = bought(pool, key, most)?;
        let paid = pool.mint(key, liquidity, now)?;
        let inside_last = inside_last(pool, key);
        Ok((Managed { key, liquidity, inside_last, owed: (0, 0) }, paid))
    }

    /// Adds as much liquidity as `most` pays for, and returns what it cost.
    ///
    /// # Errors
    /// [`LpError`] where the contracts revert; pool and position are then as before.
    ///
    /// # Source
    /// Uniswap V3, `NonfungiblePositionManager.increaseLiquidity`.
    pub fn increase(
        &mut self,
        pool: &mut Pool,
        most: Amounts,
        now: u32,
    ) -> Result<Amounts, LpError> {
        let liquidity = bought(pool, self.key, most)?;
        let paid = pool.mint(self.key, liquidity, now)?;
        self.accrue(pool)?;
        self.liquidity = self.liquidity.wrapping_add(liquidity);
        Ok(paid)
    }

    /// Takes liquidity away; what comes of it is owed until [`Managed::collect`].
    ///
    /// # Errors
    /// [`LpError`] where the contracts revert; pool and position are then as before.
    ///
    /// # Source
    /// Uniswap V3, `NonfungiblePositionManager.decreaseLiquidity`.
    pub fn decrease(
        &mut self,
        pool: &mut Pool,
        liquidity: u128,
        now: u32,
    ) -> Result<Amounts, LpError> {
        if liquidity == 0 {
            return Err(LpError::Zero { what: "liquidity" });
        }
        let left = self.liquidity.checked_sub(liquidity);
        let left = left.ok_or(LpError::NotEnough { what: "liquidity" })?;
        let got = pool.burn(self.key, liquidity, now)?;
        self.accrue(pool)?;
        self.owed.0 = self.owed.0.wrapping_add(got.token0.0.wrapping_to());
        self.owed.1 = self.owed.1.wrapping_add(got.token1.0.wrapping_to());
        self.liquidity = left;
        Ok(got)
    }

    /// Brings the fees up to date and pays what is owed, at most `most` of each token. The pool may pay a few units less
    /// than this record says, because it rounds for all positions of the range together; the record is written down by
    /// what was asked for.
    ///
    /// # Errors
    /// [`LpError::Zero`] when nothing is asked for.
    ///
    /// # Source
    /// Uniswap V3, `NonfungiblePositionManager.collect`.
    pub fn collect(
        &mut self,
        pool: &mut Pool,
        most: (u128, u128),
        now: u32,
    ) -> Result<(u128, u128), LpError> {
        if most == (0, 0) {
            return Err(LpError::Zero { what: "what is asked for" });
        }
        if self.liquidity > 0 {
            pool.burn(self.key, 0, now)?;
            self.accrue(pool)?;
        }
        let asked = (most.0.min(self.owed.0), most.1.min(self.owed.1));
        self.owed = (self.owed.0 - asked.0, self.owed.1 - asked.1);
        Ok(pool.collect(self.key, asked))
    }

    /// Returns what [`Managed::collect`] would find owed now, and changes nothing: raw token 0 and token 1.
    ///
    /// # Errors
    /// Never for a pool that a contract could be in.
    pub fn owed_now(&self, pool: &Pool) -> Result<(u128, u128), LpError> {
        let inside = pool.growth_inside(self.key.lower, self.key.upper);
        let fees = earned_down(inside.minus(self.inside_last), self.liquidity)?;
        Ok((self.owed.0.wrapping_add(fees.0), self.owed.1.wrapping_add(fees.1)))
    }

    /// Takes the growth over from the pool's position, which has just been brought up to date.
    fn accrue(&mut self, pool: &Pool) -> Result<(), LpError> {
        let inside = inside_last(pool, self.key);
        let fees = earned_down(inside.minus(self.inside_last), self.liquidity)?;
        self.owed = (self.owed.0.wrapping_add(fees.0), self.owed.1.wrapping_add(fees.1));
        self.inside_last = inside;
        Ok(())
    }
}

fn bought(pool: &Pool, key: PositionKey, most: Amounts) -> Result<u128, LpError> {
    let range = (sqrt_price_at(key.lower)?, sqrt_price_at(key.upper)?);
    liquidity_for_down(pool.sqrt_price_x96, range, most)
}

fn inside_last(pool: &Pool, key: PositionKey) -> Growth {
    pool.positions.get(&key).map(|position| position.inside_last).unwrap_or_default()
}
