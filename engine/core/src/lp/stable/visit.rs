//! What joins and exits have in common: scaling, what the protocol is owed, and the books afterwards.

use super::decimal::{complement, div_down, div_up, mul_down, one};
use super::math::{Terms, invariant_down};
use super::pool::{StablePool, StableToken};
use crate::Amount;
use crate::lp::LpError;
use crate::lp::fixed::{add, mul, sub};
use alloy_primitives::U256;

/// A join or exit, about to happen.
pub(super) struct Visit {
    pub(super) amplification: U256,
    pub(super) balances: Vec<U256>,
    pub(super) supply: U256,
    pub(super) invariant: U256,
    pub(super) factors: Vec<U256>,
}

impl Visit {
    pub(super) fn terms(&self, fee: U256) -> Terms<'_> {
        Terms {
            amplification: self.amplification,
            balances: &self.balances,
            supply: self.supply,
            invariant: self.invariant,
            fee,
        }
    }

    pub(super) fn factor(&self, place: usize) -> Result<U256, LpError> {
        self.factors.get(place).copied().ok_or(LpError::NoSuchToken { place })
    }

    /// Raw amounts, scaled.
    pub(super) fn scaled(&self, amounts: &[Amount]) -> Result<Vec<U256>, LpError> {
        if amounts.len() != self.balances.len() {
            return Err(LpError::NoSuchToken { place: amounts.len() });
        }
        amounts
            .iter()
            .zip(&self.factors)
            .map(|(amount, factor)| mul_down(amount.0, *factor))
            .collect()
    }

    /// A scaled amount of one token beside zeros.
    pub(super) fn only(&self, place: usize, amount: U256) -> Vec<U256> {
        let mut amounts = vec![U256::ZERO; self.balances.len()];
        if let Some(own) = amounts.get_mut(place) {
            *own = amount;
        }
        amounts
    }
}

impl StablePool {
    pub(super) fn factors(&self) -> Result<Vec<U256>, LpError> {
        self.tokens.iter().map(|token| mul_down(token.scaling, token.rate)).collect()
    }

    pub(super) fn balance(&self, place: usize) -> Result<U256, LpError> {
        self.tokens.get(place).map(|token| token.balance).ok_or(LpError::NoSuchToken { place })
    }

    /// The scaled balances, for a swap between tokens: the protocol is not paid then.
    pub(super) fn visit_without_fees(&self, now: u64) -> Result<Visit, LpError> {
        let amplification = self.amplification.at(now);
        let factors = self.factors()?;
        let scaled = |(token, factor): (&StableToken, &U256)| mul_down(token.balance, *factor);
        let balances: Vec<U256> =
            self.tokens.iter().zip(&factors).map(scaled).collect::<Result<_, _>>()?;
        let invariant = invariant_down(amplification, &balances)?;
        Ok(Visit { amplification, balances, supply: self.supply, invariant, factors })
    }

    /// The same with what the protocol is owed paid: minted, so that it owns its share afterwards.
    pub(super) fn visit(&self, now: u64) -> Result<Visit, LpError> {
        let mut visit = self.visit_without_fees(now)?;
        let share = self.protocol_share_down(&visit.balances)?;
        let minted = minted_for(visit.supply, share)?;
        visit.supply = add(visit.supply, minted, "the supply")?;
        Ok(visit)
    }

    /// The part of the pool that the protocol should own, 18 decimals: its share of the growth by fees, and of the growth by
    /// rates of tokens that are not exempt.
    ///
    /// # Source
    /// Balancer V2, `ComposableStablePoolProtocolFees._getProtocolPoolOwnershipPercentage`.
    pub(super) fn protocol_share_down(&self, balances: &[U256]) -> Result<U256, LpError> {
        let with_old_rates = |is_old: fn(&StableToken) -> bool| -> Result<U256, LpError> {
            let mut adjusted = Vec::with_capacity(balances.len());
            for (token, balance) in self.tokens.iter().zip(balances) {
                adjusted.push(if is_old(token) {
                    let product = mul(*balance, token.old_rate, "a balance")?;
                    product.checked_div(token.rate).ok_or(LpError::Zero { what: "a rate" })?
                } else {
                    *balance
                });
            }
            invariant_down(self.last_amplification, &adjusted)
        };
        let by_fees = with_old_rates(|token| token.is_exempt || token.has_rate)?;
        let by_yield = with_old_rates(|token| token.is_exempt)?;
        let all = invariant_down(self.last_amplification, balances)?;
        let (of_fees, of_yield) = self.protocol_shares;
        let fees = div_down(by_fees.saturating_sub(self.last_invariant), all)?;
        let earned = div_down(by_yield.saturating_sub(by_fees), all)?;
        add(mul_down(fees, of_fees)?, mul_down(earned, of_yield)?, "a share")
    }

    pub(super) fn joined(
        &mut self,
        visit: &Visit,
        scaled: &[U256],
        own: U256,
    ) -> Result<Vec<Amount>, LpError> {
        let supply = add(visit.supply, own, "the supply")?;
        self.finish(visit, scaled, supply, true)
    }

    pub(super) fn exited(
        &mut self,
        visit: &Visit,
        scaled: &[U256],
        own: U256,
    ) -> Result<Vec<Amount>, LpError> {
        let supply = sub(visit.supply, own, "the supply")?;
        self.finish(visit, scaled, supply, false)
    }

    /// Books what goes in or out, pays the protocol for the fees of this join or exit, and returns raw amounts: rounded up
    /// in, down out.
    ///
    /// # Source
    /// Balancer V2, `ComposableStablePoolProtocolFees._updateInvariantAfterJoinExit`.
    pub(super) fn finish(
        &mut self,
        visit: &Visit,
        scaled: &[U256],
        supply: U256,
        is_join: bool,
    ) -> Result<Vec<Amount>, LpError> {
        let mut after = Vec::with_capacity(scaled.len());
        let mut raw = Vec::with_capacity(scaled.len());
        let mut held = Vec::with_capacity(scaled.len());
        for (place, amount) in scaled.iter().enumerate() {
            let factor = visit.factor(place)?;
            let balance = visit.balances.get(place).copied().unwrap_or_default();
            let own = self.balance(place)?;
            if is_join {
                let paid = div_up(*amount, factor)?;
                after.push(add(balance, *amount, "a balance")?);
                held.push(add(own, paid, "a balance")?);
                raw.push(Amount(paid));
            } else {
                let paid = div_down(*amount, factor)?;
                after.push(sub(balance, *amount, "a balance")?);
                held.push(sub(own, paid, "a balance")?);
                raw.push(Amount(paid));
            }
        }
        let invariant = invariant_down(visit.amplification, &after)?;
        let feeless = mul_down(visit.invariant, div_down(supply, visit.supply)?)?;
        let by_fees = mul(invariant.saturating_sub(feeless), self.protocol_shares.0, "a share")?;
        let share =
            by_fees.checked_div(invariant).ok_or(LpError::Zero { what: "the invariant" })?;
        let supply = add(supply, minted_for(supply, share)?, "the supply")?;
        for (token, balance) in self.tokens.iter_mut().zip(held) {
            token.balance = balance;
        }
        self.supply = supply;
        self.close(visit.amplification, invariant);
        Ok(raw)
    }

    /// Remembers what the next fees are reckoned from.
    pub(super) fn close(&mut self, amplification: U256, invariant: U256) {
        self.last_amplification = amplification;
        self.last_invariant = invariant;
        for token in self.tokens.iter_mut().filter(|token| token.has_rate) {
            token.old_rate = token.rate;
        }
    }

    pub(super) fn settle(
        &mut self,
        paid: (usize, U256),
        out: (usize, U256),
    ) -> Result<(), LpError> {
        let after_in = add(self.balance(paid.0)?, paid.1, "a balance")?;
        let after_out = sub(self.balance(out.0)?, out.1, "a balance")?;
        for (place, balance) in [(paid.0, after_in), (out.0, after_out)] {
            if let Some(token) = self.tokens.get_mut(place) {
                token.balance = balance;
            }
        }
        Ok(())
    }

    pub(super) fn rebalance(
        &mut self,
        place: usize,
        before: U256,
        change: impl Fn(U256) -> Result<U256, LpError>,
    ) -> Result<(), LpError> {
        let token = self.tokens.get_mut(place).ok_or(LpError::NoSuchToken { place })?;
        token.balance = change(before)?;
        Ok(())
    }
}

/// What has to be minted so that it is `share` of the supply afterwards.
///
/// # Source
/// Balancer V2, `ProtocolFees.bptForPoolOwnershipPercentage`.
fn minted_for(supply: U256, share: U256) -> Result<U256, LpError> {
    if share >= one() {
        return Err(LpError::Overflow { what: "the protocol's share" });
    }
    Ok(mul(supply, share, "a share")? / complement(share))
}
