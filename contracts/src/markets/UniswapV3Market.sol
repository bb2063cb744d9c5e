// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {ISwap} from "../interfaces/ISwap.sol";
import {PricedMarket} from "./PricedMarket.sol";
import {UniswapV3Position} from "./UniswapV3Position.sol";
import {UniswapV3Trades} from "./UniswapV3Trades.sol";

/// @title The vault's range of one Uniswap V3 pool, staked or not
/// @notice Worth what the range is made of at the oracle's price, never at the pool's: no trade in the pool moves that
/// but by its fee. At any price of the pool it is made of at least as much, valued by the oracle. Fees count to the unit
/// as they accrue; rewards count when they have been sold.
/// @dev Data. `deposit`: empty, or `(int24 lower, int24 upper)` while nothing is in a range. `arrange`: `(uint256 0, int24
/// lower, int24 upper)` for another range, `(uint256 1, uint256 startTime, uint256 endTime, address refundee)` to stake,
/// `(uint256 2)` to stop. `harvest`: empty, or `(uint256)` with 1 to keep the other token and 2 to leave rewards.
contract UniswapV3Market is UniswapV3Trades {
    using Math for uint256;
    using SafeERC20 for IERC20;

    /// @dev Times that more is burned when a sale falls short.
    uint256 private constant MOST_BURNS = 3;

    /// @notice What a market is made with.
    /// @param swap Swaps the other token and the asset; may be in the same pool.
    /// @param oracle Worth of the other token in the asset.
    /// @param staker Uniswap's staker, or zero, with the reward, its worth in the asset and the swap that sells it; the
    /// last two are zero when the reward is the asset.
    /// @param minWidth Least width of a range in ticks, which are about a basis point each.
    /// @param maxWidth Most width of a range.
    /// @param maxMiddleDistance Most ticks between the middle of a new range and the oracle's price.
    /// @param maxSpotDistance Most ticks between the pool's price and the oracle's when liquidity is added.
    struct Settings {
        address pool;
        address manager;
        address swap;
        address oracle;
        address staker;
        address reward;
        address rewardOracle;
        address rewardSwap;
        uint24 minWidth;
        uint24 maxWidth;
        uint24 maxMiddleDistance;
        uint24 maxSpotDistance;
        uint256 slippageBps;
        uint256 staleBandBps;
    }

    /// @notice Rewards were claimed.
    event RewardsClaimed(uint256 amount);
    /// @notice Rewards were sold for `assets`; `worth` is the oracle's worst price for them.
    event RewardsSold(uint256 amount, uint256 assets, uint256 worth);
    /// @notice A leaver in kind received both tokens.
    event HandedOver(address indexed to, uint256 assets, uint256 others);

    /// @notice A range that is not within the bounds of this market.
    error RangeOutOfBounds(int24 lower, int24 upper, int24 oracleTick);
    /// @notice The pool's price is too far from the oracle's.
    error SpotTooFar(int24 spotTick, int24 oracleTick);
    /// @notice No range was ever set, or one is in use.
    error RangeInUse(bool inUse);

    /// @notice Worth of the reward.
    IPriceOracle public immutable rewardOracle;
    /// @notice Sells the reward.
    ISwap public immutable rewardSwap;
    /// @notice Bounds on ranges, in ticks.
    uint24 public immutable minWidth;
    uint24 public immutable maxWidth;
    uint24 public immutable maxMiddleDistance;
    uint24 public immutable maxSpotDistance;

    /// @notice Rewards claimed and not sold yet.
    uint256 public unsold;

    constructor(address vault_, address asset_, Settings memory s)
        PricedMarket(vault_, asset_, s.slippageBps, s.staleBandBps)
        UniswapV3Position(s.pool, s.manager, s.staker, s.reward)
        UniswapV3Trades(s.swap, s.oracle)
    {
        (rewardOracle, rewardSwap) = (IPriceOracle(s.rewardOracle), ISwap(s.rewardSwap));
        (minWidth, maxWidth) = (s.minWidth, s.maxWidth);
        (maxMiddleDistance, maxSpotDistance) = (s.maxMiddleDistance, s.maxSpotDistance);
        bool hasWay = s.reward == asset_ || (s.rewardOracle != address(0) && s.rewardSwap != address(0));
        if (s.staker != address(0) && (s.reward == address(0) || s.reward == other || !hasWay)) revert CannotStake();
    }

    /// @inheritdoc PricedMarket
    function _isFresh() internal view override returns (bool isFresh) {
        (,, isFresh) = oracle.quote(PROBE);
    }

    /// @inheritdoc PricedMarket
    function _value() internal view override returns (uint256 low, uint256 high, bool isFresh) {
        (uint256 worst, uint256 best, bool fresh) = oracle.quote(PROBE);
        (uint256 assets, uint256 others) = fees();
        others += otherHeld;
        low = assets + _worthAt(worst, others, Math.Rounding.Floor);
        high = assets + _worthAt(best, others, Math.Rounding.Ceil);
        return (low, Math.max(low, high), fresh);
    }

    /// @dev The range and `others` of the other token at a price of the other token.
    function _worthAt(uint256 price, uint256 others, Math.Rounding rounding) private view returns (uint256 assets) {
        uint256 inRange;
        if (liquidityUnits != 0) (assets, inRange) = _amounts(_sqrtOf(price), liquidityUnits);
        return assets + (inRange + others).mulDiv(price, PROBE, rounding);
    }

    /// @inheritdoc PricedMarket
    function _liquidity() internal view override returns (uint256) {
        (uint256 assets, uint256 others) = fees();
        others += otherHeld;
        uint160 spot = _spot();
        for (uint256 i = 0; i < 4; ++i) {
            uint128 part = liquidityUnits >> i;
            (uint256 a, uint256 o) = _amounts(spot, part);
            uint256 out = _quoteAfter(part, others + o);
            if (out >= _leastFor(others + o)) return (assets + a + out).saturatingSub(ROUNDING);
        }
        return assets;
    }

    /// @inheritdoc PricedMarket
    function _buy(uint256 assets, bytes calldata data) internal override returns (uint256) {
        if (data.length != 0) {
            if (liquidityUnits != 0) revert RangeInUse(true);
            (int24 from, int24 to) = abi.decode(data, (int24, int24));
            _setRange(from, to);
        }
        if (lower == upper) revert RangeInUse(false);
        bool wasStaked = _unstake();
        uint256 units = _addBalanced(assets, 0);
        _restake(wasStaked);
        return units;
    }

    /// @inheritdoc PricedMarket
    /// @dev Burns the least liquidity that pays `assets` at what the swap quotes, and sells no more than is needed.
    function _sell(uint256 assets) internal override returns (uint256 got, uint256 units) {
        bool wasStaked = _unstake();
        uint256 others;
        (got, others) = _collectFees();
        others += otherHeld;
        for (uint256 i = 0; i < MOST_BURNS && liquidityUnits != 0; ++i) {
            uint256 raised = got + _quoteAfter(0, others);
            if (raised >= assets) break;
            uint128 part = _liquidityFor(assets - got, others);
            (uint256 a, uint256 o) = _burn(part);
            (got, others, units) = (got + a, others + o, units + part);
        }
        if (got < assets) {
            uint256 sold = _amountFor(assets - got, others);
            otherHeld = others - sold;
            got += _swap(swap, other, sold, asset, _leastFor(sold));
        } else {
            otherHeld = others;
        }
        _restake(wasStaked);
    }

    /// @inheritdoc PricedMarket
    function _give(address to, uint256 shareOfWad) internal override returns (address, uint256) {
        bool wasStaked = _unstake();
        (uint256 feeAssets, uint256 others) = _collectFees();
        others += otherHeld;
        (uint256 assets, uint256 given) = _burn(uint128(Math.mulDiv(liquidityUnits, shareOfWad, WAD)));
        uint256 feePart = feeAssets.mulDiv(shareOfWad, WAD);
        uint256 otherPart = others.mulDiv(shareOfWad, WAD);
        held += feeAssets - feePart;
        otherHeld = others - otherPart;
        assets += feePart;
        given += otherPart;
        if (assets != 0) IERC20(asset).safeTransfer(to, assets);
        if (given != 0) IERC20(other).safeTransfer(to, given);
        emit HandedOver(to, assets, given);
        _restake(wasStaked);
        return (other, given);
    }

    /// @dev Collects fees, claims rewards, sells what is not the asset within the oracle's bound.
    function _harvest(bytes calldata data) internal override {
        uint256 flags = data.length == 0 ? 0 : abi.decode(data, (uint256));
        bool wasStaked = _unstake();
        (uint256 assets, uint256 others) = _collectFees();
        others += otherHeld;
        otherHeld = others;
        if (flags & 1 == 0 && others != 0 && _isFresh()) {
            otherHeld = 0;
            assets += _swap(swap, other, others, asset, _leastFor(others));
        }
        if (flags & 2 == 0 && reward != address(0)) assets += _sellRewards();
        _restake(wasStaked);
        assets += held;
        held = 0;
        if (assets != 0) IERC20(asset).safeTransfer(vault, assets);
    }

    /// @dev Another range, staking, or its end.
    function _arrange(bytes calldata data) internal override {
        uint256 act = data.length < 32 ? type(uint256).max : uint256(bytes32(data));
        if (act == 0) {
            (, int24 from, int24 to) = abi.decode(data, (uint256, int24, int24));
            _unstake();
            (uint256 assets, uint256 others) = _collectFees();
            (uint256 a, uint256 o) = _burn(liquidityUnits);
            (assets, others) = (assets + a + held, others + o + otherHeld);
            (held, otherHeld) = (0, 0);
            _setRange(from, to);
            emit Entered(0, _addBalanced(assets, others));
        } else if (act == 1) {
            (, Stake memory incentive) = abi.decode(data, (uint256, Stake));
            _stakeFor(incentive);
        } else if (act == 2) {
            _unstake();
        } else {
            revert UnknownData(data.length);
        }
    }

    /// @dev Claims rewards and sells them. A sale that fails, or whose price is old, leaves them for the next time.
    function _sellRewards() private returns (uint256 assets) {
        uint256 before = IERC20(reward).balanceOf(address(this));
        if (staker.rewards(reward, address(this)) != 0) staker.claimReward(reward, address(this), 0);
        uint256 claimed = IERC20(reward).balanceOf(address(this)) - before;
        if (claimed != 0) emit RewardsClaimed(claimed);
        if (reward == asset) return claimed;
        uint256 amount = unsold + claimed;
        unsold = amount;
        (uint256 worth,, bool isFresh) = rewardOracle.quote(amount);
        if (amount == 0 || !isFresh) return 0;
        uint256 cash = IERC20(asset).balanceOf(address(this));
        _approve(reward, address(rewardSwap), amount);
        try rewardSwap.swap(reward, amount, _lessSlippage(worth)) {
            unsold = 0;
            assets = IERC20(asset).balanceOf(address(this)) - cash;
            if (assets < _lessSlippage(worth)) revert TooLittle(assets, _lessSlippage(worth));
            emit RewardsSold(amount, assets, worth);
        } catch {}
        _takeBack(reward, address(rewardSwap));
    }

    /// @dev Sets a range for a new position, within the bounds.
    function _setRange(int24 from, int24 to) private {
        int24 believed = _oracleTick();
        int24 middle = (from + to) / 2;
        bool isWide = to > from && uint24(to - from) >= minWidth && uint24(to - from) <= maxWidth;
        if (!isWide || _distance(middle, believed) > maxMiddleDistance) revert RangeOutOfBounds(from, to, believed);
        (uint256 assets, uint256 others) = _collectFees();
        held += assets;
        otherHeld += others;
        (lower, upper, tokenId) = (from, to, 0);
        emit RangeSet(from, to);
    }

    /// @dev Swaps so that both tokens fit the range at the pool's price, and adds them.
    function _addBalanced(uint256 assets, uint256 others) private returns (uint128) {
        // The first swap moves the price, and with it the proportion: the second one is for what that left.
        (assets, others) = _balance(assets, others);
        (assets, others) = _balance(assets, others);
        int24 believed = _oracleTick();
        (, int24 spot,,,,,) = pool.slot0();
        if (_distance(spot, believed) > maxSpotDistance) revert SpotTooFar(spot, believed);
        return _add(assets, others);
    }

    /// @dev Ticks between two.
    function _distance(int24 a, int24 b) private pure returns (uint24) {
        return uint24(a > b ? a - b : b - a);
    }
}
