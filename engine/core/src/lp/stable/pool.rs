//! A pool's state, swaps, joins and exits, and what the protocol takes of them.

use super::decimal::{complement, div_down, div_up, mul_down, mul_up};
use super::math::invariant_down;
use crate::Amount;
use crate::lp::LpError;
use crate::lp::fixed::{add, sub};
use alloy_primitives::{U256, uint};

/// What the first join leaves in the pool for ever, raw units of the pool's own token.
pub const MINIMUM_SUPPLY: U256 = uint!(1000000_U256);

/// A token of the pool; the pool's own is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StableToken {
    /// What the vault holds of it for the pool, raw units.
    pub balance: U256,
    /// What brings raw units to 18 decimals: 1e18 for a token with 18 decimals, 1e30 for one with 6.
    pub scaling: U256,
    /// What one token is worth, 18 decimals, as the pool has it in its cache. The caller sets it when the contract's cache expires.
    pub rate: U256,
    /// What it was after the last join or exit.
    pub old_rate: U256,
    /// Whether something tells the rate; else it is one.
    pub has_rate: bool,
    /// Whether the protocol takes no share of its yield.
    pub is_exempt: bool,
}

/// The amplification parameter, which may be on its way from one value to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amplification {
    /// Where it comes from and where it goes, with three decimals.
    pub values: (U256, U256),
    /// When it left and when it arrives, Unix seconds.
    pub times: (u64, u64),
}

impl Amplification {
    /// Returns one that does not move: A n^(n-1) without decimals.
    #[must_use]
    pub fn fixed(value: u64) -> Amplification {
        let value = U256::from(value) * super::math::AMPLIFICATION_ONE;
        Amplification { values: (value, value), times: (0, 0) }
    }

    /// Returns what it is at `now`, with three decimals.
    ///
    /// # Source
    /// Balancer V2, `StablePoolAmplification._getAmplificationParameter`.
    #[must_use]
    pub fn at(&self, now: u64) -> U256 {
        let ((from, to), (start, end)) = (self.values, self.times);
        if now >= end {
            return to;
        }
        let part = |whole: U256| {
            let passed = whole.saturating_mul(U256::from(now.saturating_sub(start)));
            passed / U256::from(end.saturating_sub(start).max(1))
        };
        if to > from { from + part(to - from) } else { from.saturating_sub(part(from - to)) }
    }
}

/// A ComposableStable pool, version 3.
///
/// Amounts in and out are raw; inside, balances are scaled to 18 decimals and by their rates. The pool's own token counts as
/// supply when somebody other than the vault holds it.
///
/// # Source
/// Balancer V2, `ComposableStablePool` (deployment 20230206).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StablePool {
    /// Its tokens, in the vault's order.
    pub tokens: Vec<StableToken>,
    /// The pool's own token outside the vault, what is owed to the protocol left out.
    pub supply: U256,
    /// How much the pool behaves like a constant sum.
    pub amplification: Amplification,
    /// The fee of a swap, 18 decimals.
    pub swap_fee: U256,
    /// The protocol's share of swap fees and of yield, 18 decimals.
    pub protocol_shares: (U256, U256),
    /// The amplification at the last join or exit.
    pub last_amplification: U256,
    /// The invariant after it.
    pub last_invariant: U256,
}

impl StablePool {
    /// Puts the first tokens in and returns what the first provider is given of the pool's own: the invariant, less the minimum.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts.
    ///
    /// # Source
    /// Balancer V2, `ComposableStablePool._onInitializePool`.
    pub fn initialize(&mut self, amounts: &[Amount], now: u64) -> Result<Amount, LpError> {
        let amplification = self.amplification.at(now);
        let factors = self.factors()?;
        let mut scaled = Vec::with_capacity(amounts.len());
        let mut paid = Vec::with_capacity(amounts.len());
        for (amount, factor) in amounts.iter().zip(&factors) {
            let up = mul_down(amount.0, *factor)?;
            paid.push(div_up(up, *factor)?);
            scaled.push(up);
        }
        let invariant = invariant_down(amplification, &scaled)?;
        let own = sub(invariant, MINIMUM_SUPPLY, "the first amounts")?;
        for (token, paid) in self.tokens.iter_mut().zip(paid) {
            token.balance = paid;
        }
        self.supply = invariant;
        self.close(amplification, invariant);
        Ok(Amount(own))
    }

    /// Sells `amount` of one token for another, by their places, and returns what comes out, rounded down.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Balancer V2, `BaseGeneralPool._swapGivenIn`.
    pub fn swap_exact_in(
        &mut self,
        (from, to): (usize, usize),
        amount: Amount,
        now: u64,
    ) -> Result<Amount, LpError> {
        let visit = self.visit_without_fees(now)?;
        let kept = sub(amount.0, mul_up(amount.0, self.swap_fee)?, "an amount")?;
        let scaled = mul_down(kept, visit.factor(from)?)?;
        let out = visit.terms(self.swap_fee).out_given_in((to, from), scaled)?;
        let out = div_down(out, visit.factor(to)?)?;
        self.settle((from, amount.0), (to, out))?;
        Ok(Amount(out))
    }

    /// Buys `amount` of one token for another and returns what goes in, rounded up.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Balancer V2, `BaseGeneralPool._swapGivenOut`.
    pub fn swap_exact_out(
        &mut self,
        (from, to): (usize, usize),
        amount: Amount,
        now: u64,
    ) -> Result<Amount, LpError> {
        let visit = self.visit_without_fees(now)?;
        let scaled = mul_down(amount.0, visit.factor(to)?)?;
        let paid = visit.terms(self.swap_fee).in_given_out((to, from), scaled)?;
        let paid = div_up(paid, visit.factor(from)?)?;
        let paid = div_up(paid, complement(self.swap_fee))?;
        self.settle((from, paid), (to, amount.0))?;
        Ok(Amount(paid))
    }

    /// Joins with exact tokens; returns the pool's own token, rounded down, and what is really taken: through the rates a unit
    /// less may do.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Balancer V2, `ComposableStablePool._joinExactTokensInForBPTOut`.
    pub fn join_exact_tokens(
        &mut self,
        amounts: &[Amount],
        now: u64,
    ) -> Result<(Amount, Vec<Amount>), LpError> {
        let visit = self.visit(now)?;
        let scaled = visit.scaled(amounts)?;
        let own = visit.terms(self.swap_fee).own_for_tokens_down(&scaled)?;
        let paid = self.joined(&visit, &scaled, own)?;
        Ok((Amount(own), paid))
    }

    /// Joins with one token for exactly so much of the pool's own; returns what is taken, rounded up.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Balancer V2, `ComposableStablePool._joinTokenInForExactBPTOut`, and the swap that is the same.
    pub fn join_one_token(
        &mut self,
        place: usize,
        own: Amount,
        now: u64,
    ) -> Result<Amount, LpError> {
        let visit = self.visit(now)?;
        let amount = visit.terms(self.swap_fee).token_for_own_up(place, own.0)?;
        let paid = self.joined(&visit, &visit.only(place, amount), own.0)?;
        paid.get(place).copied().ok_or(LpError::NoSuchToken { place })
    }

    /// Joins in proportion for exactly so much of the pool's own; returns what is taken, rounded up.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Balancer V2, `BasePoolMath.computeProportionalAmountsIn`.
    pub fn join_all_tokens(&mut self, own: Amount, now: u64) -> Result<Vec<Amount>, LpError> {
        let visit = self.visit(now)?;
        let ratio = div_up(own.0, visit.supply)?;
        let of = |balance: &U256| mul_up(*balance, ratio);
        let amounts: Vec<U256> = visit.balances.iter().map(of).collect::<Result<_, _>>()?;
        self.joined(&visit, &amounts, own.0)
    }

    /// Exits with one token for exactly so much of the pool's own; returns what is paid, rounded down.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Balancer V2, `ComposableStablePool._exitExactBPTInForTokenOut`, and the swap that is the same.
    pub fn exit_one_token(
        &mut self,
        place: usize,
        own: Amount,
        now: u64,
    ) -> Result<Amount, LpError> {
        let visit = self.visit(now)?;
        let amount = visit.terms(self.swap_fee).token_of_own_down(place, own.0)?;
        let paid = self.exited(&visit, &visit.only(place, amount), own.0)?;
        paid.get(place).copied().ok_or(LpError::NoSuchToken { place })
    }

    /// Exits with exact tokens; returns what that takes of the pool's own, rounded up, and what is really paid: through the rates
    /// a unit less.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Balancer V2, `ComposableStablePool._exitBPTInForExactTokensOut`.
    pub fn exit_exact_tokens(
        &mut self,
        amounts: &[Amount],
        now: u64,
    ) -> Result<(Amount, Vec<Amount>), LpError> {
        let visit = self.visit(now)?;
        let scaled = visit.scaled(amounts)?;
        let own = visit.terms(self.swap_fee).own_of_tokens_up(&scaled)?;
        let paid = self.exited(&visit, &scaled, own)?;
        Ok((Amount(own), paid))
    }

    /// Exits in proportion; returns what is paid, rounded down.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Balancer V2, `BasePoolMath.computeProportionalAmountsOut`.
    pub fn exit_all_tokens(&mut self, own: Amount, now: u64) -> Result<Vec<Amount>, LpError> {
        let visit = self.visit(now)?;
        let ratio = div_down(own.0, visit.supply)?;
        let of = |balance: &U256| mul_down(*balance, ratio);
        let amounts: Vec<U256> = visit.balances.iter().map(of).collect::<Result<_, _>>()?;
        self.exited(&visit, &amounts, own.0)
    }

    /// Swaps exactly so much of one token for the pool's own, rounded down. It differs from a join in what is taken: all of it.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Balancer V2, `ComposableStablePool._joinSwapExactTokenInForBptOut`.
    pub fn swap_into_own(
        &mut self,
        place: usize,
        amount: Amount,
        now: u64,
    ) -> Result<Amount, LpError> {
        let visit = self.visit(now)?;
        let scaled = visit.only(place, mul_down(amount.0, visit.factor(place)?)?);
        let own = visit.terms(self.swap_fee).own_for_tokens_down(&scaled)?;
        let mut next = self.clone();
        next.joined(&visit, &scaled, own)?;
        next.rebalance(place, self.balance(place)?, |balance| add(balance, amount.0, "a balance"))?;
        *self = next;
        Ok(Amount(own))
    }

    /// Swaps the pool's own token for exactly so much of one; returns what goes in, rounded up.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts; the pool is then as before.
    ///
    /// # Source
    /// Balancer V2, `ComposableStablePool._exitSwapExactTokenOutForBptIn`.
    pub fn swap_own_for(
        &mut self,
        place: usize,
        amount: Amount,
        now: u64,
    ) -> Result<Amount, LpError> {
        let visit = self.visit(now)?;
        let scaled = visit.only(place, mul_down(amount.0, visit.factor(place)?)?);
        let own = visit.terms(self.swap_fee).own_of_tokens_up(&scaled)?;
        let mut next = self.clone();
        next.exited(&visit, &scaled, own)?;
        next.rebalance(place, self.balance(place)?, |balance| sub(balance, amount.0, "a balance"))?;
        *self = next;
        Ok(Amount(own))
    }

    /// Returns the supply with what is owed to the protocol.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts.
    ///
    /// # Source
    /// Balancer V2, `ComposableStablePool.getActualSupply`.
    pub fn actual_supply(&self, now: u64) -> Result<U256, LpError> {
        Ok(self.visit(now)?.supply)
    }

    /// Returns what one of the pool's own token is worth in a token whose rate is one, rounded down, 18 decimals.
    ///
    /// # Errors
    /// [`LpError`] where the contract reverts.
    ///
    /// # Source
    /// Balancer V2, `ComposableStablePool.getRate`.
    pub fn rate_down(&self, now: u64) -> Result<U256, LpError> {
        let visit = self.visit(now)?;
        div_down(visit.invariant, visit.supply)
    }
}
