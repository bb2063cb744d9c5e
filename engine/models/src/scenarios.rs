//! Joint scenarios: months drawn from the trailing history, and years drawn from the stated priors.

use crate::kinds::growth;
use crate::panel::{Panel, Track};
use crate::priors::{Prior, Priors};
use plimsoll_core::units::floor_to_index;
use plimsoll_core::{Day, MarketId, MarketKind, Months, Pooled, RareLosses};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Months drawn.
const MONTHS: usize = 400;
/// Days in a month.
const MONTH_DAYS: i64 = 30;
/// Days that are drawn together.
const BLOCK_DAYS: i64 = 10;
/// How far back blocks are drawn from.
pub(crate) const HISTORY_DAYS: i64 = 120;
/// Fewest days of history to draw from.
const FEWEST_DAYS: i64 = 30;
/// Years drawn: the worst in a thousand are a hundred.
const YEARS: u32 = 100_000;
/// Decimals of a probability.
const SMALLEST: f64 = 1e-12;

/// Draws months of realised returns, the same days for every market so that what falls together falls
/// together: a block bootstrap. Without draws where the history is shorter than a month.
///
/// A market without an index on a day earns nothing on it.
#[must_use]
pub fn months(panel: &Panel, held: &dyn Fn(&Track) -> Held, seed: u64) -> Months {
    let first = panel.tracks.iter().map(|track| track.first.0).min().unwrap_or(panel.today.0);
    let from = first.max(panel.today.0 - HISTORY_DAYS);
    if panel.today.0 - from < FEWEST_DAYS {
        return Months::default();
    }
    let growths: Vec<Vec<f64>> =
        panel.tracks.iter().map(|track| growths(track, held(track), from, panel)).collect();
    let starts = panel.today.0 - BLOCK_DAYS - from + 1;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let month = |_| -> Vec<usize> {
        let blocks = (0..MONTH_DAYS / BLOCK_DAYS).map(|_| random.random_range(0..starts));
        blocks.filter_map(|start| usize::try_from(start).ok()).collect()
    };
    Months { growths, draws: (0..MONTHS).map(month).collect() }
}

/// How a market would be held: what earns in it, and what it is as a pool.
pub type Held = (MarketKind, Option<Pooled>);

/// Returns that every market is lent to, by its index.
#[must_use]
pub fn as_lending(_: &Track) -> Held {
    (MarketKind::Lending, None)
}

/// The growth over each block, by its first day: of the index, or of what follows a price.
fn growths(track: &Track, (kind, pooled): Held, from: i64, panel: &Panel) -> Vec<f64> {
    if !kind.is_lending() {
        let blocks = from..=panel.today.0 - BLOCK_DAYS;
        let days = blocks.map(|day| (Day(day), Day(day + BLOCK_DAYS)));
        let grown: Vec<_> = days.map(|days| growth(kind, pooled.as_ref(), track, days)).collect();
        // What swings and is known for a part of the time swung in the rest as in that part.
        let mut known = grown.iter().flatten().copied().collect::<Vec<f64>>().into_iter().cycle();
        let mut fill = || known.next().unwrap_or(1.0);
        return grown.into_iter().map(|found| found.unwrap_or_else(&mut fill)).collect();
    }
    let mut last = None;
    let mut index: Vec<Option<f64>> = Vec::new();
    for day in from..=panel.today.0 {
        last = track.at(Day(day)).and_then(|row| row.share_price).or(last);
        index.push(last);
    }
    let block = usize::try_from(BLOCK_DAYS).unwrap_or(1);
    let pairs = index.iter().zip(index.iter().skip(block));
    pairs.map(|(start, end)| start.zip(*end).map_or(1.0, |(start, end)| end / start)).collect()
}

/// Draws years in which something rare happens, with common shocks by protocol, issuer, chain and staked ether.
#[must_use]
pub fn rare_losses(
    markets: &[(MarketId, Option<String>)],
    priors: &Priors,
    seed: u64,
) -> RareLosses {
    let mut sources: Vec<(&Prior, Vec<usize>)> = Vec::new();
    let mut grouped: BTreeMap<(u8, String), Vec<usize>> = BTreeMap::new();
    for (column, (market, issuer)) in markets.iter().enumerate() {
        let protocol = market.protocol().to_owned();
        // An unnamed issuer is a risk of its own: it shares its fate with nobody we know of.
        let issuer = issuer.clone().unwrap_or_else(|| format!("unknown issuer of {market}"));
        grouped.entry((0, protocol)).or_default().push(column);
        grouped.entry((1, issuer)).or_default().push(column);
        grouped.entry((2, market.chain().to_string())).or_default().push(column);
        if priors.is_slashed(market.protocol()) {
            // The validators are the same, whoever holds their token.
            grouped.entry((3, String::new())).or_default().push(column);
        } else {
            sources.push((&priors.market, vec![column]));
        }
    }
    for ((kind, name), columns) in grouped {
        let prior = match kind {
            0 => priors.of_protocol(&name),
            1 => priors.of_issuer(&name),
            2 => &priors.chain,
            _ => &priors.slashing,
        };
        sources.push((prior, columns));
    }
    let mut by_column: Vec<Vec<(u32, f64)>> = vec![Vec::new(); markets.len()];
    for (number, (prior, columns)) in (0..).zip(&sources) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(number);
        for year in years_hit(prior.probability, &mut random) {
            let lost = prior.severity_at(random.random());
            for column in columns {
                if let Some(hits) = by_column.get_mut(*column) {
                    hits.push((year, lost));
                }
            }
        }
    }
    RareLosses { by_column: by_column.into_iter().map(merged).collect(), years: YEARS }
}

/// The years of [`YEARS`] in which something of `probability` happens: gaps between them are geometric.
fn years_hit(probability: f64, random: &mut ChaCha8Rng) -> Vec<u32> {
    let mut years = Vec::new();
    if probability < SMALLEST {
        return years;
    }
    let mut at = 0.0;
    loop {
        let draw: f64 = 1.0 - random.random::<f64>();
        let gap =
            if probability >= 1.0 { 0.0 } else { (draw.ln() / (-probability).ln_1p()).floor() };
        at += gap;
        if at >= f64::from(YEARS) {
            return years;
        }
        years.extend(u32::try_from(floor_to_index(at)));
        at += 1.0;
    }
}

/// One loss a year: what is lost twice is lost of what was left.
fn merged(mut hits: Vec<(u32, f64)>) -> Vec<(u32, f64)> {
    hits.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.total_cmp(&b.1)));
    let mut years: Vec<(u32, f64)> = Vec::with_capacity(hits.len());
    for (year, lost) in hits {
        match years.last_mut() {
            Some((last, sum)) if *last == year => *sum = 1.0 - (1.0 - *sum) * (1.0 - lost),
            _ => years.push((year, lost)),
        }
    }
    years
}

#[cfg(test)]
#[path = "scenarios_tests.rs"]
mod tests;
