//! Those who stake, those who leave staked ether, who pays campaigns, and the reporter of staked ether.

use super::SceneSettings;
use super::look::WorldState;
use crate::abi::{
    IStakedEth, IStakingRewards, IStepRunner::Step, IToken, IUniswapV3Staker, IWithdrawalQueue,
    IncentiveKey,
};
use crate::deploy::world::{DAY, PAIR_REWARDS, RANGE_REWARDS, step};
use crate::driver::raw;
use crate::{Call, LocalChainError, World};
use alloy::primitives::{Address, U256};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::Exp1;

/// Gas of one of these transactions.
const GAS: u64 = 500_000;
/// Finalizing and claiming go through many requests.
const QUEUE_GAS: u64 = 3_000_000;
/// The reward APR at which as many stakers come as go.
const CONTENT_APR: f64 = 0.15;
/// Days of a campaign of Uniswap's staker after the first.
const RANGE_DAYS: u64 = 14;
/// The most requests claimed in a block.
const MOST_CLAIMS: usize = 8;

/// What has to be remembered from block to block.
#[derive(Debug, Clone)]
pub(super) struct Affairs {
    /// Requests of the queue that are not finalized, with when they were seen first.
    requests: Vec<(u64, u64)>,
    /// When validators' rewards were reported last.
    reported: u64,
    /// The newest campaign of Uniswap's staker, once it is not the first.
    pub(super) incentive: Option<IncentiveKey>,
}

impl Affairs {
    pub(super) fn start(time: u64) -> Affairs {
        Affairs { requests: Vec::new(), reported: time, incentive: None }
    }
}

/// Everything that people look at.
pub(super) struct People<'a> {
    pub(super) world: &'a World,
    pub(super) settings: &'a SceneSettings,
    pub(super) now: &'a WorldState,
    pub(super) time: u64,
    /// The reward in USDC.
    pub(super) reward: f64,
    pub(super) leaver: Address,
}

impl People<'_> {
    /// What they do in a block.
    pub(super) fn act(
        &self,
        affairs: &mut Affairs,
        rng: &mut ChaCha8Rng,
    ) -> Result<Vec<Call>, LocalChainError> {
        let mut calls = self.stake(rng)?;
        calls.extend(self.campaigns(affairs)?);
        calls.extend(self.claim());
        calls.extend(self.finalize(affairs));
        calls.extend(self.report(affairs)?);
        Ok(calls)
    }

    /// Stakers come while rewards are good and go when they are not.
    fn stake(&self, rng: &mut ChaCha8Rng) -> Result<Vec<Call>, LocalChainError> {
        let staking = self.world.pools.staking;
        let apr = self.now.reward_apr(self.time, self.reward);
        let comes = apr / (apr + CONTENT_APR);
        let mut calls = Vec::new();
        for (who, (free, staked)) in self.world.pools.stakers.iter().zip(&self.now.stakers) {
            let (acts, comes_now) = (rng.random::<f64>(), rng.random::<f64>() < comes);
            let percent = U256::from(rng.random_range(10..60_u32));
            if acts >= self.settings.stakers {
                continue;
            }
            let part = |whole: &U256| *whole * percent / U256::from(100);
            let call = if comes_now {
                let amount = part(free);
                (!amount.is_zero())
                    .then(|| Call::new(*who, staking, &IStakingRewards::stakeCall { amount }))
            } else {
                let amount = part(staked);
                (!amount.is_zero())
                    .then(|| Call::new(*who, staking, &IStakingRewards::withdrawCall { amount }))
            };
            calls.extend(call.map(|call| call.with_gas(GAS)));
        }
        Ok(calls)
    }

    /// Begins the next campaigns where the last ones have been over for long enough.
    fn campaigns(&self, affairs: &mut Affairs) -> Result<Vec<Call>, LocalChainError> {
        let Some(gap) = self.settings.gap_days else { return Ok(Vec::new()) };
        let (pools, reward) = (&self.world.pools, self.world.reward.token);
        let is_over = |end: u64| self.time >= end.saturating_add(gap.saturating_mul(DAY));
        let mut calls = Vec::new();
        if is_over(self.now.campaign_end) {
            let amount = raw("rewards", PAIR_REWARDS, 18)?;
            let pay = IToken::transferCall { to: pools.staking, amount };
            let notify = IStakingRewards::notifyRewardAmountCall { reward: amount };
            calls.push(Call::new(pools.provider, reward, &pay).with_gas(GAS));
            calls.push(Call::new(pools.provider, pools.staking, &notify).with_gas(GAS));
        }
        let last = affairs.incentive.as_ref().unwrap_or(&pools.incentive);
        if is_over(last.endTime.saturating_to()) {
            let start = U256::from(self.time);
            let lasts = U256::from(RANGE_DAYS.saturating_mul(DAY));
            let key = IncentiveKey {
                startTime: start,
                endTime: start.saturating_add(lasts),
                ..last.clone()
            };
            let amount = raw("rewards", RANGE_REWARDS, 18)?;
            let create = IUniswapV3Staker::createIncentiveCall { key: key.clone(), reward: amount };
            let staker = self.world.exchanges.uniswap_v3.staker;
            calls.push(Call::new(pools.provider, staker, &create).with_gas(GAS));
            affairs.incentive = Some(key);
        }
        Ok(calls)
    }

    /// Who left staked ether claims what is finalized.
    fn claim(&self) -> Vec<Call> {
        let done = U256::from(self.now.requests.1);
        let ready = self.now.leaving.iter().filter(|id| **id <= done).take(MOST_CLAIMS);
        let claim = |id: &U256| {
            let call = IWithdrawalQueue::claimWithdrawalCall { id: *id };
            Call::new(self.leaver, self.world.staked.queue, &call).with_gas(GAS)
        };
        ready.map(claim).collect()
    }

    /// The reporter finalizes what has waited for long enough.
    fn finalize(&self, affairs: &mut Affairs) -> Option<Call> {
        let (newest, finalized) = self.now.requests;
        let known = affairs.requests.last().map_or(finalized, |(id, _)| *id);
        affairs.requests.extend((known.saturating_add(1)..=newest).map(|id| (id, self.time)));
        let waits = self.settings.queue_days.saturating_mul(DAY);
        let ripe = |(_, since): &&(u64, u64)| self.time.saturating_sub(*since) >= waits;
        let last = affairs.requests.iter().take_while(ripe).last()?.0;
        affairs.requests.retain(|(id, _)| *id > last);
        let call = IStakedEth::finalizeCall { lastId: U256::from(last) };
        let staked = &self.world.staked;
        Some(Call::new(staked.reporter, staked.st_eth, &call).with_gas(QUEUE_GAS))
    }

    /// The reporter pays in, once a day, what validators earned.
    fn report(&self, affairs: &mut Affairs) -> Result<Option<Call>, LocalChainError> {
        let passed = self.time.saturating_sub(affairs.reported);
        if passed < DAY {
            return Ok(None);
        }
        affairs.reported = self.time;
        let seconds = f64::from(u32::try_from(passed).unwrap_or(u32::MAX));
        let earned = self.now.pooled * self.settings.validator_apr * seconds / 31_536_000.0;
        let staked = &self.world.staked;
        let call = Call::new(staked.reporter, staked.st_eth, &IStakedEth::reportRewardsCall {});
        Ok(Some(Call { value: raw("rewards", earned, 18)?, ..call.with_gas(GAS) }))
    }

    /// The reporter tells of a loss.
    pub(super) fn slashing(&self, part: f64) -> Result<Call, LocalChainError> {
        let lost = raw("slashing", self.now.pooled * part, 18)?;
        let staked = &self.world.staked;
        let call = IStakedEth::reportSlashingCall { lost };
        Ok(Call::new(staked.reporter, staked.st_eth, &call).with_gas(GAS))
    }
}

/// The trader's steps by which somebody asks for staked ether back, if anybody does.
pub(super) fn ask_to_leave(
    settings: &SceneSettings,
    world: &World,
    leaver: Address,
    (rng, seconds): (&mut ChaCha8Rng, f64),
) -> Result<Option<[Step; 2]>, LocalChainError> {
    let (asks, size) = (rng.random::<f64>(), rng.sample::<f64, _>(Exp1));
    let (chance, mean) = settings.withdrawals;
    if asks >= chance * (seconds / 3_600.0).min(1.0) {
        return Ok(None);
    }
    // The queue takes a hundred wei to a thousand ether at once.
    let amount = raw("withdrawal", (mean * size).clamp(0.01, 800.0), 18)?;
    let staked = &world.staked;
    let approve = IToken::approveCall { spender: staked.queue, amount };
    let ask =
        IWithdrawalQueue::requestWithdrawalsWstETHCall { amounts: vec![amount], owner: leaver };
    Ok(Some([step(staked.wst_eth, &approve), step(staked.queue, &ask)]))
}
