// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";

/// @title The functions of a price feed that are called, as Chainlink's AggregatorV3Interface has them
interface IFeed {
    /// @notice Returns the decimals of the answer.
    function decimals() external view returns (uint8);

    /// @notice Returns the newest answer and when it was given.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}

/// @title A token's worth in the vault's asset, from one feed or from two over a common unit
/// @notice With two feeds the price is the first over the second, such as ETH/USD over USDC/USD. The band is how far the
/// true price may be from the answers: what the feeds let it move before they answer anew, and a margin.
/// @dev An answer that is too old, from the future or outside its limits is not fresh; it is taken to the limit it broke.
/// A feed that fails counts as the limit that makes the token worth least.
contract FeedOracle is IPriceOracle {
    using Math for uint256;

    uint256 private constant BPS = 10_000;

    /// @notice A feed and what to believe of it.
    /// @param feed The feed; zero where there is none.
    /// @param heartbeat Seconds after which an answer is too old.
    /// @param minimum Least answer that is believed, in the feed's decimals.
    /// @param maximum Most that is believed.
    struct Feed {
        address feed;
        uint32 heartbeat;
        uint104 minimum;
        uint104 maximum;
    }

    /// @notice A setting that makes no sense.
    error BadSetting();

    /// @notice How far the true price may be from the answers, in parts of 10,000.
    uint256 public immutable bandBps;

    /// @dev The price is the first answer times `_up`, over the second one times `_down`.
    uint256 private immutable _up;
    uint256 private immutable _down;

    Feed private _base;
    Feed private _over;

    /// @param token The token that is priced.
    /// @param asset What it is priced in.
    /// @param base Feed of the token, in the asset or in a common unit.
    /// @param over Feed of the asset in the common unit; zero when `base` is in the asset.
    constructor(address token, address asset, Feed memory base, Feed memory over, uint256 bandBps_) {
        if (bandBps_ >= BPS / 2) revert BadSetting();
        bandBps = bandBps_;
        (_base, _over) = (base, over);
        uint256 up = 10 ** IERC20Metadata(asset).decimals();
        uint256 down = 10 ** (IERC20Metadata(token).decimals() + _check(base));
        if (over.feed != address(0)) up *= 10 ** _check(over);
        (_up, _down) = (up, down);
    }

    /// @notice Returns the settings of both feeds.
    function feeds() external view returns (Feed memory base, Feed memory over) {
        return (_base, _over);
    }

    /// @inheritdoc IPriceOracle
    function quote(uint256 amount) external view returns (uint256 low, uint256 high, bool isFresh) {
        (uint256 answer, bool fresh) = _answer(_base, false);
        uint256 up = answer * _up;
        uint256 down = _down;
        isFresh = fresh;
        if (_over.feed != address(0)) {
            (answer, fresh) = _answer(_over, true);
            down *= answer;
            isFresh = isFresh && fresh;
        }
        low = amount.mulDiv(up * (BPS - bandBps), down * BPS);
        high = amount.mulDiv(up * (BPS + bandBps), down * BPS, Math.Rounding.Ceil);
    }

    /// @dev The answer within its limits, and whether it is fresh and was within them.
    function _answer(Feed memory feed, bool isOver) private view returns (uint256, bool) {
        try IFeed(feed.feed).latestRoundData() returns (uint80, int256 found, uint256, uint256 since, uint80) {
            if (found < int256(uint256(feed.minimum))) return (feed.minimum, false);
            if (found > int256(uint256(feed.maximum))) return (feed.maximum, false);
            return (uint256(found), since <= block.timestamp && block.timestamp - since <= feed.heartbeat);
        } catch {
            return (isOver ? feed.maximum : feed.minimum, false);
        }
    }

    /// @dev The decimals of a feed whose settings make sense.
    function _check(Feed memory feed) private view returns (uint8) {
        if (feed.minimum == 0 || feed.maximum < feed.minimum || feed.heartbeat == 0) revert BadSetting();
        return IFeed(feed.feed).decimals();
    }
}
