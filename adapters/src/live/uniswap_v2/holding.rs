//! A pair and what the vault's market contract holds of it, as `contracts/src/markets/UniswapV2Market.sol` values it: every
//! number equals the contract's to the unit. What the contract would do is in [`act`](super::act).

use super::math::{WAD, brings_of, most_burned, product, root, sum};
use crate::live::oracle::Quotes;
use alloy::primitives::{U256, U512};
use plimsoll_core::lp::LpError;
use plimsoll_core::lp::fixed::{mul_div_down, mul_div_up, root_down};
use plimsoll_core::lp::v2::Pair;
use plimsoll_core::units::{Amount, Ray};

/// Basis points in one.
const BPS: U256 = alloy::primitives::uint!(10_000_U256);
/// Units of the other token that an exit may lose to rounding.
const GRAINS: U256 = alloy::primitives::uint!(4_U256);
/// Decimals of the pair's own shares.
const SHARE_PLACES: u32 = 18;

/// Which token is which, and what the market contract allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Setting {
    /// Whether the asset is the pair's token 0.
    pub is_asset_zero: bool,
    /// Decimals of the asset and of the other token.
    pub decimals: (u8, u8),
    /// Whether the contract stakes.
    pub stakes: bool,
    /// What a swap may lose against the oracle's worst price, basis points.
    pub slippage_bps: U256,
    /// What comes off while the price is not fresh, basis points.
    pub stale_band_bps: U256,
}

/// A pair and a market contract's part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// What does not change.
    pub setting: Setting,
    /// The pair.
    pub pair: Pair,
    /// Shares of the pair that somebody sent to the pair: the next burn burns them too.
    pub stray: U256,
    /// The oracle's word on the other token.
    pub quotes: Quotes,
    /// The pair's shares that the vault put there.
    pub shares: U256,
    /// Those of them that are staked.
    pub staked: U256,
    /// Units of the asset kept in the contract.
    pub held: U256,
    /// When it was read, Unix seconds.
    pub read: u64,
}

fn ten(places: u32) -> U256 {
    U256::from(10).saturating_pow(U256::from(places))
}

/// The root of a product of three numbers.
fn wide_root(a: U256, b: U256, c: U256) -> Result<U256, LpError> {
    let both: U512 = a.widening_mul(b);
    let all = both.checked_mul(U512::from(c));
    all.map(root_down).ok_or(LpError::Overflow { what: "a value" })
}

impl Holding {
    /// Asset and other token from token 0 and token 1, or the other way round.
    pub(super) fn sorted<T>(&self, (zero, one): (T, T)) -> (T, T) {
        if self.setting.is_asset_zero { (zero, one) } else { (one, zero) }
    }

    /// The pair's reserves of the asset and of the other token.
    #[must_use]
    pub fn reserves(&self) -> (U256, U256) {
        self.sorted((self.pair.reserves.token0.0, self.pair.reserves.token1.0))
    }

    /// All shares, with those that the protocol's fee would make now, rounded up.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn supply(&self) -> Result<U256, LpError> {
        let (supply, last) = (self.pair.supply, self.pair.k_last);
        if last.is_zero() || !self.pair.protocol_takes {
            return Ok(supply);
        }
        let (mine, others) = self.reserves();
        let (now, last) = (root(mine, others)?, root_down(U512::from(last)));
        if now <= last {
            return Ok(supply);
        }
        let whole = sum(product(now, U256::from(5))?, last)?;
        sum(supply, mul_div_up(supply, now.saturating_sub(last), whole)?)
    }

    pub(super) fn less_slippage(&self, amount: U256) -> Result<U256, LpError> {
        mul_div_down(amount, BPS.saturating_sub(self.setting.slippage_bps), BPS)
    }

    /// What the contract's `value` says: at worst and at best.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn value(&self) -> Result<(Amount, Amount), LpError> {
        let (mine, others) = self.reserves();
        let supply = self.supply()?;
        let (mut low, mut high) = (U256::ZERO, U256::ZERO);
        if !self.shares.is_zero() && !supply.is_zero() {
            let twice = |worth: U256| product(root(mine, worth)?, U256::from(2));
            low = mul_div_down(twice(self.quotes.worst(others)?)?, self.shares, supply)?;
            high = mul_div_up(twice(self.quotes.best(others)?)?, self.shares, supply)?;
        }
        if !self.quotes.is_fresh {
            low = product(low, BPS.saturating_sub(self.setting.stale_band_bps))? / BPS;
        }
        Ok((Amount(sum(low, self.held)?), Amount(sum(high, self.held)?)))
    }

    /// What the contract's `liquidity` says.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn liquidity(&self) -> Result<Amount, LpError> {
        let (mine, others) = self.reserves();
        if !self.quotes.is_fresh {
            return Ok(Amount::ZERO);
        }
        if self.shares.is_zero() || mine.is_zero() {
            return Ok(Amount(self.held));
        }
        let least = self.less_slippage(self.quotes.worst(others)?)?;
        let most = most_burned(mul_div_up(least, WAD, mine)?)?;
        let burned = mul_div_down(self.shares, WAD, self.supply()?)?.min(most);
        let brought = mul_div_down(mine, brings_of(burned)?, WAD)?;
        let kept = sum(brought / U256::from(1_000_000_000), U256::from(10))?;
        let kept = sum(kept, product(U256::from(2), self.grains()?)?)?;
        Ok(Amount(sum(self.held, brought.saturating_sub(kept))?))
    }

    /// What some units of the other token are worth in the pair: much where it has fewer decimals than the asset.
    pub(super) fn grains(&self) -> Result<U256, LpError> {
        let (mine, others) = self.reserves();
        product(GRAINS, mine.checked_div(others).unwrap_or_default())
    }

    /// What the whole pair is worth at the oracle's middle price, whatever its own price is: `2 sqrt(x y p)`.
    ///
    /// # Errors
    /// [`LpError::Overflow`].
    pub fn tvl(&self) -> Result<Amount, LpError> {
        let (mine, others) = self.reserves();
        // The price is for 10^36 units, so the root has 18 places.
        let root = wide_root(mine, others, self.quotes.middle()?)?;
        mul_div_down(root, U256::from(2), ten(18)).map(Amount)
    }

    /// What a whole share is worth at that price, as a ray; of an empty pair, what the first would be worth.
    ///
    /// # Errors
    /// [`LpError::Overflow`].
    pub fn share_price(&self) -> Result<Ray, LpError> {
        let ((mine, others), supply) = (self.reserves(), self.supply()?);
        let asset = ten(u32::from(self.setting.decimals.0));
        let middle = self.quotes.middle()?;
        if supply.is_zero() {
            let root = wide_root(middle, ten(36), U256::from(1))?;
            let up = product(ten(27), ten(SHARE_PLACES))?;
            return mul_div_down(twice(root)?, up, product(asset, ten(36))?).map(Ray);
        }
        let root = wide_root(mine, others, middle)?;
        // Of 18 places of the root and 18 of a share none are left.
        mul_div_down(twice(root)?, ten(27), product(supply, asset)?).map(Ray)
    }

    /// What could leave the pair: the asset that lies in it, and not more than it is worth.
    ///
    /// # Errors
    /// [`LpError::Overflow`].
    pub fn exit(&self) -> Result<Amount, LpError> {
        Ok(Amount(self.reserves().0).min(self.tvl()?))
    }
}

fn twice(root: U256) -> Result<U256, LpError> {
    product(root, U256::from(2))
}
