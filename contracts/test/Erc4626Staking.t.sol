// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IStaking, StakingVault} from "../local/StakingVault.sol";
import {Token} from "../local/Token.sol";
import {Erc4626Market} from "../src/markets/Erc4626Market.sol";
import {Real, IStakingSetUp} from "./Real.sol";

/// @notice The market for any ERC-4626 does for staking of one asset whose rewards raise the share price: no other market
/// is needed. Below it is StakingRewards of real bytecode.
contract Erc4626StakingTest is Real {
    uint256 private constant UNIT = 1e18;
    Token private token;
    IStakingSetUp private staking;
    StakingVault private inner;
    Erc4626Market private market;

    function setUp() external {
        vm.warp(1_800_000_000);
        token = new Token("TOK", "TOK", 18);
        staking = _makeStaking(address(token), address(token));
        inner = new StakingVault(IERC20(address(token)), IStaking(address(staking)));
        market = new Erc4626Market(address(this), address(token), address(inner));
        token.mint(address(market), 1_000 * UNIT);
        market.deposit(1_000 * UNIT, "");
    }

    function _campaign(uint256 amount) private {
        token.mint(address(staking), amount);
        staking.notifyRewardAmount(amount);
    }

    function test_rewards_reach_the_value_as_they_are_earned_and_can_be_left_with() external {
        _campaign(60 * UNIT);
        skip(30 days);
        (uint256 low, uint256 high, bool isFresh) = market.value();
        assertTrue(isFresh);
        assertEq(low, high);
        assertApproxEqAbs(low, 1_030 * UNIT, 1e9);
        skip(60 days);
        assertApproxEqAbs(market.totalAssets(), 1_060 * UNIT, 1e9, "the campaign ended");
        uint256 all = market.liquidity();
        market.withdraw(all);
        assertEq(token.balanceOf(address(this)), all);
        assertLe(market.totalAssets(), 1e6);
    }

    function test_in_kind_hands_over_shares() external {
        _campaign(60 * UNIT);
        skip(30 days);
        (address given, uint256 amount) = market.transferInKind(address(0xb0b), 0.5e18);
        assertEq(given, address(inner));
        assertEq(inner.balanceOf(address(0xb0b)), amount);
        assertApproxEqAbs(market.totalAssets(), 515 * UNIT, 1e9);
    }

    function test_others_who_join_dilute_what_is_earned_from_then_on() external {
        _campaign(60 * UNIT);
        skip(30 days);
        address other = address(0xa11ce);
        token.mint(other, 1_030 * UNIT);
        vm.startPrank(other);
        token.approve(address(inner), type(uint256).max);
        inner.deposit(1_030 * UNIT, other);
        vm.stopPrank();
        skip(30 days);
        assertApproxEqAbs(market.totalAssets(), 1_045 * UNIT, 1e9);
    }
}
