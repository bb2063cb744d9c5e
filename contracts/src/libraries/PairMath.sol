// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Arithmetic of a pair that holds x y = k and keeps 0.3 % of what comes in
library PairMath {
    uint256 private constant WAD = 1e18;
    uint256 private constant KEPT = 0.003e18;
    uint256 private constant TAKEN = 0.997e18;

    /// @notice Returns what `amountIn` buys, as the pair itself checks it.
    function amountOut(uint256 amountIn, uint256 reserveIn, uint256 reserveOut) internal pure returns (uint256) {
        uint256 counted = amountIn * 997;
        return Math.mulDiv(counted, reserveOut, reserveIn * 1000 + counted);
    }

    /// @notice Returns the part of `amountIn` to swap so that what is left and what was bought enter in the ratio that the
    /// pair then has.
    /// @dev The positive root of 997 s^2 + 1997 r s - 1000 r a = 0.
    function partToSwap(uint256 amountIn, uint256 reserveIn) internal pure returns (uint256) {
        uint256 root = Math.sqrt(reserveIn * (reserveIn * 3_988_009 + amountIn * 3_988_000));
        return (root - reserveIn * 1_997) / 1_994;
    }

    /// @notice Returns which part of all shares, in parts of 1e18 and rounded up, has to be burned so that what comes of
    /// one token, with the other sold in the same pair, is `part` of that token's reserve.
    /// @dev Burning f and selling brings f + 0.997 f (1 - f) / (1 - 0.003 f) of the reserve; the smaller root of
    /// f^2 - (1.997 + 0.003 g) f + g = 0.
    function burnFor(uint256 part) internal pure returns (uint256) {
        uint256 b = 1.997e18 + Math.mulDiv(KEPT, part, WAD, Math.Rounding.Ceil);
        return (b - Math.sqrt(b * b - 4 * part * WAD)) / 2 + 2;
    }

    /// @notice Returns what burning `burned` of all shares and selling the other token brings, as a part of the reserve,
    /// rounded down.
    function bringsOf(uint256 burned) internal pure returns (uint256) {
        uint256 sold = Math.mulDiv(Math.mulDiv(TAKEN, burned, WAD), WAD - burned, WAD - KEPT * burned / WAD);
        return burned + sold;
    }

    /// @notice Returns the most of all shares that can be burned so that selling the other token brings at least `price`,
    /// in parts of 1e18 of the pair's own price before.
    function mostBurned(uint256 price) internal pure returns (uint256) {
        if (price >= TAKEN) return 0;
        return Math.mulDiv(TAKEN - price, WAD, TAKEN - Math.mulDiv(KEPT, price, WAD));
    }
}
