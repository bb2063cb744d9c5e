// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IMarket} from "../interfaces/IMarket.sol";

/// @title What every market contract shares
/// @notice Knows its vault and lets nobody else in. Every call that moves the position comes through here.
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
    function deposit(uint256 assets, bytes calldata data) external onlyVault {
        _put(assets, data);
    }

    /// @inheritdoc IMarket
    function withdraw(uint256 assets) external onlyVault {
        _leave(assets);
    }

    /// @inheritdoc IMarket
    function harvest(bytes calldata data) external onlyVault {
        _harvest(data);
    }

    /// @inheritdoc IMarket
    function arrange(bytes calldata data) external onlyVault {
        _arrange(data);
    }

    /// @inheritdoc IMarket
    function transferInKind(address to, uint256 shareOfWad) external onlyVault returns (address, uint256) {
        if (shareOfWad > WAD) revert ShareTooLarge(shareOfWad);
        return _handOver(to, shareOfWad);
    }

    /// @inheritdoc IMarket
    function totalAssets() public view virtual returns (uint256 low) {
        (low,,) = value();
    }

    /// @inheritdoc IMarket
    function value() public view virtual returns (uint256 low, uint256 high, bool isFresh);

    /// @dev Puts `assets` in and counts what they bought.
    function _put(uint256 assets, bytes calldata data) internal virtual;

    /// @dev Withdraws `assets` to the vault and counts what they cost.
    function _leave(uint256 assets) internal virtual;

    /// @dev Moves a share of the position to `to` and counts it off.
    function _handOver(address to, uint256 shareOfWad) internal virtual returns (address token, uint256 amount);

    /// @dev Takes in what was earned; a market that earns nothing by itself refuses.
    function _harvest(bytes calldata) internal virtual {
        revert NothingToHarvest();
    }

    /// @dev Changes the position's shape; a market without one refuses.
    function _arrange(bytes calldata) internal virtual {
        revert NothingToArrange();
    }

    /// @dev Approves exactly `amount` of `token`, to be followed by `_takeBack`.
    function _approve(address token, address spender, uint256 amount) internal {
        IERC20(token).forceApprove(spender, amount);
    }

    /// @dev Ends an approval and returns what was left of it: no approval outlives a call.
    function _takeBack(address token, address spender) internal returns (uint256 left) {
        left = IERC20(token).allowance(address(this), spender);
        if (left != 0) IERC20(token).forceApprove(spender, 0);
    }
}
