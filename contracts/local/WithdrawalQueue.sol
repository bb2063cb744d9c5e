// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {StakedEth} from "./StakedEth.sol";
import {WrappedStakedEth} from "./WrappedStakedEth.sol";

/// @title A stand-in for Lido's withdrawal queue
/// @notice A request gives its stETH to the queue and is a token that can be passed on. It earns nothing while it waits.
/// When it is finalized, in order, it can be claimed for what was asked, or for its shares at the rate of that day if
/// slashing made that less. Functions, events and errors have Lido's names; what differs: one account reports, pausing
/// and bunker mode are switches of that account, and each request is finalized by itself, not in batches.
contract WithdrawalQueue is ERC721 {
    using EnumerableSet for EnumerableSet.UintSet;

    struct WithdrawalRequestStatus {
        uint256 amountOfStETH;
        uint256 amountOfShares;
        address owner;
        uint256 timestamp;
        bool isFinalized;
        bool isClaimed;
    }

    struct Request {
        uint128 amountOfStETH;
        uint128 amountOfShares;
        address owner;
        uint64 timestamp;
        bool isClaimed;
    }

    struct Checkpoint {
        uint256 fromRequestId;
        uint256 maxShareRate;
    }

    uint256 public constant MIN_STETH_WITHDRAWAL_AMOUNT = 100;
    uint256 public constant MAX_STETH_WITHDRAWAL_AMOUNT = 1_000 ether;
    uint256 private constant RATE = 1e27;

    StakedEth public immutable STETH;
    WrappedStakedEth public immutable WSTETH;
    bool public isPaused;
    bool public isBunkerModeActive;
    uint256 public getLastRequestId;
    uint256 public getLastFinalizedRequestId;
    uint256 public getLastCheckpointIndex;
    uint256 public getLockedEtherAmount;
    uint256 public unfinalizedStETH;

    mapping(uint256 => Request) private _requests;
    mapping(uint256 => Checkpoint) private _checkpoints;
    mapping(address => EnumerableSet.UintSet) private _requestsOf;

    event WithdrawalRequested(
        uint256 indexed requestId,
        address indexed requestor,
        address indexed owner,
        uint256 amountOfStETH,
        uint256 amountOfShares
    );
    event WithdrawalsFinalized(
        uint256 indexed from, uint256 indexed to, uint256 amountOfETHLocked, uint256 sharesToBurn, uint256 timestamp
    );
    event WithdrawalClaimed(
        uint256 indexed requestId, address indexed owner, address indexed receiver, uint256 amountOfETH
    );

    error NotReporter(address caller);
    error OnlyStakedEth(address caller);
    error ResumedExpected();
    error RequestAmountTooSmall(uint256 amountOfStETH);
    error RequestAmountTooLarge(uint256 amountOfStETH);
    error InvalidRequestId(uint256 requestId);
    error InvalidRequestIdRange(uint256 startId, uint256 endId);
    error RequestNotFoundOrNotFinalized(uint256 requestId);
    error RequestAlreadyClaimed(uint256 requestId);
    error RequestIdsNotSorted();
    error NotOwner(address sender, address owner);
    error InvalidHint(uint256 hint);
    error ArraysLengthMismatch(uint256 first, uint256 second);
    error CantSendValueRecipientMayHaveReverted();

    constructor(WrappedStakedEth wstETH) ERC721("Lido: stETH Withdrawal NFT", "unstETH") {
        WSTETH = wstETH;
        STETH = wstETH.stETH();
    }

    function setPaused(bool paused) external {
        _onlyReporter();
        isPaused = paused;
    }

    function setBunkerMode(bool active) external {
        _onlyReporter();
        isBunkerModeActive = active;
    }

    function requestWithdrawals(uint256[] calldata amounts, address owner) external returns (uint256[] memory ids) {
        if (isPaused) revert ResumedExpected();
        if (owner == address(0)) owner = msg.sender;
        ids = new uint256[](amounts.length);
        for (uint256 i = 0; i < amounts.length; ++i) {
            _checkAmount(amounts[i]);
            STETH.transferFrom(msg.sender, address(this), amounts[i]);
            ids[i] = _enqueue(amounts[i], owner);
        }
    }

    function requestWithdrawalsWstETH(uint256[] calldata amounts, address owner)
        external
        returns (uint256[] memory ids)
    {
        if (isPaused) revert ResumedExpected();
        if (owner == address(0)) owner = msg.sender;
        ids = new uint256[](amounts.length);
        for (uint256 i = 0; i < amounts.length; ++i) {
            WSTETH.transferFrom(msg.sender, address(this), amounts[i]);
            uint256 stEth = WSTETH.unwrap(amounts[i]);
            _checkAmount(stEth);
            ids[i] = _enqueue(stEth, owner);
        }
    }

    /// @notice What finalizing up to `lastId` takes: ETH to lock and shares to burn.
    function finalizable(uint256 lastId, uint256 maxShareRate) public view returns (uint256 eth, uint256 shares) {
        uint256 first = getLastFinalizedRequestId + 1;
        if (lastId < first || lastId > getLastRequestId) revert InvalidRequestId(lastId);
        for (uint256 id = first; id <= lastId; ++id) {
            eth += _worth(_requests[id], maxShareRate);
            shares += _requests[id].amountOfShares;
        }
    }

    /// @notice Takes the ETH of all requests up to `lastId`, which are claimable from now on.
    function finalize(uint256 lastId, uint256 maxShareRate) external payable {
        if (msg.sender != address(STETH)) revert OnlyStakedEth(msg.sender);
        if (isPaused) revert ResumedExpected();
        (, uint256 shares) = finalizable(lastId, maxShareRate);
        uint256 first = getLastFinalizedRequestId + 1;
        for (uint256 id = first; id <= lastId; ++id) {
            unfinalizedStETH -= _requests[id].amountOfStETH;
        }
        _checkpoints[++getLastCheckpointIndex] = Checkpoint(first, maxShareRate);
        getLastFinalizedRequestId = lastId;
        getLockedEtherAmount += msg.value;
        emit WithdrawalsFinalized(first, lastId, msg.value, shares, block.timestamp);
    }

    function claimWithdrawals(uint256[] calldata ids, uint256[] calldata hints) external {
        claimWithdrawalsTo(ids, hints, msg.sender);
    }

    function claimWithdrawalsTo(uint256[] calldata ids, uint256[] calldata hints, address recipient) public {
        if (ids.length != hints.length) revert ArraysLengthMismatch(ids.length, hints.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            _claim(ids[i], hints[i], recipient);
        }
    }

    function claimWithdrawal(uint256 id) external {
        _claim(id, _findHint(id, 1, getLastCheckpointIndex), msg.sender);
    }

    function getWithdrawalRequests(address owner) external view returns (uint256[] memory) {
        return _requestsOf[owner].values();
    }

    function getWithdrawalStatus(uint256[] calldata ids)
        external
        view
        returns (WithdrawalRequestStatus[] memory statuses)
    {
        statuses = new WithdrawalRequestStatus[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            if (ids[i] == 0 || ids[i] > getLastRequestId) revert InvalidRequestId(ids[i]);
            Request memory r = _requests[ids[i]];
            bool isFinalized = ids[i] <= getLastFinalizedRequestId;
            statuses[i] = WithdrawalRequestStatus(
                r.amountOfStETH, r.amountOfShares, r.owner, r.timestamp, isFinalized, r.isClaimed
            );
        }
    }

    function getClaimableEther(uint256[] calldata ids, uint256[] calldata hints)
        external
        view
        returns (uint256[] memory values)
    {
        values = new uint256[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            bool isOpen = ids[i] <= getLastFinalizedRequestId && !_requests[ids[i]].isClaimed;
            if (isOpen) values[i] = _claimable(ids[i], hints[i]);
        }
    }

    /// @notice The checkpoints of sorted `ids` within a range, zero for those that are not in it.
    function findCheckpointHints(uint256[] calldata ids, uint256 first, uint256 last)
        external
        view
        returns (uint256[] memory hints)
    {
        hints = new uint256[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            if (i != 0 && ids[i] < ids[i - 1]) revert RequestIdsNotSorted();
            hints[i] = _findHint(ids[i], first, last);
            first = hints[i] == 0 ? first : hints[i];
        }
    }

    function _onlyReporter() private view {
        if (msg.sender != STETH.reporter()) revert NotReporter(msg.sender);
    }

    function _checkAmount(uint256 amount) private pure {
        if (amount < MIN_STETH_WITHDRAWAL_AMOUNT) revert RequestAmountTooSmall(amount);
        if (amount > MAX_STETH_WITHDRAWAL_AMOUNT) revert RequestAmountTooLarge(amount);
    }

    function _enqueue(uint256 amount, address owner) private returns (uint256 id) {
        id = ++getLastRequestId;
        uint256 shares = STETH.getSharesByPooledEth(amount);
        _requests[id] = Request(uint128(amount), uint128(shares), owner, uint64(block.timestamp), false);
        unfinalizedStETH += amount;
        _mint(owner, id);
        emit WithdrawalRequested(id, msg.sender, owner, amount, shares);
    }

    /// @dev What was asked for, or its shares at `maxShareRate` if a share was worth more then.
    function _worth(Request memory request, uint256 maxShareRate) private pure returns (uint256) {
        uint256 rate = Math.mulDiv(request.amountOfStETH, RATE, request.amountOfShares);
        if (rate <= maxShareRate) return request.amountOfStETH;
        return Math.mulDiv(request.amountOfShares, maxShareRate, RATE);
    }

    function _claimable(uint256 id, uint256 hint) private view returns (uint256) {
        if (id == 0) revert InvalidRequestId(id);
        uint256 last = getLastCheckpointIndex;
        bool isRight = hint != 0 && hint <= last && _checkpoints[hint].fromRequestId <= id
            && (hint == last || id < _checkpoints[hint + 1].fromRequestId);
        if (!isRight) revert InvalidHint(hint);
        return _worth(_requests[id], _checkpoints[hint].maxShareRate);
    }

    function _claim(uint256 id, uint256 hint, address recipient) private {
        if (id == 0) revert InvalidRequestId(id);
        if (id > getLastFinalizedRequestId) revert RequestNotFoundOrNotFinalized(id);
        Request storage request = _requests[id];
        if (request.isClaimed) revert RequestAlreadyClaimed(id);
        if (request.owner != msg.sender) revert NotOwner(msg.sender, request.owner);
        request.isClaimed = true;
        uint256 eth = _claimable(id, hint);
        getLockedEtherAmount -= eth;
        _burn(id);
        request.owner = msg.sender;
        emit WithdrawalClaimed(id, msg.sender, recipient, eth);
        (bool done,) = recipient.call{value: eth}("");
        if (!done) revert CantSendValueRecipientMayHaveReverted();
    }

    function _findHint(uint256 id, uint256 first, uint256 last) private view returns (uint256) {
        if (first == 0 || last > getLastCheckpointIndex) revert InvalidRequestIdRange(first, last);
        if (id == 0 || id > getLastRequestId) revert InvalidRequestId(id);
        if (id > getLastFinalizedRequestId || first > last || id < _checkpoints[first].fromRequestId) return 0;
        if (last < getLastCheckpointIndex && id >= _checkpoints[last + 1].fromRequestId) return 0;
        while (first < last) {
            uint256 middle = (first + last + 1) / 2;
            if (_checkpoints[middle].fromRequestId <= id) first = middle;
            else last = middle - 1;
        }
        return first;
    }

    /// @dev Keeps the owner and the list of each owner's requests beside the token.
    function _update(address to, uint256 id, address auth) internal override returns (address from) {
        from = super._update(to, id, auth);
        if (from != address(0)) _requestsOf[from].remove(id);
        if (to != address(0)) _requestsOf[to].add(id);
        _requests[id].owner = to;
    }
}
