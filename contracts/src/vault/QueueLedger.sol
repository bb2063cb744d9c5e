// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Who waits in a vault's redeem queue, with how many shares, and what they were paid
/// @notice Holds numbers only, no shares and no money, for the vault that made it. A contract of its own because the
/// vault has no room for it.
/// @dev A round is a pool of shares owned in units. Paying burns shares and leaves units as they are; joining makes
/// units at the going rate. A round whose units outgrew its shares a billionfold takes no more, and is paid first.
contract QueueLedger {
    using Math for uint256;

    uint256 private constant MOST_UNITS_PER_SHARE = 1e9;
    uint256 private constant PAID_SCALE = 1e36;

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

    /// @notice A caller that is not the vault.
    error NotVault(address caller);

    /// @notice The only account that writes here.
    address public immutable vault = msg.sender;

    mapping(uint256 round => Round) private _rounds;
    mapping(address holder => Place) private _places;
    uint256 private _joinRound;
    uint256 private _payRound;

    /// @dev Only the vault may call.
    modifier onlyVault() {
        if (msg.sender != vault) revert NotVault(msg.sender);
        _;
    }

    /// @notice Adds `shares` to what `holder` has waiting. Returns the round.
    function join(address holder, uint256 shares) external onlyVault returns (uint256) {
        uint256 all = shares + _depart(holder);
        if (all == 0) return _joinRound;
        Round storage round = _rounds[_joinRound];
        if (round.units != 0 && (round.shares == 0 || round.units / round.shares >= MOST_UNITS_PER_SHARE)) {
            _joinRound += 1;
            if (round.shares == 0 && _payRound + 1 == _joinRound) _payRound = _joinRound;
            round = _rounds[_joinRound];
        }
        uint256 units = round.units == 0 ? all : all.mulDiv(round.units, round.shares);
        Place storage place = _places[holder];
        place.round = _joinRound;
        place.units = units;
        place.paidPerUnit = round.paidPerUnit;
        round.units += units;
        round.shares += all;
        return _joinRound;
    }

    /// @notice Takes `holder` out of the queue. Returns the shares they still own; what was paid stays to be collected.
    function depart(address holder) external onlyVault returns (uint256 shares) {
        return _depart(holder);
    }

    /// @notice Marks what `holder` was paid as collected and returns it.
    function collect(address holder) external onlyVault returns (uint256 assets) {
        Place storage place = _places[holder];
        _credit(place);
        assets = place.owed;
        place.owed = 0;
    }

    /// @notice Pays the round in front `assets` for `shares`. Returns whether it was paid in full and another waits.
    function pay(uint256 assets, uint256 shares) external onlyVault returns (bool) {
        Round storage round = _rounds[_payRound];
        round.shares -= shares;
        if (assets != 0) round.paidPerUnit += assets.mulDiv(PAID_SCALE, round.units);
        if (round.shares != 0 || _payRound == _joinRound) return false;
        _payRound += 1;
        return true;
    }

    /// @notice Returns the round that is paid next and the shares that wait in it.
    function front() external view returns (uint256 round, uint256 shares) {
        return (_payRound, _rounds[_payRound].shares);
    }

    /// @notice Returns a holder's shares that wait and assets that can be collected.
    function queued(address holder) external view returns (uint256 shares, uint256 assets) {
        Place memory place = _places[holder];
        Round memory round = _rounds[place.round];
        if (place.units != 0) shares = place.units.mulDiv(round.shares, round.units);
        assets = place.owed + place.units.mulDiv(round.paidPerUnit - place.paidPerUnit, PAID_SCALE);
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
        place.units = 0;
    }

    /// @dev Moves what the units were paid since last time into what is owed.
    function _credit(Place storage place) private {
        Round storage round = _rounds[place.round];
        if (place.units != 0) place.owed += place.units.mulDiv(round.paidPerUnit - place.paidPerUnit, PAID_SCALE);
        place.paidPerUnit = round.paidPerUnit;
    }
}
