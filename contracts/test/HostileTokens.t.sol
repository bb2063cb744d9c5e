// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IVaultEvents} from "../src/interfaces/IVaultEvents.sol";
import {BlockToken, FeeToken, HookToken, OddToken, Token} from "./doubles/Tokens.sol";
import {Fixture} from "./Fixture.sol";

contract HostileTokensTest is Fixture {
    bytes private call;
    bytes private answer;
    bool private worked;
    uint256[6] private seen;
    bool private looks;

    function _use(address asset) private {
        token = Token(asset);
        _deploy(asset, _bounds());
        _addBanks();
    }

    function test_a_token_that_keeps_a_fee_is_refused_on_the_way_in_and_out() external {
        FeeToken fee = new FeeToken();
        _use(address(fee));
        _deposit(ALICE, 1_000 * UNIT);
        fee.setFee(100);
        token.mint(BOB, 100 * UNIT);
        vm.startPrank(BOB);
        token.approve(address(vault), MAX);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.TransferMismatch.selector, 100 * UNIT, 99 * UNIT));
        vault.deposit(100 * UNIT, BOB);
        vm.stopPrank();
        bytes32 expected = vault.preStateHash();
        vm.prank(ALLOCATOR);
        vm.expectRevert();
        vault.reallocate("x", uint64(block.timestamp), expected, _one(_enterLeg(marketA, UNIT)));
        // Leaving works: the vault sends what it owes, the token keeps its part of that.
        vm.prank(ALICE);
        vault.withdraw(100 * UNIT, ALICE, ALICE);
        assertEq(token.balanceOf(ALICE), 99 * UNIT);
        assertEq(vault.totalAssets(), 900 * UNIT);
    }

    function test_a_token_that_takes_more_than_is_sent_is_refused() external {
        FeeToken fee = new FeeToken();
        _use(address(fee));
        _deposit(ALICE, 1_000 * UNIT);
        fee.setOnTop(true);
        fee.setFee(100);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVaultEvents.TransferMismatch.selector, 100 * UNIT, 101 * UNIT));
        vault.withdraw(100 * UNIT, ALICE, ALICE);
    }

    function test_a_token_that_says_nothing_works() external {
        OddToken odd = new OddToken();
        _use(address(odd));
        odd.mint(ALICE, 100 * UNIT);
        vm.startPrank(ALICE);
        odd.approve(address(vault), 100 * UNIT);
        vault.deposit(100 * UNIT, ALICE);
        vm.stopPrank();
        _enterMarket(marketA, 50 * UNIT);
        _enterMarket(marketA, 10 * UNIT);
        assertEq(_redeemAll(ALICE), 100 * UNIT);
        assertEq(odd.balanceOf(ALICE), 100 * UNIT);
    }

    function test_a_token_that_says_false_and_moves_nothing_is_refused() external {
        OddToken odd = new OddToken();
        _use(address(odd));
        odd.mint(ALICE, 100 * UNIT);
        vm.startPrank(ALICE);
        odd.approve(address(vault), 100 * UNIT);
        odd.setSaysFalse(true);
        vm.expectPartialRevert(SafeERC20.SafeERC20FailedOperation.selector);
        vault.deposit(100 * UNIT, ALICE);
        odd.setSaysFalse(false);
        vault.deposit(100 * UNIT, ALICE);
        odd.setSaysFalse(true);
        vm.expectPartialRevert(SafeERC20.SafeERC20FailedOperation.selector);
        vault.redeem(1e12, ALICE, ALICE);
        assertEq(vault.balanceOf(ALICE), 100 * 1e12);
    }

    function test_a_blocked_holder_is_paid_elsewhere_and_stops_nobody() external {
        BlockToken blocker = new BlockToken();
        _use(address(blocker));
        _deposit(ALICE, 100 * UNIT);
        _deposit(BOB, 100 * UNIT);
        blocker.setBlocked(ALICE, true);
        vm.startPrank(ALICE);
        vault.requestRedeem(50 * 1e12);
        vault.payQueue();
        vm.expectRevert("blocked");
        vault.claimRedeem(ALICE);
        assertEq(vault.claimRedeem(CAROL), 50 * UNIT);
        vm.expectRevert("blocked");
        vault.redeem(50 * 1e12, ALICE, ALICE);
        vault.redeem(50 * 1e12, CAROL, ALICE);
        vm.stopPrank();
        assertEq(_redeemAll(BOB), 100 * UNIT);
    }

    /// @dev Called by the token or the bank in the middle of things.
    function heard() external {
        if (looks) {
            seen[0] = vault.totalAssets();
            seen[1] = vault.totalSupply();
            seen[2] = vault.convertToAssets(1e12);
            seen[3] = vault.maxWithdraw(ALICE) + vault.maxDeposit(ALICE) + vault.maxMint(ALICE);
            seen[4] = vault.maxRedeem(ALICE);
            seen[5] += 1;
            assertApproxEqAbs(seen[2], seen[0] * (1e12 + 1e6) / (seen[1] + 1e6), 2, "price and supply agree");
            assertEq(seen[2], UNIT, "the price in the middle is the price before");
        }
        if (call.length == 0) return;
        (worked, answer) = address(vault).call(call);
    }

    function test_nothing_can_be_reentered_from_a_hook() external {
        HookToken hook = new HookToken();
        _use(address(hook));
        _deposit(ALICE, 100 * UNIT);
        _deposit(address(this), 100 * UNIT);
        hook.setListener(address(this));
        bytes[11] memory calls = [
            abi.encodeCall(vault.deposit, (0, ALICE)),
            abi.encodeCall(vault.mint, (0, ALICE)),
            abi.encodeCall(vault.withdraw, (0, ALICE, address(this))),
            abi.encodeCall(vault.redeem, (0, ALICE, address(this))),
            abi.encodeCall(vault.redeemUpTo, (0, 0)),
            abi.encodeCall(vault.redeemInKind, (0, ALICE, address(this), new address[](0))),
            abi.encodeCall(vault.requestRedeem, (1)),
            abi.encodeCall(vault.cancelRedeem, ()),
            abi.encodeCall(vault.claimRedeem, (ALICE)),
            abi.encodeCall(vault.payQueue, ()),
            abi.encodeCall(vault.settle, ())
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            call = calls[i];
            answer = "";
            vm.prank(ALICE);
            vault.withdraw(UNIT, ALICE, ALICE);
            assertFalse(worked);
            assertEq(bytes4(answer), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        }
    }

    function test_views_agree_with_each_other_in_the_middle_of_things() external {
        HookToken hook = new HookToken();
        _use(address(hook));
        _deposit(ALICE, 100 * UNIT);
        _deposit(BOB, 100 * UNIT);
        _enterMarket(marketA, 150 * UNIT);
        hook.setListener(address(this));
        looks = true;
        _deposit(CAROL, 50 * UNIT);
        bankA.setListener(address(this));
        vm.prank(BOB);
        vault.redeem(100 * 1e12, BOB, BOB);
        vm.prank(ALICE);
        vault.redeemUpTo(20 * 1e12, 0);
        vm.prank(ALICE);
        vault.requestRedeem(20 * 1e12);
        vault.payQueue();
        vm.prank(ALICE);
        vault.claimRedeem(ALICE);
        _exitMarket(marketA, 10 * UNIT);
        _enterMarket(marketB, 10 * UNIT);
        vm.prank(ALICE);
        vault.redeemInKind(20 * 1e12, ALICE, ALICE, new address[](0));
        assertGt(seen[5], 10);
    }

    function test_what_can_be_paid_is_nothing_while_money_is_between_places() external {
        HookToken hook = new HookToken();
        _use(address(hook));
        _deposit(ALICE, 100 * UNIT);
        _enterMarket(marketA, 60 * UNIT);
        bankA.setListener(address(this));
        looks = true;
        vm.prank(ALICE);
        vault.withdraw(90 * UNIT, ALICE, ALICE);
        assertEq(seen[3], 0);
        assertEq(seen[4], 0);
    }
}
