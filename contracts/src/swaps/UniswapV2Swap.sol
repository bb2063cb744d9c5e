// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ISwap} from "../interfaces/ISwap.sol";
import {IUniswapV2Pair} from "../interfaces/IUniswapV2.sol";
import {PairMath} from "../libraries/PairMath.sol";

/// @title Swaps in one Uniswap V2 pair
/// @notice Counts what the pair received and what the caller received, so a token that keeps a part of each transfer can
/// be sold. Keeps nothing.
contract UniswapV2Swap is ISwap {
    using SafeERC20 for IERC20;

    /// @notice A token that is not of the pair.
    error NotOfPair(address token);
    /// @notice Less came out than was asked for.
    error TooLittleOut(uint256 out, uint256 least);

    /// @notice The pair.
    IUniswapV2Pair public immutable pair;

    /// @notice The pair's first token.
    address public immutable token0;
    /// @notice The pair's second token.
    address public immutable token1;

    constructor(address pair_) {
        pair = IUniswapV2Pair(pair_);
        (token0, token1) = (pair.token0(), pair.token1());
    }

    /// @inheritdoc ISwap
    function swap(address tokenIn, uint256 amountIn, uint256 minOut) external returns (uint256 out) {
        bool isZeroIn = tokenIn == token0;
        if (!isZeroIn && tokenIn != token1) revert NotOfPair(tokenIn);
        (uint256 reserveIn, uint256 reserveOut,) = pair.getReserves();
        if (!isZeroIn) (reserveIn, reserveOut) = (reserveOut, reserveIn);
        IERC20(tokenIn).safeTransferFrom(msg.sender, address(pair), amountIn);
        uint256 arrived = IERC20(tokenIn).balanceOf(address(pair)) - reserveIn;
        uint256 leaves = PairMath.amountOut(arrived, reserveIn, reserveOut);
        IERC20 tokenOut = IERC20(isZeroIn ? token1 : token0);
        uint256 before = tokenOut.balanceOf(msg.sender);
        (uint256 out0, uint256 out1) = isZeroIn ? (uint256(0), leaves) : (leaves, uint256(0));
        pair.swap(out0, out1, msg.sender, "");
        out = tokenOut.balanceOf(msg.sender) - before;
        if (out < minOut) revert TooLittleOut(out, minOut);
    }

    /// @inheritdoc ISwap
    /// @dev For tokens that keep nothing of a transfer.
    function quote(address tokenIn, uint256 amountIn) external view returns (uint256) {
        if (tokenIn != token0 && tokenIn != token1) revert NotOfPair(tokenIn);
        (uint256 reserveIn, uint256 reserveOut,) = pair.getReserves();
        if (tokenIn == token1) (reserveIn, reserveOut) = (reserveOut, reserveIn);
        return PairMath.amountOut(amountIn, reserveIn, reserveOut);
    }
}
