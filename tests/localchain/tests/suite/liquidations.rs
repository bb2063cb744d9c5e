//! Loans that fall under water are taken over, on both protocols.

use crate::support::{Desk, units};
use alloy::primitives::{Bytes, U256};
use plimsoll_core::rates::morpho::liquidation_incentive_factor;
use plimsoll_core::units::Wad;
use plimsoll_localchain::abi::{IAavePool, IMorpho};
use plimsoll_localchain::{Asset, LocalChainError};

#[tokio::test]
async fn aave_pays_the_liquidator_half_the_debt_and_the_bonus() {
    let Some(desk) = Desk::open(12).await else { return };
    half_the_debt_and_the_bonus(&desk).await;
}

#[tokio::test]
async fn aave_v3_2_pays_the_liquidator_half_the_debt_and_the_bonus() {
    let Some((desk, _)) = Desk::open_v3_2(12).await else { return };
    half_the_debt_and_the_bonus(&desk).await;
}

async fn half_the_debt_and_the_bonus(desk: &Desk) {
    let (supplier, borrower, liquidator) = (desk.account(1), desk.account(2), desk.account(3));
    desk.aave_supply(supplier, Asset::Usdc, units(1_000_000, Asset::Usdc)).await;
    desk.aave_supply(borrower, Asset::Weth, units(100, Asset::Weth)).await;
    desk.aave_borrow(borrower, Asset::Usdc, units(200_000, Asset::Usdc)).await;
    let pool = desk.deployed.aave.pool;
    desk.fund(liquidator, Asset::Usdc, units(200_000, Asset::Usdc), pool).await;
    let seize = IAavePool::liquidationCallCall {
        collateralAsset: desk.token(Asset::Weth),
        debtAsset: desk.token(Asset::Usdc),
        user: borrower,
        debtToCover: units(50_000, Asset::Usdc),
        receiveAToken: false,
    };
    let refused = desk.tries(liquidator, pool, &seize).await;
    assert!(matches!(refused, Err(LocalChainError::Reverted { .. })), "the loan is healthy");

    desk.post_usd(Asset::Weth, 2_350).await;
    let user = borrower;
    let account = IAavePool::getUserAccountDataCall { user };
    let before = desk.chain.call(pool, &account).await.unwrap();
    assert!(before.healthFactor < U256::from(10).pow(U256::from(18)));
    desk.does(liquidator, pool, &seize).await;
    // 50,000 USDC of ether at 2,350, and nine tenths of the 5 % bonus; the protocol has the rest.
    let seized = desk.balance(liquidator, Asset::Weth).await;
    let worth = seized * U256::from(2_350) / units(1, Asset::Weth);
    assert_eq!(worth, U256::from(52_249), "{seized}: 52,250 less a rounding");
    let after = desk.chain.call(pool, &account).await.unwrap();
    assert!(after.healthFactor > before.healthFactor);
}

#[tokio::test]
async fn morpho_pays_the_incentive_and_books_what_collateral_does_not_cover_as_a_loss() {
    let Some(desk) = Desk::open(12).await else { return };
    let (supplier, borrower, liquidator) = (desk.account(1), desk.account(2), desk.account(3));
    desk.morpho_supply(supplier, units(1_000_000, Asset::Usdc)).await;
    desk.morpho_borrow(borrower, units(100, Asset::Weth), units(210_000, Asset::Usdc)).await;
    let blue = desk.deployed.morpho.blue;
    desk.fund(liquidator, Asset::Usdc, units(1_000_000, Asset::Usdc), blue).await;
    let seize = |assets: U256| IMorpho::liquidateCall {
        params: desk.morpho(),
        borrower,
        seizedAssets: assets,
        repaidShares: U256::ZERO,
        data: Bytes::new(),
    };
    let refused = desk.tries(liquidator, blue, &seize(units(1, Asset::Weth))).await;
    assert!(matches!(refused, Err(LocalChainError::Reverted { .. })), "the loan is healthy");

    desk.post_usd(Asset::Weth, 2_000).await;
    let paid = desk.balance(liquidator, Asset::Usdc).await;
    desk.does(liquidator, blue, &seize(units(10, Asset::Weth))).await;
    let paid = paid - desk.balance(liquidator, Asset::Usdc).await;
    let factor = liquidation_incentive_factor(Wad(desk.morpho().lltv)).unwrap();
    let wad = U256::from(10).pow(U256::from(18));
    let fair = (units(20_000, Asset::Usdc) * wad).div_ceil(factor.0);
    assert!(paid >= fair && paid <= fair + U256::from(1), "{paid}, {fair}");

    let before = desk.morpho_totals().await;
    desk.does(liquidator, blue, &seize(units(90, Asset::Weth))).await;
    let after = desk.morpho_totals().await;
    assert_eq!(after.totalBorrowAssets, 0, "no collateral, no debt");
    assert!(after.totalSupplyAssets < before.totalSupplyAssets, "lenders bear the rest");
}
