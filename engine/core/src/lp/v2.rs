//! Uniswap V2: a pair's whole state, and what its router computes.
//!
//! As in the contract, tokens are paid in first and then found: [`Pair::pay_in`], and after it [`Pair::mint`] or
//! [`Pair::swap`].

use super::fixed::{add, mul, root_down, sub};
use super::{Amounts, LpError};
use crate::Amount;
use alloy_primitives::{U256, U512, uint};

/// What the first provider leaves in the pair for ever, raw units of the pair's token.
pub const MINIMUM_LIQUIDITY: U256 = uint!(1000_U256);
/// Reserves fit 112 bits.
const MOST_RESERVE: U256 = uint!(0xffffffffffffffffffffffffffff_U256);
const FEE_ONE: U256 = uint!(1000_U256);
const FEE_KEPT: U256 = uint!(997_U256);
const FEE: U256 = uint!(3_U256);

/// A Uniswap V2 pair. Its fee is 0.3 %.
///
/// # Source
/// Uniswap V2, `UniswapV2Pair`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pair {
    /// What the pair reckons with.
    pub reserves: Amounts,
    /// What it holds: the reserves, and what was paid in since.
    pub held: Amounts,
    /// The pair's own tokens, the minimum among them.
    pub supply: U256,
    /// The product of the reserves after the last mint or burn; zero while the protocol takes nothing.
    pub k_last: U256,
    /// Whether the protocol takes a sixth of the growth of the root of the product.
    pub protocol_takes: bool,
}

/// What a mint or burn made of the pair's own token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minted {
    /// For who paid in; raw units of the pair's token.
    pub liquidity: U256,
    /// For the protocol.
    pub protocol: U256,
}

impl Pair {
    /// Takes tokens in, which belong to nobody until the next call.
    ///
    /// # Errors
    /// [`LpError::Overflow`] beyond 256 bits.
    pub fn pay_in(&mut self, amounts: Amounts) -> Result<(), LpError> {
        let sum = |a: Amount, b: Amount| add(a.0, b.0, "what the pair holds");
        self.held = Amounts::of(
            sum(self.held.token0, amounts.token0)?,
            sum(self.held.token1, amounts.token1)?,
        );
        Ok(())
    }

    /// Gives the pair's own token for what was paid in, rounded down.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pair is then as before.
    ///
    /// # Source
    /// Uniswap V2, `UniswapV2Pair.mint`.
    pub fn mint(&mut self) -> Result<Minted, LpError> {
        let paid0 = sub(self.held.token0.0, self.reserves.token0.0, "token 0")?;
        let paid1 = sub(self.held.token1.0, self.reserves.token1.0, "token 1")?;
        let protocol = self.protocol_share_down()?;
        let supply = add(self.supply, protocol, "the supply")?;
        let (liquidity, locked) = if supply.is_zero() {
            let root = root_down(U512::from(mul(paid0, paid1, "the product")?));
            (sub(root, MINIMUM_LIQUIDITY, "liquidity")?, MINIMUM_LIQUIDITY)
        } else {
            let of = |paid, reserve: Amount| -> Result<U256, LpError> {
                let product = mul(paid, supply, "the product")?;
                product.checked_div(reserve.0).ok_or(LpError::Zero { what: "a reserve" })
            };
            (of(paid0, self.reserves.token0)?.min(of(paid1, self.reserves.token1)?), U256::ZERO)
        };
        if liquidity.is_zero() {
            return Err(LpError::Zero { what: "liquidity" });
        }
        let supply = add(add(supply, liquidity, "the supply")?, locked, "the supply")?;
        *self = self.updated(self.held, supply, true)?;
        Ok(Minted { liquidity, protocol })
    }

    /// Takes `liquidity` of the pair's own token back and pays its share of what the pair holds, rounded down.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pair is then as before.
    ///
    /// # Source
    /// Uniswap V2, `UniswapV2Pair.burn`.
    pub fn burn(&mut self, liquidity: U256) -> Result<(Amounts, Minted), LpError> {
        let protocol = self.protocol_share_down()?;
        let supply = add(self.supply, protocol, "the supply")?;
        let share = |held: Amount| -> Result<U256, LpError> {
            let product = mul(liquidity, held.0, "the product")?;
            let share = product.checked_div(supply).ok_or(LpError::Zero { what: "the supply" })?;
            if share.is_zero() { Err(LpError::Zero { what: "what is paid" }) } else { Ok(share) }
        };
        let paid = Amounts::of(share(self.held.token0)?, share(self.held.token1)?);
        let left = sub(supply, liquidity, "liquidity")?;
        let held = minus(self.held, paid)?;
        *self = self.updated(held, left, true)?;
        Ok((paid, Minted { liquidity, protocol }))
    }

    /// Pays `out`, for what was paid in before, and returns what that was.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pair is then as before.
    ///
    /// # Source
    /// Uniswap V2, `UniswapV2Pair.swap`.
    pub fn swap(&mut self, out: Amounts) -> Result<Amounts, LpError> {
        if out.token0.is_zero() && out.token1.is_zero() {
            return Err(LpError::Zero { what: "what is paid" });
        }
        let (reserve0, reserve1) = (self.reserves.token0.0, self.reserves.token1.0);
        if out.token0.0 >= reserve0 || out.token1.0 >= reserve1 {
            return Err(LpError::NotEnough { what: "a reserve" });
        }
        let held = minus(self.held, out)?;
        let paid0 = held.token0.0.saturating_sub(reserve0 - out.token0.0);
        let paid1 = held.token1.0.saturating_sub(reserve1 - out.token1.0);
        if paid0.is_zero() && paid1.is_zero() {
            return Err(LpError::Zero { what: "what was paid in" });
        }
        let less_fee = |held: Amount, paid: U256| -> Result<U256, LpError> {
            let whole = mul(held.0, FEE_ONE, "what the pair holds")?;
            sub(whole, mul(paid, FEE, "what was paid in")?, "what the pair holds")
        };
        let (after0, after1) = (less_fee(held.token0, paid0)?, less_fee(held.token1, paid1)?);
        let before = mul(reserve0, reserve1, "the product")?;
        let before = mul(before, FEE_ONE * FEE_ONE, "the product")?;
        if mul(after0, after1, "the product")? < before {
            return Err(LpError::ProductFalls);
        }
        *self = self.updated(held, self.supply, false)?;
        Ok(Amounts::of(paid0, paid1))
    }

    /// Pays out what the pair holds beyond its reserves.
    ///
    /// # Errors
    /// [`LpError::NotEnough`] when it holds less.
    pub fn skim(&mut self) -> Result<Amounts, LpError> {
        let extra = minus(self.held, self.reserves)?;
        self.held = self.reserves;
        Ok(extra)
    }

    /// Takes what the pair holds as its reserves.
    ///
    /// # Errors
    /// [`LpError::Overflow`] beyond 112 bits.
    pub fn sync(&mut self) -> Result<(), LpError> {
        *self = self.updated(self.held, self.supply, false)?;
        Ok(())
    }

    /// Returns what a sale of `amount` brings, rounded down.
    ///
    /// # Errors
    /// [`LpError::Zero`] for nothing, or from an empty pair.
    ///
    /// # Source
    /// Uniswap V2, `UniswapV2Library.getAmountOut`.
    pub fn amount_out_down(&self, zero_for_one: bool, amount: Amount) -> Result<Amount, LpError> {
        let (reserve_in, reserve_out) = self.ordered(zero_for_one)?;
        if amount.is_zero() {
            return Err(LpError::Zero { what: "the amount" });
        }
        let paid = mul(amount.0, FEE_KEPT, "the amount")?;
        let whole = add(mul(reserve_in, FEE_ONE, "a reserve")?, paid, "a reserve")?;
        Ok(Amount(mul(paid, reserve_out, "the product")? / whole))
    }

    /// Returns what has to be sold to buy `amount`, rounded up.
    ///
    /// # Errors
    /// [`LpError`] for nothing, or for all there is.
    ///
    /// # Source
    /// Uniswap V2, `UniswapV2Library.getAmountIn`, which adds one even where the division has no remainder.
    pub fn amount_in_up(&self, zero_for_one: bool, amount: Amount) -> Result<Amount, LpError> {
        let (reserve_in, reserve_out) = self.ordered(zero_for_one)?;
        if amount.is_zero() {
            return Err(LpError::Zero { what: "the amount" });
        }
        let product = mul(mul(reserve_in, amount.0, "the product")?, FEE_ONE, "the product")?;
        let left = sub(reserve_out, amount.0, "a reserve")?;
        let divisor = mul(left, FEE_KEPT, "a reserve")?;
        let quotient =
            product.checked_div(divisor).ok_or(LpError::NotEnough { what: "a reserve" })?;
        Ok(Amount(add(quotient, U256::from(1), "the amount")?))
    }

    /// Returns what the protocol would be given at the next mint or burn, rounded down.
    ///
    /// # Errors
    /// [`LpError::Overflow`] for a supply beyond what the contract can reckon with.
    ///
    /// # Source
    /// Uniswap V2, `UniswapV2Pair._mintFee`.
    pub fn protocol_share_down(&self) -> Result<U256, LpError> {
        if !self.protocol_takes || self.k_last.is_zero() {
            return Ok(U256::ZERO);
        }
        let root = root_down(self.reserves.token0.0.widening_mul(self.reserves.token1.0));
        let root_last = root_down(U512::from(self.k_last));
        if root <= root_last {
            return Ok(U256::ZERO);
        }
        let grown = mul(self.supply, root - root_last, "the product")?;
        Ok(grown / add(mul(root, U256::from(5), "a root")?, root_last, "a root")?)
    }

    fn ordered(&self, zero_for_one: bool) -> Result<(U256, U256), LpError> {
        let (token0, token1) = (self.reserves.token0.0, self.reserves.token1.0);
        if token0.is_zero() || token1.is_zero() {
            return Err(LpError::Zero { what: "a reserve" });
        }
        Ok(if zero_for_one { (token0, token1) } else { (token1, token0) })
    }

    fn updated(&self, held: Amounts, supply: U256, marks: bool) -> Result<Pair, LpError> {
        if held.token0.0 > MOST_RESERVE || held.token1.0 > MOST_RESERVE {
            return Err(LpError::Overflow { what: "a reserve" });
        }
        let k_last = match (marks, self.protocol_takes) {
            (false, _) => self.k_last,
            (true, true) => mul(held.token0.0, held.token1.0, "the product")?,
            (true, false) => U256::ZERO,
        };
        Ok(Pair { reserves: held, held, supply, k_last, protocol_takes: self.protocol_takes })
    }
}

fn minus(a: Amounts, b: Amounts) -> Result<Amounts, LpError> {
    Ok(Amounts::of(
        sub(a.token0.0, b.token0.0, "token 0")?,
        sub(a.token1.0, b.token1.0, "token 1")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(token0: u64, token1: u64) -> Pair {
        let mut pair = Pair::default();
        pair.pay_in(Amounts::of(U256::from(token0), U256::from(token1))).unwrap();
        pair.mint().unwrap();
        pair
    }

    #[test]
    fn outputs_of_known_swaps_are_the_contracts() {
        // Uniswap V2, test/UniswapV2Pair.spec.ts, swapTestCases: amount in, reserves, expected out.
        let one = 1_000_000_000_000_000_000_u64;
        for (reserve_in, reserve_out, out) in [
            (5, 10, 1_662_497_915_624_478_906_u64),
            (10, 5, 453_305_446_940_074_565),
            (10, 10, 906_610_893_880_149_131),
        ] {
            let pair = pair(reserve_in * one, reserve_out * one);
            let found = pair.amount_out_down(true, Amount(U256::from(one)));
            assert_eq!(found, Ok(Amount(U256::from(out))));
        }
    }

    proptest! {
        #[test]
        fn what_the_router_computes_passes_the_pair_and_one_unit_more_does_not(
            reserve0 in 10_000_u64.., reserve1 in 10_000_u64.., amount in 1_u64.., zero_for_one in any::<bool>()
        ) {
            let mut pair = pair(reserve0, reserve1);
            let amount = U256::from(amount);
            let out = pair.amount_out_down(zero_for_one, Amount(amount)).unwrap().0;
            let sides = |token: U256, first: bool| if first { Amounts::of(token, U256::ZERO) } else { Amounts::of(U256::ZERO, token) };
            pair.pay_in(sides(amount, zero_for_one)).unwrap();
            let more = out + U256::from(1);
            prop_assert!(pair.clone().swap(sides(more, !zero_for_one)).is_err(), "one unit more is refused");
            if !out.is_zero() {
                let back = pair.amount_in_up(zero_for_one, Amount(out)).unwrap();
                prop_assert!(back.0 <= amount + U256::from(1), "the way back asks for no more than was paid, but for the added unit");
                prop_assert!(pair.swap(sides(out, !zero_for_one)).is_ok(), "what was computed is paid");
            }
        }

        #[test]
        fn liquidity_in_and_out_never_gains(reserve0 in 10_000_u64.., reserve1 in 10_000_u64.., paid0 in 1_u64.., paid1 in 1_u64..) {
            let mut pair = pair(reserve0, reserve1);
            let paid = Amounts::of(U256::from(paid0), U256::from(paid1));
            pair.pay_in(paid).unwrap();
            if let Ok(minted) = pair.mint() && let Ok((back, _)) = pair.burn(minted.liquidity) {
                prop_assert!(back.token0 <= paid.token0 && back.token1 <= paid.token1, "rounding is for the pair");
            }
        }
    }
}
