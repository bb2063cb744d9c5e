//! Uniswap V3 from its packages: factory, position manager with the library of its descriptor linked, router,
//! quoter, tick lens; and the staker that rewards positions.

use super::exchanges::event_of;
use super::steps::Steps;
use crate::abi::{
    IPositionManager, ISwapRouter, IUniswapV3Factory, IUniswapV3Staker, IncentiveKey,
};
use crate::{Call, LocalChain, LocalChainError, Origin};
use alloy::primitives::{Address, B256, FixedBytes, U160, U256, aliases::U24, keccak256};
use alloy::sol_types::SolValue;

/// How long before its start a campaign may be announced, and how long it may last, in seconds: as on the main network.
const STAKER_BOUNDS: (u64, u64) = (30 * 86_400, 2 * 365 * 86_400);
/// Gas of the creation of a pool.
const POOL_GAS: u64 = 6_000_000;

/// The contracts of Uniswap V3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UniswapV3 {
    /// Makes pools; owned by the deployer, who sets the protocol's share of fees.
    pub factory: Address,
    /// `NonfungiblePositionManager`: holds positions and names their owners.
    pub positions: Address,
    /// `SwapRouter`.
    pub router: Address,
    /// `QuoterV2`.
    pub quoter: Address,
    /// `TickLens`.
    pub tick_lens: Address,
    /// `UniswapV3Staker`.
    pub staker: Address,
}

/// A position that the manager opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedPosition {
    /// The token that names it.
    pub id: U256,
    /// Its liquidity.
    pub liquidity: u128,
    /// What was paid in, raw units of token 0 and token 1.
    pub amounts: (U256, U256),
}

pub(super) fn deploy(steps: &mut Steps<'_>, weth9: Address) -> Result<UniswapV3, LocalChainError> {
    let factory = steps.create((Origin::Exchange, "UniswapV3Factory"), &[])?;
    steps.library((Origin::Exchange, "NFTDescriptor"))?;
    let label = FixedBytes::<32>::right_padding_from(b"ETH");
    let descriptor = steps.create(
        (Origin::Exchange, "NonfungibleTokenPositionDescriptor"),
        &(weth9, label).abi_encode_params(),
    )?;
    let two = (factory, weth9).abi_encode_params();
    let positions = steps.create(
        (Origin::Exchange, "NonfungiblePositionManager"),
        &(factory, weth9, descriptor).abi_encode_params(),
    )?;
    let router = steps.create((Origin::Exchange, "SwapRouter"), &two)?;
    let quoter = steps.create((Origin::Exchange, "QuoterV2"), &two)?;
    let tick_lens = steps.create((Origin::Exchange, "TickLens"), &[])?;
    let (lead, duration) = (U256::from(STAKER_BOUNDS.0), U256::from(STAKER_BOUNDS.1));
    let staker = steps.create(
        (Origin::Exchange, "UniswapV3Staker"),
        &(factory, positions, lead, duration).abi_encode_params(),
    )?;
    Ok(UniswapV3 { factory, positions, router, quoter, tick_lens, staker })
}

impl UniswapV3 {
    /// Makes a pool of two tokens at a price and returns where it is. `fee` is in millionths: 100 is not known
    /// to this factory, 500, 3,000 and 10,000 are.
    ///
    /// # Units
    /// `sqrt_price_x96`: the root of raw token 1 per raw token 0, in Q64.96, token 0 being the lower address.
    ///
    /// # Errors
    /// [`LocalChainError::Reverted`] for a fee or a price that Uniswap refuses.
    pub async fn create_pool(
        &self,
        chain: &LocalChain,
        from: Address,
        (token_a, token_b): (Address, Address),
        (fee, sqrt_price_x96): (u32, U160),
    ) -> Result<Address, LocalChainError> {
        let fee = U24::saturating_from(fee);
        let (token0, token1) = (token_a.min(token_b), token_a.max(token_b));
        let create = IPositionManager::createAndInitializePoolIfNecessaryCall {
            token0,
            token1,
            fee,
            sqrtPriceX96: sqrt_price_x96,
        };
        let call = Call::new(from, self.positions, &create).with_gas(POOL_GAS);
        chain.execute(&[call]).await?;
        let found = IUniswapV3Factory::getPoolCall { tokenA: token0, tokenB: token1, fee };
        chain.call(self.factory, &found).await
    }

    /// Opens a position; its owner has to have approved the manager.
    ///
    /// # Errors
    /// [`LocalChainError::Reverted`] when the manager refuses.
    pub async fn open(
        &self,
        chain: &LocalChain,
        from: Address,
        params: IPositionManager::MintParams,
    ) -> Result<OpenedPosition, LocalChainError> {
        let call = Call::new(from, self.positions, &IPositionManager::mintCall { params });
        let opened: IPositionManager::IncreaseLiquidity = event_of(chain, call).await?;
        let amounts = (opened.amount0, opened.amount1);
        Ok(OpenedPosition { id: opened.tokenId, liquidity: opened.liquidity, amounts })
    }

    /// Returns the transaction that sells `amount` of `token_in` for `token_out` at whatever it brings.
    #[must_use]
    pub fn sell(
        &self,
        from: Address,
        (token_in, token_out, fee): (Address, Address, u32),
        amount: U256,
    ) -> Call {
        let params = ISwapRouter::ExactInputSingleParams {
            tokenIn: token_in,
            tokenOut: token_out,
            fee: U24::saturating_from(fee),
            recipient: from,
            deadline: U256::MAX,
            amountIn: amount,
            amountOutMinimum: U256::ZERO,
            sqrtPriceLimitX96: U160::ZERO,
        };
        Call::new(from, self.router, &ISwapRouter::exactInputSingleCall { params })
    }

    /// Returns the transaction that begins a campaign: `reward` raw units, from an account that has approved the staker.
    #[must_use]
    pub fn create_incentive(&self, from: Address, key: &IncentiveKey, reward: U256) -> Call {
        let create = IUniswapV3Staker::createIncentiveCall { key: key.clone(), reward };
        Call::new(from, self.staker, &create)
    }

    /// Returns the transaction that sends a position to the staker and stakes it in a campaign that has begun.
    #[must_use]
    pub fn stake(&self, owner: Address, id: U256, key: &IncentiveKey) -> Call {
        let transfer = IPositionManager::safeTransferFromCall {
            from: owner,
            to: self.staker,
            tokenId: id,
            data: key.abi_encode().into(),
        };
        Call::new(owner, self.positions, &transfer)
    }
}

/// Returns what names a campaign in the staker.
#[must_use]
pub fn incentive_id(key: &IncentiveKey) -> B256 {
    keccak256(key.abi_encode())
}
