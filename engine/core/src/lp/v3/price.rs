//! Amounts between two prices, and the price after an amount.

use crate::lp::fixed::{Q96, add, div_up, mul_div_down, mul_div_up, sub};
use crate::lp::{Amounts, LpError};
use alloy_primitives::{U256, uint};

/// A price's root fits 160 bits.
const MOST_PRICE: U256 = uint!(0xffffffffffffffffffffffffffffffffffffffff_U256);

/// Returns the token 0 that `liquidity` holds between two prices, rounded up: what one pays.
///
/// # Units
/// Raw token 0; roots of prices in Q64.96, in any order.
///
/// # Errors
/// [`LpError`] for a price of zero.
///
/// # Source
/// Uniswap V3, `SqrtPriceMath.getAmount0Delta`.
pub fn amount0_up(a: U256, b: U256, liquidity: u128) -> Result<U256, LpError> {
    let (low, high) = (a.min(b), a.max(b));
    div_up(mul_div_up(U256::from(liquidity) << 96, high - low, high)?, low)
}

/// Returns the token 0 that `liquidity` holds between two prices, rounded down: what one gets.
///
/// # Units
/// As [`amount0_up`].
///
/// # Errors
/// As [`amount0_up`].
///
/// # Source
/// Uniswap V3, `SqrtPriceMath.getAmount0Delta`.
pub fn amount0_down(a: U256, b: U256, liquidity: u128) -> Result<U256, LpError> {
    let (low, high) = (a.min(b), a.max(b));
    let inner = mul_div_down(U256::from(liquidity) << 96, high - low, high)?;
    inner.checked_div(low).ok_or(LpError::PriceOutOfRange { found: low })
}

/// Returns the token 1 that `liquidity` holds between two prices, rounded up: what one pays.
///
/// # Units
/// Raw token 1; roots of prices in Q64.96, in any order.
///
/// # Errors
/// [`LpError::Overflow`] for roots beyond 160 bits.
///
/// # Source
/// Uniswap V3, `SqrtPriceMath.getAmount1Delta`.
pub fn amount1_up(a: U256, b: U256, liquidity: u128) -> Result<U256, LpError> {
    mul_div_up(U256::from(liquidity), a.max(b) - a.min(b), Q96)
}

/// Returns the token 1 that `liquidity` holds between two prices, rounded down: what one gets.
///
/// # Units
/// As [`amount1_up`].
///
/// # Errors
/// As [`amount1_up`].
///
/// # Source
/// Uniswap V3, `SqrtPriceMath.getAmount1Delta`.
pub fn amount1_down(a: U256, b: U256, liquidity: u128) -> Result<U256, LpError> {
    mul_div_down(U256::from(liquidity), a.max(b) - a.min(b), Q96)
}

/// Returns the price after `amount` of token 0 came in, rounded up: never beyond what was paid for.
///
/// # Errors
/// [`LpError`] for a liquidity or a price of zero.
///
/// # Source
/// Uniswap V3, `SqrtPriceMath.getNextSqrtPriceFromAmount0RoundingUp`, adding.
pub fn after_token0_in(price: U256, liquidity: u128, amount: U256) -> Result<U256, LpError> {
    if amount.is_zero() {
        return Ok(price);
    }
    let weight: U256 = U256::from(liquidity) << 96;
    // The contract's two formulas differ in their rounding: the second is for where the first does not fit.
    let denominator = amount.checked_mul(price).and_then(|product| weight.checked_add(product));
    match denominator {
        Some(denominator) => mul_div_up(weight, price, denominator),
        None => div_up(weight, add(weight / price, amount, "a price")?),
    }
}

/// Returns the price after `amount` of token 0 went out, rounded up: at least what was taken.
///
/// # Source
/// Uniswap V3, `SqrtPriceMath.getNextSqrtPriceFromAmount0RoundingUp`, removing.
fn after_token0_out(price: U256, liquidity: u128, amount: U256) -> Result<U256, LpError> {
    if amount.is_zero() {
        return Ok(price);
    }
    let weight: U256 = U256::from(liquidity) << 96;
    let product = amount.checked_mul(price).filter(|product| *product < weight);
    let product = product.ok_or(LpError::NotEnough { what: "token 0" })?;
    within(mul_div_up(weight, price, weight - product)?)
}

/// Returns the price after `amount` of token 1 came in, rounded down: never beyond what was paid for.
///
/// # Errors
/// [`LpError`] for a liquidity of zero, or a price beyond the last.
///
/// # Source
/// Uniswap V3, `SqrtPriceMath.getNextSqrtPriceFromAmount1RoundingDown`, adding.
pub fn after_token1_in(price: U256, liquidity: u128, amount: U256) -> Result<U256, LpError> {
    let moved = mul_div_down(amount, Q96, U256::from(liquidity))?;
    within(add(price, moved, "a price")?)
}

/// Returns the price after `amount` of token 1 went out, rounded down: at least what was taken.
///
/// # Source
/// Uniswap V3, `SqrtPriceMath.getNextSqrtPriceFromAmount1RoundingDown`, removing.
fn after_token1_out(price: U256, liquidity: u128, amount: U256) -> Result<U256, LpError> {
    let moved = mul_div_up(amount, Q96, U256::from(liquidity))?;
    if price <= moved {
        return Err(LpError::NotEnough { what: "token 1" });
    }
    Ok(price - moved)
}

/// Returns the price after a swap's input; `zero_for_one` sells token 0.
pub(crate) fn after_input(
    price: U256,
    liquidity: u128,
    amount: U256,
    zero_for_one: bool,
) -> Result<U256, LpError> {
    given(price, liquidity)?;
    if zero_for_one {
        after_token0_in(price, liquidity, amount)
    } else {
        after_token1_in(price, liquidity, amount)
    }
}

/// Returns the price after a swap's output; `zero_for_one` buys token 1.
pub(crate) fn after_output(
    price: U256,
    liquidity: u128,
    amount: U256,
    zero_for_one: bool,
) -> Result<U256, LpError> {
    given(price, liquidity)?;
    if zero_for_one {
        after_token1_out(price, liquidity, amount)
    } else {
        after_token0_out(price, liquidity, amount)
    }
}

fn given(price: U256, liquidity: u128) -> Result<(), LpError> {
    if price.is_zero() {
        return Err(LpError::PriceOutOfRange { found: price });
    }
    if liquidity == 0 { Err(LpError::NoLiquidity) } else { Ok(()) }
}

fn within(price: U256) -> Result<U256, LpError> {
    if price > MOST_PRICE { Err(LpError::PriceOutOfRange { found: price }) } else { Ok(price) }
}

/// Returns the most liquidity in a range that `amounts` pay for at `price`, rounded down.
///
/// # Units
/// Roots of prices in Q64.96; `range` is (lower, upper).
///
/// # Errors
/// [`LpError::Overflow`] when it does not fit 128 bits.
///
/// # Source
/// Uniswap V3, `LiquidityAmounts.getLiquidityForAmounts`.
pub fn liquidity_for_down(
    price: U256,
    range: (U256, U256),
    amounts: Amounts,
) -> Result<u128, LpError> {
    let (low, high) = (range.0.min(range.1), range.0.max(range.1));
    let (token0, token1) = (amounts.token0.0, amounts.token1.0);
    if price <= low {
        liquidity_of_token0(low, high, token0)
    } else if price < high {
        Ok(liquidity_of_token0(price, high, token0)?.min(liquidity_of_token1(low, price, token1)?))
    } else {
        liquidity_of_token1(low, high, token1)
    }
}

fn liquidity_of_token0(low: U256, high: U256, amount: U256) -> Result<u128, LpError> {
    let product = mul_div_down(low, high, Q96)?;
    fits(mul_div_down(amount, product, sub(high, low, "a range")?)?)
}

fn liquidity_of_token1(low: U256, high: U256, amount: U256) -> Result<u128, LpError> {
    fits(mul_div_down(amount, Q96, sub(high, low, "a range")?)?)
}

fn fits(liquidity: U256) -> Result<u128, LpError> {
    u128::try_from(liquidity).map_err(|_| LpError::Overflow { what: "liquidity" })
}

/// Returns what `liquidity` in a range holds at `price`, both rounded down: what a burn pays.
///
/// # Units
/// Roots of prices in Q64.96; `range` is (lower, upper).
///
/// # Errors
/// [`LpError`] for a price of zero.
///
/// # Source
/// Uniswap V3, `UniswapV3Pool._modifyPosition` for a burn. The periphery's `LiquidityAmounts` may give a unit less.
pub fn amounts_down(price: U256, range: (U256, U256), liquidity: u128) -> Result<Amounts, LpError> {
    let (low, high) = (range.0.min(range.1), range.0.max(range.1));
    let inside = price.clamp(low, high);
    Ok(Amounts::of(amount0_down(inside, high, liquidity)?, amount1_down(low, inside, liquidity)?))
}

/// Returns what `liquidity` in a range costs at `price`, both rounded up: what a mint takes.
///
/// # Units
/// As [`amounts_down`].
///
/// # Errors
/// As [`amounts_down`].
///
/// # Source
/// Uniswap V3, `UniswapV3Pool._modifyPosition` for a mint.
pub fn amounts_up(price: U256, range: (U256, U256), liquidity: u128) -> Result<Amounts, LpError> {
    let (low, high) = (range.0.min(range.1), range.0.max(range.1));
    let inside = price.clamp(low, high);
    Ok(Amounts::of(amount0_up(inside, high, liquidity)?, amount1_up(low, inside, liquidity)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lp::v3::tick::{MAX_TICK, MIN_TICK, sqrt_price_at};
    use proptest::prelude::*;

    #[test]
    fn amounts_between_known_prices_are_the_contracts() {
        // Uniswap V3, test/SqrtPriceMath.spec.ts: price 1 to 1.21.
        let (one, other) = (Q96, uint!(87150978765690771352898345369_U256));
        let liquidity = 1_000_000_000_000_000_000;
        assert_eq!(amount0_up(one, other, liquidity), Ok(uint!(90909090909090910_U256)));
        assert_eq!(amount0_down(one, other, liquidity), Ok(uint!(90909090909090909_U256)));
        assert_eq!(amount1_up(one, other, liquidity), Ok(uint!(100000000000000000_U256)));
        assert_eq!(amount1_down(one, other, liquidity), Ok(uint!(99999999999999999_U256)));
    }

    #[test]
    fn prices_after_known_amounts_are_the_contracts() {
        // Uniswap V3, test/SqrtPriceMath.spec.ts.
        let tenth = uint!(100000000000000000_U256);
        let liquidity = 1_000_000_000_000_000_000;
        let after = |zero| after_input(Q96, liquidity, tenth, zero);
        assert_eq!(after(true), Ok(uint!(72025602285694852357767227579_U256)));
        assert_eq!(after(false), Ok(uint!(87150978765690771352898345369_U256)));
        let after = |zero| after_output(Q96, liquidity, tenth, zero);
        assert_eq!(after(true), Ok(uint!(71305346262837903834189555302_U256)));
        assert_eq!(after(false), Ok(uint!(88031291682515930659493278152_U256)));
        assert!(after_output(Q96, 0, tenth, true).is_err());
    }

    proptest! {
        #[test]
        fn what_is_paid_for_liquidity_is_never_less_than_what_it_pays_back(
            a in MIN_TICK..=MAX_TICK, b in MIN_TICK..=MAX_TICK, at in MIN_TICK..=MAX_TICK, liquidity in any::<u128>()
        ) {
            let range = (sqrt_price_at(a).unwrap(), sqrt_price_at(b).unwrap());
            let price = sqrt_price_at(at).unwrap();
            let paid = amounts_up(price, range, liquidity).unwrap();
            let back = amounts_down(price, range, liquidity).unwrap();
            for (paid, back) in [(paid.token0.0, back.token0.0), (paid.token1.0, back.token1.0)] {
                prop_assert!(paid >= back, "rounding is for the pool");
                prop_assert!(paid - back <= U256::from(2), "and by no more than two units");
            }
        }

        #[test]
        fn liquidity_bought_costs_at_most_what_was_offered(
            a in -500_000_i32..0, width in 1_i32..500_000, at in -600_000_i32..600_000,
            token0 in 0_u64.., token1 in 0_u64..
        ) {
            let range = (sqrt_price_at(a).unwrap(), sqrt_price_at(a + width).unwrap());
            let price = sqrt_price_at(at).unwrap();
            let offered = Amounts::of(U256::from(token0), U256::from(token1));
            if let Ok(liquidity) = liquidity_for_down(price, range, offered) {
                let paid = amounts_up(price, range, liquidity).unwrap();
                prop_assert!(paid.token0 <= offered.token0 && paid.token1 <= offered.token1, "no more is taken than offered");
            }
        }
    }
}
