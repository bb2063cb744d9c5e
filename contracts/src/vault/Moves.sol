// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {Books} from "./Books.sol";

/// @title How money moves between idle and markets, and what a leaver can be paid
/// @notice Every amount is measured by balances before and after, never taken from what another contract says.
abstract contract Moves is Books {
    using Math for uint256;
    using SafeERC20 for IERC20;

    /// @notice Gas that taking money out of one market may use when a leaver is paid.
    uint256 public constant MOVE_GAS = 1_500_000;

    /// @notice Asset units that one move may lose to rounding.
    uint256 public constant DUST = 10;

    /// @dev Shares in the redeem queue.
    function _queueShares() internal view virtual returns (uint256);

    /// @dev What the redeem queue is owed at the leaving price; it comes before direct withdrawals and entries.
    function _queueOwed(Quote memory q) internal view returns (uint256) {
        uint256 shares = _queueShares();
        return shares == 0 ? 0 : _assetsOut(q, shares, Math.Rounding.Ceil);
    }

    /// @dev Idle money and what markets could pay now; nothing while money is between places.
    function _available() internal view returns (uint256 available) {
        if (_moving) return 0;
        available = idle;
        uint256 count = _markets.length;
        for (uint256 i = 0; i < count; ++i) {
            available += _liquidity(_markets[i]);
        }
    }

    /// @dev What a market could pay now; nothing when it cannot be read.
    function _liquidity(address market) internal view returns (uint256) {
        _needGas(READ_GAS);
        try IMarket(market).liquidity{gas: READ_GAS}() returns (uint256 found) {
            return found <= MAX_TOTAL / MAX_MARKETS ? found : 0;
        } catch {
            return 0;
        }
    }

    /// @dev What can be paid now to those who are not in the queue.
    function _free(Quote memory q) internal view returns (uint256) {
        return _available().saturatingSub(_queueOwed(q));
    }

    /// @dev Takes `assets` from a market to idle for a leaver; a market that refuses is passed over.
    function _takeOut(Quote memory q, address market, uint256 assets) private {
        Reading memory before = _read(market);
        uint256 held = _balance();
        _needGas(MOVE_GAS);
        try IMarket(market).withdraw{gas: MOVE_GAS}(assets) {
            _accept(q, market, before, held);
        } catch {}
    }

    /// @dev Books what a market did since it read `before` and the vault had `held`. Returns what came to idle and what
    /// the market's low value is now.
    function _accept(Quote memory q, address market, Reading memory before, uint256 held)
        internal
        returns (uint256 got, uint256 low)
    {
        got = _balance() - held;
        Reading memory afterwards = _read(market);
        idle += got;
        q.gross += got;
        _reread(q, market, before, afterwards);
        return (got, afterwards.low);
    }

    /// @dev Takes money out of markets, in the order of the list, until idle holds `assets`. Returns what that cost.
    function _raise(Quote memory q, uint256 assets) internal returns (uint256 cost) {
        uint256 gross = q.gross;
        uint256 count = _markets.length;
        for (uint256 i = 0; i < count && idle < assets; ++i) {
            address market = _markets[i];
            uint256 wanted = Math.min(assets - idle, _liquidity(market));
            if (wanted != 0) _takeOut(q, market, wanted);
        }
        return gross.saturatingSub(q.gross);
    }

    /// @dev Raises what `shares` are worth, as far as `limit` and the markets allow. Returns what is to be paid and what
    /// is to be burned for it: unwinding costs fall on the one who leaves.
    function _raiseFor(Quote memory q, uint256 shares, uint256 limit) internal returns (uint256 paid, uint256 burned) {
        uint256 due = _assetsOut(q, shares, Math.Rounding.Floor);
        uint256 before = q.gross;
        uint256 low = _low(q);
        uint256 cost = _raise(q, Math.min(due, limit));
        paid = Math.min(Math.min(due.saturatingSub(cost), limit), idle);
        burned = shares;
        if (paid + cost < due) {
            burned = Math.min(shares, (paid + cost).mulDiv(q.supply + VIRTUAL_SHARES, low + 1, Math.Rounding.Ceil));
        }
        if (q.gross > before) _absorb(q, before, q.gross, 0);
    }

    /// @dev Burns the shares of one who leaves with `assets`; losses that still fade shrink with the shares.
    function _burnFor(Quote memory q, address holder, uint256 shares, uint256 assets) internal {
        uint256 remaining = q.supply - shares + VIRTUAL_SHARES;
        q.losses.amount =
            uint128(uint256(q.losses.amount).mulDiv(remaining, q.supply + VIRTUAL_SHARES, Math.Rounding.Ceil));
        q.gross = q.gross.saturatingSub(assets);
        q.supply -= shares;
        idle -= assets;
        _burn(holder, shares);
    }

    /// @dev Sends assets out and checks that exactly those left.
    function _payOut(address receiver, uint256 assets) internal {
        if (assets == 0) return;
        uint256 held = _balance();
        IERC20(asset()).safeTransfer(receiver, assets);
        uint256 found = held - _balance();
        if (found != assets) revert TransferMismatch(assets, found);
    }
}
