//! The same few acts as each protocol wants them called.

use super::market::{Market, aave_reserve, morpho_market};
use super::observe::Loan;
use crate::abi::{IAavePool, IMorpho};
use crate::{Call, Deployment, LocalChainError};
use alloy::primitives::{Address, Bytes, U256};

/// Aave's number for a variable rate.
const VARIABLE: U256 = U256::from_limbs([2, 0, 0, 0]);
/// Aave takes this for "as much as there is".
const EVERYTHING: U256 = U256::MAX;

/// One act of one person in one market, with a raw amount.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Supply(U256),
    Withdraw(U256),
    Pledge(U256),
    Release(U256),
    Borrow(U256),
    Repay(U256),
}

/// The contract that moves a market's tokens: whom people approve.
pub(super) fn spender(deployment: &Deployment, market: Market) -> Address {
    match market {
        Market::Aave(_) => deployment.aave.pool,
        Market::Morpho(_) => deployment.morpho.blue,
    }
}

/// Returns the transaction by which `who` does it.
pub(super) fn transaction(
    deployment: &Deployment,
    market: Market,
    who: Address,
    act: Act,
) -> Result<Call, LocalChainError> {
    match market {
        Market::Aave(_) => on_aave(deployment, market, who, act),
        Market::Morpho(_) => on_morpho(deployment, market, who, act),
    }
}

fn on_aave(
    deployment: &Deployment,
    market: Market,
    who: Address,
    act: Act,
) -> Result<Call, LocalChainError> {
    let asset = aave_reserve(deployment, market.loan())?.token;
    let collateral = aave_reserve(deployment, market.collateral())?.token;
    let (pool, of) = (deployment.aave.pool, who);
    Ok(match act {
        Act::Supply(amount) => Call::new(who, pool, &aave_supply(asset, amount, of)),
        Act::Pledge(amount) => Call::new(who, pool, &aave_supply(collateral, amount, of)),
        Act::Withdraw(amount) => {
            Call::new(who, pool, &IAavePool::withdrawCall { asset, amount, to: who })
        }
        Act::Release(amount) => {
            let call = IAavePool::withdrawCall { asset: collateral, amount, to: who };
            Call::new(who, pool, &call)
        }
        Act::Borrow(amount) => Call::new(
            who,
            pool,
            &IAavePool::borrowCall {
                asset,
                amount,
                interestRateMode: VARIABLE,
                referralCode: 0,
                onBehalfOf: of,
            },
        ),
        Act::Repay(amount) => Call::new(
            who,
            pool,
            &IAavePool::repayCall { asset, amount, interestRateMode: VARIABLE, onBehalfOf: of },
        ),
    })
}

fn aave_supply(asset: Address, amount: U256, of: Address) -> IAavePool::supplyCall {
    IAavePool::supplyCall { asset, amount, onBehalfOf: of, referralCode: 0 }
}

fn on_morpho(
    deployment: &Deployment,
    market: Market,
    who: Address,
    act: Act,
) -> Result<Call, LocalChainError> {
    let params = morpho_market(deployment, market.collateral())?.params.clone();
    let (blue, shares, data) = (deployment.morpho.blue, U256::ZERO, Bytes::new());
    let (on_behalf, receiver) = (who, who);
    Ok(match act {
        Act::Supply(assets) => Call::new(
            who,
            blue,
            &IMorpho::supplyCall { params, assets, shares, onBehalf: on_behalf, data },
        ),
        Act::Withdraw(assets) => Call::new(
            who,
            blue,
            &IMorpho::withdrawCall { params, assets, shares, onBehalf: on_behalf, receiver },
        ),
        Act::Pledge(assets) => Call::new(
            who,
            blue,
            &IMorpho::supplyCollateralCall { params, assets, onBehalf: on_behalf, data },
        ),
        Act::Release(assets) => Call::new(
            who,
            blue,
            &IMorpho::withdrawCollateralCall { params, assets, onBehalf: on_behalf, receiver },
        ),
        Act::Borrow(assets) => Call::new(
            who,
            blue,
            &IMorpho::borrowCall { params, assets, shares, onBehalf: on_behalf, receiver },
        ),
        Act::Repay(assets) => Call::new(
            who,
            blue,
            &IMorpho::repayCall { params, assets, shares, onBehalf: on_behalf, data },
        ),
    })
}

/// Returns the transaction by which `liquidator` takes over a loan as far as it may.
pub(super) fn liquidation(
    deployment: &Deployment,
    market: Market,
    liquidator: Address,
    loan: &Loan,
) -> Result<Call, LocalChainError> {
    match market {
        Market::Aave(asset) => {
            let call = IAavePool::liquidationCallCall {
                collateralAsset: aave_reserve(deployment, market.collateral())?.token,
                debtAsset: aave_reserve(deployment, asset)?.token,
                user: loan.borrower,
                debtToCover: EVERYTHING,
                // What others borrow may not be there to be taken out, so the claim is taken over instead.
                receiveAToken: Market::ALL.contains(&Market::Aave(market.collateral())),
            };
            Ok(Call::new(liquidator, deployment.aave.pool, &call))
        }
        Market::Morpho(collateral) => {
            let params = morpho_market(deployment, collateral)?.params.clone();
            // All debt is repaid where the collateral pays for it; else all collateral is seized,
            // and the rest of the debt is the lenders' loss.
            let covered = loan.ltv() < COVERED_LTV;
            let (seized, repaid) = if covered {
                (U256::ZERO, loan.debt_shares)
            } else {
                (loan.collateral_raw, U256::ZERO)
            };
            let call = IMorpho::liquidateCall {
                params,
                borrower: loan.borrower,
                seizedAssets: seized,
                repaidShares: repaid,
                data: Bytes::new(),
            };
            Ok(Call::new(liquidator, deployment.morpho.blue, &call))
        }
    }
}

/// The LTV up to which collateral pays for debt and incentive, both markets having an LLTV of 86 %:
/// 1 / 1.0438, less a margin for interest since the last block.
const COVERED_LTV: f64 = 0.955;
