// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {StakedEth} from "./StakedEth.sol";

/// @title A stand-in for Lido's wstETH
/// @notice One token is one share of stETH: balances stand still and the rate moves. ETH sent here is staked and wrapped.
contract WrappedStakedEth is ERC20 {
    StakedEth public immutable stETH;

    error NothingToWrap();

    constructor(StakedEth stETH_) ERC20("Wrapped liquid staked Ether 2.0", "wstETH") {
        stETH = stETH_;
    }

    receive() external payable {
        uint256 shares = stETH.submit{value: msg.value}(address(0));
        _mint(msg.sender, shares);
    }

    function wrap(uint256 stEthAmount) external returns (uint256 amount) {
        if (stEthAmount == 0) revert NothingToWrap();
        amount = stETH.getSharesByPooledEth(stEthAmount);
        _mint(msg.sender, amount);
        stETH.transferFrom(msg.sender, address(this), stEthAmount);
    }

    function unwrap(uint256 amount) external returns (uint256 stEthAmount) {
        if (amount == 0) revert NothingToWrap();
        stEthAmount = stETH.getPooledEthByShares(amount);
        _burn(msg.sender, amount);
        stETH.transfer(msg.sender, stEthAmount);
    }

    function getWstETHByStETH(uint256 stEthAmount) external view returns (uint256) {
        return stETH.getSharesByPooledEth(stEthAmount);
    }

    function getStETHByWstETH(uint256 amount) external view returns (uint256) {
        return stETH.getPooledEthByShares(amount);
    }

    function stEthPerToken() external view returns (uint256) {
        return stETH.getPooledEthByShares(1 ether);
    }

    function tokensPerStEth() external view returns (uint256) {
        return stETH.getSharesByPooledEth(1 ether);
    }

    /// @notice The rate under the name that Balancer's rate providers use.
    function getRate() external view returns (uint256) {
        return stETH.getPooledEthByShares(1 ether);
    }
}
