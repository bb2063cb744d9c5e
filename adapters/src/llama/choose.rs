//! Which of the listed pools are read: a listing holds thousands, and each costs a request.

use super::schema::Pool;
use plimsoll_core::{ChainId, Denomination, MarketId};
use std::collections::BTreeSet;

/// Which of the listed pools are read.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolFilter {
    /// Pools with at least this total value today, USD; zero lets those through too that report none.
    pub min_tvl_usd: f64,
    /// Pools of stablecoins alone.
    pub stablecoins_only: bool,
    /// Pools all of whose assets are among these symbols, in any case; any pool where empty.
    pub symbols: Vec<String>,
    /// Pools of one asset that is at par with this unit.
    pub unit: Option<Denomination>,
    /// At most this many, by total value today.
    pub max_pools: usize,
    /// Pools that are read whatever else is said here, and keep these ids: what is held.
    pub held: Vec<MarketId>,
}

/// The pools to read.
#[derive(Debug, PartialEq)]
pub(super) struct Chosen {
    /// What is held and then the largest first; each id once.
    pub(super) pools: Vec<Pool>,
    /// How many would be read without a limit on their number.
    pub(super) fitting: usize,
}

impl Default for PoolFilter {
    fn default() -> PoolFilter {
        PoolFilter {
            min_tvl_usd: 1_000_000.0,
            stablecoins_only: false,
            symbols: Vec::new(),
            unit: None,
            max_pools: 100,
            held: Vec::new(),
        }
    }
}

impl PoolFilter {
    /// Whether a pool of any size is of the wanted assets.
    #[must_use]
    pub fn wants(&self, pool: &Pool) -> bool {
        (!self.stablecoins_only || pool.stablecoin == Some(true))
            && (self.symbols.is_empty() || self.holds_all(pool.symbol()))
            && self.unit.as_ref().is_none_or(|unit| Denomination::of_symbol(pool.symbol()) == *unit)
    }

    /// Whether a pool is of the wanted assets, and large enough.
    #[must_use]
    pub fn lets_through(&self, pool: &Pool) -> bool {
        pool.tvl_usd.unwrap_or_default() >= self.min_tvl_usd && self.wants(pool)
    }

    /// Whether a pool is held.
    #[must_use]
    pub fn is_held(&self, pool: &Pool) -> bool {
        let is =
            |held: &MarketId| pool.id().is_some_and(|id| id.eq_ignore_ascii_case(held.address()));
        self.held.iter().any(is)
    }

    /// Whether every asset of a pool called `symbol`, such as `USDC-USDT`, is wanted: money in a pool of
    /// two assets is in both.
    fn holds_all(&self, symbol: &str) -> bool {
        let is_wanted = |part: &str| {
            self.symbols.iter().any(|wanted| wanted.to_lowercase() == part.trim().to_lowercase())
        };
        is_wanted(symbol) || symbol.split(['-', '/']).all(is_wanted)
    }
}

/// Returns the pools to read.
pub(super) fn choose(pools: &[Pool], filter: &PoolFilter, chains: &[ChainId]) -> Chosen {
    let is_here = |pool: &Pool| {
        let chain = ChainId::by_name(pool.chain());
        chains.is_empty() || chain.is_some_and(|chain| chains.contains(&chain))
    };
    let fits = |pool: &&Pool| filter.is_held(pool) || filter.lets_through(pool) && is_here(pool);
    let mut chosen: Vec<Pool> = pools.iter().filter(fits).cloned().collect();
    chosen.sort_by(|a, b| {
        let held_first = filter.is_held(b).cmp(&filter.is_held(a));
        let by_value = b.tvl_usd.unwrap_or(-1.0).total_cmp(&a.tvl_usd.unwrap_or(-1.0));
        held_first.then(by_value).then_with(|| a.id().cmp(&b.id()))
    });
    let mut seen = BTreeSet::new();
    chosen.retain(|pool| pool.id().is_some_and(|id| seen.insert(id.to_lowercase())));
    let (fitting, held) = (chosen.len(), chosen.iter().filter(|pool| filter.is_held(pool)).count());
    chosen.truncate(filter.max_pools.max(held));
    Chosen { pools: chosen, fitting }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llama::schema::pools;

    const LISTING: &[u8] = br#"{"data":[
        {"pool":"a","project":"p","chain":"Ethereum","symbol":"USDC","tvlUsd":5e6,"stablecoin":true},
        {"pool":"b","project":"p","chain":"OP Mainnet","symbol":"usdc-USDT","tvlUsd":9e6,"stablecoin":true},
        {"pool":"c","project":"p","chain":"Solana","symbol":"USDC-SOL","tvlUsd":7e6,"stablecoin":false},
        {"pool":"d","project":"p","chain":"Ethereum","symbol":"USDC","tvlUsd":null,"stablecoin":null},
        {"pool":"B","project":"p","chain":"OP Mainnet","symbol":"twice","tvlUsd":1,"stablecoin":true}]}"#;

    fn ids(filter: &PoolFilter, chains: &[ChainId]) -> Vec<String> {
        let chosen = choose(&pools(LISTING).unwrap().read, filter, chains);
        chosen.pools.iter().filter_map(|pool| pool.id().map(str::to_owned)).collect()
    }

    #[test]
    fn the_largest_come_first_and_each_pool_once() {
        let all = PoolFilter { min_tvl_usd: 0.0, ..PoolFilter::default() };
        assert_eq!(ids(&all, &[]), ["b", "c", "a", "d"]);
        assert_eq!(ids(&PoolFilter { max_pools: 2, ..all }, &[]), ["b", "c"]);
    }

    #[test]
    fn a_filter_keeps_what_it_says() {
        let all = PoolFilter { min_tvl_usd: 0.0, ..PoolFilter::default() };
        assert_eq!(ids(&PoolFilter { min_tvl_usd: 6e6, ..all.clone() }, &[]), ["b", "c"]);
        assert_eq!(ids(&PoolFilter { stablecoins_only: true, ..all.clone() }, &[]), ["b", "a"]);
        assert_eq!(ids(&all, &[ChainId(10)]), ["b"]);
        let usdc = PoolFilter { symbols: vec!["USDC".to_owned()], ..all.clone() };
        assert_eq!(ids(&usdc, &[]), ["a", "d"], "a pool of two assets is not a pool of one");
        let symbols = vec!["Usdc".to_owned(), "usdt".to_owned()];
        let both = PoolFilter { symbols, ..all.clone() };
        assert_eq!(ids(&both, &[]), ["b", "a", "d"]);
        let hyphened = PoolFilter { symbols: vec!["USDC-sol".to_owned()], ..all.clone() };
        assert_eq!(ids(&hyphened, &[]), ["c"], "a symbol with a hyphen of its own");
        let dollars = PoolFilter { unit: Some(Denomination::Usd), ..all };
        assert_eq!(ids(&dollars, &[]), ["a", "d"], "one asset, at par");
    }

    #[test]
    fn what_is_held_is_read_whatever_its_size_and_chain_and_the_rest_is_counted() {
        let held = vec!["p:10:B".parse().unwrap(), "old:1:d".parse().unwrap()];
        let few = PoolFilter { max_pools: 1, held, ..PoolFilter::default() };
        assert_eq!(ids(&few, &[ChainId(1)]), ["b", "d"], "more than the limit where more is held");
        let chosen = choose(&pools(LISTING).unwrap().read, &few, &[]);
        assert_eq!(chosen.fitting, 4, "b, d, c and a");
    }
}
