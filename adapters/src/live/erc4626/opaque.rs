//! A vault that cannot be looked through: its index, and the rate at which it grew lately.
//!
//! What it would do with our money is its own affair, so its state after an action is an estimate: shares at
//! the index rounded down, the rate as it was.

use alloy::primitives::U256;
use plimsoll_core::rates::SECONDS_PER_YEAR;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::protocol::{Held, Predict, PredictError, Predicted};

/// The vault as its interface shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opaque {
    /// Asset per share, in ray of whole units.
    pub share_price: Ray,
    /// Yearly growth of the index over the last blocks, simple.
    pub rate: Ray,
    /// Everything in it.
    pub supplied: Amount,
    /// What is known to be able to leave: idle money, or more where the vault says so.
    pub exit: Amount,
    /// What can enter; `None` without a limit.
    pub entry: Option<Amount>,
    /// Raw shares whose worth, in raw units, is the index in ray.
    pub index_shares: U256,
    /// What we hold.
    pub held: Held,
    /// When it was read, Unix seconds.
    pub read: u64,
}

impl Opaque {
    fn price_at(&self, timestamp: u64) -> Option<Ray> {
        let seconds = U256::from(timestamp.saturating_sub(self.read));
        let grown = self.rate.0.checked_mul(seconds)? / U256::from(SECONDS_PER_YEAR);
        let gained = Amount(self.share_price.0).mul_div_down(Amount(grown), Amount(Ray::ONE.0))?;
        self.share_price.0.checked_add(gained.0).map(Ray)
    }

    fn worth(&self, shares: Shares, price: Ray) -> Option<Amount> {
        Amount(shares.0).mul_div_down(Amount(price.0), Amount(self.index_shares))
    }

    fn bought(&self, amount: Amount, price: Ray) -> Option<Shares> {
        let shares = amount.mul_div_down(Amount(self.index_shares), Amount(price.0))?;
        Some(Shares(shares.0))
    }

    fn moved(&self, is_entry: bool, amount: Amount, price: Ray) -> Option<Predicted> {
        let supplied = self.supplied.mul_div_down(Amount(price.0), Amount(self.share_price.0));
        let (mut supplied, mut exit, mut shares) =
            (supplied.unwrap_or(self.supplied), self.exit, self.held.shares);
        let moved = self.bought(amount, price)?;
        if is_entry {
            supplied = supplied.saturating_add(amount);
            shares = shares.checked_add(moved)?;
        } else {
            supplied = supplied.saturating_sub(amount);
            exit = exit.saturating_sub(amount);
            // One more, since what is sold is rounded against us.
            shares = shares.saturating_sub(moved).saturating_sub(Shares(U256::from(1)));
        }
        let worth = self.worth(shares, price)?;
        let held = Held { shares, worth, available: worth.min(exit) };
        let (share_price, supply_apr, borrowed) = (price, self.rate, Amount::ZERO);
        Some(Predicted { share_price, supply_apr, supplied, borrowed, exit, held })
    }
}

impl Predict for Opaque {
    fn after(
        &self,
        is_entry: bool,
        amount: Amount,
        timestamp: u64,
    ) -> Result<Predicted, PredictError> {
        if timestamp < self.read {
            return Err(PredictError::Past { asked: timestamp, read: self.read });
        }
        if let Some(room) = self.entry.filter(|room| is_entry && amount > *room) {
            return Err(PredictError::NoRoom { asked: amount, room });
        }
        let available = self.held.available;
        if !is_entry && amount > available {
            return Err(PredictError::NotAvailable { asked: amount, available });
        }
        let overflow = || PredictError::Arithmetic { detail: "the index overflows".to_owned() };
        let price = self.price_at(timestamp).ok_or_else(overflow)?;
        if !amount.is_zero() {
            return self.moved(is_entry, amount, price).ok_or_else(overflow);
        }
        let still = self.moved(true, Amount::ZERO, price).ok_or_else(overflow)?;
        Ok(Predicted { exit: self.exit, ..still })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ray(parts: u64) -> Ray {
        Ray(Ray::ONE.0.saturating_mul(U256::from(parts)) / U256::from(1_000))
    }

    /// A vault of a six-decimal asset with eighteen-decimal shares, at 1.1 and 5 % a year.
    fn vault() -> Opaque {
        let shares = Shares(U256::from(10).pow(U256::from(20)));
        let hundred_ten = Amount(U256::from(110_000_000));
        Opaque {
            share_price: ray(1_100),
            rate: ray(50),
            supplied: Amount(U256::from(1_000_000_000_000u64)),
            exit: hundred_ten,
            entry: Some(Amount(U256::from(1_000_000))),
            index_shares: U256::from(10).pow(U256::from(18 + 27 - 6)),
            held: Held { shares, worth: hundred_ten, available: hundred_ten },
            read: 0,
        }
    }

    #[test]
    fn the_index_goes_on_as_it_did() {
        let later = vault().after(true, Amount::ZERO, u64::from(SECONDS_PER_YEAR)).unwrap();
        assert_eq!(later.share_price, ray(1_155));
        assert_eq!(later.held.worth, Amount(U256::from(115_500_000)));
        assert_eq!(later.supplied, Amount(U256::from(1_050_000_000_000u64)));
    }

    #[test]
    fn what_the_vault_would_refuse_is_refused() {
        let much = Amount(U256::from(200_000_000));
        let room = vault().entry.unwrap();
        let refused = vault().after(true, much, 0).unwrap_err();
        assert_eq!(refused, PredictError::NoRoom { asked: much, room });
        let available = vault().held.available;
        let refused = vault().after(false, much, 0).unwrap_err();
        assert_eq!(refused, PredictError::NotAvailable { asked: much, available });
        let all = vault().after(false, available, 0).unwrap();
        assert!(all.held.worth.is_zero() && all.exit.is_zero());
    }
}
