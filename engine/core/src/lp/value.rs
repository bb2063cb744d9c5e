//! What a position is worth at an oracle's price, rounded down. The pool's own price, which a trade can move, is not asked.

use super::fixed::{mul, mul_div_down, root_down};
use super::v3::price::amounts_down;
use super::v3::tick::{MAX_SQRT_PRICE, MIN_SQRT_PRICE, sqrt_price_at};
use super::{Amounts, LpError};
use crate::{Amount, Ray};
use alloy_primitives::{U256, U512};

/// What an oracle says the two tokens are worth.
///
/// # Units
/// Raw units of the vault's asset for one raw unit of the token, with 27 decimals: at 2,500 USDC a wei of WETH is
/// 2,500e6 / 1e18 of a raw USDC, which is 2.5e18 here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OraclePrices {
    /// Of token 0.
    pub token0: Ray,
    /// Of token 1.
    pub token1: Ray,
}

impl OraclePrices {
    /// Returns what amounts are worth, each rounded down.
    ///
    /// # Errors
    /// [`LpError::Overflow`] beyond 256 bits.
    pub fn value_down(self, amounts: Amounts) -> Result<Amount, LpError> {
        let of = |amount: Amount, price: Ray| mul_div_down(amount.0, price.0, Ray::ONE.0);
        let (one, other) = (of(amounts.token0, self.token0)?, of(amounts.token1, self.token1)?);
        one.checked_add(other).map(Amount).ok_or(LpError::Overflow { what: "a value" })
    }

    /// Returns the root of token 1 per token 0 that these prices mean, rounded down to Q64.96.
    ///
    /// # Errors
    /// [`LpError::Zero`] for a price of zero, [`LpError::PriceOutOfRange`] where no pool can be.
    pub fn sqrt_price_x96_down(self) -> Result<U256, LpError> {
        if self.token1.0.is_zero() || self.token0.0.is_zero() {
            return Err(LpError::Zero { what: "a price" });
        }
        let ratio: U512 = (U512::from(self.token0.0) << 192) / U512::from(self.token1.0);
        let root = root_down(ratio);
        if !(MIN_SQRT_PRICE..MAX_SQRT_PRICE).contains(&root) {
            return Err(LpError::PriceOutOfRange { found: root });
        }
        Ok(root)
    }
}

/// Returns what a Uniswap V3 range holds at the oracle's price, and its worth. Fees owed come on top.
///
/// # Errors
/// [`LpError`] for a tick or a price out of range.
///
/// # Source
/// The amounts as `UniswapV3Pool` would pay them for a burn if its price were the oracle's.
pub fn v3_value_down(
    liquidity: u128,
    (lower, upper): (i32, i32),
    prices: OraclePrices,
) -> Result<(Amounts, Amount), LpError> {
    let range = (sqrt_price_at(lower)?, sqrt_price_at(upper)?);
    let amounts = amounts_down(prices.sqrt_price_x96_down()?, range, liquidity)?;
    Ok((amounts, prices.value_down(amounts)?))
}

/// Returns what `liquidity` of a Uniswap V2 pair is worth: its share of 2 sqrt(k p0 p1), which a trade in the pair
/// cannot lower, since k never falls.
///
/// # Errors
/// [`LpError::Zero`] for an empty pair, [`LpError::Overflow`] beyond 256 bits.
///
/// # Source
/// Alpha Homora, "Fair Uniswap's LP Token Pricing": k p0 p1 at the reserves to which arbitrage would bring the pair.
pub fn v2_value_down(
    pair: &super::v2::Pair,
    liquidity: U256,
    prices: OraclePrices,
) -> Result<Amount, LpError> {
    let one = mul(pair.reserves.token0.0, prices.token0.0, "a value")?;
    let other = mul(pair.reserves.token1.0, prices.token1.0, "a value")?;
    let half = root_down(one.widening_mul(other));
    let whole = mul(half, U256::from(2), "a value")? / Ray::ONE.0;
    // The protocol's share of what has grown is not minted yet and dilutes all the same.
    let supply = pair.supply.checked_add(pair.protocol_share_down()?);
    let supply = supply.ok_or(LpError::Overflow { what: "the supply" })?;
    mul_div_down(whole, liquidity, supply).map(Amount)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lp::v2::Pair;
    use proptest::prelude::*;

    /// WETH as token 0 at so many USDC, USDC as token 1; in USDC.
    fn at(dollars: u64) -> OraclePrices {
        let ray = |number: u128| Ray(U256::from(number));
        OraclePrices { token0: ray(u128::from(dollars) * 1_000_000_000_000_000), token1: Ray::ONE }
    }

    fn pair(weth: u64, usdc: u64) -> Pair {
        let mut pair = Pair::default();
        let wei = U256::from(10).pow(U256::from(18));
        let paid = Amounts::of(U256::from(weth) * wei, U256::from(usdc) * U256::from(1_000_000));
        pair.pay_in(paid).unwrap();
        pair.mint().unwrap();
        pair
    }

    #[test]
    fn a_pair_at_the_oracles_price_is_worth_its_reserves() {
        let pair = pair(40, 100_000);
        let worth = v2_value_down(&pair, pair.supply, at(2_500)).unwrap();
        assert_eq!(worth, Amount(U256::from(200_000_000_000_u64)));
    }

    #[test]
    fn a_range_below_the_price_is_all_token_1() {
        let (amounts, worth) =
            v3_value_down(1_000_000_000_000, (-300_000, -290_000), at(2_500)).unwrap();
        assert!(amounts.token0.is_zero() && !amounts.token1.is_zero());
        assert_eq!(worth, amounts.token1);
    }

    proptest! {
        #[test]
        fn no_trade_in_the_pair_lowers_its_value(amount in 1_u64.., zero_for_one in any::<bool>()) {
            let mut pair = pair(40, 100_000);
            let before = v2_value_down(&pair, pair.supply, at(2_500)).unwrap();
            let amount = if zero_for_one { U256::from(amount) } else { U256::from(amount % 1_000_000_000_000 + 1) };
            let out = pair.amount_out_down(zero_for_one, Amount(amount)).unwrap().0;
            prop_assume!(!out.is_zero());
            let sides = |token: U256, first: bool| if first { Amounts::of(token, U256::ZERO) } else { Amounts::of(U256::ZERO, token) };
            pair.pay_in(sides(amount, zero_for_one)).unwrap();
            pair.swap(sides(out, !zero_for_one)).unwrap();
            let after = v2_value_down(&pair, pair.supply, at(2_500)).unwrap();
            prop_assert!(after >= before, "the product never falls");
        }

        #[test]
        fn a_higher_price_of_token_0_never_lowers_a_ranges_value(low in 1_u64..100_000, rise in 1_u64..100_000, width in 1_i32..5_000) {
            let range = (-200_000 - width * 10, -200_000 + width * 10);
            let value = |dollars| v3_value_down(1_000_000_000_000_000, range, at(dollars)).unwrap().1.0;
            // Two divisions each round down.
            prop_assert!(value(low + rise) + U256::from(3) >= value(low), "worth grows with the price");
        }
    }
}
