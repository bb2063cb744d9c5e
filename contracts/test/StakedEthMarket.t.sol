// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StakedEth} from "../local/StakedEth.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {BalancerSwap} from "../src/swaps/BalancerSwap.sol";
import {IERC20All} from "./Real.sol";
import {StakedEthWorld} from "./StakedEthWorld.sol";

/// @notice The market of staked ETH over the stand-ins for Lido, with a swap in a Balancer pool of real bytecode; this
/// test is the vault.
contract StakedEthMarketTest is StakedEthWorld {
    function testFuzz_staking_costs_nothing_but_the_band(uint256 assets) external {
        assets = bound(assets, 1_000, 5_000 ether);
        _enter(assets);
        (uint256 low, uint256 high, bool isFresh) = market.value();
        assertTrue(isFresh);
        assertApproxEqAbs(low, assets * 9_990 / 10_000, 5);
        assertApproxEqAbs(high, assets * 10_010 / 10_000, 5);
        assertEq(market.shares(), wstEth.balanceOf(address(market)));
        assertEq(address(market).balance, 0);
    }

    function test_buying_is_for_at_least_what_staking_gives() external {
        weth.transfer(address(market), 200 ether);
        vm.expectRevert("BAL#507");
        market.deposit(100 ether, abi.encode(true));
        uint256 sold = wstEth.getWstETHByStETH(2_000 ether);
        _swapIn(pool, address(wstEth), address(weth), sold);
        uint256 staking = wstEth.getWstETHByStETH(100 ether);
        market.deposit(100 ether, abi.encode(true));
        assertGt(market.shares(), staking);
        market.deposit(100 ether, abi.encode(false));
    }

    function testFuzz_what_is_liquid_can_be_left_with_to_the_unit(uint256 assets, uint256 ask, uint256 pushed, bool up)
        external
    {
        assets = bound(assets, 1e12, 3_000 ether);
        _enter(assets);
        pushed = bound(pushed, 1 ether, 8_000 ether);
        if (up) _swapIn(pool, address(weth), address(wstEth), pushed);
        else _swapIn(pool, address(wstEth), address(weth), wstEth.getWstETHByStETH(pushed));
        uint256 most = market.liquidity();
        if (most == 0) return;
        uint256 had = weth.balanceOf(address(this));
        uint256 snapshot = vm.snapshotState();
        market.withdraw(most);
        assertEq(weth.balanceOf(address(this)) - had, most);
        vm.revertToState(snapshot);
        ask = bound(ask, 1, most);
        market.withdraw(ask);
        assertEq(weth.balanceOf(address(this)) - had, ask);
        assertEq(weth.balanceOf(address(market)), market.held());
        assertLe(market.held(), ask / 500 + 2e10, "no more is sold than needed, by little");
    }

    function test_a_pool_far_from_the_oracle_pays_less_or_nothing() external {
        _enter(3_000 ether);
        assertGt(market.liquidity(), 2_980 ether);
        _swapIn(pool, address(wstEth), address(weth), wstEth.getWstETHByStETH(5_000 ether));
        uint256 most = market.liquidity();
        emit log_named_decimal_uint("staked ETH: liquid of 3,000 with 5,000 sold into a pool of 20,000", most, 18);
        assertGt(most, 0);
        assertLt(most, 2_000 ether);
        _swapIn(pool, address(wstEth), address(weth), wstEth.getWstETHByStETH(2_000 ether));
        most = market.liquidity();
        emit log_named_decimal_uint("staked ETH: liquid of 3,000 with 7,000 sold into it", most, 18);
        vm.expectRevert("BAL#507");
        market.withdraw(2_500 ether);
    }

    function test_a_depeg_to_93_is_in_the_low_value_at_once_and_not_in_the_high_one() external {
        _enter(1_000 ether);
        _peg(930);
        (uint256 low, uint256 high,) = market.value();
        emit log_named_decimal_uint("staked ETH at 0.93: low value of 1,000 entered", low, 18);
        assertApproxEqRel(low, 929.07 ether, 1e12);
        assertApproxEqRel(high, 1_000 ether, 1e12);
        _ask(market.shares());
        (low, high,) = market.value();
        emit log_named_decimal_uint("staked ETH at 0.93: the same in the queue", low, 18);
        assertApproxEqRel(low, 1_000 ether, 1e12, "the queue pays in full");
        assertEq(low, high);
    }

    function test_slashing_lowers_what_is_staked_at_once() external {
        _enter(1_000 ether);
        uint256 before = _low();
        _slash(stEth, stEth.totalSupply() / 20);
        assertApproxEqRel(_low(), before * 95 / 100, 1e12);
    }

    function testFuzz_every_change_of_value_is_named(uint256 rewarded, uint256 slashed, uint256 peg) external {
        _enter(2_000 ether);
        _ask(market.shares() / 2);
        _assertNamed();
        _reward(stEth, bound(rewarded, 1, 1_000 ether));
        _assertNamed();
        _slash(stEth, bound(slashed, 1, 10_000 ether));
        _assertNamed();
        price.set(bound(peg, 0.8e6, 1.1e6), true);
        _assertNamed();
    }

    function testFuzz_a_sandwich_takes_no_more_than_slippage_and_band(bool wethFirst, uint256 size) external {
        _enter(2_000 ether);
        uint256 before = _low();
        uint256 had = weth.balanceOf(address(this));
        size = bound(size, 1 ether, 9_000 ether);
        (address first, address second) =
            wethFirst ? (address(weth), address(wstEth)) : (address(wstEth), address(weth));
        uint256 amount = wethFirst ? size : wstEth.getWstETHByStETH(size);
        uint256 got = _swapIn(pool, first, second, amount);
        try market.withdraw(1_500 ether) {}
        catch {
            return;
        }
        _swapIn(pool, second, first, got);
        had;
        assertGe(_low() + 1_500 ether + 1_500 ether * 60 / 10_000, before);
    }

    function test_paused_staking_is_said_and_loses_nothing() external {
        vm.prank(REPORTER);
        stEth.setStakingPaused(true);
        weth.transfer(address(market), 1 ether);
        vm.expectRevert(StakedEth.StakingPaused.selector);
        market.deposit(1 ether, "");
    }

    function test_there_is_no_shape_to_change() external {
        vm.expectRevert(IMarket.NothingToArrange.selector);
        market.arrange("");
    }

    function testFuzz_a_quote_is_what_the_swap_brings_or_a_little_less(uint256 amount, bool wethIn, uint256 pushed)
        external
    {
        _swapIn(pool, address(weth), address(wstEth), bound(pushed, 1 ether, 9_000 ether));
        amount = bound(amount, 1e9, 5_000 ether);
        address tokenIn = wethIn ? address(weth) : address(wstEth);
        uint256 quoted = swap.quote(tokenIn, amount);
        IERC20All(tokenIn).approve(address(swap), amount);
        uint256 out = swap.swap(tokenIn, amount, 0);
        assertLe(quoted, out);
        assertGe(quoted + out / 1e9 + 3e6, out);
    }

    function test_a_swap_of_another_token_is_refused() external {
        vm.expectRevert(abi.encodeWithSelector(BalancerSwap.NotOfPool.selector, address(stEth)));
        swap.swap(address(stEth), 1, 0);
        vm.expectRevert(abi.encodeWithSelector(BalancerSwap.NotOfPool.selector, address(stEth)));
        new BalancerSwap(address(pool), address(stEth), address(weth));
    }
}
