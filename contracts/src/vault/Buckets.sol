// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {LeakyBucket} from "../libraries/LeakyBucket.sol";

/// @title What the buckets ask of their vault
interface IBounds {
    /// @notice Returns the bounds on the allocator, in basis points.
    function bounds()
        external
        view
        returns (uint16 turnoverBps, uint16 moveLossBps, uint16 dayLossBps, uint16 monthLossBps);
}

/// @title How much a vault's allocator has entered and lost lately
/// @notice Three buckets, in parts of 1e18 of net assets, for the vault that made them. A contract of its own because
/// the vault has no room for it.
contract Buckets {
    using LeakyBucket for LeakyBucket.Bucket;
    using Math for uint256;

    uint256 private constant DAY = 1 days;
    uint256 private constant MONTH = 30 days;

    /// @notice A caller that is not the vault.
    error NotVault(address caller);

    /// @notice The only account that writes here.
    address public immutable vault = msg.sender;

    LeakyBucket.Bucket private _turnover;
    LeakyBucket.Bucket private _dayLoss;
    LeakyBucket.Bucket private _monthLoss;

    /// @notice Pours what a plan entered and lost, both as parts of `gross`, in; reverts where there is no room.
    function pour(uint256 entered, uint256 lost, uint256 gross) external {
        if (msg.sender != vault) revert NotVault(msg.sender);
        (uint256 turnoverSize, uint256 daySize, uint256 monthSize) = _sizes();
        uint256 whole = Math.max(gross, 1);
        _turnover.pour(entered.mulDiv(1e18, whole, Math.Rounding.Ceil), turnoverSize, DAY);
        uint256 part = lost.mulDiv(1e18, whole, Math.Rounding.Ceil);
        _dayLoss.pour(part, daySize, DAY);
        _monthLoss.pour(part, monthSize, MONTH);
    }

    /// @notice Returns how much more may be entered, lost today and lost this month .
    function room() external view returns (uint256 turnover, uint256 dayLoss, uint256 monthLoss) {
        (uint256 turnoverSize, uint256 daySize, uint256 monthSize) = _sizes();
        turnover = turnoverSize.saturatingSub(_turnover.fill(turnoverSize, DAY));
        dayLoss = daySize.saturatingSub(_dayLoss.fill(daySize, DAY));
        monthLoss = monthSize.saturatingSub(_monthLoss.fill(monthSize, MONTH));
    }

    /// @dev Sizes of the buckets in parts of 1e18. A bucket lets through twice its size in a window, so those for losses
    /// are half of the bound: then the bound holds in any 24 hours and any 30 days.
    function _sizes() private view returns (uint256 turnover, uint256 dayLoss, uint256 monthLoss) {
        (uint256 turnoverBps,, uint256 dayLossBps, uint256 monthLossBps) = IBounds(vault).bounds();
        return (turnoverBps * 1e14, dayLossBps * 0.5e14, monthLossBps * 0.5e14);
    }
}
