//! All that our money cannot change: demand, the inclination of other suppliers, events, gas and ether.
//!
//! Drawn for all days when a world is made, and shared by its clones.

use super::draws::{Draws, Purpose};
use super::events::{Calendar, Events, YEAR};
use super::structure::Structure;

/// Spread of the logarithm of demand and its memory in days, common to all markets.
const COMMON_DEMAND: (f64, f64) = (0.2, 45.0);
/// The same for each market alone.
const OWN_DEMAND: (f64, f64) = (0.25, 35.0);
/// Bursts of demand a year and market.
const BURSTS_A_YEAR: f64 = 4.0;
/// Spread of the logarithm of what others like to keep in a market, and its memory in days.
const INCLINATION: (f64, f64) = (0.35, 50.0);
/// Spread of the daily flows of others, as a fraction of what they have in.
const FLOW: f64 = 0.011;
/// How likely a day has a large flow, and how many times larger it is.
const LARGE_FLOW: (f64, f64) = (0.04, 6.0);
/// The part of a flow that comes back on the next day.
const FLOW_BACK: f64 = 0.25;
/// Usual gas price in gwei, spread of its logarithm, memory in days.
const GAS: (f64, f64, f64) = (2.0, 0.45, 8.0);
/// Spikes of gas a year.
const SPIKES_A_YEAR: f64 = 10.0;
/// Usual price of ether in USD, spread of its logarithm, memory in days.
const ETHER: (f64, f64, f64) = (3_000.0, 0.3, 120.0);

/// What one day brings to one market.
#[derive(Debug, Clone, Copy)]
pub(super) struct MarketDay {
    /// What borrowers want at the reference rate, USD.
    pub(super) demand: f64,
    /// What others like to keep in when the market pays the average, USD.
    pub(super) inclination: f64,
    /// What others bring or take for reasons of their own, as a fraction of what they have in.
    pub(super) flow: f64,
    /// Rare things.
    pub(super) events: Events,
}

/// Everything drawn for a world.
#[derive(Debug)]
pub(super) struct Outside {
    /// In order of (day, market).
    days: Vec<MarketDay>,
    markets: usize,
    gas_price_gwei: Vec<f64>,
    ether_usd: Vec<f64>,
}

impl Outside {
    /// Draws `days` days, the first `quiet` of them before day 0 of the world.
    pub(super) fn draw(seed: u64, structures: &[Structure], days: usize, quiet: u32) -> Outside {
        let mut draws = Draws::of_all(seed, Purpose::Demand);
        let common = draws.reverting(days, COMMON_DEMAND.0, COMMON_DEMAND.1);
        let mut paths: Vec<_> = structures
            .iter()
            .map(|structure| market_days(seed, structure, &common, quiet).into_iter())
            .collect();
        let mut all = Vec::with_capacity(days * paths.len());
        for _ in 0..days {
            all.extend(paths.iter_mut().filter_map(Iterator::next));
        }
        Outside {
            days: all,
            markets: structures.len(),
            gas_price_gwei: gas(seed, days + 1),
            ether_usd: ether(seed, days + 1),
        }
    }

    /// Returns what the day after `lived` days brings, market by market; nothing after the last.
    pub(super) fn day(&self, lived: usize) -> Option<&[MarketDay]> {
        let start = lived * self.markets;
        self.days.get(start..start + self.markets)
    }

    /// Returns the gas price after `lived` days.
    pub(super) fn gas_price_gwei(&self, lived: usize) -> f64 {
        self.gas_price_gwei.get(lived).copied().unwrap_or(GAS.0)
    }

    /// Returns the price of ether after `lived` days.
    pub(super) fn ether_usd(&self, lived: usize) -> f64 {
        self.ether_usd.get(lived).copied().unwrap_or(ETHER.0)
    }

    /// Returns the gas price and the price of ether of every day.
    pub(super) fn gas_and_ether(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.gas_price_gwei.iter().copied().zip(self.ether_usd.iter().copied())
    }
}

fn market_days(seed: u64, structure: &Structure, common: &[f64], quiet: u32) -> Vec<MarketDay> {
    let days = common.len();
    let calendar = Calendar { seed, market: structure.number, days, quiet };
    let demand = demand(seed, structure, common);
    let flows = flows(seed, structure, days);
    let events = calendar.draw(structure.size);
    demand
        .into_iter()
        .zip(inclination(seed, structure, days))
        .zip(flows.into_iter().zip(events))
        .map(|((demand, inclination), (flow, events))| MarketDay {
            demand: structure.demand * demand.exp(),
            inclination: structure.size * inclination.exp(),
            flow,
            events,
        })
        .collect()
}

/// The logarithm of demand over its usual level.
fn demand(seed: u64, structure: &Structure, common: &[f64]) -> Vec<f64> {
    let spread = OWN_DEMAND.0 * structure.restlessness.sqrt();
    let own = Draws::of_market(seed, Purpose::Demand, structure.number).reverting(
        common.len(),
        spread,
        OWN_DEMAND.1,
    );
    let mut draws = Draws::of_market(seed, Purpose::Bursts, structure.number);
    let (mut burst, mut kept) = (0.0, 0.0);
    let path = own.into_iter().zip(common).map(|(own, common)| {
        burst *= kept;
        if draws.happens(BURSTS_A_YEAR / YEAR) {
            burst += draws.between(0.1, 0.45);
            kept = (-1.0 / draws.between(4.0, 12.0)).exp();
        }
        own + structure.common_share * common + burst
    });
    path.collect()
}

/// The logarithm of others' inclination over its usual level.
fn inclination(seed: u64, structure: &Structure, days: usize) -> Vec<f64> {
    let spread = INCLINATION.0 * structure.restlessness.sqrt();
    let mut draws = Draws::of_market(seed, Purpose::Inclination, structure.number);
    draws.reverting(days, spread, INCLINATION.1)
}

/// The daily flows of others, as fractions of what they have in.
fn flows(seed: u64, structure: &Structure, days: usize) -> Vec<f64> {
    let mut draws = Draws::of_market(seed, Purpose::Flows, structure.number);
    let mut before = 0.0;
    let path = (0..days).map(|_| {
        let times = if draws.happens(LARGE_FLOW.0) { LARGE_FLOW.1 } else { 1.0 };
        let fresh = FLOW * structure.restlessness * times * draws.normal();
        let flow = fresh - FLOW_BACK * before;
        before = fresh;
        flow.clamp(-0.5, 0.5)
    });
    path.collect()
}

fn gas(seed: u64, days: usize) -> Vec<f64> {
    let usual = Draws::of_all(seed, Purpose::Gas).reverting(days, GAS.1, GAS.2);
    let mut draws = Draws::of_all(seed, Purpose::Spikes);
    let mut spike = 0.0;
    let path = usual.into_iter().map(|log| {
        spike *= 0.5;
        if draws.happens(SPIKES_A_YEAR / YEAR) {
            spike += draws.between(1.0, 3.0);
        }
        GAS.0 * (log + spike).exp()
    });
    path.collect()
}

fn ether(seed: u64, days: usize) -> Vec<f64> {
    let path = Draws::of_all(seed, Purpose::Ether).reverting(days, ETHER.1, ETHER.2);
    path.into_iter().map(|log| ETHER.0 * log.exp()).collect()
}
