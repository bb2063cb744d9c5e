//! The exchanges of the local chain: WETH9, Uniswap V3 with its staker, Uniswap V2 with StakingRewards, Balancer V2.
//! All of it is unmodified bytecode; pools, positions and campaigns are made by what uses them.

use super::steps::Steps;
use super::{Balancer, UniswapV2, UniswapV3, balancer, uniswap_v2, uniswap_v3};
use crate::abi::IToken;
use crate::{Artifacts, Call, LocalChain, LocalChainError, Origin};
use alloy::primitives::{Address, U256};
use alloy::rpc::types::TransactionReceipt;
use alloy::sol_types::SolEvent;

/// Every contract that [`deploy_exchanges`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanges {
    /// Who deployed and administers all of it.
    pub admin: Address,
    /// Wrapped ether as on the main network. The token [`Asset::Weth`] is another: anyone may mint that one.
    ///
    /// [`Asset::Weth`]: crate::Asset::Weth
    pub weth9: Address,
    /// Uniswap V3.
    pub uniswap_v3: UniswapV3,
    /// Uniswap V2.
    pub uniswap_v2: UniswapV2,
    /// Balancer V2.
    pub balancer: Balancer,
}

impl Exchanges {
    /// Mints each token for `who` and lets every contract here that takes tokens take them. The tokens are
    /// stand-ins, which anyone may mint.
    ///
    /// # Errors
    /// [`LocalChainError::Reverted`] for a token that cannot be minted.
    pub async fn fund(
        &self,
        chain: &LocalChain,
        who: Address,
        tokens: &[(Address, U256)],
    ) -> Result<(), LocalChainError> {
        let spenders = [
            self.uniswap_v3.positions,
            self.uniswap_v3.router,
            self.uniswap_v3.staker,
            self.uniswap_v2.router,
            self.balancer.vault,
        ];
        let mut calls = Vec::new();
        for (token, amount) in tokens {
            calls.push(Call::new(who, *token, &IToken::mintCall { to: who, amount: *amount }));
            for spender in spenders {
                let approve = IToken::approveCall { spender, amount: U256::MAX };
                calls.push(Call::new(who, *token, &approve));
            }
        }
        chain.execute(&calls).await.map(|_| ())
    }
}

/// Deploys the exchanges from the first development account, in well under a second. It needs nothing of [`deploy()`].
///
/// # Errors
/// [`LocalChainError`] when an artifact is missing or a step reverts.
///
/// [`deploy()`]: crate::deploy()
pub async fn deploy_exchanges(
    chain: &LocalChain,
    artifacts: &Artifacts,
) -> Result<Exchanges, LocalChainError> {
    let mut steps = Steps::start(chain, artifacts).await?;
    let weth9 = steps.create((Origin::Exchange, "WETH9"), &[])?;
    let uniswap_v3 = uniswap_v3::deploy(&mut steps, weth9)?;
    let uniswap_v2 = uniswap_v2::deploy(&mut steps, weth9)?;
    let balancer = balancer::deploy(&mut steps, weth9)?;
    let admin = steps.from();
    steps.finish().await?;
    Ok(Exchanges { admin, weth9, uniswap_v3, uniswap_v2, balancer })
}

/// Has one call included and returns the first event of a kind that it left.
pub(super) async fn event_of<E: SolEvent>(
    chain: &LocalChain,
    call: Call,
) -> Result<E, LocalChainError> {
    let receipts = chain.execute(&[call]).await?;
    first_event(&receipts)
}

pub(super) fn first_event<E: SolEvent>(
    receipts: &[TransactionReceipt],
) -> Result<E, LocalChainError> {
    let mut logs = receipts.iter().flat_map(|receipt| receipt.logs());
    logs.find_map(|log| log.log_decode::<E>().ok()).map(|log| log.inner.data).ok_or_else(|| {
        LocalChainError::Answer { method: E::SIGNATURE, found: "no such event".to_owned() }
    })
}
