// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {ISwap} from "../interfaces/ISwap.sol";
import {PoolQuotes} from "../libraries/PoolQuotes.sol";
import {Ticks} from "../libraries/Ticks.sol";
import {UniswapV3Position} from "./UniswapV3Position.sol";

/// @title What tells a swap contract in the position's own pool from others
interface IPoolSwap {
    /// @notice Returns the pool.
    function pool() external view returns (address);
}

/// @title What a range market trades, and at what price
/// @notice Every swap is bounded by the oracle. What a swap will bring is read from the pool beforehand, with the
/// position's own liquidity taken for gone where it is about to be.
abstract contract UniswapV3Trades is UniswapV3Position {
    using Math for uint256;

    /// @dev The amount whose worth is asked for as the price.
    uint256 internal constant PROBE = 1e36;
    /// @dev Asset units that burning and selling may lose to rounding.
    uint256 internal constant ROUNDING = 4;

    /// @dev Units of what is sold that a swap may lose to rounding: of the fee and of the price.
    uint256 private constant DUST = 2;

    /// @notice Swaps the other token and the asset.
    ISwap public immutable swap;
    /// @notice Worth of the other token.
    IPriceOracle public immutable oracle;

    bool private immutable _swapsHere;

    constructor(address swap_, address oracle_) {
        (swap, oracle) = (ISwap(swap_), IPriceOracle(oracle_));
        try IPoolSwap(swap_).pool() returns (address found) {
            _swapsHere = found == address(pool);
        } catch {}
    }

    /// @dev The pool's square root price at which PROBE of the other token is worth `price`.
    function _sqrtOf(uint256 price) internal view returns (uint256) {
        if (!_isAssetZero) return price.mulDiv(1 << 192, PROBE).sqrt();
        return price <= PROBE >> 64 ? type(uint160).max : PROBE.mulDiv(1 << 192, price).sqrt();
    }

    /// @dev The tick of the oracle's middle price.
    function _oracleTick() internal view returns (int24) {
        (uint256 worst, uint256 best, bool isFresh) = oracle.quote(PROBE);
        if (!isFresh) revert StalePrice();
        return Ticks.tickAt(_sqrtOf(Math.average(worst, best)));
    }

    /// @dev Swaps between both tokens towards the proportion of the range.
    function _balance(uint256 assets, uint256 others) internal returns (uint256, uint256) {
        uint160 spot = _spot();
        (uint256 a, uint256 o) = _amounts(spot, 1 << 96);
        uint256 worth = _atSpot(spot, o);
        uint256 has = _atSpot(spot, others);
        uint256 wants = (assets + has).mulDiv(worth, a + worth);
        // What is less than a thousandth is kept instead: it is not worth a swap.
        uint256 small = (assets + has) / 1_000;
        if (wants > has + small) {
            uint256 spent = Math.min(assets, wants - has);
            (, uint256 best,) = oracle.quote(PROBE);
            uint256 least = _lessSlippage(spent.saturatingSub(DUST).mulDiv(PROBE, best));
            return (assets - spent, others + _swap(swap, asset, spent, other, least));
        }
        if (has <= wants + small) return (assets, others);
        uint256 sold = others.mulDiv(has - wants, has);
        return (assets + _swap(swap, other, sold, asset, _leastFor(sold)), others - sold);
    }

    /// @dev What `amount` of the other token is at the pool's price.
    function _atSpot(uint256 spot, uint256 amount) private view returns (uint256) {
        (uint256 up, uint256 down) = _isAssetZero ? (uint256(1 << 96), spot) : (spot, uint256(1 << 96));
        return amount.mulDiv(up, down).mulDiv(up, down);
    }

    /// @dev The least that selling `amount` of the other token may bring.
    function _leastFor(uint256 amount) internal view returns (uint256) {
        (uint256 worst,,) = oracle.quote(amount.saturatingSub(DUST));
        return _lessSlippage(worst);
    }

    /// @dev What `amount` of the other token would bring after `burned` liquidity is gone from the pool.
    function _quoteAfter(uint128 burned, uint256 amount) internal view returns (uint256) {
        if (amount == 0) return 0;
        if (!_swapsHere) return swap.quote(other, amount);
        return PoolQuotes.quote(pool, !_isAssetZero, amount, PoolQuotes.Without(burned, lower, upper));
    }

    /// @dev Liquidity that brings `assets`, beside selling `others`. What a part brings is at least that part of what
    /// the whole brings, since each unit sold brings less than the one before; so each guess is enough and the next
    /// one is less.
    function _liquidityFor(uint256 assets, uint256 others) internal view returns (uint128 part) {
        part = liquidityUnits;
        uint160 spot = _spot();
        for (uint256 i = 0; i < 3; ++i) {
            (uint256 a, uint256 o) = _amounts(spot, part);
            uint256 out = a + _quoteAfter(part, others + o);
            if (out <= assets + ROUNDING) return part;
            part = uint128(uint256(part).mulDiv(assets + ROUNDING, out, Math.Rounding.Ceil));
        }
    }

    /// @dev How much of `others` brings `assets`; all of it where that is not enough.
    function _amountFor(uint256 assets, uint256 others) internal view returns (uint256 amount) {
        amount = others;
        for (uint256 i = 0; i < 2; ++i) {
            uint256 out = _quoteAfter(0, amount);
            if (out <= assets) return amount;
            amount = amount.mulDiv(assets, out, Math.Rounding.Ceil);
        }
    }
}
