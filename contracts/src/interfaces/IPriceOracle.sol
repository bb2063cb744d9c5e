// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What an amount of a token is worth in the vault's asset
interface IPriceOracle {
    /// @notice Returns the worth of `amount` at the worst and at the best price of the band.
    function quote(uint256 amount) external view returns (uint256 low, uint256 high, bool isFresh);
}
