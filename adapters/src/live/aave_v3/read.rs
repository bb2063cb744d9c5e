//! What is asked of a pool, and how the answers become readings.

use super::reserve::{Configuration, Reserve, Snapshot, Stake};
use super::{AaveV3, Pledged};
use crate::live::multicall::{Answers, Batch, Slot};
use crate::live::{curve_terms, disagrees, not_covered};
use alloy::primitives::{Address, U256};
use alloy::sol;
use plimsoll_core::rates::RateError;
use plimsoll_core::rates::aave_v3::{KinkedCurve, Line};
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_core::{Curve, Kinked, MarketId};
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::{At, Beyond, Reading};
use std::sync::Arc;

sol! {
    /// The pool. What is called here is the same on every line, but for what is said of it.
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
        struct CollateralConfig {
            uint16 ltv;
            uint16 liquidationThreshold;
            uint16 liquidationBonus;
        }
        function POOL_REVISION() external view returns (uint256);
        function ADDRESSES_PROVIDER() external view returns (address);
        function getReserveData(address asset) external view returns (ReserveData memory);
        function getReserveNormalizedIncome(address asset) external view returns (uint256);
        function getReserveNormalizedVariableDebt(address asset) external view returns (uint256);
        function getReservesList() external view returns (address[] memory);
        function getUserConfiguration(address user) external view returns (uint256);
        function getUserEMode(address user) external view returns (uint256);
        /// Before v3.2.
        function getEModeCategoryData(uint8 id) external view returns (EModeCategory memory);
        /// From v3.2 on.
        function getEModeCategoryCollateralConfig(uint8 id) external view returns (CollateralConfig memory);
        /// From v3.2 on.
        function getEModeCategoryCollateralBitmap(uint8 id) external view returns (uint128);
        /// From v3.1 on.
        function getVirtualUnderlyingBalance(address asset) external view returns (uint128);
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
        /// Zero where nobody pays rewards.
        function getIncentivesController() external view returns (address);
        function UNDERLYING_ASSET_ADDRESS() external view returns (address);
    }
    /// The rate strategy of one reserve, on the v3.0 line.
    interface IStrategy {
        function OPTIMAL_USAGE_RATIO() external view returns (uint256);
        function getBaseVariableBorrowRate() external view returns (uint256);
        function getVariableRateSlope1() external view returns (uint256);
        function getVariableRateSlope2() external view returns (uint256);
    }
    /// The rate strategy of every reserve, from v3.1 on.
    interface IStrategyV2 {
        struct RateData {
            uint256 optimalUsageRatio;
            uint256 baseVariableBorrowRate;
            uint256 variableRateSlope1;
            uint256 variableRateSlope2;
        }
        function getInterestRateData(address reserve) external view returns (RateData memory);
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

/// The contracts of a reserve, by which the pool names them, and the line they are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) line: Line,
    pub(crate) a_token: Address,
    pub(crate) stable_debt: Address,
    pub(crate) variable_debt: Address,
    pub(crate) strategy: Address,
}

impl Parts {
    pub(crate) fn of(line: Line, data: &IPool::ReserveData) -> Parts {
        Parts {
            line,
            a_token: data.aTokenAddress,
            stable_debt: data.stableDebtTokenAddress,
            variable_debt: data.variableDebtTokenAddress,
            strategy: data.interestRateStrategyAddress,
        }
    }
}

/// The questions by which the pool names a reserve's contracts.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    data: Slot<IPool::getReserveDataCall>,
    revision: Slot<IPool::POOL_REVISIONCall>,
}

/// Asks which contracts a reserve has, and of which line they are.
pub(crate) fn ask_named(batch: &mut Batch, pool: Address, asset: Address) -> Named {
    Named {
        data: batch.ask(pool, &IPool::getReserveDataCall { asset }),
        revision: batch.ask(pool, &IPool::POOL_REVISIONCall {}),
    }
}

/// Decodes which contracts a reserve has; refuses a pool of a line that is not known, and a reserve that is not.
pub(crate) fn named(
    answers: &Answers,
    asked: Named,
    at: &At,
    market: &MarketId,
) -> Result<Parts, AdapterError> {
    let revision = answers.get(asked.revision, market.as_str())?;
    let unknown = || not_covered(market, at, &format!("POOL_REVISION {revision}: {LATER}"));
    let line = Line::of_revision(revision).ok_or_else(unknown)?;
    let data = answers.get(asked.data, market.as_str())?;
    if data.aTokenAddress.is_zero() {
        return Err(not_covered(market, at, "the pool has no such reserve"));
    }
    if line.has_virtual_balance() && !Configuration::of(data.configuration).has_virtual_balance {
        let lacks = "it has no virtual balance: what a pool mints on demand cannot be supplied";
        return Err(not_covered(market, at, lacks));
    }
    Ok(Parts::of(line, &data))
}

/// What is not known of later pools.
pub(crate) const LATER: &str =
    "pools after revision 5 (v3.2) keep deficits and later round otherwise, which is not covered";

/// The questions about one reserve whose contracts are known.
pub(crate) struct Asked {
    pub(crate) named: Named,
    income: Slot<IPool::getReserveNormalizedIncomeCall>,
    debt_index: Slot<IPool::getReserveNormalizedVariableDebtCall>,
    symbol: Slot<IToken::symbolCall>,
    cash: Slot<IToken::balanceOfCall>,
    supply: Slot<IScaled::scaledTotalSupplyCall>,
    debt: Slot<IScaled::scaledTotalSupplyCall>,
    stable_debt: Option<Slot<IScaled::totalSupplyCall>>,
    virtual_balance: Option<Slot<IPool::getVirtualUnderlyingBalanceCall>>,
    curve: AskedCurve,
    stake: Option<AskedStake>,
}

/// The questions about a rate curve: a contract for each reserve, or one for all of them.
enum AskedCurve {
    Own {
        optimal: Slot<IStrategy::OPTIMAL_USAGE_RATIOCall>,
        base: Slot<IStrategy::getBaseVariableBorrowRateCall>,
        slope1: Slot<IStrategy::getVariableRateSlope1Call>,
        slope2: Slot<IStrategy::getVariableRateSlope2Call>,
    },
    Shared(Slot<IStrategyV2::getInterestRateDataCall>),
}

impl AskedCurve {
    fn ask(batch: &mut Batch, asset: Address, parts: &Parts) -> AskedCurve {
        let strategy = parts.strategy;
        match parts.line {
            Line::V3_0 => AskedCurve::Own {
                optimal: batch.ask(strategy, &IStrategy::OPTIMAL_USAGE_RATIOCall {}),
                base: batch.ask(strategy, &IStrategy::getBaseVariableBorrowRateCall {}),
                slope1: batch.ask(strategy, &IStrategy::getVariableRateSlope1Call {}),
                slope2: batch.ask(strategy, &IStrategy::getVariableRateSlope2Call {}),
            },
            Line::V3_1 | Line::V3_2 => {
                let call = IStrategyV2::getInterestRateDataCall { reserve: asset };
                AskedCurve::Shared(batch.ask(strategy, &call))
            }
        }
    }

    fn decode(&self, answers: &Answers, about: &str) -> Result<KinkedCurve, AdapterError> {
        Ok(match self {
            AskedCurve::Own { optimal, base, slope1, slope2 } => KinkedCurve {
                base: Ray(answers.get(*base, about)?),
                slope1: Ray(answers.get(*slope1, about)?),
                slope2: Ray(answers.get(*slope2, about)?),
                optimal: Ray(answers.get(*optimal, about)?),
            },
            AskedCurve::Shared(slot) => {
                let data = answers.get(*slot, about)?;
                KinkedCurve {
                    base: Ray(data.baseVariableBorrowRate),
                    slope1: Ray(data.variableRateSlope1),
                    slope2: Ray(data.variableRateSlope2),
                    optimal: Ray(data.optimalUsageRatio),
                }
            }
        })
    }
}

struct AskedStake {
    counted: Slot<IMarket::scaledCall>,
    owned: Slot<IScaled::scaledBalanceOfCall>,
    worth: Slot<IMarket::totalAssetsCall>,
    available: Slot<IMarket::liquidityCall>,
}

/// Adds the questions about a reserve.
pub(crate) fn ask(batch: &mut Batch, pool: Address, pledged: &Pledged, parts: &Parts) -> Asked {
    let asset = pledged.asset;
    let stake = pledged.contract.map(|contract| AskedStake {
        counted: batch.ask(contract, &IMarket::scaledCall {}),
        owned: batch.ask(parts.a_token, &IScaled::scaledBalanceOfCall { account: contract }),
        worth: batch.ask(contract, &IMarket::totalAssetsCall {}),
        available: batch.ask(contract, &IMarket::liquidityCall {}),
    });
    let stable = Some(parts.stable_debt).filter(|token| !token.is_zero());
    Asked {
        named: ask_named(batch, pool, asset),
        income: batch.ask(pool, &IPool::getReserveNormalizedIncomeCall { asset }),
        debt_index: batch.ask(pool, &IPool::getReserveNormalizedVariableDebtCall { asset }),
        symbol: batch.ask(asset, &IToken::symbolCall {}),
        cash: batch.ask(asset, &IToken::balanceOfCall { account: parts.a_token }),
        supply: batch.ask(parts.a_token, &IScaled::scaledTotalSupplyCall {}),
        debt: batch.ask(parts.variable_debt, &IScaled::scaledTotalSupplyCall {}),
        stable_debt: stable.map(|token| batch.ask(token, &IScaled::totalSupplyCall {})),
        virtual_balance: parts
            .line
            .has_virtual_balance()
            .then(|| batch.ask(pool, &IPool::getVirtualUnderlyingBalanceCall { asset })),
        curve: AskedCurve::ask(batch, asset, parts),
        stake,
    }
}

/// What was answered about one reserve, decoded.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) symbol: String,
    pub(crate) reserve: Reserve,
    /// The indices that the contract itself names at this block.
    pub(crate) said: (Ray, Ray),
    /// What the market contract says of its worth and liquidity.
    pub(crate) said_of_stake: Option<(Amount, Amount)>,
}

/// Decodes the answers about a reserve.
pub(crate) fn decode(
    answers: &Answers,
    (asked, line): (&Asked, Line),
    at: &At,
    market: &MarketId,
) -> Result<Row, AdapterError> {
    let about = market.as_str();
    let data = answers.get(asked.named.data, about)?;
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
    let virtual_balance = match asked.virtual_balance {
        Some(slot) => Some(Amount(U256::from(answers.get(slot, about)?))),
        None => None,
    };
    let reserve = Reserve {
        line,
        configuration: Configuration::of(data.configuration),
        curve: asked.curve.decode(answers, about)?,
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
        virtual_balance,
        stake,
        read: at.timestamp,
    };
    let said = (Ray(answers.get(asked.income, about)?), Ray(answers.get(asked.debt_index, about)?));
    Ok(Row { symbol: answers.text(asked.symbol, about)?, reserve, said, said_of_stake })
}

/// The reserve as of the block, where our indices are those that the pool names.
pub(crate) fn agreed(market: &MarketId, at: &At, row: &Row) -> Result<Reserve, AdapterError> {
    let (reserve, said) = (&row.reserve, row.said);
    let failed = |error: RateError| not_covered(market, at, &error.to_string());
    let now = reserve.accrued(at.timestamp).map_err(failed)?;
    disagrees(market, at, "the supply index", (now.supply_index.0, said.0.0))?;
    if !reserve.scaled_debt.is_zero() {
        disagrees(market, at, "the borrow index", (now.borrow_index.0, said.1.0))?;
    }
    Ok(now)
}

impl AaveV3 {
    /// Makes the reading of a decoded row; refuses it where our arithmetic is not the contract's.
    pub(crate) fn row(
        market: &MarketId,
        asset: Address,
        at: &At,
        row: Row,
    ) -> Result<Reading, AdapterError> {
        let now = agreed(market, at, &row)?;
        let Row { symbol, reserve, said_of_stake, .. } = row;
        let failed = |error: RateError| not_covered(market, at, &error.to_string());
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
            rewards: None,
            model: Arc::new(reserve),
            beyond: Beyond::default(),
        })
    }
}

pub(crate) fn curve(curve: &KinkedCurve) -> Curve {
    Curve::Kinked(Kinked {
        base: curve.base.to_f64(),
        slope_below: curve.slope1.to_f64(),
        slope_above: curve.slope2.to_f64(),
        kink: curve.optimal.to_f64(),
    })
}
