//! How much of its line a vault uses, block by block.

use plimsoll_core::asset::issuer;
use plimsoll_core::preference::Limit;
use plimsoll_core::{MarketId, RiskPreference};
use plimsoll_execute::live::{DeskSettings, Tick};
use plimsoll_execute::protocol::Reading;
use plimsoll_frame::Scores;
use serde::Serialize;
use std::collections::BTreeMap;

/// The most that a vault used of a limit; of what can leave, the least.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct LimitUse {
    /// What the line allows.
    pub(crate) allowed: f64,
    /// What was used.
    pub(crate) used: f64,
    /// The block of it.
    pub(crate) block: u64,
    /// Blocks at which more was used than the line allows.
    pub(crate) over: u64,
    /// The most of them one after the other.
    pub(crate) longest: u64,
    /// Those one after the other up to the last block.
    #[serde(skip)]
    lasting: u64,
}

/// What rounding may take beyond a limit, as a share of everything.
const ROUNDING: f64 = 1e-6;

/// What is held, as shares of everything, and what is known of it.
struct Weights<'a> {
    of: BTreeMap<MarketId, f64>,
    idle: f64,
    readings: BTreeMap<&'a MarketId, &'a Reading>,
}

impl Weights<'_> {
    /// The largest sum of what `group` puts together.
    fn largest<'g>(&'g self, group: impl Fn(&'g MarketId) -> Option<String>) -> f64 {
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for (market, weight) in &self.of {
            if let Some(name) = group(market) {
                *sums.entry(name).or_default() += weight;
            }
        }
        sums.into_values().fold(0.0, f64::max)
    }

    fn foreign(&self) -> f64 {
        let is_foreign = |market: &MarketId| {
            let pool = self.readings.get(market).and_then(|reading| reading.terms.pool);
            pool.is_some_and(|pool| pool.is_foreign)
        };
        self.of
            .iter()
            .filter(|(market, _)| is_foreign(market))
            .map(|(_, weight)| weight)
            .sum::<f64>()
            + 0.0
    }

    fn deepest(&self) -> f64 {
        let depths =
            self.of.keys().filter_map(|market| self.readings.get(market)?.terms.wrap_depth);
        depths.max().map_or(0.0, f64::from)
    }

    /// What could leave within a day of a run, `first` of everything supplied leaving before us.
    fn leaving(&self, first: f64, gross: f64) -> f64 {
        let free = self.of.iter().filter_map(|(market, weight)| {
            let reading = self.readings.get(market)?;
            let whole = |amount: plimsoll_core::Amount| amount.to_f64(reading.decimals);
            let left = (whole(reading.exit) - first * whole(reading.supplied)).max(0.0);
            let left = if reading.beyond.delay_days <= 1.0 { left } else { 0.0 };
            Some(weight.min(left / gross))
        });
        self.idle + free.sum::<f64>()
    }
}

/// What a vault holds, as shares of everything.
pub(crate) fn shares(tick: &Tick, desk: &DeskSettings) -> BTreeMap<MarketId, f64> {
    let vault = &tick.vault;
    let gross = vault.gross.to_f64(vault.decimals);
    let held = desk.places.iter().filter_map(|(market, contract)| {
        let worth = vault.place(*contract)?.worth.filter(|worth| !worth.is_zero())?;
        Some((market.clone(), worth.to_f64(vault.decimals) / gross))
    });
    held.collect()
}

/// Raises what is known of the use of each limit by what is held at a block.
pub(crate) fn note(
    uses: &mut BTreeMap<&'static str, LimitUse>,
    (tick, desk): (&Tick, &DeskSettings),
    scores: &Scores,
) {
    let vault = &tick.vault;
    let gross = vault.gross.to_f64(vault.decimals);
    let of = shares(tick, desk);
    if of.is_empty() || gross <= 0.0 {
        uses.values_mut().for_each(|known| known.lasting = 0);
        return;
    }
    let all = tick.reads.iter().flatten().flat_map(|read| &read.readings);
    let readings: BTreeMap<&MarketId, &Reading> =
        all.map(|reading| (&reading.market, reading)).collect();
    let own = readings.values().find_map(|reading| issuer(&reading.symbol));
    let idle = vault.idle.to_f64(vault.decimals) / gross;
    let weights = Weights { of, idle, readings };
    let issued = weights.largest(|market| {
        let issuer = weights.readings.get(market)?.terms.issuer.clone();
        issuer.filter(|name| own != Some(name.as_str()))
    });
    let protocol = weights.largest(|market| Some(market.protocol().to_owned()));
    let RiskPreference { wrap_depth, .. } = desk.preference;
    let line = &desk.preference;
    let measured = [
        (Limit::Cvar95_30d, scores.scenarios.cvar95_30d(&weights.of), line.cvar95_30d.value()),
        (Limit::Es999_1y, scores.scenarios.es999_1y(&weights.of), line.es999_1y.value()),
        (Limit::PerProtocol, Some(protocol), line.per_protocol.value()),
        (Limit::WorstProtocolLoss, Some(protocol), line.worst_protocol_loss.value()),
        (Limit::PerIssuer, Some(issued), line.per_issuer.value()),
        (Limit::ForeignExposure, Some(weights.foreign()), line.foreign_exposure.value()),
        (Limit::WrapDepth, Some(weights.deepest()), f64::from(wrap_depth)),
        (
            Limit::Exit24hRun,
            Some(weights.leaving(desk.leaving_first, gross)),
            line.exit_24h_run.value(),
        ),
    ];
    for (limit, used, allowed) in measured {
        let Some(used) = used else { continue };
        let block = tick.head.block.number;
        let more = |a: f64, b: f64| if limit == Limit::Exit24hRun { a < b } else { a > b };
        let is_over = more(used, allowed) && (used - allowed).abs() > ROUNDING;
        let first = LimitUse { allowed, used, block, over: 0, longest: 0, lasting: 0 };
        let known = uses.entry(limit.key()).or_insert(first);
        if more(used, known.used) {
            (known.used, known.block) = (used, block);
        }
        known.lasting = if is_over { known.lasting.saturating_add(1) } else { 0 };
        known.over = known.over.saturating_add(u64::from(is_over));
        known.longest = known.longest.max(known.lasting);
    }
}
