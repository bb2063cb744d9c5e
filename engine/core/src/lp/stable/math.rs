//! The stable invariant: A n^n S + D = A D n^n + D^(n+1) / (n^n P), with S the sum and P the product of the balances.
//!
//! All balances are scaled to 18 decimals and by their rates. Fees on what is not in proportion are as if it were
//! swapped.

use super::decimal::{complement, div_down, div_up, mul_down, mul_up, one};
use crate::lp::LpError;
use crate::lp::fixed::{add, mul, sub};
use alloy_primitives::{U256, uint};

/// The amplification parameter has three decimals.
pub const AMPLIFICATION_ONE: U256 = uint!(1000_U256);
const MOST_ROUNDS: u32 = 255;

fn quotient(a: U256, b: U256) -> Result<U256, LpError> {
    a.checked_div(b).ok_or(LpError::Zero { what: "a divisor" })
}

fn quotient_up(a: U256, b: U256) -> Result<U256, LpError> {
    crate::lp::fixed::div_up(a, b)
}

fn product(a: U256, b: U256) -> Result<U256, LpError> {
    mul(a, b, "a product")
}

fn is_settled(a: U256, b: U256) -> bool {
    a.abs_diff(b) <= U256::from(1)
}

pub(super) fn sum(balances: &[U256]) -> Result<U256, LpError> {
    balances.iter().try_fold(U256::ZERO, |sum, balance| add(sum, *balance, "a sum"))
}

/// Returns the invariant D of scaled balances by Newton's method, every division rounded down.
///
/// # Units
/// `amplification` is A n^(n-1) with three decimals; balances and the result have 18.
///
/// # Errors
/// [`LpError::NotConverged`] after 255 rounds; [`LpError::Zero`] for a balance of zero beside others.
///
/// # Source
/// Balancer V2, `StableMath._calculateInvariant`, as ComposableStable pools since version 3 have it.
pub fn invariant_down(amplification: U256, balances: &[U256]) -> Result<U256, LpError> {
    let sum = sum(balances)?;
    if sum.is_zero() {
        return Ok(U256::ZERO);
    }
    let count = U256::from(balances.len());
    let weight = product(amplification, count)?;
    let mut invariant = sum;
    for _ in 0..MOST_ROUNDS {
        let mut power = invariant;
        for balance in balances {
            power = quotient(product(power, invariant)?, product(*balance, count)?)?;
        }
        let before = invariant;
        let weighted = quotient(product(weight, sum)?, AMPLIFICATION_ONE)?;
        let above = product(add(weighted, product(power, count)?, "a sum")?, invariant)?;
        let less = sub(weight, AMPLIFICATION_ONE, "the amplification")?;
        let below = add(
            quotient(product(less, invariant)?, AMPLIFICATION_ONE)?,
            product(count + U256::from(1), power)?,
            "a sum",
        )?;
        invariant = quotient(above, below)?;
        if is_settled(invariant, before) {
            return Ok(invariant);
        }
    }
    Err(LpError::NotConverged { what: "the invariant" })
}

/// Returns the balance of the token at `place` that goes with an invariant and the other balances, rounded up.
///
/// # Errors
/// As [`invariant_down`].
///
/// # Source
/// Balancer V2, `StableMath._getTokenBalanceGivenInvariantAndAllOtherBalances`.
pub fn balance_up(
    amplification: U256,
    balances: &[U256],
    invariant: U256,
    place: usize,
) -> Result<U256, LpError> {
    let count = U256::from(balances.len());
    let weight = product(amplification, count)?;
    let own = *balances.get(place).ok_or(LpError::NoSuchToken { place })?;
    let mut power: Option<U256> = None;
    for balance in balances {
        power = Some(match power {
            None => product(*balance, count)?,
            Some(power) => quotient(product(product(power, *balance)?, count)?, invariant)?,
        });
    }
    let power = power.unwrap_or_default();
    let others = sum(balances)? - own;
    let squared = product(invariant, invariant)?;
    let c = quotient_up(squared, product(weight, power)?)?;
    let c = product(product(c, AMPLIFICATION_ONE)?, own)?;
    let b = product(quotient(invariant, weight)?, AMPLIFICATION_ONE)?;
    let b = add(others, b, "a sum")?;
    let mut balance = quotient_up(add(squared, c, "a sum")?, add(invariant, b, "a sum")?)?;
    for _ in 0..MOST_ROUNDS {
        let before = balance;
        let above = add(product(balance, balance)?, c, "a sum")?;
        let twice = add(product(balance, U256::from(2))?, b, "a sum")?;
        balance = quotient_up(above, sub(twice, invariant, "a balance")?)?;
        if is_settled(balance, before) {
            return Ok(balance);
        }
    }
    Err(LpError::NotConverged { what: "a balance" })
}

/// What the functions below are asked about: scaled balances, and what goes with them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) amplification: U256,
    pub(super) balances: &'a [U256],
    pub(super) supply: U256,
    pub(super) invariant: U256,
    pub(super) fee: U256,
}

impl Terms<'_> {
    fn at(&self, place: usize) -> Result<U256, LpError> {
        self.balances.get(place).copied().ok_or(LpError::NoSuchToken { place })
    }

    fn with(&self, place: usize, balance: U256) -> Vec<U256> {
        let mut balances = self.balances.to_vec();
        if let Some(own) = balances.get_mut(place) {
            *own = balance;
        }
        balances
    }

    /// What comes out for `amount` in, a unit against who swaps.
    ///
    /// # Source
    /// Balancer V2, `StableMath._calcOutGivenIn`.
    pub(super) fn out_given_in(
        &self,
        (to, from): (usize, usize),
        amount: U256,
    ) -> Result<U256, LpError> {
        let balances = self.with(from, add(self.at(from)?, amount, "a balance")?);
        let left = balance_up(self.amplification, &balances, self.invariant, to)?;
        sub(sub(self.at(to)?, left, "a balance")?, U256::from(1), "a balance")
    }

    /// What has to go in for `amount` out, a unit against who swaps.
    ///
    /// # Source
    /// Balancer V2, `StableMath._calcInGivenOut`.
    pub(super) fn in_given_out(
        &self,
        (to, from): (usize, usize),
        amount: U256,
    ) -> Result<U256, LpError> {
        let balances = self.with(to, sub(self.at(to)?, amount, "a balance")?);
        let needed = balance_up(self.amplification, &balances, self.invariant, from)?;
        add(sub(needed, self.at(from)?, "a balance")?, U256::from(1), "a balance")
    }

    /// The pool's own token for exact tokens in, rounded down.
    ///
    /// # Source
    /// Balancer V2, `StableMath._calcBptOutGivenExactTokensIn`.
    pub(super) fn own_for_tokens_down(&self, amounts: &[U256]) -> Result<U256, LpError> {
        let sum = sum(self.balances)?;
        let mut ratios = Vec::with_capacity(amounts.len());
        let mut mean = U256::ZERO;
        for (balance, amount) in self.balances.iter().zip(amounts) {
            let ratio = div_down(add(*balance, *amount, "a balance")?, *balance)?;
            mean = add(mean, mul_down(ratio, div_down(*balance, sum)?)?, "a ratio")?;
            ratios.push((*balance, *amount, ratio));
        }
        let mut after = Vec::with_capacity(amounts.len());
        for (balance, amount, ratio) in ratios {
            let kept = if ratio > mean {
                let free = mul_down(balance, sub(mean, one(), "a ratio")?)?;
                let taxed = sub(amount, free, "an amount")?;
                add(free, mul_down(taxed, one() - self.fee)?, "an amount")?
            } else {
                amount
            };
            after.push(add(balance, kept, "a balance")?);
        }
        let grown = div_down(invariant_down(self.amplification, &after)?, self.invariant)?;
        mul_down(self.supply, grown.saturating_sub(one()))
    }

    /// One token in for exactly so much of the pool's own, rounded up.
    ///
    /// # Source
    /// Balancer V2, `StableMath._calcTokenInGivenExactBptOut`.
    pub(super) fn token_for_own_up(&self, place: usize, own: U256) -> Result<U256, LpError> {
        let ratio = div_up(add(self.supply, own, "the supply")?, self.supply)?;
        let after = mul_up(ratio, self.invariant)?;
        let balance = balance_up(self.amplification, self.balances, after, place)?;
        let amount = sub(balance, self.at(place)?, "a balance")?;
        let (free, taxed) = self.split(place, amount)?;
        add(free, div_up(taxed, one() - self.fee)?, "an amount")
    }

    /// The pool's own token for exact tokens out, rounded up.
    ///
    /// # Source
    /// Balancer V2, `StableMath._calcBptInGivenExactTokensOut`.
    pub(super) fn own_of_tokens_up(&self, amounts: &[U256]) -> Result<U256, LpError> {
        let sum = sum(self.balances)?;
        let mut ratios = Vec::with_capacity(amounts.len());
        let mut mean = U256::ZERO;
        for (balance, amount) in self.balances.iter().zip(amounts) {
            let ratio = div_up(sub(*balance, *amount, "a balance")?, *balance)?;
            mean = add(mean, mul_up(ratio, div_up(*balance, sum)?)?, "a ratio")?;
            ratios.push((*balance, *amount, ratio));
        }
        let mut after = Vec::with_capacity(amounts.len());
        for (balance, amount, ratio) in ratios {
            let taken = if mean > ratio {
                let free = mul_down(balance, complement(mean))?;
                let taxed = sub(amount, free, "an amount")?;
                add(free, div_up(taxed, one() - self.fee)?, "an amount")?
            } else {
                amount
            };
            after.push(sub(balance, taken, "a balance")?);
        }
        let left = div_down(invariant_down(self.amplification, &after)?, self.invariant)?;
        mul_up(self.supply, complement(left))
    }

    /// One token out for exactly so much of the pool's own, rounded down.
    ///
    /// # Source
    /// Balancer V2, `StableMath._calcTokenOutGivenExactBptIn`.
    pub(super) fn token_of_own_down(&self, place: usize, own: U256) -> Result<U256, LpError> {
        let ratio = div_up(sub(self.supply, own, "the supply")?, self.supply)?;
        let after = mul_up(ratio, self.invariant)?;
        let balance = balance_up(self.amplification, self.balances, after, place)?;
        let amount = sub(self.at(place)?, balance, "a balance")?;
        let (free, taxed) = self.split(place, amount)?;
        add(free, mul_down(taxed, one() - self.fee)?, "an amount")
    }

    /// What of a single token's amount is in proportion, and what is as if swapped.
    fn split(&self, place: usize, amount: U256) -> Result<(U256, U256), LpError> {
        let weight = div_down(self.at(place)?, sum(self.balances)?)?;
        let taxed = mul_up(amount, complement(weight))?;
        Ok((sub(amount, taxed, "an amount")?, taxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_balances_have_their_sum_as_invariant() {
        let balance = U256::from(10).pow(U256::from(24));
        let found = invariant_down(U256::from(200_000), &[balance; 3]).unwrap();
        assert!(found.abs_diff(balance * U256::from(3)) <= U256::from(1));
        assert_eq!(invariant_down(U256::from(200_000), &[U256::ZERO; 2]), Ok(U256::ZERO));
        assert!(invariant_down(U256::from(200_000), &[balance, U256::ZERO]).is_err());
    }

    proptest! {
        #[test]
        fn the_invariant_grows_with_every_balance_and_gives_the_balances_back(
            first in 1_000_000_u64.., second in 1_000_000_u64.., more in 1_000_000_u64.., amplification in 1_u64..5_000
        ) {
            let amplification = U256::from(amplification) * AMPLIFICATION_ONE;
            // Balances within a factor of 2^20 or so: beyond it the pool is no stable pool any more.
            let balances = [U256::from(first | (1 << 44)) << 30, U256::from(second | (1 << 44)) << 30];
            let before = invariant_down(amplification, &balances).unwrap();
            let after = invariant_down(amplification, &[balances[0] + (U256::from(more) << 30), balances[1]]).unwrap();
            prop_assert!(after > before, "more of a token is more invariant");
            let back = balance_up(amplification, &balances, before, 0).unwrap();
            let error = back.abs_diff(balances[0]);
            prop_assert!(error <= (balances[0] >> 40) + U256::from(10), "the balance comes back, but for rounding: {error}");
        }
    }
}
