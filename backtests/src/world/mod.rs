//! Generated lending markets that answer to our deposits.
//!
//! A day, in this order; everybody acts on the rates of the morning:
//!
//! 1. Interest and rewards accrue; Morpho's curve adapts.
//! 2. Borrowers go a part of the way to `demand * (borrow rate / reference rate)^-elasticity`, and never
//!    take more than is there.
//! 3. Other suppliers compare what the market pays, rewards included, with the average of all markets,
//!    and go a part of the way to what they then like to keep here; they never take more than is liquid.
//!    In a run they queue instead. They come before us: who decides once a day is last at the door.
//! 4. Events: a loss, a change of the curve, the start or end of a pause and of a campaign.
//!
//! Demand, inclinations, flows and events are drawn for all days when the world is made, each market and
//! purpose from a stream of its own, so different rules in one world meet the same shocks. The draws are
//! the same everywhere; the last bits of `exp` and `powf` are those of the platform's library.
//!
//! It says which of two rules copes better with markets of this kind, not what either will earn.
//!
//! # Source
//! Calibrated to `aave_v3_reserves_daily` (2025-07-22 to 2026-02-28): the 36 reserves of USD stablecoins
//! that are active, borrowable and seen on at least 120 days, stale rows left out. Beside them the
//! Aave-like markets of 50 worlds of 220 days without us. Medians over markets:
//!
//! | | recorded | generated |
//! |---|---|---|
//! | mean supply APR, % (10 % to 90 % of the markets) | 3.05 (1.84 to 4.13) | 2.83 (1.27 to 4.94) |
//! | deviation of the supply APR, points | 1.18 | 0.94 |
//! | deviation of its daily changes, points (mean over markets) | 0.52 (1.30) | 0.54 (1.13) |
//! | its autocorrelation at 1 and 7 days | 0.86, 0.64 | 0.84, 0.62 |
//! | autocorrelation of its daily changes at 1 day | -0.21 | -0.41 |
//! | utilization, all days | 0.71 | 0.72 |
//! | deviation of utilization | 0.095 | 0.079 |
//! | its autocorrelation at 1 and 7 days | 0.95, 0.75 | 0.98, 0.81 |
//! | days above 92, 95 and 99 % utilization, % | 0.92, 0.27, 0.06 | 1.63, 0.18, 0.08 |
//! | correlation of two markets' rates, and of their daily changes | 0.19, 0.00 | 0.12, 0.00 |
//!
//! The correlations are means over pairs, recorded on Ethereum, generated over all markets. The daily flows
//! of others, the speeds and the spreads of demand were set by these figures. Sizes, elasticities, the
//! frequency and size of events, and supply caps are assumptions: no file records them.

mod draws;
mod events;
mod life;
mod market;
mod outside;
mod structure;

#[cfg(test)]
mod event_tests;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod tests;

pub use events::Campaign;
pub use market::WorldMarket;
pub use structure::PROTOCOL_PREFIX;

use outside::Outside;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// How many markets a world may have that draws their number.
pub const MARKETS: RangeInclusive<u32> = 6..=14;

/// Days that a world lives before its day 0, so that its start is like any other day.
const QUIET_DAYS: u32 = 120;
/// Gwei in an ether.
const GWEI_IN_ETHER: f64 = 1e9;
/// Above this a rate counts as this in the average that suppliers compare with: nobody takes a market at
/// full utilization for the usual.
const MOST_COMPARED_APR: f64 = 0.2;

/// What is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldSettings {
    /// Number of markets; drawn from [`MARKETS`] where it is not given.
    pub markets: Option<u32>,
    /// Number of days.
    pub days: u32,
    /// Seed; the same seed gives the same world.
    pub seed: u64,
}

/// Lending markets on one chain, all in USD stablecoins at a price of 1.
///
/// A clone is an independent future of the same fate: perfect foresight tries its plans on clones.
#[derive(Debug, Clone)]
pub struct World {
    day: u32,
    lived: usize,
    markets: Vec<WorldMarket>,
    outside: Arc<Outside>,
}

impl World {
    /// Returns a world on its day 0, without a deposit of ours.
    #[must_use]
    pub fn new(settings: &WorldSettings) -> World {
        let structures = structure::draw(settings.seed, settings.markets);
        let total = QUIET_DAYS.saturating_add(settings.days);
        let days = usize::try_from(total).unwrap_or(usize::MAX);
        let outside = Outside::draw(settings.seed, &structures, days, QUIET_DAYS);
        let markets = structures.into_iter().map(WorldMarket::new).collect();
        let mut world = World { day: 0, lived: 0, markets, outside: Arc::new(outside) };
        for _ in 0..QUIET_DAYS {
            world.step();
        }
        world.day = 0;
        world
    }

    /// Days lived since day 0.
    #[must_use]
    pub fn day(&self) -> u32 {
        self.day
    }

    /// Lives one day. After the last day of the settings time stands still.
    pub fn step(&mut self) {
        let Some(today) = self.outside.day(self.lived) else { return };
        let average_apr = average_apr(&self.markets);
        for (market, today) in self.markets.iter_mut().zip(today) {
            market.live(today, average_apr);
        }
        self.lived += 1;
        self.day += 1;
    }

    /// The markets, in order of their numbers.
    #[must_use]
    pub fn markets(&self) -> &[WorldMarket] {
        &self.markets
    }

    /// Puts `amount` of ours into a market and returns whether it was taken: all of it, or nothing where
    /// deposits are closed or the cap has no room for it.
    pub fn deposit(&mut self, market: usize, amount: f64) -> bool {
        self.markets.get_mut(market).is_some_and(|market| market.deposit(amount))
    }

    /// Takes out `amount` of ours, at most what is ours and what is liquid now, and returns what was paid.
    pub fn withdraw(&mut self, market: usize, amount: f64) -> f64 {
        self.markets.get_mut(market).map_or(0.0, |market| market.withdraw(amount))
    }

    /// The gas price, gwei.
    #[must_use]
    pub fn gas_price_gwei(&self) -> f64 {
        self.outside.gas_price_gwei(self.lived)
    }

    /// Returns what `units` of gas cost now, USD.
    #[must_use]
    pub fn gas_usd(&self, units: f64) -> f64 {
        units * self.gas_price_gwei() / GWEI_IN_ETHER * self.ether_usd()
    }

    /// The price of ether, USD.
    #[must_use]
    pub fn ether_usd(&self) -> f64 {
        self.outside.ether_usd(self.lived)
    }

    /// Every day's gas price (gwei) and price of ether (USD), lived or not, in order of the days since
    /// day 0: the first ones are before it.
    pub fn gas_and_ether(&self) -> impl Iterator<Item = (i64, f64, f64)> + '_ {
        let each = (-i64::from(QUIET_DAYS)..).zip(self.outside.gas_and_ether());
        each.map(|(day, (gas_price_gwei, ether_usd))| (day, gas_price_gwei, ether_usd))
    }
}

/// What the markets pay on average, rewards included, each counted once.
fn average_apr(markets: &[WorldMarket]) -> f64 {
    let (sum, count) = markets.iter().fold((0.0, 0.0), |(sum, count), market| {
        let apr = market.supply_apr() + market.reward_apr();
        (sum + apr.min(MOST_COMPARED_APR), count + 1.0)
    });
    if count > 0.0 { sum / count } else { 0.0 }
}
