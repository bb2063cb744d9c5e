// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Arithmetic of a stable pool
/// @notice The invariant D of A n S + D = A n D + D^(n+1) / (n^n P), where S is the sum and P the product of the balances,
/// and what taking out one token costs.
library StableMath {
    uint256 private constant WAD = 1e18;
    uint256 private constant MOST_STEPS = 255;

    /// @notice The invariant was not found.
    error NoInvariant();

    /// @notice Returns the invariant to the last unit or so.
    /// @param amplification A n^(n-1) times `precision`, as the pool tells it.
    function invariant(uint256[] memory balances, uint256 amplification, uint256 precision)
        internal
        pure
        returns (uint256 d)
    {
        uint256 count = balances.length;
        uint256 sum;
        for (uint256 i = 0; i < count; ++i) {
            sum += balances[i];
        }
        if (sum == 0) return 0;
        d = sum;
        uint256 ampSum = Math.mulDiv(amplification * count, sum, precision);
        for (uint256 step = 0; step < MOST_STEPS; ++step) {
            uint256 p = d;
            for (uint256 i = 0; i < count; ++i) {
                p = Math.mulDiv(p, d, balances[i] * count);
            }
            uint256 last = d;
            uint256 below = Math.mulDiv(amplification * count - precision, d, precision) + (count + 1) * p;
            d = Math.mulDiv(ampSum + count * p, d, below);
            if (d <= last ? last - d <= 1 : d - last <= 1) return d;
        }
        revert NoInvariant();
    }

    /// @notice Returns the part of all shares, in parts of 1e18 and rounded up, that taking `amount` of token `index` out
    /// costs. What is not in proportion pays the swap fee.
    function costOf(
        uint256[] memory balances,
        uint256 index,
        uint256 amount,
        uint256 fee,
        uint256 amplification,
        uint256 precision
    ) internal pure returns (uint256) {
        uint256 before = invariant(balances, amplification, precision);
        uint256 sum;
        for (uint256 i = 0; i < balances.length; ++i) {
            sum += balances[i];
        }
        uint256 inProportion = Math.mulDiv(balances[index], amount, sum);
        uint256 taken = inProportion + Math.mulDiv(amount - inProportion, WAD, WAD - fee, Math.Rounding.Ceil);
        if (taken >= balances[index]) return WAD;
        balances[index] -= taken;
        uint256 afterwards = invariant(balances, amplification, precision);
        balances[index] += taken;
        return WAD - Math.mulDiv(afterwards, WAD, before);
    }

    /// @notice Returns what `amountIn` of token `from`, after the fee, brings of token `to`, a little too low.
    function amountOut(
        uint256[] memory balances,
        uint256 from,
        uint256 to,
        uint256 amountIn,
        uint256 amplification,
        uint256 precision
    ) internal pure returns (uint256) {
        uint256 d = invariant(balances, amplification, precision) + 1;
        balances[from] += amountIn;
        uint256 left = balanceFor(balances, to, d, amplification, precision) + 1;
        balances[from] -= amountIn;
        return Math.saturatingSub(balances[to], left);
    }

    /// @notice Returns the balance of token `index` with which the others have the invariant `d`.
    /// @dev The positive root of y^2 + (S + D / (A n) - D) y = D^(n+1) / (n^n P A n), S and P without it.
    function balanceFor(uint256[] memory balances, uint256 index, uint256 d, uint256 amplification, uint256 precision)
        internal
        pure
        returns (uint256 y)
    {
        uint256 count = balances.length;
        uint256 total = amplification * count;
        uint256 b = Math.mulDiv(d, precision, total);
        uint256 c = d;
        for (uint256 i = 0; i < count; ++i) {
            if (i == index) continue;
            b += balances[i];
            c = Math.mulDiv(c, d, balances[i] * count, Math.Rounding.Ceil);
        }
        c = Math.mulDiv(c * precision, d, total * count, Math.Rounding.Ceil);
        y = d;
        for (uint256 step = 0; step < MOST_STEPS; ++step) {
            uint256 last = y;
            y = Math.ceilDiv(y * y + c, 2 * y + b - d);
            if (y <= last ? last - y <= 1 : y - last <= 1) return y;
        }
        revert NoInvariant();
    }
}
