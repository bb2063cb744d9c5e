//! What is asked of Lido's contracts, of the oracle and of the market contract, and how the answers become a [`Staked`].

use super::holding::{Request, Staked, WAD};
use super::{Fixed, Parts, StakedMarket};
use crate::live::multicall::{Answers, Batch, Slot};
use crate::live::uniswap_v3::holding::{PROBE, Quote};
use crate::live::uniswap_v3::read::{IFeed, IOracle};
use crate::live::{disagrees, not_covered};
use alloy::primitives::{Address, U256, uint};
use alloy::sol;
use plimsoll_core::MarketId;
use plimsoll_core::units::Ray;
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::At;

sol! {
    interface IWstEth {
        function stETH() external view returns (address);
        function symbol() external view returns (string memory);
    }
    interface IStEth {
        function getTotalPooledEther() external view returns (uint256);
        function getTotalShares() external view returns (uint256);
        function getExternalEther() external view returns (uint256);
        function getExternalShares() external view returns (uint256);
        function getPooledEthByShares(uint256 shares) external view returns (uint256);
        function isStakingPaused() external view returns (bool);
        function getCurrentStakeLimit() external view returns (uint256);
    }
    interface IQueue {
        struct Status { uint256 amountOfStETH; uint256 amountOfShares; address owner; uint256 timestamp; bool isFinalized; bool isClaimed; }
        function WSTETH() external view returns (address);
        function isPaused() external view returns (bool);
        function isBunkerModeActive() external view returns (bool);
        function getLastRequestId() external view returns (uint256);
        function getLastFinalizedRequestId() external view returns (uint256);
        function getLastCheckpointIndex() external view returns (uint256);
        function getWithdrawalStatus(uint256[] ids) external view returns (Status[] memory);
        function findCheckpointHints(uint256[] ids, uint256 first, uint256 last) external view returns (uint256[] memory);
        function getClaimableEther(uint256[] ids, uint256[] hints) external view returns (uint256[] memory);
    }
    interface ISwap {
        function quote(address tokenIn, uint256 amountIn) external view returns (uint256);
    }
    /// `contracts/src/markets/StakedEthMarket.sol`.
    interface IMarket {
        function asset() external view returns (address);
        function wstEth() external view returns (address);
        function queue() external view returns (address);
        function oracle() external view returns (address);
        function swap() external view returns (address);
        function slippageBps() external view returns (uint256);
        function staleBandBps() external view returns (uint256);
        function shares() external view returns (uint256);
        function held() external view returns (uint256);
        function requests() external view returns (uint256[] memory);
        function partOfVault(uint256 request) external view returns (uint256);
        function value() external view returns (uint256 low, uint256 high, bool isFresh);
        function liquidity() external view returns (uint256);
        function queued() external view returns (uint256);
        function deposit(uint256 assets, bytes data) external;
        function withdraw(uint256 assets) external;
    }
}

/// Doublings of one wstETH, and of one and a half, of which a sale is asked about: up to 98,304.
const LADDER: u32 = 17;
/// Half a wstETH.
const HALF: U256 = uint!(500_000_000_000_000_000_U256);

/// The questions about one market.
pub(super) struct Asked {
    totals: AskedTotals,
    rate: Slot<IStEth::getPooledEthBySharesCall>,
    paused: Slot<IStEth::isStakingPausedCall>,
    room: Slot<IStEth::getCurrentStakeLimitCall>,
    slow: (Slot<IQueue::isPausedCall>, Slot<IQueue::isBunkerModeActiveCall>),
    quote: Slot<IOracle::quoteCall>,
    feeds: Vec<(u32, Slot<IFeed::latestRoundDataCall>)>,
    last: Slot<IQueue::getLastRequestIdCall>,
    finalized: Slot<IQueue::getLastFinalizedRequestIdCall>,
    /// The oldest request that waits, as far as it was known.
    oldest: Option<Slot<IQueue::getWithdrawalStatusCall>>,
    stake: Option<AskedStake>,
}

/// The questions about all that is staked.
#[derive(Clone, Copy)]
pub(super) struct AskedTotals {
    pooled: Slot<IStEth::getTotalPooledEtherCall>,
    shares: Slot<IStEth::getTotalSharesCall>,
    external: (Slot<IStEth::getExternalEtherCall>, Slot<IStEth::getExternalSharesCall>),
}

/// What is staked: Lido's own ETH and shares, and the shares that are backed by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) pooled: U256,
    pub(super) shares: U256,
    pub(super) external_shares: U256,
}

/// Adds the questions about all that is staked.
pub(super) fn ask_totals(batch: &mut Batch, st_eth: Address) -> AskedTotals {
    AskedTotals {
        pooled: batch.ask(st_eth, &IStEth::getTotalPooledEtherCall {}),
        shares: batch.ask(st_eth, &IStEth::getTotalSharesCall {}),
        external: (
            batch.ask(st_eth, &IStEth::getExternalEtherCall {}),
            batch.ask(st_eth, &IStEth::getExternalSharesCall {}),
        ),
    }
}

/// Decodes what is staked. Before its third version Lido knew no external shares, and has no answer for them.
pub(super) fn totals(
    answers: &Answers,
    asked: AskedTotals,
    about: &str,
) -> Result<Totals, AdapterError> {
    let external_ether: U256 = answers.get(asked.external.0, about).unwrap_or_default();
    let external_shares = answers.get(asked.external.1, about).unwrap_or_default();
    let pooled: U256 = answers.get(asked.pooled, about)?;
    let shares: U256 = answers.get(asked.shares, about)?;
    Ok(Totals {
        pooled: pooled.saturating_sub(external_ether),
        shares: shares.saturating_sub(external_shares),
        external_shares,
    })
}

/// A sale of so much wstETH.
type AskedSale = (U256, Slot<ISwap::quoteCall>);

struct AskedStake {
    units: Slot<IMarket::sharesCall>,
    held: Slot<IMarket::heldCall>,
    requests: Slot<IMarket::requestsCall>,
    checkpoint: Slot<IQueue::getLastCheckpointIndexCall>,
    value: Slot<IMarket::valueCall>,
    liquidity: Slot<IMarket::liquidityCall>,
    queued: Slot<IMarket::queuedCall>,
    sales: Vec<AskedSale>,
    ladder: Vec<AskedSale>,
    states: Option<Slot<IQueue::getWithdrawalStatusCall>>,
    parts: Vec<Slot<IMarket::partOfVaultCall>>,
    hints: Option<Slot<IQueue::findCheckpointHintsCall>>,
    claimable: Option<Slot<IQueue::getClaimableEtherCall>>,
}

/// Adds the questions about a market, in view of what is remembered of it.
pub(super) fn ask(batch: &mut Batch, wanted: &StakedMarket, fixed: &Fixed, known: &Parts) -> Asked {
    let queue = wanted.queue;
    let oldest = known.finalized.saturating_add(U256::from(1));
    let feeds = fixed
        .feeds
        .iter()
        .map(|(feed, heartbeat)| (*heartbeat, batch.ask(*feed, &IFeed::latestRoundDataCall {})));
    let feeds = feeds.collect();
    Asked {
        totals: ask_totals(batch, fixed.st_eth),
        rate: batch.ask(fixed.st_eth, &IStEth::getPooledEthBySharesCall { shares: Ray::ONE.0 }),
        paused: batch.ask(fixed.st_eth, &IStEth::isStakingPausedCall {}),
        room: batch.ask(fixed.st_eth, &IStEth::getCurrentStakeLimitCall {}),
        slow: (
            batch.ask(queue, &IQueue::isPausedCall {}),
            batch.ask(queue, &IQueue::isBunkerModeActiveCall {}),
        ),
        quote: batch.ask(wanted.oracle, &IOracle::quoteCall { amount: PROBE }),
        feeds,
        last: batch.ask(queue, &IQueue::getLastRequestIdCall {}),
        finalized: batch.ask(queue, &IQueue::getLastFinalizedRequestIdCall {}),
        oldest: known
            .waits
            .then(|| batch.ask(queue, &IQueue::getWithdrawalStatusCall { ids: vec![oldest] })),
        stake: wanted.contract.map(|contract| {
            let mut sale = |sold: U256| {
                let call = ISwap::quoteCall { tokenIn: wanted.wst_eth, amountIn: sold };
                (sold, batch.ask(fixed.swap, &call))
            };
            let sales = Staked::tried(known.units).map(&mut sale).collect();
            let ladder = ladder().map(&mut sale).collect();
            let ids = known.requests.clone();
            let ready: Vec<U256> =
                ids.iter().copied().filter(|id| *id <= known.finalized).collect();
            let parts = ids.iter().map(|request| {
                batch.ask(contract, &IMarket::partOfVaultCall { request: *request })
            });
            let parts = parts.collect();
            let hints = (!ready.is_empty()).then(|| {
                let (first, last) = (U256::from(1), known.checkpoint);
                let call = IQueue::findCheckpointHintsCall { ids: ready.clone(), first, last };
                batch.ask(queue, &call)
            });
            let claimable = (!ready.is_empty() && known.hints.len() == ready.len()).then(|| {
                let hints = known.hints.clone();
                batch.ask(queue, &IQueue::getClaimableEtherCall { ids: ready, hints })
            });
            AskedStake {
                units: batch.ask(contract, &IMarket::sharesCall {}),
                held: batch.ask(contract, &IMarket::heldCall {}),
                requests: batch.ask(contract, &IMarket::requestsCall {}),
                checkpoint: batch.ask(queue, &IQueue::getLastCheckpointIndexCall {}),
                value: batch.ask(contract, &IMarket::valueCall {}),
                liquidity: batch.ask(contract, &IMarket::liquidityCall {}),
                queued: batch.ask(contract, &IMarket::queuedCall {}),
                sales,
                ladder,
                states: (!ids.is_empty())
                    .then(|| batch.ask(queue, &IQueue::getWithdrawalStatusCall { ids })),
                parts,
                hints,
                claimable,
            }
        }),
    }
}

/// The amounts of which a sale is asked about always, in order.
fn ladder() -> impl Iterator<Item = U256> {
    let steps = (0..LADDER).map(|times| 1u64 << times);
    steps.flat_map(|step| {
        [WAD.saturating_mul(U256::from(step)), HALF.saturating_mul(U256::from(3 * step))]
    })
}

/// What was answered about one market.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) staked: Staked,
    /// Nobody can stake.
    pub(super) is_paused: bool,
    /// The queue stands still, or is in the mode in which it waits for slashings to be known.
    pub(super) is_slow: bool,
    /// When the oldest request that waits was made, Unix seconds.
    pub(super) oldest: Option<u64>,
    /// What the contract says: low value, high value, what can leave, what is queued.
    pub(super) said: Option<(U256, U256, U256, U256)>,
}

/// What came of the questions.
pub(super) enum Found {
    Row(Box<Row>),
    /// What was remembered is no longer so: ask again.
    Changed(Parts),
}

/// Decodes the answers about a market, in view of what was remembered when they were asked for.
pub(super) fn decode(
    (answers, asked): (&Answers, &Asked),
    (market, at): (&MarketId, &At),
    (fixed, known): (&Fixed, &Parts),
) -> Result<Found, AdapterError> {
    let about = market.as_str();
    let last: U256 = answers.get(asked.last, about)?;
    let finalized = answers.get(asked.finalized, about)?;
    let mut now = Parts { waits: last > finalized, finalized, ..Parts::default() };
    if let Some(stake) = &asked.stake {
        now.units = answers.get(stake.units, about)?;
        now.requests = answers.get(stake.requests, about)?;
        now.checkpoint = answers.get(stake.checkpoint, about)?;
        // Hints that were asked for with what is no longer so are none.
        let is_asked = now.requests == known.requests && now.checkpoint == known.checkpoint;
        if let Some(slot) = stake.hints.filter(|_| is_asked && now.finalized == known.finalized) {
            now.hints = answers.get(slot, about)?;
        }
    }
    if now != *known {
        return Ok(Found::Changed(now));
    }
    let oldest = match asked.oldest {
        Some(slot) => answers.get(slot, about)?.first().map(|state| state.timestamp),
        None => None,
    };
    let totals = totals(answers, asked.totals, about)?;
    let is_paused = answers.get(asked.paused, about)?;
    let room: U256 = answers.get(asked.room, about)?;
    let is_slow = answers.get(asked.slow.0, about)? || answers.get(asked.slow.1, about)?;
    let mut staked = Staked {
        pooled: totals.pooled,
        all_shares: totals.shares,
        external_shares: totals.external_shares,
        room: (room != U256::MAX).then_some(room),
        quote: quote(answers, asked, about)?,
        units: now.units,
        held: U256::ZERO,
        requests: Vec::new(),
        sales: Vec::new(),
        ladder: Vec::new(),
        bounds: fixed.bounds,
        read: at.timestamp,
    };
    let rate = staked.redeemed(Ray::ONE.0);
    let rate = rate.map_err(|error| not_covered(market, at, &error.to_string()))?;
    disagrees(market, at, "getPooledEthByShares", (rate, answers.get(asked.rate, about)?))?;
    let mut said = None;
    if let Some(stake) = &asked.stake {
        staked.held = answers.get(stake.held, about)?;
        staked.requests = requests(answers, stake, about, &now)?;
        // A sale that the pool cannot take brings nothing.
        let sale =
            |(sold, slot): &AskedSale| (*sold, answers.get(*slot, about).unwrap_or_default());
        staked.sales = stake.sales.iter().map(sale).collect();
        staked.ladder = stake.ladder.iter().map(sale).collect();
        let value = answers.get(stake.value, about)?;
        let free = answers.get(stake.liquidity, about)?;
        said = Some((value.low, value.high, free, answers.get(stake.queued, about)?));
    }
    let oldest = oldest.map(|time| time.saturating_to());
    Ok(Found::Row(Box::new(Row { staked, is_paused, is_slow, oldest, said })))
}

fn requests(
    answers: &Answers,
    stake: &AskedStake,
    about: &str,
    now: &Parts,
) -> Result<Vec<Request>, AdapterError> {
    let Some(states) = stake.states else { return Ok(Vec::new()) };
    let states = answers.get(states, about)?;
    let claimable = match stake.claimable {
        Some(slot) => answers.get(slot, about)?,
        None => Vec::new(),
    };
    let mut requests = Vec::with_capacity(states.len());
    for (place, (state, id)) in states.iter().zip(&now.requests).enumerate() {
        let part = match stake.parts.get(place) {
            Some(slot) => answers.get(*slot, about)?,
            None => U256::ZERO,
        };
        // The finalized ones are the oldest, and come first.
        let paid = claimable.get(place).copied().filter(|_| *id <= now.finalized);
        requests.push(Request {
            asked: state.amountOfStETH,
            shares: state.amountOfShares,
            part,
            claimable: paid,
        });
    }
    Ok(requests)
}

fn quote(answers: &Answers, asked: &Asked, about: &str) -> Result<Quote, AdapterError> {
    let said = answers.get(asked.quote, about)?;
    let ends = asked.feeds.iter().filter_map(|(heartbeat, slot)| {
        // A feed that does not answer makes the oracle's price stale, which it says itself.
        let since: u64 = answers.get(*slot, about).ok()?.updatedAt.saturating_to();
        Some(since.saturating_add(u64::from(*heartbeat)))
    });
    let until = ends.min();
    Ok(Quote { worst: said.low, best: said.high, is_fresh: said.isFresh, until })
}
