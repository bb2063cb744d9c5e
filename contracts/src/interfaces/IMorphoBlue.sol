// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What names a Morpho Blue market; its hash is the market's id.
struct MarketParams {
    address loanToken;
    address collateralToken;
    address oracle;
    address irm;
    uint256 lltv;
}

/// @notice The stored totals of a Morpho Blue market.
struct MorphoMarket {
    uint128 totalSupplyAssets;
    uint128 totalSupplyShares;
    uint128 totalBorrowAssets;
    uint128 totalBorrowShares;
    uint128 lastUpdate;
    uint128 fee;
}

/// @title The functions of Morpho Blue that are called
interface IMorphoBlue {
    /// @notice Supplies `assets` or `shares` for `onBehalf`; the other of the two is zero.
    function supply(MarketParams calldata params, uint256 assets, uint256 shares, address onBehalf, bytes calldata data)
        external
        returns (uint256 assetsSupplied, uint256 sharesSupplied);

    /// @notice Withdraws `assets` or `shares` of `onBehalf` to `receiver`; the other of the two is zero.
    function withdraw(MarketParams calldata params, uint256 assets, uint256 shares, address onBehalf, address receiver)
        external
        returns (uint256 assetsWithdrawn, uint256 sharesWithdrawn);

    /// @notice Returns the totals as stored at `lastUpdate`.
    function market(bytes32 id) external view returns (MorphoMarket memory);
}

/// @title The function of a Morpho Blue rate model that is called
interface IMorphoIrm {
    /// @notice Returns the borrow rate per second, in wad.
    function borrowRateView(MarketParams calldata params, MorphoMarket calldata market) external view returns (uint256);
}
