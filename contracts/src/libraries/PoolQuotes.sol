// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IUniswapV3Pool} from "../interfaces/IUniswapV3.sol";
import {Ranges} from "./Ranges.sol";
import {Ticks} from "./Ticks.sol";

/// @title What a swap in a Uniswap V3 pool would bring, by reading alone
/// @notice Equal to the swap itself, to the unit, unless it crosses more ticks than are followed: then it is less. With
/// one's own liquidity taken for gone the ends of that range round it down once more each.
library PoolQuotes {
    using Math for uint256;

    /// @dev Ticks, or words of 256 ticks, that one quote follows.
    uint256 private constant MOST_STEPS = 24;
    uint256 private constant FEE_UNITS = 1e6;

    /// @notice Liquidity in a range that is taken for gone: one's own, when it is to be burned before the swap.
    struct Without {
        uint128 liquidity;
        int24 lower;
        int24 upper;
    }

    /// @dev Where a quote stands.
    struct State {
        bool down;
        uint24 fee;
        int24 spacing;
        int24 tick;
        uint256 sqrtPrice;
        uint128 liquidity;
        uint256 left;
        uint256 out;
    }

    /// @notice Returns what `amountIn` of token 0 (`down`, as it moves the price) or of token 1 would bring.
    function quote(IUniswapV3Pool pool, bool down, uint256 amountIn, Without memory without)
        internal
        view
        returns (uint256)
    {
        State memory s;
        (uint160 sqrtPrice, int24 tick,,,,,) = pool.slot0();
        (s.down, s.fee, s.spacing, s.tick, s.sqrtPrice) = (down, pool.fee(), pool.tickSpacing(), tick, sqrtPrice);
        (s.liquidity, s.left) = (pool.liquidity(), amountIn);
        for (uint256 i = 0; i < MOST_STEPS && s.left != 0; ++i) {
            (int24 next, bool isUsed) = _next(pool, s);
            if (next > Ticks.MOST || next < -Ticks.MOST) break;
            uint128 own = s.tick >= without.lower && s.tick < without.upper ? without.liquidity : 0;
            // A quote that runs along one's own range stops at its ends, which are ticks in use.
            if (!_step(s, Ticks.sqrtPriceAt(next), s.liquidity - own)) break;
            if (isUsed) {
                (, int128 net,,,,,,) = pool.ticks(next);
                int256 crossed = int256(uint256(s.liquidity)) + (down ? -int256(net) : int256(net));
                s.liquidity = uint128(uint256(crossed));
            }
            s.tick = down ? next - 1 : next;
        }
        return s.out;
    }

    /// @dev Swaps up to the price `target`. Returns whether it was reached.
    function _step(State memory s, uint256 target, uint128 liquidity) private pure returns (bool) {
        uint256 spendable = s.left.mulDiv(FEE_UNITS - s.fee, FEE_UNITS);
        uint256 needed = s.down
            ? Ranges.amount0(target, s.sqrtPrice, liquidity, Math.Rounding.Ceil)
            : Ranges.amount1(s.sqrtPrice, target, liquidity, Math.Rounding.Ceil);
        bool reached = spendable >= needed;
        uint256 to = reached ? target : _priceAfter(s, liquidity, spendable);
        s.out += s.down
            ? Ranges.amount1(to, s.sqrtPrice, liquidity, Math.Rounding.Floor)
            : Ranges.amount0(s.sqrtPrice, to, liquidity, Math.Rounding.Floor);
        if (reached) s.left -= needed + needed.mulDiv(s.fee, FEE_UNITS - s.fee, Math.Rounding.Ceil);
        s.sqrtPrice = to;
        return reached;
    }

    /// @dev The price after `amount` went in, rounded against the one who swaps.
    function _priceAfter(State memory s, uint128 liquidity, uint256 amount) private pure returns (uint256) {
        if (!s.down) return s.sqrtPrice + amount.mulDiv(Ranges.Q96, liquidity);
        if (amount == 0) return s.sqrtPrice;
        uint256 whole = uint256(liquidity) << 96;
        unchecked {
            uint256 product = amount * s.sqrtPrice;
            if (product / amount == s.sqrtPrice && whole + product >= whole) {
                return whole.mulDiv(s.sqrtPrice, whole + product, Math.Rounding.Ceil);
            }
        }
        return whole.ceilDiv(whole / s.sqrtPrice + amount);
    }

    /// @dev The next tick in use in the direction of the swap, or the end of the word of 256 ticks.
    function _next(IUniswapV3Pool pool, State memory s) private view returns (int24 next, bool isUsed) {
        int24 compressed = s.tick / s.spacing;
        if (s.tick < 0 && s.tick % s.spacing != 0) --compressed;
        if (!s.down) ++compressed;
        uint256 bit = uint256(uint24(compressed)) & 255;
        uint256 word = pool.tickBitmap(int16(compressed >> 8));
        if (s.down) {
            word = word << (255 - bit) >> (255 - bit);
            isUsed = word != 0;
            next = compressed - int24(uint24(isUsed ? bit - word.log2() : bit));
        } else {
            word = word >> bit << bit;
            isUsed = word != 0;
            unchecked {
                next = compressed + int24(uint24(isUsed ? (word & (~word + 1)).log2() - bit : 255 - bit));
            }
        }
        next *= s.spacing;
    }
}
