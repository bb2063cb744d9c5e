//! What is asked of a pool, its market contract and its oracle, and how the answers become a [`Holding`].

use super::holding::{Bounds, Holding, PROBE, Quote, Setting};
use super::{Fixed, Parts, V3Market};
use crate::live::morpho_blue::read::IToken;
use crate::live::multicall::{Answers, Batch, Slot};
use crate::live::not_covered;
use alloy::primitives::aliases::I24;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol;
use plimsoll_core::MarketId;
use plimsoll_core::lp::Amounts;
use plimsoll_core::lp::fixed::{Q128, mul_div_down};
use plimsoll_core::lp::v3::{
    Growth, Inside, Managed, Observation, Pool, Position, PositionKey, TickInfo,
};
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::At;
use std::collections::{BTreeMap, BTreeSet};

sol! {
    interface IPool {
        function token0() external view returns (address);
        function token1() external view returns (address);
        function fee() external view returns (uint24);
        function tickSpacing() external view returns (int24);
        function slot0() external view returns (uint160 sqrtPriceX96, int24 tick, uint16 index, uint16 cardinality, uint16 cardinalityNext, uint8 feeProtocol, bool unlocked);
        function liquidity() external view returns (uint128);
        function feeGrowthGlobal0X128() external view returns (uint256);
        function feeGrowthGlobal1X128() external view returns (uint256);
        function ticks(int24 tick) external view returns (uint128 liquidityGross, int128 liquidityNet, uint256 feeGrowthOutside0X128, uint256 feeGrowthOutside1X128, int56 tickCumulativeOutside, uint160 secondsPerLiquidityOutsideX128, uint32 secondsOutside, bool initialized);
        function tickBitmap(int16 word) external view returns (uint256);
        function positions(bytes32 key) external view returns (uint128 liquidity, uint256 feeGrowthInside0LastX128, uint256 feeGrowthInside1LastX128, uint128 tokensOwed0, uint128 tokensOwed1);
    }
    interface IManager {
        function positions(uint256 tokenId) external view returns (uint96 nonce, address operator, address token0, address token1, uint24 fee, int24 tickLower, int24 tickUpper, uint128 liquidity, uint256 feeGrowthInside0LastX128, uint256 feeGrowthInside1LastX128, uint128 tokensOwed0, uint128 tokensOwed1);
    }
    interface IStaker {
        struct Key { address rewardToken; address pool; uint256 startTime; uint256 endTime; address refundee; }
        function getRewardInfo(Key key, uint256 tokenId) external view returns (uint256 reward, uint160 secondsInsideX128);
        function incentives(bytes32 id) external view returns (uint256 totalRewardUnclaimed, uint160 totalSecondsClaimedX128, uint96 numberOfStakes);
        function rewards(address rewardToken, address owner) external view returns (uint256);
    }
    interface IOracle {
        struct Feed { address feed; uint32 heartbeat; uint104 minimum; uint104 maximum; }
        function quote(uint256 amount) external view returns (uint256 low, uint256 high, bool isFresh);
        function feeds() external view returns (Feed base, Feed over);
    }
    interface IFeed {
        function latestRoundData() external view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
    }
    /// `contracts/src/swaps/UniswapV3Swap.sol`, of which other swap contracts have less.
    interface ISwap {
        function pool() external view returns (address);
    }
    /// `contracts/src/markets/UniswapV3Market.sol`.
    interface IMarket {
        function asset() external view returns (address);
        function pool() external view returns (address);
        function manager() external view returns (address);
        function staker() external view returns (address);
        function reward() external view returns (address);
        function other() external view returns (address);
        function swap() external view returns (address);
        function oracle() external view returns (address);
        function rewardOracle() external view returns (address);
        function minWidth() external view returns (uint24);
        function maxWidth() external view returns (uint24);
        function maxMiddleDistance() external view returns (uint24);
        function maxSpotDistance() external view returns (uint24);
        function slippageBps() external view returns (uint256);
        function staleBandBps() external view returns (uint256);
        function tokenId() external view returns (uint256);
        function lower() external view returns (int24);
        function upper() external view returns (int24);
        function isStaked() external view returns (bool);
        function liquidityUnits() external view returns (uint128);
        function otherHeld() external view returns (uint256);
        function held() external view returns (uint256);
        function unsold() external view returns (uint256);
        function stake() external view returns (uint256 startTime, uint256 endTime, address refundee);
        function value() external view returns (uint256 low, uint256 high, bool isFresh);
        function liquidity() external view returns (uint256);
        function deposit(uint256 assets, bytes data) external;
        function withdraw(uint256 assets) external;
    }
}

/// Ticks around the price that are read: prices from half to twice of what they are.
const SPAN: i32 = 7_000;
/// Ticks in a word of the bitmap.
const WORD: i32 = 256;

/// The questions about one market.
pub(super) struct Asked {
    slot0: Slot<IPool::slot0Call>,
    liquidity: Slot<IPool::liquidityCall>,
    growth: (Slot<IPool::feeGrowthGlobal0X128Call>, Slot<IPool::feeGrowthGlobal1X128Call>),
    balances: (Slot<IToken::balanceOfCall>, Slot<IToken::balanceOfCall>),
    words: Vec<(i32, Slot<IPool::tickBitmapCall>)>,
    ticks: Vec<(i32, Slot<IPool::ticksCall>)>,
    quote: Slot<IOracle::quoteCall>,
    feeds: Vec<(u32, Slot<IFeed::latestRoundDataCall>)>,
    stake: Option<AskedStake>,
}

struct AskedStake {
    token: Slot<IMarket::tokenIdCall>,
    range: (Slot<IMarket::lowerCall>, Slot<IMarket::upperCall>),
    units: Slot<IMarket::liquidityUnitsCall>,
    held: (Slot<IMarket::heldCall>, Slot<IMarket::otherHeldCall>),
    value: Slot<IMarket::valueCall>,
    liquidity: Slot<IMarket::liquidityCall>,
    managed: Option<(Slot<IManager::positionsCall>, Slot<IPool::positionsCall>)>,
    is_staked: Slot<IMarket::isStakedCall>,
    times: Slot<IMarket::stakeCall>,
    campaign: Option<AskedCampaign>,
}

struct AskedCampaign {
    unsold: Slot<IMarket::unsoldCall>,
    price: Option<Slot<IOracle::quoteCall>>,
    claimable: Slot<IStaker::rewardsCall>,
    running: Option<(Slot<IStaker::incentivesCall>, Slot<IStaker::getRewardInfoCall>)>,
}

fn narrow(tick: i32) -> I24 {
    I24::try_from(tick).unwrap_or_default()
}

/// The words of the bitmap around a tick.
fn words_around(tick: i32, spacing: i32) -> std::ops::RangeInclusive<i32> {
    let word = |tick: i32| tick.div_euclid(spacing.max(1)).div_euclid(WORD);
    word(tick.saturating_sub(SPAN))..=word(tick.saturating_add(SPAN))
}

/// The position's key in the pool.
fn pool_key(owner: Address, (lower, upper): (i32, i32)) -> B256 {
    let bytes = |tick: i32| narrow(tick).to_be_bytes::<3>();
    let (lower, upper) = (bytes(lower), bytes(upper));
    keccak256([owner.as_slice(), &lower, &upper].concat())
}

/// Adds the questions about a market; without `parts` only those that tell them.
pub(super) fn ask(
    batch: &mut Batch,
    wanted: &V3Market,
    fixed: &Fixed,
    parts: Option<&Parts>,
) -> Asked {
    let pool = wanted.pool;
    let balance =
        |batch: &mut Batch, token| batch.ask(token, &IToken::balanceOfCall { account: pool });
    let words = parts.map(|parts| words_around(parts.tick, fixed.spacing));
    let words = words.into_iter().flatten().filter_map(|word| {
        let call = IPool::tickBitmapCall { word: i16::try_from(word).ok()? };
        Some((word, batch.ask(pool, &call)))
    });
    let words = words.collect();
    let ends = parts.map(|parts| [parts.range.0, parts.range.1]);
    let ticks: BTreeSet<i32> = parts
        .iter()
        .flat_map(|parts| &parts.ticks)
        .copied()
        .chain(ends.into_iter().flatten())
        .collect();
    let ticks = ticks
        .into_iter()
        .map(|tick| (tick, batch.ask(pool, &IPool::ticksCall { tick: narrow(tick) })));
    let ticks = ticks.collect();
    let feeds = fixed
        .feeds
        .iter()
        .map(|(feed, heartbeat)| (*heartbeat, batch.ask(*feed, &IFeed::latestRoundDataCall {})));
    let feeds = feeds.collect();
    Asked {
        slot0: batch.ask(pool, &IPool::slot0Call {}),
        liquidity: batch.ask(pool, &IPool::liquidityCall {}),
        growth: (
            batch.ask(pool, &IPool::feeGrowthGlobal0X128Call {}),
            batch.ask(pool, &IPool::feeGrowthGlobal1X128Call {}),
        ),
        balances: (balance(batch, fixed.tokens.0), balance(batch, fixed.tokens.1)),
        words,
        ticks,
        quote: batch.ask(wanted.oracle, &IOracle::quoteCall { amount: PROBE }),
        feeds,
        stake: wanted.contract.map(|contract| ask_stake(batch, (contract, pool), fixed, parts)),
    }
}

fn ask_stake(
    batch: &mut Batch,
    (contract, pool): (Address, Address),
    fixed: &Fixed,
    parts: Option<&Parts>,
) -> AskedStake {
    let owned = parts.filter(|parts| !parts.token.is_zero());
    let manager = fixed.setting.manager;
    let managed = owned.map(|parts| {
        let key = pool_key(manager, parts.range);
        let managed = batch.ask(manager, &IManager::positionsCall { tokenId: parts.token });
        (managed, batch.ask(pool, &IPool::positionsCall { key }))
    });
    let campaign = fixed.campaign.as_ref().map(|campaign| {
        let staked = parts.and_then(|parts| Some((parts.token, parts.stake?)));
        let running = staked.map(|(token, (start, end, refundee))| {
            let key = IStaker::Key {
                rewardToken: campaign.reward,
                pool,
                startTime: start,
                endTime: end,
                refundee,
            };
            let id = keccak256(alloy::sol_types::SolValue::abi_encode(&key));
            let info = IStaker::getRewardInfoCall { key, tokenId: token };
            let incentives = batch.ask(campaign.staker, &IStaker::incentivesCall { id });
            (incentives, batch.ask(campaign.staker, &info))
        });
        let claimable = IStaker::rewardsCall { rewardToken: campaign.reward, owner: contract };
        AskedCampaign {
            unsold: batch.ask(contract, &IMarket::unsoldCall {}),
            price: campaign
                .oracle
                .map(|oracle| batch.ask(oracle, &IOracle::quoteCall { amount: PROBE })),
            claimable: batch.ask(campaign.staker, &claimable),
            running,
        }
    });
    AskedStake {
        token: batch.ask(contract, &IMarket::tokenIdCall {}),
        range: (
            batch.ask(contract, &IMarket::lowerCall {}),
            batch.ask(contract, &IMarket::upperCall {}),
        ),
        units: batch.ask(contract, &IMarket::liquidityUnitsCall {}),
        held: (
            batch.ask(contract, &IMarket::heldCall {}),
            batch.ask(contract, &IMarket::otherHeldCall {}),
        ),
        value: batch.ask(contract, &IMarket::valueCall {}),
        liquidity: batch.ask(contract, &IMarket::liquidityCall {}),
        managed,
        is_staked: batch.ask(contract, &IMarket::isStakedCall {}),
        times: batch.ask(contract, &IMarket::stakeCall {}),
        campaign,
    }
}

/// What was answered about one market.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) holding: Holding,
    /// What the contract says: low value, high value, what can leave.
    pub(super) said: Option<(U256, U256, U256)>,
    pub(super) campaign: Option<Paid>,
}

/// What a campaign pays, and what of it is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paid {
    /// Claimed and claimable, raw units of the reward.
    pub(super) due: U256,
    /// The reward's worst and best price in the asset, for [`PROBE`]; both the same where it is the asset.
    pub(super) price: (U256, U256),
    /// Raw units a second for all active liquidity, and when that ends; `None` while the position is not staked.
    pub(super) running: Option<(U256, u64)>,
}

/// What came of the questions.
pub(super) enum Found {
    Row(Box<Row>),
    /// What was remembered is no longer so: ask again.
    Changed(Parts),
}

fn tick_of(tick: I24) -> i32 {
    tick.as_i32()
}

/// Decodes the answers about a market, in view of what was remembered when they were asked for.
pub(super) fn decode(
    (answers, asked): (&Answers, &Asked),
    (market, at): (&MarketId, &At),
    (fixed, parts): (&Fixed, Option<&Parts>),
) -> Result<Found, AdapterError> {
    let about = market.as_str();
    let slot0 = answers.get(asked.slot0, about)?;
    let tick = tick_of(slot0.tick);
    let spacing = fixed.spacing.max(1);
    let mut now = Parts { tick, ..Parts::default() };
    if let Some(stake) = &asked.stake {
        now.token = answers.get(stake.token, about)?;
        let (lower, upper) = stake.range;
        now.range = (tick_of(answers.get(lower, about)?), tick_of(answers.get(upper, about)?));
        if answers.get(stake.is_staked, about)? {
            let times = answers.get(stake.times, about)?;
            now.stake = Some((times.startTime, times.endTime, times.refundee));
        }
    }
    for (word, slot) in &asked.words {
        let bits = answers.get(*slot, about)?;
        let of = |bit: i32| word.saturating_mul(WORD).saturating_add(bit).saturating_mul(spacing);
        let is_used = |bit: &i32| usize::try_from(*bit).is_ok_and(|bit| bits.bit(bit));
        now.ticks.extend((0..WORD).filter(is_used).map(of));
    }
    let words = words_around(tick, spacing);
    let is_same = parts.is_some_and(|parts| {
        words_around(parts.tick, spacing) == words
            && (parts.token, parts.range, parts.stake) == (now.token, now.range, now.stake)
            && parts.ticks == now.ticks
    });
    if !is_same {
        return Ok(Found::Changed(now));
    }
    let mut pool = pool(answers, asked, about, fixed)?;
    (pool.sqrt_price_x96, pool.tick) = (U256::from(slot0.sqrtPriceX96), tick);
    pool.protocol_share = (slot0.feeProtocol % 16, slot0.feeProtocol >> 4);
    pool.observation = Observation {
        time: u32::try_from(at.timestamp & u64::from(u32::MAX)).unwrap_or_default(),
        ..Observation::default()
    };
    let edge = |word: i32| word.saturating_mul(WORD).saturating_mul(spacing);
    let last = edge(words.end().saturating_add(1)).saturating_sub(1);
    let (zero, one) = asked.balances;
    let mut holding = Holding {
        setting: fixed.setting,
        pool,
        known: (edge(*words.start()), last),
        balances: Amounts::of(answers.get(zero, about)?, answers.get(one, about)?),
        quote: quote(answers, asked, about)?,
        managed: None,
        range: now.range,
        units: 0,
        held: U256::ZERO,
        other_held: U256::ZERO,
        read: at.timestamp,
    };
    let Some(stake) = &asked.stake else {
        return Ok(Found::Row(Box::new(Row { holding, said: None, campaign: None })));
    };
    holding.units = answers.get(stake.units, about)?;
    (holding.held, holding.other_held) =
        (answers.get(stake.held.0, about)?, answers.get(stake.held.1, about)?);
    if let Some((managed, position)) = stake.managed {
        managed_position(answers, (managed, position), about, &mut holding)?;
    }
    let value = answers.get(stake.value, about)?;
    let said = Some((value.low, value.high, answers.get(stake.liquidity, about)?));
    let campaign = stake.campaign.as_ref();
    let campaign = campaign.map(|slots| paid(answers, slots, (market, at), &now));
    Ok(Found::Row(Box::new(Row { holding, said, campaign: campaign.transpose()? })))
}

fn pool(
    answers: &Answers,
    asked: &Asked,
    about: &str,
    fixed: &Fixed,
) -> Result<Pool, AdapterError> {
    let mut ticks = BTreeMap::new();
    for (tick, slot) in &asked.ticks {
        let info = answers.get(*slot, about)?;
        if info.liquidityGross != 0 {
            let growth_outside =
                Growth { token0: info.feeGrowthOutside0X128, token1: info.feeGrowthOutside1X128 };
            let known = TickInfo {
                liquidity_gross: info.liquidityGross,
                liquidity_net: info.liquidityNet,
                growth_outside,
                outside: Inside::default(),
            };
            ticks.insert(*tick, known);
        }
    }
    Ok(Pool {
        fee: fixed.fee,
        tick_spacing: fixed.spacing,
        sqrt_price_x96: U256::ZERO,
        tick: 0,
        liquidity: answers.get(asked.liquidity, about)?,
        growth: Growth {
            token0: answers.get(asked.growth.0, about)?,
            token1: answers.get(asked.growth.1, about)?,
        },
        protocol_share: (0, 0),
        protocol_fees: (0, 0),
        observation: Observation::default(),
        ticks,
        positions: BTreeMap::new(),
    })
}

fn quote(answers: &Answers, asked: &Asked, about: &str) -> Result<Quote, AdapterError> {
    let said = answers.get(asked.quote, about)?;
    let mut until = None;
    for (heartbeat, slot) in &asked.feeds {
        // A feed that does not answer makes the oracle's price stale, which it says itself.
        let Ok(round) = answers.get(*slot, about) else { continue };
        let end = u64::try_from(round.updatedAt).unwrap_or(u64::MAX);
        let end = end.saturating_add(u64::from(*heartbeat));
        until = Some(until.map_or(end, |known: u64| known.min(end)));
    }
    Ok(Quote { worst: said.low, best: said.high, is_fresh: said.isFresh, until })
}

fn managed_position(
    answers: &Answers,
    (managed, position): (Slot<IManager::positionsCall>, Slot<IPool::positionsCall>),
    about: &str,
    holding: &mut Holding,
) -> Result<(), AdapterError> {
    let (lower, upper) = holding.range;
    let key = PositionKey { owner: holding.setting.manager, lower, upper };
    let found = answers.get(managed, about)?;
    holding.managed = Some(Managed {
        key,
        liquidity: found.liquidity,
        inside_last: Growth {
            token0: found.feeGrowthInside0LastX128,
            token1: found.feeGrowthInside1LastX128,
        },
        owed: (found.tokensOwed0, found.tokensOwed1),
    });
    let found = answers.get(position, about)?;
    let inside_last =
        Growth { token0: found.feeGrowthInside0LastX128, token1: found.feeGrowthInside1LastX128 };
    let owed = (found.tokensOwed0, found.tokensOwed1);
    let position = Position { liquidity: found.liquidity, inside_last, owed };
    holding.pool.positions.insert(key, position);
    Ok(())
}

fn paid(
    answers: &Answers,
    slots: &AskedCampaign,
    (market, at): (&MarketId, &At),
    parts: &Parts,
) -> Result<Paid, AdapterError> {
    let about = market.as_str();
    let unsold = answers.get(slots.unsold, about)?;
    let mut due = unsold.saturating_add(answers.get(slots.claimable, about)?);
    let price = match slots.price {
        Some(slot) => {
            let said = answers.get(slot, about)?;
            (said.low, said.high)
        }
        None => (PROBE, PROBE),
    };
    let mut running = None;
    if let (Some((incentives, info)), Some((start, end, _))) = (slots.running, parts.stake) {
        let (start, end) = (start.saturating_to::<u64>(), end.saturating_to::<u64>());
        // A stake that somebody else has ended earns nothing; what it earned is claimable.
        if let Ok(info) = answers.get(info, about) {
            due = due.saturating_add(info.reward);
            let left = answers.get(incentives, about)?;
            let length = end.max(at.timestamp).saturating_sub(start);
            let all: U256 = U256::from(length) << 128;
            let unpaid = all.saturating_sub(U256::from(left.totalSecondsClaimedX128));
            let lacks = "a campaign that has paid for all of its time";
            let rate = mul_div_down(left.totalRewardUnclaimed, Q128, unpaid);
            let rate = rate.map_err(|_| not_covered(market, at, lacks))?;
            running = Some((rate, end));
        }
    }
    Ok(Paid { due, price, running })
}

/// The questions whose answers never change, of a pool.
pub(super) struct AskedFixed {
    pub(super) fee: Slot<IPool::feeCall>,
    pub(super) spacing: Slot<IPool::tickSpacingCall>,
    pub(super) tokens: (Slot<IPool::token0Call>, Slot<IPool::token1Call>),
    pub(super) feeds: Slot<IOracle::feedsCall>,
    pub(super) contract: Option<AskedContract>,
}

/// Of a market contract.
pub(super) struct AskedContract {
    pub(super) asset: Slot<IMarket::assetCall>,
    pub(super) pool: Slot<IMarket::poolCall>,
    pub(super) oracle: Slot<IMarket::oracleCall>,
    pub(super) manager: Slot<IMarket::managerCall>,
    pub(super) swap: Slot<IMarket::swapCall>,
    pub(super) staker: Slot<IMarket::stakerCall>,
    pub(super) reward: Slot<IMarket::rewardCall>,
    pub(super) reward_oracle: Slot<IMarket::rewardOracleCall>,
    width: (Slot<IMarket::minWidthCall>, Slot<IMarket::maxWidthCall>),
    distance: (Slot<IMarket::maxMiddleDistanceCall>, Slot<IMarket::maxSpotDistanceCall>),
    bps: (Slot<IMarket::slippageBpsCall>, Slot<IMarket::staleBandBpsCall>),
}

/// Adds the questions whose answers never change.
pub(super) fn ask_fixed(batch: &mut Batch, wanted: &V3Market) -> AskedFixed {
    let pool = wanted.pool;
    AskedFixed {
        fee: batch.ask(pool, &IPool::feeCall {}),
        spacing: batch.ask(pool, &IPool::tickSpacingCall {}),
        tokens: (batch.ask(pool, &IPool::token0Call {}), batch.ask(pool, &IPool::token1Call {})),
        feeds: batch.ask(wanted.oracle, &IOracle::feedsCall {}),
        contract: wanted.contract.map(|contract| AskedContract {
            asset: batch.ask(contract, &IMarket::assetCall {}),
            pool: batch.ask(contract, &IMarket::poolCall {}),
            oracle: batch.ask(contract, &IMarket::oracleCall {}),
            manager: batch.ask(contract, &IMarket::managerCall {}),
            swap: batch.ask(contract, &IMarket::swapCall {}),
            staker: batch.ask(contract, &IMarket::stakerCall {}),
            reward: batch.ask(contract, &IMarket::rewardCall {}),
            reward_oracle: batch.ask(contract, &IMarket::rewardOracleCall {}),
            width: (
                batch.ask(contract, &IMarket::minWidthCall {}),
                batch.ask(contract, &IMarket::maxWidthCall {}),
            ),
            distance: (
                batch.ask(contract, &IMarket::maxMiddleDistanceCall {}),
                batch.ask(contract, &IMarket::maxSpotDistanceCall {}),
            ),
            bps: (
                batch.ask(contract, &IMarket::slippageBpsCall {}),
                batch.ask(contract, &IMarket::staleBandBpsCall {}),
            ),
        }),
    }
}

/// The bounds of a market contract.
pub(super) fn bounds(
    answers: &Answers,
    asked: &AskedContract,
    about: &str,
) -> Result<Bounds, AdapterError> {
    Ok(Bounds {
        width: (
            answers.get(asked.width.0, about)?.to::<i32>(),
            answers.get(asked.width.1, about)?.to::<i32>(),
        ),
        middle: answers.get(asked.distance.0, about)?.to::<i32>(),
        spot: answers.get(asked.distance.1, about)?.to::<i32>(),
        slippage_bps: answers.get(asked.bps.0, about)?,
        stale_band_bps: answers.get(asked.bps.1, about)?,
    })
}

/// What of a market without a contract cannot change.
pub(super) fn setting_without(decimals: (u8, u8), is_asset_zero: bool) -> Setting {
    Setting {
        is_asset_zero,
        decimals,
        manager: Address::ZERO,
        swaps_here: false,
        bounds: Bounds::default(),
    }
}
