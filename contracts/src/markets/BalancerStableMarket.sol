// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IBalancerVault, IRateProvider, IStablePool} from "../interfaces/IBalancerV2.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {StableMath} from "../libraries/StableMath.sol";
import {StablePools} from "../libraries/StablePools.sol";
import {PricedMarket} from "./PricedMarket.sol";

/// @title The vault's share of a Balancer V2 composable stable pool
/// @notice One pool share is worth the invariant's part of it, at the price of the worst of the pool's tokens for those
/// who leave and of the best for those who enter: whatever was swapped, the tokens behind a share are never worth less
/// than the first. Balances do not come into it. While Balancer's Vault is in the middle of something the pool's rate may
/// be nonsense; then the rate last noted stands in and nothing is fresh.
contract BalancerStableMarket is PricedMarket {
    using SafeERC20 for IERC20;

    /// @dev Balancer's kinds of join and exit.
    uint256 private constant EXACT_TOKENS_IN = 1;
    uint256 private constant EXACT_TOKENS_OUT = 1;

    /// @dev Gas for asking whether Balancer's Vault is locked, as Balancer's own library gives it.
    uint256 private constant LOCK_GAS = 10_000;

    /// @dev What the pool may round against who leaves, in asset units and in pool shares.
    uint256 private constant ASSET_ROUNDING = 3;
    uint256 private constant SHARE_ROUNDING = 1e9;

    /// @dev How often `liquidity` tries a smaller amount.
    uint256 private constant TRIES = 6;

    /// @notice A token of the pool without a price, or the asset with a rate or a price of its own.
    error TokenNotPriced(address token);

    /// @notice The pool's rate was read and written down.
    event RateNoted(uint256 rate);

    /// @dev A token of the pool: one whole of it, its price, its rate and what that was when the pool's was noted.
    struct Coin {
        address token;
        uint256 whole;
        IPriceOracle oracle;
        address provider;
        uint256 noted;
    }

    /// @notice Balancer's Vault, which holds the tokens of all pools.
    IBalancerVault public immutable balancer;

    /// @notice The pool, which is its own share token.
    IStablePool public immutable pool;

    /// @notice The pool's name in Balancer's Vault.
    bytes32 public immutable poolId;

    uint256 private immutable _whole;
    uint256 private immutable _bptPlace;
    uint256 private immutable _assetPlace;
    Coin[] private _coins;

    /// @notice Pool shares that the vault put here.
    uint256 public shares;

    /// @notice The pool's rate when it was last noted: what stands in while Balancer's Vault is locked.
    uint256 public lastRate;

    /// @param oracles For each token of the pool but its share, in the pool's order, the worth in the asset of what its
    /// rate provider counts in, or of the token itself if it has none; zero for the asset.
    constructor(
        address vault_,
        address asset_,
        address pool_,
        address[] memory oracles,
        uint256 slippageBps_,
        uint256 staleBandBps_
    ) PricedMarket(vault_, asset_, slippageBps_, staleBandBps_) {
        pool = IStablePool(pool_);
        balancer = IBalancerVault(pool.getVault());
        poolId = pool.getPoolId();
        _bptPlace = pool.getBptIndex();
        _whole = 10 ** IERC20Metadata(asset_).decimals();
        (address[] memory tokens, address[] memory providers) =
            (StablePools.tokensOf(pool), StablePools.providersOf(pool));
        uint256 assetPlace = type(uint256).max;
        for (uint256 i = 0; i < tokens.length; ++i) {
            bool isAsset = tokens[i] == asset_;
            if (isAsset) assetPlace = i;
            bool isPriced = oracles[i] != address(0);
            if (isAsset == isPriced || (isAsset && providers[i] != address(0))) revert TokenNotPriced(tokens[i]);
            uint256 whole = 10 ** IERC20Metadata(tokens[i]).decimals();
            _coins.push(Coin(tokens[i], whole, IPriceOracle(oracles[i]), providers[i], 0));
        }
        if (assetPlace == type(uint256).max) revert AssetMismatch(asset_, tokens[0]);
        _assetPlace = assetPlace;
        _note();
    }

    /// @notice Notes the pool's rate. Anyone may call.
    function note() external {
        _note();
    }

    /// @notice Returns what the value is made of: pool shares, the invariant's part of one, and what a unit of the invariant
    /// is worth at worst and at best.
    function position() external view returns (uint256 units, uint256 index, uint256 priceLow, uint256 priceHigh) {
        index = _rate();
        (priceLow, priceHigh,) = _prices();
        return (shares, index, priceLow, priceHigh);
    }

    /// @notice Returns the oracle of each token of the pool but its share, in the pool's order; zero for the asset.
    function tokenOracles() external view returns (address[] memory found) {
        found = new address[](_coins.length);
        for (uint256 i = 0; i < found.length; ++i) {
            found[i] = address(_coins[i].oracle);
        }
    }

    /// @notice Returns whether Balancer's Vault is in the middle of something.
    /// @dev The Vault's guard comes first in `manageUserBalance`. When it is open, writing the lock in a static call fails
    /// without a word; when it is shut, the guard reverts with its reason.
    function isLocked() public view returns (bool) {
        bytes memory empty = abi.encodeCall(IBalancerVault.manageUserBalance, (new IBalancerVault.UserBalanceOp[](0)));
        (, bytes memory reason) = address(balancer).staticcall{gas: LOCK_GAS}(empty);
        return reason.length != 0;
    }

    /// @inheritdoc PricedMarket
    function _isFresh() internal view override returns (bool isFresh) {
        (,, isFresh) = _prices();
    }

    /// @inheritdoc PricedMarket
    function _isOpen() internal view override returns (bool) {
        return !isLocked();
    }

    /// @inheritdoc PricedMarket
    function _value() internal view override returns (uint256 low, uint256 high, bool isFresh) {
        (low, high, isFresh) = _prices();
        uint256 units = Math.mulDiv(shares, _rate(), WAD);
        return (Math.mulDiv(units, low, WAD), Math.mulDiv(units, high, WAD, Math.Rounding.Ceil), isFresh);
    }

    /// @inheritdoc PricedMarket
    /// @dev The whole low value if the pool gives it within the bounds, or a smaller amount that it does give.
    function _liquidity() internal view override returns (uint256) {
        if (shares == 0 || _isPaused()) return 0;
        (uint256 low,,) = _value();
        (uint256[] memory balances,) = StablePools.balancesOf(pool);
        for (uint256 i = 0; i < TRIES; ++i) {
            if (low != 0 && _costs(balances, low) <= Math.min(shares, _mostShares(low))) return low;
            low = i == 0 ? _lessSlippage(low) : low / 2;
        }
        return 0;
    }

    /// @inheritdoc PricedMarket
    function _buy(uint256 assets, bytes calldata data) internal override returns (uint256 units) {
        if (data.length != 0) revert UnknownData(data.length);
        uint256 before = pool.balanceOf(address(this));
        (, uint256 high,) = _prices();
        uint256 least = Math.mulDiv(Math.mulDiv(_lessSlippage(assets), WAD, high), WAD, pool.getRate());
        (address[] memory tokens, uint256[] memory most) = _amounts(assets);
        bytes memory how = abi.encode(EXACT_TOKENS_IN, _withoutShare(assets), least);
        _approve(asset, address(balancer), assets);
        balancer.joinPool(
            poolId, address(this), address(this), IBalancerVault.JoinPoolRequest(tokens, most, how, false)
        );
        _allTaken(asset, address(balancer), assets);
        units = pool.balanceOf(address(this)) - before;
        shares += units;
        _note();
    }

    /// @inheritdoc PricedMarket
    function _sell(uint256 assets) internal override returns (uint256 got, uint256 units) {
        uint256 before = pool.balanceOf(address(this));
        (address[] memory tokens, uint256[] memory least) = _amounts(assets);
        uint256 most = Math.min(shares, _mostShares(assets));
        bytes memory how = abi.encode(EXACT_TOKENS_OUT, _withoutShare(assets), most);
        uint256 had = IERC20(asset).balanceOf(address(this));
        balancer.exitPool(
            poolId, address(this), payable(address(this)), IBalancerVault.ExitPoolRequest(tokens, least, how, false)
        );
        got = IERC20(asset).balanceOf(address(this)) - had;
        units = before - pool.balanceOf(address(this));
        shares -= units;
        _note();
    }

    /// @inheritdoc PricedMarket
    function _give(address to, uint256 shareOfWad) internal override returns (address token, uint256 amount) {
        token = address(pool);
        amount = Math.mulDiv(shares, shareOfWad, WAD);
        shares -= amount;
        IERC20(token).safeTransfer(to, amount);
    }

    /// @dev Writes the rate down unless it may be nonsense.
    function _note() private {
        if (isLocked()) return;
        lastRate = pool.getRate();
        for (uint256 i = 0; i < _coins.length; ++i) {
            if (_coins[i].provider != address(0)) _coins[i].noted = IRateProvider(_coins[i].provider).getRate();
        }
        emit RateNoted(lastRate);
    }

    /// @dev The invariant's part of one pool share. While it may be nonsense, the one last noted, less what a token's rate
    /// has fallen by since: nothing else lowers it.
    function _rate() private view returns (uint256 rate) {
        if (!isLocked()) return pool.getRate();
        rate = lastRate;
        for (uint256 i = 0; i < _coins.length; ++i) {
            Coin memory coin = _coins[i];
            if (coin.provider == address(0)) continue;
            uint256 now_ = IRateProvider(coin.provider).getRate();
            if (now_ < coin.noted) rate = Math.mulDiv(rate, now_, coin.noted);
        }
    }

    /// @dev What one unit of the invariant is worth in the asset if it is all of the worst token, or all of the best one.
    /// The pool counts a token by a rate that it keeps for a while; what it is worth goes by the rate of now.
    function _prices() private view returns (uint256 low, uint256 high, bool isFresh) {
        (low, high, isFresh) = (_whole, _whole, true);
        for (uint256 i = 0; i < _coins.length; ++i) {
            if (i == _assetPlace) continue;
            Coin memory coin = _coins[i];
            (uint256 worst, uint256 best, bool isNew) = coin.oracle.quote(coin.whole);
            uint256 drift = StablePools.drift(pool, coin.token, coin.provider);
            worst = Math.mulDiv(worst, drift, WAD);
            best = Math.mulDiv(best, drift, WAD, Math.Rounding.Ceil);
            (low, high, isFresh) = (Math.min(low, worst), Math.max(high, best), isFresh && isNew);
        }
    }

    /// @dev Most pool shares that taking `assets` out may cost.
    function _mostShares(uint256 assets) private view returns (uint256) {
        (uint256 low,,) = _prices();
        uint256 units = Math.mulDiv(Math.mulDiv(assets + ASSET_ROUNDING, BPS, BPS - slippageBps), WAD, low);
        return Math.mulDiv(units, WAD, pool.getRate()) + SHARE_ROUNDING;
    }

    /// @dev What taking `assets` out would cost in pool shares, a little more for rounding.
    function _costs(uint256[] memory balances, uint256 assets) private view returns (uint256 cost) {
        (uint256 amplification,, uint256 precision) = pool.getAmplificationParameter();
        uint256 amount = assets * WAD / _whole;
        if (amount >= balances[_assetPlace]) return type(uint256).max;
        uint256 part =
            StableMath.costOf(balances, _assetPlace, amount, pool.getSwapFeePercentage(), amplification, precision);
        cost = Math.mulDiv(pool.getActualSupply(), part, WAD);
        return cost + cost / 1e9 + SHARE_ROUNDING / 10;
    }

    /// @dev Whether the pool lets nobody join or leave.
    function _isPaused() private view returns (bool isPaused) {
        (isPaused,,) = pool.getPausedState();
    }

    /// @dev The pool's tokens, its share among them, and `assets` in the place of the asset.
    function _amounts(uint256 assets) private view returns (address[] memory tokens, uint256[] memory amounts) {
        (tokens,,) = balancer.getPoolTokens(poolId);
        amounts = new uint256[](tokens.length);
        amounts[_assetPlace < _bptPlace ? _assetPlace : _assetPlace + 1] = assets;
    }

    /// @dev `assets` in the place of the asset among the tokens without the pool's share.
    function _withoutShare(uint256 assets) private view returns (uint256[] memory amounts) {
        amounts = new uint256[](_coins.length);
        amounts[_assetPlace] = assets;
    }
}
