//! Staked ETH as `contracts/src/markets/StakedEthMarket.sol` values it, to the unit.

use alloy::primitives::{U256, uint};
use plimsoll_core::lp::LpError;
use plimsoll_core::lp::fixed::{mul_div_down, mul_div_up};
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Predict, PredictError, Predicted};

use crate::live::uniswap_v3::holding::{PROBE, Quote};

/// One, in wei.
pub const WAD: U256 = uint!(1_000_000_000_000_000_000_U256);
/// Basis points in one.
pub(super) const BPS: U256 = uint!(10_000_U256);
/// Least wstETH that is sold.
const LEAST_SOLD: U256 = uint!(10_000_000_000_U256);
/// How often the contract tries a smaller sale.
pub(super) const TRIES: u32 = 6;

/// A request in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// stETH that was asked for.
    pub asked: U256,
    /// Its shares.
    pub shares: U256,
    /// The vault's part of it, in wad.
    pub part: U256,
    /// What it pays, once it is finalized.
    pub claimable: Option<U256>,
}

/// The protocol's totals and what a market contract holds.
///
/// Since its third version Lido counts apart what its vaults minted shares against: a share is worth the rest of the ETH over
/// the rest of the shares, and so are theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staked {
    /// ETH that Lido itself staked.
    pub pooled: U256,
    /// Shares of it.
    pub all_shares: U256,
    /// Shares that are backed by others' ETH.
    pub external_shares: U256,
    /// What can be staked now; `None` without a limit.
    pub room: Option<U256>,
    /// The oracle's word on stETH.
    pub quote: Quote,
    /// wstETH of the vault.
    pub units: U256,
    /// Units of the asset kept in the contract.
    pub held: U256,
    /// Requests in the queue.
    pub requests: Vec<Request>,
    /// Sales of parts of what the vault has: so much wstETH would bring so much.
    pub sales: Vec<(U256, U256)>,
    /// Sales of amounts that are the same at every block.
    pub ladder: Vec<(U256, U256)>,
    /// What a sale may lose against the worst price, and what comes off a price that is not fresh; basis points.
    pub bounds: (U256, U256),
    /// When it was read, Unix seconds.
    pub read: u64,
}

impl Staked {
    /// What wstETH is redeemed for.
    ///
    /// # Errors
    /// [`LpError`] where nothing is staked.
    pub fn redeemed(&self, units: U256) -> Result<U256, LpError> {
        mul_div_down(units, self.pooled, self.all_shares)
    }

    /// All ETH behind stETH.
    ///
    /// # Errors
    /// [`LpError`] where nothing is staked.
    pub fn total(&self) -> Result<Amount, LpError> {
        Ok(Amount(self.pooled.saturating_add(self.redeemed(self.external_shares)?)))
    }

    /// What wstETH is worth: the lower and the higher of the market's price and the protocol's rate.
    ///
    /// # Errors
    /// [`LpError`] as the contract's arithmetic reverts.
    pub fn prices(&self, units: U256) -> Result<(U256, U256), LpError> {
        let rate = self.redeemed(units)?;
        let low = mul_div_down(rate, self.quote.worst, PROBE)?;
        let high = mul_div_up(rate, self.quote.best, PROBE)?;
        Ok((low.min(rate), high.max(rate)))
    }

    /// What the vault's part of the queue is worth, and what of it can be claimed.
    ///
    /// # Errors
    /// [`LpError`] as the contract's arithmetic reverts.
    pub fn queued(&self) -> Result<(U256, U256), LpError> {
        let (mut all, mut ready) = (U256::ZERO, U256::ZERO);
        for request in &self.requests {
            let worth = match request.claimable {
                Some(paid) => paid,
                None => request.asked.min(self.redeemed(request.shares)?),
            };
            let ours = mul_div_down(worth, request.part, WAD)?;
            all = all.saturating_add(ours);
            if request.claimable.is_some() {
                ready = ready.saturating_add(ours);
            }
        }
        Ok((all, ready))
    }

    /// What the contract's `value` says: at worst and at best.
    ///
    /// # Errors
    /// [`LpError`] as the contract's arithmetic reverts.
    pub fn value(&self) -> Result<(Amount, Amount), LpError> {
        let (mut low, high) = self.prices(self.units)?;
        if !self.quote.is_fresh {
            low = mul_div_down(low, BPS.saturating_sub(self.bounds.1), BPS)?;
        }
        let certain = self.held.saturating_add(self.queued()?.0);
        Ok((Amount(low.saturating_add(certain)), Amount(high.saturating_add(certain))))
    }

    /// The least that a sale of wstETH may bring.
    ///
    /// # Errors
    /// [`LpError`] as the contract's arithmetic reverts.
    pub fn least_for(&self, sold: U256) -> Result<U256, LpError> {
        let (low, _) = self.prices(WAD)?;
        mul_div_down(sold, mul_div_down(low, BPS.saturating_sub(self.bounds.0), BPS)?, WAD)
    }

    /// The amounts of wstETH whose sale the contract asks about.
    pub(super) fn tried(units: U256) -> impl Iterator<Item = U256> {
        let halves =
            (0..TRIES).map(move |times| units >> usize::try_from(times).unwrap_or_default());
        halves.take_while(|sold| *sold >= LEAST_SOLD)
    }

    fn brings(&self, sold: U256) -> Option<U256> {
        let mut all = self.sales.iter().chain(&self.ladder);
        all.find(|(asked, _)| *asked == sold).map(|(_, brings)| *brings)
    }

    /// What the contract's `liquidity` says; `None` where a sale was not asked about.
    ///
    /// # Errors
    /// [`LpError`] as the contract's arithmetic reverts.
    pub fn liquidity(&self) -> Result<Option<Amount>, LpError> {
        if !self.quote.is_fresh {
            return Ok(Some(Amount::ZERO));
        }
        for (place, sold) in Staked::tried(self.units).enumerate() {
            let Some(brings) = self.brings(sold) else { return Ok(None) };
            let bound = self.least_for(sold)?;
            if brings >= bound {
                let out = if place == 0 { brings } else { bound };
                return Ok(Some(Amount(self.held.saturating_add(out))));
            }
        }
        Ok(Some(Amount(self.held)))
    }

    /// The most wstETH of some sales that is within the bound.
    fn sellable<'a>(&self, sales: impl Iterator<Item = &'a (U256, U256)>) -> Result<U256, LpError> {
        let mut most = U256::ZERO;
        for (sold, brings) in sales {
            if *brings >= self.least_for(*sold)? {
                most = most.max(*sold);
            }
        }
        Ok(most)
    }

    /// What anyone can get at least by selling within the bound: the largest of the amounts that are asked about always.
    ///
    /// # Errors
    /// [`LpError`] as the contract's arithmetic reverts.
    pub fn exit(&self) -> Result<Amount, LpError> {
        self.least_for(self.sellable(self.ladder.iter())?).map(Amount)
    }

    /// What the contract's `liquidity` says at least where the sale of all is not known: a smaller sale has no worse a price.
    fn liquidity_at_least(&self) -> Result<Amount, LpError> {
        if !self.quote.is_fresh {
            return Ok(Amount::ZERO);
        }
        let most = self.sellable(self.sales.iter().chain(&self.ladder))?;
        let sold = Staked::tried(self.units).find(|sold| *sold <= most).unwrap_or_default();
        Ok(Amount(self.held.saturating_add(self.least_for(sold)?)))
    }

    fn moved(mut self, is_entry: bool, amount: U256) -> Result<Predicted, PredictError> {
        let failed = |error: LpError| PredictError::Arithmetic { detail: error.to_string() };
        if is_entry && !amount.is_zero() {
            let units = mul_div_down(amount, self.all_shares, self.pooled).map_err(failed)?;
            self.pooled = self.pooled.saturating_add(amount);
            self.all_shares = self.all_shares.saturating_add(units);
            self.units = self.units.saturating_add(units);
            self.room = self.room.map(|room| room.saturating_sub(amount));
        } else {
            self.held = self.held.saturating_sub(amount);
        }
        let (worth, _) = self.value().map_err(failed)?;
        // After an entry the sale of all is not known.
        let known = self.liquidity().map_err(failed)?;
        let available = known.map_or_else(|| self.liquidity_at_least().map_err(failed), Ok)?;
        let share_price = self.redeemed(Ray::ONE.0).map_err(failed)?;
        Ok(Predicted {
            share_price: Ray(share_price),
            supply_apr: Ray(U256::ZERO),
            supplied: self.total().map_err(failed)?,
            borrowed: Amount::ZERO,
            exit: self.exit().map_err(failed)?,
            held: Held { shares: Shares(self.units), worth, available },
        })
    }
}

impl Predict for Staked {
    /// Entries stake, and are exact but for what can leave afterwards, which is a lower bound. Exits are exact as far as money is
    /// held; a sale in a pool that is not read is not predicted. A limit on staking may have grown meanwhile: its room is a
    /// lower bound too.
    fn after(
        &self,
        is_entry: bool,
        amount: Amount,
        timestamp: u64,
    ) -> Result<Predicted, PredictError> {
        if timestamp < self.read {
            return Err(PredictError::Past { asked: timestamp, read: self.read });
        }
        let mut next = self.clone();
        next.quote.is_fresh &= next.quote.until.is_none_or(|until| timestamp <= until);
        let refused = |detail: &str| PredictError::Arithmetic { detail: detail.to_owned() };
        if let Some(room) = self.room.filter(|room| is_entry && amount.0 > *room) {
            return Err(PredictError::NoRoom { asked: amount, room: Amount(room) });
        }
        let needs_price = is_entry || amount.0 > next.held;
        if !amount.is_zero() && needs_price && !next.quote.is_fresh {
            return Err(refused("the oracle's price is not fresh"));
        }
        if !is_entry && amount.0 > next.held {
            let available = next.liquidity().ok().flatten().unwrap_or_default();
            if amount > available {
                return Err(PredictError::NotAvailable { asked: amount, available });
            }
            return Err(refused("a sale in a pool that is not read is not predicted"));
        }
        next.moved(is_entry, amount.0)
    }
}

#[cfg(test)]
#[path = "holding_tests.rs"]
mod tests;
