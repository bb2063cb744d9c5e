//! A stable pool and what the vault's market contract holds of it, as `contracts/src/markets/BalancerStableMarket.sol` values
//! it: every number equals the contract's to the unit. What the contract would do is in [`act`](super::act).

use super::math::{WAD, cost_of, less, product, sum};
use alloy::primitives::U256;
use plimsoll_core::lp::LpError;
use plimsoll_core::lp::fixed::{mul_div_down, mul_div_up};
use plimsoll_core::lp::stable::StablePool;
use plimsoll_core::lp::stable::math::AMPLIFICATION_ONE;
use plimsoll_core::units::{Amount, Ray};

/// Basis points in one.
const BPS: U256 = alloy::primitives::uint!(10_000_U256);
/// What the pool may round against who leaves, in asset units and in pool shares.
const ASSET_ROUNDING: U256 = alloy::primitives::uint!(3_U256);
const SHARE_ROUNDING: U256 = alloy::primitives::uint!(1_000_000_000_U256);
/// How often the contract's `liquidity` tries a smaller amount.
const TRIES: u32 = 6;

/// Which token is the asset, and what the market contract allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Setting {
    /// The asset's place among the tokens without the pool's share.
    pub place: usize,
    /// One whole of the asset.
    pub whole: U256,
    /// What a join or an exit may lose against the oracle's worst price, basis points.
    pub slippage_bps: U256,
    /// What comes off while a price is not fresh, basis points.
    pub stale_band_bps: U256,
}

/// What is known of a token beside the pool's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coin {
    /// One whole of it.
    pub whole: U256,
    /// What tells its rate; `None` for a rate of one.
    pub source: Option<Source>,
    /// The worst and the best that one whole of what its rate counts in is worth; `None` for the asset.
    pub price: Option<(U256, U256)>,
}

/// What tells a token's rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// What it tells now, 18 decimals.
    pub rate: U256,
    /// For how long the pool keeps a rate that it has read, seconds.
    pub cached_for: u64,
    /// When the pool reads it anew, Unix seconds.
    pub expires: u64,
}

/// A pool and a market contract's part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// What does not change.
    pub setting: Setting,
    /// The pool, with the rates that it keeps.
    pub pool: StablePool,
    /// Its tokens, in the pool's order.
    pub coins: Vec<Coin>,
    /// What the pool lets in and out.
    pub doors: Doors,
    /// Whether every price is fresh.
    pub is_fresh: bool,
    /// Until when they are, Unix seconds; `None` where the oracles do not say.
    pub until: Option<u64>,
    /// Shares of the pool that the vault put there.
    pub shares: U256,
    /// Units of the asset kept in the contract.
    pub held: U256,
    /// When it was read, Unix seconds.
    pub read: u64,
    /// When it is, Unix seconds.
    pub now: u64,
}

/// What a pool lets in and out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Doors {
    /// Nobody joins or leaves.
    pub is_paused: bool,
    /// Nobody joins.
    pub is_frozen: bool,
    /// The amplification is on its way: what it will be later is not known.
    pub is_moving: bool,
}

impl Holding {
    /// The pool's rate: the invariant's part of a share, 18 decimals.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn rate(&self) -> Result<U256, LpError> {
        self.pool.rate_down(self.now)
    }

    fn kept_rate(&self, place: usize) -> Result<U256, LpError> {
        self.pool.tokens.get(place).map(|token| token.rate).ok_or(LpError::NoSuchToken { place })
    }

    /// A token's rate of now over the one that the pool still counts by, 18 decimals.
    fn drift(&self, place: usize, coin: &Coin) -> Result<U256, LpError> {
        match coin.source {
            Some(source) => mul_div_down(source.rate, WAD, self.kept_rate(place)?),
            None => Ok(WAD),
        }
    }

    /// What one unit of the invariant is worth if it is all of the worst token, and if it is all of the best.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn prices(&self) -> Result<(U256, U256), LpError> {
        let (mut low, mut high) = (self.setting.whole, self.setting.whole);
        for (place, coin) in self.coins.iter().enumerate() {
            let Some((worst, best)) = coin.price else { continue };
            let drift = self.drift(place, coin)?;
            low = low.min(mul_div_down(worst, drift, WAD)?);
            high = high.max(mul_div_up(best, drift, WAD)?);
        }
        Ok((low, high))
    }

    pub(super) fn less_slippage(&self, amount: U256) -> Result<U256, LpError> {
        mul_div_down(amount, BPS.saturating_sub(self.setting.slippage_bps), BPS)
    }

    /// Both values of the shares, without the band of a price that is not fresh.
    fn shares_value(&self) -> Result<(U256, U256), LpError> {
        let (low, high) = self.prices()?;
        let units = mul_div_down(self.shares, self.rate()?, WAD)?;
        Ok((mul_div_down(units, low, WAD)?, mul_div_up(units, high, WAD)?))
    }

    /// What the contract's `value` says: at worst and at best.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn value(&self) -> Result<(Amount, Amount), LpError> {
        let (mut low, high) = self.shares_value()?;
        if !self.is_fresh {
            low = product(low, BPS.saturating_sub(self.setting.stale_band_bps))? / BPS;
        }
        Ok((Amount(sum(low, self.held)?), Amount(sum(high, self.held)?)))
    }

    /// What the contract's `liquidity` says.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn liquidity(&self) -> Result<Amount, LpError> {
        if !self.is_fresh {
            return Ok(Amount::ZERO);
        }
        if self.shares.is_zero() || self.doors.is_paused {
            return Ok(Amount(self.held));
        }
        let (mut wanted, _) = self.shares_value()?;
        let (balances, supply) = (self.balances()?, self.pool.actual_supply(self.now)?);
        for number in 0..TRIES {
            if !wanted.is_zero() {
                let cost = self.costs((&balances, supply), wanted)?;
                if cost <= self.shares.min(self.most_shares(wanted)?) {
                    return Ok(Amount(sum(self.held, wanted)?));
                }
            }
            wanted = match number {
                0 => self.less_slippage(wanted)?,
                _ => wanted / U256::from(2),
            };
        }
        Ok(Amount(self.held))
    }

    /// Balances as the invariant counts them, at the lower of the rate that the pool keeps and that of now.
    fn balances(&self) -> Result<Vec<U256>, LpError> {
        let mut balances = Vec::with_capacity(self.coins.len());
        for (place, (token, coin)) in self.pool.tokens.iter().zip(&self.coins).enumerate() {
            let kept = product(token.scaling, token.rate)? / WAD;
            let factor = mul_div_down(kept, self.drift(place, coin)?.min(WAD), WAD)?;
            balances.push(mul_div_down(token.balance, factor, WAD)?);
        }
        Ok(balances)
    }

    /// What taking `assets` out would cost in pool shares, a little more for rounding.
    fn costs(&self, (balances, supply): (&[U256], U256), assets: U256) -> Result<U256, LpError> {
        let place = self.setting.place;
        let amount = product(assets, WAD)?.checked_div(self.setting.whole);
        let amount = amount.ok_or(LpError::Zero { what: "a whole token" })?;
        if amount >= *balances.get(place).ok_or(LpError::NoSuchToken { place })? {
            return Ok(U256::MAX);
        }
        let weight = (self.pool.amplification.at(self.now), AMPLIFICATION_ONE);
        let part = cost_of(balances, (place, amount), self.pool.swap_fee, weight)?;
        let cost = mul_div_down(supply, part, WAD)?;
        sum(sum(cost, cost / SHARE_ROUNDING)?, SHARE_ROUNDING / U256::from(10))
    }

    /// Most pool shares that taking `assets` out may cost.
    pub(super) fn most_shares(&self, assets: U256) -> Result<U256, LpError> {
        let (low, _) = self.prices()?;
        let wanted = sum(assets, ASSET_ROUNDING)?;
        let wanted = mul_div_down(wanted, BPS, less(BPS, self.setting.slippage_bps)?)?;
        let units = mul_div_down(wanted, WAD, low)?;
        sum(mul_div_down(units, WAD, self.rate()?)?, SHARE_ROUNDING)
    }

    /// What lies in the pool at the middle of the oracles' prices.
    ///
    /// # Errors
    /// [`LpError::Overflow`].
    pub fn tvl(&self) -> Result<Amount, LpError> {
        let mut all = U256::ZERO;
        for (token, coin) in self.pool.tokens.iter().zip(&self.coins) {
            let mut worth = token.balance;
            if let Some((worst, best)) = coin.price {
                let middle = (worst & best).saturating_add((worst ^ best) >> 1);
                let rate = coin.source.map_or(WAD, |source| source.rate);
                worth = mul_div_down(mul_div_down(worth, middle, coin.whole)?, rate, WAD)?;
            }
            all = sum(all, worth)?;
        }
        Ok(Amount(all))
    }

    /// What could leave the pool: the asset that lies in it.
    #[must_use]
    pub fn exit(&self) -> Amount {
        match self.pool.tokens.get(self.setting.place) {
            Some(token) if !self.doors.is_paused => Amount(token.balance),
            _ => Amount::ZERO,
        }
    }

    /// The asset's part of all that lies in the pool, as the invariant counts it.
    ///
    /// # Errors
    /// [`LpError::Overflow`].
    pub fn weight(&self) -> Result<f64, LpError> {
        let balances = self.balances()?;
        let all: f64 = balances.iter().copied().map(f64::from).sum();
        let own = balances.get(self.setting.place).copied().unwrap_or_default();
        Ok(if all > 0.0 { f64::from(own) / all } else { 0.0 })
    }

    /// The pool's rate as a ray.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn share_price(&self) -> Result<Ray, LpError> {
        product(self.rate()?, U256::from(1_000_000_000)).map(Ray)
    }
}
