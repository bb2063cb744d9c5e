//! A market of Morpho Blue as the contract keeps it, and what an action makes of it: pure, and exact to the
//! last unit for markets with the adaptive curve, or with no rate model.

use alloy::primitives::{U256, uint};
use plimsoll_core::rates::morpho::{self, AdaptiveCurve};
use plimsoll_core::rates::{RateError, SECONDS_PER_YEAR};
use plimsoll_core::units::{Amount, Ray, Shares, Wad};
use plimsoll_execute::protocol::{Held, Predict, PredictError, Predicted};

/// Virtual shares of `SharesMathLib`: a share is worth a millionth of a unit at first.
pub const VIRTUAL_SHARES: U256 = uint!(1_000_000_U256);
const VIRTUAL_ASSETS: U256 = uint!(1_U256);
const WAD: U256 = uint!(1_000_000_000_000_000_000_U256);
const RAY_PER_WAD: U256 = uint!(1_000_000_000_U256);

/// What the contract keeps of a market, and what lies around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Market {
    /// Supplied, raw units.
    pub supply_assets: U256,
    /// The shares of it.
    pub supply_shares: U256,
    /// Borrowed, raw units.
    pub borrow_assets: U256,
    /// The shares of it.
    pub borrow_shares: U256,
    /// When interest was last added, Unix seconds; zero for a market that was never created.
    pub updated: u64,
    /// The protocol's share of the interest.
    pub fee: Wad,
    /// The rate model's state; `None` for a market without a rate model.
    pub curve: Option<AdaptiveCurve>,
    /// What Morpho has of the loan token, over all markets.
    pub cash: Amount,
    /// Shares that the vault put there.
    pub counted: Shares,
    /// Shares of the market contract, with what others supplied for it and what leavers in kind own.
    pub owned: Shares,
    /// When it was read, Unix seconds.
    pub read: u64,
}

/// Rates of a market, yearly and simple.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// What suppliers get, net of the fee.
    pub supply: Ray,
    /// What borrowers pay.
    pub borrow: Ray,
}

impl Market {
    /// The market as the contract would find it at `timestamp`: interest and the fee's shares added.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    ///
    /// # Source
    /// `Morpho._accrueInterest`.
    pub fn accrued(&self, timestamp: u64) -> Result<Market, RateError> {
        let elapsed = timestamp.saturating_sub(self.updated);
        let mut next = *self;
        if elapsed == 0 {
            return Ok(next);
        }
        next.updated = timestamp;
        let Some(curve) = self.curve else { return Ok(next) };
        let (rate, end) = curve.borrow_rate(self.utilization()?, elapsed)?;
        next.curve = Some(AdaptiveCurve { rate_at_target: end });
        let grown = morpho::compounded_interest(rate, elapsed)?;
        let interest = part(self.borrow_assets, grown.0, WAD)?;
        next.borrow_assets = narrow(self.borrow_assets.saturating_add(interest))?;
        next.supply_assets = narrow(self.supply_assets.saturating_add(interest))?;
        if !self.fee.0.is_zero() {
            let fee = part(interest, self.fee.0, WAD)?;
            let before = Market { supply_assets: next.supply_assets.saturating_sub(fee), ..next };
            let shares = before.shares_down(fee)?;
            next.supply_shares = narrow(self.supply_shares.saturating_add(shares))?;
        }
        Ok(next)
    }

    fn utilization(&self) -> Result<Wad, RateError> {
        morpho::utilization(Amount(self.borrow_assets), Amount(self.supply_assets))
    }

    /// The rates of this moment, interest being added: what the rate model says with no time elapsed.
    pub(crate) fn rates(&self) -> Result<Rates, RateError> {
        let Some(curve) = self.curve else {
            return Ok(Rates { supply: Ray(U256::ZERO), borrow: Ray(U256::ZERO) });
        };
        let utilization = self.utilization()?;
        let (borrow, _) = curve.borrow_rate(utilization, 0)?;
        let supply = morpho::supply_rate_down(borrow, utilization, self.fee)?;
        Ok(Rates { supply: yearly(supply), borrow: yearly(borrow) })
    }

    /// `SharesMathLib.toSharesDown`.
    pub(crate) fn shares_down(&self, assets: U256) -> Result<U256, RateError> {
        part(assets, self.all_shares(), self.all_assets())
    }

    /// `SharesMathLib.toSharesUp`.
    fn shares_up(&self, assets: U256) -> Result<U256, RateError> {
        let product = assets.checked_mul(self.all_shares());
        let product = product.ok_or(RateError::Overflow { step: "toSharesUp" })?;
        Ok(product.div_ceil(self.all_assets()))
    }

    /// What borrow shares owe, `SharesMathLib.toAssetsUp`.
    pub(crate) fn owed_up(&self, shares: U256) -> Result<Amount, RateError> {
        let assets = self.borrow_assets.saturating_add(VIRTUAL_ASSETS);
        let product =
            shares.checked_mul(assets).ok_or(RateError::Overflow { step: "toAssetsUp" })?;
        Ok(Amount(product.div_ceil(self.borrow_shares.saturating_add(VIRTUAL_SHARES))))
    }

    /// What supply shares are worth, `SharesMathLib.toAssetsDown`, through 512 bits as the vault's market
    /// contract has it.
    pub(crate) fn worth_down(&self, shares: Shares) -> Result<Amount, RateError> {
        let worth =
            Amount(shares.0).mul_div_down(Amount(self.all_assets()), Amount(self.all_shares()));
        worth.ok_or(RateError::Overflow { step: "totalAssets" })
    }

    fn all_assets(&self) -> U256 {
        self.supply_assets.saturating_add(VIRTUAL_ASSETS)
    }

    fn all_shares(&self) -> U256 {
        self.supply_shares.saturating_add(VIRTUAL_SHARES)
    }

    /// The index: what a million shares, which began as one unit, are worth.
    pub(crate) fn share_price(&self) -> Result<Ray, RateError> {
        let million = Ray::ONE.0.saturating_mul(VIRTUAL_SHARES);
        part(self.all_assets(), million, self.all_shares()).map(Ray)
    }

    /// What nobody has borrowed, as far as it lies with Morpho.
    pub(crate) fn free(&self) -> Amount {
        Amount(self.supply_assets.saturating_sub(self.borrow_assets)).min(self.cash)
    }

    pub(crate) fn held(&self) -> Result<Held, RateError> {
        let worth = self.worth_down(self.counted)?;
        Ok(Held { shares: self.counted, worth, available: worth.min(self.free()) })
    }

    /// Supplies; interest being added. Returns the shares bought.
    ///
    /// # Source
    /// `Morpho.supply`.
    pub(crate) fn supply(&mut self, amount: Amount) -> Result<U256, PredictError> {
        if self.updated == 0 {
            return Err(PredictError::NoRoom { asked: amount, room: Amount::ZERO });
        }
        let bought = self.shares_down(amount.0).and_then(narrow).map_err(refused)?;
        self.supply_shares = added(self.supply_shares, bought)?;
        self.supply_assets = added(self.supply_assets, amount.0)?;
        self.cash = self.cash.saturating_add(amount);
        Ok(bought)
    }

    /// Withdraws for somebody with `owned` shares; interest being added. Returns the shares sold, or `None`
    /// where there are not so many, or not so much cash.
    ///
    /// # Source
    /// `Morpho.withdraw`.
    pub(crate) fn withdraw(
        &mut self,
        amount: Amount,
        owned: U256,
    ) -> Result<Option<U256>, RateError> {
        let sold = self.shares_up(amount.0)?;
        let enough = sold <= owned && sold <= self.supply_shares && amount <= self.free();
        if !enough {
            return Ok(None);
        }
        self.supply_shares = self.supply_shares.saturating_sub(sold);
        self.supply_assets = self.supply_assets.saturating_sub(amount.0);
        self.cash = self.cash.saturating_sub(amount);
        Ok(Some(sold))
    }

    fn enter(&mut self, amount: Amount) -> Result<(), PredictError> {
        let bought = self.supply(amount)?;
        self.counted = Shares(self.counted.0.saturating_add(bought));
        self.owned = Shares(self.owned.0.saturating_add(bought));
        Ok(())
    }

    fn leave(&mut self, amount: Amount) -> Result<(), PredictError> {
        let available = self.held().map_err(refused)?.available;
        let most = self.counted.min(self.owned).0;
        let sold = self.withdraw(amount, most).map_err(refused)?;
        let sold = sold.ok_or(PredictError::NotAvailable { asked: amount, available })?;
        self.counted = self.counted.saturating_sub(Shares(sold));
        self.owned = self.owned.saturating_sub(Shares(sold));
        Ok(())
    }

    /// The market in the terms of the trait; interest being added.
    pub(crate) fn predicted(&self) -> Result<Predicted, RateError> {
        Ok(Predicted {
            share_price: self.share_price()?,
            supply_apr: self.rates()?.supply,
            supplied: Amount(self.supply_assets),
            borrowed: Amount(self.borrow_assets),
            exit: self.free(),
            held: self.held()?,
        })
    }
}

impl Predict for Market {
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

/// A per-second wad as a yearly ray, simple.
pub(crate) fn yearly(per_second: Wad) -> Ray {
    let year = U256::from(SECONDS_PER_YEAR);
    Ray(per_second.0.saturating_mul(year).saturating_mul(RAY_PER_WAD))
}

/// `MathLib.mulDivDown`: a product of 256 bits.
fn part(amount: U256, numerator: U256, denominator: U256) -> Result<U256, RateError> {
    let step = "mulDivDown";
    let product = amount.checked_mul(numerator).ok_or(RateError::Overflow { step })?;
    product.checked_div(denominator).ok_or(RateError::ZeroDivisor { step })
}

/// What the contract keeps in 128 bits.
fn narrow(value: U256) -> Result<U256, RateError> {
    let fits = value <= U256::from(u128::MAX);
    fits.then_some(value).ok_or(RateError::Overflow { step: "toUint128" })
}

fn added(a: U256, b: U256) -> Result<U256, PredictError> {
    narrow(a.saturating_add(b)).map_err(refused)
}

pub(crate) fn refused(error: RateError) -> PredictError {
    PredictError::Arithmetic { detail: error.to_string() }
}

#[cfg(test)]
#[path = "market_tests.rs"]
mod tests;
