//! Balancer V2 from its package: vault, fee provider, queries, and the factory of ComposableStable pools, version 3.

use super::exchanges::event_of;
use super::steps::Steps;
use crate::abi::{IBalancerVault, IStablePool, IStablePoolFactory};
use crate::{Call, LocalChain, LocalChainError, Origin};
use alloy::primitives::{Address, B256, Bytes, U256, uint};
use alloy::sol_types::SolValue;

/// The greatest share of yield and of assets that the protocol may ever take: a half, with 18 decimals.
const MOST_FEE: U256 = uint!(500_000_000_000_000_000_U256);
/// Gas of the creation of a pool.
const POOL_GAS: u64 = 8_000_000;
const DAY: u64 = 86_400;

/// The contracts of Balancer V2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balancer {
    /// Says who may do what; the deployer may grant everything.
    pub authorizer: Address,
    /// Holds every pool's tokens.
    pub vault: Address,
    /// `ProtocolFeePercentagesProvider`; every share is zero at first.
    pub fee_percentages: Address,
    /// `ComposableStablePoolFactory`, version 3.
    pub stable_factory: Address,
    /// `BalancerQueries`.
    pub queries: Address,
}

/// A token of a stable pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StableToken {
    /// The token.
    pub token: Address,
    /// What says its rate with 18 decimals; zero for a rate of one.
    pub rate_provider: Address,
    /// For how many seconds a rate that was read is good.
    pub cache_seconds: u64,
    /// Whether the protocol takes no share of its yield.
    pub is_exempt: bool,
}

/// A ComposableStable pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StablePool {
    /// The pool, which is its own token.
    pub address: Address,
    /// What the vault knows it by.
    pub id: B256,
    /// Its tokens as the vault orders them, with the pool's own among them.
    pub tokens: Vec<Address>,
}

pub(super) fn deploy(steps: &mut Steps<'_>, weth9: Address) -> Result<Balancer, LocalChainError> {
    let admin = steps.from();
    let authorizer = steps.create((Origin::Exchange, "Authorizer"), &admin.abi_encode())?;
    let windows = (U256::from(90 * DAY), U256::from(30 * DAY));
    let vault = steps.create(
        (Origin::Exchange, "Vault"),
        &(authorizer, weth9, windows.0, windows.1).abi_encode_params(),
    )?;
    let fee_percentages = steps.create(
        (Origin::Exchange, "ProtocolFeePercentagesProvider"),
        &(vault, MOST_FEE, MOST_FEE).abi_encode_params(),
    )?;
    let versions = ("1".to_owned(), "1".to_owned());
    let stable_factory = steps.create(
        (Origin::Exchange, "ComposableStablePoolFactory"),
        &(vault, fee_percentages, versions.0, versions.1).abi_encode_params(),
    )?;
    let queries = steps.create((Origin::Exchange, "BalancerQueries"), &vault.abi_encode())?;
    Ok(Balancer { authorizer, vault, fee_percentages, stable_factory, queries })
}

impl Balancer {
    /// Makes a stable pool; `from` owns it. `tokens` are put in the vault's order.
    ///
    /// # Units
    /// `amplification` between 1 and 5,000; `swap_fee` with 18 decimals, 1e12 to 1e17.
    ///
    /// # Errors
    /// [`LocalChainError::Reverted`] when the factory refuses.
    pub async fn create_stable_pool(
        &self,
        chain: &LocalChain,
        from: Address,
        tokens: &[StableToken],
        (amplification, swap_fee): (u64, U256),
    ) -> Result<StablePool, LocalChainError> {
        let mut tokens = tokens.to_vec();
        tokens.sort_by_key(|token| token.token);
        let create = IStablePoolFactory::createCall {
            name: "Local stable pool".to_owned(),
            symbol: "BPT".to_owned(),
            tokens: tokens.iter().map(|token| token.token).collect(),
            amplificationParameter: U256::from(amplification),
            rateProviders: tokens.iter().map(|token| token.rate_provider).collect(),
            tokenRateCacheDurations: tokens
                .iter()
                .map(|token| U256::from(token.cache_seconds))
                .collect(),
            exemptFromYieldProtocolFeeFlags: tokens.iter().map(|token| token.is_exempt).collect(),
            swapFeePercentage: swap_fee,
            owner: from,
        };
        let call = Call::new(from, self.stable_factory, &create).with_gas(POOL_GAS);
        let address = event_of::<IStablePoolFactory::PoolCreated>(chain, call).await?.pool;
        let id = chain.call(address, &IStablePool::getPoolIdCall {}).await?;
        let held = IBalancerVault::getPoolTokensCall { poolId: id };
        let held = chain.call(self.vault, &held).await?;
        Ok(StablePool { address, id, tokens: held.tokens })
    }

    /// Returns the transaction that puts a pool's first tokens in. `amounts` are in the vault's order, without the
    /// pool's own token.
    #[must_use]
    pub fn initialize(&self, from: Address, pool: &StablePool, amounts: &[U256]) -> Call {
        let mut with_own = Vec::with_capacity(pool.tokens.len());
        let mut rest = amounts.iter();
        for token in &pool.tokens {
            let own = *token == pool.address;
            with_own.push(if own { U256::ZERO } else { rest.next().copied().unwrap_or_default() });
        }
        self.join(from, pool, (U256::ZERO, with_own).abi_encode_params().into())
    }

    /// Returns the transaction that joins a pool; `user_data` says how, see `StablePoolUserData` of Balancer.
    #[must_use]
    pub fn join(&self, from: Address, pool: &StablePool, user_data: Bytes) -> Call {
        let request = IBalancerVault::JoinPoolRequest {
            assets: pool.tokens.clone(),
            maxAmountsIn: vec![U256::MAX; pool.tokens.len()],
            userData: user_data,
            fromInternalBalance: false,
        };
        let (sender, recipient) = (from, from);
        let join = IBalancerVault::joinPoolCall { poolId: pool.id, sender, recipient, request };
        Call::new(from, self.vault, &join)
    }

    /// Returns the transaction that exits a pool; `user_data` says how.
    #[must_use]
    pub fn exit(&self, from: Address, pool: &StablePool, user_data: Bytes) -> Call {
        let request = IBalancerVault::ExitPoolRequest {
            assets: pool.tokens.clone(),
            minAmountsOut: vec![U256::ZERO; pool.tokens.len()],
            userData: user_data,
            toInternalBalance: false,
        };
        let (sender, recipient) = (from, from);
        let exit = IBalancerVault::exitPoolCall { poolId: pool.id, sender, recipient, request };
        Call::new(from, self.vault, &exit)
    }

    /// Returns the transaction that swaps. Given in, `amount` is what is sold; given out, what is bought.
    #[must_use]
    pub fn swap(
        &self,
        from: Address,
        pool: &StablePool,
        (token_in, token_out): (Address, Address),
        (is_given_in, amount): (bool, U256),
    ) -> Call {
        let (single, funds, limit) =
            swap_arguments(from, pool, (token_in, token_out), (is_given_in, amount));
        let deadline = U256::MAX;
        let swap = IBalancerVault::swapCall { singleSwap: single, funds, limit, deadline };
        Call::new(from, self.vault, &swap)
    }
}

fn swap_arguments(
    from: Address,
    pool: &StablePool,
    (token_in, token_out): (Address, Address),
    (is_given_in, amount): (bool, U256),
) -> (IBalancerVault::SingleSwap, IBalancerVault::FundManagement, U256) {
    let single = IBalancerVault::SingleSwap {
        poolId: pool.id,
        kind: u8::from(!is_given_in),
        assetIn: token_in,
        assetOut: token_out,
        amount,
        userData: Bytes::new(),
    };
    let funds = IBalancerVault::FundManagement {
        sender: from,
        fromInternalBalance: false,
        recipient: from,
        toInternalBalance: false,
    };
    (single, funds, if is_given_in { U256::ZERO } else { U256::MAX })
}
