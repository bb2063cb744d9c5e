// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {PriceFeed} from "../local/PriceFeed.sol";
import {FeedOracle} from "../src/oracles/FeedOracle.sol";

/// @notice A feed with six decimals, in the asset, and the oracle over it; its answer and its age are set by tests. Its
/// heartbeat is ten years, so that only tests that say so see an old answer.
contract Price {
    address public immutable oracle;
    PriceFeed public immutable feed;
    uint256 public num;
    bool public fresh = true;

    constructor(address token, address asset, uint256 answer, uint256 bandBps) {
        feed = new PriceFeed("price", 6, int256(answer));
        num = answer;
        FeedOracle.Feed memory none;
        FeedOracle.Feed memory base = FeedOracle.Feed(address(feed), 3650 days, 1, type(uint104).max);
        oracle = address(new FeedOracle(token, asset, base, none, bandBps));
    }

    function set(uint256 answer, bool isFresh) external {
        (num, fresh) = (answer, isFresh);
        feed.postAt(int256(answer), isFresh ? block.timestamp : 1);
    }
}
