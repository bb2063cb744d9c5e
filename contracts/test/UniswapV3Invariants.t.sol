// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Leg, LegKind} from "../src/Types.sol";
import {UniswapV3World} from "./UniswapV3World.sol";

/// @notice Depositors, the key, traders, the oracle and time, acting at random on a vault with a range.
contract UniswapV3Handler is UniswapV3World {
    struct Past {
        uint256 time;
        uint256 part;
    }

    address[2] internal actors = [ALICE, BOB];
    Past[] internal losses;
    uint256 internal price = 2_000e18;

    /// @notice First sentence that was broken, or empty.
    string public broken;

    /// @notice Acts that went through, by name.
    mapping(string => uint256) public done;

    function setUp() public override {
        super.setUp();
        _enterRange(200_000 * UNIT, 1_200);
        _later(1 days);
    }

    function deposit(uint256 who, uint256 assets) external {
        if (vault.maxDeposit(ALICE) == 0) return;
        _deposit(actors[who % 2], bound(assets, UNIT, 1e12));
        done["deposit"]++;
    }

    function leave(uint256 who, uint256 shares) external {
        address actor = actors[who % 2];
        shares = bound(shares, 0, vault.balanceOf(actor) / 3);
        uint256 due = vault.previewRedeem(shares);
        vm.prank(actor);
        try vault.redeemUpTo(shares, 0) returns (uint256 paid, uint256) {
            if (paid > due) _break("a leaver got more than their shares are worth");
            done["leave"]++;
        } catch {
            _break("redeemUpTo refused");
        }
    }

    function queue(uint256 who, uint256 shares) external {
        address actor = actors[who % 2];
        vm.startPrank(actor);
        vault.requestRedeem(bound(shares, 0, vault.balanceOf(actor) / 5));
        try vault.payQueue() {
            done["queue"]++;
        } catch {}
        vault.claimRedeem(actor);
        vault.cancelRedeem();
        vm.stopPrank();
    }

    function leaveInKind(uint256 who, uint256 shares) external {
        address actor = actors[who % 2];
        shares = bound(shares, 0, vault.balanceOf(actor) / 4);
        vm.prank(actor);
        try vault.redeemInKind(shares, actor, actor, new address[](0)) {
            done["leaveInKind"]++;
        } catch {
            _break("leaving in kind refused");
        }
    }

    function roundTrip(uint256 assets, uint256 kind, uint256 size) external {
        if (vault.maxDeposit(BOB) == 0) return;
        address sniper = address(0x517e);
        assets = bound(assets, UNIT, 1e12);
        _deposit(sniper, assets);
        if (kind % 4 == 0) trade(size);
        if (kind % 4 == 1) answer(size);
        if (kind % 4 == 2) act(LegKind.Harvest, size, 0);
        if (kind % 4 == 3) act(LegKind.Arrange, size, 0);
        uint256 shares = vault.balanceOf(sniper);
        vm.prank(sniper);
        (uint256 paid,) = vault.redeemUpTo(shares, 0);
        if (paid > assets) _break("a round trip made money");
        uint256 rest = vault.balanceOf(sniper);
        vm.prank(sniper);
        vault.transfer(ALICE, rest);
        done["roundTrip"]++;
    }

    function plan(uint256 kind, uint256 size, uint256 bend) external {
        act(LegKind(kind % 4), size, bend);
    }

    function act(LegKind kind, uint256 size, uint256 bend) public {
        if (bend % 3 == 0) _poolTo(price * (9_900 + bend % 200) / 10_000);
        vault.settle();
        (uint256 gross,,,,) = vault.value();
        (int24 from, int24 to) = _range(int24(int256(5 + size % 95)) * SPACING);
        bytes memory data;
        if (kind == LegKind.Arrange) data = abi.encode(uint256(0), from, to);
        if (kind == LegKind.Harvest) data = abi.encode(size % 4);
        bytes32 expected = vault.preStateHash();
        bytes32 planId = _nextPlan();
        Leg[] memory legs = _one(Leg(address(market), kind, bound(size, 0, 3e11), 0, MAX, data));
        vm.prank(ALLOCATOR);
        try vault.reallocate(planId, uint64(block.timestamp), expected, legs) {
            (uint256 afterwards,,,,) = vault.value();
            if (afterwards < gross) losses.push(Past(block.timestamp, (gross - afterwards) * 1e18 / gross));
            done[["exit", "harvest", "arrange", "entry"][uint256(kind)]]++;
        } catch {}
        if (bend % 3 == 0) _poolTo(price);
    }

    function trade(uint256 size) public {
        _poolTo(price * (9_000 + size % 2_000) / 10_000);
        _poolTo(price);
        done["trade"]++;
    }

    function answer(uint256 size) public {
        price = price * (9_800 + size % 400) / 10_000;
        price -= price % 1e10;
        if (price < 500e18 || price > 8_000e18) price = 2_000e18;
        _worldTo(price);
        done["answer"]++;
    }

    function wait(uint256 time, uint256 tells) external {
        skip(bound(time, 0, 1 days));
        if (tells % 4 != 0) _freshen();
    }

    function gift(uint256 size) external {
        size = bound(size, 1, 1e11);
        (uint256 low, uint256 high,) = market.value();
        token.mint(address(market), size);
        weth.mint(address(market), size * 1e9);
        token.mint(address(vault), size);
        (uint256 lowAfter, uint256 highAfter,) = market.value();
        if (low != lowAfter || high != highAfter) _break("a gift counted");
        done["gift"]++;
    }

    function worstLoss(uint256 window) external view returns (uint256 worst) {
        for (uint256 i = 0; i < losses.length; ++i) {
            uint256 sum;
            for (uint256 j = i + 1; j > 0; --j) {
                if (losses[j - 1].time + window <= losses[i].time) break;
                sum += losses[j - 1].part;
            }
            if (sum > worst) worst = sum;
        }
    }

    function check() external view {
        assertGe(token.balanceOf(address(vault)), vault.idle() + vault.reserved(), "counted money is there");
        assertGe(token.balanceOf(address(market)), market.held(), "what is held is there");
        assertGe(weth.balanceOf(address(market)), market.otherHeld(), "and of the other token");
        uint128 liquidity = manager.positions(market.tokenId()).liquidity;
        assertGe(liquidity, market.liquidityUnits(), "counted liquidity is there");
        (uint256 gross, uint256 low, uint256 high,,) = vault.value();
        assertLe(low, gross, "leaving is priced low");
        assertLe(gross, high, "entering is priced high");
        (uint256 worst, uint256 best,) = market.value();
        assertLe(worst, best);
        assertEq(token.allowance(address(market), address(manager)), 0, "no approval outlives a call");
        assertEq(weth.allowance(address(market), address(manager)), 0);
        assertEq(token.allowance(address(market), address(swap)), 0);
        assertEq(weth.allowance(address(market), address(swap)), 0);
    }

    function _break(string memory what) private {
        if (bytes(broken).length == 0) broken = what;
    }
}

/// @notice What holds whatever happens to a vault with a range.
contract UniswapV3InvariantsTest is Test {
    UniswapV3Handler private handler;

    function setUp() external {
        handler = new UniswapV3Handler();
        handler.setUp();
        bytes4[] memory acts = new bytes4[](10);
        acts[0] = handler.deposit.selector;
        acts[1] = handler.leave.selector;
        acts[2] = handler.queue.selector;
        acts[3] = handler.leaveInKind.selector;
        acts[4] = handler.roundTrip.selector;
        acts[5] = handler.plan.selector;
        acts[6] = handler.trade.selector;
        acts[7] = handler.answer.selector;
        acts[8] = handler.wait.selector;
        acts[9] = handler.gift.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: acts}));
    }

    /// forge-config: default.invariant.runs = 16
    /// forge-config: default.invariant.depth = 48
    function invariant_a_range_is_covered_and_bounded() external view {
        handler.check();
        assertEq(handler.broken(), "");
        assertLe(handler.worstLoss(1 days), 0.01e18 + 1e9, "the allocator lost more than 100 bp in a day");
    }

    /// @dev The acts above are reached: a fixed course of them goes through.
    function test_the_acts_go_through() external {
        for (uint256 i = 0; i < 8; ++i) {
            handler.deposit(i, 1e11);
            handler.trade(i * 251);
            handler.plan(i, 20 + i * 1e10, 1 + 3 * i);
            handler.roundTrip(1e11, i, 77 + i);
            handler.wait(1 days, 1);
        }
        handler.leaveInKind(0, MAX);
        handler.leave(0, MAX);
        handler.queue(0, MAX);
        handler.answer(390);
        handler.gift(1e9);
        handler.check();
        assertEq(handler.broken(), "");
        string[11] memory all = [
            "deposit",
            "leave",
            "queue",
            "leaveInKind",
            "roundTrip",
            "exit",
            "harvest",
            "arrange",
            "entry",
            "trade",
            "gift"
        ];
        for (uint256 i = 0; i < all.length; ++i) {
            assertGt(handler.done(all[i]), 0, all[i]);
        }
    }

    uint256 private constant MAX = type(uint256).max;
}
