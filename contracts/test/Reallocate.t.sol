// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Leg, LegKind} from "../src/Types.sol";
import {IVaultEvents} from "../src/interfaces/IVaultEvents.sol";
import {LeakyBucket} from "../src/libraries/LeakyBucket.sol";
import {Fixture} from "./Fixture.sol";

contract ReallocateTest is Fixture {
    function setUp() public override {
        super.setUp();
        _deposit(ALICE, 1_000 * UNIT);
    }

    function _go(bytes32 planId, uint64 validUntil, bytes32 expected, Leg[] memory legs) private {
        vm.prank(ALLOCATOR);
        vault.reallocate(planId, validUntil, expected, legs);
    }

    function test_a_plan_says_what_it_did() external {
        bytes32 expected = vault.preStateHash();
        vm.expectEmit(address(vault));
        emit IVaultEvents.Moved("plan", marketA, LegKind.Entry, 400 * UNIT);
        vm.expectEmit(address(vault));
        emit IVaultEvents.Reallocated("plan", 1, 1_000 * UNIT, 1_000 * UNIT);
        _go("plan", uint64(block.timestamp), expected, _one(_enterLeg(marketA, 400 * UNIT)));
        assertEq(vault.planCount(), 1);
        assertTrue(vault.isPlanUsed("plan"));
        assertEq(vault.idle(), 600 * UNIT);
    }

    function test_exits_then_entries_in_one_plan() external {
        _enterMarket(marketA, 1_000 * UNIT);
        skip(1 days);
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(marketA, LegKind.Exit, 700 * UNIT, 700 * UNIT, 700 * UNIT, "");
        legs[1] = Leg(marketB, LegKind.Entry, 600 * UNIT, 600 * UNIT, 600 * UNIT, "");
        _plan(legs);
        assertEq(vault.idle(), 100 * UNIT);
        assertEq(bankB.totalAssets(), 600 * UNIT);
        (legs[0], legs[1]) = (legs[1], legs[0]);
        bytes32 expected = vault.preStateHash();
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.LegOutOfOrder.selector, 1));
        _go("x", uint64(block.timestamp), expected, legs);
    }

    function test_a_plan_is_unique_and_perishable() external {
        Leg[] memory legs = _one(_enterLeg(marketA, UNIT));
        bytes32 expected = vault.preStateHash();
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.PlanExpired.selector, block.timestamp - 1, block.timestamp));
        _go("x", uint64(block.timestamp - 1), expected, legs);
        _go("x", uint64(block.timestamp), expected, legs);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.PlanUsed.selector, bytes32("x")));
        _go("x", uint64(block.timestamp), expected, legs);
        bytes32 found = vault.preStateHash();
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.RulesChanged.selector, expected, found));
        _go("y", uint64(block.timestamp), expected, legs);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.RulesChanged.selector, bytes32(0), found));
        _go("y", uint64(block.timestamp), 0, legs);
        vm.expectRevert(IVaultEvents.PlanEmpty.selector);
        _go("y", uint64(block.timestamp), found, new Leg[](0));
    }

    function test_exits_need_no_hash_and_work_while_paused_with_zero_caps_and_full_buckets() external {
        _enterMarket(marketA, 1_000 * UNIT);
        vm.startPrank(GUARDIAN);
        vault.pauseEntries();
        vault.zeroCaps(marketA);
        vm.stopPrank();
        _go("x", uint64(block.timestamp), 0, _one(_exitLeg(marketA, MAX)));
        assertEq(vault.idle(), 1_000 * UNIT);
        bytes32 expected = vault.preStateHash();
        vm.expectRevert(IVaultEvents.EntriesClosed.selector);
        _go("y", uint64(block.timestamp), expected, _one(_enterLeg(marketB, UNIT)));
    }

    function test_guards_hold_each_leg() external {
        bytes32 expected = vault.preStateHash();
        bytes memory low = abi.encodeWithSelector(IVaultEvents.OutsideGuard.selector, 0, UNIT, UNIT + 1, MAX);
        vm.expectRevert(low);
        _go("x", uint64(block.timestamp), expected, _one(Leg(marketA, LegKind.Entry, UNIT, UNIT + 1, MAX, "")));
        bytes memory high = abi.encodeWithSelector(IVaultEvents.OutsideGuard.selector, 0, UNIT, 0, UNIT - 1);
        vm.expectRevert(high);
        _go("x", uint64(block.timestamp), expected, _one(Leg(marketA, LegKind.Entry, UNIT, 0, UNIT - 1, "")));
        _enterMarket(marketA, UNIT);
        vm.expectRevert(low);
        _go("x", uint64(block.timestamp), 0, _one(Leg(marketA, LegKind.Exit, UNIT, UNIT + 1, MAX, "")));
        vm.expectRevert(high);
        _go("x", uint64(block.timestamp), 0, _one(Leg(marketA, LegKind.Exit, UNIT, 0, UNIT - 1, "")));
    }

    function test_caps_hold_on_entry() external {
        vm.prank(CURATOR);
        vault.lowerCaps(marketA, uint128(100 * UNIT), 2_000);
        _enterMarket(marketA, 100 * UNIT);
        bytes32 expected = vault.preStateHash();
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.CapExceeded.selector, marketA, 100 * UNIT + 1, 100 * UNIT));
        _go("x", uint64(block.timestamp), expected, _one(_enterLeg(marketA, 1)));
        vm.prank(CURATOR);
        vault.lowerCaps(marketB, type(uint128).max, 2_000);
        _enterMarket(marketB, 200 * UNIT);
        expected = vault.preStateHash();
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.CapExceeded.selector, marketB, 200 * UNIT + 1, 200 * UNIT));
        _go("x", uint64(block.timestamp), expected, _one(_enterLeg(marketB, 1)));
    }

    function test_unlisted_markets_are_out_of_reach() external {
        bytes32 expected = vault.preStateHash();
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotListed.selector, CAROL));
        _go("x", uint64(block.timestamp), expected, _one(_enterLeg(CAROL, 1)));
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotListed.selector, CAROL));
        _go("x", uint64(block.timestamp), expected, _one(_exitLeg(CAROL, 1)));
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotEnoughIdle.selector, 1_001 * UNIT, 1_000 * UNIT));
        _go("x", uint64(block.timestamp), expected, _one(_enterLeg(marketA, 1_001 * UNIT)));
    }

    function test_turnover_drains_over_a_day_and_counts_entries_only() external {
        _enterMarket(marketA, MAX);
        (uint256 room,,) = vault.room();
        assertEq(room, 0);
        _exitMarket(marketA, 1_000 * UNIT);
        bytes32 expected = vault.preStateHash();
        vm.expectPartialRevert(LeakyBucket.BucketFull.selector);
        _go("x", uint64(block.timestamp), expected, _one(_enterLeg(marketA, UNIT)));
        skip(6 hours);
        (room,,) = vault.room();
        assertEq(room, 0.25e18);
        _enterMarket(marketA, 250 * UNIT);
        expected = vault.preStateHash();
        vm.expectPartialRevert(LeakyBucket.BucketFull.selector);
        _go("x", uint64(block.timestamp), expected, _one(_enterLeg(marketA, UNIT)));
    }

    function test_one_move_may_lose_ten_basis_points_of_itself() external {
        _crowd(bankA);
        bankA.setEntryFee(11);
        bytes32 expected = vault.preStateHash();
        vm.expectPartialRevert(IVaultEvents.MoveLoss.selector);
        _go("x", uint64(block.timestamp), expected, _one(_enterLeg(marketA, 100 * UNIT)));
        bankA.setEntryFee(10);
        _enterMarket(marketA, 100 * UNIT);
        (, uint256 day, uint256 month) = vault.room();
        assertApproxEqAbs(day, 0.0005e18 - 0.0001e18, 1e12);
        assertApproxEqAbs(month, 0.0025e18 - 0.0001e18, 1e12);
    }

    function test_all_moves_of_a_day_lose_less_than_the_bound() external {
        _crowd(bankA);
        bankA.setEntryFee(10);
        _enterMarket(marketA, 499 * UNIT);
        bytes32 expected = vault.preStateHash();
        vm.expectPartialRevert(LeakyBucket.BucketFull.selector);
        _go("x", uint64(block.timestamp), expected, _one(_enterLeg(marketA, 10 * UNIT)));
    }

    function test_the_guardian_lifts_the_loss_bound_for_exits_only_and_for_a_day_at_most() external {
        _crowd(bankA);
        _enterMarket(marketA, 500 * UNIT);
        bankA.setHiddenExitFee(500);
        vm.expectPartialRevert(IVaultEvents.MoveLoss.selector);
        _go("x", uint64(block.timestamp), 0, _one(_exitLeg(marketA, 100 * UNIT)));
        vm.startPrank(GUARDIAN);
        vm.expectPartialRevert(IVaultEvents.OutOfRange.selector);
        vault.allowExitLosses(block.timestamp + 1 days + 1);
        vault.allowExitLosses(block.timestamp + 1 days);
        vm.stopPrank();
        bytes32 expected = vault.preStateHash();
        Leg[] memory both = new Leg[](2);
        both[0] = _exitLeg(marketA, 100 * UNIT);
        both[1] = _enterLeg(marketB, UNIT);
        vm.expectPartialRevert(IVaultEvents.MoveLoss.selector);
        _go("x", uint64(block.timestamp), expected, both);
        vm.expectPartialRevert(IVaultEvents.OutsideGuard.selector);
        _go("x", uint64(block.timestamp), 0, _one(Leg(marketA, LegKind.Exit, 100 * UNIT, 101 * UNIT, MAX, "")));
        _go("x", uint64(block.timestamp), 0, _one(_exitLeg(marketA, 100 * UNIT)));
        assertLt(vault.totalAssets(), 996 * UNIT);
        skip(1 days + 1);
        vm.expectPartialRevert(IVaultEvents.MoveLoss.selector);
        _go("y", uint64(block.timestamp), 0, _one(_exitLeg(marketA, 100 * UNIT)));
        vm.expectPartialRevert(IVaultEvents.NotRole.selector);
        vault.allowExitLosses(0);
    }

    function test_an_unreadable_market_is_left_only_with_the_guardians_word_and_never_entered() external {
        _enterMarket(marketA, 500 * UNIT);
        bankA.setPreviewLocked(true);
        assertEq(vault.totalAssets(), 1_000 * UNIT, "a lock alone is no loss");
        vm.mockCallRevert(marketA, abi.encodeWithSignature("value()"), "no");
        bytes32 expected = vault.preStateHash();
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.MarketUnreadable.selector, marketA));
        _go("x", uint64(block.timestamp), 0, _one(_exitLeg(marketA, 100 * UNIT)));
        vm.expectRevert(IVaultEvents.EntriesClosed.selector);
        _go("x", uint64(block.timestamp), expected, _one(_enterLeg(marketA, UNIT)));
        vm.prank(GUARDIAN);
        vault.allowExitLosses(block.timestamp);
        _go("x", uint64(block.timestamp), 0, _one(_exitLeg(marketA, 100 * UNIT)));
        assertEq(vault.idle(), 600 * UNIT);
    }

    function test_entries_leave_what_the_queue_is_owed() external {
        vm.prank(ALICE);
        vault.requestRedeem(300 * 1e12);
        bytes32 expected = vault.preStateHash();
        vm.expectPartialRevert(IVaultEvents.NotEnoughIdle.selector);
        _go("x", uint64(block.timestamp), expected, _one(_enterLeg(marketA, 701 * UNIT)));
        _enterMarket(marketA, MAX);
        assertEq(vault.idle(), 300 * UNIT);
    }

    function test_only_the_allocator_reallocates() external {
        bytes32 expected = vault.preStateHash();
        address[5] memory others = [OWNER, CURATOR, GUARDIAN, ALICE, address(vault)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IVaultEvents.NotRole.selector, others[i], ALLOCATOR));
            vault.reallocate("x", uint64(block.timestamp), expected, _one(_enterLeg(marketA, 1)));
        }
    }

    function test_starved_of_gas_it_refuses_rather_than_take_a_market_for_broken() external {
        vm.expectPartialRevert(IVaultEvents.GasTooLow.selector);
        vault.totalAssets{gas: 900_000}();
    }
}
