// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What is used of a StakingRewards contract as Synthetix wrote it
interface IStakingRewards {
    function stakingToken() external view returns (address);
    function rewardsToken() external view returns (address);
    function earned(address account) external view returns (uint256);
    function stake(uint256 amount) external;
    function withdraw(uint256 amount) external;
    function getReward() external;
}
