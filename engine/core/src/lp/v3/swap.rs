//! A swap across ticks.

use super::pool::{Pool, TickInfo};
use super::position::changed_liquidity;
use super::step::{Step, SwapAmount, swap_step};
use super::tick::{MAX_SQRT_PRICE, MAX_TICK, MIN_SQRT_PRICE, MIN_TICK, sqrt_price_at, tick_at};
use super::{Growth, oracle::Inside};
use crate::Amount;
use crate::lp::LpError;
use crate::lp::fixed::{Q128, add, mul_div_down, sub};
use alloy_primitives::{U256, uint};

/// Amounts are signed in the contract: below 2^255.
const MOST_AMOUNT: U256 =
    uint!(0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff_U256);

/// What is to be swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Whether token 0 is sold for token 1, which lets the price fall.
    pub zero_for_one: bool,
    /// How much, of which side.
    pub amount: SwapAmount,
    /// Where the price stops, a root in Q64.96.
    pub limit_x96: U256,
}

impl Order {
    /// Returns an order that stops nowhere before the end of prices.
    #[must_use]
    pub fn unlimited(zero_for_one: bool, amount: SwapAmount) -> Order {
        let one = U256::from(1);
        let limit_x96 = if zero_for_one { MIN_SQRT_PRICE + one } else { MAX_SQRT_PRICE - one };
        Order { zero_for_one, amount, limit_x96 }
    }
}

/// What a swap did. The pool's new price, tick and liquidity are in the pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swapped {
    /// Paid in, the fee included; token 0 when that was sold.
    pub paid: Amount,
    /// Paid out.
    pub received: Amount,
    /// What of the payment was fee, the protocol's share included.
    pub fee: Amount,
    /// How many ticks in use the price crossed.
    pub crossed: u32,
}

/// A swap in the making.
struct Run {
    remaining: U256,
    price: U256,
    tick: i32,
    liquidity: u128,
    growth: U256,
    protocol: u128,
    done: Swapped,
    crossed: Vec<(i32, TickInfo)>,
}

impl Pool {
    /// Swaps, as far as the amount and the limit go, and returns what was paid and received. Where the limit or the
    /// end of the liquidity comes first, less than the amount is swapped.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Uniswap V3, `UniswapV3Pool.swap`.
    pub fn swap(&mut self, order: Order, now: u32) -> Result<Swapped, LpError> {
        let (SwapAmount::ExactIn(Amount(amount)) | SwapAmount::ExactOut(Amount(amount))) =
            order.amount;
        if amount.is_zero() {
            return Err(LpError::Zero { what: "the amount" });
        }
        if amount > MOST_AMOUNT {
            return Err(LpError::Overflow { what: "the amount" });
        }
        self.check_limit(order)?;
        let growth = if order.zero_for_one { self.growth.token0 } else { self.growth.token1 };
        let mut run = Run {
            remaining: amount,
            price: self.sqrt_price_x96,
            tick: self.tick,
            liquidity: self.liquidity,
            growth,
            protocol: 0,
            done: Swapped::default(),
            crossed: Vec::new(),
        };
        let seen = Inside::of(self.observation.at(now, self.tick, self.liquidity));
        while !run.remaining.is_zero() && run.price != order.limit_x96 {
            self.advance(&mut run, order, seen)?;
        }
        self.commit(run, order.zero_for_one, now)
    }

    /// Returns what the swap would do, and leaves the pool as it is.
    ///
    /// # Errors
    /// As [`Pool::swap`].
    pub fn quote(&self, order: Order, now: u32) -> Result<Swapped, LpError> {
        self.clone().swap(order, now)
    }

    fn check_limit(&self, order: Order) -> Result<(), LpError> {
        let (limit, price) = (order.limit_x96, self.sqrt_price_x96);
        let fits = if order.zero_for_one {
            limit < price && limit > MIN_SQRT_PRICE
        } else {
            limit > price && limit < MAX_SQRT_PRICE
        };
        if fits { Ok(()) } else { Err(LpError::PriceOutOfRange { found: limit }) }
    }

    /// One step: to the next tick in use, the edge of its word, or the limit.
    fn advance(&self, run: &mut Run, order: Order, seen: Inside) -> Result<(), LpError> {
        let (next, info) = self.next_tick(run.tick, order.zero_for_one);
        let next = next.clamp(MIN_TICK, MAX_TICK);
        let next_price = sqrt_price_at(next)?;
        let target = if order.zero_for_one {
            next_price.max(order.limit_x96)
        } else {
            next_price.min(order.limit_x96)
        };
        let remaining = match order.amount {
            SwapAmount::ExactIn(_) => SwapAmount::ExactIn(Amount(run.remaining)),
            SwapAmount::ExactOut(_) => SwapAmount::ExactOut(Amount(run.remaining)),
        };
        let step = swap_step((run.price, target), run.liquidity, remaining, self.fee)?;
        let before = run.price;
        run.price = step.sqrt_price_x96;
        self.book(run, order, step)?;
        if run.price == next_price {
            if let Some(info) = info {
                self.cross(run, (next, info), order.zero_for_one, seen)?;
            }
            run.tick = if order.zero_for_one { next - 1 } else { next };
        } else if run.price != before {
            run.tick = tick_at(run.price)?;
        }
        Ok(())
    }

    /// Takes a step's amounts into account.
    fn book(&self, run: &mut Run, order: Order, step: Step) -> Result<(), LpError> {
        let paid = add(step.amount_in, step.fee, "the amount")?;
        let used = match order.amount {
            SwapAmount::ExactIn(_) => paid,
            SwapAmount::ExactOut(_) => step.amount_out,
        };
        run.remaining = sub(run.remaining, used, "the amount")?;
        run.done.paid = Amount(add(run.done.paid.0, paid, "what is paid")?);
        run.done.received = Amount(add(run.done.received.0, step.amount_out, "what is received")?);
        run.done.fee = Amount(add(run.done.fee.0, step.fee, "the fee")?);
        if run.done.paid.0 > MOST_AMOUNT || run.done.received.0 > MOST_AMOUNT {
            return Err(LpError::Overflow { what: "the amount" });
        }
        let share = if order.zero_for_one { self.protocol_share.0 } else { self.protocol_share.1 };
        let protocol = step.fee.checked_div(U256::from(share)).unwrap_or_default();
        run.protocol = run.protocol.wrapping_add(protocol.wrapping_to::<u128>());
        if run.liquidity > 0 {
            let grown = mul_div_down(step.fee - protocol, Q128, U256::from(run.liquidity))?;
            run.growth = run.growth.wrapping_add(grown);
        }
        Ok(())
    }

    /// Turns a tick's outside round and changes the liquidity.
    ///
    /// # Source
    /// Uniswap V3, `Tick.cross`.
    fn cross(
        &self,
        run: &mut Run,
        (tick, mut info): (i32, TickInfo),
        zero_for_one: bool,
        seen: Inside,
    ) -> Result<(), LpError> {
        let growth = self.growth_with(run.growth, zero_for_one);
        info.growth_outside = growth.minus(info.growth_outside);
        info.outside = seen.minus(info.outside);
        let net = info.liquidity_net;
        let net = if zero_for_one { net.checked_neg() } else { Some(net) };
        let net = net.ok_or(LpError::Overflow { what: "liquidity" })?;
        run.liquidity = changed_liquidity(run.liquidity, net)?;
        run.crossed.push((tick, info));
        run.done.crossed = run.done.crossed.saturating_add(1);
        Ok(())
    }

    fn growth_with(&self, growth: U256, zero_for_one: bool) -> Growth {
        if zero_for_one {
            Growth { token0: growth, ..self.growth }
        } else {
            Growth { token1: growth, ..self.growth }
        }
    }

    fn commit(&mut self, run: Run, zero_for_one: bool, now: u32) -> Result<Swapped, LpError> {
        if run.tick != self.tick {
            self.observe(now, (self.tick, self.liquidity));
        }
        self.ticks.extend(run.crossed);
        self.growth = self.growth_with(run.growth, zero_for_one);
        self.sqrt_price_x96 = run.price;
        self.tick = run.tick;
        self.liquidity = run.liquidity;
        let fees = &mut self.protocol_fees;
        let fees = if zero_for_one { &mut fees.0 } else { &mut fees.1 };
        *fees = fees.wrapping_add(run.protocol);
        Ok(run.done)
    }

    /// The next tick in use in the direction of the swap, but no farther than the edge of its word of 256 in the
    /// contract's bitmap. The edge matters: a step ends there, and each step rounds for itself.
    ///
    /// # Source
    /// Uniswap V3, `TickBitmap.nextInitializedTickWithinOneWord`.
    fn next_tick(&self, tick: i32, zero_for_one: bool) -> (i32, Option<TickInfo>) {
        let spacing = self.tick_spacing;
        let place = tick.div_euclid(spacing);
        let (found, edge) = if zero_for_one {
            let edge = (place & !255) * spacing;
            (self.ticks.range(edge..=place * spacing).next_back(), edge)
        } else {
            let edge = ((place + 1) | 255) * spacing;
            (self.ticks.range((place + 1) * spacing..=edge).next(), edge)
        };
        found.map_or((edge, None), |(tick, info)| (*tick, Some(*info)))
    }
}
