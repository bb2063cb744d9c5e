//! Events of an Aave V3 pool.
//!
//! # Source
//! `IPool` of `@aave/core-v3` 1.19.3; the last two are of pools of 3.3.

use super::{Entry, Fields, Naming, Source, entry};
use crate::live::aave_v3::NAME;
use alloy::primitives::{Address, U256};
use alloy::sol;
use plimsoll_core::ChainId;
use std::collections::BTreeSet;

sol! {
    #[derive(Debug, serde::Serialize)]
    event Supply(address indexed reserve, address user, address indexed onBehalfOf, uint256 amount, uint16 indexed referralCode);
    #[derive(Debug, serde::Serialize)]
    event Withdraw(address indexed reserve, address indexed user, address indexed to, uint256 amount);
    #[derive(Debug, serde::Serialize)]
    event Borrow(address indexed reserve, address user, address indexed onBehalfOf, uint256 amount, uint8 interestRateMode, uint256 borrowRate, uint16 indexed referralCode);
    #[derive(Debug, serde::Serialize)]
    event Repay(address indexed reserve, address indexed user, address indexed repayer, uint256 amount, bool useATokens);
    #[derive(Debug, serde::Serialize)]
    event LiquidationCall(address indexed collateralAsset, address indexed debtAsset, address indexed user, uint256 debtToCover, uint256 liquidatedCollateralAmount, address liquidator, bool receiveAToken);
    #[derive(Debug, serde::Serialize)]
    event ReserveDataUpdated(address indexed reserve, uint256 liquidityRate, uint256 stableBorrowRate, uint256 variableBorrowRate, uint256 liquidityIndex, uint256 variableBorrowIndex);
    #[derive(Debug, serde::Serialize)]
    event MintedToTreasury(address indexed reserve, uint256 amountMinted);
    #[derive(Debug, serde::Serialize)]
    event ReserveUsedAsCollateralEnabled(address indexed reserve, address indexed user);
    #[derive(Debug, serde::Serialize)]
    event ReserveUsedAsCollateralDisabled(address indexed reserve, address indexed user);
    #[derive(Debug, serde::Serialize)]
    event FlashLoan(address indexed target, address initiator, address indexed asset, uint256 amount, uint8 interestRateMode, uint256 premium, uint16 indexed referralCode);
    #[derive(Debug, serde::Serialize)]
    event UserEModeSet(address indexed user, uint8 categoryId);
    #[derive(Debug, serde::Serialize)]
    event SwapBorrowRateMode(address indexed reserve, address indexed user, uint8 interestRateMode);
    #[derive(Debug, serde::Serialize)]
    event IsolationModeTotalDebtUpdated(address indexed asset, uint256 totalDebt);
    #[derive(Debug, serde::Serialize)]
    event MintUnbacked(address indexed reserve, address user, address indexed onBehalfOf, uint256 amount, uint16 indexed referralCode);
    #[derive(Debug, serde::Serialize)]
    event BackUnbacked(address indexed reserve, address indexed backer, uint256 amount, uint256 fee);
    #[derive(Debug, serde::Serialize)]
    event DeficitCreated(address indexed user, address indexed debtAsset, uint256 amountCreated);
    #[derive(Debug, serde::Serialize)]
    event DeficitCovered(address indexed reserve, address caller, uint256 amountCovered);
}

/// The events of a pool: all of its reserves, since collateral may lie in any.
pub(super) fn source(chain: ChainId, pool: Address) -> Source {
    Source {
        protocol: NAME.to_owned(),
        chain,
        contract: pool,
        ids: BTreeSet::new(),
        naming: Naming::Asset,
        entries: entries(),
    }
}

fn moved(account: Address, counterparty: Address, asset: Address, amount: U256) -> Fields {
    Fields {
        account: Some(account),
        counterparty: Some(counterparty),
        asset: Some(asset),
        amount: Some(amount),
        shares: None,
    }
}

fn of(account: Option<Address>, asset: Address, amount: Option<U256>) -> Fields {
    Fields { account, asset: Some(asset), amount, ..Fields::default() }
}

fn entries() -> Vec<Entry> {
    vec![
        entry(|e: &Supply| moved(e.onBehalfOf, e.user, e.reserve, e.amount)),
        entry(|e: &Withdraw| moved(e.user, e.to, e.reserve, e.amount)),
        entry(|e: &Borrow| moved(e.onBehalfOf, e.user, e.reserve, e.amount)),
        entry(|e: &Repay| moved(e.user, e.repayer, e.reserve, e.amount)),
        entry(|e: &LiquidationCall| moved(e.user, e.liquidator, e.debtAsset, e.debtToCover)),
        entry(|e: &ReserveDataUpdated| of(None, e.reserve, None)),
        entry(|e: &MintedToTreasury| of(None, e.reserve, Some(e.amountMinted))),
        entry(|e: &ReserveUsedAsCollateralEnabled| of(Some(e.user), e.reserve, None)),
        entry(|e: &ReserveUsedAsCollateralDisabled| of(Some(e.user), e.reserve, None)),
        entry(|e: &FlashLoan| moved(e.target, e.initiator, e.asset, e.amount)),
        entry(|e: &UserEModeSet| Fields { account: Some(e.user), ..Fields::default() }),
        entry(|e: &SwapBorrowRateMode| of(Some(e.user), e.reserve, None)),
        entry(|e: &IsolationModeTotalDebtUpdated| of(None, e.asset, Some(e.totalDebt))),
        entry(|e: &MintUnbacked| moved(e.onBehalfOf, e.user, e.reserve, e.amount)),
        entry(|e: &BackUnbacked| of(Some(e.backer), e.reserve, Some(e.amount))),
        entry(|e: &DeficitCreated| of(Some(e.user), e.debtAsset, Some(e.amountCreated))),
        entry(|e: &DeficitCovered| of(Some(e.caller), e.reserve, Some(e.amountCovered))),
    ]
}
