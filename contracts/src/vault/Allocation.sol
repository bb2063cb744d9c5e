// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Leg, LegKind, MarketRules} from "../Types.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {Buckets} from "./Buckets.sol";
import {Moves} from "./Moves.sol";

/// @title What the allocator can do: carry out plans within caps and bounds
/// @notice Money goes between idle and listed markets and nowhere else. Every loss against reported value is counted.
abstract contract Allocation is Moves {
    using Math for uint256;
    using SafeERC20 for IERC20;

    /// @notice Longest that the guardian can lift the bound on losses for plans with only exits.
    uint256 public constant MAX_EXIT_LOSSES = 1 days;

    /// @notice What the allocator has entered and lost lately; the vault made it and it obeys the vault only.
    Buckets public immutable buckets = new Buckets();

    /// @notice Until when plans with only exits may lose more than the bounds.
    uint256 public exitLossesAllowedUntil;

    /// @notice Whether a plan was carried out.
    mapping(bytes32 planId => bool) public isPlanUsed;

    /// @dev What a plan has done so far.
    struct Tally {
        bytes32 planId;
        bool lossesAllowed;
        uint256 entered;
        uint256 lost;
    }

    /// @notice Carries out a plan: exits, harvests, arrangements, entries, in this order. Allocator only.
    /// @param planId Name of the plan; each can be carried out once.
    /// @param validUntil Last time at which it may be carried out.
    /// @param expectedHash `preStateHash()` the plan was made for; zero will do for a plan with only exits
    /// and harvests.
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

    /// @notice Lifts the bounds on losses for plans with only exits and harvests until `until`, at most a day; the guards of each
    /// leg still hold. A time that has passed ends it.
    function allowExitLosses(uint256 until) external {
        _only(guardian);
        exitLossesAllowedUntil = _within(until, 0, block.timestamp + MAX_EXIT_LOSSES);
        emit ExitLossesAllowed(until);
    }

    /// @notice Returns how much more may be entered, lost today and lost this month, in parts of 1e18 of net assets.
    function room() external view returns (uint256 turnover, uint256 dayLoss, uint256 monthLoss) {
        return buckets.room();
    }

    /// @dev Moves the money and books what came of it.
    function _carryOut(Tally memory tally, Leg[] calldata legs) private {
        Quote memory q = _settle();
        uint256 before = q.gross;
        uint256 totalBefore = _low(q);
        _moving = true;
        for (uint256 i = 0; i < legs.length; ++i) {
            uint256 moved = _carryLeg(q, tally, legs[i], i);
            emit Moved(tally.planId, legs[i].market, legs[i].kind, moved);
        }
        buckets.pour(tally.entered, tally.lossesAllowed ? 0 : tally.lost, before);
        _absorb(q, before, q.gross, 0);
        _book(q);
        _moving = false;
        emit Reallocated(tally.planId, planCount, totalBefore, _low(q));
    }

    /// @dev Carries one leg out within its guard, its cap and the bound on its loss. Returns what an entry moved, or what
    /// came to idle.
    function _carryLeg(Quote memory q, Tally memory tally, Leg calldata leg, uint256 place) private returns (uint256) {
        Reading memory before = _admit(leg, tally.lossesAllowed);
        uint256 sent = leg.kind == LegKind.Entry ? _send(q, leg) : 0;
        uint256 held = _balance();
        uint256 moved = _call(leg, sent);
        (uint256 got, uint256 low) = _accept(q, leg.market, before, held);
        if (leg.kind == LegKind.Entry) {
            _checkCap(leg.market, low, q.gross);
            _checkGuard(leg, place, low.saturatingSub(before.low));
        } else if (leg.kind == LegKind.Exit) {
            _checkGuard(leg, place, got);
        } else {
            _checkGuard(leg, place, got + low);
            moved = before.low;
        }
        if (leg.kind >= LegKind.Arrange) tally.entered += moved;
        _count(tally, leg.market, moved, (before.low + sent).saturatingSub(low + got));
        return leg.kind == LegKind.Entry ? sent : got;
    }

    /// @dev Reads the market of a leg and reverts unless the leg may be carried out.
    function _admit(Leg calldata leg, bool lossesAllowed) private view returns (Reading memory before) {
        MarketRules memory rules = marketRules[leg.market];
        if (!rules.isListed) revert NotListed(leg.market);
        before = _read(leg.market);
        if (leg.kind < LegKind.Arrange) {
            if (!before.isFresh && !lossesAllowed) revert MarketUnreadable(leg.market);
        } else if (entriesPaused || !before.isFresh || rules.markBps != 0) {
            revert EntriesClosed();
        }
    }

    /// @dev Reverts if a position of `worth` is above its caps.
    function _checkCap(address market, uint256 worth, uint256 gross) private view {
        MarketRules memory rules = marketRules[market];
        uint256 cap = Math.min(rules.absoluteCap, gross * rules.relativeCapBps / BPS);
        if (worth > cap) revert CapExceeded(market, worth, cap);
    }

    /// @dev Reverts unless `found` is within the guard of the leg.
    function _checkGuard(Leg calldata leg, uint256 place, uint256 found) private pure {
        if (found < leg.minimum || found > leg.maximum) {
            revert OutsideGuard(place, found, leg.minimum, leg.maximum);
        }
    }

    /// @dev Sends what an entry moves, beside what the queue is owed, to its market.
    function _send(Quote memory q, Leg calldata leg) private returns (uint256 assets) {
        uint256 free = idle.saturatingSub(_queueOwed(q));
        assets = leg.assets == type(uint256).max ? free : leg.assets;
        if (assets > free) revert NotEnoughIdle(assets, free);
        idle -= assets;
        q.gross -= assets;
        IERC20(asset()).safeTransfer(leg.market, assets);
    }

    /// @dev Calls the market. Returns what an exit or an entry moves.
    function _call(Leg calldata leg, uint256 sent) private returns (uint256 assets) {
        IMarket market = IMarket(leg.market);
        if (leg.kind == LegKind.Exit) {
            assets = leg.assets == type(uint256).max ? _liquidity(leg.market) : leg.assets;
            market.withdraw(assets);
        } else if (leg.kind == LegKind.Harvest) {
            market.harvest(leg.data);
        } else if (leg.kind == LegKind.Entry) {
            market.deposit(sent, leg.data);
            assets = sent;
        } else {
            market.arrange(leg.data);
        }
    }

    /// @dev Bounds the loss of one leg, as a part of the assets it moves or of the position it arranges, and adds it up.
    function _count(Tally memory tally, address market, uint256 assets, uint256 loss) private view {
        uint256 most = assets * bounds.moveLossBps / BPS + DUST;
        if (loss > most && !tally.lossesAllowed) revert MoveLoss(market, loss, most);
        tally.lost += loss;
    }

    /// @dev Exits first, then harvests, arrangements, entries. Returns whether there are only exits and harvests.
    function _checkOrder(Leg[] calldata legs) private pure returns (bool onlyExits) {
        if (legs.length == 0) revert PlanEmpty();
        LegKind last = LegKind.Exit;
        for (uint256 i = 0; i < legs.length; ++i) {
            if (legs[i].kind < last) revert LegOutOfOrder(i);
            last = legs[i].kind;
        }
        return last < LegKind.Arrange;
    }
}
