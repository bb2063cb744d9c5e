// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IMarket} from "../interfaces/IMarket.sol";

/// @title What every market contract shares
/// @notice Knows its vault, lets nobody else in, and approves exactly what one deposit takes.
abstract contract Market is IMarket {
    using SafeERC20 for IERC20;

    uint256 internal constant WAD = 1e18;

    /// @inheritdoc IMarket
    address public immutable vault;

    /// @inheritdoc IMarket
    address public immutable asset;

    /// @dev Only the vault may call.
    modifier onlyVault() {
        if (msg.sender != vault) revert NotVault(msg.sender);
        _;
    }

    constructor(address vault_, address asset_) {
        vault = vault_;
        asset = asset_;
    }

    /// @inheritdoc IMarket
    /// @dev The approval is exact, and what the protocol left of it is an error: nothing stays approved.
    function deposit(uint256 assets) external onlyVault {
        address spender = _spender();
        IERC20(asset).forceApprove(spender, assets);
        _enter(assets);
        uint256 left = IERC20(asset).allowance(address(this), spender);
        if (left != 0) revert NotAllTaken(assets, left);
    }

    /// @inheritdoc IMarket
    function withdraw(uint256 assets) external onlyVault {
        _leave(assets);
    }

    /// @inheritdoc IMarket
    function transferInKind(address to, uint256 shareOfWad) external onlyVault returns (address, uint256) {
        if (shareOfWad > WAD) revert ShareTooLarge(shareOfWad);
        return _handOver(to, shareOfWad);
    }

    /// @dev Who takes the asset on a deposit.
    function _spender() internal view virtual returns (address);

    /// @dev Deposits `assets` and counts the shares they bought.
    function _enter(uint256 assets) internal virtual;

    /// @dev Withdraws `assets` to the vault and counts the shares they cost.
    function _leave(uint256 assets) internal virtual;

    /// @dev Moves a share of the position to `to` and counts it off.
    function _handOver(address to, uint256 shareOfWad) internal virtual returns (address token, uint256 amount);
}
