//! The markets that the driver moves, and what is true of each at the start.

use crate::{Asset, Deployment, LocalChainError};
use alloy::primitives::{Address, U256, keccak256};
use std::fmt;

/// A lending market of the local chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Market {
    /// An asset's reserve on Aave.
    Aave(Asset),
    /// USDC against this collateral on Morpho.
    Morpho(Asset),
}

impl fmt::Display for Market {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Market::Aave(asset) => write!(out, "aave {}", asset.symbol()),
            Market::Morpho(collateral) => write!(out, "morpho USDC/{}", collateral.symbol()),
        }
    }
}

impl Market {
    /// The markets in which suppliers and borrowers act, in the order in which they do.
    pub const ALL: [Market; 5] = [
        Market::Aave(Asset::Usdc),
        Market::Aave(Asset::Weth),
        Market::Aave(Asset::Dai),
        Market::Morpho(Asset::Weth),
        Market::Morpho(Asset::Wbtc),
    ];

    /// Returns what is lent.
    #[must_use]
    pub fn loan(self) -> Asset {
        match self {
            Market::Aave(asset) => asset,
            Market::Morpho(_) => Asset::Usdc,
        }
    }

    /// Returns what the driver's borrowers pledge.
    #[must_use]
    pub fn collateral(self) -> Asset {
        match self {
            Market::Aave(Asset::Usdc) => Asset::Weth,
            Market::Aave(_) => Asset::Wbtc,
            Market::Morpho(collateral) => collateral,
        }
    }

    /// What suppliers bring at the start, in whole tokens.
    pub(super) fn first_supply(self) -> f64 {
        match self {
            Market::Aave(Asset::Usdc) => 50e6,
            Market::Aave(Asset::Weth) => 8e3,
            Market::Aave(Asset::Dai) => 20e6,
            Market::Aave(Asset::Wbtc) => 100.0,
            Market::Morpho(Asset::Weth) => 10e6,
            Market::Morpho(_) => 4e6,
        }
    }

    /// What is borrowed at the start, in whole tokens.
    pub(super) fn first_debt(self) -> f64 {
        match self {
            Market::Aave(Asset::Usdc) => 41e6,
            // Far beyond what suppliers bring: ether pledged for USDC is supplied here too.
            Market::Aave(Asset::Weth) => 20e3,
            Market::Aave(Asset::Dai) => 16e6,
            Market::Aave(Asset::Wbtc) => 0.0,
            Market::Morpho(Asset::Weth) => 9e6,
            Market::Morpho(_) => 3.6e6,
        }
    }
}

/// A market with the people in it and what they are like.
#[derive(Debug, Clone)]
pub(super) struct Book {
    pub(super) market: Market,
    pub(super) suppliers: Vec<Address>,
    pub(super) borrowers: Vec<Borrower>,
    /// What is supplied and borrowed, in whole tokens, when rates are at the reference and nobody
    /// is in a mood.
    pub(super) base: (f64, f64),
    /// The supply and borrow APR at which people are content with the base.
    pub(super) reference: (f64, f64),
    /// The logarithm by which suppliers and borrowers want more than their base for other reasons.
    pub(super) mood: (f64, f64),
    pub(super) run: Option<RunPhase>,
}

/// Somebody who borrows in one market.
#[derive(Debug, Clone, Copy)]
pub(super) struct Borrower {
    pub(super) address: Address,
    /// How far up to the highest LTV they open a loan.
    pub(super) boldness: f64,
}

/// Where a bank run stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunPhase {
    /// Blocks until everybody leaves at once.
    pub(super) warning_blocks: u64,
}

/// An address that belongs to nobody, the same for the same name.
pub(crate) fn person(name: &str) -> Address {
    Address::from_word(keccak256(format!("plimsoll local chain: {name}")))
}

/// Whole tokens as raw units, rounded down.
pub(crate) fn raw(field: &'static str, whole: f64, decimals: u8) -> Result<U256, LocalChainError> {
    let scaled = (whole * 10f64.powi(i32::from(decimals))).floor();
    U256::try_from(scaled).map_err(|_| LocalChainError::OutOfRange { field, found: whole })
}

/// Raw units as whole tokens.
pub(crate) fn whole(raw: U256, decimals: u8) -> f64 {
    f64::from(raw) / 10f64.powi(i32::from(decimals))
}

/// The parameters of a Morpho market by its collateral.
pub(super) fn morpho_market(
    deployment: &Deployment,
    collateral: Asset,
) -> Result<&crate::MorphoMarket, LocalChainError> {
    let name = || LocalChainError::UnknownMarket { name: Market::Morpho(collateral).to_string() };
    deployment.morpho.markets.iter().find(|market| market.collateral == collateral).ok_or_else(name)
}

/// The reserve of an asset on Aave.
pub(super) fn aave_reserve(
    deployment: &Deployment,
    asset: Asset,
) -> Result<crate::AaveReserve, LocalChainError> {
    let name = || LocalChainError::UnknownMarket { name: Market::Aave(asset).to_string() };
    deployment.aave.reserves.get(&asset).copied().ok_or_else(name)
}
