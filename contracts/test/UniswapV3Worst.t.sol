// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";
import {Leg, LegKind} from "../src/Types.sol";
import {UniswapV3World} from "./UniswapV3World.sol";

/// @notice The worst that happens to a vault with a tenth of its net assets in a range, as numbers.
contract UniswapV3WorstTest is UniswapV3World {
    uint256 private constant NAV = 1_000_000 * UNIT;
    uint256 private constant IN = NAV / 10;

    function setUp() public override {
        super.setUp();
        _enterRange(IN, 1_200);
        _later(2 days);
        vault.settle();
    }

    function _gross() private view returns (uint256 gross) {
        (gross,,,,) = vault.value();
    }

    function _fall(string memory what, uint256 before) private returns (uint256 millionths) {
        uint256 afterwards = vault.totalAssets();
        millionths = afterwards < before ? (before - afterwards) * 1e6 / before : 0;
        console.log(what, millionths);
    }

    function _try(Leg[] memory legs) private returns (bool) {
        bytes32 expected = vault.preStateHash();
        bytes32 planId = _nextPlan();
        vm.prank(ALLOCATOR);
        try vault.reallocate(planId, uint64(block.timestamp), expected, legs) {
            return true;
        } catch {
            return false;
        }
    }

    function test_what_each_event_costs() external {
        uint256 before = vault.totalAssets();
        uint256 state = vm.snapshotState();
        _worldTo(1_000e18);
        uint256 fall = _fall("other token halves, millionths of net assets:    ", before);
        // Holding half of it in the other token would have lost 2.5 %; the range ends at 1,774 and has bought all by then.
        assertLt(fall, 50_000);
        assertGt(fall, 40_000);
        vm.revertToState(state);
        _worldTo(4_000e18);
        assertGe(_gross(), before, "a rise is capped at the upper end");
        _worldTo(2_000e18);
        assertEq(_fall("through the range and back:                      ", before), 0);
        vm.revertToState(state);
        _poolTo(200e18);
        assertEq(_fall("pool drained of the asset by a trade:            ", before), 0);
        vm.revertToState(state);
        skip(2 hours);
        assertApproxEqAbs(_fall("price stale:                                     ", before), 10_000, 300);
        vm.revertToState(state);
        gemFeed.post(1);
        assertEq(_fall("reward's price falls to zero:                    ", before), 0);
    }

    /// @dev All prices of the pool within 2 %, a dollar apart.
    function test_the_worst_sandwich_of_each_move() external {
        (int24 from, int24 to) = _range(1_200);
        uint256 state = vm.snapshotState();
        uint256[3] memory worst;
        uint256[3] memory went;
        for (uint256 price = 1_960e18; price <= 2_040e18; price += 1e18) {
            for (uint256 kind = 0; kind < 3; ++kind) {
                _poolTo(price);
                vault.settle();
                uint256 before = _gross();
                uint256 moved = IN / 2;
                Leg[] memory legs = _entry(moved, "");
                if (kind == 1) legs = _one(Leg(address(market), LegKind.Exit, moved, 0, MAX, ""));
                if (kind == 2) {
                    legs = _act(LegKind.Arrange, abi.encode(uint256(0), from, to));
                    moved = market.totalAssets();
                }
                if (_try(legs)) {
                    ++went[kind];
                    uint256 afterwards = _gross();
                    if (afterwards < before && (before - afterwards) * 1e6 / moved > worst[kind]) {
                        worst[kind] = (before - afterwards) * 1e6 / moved;
                    }
                }
                vm.revertToState(state);
            }
        }
        console.log("worst sandwich of an entry, millionths moved:    ", worst[0], "prices that let it:", went[0]);
        console.log("worst sandwich of an exit:                       ", worst[1], "prices that let it:", went[1]);
        console.log("worst sandwich of another range:                 ", worst[2], "prices that let it:", went[2]);
        for (uint256 kind = 0; kind < 3; ++kind) {
            assertGt(went[kind], 0);
            assertLe(worst[kind], 10_000, "one move may lose 1 %");
        }
    }
}
