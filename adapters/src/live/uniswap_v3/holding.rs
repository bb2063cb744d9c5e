//! A pool and what the vault's market contract holds of it, as `contracts/src/markets/UniswapV3Market.sol` values it: every
//! number equals the contract's to the unit. What the contract would do is in [`act`](super::act).

use super::quote::{Without, quote};
use alloy::primitives::{Address, U256, U512};
use plimsoll_core::lp::fixed::{mul_div_down, mul_div_up, root_down};
use plimsoll_core::lp::v3::price::amounts_down;
use plimsoll_core::lp::v3::tick::{
    MAX_SQRT_PRICE, MAX_TICK, MIN_SQRT_PRICE, sqrt_price_at, tick_at,
};
use plimsoll_core::lp::v3::{Managed, Pool};
use plimsoll_core::lp::{Amounts, LpError};
use plimsoll_core::units::{Amount, Ray};

/// The amount of the other token whose worth is asked for as its price.
pub const PROBE: U256 =
    alloy::primitives::uint!(1_000_000_000_000_000_000_000_000_000_000_000_000_U256);
/// Basis points in one.
pub(super) const BPS: U256 = alloy::primitives::uint!(10_000_U256);
/// Units that burning and selling may lose to rounding.
pub(super) const ROUNDING: U256 = alloy::primitives::uint!(4_U256);
/// Units of what is sold that a swap may lose to rounding.
pub(super) const DUST: U256 = alloy::primitives::uint!(2_U256);
/// Parts of the position that the contract tries to sell.
const PARTS: u32 = 4;

/// What the market contract allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Least and most width of a range, ticks.
    pub width: (i32, i32),
    /// Most ticks between a range's middle and the oracle's price.
    pub middle: i32,
    /// Most ticks between the pool's price and the oracle's when liquidity is added.
    pub spot: i32,
    /// What a swap may lose against the oracle's worst price, basis points.
    pub slippage_bps: U256,
    /// What comes off while the price is not fresh, basis points.
    pub stale_band_bps: U256,
}

/// What the market contract's oracle says of [`PROBE`] of the other token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quote {
    /// At worst, raw units of the asset.
    pub worst: U256,
    /// At best.
    pub best: U256,
    /// Whether it may be traded on.
    pub is_fresh: bool,
    /// Until when it may, Unix seconds; `None` where the oracle does not say.
    pub until: Option<u64>,
}

/// Which token is which, and what is beside the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Whether the asset is the pool's token 0.
    pub is_asset_zero: bool,
    /// Decimals of the asset and of the other token.
    pub decimals: (u8, u8),
    /// The position manager.
    pub manager: Address,
    /// Whether the contract swaps in this very pool.
    pub swaps_here: bool,
    /// What the contract allows.
    pub bounds: Bounds,
}

/// A pool and a market contract's position in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// What does not change.
    pub setting: Setting,
    /// The pool; its ticks are known within `known` and at the ends of the range.
    pub pool: Pool,
    /// The ticks between which the pool is known.
    pub known: (i32, i32),
    /// What lies in the pool, of token 0 and token 1.
    pub balances: Amounts,
    /// The oracle's word.
    pub quote: Quote,
    /// The position manager's record of it.
    pub managed: Option<Managed>,
    /// The range; its ends are equal while there was none.
    pub range: (i32, i32),
    /// Liquidity that the vault put there.
    pub units: u128,
    /// Units of the asset kept in the contract.
    pub held: U256,
    /// Units of the other token kept there.
    pub other_held: U256,
    /// When it was read, Unix seconds.
    pub read: u64,
}

impl Holding {
    /// Asset and other token from token 0 and token 1, or the other way round.
    pub(super) fn sorted<T>(&self, (zero, one): (T, T)) -> (T, T) {
        if self.setting.is_asset_zero { (zero, one) } else { (one, zero) }
    }

    /// What lies in the pool of the asset and of the other token.
    #[must_use]
    pub fn cash(&self) -> (U256, U256) {
        self.sorted((self.balances.token0.0, self.balances.token1.0))
    }

    /// The middle of the oracle's prices for [`PROBE`].
    #[must_use]
    pub fn middle(&self) -> U256 {
        // Rounded down, without overflow: `Math.average`.
        let (worst, best) = (self.quote.worst, self.quote.best);
        (worst & best).saturating_add((worst ^ best) >> 1)
    }

    /// The root of the pool's price at which [`PROBE`] of the other token is worth `price`.
    ///
    /// # Errors
    /// [`LpError`] beyond what a pool can be at.
    pub fn sqrt_of(&self, price: U256) -> Result<U256, LpError> {
        let whole = U256::from(1) << 192;
        if !self.setting.is_asset_zero {
            return Ok(root_down(U512::from(mul_div_down(price, whole, PROBE)?)));
        }
        if price <= PROBE >> 64 {
            return Ok((U256::from(1) << 160) - U256::from(1));
        }
        Ok(root_down(U512::from(mul_div_down(PROBE, whole, price)?)))
    }

    /// The tick of the oracle's middle price.
    ///
    /// # Errors
    /// [`LpError`] beyond what a pool can be at.
    pub fn oracle_tick(&self) -> Result<i32, LpError> {
        let root = self.sqrt_of(self.middle())?;
        if root >= MAX_SQRT_PRICE {
            return Ok(MAX_TICK);
        }
        tick_at(root.max(MIN_SQRT_PRICE))
    }

    /// Asset and other token of `liquidity` of the range at the root of a price.
    pub(super) fn amounts(&self, root: U256, liquidity: u128) -> Result<(U256, U256), LpError> {
        let range = (sqrt_price_at(self.range.0)?, sqrt_price_at(self.range.1)?);
        let found = amounts_down(root, range, liquidity)?;
        Ok(self.sorted((found.token0.0, found.token1.0)))
    }

    /// Fees that a collection would bring, of the asset and of the other token.
    ///
    /// # Errors
    /// Never for a pool that a contract could be in.
    pub fn fees(&self) -> Result<(U256, U256), LpError> {
        let Some(managed) = &self.managed else { return Ok((U256::ZERO, U256::ZERO)) };
        let (zero, one) = managed.owed_now(&self.pool)?;
        Ok(self.sorted((U256::from(zero), U256::from(one))))
    }

    /// The range and `others` of the other token at a price of it.
    fn worth_at(&self, price: U256, others: U256, is_up: bool) -> Result<U256, LpError> {
        let (assets, inside) = match self.units {
            0 => (U256::ZERO, U256::ZERO),
            units => self.amounts(self.sqrt_of(price)?, units)?,
        };
        let all = sum(inside, others)?;
        let worth =
            if is_up { mul_div_up(all, price, PROBE) } else { mul_div_down(all, price, PROBE) };
        sum(assets, worth?)
    }

    /// What the contract's `value` says: at worst and at best.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn value(&self) -> Result<(Amount, Amount), LpError> {
        let (assets, others) = self.fees()?;
        let others = sum(others, self.other_held)?;
        let mut low = sum(assets, self.worth_at(self.quote.worst, others, false)?)?;
        let high = sum(assets, self.worth_at(self.quote.best, others, true)?)?.max(low);
        if !self.quote.is_fresh {
            low = mul_div_down(low, BPS.saturating_sub(self.setting.bounds.stale_band_bps), BPS)?;
        }
        Ok((Amount(sum(low, self.held)?), Amount(sum(high, self.held)?)))
    }

    /// What the contract's `liquidity` says; `None` where the pool is not known far enough, or the contract swaps in another.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn liquidity(&self) -> Result<Option<Amount>, LpError> {
        if !self.quote.is_fresh {
            return Ok(Some(Amount::ZERO));
        }
        let (assets, kept) = self.fees()?;
        let kept = sum(kept, self.other_held)?;
        let root = self.pool.sqrt_price_x96;
        for part in (0..PARTS).map(|place| self.units >> place) {
            let (of_asset, of_other) = self.amounts(root, part)?;
            let others = sum(kept, of_other)?;
            let Some(out) = self.quote_after(part, others)? else { return Ok(None) };
            if out >= self.least_for(others)? {
                let all = sum(sum(assets, of_asset)?, out)?.saturating_sub(ROUNDING);
                return Ok(Some(Amount(sum(self.held, all)?)));
            }
        }
        Ok(Some(Amount(sum(self.held, assets)?)))
    }

    /// What `amount` of the other token would bring once `burned` of our liquidity is gone.
    pub(super) fn quote_after(&self, burned: u128, amount: U256) -> Result<Option<U256>, LpError> {
        if amount.is_zero() {
            return Ok(Some(U256::ZERO));
        }
        if !self.setting.swaps_here {
            return Ok(None);
        }
        let without = Without { liquidity: burned, range: self.range };
        quote((&self.pool, self.known), !self.setting.is_asset_zero, amount, without)
    }

    /// The least that selling `amount` of the other token may bring.
    ///
    /// The contract asks its oracle for the very amount, this multiplies the answer for [`PROBE`]: the bound may be a unit
    /// lower where that answer is no whole number.
    pub(super) fn least_for(&self, amount: U256) -> Result<U256, LpError> {
        let worst = mul_div_down(amount.saturating_sub(DUST), self.quote.worst, PROBE)?;
        self.less_slippage(worst)
    }

    pub(super) fn less_slippage(&self, amount: U256) -> Result<U256, LpError> {
        mul_div_down(amount, BPS.saturating_sub(self.setting.bounds.slippage_bps), BPS)
    }

    /// What all that lies in the pool is worth at the oracle's middle price.
    ///
    /// # Errors
    /// [`LpError::Overflow`].
    pub fn tvl(&self) -> Result<Amount, LpError> {
        let (assets, others) = self.cash();
        sum(assets, mul_div_down(others, self.middle(), PROBE)?).map(Amount)
    }

    /// What a unit of liquidity is worth as a full range: twice the root of the price, in whole units, as a ray.
    ///
    /// # Errors
    /// [`LpError::Overflow`].
    pub fn share_price(&self) -> Result<Ray, LpError> {
        let (asset, other) = self.setting.decimals;
        // The price in whole units with 54 places, so that its root has 27.
        let up = ten(u32::from(other).saturating_add(54));
        let down = ten(u32::from(asset).saturating_add(36));
        let price = mul_div_down(self.middle(), up, down)?;
        Ok(Ray(root_down(U512::from(price)).saturating_mul(U256::from(2))))
    }

    /// What a full range as deep as the pool is now would be worth.
    ///
    /// # Errors
    /// [`LpError::Overflow`].
    pub fn depth(&self) -> Result<Amount, LpError> {
        // The root of a price for 10^36 units has 18 places; 18 more are kept.
        let root = root_down(U512::from(self.middle()) * U512::from(ten(36)));
        let twice = U256::from(self.pool.liquidity).saturating_mul(U256::from(2));
        mul_div_down(twice, root, ten(36)).map(Amount)
    }
}

fn ten(places: u32) -> U256 {
    U256::from(10).saturating_pow(U256::from(places))
}

pub(super) fn sum(a: U256, b: U256) -> Result<U256, LpError> {
    a.checked_add(b).ok_or(LpError::Overflow { what: "a sum" })
}
