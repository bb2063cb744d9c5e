//! Terms of a market: what its contract says and no row repeats, as of a time.

use plimsoll_core::{Curve, MarketId, MarketKind, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a market's contracts and a table of its parts say; unknown is `None`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Terms {
    /// The rate curve.
    pub curve: Option<Curve>,
    /// The protocol's share of the interest.
    pub reserve_factor: Option<f64>,
    /// Who can make the asset worthless.
    pub issuer: Option<String>,
    /// Wrappers between the vault and the asset.
    pub wrap_depth: Option<u8>,
    /// When the rewards that are paid now end.
    pub rewards_end: Option<Time>,
    /// Whether rewards are paid that we do not claim: they are shown, and nothing is expected of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rewards_unclaimed: bool,
    /// How it earns.
    #[serde(default, skip_serializing_if = "MarketKind::is_lending")]
    pub kind: MarketKind,
    /// What kind of pool it is, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolTerms>,
    /// What entering, leaving and collecting costs, where that is more than gas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving: Option<MovingTerms>,
}

/// A liquidity pool of the vault's asset and another token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PoolTerms {
    /// How liquidity lies in it.
    pub shape: PoolShape,
    /// Share of a trade that traders pay.
    pub fee: f64,
    /// Whether the other token's price is foreign to the vault: not held to the asset's by redemption or design.
    pub is_foreign: bool,
}

/// How liquidity lies in a pool.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolShape {
    /// In ranges that each provider chooses.
    Ranges {
        /// The least half width that the market contract takes, in the logarithm of the price.
        least: f64,
        /// The most.
        most: f64,
    },
    /// Along the whole constant product.
    ConstantProduct,
    /// Around par, by a stable invariant.
    Stable,
}

impl PoolShape {
    /// Returns the half widths that may be chosen, narrow to wide, each by the same factor wider; none where there is
    /// nothing to choose.
    #[must_use]
    pub fn widths(self) -> Vec<f64> {
        const STEPS: u32 = 48;
        let PoolShape::Ranges { least, most } = self else { return Vec::new() };
        if !(least > 0.0 && most >= least && most.is_finite()) {
            return Vec::new();
        }
        let ratio = (most / least).ln() / f64::from(STEPS);
        (0..=STEPS).map(|step| least * (ratio * f64::from(step)).exp()).collect()
    }
}

/// What moving in a market costs, as shares of what is moved.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct MovingTerms {
    /// Entering: by how much less what was bought counts than was paid, exchanges and the provision together.
    pub entry: f64,
    /// Leaving: exchanges that it takes.
    pub exit: f64,
    /// Selling rewards.
    pub reward_sale: f64,
    /// The part of `entry` that is not spent: positions count at the worst price of the oracle's band, and leaving at the
    /// price that is true on average brings the difference again.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub provision: f64,
}

impl MovingTerms {
    /// What entering is expected to spend.
    #[must_use]
    pub fn spent(&self) -> f64 {
        (self.entry - self.provision).max(0.0)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_nothing(part: &f64) -> bool {
    part.abs() <= 0.0
}

/// Every market's terms, each with the time from which they were known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TermsBook(BTreeMap<MarketId, Vec<(Time, Terms)>>);

impl TermsBook {
    /// Adds the terms of `market` known from `time` on; terms are given in the order of time.
    pub fn learn(&mut self, market: &MarketId, time: Time, terms: Terms) {
        let known = self.0.entry(market.clone()).or_default();
        if known.last().is_none_or(|(_, last)| *last != terms) {
            known.push((time, terms));
        }
    }

    /// Returns the terms of `market` known at `clock`.
    #[must_use]
    pub fn at(&self, market: &MarketId, clock: Time) -> Option<&Terms> {
        let known = self.0.get(market)?;
        let place = known.partition_point(|(time, _)| *time <= clock);
        known.get(place.checked_sub(1)?).map(|(_, terms)| terms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_those_known_at_the_clock() {
        let market: MarketId = "a:1:x".parse().unwrap();
        let issued = |name: &str| Terms { issuer: Some(name.to_owned()), ..Terms::default() };
        let mut book = TermsBook::default();
        book.learn(&market, Time(10), issued("circle"));
        book.learn(&market, Time(20), issued("tether"));
        let issuer = |clock| book.at(&market, Time(clock)).and_then(|terms| terms.issuer.clone());
        assert_eq!(issuer(9), None);
        assert_eq!(issuer(19).as_deref(), Some("circle"));
        assert_eq!(issuer(20).as_deref(), Some("tether"));
    }
}
