// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Token} from "./Token.sol";

/// @title A stand-in for WETH9
/// @notice Wraps and unwraps ether as WETH9 does; beside that anyone may mint it, and what is minted has ether behind it
/// only as far as the node puts some here.
contract WrappedEther is Token {
    event Deposit(address indexed to, uint256 amount);
    event Withdrawal(address indexed from, uint256 amount);

    error NoEther();

    constructor(string memory name, string memory symbol, uint8 places) Token(name, symbol, places) {}

    receive() external payable {
        deposit();
    }

    function deposit() public payable {
        _mint(msg.sender, msg.value);
        emit Deposit(msg.sender, msg.value);
    }

    function withdraw(uint256 amount) external {
        _burn(msg.sender, amount);
        emit Withdrawal(msg.sender, amount);
        (bool done,) = msg.sender.call{value: amount}("");
        if (!done) revert NoEther();
    }
}
