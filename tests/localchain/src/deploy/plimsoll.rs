//! A Plimsoll vault for USDC with a market contract for each lending market of the deployment.

use super::Deployment;
use super::tokens::Asset;
use crate::abi::{IPlimsollVault, IToken, MarketParams, VaultBounds, VaultConfig};
use crate::{Artifacts, Call, LocalChain, LocalChainError, Origin};
use alloy::primitives::{Address, U256};
use alloy::sol_types::{SolCall, SolValue};
use std::collections::BTreeMap;

/// Gas of the vault's creation.
const CREATION_GAS: u64 = 12_000_000;
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
    /// The USDC reserve of Aave V3.
    Aave,
    /// A market of Morpho Blue, by its place in the deployment.
    Morpho(usize),
    /// The ERC-4626 stand-in.
    Erc4626,
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
    let usdc = deployment.token(Asset::Usdc)?.token;
    let admin = deployment.admin;
    let created = async |name: &str, arguments: Vec<u8>| -> Result<Address, LocalChainError> {
        let artifact = artifacts.read(Origin::Plimsoll, name)?;
        let code = artifact.creation(&BTreeMap::new(), &arguments)?;
        let call = Call::create(admin, code).with_gas(CREATION_GAS);
        let receipts = chain.execute(&[call]).await?;
        let created = receipts.first().and_then(|receipt| receipt.contract_address);
        created.ok_or_else(|| LocalChainError::UnknownMarket { name: name.to_owned() })
    };
    let config = VaultConfig {
        asset: usdc,
        name: "Plimsoll USDC".to_owned(),
        symbol: "pUSDC".to_owned(),
        owner: roles.owner,
        curator: roles.curator,
        allocator: roles.allocator,
        guardian: roles.guardian,
        soleDepositor: Address::ZERO,
        ownerDelay: 3 * DAY,
        curatorDelay: DAY,
        fadePeriod: DAY,
        bounds: VaultBounds {
            turnoverBps: 10_000,
            moveLossBps: 10,
            dayLossBps: 10,
            monthLossBps: 50,
        },
    };
    let vault = created("Vault", (config,).abi_encode_params()).await?;
    let mut markets = Vec::new();
    if let Some(reserve) = deployment.aave.reserves.get(&Asset::Usdc) {
        let arguments = (vault, usdc, reserve.a_token).abi_encode_params();
        markets.push((VaultMarket::Aave, created("AaveV3Market", arguments).await?));
    }
    for (place, market) in deployment.morpho.markets.iter().enumerate() {
        let arguments: (Address, Address, Address, MarketParams) =
            (vault, usdc, deployment.morpho.blue, market.params.clone());
        let contract = created("MorphoBlueMarket", arguments.abi_encode_params()).await?;
        markets.push((VaultMarket::Morpho(place), contract));
    }
    let arguments = (vault, usdc, deployment.vault).abi_encode_params();
    markets.push((VaultMarket::Erc4626, created("Erc4626Market", arguments).await?));
    for (_, market) in &markets {
        let list = IPlimsollVault::listMarketCall {
            market: *market,
            absoluteCap: u128::MAX,
            relativeCapBps: 10_000,
        };
        let submit = IPlimsollVault::submitCall { data: list.abi_encode().into() };
        for call in
            [Call::new(roles.curator, vault, &submit), Call::new(roles.curator, vault, &list)]
        {
            chain.execute(&[call.with_gas(CREATION_GAS)]).await?;
        }
    }
    Ok(PlimsollVault { address: vault, asset: usdc, markets, roles })
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
