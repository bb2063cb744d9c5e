//! What `BalancerStableMarket` would do: a join and an exit in the asset alone, step by step as the contract and the pool, with
//! the rates that the pool would read anew by then.

use super::holding::Holding;
use super::math::{WAD, less, sum};
use crate::live::pools::Movable;
use alloy::primitives::U256;
use plimsoll_core::lp::LpError;
use plimsoll_core::lp::fixed::mul_div_down;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Predict, PredictError, Predicted};

/// Why the contract would refuse, or what it would do is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The pool or its arithmetic refuses.
    #[error("{0}")]
    Lp(#[from] LpError),
    /// There is no fresh price.
    #[error("an oracle's price is not fresh")]
    Stale,
    /// The pool lets nobody in, or out.
    #[error("the pool is paused")]
    Paused,
    /// The pool gives less, or takes more, than the oracle allows.
    #[error("{found} is what the pool makes of it, {bound} the bound")]
    OutOfBounds {
        /// What comes or goes.
        found: U256,
        /// The least, or the most.
        bound: U256,
    },
}

impl Holding {
    /// Lets time pass until `timestamp`: nothing grows, but prices get old.
    #[must_use]
    pub fn at(mut self, timestamp: u64) -> Holding {
        self.is_fresh &= self.until.is_none_or(|until| timestamp <= until);
        self.now = timestamp;
        self
    }

    /// Enters with `assets` that are in the contract already.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn enter(&mut self, assets: U256) -> Result<(), Refusal> {
        self.only_fresh()?;
        if self.doors.is_paused || self.doors.is_frozen {
            return Err(Refusal::Paused);
        }
        let (_, high) = self.prices()?;
        let least = mul_div_down(self.less_slippage(assets)?, WAD, high)?;
        let least = mul_div_down(least, WAD, self.rate()?)?;
        self.refresh();
        let (own, paid) = self.pool.join_exact_tokens(&self.only(assets), self.now)?;
        if own.0 < least {
            return Err(Refusal::OutOfBounds { found: own.0, bound: least });
        }
        // The contract wants all of it taken.
        match paid.get(self.setting.place) {
            Some(paid) if paid.0 == assets => {}
            other => {
                let found = other.copied().unwrap_or_default().0;
                return Err(Refusal::OutOfBounds { found, bound: assets });
            }
        }
        self.shares = sum(self.shares, own.0)?;
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
            if self.doors.is_paused {
                return Err(Refusal::Paused);
            }
            let most = self.shares.min(self.most_shares(wanted)?);
            self.refresh();
            let (own, paid) = self.pool.exit_exact_tokens(&self.only(wanted), self.now)?;
            if own.0 > most {
                return Err(Refusal::OutOfBounds { found: own.0, bound: most });
            }
            let got = paid.get(self.setting.place).copied().unwrap_or_default().0;
            if got < wanted {
                return Err(Refusal::OutOfBounds { found: got, bound: wanted });
            }
            self.shares = less(self.shares, own.0)?;
            self.held = sum(self.held, got)?;
        }
        self.held = self.held.saturating_sub(assets);
        Ok(())
    }

    fn only_fresh(&self) -> Result<(), Refusal> {
        if self.is_fresh { Ok(()) } else { Err(Refusal::Stale) }
    }

    /// `assets` in the place of the asset.
    fn only(&self, assets: U256) -> Vec<Amount> {
        let place = self.setting.place;
        (0..self.coins.len())
            .map(|each| if each == place { Amount(assets) } else { Amount::ZERO })
            .collect()
    }

    /// Takes over rates that the pool has kept for long enough, as every join and exit does first.
    fn refresh(&mut self) {
        for (token, coin) in self.pool.tokens.iter_mut().zip(&mut self.coins) {
            if let Some(source) = &mut coin.source
                && self.now > source.expires
            {
                token.rate = source.rate;
                source.expires = self.now.saturating_add(source.cached_for);
            }
        }
    }

    /// What the vault holds of it.
    ///
    /// # Errors
    /// [`LpError`] where the contract's arithmetic reverts.
    pub fn own(&self) -> Result<Held, LpError> {
        let (worth, _) = self.value()?;
        Ok(Held { shares: Shares(self.shares), worth, available: self.liquidity()? })
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
            exit: self.exit(),
            held: self.own()?,
        })
    }
}

impl Movable for Holding {
    fn entered(mut self, assets: U256) -> Option<Holding> {
        self.enter(assets).ok()?;
        Some(self)
    }

    fn owning(mut self, parts: U256) -> Option<Holding> {
        self.shares = self.shares.max(self.pool.actual_supply(self.now).ok()?.checked_div(parts)?);
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
        if self.doors.is_moving && timestamp > self.read {
            let detail = "the amplification is on its way, and where to is not read";
            return Err(arithmetic(detail.to_owned()));
        }
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
