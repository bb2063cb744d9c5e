// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Leg} from "../src/Types.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Whoever comes for an event, before it or after it, never leaves with more than they brought.
contract SnipingTest is Fixture {
    uint256 private constant STAKE = 5_000 * UNIT;

    function setUp() public override {
        super.setUp();
        _deposit(ALICE, 1_000 * UNIT);
        _enterMarket(marketA, 600 * UNIT);
        skip(1 days);
    }

    /// @dev The sniper's whole trip with `act` between entering and leaving, in one instant.
    function _snipe(function() internal act) private returns (uint256 back) {
        _deposit(BOB, STAKE);
        act();
        uint256 shares = vault.balanceOf(BOB);
        vm.prank(BOB);
        back = vault.redeem(shares, BOB, BOB);
    }

    function _gain() private {
        token.mint(address(bankA), 60 * UNIT);
    }

    function _gainAndSettle() private {
        _gain();
        vault.settle();
    }

    function _gift() private {
        token.mint(address(vault), 100 * UNIT);
        token.mint(marketA, 100 * UNIT);
        token.mint(CAROL, 100 * UNIT);
        vm.startPrank(CAROL);
        token.approve(address(bankA), MAX);
        bankA.deposit(100 * UNIT, marketA);
        vm.stopPrank();
        vault.settle();
    }

    function _capChange() private {
        vm.prank(GUARDIAN);
        vault.zeroCaps(marketA);
        vault.settle();
    }

    function _moveMoney() private {
        _exitMarket(marketA, 300 * UNIT);
    }

    function _queuePaid() private {
        vm.prank(ALICE);
        vault.requestRedeem(200 * 1e12);
        vault.payQueue();
    }

    function test_a_gain_profits_nobody_who_comes_for_it() external {
        assertLe(_snipe(_gain), STAKE);
    }

    function test_a_reported_gain_profits_nobody_who_comes_for_it() external {
        assertLe(_snipe(_gainAndSettle), STAKE);
    }

    function test_a_gift_of_assets_or_of_market_shares_moves_no_price() external {
        (uint256 low, uint256 high) = _prices();
        _gift();
        (uint256 lowAfter, uint256 highAfter) = _prices();
        assertEq(lowAfter, low);
        assertEq(highAfter, high);
        assertLe(_snipe(_gift), STAKE);
        skip(30 days);
        assertLe(vault.totalAssets(), 1_000 * UNIT);
    }

    function test_a_cap_change_profits_nobody() external {
        assertLe(_snipe(_capChange), STAKE);
    }

    function test_a_reallocation_profits_nobody() external {
        assertLe(_snipe(_moveMoney), STAKE);
    }

    function test_paying_the_queue_profits_nobody() external {
        assertLe(_snipe(_queuePaid), STAKE);
    }

    function test_a_dip_and_recovery_profit_nobody_who_enters_in_the_dip() external {
        bankA.lose(300 * UNIT);
        _deposit(BOB, STAKE);
        token.mint(address(bankA), 300 * UNIT);
        assertLe(_redeemAll(BOB), STAKE);
        assertGe(vault.convertToAssets(vault.balanceOf(ALICE)), 999 * UNIT, "nor does it cost who stayed");
    }

    function test_a_spike_and_fall_profit_nobody_who_leaves_in_the_spike() external {
        uint256 shares = vault.balanceOf(ALICE);
        token.mint(address(bankA), 300 * UNIT);
        assertLe(vault.previewRedeem(shares), 1_002 * UNIT, "no more than the counted growth of a day");
        vault.settle();
        (uint256 low,) = _prices();
        bankA.lose(300 * UNIT);
        (uint256 lowAfter,) = _prices();
        assertApproxEqRel(lowAfter, low, 1e15);
    }

    function test_a_mark_and_its_lifting_profit_nobody() external {
        vm.prank(GUARDIAN);
        vault.setMark(marketA, 5_000);
        assertEq(vault.maxDeposit(BOB), 0, "entering is closed while a mark stands");
        vm.prank(GUARDIAN);
        vault.setMark(marketA, 0);
        assertLe(_snipe(_none), STAKE);
    }

    function test_lifting_an_old_mark_profits_nobody_who_enters_right_after() external {
        vm.prank(GUARDIAN);
        vault.setMark(marketA, 5_000);
        skip(10 days);
        vault.settle();
        vm.prank(GUARDIAN);
        vault.setMark(marketA, 0);
        uint256 state = vm.snapshotState();
        assertLe(_snipe(_none), STAKE);
        vm.revertToState(state);
        assertEq(vault.totalAssets(), 1_000 * UNIT, "who stayed has what they had");
    }

    function test_a_mark_does_not_let_a_leaver_in_kind_take_locked_gains_along() external {
        _deposit(BOB, STAKE);
        token.mint(address(bankA), 600 * UNIT);
        vm.prank(GUARDIAN);
        vault.setMark(marketA, 10_000);
        uint256 shares = vault.balanceOf(BOB);
        vm.startPrank(BOB);
        vault.redeemInKind(shares, BOB, BOB, new address[](0));
        bankA.redeem(bankA.balanceOf(BOB), BOB, BOB);
        vm.stopPrank();
        assertLe(token.balanceOf(BOB), STAKE);
    }

    function test_a_fee_accrual_profits_nobody() external {
        _delayed(OWNER, abi.encodeCall(vault.setFee, (2_000, CAROL)));
        _gainAndSettle();
        skip(2 days);
        assertLe(_snipe(_gainAndSettle), STAKE);
        assertGt(vault.balanceOf(CAROL), 0);
    }

    function test_entering_while_gains_are_locked_moves_neither_price() external {
        _gainAndSettle();
        (uint256 low, uint256 high) = _prices();
        _deposit(BOB, STAKE);
        (uint256 lowAfter, uint256 highAfter) = _prices();
        assertApproxEqRel(lowAfter, low, 1e9);
        assertApproxEqRel(highAfter, high, 1e9);
        skip(FADE);
        assertApproxEqRel(vault.totalAssets(), 6_060 * UNIT, 1e12, "and all of it unlocks to all");
    }

    function test_a_leaver_in_kind_does_not_take_locked_gains_along() external {
        _deposit(BOB, STAKE);
        token.mint(address(bankA), 600 * UNIT);
        uint256 shares = vault.balanceOf(BOB);
        vm.startPrank(BOB);
        vault.redeemInKind(shares, BOB, BOB, new address[](0));
        bankA.redeem(bankA.balanceOf(BOB), BOB, BOB);
        vm.stopPrank();
        assertLe(token.balanceOf(BOB), STAKE);
    }

    function test_who_stays_for_a_part_of_the_period_gets_at_most_that_part_of_a_step() external {
        _deposit(BOB, STAKE);
        token.mint(address(bankA), 60 * UNIT);
        skip(FADE / 4);
        uint256 back = _redeemAll(BOB);
        assertLe(back - STAKE, 60 * UNIT / 4);
    }

    function test_a_holder_who_waits_alone_for_a_year_gets_the_years_gain() external {
        token.mint(address(bankA), 60 * UNIT);
        skip(365 days);
        assertGe(_redeemAll(ALICE), 1_059 * UNIT);
    }

    function test_growth_faster_than_the_counted_rate_unlocks_over_the_period() external {
        token.mint(address(bankA), 500 * UNIT);
        skip(365 days);
        assertApproxEqRel(vault.totalAssets(), 1_200 * UNIT, 1e16);
        vault.settle();
        skip(FADE);
        assertApproxEqRel(vault.totalAssets(), 1_500 * UNIT, 1e15);
    }

    /// @dev One fuzzed event of any kind and size between entering and leaving at once.
    function testFuzz_no_event_profits_a_round_trip(uint8 kind, uint256 size, uint256 pause, uint256 stake) external {
        stake = bound(stake, 1e3, 1e15);
        skip(bound(pause, 0, 3 days));
        if (pause % 3 == 0) _event(uint8(pause % 251), size / 7);
        if (vault.maxDeposit(BOB) == 0) return;
        _deposit(BOB, stake);
        _event(kind, size);
        if (pause % 2 == 0) _event(uint8(size % 251), size / 3);
        uint256 shares = vault.maxRedeem(BOB);
        vm.prank(BOB);
        assertLe(vault.redeem(shares, BOB, BOB), stake);
    }

    /// @dev Two trips, the second one after the event.
    function testFuzz_no_event_profits_who_enters_after_it(uint8 kind, uint256 size, uint256 stake) external {
        stake = bound(stake, 1e3, 1e15);
        _event(kind, size);
        if (vault.maxDeposit(BOB) == 0) return;
        _deposit(BOB, stake);
        vault.settle();
        uint256 shares = vault.maxRedeem(BOB);
        vm.prank(BOB);
        assertLe(vault.redeem(shares, BOB, BOB), stake);
    }

    function _event(uint8 kind, uint256 size) private {
        kind %= 9;
        if (kind == 0) token.mint(address(bankA), bound(size, 0, 1e12));
        if (kind == 1) bankA.lose(bound(size, 0, token.balanceOf(address(bankA)) / 2));
        if (kind == 2) token.mint(address(vault), bound(size, 0, 1e15));
        if (kind == 3) vault.settle();
        if (kind == 4) {
            vm.prank(GUARDIAN);
            vault.setMark(marketA, uint16(bound(size, 0, 10_000)));
        }
        if (kind == 5) {
            vm.prank(GUARDIAN);
            vault.setMark(marketA, 0);
        }
        if (kind == 6 && vault.balanceOf(ALICE) > 1e12) {
            vm.prank(ALICE);
            vault.requestRedeem(1e12);
        }
        if (kind == 7) vault.payQueue();
        if (kind == 8) bankA.setBroken(size % 2 == 0);
    }

    function _none() private {}
}
