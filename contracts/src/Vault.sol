// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Config} from "./Types.sol";
import {IMarket} from "./interfaces/IMarket.sol";
import {Allocation} from "./vault/Allocation.sol";
import {Books} from "./vault/Books.sol";
import {RedeemQueue} from "./vault/RedeemQueue.sol";
import {Rules} from "./vault/Rules.sol";

/// @title Plimsoll's vault: one asset, several markets, bounded keys
/// @notice ERC-4626: what it says it can pay it pays exactly, or it reverts. No role can send depositors' money anywhere
/// but between idle and listed markets, and nothing closes leaving. Not audited.
contract Vault is Allocation, RedeemQueue {
    using Math for uint256;
    using SafeERC20 for IERC20;

    uint256 private constant WAD = 1e18;

    /// @notice The only account that may receive shares by deposit, or zero.
    address public immutable soleDepositor;

    constructor(Config memory config)
        Rules(config)
        Books(config)
        ERC20(config.name, config.symbol)
        ERC4626(IERC20(config.asset))
    {
        soleDepositor = config.soleDepositor;
    }

    /// @inheritdoc ERC4626
    function deposit(uint256 assets, address receiver) public override nonReentrant returns (uint256 shares) {
        Quote memory q = _settle();
        uint256 most = _maxDeposit(q, receiver);
        if (assets > most) revert ERC4626ExceededMaxDeposit(receiver, assets, most);
        shares = _sharesIn(q, assets);
        if (shares == 0 && assets != 0) revert NoShares(assets);
        _enter(q, assets, shares, receiver);
    }

    /// @inheritdoc ERC4626
    function mint(uint256 shares, address receiver) public override nonReentrant returns (uint256 assets) {
        Quote memory q = _settle();
        uint256 most = _sharesIn(q, _maxDeposit(q, receiver));
        if (shares > most) revert ERC4626ExceededMaxMint(receiver, shares, most);
        assets = _assetsIn(q, shares);
        _enter(q, assets, shares, receiver);
    }

    /// @inheritdoc ERC4626
    function withdraw(uint256 assets, address receiver, address holder)
        public
        override
        nonReentrant
        returns (uint256 shares)
    {
        Quote memory q = _settle();
        shares = _sharesOut(q, assets, Math.Rounding.Ceil);
        if (shares > balanceOf(holder) || !_canPay(q, assets)) {
            revert ERC4626ExceededMaxWithdraw(holder, assets, _maxWithdraw(q, holder));
        }
        _leave(q, assets, shares, receiver, holder);
    }

    /// @inheritdoc ERC4626
    function redeem(uint256 shares, address receiver, address holder)
        public
        override
        nonReentrant
        returns (uint256 assets)
    {
        Quote memory q = _settle();
        assets = _assetsOut(q, shares, Math.Rounding.Floor);
        if (shares > balanceOf(holder) || !_canPay(q, assets)) {
            revert ERC4626ExceededMaxRedeem(holder, shares, _maxRedeem(q, holder));
        }
        _leave(q, assets, shares, receiver, holder);
    }

    /// @notice Pays as much of the caller's `shares` as can be paid now, at least `minAssets`, and burns only the shares
    /// it pays for. What taking the money out of markets costs falls on the caller. The rest can join the queue.
    function redeemUpTo(uint256 shares, uint256 minAssets)
        external
        nonReentrant
        returns (uint256 assets, uint256 burned)
    {
        _checkShares(shares, msg.sender);
        Quote memory q = _settle();
        uint256 free = _free(q);
        _moving = true;
        (assets, burned) = _raiseFor(q, shares, free);
        if (assets < minAssets) revert NotEnoughLiquidity(minAssets, assets);
        _burnFor(q, msg.sender, burned, assets);
        _book(q);
        _moving = false;
        _payOut(msg.sender, assets);
        emit Withdraw(msg.sender, msg.sender, msg.sender, assets, burned);
    }

    /// @notice Burns `shares` for their part of idle money and of every position, whatever can or cannot be withdrawn.
    /// Open to all at all times. The parts in `forgone` markets stay with the others: for one that refuses transfers.
    function redeemInKind(uint256 shares, address receiver, address holder, address[] calldata forgone)
        external
        nonReentrant
        returns (uint256 assets)
    {
        _checkShares(shares, holder);
        if (msg.sender != holder) _spendAllowance(holder, msg.sender, shares);
        Quote memory q = _settle();
        uint256 unlocked = q.gross.saturatingSub(q.gains.amount) + 1;
        uint256 left = q.gross.saturatingSub(shares.mulDiv(unlocked, q.supply + VIRTUAL_SHARES));
        uint256 part = shares.mulDiv(WAD, q.supply + VIRTUAL_SHARES).mulDiv(unlocked, q.gross + 1);
        assets = idle.mulDiv(part, WAD);
        _moving = true;
        _handOver(q, part, receiver, holder, forgone);
        _burnFor(q, holder, shares, assets);
        _absorb(q, left, q.gross, 0);
        _book(q);
        _moving = false;
        _payOut(receiver, assets);
        emit LeftInKind(holder, address(this), asset(), assets);
    }

    /// @inheritdoc ERC4626
    function maxDeposit(address receiver) public view override returns (uint256) {
        return _maxDeposit(_quote(), receiver);
    }

    /// @inheritdoc ERC4626
    function maxMint(address receiver) public view override returns (uint256) {
        Quote memory q = _quote();
        return _sharesIn(q, _maxDeposit(q, receiver));
    }

    /// @inheritdoc ERC4626
    function maxWithdraw(address holder) public view override returns (uint256) {
        return _maxWithdraw(_quote(), holder);
    }

    /// @inheritdoc ERC4626
    function maxRedeem(address holder) public view override returns (uint256) {
        return _maxRedeem(_quote(), holder);
    }

    /// @inheritdoc ERC4626
    function previewDeposit(uint256 assets) public view override returns (uint256) {
        return _sharesIn(_quote(), assets);
    }

    /// @inheritdoc ERC4626
    function previewMint(uint256 shares) public view override returns (uint256) {
        return _assetsIn(_quote(), shares);
    }

    /// @inheritdoc ERC4626
    function _convertToShares(uint256 assets, Math.Rounding rounding) internal view override returns (uint256) {
        return _sharesOut(_quote(), assets, rounding);
    }

    /// @inheritdoc ERC4626
    function _convertToAssets(uint256 shares, Math.Rounding rounding) internal view override returns (uint256) {
        return _assetsOut(_quote(), shares, rounding);
    }

    /// @dev Shares for assets at the entering price, rounded down.
    function _sharesIn(Quote memory q, uint256 assets) private pure returns (uint256) {
        return assets.mulDiv(q.supply + VIRTUAL_SHARES, _high(q) + VIRTUAL_ASSETS);
    }

    /// @dev Assets for shares at the entering price, rounded up.
    function _assetsIn(Quote memory q, uint256 shares) private pure returns (uint256) {
        return shares.mulDiv(_high(q) + VIRTUAL_ASSETS, q.supply + VIRTUAL_SHARES, Math.Rounding.Ceil);
    }

    /// @dev What may enter: nothing while the guardian, a mark, an old price or an unreadable market closes entering.
    function _maxDeposit(Quote memory q, address receiver) private view returns (uint256) {
        if (entriesPaused || !q.sound || (soleDepositor != address(0) && receiver != soleDepositor)) return 0;
        return MAX_TOTAL.saturatingSub(_high(q));
    }

    /// @dev What `holder` could be paid now.
    function _maxWithdraw(Quote memory q, address holder) private view returns (uint256) {
        return Math.min(_assetsOut(q, balanceOf(holder), Math.Rounding.Floor), _free(q));
    }

    /// @dev What `holder` could redeem now.
    function _maxRedeem(Quote memory q, address holder) private view returns (uint256) {
        uint256 shares = balanceOf(holder);
        uint256 free = _free(q);
        if (_assetsOut(q, shares, Math.Rounding.Floor) <= free) return _moving ? 0 : shares;
        return _sharesOut(q, free, Math.Rounding.Floor);
    }

    /// @dev Whether `assets` can be paid beside what the queue is owed; looks at markets only when idle does not do.
    function _canPay(Quote memory q, uint256 assets) private view returns (bool) {
        return assets + _queueOwed(q) <= idle || assets <= _free(q);
    }

    /// @dev Reverts unless `holder` has the shares.
    function _checkShares(uint256 shares, address holder) private view {
        uint256 held = balanceOf(holder);
        if (shares > held) revert NotEnoughShares(shares, held);
    }

    /// @dev Takes the assets in and makes the shares. Locked gains grow with the shares, so the leaving price stays as it
    /// was; only what is paid for losses not yet faded raises it, and never above what was paid.
    function _enter(Quote memory q, uint256 assets, uint256 shares, address receiver) private {
        _moving = true;
        uint256 held = _balance();
        IERC20(asset()).safeTransferFrom(msg.sender, address(this), assets);
        uint256 found = _balance() - held;
        if (found != assets) revert TransferMismatch(assets, found);
        uint256 virtualSupply = q.supply + VIRTUAL_SHARES;
        q.gross += assets;
        q.supply += shares;
        uint256 scaled = uint256(q.gains.amount).mulDiv(virtualSupply + shares, virtualSupply, Math.Rounding.Ceil);
        // No more can be locked than is there, and that is below 2^121.
        q.gains.amount = uint128(Math.min(scaled, q.gross));
        idle += assets;
        _book(q);
        _mint(receiver, shares);
        _moving = false;
        emit Deposit(msg.sender, receiver, assets, shares);
    }

    /// @dev Pays exactly `assets` for `shares`.
    function _leave(Quote memory q, uint256 assets, uint256 shares, address receiver, address holder) private {
        if (msg.sender != holder) _spendAllowance(holder, msg.sender, shares);
        _moving = true;
        uint256 before = q.gross;
        uint256 cost = _raise(q, assets);
        if (idle < assets) revert NotEnoughLiquidity(assets, idle);
        if (cost > DUST * MAX_MARKETS) revert UnwindingCost(cost);
        _absorb(q, before, q.gross, 0);
        _burnFor(q, holder, shares, assets);
        _book(q);
        _moving = false;
        _payOut(receiver, assets);
        emit Withdraw(msg.sender, receiver, holder, assets, shares);
    }

    /// @dev Hands a part of every position over.
    function _handOver(Quote memory q, uint256 part, address receiver, address holder, address[] calldata forgone)
        private
    {
        uint256 count = _markets.length;
        for (uint256 i = 0; i < count; ++i) {
            address market = _markets[i];
            if (_isIn(forgone, market)) continue;
            Reading memory before = _read(market);
            (address token, uint256 amount) = IMarket(market).transferInKind(receiver, part);
            _reread(q, market, before, _read(market));
            emit LeftInKind(holder, market, token, amount);
        }
    }

    /// @dev Whether `list` has `item`.
    function _isIn(address[] calldata list, address item) private pure returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == item) return true;
        }
        return false;
    }
}
