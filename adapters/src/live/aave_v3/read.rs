//! What is asked of a pool, and how the answers become readings.

use super::reserve::{Configuration, Reserve, Snapshot, Stake};
use super::{AaveV3, Pledged};
use crate::live::multicall::{Answers, Batch, Slot};
use crate::live::{curve_terms, disagrees, not_covered};
use alloy::primitives::{Address, U256};
use alloy::sol;
use plimsoll_core::rates::RateError;
use plimsoll_core::rates::aave_v3::KinkedCurve;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_core::{Curve, Kinked, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::{At, Beyond, Reading};
use std::sync::Arc;

sol! {
    /// The pool, of the v3.0 line.
    interface IPool {
        struct ReserveData {
            uint256 configuration;
            uint128 liquidityIndex;
            uint128 currentLiquidityRate;
            uint128 variableBorrowIndex;
            uint128 currentVariableBorrowRate;
            uint128 currentStableBorrowRate;
            uint40 lastUpdateTimestamp;
            uint16 id;
            address aTokenAddress;
            address stableDebtTokenAddress;
            address variableDebtTokenAddress;
            address interestRateStrategyAddress;
            uint128 accruedToTreasury;
            uint128 unbacked;
            uint128 isolationModeTotalDebt;
        }
        struct EModeCategory {
            uint16 ltv;
            uint16 liquidationThreshold;
            uint16 liquidationBonus;
            address priceSource;
            string label;
        }
        function POOL_REVISION() external view returns (uint256);
        function ADDRESSES_PROVIDER() external view returns (address);
        function getReserveData(address asset) external view returns (ReserveData memory);
        function getReserveNormalizedIncome(address asset) external view returns (uint256);
        function getReserveNormalizedVariableDebt(address asset) external view returns (uint256);
        function getReservesList() external view returns (address[] memory);
        function getUserConfiguration(address user) external view returns (uint256);
        function getUserEMode(address user) external view returns (uint256);
        function getEModeCategoryData(uint8 id) external view returns (EModeCategory memory);
        function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode) external;
        function withdraw(address asset, uint256 amount, address to) external returns (uint256);
        event Borrow(address indexed reserve, address user, address indexed onBehalfOf, uint256 amount, uint8 interestRateMode, uint256 borrowRate, uint16 indexed referralCode);
    }
    interface IProvider {
        function getPool() external view returns (address);
        function getPriceOracle() external view returns (address);
    }
    interface IOracle {
        function getAssetPrice(address asset) external view returns (uint256);
        function BASE_CURRENCY_UNIT() external view returns (uint256);
    }
    /// aTokens and debt tokens.
    interface IScaled {
        function scaledTotalSupply() external view returns (uint256);
        function scaledBalanceOf(address account) external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function POOL() external view returns (address);
        function UNDERLYING_ASSET_ADDRESS() external view returns (address);
    }
    interface IStrategy {
        function OPTIMAL_USAGE_RATIO() external view returns (uint256);
        function getBaseVariableBorrowRate() external view returns (uint256);
        function getVariableRateSlope1() external view returns (uint256);
        function getVariableRateSlope2() external view returns (uint256);
    }
    interface IToken {
        function symbol() external view returns (string memory);
        function decimals() external view returns (uint8);
        function balanceOf(address account) external view returns (uint256);
    }
    /// `contracts/src/markets/AaveV3Market.sol`.
    interface IMarket {
        function asset() external view returns (address);
        function aToken() external view returns (address);
        function pool() external view returns (address);
        function scaled() external view returns (uint256);
        function totalAssets() external view returns (uint256);
        function liquidity() external view returns (uint256);
    }
}

/// The contracts of a reserve, by which the pool names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) a_token: Address,
    pub(super) stable_debt: Address,
    pub(super) variable_debt: Address,
    pub(super) strategy: Address,
}

impl Parts {
    pub(super) fn of(data: &IPool::ReserveData) -> Parts {
        Parts {
            a_token: data.aTokenAddress,
            stable_debt: data.stableDebtTokenAddress,
            variable_debt: data.variableDebtTokenAddress,
            strategy: data.interestRateStrategyAddress,
        }
    }
}

/// The questions about one reserve whose contracts are known.
pub(super) struct Asked {
    pub(super) data: Slot<IPool::getReserveDataCall>,
    income: Slot<IPool::getReserveNormalizedIncomeCall>,
    debt_index: Slot<IPool::getReserveNormalizedVariableDebtCall>,
    symbol: Slot<IToken::symbolCall>,
    cash: Slot<IToken::balanceOfCall>,
    supply: Slot<IScaled::scaledTotalSupplyCall>,
    debt: Slot<IScaled::scaledTotalSupplyCall>,
    stable_debt: Option<Slot<IScaled::totalSupplyCall>>,
    optimal: Slot<IStrategy::OPTIMAL_USAGE_RATIOCall>,
    base: Slot<IStrategy::getBaseVariableBorrowRateCall>,
    slope1: Slot<IStrategy::getVariableRateSlope1Call>,
    slope2: Slot<IStrategy::getVariableRateSlope2Call>,
    stake: Option<AskedStake>,
}

struct AskedStake {
    counted: Slot<IMarket::scaledCall>,
    owned: Slot<IScaled::scaledBalanceOfCall>,
    worth: Slot<IMarket::totalAssetsCall>,
    available: Slot<IMarket::liquidityCall>,
}

/// Adds the questions about a reserve.
pub(super) fn ask(batch: &mut Batch, pool: Address, pledged: &Pledged, parts: &Parts) -> Asked {
    let asset = pledged.asset;
    let stake = pledged.contract.map(|contract| AskedStake {
        counted: batch.ask(contract, &IMarket::scaledCall {}),
        owned: batch.ask(parts.a_token, &IScaled::scaledBalanceOfCall { account: contract }),
        worth: batch.ask(contract, &IMarket::totalAssetsCall {}),
        available: batch.ask(contract, &IMarket::liquidityCall {}),
    });
    let stable = Some(parts.stable_debt).filter(|token| !token.is_zero());
    Asked {
        data: batch.ask(pool, &IPool::getReserveDataCall { asset }),
        income: batch.ask(pool, &IPool::getReserveNormalizedIncomeCall { asset }),
        debt_index: batch.ask(pool, &IPool::getReserveNormalizedVariableDebtCall { asset }),
        symbol: batch.ask(asset, &IToken::symbolCall {}),
        cash: batch.ask(asset, &IToken::balanceOfCall { account: parts.a_token }),
        supply: batch.ask(parts.a_token, &IScaled::scaledTotalSupplyCall {}),
        debt: batch.ask(parts.variable_debt, &IScaled::scaledTotalSupplyCall {}),
        stable_debt: stable.map(|token| batch.ask(token, &IScaled::totalSupplyCall {})),
        optimal: batch.ask(parts.strategy, &IStrategy::OPTIMAL_USAGE_RATIOCall {}),
        base: batch.ask(parts.strategy, &IStrategy::getBaseVariableBorrowRateCall {}),
        slope1: batch.ask(parts.strategy, &IStrategy::getVariableRateSlope1Call {}),
        slope2: batch.ask(parts.strategy, &IStrategy::getVariableRateSlope2Call {}),
        stake,
    }
}

/// What was answered about one reserve, decoded.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) symbol: String,
    pub(super) reserve: Reserve,
    /// The indices that the contract itself names at this block.
    pub(super) said: (Ray, Ray),
    /// What the market contract says of its worth and liquidity.
    pub(super) said_of_stake: Option<(Amount, Amount)>,
}

/// Decodes the answers about a reserve.
pub(super) fn decode(
    answers: &Answers,
    asked: &Asked,
    at: &At,
    market: &MarketId,
) -> Result<Row, AdapterError> {
    let about = market.as_str();
    let data = answers.get(asked.data, about)?;
    if let Some(slot) = asked.stable_debt
        && !answers.get(slot, about)?.is_zero()
    {
        return Err(not_covered(market, at, "it has debt at stable rates, which is not covered"));
    }
    let (mut stake, mut said_of_stake) = (Stake::default(), None);
    if let Some(slots) = &asked.stake {
        stake = Stake {
            counted: Shares(answers.get(slots.counted, about)?),
            owned: Shares(answers.get(slots.owned, about)?),
        };
        let worth = answers.get(slots.worth, about)?;
        said_of_stake = Some((Amount(worth), Amount(answers.get(slots.available, about)?)));
    }
    let ray = |value: u128| Ray(U256::from(value));
    let reserve = Reserve {
        configuration: Configuration::of(data.configuration),
        curve: KinkedCurve {
            base: Ray(answers.get(asked.base, about)?),
            slope1: Ray(answers.get(asked.slope1, about)?),
            slope2: Ray(answers.get(asked.slope2, about)?),
            optimal: Ray(answers.get(asked.optimal, about)?),
        },
        supply_index: ray(data.liquidityIndex),
        borrow_index: ray(data.variableBorrowIndex),
        supply_rate: ray(data.currentLiquidityRate),
        borrow_rate: ray(data.currentVariableBorrowRate),
        updated: data.lastUpdateTimestamp.to(),
        accrued_to_treasury: U256::from(data.accruedToTreasury),
        unbacked: U256::from(data.unbacked),
        scaled_supply: answers.get(asked.supply, about)?,
        scaled_debt: answers.get(asked.debt, about)?,
        cash: Amount(answers.get(asked.cash, about)?),
        stake,
        read: at.timestamp,
    };
    let said = (Ray(answers.get(asked.income, about)?), Ray(answers.get(asked.debt_index, about)?));
    Ok(Row { symbol: answers.text(asked.symbol, about)?, reserve, said, said_of_stake })
}

impl AaveV3 {
    /// Makes the reading of a decoded row; refuses it where our arithmetic is not the contract's.
    pub(super) fn row(
        market: &MarketId,
        asset: Address,
        at: &At,
        row: Row,
    ) -> Result<Reading, AdapterError> {
        let Row { symbol, reserve, said, said_of_stake } = row;
        let failed = |error: RateError| not_covered(market, at, &error.to_string());
        let now = reserve.accrued(at.timestamp).map_err(failed)?;
        disagrees(market, at, "the supply index", (now.supply_index.0, said.0.0))?;
        if !reserve.scaled_debt.is_zero() {
            disagrees(market, at, "the borrow index", (now.borrow_index.0, said.1.0))?;
        }
        let Snapshot { supplied, borrowed, exit, held } = now.snapshot().map_err(failed)?;
        if let Some((worth, available)) = said_of_stake {
            disagrees(market, at, "totalAssets", (held.worth.0, worth.0))?;
            disagrees(market, at, "liquidity", (held.available.0, available.0))?;
        }
        let Configuration { decimals, switches, reserve_factor, .. } = reserve.configuration;
        Ok(Reading {
            market: market.clone(),
            terms: curve_terms(&symbol, Some(curve(&reserve.curve)), reserve_factor.to_fraction()),
            symbol: symbol.into(),
            asset,
            decimals,
            at: *at,
            share_price: now.supply_index,
            supplied,
            borrowed,
            supply_apr: reserve.supply_rate,
            borrow_apr: Some(reserve.borrow_rate),
            exit,
            entry: now.room().map_err(failed)?,
            switches,
            held,
            model: Arc::new(reserve),
            beyond: Beyond::default(),
        })
    }
}

fn curve(curve: &KinkedCurve) -> Curve {
    Curve::Kinked(Kinked {
        base: curve.base.to_f64(),
        slope_below: curve.slope1.to_f64(),
        slope_above: curve.slope2.to_f64(),
        kink: curve.optimal.to_f64(),
    })
}
