// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @title Tells a rate that anyone sets
/// @notice Stands where Balancer's rate providers stand: what one wrapped token is worth, with 18 decimals.
contract RateSource {
    uint256 public getRate = 1e18;

    function set(uint256 rate) external {
        getRate = rate;
    }
}
