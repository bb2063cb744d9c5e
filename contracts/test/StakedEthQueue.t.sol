// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {WithdrawalQueue} from "../local/WithdrawalQueue.sol";
import {WrappedStakedEth} from "../local/WrappedStakedEth.sol";
import {PricedMarket} from "../src/markets/PricedMarket.sol";
import {WithdrawalRequests} from "../src/markets/WithdrawalRequests.sol";
import {StakedEthWorld} from "./StakedEthWorld.sol";

/// @notice What the market of staked ETH has in the withdrawal queue: in its value from asking to claiming, and nobody else's.
contract StakedEthQueueTest is StakedEthWorld {
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

    function test_a_market_with_the_wrong_queue_is_not_made() external {
        wstEth = new WrappedStakedEth(stEth);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalRequests.WrongQueue.selector, address(queue)));
        _market();
    }
}
