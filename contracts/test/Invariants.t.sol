// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Handler} from "./Handler.sol";

/// @notice What holds whatever depositors, keys, markets and time do.
contract InvariantsTest is Test {
    Handler private handler;

    function setUp() external {
        handler = new Handler();
        handler.setUp();
        bytes4[] memory acts = new bytes4[](19);
        acts[0] = handler.deposit.selector;
        acts[1] = handler.withdraw.selector;
        acts[2] = handler.redeem.selector;
        acts[3] = handler.redeemUpTo.selector;
        acts[4] = handler.queue.selector;
        acts[5] = handler.leaveInKind.selector;
        acts[6] = handler.roundTrip.selector;
        acts[7] = handler.enter.selector;
        acts[8] = handler.exit.selector;
        acts[9] = handler.gain.selector;
        acts[10] = handler.lose.selector;
        acts[11] = handler.gift.selector;
        acts[12] = handler.wait.selector;
        acts[13] = handler.settle.selector;
        acts[14] = handler.liquidity.selector;
        acts[15] = handler.exitCosts.selector;
        acts[16] = handler.mark.selector;
        acts[17] = handler.caps.selector;
        acts[18] = handler.enter.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: acts}));
    }

    function _check() private view {
        assertEq(handler.broken(), "", "a sentence of the handler was broken");
        handler.checkSolvency();
        assertLe(handler.worstLoss(1 days), 0.001e18 + 1e9, "the allocator lost more than 10 bp in a day");
        assertLe(handler.worstLoss(30 days), 0.005e18 + 1e9, "the allocator lost more than 50 bp in 30 days");
        assertLe(handler.worstTurnover(1 days), 2e18, "the allocator entered more than twice the bucket in a day");
    }

    function invariant_claims_bounds_and_prices_hold() external view {
        _check();
    }
}

/// @notice The same with rarer acts: fees, pauses, markets that cannot be read.
contract RareInvariantsTest is Test {
    Handler private handler;

    function setUp() external {
        handler = new Handler();
        handler.setUp();
        bytes4[] memory acts = new bytes4[](12);
        acts[0] = handler.deposit.selector;
        acts[1] = handler.redeemUpTo.selector;
        acts[2] = handler.queue.selector;
        acts[3] = handler.leaveInKind.selector;
        acts[4] = handler.roundTrip.selector;
        acts[5] = handler.enter.selector;
        acts[6] = handler.exit.selector;
        acts[7] = handler.gain.selector;
        acts[8] = handler.wait.selector;
        acts[9] = handler.unreadable.selector;
        acts[10] = handler.fee.selector;
        acts[11] = handler.pause.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: acts}));
    }

    function invariant_claims_and_bounds_hold() external view {
        handler.checkSolvency();
        assertLe(handler.worstLoss(1 days), 0.001e18 + 1e9, "the allocator lost more than 10 bp in a day");
        assertLe(handler.worstTurnover(1 days), 2e18, "the allocator entered more than twice the bucket in a day");
    }
}
