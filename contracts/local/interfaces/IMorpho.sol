// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @notice What names a market of Morpho Blue.
struct MarketParams {
    address loanToken;
    address collateralToken;
    address oracle;
    address irm;
    uint256 lltv;
}

/// @notice The state of a market of Morpho Blue, as of `lastUpdate`.
struct Market {
    uint128 totalSupplyAssets;
    uint128 totalSupplyShares;
    uint128 totalBorrowAssets;
    uint128 totalBorrowShares;
    uint128 lastUpdate;
    uint128 fee;
}

/// @notice The functions of Morpho Blue that the stand-ins call.
interface IMorpho {
    function market(bytes32 id) external view returns (Market memory);
    function position(bytes32 id, address user)
        external
        view
        returns (uint256 supplyShares, uint128 borrowShares, uint128 collateral);
    function accrueInterest(MarketParams memory params) external;
    function supply(MarketParams memory params, uint256 assets, uint256 shares, address onBehalf, bytes memory data)
        external
        returns (uint256, uint256);
    function withdraw(
        MarketParams memory params,
        uint256 assets,
        uint256 shares,
        address onBehalf,
        address receiver
    ) external returns (uint256, uint256);
}

/// @notice The interest rate model that Morpho Blue calls.
interface IIrm {
    function borrowRate(MarketParams memory params, Market memory market) external returns (uint256);
    function borrowRateView(MarketParams memory params, Market memory market) external view returns (uint256);
}
