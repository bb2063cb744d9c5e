// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StakedEth} from "../local/StakedEth.sol";
import {WithdrawalQueue} from "../local/WithdrawalQueue.sol";
import {WrappedStakedEth} from "../local/WrappedStakedEth.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IStablePool} from "../src/interfaces/IBalancerV2.sol";
import {PricedMarket} from "../src/markets/PricedMarket.sol";
import {StakedEthMarket} from "../src/markets/StakedEthMarket.sol";
import {WithdrawalRequests} from "../src/markets/WithdrawalRequests.sol";
import {BalancerSwap} from "../src/swaps/BalancerSwap.sol";
import {BalancerWorld} from "./BalancerWorld.sol";
import {IERC20All, IWethMore} from "./Real.sol";
import {Price} from "./Price.sol";

/// @notice The market of staked ETH over the stand-ins for Lido, with a swap in a Balancer pool of real bytecode; this
/// test is the vault.
contract StakedEthMarketTest is BalancerWorld {
    address private constant CAROL = address(0xca01);
    IERC20All private weth;
    StakedEth private stEth;
    WrappedStakedEth private wstEth;
    WithdrawalQueue private queue;
    IStablePool private pool;
    Price private price;
    BalancerSwap private swap;
    StakedEthMarket private market;
    address private _oracle;

    function setUp() external {
        vm.warp(1_800_000_000);
        weth = IERC20All(_makeWeth());
        (stEth, wstEth, queue) = _makeLido();
        (balancer, factory) = _makeBalancer(address(weth));
        vm.deal(address(this), 1_000_000 ether);
        stEth.submit{value: 100_000 ether}(address(0));
        _reward(stEth, 15_000 ether);
        IWethMore(address(weth)).deposit{value: 200_000 ether}();
        (bool done,) = address(wstEth).call{value: 50_000 ether}("");
        assertTrue(done);
        pool = _makePool(address(wstEth), address(weth), _makeRateProvider(address(wstEth)), address(wstEth));
        _start(pool, address(wstEth), wstEth.getWstETHByStETH(10_000 ether), 10_000 ether);
        price = new Price(address(stEth), address(weth), 1e6, 10);
        swap = new BalancerSwap(address(pool), address(weth), address(wstEth));
        _oracle = price.oracle();
        market = _market();
    }

    receive() external payable {}

    function _market() private returns (StakedEthMarket) {
        return new StakedEthMarket(
            address(this),
            address(weth),
            StakedEthMarket.Settings(address(wstEth), address(queue), _oracle, address(swap), 50, 1_000)
        );
    }

    function _enter(uint256 assets) private {
        weth.transfer(address(market), assets);
        market.deposit(assets, "");
    }

    function _low() private view returns (uint256 low) {
        (low,,) = market.value();
    }

    function _ask(uint256 amount) private {
        market.harvest(abi.encode(amount));
    }

    function _peg(uint256 milli) private {
        price.set(milli * 1e3, true);
    }

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

    function test_a_request_is_in_the_value_from_asking_to_claiming() external {
        _enter(2_500 ether);
        uint256 shares = market.shares();
        _ask(shares);
        assertEq(market.requests().length, 3, "of a thousand at most");
        assertEq(market.shares(), 0);
        assertApproxEqAbs(_low(), 2_500 ether, 10);
        skip(10 days);
        assertApproxEqAbs(_low(), 2_500 ether, 10, "a queue of ten days costs time, not value");
        assertEq(market.liquidity(), 0);
        _finalize(stEth, 2);
        assertApproxEqAbs(_low(), 2_500 ether, 10);
        uint256 had = weth.balanceOf(address(this));
        market.harvest("");
        assertApproxEqAbs(weth.balanceOf(address(this)) - had, 2_000 ether, 10);
        assertApproxEqAbs(_low(), 500 ether, 10);
        _finalize(stEth, 3);
        market.harvest("");
        assertApproxEqAbs(weth.balanceOf(address(this)) - had, 2_500 ether, 10);
        assertEq(_low(), 0);
        assertEq(market.requests().length, 0);
        market.harvest("");
    }

    function testFuzz_what_a_request_was_worth_is_what_it_pays(uint256 seed) external {
        _enter(3_000 ether);
        uint256 left = market.shares();
        for (uint256 i = 0; i < 6; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 amount = bound(seed >> 8, 1e6, left / 2);
            left -= amount;
            if (market.requests().length < 6) _ask(amount);
            if (seed & 1 == 1) _reward(stEth, bound(seed >> 16, 1, 1_000 ether));
            if (seed & 2 == 2) _slash(stEth, bound(seed >> 24, 1, 1_000 ether));
            if (seed & 12 == 12) _finalizeAll();
        }
        _finalizeAll();
        uint256 worth = market.queued();
        uint256 low = _low();
        uint256 had = weth.balanceOf(address(this));
        market.harvest("");
        assertEq(weth.balanceOf(address(this)) - had, worth);
        assertEq(market.queued(), 0);
        assertEq(_low() + worth, low);
    }

    function _finalizeAll() private {
        uint256 last = queue.getLastRequestId();
        if (last > queue.getLastFinalizedRequestId()) _finalize(stEth, last);
    }

    function test_slashing_while_it_waits_lowers_a_request_at_once_and_rewards_do_not_raise_it() external {
        _enter(1_000 ether);
        _ask(market.shares());
        _reward(stEth, 2_000 ether);
        assertApproxEqAbs(market.queued(), 1_000 ether, 10);
        uint256 pooled = stEth.totalSupply();
        _slash(stEth, pooled / 10);
        uint256 worth = market.queued();
        emit log_named_decimal_uint("staked ETH: 1,000 in the queue after rewards and a slashing of 10 %", worth, 18);
        assertLt(worth, 920 ether);
        _finalize(stEth, 1);
        assertApproxEqAbs(market.queued(), worth, 10);
        _slash(stEth, pooled / 10);
        assertApproxEqAbs(market.queued(), worth, 10, "what is finalized is safe");
    }

    function test_slashing_lowers_what_is_staked_at_once() external {
        _enter(1_000 ether);
        uint256 before = _low();
        _slash(stEth, stEth.totalSupply() / 20);
        assertApproxEqRel(_low(), before * 95 / 100, 1e12);
    }

    function test_nobody_else_can_claim_or_move_the_vaults_requests() external {
        _enter(1_000 ether);
        _ask(market.shares());
        _finalize(stEth, 1);
        vm.startPrank(BOB);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.NotOwner.selector, BOB, address(market)));
        queue.claimWithdrawal(1);
        vm.expectRevert();
        queue.transferFrom(address(market), BOB, 1);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalRequests.NothingToClaim.selector, BOB, 1));
        market.claim(1, BOB);
        vm.stopPrank();
        uint256 had = weth.balanceOf(address(this));
        market.harvest("");
        assertApproxEqAbs(weth.balanceOf(address(this)) - had, 1_000 ether, 5);
    }

    function test_a_request_that_was_given_to_the_market_and_eth_that_was_forced_in_count_for_nothing() external {
        _enter(1_000 ether);
        uint256 low = _low();
        stEth.approve(address(queue), 10 ether);
        uint256[] memory one = new uint256[](1);
        one[0] = 10 ether;
        queue.requestWithdrawals(one, address(market));
        vm.deal(address(market), 5 ether);
        wstEth.transfer(address(market), 5 ether);
        weth.transfer(address(market), 5 ether);
        assertEq(_low(), low);
        _ask(market.shares());
        _finalizeAll();
        uint256 had = weth.balanceOf(address(this));
        market.harvest("");
        assertApproxEqAbs(weth.balanceOf(address(this)) - had, 1_000 ether, 5);
        (bool done,) = address(market).call{value: 1}("");
        assertFalse(done, "ETH comes from WETH and the queue only");
    }

    function test_leaving_in_kind_gives_staked_eth_and_a_claim_on_what_is_queued() external {
        _enter(2_000 ether);
        _ask(market.shares() / 2);
        uint256 low = _low();
        uint256 shares = market.shares();
        price.set(0, false);
        (address token, uint256 amount) = market.transferInKind(BOB, 0.25e18);
        assertEq(token, address(wstEth));
        assertEq(amount, shares / 4);
        assertEq(wstEth.balanceOf(BOB), shares / 4);
        assertEq(market.claims(BOB, 1), 0.25e18);
        _peg(1_000);
        assertApproxEqRel(_low(), low * 3 / 4, 1e9);
        market.transferInKind(CAROL, 0.5e18);
        assertEq(market.claims(CAROL, 1), 0.375e18);
        vm.prank(BOB);
        vm.expectRevert();
        market.claim(1, BOB);
        _finalize(stEth, 1);
        uint256 queued = market.queued();
        vm.prank(BOB);
        market.claim(1, CAROL);
        assertApproxEqAbs(weth.balanceOf(CAROL), 250 ether, 5);
        assertEq(market.requests().length, 0);
        assertApproxEqAbs(market.held(), queued, 5, "the vault's part waits for the vault");
        vm.expectRevert(abi.encodeWithSelector(WithdrawalRequests.NothingToClaim.selector, BOB, 1));
        vm.prank(BOB);
        market.claim(1, BOB);
        uint256 had = weth.balanceOf(address(this));
        market.withdraw(market.held());
        assertApproxEqAbs(weth.balanceOf(address(this)) - had, 375 ether, 5);
        vm.prank(CAROL);
        market.claim(1, CAROL);
        assertApproxEqAbs(weth.balanceOf(CAROL), 625 ether, 5);
        assertLe(weth.balanceOf(address(market)), 3);
    }

    function test_a_claim_out_of_the_middle_keeps_the_other_requests_in_order() external {
        _enter(300 ether);
        uint256 third = market.shares() / 3;
        for (uint256 i = 0; i < 3; ++i) {
            _ask(third);
        }
        market.transferInKind(BOB, 0.5e18);
        _finalize(stEth, 2);
        vm.prank(BOB);
        market.claim(2, BOB);
        uint256[] memory open = market.requests();
        assertEq(open.length, 2);
        assertEq(open[0], 1);
        assertEq(open[1], 3);
        vm.prank(BOB);
        market.claim(1, BOB);
        assertEq(market.requests()[0], 3);
        assertApproxEqAbs(market.held(), 100 ether, 10);
        assertApproxEqAbs(market.queued(), 50 ether, 10);
    }

    function testFuzz_a_harvest_leaves_what_leavers_in_kind_are_owed(
        uint256 partOfBob,
        uint256 partOfCarol,
        uint256 slashed
    ) external {
        partOfBob = bound(partOfBob, 0, 1e18);
        partOfCarol = bound(partOfCarol, 0, 1e18);
        _enter(1_500 ether);
        _ask(market.shares());
        market.transferInKind(BOB, partOfBob);
        market.transferInKind(CAROL, partOfCarol);
        _slash(stEth, bound(slashed, 0, 50_000 ether));
        _finalizeAll();
        uint256 had = weth.balanceOf(address(this));
        uint256 worth = market.queued();
        market.harvest("");
        assertEq(weth.balanceOf(address(this)) - had, worth);
        uint256 paid = market.paid(1) + market.paid(2);
        for (uint256 id = 1; id < 3; ++id) {
            if (market.claims(BOB, id) != 0) {
                vm.prank(BOB);
                market.claim(id, BOB);
            }
            if (market.claims(CAROL, id) != 0) {
                vm.prank(CAROL);
                market.claim(id, CAROL);
            }
        }
        assertApproxEqAbs(weth.balanceOf(BOB) + weth.balanceOf(CAROL) + worth, paid, 6);
        assertLe(weth.balanceOf(address(market)), 6);
    }

    function test_no_more_requests_are_open_than_can_be_read() external {
        _enter(8_000 ether);
        _enter(10 ether);
        uint256 all = market.shares();
        vm.expectRevert(abi.encodeWithSelector(WithdrawalRequests.TooMuch.selector, 9, 8));
        market.harvest(abi.encode(all));
        vm.expectRevert(abi.encodeWithSelector(WithdrawalRequests.TooMuch.selector, all + 1, all));
        market.harvest(abi.encode(all + 1));
        _ask(wstEth.getWstETHByStETH(7_999 ether));
        assertEq(market.requests().length, 8);
        for (uint256 id = 1; id <= 8; ++id) {
            _finalize(stEth, id);
        }
        for (uint256 i = 0; i < 500; ++i) {
            _askForOthers();
        }
        vm.cool(address(queue));
        vm.cool(address(market));
        uint256 before = gasleft();
        market.value();
        uint256 read = before - gasleft();
        emit log_named_uint("staked ETH: gas of a reading with eight finalized requests", read);
        assertLt(read, 500_000);
        before = gasleft();
        market.harvest("");
        emit log_named_uint("staked ETH: gas of claiming eight", before - gasleft());
    }

    /// @dev Others ask and are paid, so that there are many checkpoints.
    function _askForOthers() private {
        stEth.approve(address(queue), 1 ether);
        uint256[] memory one = new uint256[](1);
        one[0] = 1 ether;
        queue.requestWithdrawals(one, address(this));
        _finalizeAll();
    }

    function test_a_stale_price_closes_entries_and_swaps_and_not_the_queue() external {
        _enter(1_000 ether);
        _ask(market.shares() / 2);
        uint256 inQueue = market.queued();
        uint256 low = _low();
        price.set(1e6, false);
        (uint256 stale,, bool isFresh) = market.value();
        assertFalse(isFresh);
        assertApproxEqAbs(stale, (low - inQueue) * 9_000 / 10_000 + inQueue, 1);
        assertEq(market.liquidity(), 0);
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.withdraw(1);
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.deposit(1, "");
        _ask(market.shares());
        _finalizeAll();
        uint256 had = weth.balanceOf(address(this));
        market.harvest("");
        assertGt(weth.balanceOf(address(this)) - had, inQueue * 3 / 2, "all of it comes home without a price");
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

    function _assertNamed() private view {
        (uint256 units,, uint256 priceLow, uint256 priceHigh, uint256 inQueue) = market.position();
        (uint256 low, uint256 high,) = market.value();
        assertApproxEqAbs(low, units * priceLow / 1e18 + inQueue, 1e4);
        assertApproxEqAbs(high, units * priceHigh / 1e18 + inQueue, 1e4);
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

    function test_a_market_with_the_wrong_queue_is_not_made() external {
        wstEth = new WrappedStakedEth(stEth);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalRequests.WrongQueue.selector, address(queue)));
        _market();
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
