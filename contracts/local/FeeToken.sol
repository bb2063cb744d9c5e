// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Token} from "./Token.sol";

/// @title A token that keeps a part of each transfer
/// @notice Of what is sent, `feeBps` parts of 10,000 are burned. Anyone may mint it.
contract FeeToken is Token {
    uint256 public immutable feeBps;

    constructor(string memory name, string memory symbol, uint8 places, uint256 feeBps_) Token(name, symbol, places) {
        feeBps = feeBps_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : amount * feeBps / 10_000;
        if (fee != 0) super._update(from, address(0), fee);
        super._update(from, to, amount - fee);
    }
}
