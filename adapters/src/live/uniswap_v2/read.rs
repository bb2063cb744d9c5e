//! What is asked of a pair, its market contract, its oracle and its campaign, and how the answers become a [`Holding`].

use super::holding::{Holding, Setting};
use super::{Campaign, Fixed, Priced, V2Market};
use crate::live::morpho_blue::read::IToken;
use crate::live::multicall::{Answers, Batch, Slot};
use crate::live::oracle::{self, AskedFeeds, AskedQuotes, Quotes};
use alloy::primitives::{Address, U256};
use alloy::sol;
use plimsoll_core::lp::Amounts;
use plimsoll_core::lp::v2::Pair;
use plimsoll_execute::AdapterError;
use plimsoll_execute::protocol::At;

sol! {
    interface IPair {
        function token0() external view returns (address);
        function token1() external view returns (address);
        function factory() external view returns (address);
        function getReserves() external view returns (uint112 reserve0, uint112 reserve1, uint32 blockTimestampLast);
        function kLast() external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
    }
    interface IFactory {
        function feeTo() external view returns (address);
    }
    interface IStaking {
        function stakingToken() external view returns (address);
        function rewardsToken() external view returns (address);
        function rewardRate() external view returns (uint256);
        function periodFinish() external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function rewardPerToken() external view returns (uint256);
        function earned(address account) external view returns (uint256);
    }
    /// `contracts/src/markets/UniswapV2Market.sol`.
    interface IMarket {
        function asset() external view returns (address);
        function pair() external view returns (address);
        function oracle() external view returns (address);
        function staking() external view returns (address);
        function rewardOracle() external view returns (address);
        function slippageBps() external view returns (uint256);
        function staleBandBps() external view returns (uint256);
        function shares() external view returns (uint256);
        function staked() external view returns (uint256);
        function held() external view returns (uint256);
        function unsold() external view returns (uint256);
        function value() external view returns (uint256 low, uint256 high, bool isFresh);
        function liquidity() external view returns (uint256);
    }
}

/// The questions about one market.
pub(super) struct Asked {
    reserves: Slot<IPair::getReservesCall>,
    supply: Slot<IPair::totalSupplyCall>,
    k_last: Slot<IPair::kLastCall>,
    fee_to: Slot<IFactory::feeToCall>,
    balances: (Slot<IToken::balanceOfCall>, Slot<IToken::balanceOfCall>),
    stray: Slot<IPair::balanceOfCall>,
    quotes: AskedQuotes,
    contract: Option<AskedContract>,
    campaign: Option<AskedCampaign>,
}

struct AskedContract {
    shares: Slot<IMarket::sharesCall>,
    staked: Slot<IMarket::stakedCall>,
    held: Slot<IMarket::heldCall>,
    value: Slot<IMarket::valueCall>,
    liquidity: Slot<IMarket::liquidityCall>,
}

struct AskedCampaign {
    rate: Slot<IStaking::rewardRateCall>,
    finish: Slot<IStaking::periodFinishCall>,
    staked: Slot<IStaking::totalSupplyCall>,
    per_share: Slot<IStaking::rewardPerTokenCall>,
    quotes: Option<AskedQuotes>,
    due: Option<(Slot<IMarket::unsoldCall>, Slot<IStaking::earnedCall>)>,
}

/// Adds the questions about a market.
pub(super) fn ask(batch: &mut Batch, wanted: &V2Market, fixed: &Fixed) -> Asked {
    let pair = wanted.pair;
    let balance =
        |batch: &mut Batch, token| batch.ask(token, &IToken::balanceOfCall { account: pair });
    Asked {
        reserves: batch.ask(pair, &IPair::getReservesCall {}),
        supply: batch.ask(pair, &IPair::totalSupplyCall {}),
        k_last: batch.ask(pair, &IPair::kLastCall {}),
        fee_to: batch.ask(fixed.factory, &IFactory::feeToCall {}),
        balances: (balance(batch, fixed.tokens.0), balance(batch, fixed.tokens.1)),
        stray: batch.ask(pair, &IPair::balanceOfCall { account: pair }),
        quotes: oracle::ask(batch, wanted.oracle, fixed.feeds.as_ref()),
        contract: wanted.contract.map(|contract| AskedContract {
            shares: batch.ask(contract, &IMarket::sharesCall {}),
            staked: batch.ask(contract, &IMarket::stakedCall {}),
            held: batch.ask(contract, &IMarket::heldCall {}),
            value: batch.ask(contract, &IMarket::valueCall {}),
            liquidity: batch.ask(contract, &IMarket::liquidityCall {}),
        }),
        campaign: fixed.campaign.as_ref().map(|found| ask_campaign(batch, wanted, found)),
    }
}

fn ask_campaign(batch: &mut Batch, wanted: &V2Market, found: &Campaign) -> AskedCampaign {
    let staking = found.staking;
    AskedCampaign {
        rate: batch.ask(staking, &IStaking::rewardRateCall {}),
        finish: batch.ask(staking, &IStaking::periodFinishCall {}),
        staked: batch.ask(staking, &IStaking::totalSupplyCall {}),
        per_share: batch.ask(staking, &IStaking::rewardPerTokenCall {}),
        quotes: match &found.priced {
            Priced::By(oracle, feeds) => Some(oracle::ask(batch, *oracle, feeds.as_deref())),
            Priced::Asset | Priced::Unknown => None,
        },
        due: wanted.contract.map(|contract| {
            let unsold = batch.ask(contract, &IMarket::unsoldCall {});
            (unsold, batch.ask(staking, &IStaking::earnedCall { account: contract }))
        }),
    }
}

/// What was answered about one market.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) holding: Holding,
    /// What the contract says: low value, high value, what can leave.
    pub(super) said: Option<(U256, U256, U256)>,
    pub(super) paid: Option<Paid>,
}

/// What a campaign pays, and what of it is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paid {
    /// Claimed and claimable, raw units of the reward.
    pub(super) due: U256,
    /// The reward's oracle; `None` where it is the asset or has none.
    pub(super) quotes: Option<Quotes>,
    /// Raw units a second for all who stake.
    pub(super) rate: U256,
    /// When that ends, Unix seconds.
    pub(super) finish: u64,
    /// Shares that are staked.
    pub(super) staked: U256,
    /// What a whole share that was always staked has earned.
    pub(super) per_share: U256,
}

/// Decodes the answers about a market.
pub(super) fn decode(
    (answers, asked): (&Answers, &Asked),
    (about, at): (&str, &At),
    fixed: &Fixed,
) -> Result<Row, AdapterError> {
    let reserves = answers.get(asked.reserves, about)?;
    let (zero, one) = asked.balances;
    let pair = Pair {
        reserves: Amounts::of(U256::from(reserves.reserve0), U256::from(reserves.reserve1)),
        held: Amounts::of(answers.get(zero, about)?, answers.get(one, about)?),
        supply: answers.get(asked.supply, about)?,
        k_last: answers.get(asked.k_last, about)?,
        protocol_takes: !answers.get(asked.fee_to, about)?.is_zero(),
    };
    let mut holding = Holding {
        setting: fixed.setting,
        pair,
        stray: answers.get(asked.stray, about)?,
        quotes: oracle::decode((answers, &asked.quotes), fixed.feeds.as_ref(), about)?,
        shares: U256::ZERO,
        staked: U256::ZERO,
        held: U256::ZERO,
        read: at.timestamp,
    };
    let mut said = None;
    if let Some(contract) = &asked.contract {
        holding.shares = answers.get(contract.shares, about)?;
        holding.staked = answers.get(contract.staked, about)?;
        holding.held = answers.get(contract.held, about)?;
        let value = answers.get(contract.value, about)?;
        said = Some((value.low, value.high, answers.get(contract.liquidity, about)?));
    }
    let campaign = asked.campaign.as_ref().zip(fixed.campaign.as_ref());
    let paid = campaign.map(|(asked, found)| paid(answers, asked, found, about)).transpose()?;
    Ok(Row { holding, said, paid })
}

fn paid(
    answers: &Answers,
    asked: &AskedCampaign,
    found: &Campaign,
    about: &str,
) -> Result<Paid, AdapterError> {
    let feeds = match &found.priced {
        Priced::By(_, feeds) => feeds.as_deref(),
        Priced::Asset | Priced::Unknown => None,
    };
    let quotes = asked.quotes.as_ref();
    let quotes = quotes.map(|asked| oracle::decode((answers, asked), feeds, about)).transpose()?;
    let mut due = U256::ZERO;
    if let Some((unsold, earned)) = asked.due {
        due = answers.get(unsold, about)?.saturating_add(answers.get(earned, about)?);
    }
    Ok(Paid {
        due,
        quotes,
        rate: answers.get(asked.rate, about)?,
        finish: answers.get(asked.finish, about)?.saturating_to(),
        staked: answers.get(asked.staked, about)?,
        per_share: answers.get(asked.per_share, about)?,
    })
}

/// The questions whose answers never change.
pub(super) struct AskedFixed {
    pub(super) tokens: (Slot<IPair::token0Call>, Slot<IPair::token1Call>),
    pub(super) factory: Slot<IPair::factoryCall>,
    pub(super) feeds: AskedFeeds,
    pub(super) staking:
        Option<(Slot<IStaking::stakingTokenCall>, Slot<IStaking::rewardsTokenCall>)>,
    pub(super) reward_feeds: Option<AskedFeeds>,
    pub(super) contract: Option<AskedSetting>,
}

/// Of a market contract.
pub(super) struct AskedSetting {
    pub(super) asset: Slot<IMarket::assetCall>,
    pub(super) pair: Slot<IMarket::pairCall>,
    pub(super) oracle: Slot<IMarket::oracleCall>,
    pub(super) staking: Slot<IMarket::stakingCall>,
    pub(super) reward_oracle: Slot<IMarket::rewardOracleCall>,
    bps: (Slot<IMarket::slippageBpsCall>, Slot<IMarket::staleBandBpsCall>),
}

/// Adds the questions whose answers never change.
pub(super) fn ask_fixed(batch: &mut Batch, wanted: &V2Market) -> AskedFixed {
    let pair = wanted.pair;
    AskedFixed {
        tokens: (batch.ask(pair, &IPair::token0Call {}), batch.ask(pair, &IPair::token1Call {})),
        factory: batch.ask(pair, &IPair::factoryCall {}),
        feeds: oracle::ask_feeds(batch, wanted.oracle),
        staking: wanted.staking.map(|staking| {
            let staked = batch.ask(staking, &IStaking::stakingTokenCall {});
            (staked, batch.ask(staking, &IStaking::rewardsTokenCall {}))
        }),
        reward_feeds: wanted.reward_oracle.map(|oracle| oracle::ask_feeds(batch, oracle)),
        contract: wanted.contract.map(|contract| AskedSetting {
            asset: batch.ask(contract, &IMarket::assetCall {}),
            pair: batch.ask(contract, &IMarket::pairCall {}),
            oracle: batch.ask(contract, &IMarket::oracleCall {}),
            staking: batch.ask(contract, &IMarket::stakingCall {}),
            reward_oracle: batch.ask(contract, &IMarket::rewardOracleCall {}),
            bps: (
                batch.ask(contract, &IMarket::slippageBpsCall {}),
                batch.ask(contract, &IMarket::staleBandBpsCall {}),
            ),
        }),
    }
}

/// What a market contract allows.
pub(super) fn setting(
    answers: &Answers,
    asked: &AskedSetting,
    about: &str,
) -> Result<Setting, AdapterError> {
    Ok(Setting {
        stakes: answers.get(asked.staking, about)? != Address::ZERO,
        slippage_bps: answers.get(asked.bps.0, about)?,
        stale_band_bps: answers.get(asked.bps.1, about)?,
        ..Setting::default()
    })
}
