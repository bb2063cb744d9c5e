// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title A stand-in for Compound III's Comet
/// @notice The base asset alone, with Comet's names, types and rounding, written from its published arithmetic. Nobody has to
/// pledge anything: a balance may be negative as far as there is cash. Anyone may pause it.
contract Comet {
    struct TotalsBasic {
        uint64 baseSupplyIndex;
        uint64 baseBorrowIndex;
        uint64 trackingSupplyIndex;
        uint64 trackingBorrowIndex;
        uint104 totalSupplyBase;
        uint104 totalBorrowBase;
        uint40 lastAccrualTime;
        uint8 pauseFlags;
    }

    struct UserBasic {
        int104 principal;
        uint64 baseTrackingIndex;
        uint64 baseTrackingAccrued;
        uint16 assetsIn;
        uint8 reserved;
    }

    /// @param kink Utilization, in parts of 1e18; rates of a year likewise.
    struct Curve {
        uint64 base;
        uint64 slopeLow;
        uint64 slopeHigh;
        uint64 kink;
    }

    uint256 private constant ONE = 1e18;
    uint256 private constant INDEX = 1e15;
    uint256 private constant YEAR = 365 days;

    address public immutable baseToken;
    uint256 public immutable supplyKink;
    uint256 public immutable supplyPerSecondInterestRateBase;
    uint256 public immutable supplyPerSecondInterestRateSlopeLow;
    uint256 public immutable supplyPerSecondInterestRateSlopeHigh;
    uint256 public immutable borrowKink;
    uint256 public immutable borrowPerSecondInterestRateBase;
    uint256 public immutable borrowPerSecondInterestRateSlopeLow;
    uint256 public immutable borrowPerSecondInterestRateSlopeHigh;

    mapping(address account => UserBasic) public userBasic;
    bool public isSupplyPaused;
    bool public isWithdrawPaused;
    TotalsBasic private _totals;

    error Paused();
    error BadAsset();

    constructor(address token, Curve memory supply_, Curve memory borrow) {
        baseToken = token;
        supplyKink = supply_.kink;
        supplyPerSecondInterestRateBase = supply_.base / YEAR;
        supplyPerSecondInterestRateSlopeLow = supply_.slopeLow / YEAR;
        supplyPerSecondInterestRateSlopeHigh = supply_.slopeHigh / YEAR;
        borrowKink = borrow.kink;
        borrowPerSecondInterestRateBase = borrow.base / YEAR;
        borrowPerSecondInterestRateSlopeLow = borrow.slopeLow / YEAR;
        borrowPerSecondInterestRateSlopeHigh = borrow.slopeHigh / YEAR;
        _totals.baseSupplyIndex = uint64(INDEX);
        _totals.baseBorrowIndex = uint64(INDEX);
        _totals.lastAccrualTime = uint40(block.timestamp);
    }

    function pause(bool supply_, bool, bool withdraw_, bool, bool) external {
        (isSupplyPaused, isWithdrawPaused) = (supply_, withdraw_);
    }

    function supply(address asset, uint256 amount) external {
        if (asset != baseToken) revert BadAsset();
        if (isSupplyPaused) revert Paused();
        IERC20(asset).transferFrom(msg.sender, address(this), amount);
        _change(int256(amount));
    }

    function withdraw(address asset, uint256 amount) external {
        if (asset != baseToken) revert BadAsset();
        if (isWithdrawPaused) revert Paused();
        _change(-int256(amount));
        IERC20(asset).transfer(msg.sender, amount);
    }

    function totalsBasic() external view returns (TotalsBasic memory) {
        return _totals;
    }

    function totalSupply() external view returns (uint256) {
        (uint64 index,) = _indices();
        return _present(_totals.totalSupplyBase, index);
    }

    function totalBorrow() external view returns (uint256) {
        (, uint64 index) = _indices();
        return _present(_totals.totalBorrowBase, index);
    }

    function balanceOf(address account) external view returns (uint256) {
        (uint64 index,) = _indices();
        int104 principal = userBasic[account].principal;
        return principal > 0 ? _present(uint104(principal), index) : 0;
    }

    function borrowBalanceOf(address account) external view returns (uint256) {
        (, uint64 index) = _indices();
        int104 principal = userBasic[account].principal;
        return principal < 0 ? _present(uint104(-principal), index) : 0;
    }

    /// @notice By the indices as they were written last, as with Comet.
    function getUtilization() public view returns (uint256) {
        uint256 supplied = _present(_totals.totalSupplyBase, _totals.baseSupplyIndex);
        if (supplied == 0) return 0;
        return _present(_totals.totalBorrowBase, _totals.baseBorrowIndex) * ONE / supplied;
    }

    function getSupplyRate(uint256 utilization) public view returns (uint64) {
        return _rate(
            utilization,
            supplyPerSecondInterestRateBase,
            supplyPerSecondInterestRateSlopeLow,
            supplyPerSecondInterestRateSlopeHigh,
            supplyKink
        );
    }

    function getBorrowRate(uint256 utilization) public view returns (uint64) {
        return _rate(
            utilization,
            borrowPerSecondInterestRateBase,
            borrowPerSecondInterestRateSlopeLow,
            borrowPerSecondInterestRateSlopeHigh,
            borrowKink
        );
    }

    function _rate(uint256 at, uint256 base, uint256 low, uint256 high, uint256 kink)
        private
        pure
        returns (uint64)
    {
        if (at <= kink) return uint64(base + low * at / ONE);
        return uint64(base + low * kink / ONE + high * (at - kink) / ONE);
    }

    function _indices() private view returns (uint64 supplied, uint64 borrowed) {
        (supplied, borrowed) = (_totals.baseSupplyIndex, _totals.baseBorrowIndex);
        uint256 elapsed = block.timestamp - _totals.lastAccrualTime;
        if (elapsed == 0) return (supplied, borrowed);
        uint256 utilization = getUtilization();
        supplied += uint64(uint256(supplied) * (getSupplyRate(utilization) * elapsed) / ONE);
        borrowed += uint64(uint256(borrowed) * (getBorrowRate(utilization) * elapsed) / ONE);
    }

    function _change(int256 amount) private {
        (_totals.baseSupplyIndex, _totals.baseBorrowIndex) = _indices();
        _totals.lastAccrualTime = uint40(block.timestamp);
        int104 old = userBasic[msg.sender].principal;
        int256 balance = old >= 0
            ? int256(_present(uint104(old), _totals.baseSupplyIndex))
            : -int256(_present(uint104(-old), _totals.baseBorrowIndex));
        balance += amount;
        int104 next = balance >= 0
            ? int104(uint104(uint256(balance) * INDEX / _totals.baseSupplyIndex))
            : -int104(
                uint104(
                    (uint256(-balance) * INDEX + _totals.baseBorrowIndex - 1) / _totals.baseBorrowIndex
                )
            );
        userBasic[msg.sender].principal = next;
        _totals.totalSupplyBase = _totals.totalSupplyBase + _above(next) - _above(old);
        _totals.totalBorrowBase = _totals.totalBorrowBase + _above(-next) - _above(-old);
    }

    function _above(int104 principal) private pure returns (uint104) {
        return principal > 0 ? uint104(principal) : 0;
    }

    function _present(uint104 principal, uint64 index) private pure returns (uint256) {
        return uint256(principal) * index / INDEX;
    }
}
