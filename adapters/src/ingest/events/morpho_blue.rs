//! Events of Morpho Blue. A market's are those whose first argument is its id.
//!
//! # Source
//! `EventsLib` of `@morpho-org/morpho-blue` 1.0.0.

use super::{Entry, Fields, Naming, Source, entry};
use crate::live::morpho_blue::NAME;
use alloy::primitives::{Address, B256, U256};
use alloy::sol;
use plimsoll_core::ChainId;
use std::collections::BTreeSet;

sol! {
    #[derive(Debug, serde::Serialize)]
    struct MarketParams { address loanToken; address collateralToken; address oracle; address irm; uint256 lltv; }
    #[derive(Debug, serde::Serialize)]
    event CreateMarket(bytes32 indexed id, MarketParams marketParams);
    #[derive(Debug, serde::Serialize)]
    event SetFee(bytes32 indexed id, uint256 newFee);
    #[derive(Debug, serde::Serialize)]
    event Supply(bytes32 indexed id, address indexed caller, address indexed onBehalf, uint256 assets, uint256 shares);
    #[derive(Debug, serde::Serialize)]
    event Withdraw(bytes32 indexed id, address caller, address indexed onBehalf, address indexed receiver, uint256 assets, uint256 shares);
    #[derive(Debug, serde::Serialize)]
    event Borrow(bytes32 indexed id, address caller, address indexed onBehalf, address indexed receiver, uint256 assets, uint256 shares);
    #[derive(Debug, serde::Serialize)]
    event Repay(bytes32 indexed id, address indexed caller, address indexed onBehalf, uint256 assets, uint256 shares);
    #[derive(Debug, serde::Serialize)]
    event SupplyCollateral(bytes32 indexed id, address indexed caller, address indexed onBehalf, uint256 assets);
    #[derive(Debug, serde::Serialize)]
    event WithdrawCollateral(bytes32 indexed id, address caller, address indexed onBehalf, address indexed receiver, uint256 assets);
    #[derive(Debug, serde::Serialize)]
    #[allow(clippy::too_many_arguments, reason = "the event's own arguments")]
    event Liquidate(bytes32 indexed id, address indexed caller, address indexed borrower, uint256 repaidAssets, uint256 repaidShares, uint256 seizedAssets, uint256 badDebtAssets, uint256 badDebtShares);
    #[derive(Debug, serde::Serialize)]
    event AccrueInterest(bytes32 indexed id, uint256 prevBorrowRate, uint256 interest, uint256 feeShares);
}

/// The events of the markets `ids`.
pub(super) fn source(chain: ChainId, morpho: Address, ids: BTreeSet<B256>) -> Source {
    Source {
        protocol: NAME.to_owned(),
        chain,
        contract: morpho,
        ids,
        naming: Naming::First,
        entries: entries(),
    }
}

/// The token is the market's loan token, or its collateral: the event does not name it.
fn moved(account: Address, counterparty: Address, amount: U256, shares: Option<U256>) -> Fields {
    Fields {
        account: Some(account),
        counterparty: Some(counterparty),
        asset: None,
        amount: Some(amount),
        shares,
    }
}

fn entries() -> Vec<Entry> {
    vec![
        entry(|e: &CreateMarket| Fields {
            asset: Some(e.marketParams.loanToken),
            ..Fields::default()
        }),
        entry(|_: &SetFee| Fields::default()),
        entry(|e: &Supply| moved(e.onBehalf, e.caller, e.assets, Some(e.shares))),
        entry(|e: &Withdraw| moved(e.onBehalf, e.receiver, e.assets, Some(e.shares))),
        entry(|e: &Borrow| moved(e.onBehalf, e.receiver, e.assets, Some(e.shares))),
        entry(|e: &Repay| moved(e.onBehalf, e.caller, e.assets, Some(e.shares))),
        entry(|e: &SupplyCollateral| moved(e.onBehalf, e.caller, e.assets, None)),
        entry(|e: &WithdrawCollateral| moved(e.onBehalf, e.receiver, e.assets, None)),
        entry(|e: &Liquidate| moved(e.borrower, e.caller, e.repaidAssets, Some(e.repaidShares))),
        entry(|e: &AccrueInterest| Fields {
            amount: Some(e.interest),
            shares: Some(e.feeShares),
            ..Fields::default()
        }),
    ]
}
