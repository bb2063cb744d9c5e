// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IVaultEvents} from "../src/interfaces/IVaultEvents.sol";
import {Fixture} from "./Fixture.sol";

contract FeesTest is Fixture {
    function _feeOf(uint256 bps) private {
        _delayed(OWNER, abi.encodeCall(vault.setFee, (bps, CAROL)));
    }

    function _grow(uint256 assets) private {
        token.mint(address(bankA), assets);
        vault.settle();
        skip(FADE);
    }

    function setUp() public override {
        super.setUp();
        _deposit(ALICE, 1_000 * UNIT);
        _enterMarket(marketA, 1_000 * UNIT);
    }

    function test_no_fee_unless_set() external {
        _grow(100 * UNIT);
        vault.settle();
        assertEq(vault.balanceOf(CAROL), 0);
        assertEq(vault.totalAssets(), 1_100 * UNIT - 1);
    }

    function test_the_fee_is_its_part_of_the_gain() external {
        _feeOf(1_000);
        _grow(100 * UNIT);
        vault.settle();
        assertApproxEqRel(vault.convertToAssets(vault.balanceOf(CAROL)), 10 * UNIT, 1e12);
        assertApproxEqRel(vault.convertToAssets(vault.balanceOf(ALICE)), 1_090 * UNIT, 1e12);
    }

    function test_views_count_the_pending_fee_before_it_is_made() external {
        _feeOf(1_000);
        _grow(100 * UNIT);
        uint256 before = vault.convertToAssets(vault.balanceOf(ALICE));
        vault.settle();
        assertEq(vault.convertToAssets(vault.balanceOf(ALICE)), before);
    }

    function test_what_was_lost_and_won_back_pays_no_fee() external {
        _feeOf(1_000);
        bankA.lose(200 * UNIT);
        vault.settle();
        skip(FADE);
        _grow(200 * UNIT);
        vault.settle();
        assertApproxEqAbs(vault.balanceOf(CAROL), 0, 1e4);
        _grow(100 * UNIT);
        vault.settle();
        assertApproxEqRel(vault.convertToAssets(vault.balanceOf(CAROL)), 10 * UNIT, 1e12);
    }

    function test_gains_from_before_the_fee_pay_none() external {
        _grow(100 * UNIT);
        _feeOf(2_000);
        vault.settle();
        assertEq(vault.balanceOf(CAROL), 0);
    }

    function test_an_emptied_vault_starts_anew() external {
        _feeOf(1_000);
        bankA.lose(500 * UNIT);
        _redeemAll(ALICE);
        _deposit(BOB, 100 * UNIT);
        _enterMarket(marketA, 50 * UNIT);
        _grow(10 * UNIT);
        vault.settle();
        assertGt(vault.balanceOf(CAROL), 0, "new holders have no old loss to win back");
    }

    function test_the_fee_has_a_cap_a_delay_and_a_recipient() external {
        vm.startPrank(OWNER);
        bytes memory call = abi.encodeCall(vault.setFee, (2_001, CAROL));
        vault.submit(call);
        skip(3 days);
        vm.expectPartialRevert(IVaultEvents.OutOfRange.selector);
        vault.setFee(2_001, CAROL);
        vault.submit(abi.encodeCall(vault.setFee, (1, address(0))));
        vm.expectPartialRevert(IVaultEvents.NotReady.selector);
        vault.setFee(1, address(0));
        skip(3 days);
        vm.expectPartialRevert(IERC20Errors.ERC20InvalidReceiver.selector);
        vault.setFee(1, address(0));
    }

    function testFuzz_the_fee_never_exceeds_its_part_of_all_gains(uint256[6] memory steps, uint256 bps) external {
        bps = bound(bps, 0, 2_000);
        _feeOf(bps);
        uint256 gains;
        uint256 fees;
        for (uint256 i = 0; i < steps.length; ++i) {
            uint256 size = bound(steps[i], 0, 100 * UNIT);
            if (steps[i] % 3 == 0) {
                bankA.lose(size);
            } else {
                token.mint(address(bankA), size);
                gains += size;
            }
            uint256 before = vault.balanceOf(CAROL);
            vault.settle();
            fees += vault.convertToAssets(vault.balanceOf(CAROL) - before);
            skip(steps[i] % 2 days);
        }
        assertLe(fees, gains * bps / 10_000 + 6);
    }
}
