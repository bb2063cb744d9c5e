// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bounds, Config, MarketRules} from "../Types.sol";
import {IVaultEvents} from "../interfaces/IVaultEvents.sol";

/// @title Who may do what, and how long a change waits
/// @notice Four roles, and changes that loosen anything pend in public before they can be carried out. Before anyone
/// holds shares nothing waits. Moves no money.
abstract contract Rules is IVaultEvents {
    /// @notice Most markets on the list: what bounds the gas of one reading.
    uint256 public constant MAX_MARKETS = 12;

    /// @notice How long a change that became ready may still be carried out.
    uint256 public constant PENDING_LIFE = 14 days;

    uint256 internal constant BPS = 10_000;

    /// @notice Seconds an owner's change pends.
    uint256 public immutable ownerDelay;

    /// @notice Seconds a curator's loosening pends.
    uint256 public immutable curatorDelay;

    /// @notice Changes roles, fee and bounds after a delay.
    address public owner;

    /// @notice Lists markets and raises caps after a delay; lowers caps at once.
    address public curator;

    /// @notice Moves money between idle and listed markets.
    address public allocator;

    /// @notice Pauses entries, sets caps to zero, marks markets, revokes pending changes.
    address public guardian;

    /// @notice Whether the guardian has closed entering.
    bool public entriesPaused;

    /// @notice Bounds on the allocator.
    Bounds public bounds;

    /// @notice How many plans have been carried out.
    uint256 public planCount;

    /// @notice When a change was submitted, by the hash of its call; zero when it is not pending.
    mapping(bytes32 changeId => uint256) public submittedAt;

    /// @notice Caps, mark and listing of each market.
    mapping(address market => MarketRules) public marketRules;

    address[] internal _markets;

    constructor(Config memory config) {
        ownerDelay = _within(config.ownerDelay, 1 hours, 30 days);
        curatorDelay = _within(config.curatorDelay, 1 hours, 30 days);
        owner = config.owner;
        curator = config.curator;
        guardian = config.guardian;
        allocator = config.allocator;
        _checkAllocator();
        _setBounds(config.bounds);
    }

    /// @notice Returns the listed markets in the order in which exits draw on them.
    function markets() external view returns (address[] memory) {
        return _markets;
    }

    /// @notice Returns the hash of what roles can change: plan counter, market list, caps, roles, pause. Nobody's
    /// deposit, donation, interest or price can alter it.
    function preStateHash() public view returns (bytes32) {
        uint256 count = _markets.length;
        bytes32[] memory lines = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            address market = _markets[i];
            MarketRules storage rules = marketRules[market];
            lines[i] = keccak256(abi.encode(market, rules.absoluteCap, rules.relativeCapBps));
        }
        return keccak256(abi.encode(planCount, lines, owner, curator, allocator, guardian, entriesPaused));
    }

    /// @notice Puts a call to this vault on the waiting list; the role that may carry it out submits it.
    function submit(bytes calldata data) external {
        (address holder, uint256 delay) = _roleOf(bytes4(data));
        _only(holder);
        bytes32 id = keccak256(data);
        uint256 since = submittedAt[id];
        if (since != 0 && block.timestamp <= since + delay + PENDING_LIFE) revert AlreadySubmitted(id);
        submittedAt[id] = block.timestamp;
        emit Submitted(id, data, block.timestamp + (_hasHolders() ? delay : 0));
    }

    /// @notice Takes a pending call off the waiting list: the guardian any but its own replacement, a role its own.
    function revoke(bytes calldata data) external {
        bytes4 selector = bytes4(data);
        (address holder,) = _roleOf(selector);
        if (msg.sender != holder) {
            _only(guardian);
            if (selector == this.setGuardian.selector) revert NotRevocable(selector);
        }
        bytes32 id = keccak256(data);
        if (submittedAt[id] == 0) revert NotSubmitted(id);
        delete submittedAt[id];
        emit Revoked(id, msg.sender);
    }

    /// @notice Hands the owner's role on. Waits.
    function setOwner(address account) external {
        _takePending();
        owner = account;
        _appointed("owner", account);
    }

    /// @notice Hands the curator's role on. Waits.
    function setCurator(address account) external {
        _takePending();
        curator = account;
        _appointed("curator", account);
    }

    /// @notice Hands the allocator's role on. Waits.
    function setAllocator(address account) external {
        _takePending();
        allocator = account;
        _appointed("allocator", account);
    }

    /// @notice Hands the guardian's role on. Waits.
    function setGuardian(address account) external {
        _takePending();
        guardian = account;
        _appointed("guardian", account);
    }

    /// @notice Changes the bounds on the allocator. Waits.
    function setBounds(Bounds calldata changed) external {
        _takePending();
        _setBounds(changed);
    }

    /// @notice Raises, or sets in any direction, the caps of a market. Waits.
    function raiseCaps(address market, uint128 absoluteCap, uint16 relativeCapBps) external {
        _takePending();
        _setCaps(market, absoluteCap, relativeCapBps);
    }

    /// @notice Lowers the caps of a market at once.
    function lowerCaps(address market, uint128 absoluteCap, uint16 relativeCapBps) external {
        _only(curator);
        MarketRules storage rules = marketRules[market];
        if (absoluteCap > rules.absoluteCap || relativeCapBps > rules.relativeCapBps) revert CapsRaised(market);
        _setCaps(market, absoluteCap, relativeCapBps);
    }

    /// @notice Sets the caps of a market to zero at once.
    function zeroCaps(address market) external {
        _only(guardian);
        _setCaps(market, 0, 0);
    }

    /// @notice Closes entering at once. Nothing closes leaving.
    function pauseEntries() external {
        _only(guardian);
        entriesPaused = true;
        emit EntriesPaused(true, msg.sender);
    }

    /// @notice Opens entering: the guardian at once, the owner after waiting.
    function resumeEntries() external {
        if (msg.sender != guardian) _takePending();
        entriesPaused = false;
        emit EntriesPaused(false, msg.sender);
    }

    /// @dev Whether anyone holds shares: only then is there somebody for whom a change waits.
    function _hasHolders() internal view virtual returns (bool);

    /// @dev The selectors that wait and are declared in other modules.
    function _isOwnerChange(bytes4 selector) internal pure virtual returns (bool);

    /// @dev The selector that lists a market.
    function _isCuratorChange(bytes4 selector) internal pure virtual returns (bool);

    /// @dev Carries the pending change that this very call is off the list, if its role calls after its delay.
    function _takePending() internal {
        (address holder, uint256 delay) = _roleOf(msg.sig);
        _only(holder);
        bytes32 id = keccak256(msg.data);
        uint256 since = submittedAt[id];
        if (since == 0) revert NotSubmitted(id);
        uint256 readyAt = _hasHolders() ? since + delay : since;
        if (block.timestamp < readyAt) revert NotReady(id, readyAt);
        uint256 lapsedAt = since + delay + PENDING_LIFE;
        if (block.timestamp > lapsedAt) revert Lapsed(id, lapsedAt);
        delete submittedAt[id];
        emit Accepted(id);
    }

    /// @dev Reverts unless `holder` calls.
    function _only(address holder) internal view {
        if (msg.sender != holder) revert NotRole(msg.sender, holder);
    }

    /// @dev Sets the caps of a listed market.
    function _setCaps(address market, uint128 absoluteCap, uint16 relativeCapBps) internal {
        MarketRules storage rules = marketRules[market];
        if (!rules.isListed) revert NotListed(market);
        rules.absoluteCap = absoluteCap;
        rules.relativeCapBps = uint16(_within(relativeCapBps, 0, BPS));
        emit CapsSet(market, absoluteCap, relativeCapBps, msg.sender);
    }

    /// @dev Returns `value` if it is within the limits.
    function _within(uint256 value, uint256 lowest, uint256 highest) internal pure returns (uint256) {
        if (value < lowest || value > highest) revert OutOfRange(value, lowest, highest);
        return value;
    }

    /// @dev Says that a role changed hands, if it may.
    function _appointed(bytes32 role, address account) private {
        _checkAllocator();
        emit RoleSet(role, account);
    }

    /// @dev The engine's key may be nothing but allocator.
    function _checkAllocator() private view {
        address account = allocator;
        if (account == owner || account == curator || account == guardian) revert RoleTaken(account);
    }

    /// @dev Limits that even the owner cannot pass: 1 % of a move, 1 % a day and 5 % in 30 days.
    function _setBounds(Bounds memory changed) private {
        _within(changed.turnoverBps, 0, BPS);
        _within(changed.moveLossBps, 0, 100);
        _within(changed.dayLossBps, 0, 100);
        _within(changed.monthLossBps, 0, 500);
        bounds = changed;
        emit BoundsSet(changed);
    }

    /// @dev Which role submits and carries out a waiting call, and how long it waits.
    function _roleOf(bytes4 selector) private view returns (address holder, uint256 delay) {
        if (
            selector == this.setOwner.selector || selector == this.setCurator.selector
                || selector == this.setAllocator.selector || selector == this.setGuardian.selector
                || selector == this.setBounds.selector || selector == this.resumeEntries.selector
                || _isOwnerChange(selector)
        ) return (owner, ownerDelay);
        if (selector == this.raiseCaps.selector || _isCuratorChange(selector)) return (curator, curatorDelay);
        revert NotDelayed(selector);
    }
}
