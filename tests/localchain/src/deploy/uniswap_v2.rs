//! Uniswap V2 from its packages: factory and router; and StakingRewards for those who hold its pairs.

use super::exchanges::first_event;
use super::steps::Steps;
use crate::abi::{IStakingRewards, IToken, IUniswapV2Factory, IUniswapV2Pair, IUniswapV2Router};
use crate::{Artifacts, Call, LocalChain, LocalChainError, Origin};
use alloy::primitives::{Address, U256};
use alloy::sol_types::SolValue;
use std::collections::BTreeMap;

/// Gas of the creation of a pair.
const PAIR_GAS: u64 = 4_000_000;

/// The contracts of Uniswap V2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UniswapV2 {
    /// Makes pairs; the deployer sets who gets the protocol's share of fees, at first nobody.
    pub factory: Address,
    /// `UniswapV2Router02`.
    pub router: Address,
}

pub(super) fn deploy(steps: &mut Steps<'_>, weth9: Address) -> Result<UniswapV2, LocalChainError> {
    let setter = steps.from();
    let factory = steps.create((Origin::Exchange, "UniswapV2Factory"), &setter.abi_encode())?;
    let both = (factory, weth9).abi_encode_params();
    let router = steps.create((Origin::Exchange, "UniswapV2Router02"), &both)?;
    Ok(UniswapV2 { factory, router })
}

impl UniswapV2 {
    /// Makes a pair and returns where it is.
    ///
    /// # Errors
    /// [`LocalChainError::Reverted`] when it exists already.
    pub async fn create_pair(
        &self,
        chain: &LocalChain,
        from: Address,
        (token_a, token_b): (Address, Address),
    ) -> Result<Address, LocalChainError> {
        let create = IUniswapV2Factory::createPairCall { tokenA: token_a, tokenB: token_b };
        chain.execute(&[Call::new(from, self.factory, &create).with_gas(PAIR_GAS)]).await?;
        let found = IUniswapV2Factory::getPairCall { tokenA: token_a, tokenB: token_b };
        chain.call(self.factory, &found).await
    }

    /// Pays both tokens in, at most these amounts, and returns the liquidity got. The account has to have
    /// approved the router.
    ///
    /// # Errors
    /// [`LocalChainError::Reverted`] when the router refuses.
    pub async fn add_liquidity(
        &self,
        chain: &LocalChain,
        from: Address,
        ((token_a, amount_a), (token_b, amount_b)): ((Address, U256), (Address, U256)),
    ) -> Result<U256, LocalChainError> {
        let add = IUniswapV2Router::addLiquidityCall {
            tokenA: token_a,
            tokenB: token_b,
            amountADesired: amount_a,
            amountBDesired: amount_b,
            amountAMin: U256::ZERO,
            amountBMin: U256::ZERO,
            to: from,
            deadline: U256::MAX,
        };
        let receipts = chain.execute(&[Call::new(from, self.router, &add)]).await?;
        // The last transfer of the pair's own token is the one to the provider.
        let mut logs = receipts.iter().flat_map(|receipt| receipt.logs());
        let minted = logs.find_map(|log| {
            let transfer = log.log_decode::<IUniswapV2Pair::Transfer>().ok()?.inner.data;
            (transfer.from.is_zero() && transfer.to == from).then_some(transfer.value)
        });
        let _: IUniswapV2Pair::Mint = first_event(&receipts)?;
        minted.ok_or_else(|| LocalChainError::Answer {
            method: "addLiquidity",
            found: "no transfer of the pair's token".to_owned(),
        })
    }

    /// Returns the transaction that sells `amount` of `token_in` for `token_out` at whatever it brings.
    #[must_use]
    pub fn sell(
        &self,
        from: Address,
        (token_in, token_out): (Address, Address),
        amount: U256,
    ) -> Call {
        let swap = IUniswapV2Router::swapExactTokensForTokensCall {
            amountIn: amount,
            amountOutMin: U256::ZERO,
            path: vec![token_in, token_out],
            to: from,
            deadline: U256::MAX,
        };
        Call::new(from, self.router, &swap)
    }
}

/// Deploys a StakingRewards in which `staked` earns `reward`, both token contracts, and begins its first campaign of
/// 60 days with `amount` raw units, which `distributor` has to hold.
///
/// # Errors
/// [`LocalChainError`] when a step reverts.
pub async fn deploy_staking_rewards(
    chain: &LocalChain,
    artifacts: &Artifacts,
    distributor: Address,
    (staked, reward, amount): (Address, Address, U256),
) -> Result<Address, LocalChainError> {
    let arguments = (distributor, reward, staked).abi_encode_params();
    let artifact = artifacts.read(Origin::Exchange, "StakingRewards")?;
    let rewards =
        chain.create(distributor, artifact.creation(&BTreeMap::new(), &arguments)?).await?;
    chain
        .execute(&[
            Call::new(distributor, reward, &IToken::transferCall { to: rewards, amount }),
            Call::new(
                distributor,
                rewards,
                &IStakingRewards::notifyRewardAmountCall { reward: amount },
            ),
        ])
        .await?;
    Ok(rewards)
}
