//! Live protocols: what their contracts say at one block, exact, by one call.

pub mod aave_v3;
pub mod balancer_stable;
pub mod chainlink;
pub mod compound_v3;
pub mod erc4626;
pub mod morpho_blue;
pub mod multicall;
pub mod oracle;
mod pools;
mod settings;
pub mod staked_eth;
pub mod uniswap_v2;
pub mod uniswap_v3;

pub use aave_v3::{AaveV3, AaveV3Settings};
pub use balancer_stable::{BalancerStable, BalancerStableSettings, StableMarket, TokenOracle};
pub use chainlink::{Known, Price, PriceFeed, PriceSettings, Prices, SecondSource, Unknown};
pub use compound_v3::{CometMarket, CompoundV3, CompoundV3Settings};
pub use erc4626::{Erc4626, Erc4626Settings, Erc4626Vault};
pub use morpho_blue::{MorphoBlue, MorphoBlueSettings, MorphoMarket};
pub use settings::{ProtocolSettings, from_settings};
pub use staked_eth::{StakedEth, StakedEthSettings, StakedMarket};
pub use uniswap_v2::{UniswapV2, UniswapV2Settings, V2Market};
pub use uniswap_v3::{UniswapV3, UniswapV3Settings, V3Market};

use alloy::primitives::{Address, U256};
use multicall::Batch;
use plimsoll_core::units::Ray;
use plimsoll_core::{ChainId, Curve, MarketId, asset};
use plimsoll_execute::AdapterError;
use plimsoll_execute::chain::{NodeError, Nodes};
use plimsoll_execute::protocol::{At, Cause, Fall};
use plimsoll_frame::Terms;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// What was found once and is looked up again; a copy comes out, so no lock outlives a line.
#[derive(Debug)]
pub(crate) struct RwCache<K, V>(RwLock<BTreeMap<K, V>>);

impl<K, V> Default for RwCache<K, V> {
    fn default() -> RwCache<K, V> {
        RwCache(RwLock::new(BTreeMap::new()))
    }
}

impl<K: Ord, V: Clone> RwCache<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(crate) fn set(&self, key: K, value: V) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }
}

/// A refusal of the nodes, told for `about`.
pub(crate) fn node(about: &str, at: &At) -> impl Fn(NodeError) -> AdapterError + use<> {
    let (protocol, block) = (about.to_owned(), at.block.number);
    move |source| AdapterError::Node { protocol: protocol.clone(), block, source: Box::new(source) }
}

/// A state that the arithmetic does not cover.
pub(crate) fn not_covered(market: &MarketId, at: &At, detail: &str) -> AdapterError {
    let (about, detail) = (market.to_string(), detail.to_owned());
    AdapterError::NotCovered { about, block: at.block.number, detail }
}

/// Refuses a number of ours that is not the contract's.
pub(crate) fn disagrees(
    market: &MarketId,
    at: &At,
    field: &'static str,
    (computed, found): (U256, U256),
) -> Result<(), AdapterError> {
    if computed == found {
        return Ok(());
    }
    let (about, block) = (market.to_string(), at.block.number);
    Err(AdapterError::Disagrees { about, block, field, computed, found })
}

/// Refuses a contract that names another than the configured one.
pub(crate) fn same_address(
    about: &str,
    contract: Address,
    field: &'static str,
    (expected, found): (Address, Address),
) -> Result<(), AdapterError> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.to_string(), found.to_string());
    Err(AdapterError::Mismatch { about: about.to_owned(), contract, field, expected, found })
}

/// Refuses nodes of another chain than the markets are on, by their configuration and by their answer.
pub(crate) async fn check_chain(
    nodes: &Nodes,
    at: &At,
    (about, chain): (&str, ChainId),
) -> Result<(), AdapterError> {
    if nodes.chain() != chain.0 {
        let found = ChainId(nodes.chain());
        return Err(AdapterError::WrongChain { about: about.to_owned(), expected: chain, found });
    }
    nodes.check_chain().await.map_err(node(about, at))?;
    Batch::of_the_place().send(nodes, at, (about, chain)).await.map(|_| ())
}

/// Refuses an address without code.
pub(crate) async fn code_at(
    nodes: &Nodes,
    at: &At,
    contract: Address,
    about: &str,
) -> Result<(), AdapterError> {
    let code = nodes.code(contract, at.block.hash).await.map_err(node(about, at))?;
    if !code.is_empty() {
        return Ok(());
    }
    let (about, block) = (about.to_owned(), at.block.number);
    Err(AdapterError::NoCode { about, contract, block })
}

/// Every fall without a cause.
pub(crate) fn unexplained(fallen: &[(MarketId, Ray, Ray)]) -> Vec<Fall> {
    let fall = |(market, before, after): &(MarketId, Ray, Ray)| Fall {
        market: market.clone(),
        before: *before,
        after: *after,
        cause: Cause::Unexplained,
    };
    fallen.iter().map(fall).collect()
}

/// The terms of a market one wrapper away from its asset.
pub(crate) fn curve_terms(symbol: &str, curve: Option<Curve>, reserve_factor: f64) -> Terms {
    Terms {
        curve,
        reserve_factor: Some(reserve_factor),
        issuer: asset::issuer(symbol).map(str::to_owned),
        wrap_depth: asset::wraps(symbol),
        ..Terms::default()
    }
}
