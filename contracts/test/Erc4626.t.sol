// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Vm} from "forge-std/Vm.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Every MUST of EIP-4626, in a vault brought into an arbitrary state first. Each test is one sentence of it.
contract Erc4626Test is Fixture {
    /// @dev An arbitrary history: depositors, money in two markets, a gain, a loss, a lock, a fee, time.
    function _history(uint256 seed) internal {
        _delayed(OWNER, abi.encodeCall(vault.setFee, (bound(seed, 0, 2_000), CAROL)));
        uint256 a = bound(uint256(keccak256(abi.encode(seed, 1))), 1, 1e15);
        uint256 b = bound(uint256(keccak256(abi.encode(seed, 2))), 0, 1e15);
        _deposit(ALICE, a);
        if (a / 3 != 0) _enterMarket(marketA, a / 3);
        if (b != 0) _tryDeposit(BOB, b);
        token.mint(address(bankA), a * (seed % 50) / 1_000);
        skip(seed % 40 hours);
        if (seed % 3 == 0) vault.settle();
        if (vault.idle() > b / 2 && b / 2 != 0) _tryEnter(marketB, b / 2);
        if (seed % 5 == 0) bankA.lose(token.balanceOf(address(bankA)) / 7);
        if (seed % 7 == 0) bankB.setLiquid(b / 5);
        token.mint(address(vault), seed % 1e9);
        skip(seed % 7 hours);
        if (seed % 11 == 0 && vault.balanceOf(ALICE) > 9) {
            uint256 third = vault.balanceOf(ALICE) / 3;
            vm.prank(ALICE);
            vault.transfer(BOB, third);
        }
        if (seed % 13 == 0 && vault.balanceOf(BOB) > 3) {
            uint256 shares = vault.balanceOf(BOB) / 2;
            vm.prank(BOB);
            vault.requestRedeem(shares);
        }
    }

    function _tryDeposit(address who, uint256 assets) private {
        token.mint(who, assets);
        vm.startPrank(who);
        token.approve(address(vault), assets);
        try vault.deposit(assets, who) {} catch {}
        vm.stopPrank();
    }

    function _tryEnter(address market, uint256 assets) private {
        bytes32 planId = _nextPlan();
        bytes32 expected = vault.preStateHash();
        vm.prank(ALLOCATOR);
        try vault.reallocate(planId, uint64(block.timestamp), expected, _one(_enterLeg(market, assets))) {} catch {}
    }

    function testFuzz_asset_is_an_erc20_and_total_assets_never_reverts(uint256 seed) external {
        _history(seed);
        assertEq(vault.asset(), address(token));
        vault.totalAssets();
        bankA.setBroken(true);
        vault.totalAssets();
        bankB.setBroken(true);
        vault.totalAssets();
        vm.prank(GUARDIAN);
        vault.pauseEntries();
        vault.totalAssets();
    }

    function testFuzz_total_assets_is_inclusive_of_fees(uint256 seed) external {
        _history(seed);
        // Fees are shares, so what leaves at the going price never exceeds total assets.
        uint256 all = vault.totalSupply();
        assertLe(vault.convertToAssets(all), vault.totalAssets() + 1);
    }

    function testFuzz_conversions_do_not_depend_on_the_caller(uint256 seed, uint256 amount, address caller) external {
        _history(seed);
        amount = bound(amount, 0, 1e30);
        uint256 shares = vault.convertToShares(amount);
        uint256 assets = vault.convertToAssets(amount);
        vm.prank(caller);
        assertEq(vault.convertToShares(amount), shares);
        vm.prank(caller);
        assertEq(vault.convertToAssets(amount), assets);
    }

    function testFuzz_conversions_round_down(uint256 seed, uint256 amount) external {
        _history(seed);
        amount = bound(amount, 0, 1e30);
        assertLe(vault.convertToAssets(vault.convertToShares(amount)), amount);
        assertLe(vault.convertToShares(vault.convertToAssets(amount)), amount);
    }

    function testFuzz_max_deposit_is_not_more_than_is_accepted(uint256 seed, uint256 amount) external {
        _history(seed);
        uint256 most = vault.maxDeposit(BOB);
        assertGt(most, 0);
        _giveAndApprove(most);
        amount = bound(amount, vault.previewMint(1), most);
        vm.prank(BOB);
        vault.deposit(amount, BOB);
    }

    function testFuzz_all_of_max_deposit_is_accepted(uint256 seed) external {
        _history(seed);
        uint256 most = vault.maxDeposit(BOB);
        _giveAndApprove(most);
        vm.prank(BOB);
        vault.deposit(most, BOB);
    }

    function testFuzz_max_mint_is_not_more_than_is_accepted(uint256 seed, uint256 shares) external {
        _history(seed);
        shares = bound(shares, 0, vault.maxMint(BOB));
        _giveAndApprove(type(uint128).max);
        vm.prank(BOB);
        vault.mint(shares, BOB);
    }

    function test_max_deposit_and_mint_are_zero_when_entering_is_closed() external {
        vm.prank(GUARDIAN);
        vault.pauseEntries();
        assertEq(vault.maxDeposit(BOB), 0);
        assertEq(vault.maxMint(BOB), 0);
        vm.expectRevert(abi.encodeWithSelector(ERC4626.ERC4626ExceededMaxDeposit.selector, BOB, 1, 0));
        vault.deposit(1, BOB);
        vm.expectRevert(abi.encodeWithSelector(ERC4626.ERC4626ExceededMaxMint.selector, BOB, 1, 0));
        vault.mint(1, BOB);
    }

    function testFuzz_preview_deposit_is_what_deposit_gives(uint256 seed, uint256 assets) external {
        _history(seed);
        assets = bound(assets, vault.previewMint(1), 1e18);
        _giveAndApprove(assets);
        uint256 preview = vault.previewDeposit(assets);
        vm.prank(BOB);
        uint256 shares = vault.deposit(assets, BOB);
        assertLe(preview, shares, "no more than would be minted");
        assertEq(preview, shares, "as close as can be");
    }

    function testFuzz_preview_mint_is_what_mint_takes(uint256 seed, uint256 shares) external {
        _history(seed);
        shares = bound(shares, 0, 1e24);
        uint256 preview = vault.previewMint(shares);
        _giveAndApprove(preview);
        uint256 minted = vault.balanceOf(BOB);
        vm.prank(BOB);
        uint256 assets = vault.mint(shares, BOB);
        assertGe(preview, assets, "no fewer than would be deposited");
        assertEq(preview, assets, "as close as can be");
        assertEq(vault.balanceOf(BOB) - minted, shares, "exactly the shares asked");
    }

    function testFuzz_preview_withdraw_is_what_withdraw_burns(uint256 seed, uint256 assets) external {
        _history(seed);
        assets = bound(assets, 0, vault.maxWithdraw(ALICE));
        uint256 preview = vault.previewWithdraw(assets);
        uint256 before = vault.balanceOf(ALICE);
        vm.prank(ALICE);
        uint256 shares = vault.withdraw(assets, CAROL, ALICE);
        assertGe(preview, shares, "no fewer than would be burned");
        assertEq(preview, shares, "as close as can be");
        assertEq(before - vault.balanceOf(ALICE), shares);
        assertEq(token.balanceOf(CAROL), assets, "exactly the assets asked");
    }

    function testFuzz_preview_redeem_is_what_redeem_pays(uint256 seed, uint256 shares) external {
        _history(seed);
        shares = bound(shares, 0, vault.maxRedeem(ALICE));
        uint256 preview = vault.previewRedeem(shares);
        uint256 before = vault.balanceOf(ALICE);
        vm.prank(ALICE);
        uint256 assets = vault.redeem(shares, CAROL, ALICE);
        assertLe(preview, assets, "no more than would be paid");
        assertEq(preview, assets, "as close as can be");
        assertEq(before - vault.balanceOf(ALICE), shares, "exactly the shares asked");
        assertEq(token.balanceOf(CAROL), assets);
    }

    function testFuzz_all_of_max_withdraw_is_paid_and_one_more_is_not(uint256 seed) external {
        _history(seed);
        uint256 most = vault.maxWithdraw(ALICE);
        vm.startPrank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(ERC4626.ERC4626ExceededMaxWithdraw.selector, ALICE, most + 2, most));
        vault.withdraw(most + 2, ALICE, ALICE);
        vault.withdraw(most, ALICE, ALICE);
    }

    function testFuzz_all_of_max_redeem_is_paid_and_more_is_not(uint256 seed) external {
        _history(seed);
        uint256 most = vault.maxRedeem(ALICE);
        uint256 more = vault.balanceOf(ALICE) + 1;
        vm.startPrank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(ERC4626.ERC4626ExceededMaxRedeem.selector, ALICE, more, most));
        vault.redeem(more, ALICE, ALICE);
        vault.redeem(most, ALICE, ALICE);
    }

    function testFuzz_max_functions_never_revert(uint256 seed, address who) external {
        _history(seed);
        bankA.setBroken(true);
        vault.maxDeposit(who);
        vault.maxMint(who);
        vault.maxWithdraw(who);
        vault.maxRedeem(who);
    }

    function testFuzz_previews_do_not_look_at_limits(uint256 seed, uint256 amount) external {
        _history(seed);
        amount = bound(amount, 1, 1e18);
        (uint256 a, uint256 b) = (vault.previewDeposit(amount), vault.previewMint(amount));
        (uint256 c, uint256 d) = (vault.previewWithdraw(amount), vault.previewRedeem(amount));
        vm.prank(GUARDIAN);
        vault.pauseEntries();
        bankA.setLiquid(0);
        assertEq(vault.previewDeposit(amount), a);
        assertEq(vault.previewMint(amount), b);
        assertEq(vault.previewWithdraw(amount), c);
        assertEq(vault.previewRedeem(amount), d);
    }

    function testFuzz_leaving_for_another_needs_and_uses_allowance(uint256 seed) external {
        _history(seed);
        uint256 shares = vault.maxRedeem(ALICE) / 2;
        vm.assume(shares > 10);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, CAROL, 0, shares));
        vm.prank(CAROL);
        vault.redeem(shares, CAROL, ALICE);
        vm.prank(ALICE);
        vault.approve(CAROL, shares);
        vm.prank(CAROL);
        vault.redeem(shares, CAROL, ALICE);
        assertEq(vault.allowance(ALICE, CAROL), 0);
        uint256 assets = vault.maxWithdraw(ALICE) / 2;
        vm.assume(assets != 0);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientAllowance.selector);
        vm.prank(CAROL);
        vault.withdraw(assets, CAROL, ALICE);
    }

    function test_deposit_and_withdraw_emit_the_events_of_the_standard() external {
        _giveAndApprove(3 * UNIT);
        vm.expectEmit(address(vault));
        emit IERC4626.Deposit(BOB, CAROL, UNIT, 1e12);
        vm.prank(BOB);
        vault.deposit(UNIT, CAROL);
        vm.expectEmit(address(vault));
        emit IERC4626.Deposit(BOB, CAROL, UNIT, 1e12);
        vm.prank(BOB);
        vault.mint(1e12, CAROL);
        vm.expectEmit(address(vault));
        emit IERC4626.Withdraw(CAROL, ALICE, CAROL, UNIT, 1e12);
        vm.prank(CAROL);
        vault.withdraw(UNIT, ALICE, CAROL);
        vm.expectEmit(address(vault));
        emit IERC4626.Withdraw(CAROL, ALICE, CAROL, UNIT, 1e12);
        vm.prank(CAROL);
        vault.redeem(1e12, ALICE, CAROL);
    }

    function test_deposit_reverts_unless_all_is_taken() external {
        vm.prank(BOB);
        token.approve(address(vault), UNIT);
        vm.prank(BOB);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientBalance.selector);
        vault.deposit(UNIT, BOB);
    }

    function test_share_decimals_are_those_of_the_asset_and_six() external view {
        assertEq(vault.decimals(), 12);
        assertEq(vault.name(), "Plimsoll");
        assertEq(vault.symbol(), "pTOK");
    }

    function testFuzz_no_round_trip_gains(uint256 seed, uint256 assets, uint8 way) external {
        _history(seed);
        assets = bound(assets, vault.previewMint(1), 1e15);
        _giveAndApprove(type(uint128).max);
        uint256 before = token.balanceOf(BOB);
        vm.startPrank(BOB);
        vault.transfer(CAROL, vault.balanceOf(BOB));
        if (way % 2 == 0) vault.deposit(assets, BOB);
        else vault.mint(bound(assets * 1e6, 1, 1e21), BOB);
        if (way % 4 < 2) vault.redeem(vault.maxRedeem(BOB), BOB, BOB);
        else vault.withdraw(vault.maxWithdraw(BOB), BOB, BOB);
        vm.stopPrank();
        assertLe(token.balanceOf(BOB), before);
    }

    function testFuzz_inflating_an_empty_vault_costs_the_inflator(uint256 first, uint256 gift, uint256 victim)
        external
    {
        first = bound(first, 1, 1e9);
        gift = bound(gift, 0, 1e15);
        victim = bound(victim, 1e3, 1e12);
        _deposit(ALICE, first);
        _enterMarket(marketA, first);
        // The strongest form: the gift goes into the bank, where it does count.
        token.mint(address(bankA), gift);
        vault.settle();
        skip(2 days);
        _tryDeposit(BOB, victim);
        if (vault.balanceOf(BOB) == 0) return; // refused, nothing taken
        uint256 back = vault.convertToAssets(vault.balanceOf(BOB));
        uint256 loss = victim - back;
        assertLe(loss, 1 + gift / 1e5, "the victim loses at most a hundred-thousandth of the gift");
    }

    function _giveAndApprove(uint256 assets) private {
        token.mint(BOB, assets);
        vm.prank(BOB);
        token.approve(address(vault), assets);
    }
}
