//! Four tokens with 6, 8 and 18 decimals, each with a price feed.

use super::steps::Steps;
use crate::{LocalChainError, Origin};
use alloy::primitives::{Address, U256};
use alloy::sol_types::SolValue;
use std::collections::BTreeMap;

/// Decimals of every price feed.
pub(crate) const FEED_DECIMALS: u8 = 8;

/// A token of the local chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asset {
    /// A stablecoin with 6 decimals.
    Usdc,
    /// Ether, with 18 decimals.
    Weth,
    /// A stablecoin with 18 decimals.
    Dai,
    /// Bitcoin, with 8 decimals.
    Wbtc,
}

impl Asset {
    /// Every asset, in the order in which they are deployed.
    pub const ALL: [Asset; 4] = [Asset::Usdc, Asset::Weth, Asset::Dai, Asset::Wbtc];

    /// Returns the token's symbol.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Asset::Usdc => "USDC",
            Asset::Weth => "WETH",
            Asset::Dai => "DAI",
            Asset::Wbtc => "WBTC",
        }
    }

    /// Returns the token's decimals.
    #[must_use]
    pub fn decimals(self) -> u8 {
        match self {
            Asset::Usdc => 6,
            Asset::Weth | Asset::Dai => 18,
            Asset::Wbtc => 8,
        }
    }

    /// Returns the price in whole USD that its feed starts with.
    #[must_use]
    pub fn first_price_usd(self) -> u32 {
        match self {
            Asset::Usdc | Asset::Dai => 1,
            Asset::Weth => 2_500,
            Asset::Wbtc => 60_000,
        }
    }
}

/// A token and the feed of its price in USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenAndFeed {
    /// The token: a stand-in that anyone may mint.
    pub token: Address,
    /// A stand-in for its Chainlink feed, with 8 decimals.
    pub feed: Address,
}

pub(super) fn deploy(
    steps: &mut Steps<'_>,
) -> Result<BTreeMap<Asset, TokenAndFeed>, LocalChainError> {
    let mut tokens = BTreeMap::new();
    for asset in Asset::ALL {
        let symbol = asset.symbol().to_owned();
        let named =
            (symbol.clone(), symbol.clone(), U256::from(asset.decimals())).abi_encode_params();
        // Ether's can be unwrapped: what stakes it needs ether.
        let contract = if asset == Asset::Weth { "WrappedEther" } else { "Token" };
        let token = steps.create((Origin::StandIn, contract), &named)?;
        let answer = U256::from(asset.first_price_usd()) * U256::from(100_000_000);
        let posted =
            (format!("{symbol} / USD"), U256::from(FEED_DECIMALS), answer).abi_encode_params();
        let feed = steps.create((Origin::StandIn, "PriceFeed"), &posted)?;
        tokens.insert(asset, TokenAndFeed { token, feed });
    }
    Ok(tokens)
}
