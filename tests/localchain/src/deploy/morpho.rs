//! Morpho Blue, compiled from its package, with two USDC markets over stand-ins for the oracle and
//! the rate model; and the vault that lends in the first.

use super::steps::Steps;
use super::tokens::{Asset, TokenAndFeed};
use crate::abi::{IMorpho, MarketParams};
use crate::{LocalChainError, Origin};
use alloy::primitives::{Address, B256, U256, keccak256, uint};
use alloy::sol_types::SolValue;
use std::collections::BTreeMap;

/// The liquidation LTV of both markets, with 18 decimals: 86 %, as most on the main network.
const LLTV: U256 = uint!(860_000_000_000_000_000_U256);
const LOAN: Asset = Asset::Usdc;

/// The contracts of Morpho Blue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Morpho {
    /// The one contract that holds all markets.
    pub blue: Address,
    /// The re-implementation of its adaptive curve.
    pub rate_model: Address,
    /// The markets: USDC against WETH, and against WBTC.
    pub markets: Vec<MorphoMarket>,
}

/// One market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MorphoMarket {
    /// What the market's parameters hash to.
    pub id: B256,
    /// What names it.
    pub params: MarketParams,
    /// What is lent.
    pub loan: Asset,
    /// What it is lent against.
    pub collateral: Asset,
}

pub(super) fn deploy(
    steps: &mut Steps<'_>,
    tokens: &BTreeMap<Asset, TokenAndFeed>,
) -> Result<Morpho, LocalChainError> {
    let owner = steps.from();
    let blue = steps.create((Origin::Morpho, "Morpho"), &owner.abi_encode())?;
    let rate_model = steps.create((Origin::StandIn, "AdaptiveCurve"), &blue.abi_encode())?;
    steps.call(blue, &IMorpho::enableIrmCall { irm: rate_model });
    steps.call(blue, &IMorpho::enableLltvCall { lltv: LLTV });
    let mut markets = Vec::new();
    for collateral in [Asset::Weth, Asset::Wbtc] {
        let (Some(loaned), Some(pledged)) = (tokens.get(&LOAN), tokens.get(&collateral)) else {
            continue;
        };
        let decimals = |asset: Asset| U256::from(asset.decimals());
        let feeds = (pledged.feed, decimals(collateral), loaned.feed, decimals(LOAN));
        let oracle = steps.create((Origin::StandIn, "MorphoOracle"), &feeds.abi_encode_params())?;
        let params = MarketParams {
            loanToken: loaned.token,
            collateralToken: pledged.token,
            oracle,
            irm: rate_model,
            lltv: LLTV,
        };
        steps.call(blue, &IMorpho::createMarketCall { params: params.clone() });
        let id = keccak256(params.abi_encode());
        markets.push(MorphoMarket { id, params, loan: LOAN, collateral });
    }
    Ok(Morpho { blue, rate_model, markets })
}

/// The ERC-4626 stand-in.
pub(super) fn vault(steps: &mut Steps<'_>, morpho: &Morpho) -> Result<Address, LocalChainError> {
    let missing = || LocalChainError::UnknownMarket { name: "Morpho 0".to_owned() };
    let market = morpho.markets.first().ok_or_else(missing)?;
    let named = ("Local Lending USDC".to_owned(), "llUSDC".to_owned());
    let arguments = (morpho.blue, market.params.clone(), named.0, named.1).abi_encode_params();
    steps.create((Origin::StandIn, "LendingVault"), &arguments)
}
