//! Exact numbers and times as strings: what JSON's numbers would round.

use plimsoll_core::{Amount, Ray, Shares, Time, Wad};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// An exact number as a decimal string: money in whole units of its asset, shares, share prices.
///
/// # Units
/// Whole units: one USDC is `1.000000`. All of the asset's decimals are written out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = r"^-?[0-9]+(\.[0-9]+)?$", example = "100000.000000")]
pub struct Decimal(String);

/// A string that is no decimal number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a decimal number like 12 or -12.345")]
pub struct NotDecimal {
    /// What was found.
    pub found: String,
}

impl Decimal {
    /// Returns `amount` in whole units of an asset with `decimals`; with none, the raw count (wei).
    #[must_use]
    pub fn of(amount: Amount, decimals: u8) -> Decimal {
        Decimal(pointed(&amount.0.to_string(), decimals))
    }

    /// Returns a count, such as one of wei.
    #[must_use]
    pub fn whole(count: u128) -> Decimal {
        Decimal(count.to_string())
    }

    /// Returns `shares` in whole shares of a token with `decimals`.
    #[must_use]
    pub fn shares(shares: Shares, decimals: u8) -> Decimal {
        Decimal(pointed(&shares.0.to_string(), decimals))
    }

    /// Returns `wad` with its 18 decimals.
    #[must_use]
    pub fn wad(wad: Wad) -> Decimal {
        Decimal(pointed(&wad.0.to_string(), plimsoll_core::units::WAD_DECIMALS))
    }

    /// Returns `ray` with its 27 decimals.
    #[must_use]
    pub fn ray(ray: Ray) -> Decimal {
        Decimal(pointed(&ray.0.to_string(), plimsoll_core::units::RAY_DECIMALS))
    }

    /// Returns `now` less `before`, with its sign: a profit or a loss.
    #[must_use]
    pub fn change(before: Amount, now: Amount, decimals: u8) -> Decimal {
        if now >= before {
            return Decimal::of(Amount(now.0.saturating_sub(before.0)), decimals);
        }
        Decimal(format!("-{}", Decimal::of(Amount(before.0.saturating_sub(now.0)), decimals)))
    }

    /// Returns a gain or, below zero, a loss of `raw` units of an asset with `decimals`.
    #[must_use]
    pub fn gain(raw: i128, decimals: u8) -> Decimal {
        let size = pointed(&raw.unsigned_abs().to_string(), decimals);
        Decimal(if raw < 0 { format!("-{size}") } else { size })
    }

    /// Returns the nearest `f64`: for metrics alone.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

/// Puts the decimal point into a whole number.
fn pointed(digits: &str, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    if decimals == 0 {
        return digits.to_owned();
    }
    let padded = format!("{digits:0>width$}", width = decimals.saturating_add(1));
    let (whole, part) = padded.split_at(padded.len().saturating_sub(decimals));
    format!("{whole}.{part}")
}

impl TryFrom<String> for Decimal {
    type Error = NotDecimal;

    fn try_from(text: String) -> Result<Decimal, NotDecimal> {
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(&text);
        let sound = match unsigned.split_once('.') {
            Some((whole, part)) => is_number(whole) && is_number(part),
            None => is_number(unsigned),
        };
        if sound { Ok(Decimal(text)) } else { Err(NotDecimal { found: text }) }
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> String {
        decimal.0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A moment in UTC, as RFC 3339 writes it, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:11Z")]
pub struct Moment(Time);

/// A string that is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a moment like 2026-01-31T12:00:11Z")]
pub struct NotMoment {
    /// What was found.
    pub found: String,
}

impl Moment {
    /// The moment as the engine counts it.
    #[must_use]
    pub fn time(self) -> Time {
        self.0
    }
}

impl From<Time> for Moment {
    fn from(time: Time) -> Moment {
        Moment(time)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> String {
        moment.0.to_string()
    }
}

impl TryFrom<String> for Moment {
    type Error = NotMoment;

    fn try_from(text: String) -> Result<Moment, NotMoment> {
        match chrono::DateTime::parse_from_rfc3339(&text) {
            Ok(at) => Ok(Moment(Time(at.timestamp_millis()))),
            Err(_) => Err(NotMoment { found: text }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;

    fn usdc(raw: u64) -> Amount {
        Amount(U256::from(raw))
    }

    #[test]
    fn money_is_written_exactly_with_all_decimals_of_its_asset() {
        assert_eq!(Decimal::of(usdc(1), 6).to_string(), "0.000001");
        assert_eq!(Decimal::of(usdc(0), 6).to_string(), "0.000000");
        assert_eq!(Decimal::of(usdc(100_000_000_001), 6).to_string(), "100000.000001");
        assert_eq!(Decimal::of(usdc(21_000), 0).to_string(), "21000");
        let most = Decimal::of(Amount(U256::MAX), 18).to_string();
        assert_eq!(most.replace('.', ""), U256::MAX.to_string(), "no digit is lost");
    }

    #[test]
    fn a_loss_has_a_sign_and_a_profit_has_none() {
        assert_eq!(Decimal::change(usdc(2_500_000), usdc(1_000_000), 6).to_string(), "-1.500000");
        assert_eq!(Decimal::change(usdc(1_000_000), usdc(2_500_000), 6).to_string(), "1.500000");
        assert_eq!(Decimal::change(usdc(7), usdc(7), 6).to_string(), "0.000000");
        assert_eq!(Decimal::gain(-1_500_000, 6).to_string(), "-1.500000");
        assert_eq!(Decimal::gain(-1, 6).to_string(), "-0.000001");
        assert_eq!(Decimal::gain(0, 6).to_string(), "0.000000");
        assert_eq!(Decimal::gain(i128::MIN, 0).to_string(), i128::MIN.to_string());
    }

    #[test]
    fn only_decimal_numbers_are_read_back() {
        for sound in ["0", "12", "-12.345", "0.000001"] {
            let read: Decimal = serde_json::from_value(sound.into()).unwrap();
            assert_eq!(read.to_string(), sound);
        }
        for broken in ["", "-", ".5", "5.", "1e6", "0x10", "NaN", "1.2.3", " 1"] {
            assert!(serde_json::from_value::<Decimal>(broken.into()).is_err(), "{broken}");
        }
    }
}
