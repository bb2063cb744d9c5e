//! A pool's whole state, and liquidity in and out of it.

use super::oracle::{Inside, Observation};
use super::position::{Growth, Position, PositionKey, changed_liquidity};
use super::price::{amounts_down, amounts_up};
use super::tick::{MAX_TICK, MIN_TICK, max_liquidity_per_tick, sqrt_price_at, tick_at};
use crate::Amount;
use crate::lp::{Amounts, LpError};
use alloy_primitives::U256;
use std::collections::BTreeMap;

/// A tick at which some range begins or ends.
///
/// # Source
/// Uniswap V3, `Tick.Info`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TickInfo {
    /// The liquidity of all ranges that end here.
    pub liquidity_gross: u128,
    /// What the active liquidity changes by when the price crosses it upwards.
    pub liquidity_net: i128,
    /// The growth of fees on the other side of it.
    pub growth_outside: Growth,
    /// What was summed up over time on the other side of it.
    pub outside: Inside,
}

/// A Uniswap V3 pool. A tick that no range touches is in no map.
///
/// Times are block times in Unix seconds, cut to 32 bits as the contract does. Flash loans are left out: what one pays
/// can be added to the growth by whoever sees its event.
///
/// # Units
/// Roots of prices in Q64.96 of raw token 1 per raw token 0, fees in millionths.
///
/// # Source
/// Uniswap V3, `UniswapV3Pool`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The share of what is paid in that goes to liquidity, in millionths.
    pub fee: u32,
    /// Ranges begin and end at its multiples.
    pub tick_spacing: i32,
    /// The root of the price.
    pub sqrt_price_x96: U256,
    /// The tick of the price; one less where the price came to rest on a tick that it had just crossed downwards.
    pub tick: i32,
    /// The liquidity of the ranges that hold the price.
    pub liquidity: u128,
    /// Fees per unit of liquidity since the pool began.
    pub growth: Growth,
    /// One over the protocol's share of fees, of token 0 and token 1; zero for none, else 4 to 10.
    pub protocol_share: (u8, u8),
    /// What the protocol may collect, raw token 0 and token 1.
    pub protocol_fees: (u128, u128),
    /// The newest observation.
    pub observation: Observation,
    /// The ticks that ranges touch.
    pub ticks: BTreeMap<i32, TickInfo>,
    /// The positions, also those without liquidity.
    pub positions: BTreeMap<PositionKey, Position>,
}

impl Pool {
    /// Returns a pool that has just been given its first price.
    ///
    /// # Errors
    /// [`LpError::PriceOutOfRange`].
    ///
    /// # Source
    /// Uniswap V3, `UniswapV3Pool.initialize`.
    pub fn new(
        (fee, tick_spacing): (u32, i32),
        sqrt_price_x96: U256,
        now: u32,
    ) -> Result<Pool, LpError> {
        Ok(Pool {
            fee,
            tick_spacing,
            sqrt_price_x96,
            tick: tick_at(sqrt_price_x96)?,
            liquidity: 0,
            growth: Growth::default(),
            protocol_share: (0, 0),
            protocol_fees: (0, 0),
            observation: Observation { time: now, ..Observation::default() },
            ticks: BTreeMap::new(),
            positions: BTreeMap::new(),
        })
    }

    /// Adds liquidity and returns what it costs, rounded up.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Uniswap V3, `UniswapV3Pool.mint`.
    pub fn mint(
        &mut self,
        key: PositionKey,
        liquidity: u128,
        now: u32,
    ) -> Result<Amounts, LpError> {
        if liquidity == 0 {
            return Err(LpError::Zero { what: "liquidity" });
        }
        let delta = i128::try_from(liquidity);
        let delta = delta.map_err(|_| LpError::Overflow { what: "liquidity" })?;
        self.change(key, delta, now)
    }

    /// Takes liquidity away and returns what comes of it, rounded down. That is not paid but owed, until
    /// [`Pool::collect`]. With a liquidity of zero it only brings the position's fees up to date.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Uniswap V3, `UniswapV3Pool.burn`.
    pub fn burn(
        &mut self,
        key: PositionKey,
        liquidity: u128,
        now: u32,
    ) -> Result<Amounts, LpError> {
        let delta = i128::try_from(liquidity);
        let delta = delta.map_err(|_| LpError::Overflow { what: "liquidity" })?;
        let amounts = self.change(key, -delta, now)?;
        if let Some(position) = self.positions.get_mut(&key) {
            let cut = |amount: Amount| amount.0.wrapping_to::<u128>();
            position.owed.0 = position.owed.0.wrapping_add(cut(amounts.token0));
            position.owed.1 = position.owed.1.wrapping_add(cut(amounts.token1));
        }
        Ok(amounts)
    }

    /// Pays what a position is owed, at most `most` of each token. Fees since the last change are not owed before a burn.
    ///
    /// # Source
    /// Uniswap V3, `UniswapV3Pool.collect`.
    pub fn collect(&mut self, key: PositionKey, most: (u128, u128)) -> (u128, u128) {
        let Some(position) = self.positions.get_mut(&key) else { return (0, 0) };
        let paid = (most.0.min(position.owed.0), most.1.min(position.owed.1));
        position.owed = (position.owed.0 - paid.0, position.owed.1 - paid.1);
        paid
    }

    /// Sets one over the protocol's share of fees: zero, or 4 to 10.
    ///
    /// # Errors
    /// [`LpError::Overflow`] for another number.
    ///
    /// # Source
    /// Uniswap V3, `UniswapV3Pool.setFeeProtocol`.
    pub fn set_protocol_share(&mut self, share: (u8, u8)) -> Result<(), LpError> {
        let known = |share: u8| share == 0 || (4..=10).contains(&share);
        if !known(share.0) || !known(share.1) {
            return Err(LpError::Overflow { what: "a protocol's share" });
        }
        self.protocol_share = share;
        Ok(())
    }

    /// Pays the protocol at most `most` of each token; of all that there is, one unit stays.
    ///
    /// # Source
    /// Uniswap V3, `UniswapV3Pool.collectProtocol`.
    pub fn collect_protocol(&mut self, most: (u128, u128)) -> (u128, u128) {
        let pay = |most: u128, owed: &mut u128| {
            let paid = most.min(*owed);
            let paid = if paid > 0 && paid == *owed { paid - 1 } else { paid };
            *owed -= paid;
            paid
        };
        let token0 = pay(most.0, &mut self.protocol_fees.0);
        (token0, pay(most.1, &mut self.protocol_fees.1))
    }

    /// Returns the growth of fees inside a range, which may have wrapped.
    ///
    /// # Source
    /// Uniswap V3, `Tick.getFeeGrowthInside`.
    #[must_use]
    pub fn growth_inside(&self, lower: i32, upper: i32) -> Growth {
        let of = |tick| self.ticks.get(&tick).copied().unwrap_or_default();
        self.growth_between((lower, &of(lower)), (upper, &of(upper)))
    }

    fn growth_between(
        &self,
        (lower, low): (i32, &TickInfo),
        (upper, high): (i32, &TickInfo),
    ) -> Growth {
        let outside = |info: &TickInfo, is_outside: bool| {
            if is_outside { info.growth_outside } else { self.growth.minus(info.growth_outside) }
        };
        let below = outside(low, self.tick >= lower);
        let above = outside(high, self.tick < upper);
        self.growth.minus(below).minus(above)
    }

    /// Returns what a range has seen up to `now`; none where it does not begin and end at ticks in use.
    ///
    /// # Source
    /// Uniswap V3, `UniswapV3Pool.snapshotCumulativesInside`.
    #[must_use]
    pub fn inside(&self, lower: i32, upper: i32, now: u32) -> Option<Inside> {
        if lower >= upper {
            return None;
        }
        let (low, high) = (self.ticks.get(&lower)?.outside, self.ticks.get(&upper)?.outside);
        Some(if self.tick < lower {
            low.minus(high)
        } else if self.tick < upper {
            let all = Inside::of(self.observation.at(now, self.tick, self.liquidity));
            all.minus(low).minus(high)
        } else {
            high.minus(low)
        })
    }

    /// Whether the contract would write an observation at `now`: once in a second, which is once in a block.
    pub(super) fn observe(&mut self, now: u32, (tick, liquidity): (i32, u128)) {
        self.observation = self.observation.at(now, tick, liquidity);
    }

    fn change(&mut self, key: PositionKey, delta: i128, now: u32) -> Result<Amounts, LpError> {
        let PositionKey { lower, upper, .. } = key;
        check_range(lower, upper)?;
        let (low, high) = if delta == 0 {
            let of = |tick| self.ticks.get(&tick).copied().unwrap_or_default();
            (of(lower), of(upper))
        } else {
            let seen = Inside::of(self.observation.at(now, self.tick, self.liquidity));
            (self.changed_tick(lower, delta, delta, seen)?, {
                let net = delta.checked_neg().ok_or(LpError::Overflow { what: "liquidity" })?;
                self.changed_tick(upper, delta, net, seen)?
            })
        };
        let inside = self.growth_between((lower, &low), (upper, &high));
        let position = self.positions.get(&key).copied().unwrap_or_default();
        let position = position.changed(delta, inside)?;
        let range = (sqrt_price_at(lower)?, sqrt_price_at(upper)?);
        let amounts = if delta > 0 {
            amounts_up(self.sqrt_price_x96, range, delta.unsigned_abs())?
        } else {
            amounts_down(self.sqrt_price_x96, range, delta.unsigned_abs())?
        };
        let is_active = (lower..upper).contains(&self.tick);
        let liquidity =
            if is_active { changed_liquidity(self.liquidity, delta)? } else { self.liquidity };

        // Nothing fails from here on.
        if delta != 0 {
            for (tick, info) in [(lower, low), (upper, high)] {
                if info.liquidity_gross == 0 {
                    self.ticks.remove(&tick);
                } else {
                    self.ticks.insert(tick, info);
                }
            }
            if is_active {
                self.observe(now, (self.tick, self.liquidity));
            }
        }
        self.positions.insert(key, position);
        self.liquidity = liquidity;
        Ok(amounts)
    }

    /// A tick after a change of `delta`, `net` of it for who crosses upwards.
    ///
    /// # Source
    /// Uniswap V3, `Tick.update`.
    fn changed_tick(
        &self,
        tick: i32,
        delta: i128,
        net: i128,
        seen: Inside,
    ) -> Result<TickInfo, LpError> {
        let known = self.ticks.get(&tick).copied();
        let mut info = known.unwrap_or_default();
        let gross = changed_liquidity(info.liquidity_gross, delta)?;
        if gross > max_liquidity_per_tick(self.tick_spacing) {
            return Err(LpError::TooMuchLiquidity { tick });
        }
        if known.is_none() {
            if tick % self.tick_spacing != 0 {
                return Err(LpError::TickNotSpaced { tick, spacing: self.tick_spacing });
            }
            // By convention all that was before this tick was in use happened below it.
            if tick <= self.tick {
                info.growth_outside = self.growth;
                info.outside = seen;
            }
        }
        info.liquidity_gross = gross;
        let net = info.liquidity_net.checked_add(net);
        info.liquidity_net = net.ok_or(LpError::Overflow { what: "liquidity" })?;
        Ok(info)
    }
}

fn check_range(lower: i32, upper: i32) -> Result<(), LpError> {
    if lower >= upper {
        return Err(LpError::EmptyRange { lower, upper });
    }
    for tick in [lower, upper] {
        if !(MIN_TICK..=MAX_TICK).contains(&tick) {
            return Err(LpError::TickOutOfRange { tick });
        }
    }
    Ok(())
}
