//! A vault with money in it on a local chain, two markets to move it to, and a key to move it with.

use crate::abi::{
    Bounds, Config, depositCall, listCall, listMarketCall, planCountCall, submitCall,
};
use alloy::primitives::{Address, U256, hex};
use alloy::sol_types::{SolCall, SolValue};
use plimsoll_localchain::abi::IToken;
use plimsoll_localchain::{
    Artifacts, Asset, Call, ChainSettings, Deployment, LocalChain, LocalChainError, Origin, deploy,
};
use std::collections::BTreeMap;

/// One million of a token with six decimals: what is in the vault at first.
pub const MILLION: u64 = 1_000_000_000_000;
/// Gas of the transaction that creates the vault.
const VAULT_GAS: u64 = 12_000_000;

/// What keeps a plan from being carried out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The real vault, and the engine.
    Vault,
    /// The engine alone: the stand-in `ForgetfulVault` carries out whatever it is told.
    EngineAlone,
}

/// A vault with money in it, on a chain of its own.
#[derive(Debug)]
pub struct Stage {
    /// The chain.
    pub chain: LocalChain,
    /// Everything else on it.
    pub deployment: Deployment,
    /// The vault.
    pub vault: Address,
    /// Its markets: one over an ERC-4626 vault, one over Aave.
    pub markets: [Address; 2],
    /// The address of the engine's key.
    pub engine: Address,
    /// The key, public knowledge.
    pub key: String,
}

impl Stage {
    /// Starts a chain and puts everything on it, in about half a second.
    ///
    /// # Errors
    /// [`LocalChainError`].
    pub async fn set(artifacts: &Artifacts, guard: Guard) -> Result<Stage, LocalChainError> {
        let chain = LocalChain::start(artifacts, ChainSettings::default()).await?;
        let deployment = deploy(&chain, artifacts).await?;
        let account = |place: usize| chain.accounts().get(place).copied().unwrap_or_default();
        let (engine, owner, curator) = (account(1), account(2), account(3));
        let key = chain.keys().nth(1).map(hex::encode).unwrap_or_default();
        let asset = deployment.token(Asset::Usdc)?.token;
        let create = async |(origin, name): (Origin, &str), arguments: Vec<u8>| {
            let code = artifacts.read(origin, name)?.creation(&BTreeMap::new(), &arguments)?;
            let call = Call::create(deployment.admin, code).with_gas(VAULT_GAS);
            let receipts = chain.execute(&[call]).await?;
            let address = receipts.first().and_then(|receipt| receipt.contract_address);
            address.ok_or_else(|| LocalChainError::Answer {
                method: "eth_getTransactionReceipt",
                found: "no address of a created contract".to_owned(),
            })
        };
        let vault = match guard {
            Guard::Vault => {
                let roles = [owner, curator, engine, account(4)];
                let config = (config(asset, roles),).abi_encode_params();
                create((Origin::Plimsoll, "Vault"), config).await?
            }
            Guard::EngineAlone => {
                create((Origin::StandIn, "ForgetfulVault"), (asset, engine).abi_encode()).await?
            }
        };
        let inner = (vault, asset, deployment.vault).abi_encode();
        let a_token = deployment.aave.reserves.get(&Asset::Usdc).map(|reserve| reserve.a_token);
        let reserve = (vault, asset, a_token.unwrap_or_default()).abi_encode();
        let markets = [
            create((Origin::Plimsoll, "Erc4626Market"), inner).await?,
            create((Origin::Plimsoll, "AaveV3Market"), reserve).await?,
        ];
        let stage = Stage { chain, deployment, vault, markets, engine, key };
        stage.fill(guard, (asset, curator)).await?;
        Ok(stage)
    }

    /// Lists the markets and puts a million in.
    async fn fill(
        &self,
        guard: Guard,
        (asset, curator): (Address, Address),
    ) -> Result<(), LocalChainError> {
        let (vault, amount) = (self.vault, U256::from(MILLION));
        let admin = self.deployment.admin;
        let depositor = self.chain.accounts().get(5).copied().unwrap_or_default();
        let mut calls = Vec::new();
        for market in self.markets {
            match guard {
                Guard::Vault => {
                    let list =
                        listMarketCall { market, absoluteCap: u128::MAX, relativeCapBps: 10_000 };
                    let submit = submitCall { data: list.abi_encode().into() };
                    calls.push(Call::new(curator, vault, &submit));
                    calls.push(Call::new(curator, vault, &list));
                }
                Guard::EngineAlone => calls.push(Call::new(admin, vault, &listCall { market })),
            }
        }
        let mint = |to| Call::new(admin, asset, &IToken::mintCall { to, amount });
        match guard {
            Guard::Vault => {
                let approve = IToken::approveCall { spender: vault, amount };
                let deposit = depositCall { assets: amount, receiver: depositor };
                calls.push(mint(depositor));
                calls.push(Call::new(depositor, asset, &approve));
                calls.push(Call::new(depositor, vault, &deposit));
            }
            Guard::EngineAlone => calls.push(mint(vault)),
        }
        for call in calls {
            self.chain.execute(&[call]).await?;
        }
        Ok(())
    }

    /// How many plans the vault carried out.
    ///
    /// # Errors
    /// [`LocalChainError`].
    pub async fn plan_count(&self) -> Result<u64, LocalChainError> {
        Ok(self.chain.call(self.vault, &planCountCall {}).await?.saturating_to())
    }
}

fn config(asset: Address, [owner, curator, allocator, guardian]: [Address; 4]) -> Config {
    Config {
        asset,
        name: "Plimsoll USDC".to_owned(),
        symbol: "pUSDC".to_owned(),
        owner,
        curator,
        allocator,
        guardian,
        soleDepositor: Address::ZERO,
        ownerDelay: 259_200,
        curatorDelay: 86_400,
        fadePeriod: 86_400,
        bounds: Bounds { turnoverBps: 10_000, moveLossBps: 10, dayLossBps: 10, monthLossBps: 50 },
    }
}
