//! The chain that is asked about, and what to say where there is nothing.

use crate::exit::Kind;
use crate::observatory::Wanted;
use crate::universe;
use anyhow::anyhow;
use plimsoll_adapters::llama::{Pool, PoolFilter};
use plimsoll_core::{ChainId, MarketId};
use std::collections::{BTreeMap, BTreeSet};

/// What is listed of an asset.
pub(super) struct Listed<'a> {
    /// Every pool.
    pub(super) pools: &'a [Pool],
    /// Those that are wanted.
    pub(super) filter: &'a PoolFilter,
    /// The address of the server, for messages.
    pub(super) address: &'a str,
}

/// Chains with pools that are wanted.
struct Chains<'a> {
    /// How many on each chain.
    counts: BTreeMap<ChainId, usize>,
    /// Names of chains without a known id.
    nameless: BTreeSet<&'a str>,
}

impl<'a> Listed<'a> {
    /// The chain that is asked about, with what to say of the others: the given one, or else Ethereum, or
    /// else the one with the most pools.
    pub(super) fn place(&self, wanted: &Wanted<'_>) -> anyhow::Result<(ChainId, Option<String>)> {
        let chains = self.chains();
        let of_asset = || Some(wanted.asset.parse::<MarketId>().ok()?.chain());
        let chain = wanted.chain.or_else(of_asset).or_else(|| chains.usual());
        let has_held = self.pools.iter().any(|pool| self.filter.is_held(pool));
        let there = chains.names_but(chain);
        match chain.filter(|chain| has_held || chains.counts.contains_key(chain)) {
            Some(chain) => Ok((chain, elsewhere(chain, &there, &chains.nameless))),
            None if chains.counts.is_empty() && chains.nameless.is_empty() => {
                Err(self.nowhere(wanted.asset))
            }
            None => {
                let known = "a chain with a known id".to_owned();
                let place = chain.map_or(known, |chain| chain.to_string());
                let nameless = chains.nameless.into_iter().map(str::to_owned);
                let there = if there.is_empty() { nameless.collect() } else { there };
                let error = anyhow!(
                    "{}: no pool of {} on {place}; there are some on {}",
                    self.address,
                    wanted.asset,
                    there.join(", ")
                );
                Err(error.context(Kind::Usage))
            }
        }
    }

    fn chains(&self) -> Chains<'a> {
        let mut chains = Chains { counts: BTreeMap::new(), nameless: BTreeSet::new() };
        for pool in self.pools.iter().filter(|pool| self.filter.lets_through(pool)) {
            if let Some(chain) = ChainId::by_name(pool.chain()) {
                *chains.counts.entry(chain).or_default() += 1;
            } else {
                let name = pool.chain();
                chains.nameless.insert(if name.is_empty() { "a chain unnamed" } else { name });
            }
        }
        chains
    }

    /// Why no pool is wanted on any chain.
    fn nowhere(&self, asset: &str) -> anyhow::Error {
        let Listed { pools, filter, address } = self;
        if pools.is_empty() {
            let error = anyhow!(
                "{address}/pools: the listing is empty; try again later, and if it stays so, check the \
                 address"
            );
            return error.context(Kind::Data);
        }
        let of_asset: Vec<&Pool> = pools.iter().filter(|pool| filter.wants(pool)).collect();
        let (listed, count) = (pools.len(), of_asset.len());
        if count == 0 {
            let symbols = pools.iter().map(Pool::symbol).collect();
            let error = anyhow!(
                "{address}/pools: none of {listed} pools is of {asset:?}: give a symbol as the server \
                 writes it, a unit (USD, EUR, ETH, BTC), a market id or `all`{}",
                universe::nearest(asset, &symbols)
            );
            return error.context(Kind::Usage);
        }
        let largest = of_asset.iter().filter_map(|pool| pool.tvl_usd).fold(f64::NAN, f64::max);
        let size = if largest.is_finite() {
            format!("the largest holds {largest:.0} USD")
        } else {
            "none says how much it holds".to_owned()
        };
        let error = anyhow!(
            "{address}/pools: {count} of {listed} pools are of {asset}, but {size} and {:.0} are needed; \
             lower min_tvl_usd under [llama] in the settings, or set PLIMSOLL__LLAMA__MIN_TVL_USD",
            filter.min_tvl_usd
        );
        error.context(Kind::Data)
    }
}

impl Chains<'_> {
    /// Ethereum, or else the one with the most pools.
    fn usual(&self) -> Option<ChainId> {
        let ethereum = ChainId(1);
        if self.counts.contains_key(&ethereum) {
            return Some(ethereum);
        }
        let most = self.counts.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        most.map(|(chain, _)| *chain)
    }

    fn names_but(&self, chain: Option<ChainId>) -> Vec<String> {
        let others = self.counts.keys().filter(|other| Some(**other) != chain);
        others.map(ToString::to_string).collect()
    }
}

/// What to say of pools on other chains.
fn elsewhere(chain: ChainId, others: &[String], nameless: &BTreeSet<&str>) -> Option<String> {
    let mut parts = Vec::new();
    if !others.is_empty() {
        parts.push(format!("--chain names another of {}", others.join(", ")));
    }
    if !nameless.is_empty() {
        let names: Vec<&str> = nameless.iter().copied().collect();
        parts.push(format!("pools on {} are left out: no chain id is known", names.join(", ")));
    }
    (!parts.is_empty())
        .then(|| format!("on {chain} alone: there is no bridge in the model; {}", parts.join("; ")))
}
