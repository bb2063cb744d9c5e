// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Market} from "./Market.sol";
import {SingleAssetMarket} from "./SingleAssetMarket.sol";

/// @title The vault's position in any ERC-4626 vault
/// @notice Counts shares as they move in and out, so shares sent here are never counted. Values them by what redeeming
/// would pay, so a fee on leaving is a loss on entering and leaving costs nothing more.
contract Erc4626Market is SingleAssetMarket {
    using SafeERC20 for IERC20;

    /// @notice The vault that holds the money.
    IERC4626 public immutable inner;

    /// @notice Shares that the vault put here.
    uint256 public shares;

    constructor(address vault_, address asset_, address inner_) Market(vault_, asset_) {
        inner = IERC4626(inner_);
        address found = IERC4626(inner_).asset();
        if (found != asset_) revert AssetMismatch(asset_, found);
    }

    /// @inheritdoc SingleAssetMarket
    function _spender() internal view override returns (address) {
        return address(inner);
    }

    /// @inheritdoc SingleAssetMarket
    function _enter(uint256 assets) internal override {
        uint256 before = inner.balanceOf(address(this));
        inner.deposit(assets, address(this));
        shares += inner.balanceOf(address(this)) - before;
    }

    /// @inheritdoc Market
    function _leave(uint256 assets) internal override {
        uint256 before = inner.balanceOf(address(this));
        inner.withdraw(assets, vault, address(this));
        shares -= before - inner.balanceOf(address(this));
    }

    /// @inheritdoc Market
    function _handOver(address to, uint256 shareOfWad) internal override returns (address token, uint256 amount) {
        token = address(inner);
        amount = Math.mulDiv(shares, shareOfWad, WAD);
        shares -= amount;
        IERC20(token).safeTransfer(to, amount);
    }

    /// @inheritdoc SingleAssetMarket
    /// @dev Returns what redeeming the counted shares would pay.
    /// The standard lets `previewRedeem` revert where redeeming would; a lock alone is no loss, so the plain
    /// conversion stands in. If both revert so does this, and the vault treats the market as unreadable.
    function _worth() internal view override returns (uint256) {
        if (shares == 0) return 0;
        try inner.previewRedeem(shares) returns (uint256 assets) {
            return assets;
        } catch {
            return inner.convertToAssets(shares);
        }
    }

    /// @notice Returns what the inner vault says it would pay of it.
    function liquidity() external view returns (uint256) {
        return Math.min(_worth(), inner.maxWithdraw(address(this)));
    }
}
