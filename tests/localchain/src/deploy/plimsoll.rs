//! A Plimsoll vault for USDC with a market contract for each lending market of the deployment, and the steps that other
//! vaults are made of.

use super::Deployment;
use super::steps::Steps;
use super::tokens::Asset;
use crate::abi::{IPlimsollVault, IToken, MarketParams, VaultBounds, VaultConfig};
use crate::{Artifacts, Call, LocalChain, LocalChainError, Origin};
use alloy::primitives::{Address, U256};
use alloy::sol_types::{SolCall, SolValue};

/// Gas of the vault's creation.
pub(super) const CREATION_GAS: u64 = 12_000_000;
/// Gas of listing a market.
const LISTING_GAS: u64 = 3_000_000;
/// Seconds in a day.
const DAY: u32 = 86_400;

/// Who holds which role. The allocator is the engine's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultRoles {
    /// Changes roles and bounds.
    pub owner: Address,
    /// Lists markets.
    pub curator: Address,
    /// Moves money.
    pub allocator: Address,
    /// Pauses.
    pub guardian: Address,
}

/// A lending market that the vault has a contract for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VaultMarket {
    /// The reserve of the vault's asset on Aave V3.
    Aave,
    /// A market of Morpho Blue, by its place in the deployment.
    Morpho(usize),
    /// The ERC-4626 stand-in.
    Erc4626,
    /// A range of a Uniswap V3 pool.
    UniswapV3,
    /// Shares of a Uniswap V2 pair, staked.
    UniswapV2,
    /// Shares of a Balancer stable pool.
    BalancerStable,
    /// Staked ether.
    StakedEth,
}

impl VaultMarket {
    /// Whether what is there is worth what an oracle says.
    #[must_use]
    pub fn is_priced(self) -> bool {
        match self {
            VaultMarket::Aave | VaultMarket::Morpho(_) | VaultMarket::Erc4626 => false,
            VaultMarket::UniswapV3
            | VaultMarket::UniswapV2
            | VaultMarket::BalancerStable
            | VaultMarket::StakedEth => true,
        }
    }
}

/// A vault with its markets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlimsollVault {
    /// The vault.
    pub address: Address,
    /// Its asset.
    pub asset: Address,
    /// The market contracts, in the order in which leaving draws on them.
    pub markets: Vec<(VaultMarket, Address)>,
    /// Who holds which role.
    pub roles: VaultRoles,
}

impl PlimsollVault {
    /// The market contract of `market`.
    #[must_use]
    pub fn contract(&self, market: VaultMarket) -> Option<Address> {
        self.markets.iter().find(|(known, _)| *known == market).map(|(_, contract)| *contract)
    }
}

/// Deploys a vault that lends USDC in every market of `deployment`: caps as wide as they can be, loss bounds of
/// 10 bp a day and 50 bp in 30 days, delays of a day for the curator and three for the owner.
///
/// # Errors
/// [`LocalChainError`] when an artifact is missing or a step reverts.
pub async fn deploy_vault(
    chain: &LocalChain,
    artifacts: &Artifacts,
    deployment: &Deployment,
    roles: VaultRoles,
) -> Result<PlimsollVault, LocalChainError> {
    let asset = deployment.token(Asset::Usdc)?.token;
    let mut steps = Steps::start(chain, artifacts).await?;
    let bounds =
        VaultBounds { turnoverBps: 10_000, moveLossBps: 10, dayLossBps: 10, monthLossBps: 50 };
    let address = vault(&mut steps, (asset, "USDC"), (roles, bounds))?;
    let markets = lending_markets(&mut steps, deployment, address)?;
    for (_, market) in &markets {
        for call in listing(roles.curator, address, (*market, 10_000)) {
            steps.add(call);
        }
    }
    steps.finish().await?;
    Ok(PlimsollVault { address, asset, markets, roles })
}

/// The vault itself, without markets.
pub(super) fn vault(
    steps: &mut Steps<'_>,
    (asset, symbol): (Address, &str),
    (roles, bounds): (VaultRoles, VaultBounds),
) -> Result<Address, LocalChainError> {
    let config = VaultConfig {
        asset,
        name: format!("Plimsoll {symbol}"),
        symbol: format!("p{symbol}"),
        owner: roles.owner,
        curator: roles.curator,
        allocator: roles.allocator,
        guardian: roles.guardian,
        soleDepositor: Address::ZERO,
        ownerDelay: 3 * DAY,
        curatorDelay: DAY,
        fadePeriod: DAY,
        bounds,
    };
    let arguments = (config,).abi_encode_params();
    steps.create_with_gas((Origin::Plimsoll, "Vault"), &arguments, CREATION_GAS)
}

/// The market contracts of a vault of USDC for all that lends it.
pub(super) fn lending_markets(
    steps: &mut Steps<'_>,
    deployment: &Deployment,
    vault: Address,
) -> Result<Vec<(VaultMarket, Address)>, LocalChainError> {
    let usdc = deployment.token(Asset::Usdc)?.token;
    let mut markets = aave_market(steps, deployment, (vault, Asset::Usdc))?;
    for (place, market) in deployment.morpho.markets.iter().enumerate() {
        let arguments: (Address, Address, Address, MarketParams) =
            (vault, usdc, deployment.morpho.blue, market.params.clone());
        let name = (Origin::Plimsoll, "MorphoBlueMarket");
        let contract = steps.create_with_gas(name, &arguments.abi_encode_params(), CREATION_GAS)?;
        markets.push((VaultMarket::Morpho(place), contract));
    }
    let arguments = (vault, usdc, deployment.vault).abi_encode_params();
    let name = (Origin::Plimsoll, "Erc4626Market");
    let contract = steps.create_with_gas(name, &arguments, CREATION_GAS)?;
    markets.push((VaultMarket::Erc4626, contract));
    Ok(markets)
}

/// The market contract of a vault for the reserve of its asset on Aave, where there is one.
pub(super) fn aave_market(
    steps: &mut Steps<'_>,
    deployment: &Deployment,
    (vault, asset): (Address, Asset),
) -> Result<Vec<(VaultMarket, Address)>, LocalChainError> {
    let Some(reserve) = deployment.aave.reserves.get(&asset) else { return Ok(Vec::new()) };
    let arguments = (vault, reserve.token, reserve.a_token).abi_encode_params();
    let name = (Origin::Plimsoll, "AaveV3Market");
    let contract = steps.create_with_gas(name, &arguments, CREATION_GAS)?;
    Ok(vec![(VaultMarket::Aave, contract)])
}

/// The curator's two transactions that list a market with a relative cap, while nothing waits yet.
pub(super) fn listing(
    curator: Address,
    vault: Address,
    (market, cap_bps): (Address, u16),
) -> [Call; 2] {
    let list =
        IPlimsollVault::listMarketCall { market, absoluteCap: u128::MAX, relativeCapBps: cap_bps };
    let submit = IPlimsollVault::submitCall { data: list.abi_encode().into() };
    [Call::new(curator, vault, &submit), Call::new(curator, vault, &list)]
        .map(|call| call.with_gas(LISTING_GAS))
}

/// Gives `depositor` so much of the vault's asset and has it deposited.
///
/// # Errors
/// [`LocalChainError`] when a step reverts.
pub async fn deposit(
    chain: &LocalChain,
    deployment: &Deployment,
    vault: &PlimsollVault,
    (depositor, amount): (Address, U256),
) -> Result<(), LocalChainError> {
    // A depositor that nobody knows needs gas too.
    chain.set_balance(depositor, U256::from(10).pow(U256::from(20))).await?;
    let mint = IToken::mintCall { to: depositor, amount };
    let approve = IToken::approveCall { spender: vault.address, amount };
    let deposit = IPlimsollVault::depositCall { assets: amount, receiver: depositor };
    for call in [
        Call::new(deployment.admin, vault.asset, &mint),
        Call::new(depositor, vault.asset, &approve),
        Call::new(depositor, vault.address, &deposit).with_gas(CREATION_GAS),
    ] {
        chain.execute(&[call]).await?;
    }
    Ok(())
}
