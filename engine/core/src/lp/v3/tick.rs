//! Ticks and prices: price = 1.0001^tick, its root in Q64.96.

use crate::lp::LpError;
use alloy_primitives::{U256, uint};

/// The lowest tick.
pub const MIN_TICK: i32 = -887_272;
/// The highest tick.
pub const MAX_TICK: i32 = 887_272;
/// The root of the price at [`MIN_TICK`], Q64.96.
pub const MIN_SQRT_PRICE: U256 = uint!(4295128739_U256);
/// The root of the price at [`MAX_TICK`], Q64.96. A pool's price is below it.
pub const MAX_SQRT_PRICE: U256 = uint!(1461446703485210103287273052203988822378723970342_U256);

/// 1.0001^(-2^i / 2) for i = 0..20 in Q128.128, as the contract has them: not all of them are the nearest integer.
///
/// # Source
/// Uniswap V3, `TickMath.getSqrtRatioAtTick`.
const POWERS: [U256; 20] = [
    uint!(0xfffcb933bd6fad37aa2d162d1a594001_U256),
    uint!(0xfff97272373d413259a46990580e213a_U256),
    uint!(0xfff2e50f5f656932ef12357cf3c7fdcc_U256),
    uint!(0xffe5caca7e10e4e61c3624eaa0941cd0_U256),
    uint!(0xffcb9843d60f6159c9db58835c926644_U256),
    uint!(0xff973b41fa98c081472e6896dfb254c0_U256),
    uint!(0xff2ea16466c96a3843ec78b326b52861_U256),
    uint!(0xfe5dee046a99a2a811c461f1969c3053_U256),
    uint!(0xfcbe86c7900a88aedcffc83b479aa3a4_U256),
    uint!(0xf987a7253ac413176f2b074cf7815e54_U256),
    uint!(0xf3392b0822b70005940c7a398e4b70f3_U256),
    uint!(0xe7159475a2c29b7443b29c7fa6e889d9_U256),
    uint!(0xd097f3bdfd2022b8845ad8f792aa5825_U256),
    uint!(0xa9f746462d870fdf8a65dc1f90e061e5_U256),
    uint!(0x70d869a156d2a1b890bb3df62baf32f7_U256),
    uint!(0x31be135f97d08fd981231505542fcfa6_U256),
    uint!(0x9aa508b5b7a84e1c677de54f3e99bc9_U256),
    uint!(0x5d6af8dedb81196699c329225ee604_U256),
    uint!(0x2216e584f5fa1ea926041bedfe98_U256),
    uint!(0x48a170391f7dc42444e8fa2_U256),
];
const ONE: U256 = crate::lp::fixed::Q128;
/// Ticks in a doubling of the root of the price, a little too many: 2 ln 2 / ln 1.0001 = 13,863.64.
const TICKS_PER_BIT: i32 = 13_864;

/// Returns the root of the price at `tick`, rounded up to Q64.96 from a product whose steps round down.
///
/// # Units
/// Q64.96 of raw token 1 per raw token 0.
///
/// # Errors
/// [`LpError::TickOutOfRange`].
///
/// # Source
/// Uniswap V3, `TickMath.getSqrtRatioAtTick`.
pub fn sqrt_price_at(tick: i32) -> Result<U256, LpError> {
    let distance = tick.unsigned_abs();
    if distance > MAX_TICK.unsigned_abs() {
        return Err(LpError::TickOutOfRange { tick });
    }
    let below = POWERS
        .iter()
        .enumerate()
        .filter(|(bit, _)| (distance >> bit) & 1 == 1)
        .fold(ONE, |product, (_, power)| product.wrapping_mul(*power) >> 128);
    // The powers go downwards; a positive tick is the inverse of a negative one.
    let ratio = if tick > 0 { U256::MAX / below } else { below };
    Ok(ratio.div_ceil(U256::from(1_u64 << 32)))
}

/// Returns the highest tick whose price is at most the one given.
///
/// # Errors
/// [`LpError::PriceOutOfRange`] outside [`MIN_SQRT_PRICE`] to just below [`MAX_SQRT_PRICE`].
///
/// # Source
/// Uniswap V3, `TickMath.getTickAtSqrtRatio`. The contract takes a logarithm; the answer is the same.
pub fn tick_at(sqrt_price_x96: U256) -> Result<i32, LpError> {
    if sqrt_price_x96 < MIN_SQRT_PRICE || sqrt_price_x96 >= MAX_SQRT_PRICE {
        return Err(LpError::PriceOutOfRange { found: sqrt_price_x96 });
    }
    // The highest bit bounds the tick; halving what is left finds it.
    let bit = i32::try_from(sqrt_price_x96.bit_len()).unwrap_or(160) - 97;
    let (mut low, mut high) = if bit >= 0 {
        ((bit * (TICKS_PER_BIT - 1)).max(MIN_TICK), ((bit + 1) * TICKS_PER_BIT).min(MAX_TICK))
    } else {
        ((bit * TICKS_PER_BIT).max(MIN_TICK), ((bit + 1) * (TICKS_PER_BIT - 1)).min(MAX_TICK))
    };
    // The price at `low` is at most the one given, the one at `high` above it.
    high = high.saturating_add(1).min(MAX_TICK);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if sqrt_price_at(middle)? <= sqrt_price_x96 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Returns the most liquidity that one tick may carry, so that the sum over all never leaves 128 bits.
///
/// # Source
/// Uniswap V3, `Tick.tickSpacingToMaxLiquidityPerTick`.
#[must_use]
pub fn max_liquidity_per_tick(spacing: i32) -> u128 {
    let spacing = spacing.max(1);
    let ticks = (MAX_TICK / spacing - MIN_TICK / spacing).unsigned_abs() + 1;
    u128::MAX / u128::from(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prices_at_known_ticks_are_the_contracts() {
        // Uniswap V3, test/TickMath.spec.ts and the constants of TickMath.sol.
        assert_eq!(sqrt_price_at(MIN_TICK), Ok(MIN_SQRT_PRICE));
        assert_eq!(sqrt_price_at(MAX_TICK), Ok(MAX_SQRT_PRICE));
        assert_eq!(sqrt_price_at(MIN_TICK + 1), Ok(uint!(4295343490_U256)));
        assert_eq!(
            sqrt_price_at(MAX_TICK - 1),
            Ok(uint!(1461373636630004318706518188784493106690254656249_U256))
        );
        assert_eq!(sqrt_price_at(0), Ok(crate::lp::fixed::Q96));
        assert_eq!(
            sqrt_price_at(MAX_TICK + 1),
            Err(LpError::TickOutOfRange { tick: MAX_TICK + 1 })
        );
    }

    #[test]
    fn the_ends_of_the_prices_are_the_ends_of_the_ticks() {
        let one = U256::from(1);
        assert_eq!(tick_at(MIN_SQRT_PRICE), Ok(MIN_TICK));
        assert_eq!(tick_at(MAX_SQRT_PRICE - one), Ok(MAX_TICK - 1));
        for outside in [MIN_SQRT_PRICE - one, MAX_SQRT_PRICE] {
            assert_eq!(tick_at(outside), Err(LpError::PriceOutOfRange { found: outside }));
        }
    }

    #[test]
    fn the_most_liquidity_of_a_tick_is_the_contracts() {
        // Uniswap V3, test/Tick.spec.ts.
        assert_eq!(max_liquidity_per_tick(10), 1_917_569_901_783_203_986_719_870_431_555_990);
        assert_eq!(max_liquidity_per_tick(60), 11_505_743_598_341_114_571_880_798_222_544_994);
        assert_eq!(max_liquidity_per_tick(200), 38_350_317_471_085_141_830_651_933_667_504_588);
        assert_eq!(max_liquidity_per_tick(887_272), u128::MAX / 3);
    }

    proptest! {
        #[test]
        fn a_tick_is_the_tick_of_its_price_and_of_all_below_the_next(tick in MIN_TICK..MAX_TICK) {
            let price = sqrt_price_at(tick).unwrap();
            let next = sqrt_price_at(tick + 1).unwrap();
            prop_assert!(price < next, "a higher tick has a higher price");
            prop_assert_eq!(tick_at(price), Ok(tick), "the price of a tick has that tick");
            prop_assert_eq!(tick_at(next - U256::from(1)), Ok(tick), "up to just below the next");
        }

        #[test]
        fn a_price_lies_between_its_tick_and_the_next(bits in 33_u32..160, low in any::<u128>()) {
            let price = (U256::from(1) << bits) + (U256::from(low) >> (160 - bits).min(127));
            prop_assume!((MIN_SQRT_PRICE..MAX_SQRT_PRICE).contains(&price));
            let tick = tick_at(price).unwrap();
            prop_assert!(sqrt_price_at(tick).unwrap() <= price, "the tick's price is at most the price");
            prop_assert!(sqrt_price_at(tick + 1).unwrap() > price, "the next tick's is above it");
        }
    }
}
