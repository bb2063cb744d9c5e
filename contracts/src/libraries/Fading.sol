// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title An amount that fades to zero in a straight line
/// @notice Rounds what is left up, so that a gain never unlocks early and a loss never fades early.
library Fading {
    /// @notice What was left at a time, and how long it takes from there.
    /// @param amount Units left at `since`.
    /// @param since Time of the last change.
    /// @param left Seconds to go from `since`, times 1e18: whole seconds would let many small changes stretch it.
    struct Faded {
        uint128 amount;
        uint40 since;
        uint88 left;
    }

    /// @notice Returns `faded` brought forward to now.
    function current(Faded memory faded) internal view returns (Faded memory) {
        uint256 elapsed = (block.timestamp - faded.since) * 1e18;
        if (faded.amount == 0 || elapsed >= faded.left) {
            return Faded(0, uint40(block.timestamp), 0);
        }
        uint256 left = faded.left - elapsed;
        uint256 amount = Math.mulDiv(faded.amount, left, faded.left, Math.Rounding.Ceil);
        return Faded(uint128(amount), uint40(block.timestamp), uint88(left));
    }

    /// @notice Adds `amount` that takes `period` seconds; the time left becomes the mean weighted by amount.
    /// @dev `faded` must be current.
    function add(Faded memory faded, uint256 amount, uint256 period) internal pure {
        if (amount == 0) return;
        uint256 sum = faded.amount + amount;
        uint256 left = (uint256(faded.amount) * faded.left + amount * period * 1e18) / sum;
        faded.amount = SafeCast.toUint128(sum);
        faded.left = SafeCast.toUint88(left);
    }

    /// @notice Takes away up to `amount` and returns what could not be taken.
    /// @dev `faded` must be current.
    function cancel(Faded memory faded, uint256 amount) internal pure returns (uint256 rest) {
        uint256 taken = Math.min(faded.amount, amount);
        faded.amount -= uint128(taken);
        return amount - taken;
    }
}
