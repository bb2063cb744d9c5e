//! A reserve of Aave V3 as its pool keeps it, and what an action makes of it: pure, and exact to the last
//! unit for pools of v3.0 and v3.2.

use alloy::primitives::U256;
use plimsoll_core::rates::RateError;
use plimsoll_core::rates::aave_v3::{
    self, Balances, KinkedCurve, Line, Rates, percent_mul, ray_div, ray_mul,
};
use plimsoll_core::units::{Amount, Bps, Ray, Shares};
use plimsoll_execute::protocol::{Held, Predict, PredictError, Predicted, Switches};

/// What a reserve is set to: the fields of its packed word that matter to a supplier.
///
/// # Source
/// `ReserveConfiguration` of aave-v3-core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration {
    /// Decimals of the asset.
    pub decimals: u8,
    /// Its switches.
    pub switches: Switches,
    /// The protocol's share of the interest.
    pub reserve_factor: Bps,
    /// The most that may be supplied, in whole tokens; zero for no limit.
    pub supply_cap: u64,
    /// The LTV at which a loan against it may be liquidated.
    pub liquidation_threshold: Bps,
    /// Its efficiency-mode category, on pools before v3.2; 0 for none.
    pub emode: u8,
    /// Whether the pool keeps a virtual balance of it: from v3.1 on, and not for what is minted on demand.
    pub has_virtual_balance: bool,
}

impl Configuration {
    /// Reads the packed word.
    #[must_use]
    pub fn of(word: U256) -> Configuration {
        let bits = |from: usize, count: usize| -> u64 {
            let mask = (U256::from(1) << count) - U256::from(1);
            ((word >> from) & mask).saturating_to()
        };
        let bps = |from: usize| Bps(u32::try_from(bits(from, 16)).unwrap_or(u32::MAX));
        let flag = |bit: usize| bits(bit, 1) == 1;
        Configuration {
            decimals: u8::try_from(bits(48, 8)).unwrap_or(u8::MAX),
            switches: Switches { is_active: flag(56), is_frozen: flag(57), is_paused: flag(60) },
            reserve_factor: bps(64),
            supply_cap: bits(116, 36),
            liquidation_threshold: bps(16),
            emode: u8::try_from(bits(168, 8)).unwrap_or(u8::MAX),
            has_virtual_balance: flag(252),
        }
    }

    /// The most that may be supplied, in raw units; `None` without a cap.
    pub(crate) fn cap(&self) -> Option<U256> {
        let unit = U256::from(10).checked_pow(U256::from(self.decimals))?;
        (self.supply_cap > 0).then(|| U256::from(self.supply_cap).saturating_mul(unit))
    }
}

/// What the vault's market contract has in the reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stake {
    /// Scaled balance that the vault put there.
    pub counted: Shares,
    /// Scaled balance of the contract, with what others sent it.
    pub owned: Shares,
}

/// The state of a reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// Which line its pool is of.
    pub line: Line,
    /// What it is set to.
    pub configuration: Configuration,
    /// Its borrow curve.
    pub curve: KinkedCurve,
    /// The supply index as of `updated`.
    pub supply_index: Ray,
    /// The borrow index as of `updated`.
    pub borrow_index: Ray,
    /// The supply rate, yearly.
    pub supply_rate: Ray,
    /// The borrow rate, yearly.
    pub borrow_rate: Ray,
    /// When the indices were last written, Unix seconds.
    pub updated: u64,
    /// Scaled supply that the treasury will get.
    pub accrued_to_treasury: U256,
    /// Supply that bridges minted without backing.
    pub unbacked: U256,
    /// aTokens over the index.
    pub scaled_supply: U256,
    /// Debt over the index.
    pub scaled_debt: U256,
    /// The asset that lies with the aToken.
    pub cash: Amount,
    /// What of it the pool has counted in, from v3.1 on.
    pub virtual_balance: Option<Amount>,
    /// Ours.
    pub stake: Stake,
    /// When it was read, Unix seconds.
    pub read: u64,
}

/// The market at a moment, in the terms of the trait.
pub(crate) struct Snapshot {
    pub(crate) supplied: Amount,
    pub(crate) borrowed: Amount,
    pub(crate) exit: Amount,
    pub(crate) held: Held,
}

impl Reserve {
    /// The reserve as the contract would find it at `timestamp`: indices and the treasury's share moved on,
    /// rates untouched.
    ///
    /// # Errors
    /// [`RateError`] where the contract would revert.
    ///
    /// # Source
    /// `ReserveLogic.updateState`: `_updateIndexes`, then `_accrueToTreasury`.
    pub fn accrued(&self, timestamp: u64) -> Result<Reserve, RateError> {
        let seconds = timestamp.saturating_sub(self.updated);
        let mut next = *self;
        if seconds == 0 {
            return Ok(next);
        }
        if !self.supply_rate.0.is_zero() {
            let grown = aave_v3::linear_interest(self.supply_rate, seconds)?;
            next.supply_index = Ray(narrow(ray_mul(grown.0, self.supply_index.0)?)?);
        }
        if !self.scaled_debt.is_zero() {
            let grown = aave_v3::compounded_interest_v3_0(self.borrow_rate, seconds)?;
            next.borrow_index = Ray(narrow(ray_mul(grown.0, self.borrow_index.0)?)?);
        }
        let before = ray_mul(self.scaled_debt, self.borrow_index.0)?;
        let interest = ray_mul(self.scaled_debt, next.borrow_index.0)?.saturating_sub(before);
        let kept = percent_mul(interest, self.configuration.reserve_factor)?;
        if !kept.is_zero() {
            let scaled = narrow(ray_div(kept, next.supply_index.0)?)?;
            next.accrued_to_treasury = narrow(next.accrued_to_treasury.saturating_add(scaled))?;
        }
        next.updated = timestamp;
        Ok(next)
    }

    /// The debt at the index as written.
    pub(crate) fn debt(&self) -> Result<Amount, RateError> {
        ray_mul(self.scaled_debt, self.borrow_index.0).map(Amount)
    }

    /// What the pool lends from and sets its rates by.
    pub(crate) fn available(&self) -> Amount {
        self.virtual_balance.unwrap_or(self.cash)
    }

    /// What can be paid out: what the pool has counted in, and not more than is there.
    pub(crate) fn payable(&self) -> Amount {
        self.available().min(self.cash)
    }

    /// Adds to what lies there, or takes from it what is known to be there.
    fn move_cash(&mut self, moved: impl Fn(Amount) -> Option<Amount>) -> Result<(), PredictError> {
        let overflow = || refused(RateError::Overflow { step: "virtualUnderlyingBalance" });
        self.cash = moved(self.cash).ok_or_else(overflow)?;
        if let Some(balance) = self.virtual_balance {
            let next = moved(balance).ok_or_else(overflow)?;
            self.virtual_balance = Some(Amount(narrow(next.0).map_err(refused)?));
        }
        Ok(())
    }

    /// Sets the rates for what is there.
    ///
    /// # Source
    /// `ReserveLogic.updateInterestRates` (v3.0), `updateInterestRatesAndVirtualBalance` (v3.1, v3.2).
    fn reprice(&mut self) -> Result<(), RateError> {
        let balances = Balances {
            available: self.available(),
            debt: self.debt()?,
            unbacked: Amount(self.unbacked),
        };
        let factor = self.configuration.reserve_factor;
        let Rates { borrow, supply } = self.line.rates(&self.curve, balances, factor)?;
        (self.borrow_rate, self.supply_rate) = (borrow, supply);
        Ok(())
    }

    /// What may still be supplied, indices being those of now; `None` without a cap.
    ///
    /// # Source
    /// `ValidationLogic.validateSupply`.
    pub(crate) fn room(&self) -> Result<Option<Amount>, RateError> {
        let Some(cap) = self.configuration.cap() else { return Ok(None) };
        let scaled = self.scaled_supply.saturating_add(self.accrued_to_treasury);
        let counted = ray_mul(scaled, self.supply_index.0)?;
        Ok(Some(Amount(cap.saturating_sub(counted))))
    }

    /// Everything supplied, at the index as written.
    pub(crate) fn supplied(&self) -> Result<Amount, RateError> {
        ray_mul(self.scaled_supply, self.supply_index.0).map(Amount)
    }

    /// Whether anybody can enter.
    pub(crate) fn lets_in(&self) -> bool {
        let Switches { is_active, is_frozen, is_paused } = self.configuration.switches;
        is_active && !is_frozen && !is_paused
    }

    /// Whether a supplier can leave.
    pub(crate) fn lets_out(&self) -> bool {
        let Switches { is_active, is_paused, .. } = self.configuration.switches;
        is_active && !is_paused
    }

    /// The market in the terms of the trait, indices being those of now.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, RateError> {
        let supplied = self.supplied()?;
        let free = if self.lets_out() { self.payable() } else { Amount::ZERO };
        let shares = self.stake.counted;
        let worth = shares.worth_down(self.supply_index);
        let worth = worth.ok_or(RateError::Overflow { step: "totalAssets" })?;
        Ok(Snapshot {
            supplied,
            borrowed: self.debt()?,
            exit: free.min(supplied),
            held: Held { shares, worth, available: worth.min(free) },
        })
    }

    /// Supplies `amount` for the market contract; the indices are those of now.
    ///
    /// # Source
    /// `SupplyLogic.executeSupply`, `ScaledBalanceTokenBase._mintScaled`.
    pub(crate) fn supply(&mut self, amount: Amount) -> Result<(), PredictError> {
        let room = match self.room().map_err(refused)? {
            _ if !self.lets_in() => Some(Amount::ZERO),
            room => room,
        };
        if let Some(room) = room.filter(|room| amount > *room) {
            return Err(PredictError::NoRoom { asked: amount, room });
        }
        self.move_cash(|cash| cash.checked_add(amount))?;
        self.reprice().map_err(refused)?;
        let minted = self.scaled(amount, "mint")?;
        self.scaled_supply = self.scaled_supply.saturating_add(minted);
        self.stake.counted = Shares(self.stake.counted.0.saturating_add(minted));
        self.stake.owned = Shares(self.stake.owned.0.saturating_add(minted));
        Ok(())
    }

    /// Withdraws `amount` of the market contract's; the indices are those of now.
    ///
    /// # Source
    /// `SupplyLogic.executeWithdraw`, `ScaledBalanceTokenBase._burnScaled`.
    pub(crate) fn withdraw(&mut self, amount: Amount) -> Result<(), PredictError> {
        let available = self.snapshot().map_err(refused)?.held.available;
        let short = PredictError::NotAvailable { asked: amount, available };
        let balance = ray_mul(self.stake.owned.0, self.supply_index.0).map_err(refused)?;
        if !self.lets_out() || amount.0 > balance || amount > self.payable() {
            return Err(short);
        }
        self.move_cash(|cash| Some(cash.saturating_sub(amount)))?;
        self.reprice().map_err(refused)?;
        let burned = self.scaled(amount, "burn")?;
        let (Some(owned), Some(counted), Some(supply)) = (
            self.stake.owned.0.checked_sub(burned),
            self.stake.counted.0.checked_sub(burned),
            self.scaled_supply.checked_sub(burned),
        ) else {
            return Err(short);
        };
        self.stake = Stake { counted: Shares(counted), owned: Shares(owned) };
        self.scaled_supply = supply;
        Ok(())
    }

    /// An amount over the index; the token refuses none.
    fn scaled(&self, amount: Amount, step: &str) -> Result<U256, PredictError> {
        let scaled = ray_div(amount.0, self.supply_index.0).map_err(refused)?;
        if scaled.is_zero() {
            let detail = format!("{step} of {} raw units is no share", amount.0);
            return Err(PredictError::Arithmetic { detail });
        }
        narrow(scaled).map_err(refused)
    }
}

impl Predict for Reserve {
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
            (false, true) => next.supply(amount)?,
            (false, false) => next.withdraw(amount)?,
        }
        let Snapshot { supplied, borrowed, exit, held } = next.snapshot().map_err(refused)?;
        let (share_price, supply_apr) = (next.supply_index, next.supply_rate);
        Ok(Predicted { share_price, supply_apr, supplied, borrowed, exit, held })
    }
}

/// What the contract keeps in 128 bits.
fn narrow(value: U256) -> Result<U256, RateError> {
    let fits = value <= U256::from(u128::MAX);
    fits.then_some(value).ok_or(RateError::Overflow { step: "toUint128" })
}

fn refused(error: RateError) -> PredictError {
    PredictError::Arithmetic { detail: error.to_string() }
}

#[cfg(test)]
#[path = "reserve_tests.rs"]
mod tests;
