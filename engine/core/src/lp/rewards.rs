//! StakingRewards: a reward that flows at a fixed rate to all who stake, by their share.

use super::LpError;
use super::fixed::{add, mul, sub};
use crate::Amount;
use alloy_primitives::{Address, U256, uint};
use std::collections::BTreeMap;

/// Reward per token has 18 decimals.
const ONE: U256 = uint!(1000000000000000000_U256);
/// How long a campaign lasts, in seconds: 60 days, as this contract was compiled.
pub const DURATION_SECONDS: u64 = 60 * 86_400;

/// A StakingRewards contract.
///
/// # Units
/// Raw units of the staked and of the reward's token; times in Unix seconds.
///
/// # Source
/// `@uniswap/liquidity-staker`, `StakingRewards`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StakingRewards {
    /// Reward each second.
    pub rate: U256,
    /// When the campaign ends.
    pub finish: u64,
    /// When the reward per token was last brought up to date.
    pub updated: u64,
    /// The reward per staked token until then, 18 decimals.
    pub per_token: U256,
    /// All that is staked.
    pub staked: U256,
    /// Who staked.
    pub stakes: BTreeMap<Address, Stake>,
}

/// What one account staked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stake {
    /// How much.
    pub balance: U256,
    /// The reward per token that it has been credited up to.
    pub per_token_paid: U256,
    /// What it was credited and has not taken.
    pub rewards: U256,
}

impl StakingRewards {
    /// Returns the reward per staked token at `now`, rounded down, 18 decimals.
    ///
    /// # Errors
    /// [`LpError::Overflow`] beyond 256 bits.
    ///
    /// # Source
    /// `StakingRewards.rewardPerToken`.
    pub fn reward_per_token_down(&self, now: u64) -> Result<U256, LpError> {
        if self.staked.is_zero() {
            return Ok(self.per_token);
        }
        let until = now.min(self.finish);
        let seconds = until.checked_sub(self.updated);
        let seconds = U256::from(seconds.ok_or(LpError::NotEnough { what: "time" })?);
        let flowed = mul(mul(seconds, self.rate, "a reward")?, ONE, "a reward")?;
        add(self.per_token, flowed / self.staked, "a reward")
    }

    /// Returns what an account could take at `now`, rounded down.
    ///
    /// # Errors
    /// [`LpError::Overflow`] beyond 256 bits.
    ///
    /// # Source
    /// `StakingRewards.earned`.
    pub fn earned_down(&self, account: Address, now: u64) -> Result<Amount, LpError> {
        let stake = self.stakes.get(&account).copied().unwrap_or_default();
        let grown = sub(self.reward_per_token_down(now)?, stake.per_token_paid, "a reward")?;
        let earned = mul(stake.balance, grown, "a reward")? / ONE;
        Ok(Amount(add(earned, stake.rewards, "a reward")?))
    }

    /// Stakes.
    ///
    /// # Errors
    /// [`LpError::Zero`] for nothing.
    pub fn stake(&mut self, account: Address, amount: Amount, now: u64) -> Result<(), LpError> {
        if amount.is_zero() {
            return Err(LpError::Zero { what: "the amount" });
        }
        let mut next = self.at(Some(account), now)?;
        next.staked = add(next.staked, amount.0, "what is staked")?;
        let stake = next.stakes.entry(account).or_default();
        stake.balance = add(stake.balance, amount.0, "what is staked")?;
        *self = next;
        Ok(())
    }

    /// Takes back what was staked; the reward stays until [`StakingRewards::take`].
    ///
    /// # Errors
    /// [`LpError::Zero`] for nothing, [`LpError::NotEnough`] for more than there is.
    pub fn withdraw(&mut self, account: Address, amount: Amount, now: u64) -> Result<(), LpError> {
        if amount.is_zero() {
            return Err(LpError::Zero { what: "the amount" });
        }
        let mut next = self.at(Some(account), now)?;
        next.staked = sub(next.staked, amount.0, "what is staked")?;
        let stake = next.stakes.entry(account).or_default();
        stake.balance = sub(stake.balance, amount.0, "what is staked")?;
        *self = next;
        Ok(())
    }

    /// Pays what an account has earned.
    ///
    /// # Errors
    /// [`LpError::Overflow`] beyond 256 bits.
    ///
    /// # Source
    /// `StakingRewards.getReward`.
    pub fn take(&mut self, account: Address, now: u64) -> Result<Amount, LpError> {
        let mut next = self.at(Some(account), now)?;
        let stake = next.stakes.entry(account).or_default();
        let paid = Amount(stake.rewards);
        stake.rewards = U256::ZERO;
        *self = next;
        Ok(paid)
    }

    /// Begins a campaign, or adds to one: the rate is what is left and what is new over the whole duration, rounded down.
    /// `held` is what of the reward's token the contract holds.
    ///
    /// # Errors
    /// [`LpError::NotEnough`] when the contract holds less than the rate would pay.
    ///
    /// # Source
    /// `StakingRewards.notifyRewardAmount`.
    pub fn notify(&mut self, reward: Amount, held: Amount, now: u64) -> Result<(), LpError> {
        let mut next = self.at(None, now)?;
        let duration = U256::from(DURATION_SECONDS);
        let left = U256::from(next.finish.saturating_sub(now));
        let left = mul(left, next.rate, "a reward")?;
        next.rate = add(reward.0, left, "a reward")? / duration;
        if next.rate > held.0 / duration {
            return Err(LpError::NotEnough { what: "the reward" });
        }
        next.updated = now;
        next.finish = now.saturating_add(DURATION_SECONDS);
        *self = next;
        Ok(())
    }

    /// The same contract brought up to date, for all and for one account.
    fn at(&self, account: Option<Address>, now: u64) -> Result<StakingRewards, LpError> {
        let mut next = self.clone();
        next.per_token = self.reward_per_token_down(now)?;
        next.updated = now.min(self.finish);
        if let Some(account) = account {
            let rewards = self.earned_down(account, now)?.0;
            let stake = next.stakes.entry(account).or_default();
            (stake.rewards, stake.per_token_paid) = (rewards, next.per_token);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_stake_the_same_share_the_reward_of_the_time_they_share() {
        let (one, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let mut rewards = StakingRewards::default();
        let reward = Amount(U256::from(DURATION_SECONDS) * U256::from(100));
        rewards.notify(reward, reward, 1_000).unwrap();
        rewards.stake(one, Amount(U256::from(5)), 1_000).unwrap();
        rewards.stake(other, Amount(U256::from(5)), 1_010).unwrap();
        assert_eq!(rewards.earned_down(one, 1_030), Ok(Amount(U256::from(2_000))));
        assert_eq!(rewards.take(other, 1_030), Ok(Amount(U256::from(1_000))));
        assert_eq!(rewards.earned_down(other, 1_030), Ok(Amount(U256::ZERO)));
        let end = 1_000 + DURATION_SECONDS;
        assert_eq!(rewards.earned_down(one, end), rewards.earned_down(one, end + 9));
        assert!(rewards.clone().notify(reward, Amount(U256::from(7)), end).is_err());
        assert!(rewards.withdraw(one, Amount(U256::from(6)), end).is_err());
    }
}
