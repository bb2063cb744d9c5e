// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The functions of an Aave V3 pool that are called
interface IAavePool {
    /// @notice Puts `amount` of `asset` in for `onBehalfOf`.
    function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode) external;

    /// @notice Takes `amount` of `asset` out of the caller's position and sends it to `to`.
    function withdraw(address asset, uint256 amount, address to) external returns (uint256);

    /// @notice Returns the supply index with interest up to now, in ray.
    function getReserveNormalizedIncome(address asset) external view returns (uint256);

    /// @notice Returns the packed settings of the reserve.
    function getConfiguration(address asset) external view returns (uint256);

    /// @notice Returns what of the asset the pool has counted in and can pay out. Pools before v3.1 have no such function.
    function getVirtualUnderlyingBalance(address asset) external view returns (uint128);
}

/// @title The functions of an aToken that are called
interface IAToken {
    /// @notice Returns the balance divided by the index.
    function scaledBalanceOf(address account) external view returns (uint256);

    /// @notice Returns the pool the token belongs to.
    function POOL() external view returns (address);

    /// @notice Returns the token that was supplied.
    function UNDERLYING_ASSET_ADDRESS() external view returns (address);
}
