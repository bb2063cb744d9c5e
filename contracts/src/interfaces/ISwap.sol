// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A swap contract: one pool and its two tokens, fixed at deployment
/// @notice Anyone may swap their own tokens; nothing is kept.
interface ISwap {
    /// @notice Swaps `amountIn` of the caller's `tokenIn`, which must be approved, and sends at least `minOut` back.
    function swap(address tokenIn, uint256 amountIn, uint256 minOut) external returns (uint256 out);

    /// @notice Returns what `swap` would bring now, or a little less.
    function quote(address tokenIn, uint256 amountIn) external view returns (uint256 out);
}
