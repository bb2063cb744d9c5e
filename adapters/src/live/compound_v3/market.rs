//! A market of Compound III by its base asset alone, as `Comet` counts it, to the unit.

use alloy::primitives::U256;
use plimsoll_core::rates::RateError;
use plimsoll_core::rates::compound_v3::{CometRates, KinkedCurve, utilization};
use plimsoll_core::units::{Amount, Ray, Shares, Wad};
use plimsoll_core::{Curve, Kinked};
use plimsoll_execute::protocol::{Held, Predict, PredictError, Predicted};

use crate::live::morpho_blue::market::{refused, yearly};

/// What an index starts at.
///
/// # Source
/// `CometCore.BASE_INDEX_SCALE`.
const INDEX_SCALE: U256 = U256::from_limbs([1_000_000_000_000_000, 0, 0, 0]);
/// One, with 18 decimals.
const WAD: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);
/// From an index to a ray.
const INDEX_TO_RAY: U256 = U256::from_limbs([1_000_000_000_000, 0, 0, 0]);

/// One market at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comet {
    /// Both curves.
    pub rates: CometRates,
    /// Index of what is supplied, as it was last written.
    pub supply_index: U256,
    /// Index of what is borrowed.
    pub borrow_index: U256,
    /// Principal supplied by all.
    pub supply_base: U256,
    /// Principal borrowed by all.
    pub borrow_base: U256,
    /// When the indices were written, Unix seconds.
    pub accrued: u64,
    /// What of the asset lies in the contract.
    pub cash: Amount,
    /// Principal of the holder; zero for one who borrows.
    pub principal: U256,
    /// Whether the holder borrows.
    pub is_in_debt: bool,
    /// Nothing can be supplied.
    pub no_supply: bool,
    /// Nothing can be withdrawn.
    pub no_withdrawal: bool,
    /// When it was read, Unix seconds.
    pub read: u64,
}

fn product(a: U256, b: U256, step: &'static str) -> Result<U256, RateError> {
    a.checked_mul(b).ok_or(RateError::Overflow { step })
}

fn quotient(a: U256, b: U256, step: &'static str) -> Result<U256, RateError> {
    a.checked_div(b).ok_or(RateError::ZeroDivisor { step })
}

/// `CometCore.presentValueSupply` and `presentValueBorrow`, which round down both.
fn present(principal: U256, index: U256) -> Result<U256, RateError> {
    quotient(product(principal, index, "presentValue")?, INDEX_SCALE, "presentValue")
}

/// `CometCore.principalValueSupply`.
fn principal_of(value: U256, index: U256) -> Result<U256, RateError> {
    let step = "principalValueSupply";
    let principal = quotient(product(value, INDEX_SCALE, step)?, index, step)?;
    let fits = principal.bit_len() <= 104;
    fits.then_some(principal).ok_or(RateError::Overflow { step: "safe104" })
}

/// What an index becomes after `elapsed` seconds at a rate.
fn grown(index: U256, rate: Wad, elapsed: u64) -> Result<U256, RateError> {
    let step = "accruedInterestIndices";
    let factor = product(rate.0, U256::from(elapsed), step)?;
    let gained = quotient(product(index, factor, step)?, WAD, step)?;
    let next = index.saturating_add(gained);
    u64::try_from(next).map(U256::from).map_err(|_| RateError::Overflow { step: "safe64" })
}

impl Comet {
    /// Debt over supply at the indices as they were written: what both rates are taken at.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    pub fn utilization(&self) -> Result<Wad, RateError> {
        let borrowed = present(self.borrow_base, self.borrow_index)?;
        let supplied = present(self.supply_base, self.supply_index)?;
        utilization(Amount(borrowed), Amount(supplied))
    }

    /// The rates of suppliers and of borrowers until somebody acts, simple, of a year.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    pub fn yearly_rates(&self) -> Result<(Ray, Ray), RateError> {
        let at = self.utilization()?;
        Ok((yearly(self.rates.supply_rate(at)?), yearly(self.rates.borrow_rate(at)?)))
    }

    /// The market with its indices written at `timestamp`.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    pub fn accrued_to(&self, timestamp: u64) -> Result<Comet, RateError> {
        let elapsed = timestamp.saturating_sub(self.accrued);
        if elapsed == 0 {
            return Ok(self.clone());
        }
        let at = self.utilization()?;
        Ok(Comet {
            supply_index: grown(self.supply_index, self.rates.supply_rate(at)?, elapsed)?,
            borrow_index: grown(self.borrow_index, self.rates.borrow_rate(at)?, elapsed)?,
            accrued: timestamp,
            ..self.clone()
        })
    }

    /// Asset per unit of principal.
    #[must_use]
    pub fn share_price(&self) -> Ray {
        Ray(self.supply_index.saturating_mul(INDEX_TO_RAY))
    }

    /// Everything supplied, at the indices that it has.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    pub fn supplied(&self) -> Result<Amount, RateError> {
        present(self.supply_base, self.supply_index).map(Amount)
    }

    /// Everything borrowed, at the indices that it has.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    pub fn borrowed(&self) -> Result<Amount, RateError> {
        present(self.borrow_base, self.borrow_index).map(Amount)
    }

    /// What anyone could withdraw: cash, not above what is supplied; nothing while withdrawals are paused.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    pub fn exit(&self) -> Result<Amount, RateError> {
        if self.no_withdrawal {
            return Ok(Amount::ZERO);
        }
        Ok(self.cash.min(self.supplied()?))
    }

    /// What the holder has.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    pub fn held(&self) -> Result<Held, RateError> {
        let worth = Amount(present(self.principal, self.supply_index)?);
        let available = worth.min(self.exit()?);
        Ok(Held { shares: Shares(self.principal), worth, available })
    }

    /// Both curves as models see them.
    #[must_use]
    pub fn curve(&self) -> Curve {
        Curve::Separate { borrow: kinked(self.rates.borrow), supply: kinked(self.rates.supply) }
    }

    /// The holder supplies or withdraws, at indices that are written.
    fn moved(mut self, is_entry: bool, amount: Amount) -> Result<Comet, RateError> {
        let balance = present(self.principal, self.supply_index)?;
        let (balance, cash) = if is_entry {
            (balance.saturating_add(amount.0), self.cash.saturating_add(amount))
        } else {
            (balance.saturating_sub(amount.0), self.cash.saturating_sub(amount))
        };
        let principal = principal_of(balance, self.supply_index)?;
        let others = self.supply_base.saturating_sub(self.principal);
        self.supply_base = others.saturating_add(principal);
        (self.principal, self.cash) = (principal, cash);
        Ok(self)
    }

    fn predicted(&self, now: &Comet) -> Result<Predicted, RateError> {
        Ok(Predicted {
            share_price: now.share_price(),
            supply_apr: self.yearly_rates()?.0,
            supplied: now.supplied()?,
            borrowed: now.borrowed()?,
            exit: now.exit()?,
            held: now.held()?,
        })
    }
}

/// A curve per second as a curve of a year: slopes as the rise over each side of the kink.
fn kinked(curve: KinkedCurve) -> Kinked {
    let year = f64::from(plimsoll_core::rates::SECONDS_PER_YEAR);
    let kink = curve.kink.to_f64();
    Kinked {
        base: curve.base.to_f64() * year,
        slope_below: curve.slope_low.to_f64() * year * kink,
        slope_above: curve.slope_high.to_f64() * year * (1.0 - kink),
        kink,
    }
}

impl Predict for Comet {
    fn after(
        &self,
        is_entry: bool,
        amount: Amount,
        timestamp: u64,
    ) -> Result<Predicted, PredictError> {
        if timestamp < self.read {
            return Err(PredictError::Past { asked: timestamp, read: self.read });
        }
        let now = self.accrued_to(timestamp).map_err(refused)?;
        if amount.is_zero() {
            // Nobody writes: the rates stay those of the last that acted.
            return self.predicted(&now).map_err(refused);
        }
        if self.is_in_debt {
            let detail = "the holder borrows: what it supplies repays".to_owned();
            return Err(PredictError::Arithmetic { detail });
        }
        if is_entry && self.no_supply {
            return Err(PredictError::NoRoom { asked: amount, room: Amount::ZERO });
        }
        let available = now.held().map_err(refused)?.available;
        if !is_entry && amount > available {
            return Err(PredictError::NotAvailable { asked: amount, available });
        }
        let next = now.moved(is_entry, amount).map_err(refused)?;
        next.predicted(&next).map_err(refused)
    }
}

#[cfg(test)]
#[path = "market_tests.rs"]
mod tests;
