// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";
import {Leg} from "../src/Types.sol";
import {IVaultEvents} from "../src/interfaces/IVaultEvents.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {Bank} from "./doubles/Bank.sol";
import {Fixture} from "./Fixture.sol";

/// @notice The engine's key in the worst hands.
contract HostileAllocatorTest is Fixture {
    uint256 private constant NAV = 1_000_000 * UNIT;

    function setUp() public override {
        super.setUp();
        _crowd(bankA);
        _crowd(bankB);
        _deposit(ALICE, NAV);
    }

    /// @dev Every function of the vault that writes, called with what the key would like.
    function _calls() private view returns (bytes[] memory list) {
        list = new bytes[](27);
        list[0] = abi.encodeCall(vault.setOwner, (ALLOCATOR));
        list[1] = abi.encodeCall(vault.setCurator, (CAROL));
        list[2] = abi.encodeCall(vault.setAllocator, (CAROL));
        list[3] = abi.encodeCall(vault.setGuardian, (CAROL));
        list[4] = abi.encodeCall(vault.setBounds, (_bounds()));
        list[5] = abi.encodeCall(vault.setFee, (2_000, ALLOCATOR));
        list[6] = abi.encodeCall(vault.setMark, (marketA, 1));
        list[7] = abi.encodeCall(vault.listMarket, (CAROL, 1, 1));
        list[8] = abi.encodeCall(vault.removeMarket, (marketA));
        list[9] = abi.encodeCall(vault.raiseCaps, (marketA, 1, 1));
        list[10] = abi.encodeCall(vault.lowerCaps, (marketA, 0, 0));
        list[11] = abi.encodeCall(vault.zeroCaps, (marketA));
        list[12] = abi.encodeCall(vault.pauseEntries, ());
        list[13] = abi.encodeCall(vault.resumeEntries, ());
        list[14] = abi.encodeCall(vault.allowExitLosses, (block.timestamp));
        list[15] = abi.encodeCall(vault.submit, (list[0]));
        list[16] = abi.encodeCall(vault.submit, (list[7]));
        list[17] = abi.encodeCall(vault.submit, (list[5]));
        list[18] = abi.encodeCall(vault.revoke, (list[0]));
        list[19] = abi.encodeCall(vault.withdraw, (1e6, ALLOCATOR, ALICE));
        list[20] = abi.encodeCall(vault.redeem, (1e12, ALLOCATOR, ALICE));
        list[21] = abi.encodeCall(vault.redeemUpTo, (1, 0));
        list[22] = abi.encodeCall(vault.redeemInKind, (1e12, ALLOCATOR, ALICE, new address[](0)));
        list[23] = abi.encodeCall(vault.requestRedeem, (1));
        list[24] = abi.encodeCall(vault.transferFrom, (ALICE, ALLOCATOR, 1));
        list[25] = abi.encodeCall(vault.transfer, (ALLOCATOR, 1));
        list[26] = abi.encodeCall(vault.mint, (1, ALLOCATOR));
    }

    function test_the_key_has_no_function_but_reallocate() external {
        bytes[] memory calls = _calls();
        bytes32 rules = vault.preStateHash();
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(ALLOCATOR);
            (bool done,) = address(vault).call(calls[i]);
            assertFalse(done, string(abi.encodePacked("call ", vm.toString(i))));
        }
        // What anyone may call pays the caller nothing.
        vm.startPrank(ALLOCATOR);
        vault.settle();
        vault.payQueue();
        vault.claimRedeem(ALLOCATOR);
        vault.cancelRedeem();
        vault.approve(ALLOCATOR, MAX);
        vm.stopPrank();
        assertEq(vault.preStateHash(), rules);
        assertEq(token.balanceOf(ALLOCATOR) + vault.balanceOf(ALLOCATOR), 0);
        assertEq(vault.totalAssets(), NAV);
    }

    /// @dev The list above is complete: every function of the contract that writes is in it, or opens to anyone.
    function test_the_list_of_functions_is_complete() external view {
        string memory json = vm.readFile("out/Vault.sol/Vault.json");
        string[] memory names = vm.parseJsonKeys(json, ".methodIdentifiers");
        uint256 writing;
        for (uint256 i = 0; i < names.length; ++i) {
            if (_isRead(names[i])) continue;
            writing++;
        }
        // 25 in the list above, reallocate, deposit, approve, settle, payQueue, claimRedeem, cancelRedeem.
        assertEq(writing, 32, "a new function that writes must be tried here");
    }

    function _isRead(string memory name) private pure returns (bool) {
        string[49] memory reads = [
            "BPS()",
            "COUNTED_YEARLY_WAD()",
            "DUST()",
            "MAX_EXIT_LOSSES()",
            "MAX_FEE_BPS()",
            "PENDING_LIFE()",
            "MAX_MARKETS()",
            "MAX_TOTAL()",
            "MOVE_GAS()",
            "READ_GAS()",
            "allocator()",
            "allowance(address,address)",
            "asset()",
            "balanceOf(address)",
            "bounds()",
            "buckets()",
            "convertToAssets(uint256)",
            "convertToShares(uint256)",
            "curator()",
            "curatorDelay()",
            "decimals()",
            "entriesPaused()",
            "exitLossesAllowedUntil()",
            "fadePeriod()",
            "feeBps()",
            "feeRecipient()",
            "guardian()",
            "highWater()",
            "idle()",
            "isPlanUsed(bytes32)",
            "marketRules(address)",
            "markets()",
            "maxDeposit(address)",
            "maxMint(address)",
            "maxRedeem(address)",
            "maxWithdraw(address)",
            "name()",
            "owner()",
            "ownerDelay()",
            "planCount()",
            "preStateHash()",
            "previewDeposit(uint256)",
            "previewMint(uint256)",
            "previewRedeem(uint256)",
            "previewWithdraw(uint256)",
            "queueLedger()",
            "queueShares()",
            "queued(address)",
            "reserved()"
        ];
        string[7] memory more = [
            "room()", "soleDepositor()", "submittedAt(bytes32)", "symbol()", "totalAssets()", "totalSupply()", "value()"
        ];
        for (uint256 i = 0; i < reads.length; ++i) {
            if (keccak256(bytes(reads[i])) == keccak256(bytes(name))) return true;
        }
        for (uint256 i = 0; i < more.length; ++i) {
            if (keccak256(bytes(more[i])) == keccak256(bytes(name))) return true;
        }
        return false;
    }

    function test_no_other_role_can_send_money_anywhere() external {
        address[3] memory roles = [OWNER, CURATOR, GUARDIAN];
        for (uint256 r = 0; r < 3; ++r) {
            bytes[8] memory calls = [
                abi.encodeCall(vault.withdraw, (1e6, roles[r], ALICE)),
                abi.encodeCall(vault.redeem, (1e12, roles[r], ALICE)),
                abi.encodeCall(vault.redeemInKind, (1e12, roles[r], ALICE, new address[](0))),
                abi.encodeCall(vault.redeemUpTo, (1, 0)),
                abi.encodeCall(vault.requestRedeem, (1)),
                abi.encodeCall(vault.transferFrom, (ALICE, roles[r], 1)),
                abi.encodeCall(vault.transfer, (roles[r], 1)),
                abi.encodeCall(vault.reallocate, (bytes32(r), uint64(block.timestamp), 0, _one(_exitLeg(marketA, 0))))
            ];
            for (uint256 i = 0; i < calls.length; ++i) {
                vm.prank(roles[r]);
                (bool done,) = address(vault).call(calls[i]);
                assertFalse(done);
            }
            vm.prank(roles[r]);
            vm.expectPartialRevert(IMarket.NotVault.selector);
            IMarket(marketA).transferInKind(roles[r], 1e18);
        }
    }

    /// @dev Greedy: whatever the buckets let through, at once and again as soon as they drain.
    function _takeAll(uint256 time, uint256 step) private returns (uint256 lost) {
        bankA.setEntryFee(10);
        uint256 end = block.timestamp + time;
        while (true) {
            _takeOnce();
            if (block.timestamp + step > end) break;
            skip(step);
        }
        (uint256 gross,,,,) = vault.value();
        return NAV - gross;
    }

    function _takeOnce() private {
        for (uint256 i = 0; i < 4; ++i) {
            (uint256 turnover, uint256 day, uint256 month) = vault.room();
            uint256 least = day < month ? day : month;
            (uint256 gross,,,,) = vault.value();
            uint256 assets = gross * least / 0.001e18;
            if (assets > gross * turnover / 1e18) assets = gross * turnover / 1e18;
            if (assets < 100) return;
            if (!_try(_one(_exitLeg(marketA, MAX)))) {}
            if (!_try(_one(_enterLeg(marketA, assets * 999 / 1_000)))) return;
        }
    }

    function _try(Leg[] memory legs) private returns (bool ok) {
        bytes32 expected = vault.preStateHash();
        bytes32 planId = _nextPlan();
        vm.prank(ALLOCATOR);
        try vault.reallocate(planId, uint64(block.timestamp), expected, legs) {
            return true;
        } catch {
            return false;
        }
    }

    function test_the_most_the_key_can_lose_in_a_day() external {
        uint256 lost = _takeAll(1 days - 1, 1 hours);
        console.log("lost in a day, millionths of net assets:   ", lost * 1e6 / NAV, "bound:", uint256(1_000));
        assertLe(lost, NAV / 1_000);
        assertGt(lost, NAV * 9 / 10_000, "the attack comes near the bound");
    }

    function test_the_most_the_key_can_lose_in_thirty_days() external {
        uint256 lost = _takeAll(30 days - 1, 3 hours);
        console.log("lost in 30 days, millionths of net assets: ", lost * 1e6 / NAV, "bound:", uint256(5_000));
        assertLe(lost, NAV * 5 / 1_000);
        assertGt(lost, NAV * 45 / 10_000, "the attack comes near the bound");
    }

    /// @dev Random moves, fees and pauses: nothing gets past the bound either.
    function testFuzz_no_sequence_of_moves_loses_more_than_the_bound_in_a_day(uint256[24] memory moves) external {
        uint256 start = block.timestamp;
        for (uint256 i = 0; i < moves.length; ++i) {
            uint256 m = moves[i];
            Bank bank = m % 2 == 0 ? bankA : bankB;
            address market = m % 2 == 0 ? marketA : marketB;
            bank.setEntryFee((m >> 8) % 14);
            bank.setHiddenExitFee((m >> 16) % 14);
            uint256 size = (m >> 32) % NAV;
            if (block.timestamp + (m >> 128) % 3 hours < start + 1 days) skip((m >> 128) % 3 hours);
            if ((m >> 24) % 2 == 0) _try(_one(_enterLeg(market, size)));
            else _try(_one(_exitLeg(market, size)));
        }
        (uint256 gross,,,,) = vault.value();
        assertGe(gross, NAV - NAV / 1_000);
    }

    function test_many_tiny_moves_are_counted_too() external {
        bankA.setEntryFee(10_000);
        uint256 before = vault.totalAssets();
        for (uint256 i = 0; i < 50; ++i) {
            _try(_one(_enterLeg(marketA, 10)));
        }
        (, uint256 day,) = vault.room();
        assertLt(day, 0.0005e18);
        assertGe(vault.totalAssets(), before - 500);
    }

    function test_a_stranger_that_is_listed_costs_at_most_its_cap() external {
        // Curator and allocator together, after the delay, with a bank that lies: the cap is what they can take.
        Liar liar = new Liar(address(vault), address(token));
        _delayed(CURATOR, abi.encodeCall(vault.listMarket, (address(liar), uint128(NAV / 20), 10_000)));
        assertTrue(_try(_one(_enterLeg(address(liar), NAV / 20))));
        assertFalse(_try(_one(_enterLeg(address(liar), 1_000))));
        liar.setWorth(0);
        assertEq(vault.totalAssets(), NAV - NAV / 20);
    }

    function test_the_guardian_can_stop_what_curator_and_allocator_plan() external {
        bytes memory call = abi.encodeCall(vault.listMarket, (CAROL, type(uint128).max, 10_000));
        vm.prank(CURATOR);
        vault.submit(call);
        vm.prank(GUARDIAN);
        vault.revoke(call);
        skip(2 days);
        vm.prank(CURATOR);
        vm.expectPartialRevert(IVaultEvents.NotSubmitted.selector);
        vault.listMarket(CAROL, type(uint128).max, 10_000);
    }
}

/// @notice A market contract that keeps the money and says it has it.
contract Liar {
    address public vault;
    address public asset;
    uint256 public totalAssets;
    uint256 public constant liquidity = 0;

    constructor(address vault_, address asset_) {
        (vault, asset) = (vault_, asset_);
    }

    function deposit(uint256 assets, bytes calldata) external {
        totalAssets += assets;
    }

    function value() external view returns (uint256, uint256, bool) {
        return (totalAssets, totalAssets, true);
    }

    function setWorth(uint256 worth) external {
        totalAssets = worth;
    }
}
