//! What rows are about: their markets, their order, and what was out of order.

use super::history::Kind;
use plimsoll_core::{ChainId, MarketId, Time};
use plimsoll_execute::adapter::Disorder;
use polars::prelude::Column;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The texts of a column, each distinct one once in memory; `None` where it holds no texts.
pub(super) fn interned(column: &Column) -> Option<Vec<Option<Arc<str>>>> {
    let mut known: HashMap<&str, Arc<str>> = HashMap::new();
    let texts = column
        .str()
        .ok()?
        .iter()
        .map(|text| text.map(|text| known.entry(text).or_insert_with(|| text.into()).clone()));
    Some(texts.collect())
}

pub(super) type Texts = [Option<Arc<str>>];

/// The distinct markets, and the place of each row's market among them. Reserves of a network without
/// a known chain id have no market; pools keep theirs, since a pool id is unique over all networks.
pub(super) fn markets(
    kind: Kind,
    protocol: &Texts,
    chain: &Texts,
    address: &Texts,
) -> (Vec<Option<MarketId>>, Vec<usize>) {
    let homes = if kind == Kind::Pools { homes(chain, address) } else { HashMap::new() };
    let mut places: HashMap<Option<MarketId>, usize> = HashMap::new();
    let mut codes: HashMap<(&str, &str, &str), usize> = HashMap::new();
    let mut markets = Vec::new();
    let mut place_of = |market: Option<MarketId>| {
        *places.entry(market.clone()).or_insert_with(|| {
            markets.push(market);
            markets.len() - 1
        })
    };
    let each = protocol.iter().zip(chain).zip(address);
    let of_row = each
        .map(|((protocol, chain), address)| {
            let key = (text(protocol), text(chain), text(address));
            *codes.entry(key).or_insert_with(|| {
                let named =
                    ChainId::by_name(text(chain)).or_else(|| homes.get(text(address)).copied());
                let id = match kind {
                    Kind::Reserves => named,
                    Kind::Pools => Some(named.unwrap_or(ChainId::UNKNOWN)),
                };
                place_of(id.map(|id| MarketId::new(text(protocol), id, text(address))))
            })
        })
        .collect();
    (markets, of_row)
}

/// The chain of each pool that has a row with one: some rows of a pool may lack it.
fn homes<'t>(chain: &Texts, address: &'t Texts) -> HashMap<&'t str, ChainId> {
    let each = chain.iter().zip(address);
    each.filter_map(|(chain, address)| Some((text(address), ChainId::by_name(text(chain))?)))
        .collect()
}

fn text(text: &Option<Arc<str>>) -> &str {
    text.as_deref().unwrap_or_default()
}

/// The rows by (time, market).
pub(super) fn order(time: &[i64], codes: &[usize], markets: &[Option<MarketId>]) -> Vec<usize> {
    let mut by_market: Vec<usize> = (0..markets.len()).collect();
    by_market.sort_by_key(|code| markets.get(*code));
    let mut ranks = vec![0; markets.len()];
    for (rank, code) in by_market.into_iter().enumerate() {
        if let Some(slot) = ranks.get_mut(code) {
            *slot = rank;
        }
    }
    let mut order: Vec<usize> = (0..time.len()).collect();
    order.sort_by_key(|row| (time.get(*row), codes.get(*row).and_then(|code| ranks.get(*code))));
    order
}

/// Rows that stand before an earlier one of their market, and rows of unknown networks.
pub(super) fn disorder(
    time: &[i64],
    codes: &[usize],
    markets: &[Option<MarketId>],
    symbol: &[Arc<str>],
    chain: &Texts,
) -> Vec<Disorder> {
    struct Found {
        first: i64,
        last: i64,
        rows: u64,
        name: String,
    }
    let mut latest: HashMap<usize, i64> = HashMap::new();
    let mut unsorted: BTreeMap<usize, Found> = BTreeMap::new();
    let mut unknown: BTreeMap<String, Found> = BTreeMap::new();
    let note = |found: &mut Found, at: i64| {
        found.first = found.first.min(at);
        found.last = found.last.max(at);
        found.rows += 1;
    };
    for (row, (at, code)) in time.iter().zip(codes).enumerate() {
        let named =
            |texts: &[Arc<str>]| texts.get(row).map(ToString::to_string).unwrap_or_default();
        let fresh = |name: String| Found { first: *at, last: *at, rows: 0, name };
        if markets.get(*code).is_some_and(Option::is_none) {
            let name = chain.get(row).map(text).unwrap_or_default().to_owned();
            note(unknown.entry(name.clone()).or_insert_with(|| fresh(name)), *at);
            continue;
        }
        let before = latest.entry(*code).or_insert(*at);
        if *at < *before {
            note(unsorted.entry(*code).or_insert_with(|| fresh(named(symbol))), *at);
        }
        *before = (*before).max(*at);
    }
    let days = |found: &Found| (Time(found.first).day(), Time(found.last).day());
    let unsorted = unsorted.into_iter().filter_map(|(code, found)| {
        let market = markets.get(code)?.clone()?;
        Some(Disorder::Unsorted {
            market,
            days: days(&found),
            rows: found.rows,
            symbol: found.name,
        })
    });
    let unknown = unknown.into_values().map(|found| Disorder::UnknownNetwork {
        days: days(&found),
        rows: found.rows,
        name: found.name,
        are_kept: false,
    });
    unsorted.chain(unknown).collect::<Vec<_>>()
}

/// The network that a key `protocol:network:address` names.
pub(super) fn network_of(key: Option<&str>) -> Option<ChainId> {
    let mut parts = key?.split(':');
    let (_, network, _) = (parts.next()?, parts.next()?, parts.next()?);
    network.parse().map(ChainId).ok().or_else(|| ChainId::by_name(network))
}
