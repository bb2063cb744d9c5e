// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {PricedMarket} from "../src/markets/PricedMarket.sol";
import {UniswapV2Swap} from "../src/swaps/UniswapV2Swap.sol";
import {UniswapV2World} from "./UniswapV2World.sol";

/// @notice What a staked V2 position earns: claimed, sold within the bound, or kept.
contract UniswapV2RewardsTest is UniswapV2World {
    function test_rewards_are_claimed_and_sold_within_the_bound() external {
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        uint256 earned = staking.earned(address(market));
        assertApproxEqRel(earned, 1_000 ether, 1e12);
        market.harvest("");
        uint256 got = usd.balanceOf(address(this));
        assertGe(got, 2 * earned * UNIT / 1 ether * 9_800 / 10_000);
        assertEq(market.unsold(), 0);
        assertEq(reward.balanceOf(address(market)), 0);
    }

    function test_a_campaign_that_ended_pays_no_more_and_keeps_nothing() external {
        _enter(50_000 * UNIT);
        _campaign(3_000 ether);
        skip(61 days);
        market.harvest("");
        uint256 got = usd.balanceOf(address(this));
        skip(30 days);
        market.harvest("");
        assertEq(usd.balanceOf(address(this)), got);
        market.withdraw(market.liquidity());
    }

    function test_rewards_that_cannot_be_sold_wait_and_hold_nothing_up() external {
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        rewardPrice.set(0, false);
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.harvest("");
        market.harvest(abi.encode(0));
        uint256 unsold = market.unsold();
        assertApproxEqRel(unsold, 1_000 ether, 1e12);
        market.withdraw(market.liquidity());
        rewardPrice.set(2 * UNIT, true);
        market.harvest(abi.encode(unsold / 2));
        assertGe(market.unsold(), unsold / 2);
        assertGt(usd.balanceOf(address(this)), 990 * UNIT);
    }

    function test_a_reward_worth_nothing_is_sold_for_what_it_brings() external {
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        rewardPrice.set(1, true);
        UniswapV2Swap swap = new UniswapV2Swap(address(rewardPair));
        reward.mint(TRADER, 5e26);
        vm.startPrank(TRADER);
        reward.approve(address(swap), 5e26);
        swap.swap(address(reward), 5e26, 0);
        vm.stopPrank();
        market.harvest("");
        assertLe(usd.balanceOf(address(this)), UNIT);
        assertEq(market.unsold(), 0);
    }

    function test_a_drained_reward_pair_does_not_take_the_rewards() external {
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        UniswapV2Swap swap = new UniswapV2Swap(address(rewardPair));
        reward.mint(TRADER, 50_000 ether);
        vm.startPrank(TRADER);
        reward.approve(address(swap), 50_000 ether);
        swap.swap(address(reward), 50_000 ether, 0);
        vm.stopPrank();
        vm.expectPartialRevert(UniswapV2Swap.TooLittleOut.selector);
        market.harvest("");
        assertApproxEqRel(staking.earned(address(market)), 1_000 ether, 1e12);
    }

    function test_a_reward_that_keeps_a_part_of_each_transfer_is_counted_as_it_comes() external {
        market = _feeReward(30);
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        market.harvest("");
        assertGt(usd.balanceOf(address(this)), 1_950 * UNIT);
        assertEq(reward.balanceOf(address(market)), 0);
    }

    function test_a_reward_whose_fee_is_above_the_slippage_is_not_sold() external {
        market = _feeReward(300);
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        vm.expectPartialRevert(UniswapV2Swap.TooLittleOut.selector);
        market.harvest("");
        market.harvest(abi.encode(0));
        assertEq(market.unsold(), reward.balanceOf(address(market)));
        market.withdraw(market.liquidity());
    }

    function test_a_reward_in_the_asset_goes_to_the_vault_as_it_is() external {
        staking = _makeStaking(address(usd), address(pair));
        market = _market(address(staking), address(0));
        _enter(50_000 * UNIT);
        usd.mint(address(staking), 600 * UNIT);
        staking.notifyRewardAmount(600 * UNIT);
        skip(60 days);
        uint256 held = market.held();
        market.harvest("");
        assertApproxEqAbs(usd.balanceOf(address(this)), 600 * UNIT, 10 * UNIT);
        assertEq(market.held(), held);
    }

    function test_shares_can_be_unstaked_and_staked_again() external {
        _enter(50_000 * UNIT);
        uint256 shares = market.shares();
        market.arrange(abi.encode(shares / 3));
        assertEq(market.staked(), shares / 3);
        assertEq(staking.balanceOf(address(market)), shares / 3);
        assertEq(pair.balanceOf(address(market)), shares - shares / 3);
        uint256 low = _low();
        market.withdraw(20_000 * UNIT);
        assertApproxEqAbs(_low(), low - 20_000 * UNIT, low / 200);
        market.arrange(abi.encode(type(uint256).max));
        assertEq(market.staked(), market.shares());
        usd.mint(address(market), UNIT);
        market.deposit(UNIT, abi.encode(false));
        assertGt(market.shares(), market.staked());
    }

    function testFuzz_in_kind_hands_over_the_part_staked_or_not_whatever_the_oracle_says(uint256 part, bool isStaked)
        external
    {
        _enter(50_000 * UNIT);
        market.withdraw(1_000 * UNIT);
        if (!isStaked) market.arrange(abi.encode(0));
        ethPrice.set(0, false);
        part = bound(part, 0, 1e18);
        (uint256 shares, uint256 held) = (market.shares(), market.held());
        (address token, uint256 amount) = market.transferInKind(BOB, part);
        assertEq(token, address(pair));
        assertEq(amount, shares * part / 1e18);
        assertEq(pair.balanceOf(BOB), amount);
        assertEq(usd.balanceOf(BOB), held * part / 1e18);
        assertEq(market.shares(), shares - amount);
        assertEq(usd.balanceOf(address(market)), market.held());
    }

    function test_gifts_of_shares_of_assets_and_of_rewards_count_for_nothing() external {
        _enter(50_000 * UNIT);
        (uint256 low, uint256 high,) = market.value();
        vm.startPrank(LP);
        pair.transfer(address(market), pair.balanceOf(LP) / 10);
        vm.stopPrank();
        usd.mint(address(market), 1_000 * UNIT);
        eth.mint(address(market), 1 ether);
        reward.mint(address(market), 1_000 ether);
        (uint256 lowAfter, uint256 highAfter,) = market.value();
        assertEq(lowAfter, low);
        assertEq(highAfter, high);
        market.harvest("");
        assertEq(usd.balanceOf(address(this)), 0);
    }

    function test_without_staking_there_is_nothing_to_harvest_or_arrange() external {
        market = _market(address(0), address(0));
        _enter(1_000 * UNIT);
        assertEq(pair.balanceOf(address(market)), market.shares());
        vm.expectRevert(IMarket.NothingToHarvest.selector);
        market.harvest("");
        vm.expectRevert(IMarket.NothingToArrange.selector);
        market.arrange(abi.encode(1));
    }
}
