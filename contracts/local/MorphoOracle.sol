// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

interface IFeed {
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80);
}

/// @title A stand-in for Morpho's oracle over two Chainlink feeds
/// @notice The price of one raw unit of collateral in raw units of the loan token, with 36 decimals. As the original,
/// it looks at no feed's age.
contract MorphoOracle {
    address public immutable collateralFeed;
    address public immutable loanFeed;
    uint256 public immutable scale;

    /// @param collateralFeed_ The collateral token's feed; both feeds have the same decimals.
    constructor(address collateralFeed_, uint8 collateralDecimals, address loanFeed_, uint8 loanDecimals) {
        collateralFeed = collateralFeed_;
        loanFeed = loanFeed_;
        scale = 10 ** (36 + loanDecimals - collateralDecimals);
    }

    function price() external view returns (uint256) {
        return scale * _answer(collateralFeed) / _answer(loanFeed);
    }

    function _answer(address feed) private view returns (uint256) {
        (, int256 answer,,,) = IFeed(feed).latestRoundData();
        require(answer > 0, "negative answer");
        return uint256(answer);
    }
}
