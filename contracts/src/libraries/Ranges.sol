// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IUniswapV3Pool} from "../interfaces/IUniswapV3.sol";

/// @title What liquidity in a range of prices is made of, and what it earned
/// @notice Rounds as the protocol does: down for what comes out, up for what goes in.
library Ranges {
    using Math for uint256;

    uint256 internal constant Q96 = 1 << 96;
    uint256 internal constant Q128 = 1 << 128;

    /// @notice Returns the token 0 between two prices: L (1 / sqrt a - 1 / sqrt b).
    function amount0(uint256 sqrtA, uint256 sqrtB, uint256 liquidity, Math.Rounding rounding)
        internal
        pure
        returns (uint256)
    {
        if (sqrtA > sqrtB) (sqrtA, sqrtB) = (sqrtB, sqrtA);
        uint256 first = (liquidity << 96).mulDiv(sqrtB - sqrtA, sqrtB, rounding);
        return rounding == Math.Rounding.Ceil ? first.ceilDiv(sqrtA) : first / sqrtA;
    }

    /// @notice Returns the token 1 between two prices: L (sqrt b - sqrt a).
    function amount1(uint256 sqrtA, uint256 sqrtB, uint256 liquidity, Math.Rounding rounding)
        internal
        pure
        returns (uint256)
    {
        if (sqrtA > sqrtB) (sqrtA, sqrtB) = (sqrtB, sqrtA);
        return liquidity.mulDiv(sqrtB - sqrtA, Q96, rounding);
    }

    /// @notice Returns both tokens of `liquidity` between `lower` and `upper` at the price `sqrtPrice`, rounded down.
    function amounts(uint256 sqrtPrice, uint256 lower, uint256 upper, uint256 liquidity)
        internal
        pure
        returns (uint256 of0, uint256 of1)
    {
        uint256 inside = Math.min(Math.max(sqrtPrice, lower), upper);
        of0 = amount0(inside, upper, liquidity, Math.Rounding.Floor);
        of1 = amount1(lower, inside, liquidity, Math.Rounding.Floor);
    }

    /// @notice Returns the fees of both tokens that a unit of liquidity in a range has earned so far, in Q128. Only
    /// differences mean anything: it starts anywhere and wraps, as in the protocol.
    function feeGrowth(IUniswapV3Pool pool, int24 lower, int24 upper) internal view returns (uint256 of0, uint256 of1) {
        (, int24 tick,,,,,) = pool.slot0();
        (,, uint256 low0, uint256 low1,,,,) = pool.ticks(lower);
        (,, uint256 up0, uint256 up1,,,,) = pool.ticks(upper);
        unchecked {
            if (tick < lower) return (low0 - up0, low1 - up1);
            if (tick >= upper) return (up0 - low0, up1 - low1);
            return (pool.feeGrowthGlobal0X128() - low0 - up0, pool.feeGrowthGlobal1X128() - low1 - up1);
        }
    }

    /// @notice Returns what `liquidity` earned while a fee growth went from `last` to `growth`.
    function earned(uint256 growth, uint256 last, uint128 liquidity) internal pure returns (uint256) {
        unchecked {
            return uint128(Math.mulDiv(growth - last, liquidity, Q128));
        }
    }
}
