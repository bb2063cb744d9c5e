// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Moves} from "./Moves.sol";

/// @title The queue of those who want out while not everything can be paid
/// @notice Shares wait here, keep their price until they are paid, and come before direct withdrawals and entries.
/// Each payment is split by shares waiting, whoever came first. One leaves at any time.
/// @dev A round is a pool of shares owned in units. Paying burns shares and leaves units as they are; joining makes
/// units at the going rate. A round whose units outgrew its shares a billionfold takes no more, and is paid first.
abstract contract RedeemQueue is Moves {
    using Math for uint256;

    uint256 private constant MOST_UNITS_PER_SHARE = 1e9;
    uint256 private constant PAID_SCALE = 1e36;
    /// @dev Taking money out of markets may cost those who wait a hundredth of what they are paid, or it is refused:
    /// nobody can make them pay more by calling. Who accepts more can take their shares back and `redeemUpTo`.
    uint256 private constant MOST_COST_PART = 100;

    /// @dev Shares waiting, who owns them in units, and what a unit was paid since the round began.
    struct Round {
        uint256 units;
        uint256 shares;
        uint256 paidPerUnit;
    }

    /// @dev A holder's units in a round, how far they were paid into `owed`, and what waits to be collected.
    struct Place {
        uint256 round;
        uint256 units;
        uint256 paidPerUnit;
        uint256 owed;
    }

    mapping(uint256 round => Round) private _rounds;
    mapping(address holder => Place) private _places;
    uint256 private _joinRound;
    uint256 private _payRound;

    /// @notice Shares that wait in the queue.
    uint256 public queueShares;

    /// @notice Puts shares into the queue. Opens no right to a price: they are paid at the price when paid.
    function requestRedeem(uint256 shares) external nonReentrant {
        _transfer(msg.sender, address(this), shares);
        uint256 back = _depart(msg.sender);
        _join(msg.sender, shares + back);
        emit RedeemRequested(msg.sender, _joinRound, shares);
    }

    /// @notice Takes the caller's unpaid shares back out; what was paid stays to be collected.
    function cancelRedeem() external nonReentrant returns (uint256 shares) {
        shares = _depart(msg.sender);
        _transfer(address(this), msg.sender, shares);
        emit RedeemCancelled(msg.sender, shares);
    }

    /// @notice Sends what the caller was paid to `receiver`. Looks at no market, so no market can stop it.
    function claimRedeem(address receiver) external nonReentrant returns (uint256 assets) {
        Place storage place = _places[msg.sender];
        _credit(place);
        assets = place.owed;
        place.owed = 0;
        reserved -= assets;
        _payOut(receiver, assets);
        emit RedeemClaimed(msg.sender, receiver, assets);
    }

    /// @notice Pays the queue what can be paid now. Anyone may call.
    function payQueue() external nonReentrant {
        if (queueShares == 0) return;
        Quote memory q = _settle();
        _moving = true;
        while (_pay(q)) {}
        _moving = false;
    }

    /// @notice Returns a holder's shares that wait and assets that can be collected.
    function queued(address holder) external view returns (uint256 shares, uint256 assets) {
        Place memory place = _places[holder];
        Round memory round = _rounds[place.round];
        if (place.units != 0) shares = place.units.mulDiv(round.shares, round.units);
        assets = place.owed + place.units.mulDiv(round.paidPerUnit - place.paidPerUnit, PAID_SCALE);
    }

    /// @inheritdoc Moves
    function _queueShares() internal view override returns (uint256) {
        return queueShares;
    }

    /// @dev Pays one round. Returns whether it was paid in full and another waits.
    function _pay(Quote memory q) private returns (bool) {
        Round storage round = _rounds[_payRound];
        if (round.shares != 0) {
            uint256 gross = q.gross;
            (uint256 paid, uint256 burned) = _raiseFor(q, round.shares, type(uint256).max);
            uint256 cost = gross.saturatingSub(q.gross);
            if (cost > paid / MOST_COST_PART + DUST * MAX_MARKETS) revert UnwindingCost(cost);
            round.shares -= burned;
            queueShares -= burned;
            round.paidPerUnit += paid.mulDiv(PAID_SCALE, round.units);
            reserved += paid;
            _burnFor(q, address(this), burned, paid);
            _book(q);
            emit QueuePaid(_payRound, paid, burned);
        }
        if (round.shares != 0 || _payRound == _joinRound) return false;
        _payRound += 1;
        return true;
    }

    /// @dev Adds shares of `holder`, who has no units, to the round that is open.
    function _join(address holder, uint256 shares) private {
        if (shares == 0) return;
        Round storage round = _rounds[_joinRound];
        if (round.units != 0 && (round.shares == 0 || round.units / round.shares >= MOST_UNITS_PER_SHARE)) {
            _joinRound += 1;
            if (round.shares == 0 && _payRound + 1 == _joinRound) _payRound = _joinRound;
            round = _rounds[_joinRound];
        }
        uint256 units = round.units == 0 ? shares : shares.mulDiv(round.units, round.shares);
        Place storage place = _places[holder];
        place.round = _joinRound;
        place.units = units;
        place.paidPerUnit = round.paidPerUnit;
        round.units += units;
        round.shares += shares;
        queueShares += shares;
    }

    /// @dev Takes the holder's units out of its round. Returns the shares they still own.
    function _depart(address holder) private returns (uint256 shares) {
        Place storage place = _places[holder];
        _credit(place);
        if (place.units == 0) return 0;
        Round storage round = _rounds[place.round];
        shares = place.units.mulDiv(round.shares, round.units);
        round.units -= place.units;
        round.shares -= shares;
        queueShares -= shares;
        place.units = 0;
    }

    /// @dev Moves what the units were paid since last time into what is owed.
    function _credit(Place storage place) private {
        Round storage round = _rounds[place.round];
        if (place.units != 0) place.owed += place.units.mulDiv(round.paidPerUnit - place.paidPerUnit, PAID_SCALE);
        place.paidPerUnit = round.paidPerUnit;
    }
}
