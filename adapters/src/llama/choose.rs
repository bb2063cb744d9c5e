//! Which of the listed pools are read: a listing holds thousands, and each costs a request.

use super::schema::Pool;
use plimsoll_core::ChainId;
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
    /// At most this many, by total value today.
    pub max_pools: usize,
}

impl Default for PoolFilter {
    fn default() -> PoolFilter {
        PoolFilter {
            min_tvl_usd: 1_000_000.0,
            stablecoins_only: false,
            symbols: Vec::new(),
            max_pools: 100,
        }
    }
}

impl PoolFilter {
    fn lets_through(&self, pool: &Pool, chains: &[ChainId]) -> bool {
        let chain = ChainId::by_name(pool.chain());
        pool.tvl_usd.unwrap_or_default() >= self.min_tvl_usd
            && (!self.stablecoins_only || pool.stablecoin == Some(true))
            && (self.symbols.is_empty() || self.holds_all(pool.symbol()))
            && (chains.is_empty() || chain.is_some_and(|chain| chains.contains(&chain)))
    }

    /// Whether every asset of a pool called `symbol`, such as `USDC-USDT`, is wanted: money in a pool of
    /// two assets is in both.
    fn holds_all(&self, symbol: &str) -> bool {
        let is_wanted = |part: &str| {
            self.symbols.iter().any(|wanted| wanted.to_lowercase() == part.trim().to_lowercase())
        };
        symbol.split(['-', '/']).all(is_wanted)
    }
}

/// Returns the pools to read, the largest first; each id once.
pub(super) fn choose(pools: Vec<Pool>, filter: &PoolFilter, chains: &[ChainId]) -> Vec<Pool> {
    let mut chosen: Vec<Pool> =
        pools.into_iter().filter(|pool| filter.lets_through(pool, chains)).collect();
    chosen.sort_by(|a, b| {
        let by_value = b.tvl_usd.unwrap_or(-1.0).total_cmp(&a.tvl_usd.unwrap_or(-1.0));
        by_value.then_with(|| a.id().cmp(&b.id()))
    });
    let mut seen = BTreeSet::new();
    chosen.retain(|pool| pool.id().is_some_and(|id| seen.insert(id.to_lowercase())));
    chosen.truncate(filter.max_pools);
    chosen
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
        let chosen = choose(pools(LISTING).unwrap().read, filter, chains);
        chosen.iter().filter_map(|pool| pool.id().map(str::to_owned)).collect()
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
        let both = PoolFilter { symbols: vec!["Usdc".to_owned(), "usdt".to_owned()], ..all };
        assert_eq!(ids(&both, &[]), ["b", "a", "d"]);
    }
}
