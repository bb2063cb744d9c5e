//! Staked ether, oracles and the market contracts of pools and staked ether.
#![allow(missing_docs, reason = "the functions are the contracts' own, documented there")]

use alloy::sol;

sol! {
    #![sol(all_derives)]

    /// `contracts/local/StakedEth.sol`.
    interface IStakedEth {
        function submit(address referral) external payable returns (uint256 shares);
        function setQueue(address queue) external;
        function reportRewards() external payable;
        function reportSlashing(uint256 lost) external;
        function finalize(uint256 lastId) external;
        function totalSupply() external view returns (uint256);
        function getTotalShares() external view returns (uint256);
        function getPooledEthByShares(uint256 shares) external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
    }

    /// `contracts/local/WrappedStakedEth.sol`, beside what every token has.
    interface IWrappedStakedEth {
        function getStETHByWstETH(uint256 amount) external view returns (uint256);
        function getWstETHByStETH(uint256 amount) external view returns (uint256);
        function transfer(address to, uint256 amount) external returns (bool);
        function balanceOf(address account) external view returns (uint256);
    }

    /// `contracts/local/WithdrawalQueue.sol`.
    interface IWithdrawalQueue {
        struct Status { uint256 amountOfStETH; uint256 amountOfShares; address owner; uint256 timestamp; bool isFinalized; bool isClaimed; }
        function requestWithdrawalsWstETH(uint256[] amounts, address owner) external returns (uint256[] ids);
        function claimWithdrawal(uint256 id) external;
        function getWithdrawalStatus(uint256[] ids) external view returns (Status[] statuses);
        function getLastRequestId() external view returns (uint256);
        function getLastFinalizedRequestId() external view returns (uint256);
        function unfinalizedStETH() external view returns (uint256);
        function getWithdrawalRequests(address owner) external view returns (uint256[] ids);
    }

    /// `contracts/src/oracles/FeedOracle.sol`.
    interface IFeedOracle {
        struct Feed { address feed; uint32 heartbeat; uint104 minimum; uint104 maximum; }
        function quote(uint256 amount) external view returns (uint256 low, uint256 high, bool isFresh);
    }

    /// `contracts/src/markets`: what every market contract has.
    interface IMarketContract {
        function value() external view returns (uint256 low, uint256 high, bool isFresh);
        function liquidity() external view returns (uint256);
    }

    struct UniswapV3MarketSettings {
        address pool;
        address manager;
        address swap;
        address oracle;
        address staker;
        address reward;
        address rewardOracle;
        address rewardSwap;
        uint24 minWidth;
        uint24 maxWidth;
        uint24 maxMiddleDistance;
        uint24 maxSpotDistance;
        uint256 slippageBps;
        uint256 staleBandBps;
    }

    struct UniswapV2MarketSettings {
        address pair;
        address oracle;
        address staking;
        address rewardOracle;
        address rewardSwap;
        uint256 slippageBps;
        uint256 staleBandBps;
    }

    struct StakedEthMarketSettings {
        address wstEth;
        address queue;
        address oracle;
        address swap;
        uint256 slippageBps;
        uint256 staleBandBps;
    }
}
