//! What is asked of a pool, Balancer's Vault, rate providers, the market contract and its oracles, and how the answers become a
//! [`Holding`].

use super::holding::{Coin, Doors, Holding, Source};
use super::learn::{Fixed, Token};
use crate::live::multicall::{Answers, Batch, Slot};
use crate::live::not_covered;
use crate::live::oracle::{self, AskedQuotes, IPriceOracle};
use alloy::primitives::{Address, U256};
use alloy::sol;
use plimsoll_core::MarketId;
use plimsoll_core::lp::stable::math::AMPLIFICATION_ONE;
use plimsoll_core::lp::stable::{Amplification, StablePool, StableToken};
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::At;

sol! {
    /// `ComposableStablePool`, version 3.
    interface IPool {
        function getVault() external view returns (address);
        function getPoolId() external view returns (bytes32);
        function getBptIndex() external view returns (uint256);
        function getRateProviders() external view returns (address[]);
        function isTokenExemptFromYieldProtocolFee(address token) external view returns (bool);
        function totalSupply() external view returns (uint256);
        function getRate() external view returns (uint256);
        function getActualSupply() external view returns (uint256);
        function getAmplificationParameter() external view returns (uint256 value, bool isUpdating, uint256 precision);
        function getSwapFeePercentage() external view returns (uint256);
        function getProtocolFeePercentageCache(uint256 feeType) external view returns (uint256);
        function getLastJoinExitData() external view returns (uint256 lastJoinExitAmplification, uint256 lastPostJoinExitInvariant);
        function getTokenRateCache(address token) external view returns (uint256 rate, uint256 oldRate, uint256 duration, uint256 expires);
        function getPausedState() external view returns (bool paused, uint256 pauseWindowEndTime, uint256 bufferPeriodEndTime);
        function inRecoveryMode() external view returns (bool);
    }
    interface IVault {
        function getPoolTokens(bytes32 poolId) external view returns (address[] tokens, uint256[] balances, uint256 lastChangeBlock);
        function getPausedState() external view returns (bool paused, uint256 pauseWindowEndTime, uint256 bufferPeriodEndTime);
    }
    interface IRateProvider {
        function getRate() external view returns (uint256);
    }
    /// `contracts/src/markets/BalancerStableMarket.sol`.
    interface IMarket {
        function asset() external view returns (address);
        function pool() external view returns (address);
        function tokenOracles() external view returns (address[]);
        function slippageBps() external view returns (uint256);
        function staleBandBps() external view returns (uint256);
        function shares() external view returns (uint256);
        function held() external view returns (uint256);
        function value() external view returns (uint256 low, uint256 high, bool isFresh);
        function liquidity() external view returns (uint256);
        function isLocked() external view returns (bool);
        function position() external view returns (uint256 units, uint256 index, uint256 priceLow, uint256 priceHigh);
    }
}

/// Balancer's kinds of protocol fee.
const SWAP_FEE: u64 = 0;
const YIELD_FEE: u64 = 2;

/// The questions about one market.
pub(super) struct Asked {
    tokens: Slot<IVault::getPoolTokensCall>,
    supply: Slot<IPool::totalSupplyCall>,
    rate: Slot<IPool::getRateCall>,
    actual: Slot<IPool::getActualSupplyCall>,
    amplification: Slot<IPool::getAmplificationParameterCall>,
    fee: Slot<IPool::getSwapFeePercentageCall>,
    shares: [Slot<IPool::getProtocolFeePercentageCacheCall>; 2],
    last: Slot<IPool::getLastJoinExitDataCall>,
    paused: (Slot<IPool::getPausedStateCall>, Slot<IVault::getPausedStateCall>),
    recovers: Slot<IPool::inRecoveryModeCall>,
    coins: Vec<AskedCoin>,
    contract: Option<AskedContract>,
}

struct AskedCoin {
    source: Option<(Slot<IPool::getTokenRateCacheCall>, Slot<IRateProvider::getRateCall>)>,
    price: Option<(Slot<IPriceOracle::quoteCall>, AskedQuotes)>,
}

struct AskedContract {
    shares: Slot<IMarket::sharesCall>,
    held: Slot<IMarket::heldCall>,
    value: Slot<IMarket::valueCall>,
    liquidity: Slot<IMarket::liquidityCall>,
    locked: Slot<IMarket::isLockedCall>,
    position: Slot<IMarket::positionCall>,
}

/// Adds the questions about a market.
pub(super) fn ask(
    batch: &mut Batch,
    (pool, contract): (Address, Option<Address>),
    fixed: &Fixed,
) -> Asked {
    let share = |batch: &mut Batch, kind: u64| {
        let call = IPool::getProtocolFeePercentageCacheCall { feeType: U256::from(kind) };
        batch.ask(pool, &call)
    };
    let coins = fixed.tokens.iter().map(|token| ask_coin(batch, pool, token)).collect();
    let held = IVault::getPoolTokensCall { poolId: fixed.id };
    Asked {
        tokens: batch.ask(fixed.vault, &held),
        supply: batch.ask(pool, &IPool::totalSupplyCall {}),
        rate: batch.ask(pool, &IPool::getRateCall {}),
        actual: batch.ask(pool, &IPool::getActualSupplyCall {}),
        amplification: batch.ask(pool, &IPool::getAmplificationParameterCall {}),
        fee: batch.ask(pool, &IPool::getSwapFeePercentageCall {}),
        shares: [share(batch, SWAP_FEE), share(batch, YIELD_FEE)],
        last: batch.ask(pool, &IPool::getLastJoinExitDataCall {}),
        paused: (
            batch.ask(pool, &IPool::getPausedStateCall {}),
            batch.ask(fixed.vault, &IVault::getPausedStateCall {}),
        ),
        recovers: batch.ask(pool, &IPool::inRecoveryModeCall {}),
        coins,
        contract: contract.map(|contract| AskedContract {
            shares: batch.ask(contract, &IMarket::sharesCall {}),
            held: batch.ask(contract, &IMarket::heldCall {}),
            value: batch.ask(contract, &IMarket::valueCall {}),
            liquidity: batch.ask(contract, &IMarket::liquidityCall {}),
            locked: batch.ask(contract, &IMarket::isLockedCall {}),
            position: batch.ask(contract, &IMarket::positionCall {}),
        }),
    }
}

fn ask_coin(batch: &mut Batch, pool: Address, token: &Token) -> AskedCoin {
    let source = (!token.provider.is_zero()).then(|| {
        let cache = batch.ask(pool, &IPool::getTokenRateCacheCall { token: token.address });
        (cache, batch.ask(token.provider, &IRateProvider::getRateCall {}))
    });
    let price = token.oracle.as_ref().map(|(oracle, feeds)| {
        let quote = batch.ask(*oracle, &IPriceOracle::quoteCall { amount: token.whole });
        (quote, oracle::ask(batch, *oracle, feeds.as_deref()))
    });
    AskedCoin { source, price }
}

/// What was answered about one market.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) holding: Holding,
    /// What the pool says: its rate and its supply.
    pub(super) pool: (U256, U256),
    /// What the contract says.
    pub(super) said: Option<Said>,
}

/// What a market contract says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    /// Low and high value.
    pub(super) value: (U256, U256),
    /// What can leave.
    pub(super) free: U256,
    /// The worst and the best price of a unit of the invariant.
    pub(super) prices: (U256, U256),
}

/// Decodes the answers about a market.
pub(super) fn decode(
    (answers, asked): (&Answers, &Asked),
    (market, at): (&MarketId, &At),
    fixed: &Fixed,
) -> Result<Row, AdapterError> {
    let about = market.as_str();
    let found = answers.get(asked.tokens, about)?;
    let (mut balances, own) = (found.balances, fixed.own_place);
    if found.tokens.len() != fixed.tokens.len() + 1 || balances.len() != found.tokens.len() {
        return Err(not_covered(market, at, "a pool that has other tokens than before"));
    }
    let in_vault = balances.remove(own);
    let (mut tokens, mut coins) = (Vec::new(), Vec::new());
    let (mut is_fresh, mut until) = (true, None::<u64>);
    for ((token, balance), asked) in fixed.tokens.iter().zip(balances).zip(&asked.coins) {
        let mut source = None;
        let (mut rate, mut old_rate) = (super::math::WAD, super::math::WAD);
        if let Some((cache, provider)) = asked.source {
            let cache = answers.get(cache, about)?;
            (rate, old_rate) = (cache.rate, cache.oldRate);
            source = Some(Source {
                rate: answers.get(provider, about)?,
                cached_for: cache.duration.saturating_to(),
                expires: cache.expires.saturating_to(),
            });
        }
        let mut price = None;
        if let Some((quote, asked)) = &asked.price {
            let said = answers.get(*quote, about)?;
            let feeds = token.oracle.as_ref().and_then(|(_, feeds)| feeds.as_deref());
            let quotes = oracle::decode((answers, asked), feeds, about)?;
            price = Some((said.low, said.high));
            is_fresh &= said.isFresh;
            until = match (until, quotes.until) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        let (has_rate, is_exempt) = (source.is_some(), token.is_exempt);
        let scaling = token.scaling;
        tokens.push(StableToken { balance, scaling, rate, old_rate, has_rate, is_exempt });
        coins.push(Coin { whole: token.whole, source, price });
    }
    let amplification = answers.get(asked.amplification, about)?;
    if amplification.precision != AMPLIFICATION_ONE {
        return Err(not_covered(market, at, "an amplification of another precision"));
    }
    if answers.get(asked.recovers, about)? {
        return Err(not_covered(market, at, "a pool in recovery mode"));
    }
    let last = answers.get(asked.last, about)?;
    let value = amplification.value;
    let pool = StablePool {
        tokens,
        supply: answers.get(asked.supply, about)?.saturating_sub(in_vault),
        amplification: Amplification { values: (value, value), times: (0, 0) },
        swap_fee: answers.get(asked.fee, about)?,
        protocol_shares: (
            answers.get(asked.shares[0], about)?,
            answers.get(asked.shares[1], about)?,
        ),
        last_amplification: last.lastJoinExitAmplification,
        last_invariant: last.lastPostJoinExitInvariant,
    };
    let mut holding = Holding {
        setting: fixed.setting,
        pool,
        coins,
        doors: Doors {
            is_paused: answers.get(asked.paused.0, about)?.paused,
            is_frozen: answers.get(asked.paused.1, about)?.paused,
            is_moving: amplification.isUpdating,
        },
        is_fresh,
        until,
        shares: U256::ZERO,
        held: U256::ZERO,
        read: at.timestamp,
        now: at.timestamp,
    };
    let mut said = None;
    if let Some(contract) = &asked.contract {
        if answers.get(contract.locked, about)? {
            return Err(not_covered(market, at, "a Vault of Balancer in the middle of something"));
        }
        holding.shares = answers.get(contract.shares, about)?;
        holding.held = answers.get(contract.held, about)?;
        let value = answers.get(contract.value, about)?;
        let position = answers.get(contract.position, about)?;
        said = Some(Said {
            value: (value.low, value.high),
            free: answers.get(contract.liquidity, about)?,
            prices: (position.priceLow, position.priceHigh),
        });
    }
    let told = (answers.get(asked.rate, about)?, answers.get(asked.actual, about)?);
    Ok(Row { holding, pool: told, said })
}
