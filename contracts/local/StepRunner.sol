// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Runs many calls in one transaction and tells what each answered
/// @notice Holds the tokens and the positions itself and pays what a Uniswap V3 pool asks for. For tests: anyone may
///         have it do anything.
contract StepRunner {
    struct Step {
        address target;
        bytes data;
    }

    event Answer(uint256 indexed step, bool success, bytes data);

    function run(Step[] calldata steps) external {
        for (uint256 i = 0; i < steps.length; ++i) {
            (bool success, bytes memory data) = steps[i].target.call(steps[i].data);
            emit Answer(i, success, data);
        }
    }

    /// @param tokens the pool's two tokens, as the caller of `mint` named them
    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata tokens) external {
        (address token0, address token1) = abi.decode(tokens, (address, address));
        if (amount0 > 0) IERC20(token0).transfer(msg.sender, amount0);
        if (amount1 > 0) IERC20(token1).transfer(msg.sender, amount1);
    }

    /// @param tokens the pool's two tokens, as the caller of `swap` named them
    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata tokens) external {
        (address token0, address token1) = abi.decode(tokens, (address, address));
        if (amount0 > 0) IERC20(token0).transfer(msg.sender, uint256(amount0));
        if (amount1 > 0) IERC20(token1).transfer(msg.sender, uint256(amount1));
    }
}
