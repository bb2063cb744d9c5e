// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What is used of WETH9
interface IWeth {
    function deposit() external payable;
    function withdraw(uint256 amount) external;
}

/// @title What is used of wstETH
interface IWstEth {
    function stETH() external view returns (address);
    function getStETHByWstETH(uint256 amount) external view returns (uint256);
    function getWstETHByStETH(uint256 amount) external view returns (uint256);
    function balanceOf(address account) external view returns (uint256);
    function transfer(address to, uint256 amount) external returns (bool);
}

/// @title What is used of stETH
interface IStEth {
    function getPooledEthByShares(uint256 shares) external view returns (uint256);
}

/// @title What is used of Lido's withdrawal queue
interface IWithdrawalQueue {
    struct WithdrawalRequestStatus {
        uint256 amountOfStETH;
        uint256 amountOfShares;
        address owner;
        uint256 timestamp;
        bool isFinalized;
        bool isClaimed;
    }

    function WSTETH() external view returns (address);
    function requestWithdrawalsWstETH(uint256[] calldata amounts, address owner) external returns (uint256[] memory);
    function getWithdrawalStatus(uint256[] calldata ids) external view returns (WithdrawalRequestStatus[] memory);
    function getLastFinalizedRequestId() external view returns (uint256);
    function getLastCheckpointIndex() external view returns (uint256);
    function findCheckpointHints(uint256[] calldata ids, uint256 first, uint256 last)
        external
        view
        returns (uint256[] memory);
    function getClaimableEther(uint256[] calldata ids, uint256[] calldata hints)
        external
        view
        returns (uint256[] memory);
    function claimWithdrawals(uint256[] calldata ids, uint256[] calldata hints) external;
}
