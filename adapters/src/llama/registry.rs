//! What pools were called when they were first read.
//!
//! A market id holds the project, and DefiLlama renames projects. The UUID stays; so a pool that was
//! read before keeps the project it was first read under, and with it its id, in journals and positions.
//! Without a cache folder there is no memory, and the id follows the name of today; a pool that is held
//! keeps the id it is held under.

use super::schema::Pool;
use plimsoll_core::{ChainId, MarketId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The key under which the registry is kept.
pub(super) const KEY: &str = "names of pools";

/// The names of every pool that was read, by UUID.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Registry {
    pools: BTreeMap<String, Names>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Names {
    /// Part of the market id, and so never changed.
    first_project: String,
    project: String,
    symbol: String,
}

/// A pool with its id.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    /// The id.
    pub(super) market: MarketId,
    /// The UUID, as the server writes it.
    pub(super) id: String,
    /// What it is called now.
    pub(super) symbol: Arc<str>,
    /// What DefiLlama calls its chain, where no id is known for it.
    pub(super) unknown_chain: Option<String>,
    /// Its project and symbol when it was read last, and those of now, where they differ.
    pub(super) renamed: Option<(String, String)>,
}

impl Registry {
    /// Names a pool as it is in `held`, else as it was first read, and remembers its names; `None` where
    /// it has no id.
    pub(super) fn name(&mut self, pool: &Pool, held: &[MarketId]) -> Option<Named> {
        let (id, project) = (pool.id()?.to_owned(), pool.project()?);
        let symbol = if pool.symbol().is_empty() { id.as_str() } else { pool.symbol() };
        let now = |first_project: &str| Names {
            first_project: first_project.to_owned(),
            project: project.to_owned(),
            symbol: symbol.to_owned(),
        };
        let entry = self.pools.entry(id.to_lowercase()).or_insert_with(|| now(project));
        let was = std::mem::replace(entry, now(&entry.first_project));
        let renamed = (was != *entry).then(|| (was.text(), entry.text()));
        let chain = ChainId::by_name(pool.chain());
        let known = chain.unwrap_or(ChainId::UNKNOWN);
        let is_held =
            |held: &&MarketId| held.chain() == known && held.address().eq_ignore_ascii_case(&id);
        let first_name = || MarketId::new(&entry.first_project, known, &id);
        Some(Named {
            market: held.iter().find(is_held).cloned().unwrap_or_else(first_name),
            symbol: symbol.into(),
            unknown_chain: chain.is_none().then(|| pool.chain().to_owned()),
            renamed,
            id,
        })
    }
}

impl Names {
    fn text(&self) -> String {
        format!("{} {}", self.project, self.symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llama::schema::pools;

    fn pool(project: &str, chain: &str, symbol: &str) -> Pool {
        let entry = serde_json::json!({
            "pool": "A-1", "project": project, "chain": chain, "symbol": symbol,
        });
        let body = serde_json::json!({ "data": [entry] }).to_string();
        pools(body.as_bytes()).unwrap().read.remove(0)
    }

    #[test]
    fn a_renamed_pool_keeps_the_id_it_was_first_read_under() {
        let mut registry = Registry::default();
        let first = registry.name(&pool("Aave-V3", "Ethereum", "USDC"), &[]).unwrap();
        assert_eq!(first.market.as_str(), "aave-v3:1:a-1");
        assert_eq!(first.renamed, None);
        let text = serde_json::to_vec(&registry).unwrap();
        let mut registry: Registry = serde_json::from_slice(&text).unwrap();
        let renamed = registry.name(&pool("aave-horizon", "Ethereum", "USDC.E"), &[]).unwrap();
        assert_eq!(renamed.market, first.market);
        assert_eq!(renamed.symbol.as_ref(), "USDC.E");
        let names = ("Aave-V3 USDC".to_owned(), "aave-horizon USDC.E".to_owned());
        assert_eq!(renamed.renamed, Some(names));
        let again = registry.name(&pool("aave-horizon", "Ethereum", "USDC.E"), &[]).unwrap();
        assert_eq!(again.renamed, None, "a new name is news once");
        assert_eq!(again.market, first.market);
    }

    #[test]
    fn a_held_pool_keeps_the_id_it_is_held_under_on_its_own_chain() {
        let held: MarketId = "aave-v2:1:a-1".parse().unwrap();
        let now = pool("aave-v3", "Ethereum", "USDC");
        let named = Registry::default().name(&now, std::slice::from_ref(&held)).unwrap();
        assert_eq!(named.market, held);
        let elsewhere: MarketId = "aave-v2:10:a-1".parse().unwrap();
        let named = Registry::default().name(&now, &[elsewhere]).unwrap();
        assert_eq!(named.market.as_str(), "aave-v3:1:a-1");
    }

    #[test]
    fn a_chain_without_an_id_is_zero_and_its_name_is_kept_for_the_report() {
        let named = Registry::default().name(&pool("kamino-lend", "Solana", ""), &[]).unwrap();
        assert_eq!(named.market.as_str(), "kamino-lend:0:a-1");
        assert_eq!(named.unknown_chain.as_deref(), Some("Solana"));
        assert_eq!(named.symbol.as_ref(), "A-1", "a pool without a name is called by its id");
    }
}
