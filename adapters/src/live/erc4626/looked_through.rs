//! A vault that supplies everything to one market of Morpho Blue, looked through: pure, and exact to the
//! last unit for vaults on OpenZeppelin's arithmetic.

use crate::live::morpho_blue::market::{Market, refused};
use alloy::primitives::U256;
use plimsoll_core::rates::RateError;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Predict, PredictError, Predicted};

/// The vault with the market inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookedThrough {
    /// The market; `owned` are the supply shares of the vault.
    pub market: Market,
    /// Shares of the vault.
    pub supply: U256,
    /// OpenZeppelin's virtual shares: ten to the difference of decimals.
    pub virtual_shares: U256,
    /// Raw shares whose worth, in raw units, is the index in ray.
    pub index_shares: U256,
    /// Shares that the vault of ours put there.
    pub counted: Shares,
    /// Shares of the market contract, with what others sent it.
    pub owned: Shares,
    /// When it was read, Unix seconds.
    pub read: u64,
}

impl LookedThrough {
    /// The vault as it would be at `timestamp`.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    pub fn accrued(&self, timestamp: u64) -> Result<LookedThrough, RateError> {
        Ok(LookedThrough { market: self.market.accrued(timestamp)?, ..*self })
    }

    /// What the vault's supply is worth.
    pub(crate) fn total_assets(&self) -> Result<Amount, RateError> {
        self.market.worth_down(self.market.owned)
    }

    /// OpenZeppelin's `_convertToAssets`, rounded down.
    pub(crate) fn worth_down(&self, shares: U256) -> Result<Amount, RateError> {
        let assets = self.total_assets()?.saturating_add(Amount(U256::from(1)));
        let all = Amount(self.supply.saturating_add(self.virtual_shares));
        let worth = Amount(shares).mul_div_down(assets, all);
        worth.ok_or(RateError::Overflow { step: "convertToAssets" })
    }

    /// OpenZeppelin's `_convertToShares`; `up` rounds up.
    fn shares(&self, amount: Amount, up: bool) -> Result<U256, RateError> {
        let step = "convertToShares";
        let assets = self.total_assets()?.saturating_add(Amount(U256::from(1)));
        let all = self.supply.saturating_add(self.virtual_shares);
        let down = amount.mul_div_down(Amount(all), assets).ok_or(RateError::Overflow { step })?;
        // The product itself may need 512 bits; its low 256 tell whether anything was left over.
        let exact = amount.0.wrapping_mul(all) == down.0.wrapping_mul(assets.0);
        Ok(if up && !exact { down.0.saturating_add(U256::from(1)) } else { down.0 })
    }

    /// What the market has not lent: what the vault's own `maxWithdraw` looks at.
    fn unlent(&self) -> Amount {
        Amount(self.market.supply_assets.saturating_sub(self.market.borrow_assets))
    }

    pub(crate) fn held(&self) -> Result<Held, RateError> {
        let worth = self.worth_down(self.counted.0)?;
        let most = self.worth_down(self.owned.0)?.min(self.unlent());
        Ok(Held { shares: self.counted, worth, available: worth.min(most) })
    }

    /// The part of the market's debt that the vault's money lends.
    pub(crate) fn borrowed(&self) -> Result<Amount, RateError> {
        let (all, lent) = (self.market.supply_assets, self.market.borrow_assets);
        Ok(self.total_assets()?.mul_div_down(Amount(lent), Amount(all)).unwrap_or_default())
    }

    pub(crate) fn exit(&self) -> Result<Amount, RateError> {
        Ok(self.total_assets()?.min(self.market.free()))
    }

    pub(crate) fn share_price(&self) -> Result<Ray, RateError> {
        self.worth_down(self.index_shares).map(|price| Ray(price.0))
    }

    /// `ERC4626._deposit`, then `Morpho.supply`.
    fn enter(&mut self, amount: Amount) -> Result<(), PredictError> {
        let minted = self.shares(amount, false).map_err(refused)?;
        let bought = self.market.supply(amount)?;
        self.market.owned = Shares(self.market.owned.0.saturating_add(bought));
        self.supply = self.supply.saturating_add(minted);
        self.counted = Shares(self.counted.0.saturating_add(minted));
        self.owned = Shares(self.owned.0.saturating_add(minted));
        Ok(())
    }

    /// `ERC4626.withdraw`: not more than `maxWithdraw`, `Morpho.withdraw`, then the shares are burned.
    fn leave(&mut self, amount: Amount) -> Result<(), PredictError> {
        let available = self.held().map_err(refused)?.available;
        let short = PredictError::NotAvailable { asked: amount, available };
        let burned = self.shares(amount, true).map_err(refused)?;
        let most = self.worth_down(self.owned.0).map_err(refused)?.min(self.unlent());
        if amount > most || burned > self.counted.0 || burned > self.owned.0 {
            return Err(short);
        }
        let sold = self.market.withdraw(amount, self.market.owned.0).map_err(refused)?;
        let sold = sold.ok_or(short)?;
        self.market.owned = self.market.owned.saturating_sub(Shares(sold));
        self.supply = self.supply.saturating_sub(burned);
        self.counted = self.counted.saturating_sub(Shares(burned));
        self.owned = self.owned.saturating_sub(Shares(burned));
        Ok(())
    }

    fn predicted(&self) -> Result<Predicted, RateError> {
        Ok(Predicted {
            share_price: self.share_price()?,
            supply_apr: self.market.rates()?.supply,
            supplied: self.total_assets()?,
            borrowed: self.borrowed()?,
            exit: self.exit()?,
            held: self.held()?,
        })
    }
}

impl Predict for LookedThrough {
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
