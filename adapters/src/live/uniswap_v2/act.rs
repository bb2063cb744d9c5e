//! What `UniswapV2Market` would do: an entry with its swap, an exit with its sale; step by step as the contract and in its
//! order, on the pair as it was read.

use super::holding::Holding;
use super::math::{WAD, amount_out, burn_for, less, part_to_swap, sum};
use crate::live::pools::Movable;
use alloy::primitives::U256;
use plimsoll_core::lp::fixed::mul_div_up;
use plimsoll_core::lp::{Amounts, LpError};
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Predict, PredictError, Predicted};

/// Asset units that burning and selling may lose to rounding.
const ROUNDING: U256 = alloy::primitives::uint!(3_U256);

/// Why the contract would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The pair or its arithmetic refuses.
    #[error("{0}")]
    Lp(#[from] LpError),
    /// There is no fresh price.
    #[error("the oracle's price is not fresh")]
    Stale,
    /// A swap brings less than the oracle allows, or an exit less than was asked for.
    #[error("{found} comes, {least} is the least")]
    TooLittle {
        /// What comes.
        found: U256,
        /// The least.
        least: U256,
    },
}

impl Holding {
    /// Lets time pass until `timestamp`: nothing grows, but a price gets old.
    #[must_use]
    pub fn at(mut self, timestamp: u64) -> Holding {
        self.quotes = self.quotes.at(timestamp);
        self
    }

    /// Enters with `assets` that are in the contract already.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn enter(&mut self, assets: U256) -> Result<(), Refusal> {
        self.only_fresh()?;
        let (mine, others) = self.reserves();
        let sold = part_to_swap(assets, mine)?;
        let bought = amount_out(sold, mine, others)?;
        let least = self.less_slippage(sold)?;
        at_least(self.quotes.best(bought)?, least)?;
        self.swap((sold, U256::ZERO), (U256::ZERO, bought))?;
        self.pay_in((less(assets, sold)?, bought))?;
        let units = self.pair.mint()?.liquidity;
        self.shares = sum(self.shares, units)?;
        if self.setting.stakes {
            self.staked = sum(self.staked, units)?;
        }
        Ok(())
    }

    /// Pays `assets` out.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn leave(&mut self, assets: U256) -> Result<(), Refusal> {
        let wanted = assets.saturating_sub(self.held);
        if !wanted.is_zero() {
            self.only_fresh()?;
            let got = self.sell(wanted)?;
            at_least(got, wanted)?;
            self.held = sum(self.held, got)?;
        }
        self.held = self.held.saturating_sub(assets);
        Ok(())
    }

    fn only_fresh(&self) -> Result<(), Refusal> {
        if self.quotes.is_fresh { Ok(()) } else { Err(Refusal::Stale) }
    }

    /// Burns what pays `assets` with the other token sold; what it brings.
    fn sell(&mut self, assets: U256) -> Result<U256, Refusal> {
        let (mine, _) = self.reserves();
        let aim = sum(sum(assets, ROUNDING)?, self.grains()?)?;
        if aim >= mine {
            return Err(Refusal::TooLittle { found: mine, least: aim });
        }
        let part = burn_for(mul_div_up(aim, WAD, mine)?)?;
        let wanted = sum(mul_div_up(self.supply()?, part, WAD)?, U256::from(1))?;
        let units = self.shares.min(wanted);
        // The contract stakes and takes out of staking as it needs to.
        let free = self.shares.saturating_sub(self.staked);
        self.staked = self.staked.saturating_sub(units.saturating_sub(free));
        self.shares = less(self.shares, units)?;
        let (paid, _) = self.pair.burn(sum(units, self.stray)?)?;
        self.stray = U256::ZERO;
        let (back, sold) = self.sorted((paid.token0.0, paid.token1.0));
        let (mine, others) = self.reserves();
        let brought = amount_out(sold, others, mine)?;
        let least = self.less_slippage(self.quotes.worst(sold)?)?;
        at_least(brought, least)?;
        self.swap((U256::ZERO, sold), (brought, U256::ZERO))?;
        Ok(sum(back, brought)?)
    }

    fn pay_in(&mut self, paid: (U256, U256)) -> Result<(), LpError> {
        let (token0, token1) = self.sorted(paid);
        self.pair.pay_in(Amounts::of(token0, token1))
    }

    /// Pays asset and other token in and takes asset and other token out.
    fn swap(&mut self, paid: (U256, U256), out: (U256, U256)) -> Result<(), LpError> {
        self.pay_in(paid)?;
        let (token0, token1) = self.sorted(out);
        self.pair.swap(Amounts::of(token0, token1)).map(|_| ())
    }

    /// The market as it is here.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn predicted(&self) -> Result<Predicted, LpError> {
        Ok(Predicted {
            share_price: self.share_price()?,
            supply_apr: Ray(U256::ZERO),
            supplied: self.tvl()?,
            borrowed: Amount::ZERO,
            exit: self.exit()?,
            held: self.own()?,
        })
    }

    /// What the vault holds of it.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn own(&self) -> Result<Held, LpError> {
        let (worth, _) = self.value()?;
        Ok(Held { shares: Shares(self.shares), worth, available: self.liquidity()? })
    }
}

fn at_least(found: U256, least: U256) -> Result<(), Refusal> {
    if found < least { Err(Refusal::TooLittle { found, least }) } else { Ok(()) }
}

impl Movable for Holding {
    fn entered(mut self, assets: U256) -> Option<Holding> {
        self.enter(assets).ok()?;
        Some(self)
    }

    fn owning(mut self, parts: U256) -> Option<Holding> {
        self.shares = self.shares.max(self.supply().ok()?.checked_div(parts)?);
        self.held = U256::ZERO;
        Some(self)
    }

    fn left(mut self, assets: U256) -> Option<Holding> {
        self.leave(assets).ok()?;
        Some(self)
    }

    fn low(&self) -> Option<U256> {
        self.value().ok().map(|(low, _)| low.0)
    }
}

impl Predict for Holding {
    fn after(
        &self,
        is_entry: bool,
        amount: Amount,
        timestamp: u64,
    ) -> Result<Predicted, PredictError> {
        if timestamp < self.read {
            return Err(PredictError::Past { asked: timestamp, read: self.read });
        }
        let arithmetic = |detail: String| PredictError::Arithmetic { detail };
        let mut next = self.clone().at(timestamp);
        if !amount.is_zero() && is_entry {
            next.enter(amount.0).map_err(|refusal| arithmetic(refusal.to_string()))?;
        } else if !amount.is_zero() {
            let available = self.liquidity().unwrap_or_default();
            let refused = |_| PredictError::NotAvailable { asked: amount, available };
            next.leave(amount.0).map_err(refused)?;
        }
        next.predicted().map_err(|error| arithmetic(error.to_string()))
    }
}
