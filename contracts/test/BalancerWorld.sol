// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBalancerVault, IStablePool} from "../src/interfaces/IBalancerV2.sol";
import {IERC20All, IStableFactory, Real} from "./Real.sol";

/// @notice What of Balancer's Vault the tests call.
interface IBalancerMore {
    function flashLoan(address recipient, address[] calldata tokens, uint256[] calldata amounts, bytes calldata data)
        external;
}

/// @notice Pools of Balancer's own bytecode, and words for what tests do with them.
abstract contract BalancerWorld is Real {
    address internal constant BOB = address(0xb0b);
    address internal balancer;
    IStableFactory internal factory;

    function _makePool(address a, address b, address provider, address ofA) internal returns (IStablePool pool) {
        address[] memory tokens = new address[](2);
        (tokens[0], tokens[1]) = a < b ? (a, b) : (b, a);
        address[] memory providers = new address[](2);
        providers[tokens[0] == ofA ? 0 : 1] = provider;
        uint256[] memory durations = new uint256[](2);
        if (provider != address(0)) durations[tokens[0] == ofA ? 0 : 1] = 1 hours;
        pool = IStablePool(
            factory.create("stable", "BPT", tokens, 500, providers, durations, new bool[](2), 4e14, address(this))
        );
    }

    /// @dev The first join: `amountA` and `amountB` from this contract.
    function _start(IStablePool pool, address a, uint256 amountA, uint256 amountB) internal {
        (address[] memory tokens,,) = IBalancerVault(balancer).getPoolTokens(pool.getPoolId());
        uint256[] memory amounts = new uint256[](3);
        uint256[] memory most = new uint256[](3);
        for (uint256 i = 0; i < 3; ++i) {
            most[i] = type(uint256).max;
            if (tokens[i] == address(pool)) {
                amounts[i] = 2 ** 112 - 1;
                continue;
            }
            amounts[i] = tokens[i] == a ? amountA : amountB;
            IERC20All(tokens[i]).approve(balancer, type(uint256).max);
        }
        IBalancerVault(balancer)
            .joinPool(
                pool.getPoolId(),
                address(this),
                address(this),
                IBalancerVault.JoinPoolRequest(tokens, most, abi.encode(0, amounts), false)
            );
    }

    function _swapIn(IStablePool pool, address tokenIn, address tokenOut, uint256 amount) internal returns (uint256) {
        IERC20All(tokenIn).approve(balancer, amount);
        return IBalancerVault(balancer)
            .swap(
                IBalancerVault.SingleSwap(pool.getPoolId(), 0, tokenIn, tokenOut, amount, ""),
                IBalancerVault.FundManagement(address(this), false, payable(address(this)), false),
                0,
                type(uint256).max
            );
    }
}
