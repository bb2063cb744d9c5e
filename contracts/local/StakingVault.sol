// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";

interface IStaking {
    function stake(uint256 amount) external;
    function withdraw(uint256 amount) external;
    function getReward() external;
    function earned(address account) external view returns (uint256);
    function balanceOf(address account) external view returns (uint256);
}

/// @title A stand-in for ERC-4626 staking
/// @notice Stakes one token in a StakingRewards contract that pays the same token, and stakes what it earns again: the
/// share price grows with the rewards. What was earned and not claimed yet counts.
contract StakingVault is ERC4626 {
    IStaking public immutable staking;

    constructor(IERC20 token, IStaking staking_) ERC20("Staked", "stTOK") ERC4626(token) {
        staking = staking_;
        token.approve(address(staking_), type(uint256).max);
    }

    /// @notice Claims what was earned and stakes it. Anyone may call.
    function compound() public {
        staking.getReward();
        uint256 idle = IERC20(asset()).balanceOf(address(this));
        if (idle != 0) staking.stake(idle);
    }

    function totalAssets() public view override returns (uint256) {
        return staking.balanceOf(address(this)) + staking.earned(address(this));
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override {
        super._deposit(caller, receiver, assets, shares);
        if (assets != 0) compound();
    }

    function _withdraw(address caller, address receiver, address owner, uint256 assets, uint256 shares)
        internal
        override
    {
        compound();
        if (assets != 0) staking.withdraw(assets);
        super._withdraw(caller, receiver, owner, assets, shares);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return 6;
    }
}
