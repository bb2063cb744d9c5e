// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Config, MarketRules} from "../Types.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {Fading} from "../libraries/Fading.sol";
import {Rules} from "./Rules.sol";

/// @title What the vault is worth, to those who enter and to those who leave
/// @notice Gross value is idle money plus the low values that markets report. Leaving is priced low: gross less gains
/// not yet unlocked and less marks. Entering is priced high: gross plus losses not yet faded and plus the spread between
/// the markets' low and high values. In one instant nobody leaves at more than the price at which anybody could have
/// entered.
abstract contract Books is Rules, ERC4626, ReentrancyGuardTransient {
    using Fading for Fading.Faded;
    using Math for uint256;

    /// @notice Most the vault may ever be worth; a market that reports more counts as unreadable.
    uint256 public constant MAX_TOTAL = 2 ** 120;

    /// @notice Gas that reading one market may take.
    uint256 public constant READ_GAS = 1_000_000;

    /// @notice Growth of up to this a year counts at once when it was earned over time: 20 %.
    uint256 public constant COUNTED_YEARLY_WAD = 0.2e18;

    /// @notice Most that the performance fee may be: 20 %.
    uint256 public constant MAX_FEE_BPS = 2_000;

    /// @dev Virtual shares and the one virtual asset: an empty vault has a price, and inflating it costs the inflator.
    uint256 internal constant VIRTUAL_SHARES = 1e6;
    uint256 internal constant VIRTUAL_ASSETS = 1;
    uint256 internal constant PRICE_SCALE = 1e27;

    /// @notice Seconds over which gains unlock and losses fade.
    uint256 public immutable fadePeriod;

    /// @notice Asset units in the vault that count; what is sent without asking does not.
    uint256 public idle;

    /// @notice Asset units in the vault that the queue was paid and nobody collected yet; not part of value.
    uint256 public reserved;

    /// @notice Performance fee in basis points.
    uint256 public feeBps;

    /// @notice Who receives fee shares.
    address public feeRecipient;

    /// @notice Highest leaving price so far, per 1e27 shares; only growth above it pays a fee.
    uint256 public highWater;

    uint256 private _bookedGross;
    uint128 private _bookedMarks;
    uint128 private _bookedSpread;
    uint256 private _bookedAt;
    Fading.Faded private _gains;
    Fading.Faded private _losses;

    /// @dev True while money is between places: views then answer from the books, which still agree with the supply.
    bool internal transient _moving;

    /// @dev One reading of everything.
    struct Quote {
        uint256 gross;
        uint256 marks;
        uint256 spread;
        uint256 supply;
        uint256 feeShares;
        uint256 highWater;
        bool sound;
        bool isStale;
        Fading.Faded gains;
        Fading.Faded losses;
    }

    /// @dev One reading of a market: the value that leaving is priced at, what entering is priced at above it, whether
    /// it can be read, and whether its price is fresh too. A market that cannot be read counts as nothing.
    struct Reading {
        uint256 low;
        uint256 spread;
        bool isReadable;
        bool isFresh;
    }

    constructor(Config memory config) {
        fadePeriod = _within(config.fadePeriod, 1 hours, 30 days);
        _bookedAt = block.timestamp;
        highWater = VIRTUAL_ASSETS * PRICE_SCALE / VIRTUAL_SHARES;
    }

    /// @notice Returns what leaving is priced at: gross value less gains not yet unlocked and marks.
    function totalAssets() public view override returns (uint256) {
        return _low(_quote());
    }

    /// @notice Returns the three values: all that is there, what leaving and what entering is priced at, the shares
    /// with pending fee shares, and whether every market is readable, fresh and unmarked.
    function value() external view returns (uint256 gross, uint256 low, uint256 high, uint256 supply, bool isSound) {
        Quote memory q = _quote();
        return (q.gross, _low(q), _high(q), q.supply, q.sound);
    }

    /// @notice Reads all markets, books gains, losses and fees. Anyone may call; gains unlock sooner when somebody does.
    function settle() external nonReentrant {
        _settle();
    }

    /// @notice Writes off part of a market for those who leave, or lifts the mark: the guardian at once, the owner
    /// after waiting. Entering is closed while a mark stands; lifting it brings the price back for those who stayed.
    function setMark(address market, uint16 markBps) external nonReentrant {
        if (msg.sender != guardian) _takePending();
        if (!marketRules[market].isListed) revert NotListed(market);
        _settle();
        marketRules[market].markBps = uint16(_within(markBps, 0, BPS));
        emit MarkSet(market, markBps, msg.sender);
        _settle();
    }

    /// @notice Sets the performance fee after accruing the old one. Waits.
    function setFee(uint256 changedBps, address recipient) external nonReentrant {
        _takePending();
        _settle();
        feeBps = _within(changedBps, 0, MAX_FEE_BPS);
        if (recipient == address(0) && changedBps != 0) revert ERC20InvalidReceiver(recipient);
        feeRecipient = recipient;
        emit FeeSet(changedBps, recipient);
    }

    /// @notice Puts a market contract on the list. Waits.
    function listMarket(address market, uint128 absoluteCap, uint16 relativeCapBps) external nonReentrant {
        _takePending();
        if (_markets.length >= MAX_MARKETS) revert TooManyMarkets(MAX_MARKETS);
        if (marketRules[market].isListed || market.code.length == 0) revert CannotList(market);
        if (IMarket(market).vault() != address(this) || IMarket(market).asset() != asset()) revert CannotList(market);
        _settle();
        marketRules[market].isListed = true;
        _markets.push(market);
        emit MarketListed(market);
        _setCaps(market, absoluteCap, relativeCapBps);
        _settle();
    }

    /// @notice Takes a market off the list: the curator at once when its caps are zero and it is empty; the owner after
    /// waiting when it is empty or cannot be read; what it may hold is then written off until it is listed again.
    function removeMarket(address market) external nonReentrant {
        MarketRules memory rules = marketRules[market];
        if (!rules.isListed) revert NotListed(market);
        Reading memory found = _read(market);
        if (found.low + found.spread != 0) revert MarketInUse(market, found.low + found.spread);
        bool empty = found.isReadable && rules.absoluteCap == 0 && rules.relativeCapBps == 0;
        if (!empty || msg.sender != curator) _takePending();
        _settle();
        delete marketRules[market];
        uint256 last = _markets.length - 1;
        address kept = _markets[last];
        _markets.pop();
        for (uint256 i = 0; i < last; ++i) {
            if (_markets[i] == market) _markets[i] = kept;
        }
        emit MarketRemoved(market);
        _settle();
    }

    /// @inheritdoc Rules
    function _hasHolders() internal view override returns (bool) {
        return totalSupply() != 0;
    }

    /// @inheritdoc Rules
    function _isOwnerChange(bytes4 selector) internal pure override returns (bool) {
        return
            selector == this.setMark.selector || selector == this.setFee.selector
                || selector == this.removeMarket.selector;
    }

    /// @inheritdoc Rules
    function _isCuratorChange(bytes4 selector) internal pure override returns (bool) {
        return selector == this.listMarket.selector;
    }

    /// @dev What leaving is priced at.
    function _low(Quote memory q) internal pure returns (uint256) {
        return q.gross.saturatingSub(q.gains.amount + q.marks);
    }

    /// @dev What entering is priced at.
    function _high(Quote memory q) internal pure returns (uint256) {
        return q.gross + q.losses.amount + q.spread;
    }

    /// @dev Assets for shares at the leaving price.
    function _assetsOut(Quote memory q, uint256 shares, Math.Rounding rounding) internal pure returns (uint256) {
        return shares.mulDiv(_low(q) + VIRTUAL_ASSETS, q.supply + VIRTUAL_SHARES, rounding);
    }

    /// @dev Shares for assets at the leaving price.
    function _sharesOut(Quote memory q, uint256 assets, Math.Rounding rounding) internal pure returns (uint256) {
        return assets.mulDiv(q.supply + VIRTUAL_SHARES, _low(q) + VIRTUAL_ASSETS, rounding);
    }

    /// @dev What a market reports, and whether it can be read. Enough gas is kept back to tell a market that fails
    /// from a call that was starved.
    function _read(address market) internal view returns (Reading memory found) {
        _needGas(READ_GAS);
        try IMarket(market).value{gas: READ_GAS}() returns (uint256 low, uint256 high, bool isFresh) {
            if (low <= high && high <= MAX_TOTAL / MAX_MARKETS) return Reading(low, high - low, true, isFresh);
        } catch {}
    }

    /// @dev What the mark of a market takes off `worth` for those who leave.
    function _markOn(address market, uint256 worth) internal view returns (uint256) {
        return worth.mulDiv(marketRules[market].markBps, BPS, Math.Rounding.Ceil);
    }

    /// @dev Takes a market that was read before and after a move into a reading. A market that changes its mind between
    /// two readings cannot make a sum go below zero and so keep anyone in.
    function _reread(Quote memory q, address market, Reading memory before, Reading memory afterwards) internal view {
        q.gross = (q.gross + afterwards.low).saturatingSub(before.low);
        q.spread = (q.spread + afterwards.spread).saturatingSub(before.spread);
        q.marks = (q.marks + _markOn(market, afterwards.low)).saturatingSub(_markOn(market, before.low));
    }

    /// @dev Reverts unless a call can be given `gas_` gas in full.
    function _needGas(uint256 gas_) internal view {
        uint256 needed = gas_ + gas_ / 32 + 50_000;
        if (gasleft() < needed) revert GasTooLow(gasleft(), needed);
    }

    /// @dev Reads everything as of now, without writing.
    function _quote() internal view returns (Quote memory q) {
        q.supply = totalSupply();
        q.gains = _gains.current();
        q.losses = _losses.current();
        q.highWater = highWater;
        uint256 booked = _bookedGross;
        if (_moving) {
            (q.gross, q.marks, q.spread) = (booked, _bookedMarks, _bookedSpread);
            return q;
        }
        _readAll(q);
        _absorb(q, booked, q.gross, block.timestamp - _bookedAt);
        _addFee(q);
    }

    /// @dev Reads everything, books it and makes the fee shares.
    function _settle() internal returns (Quote memory q) {
        q = _quote();
        _book(q);
        if (q.feeShares == 0) return q;
        _mint(feeRecipient, q.feeShares);
        emit FeeAccrued(feeRecipient, q.feeShares);
    }

    /// @dev Writes a reading down.
    function _book(Quote memory q) internal {
        _bookedGross = q.gross;
        // Both are sums of what at most twelve markets report, which is below 2^120 together.
        _bookedMarks = uint128(q.marks);
        _bookedSpread = uint128(q.spread);
        _bookedAt = block.timestamp;
        _gains = q.gains;
        _losses = q.losses;
        if (highWater != q.highWater) highWater = q.highWater;
        emit Settled(q.gross, _low(q), _high(q), q.supply);
    }

    /// @dev Takes a change of gross value into gains and losses. A gain first undoes losses not yet faded; of the rest,
    /// what was earned over `elapsed` counts for the part of the fade period that passed, up to 20 % a year, and what
    /// remains unlocks. A loss first eats gains not yet unlocked; the rest counts for leavers at once and fades for
    /// those who enter.
    function _absorb(Quote memory q, uint256 from, uint256 to, uint256 elapsed) internal view {
        if (to < from) {
            q.losses.add(q.gains.cancel(from - to), fadePeriod);
            return;
        }
        uint256 gain = q.losses.cancel(to - from);
        uint256 counted = gain.mulDiv(Math.min(elapsed, fadePeriod), fadePeriod);
        uint256 most = from.mulDiv(COUNTED_YEARLY_WAD * elapsed, 365 days * 1e18);
        q.gains.add(gain - Math.min(counted, most), fadePeriod);
    }

    /// @dev Raises the high-water mark to the leaving price after the fee on what lies above it.
    function _addFee(Quote memory q) private view {
        uint256 low = _low(q) + VIRTUAL_ASSETS;
        uint256 virtualSupply = q.supply + VIRTUAL_SHARES;
        uint256 price = low.mulDiv(PRICE_SCALE, virtualSupply);
        if (q.supply == 0) {
            q.highWater = price;
            return;
        }
        if (price <= q.highWater) return;
        uint256 profit = q.supply.mulDiv(price - q.highWater, PRICE_SCALE);
        uint256 fee = profit * feeBps / BPS;
        if (fee != 0) {
            q.feeShares = fee.mulDiv(virtualSupply, low - fee);
            q.supply += q.feeShares;
            price = low.mulDiv(PRICE_SCALE, q.supply + VIRTUAL_SHARES, Math.Rounding.Ceil);
        }
        q.highWater = Math.max(price, q.highWater);
    }

    /// @dev Reads idle money, what markets report and their marks, and whether all can be read at fresh prices and none
    /// is marked.
    function _readAll(Quote memory q) private view {
        q.gross = idle;
        q.sound = true;
        uint256 count = _markets.length;
        for (uint256 i = 0; i < count; ++i) {
            address market = _markets[i];
            Reading memory found = _read(market);
            q.gross += found.low;
            q.spread += found.spread;
            q.marks += _markOn(market, found.low);
            if (!found.isFresh || marketRules[market].markBps != 0) q.sound = false;
            if (found.isReadable && !found.isFresh) q.isStale = true;
        }
    }

    /// @inheritdoc ERC4626
    function _decimalsOffset() internal pure override returns (uint8) {
        return 6;
    }

    /// @dev What this contract holds of the asset, counted or not.
    function _balance() internal view returns (uint256) {
        return IERC20(asset()).balanceOf(address(this));
    }
}
