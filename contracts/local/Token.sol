// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token of the local chain
/// @notice Anyone may mint it.
contract Token is ERC20 {
    uint8 private immutable _places;

    constructor(string memory name, string memory symbol, uint8 places) ERC20(name, symbol) {
        _places = places;
    }

    function decimals() public view override returns (uint8) {
        return _places;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
