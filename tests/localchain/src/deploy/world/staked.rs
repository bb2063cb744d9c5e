//! The stand-in for Lido: staked ether, its wrapped form, the withdrawal queue and the feed of its price.

use crate::abi::IStakedEth;
use crate::deploy::steps::Steps;
use crate::{Call, LocalChainError, Origin};
use alloy::primitives::{Address, U256, address, uint};
use alloy::sol_types::SolValue;

/// Where a tenth of the rewards goes.
const TREASURY: Address = address!("0x0000000000000000000000000000000000001d00");
/// Ether staked at the start, and rewards on it so that a share is worth more than one ether, in wei.
const STAKED: U256 = uint!(100_000_000_000_000_000_000_000_U256);
const REWARDS: U256 = uint!(15_000_000_000_000_000_000_000_U256);
/// One, with 18 decimals.
const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);

/// The contracts of staked ether.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StakedEther {
    /// The stand-in for stETH.
    pub st_eth: Address,
    /// The stand-in for wstETH.
    pub wst_eth: Address,
    /// The stand-in for the withdrawal queue.
    pub queue: Address,
    /// What one stETH is worth in ether, with 18 decimals.
    pub feed: Address,
    /// Who reports rewards and slashing, and finalizes requests.
    pub reporter: Address,
}

pub(super) fn deploy(steps: &mut Steps<'_>) -> Result<StakedEther, LocalChainError> {
    let reporter = steps.from();
    let arguments = (reporter, TREASURY).abi_encode_params();
    let st_eth = steps.create((Origin::StandIn, "StakedEth"), &arguments)?;
    let wst_eth = steps.create((Origin::StandIn, "WrappedStakedEth"), &st_eth.abi_encode())?;
    let queue = steps.create((Origin::StandIn, "WithdrawalQueue"), &wst_eth.abi_encode())?;
    steps.call(st_eth, &IStakedEth::setQueueCall { queue });
    let submit = Call::new(reporter, st_eth, &IStakedEth::submitCall { referral: reporter });
    steps.add(Call { value: STAKED, ..submit });
    let rewards = Call::new(reporter, st_eth, &IStakedEth::reportRewardsCall {});
    steps.add(Call { value: REWARDS, ..rewards });
    let posted = ("stETH / ETH".to_owned(), U256::from(18), ONE).abi_encode_params();
    let feed = steps.create((Origin::StandIn, "PriceFeed"), &posted)?;
    Ok(StakedEther { st_eth, wst_eth, queue, feed, reporter })
}
