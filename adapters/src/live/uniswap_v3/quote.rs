//! What a swap would bring, as the market contract's library reckons it (`contracts/src/libraries/PoolQuotes.sol`): step by
//! step and rounded as there, so that what the contract says can leave is reckoned to the unit.

use alloy::primitives::U256;
use plimsoll_core::lp::LpError;
use plimsoll_core::lp::fixed::{mul_div_down, mul_div_up};
use plimsoll_core::lp::v3::Pool;
use plimsoll_core::lp::v3::price::{
    after_token0_in, after_token1_in, amount0_down, amount0_up, amount1_down, amount1_up,
};
use plimsoll_core::lp::v3::tick::{MAX_TICK, MIN_TICK, sqrt_price_at};

/// Ticks, or words of 256 ticks, that one quote of the contract follows.
const MOST_STEPS: usize = 24;
/// Parts of a fee.
const FEE_UNITS: u32 = 1_000_000;
/// Ticks in a word of the pool's bitmap.
const WORD: i32 = 256;

/// Liquidity in a range that is taken for gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Without {
    /// How much.
    pub liquidity: u128,
    /// The range.
    pub range: (i32, i32),
}

/// A quote in the making.
struct State {
    tick: i32,
    price: U256,
    liquidity: u128,
    left: U256,
    out: U256,
}

/// Returns what `amount` of token 0 (`zero_for_one`) or token 1 would bring; `None` where it runs beyond `known`, the ticks
/// of which the pool is known.
///
/// # Errors
/// [`LpError`] where the contract's arithmetic reverts.
pub fn quote(
    (pool, known): (&Pool, (i32, i32)),
    zero_for_one: bool,
    amount: U256,
    without: Without,
) -> Result<Option<U256>, LpError> {
    let mut state = State {
        tick: pool.tick,
        price: pool.sqrt_price_x96,
        liquidity: pool.liquidity,
        left: amount,
        out: U256::ZERO,
    };
    for _ in 0..MOST_STEPS {
        if state.left.is_zero() {
            break;
        }
        let (next, is_used) = next_tick(pool, state.tick, zero_for_one);
        if !(MIN_TICK..=MAX_TICK).contains(&next) {
            break;
        }
        if !(known.0..=known.1).contains(&next) {
            return Ok(None);
        }
        let is_own = (without.range.0..without.range.1).contains(&state.tick);
        let own = if is_own { without.liquidity } else { 0 };
        let active = state.liquidity.checked_sub(own);
        let active = active.ok_or(LpError::NotEnough { what: "liquidity" })?;
        if !step(&mut state, pool.fee, (sqrt_price_at(next)?, zero_for_one), active)? {
            break;
        }
        if is_used {
            let net = pool.ticks.get(&next).map_or(0, |info| info.liquidity_net);
            let net = if zero_for_one { net.checked_neg() } else { Some(net) };
            let crossed = net.and_then(|net| state.liquidity.checked_add_signed(net));
            state.liquidity = crossed.ok_or(LpError::Overflow { what: "liquidity" })?;
        }
        state.tick = if zero_for_one { next.saturating_sub(1) } else { next };
    }
    Ok(Some(state.out))
}

/// Swaps up to the price `target`; whether it was reached.
fn step(
    state: &mut State,
    fee: u32,
    (target, zero_for_one): (U256, bool),
    liquidity: u128,
) -> Result<bool, LpError> {
    let (units, fee) = (U256::from(FEE_UNITS), U256::from(fee));
    let kept = units.saturating_sub(fee);
    let spendable = mul_div_down(state.left, kept, units)?;
    let needed = if zero_for_one {
        amount0_up(target, state.price, liquidity)?
    } else {
        amount1_up(state.price, target, liquidity)?
    };
    let is_reached = spendable >= needed;
    let to = match (is_reached, zero_for_one) {
        (true, _) => target,
        (false, true) => after_token0_in(state.price, liquidity, spendable)?,
        (false, false) => after_token1_in(state.price, liquidity, spendable)?,
    };
    let out = if zero_for_one {
        amount1_down(to, state.price, liquidity)?
    } else {
        amount0_down(state.price, to, liquidity)?
    };
    state.out = state.out.checked_add(out).ok_or(LpError::Overflow { what: "a quote" })?;
    if is_reached {
        let paid = needed.checked_add(mul_div_up(needed, fee, kept)?);
        let left = paid.and_then(|paid| state.left.checked_sub(paid));
        state.left = left.ok_or(LpError::NotEnough { what: "the amount" })?;
    }
    state.price = to;
    Ok(is_reached)
}

/// The next tick in use in the direction of the swap, or the end of the word of 256 ticks.
fn next_tick(pool: &Pool, tick: i32, down: bool) -> (i32, bool) {
    let spacing = pool.tick_spacing.max(1);
    let place = tick.div_euclid(spacing).saturating_add(i32::from(!down));
    let first = place.div_euclid(WORD).saturating_mul(WORD).saturating_mul(spacing);
    let last = first.saturating_add(spacing.saturating_mul(WORD - 1));
    let here = place.saturating_mul(spacing);
    let (used, end) = if down {
        (pool.ticks.range(first..=here).next_back(), first)
    } else {
        (pool.ticks.range(here..=last).next(), last)
    };
    used.map_or((end, false), |(tick, _)| (*tick, true))
}
