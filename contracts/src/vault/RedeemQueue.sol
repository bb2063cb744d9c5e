// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Moves} from "./Moves.sol";
import {QueueLedger} from "./QueueLedger.sol";

/// @title The queue of those who want out while not everything can be paid
/// @notice Shares wait here, keep their price until they are paid, and come before direct withdrawals and entries.
/// Each payment is split by shares waiting, whoever came first. One leaves at any time.
abstract contract RedeemQueue is Moves {
    using Math for uint256;

    /// @dev Taking money out of markets may cost those who wait a hundredth of what they are paid, or it is refused:
    /// nobody can make them pay more by calling. Who accepts more can take their shares back and `redeemUpTo`.
    uint256 private constant MOST_COST_PART = 100;

    /// @notice Who waits with what; the vault made it and it obeys the vault only.
    QueueLedger public immutable queueLedger = new QueueLedger();

    /// @notice Shares that wait in the queue.
    uint256 public queueShares;

    /// @notice Puts shares into the queue. Opens no right to a price: they are paid at the price when paid.
    function requestRedeem(uint256 shares) external nonReentrant {
        _transfer(msg.sender, address(this), shares);
        queueShares += shares;
        emit RedeemRequested(msg.sender, queueLedger.join(msg.sender, shares), shares);
    }

    /// @notice Takes the caller's unpaid shares back out; what was paid stays to be collected.
    function cancelRedeem() external nonReentrant returns (uint256 shares) {
        shares = queueLedger.depart(msg.sender);
        queueShares -= shares;
        _transfer(address(this), msg.sender, shares);
        emit RedeemCancelled(msg.sender, shares);
    }

    /// @notice Sends what the caller was paid to `receiver`. Looks at no market, so no market can stop it.
    function claimRedeem(address receiver) external nonReentrant returns (uint256 assets) {
        assets = queueLedger.collect(msg.sender);
        reserved -= assets;
        _payOut(receiver, assets);
        emit RedeemClaimed(msg.sender, receiver, assets);
    }

    /// @notice Pays the queue what can be paid now. Anyone may call. Refuses while a market's price is too old: those
    /// who wait did not choose the moment, and would be paid for less than their shares are worth.
    function payQueue() external nonReentrant {
        if (queueShares == 0) return;
        Quote memory q = _settle();
        if (q.isStale) revert PricesStale();
        _moving = true;
        while (_pay(q)) {}
        _moving = false;
    }

    /// @notice Returns a holder's shares that wait and assets that can be collected.
    function queued(address holder) external view returns (uint256 shares, uint256 assets) {
        return queueLedger.queued(holder);
    }

    /// @inheritdoc Moves
    function _queueShares() internal view override returns (uint256) {
        return queueShares;
    }

    /// @dev Pays one round. Returns whether it was paid in full and another waits.
    function _pay(Quote memory q) private returns (bool) {
        (uint256 round, uint256 shares) = queueLedger.front();
        if (shares == 0) return queueLedger.pay(0, 0);
        uint256 gross = q.gross;
        (uint256 paid, uint256 burned) = _raiseFor(q, shares, type(uint256).max);
        uint256 cost = gross.saturatingSub(q.gross);
        if (cost > paid / MOST_COST_PART + DUST * MAX_MARKETS) revert UnwindingCost(cost);
        queueShares -= burned;
        reserved += paid;
        _burnFor(q, address(this), burned, paid);
        _book(q);
        emit QueuePaid(round, paid, burned);
        return queueLedger.pay(paid, burned);
    }
}
