// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {IStakingRewards} from "../interfaces/IStakingRewards.sol";
import {ISwap} from "../interfaces/ISwap.sol";
import {IUniswapV2Factory, IUniswapV2Pair} from "../interfaces/IUniswapV2.sol";
import {PairMath} from "../libraries/PairMath.sol";
import {Market} from "./Market.sol";
import {PricedMarket} from "./PricedMarket.sol";

/// @title The vault's share of a Uniswap V2 pair, staked for rewards
/// @notice Worth 2 sqrt(k p0 p1) of all shares' part, with prices from an oracle: no trade in the pair moves that but by
/// its fee. Enters and leaves in one token by a swap in the pair itself. Counts shares as they move in and out, so shares
/// sent here are never counted; rewards count when they have been sold.
contract UniswapV2Market is PricedMarket {
    using SafeERC20 for IERC20;

    /// @dev Asset units that burning and selling may lose to rounding.
    uint256 private constant ROUNDING = 3;

    /// @dev Units of the other token that an exit may lose to rounding, and that it needs to burn and sell anything.
    uint256 private constant GRAINS = 4;

    /// @notice What a market is made with.
    /// @param oracle Worth of the other token in the asset.
    /// @param staking StakingRewards for the pair's shares, or zero.
    /// @param rewardOracle Worth of the reward token in the asset; zero when the reward is the asset.
    /// @param rewardSwap Sells the reward token for the asset; zero when the reward is the asset.
    struct Settings {
        address pair;
        address oracle;
        address staking;
        address rewardOracle;
        address rewardSwap;
        uint256 slippageBps;
        uint256 staleBandBps;
    }

    /// @notice Rewards were claimed.
    event RewardsClaimed(address indexed token, uint256 amount);

    /// @notice Rewards were sold for `assets`, which went to the vault; `worth` is the oracle's worst price for them.
    event RewardsSold(address indexed token, uint256 amount, uint256 assets, uint256 worth);

    /// @notice A part of the position is staked from now on.
    event Staked(uint256 amount);

    /// @notice The staking contract is not for this pair, or a reward has no oracle or swap.
    error CannotStake(address staking);

    /// @notice The pair.
    IUniswapV2Pair public immutable pair;

    /// @notice The pair's other token.
    address public immutable other;

    /// @notice Worth of the other token in the asset.
    IPriceOracle public immutable oracle;

    /// @notice Where shares are staked; zero for nowhere.
    IStakingRewards public immutable staking;

    /// @notice The token that staking pays.
    address public immutable reward;

    /// @notice Worth of the reward token in the asset.
    IPriceOracle public immutable rewardOracle;

    /// @notice Sells the reward token for the asset.
    ISwap public immutable rewardSwap;

    bool private immutable _isAssetZero;

    /// @notice The pair's shares that the vault put here, staked or not.
    uint256 public shares;

    /// @notice Those of them that are staked.
    uint256 public staked;

    /// @notice Rewards claimed and not sold yet.
    uint256 public unsold;

    constructor(address vault_, address asset_, Settings memory s)
        PricedMarket(vault_, asset_, s.slippageBps, s.staleBandBps)
    {
        pair = IUniswapV2Pair(s.pair);
        (address token0, address token1) = (pair.token0(), pair.token1());
        _isAssetZero = token0 == asset_;
        if (!_isAssetZero && token1 != asset_) revert AssetMismatch(asset_, token1);
        other = _isAssetZero ? token1 : token0;
        oracle = IPriceOracle(s.oracle);
        staking = IStakingRewards(s.staking);
        if (s.staking == address(0)) return;
        address token = IStakingRewards(s.staking).rewardsToken();
        bool isSellable = token == asset_ || (s.rewardOracle != address(0) && s.rewardSwap != address(0));
        bool isForPair = IStakingRewards(s.staking).stakingToken() == s.pair && token != s.pair;
        if (!isSellable || !isForPair) revert CannotStake(s.staking);
        (reward, rewardOracle, rewardSwap) = (token, IPriceOracle(s.rewardOracle), ISwap(s.rewardSwap));
    }

    /// @notice Returns what the value is made of: the vault's shares, sqrt(k) of one share in parts of 1e18, which only
    /// fees and gifts raise, and what one whole 1e18 of the other token is worth.
    function position() external view returns (uint256 units, uint256 index, uint256 priceLow, uint256 priceHigh) {
        (uint256 mine, uint256 others) = _reserves();
        (priceLow, priceHigh,) = oracle.quote(WAD);
        return (shares, Math.mulDiv(Math.sqrt(mine * others), WAD, _supply(mine, others)), priceLow, priceHigh);
    }

    /// @inheritdoc PricedMarket
    function _isFresh() internal view override returns (bool isFresh) {
        (,, isFresh) = oracle.quote(WAD);
    }

    /// @inheritdoc PricedMarket
    /// @dev 2 sqrt(k p) = 2 sqrt(x * (y p)), of the shares' part.
    function _value() internal view override returns (uint256 low, uint256 high, bool isFresh) {
        (uint256 mine, uint256 others) = _reserves();
        (low, high, isFresh) = oracle.quote(others);
        uint256 supply = _supply(mine, others);
        if (shares == 0 || supply == 0) return (0, 0, isFresh);
        low = Math.mulDiv(2 * Math.sqrt(mine * low), shares, supply);
        high = Math.mulDiv(2 * Math.sqrt(mine * high), shares, supply, Math.Rounding.Ceil);
    }

    /// @inheritdoc PricedMarket
    /// @dev As much as keeps the sale of the other token, which moves the pair's price, within the slippage.
    function _liquidity() internal view override returns (uint256) {
        (uint256 mine, uint256 others) = _reserves();
        uint256 supply = _supply(mine, others);
        if (shares == 0 || mine == 0) return 0;
        (uint256 low,,) = oracle.quote(others);
        uint256 most = PairMath.mostBurned(Math.mulDiv(_lessSlippage(low), WAD, mine, Math.Rounding.Ceil));
        uint256 burned = Math.min(Math.mulDiv(shares, WAD, supply), most);
        // A billionth and some units stay back for rounding: what is promised has to be paid.
        uint256 brought = Math.mulDiv(mine, PairMath.bringsOf(burned), WAD);
        return Math.saturatingSub(brought, brought / 1e9 + 10 + 2 * _grains(mine, others));
    }

    /// @inheritdoc PricedMarket
    /// @dev `data` is empty, or a bool: whether to stake.
    function _buy(uint256 assets, bytes calldata data) internal override returns (uint256 units) {
        (uint256 mine, uint256 others) = _reserves();
        uint256 sold = PairMath.partToSwap(assets, mine);
        uint256 bought = PairMath.amountOut(sold, mine, others);
        (, uint256 high,) = oracle.quote(bought);
        uint256 least = _lessSlippage(sold);
        if (high < least) revert TooLittle(high, least);
        IERC20(asset).safeTransfer(address(pair), sold);
        _pairSwap(bought, false);
        emit Swapped(asset, sold, bought, least);
        IERC20(asset).safeTransfer(address(pair), assets - sold);
        IERC20(other).safeTransfer(address(pair), bought);
        units = pair.mint(address(this));
        shares += units;
        if (address(staking) != address(0) && (data.length == 0 || abi.decode(data, (bool)))) _stake(units);
    }

    /// @inheritdoc PricedMarket
    function _sell(uint256 assets) internal override returns (uint256 got, uint256 units) {
        (uint256 mine, uint256 others) = _reserves();
        uint256 aim = assets + ROUNDING + _grains(mine, others);
        if (aim >= mine) revert TooLittle(mine, aim);
        uint256 part = PairMath.burnFor(Math.mulDiv(aim, WAD, mine, Math.Rounding.Ceil));
        units = Math.min(shares, Math.mulDiv(_supply(mine, others), part, WAD, Math.Rounding.Ceil) + 1);
        _take(units);
        pair.transfer(address(pair), units);
        (uint256 out0, uint256 out1) = pair.burn(address(this));
        (uint256 back, uint256 sold) = _isAssetZero ? (out0, out1) : (out1, out0);
        (mine, others) = _reserves();
        uint256 brought = PairMath.amountOut(sold, others, mine);
        (uint256 low,,) = oracle.quote(sold);
        uint256 least = _lessSlippage(low);
        if (brought < least) revert TooLittle(brought, least);
        IERC20(other).safeTransfer(address(pair), sold);
        _pairSwap(brought, true);
        emit Swapped(other, sold, brought, least);
        got = back + brought;
    }

    /// @inheritdoc Market
    /// @dev `data` is empty, or the most of the reward token to sell: zero claims and sells nothing.
    function _harvest(bytes calldata data) internal override {
        if (address(staking) == address(0)) revert NothingToHarvest();
        uint256 before = IERC20(reward).balanceOf(address(this));
        staking.getReward();
        uint256 claimed = IERC20(reward).balanceOf(address(this)) - before;
        emit RewardsClaimed(reward, claimed);
        uint256 all = unsold + claimed;
        uint256 sold = data.length == 0 ? all : Math.min(all, abi.decode(data, (uint256)));
        unsold = all - sold;
        if (sold != 0) _sellReward(sold);
    }

    /// @inheritdoc Market
    /// @dev `data` is how much is to be staked from now on; more than all means all.
    function _arrange(bytes calldata data) internal override {
        if (address(staking) == address(0)) revert NothingToArrange();
        uint256 wanted = Math.min(abi.decode(data, (uint256)), shares);
        if (wanted > staked) _stake(wanted - staked);
        else _unstake(staked - wanted);
    }

    /// @inheritdoc PricedMarket
    function _give(address to, uint256 shareOfWad) internal override returns (address token, uint256 amount) {
        token = address(pair);
        amount = Math.mulDiv(shares, shareOfWad, WAD);
        if (amount == 0) return (token, 0);
        _take(amount);
        IERC20(token).safeTransfer(to, amount);
    }

    /// @dev Sells rewards for the asset and sends what comes to the vault.
    function _sellReward(uint256 sold) private {
        if (reward == asset) {
            IERC20(asset).safeTransfer(vault, sold);
            emit RewardsSold(reward, sold, sold, sold);
            return;
        }
        (uint256 low,, bool isFresh) = rewardOracle.quote(sold);
        if (!isFresh) revert StalePrice();
        uint256 assets = _swap(rewardSwap, reward, sold, asset, _lessSlippage(low));
        IERC20(asset).safeTransfer(vault, assets);
        emit RewardsSold(reward, sold, assets, low);
    }

    /// @dev Counts off shares that go and takes them out of staking as far as needed.
    function _take(uint256 amount) private {
        uint256 free = shares - staked;
        if (amount > free) _unstake(amount - free);
        shares -= amount;
    }

    /// @dev Stakes `amount` more.
    function _stake(uint256 amount) private {
        staked += amount;
        _approve(address(pair), address(staking), amount);
        staking.stake(amount);
        _allTaken(address(pair), address(staking), amount);
        emit Staked(staked);
    }

    /// @dev Stakes `amount` less.
    function _unstake(uint256 amount) private {
        if (amount == 0) return;
        staked -= amount;
        staking.withdraw(amount);
        emit Staked(staked);
    }

    /// @dev Takes `out` from the pair, which has been paid: the asset or the other token.
    function _pairSwap(uint256 out, bool isAssetOut) private {
        (uint256 out0, uint256 out1) = isAssetOut == _isAssetZero ? (out, uint256(0)) : (uint256(0), out);
        pair.swap(out0, out1, address(this), "");
    }

    /// @dev The pair's reserves of the asset and of the other token.
    function _reserves() private view returns (uint256 mine, uint256 others) {
        (uint256 reserve0, uint256 reserve1,) = pair.getReserves();
        return _isAssetZero ? (reserve0, reserve1) : (reserve1, reserve0);
    }

    /// @dev What some units of the other token are worth in the pair: much where it has fewer decimals than the asset.
    function _grains(uint256 mine, uint256 others) private pure returns (uint256) {
        return others == 0 ? 0 : GRAINS * (mine / others);
    }

    /// @dev All shares, with those that the protocol's fee will make before the next one is made or burned: a sixth of the
    /// growth of sqrt(k).
    function _supply(uint256 mine, uint256 others) private view returns (uint256 supply) {
        supply = pair.totalSupply();
        uint256 last = pair.kLast();
        if (last == 0 || IUniswapV2Factory(pair.factory()).feeTo() == address(0)) return supply;
        (uint256 root, uint256 rootLast) = (Math.sqrt(mine * others), Math.sqrt(last));
        if (root > rootLast) supply += Math.mulDiv(supply, root - rootLast, 5 * root + rootLast, Math.Rounding.Ceil);
    }
}
