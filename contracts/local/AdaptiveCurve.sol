// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IIrm, Market, MarketParams} from "./interfaces/IMorpho.sol";

/// @title A re-implementation of Morpho's adaptive curve interest rate model
/// @notice The deployed AdaptiveCurveIrm is in no package. This one is written from its published arithmetic and
/// rounds as it does: every division rounds to zero.
contract AdaptiveCurve is IIrm {
    int256 private constant WAD = 1e18;
    int256 public constant CURVE_STEEPNESS = 4e18;
    int256 public constant ADJUSTMENT_SPEED = 50e18 / int256(365 days);
    int256 public constant TARGET_UTILIZATION = 0.9e18;
    int256 public constant INITIAL_RATE_AT_TARGET = 0.04e18 / int256(365 days);
    int256 public constant MIN_RATE_AT_TARGET = 0.001e18 / int256(365 days);
    int256 public constant MAX_RATE_AT_TARGET = 2e18 / int256(365 days);

    int256 private constant LN_2 = 0.693147180559945309e18;
    int256 private constant LN_WEI = -41.446531673892822312e18;
    int256 private constant EXP_UPPER_BOUND = 93.859467695000404319e18;
    int256 private constant EXP_UPPER_VALUE =
        57716089161558943949701069502944508345128.422502756744429568e18;

    address public immutable MORPHO;

    /// @notice The rate at target utilization of each market, per second; zero before the first interaction.
    mapping(bytes32 => int256) public rateAtTarget;

    event BorrowRateUpdate(bytes32 indexed id, uint256 avgBorrowRate, uint256 rateAtTarget);

    constructor(address morpho) {
        MORPHO = morpho;
    }

    function borrowRateView(MarketParams memory params, Market memory market) external view returns (uint256) {
        (uint256 average,) = _borrowRate(keccak256(abi.encode(params)), market);
        return average;
    }

    function borrowRate(MarketParams memory params, Market memory market) external returns (uint256) {
        require(msg.sender == MORPHO, "not Morpho");
        bytes32 id = keccak256(abi.encode(params));
        (uint256 average, int256 end) = _borrowRate(id, market);
        rateAtTarget[id] = end;
        emit BorrowRateUpdate(id, average, uint256(end));
        return average;
    }

    function _borrowRate(bytes32 id, Market memory market) private view returns (uint256, int256) {
        int256 utilization = market.totalSupplyAssets == 0
            ? int256(0)
            : int256(uint256(market.totalBorrowAssets) * uint256(WAD) / market.totalSupplyAssets);
        int256 room = utilization > TARGET_UTILIZATION ? WAD - TARGET_UTILIZATION : TARGET_UTILIZATION;
        int256 distance = (utilization - TARGET_UTILIZATION) * WAD / room;
        int256 start = rateAtTarget[id];
        if (start == 0) {
            return (uint256(_curve(INITIAL_RATE_AT_TARGET, distance)), INITIAL_RATE_AT_TARGET);
        }
        // The market cannot have been updated in the future, and no difference of times comes near 2^255.
        int256 elapsed = int256(block.timestamp - market.lastUpdate);
        int256 adaptation = (ADJUSTMENT_SPEED * distance / WAD) * elapsed;
        if (adaptation == 0) return (uint256(_curve(start, distance)), start);
        int256 end = _moved(start, adaptation);
        int256 middle = _moved(start, adaptation / 2);
        return (uint256(_curve((start + end + 2 * middle) / 4, distance)), end);
    }

    function _curve(int256 atTarget, int256 distance) private pure returns (int256) {
        int256 coefficient = distance < 0 ? WAD - WAD * WAD / CURVE_STEEPNESS : CURVE_STEEPNESS - WAD;
        return (coefficient * distance / WAD + WAD) * atTarget / WAD;
    }

    function _moved(int256 start, int256 adaptation) private pure returns (int256) {
        int256 rate = start * _exponential(adaptation) / WAD;
        if (rate > MAX_RATE_AT_TARGET) return MAX_RATE_AT_TARGET;
        return rate < MIN_RATE_AT_TARGET ? MIN_RATE_AT_TARGET : rate;
    }

    /// @dev 2^q (1 + r + r^2 / 2), where x = q ln 2 + r and q is x / ln 2 to the nearest.
    function _exponential(int256 x) private pure returns (int256) {
        if (x < LN_WEI) return 0;
        if (x >= EXP_UPPER_BOUND) return EXP_UPPER_VALUE;
        int256 doublings = (x + (x < 0 ? -(LN_2 / 2) : LN_2 / 2)) / LN_2;
        int256 rest = x - doublings * LN_2;
        int256 taylor = WAD + rest + rest * rest / WAD / 2;
        return doublings < 0 ? taylor >> uint256(-doublings) : taylor << uint256(doublings);
    }
}
