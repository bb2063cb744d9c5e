// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IVaultEvents} from "../src/interfaces/IVaultEvents.sol";
import {Fixture} from "./Fixture.sol";

/// @notice What can be paid now, the redeem queue, and leaving in kind.
contract ExitsTest is Fixture {
    uint256 private constant SHARE = 1e12;

    function setUp() public override {
        super.setUp();
        _deposit(ALICE, 600 * UNIT);
        _deposit(BOB, 300 * UNIT);
        _enterMarket(marketA, 500 * UNIT);
        _enterMarket(marketB, 300 * UNIT);
    }

    function _request(address who, uint256 shares) private {
        vm.prank(who);
        vault.requestRedeem(shares);
    }

    function _claim(address who) private returns (uint256) {
        vault.payQueue();
        vm.prank(who);
        return vault.claimRedeem(who);
    }

    function _lock() private {
        bankA.setLiquid(0);
        bankB.setLiquid(0);
    }

    function test_money_is_drawn_from_idle_then_markets_in_the_order_of_the_list() external {
        vm.startPrank(ALICE);
        vault.withdraw(100 * UNIT, ALICE, ALICE);
        assertEq(vault.idle(), 0);
        assertEq(bankA.totalAssets(), 500 * UNIT);
        vault.withdraw(450 * UNIT, ALICE, ALICE);
        assertEq(bankA.totalAssets(), 50 * UNIT);
        assertEq(bankB.totalAssets(), 300 * UNIT);
        vm.stopPrank();
        assertEq(_redeemAll(BOB), 300 * UNIT);
    }

    function test_a_market_that_refuses_is_passed_over() external {
        vm.mockCallRevert(marketA, abi.encodeWithSignature("withdraw(uint256)"), "no");
        assertEq(_redeemAll(BOB), 300 * UNIT);
        assertEq(bankB.totalAssets(), 100 * UNIT);
        vm.prank(ALICE);
        vm.expectPartialRevert(IVaultEvents.NotEnoughLiquidity.selector);
        vault.withdraw(200 * UNIT, ALICE, ALICE);
    }

    function test_an_exit_that_costs_more_than_rounding_is_refused_but_paid_by_redeem_up_to() external {
        _crowd(bankA);
        bankA.setHiddenExitFee(100);
        vm.prank(ALICE);
        vm.expectPartialRevert(IVaultEvents.UnwindingCost.selector);
        vault.withdraw(200 * UNIT, ALICE, ALICE);
        (uint256 low,) = _prices();
        vm.prank(ALICE);
        (uint256 paid, uint256 burned) = vault.redeemUpTo(200 * SHARE, 0);
        assertEq(burned, 200 * SHARE);
        assertApproxEqAbs(paid, 199 * UNIT, 2, "the cost falls on who leaves");
        (uint256 lowAfter,) = _prices();
        assertApproxEqRel(lowAfter, low, 1e10);
    }

    function test_redeem_up_to_burns_only_the_shares_it_pays_for() external {
        _lock();
        vm.startPrank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotEnoughLiquidity.selector, 100 * UNIT + 1, 100 * UNIT));
        vault.redeemUpTo(600 * SHARE, 100 * UNIT + 1);
        (uint256 paid, uint256 burned) = vault.redeemUpTo(600 * SHARE, 100 * UNIT);
        assertEq(paid, 100 * UNIT);
        assertEq(burned, 100 * SHARE);
        assertEq(vault.balanceOf(ALICE), 500 * SHARE);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotEnoughShares.selector, 501 * SHARE, 500 * SHARE));
        vault.redeemUpTo(501 * SHARE, 0);
        vm.stopPrank();
    }

    function test_the_queue_is_paid_pro_rata_whoever_came_first() external {
        _lock();
        _request(ALICE, 600 * SHARE);
        _request(BOB, 300 * SHARE);
        vault.payQueue();
        (uint256 shares, uint256 assets) = vault.queued(ALICE);
        assertApproxEqAbs(assets, uint256(200 * UNIT) / 3, 1);
        (, uint256 bobs) = vault.queued(BOB);
        assertApproxEqAbs(bobs, uint256(100 * UNIT) / 3, 1);
        assertApproxEqAbs(shares, 600 * SHARE - 200 * SHARE / 3, 1e7);
        bankA.setLiquid(MAX);
        bankB.setLiquid(MAX);
        assertApproxEqAbs(_claim(ALICE), 600 * UNIT, 2);
        assertApproxEqAbs(_claim(BOB), 300 * UNIT, 2);
        assertEq(vault.queueShares(), 0);
        assertLe(vault.reserved(), 2);
    }

    function test_who_joins_late_shares_only_what_comes_later() external {
        _lock();
        _request(ALICE, 600 * SHARE);
        vault.payQueue();
        (uint256 left, uint256 early) = vault.queued(ALICE);
        assertApproxEqAbs(early, 100 * UNIT, 1);
        _request(BOB, 300 * SHARE);
        (, uint256 bobs) = vault.queued(BOB);
        assertEq(bobs, 0);
        bankA.setLiquid(80 * UNIT);
        vault.payQueue();
        (, bobs) = vault.queued(BOB);
        assertApproxEqRel(bobs, 80 * UNIT * (300 * SHARE) / (left + 300 * SHARE), 1e12);
    }

    function test_shares_in_the_queue_bear_losses_until_paid() external {
        _lock();
        _request(BOB, 300 * SHARE);
        bankA.lose(450 * UNIT);
        bankA.setLiquid(MAX);
        bankB.setLiquid(MAX);
        assertApproxEqAbs(_claim(BOB), 150 * UNIT, 1);
    }

    function test_the_queue_comes_before_direct_withdrawals() external {
        _lock();
        _request(BOB, 60 * SHARE);
        assertEq(vault.maxWithdraw(ALICE), 40 * UNIT);
        assertEq(vault.maxRedeem(ALICE), 40 * SHARE);
        vm.startPrank(ALICE);
        vm.expectRevert();
        vault.withdraw(41 * UNIT, ALICE, ALICE);
        (uint256 paid,) = vault.redeemUpTo(600 * SHARE, 0);
        assertEq(paid, 40 * UNIT);
        vm.stopPrank();
        assertEq(_claim(BOB), 60 * UNIT);
    }

    function test_one_leaves_the_queue_at_any_time_with_what_is_left() external {
        _lock();
        _request(ALICE, 600 * SHARE);
        vault.payQueue();
        vm.prank(ALICE);
        uint256 back = vault.cancelRedeem();
        assertEq(back, 500 * SHARE);
        assertEq(vault.balanceOf(ALICE), 500 * SHARE);
        assertApproxEqAbs(_claim(ALICE), 100 * UNIT, 1, "what was paid stays to be collected");
        vm.prank(ALICE);
        assertEq(vault.cancelRedeem(), 0);
        _request(ALICE, 0);
        assertEq(vault.queueShares(), 0);
    }

    function test_asking_again_adds_to_what_waits() external {
        _lock();
        _request(ALICE, 200 * SHARE);
        vault.payQueue();
        _request(ALICE, 300 * SHARE);
        (uint256 shares, uint256 assets) = vault.queued(ALICE);
        assertEq(shares, 400 * SHARE);
        assertEq(assets, 100 * UNIT);
        assertEq(_claim(ALICE), 100 * UNIT);
    }

    function test_a_round_that_was_paid_in_full_makes_way_for_a_new_one() external {
        for (uint256 i = 0; i < 3; ++i) {
            _request(ALICE, 100 * SHARE);
            vault.payQueue();
            _request(BOB, 50 * SHARE);
            assertEq(_claim(BOB), 50 * UNIT);
        }
        assertEq(_claim(ALICE), 300 * UNIT);
        assertEq(vault.reserved(), 0);
    }

    function test_a_round_shrunk_a_billionfold_takes_no_more_and_is_paid_first() external {
        _shrink();
        (uint256 rest,) = vault.queued(ALICE);
        assertEq(rest, 1e6);
        _request(BOB, 300 * SHARE);
        bankA.setLiquid(MAX);
        bankB.setLiquid(MAX);
        assertEq(_claim(BOB), 300 * UNIT);
        assertEq(_claim(ALICE), 2_000 * UNIT);
        assertEq(vault.queueShares(), 0);
    }

    function test_a_holder_of_an_old_round_moves_to_the_open_one() external {
        _shrink();
        _request(ALICE, 100 * SHARE);
        (uint256 shares, uint256 assets) = vault.queued(ALICE);
        assertEq(shares, 100 * SHARE + 1e6);
        assertEq(assets, 2_000 * UNIT - 1);
        bankA.setLiquid(MAX);
        bankB.setLiquid(MAX);
        assertApproxEqAbs(_claim(ALICE), 2_100 * UNIT, 1);
    }

    /// @dev A round of 2,000 whole units of shares, of which the worth of one raw unit is left.
    function _shrink() private {
        _deposit(ALICE, 2_000 * UNIT);
        vm.prank(ALICE);
        vault.withdraw(100 * UNIT, ALICE, ALICE);
        _enterMarket(marketA, 1);
        _lock();
        _request(ALICE, 2_000 * SHARE);
        vault.payQueue();
    }

    function test_a_market_that_changes_its_mind_keeps_nobody_in() external {
        _changeMind();
        vm.prank(BOB);
        vm.expectPartialRevert(IVaultEvents.UnwindingCost.selector);
        vault.redeem(300 * SHARE, BOB, BOB);
        _changeMind();
        vm.prank(BOB);
        vm.expectPartialRevert(IVaultEvents.NotEnoughLiquidity.selector);
        vault.redeemUpTo(300 * SHARE, 1);
        _request(BOB, 100 * SHARE);
        _changeMind();
        vault.payQueue();
        _request(ALICE, 300 * SHARE);
        _changeMind();
        vm.expectPartialRevert(IVaultEvents.UnwindingCost.selector);
        vault.payQueue();
        vm.prank(BOB);
        assertEq(vault.claimRedeem(BOB), 100 * UNIT, "what was paid can be collected whatever a market does");
        _changeMind();
        vm.prank(BOB);
        vault.redeemInKind(200 * SHARE, BOB, BOB, new address[](0));
        assertGt(bankB.balanceOf(BOB), 0);
    }

    function _changeMind() private {
        bytes[] memory worth = new bytes[](3);
        worth[0] = abi.encode(500 * UNIT, 500 * UNIT, true);
        worth[1] = abi.encode(uint256(1e30), uint256(1e30), true);
        worth[2] = abi.encode(uint256(0), uint256(0), true);
        vm.mockCalls(marketA, abi.encodeWithSignature("value()"), worth);
    }

    function testFuzz_nobody_in_the_queue_gets_more_than_their_part(uint256[8] memory moves) external {
        _lock();
        uint256 paidOut;
        uint256 worth = vault.totalAssets();
        for (uint256 i = 0; i < moves.length; ++i) {
            address who = moves[i] % 2 == 0 ? ALICE : BOB;
            uint256 size = bound(moves[i] / 16, 0, vault.balanceOf(who));
            uint256 kind = (moves[i] / 2) % 4;
            if (kind == 0) _request(who, size);
            if (kind == 1) {
                vm.prank(who);
                vault.cancelRedeem();
            }
            if (kind == 2) paidOut += _claim(who);
            if (kind == 3) bankA.setLiquid(bound(moves[i] / 16, 0, 100 * UNIT));
            (uint256 a,) = vault.queued(ALICE);
            (uint256 b,) = vault.queued(BOB);
            assertLe(a + b, vault.queueShares());
            assertApproxEqAbs(a + b, vault.queueShares(), 1e4);
            assertEq(vault.balanceOf(address(vault)), vault.queueShares());
        }
        (, uint256 x) = vault.queued(ALICE);
        (, uint256 y) = vault.queued(BOB);
        assertLe(x + y, vault.reserved());
        assertLe(paidOut + vault.reserved() + vault.totalAssets(), worth);
        assertApproxEqAbs(paidOut + vault.reserved() + vault.totalAssets(), worth, 20);
    }

    function test_leaving_in_kind_takes_the_part_of_everything() external {
        _lock();
        vm.startPrank(BOB);
        uint256 idle = vault.redeemInKind(300 * SHARE, BOB, BOB, new address[](0));
        vm.stopPrank();
        assertApproxEqAbs(idle, uint256(100 * UNIT) / 3, 1);
        assertApproxEqAbs(bankA.convertToAssets(bankA.balanceOf(BOB)), uint256(500 * UNIT) / 3, 1);
        assertApproxEqAbs(bankB.convertToAssets(bankB.balanceOf(BOB)), 100 * UNIT, 1);
        assertApproxEqAbs(vault.convertToAssets(vault.balanceOf(ALICE)), 600 * UNIT, 1);
    }

    function test_leaving_in_kind_works_when_nothing_can_be_read() external {
        vm.mockCallRevert(marketA, abi.encodeWithSignature("value()"), "no");
        vm.mockCallRevert(marketB, abi.encodeWithSignature("value()"), "no");
        vm.prank(BOB);
        vault.redeemInKind(300 * SHARE, BOB, BOB, new address[](0));
        assertApproxEqAbs(bankB.balanceOf(BOB), 100 * UNIT, 1);
    }

    function test_what_is_forgone_in_kind_stays_with_the_others() external {
        bankA.setRefusesTransfers(true);
        address[] memory none = new address[](0);
        address[] memory forgone = new address[](1);
        forgone[0] = marketA;
        vm.startPrank(BOB);
        vm.expectRevert();
        vault.redeemInKind(300 * SHARE, BOB, BOB, none);
        vault.redeemInKind(300 * SHARE, BOB, BOB, forgone);
        vm.stopPrank();
        assertEq(bankA.balanceOf(BOB), 0);
        vault.settle();
        assertApproxEqAbs(vault.totalAssets(), 600 * UNIT, 2, "not at once: nobody leaves to take it");
        skip(FADE);
        assertApproxEqRel(vault.totalAssets(), 766_666_667, 1e12);
    }

    function test_leaving_in_kind_for_another_needs_allowance() external {
        address[] memory none = new address[](0);
        vm.prank(CAROL);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientAllowance.selector);
        vault.redeemInKind(SHARE, CAROL, BOB, none);
        vm.prank(BOB);
        vault.approve(CAROL, SHARE);
        vm.prank(CAROL);
        vault.redeemInKind(SHARE, CAROL, BOB, none);
        assertGt(bankA.balanceOf(CAROL), 0);
        vm.prank(CAROL);
        vm.expectPartialRevert(IVaultEvents.NotEnoughShares.selector);
        vault.redeemInKind(MAX, CAROL, BOB, none);
    }

    function testFuzz_in_kind_is_never_worth_more_than_cash(uint256 gain, uint256 loss, uint256 shares) external {
        token.mint(address(bankA), bound(gain, 0, 500 * UNIT));
        bankB.lose(bound(loss, 0, 300 * UNIT));
        shares = bound(shares, 1, 300 * SHARE);
        uint256 cash = vault.previewRedeem(shares);
        vm.prank(BOB);
        uint256 idle = vault.redeemInKind(shares, BOB, BOB, new address[](0));
        uint256 kind = idle + bankA.convertToAssets(bankA.balanceOf(BOB)) + bankB.convertToAssets(bankB.balanceOf(BOB));
        assertLe(kind, cash + 2);
        // Idle, two positions and their reading are each rounded down.
        assertApproxEqAbs(kind, cash, 8);
    }
}
