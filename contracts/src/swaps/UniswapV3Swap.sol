// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ISwap} from "../interfaces/ISwap.sol";
import {IUniswapV3Pool} from "../interfaces/IUniswapV3.sol";
import {PoolQuotes} from "../libraries/PoolQuotes.sol";
import {Ticks} from "../libraries/Ticks.sol";

/// @title Swaps in one Uniswap V3 pool
/// @notice What the pool does not take makes the swap revert, and so does a token that keeps a part of each transfer: the
/// pool wants to be paid in full. Keeps nothing.
contract UniswapV3Swap is ISwap {
    using SafeERC20 for IERC20;

    /// @notice A token that is not of the pool.
    error NotOfPool(address token);
    /// @notice A caller that is not the pool.
    error NotPool(address caller);
    /// @notice Less came out than was asked for, or less went in than was offered.
    error TooLittle(uint256 found, uint256 least);

    /// @notice The pool.
    IUniswapV3Pool public immutable pool;

    /// @notice Its tokens.
    address public immutable token0;
    address public immutable token1;

    constructor(address pool_) {
        pool = IUniswapV3Pool(pool_);
        (token0, token1) = (pool.token0(), pool.token1());
    }

    /// @inheritdoc ISwap
    function swap(address tokenIn, uint256 amountIn, uint256 minOut) external returns (uint256 out) {
        bool down = _isDown(tokenIn);
        uint256 held = IERC20(tokenIn).balanceOf(address(this));
        IERC20(tokenIn).safeTransferFrom(msg.sender, address(this), amountIn);
        uint256 arrived = IERC20(tokenIn).balanceOf(address(this)) - held;
        IERC20 tokenOut = IERC20(down ? token1 : token0);
        uint256 before = tokenOut.balanceOf(msg.sender);
        if (arrived != 0) {
            uint160 limit = down ? Ticks.sqrtPriceAt(-Ticks.MOST) + 1 : Ticks.sqrtPriceAt(Ticks.MOST) - 1;
            pool.swap(msg.sender, down, int256(arrived), limit, "");
            uint256 left = IERC20(tokenIn).balanceOf(address(this)) - held;
            if (left != 0) revert TooLittle(arrived - left, arrived);
        }
        out = tokenOut.balanceOf(msg.sender) - before;
        if (out < minOut) revert TooLittle(out, minOut);
    }

    /// @notice Pays the pool for the swap that is under way. The pool calls.
    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata) external {
        if (msg.sender != address(pool)) revert NotPool(msg.sender);
        if (amount0 > 0) IERC20(token0).safeTransfer(msg.sender, uint256(amount0));
        if (amount1 > 0) IERC20(token1).safeTransfer(msg.sender, uint256(amount1));
    }

    /// @inheritdoc ISwap
    function quote(address tokenIn, uint256 amountIn) external view returns (uint256) {
        return PoolQuotes.quote(pool, _isDown(tokenIn), amountIn, PoolQuotes.Without(0, 0, 0));
    }

    /// @dev Whether swapping `tokenIn` moves the price down.
    function _isDown(address tokenIn) private view returns (bool) {
        if (tokenIn != token0 && tokenIn != token1) revert NotOfPool(tokenIn);
        return tokenIn == token0;
    }
}
