// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IBalancerVault, IStablePool} from "../interfaces/IBalancerV2.sol";
import {ISwap} from "../interfaces/ISwap.sol";
import {StableMath} from "../libraries/StableMath.sol";
import {StablePools} from "../libraries/StablePools.sol";

/// @title Swaps of two tokens in one Balancer stable pool
/// @notice Keeps nothing.
contract BalancerSwap is ISwap {
    using SafeERC20 for IERC20;

    uint8 private constant GIVEN_IN = 0;
    uint256 private constant WAD = 1e18;

    /// @dev What the pool's own rounding may take, in parts of 1e18 of a token.
    uint256 private constant ROUNDING = 1e6;

    /// @notice A token that is not one of the two.
    error NotOfPool(address token);

    /// @notice The pool.
    IStablePool public immutable pool;

    /// @notice Balancer's Vault, which holds the pool's tokens.
    IBalancerVault public immutable balancer;

    /// @notice The pool's name in Balancer's Vault.
    bytes32 public immutable poolId;

    /// @notice One of the two tokens.
    address public immutable tokenA;

    /// @notice The other.
    address public immutable tokenB;

    uint256 private immutable _placeA;
    uint256 private immutable _placeB;

    constructor(address pool_, address tokenA_, address tokenB_) {
        pool = IStablePool(pool_);
        balancer = IBalancerVault(pool.getVault());
        poolId = pool.getPoolId();
        (tokenA, tokenB) = (tokenA_, tokenB_);
        address[] memory tokens = StablePools.tokensOf(pool);
        (_placeA, _placeB) = (_find(tokens, tokenA_), _find(tokens, tokenB_));
    }

    /// @inheritdoc ISwap
    /// @dev Balancer itself checks `minOut`.
    function swap(address tokenIn, uint256 amountIn, uint256 minOut) external returns (uint256) {
        address tokenOut = _other(tokenIn);
        IERC20(tokenIn).safeTransferFrom(msg.sender, address(this), amountIn);
        IERC20(tokenIn).forceApprove(address(balancer), amountIn);
        return balancer.swap(
            IBalancerVault.SingleSwap(poolId, GIVEN_IN, tokenIn, tokenOut, amountIn, ""),
            IBalancerVault.FundManagement(address(this), false, payable(msg.sender), false),
            minOut,
            block.timestamp
        );
    }

    /// @inheritdoc ISwap
    function quote(address tokenIn, uint256 amountIn) external view returns (uint256) {
        (uint256 from, uint256 to) = _other(tokenIn) == tokenB ? (_placeA, _placeB) : (_placeB, _placeA);
        (uint256[] memory balances, uint256[] memory factors) = StablePools.balancesOf(pool);
        (uint256 amplification,, uint256 precision) = pool.getAmplificationParameter();
        uint256 fee = Math.mulDiv(amountIn, pool.getSwapFeePercentage(), WAD, Math.Rounding.Ceil);
        uint256 arrived = Math.mulDiv(amountIn - fee, factors[from], WAD);
        uint256 out = StableMath.amountOut(balances, from, to, arrived, amplification, precision);
        return Math.mulDiv(Math.saturatingSub(out, out / 1e12 + ROUNDING), WAD, factors[to]);
    }

    /// @dev The other of the two tokens.
    function _other(address token) private view returns (address) {
        if (token == tokenA) return tokenB;
        if (token != tokenB) revert NotOfPool(token);
        return tokenA;
    }

    /// @dev Where a token stands in the pool, without the pool's share.
    function _find(address[] memory tokens, address token) private pure returns (uint256) {
        for (uint256 i = 0; i < tokens.length; ++i) {
            if (tokens[i] == token) return i;
        }
        revert NotOfPool(token);
    }
}
