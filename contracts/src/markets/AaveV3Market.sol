// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAavePool, IAToken} from "../interfaces/IAaveV3.sol";
import {Market} from "./Market.sol";
import {SingleAssetMarket} from "./SingleAssetMarket.sol";

/// @title The vault's position in one reserve of an Aave V3 pool
/// @notice Counts scaled balance as it moves in and out, so aTokens sent here are never counted. Rewards are not claimed.
contract AaveV3Market is SingleAssetMarket {
    using SafeERC20 for IERC20;

    uint256 private constant RAY = 1e27;
    /// @dev Places of the flags in Aave's ReserveConfiguration.
    uint256 private constant ACTIVE_BIT = 56;
    uint256 private constant PAUSED_BIT = 60;

    /// @notice The pool.
    IAavePool public immutable pool;

    /// @notice The reserve's share token.
    IAToken public immutable aToken;

    /// @notice Balance over index that the vault put here.
    uint256 public scaled;

    constructor(address vault_, address asset_, address aToken_) Market(vault_, asset_) {
        aToken = IAToken(aToken_);
        pool = IAavePool(IAToken(aToken_).POOL());
        address found = IAToken(aToken_).UNDERLYING_ASSET_ADDRESS();
        if (found != asset_) revert AssetMismatch(asset_, found);
    }

    /// @inheritdoc SingleAssetMarket
    function _spender() internal view override returns (address) {
        return address(pool);
    }

    /// @inheritdoc SingleAssetMarket
    function _enter(uint256 assets) internal override {
        uint256 before = aToken.scaledBalanceOf(address(this));
        pool.supply(asset, assets, address(this), 0);
        scaled += aToken.scaledBalanceOf(address(this)) - before;
    }

    /// @inheritdoc Market
    function _leave(uint256 assets) internal override {
        uint256 before = aToken.scaledBalanceOf(address(this));
        pool.withdraw(asset, assets, vault);
        scaled -= before - aToken.scaledBalanceOf(address(this));
    }

    /// @inheritdoc Market
    function _handOver(address to, uint256 shareOfWad) internal override returns (address token, uint256 amount) {
        token = address(aToken);
        amount = Math.mulDiv(_worth(), shareOfWad, WAD);
        if (amount == 0) return (token, 0);
        uint256 before = aToken.scaledBalanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        scaled -= before - aToken.scaledBalanceOf(address(this));
    }

    /// @inheritdoc SingleAssetMarket
    /// @dev Returns the scaled balance times the index, rounded down; Aave itself may round half up.
    function _worth() internal view override returns (uint256) {
        if (scaled == 0) return 0;
        return Math.mulDiv(scaled, pool.getReserveNormalizedIncome(asset), RAY);
    }

    /// @notice Returns what the reserve could pay of it: its cash, of that what the pool has counted in where it keeps a
    /// virtual balance (v3.1 and later), and nothing while it is paused or not active.
    function liquidity() external view returns (uint256) {
        uint256 settings = pool.getConfiguration(asset);
        if ((settings >> ACTIVE_BIT) & 1 == 0 || (settings >> PAUSED_BIT) & 1 == 1) return 0;
        uint256 cash = IERC20(asset).balanceOf(address(aToken));
        // Asked each time: a pool is upgraded behind its proxy.
        try pool.getVirtualUnderlyingBalance(asset) returns (uint128 counted) {
            cash = Math.min(cash, counted);
        } catch {}
        return Math.min(_worth(), cash);
    }
}
