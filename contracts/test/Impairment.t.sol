// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IVaultEvents} from "../src/interfaces/IVaultEvents.sol";
import {Fixture} from "./Fixture.sol";

contract ImpairmentTest is Fixture {
    function setUp() public override {
        super.setUp();
        _deposit(ALICE, 500 * UNIT);
        _deposit(BOB, 500 * UNIT);
        _enterMarket(marketA, 600 * UNIT);
    }

    function test_the_first_out_does_not_take_the_last_ones_money() external {
        vm.prank(GUARDIAN);
        vault.setMark(marketA, 5_000);
        assertEq(vault.totalAssets(), 700 * UNIT);
        assertApproxEqAbs(_redeemAll(ALICE), 350 * UNIT, 1);
        bankA.lose(token.balanceOf(address(bankA)) / 2);
        vm.prank(GUARDIAN);
        vault.setMark(marketA, 0);
        assertGe(_redeemAll(BOB), 349 * UNIT);
    }

    function test_a_real_loss_falls_on_leavers_at_once_and_on_entrants_as_it_fades() external {
        bankA.lose(300 * UNIT);
        assertEq(vault.totalAssets(), 700 * UNIT);
        (, uint256 low, uint256 high,,) = vault.value();
        assertEq(low, 700 * UNIT);
        assertEq(high, 1_000 * UNIT);
        vault.settle();
        skip(FADE / 2);
        (, low, high,,) = vault.value();
        assertApproxEqAbs(high, 850 * UNIT, 1);
        skip(FADE / 2);
        (, low, high,,) = vault.value();
        assertEq(high, 700 * UNIT);
    }

    function test_what_an_entrant_pays_for_a_fading_loss_goes_to_all_and_comes_back_with_it() external {
        bankA.lose(300 * UNIT);
        (, uint256 high) = _prices();
        _deposit(CAROL, 1_000 * UNIT);
        (uint256 lowAfter, uint256 highAfter) = _prices();
        assertApproxEqRel(highAfter, high, 1e9);
        assertApproxEqRel(lowAfter, high * 85 / 100, 1e9);
        token.mint(address(bankA), 300 * UNIT);
        assertApproxEqAbs(_redeemAll(CAROL), 1_000 * UNIT, 1);
        assertApproxEqAbs(_redeemAll(ALICE), 500 * UNIT, 1);
    }

    function test_a_market_that_cannot_be_read_counts_for_nothing_and_closes_entering() external {
        bankA.setBroken(true);
        bankA.setPreviewLocked(true);
        assertEq(vault.totalAssets(), 400 * UNIT);
        assertEq(vault.maxDeposit(CAROL), 0);
        assertEq(vault.maxWithdraw(ALICE), 200 * UNIT);
        uint256 shares = vault.balanceOf(ALICE) / 4;
        vm.prank(ALICE);
        vault.redeem(shares, ALICE, ALICE);
        bankA.setBroken(false);
        bankA.setPreviewLocked(false);
        vault.settle();
        assertApproxEqAbs(vault.totalAssets(), 875 * UNIT, 1, "read again, each share is worth what it was");
        skip(FADE);
        assertApproxEqAbs(vault.totalAssets(), 950 * UNIT, 1, "and what the leaver left behind unlocks");
        assertGt(vault.maxDeposit(CAROL), 0);
    }

    function test_a_market_that_burns_all_gas_traps_nobody() external {
        bankA.setBurnsGas(true);
        uint256 shares = vault.balanceOf(ALICE) / 2;
        vm.prank(ALICE);
        uint256 paid = vault.redeem{gas: 12_000_000}(shares, ALICE, ALICE);
        assertApproxEqAbs(paid, 100 * UNIT, 1);
        assertEq(vault.totalAssets{gas: 12_000_000}(), 300 * UNIT);
    }

    function test_a_market_that_reports_nonsense_counts_for_nothing() external {
        vm.mockCall(marketA, abi.encodeWithSignature("value()"), abi.encode(MAX, MAX, true));
        assertEq(vault.totalAssets(), 400 * UNIT);
        assertEq(vault.maxDeposit(CAROL), 0);
        vm.mockCall(marketA, abi.encodeWithSignature("liquidity()"), abi.encode(MAX));
        assertEq(vault.maxWithdraw(ALICE), 200 * UNIT);
    }

    function test_only_the_guardian_marks_at_once_and_the_owner_after_waiting() external {
        vm.prank(CURATOR);
        vm.expectPartialRevert(IVaultEvents.NotRole.selector);
        vault.setMark(marketA, 1);
        vm.prank(OWNER);
        vm.expectPartialRevert(IVaultEvents.NotSubmitted.selector);
        vault.setMark(marketA, 1);
        vm.startPrank(GUARDIAN);
        vm.expectPartialRevert(IVaultEvents.OutOfRange.selector);
        vault.setMark(marketA, 10_001);
        vm.expectPartialRevert(IVaultEvents.NotListed.selector);
        vault.setMark(CAROL, 1);
        vault.setMark(marketA, 10_000);
        vm.stopPrank();
        _delayed(OWNER, abi.encodeCall(vault.setMark, (marketA, 0)));
        (,, uint16 mark,) = vault.marketRules(marketA);
        assertEq(mark, 0);
    }

    function test_leaving_works_whatever_is_closed() external {
        vm.startPrank(GUARDIAN);
        vault.pauseEntries();
        vault.zeroCaps(marketA);
        vault.zeroCaps(marketB);
        vault.setMark(marketA, 1);
        vm.stopPrank();
        uint256 shares = vault.balanceOf(ALICE) / 5;
        vm.startPrank(ALICE);
        vault.redeem(shares, ALICE, ALICE);
        vault.withdraw(UNIT, ALICE, ALICE);
        vault.redeemUpTo(shares, 1);
        vault.requestRedeem(shares);
        vault.payQueue();
        vault.claimRedeem(ALICE);
        vault.requestRedeem(shares);
        vault.cancelRedeem();
        vault.redeemInKind(vault.balanceOf(ALICE), ALICE, ALICE, new address[](0));
        vm.stopPrank();
        assertEq(vault.balanceOf(ALICE), 0);
    }

    function test_a_marked_market_that_is_left_at_full_value_leaves_no_mark_behind() external {
        vm.prank(GUARDIAN);
        vault.setMark(marketA, 5_000);
        _exitMarket(marketA, 600 * UNIT);
        assertEq(vault.totalAssets(), 1_000 * UNIT);
    }
}
