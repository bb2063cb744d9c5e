// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice What the staked token needs of the withdrawal queue.
interface IFinalize {
    function finalizable(uint256 lastId, uint256 maxShareRate) external view returns (uint256 eth, uint256 shares);
    function finalize(uint256 lastId, uint256 maxShareRate) external payable;
}

/// @title A stand-in for Lido's stETH
/// @notice A balance is shares times pooled ETH over all shares, so it grows with rewards and falls with slashing. What
/// validators earn or lose is told by one account, the reporter, which stands for Lido's accounting oracle. There are no
/// validators: all ETH stays here, rewards are paid in by whoever reports them, slashed ETH is sent away. As with Lido a
/// tenth of the rewards goes to the treasury as new shares.
contract StakedEth {
    uint256 public constant FEE_BPS = 1_000;
    uint256 private constant RATE = 1e27;
    address private constant SLASHED = address(0xdead);

    string public constant name = "Liquid staked Ether 2.0";
    string public constant symbol = "stETH";
    uint8 public constant decimals = 18;

    address public immutable reporter;
    address public immutable treasury;
    IFinalize public queue;
    bool public isStakingPaused;

    uint256 private _room = type(uint256).max;
    uint256 private _pooled;
    uint256 private _shares;
    mapping(address => uint256) private _sharesOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event TransferShares(address indexed from, address indexed to, uint256 sharesValue);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    event Submitted(address indexed sender, uint256 amount, address referral);
    event TokenRebased(uint256 preShares, uint256 preEther, uint256 postShares, uint256 postEther, uint256 feeShares);

    error NotReporter(address caller);
    error QueueKnown();
    error StakingPaused();
    error ZeroDeposit();
    error StakeLimit();
    error AllowanceExceeded();
    error BalanceExceeded();
    error SendFailed();

    modifier onlyReporter() {
        if (msg.sender != reporter) revert NotReporter(msg.sender);
        _;
    }

    constructor(address reporter_, address treasury_) {
        (reporter, treasury) = (reporter_, treasury_);
    }

    receive() external payable {
        _submit(address(0));
    }

    /// @notice Stakes the ETH sent and gives stETH for it, one for one.
    function submit(address referral) external payable returns (uint256 shares) {
        return _submit(referral);
    }

    /// @notice Names the withdrawal queue, once.
    function setQueue(IFinalize queue_) external onlyReporter {
        if (address(queue) != address(0)) revert QueueKnown();
        queue = queue_;
    }

    function setStakingPaused(bool paused) external onlyReporter {
        isStakingPaused = paused;
    }

    /// @notice Lets so much more be staked. With Lido the limit grows back with every block; here it does not.
    function setStakingLimit(uint256 room) external onlyReporter {
        _room = room;
    }

    /// @notice What can be staked now; the largest number where there is no limit.
    function getCurrentStakeLimit() external view returns (uint256) {
        return isStakingPaused ? 0 : _room;
    }

    /// @notice Reports what validators earned: the ETH sent.
    function reportRewards() external payable onlyReporter {
        (uint256 shares, uint256 pooled) = (_shares, _pooled);
        _pooled = pooled + msg.value;
        uint256 fee = msg.value * FEE_BPS / 10_000;
        uint256 feeShares = Math.mulDiv(fee, shares, _pooled - fee);
        _mint(treasury, feeShares);
        emit TokenRebased(shares, pooled, _shares, _pooled, feeShares);
    }

    /// @notice Reports what validators lost.
    function reportSlashing(uint256 lost) external onlyReporter {
        uint256 pooled = _pooled;
        _pooled = pooled - lost;
        _send(SLASHED, lost);
        emit TokenRebased(_shares, pooled, _shares, _pooled, 0);
    }

    /// @notice Makes all requests up to `lastId` claimable at today's rate, or at what was asked for if that is less:
    /// their shares are burned and their ETH goes to the queue. A reporter that does so late is a congested queue.
    function finalize(uint256 lastId) external onlyReporter {
        uint256 rate = getPooledEthByShares(RATE);
        (uint256 eth, uint256 shares) = queue.finalizable(lastId, rate);
        _sharesOf[address(queue)] -= shares;
        _shares -= shares;
        _pooled -= eth;
        queue.finalize{value: eth}(lastId, rate);
    }

    function totalSupply() external view returns (uint256) {
        return _pooled;
    }

    function getTotalPooledEther() external view returns (uint256) {
        return _pooled;
    }

    function getTotalShares() external view returns (uint256) {
        return _shares;
    }

    function sharesOf(address account) external view returns (uint256) {
        return _sharesOf[account];
    }

    function balanceOf(address account) public view returns (uint256) {
        return getPooledEthByShares(_sharesOf[account]);
    }

    /// @notice One share is one ETH until somebody has staked.
    function getPooledEthByShares(uint256 shares) public view returns (uint256) {
        return _shares == 0 ? shares : Math.mulDiv(shares, _pooled, _shares);
    }

    function getSharesByPooledEth(uint256 eth) public view returns (uint256) {
        return _pooled == 0 ? eth : Math.mulDiv(eth, _shares, _pooled);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _move(msg.sender, to, getSharesByPooledEth(amount), amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        _spend(from, amount);
        _move(from, to, getSharesByPooledEth(amount), amount);
        return true;
    }

    function transferShares(address to, uint256 shares) external returns (uint256 amount) {
        amount = getPooledEthByShares(shares);
        _move(msg.sender, to, shares, amount);
    }

    function transferSharesFrom(address from, address to, uint256 shares) external returns (uint256 amount) {
        amount = getPooledEthByShares(shares);
        _spend(from, amount);
        _move(from, to, shares, amount);
    }

    function _submit(address referral) private returns (uint256 shares) {
        if (isStakingPaused) revert StakingPaused();
        if (msg.value == 0) revert ZeroDeposit();
        if (msg.value > _room) revert StakeLimit();
        if (_room != type(uint256).max) _room -= msg.value;
        shares = getSharesByPooledEth(msg.value);
        _pooled += msg.value;
        _mint(msg.sender, shares);
        emit Submitted(msg.sender, msg.value, referral);
    }

    function _mint(address to, uint256 shares) private {
        _shares += shares;
        _sharesOf[to] += shares;
        emit Transfer(address(0), to, getPooledEthByShares(shares));
        emit TransferShares(address(0), to, shares);
    }

    function _spend(address from, uint256 amount) private {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed == type(uint256).max) return;
        if (allowed < amount) revert AllowanceExceeded();
        allowance[from][msg.sender] = allowed - amount;
    }

    function _move(address from, address to, uint256 shares, uint256 amount) private {
        if (_sharesOf[from] < shares) revert BalanceExceeded();
        _sharesOf[from] -= shares;
        _sharesOf[to] += shares;
        emit Transfer(from, to, amount);
        emit TransferShares(from, to, shares);
    }

    function _send(address to, uint256 amount) private {
        (bool done,) = to.call{value: amount}("");
        if (!done) revert SendFailed();
    }
}
