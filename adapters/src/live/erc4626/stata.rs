//! Aave's `StataTokenV2`, an ERC-4626 token over one reserve, looked through: pure, and exact to the last unit
//! for reserves of the lines that are.

use crate::live::aave_v3::reserve::Reserve;
use alloy::primitives::U256;
use plimsoll_core::rates::RateError;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Predict, PredictError, Predicted};

/// The token with the reserve inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stata {
    /// The reserve; its stake is the scaled balance of the token.
    pub reserve: Reserve,
    /// What the treasury will get as the pool has written it: `maxDeposit` does not move it on.
    pub treasury_as_written: U256,
    /// Whether the token itself is paused: it then moves for nobody, though its own limits do not say so.
    pub is_paused: bool,
    /// Shares of the token.
    pub supply: U256,
    /// Raw shares whose worth, in raw units, is the index in ray.
    pub index_shares: U256,
    /// Shares that the vault of ours put there.
    pub counted: Shares,
    /// Shares of the market contract, with what others sent it.
    pub owned: Shares,
    /// When it was read, Unix seconds.
    pub read: u64,
}

impl Stata {
    /// The token as it would be at `timestamp`.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    pub fn accrued(&self, timestamp: u64) -> Result<Stata, RateError> {
        Ok(Stata { reserve: self.reserve.accrued(timestamp)?, ..*self })
    }

    /// `_convertToAssets`, rounded down.
    fn worth_down(&self, shares: U256) -> Result<Amount, RateError> {
        let worth = Amount(shares).mul_div_down(Amount(self.reserve.supply_index.0), RAY);
        worth.ok_or(RateError::Overflow { step: "convertToAssets" })
    }

    /// `_convertToShares`; `up` rounds up.
    fn shares(&self, amount: Amount, up: bool) -> Result<U256, RateError> {
        let (step, rate) = ("convertToShares", Amount(self.reserve.supply_index.0));
        let down = amount.mul_div_down(RAY, rate).ok_or(RateError::Overflow { step })?;
        let exact = amount.0.wrapping_mul(RAY.0) == down.0.wrapping_mul(rate.0);
        Ok(if up && !exact { down.0.saturating_add(U256::from(1)) } else { down.0 })
    }

    /// `totalAssets`.
    pub(super) fn total_assets(&self) -> Result<Amount, RateError> {
        self.worth_down(self.supply)
    }

    pub(super) fn share_price(&self) -> Result<Ray, RateError> {
        self.worth_down(self.index_shares).map(|price| Ray(price.0))
    }

    /// `maxWithdraw` of somebody with `shares`: what the pool has counted in, by way of shares.
    fn most(&self, shares: U256) -> Result<Amount, RateError> {
        if !self.reserve.lets_out() {
            return Ok(Amount::ZERO);
        }
        let there = self.shares(self.reserve.available(), false)?;
        self.worth_down(there.min(shares))
    }

    /// What the market contract says that it holds and could take out: it does not know of the token's own pause.
    pub(super) fn said(&self) -> Result<(Amount, Amount), RateError> {
        let worth = self.worth_down(self.counted.0)?;
        Ok((worth, worth.min(self.most(self.owned.0)?)))
    }

    pub(super) fn held(&self) -> Result<Held, RateError> {
        let (worth, available) = self.said()?;
        let available = if self.is_paused { Amount::ZERO } else { available };
        Ok(Held { shares: self.counted, worth, available })
    }

    /// What somebody who held all of it could take out.
    pub(super) fn exit(&self) -> Result<Amount, RateError> {
        let free = if self.is_paused { Amount::ZERO } else { self.reserve.payable() };
        Ok(self.most(self.supply)?.min(free))
    }

    /// `maxDeposit`; `None` without a cap.
    pub(super) fn max_deposit(&self) -> Result<Option<Amount>, RateError> {
        if !self.reserve.lets_in() {
            return Ok(Some(Amount::ZERO));
        }
        let Some(cap) = self.reserve.configuration.cap() else { return Ok(None) };
        let scaled = self.reserve.scaled_supply.saturating_add(self.treasury_as_written);
        let step = "maxDeposit";
        let rate = Amount(self.reserve.supply_index.0);
        let down = Amount(scaled).mul_div_down(rate, RAY).ok_or(RateError::Overflow { step })?;
        let exact = scaled.wrapping_mul(rate.0) == down.0.wrapping_mul(RAY.0);
        let counted = if exact { down.0 } else { down.0.saturating_add(U256::from(1)) };
        Ok(Some(Amount(cap.saturating_sub(counted))))
    }

    /// What can be deposited: what the token takes, and the pool after it; `None` without a cap.
    pub(super) fn entry(&self) -> Result<Option<Amount>, RateError> {
        if self.is_paused {
            return Ok(Some(Amount::ZERO));
        }
        let (token, pool) = (self.max_deposit()?, self.reserve.room()?);
        Ok(token.map(|token| pool.map_or(token, |pool| token.min(pool))))
    }

    /// The part of the reserve's debt that the token's money lends.
    pub(super) fn borrowed(&self) -> Result<Amount, RateError> {
        let (lent, all) = (self.reserve.debt()?, self.reserve.supplied()?);
        Ok(self.total_assets()?.mul_div_down(lent, all).unwrap_or_default())
    }

    /// `ERC4626.deposit`, then the pool's `deposit`.
    fn enter(&mut self, amount: Amount) -> Result<(), PredictError> {
        if let Some(room) = self.entry().map_err(refused)?.filter(|room| amount > *room) {
            return Err(PredictError::NoRoom { asked: amount, room });
        }
        let minted = self.shares(amount, false).map_err(refused)?;
        if minted.is_zero() {
            let detail = format!("deposit of {} raw units is no share", amount.0);
            return Err(PredictError::Arithmetic { detail });
        }
        self.reserve.supply(amount)?;
        self.supply = self.supply.saturating_add(minted);
        self.counted = Shares(self.counted.0.saturating_add(minted));
        self.owned = Shares(self.owned.0.saturating_add(minted));
        Ok(())
    }

    /// `ERC4626.withdraw`: not more than `maxWithdraw`, shares are burned, then the pool's `withdraw`.
    fn leave(&mut self, amount: Amount) -> Result<(), PredictError> {
        let available = self.held().map_err(refused)?.available;
        let short = PredictError::NotAvailable { asked: amount, available };
        let burned = self.shares(amount, true).map_err(refused)?;
        let most = self.most(self.owned.0).map_err(refused)?;
        if self.is_paused || amount > most || burned > self.counted.0 || burned > self.owned.0 {
            return Err(short);
        }
        match self.reserve.withdraw(amount) {
            Err(PredictError::NotAvailable { .. }) => return Err(short),
            done => done?,
        }
        self.supply = self.supply.saturating_sub(burned);
        self.counted = self.counted.saturating_sub(Shares(burned));
        self.owned = self.owned.saturating_sub(Shares(burned));
        Ok(())
    }

    fn predicted(&self) -> Result<Predicted, RateError> {
        Ok(Predicted {
            share_price: self.share_price()?,
            supply_apr: self.reserve.supply_rate,
            supplied: self.total_assets()?,
            borrowed: self.borrowed()?,
            exit: self.exit()?,
            held: self.held()?,
        })
    }
}

impl Predict for Stata {
    fn after(
        &self,
        is_entry: bool,
        amount: Amount,
        timestamp: u64,
    ) -> Result<Predicted, PredictError> {
        if timestamp < self.read {
            return Err(PredictError::Past { asked: timestamp, read: self.read });
        }
        let mut next = self.accrued(timestamp).map_err(refused)?;
        match (amount.is_zero(), is_entry) {
            (true, _) => {}
            (false, true) => next.enter(amount)?,
            (false, false) => next.leave(amount)?,
        }
        next.predicted().map_err(refused)
    }
}

const RAY: Amount = Amount(Ray::ONE.0);

fn refused(error: RateError) -> PredictError {
    PredictError::Arithmetic { detail: error.to_string() }
}
