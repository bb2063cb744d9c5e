// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ISwap} from "../interfaces/ISwap.sol";
import {Market} from "./Market.sol";

/// @title What market contracts share whose position is a share of something priced by an oracle
/// @notice Worth two amounts: the low one is what leaving is priced at, the high one what entering is. Moves are bounded
/// by the oracle, not by what a pool says of itself.
abstract contract PricedMarket is Market {
    using SafeERC20 for IERC20;

    uint256 internal constant BPS = 10_000;

    /// @notice A move that needs a price while the oracle has none that is fresh.
    error StalePrice();
    /// @notice A move that brought less than the oracle allows, or less than was asked for.
    error TooLittle(uint256 found, uint256 least);
    /// @notice A bound of the constructor that is too wide.
    error BoundTooWide(uint256 bps);

    /// @notice Tokens were swapped; `least` is what the oracle's worst price less slippage asked for.
    event Swapped(address indexed tokenIn, uint256 amountIn, uint256 amountOut, uint256 least);

    /// @notice Asset units entered the position and bought `units` of it.
    event Entered(uint256 assets, uint256 units);

    /// @notice `units` of the position were given up and brought so many asset units, to be paid out or held.
    event Left(uint256 assets, uint256 units);

    /// @notice Most that a swap, a join or an exit may lose against the oracle's worst price, in parts of 10,000.
    uint256 public immutable slippageBps;

    /// @notice What comes off the low value while a price is not fresh, in parts of 10,000.
    uint256 public immutable staleBandBps;

    /// @notice Asset units kept here that belong to the vault: what an exit brought beyond what was asked for.
    uint256 public held;

    constructor(address vault_, address asset_, uint256 slippageBps_, uint256 staleBandBps_) Market(vault_, asset_) {
        if (slippageBps_ > BPS / 10) revert BoundTooWide(slippageBps_);
        if (staleBandBps_ > BPS) revert BoundTooWide(staleBandBps_);
        (slippageBps, staleBandBps) = (slippageBps_, staleBandBps_);
    }

    /// @inheritdoc Market
    function value() public view override returns (uint256 low, uint256 high, bool isFresh) {
        (low, high, isFresh) = _value();
        if (!isFresh) low = low * (BPS - staleBandBps) / BPS;
        isFresh = isFresh && _isOpen();
        uint256 certain = _certain();
        low += certain;
        high += certain;
    }

    /// @notice Returns how much `withdraw` could pay now; nothing while a price is not fresh.
    function liquidity() external view returns (uint256) {
        return _isFresh() && _isOpen() ? held + _liquidity() : 0;
    }

    /// @inheritdoc Market
    function _put(uint256 assets, bytes calldata data) internal override {
        _onlyFresh();
        emit Entered(assets, _buy(assets, data));
    }

    /// @inheritdoc Market
    /// @dev What the sale brings beyond `assets` stays here for the vault and is paid out first next time.
    function _leave(uint256 assets) internal override {
        uint256 kept = held;
        if (assets > kept) {
            _onlyFresh();
            (uint256 got, uint256 units) = _sell(assets - kept);
            if (got < assets - kept) revert TooLittle(got, assets - kept);
            emit Left(got, units);
            kept += got;
        }
        held = kept - assets;
        IERC20(asset).safeTransfer(vault, assets);
    }

    /// @inheritdoc Market
    /// @dev A part of what is held goes along as it is.
    function _handOver(address to, uint256 shareOfWad) internal override returns (address, uint256) {
        uint256 part = Math.mulDiv(held, shareOfWad, WAD);
        held -= part;
        if (part != 0) IERC20(asset).safeTransfer(to, part);
        return _give(to, shareOfWad);
    }

    /// @dev Swaps through a listed swap contract for at least `least`. The approval is exact and nothing of it stays.
    function _swap(ISwap through, address tokenIn, uint256 amountIn, address tokenOut, uint256 least)
        internal
        returns (uint256 out)
    {
        uint256 before = IERC20(tokenOut).balanceOf(address(this));
        _approve(tokenIn, address(through), amountIn);
        through.swap(tokenIn, amountIn, least);
        _allTaken(tokenIn, address(through), amountIn);
        out = IERC20(tokenOut).balanceOf(address(this)) - before;
        if (out < least) revert TooLittle(out, least);
        emit Swapped(tokenIn, amountIn, out, least);
    }

    /// @dev Reverts if `spender` did not take all that it was approved for.
    function _allTaken(address token, address spender, uint256 offered) internal {
        uint256 left = _takeBack(token, spender);
        if (left != 0) revert NotAllTaken(offered, left);
    }

    /// @dev What is left of `amount` after the slippage that is allowed.
    function _lessSlippage(uint256 amount) internal view returns (uint256) {
        return Math.mulDiv(amount, BPS - slippageBps, BPS);
    }

    /// @dev Reverts while there is no price to trade on.
    function _onlyFresh() private view {
        if (!_isFresh() || !_isOpen()) revert StalePrice();
    }

    /// @dev Whether what the protocol says of itself now can be relied on.
    function _isOpen() internal view virtual returns (bool) {
        return true;
    }

    /// @dev What belongs to the vault and needs no price.
    function _certain() internal view virtual returns (uint256) {
        return held;
    }

    /// @dev Whether every price that the position needs is fresh.
    function _isFresh() internal view virtual returns (bool);

    /// @dev Both values of what needs a price, without the band of one that is not fresh.
    function _value() internal view virtual returns (uint256 low, uint256 high, bool isFresh);

    /// @dev What selling could bring now within the bounds, never more.
    function _liquidity() internal view virtual returns (uint256);

    /// @dev Puts `assets` into the position. Returns the units of it that they bought.
    function _buy(uint256 assets, bytes calldata data) internal virtual returns (uint256 units);

    /// @dev Takes at least `assets` out of the position to this contract. Returns what came and the units it cost.
    function _sell(uint256 assets) internal virtual returns (uint256 got, uint256 units);

    /// @dev Moves a share of the position to `to` and counts it off.
    function _give(address to, uint256 shareOfWad) internal virtual returns (address token, uint256 amount);
}
