// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What is used of Balancer's Vault
interface IBalancerVault {
    struct JoinPoolRequest {
        address[] assets;
        uint256[] maxAmountsIn;
        bytes userData;
        bool fromInternalBalance;
    }

    struct ExitPoolRequest {
        address[] assets;
        uint256[] minAmountsOut;
        bytes userData;
        bool toInternalBalance;
    }

    struct UserBalanceOp {
        uint8 kind;
        address asset;
        uint256 amount;
        address sender;
        address payable recipient;
    }

    struct SingleSwap {
        bytes32 poolId;
        uint8 kind;
        address assetIn;
        address assetOut;
        uint256 amount;
        bytes userData;
    }

    struct FundManagement {
        address sender;
        bool fromInternalBalance;
        address payable recipient;
        bool toInternalBalance;
    }

    function swap(SingleSwap calldata one, FundManagement calldata funds, uint256 limit, uint256 deadline)
        external
        payable
        returns (uint256);
    function getPoolTokens(bytes32 poolId)
        external
        view
        returns (address[] memory tokens, uint256[] memory balances, uint256 lastChangeBlock);
    function joinPool(bytes32 poolId, address sender, address recipient, JoinPoolRequest calldata request)
        external
        payable;
    function exitPool(bytes32 poolId, address sender, address payable recipient, ExitPoolRequest calldata request)
        external;
    function manageUserBalance(UserBalanceOp[] calldata ops) external payable;
}

/// @title What is used of a ComposableStablePool
interface IStablePool {
    function getVault() external view returns (address);
    function getPoolId() external view returns (bytes32);
    function getBptIndex() external view returns (uint256);
    function getRate() external view returns (uint256);
    function getTokenRate(address token) external view returns (uint256);
    function getRateProviders() external view returns (address[] memory);
    function getScalingFactors() external view returns (uint256[] memory);
    function getActualSupply() external view returns (uint256);
    function getSwapFeePercentage() external view returns (uint256);
    function getAmplificationParameter() external view returns (uint256 value, bool isUpdating, uint256 precision);
    function getPausedState() external view returns (bool paused, uint256 windowEnd, uint256 bufferEnd);
    function balanceOf(address account) external view returns (uint256);
    function transfer(address to, uint256 amount) external returns (bool);
}

/// @title What gives the rate of a token that grows
interface IRateProvider {
    function getRate() external view returns (uint256);
}
