//! What is asked of Morpho about a market, and how the answers become a reading.

use super::MorphoMarket;
use super::market::{Market, Rates};
use crate::live::multicall::{Answers, Batch, Slot};
use crate::live::{curve_terms, disagrees, not_covered};
use alloy::primitives::{Address, B256, U256};
use alloy::sol;
use plimsoll_core::rates::RateError;
use plimsoll_core::rates::morpho::{self, AdaptiveCurve};
use plimsoll_core::units::{Amount, Shares, Wad};
use plimsoll_core::{Curve, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::{At, Beyond, Reading, Switches};
use std::sync::Arc;

sol! {
    #[derive(Debug, PartialEq, Eq)]
    struct MarketParams { address loanToken; address collateralToken; address oracle; address irm; uint256 lltv; }

    #[allow(clippy::too_many_arguments, reason = "the event's own arguments")]
    interface IMorpho {
        struct Totals {
            uint128 totalSupplyAssets;
            uint128 totalSupplyShares;
            uint128 totalBorrowAssets;
            uint128 totalBorrowShares;
            uint128 lastUpdate;
            uint128 fee;
        }
        struct Position { uint256 supplyShares; uint128 borrowShares; uint128 collateral; }
        function idToMarketParams(bytes32 id) external view returns (MarketParams memory);
        function market(bytes32 id) external view returns (Totals memory);
        function position(bytes32 id, address user) external view returns (Position memory);
        function supply(MarketParams params, uint256 assets, uint256 shares, address onBehalf, bytes data) external returns (uint256, uint256);
        function withdraw(MarketParams params, uint256 assets, uint256 shares, address onBehalf, address receiver) external returns (uint256, uint256);
        event SupplyCollateral(bytes32 indexed id, address indexed caller, address indexed onBehalf, uint256 assets);
        event Borrow(bytes32 indexed id, address caller, address indexed onBehalf, address indexed receiver, uint256 assets, uint256 shares);
        event Liquidate(bytes32 indexed id, address indexed caller, address indexed borrower, uint256 repaidAssets, uint256 repaidShares, uint256 seizedAssets, uint256 badDebtAssets, uint256 badDebtShares);
    }
    interface IAdaptiveCurve {
        function rateAtTarget(bytes32 id) external view returns (int256);
        function MORPHO() external view returns (address);
    }
    interface IOracle {
        function price() external view returns (uint256);
    }
    interface IToken {
        function symbol() external view returns (string memory);
        function decimals() external view returns (uint8);
        function balanceOf(address account) external view returns (uint256);
    }
    /// `contracts/src/markets/MorphoBlueMarket.sol`.
    interface IMarket {
        function asset() external view returns (address);
        function morpho() external view returns (address);
        function id() external view returns (bytes32);
        function shares() external view returns (uint256);
        function totalAssets() external view returns (uint256);
        function liquidity() external view returns (uint256);
    }
}

/// The questions about the market itself.
pub(crate) struct AskedMarket {
    totals: Slot<IMorpho::marketCall>,
    at_target: Option<Slot<IAdaptiveCurve::rateAtTargetCall>>,
    cash: Slot<IToken::balanceOfCall>,
}

/// Adds the questions about a market's totals, rate and cash.
pub(crate) fn ask_market(
    batch: &mut Batch,
    morpho: Address,
    id: B256,
    params: &MarketParams,
) -> AskedMarket {
    let model = Some(params.irm).filter(|irm| !irm.is_zero());
    AskedMarket {
        totals: batch.ask(morpho, &IMorpho::marketCall { id }),
        at_target: model.map(|irm| batch.ask(irm, &IAdaptiveCurve::rateAtTargetCall { id })),
        cash: batch.ask(params.loanToken, &IToken::balanceOfCall { account: morpho }),
    }
}

/// Decodes them; nothing is held yet.
pub(crate) fn decode_market(
    answers: &Answers,
    asked: &AskedMarket,
    at: &At,
    market: &MarketId,
) -> Result<Market, AdapterError> {
    let about = market.as_str();
    let totals = answers.get(asked.totals, about)?;
    if totals.lastUpdate == 0 {
        return Err(not_covered(market, at, "there is no such market"));
    }
    let curve = match asked.at_target {
        Some(slot) => {
            let rate = answers.get(slot, about)?;
            let rate = U256::try_from(rate)
                .map_err(|_| not_covered(market, at, "its rate at target is below zero"))?;
            Some(AdaptiveCurve { rate_at_target: Wad(rate) })
        }
        None => None,
    };
    Ok(Market {
        supply_assets: U256::from(totals.totalSupplyAssets),
        supply_shares: U256::from(totals.totalSupplyShares),
        borrow_assets: U256::from(totals.totalBorrowAssets),
        borrow_shares: U256::from(totals.totalBorrowShares),
        updated: u64::try_from(totals.lastUpdate).unwrap_or(u64::MAX),
        fee: Wad(U256::from(totals.fee)),
        curve,
        cash: Amount(answers.get(asked.cash, about)?),
        counted: Shares::ZERO,
        owned: Shares::ZERO,
        read: at.timestamp,
    })
}

/// The questions about one market whose parameters are known.
pub(super) struct Asked {
    market: AskedMarket,
    symbol: Slot<IToken::symbolCall>,
    decimals: Slot<IToken::decimalsCall>,
    stake: Option<AskedStake>,
}

struct AskedStake {
    counted: Slot<IMarket::sharesCall>,
    owned: Slot<IMorpho::positionCall>,
    worth: Slot<IMarket::totalAssetsCall>,
    available: Slot<IMarket::liquidityCall>,
}

/// Adds the questions about a market.
pub(super) fn ask(
    batch: &mut Batch,
    morpho: Address,
    wanted: &MorphoMarket,
    params: &MarketParams,
) -> Asked {
    let id = wanted.id;
    let stake = wanted.contract.map(|contract| AskedStake {
        counted: batch.ask(contract, &IMarket::sharesCall {}),
        owned: batch.ask(morpho, &IMorpho::positionCall { id, user: contract }),
        worth: batch.ask(contract, &IMarket::totalAssetsCall {}),
        available: batch.ask(contract, &IMarket::liquidityCall {}),
    });
    Asked {
        market: ask_market(batch, morpho, id, params),
        symbol: batch.ask(params.loanToken, &IToken::symbolCall {}),
        decimals: batch.ask(params.loanToken, &IToken::decimalsCall {}),
        stake,
    }
}

/// What was answered about one market, decoded.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) symbol: String,
    pub(super) decimals: u8,
    pub(super) market: Market,
    /// What the market contract says of its worth and liquidity.
    pub(super) said_of_stake: Option<(Amount, Amount)>,
}

/// Decodes the answers about a market.
pub(super) fn decode(
    answers: &Answers,
    asked: &Asked,
    at: &At,
    id: &MarketId,
) -> Result<Row, AdapterError> {
    let about = id.as_str();
    let mut market = decode_market(answers, &asked.market, at, id)?;
    let mut said_of_stake = None;
    if let Some(slots) = &asked.stake {
        market.counted = Shares(answers.get(slots.counted, about)?);
        market.owned = Shares(answers.get(slots.owned, about)?.supplyShares);
        let worth = answers.get(slots.worth, about)?;
        said_of_stake = Some((Amount(worth), Amount(answers.get(slots.available, about)?)));
    }
    Ok(Row {
        symbol: answers.text(asked.symbol, about)?,
        decimals: answers.get(asked.decimals, about)?,
        market,
        said_of_stake,
    })
}

/// Makes the reading of a decoded row; refuses it where our arithmetic is not the contract's.
pub(super) fn row(
    id: &MarketId,
    asset: Address,
    at: &At,
    row: Row,
) -> Result<Reading, AdapterError> {
    let Row { symbol, decimals, market, said_of_stake } = row;
    let failed = |error: RateError| not_covered(id, at, &error.to_string());
    let now = market.accrued(at.timestamp).map_err(failed)?;
    let held = now.held().map_err(failed)?;
    if let Some((worth, available)) = said_of_stake {
        disagrees(id, at, "totalAssets", (held.worth.0, worth.0))?;
        disagrees(id, at, "liquidity", (held.available.0, available.0))?;
    }
    let Rates { supply, borrow } = now.rates().map_err(failed)?;
    Ok(Reading {
        market: id.clone(),
        terms: curve_terms(&symbol, curve(&now), market.fee.to_f64()),
        symbol: symbol.into(),
        asset,
        decimals,
        at: *at,
        share_price: now.share_price().map_err(failed)?,
        supplied: Amount(now.supply_assets),
        borrowed: Amount(now.borrow_assets),
        supply_apr: supply,
        borrow_apr: Some(borrow),
        exit: now.free(),
        entry: None,
        switches: Switches { is_active: true, is_frozen: false, is_paused: false },
        held,
        rewards: None,
        model: Arc::new(market),
        beyond: Beyond::default(),
    })
}

/// The adaptive curve as it stands, interest being added.
pub(crate) fn curve(market: &Market) -> Option<Curve> {
    let rate_at_target = match market.curve?.rate_at_target {
        Wad(zero) if zero.is_zero() => morpho::INITIAL_RATE_AT_TARGET,
        set => set,
    };
    Some(Curve::Adaptive { rate_at_target: morpho::apr(rate_at_target).0 })
}
