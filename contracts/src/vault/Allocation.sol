// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Bounds, Leg, MarketRules} from "../Types.sol";
import {LeakyBucket} from "../libraries/LeakyBucket.sol";
import {Moves} from "./Moves.sol";

/// @title What the allocator can do: carry out plans within caps and bounds
/// @notice Money goes between idle and listed markets and nowhere else. Every loss against reported value is counted.
abstract contract Allocation is Moves {
    using Math for uint256;
    using LeakyBucket for LeakyBucket.Bucket;

    /// @notice Longest that the guardian can lift the bound on losses for plans with only exits.
    uint256 public constant MAX_EXIT_LOSSES = 1 days;

    uint256 private constant DAY = 1 days;
    uint256 private constant MONTH = 30 days;

    /// @notice Until when plans with only exits may lose more than the bounds.
    uint256 public exitLossesAllowedUntil;

    /// @notice Whether a plan was carried out.
    mapping(bytes32 planId => bool) public isPlanUsed;

    LeakyBucket.Bucket private _turnover;
    LeakyBucket.Bucket private _dayLoss;
    LeakyBucket.Bucket private _monthLoss;

    /// @dev What a plan has done so far.
    struct Tally {
        bytes32 planId;
        bool lossesAllowed;
        uint256 entered;
        uint256 lost;
    }

    /// @notice Carries out a plan: exits first, then entries. Allocator only.
    /// @param planId Name of the plan; each can be carried out once.
    /// @param validUntil Last time at which it may be carried out.
    /// @param expectedHash `preStateHash()` the plan was made for; zero will do for a plan with only exits.
    /// @param legs The moves, each guarded by a minimum and a maximum.
    function reallocate(bytes32 planId, uint64 validUntil, bytes32 expectedHash, Leg[] calldata legs)
        external
        nonReentrant
    {
        _only(allocator);
        bool onlyExits = _checkOrder(legs);
        if (isPlanUsed[planId]) revert PlanUsed(planId);
        if (validUntil < block.timestamp) revert PlanExpired(validUntil, block.timestamp);
        bytes32 found = preStateHash();
        if (expectedHash != found && !(onlyExits && expectedHash == 0)) revert RulesChanged(expectedHash, found);
        isPlanUsed[planId] = true;
        planCount += 1;
        _carryOut(Tally(planId, onlyExits && block.timestamp <= exitLossesAllowedUntil, 0, 0), legs);
    }

    /// @notice Lifts the bounds on losses for plans with only exits until `until`, at most a day; the guards of each
    /// leg still hold. A time that has passed ends it.
    function allowExitLosses(uint256 until) external {
        _only(guardian);
        exitLossesAllowedUntil = _within(until, 0, block.timestamp + MAX_EXIT_LOSSES);
        emit ExitLossesAllowed(until);
    }

    /// @notice Returns how much more may be entered, lost today and lost this month, in parts of 1e18 of net assets.
    function room() external view returns (uint256 turnover, uint256 dayLoss, uint256 monthLoss) {
        (uint256 turnoverSize, uint256 daySize, uint256 monthSize) = _sizes();
        turnover = turnoverSize.saturatingSub(_turnover.fill(turnoverSize, DAY));
        dayLoss = daySize.saturatingSub(_dayLoss.fill(daySize, DAY));
        monthLoss = monthSize.saturatingSub(_monthLoss.fill(monthSize, MONTH));
    }

    /// @dev Moves the money and books what came of it.
    function _carryOut(Tally memory tally, Leg[] calldata legs) private {
        Quote memory q = _settle();
        uint256 before = q.gross;
        uint256 totalBefore = _low(q);
        _moving = true;
        for (uint256 i = 0; i < legs.length; ++i) {
            uint256 moved = legs[i].isEntry ? _entry(q, tally, legs[i], i) : _exit(q, tally, legs[i], i);
            emit Moved(tally.planId, legs[i].market, legs[i].isEntry, moved);
        }
        _pour(tally, before);
        _absorb(q, before, q.gross, 0);
        _book(q);
        _moving = false;
        emit Reallocated(tally.planId, planCount, totalBefore, _low(q));
    }

    /// @dev Market to idle. Returns what came.
    function _exit(Quote memory q, Tally memory tally, Leg calldata leg, uint256 place) private returns (uint256 got) {
        if (!marketRules[leg.market].isListed) revert NotListed(leg.market);
        (, bool readable) = _read(leg.market);
        if (!readable && !tally.lossesAllowed) revert MarketUnreadable(leg.market);
        uint256 assets = leg.assets == type(uint256).max ? _liquidity(leg.market) : leg.assets;
        uint256 spent;
        (got, spent) = _takeOut(q, leg.market, assets, false);
        if (got < leg.minimum || got > leg.maximum) revert OutsideGuard(place, got, leg.minimum, leg.maximum);
        _count(tally, leg.market, assets, spent.saturatingSub(got));
    }

    /// @dev Idle to market. Returns what went.
    function _entry(Quote memory q, Tally memory tally, Leg calldata leg, uint256 place)
        private
        returns (uint256 assets)
    {
        MarketRules memory rules = marketRules[leg.market];
        if (!rules.isListed) revert NotListed(leg.market);
        (, bool readable) = _read(leg.market);
        if (entriesPaused || !readable || rules.markBps != 0) revert EntriesClosed();
        uint256 free = idle.saturatingSub(_queueOwed(q));
        assets = leg.assets == type(uint256).max ? free : leg.assets;
        if (assets > free) revert NotEnoughIdle(assets, free);
        uint256 gained = _putIn(q, leg.market, assets);
        if (gained < leg.minimum || gained > leg.maximum) {
            revert OutsideGuard(place, gained, leg.minimum, leg.maximum);
        }
        (uint256 worth,) = _read(leg.market);
        uint256 cap = Math.min(rules.absoluteCap, q.gross * rules.relativeCapBps / BPS);
        if (worth > cap) revert CapExceeded(leg.market, worth, cap);
        tally.entered += assets;
        _count(tally, leg.market, assets, assets.saturatingSub(gained));
    }

    /// @dev Bounds the loss of one move and adds it up.
    function _count(Tally memory tally, address market, uint256 assets, uint256 loss) private view {
        uint256 most = assets * bounds.moveLossBps / BPS + DUST;
        if (loss > most && !tally.lossesAllowed) revert MoveLoss(market, loss, most);
        tally.lost += loss;
    }

    /// @dev Pours a plan's entries and losses into the buckets, as parts of net assets before the plan.
    function _pour(Tally memory tally, uint256 gross) private {
        (uint256 turnoverSize, uint256 daySize, uint256 monthSize) = _sizes();
        uint256 whole = Math.max(gross, 1);
        _turnover.pour(tally.entered.mulDiv(1e18, whole, Math.Rounding.Ceil), turnoverSize, DAY);
        if (tally.lossesAllowed) return;
        uint256 lost = tally.lost.mulDiv(1e18, whole, Math.Rounding.Ceil);
        _dayLoss.pour(lost, daySize, DAY);
        _monthLoss.pour(lost, monthSize, MONTH);
    }

    /// @dev Sizes of the buckets in parts of 1e18. A bucket lets through twice its size in a window, so those for losses
    /// are half of the bound: then the bound holds in any 24 hours and any 30 days.
    function _sizes() private view returns (uint256 turnover, uint256 dayLoss, uint256 monthLoss) {
        Bounds memory b = bounds;
        return (uint256(b.turnoverBps) * 1e14, uint256(b.dayLossBps) * 0.5e14, uint256(b.monthLossBps) * 0.5e14);
    }

    /// @dev Exits first, then entries. Returns whether there are no entries.
    function _checkOrder(Leg[] calldata legs) private pure returns (bool onlyExits) {
        if (legs.length == 0) revert PlanEmpty();
        onlyExits = true;
        for (uint256 i = 0; i < legs.length; ++i) {
            if (legs[i].isEntry) onlyExits = false;
            else if (!onlyExits) revert ExitAfterEntry(i);
        }
    }
}
