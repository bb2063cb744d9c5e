//! What is asked of a `Comet`, and how the answers become a reading.

use super::market::Comet;
use super::{CometMarket, Fixed};
use crate::live::morpho_blue::read::IToken;
use crate::live::multicall::{Answers, Batch, Slot};
use crate::live::{curve_terms, disagrees, not_covered};
use alloy::primitives::{Address, U256, uint};
use alloy::sol;
use plimsoll_core::MarketId;
use plimsoll_core::rates::RateError;
use plimsoll_core::rates::compound_v3::{CometRates, KinkedCurve};
use plimsoll_core::units::{Amount, Wad};
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::{At, Beyond, Held, Reading, Switches};
use std::sync::Arc;

sol! {
    /// `Comet` and `CometExt`, which answers through it.
    interface IComet {
        #[derive(Debug)]
        struct TotalsBasic { uint64 baseSupplyIndex; uint64 baseBorrowIndex; uint64 trackingSupplyIndex; uint64 trackingBorrowIndex; uint104 totalSupplyBase; uint104 totalBorrowBase; uint40 lastAccrualTime; uint8 pauseFlags; }
        function baseToken() external view returns (address);
        function totalsBasic() external view returns (TotalsBasic memory);
        function userBasic(address account) external view returns (int104 principal, uint64 baseTrackingIndex, uint64 baseTrackingAccrued, uint16 assetsIn, uint8 reserved);
        function balanceOf(address account) external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function totalBorrow() external view returns (uint256);
        function getUtilization() external view returns (uint256);
        function getSupplyRate(uint256 utilization) external view returns (uint64);
        function getBorrowRate(uint256 utilization) external view returns (uint64);
        function isSupplyPaused() external view returns (bool);
        function isWithdrawPaused() external view returns (bool);
        function supplyKink() external view returns (uint256);
        function supplyPerSecondInterestRateBase() external view returns (uint256);
        function supplyPerSecondInterestRateSlopeLow() external view returns (uint256);
        function supplyPerSecondInterestRateSlopeHigh() external view returns (uint256);
        function borrowKink() external view returns (uint256);
        function borrowPerSecondInterestRateBase() external view returns (uint256);
        function borrowPerSecondInterestRateSlopeLow() external view returns (uint256);
        function borrowPerSecondInterestRateSlopeHigh() external view returns (uint256);
        function supply(address asset, uint256 amount) external;
        function withdraw(address asset, uint256 amount) external;
    }
}

/// Utilizations at which both curves are compared: below and above any kink.
const PROBES: [U256; 2] =
    [uint!(500_000_000_000_000_000_U256), uint!(1_050_000_000_000_000_000_U256)];

/// A rate of both curves at a utilization.
type AskedRates = (Slot<IComet::getSupplyRateCall>, Slot<IComet::getBorrowRateCall>);

/// The questions about one market.
pub(super) struct Asked {
    totals: Slot<IComet::totalsBasicCall>,
    cash: Slot<IToken::balanceOfCall>,
    said: (
        Slot<IComet::totalSupplyCall>,
        Slot<IComet::totalBorrowCall>,
        Slot<IComet::getUtilizationCall>,
    ),
    probes: [(U256, AskedRates); 2],
    paused: (Slot<IComet::isSupplyPausedCall>, Slot<IComet::isWithdrawPausedCall>),
    supply: AskedSupply,
    borrow: AskedBorrow,
    position: Option<(Slot<IComet::userBasicCall>, Slot<IComet::balanceOfCall>)>,
}

struct AskedSupply {
    base: Slot<IComet::supplyPerSecondInterestRateBaseCall>,
    low: Slot<IComet::supplyPerSecondInterestRateSlopeLowCall>,
    high: Slot<IComet::supplyPerSecondInterestRateSlopeHighCall>,
    kink: Slot<IComet::supplyKinkCall>,
}

struct AskedBorrow {
    base: Slot<IComet::borrowPerSecondInterestRateBaseCall>,
    low: Slot<IComet::borrowPerSecondInterestRateSlopeLowCall>,
    high: Slot<IComet::borrowPerSecondInterestRateSlopeHighCall>,
    kink: Slot<IComet::borrowKinkCall>,
}

/// Adds the questions about a market.
pub(super) fn ask(batch: &mut Batch, wanted: &CometMarket) -> Asked {
    let comet = wanted.comet;
    let mut rates = |utilization: U256| {
        let supply = batch.ask(comet, &IComet::getSupplyRateCall { utilization });
        (utilization, (supply, batch.ask(comet, &IComet::getBorrowRateCall { utilization })))
    };
    let probes = PROBES.map(&mut rates);
    Asked {
        totals: batch.ask(comet, &IComet::totalsBasicCall {}),
        cash: batch.ask(wanted.asset, &IToken::balanceOfCall { account: comet }),
        said: (
            batch.ask(comet, &IComet::totalSupplyCall {}),
            batch.ask(comet, &IComet::totalBorrowCall {}),
            batch.ask(comet, &IComet::getUtilizationCall {}),
        ),
        probes,
        paused: (
            batch.ask(comet, &IComet::isSupplyPausedCall {}),
            batch.ask(comet, &IComet::isWithdrawPausedCall {}),
        ),
        supply: AskedSupply {
            base: batch.ask(comet, &IComet::supplyPerSecondInterestRateBaseCall {}),
            low: batch.ask(comet, &IComet::supplyPerSecondInterestRateSlopeLowCall {}),
            high: batch.ask(comet, &IComet::supplyPerSecondInterestRateSlopeHighCall {}),
            kink: batch.ask(comet, &IComet::supplyKinkCall {}),
        },
        borrow: AskedBorrow {
            base: batch.ask(comet, &IComet::borrowPerSecondInterestRateBaseCall {}),
            low: batch.ask(comet, &IComet::borrowPerSecondInterestRateSlopeLowCall {}),
            high: batch.ask(comet, &IComet::borrowPerSecondInterestRateSlopeHighCall {}),
            kink: batch.ask(comet, &IComet::borrowKinkCall {}),
        },
        position: wanted.holder.map(|account| {
            let basic = batch.ask(comet, &IComet::userBasicCall { account });
            (basic, batch.ask(comet, &IComet::balanceOfCall { account }))
        }),
    }
}

/// What was answered about one market.
#[derive(Debug, Clone)]
pub(super) struct Row {
    comet: Comet,
    /// Whether anybody's position was asked for.
    is_watched: bool,
}

/// Decodes the answers about a market and compares them with what the contract says of itself.
pub(super) fn decode(
    answers: &Answers,
    asked: &Asked,
    (market, at): (&MarketId, &At),
) -> Result<Row, AdapterError> {
    let about = market.as_str();
    let totals = answers.get(asked.totals, about)?;
    let (supply, borrow) = (&asked.supply, &asked.borrow);
    let rates = CometRates {
        supply: KinkedCurve {
            base: Wad(answers.get(supply.base, about)?),
            slope_low: Wad(answers.get(supply.low, about)?),
            slope_high: Wad(answers.get(supply.high, about)?),
            kink: Wad(answers.get(supply.kink, about)?),
        },
        borrow: KinkedCurve {
            base: Wad(answers.get(borrow.base, about)?),
            slope_low: Wad(answers.get(borrow.low, about)?),
            slope_high: Wad(answers.get(borrow.high, about)?),
            kink: Wad(answers.get(borrow.kink, about)?),
        },
    };
    let mut comet = Comet {
        rates,
        supply_index: U256::from(totals.baseSupplyIndex),
        borrow_index: U256::from(totals.baseBorrowIndex),
        supply_base: U256::from(totals.totalSupplyBase),
        borrow_base: U256::from(totals.totalBorrowBase),
        accrued: totals.lastAccrualTime.to::<u64>(),
        cash: Amount(answers.get(asked.cash, about)?),
        principal: U256::ZERO,
        is_in_debt: false,
        no_supply: answers.get(asked.paused.0, about)?,
        no_withdrawal: answers.get(asked.paused.1, about)?,
        read: at.timestamp,
    };
    let mut said_worth = None;
    if let Some((basic, balance)) = asked.position {
        let principal = answers.get(basic, about)?.principal;
        comet.is_in_debt = principal.is_negative();
        comet.principal =
            if comet.is_in_debt { U256::ZERO } else { U256::from(principal.unsigned_abs()) };
        said_worth = Some(answers.get(balance, about)?);
    }
    let failed = |error: RateError| not_covered(market, at, &error.to_string());
    let now = comet.accrued_to(at.timestamp).map_err(failed)?;
    let same = |field, found: U256, said: U256| disagrees(market, at, field, (found, said));
    same("totalSupply", now.supplied().map_err(failed)?.0, answers.get(asked.said.0, about)?)?;
    same("totalBorrow", now.borrowed().map_err(failed)?.0, answers.get(asked.said.1, about)?)?;
    let utilization = comet.utilization().map_err(failed)?;
    same("getUtilization", utilization.0, answers.get(asked.said.2, about)?)?;
    for (utilization, (supply, borrow)) in asked.probes {
        let at = Wad(utilization);
        let found =
            (rates.supply_rate(at).map_err(failed)?, rates.borrow_rate(at).map_err(failed)?);
        same("getSupplyRate", found.0.0, U256::from(answers.get(supply, about)?))?;
        same("getBorrowRate", found.1.0, U256::from(answers.get(borrow, about)?))?;
    }
    if let Some(worth) = said_worth {
        same("balanceOf", now.held().map_err(failed)?.worth.0, worth)?;
    }
    Ok(Row { comet, is_watched: said_worth.is_some() })
}

/// Makes the reading of a market.
pub(super) fn reading(
    (market, at): (&MarketId, &At),
    asset: Address,
    fixed: &Fixed,
    Row { comet, is_watched }: Row,
) -> Result<Reading, AdapterError> {
    let failed = |error: RateError| not_covered(market, at, &error.to_string());
    let now = comet.accrued_to(at.timestamp).map_err(failed)?;
    let (supply_apr, borrow_apr) = comet.yearly_rates().map_err(failed)?;
    let held = if is_watched { now.held().map_err(failed)? } else { Held::default() };
    Ok(Reading {
        market: market.clone(),
        symbol: fixed.symbol.as_str().into(),
        asset,
        decimals: fixed.decimals,
        at: *at,
        share_price: now.share_price(),
        supplied: now.supplied().map_err(failed)?,
        borrowed: now.borrowed().map_err(failed)?,
        supply_apr,
        borrow_apr: Some(borrow_apr),
        exit: now.exit().map_err(failed)?,
        entry: None,
        switches: Switches {
            is_active: true,
            is_frozen: comet.no_supply,
            is_paused: comet.no_supply && comet.no_withdrawal,
        },
        // Suppliers have a curve of their own: what reserves keep is not a factor.
        terms: curve_terms(&fixed.symbol, Some(comet.curve()), 0.0),
        held,
        rewards: None,
        model: Arc::new(comet),
        beyond: Beyond::default(),
    })
}
