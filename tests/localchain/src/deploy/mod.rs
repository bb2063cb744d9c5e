//! Puts the contracts on a chain: tokens with their price feeds, Aave V3, Morpho Blue with a
//! re-implemented rate model, and a stand-in for a curated lending vault.
//!
//! The protocols' own bytecode is unmodified. Prices, tokens, Morpho's oracle and rate model, and
//! the vault are stand-ins from `contracts/local`, and named so there.

mod aave;
mod aave_v3_2;
mod balancer;
mod exchanges;
mod morpho;
mod plimsoll;
mod steps;
mod tokens;
mod uniswap_v2;
mod uniswap_v3;
pub(crate) mod world;

pub use aave::{Aave, AaveReserve, ReserveSettings};
pub use aave_v3_2::{AaveV3_2, Campaign, deploy_aave_v3_2};
pub use balancer::{Balancer, StablePool, StableToken};
pub use exchanges::{Exchanges, deploy_exchanges};
pub use morpho::{Morpho, MorphoMarket};
pub use plimsoll::{PlimsollVault, VaultMarket, VaultRoles, deploy_vault, deposit};
pub use tokens::{Asset, TokenAndFeed};
pub use uniswap_v2::{UniswapV2, deploy_staking_rewards};
pub use uniswap_v3::{OpenedPosition, UniswapV3, incentive_id};
pub use world::{
    BothRoles, Pair, PoolToken, Pools, RangePool, StakedEther, World, WorldSettings, deploy_world,
    take_fee_on_transfer,
};

use crate::{Artifacts, LocalChain, LocalChainError};
use alloy::primitives::{Address, Bytes, U256, address, uint};
use alloy::rpc::types::TransactionRequest;
use serde_json::json;
use std::collections::BTreeMap;
use steps::Steps;

/// Where Multicall3 is on every chain.
pub const MULTICALL3: Address = address!("0xcA11bde05977b3631167028862bE2a173976CA11");
/// The ether behind the token WETH, in wei: a billion whole ones.
const ETHER_BEHIND: U256 = uint!(1_000_000_000_000_000_000_000_000_000_U256);

/// Every contract that [`deploy()`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Who deployed and administers all of it.
    pub admin: Address,
    /// The canonical multicall.
    pub multicall3: Address,
    /// The tokens with their price feeds.
    pub tokens: BTreeMap<Asset, TokenAndFeed>,
    /// Aave V3.
    pub aave: Aave,
    /// Morpho Blue.
    pub morpho: Morpho,
    /// The ERC-4626 stand-in; it lends USDC in the first of Morpho's markets.
    pub vault: Address,
}

impl Deployment {
    /// Returns an asset's token and feed.
    ///
    /// # Errors
    /// Never for a deployment from [`deploy()`], which has them all.
    pub fn token(&self, asset: Asset) -> Result<TokenAndFeed, LocalChainError> {
        let missing = || LocalChainError::UnknownMarket { name: format!("{asset:?}") };
        self.tokens.get(&asset).copied().ok_or_else(missing)
    }
}

/// Deploys everything from the first development account, in about two seconds.
///
/// # Errors
/// [`LocalChainError`] when an artifact is missing or a step reverts.
pub async fn deploy(
    chain: &LocalChain,
    artifacts: &Artifacts,
) -> Result<Deployment, LocalChainError> {
    place_multicall3(chain, artifacts).await?;
    let mut steps = Steps::start(chain, artifacts).await?;
    let tokens = tokens::deploy(&mut steps)?;
    let aave = aave::deploy(&mut steps, &tokens)?;
    let morpho = morpho::deploy(&mut steps, &tokens)?;
    let vault = morpho::vault(&mut steps, &morpho)?;
    let admin = steps.from();
    steps.finish().await?;
    if let Some(weth) = tokens.get(&Asset::Weth) {
        chain.set_balance(weth.token, ETHER_BEHIND).await?;
    }
    let aave = aave.read(chain).await?;
    Ok(Deployment { admin, multicall3: MULTICALL3, tokens, aave, morpho, vault })
}

/// Puts the canonical code at the canonical address, which no key of ours could reach.
async fn place_multicall3(
    chain: &LocalChain,
    artifacts: &Artifacts,
) -> Result<(), LocalChainError> {
    let creation = TransactionRequest::default().input(artifacts.multicall3()?.into());
    let code: Bytes = chain.request("eth_call", json!([creation, "latest"])).await?;
    chain.set_code(MULTICALL3, &code).await
}
