//! What the Uniswap V3 staker pays a position: its share of the seconds that liquidity spent inside its range.

use crate::Amount;
use crate::lp::LpError;
use crate::lp::fixed::mul_div_down;
use alloy_primitives::U256;
use alloy_primitives::aliases::U160;

/// A campaign as the staker has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Campaign {
    /// What has been claimed by nobody yet, raw units of the reward's token.
    pub unclaimed: Amount,
    /// The seconds that have been paid for, Q32.128.
    pub claimed_seconds_x128: U160,
    /// Its start and end, Unix seconds.
    pub times: (u64, u64),
}

/// What a stake has earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reward {
    /// Raw units of the reward's token.
    pub amount: Amount,
    /// The seconds it is paid for, Q32.128: all of the pool's liquidity in range for one second is one second.
    pub seconds_x128: U160,
}

/// Returns what a stake of `liquidity` would be paid now, rounded down. `since` and `inside` are the range's seconds per
/// liquidity ([`Inside`]) when it was staked and now.
///
/// After the campaign's end every second that passes makes what is left of the reward less.
///
/// # Errors
/// [`LpError::Zero`] before the campaign's start, and when nothing is left to share.
///
/// # Source
/// Uniswap V3 staker, `RewardMath.computeRewardAmount`.
///
/// [`Inside`]: super::Inside
pub fn reward_down(
    campaign: Campaign,
    liquidity: u128,
    (since_x128, inside_x128): (U160, U160),
    now: u64,
) -> Result<Reward, LpError> {
    let (start, end) = campaign.times;
    let elapsed = end.max(now).checked_sub(start).filter(|_| now >= start);
    let elapsed = elapsed.ok_or(LpError::Zero { what: "the time since the start" })?;
    let grown = inside_x128.wrapping_sub(since_x128);
    let seconds_x128 = grown.wrapping_mul(U160::from(liquidity));
    let all: U256 = U256::from(elapsed) << 128;
    let unpaid = all.wrapping_sub(U256::from(campaign.claimed_seconds_x128));
    let amount = mul_div_down(campaign.unclaimed.0, U256::from(seconds_x128), unpaid)?;
    Ok(Reward { amount: Amount(amount), seconds_x128 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_liquidity_for_a_fifth_of_the_time_earns_a_tenth() {
        // Uniswap V3 staker, test/unit/RewardMath.spec.ts, "half the liquidity over 20% of the total duration".
        let campaign = Campaign {
            unclaimed: Amount(U256::from(1_000)),
            claimed_seconds_x128: U160::ZERO,
            times: (100, 200),
        };
        let inside = (U160::from(20) << 128) / U160::from(10);
        let reward = reward_down(campaign, 5, (U160::ZERO, inside), 120).unwrap();
        assert_eq!(reward.amount, Amount(U256::from(100)));
        assert_eq!(reward.seconds_x128, U160::from(10) << 128);
        assert!(reward_down(campaign, 5, (U160::ZERO, inside), 99).is_err());
    }
}
