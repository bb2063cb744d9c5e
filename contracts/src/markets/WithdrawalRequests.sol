// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IStEth, IWeth, IWithdrawalQueue, IWstEth} from "../interfaces/IStakedEth.sol";
import {PricedMarket} from "./PricedMarket.sol";

/// @title What a market of staked ETH has in Lido's withdrawal queue
/// @notice A request is worth what it will pay: what was asked for, or its shares at today's rate if slashing made that
/// less; once finalized, what can be claimed. Requests belong to this contract, which passes none on. Who leaves in kind
/// gets a part of each that only they can claim here.
abstract contract WithdrawalRequests is PricedMarket {
    using SafeERC20 for IERC20;

    /// @notice Most requests that can be open at a time; each is at most 1,000 stETH.
    uint256 public constant MOST_REQUESTS = 8;

    /// @dev Most stETH of one request: Lido's own bound.
    uint256 private constant MOST_STETH = 1_000 ether;

    /// @notice ETH from an account that has none to send here.
    error UnexpectedEth(address from);
    /// @notice The queue is for another token.
    error WrongQueue(address queue);
    /// @notice More wstETH than there is was asked for, or more requests than can be open.
    error TooMuch(uint256 asked, uint256 most);
    /// @notice Nothing of this request belongs to the caller.
    error NothingToClaim(address caller, uint256 request);

    /// @notice wstETH went into the queue.
    event Requested(uint256 indexed request, uint256 stEth);

    /// @notice A request was paid; `forVault` of it is the vault's.
    event Claimed(uint256 indexed request, uint256 paid, uint256 forVault);

    /// @notice A leaver in kind received a part of a request, in parts of 1e18 of all of it.
    event ClaimGiven(address indexed holder, uint256 indexed request, uint256 part);

    /// @notice A leaver in kind was paid their part of a request.
    event ClaimTaken(address indexed holder, address indexed receiver, uint256 indexed request, uint256 assets);

    /// @notice Staked ETH whose balances stand still.
    IWstEth public immutable wstEth;

    /// @notice Staked ETH whose balances grow.
    IStEth public immutable stEth;

    /// @notice Lido's withdrawal queue.
    IWithdrawalQueue public immutable queue;

    /// @notice The vault's part of a request, in parts of 1e18.
    mapping(uint256 request => uint256) public partOfVault;

    /// @notice Each leaver's part of a request, in parts of 1e18.
    mapping(address holder => mapping(uint256 request => uint256)) public claims;

    /// @notice What a request paid, once it did.
    mapping(uint256 request => uint256) public paid;

    uint256[] private _requests;

    constructor(address wstEth_, address queue_) {
        wstEth = IWstEth(wstEth_);
        stEth = IStEth(IWstEth(wstEth_).stETH());
        queue = IWithdrawalQueue(queue_);
        if (IWithdrawalQueue(queue_).WSTETH() != wstEth_) revert WrongQueue(queue_);
    }

    /// @dev From WETH when it is unwrapped, and from the queue when it pays.
    receive() external payable {
        if (msg.sender != asset && msg.sender != address(queue)) revert UnexpectedEth(msg.sender);
    }

    /// @notice Returns the open requests, oldest first.
    function requests() external view returns (uint256[] memory) {
        return _requests;
    }

    /// @notice Returns what the vault's part of the open requests is worth.
    function queued() public view returns (uint256 worth) {
        uint256[] memory open = _requests;
        if (open.length == 0) return 0;
        uint256[] memory worths = _worthOf(open);
        for (uint256 i = 0; i < open.length; ++i) {
            worth += Math.mulDiv(worths[i], partOfVault[open[i]], WAD);
        }
    }

    /// @notice Pays the caller's part of a finalized request to `receiver`, in WETH.
    /// @dev If the queue has not paid the request yet, it does now; the vault's part stays here for the vault.
    function claim(uint256 request, address receiver) external returns (uint256 assets) {
        uint256 part = claims[msg.sender][request];
        if (part == 0) revert NothingToClaim(msg.sender, request);
        claims[msg.sender][request] = 0;
        if (_forget(request)) {
            uint256[] memory one = new uint256[](1);
            one[0] = request;
            held += _collect(one);
        }
        assets = Math.mulDiv(paid[request], part, WAD);
        emit ClaimTaken(msg.sender, receiver, request, assets);
        IERC20(asset).safeTransfer(receiver, assets);
    }

    /// @dev Gives `shareOfWad` of the vault's part of each open request to `to`.
    function _giveRequests(address to, uint256 shareOfWad) internal {
        uint256 count = _requests.length;
        for (uint256 i = 0; i < count; ++i) {
            uint256 request = _requests[i];
            uint256 part = Math.mulDiv(partOfVault[request], shareOfWad, WAD);
            partOfVault[request] -= part;
            claims[to][request] += part;
            emit ClaimGiven(to, request, part);
        }
    }

    /// @dev Puts wstETH into the queue, in requests of at most what Lido takes.
    function _request(uint256 amount) internal {
        uint256 most = wstEth.getWstETHByStETH(MOST_STETH);
        uint256 count = (amount + most - 1) / most;
        if (_requests.length + count > MOST_REQUESTS) revert TooMuch(_requests.length + count, MOST_REQUESTS);
        uint256[] memory amounts = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            amounts[i] = Math.min(amount - i * most, most);
        }
        _approve(address(wstEth), address(queue), amount);
        uint256[] memory made = queue.requestWithdrawalsWstETH(amounts, address(this));
        _allTaken(address(wstEth), address(queue), amount);
        for (uint256 i = 0; i < made.length; ++i) {
            _requests.push(made[i]);
            partOfVault[made[i]] = WAD;
            emit Requested(made[i], wstEth.getStETHByWstETH(amounts[i]));
        }
    }

    /// @dev Has the queue pay what it can. Returns the vault's part.
    function _collectReady() internal returns (uint256 forVault) {
        uint256[] memory ready = _forgetReady();
        if (ready.length != 0) forVault = _collect(ready);
    }

    /// @dev Has the queue pay `ids`, wraps what came and returns the vault's part. The rest waits for those who hold it.
    function _collect(uint256[] memory ids) private returns (uint256 forVault) {
        uint256[] memory hints = _hints(ids);
        uint256[] memory sums = queue.getClaimableEther(ids, hints);
        uint256 before = address(this).balance;
        queue.claimWithdrawals(ids, hints);
        IWeth(asset).deposit{value: address(this).balance - before}();
        for (uint256 i = 0; i < ids.length; ++i) {
            paid[ids[i]] = sums[i];
            uint256 mine = Math.mulDiv(sums[i], partOfVault[ids[i]], WAD);
            forVault += mine;
            emit Claimed(ids[i], sums[i], mine);
        }
    }

    /// @dev Takes the finalized requests off the list. They are the oldest.
    function _forgetReady() private returns (uint256[] memory ready) {
        uint256 finalized = queue.getLastFinalizedRequestId();
        uint256 count = _requests.length;
        uint256 done;
        while (done < count && _requests[done] <= finalized) ++done;
        ready = new uint256[](done);
        for (uint256 i = 0; i < count; ++i) {
            if (i < done) ready[i] = _requests[i];
            else _requests[i - done] = _requests[i];
        }
        for (uint256 i = 0; i < done; ++i) {
            _requests.pop();
        }
    }

    /// @dev Takes one request off the list, keeping the order. Returns whether it was on it.
    function _forget(uint256 request) private returns (bool wasOpen) {
        uint256 count = _requests.length;
        for (uint256 i = 0; i < count; ++i) {
            if (wasOpen) _requests[i - 1] = _requests[i];
            else wasOpen = _requests[i] == request;
        }
        if (wasOpen) _requests.pop();
    }

    /// @dev What requests will pay or can be claimed for.
    function _worthOf(uint256[] memory ids) private view returns (uint256[] memory worths) {
        uint256 finalized = queue.getLastFinalizedRequestId();
        worths = new uint256[](ids.length);
        IWithdrawalQueue.WithdrawalRequestStatus[] memory states = queue.getWithdrawalStatus(ids);
        uint256 ready;
        for (uint256 i = 0; i < ids.length; ++i) {
            uint256 now_ = stEth.getPooledEthByShares(states[i].amountOfShares);
            worths[i] = Math.min(states[i].amountOfStETH, now_);
            if (ids[i] <= finalized) ready = i + 1;
        }
        if (ready == 0) return worths;
        uint256[] memory first = new uint256[](ready);
        for (uint256 i = 0; i < ready; ++i) {
            first[i] = ids[i];
        }
        uint256[] memory exact = queue.getClaimableEther(first, _hints(first));
        for (uint256 i = 0; i < ready; ++i) {
            worths[i] = exact[i];
        }
    }

    /// @dev Where the queue finds the rates of finalized requests.
    function _hints(uint256[] memory ids) private view returns (uint256[] memory) {
        return queue.findCheckpointHints(ids, 1, queue.getLastCheckpointIndex());
    }
}
