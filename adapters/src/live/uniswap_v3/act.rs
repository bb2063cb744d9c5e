//! What `UniswapV3Market` would do: an entry with its swaps, an exit with its sale, another range; step by step as the contract
//! and in its order, on the pool as it was read.

use super::holding::{DUST, Holding, PROBE, ROUNDING, sum};
use alloy::primitives::U256;
use plimsoll_core::lp::fixed::{Q96, mul_div_down, mul_div_up};
use plimsoll_core::lp::v3::{Managed, Order, PositionKey, SwapAmount};
use plimsoll_core::lp::{Amounts, LpError};
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Predict, PredictError, Predicted};

/// Times that more is burned when a sale falls short.
const MOST_BURNS: usize = 3;
/// Everything that is owed.
const ALL: (u128, u128) = (u128::MAX, u128::MAX);

/// Why the contract would refuse, or what it would do is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The pool or its arithmetic refuses.
    #[error("{0}")]
    Lp(#[from] LpError),
    /// There is no fresh price.
    #[error("the oracle's price is not fresh")]
    Stale,
    /// There is no range to enter.
    #[error("the position has no range")]
    NoRange,
    /// A range outside the contract's bounds.
    #[error("the range {0} to {1} is outside the contract's bounds")]
    OutOfBounds(i32, i32),
    /// The pool's price is far from the oracle's.
    #[error("the pool's tick {spot} is too far from the oracle's {believed}")]
    SpotTooFar {
        /// The pool's.
        spot: i32,
        /// The oracle's.
        believed: i32,
    },
    /// A swap brings less than the oracle allows, or an exit less than was asked for.
    #[error("{found} comes, {least} is the least")]
    TooLittle {
        /// What comes.
        found: U256,
        /// The least.
        least: U256,
    },
    /// Beyond what was read.
    #[error("{0}")]
    NotKnown(&'static str),
}

impl Holding {
    /// Lets time pass until `timestamp`: nothing grows, but a price gets old.
    #[must_use]
    pub fn at(mut self, timestamp: u64) -> Holding {
        self.quote.is_fresh &= self.quote.until.is_none_or(|until| timestamp <= until);
        self
    }

    /// Enters with `assets` that are in the contract already; into another range where one is given.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn enter(
        &mut self,
        assets: U256,
        range: Option<(i32, i32)>,
        now: u64,
    ) -> Result<(), Refusal> {
        self.only_fresh()?;
        if let Some(range) = range {
            if self.units != 0 {
                return Err(Refusal::NoRange);
            }
            self.set_range(range, now)?;
        }
        if self.range.0 == self.range.1 {
            return Err(Refusal::NoRange);
        }
        self.add_balanced((assets, U256::ZERO), now)
    }

    /// Pays `assets` out.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn leave(&mut self, assets: U256, now: u64) -> Result<(), Refusal> {
        let wanted = assets.saturating_sub(self.held);
        if !wanted.is_zero() {
            self.only_fresh()?;
            let got = self.sell(wanted, now)?;
            if got < wanted {
                return Err(Refusal::TooLittle { found: got, least: wanted });
            }
            self.held = sum(self.held, got)?;
        }
        self.held = self.held.saturating_sub(assets);
        Ok(())
    }

    /// Moves everything into another range.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn arrange(&mut self, range: (i32, i32), now: u64) -> Result<(), Refusal> {
        let fees = self.collect(now)?;
        let burned = self.burn(self.units, now)?;
        let assets = sum(sum(fees.0, burned.0)?, self.held)?;
        let others = sum(sum(fees.1, burned.1)?, self.other_held)?;
        (self.held, self.other_held) = (U256::ZERO, U256::ZERO);
        self.set_range(range, now)?;
        self.add_balanced((assets, others), now)
    }

    fn only_fresh(&self) -> Result<(), Refusal> {
        if self.quote.is_fresh { Ok(()) } else { Err(Refusal::Stale) }
    }

    fn set_range(&mut self, (from, to): (i32, i32), now: u64) -> Result<(), Refusal> {
        self.only_fresh()?;
        let (width, bounds) = (to.saturating_sub(from), self.setting.bounds);
        // Half of a sum rounds towards zero, as in the contract.
        let middle = from.saturating_add(to) / 2;
        let is_wide = to > from && (bounds.width.0..=bounds.width.1).contains(&width);
        if !is_wide || !is_near(middle, self.oracle_tick()?, bounds.middle) {
            return Err(Refusal::OutOfBounds(from, to));
        }
        let (assets, others) = self.collect(now)?;
        self.held = sum(self.held, assets)?;
        self.other_held = sum(self.other_held, others)?;
        (self.range, self.managed) = ((from, to), None);
        Ok(())
    }

    fn add_balanced(&mut self, amounts: (U256, U256), now: u64) -> Result<(), Refusal> {
        let amounts = self.balance(amounts, now)?;
        let (assets, others) = self.balance(amounts, now)?;
        let (spot, believed) = (self.pool.tick, self.oracle_tick()?);
        if !is_near(spot, believed, self.setting.bounds.spot) {
            return Err(Refusal::SpotTooFar { spot, believed });
        }
        let (token0, token1) = self.sorted((assets, others));
        let most = Amounts::of(token0, token1);
        let paid = self.mint(most, now)?;
        self.balances.token0.0 = sum(self.balances.token0.0, paid.token0.0)?;
        self.balances.token1.0 = sum(self.balances.token1.0, paid.token1.0)?;
        let left = (token0.saturating_sub(paid.token0.0), token1.saturating_sub(paid.token1.0));
        let (assets, others) = self.sorted(left);
        self.held = sum(self.held, assets)?;
        self.other_held = sum(self.other_held, others)?;
        Ok(())
    }

    fn mint(&mut self, most: Amounts, now: u64) -> Result<Amounts, Refusal> {
        let now = seconds(now);
        let before = self.managed.map_or(0, |managed| managed.liquidity);
        let paid = match &mut self.managed {
            Some(managed) => managed.increase(&mut self.pool, most, now)?,
            None => {
                let (lower, upper) = self.range;
                let key = PositionKey { owner: self.setting.manager, lower, upper };
                let (managed, paid) = Managed::open(&mut self.pool, key, most, now)?;
                self.managed = Some(managed);
                paid
            }
        };
        let after = self.managed.map_or(0, |managed| managed.liquidity);
        let units = self.units.checked_add(after.saturating_sub(before));
        self.units = units.ok_or(LpError::Overflow { what: "liquidity" })?;
        Ok(paid)
    }

    /// Swaps towards the proportion of the range at the pool's price.
    fn balance(
        &mut self,
        (assets, others): (U256, U256),
        now: u64,
    ) -> Result<(U256, U256), Refusal> {
        let spot = self.pool.sqrt_price_x96;
        let (of_asset, of_other) = self.amounts(spot, 1 << 96)?;
        let worth = self.at_spot(spot, of_other)?;
        let has = self.at_spot(spot, others)?;
        let all = sum(assets, has)?;
        let wants = mul_div_down(all, worth, sum(of_asset, worth)?)?;
        let small = all / U256::from(1_000);
        if wants > sum(has, small)? {
            let spent = assets.min(wants.saturating_sub(has));
            let least = mul_div_down(spent.saturating_sub(DUST), PROBE, self.quote.best)?;
            let least = self.less_slippage(least)?;
            let out = self.swap(true, spent, least, now)?;
            return Ok((assets.saturating_sub(spent), sum(others, out)?));
        }
        if has <= sum(wants, small)? {
            return Ok((assets, others));
        }
        let sold = mul_div_down(others, has.saturating_sub(wants), has)?;
        let out = self.swap(false, sold, self.least_for(sold)?, now)?;
        Ok((sum(assets, out)?, others.saturating_sub(sold)))
    }

    /// What `amount` of the other token is at the pool's price.
    fn at_spot(&self, spot: U256, amount: U256) -> Result<U256, LpError> {
        let (up, down) = if self.setting.is_asset_zero { (Q96, spot) } else { (spot, Q96) };
        mul_div_down(mul_div_down(amount, up, down)?, up, down)
    }

    /// Swaps the asset, or the other token, in the pool.
    fn swap(
        &mut self,
        is_asset: bool,
        amount: U256,
        least: U256,
        now: u64,
    ) -> Result<U256, Refusal> {
        if !self.setting.swaps_here {
            return Err(Refusal::NotKnown("the contract swaps in another pool, which is not read"));
        }
        let mut out = U256::ZERO;
        if !amount.is_zero() {
            let zero_for_one = is_asset == self.setting.is_asset_zero;
            let order = Order::unlimited(zero_for_one, SwapAmount::ExactIn(Amount(amount)));
            let done = self.pool.swap(order, seconds(now))?;
            if !(self.known.0..=self.known.1).contains(&self.pool.tick) {
                return Err(Refusal::NotKnown("the swap runs beyond the ticks that are read"));
            }
            if done.paid.0 != amount {
                return Err(Refusal::TooLittle { found: done.paid.0, least: amount });
            }
            out = done.received.0;
            let Amounts { token0, token1 } = &mut self.balances;
            let (from, to) = if zero_for_one { (token0, token1) } else { (token1, token0) };
            from.0 = sum(from.0, amount)?;
            to.0 = to.0.saturating_sub(out);
        }
        if out < least {
            return Err(Refusal::TooLittle { found: out, least });
        }
        Ok(out)
    }

    fn collect(&mut self, now: u64) -> Result<(U256, U256), Refusal> {
        let Some(managed) = &mut self.managed else { return Ok((U256::ZERO, U256::ZERO)) };
        let (zero, one) = managed.collect(&mut self.pool, ALL, seconds(now))?;
        let (zero, one) = (U256::from(zero), U256::from(one));
        self.balances.token0.0 = self.balances.token0.0.saturating_sub(zero);
        self.balances.token1.0 = self.balances.token1.0.saturating_sub(one);
        Ok(self.sorted((zero, one)))
    }

    fn burn(&mut self, liquidity: u128, now: u64) -> Result<(U256, U256), Refusal> {
        if liquidity == 0 {
            return Ok((U256::ZERO, U256::ZERO));
        }
        let left = self.units.checked_sub(liquidity);
        self.units = left.ok_or(LpError::NotEnough { what: "liquidity" })?;
        if let Some(managed) = &mut self.managed {
            managed.decrease(&mut self.pool, liquidity, seconds(now))?;
        }
        self.collect(now)
    }

    /// Burns the least that pays `assets` and sells no more than is needed; what it brings.
    fn sell(&mut self, assets: U256, now: u64) -> Result<U256, Refusal> {
        let (mut got, fees) = self.collect(now)?;
        let mut others = sum(fees, self.other_held)?;
        for _ in 0..MOST_BURNS {
            if self.units == 0 || sum(got, self.quoted(0, others)?)? >= assets {
                break;
            }
            let part = self.liquidity_for(assets.saturating_sub(got), others)?;
            let burned = self.burn(part, now)?;
            (got, others) = (sum(got, burned.0)?, sum(others, burned.1)?);
        }
        self.other_held = others;
        if got < assets {
            let sold = self.amount_for(assets.saturating_sub(got), others)?;
            self.other_held = others.saturating_sub(sold);
            let out = self.swap(false, sold, self.least_for(sold)?, now)?;
            got = sum(got, out)?;
        }
        Ok(got)
    }

    fn quoted(&self, burned: u128, amount: U256) -> Result<U256, Refusal> {
        let found = self.quote_after(burned, amount)?;
        found.ok_or(Refusal::NotKnown("the sale runs beyond the ticks that are read"))
    }

    /// Liquidity that brings `assets`, beside selling `others`.
    fn liquidity_for(&self, assets: U256, others: U256) -> Result<u128, Refusal> {
        let mut part = self.units;
        let wanted = sum(assets, ROUNDING)?;
        for _ in 0..3 {
            let (of_asset, of_other) = self.amounts(self.pool.sqrt_price_x96, part)?;
            let out = sum(of_asset, self.quoted(part, sum(others, of_other)?)?)?;
            if out <= wanted {
                return Ok(part);
            }
            let next = mul_div_up(U256::from(part), wanted, out)?;
            part = u128::try_from(next).map_err(|_| LpError::Overflow { what: "liquidity" })?;
        }
        Ok(part)
    }

    /// How much of `others` brings `assets`; all of it where that is not enough.
    fn amount_for(&self, assets: U256, others: U256) -> Result<U256, Refusal> {
        let mut amount = others;
        for _ in 0..2 {
            let out = self.quoted(0, amount)?;
            if out <= assets {
                return Ok(amount);
            }
            amount = mul_div_up(amount, assets, out)?;
        }
        Ok(amount)
    }

    /// The market as it is here.
    ///
    /// # Errors
    /// [`Refusal`] where it cannot be told.
    pub fn predicted(&self) -> Result<Predicted, Refusal> {
        let (worth, _) = self.value()?;
        let available = self.liquidity()?;
        let lacks = "what can leave depends on more than was read";
        let available = available.ok_or(Refusal::NotKnown(lacks))?;
        Ok(Predicted {
            share_price: self.share_price()?,
            supply_apr: Ray(U256::ZERO),
            supplied: self.tvl()?,
            borrowed: Amount::ZERO,
            exit: Amount(self.cash().0),
            held: Held { shares: Shares(U256::from(self.units)), worth, available },
        })
    }
}

impl Predict for Holding {
    fn after(
        &self,
        is_entry: bool,
        amount: Amount,
        timestamp: u64,
    ) -> Result<Predicted, PredictError> {
        if timestamp < self.read {
            return Err(PredictError::Past { asked: timestamp, read: self.read });
        }
        let mut next = self.clone().at(timestamp);
        if !amount.is_zero() && is_entry {
            next.enter(amount.0, None, timestamp).map_err(refused)?;
        } else if !amount.is_zero() {
            next.leave(amount.0, timestamp).map_err(|refusal| {
                let available = self.liquidity().ok().flatten().unwrap_or_default();
                match refusal {
                    Refusal::NotKnown(_) => refused(refusal),
                    _ => PredictError::NotAvailable { asked: amount, available },
                }
            })?;
        }
        next.predicted().map_err(refused)
    }

    fn laid(
        &self,
        range: (i32, i32),
        amount: Option<Amount>,
        timestamp: u64,
    ) -> Option<Result<Predicted, PredictError>> {
        let mut next = self.clone().at(timestamp);
        let done = match amount {
            Some(amount) => next.enter(amount.0, Some(range), timestamp),
            None => next.arrange(range, timestamp),
        };
        Some(done.and_then(|()| next.predicted()).map_err(refused))
    }
}

fn refused(refusal: Refusal) -> PredictError {
    PredictError::Arithmetic { detail: refusal.to_string() }
}

/// The contract's clock in 32 bits, as the pool has it.
fn seconds(now: u64) -> u32 {
    u32::try_from(now & u64::from(u32::MAX)).unwrap_or_default()
}

fn is_near(a: i32, b: i32, most: i32) -> bool {
    a.abs_diff(b) <= most.unsigned_abs()
}
