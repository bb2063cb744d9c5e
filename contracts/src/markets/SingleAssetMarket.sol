// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Market} from "./Market.sol";

/// @title A market that needs no price: what goes in, what comes out and what is counted are the same token
/// @notice Leaving and entering are priced at one value, which is always fresh.
abstract contract SingleAssetMarket is Market {
    /// @inheritdoc Market
    /// @dev The approval is exact, and what the protocol left of it is an error: nothing stays approved.
    function _put(uint256 assets, bytes calldata data) internal override {
        if (data.length != 0) revert UnknownData(data.length);
        address spender = _spender();
        _approve(asset, spender, assets);
        _enter(assets);
        uint256 left = _takeBack(asset, spender);
        if (left != 0) revert NotAllTaken(assets, left);
    }

    /// @inheritdoc Market
    function value() public view override returns (uint256 low, uint256 high, bool isFresh) {
        low = _worth();
        return (low, low, true);
    }

    /// @dev What the position is worth, rounded down.
    function _worth() internal view virtual returns (uint256);

    /// @dev Who takes the asset on a deposit.
    function _spender() internal view virtual returns (address);

    /// @dev Deposits `assets` and counts the shares they bought.
    function _enter(uint256 assets) internal virtual;
}
