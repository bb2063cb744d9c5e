// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPositionManager, IUniswapV3Factory, IUniswapV3Pool, IUniswapV3Staker} from "../interfaces/IUniswapV3.sol";
import {Ranges} from "../libraries/Ranges.sol";
import {Ticks} from "../libraries/Ticks.sol";
import {PricedMarket} from "./PricedMarket.sol";

/// @title A vault's liquidity in one range of one Uniswap V3 pool, and its stake
/// @notice Counts liquidity as it moves in and out, so what strangers add to the position is never counted; the fees it
/// earns meanwhile are. One position at a time; one that was given up for another range is left behind empty.
abstract contract UniswapV3Position is PricedMarket {
    /// @notice What names the incentive that the position is staked for, beside its reward and pool.
    struct Stake {
        uint256 startTime;
        uint256 endTime;
        address refundee;
    }

    /// @notice Fees of both tokens were collected.
    event FeesCollected(uint256 assets, uint256 others);
    /// @notice A range was set.
    event RangeSet(int24 lower, int24 upper);
    /// @notice The position is staked, or no longer staked.
    event StakeSet(uint256 indexed tokenId, bool isStaked);

    /// @notice The pool is not one of the manager's, or the staker is not for them.
    error NotOfManager(address found);
    /// @notice There is nothing to stake, or no staker.
    error CannotStake();

    /// @notice The pool.
    IUniswapV3Pool public immutable pool;
    /// @notice The manager of positions.
    IPositionManager public immutable manager;
    /// @notice The staker, or zero.
    IUniswapV3Staker public immutable staker;
    /// @notice What the staker pays for this market, or zero.
    address public immutable reward;
    /// @notice The pool's token that is not the asset.
    address public immutable other;

    bool internal immutable _isAssetZero;
    uint24 private immutable _fee;

    /// @notice The position, or zero.
    uint256 public tokenId;
    /// @notice Its range.
    int24 public lower;
    int24 public upper;
    /// @notice Whether it is with the staker.
    bool public isStaked;
    /// @notice Liquidity that the vault put here.
    uint128 public liquidityUnits;
    /// @notice Units of the other token kept here that belong to the vault.
    uint256 public otherHeld;
    /// @notice The incentive it is staked for.
    Stake public stake;

    constructor(address pool_, address manager_, address staker_, address reward_) {
        pool = IUniswapV3Pool(pool_);
        manager = IPositionManager(manager_);
        staker = IUniswapV3Staker(staker_);
        reward = reward_;
        (address token0, address token1, uint24 fee) = (pool.token0(), pool.token1(), pool.fee());
        _isAssetZero = token0 == asset;
        if (!_isAssetZero && token1 != asset) revert AssetMismatch(asset, token1);
        other = _isAssetZero ? token1 : token0;
        _fee = fee;
        address found = IUniswapV3Factory(manager.factory()).getPool(token0, token1, fee);
        if (found != pool_) revert NotOfManager(found);
        if (staker_ != address(0) && staker.nonfungiblePositionManager() != manager_) revert NotOfManager(staker_);
    }

    /// @notice Takes positions back from the staker.
    function onERC721Received(address, address, uint256, bytes calldata) external view returns (bytes4) {
        if (msg.sender != address(manager)) revert NotOfManager(msg.sender);
        return this.onERC721Received.selector;
    }

    /// @notice Returns the fees of both tokens that `collect` would bring now, to the unit.
    function fees() public view returns (uint256 assets, uint256 others) {
        if (tokenId == 0) return (0, 0);
        IPositionManager.PositionInfo memory found = manager.positions(tokenId);
        (uint256 owed0, uint256 owed1) = (found.tokensOwed0, found.tokensOwed1);
        (uint256 growth0, uint256 growth1) = Ranges.feeGrowth(pool, lower, upper);
        if (found.liquidity != 0) {
            owed0 += Ranges.earned(growth0, found.feeGrowthInside0LastX128, found.liquidity);
            owed1 += Ranges.earned(growth1, found.feeGrowthInside1LastX128, found.liquidity);
        }
        return _sorted(owed0, owed1);
    }

    /// @dev Asset and other token from token 0 and token 1, or the other way round.
    function _sorted(uint256 a, uint256 b) internal view returns (uint256, uint256) {
        return _isAssetZero ? (a, b) : (b, a);
    }

    /// @dev The pool's price now.
    function _spot() internal view returns (uint160 sqrtPrice) {
        (sqrtPrice,,,,,,) = pool.slot0();
    }

    /// @dev Asset and other token of `liquidity` of the range at a price.
    function _amounts(uint256 sqrtPrice, uint256 liquidity) internal view returns (uint256 assets, uint256 others) {
        (uint256 of0, uint256 of1) =
            Ranges.amounts(sqrtPrice, Ticks.sqrtPriceAt(lower), Ticks.sqrtPriceAt(upper), liquidity);
        return _sorted(of0, of1);
    }

    /// @dev Collects everything that is owed to the position.
    function _collect() internal returns (uint256 assets, uint256 others) {
        if (tokenId == 0) return (0, 0);
        (uint256 of0, uint256 of1) = manager.collect(
            IPositionManager.CollectParams(tokenId, address(this), type(uint128).max, type(uint128).max)
        );
        return _sorted(of0, of1);
    }

    /// @dev Collects fees and says so.
    function _collectFees() internal returns (uint256 assets, uint256 others) {
        (assets, others) = _collect();
        if (assets + others != 0) emit FeesCollected(assets, others);
    }

    /// @dev Gives up liquidity whose fees have been collected. Returns what it was made of.
    function _burn(uint128 liquidity) internal returns (uint256 assets, uint256 others) {
        if (liquidity == 0) return (0, 0);
        liquidityUnits -= liquidity;
        manager.decreaseLiquidity(IPositionManager.DecreaseLiquidityParams(tokenId, liquidity, 0, 0, block.timestamp));
        return _collect();
    }

    /// @dev Adds as much liquidity as both amounts allow; what is left of them is kept. Returns the liquidity.
    function _add(uint256 assets, uint256 others) internal returns (uint128 liquidity) {
        _approve(asset, address(manager), assets);
        _approve(other, address(manager), others);
        (uint256 of0, uint256 of1) = _sorted(assets, others);
        if (tokenId == 0) {
            (tokenId, liquidity,,) = manager.mint(_mintParams(of0, of1));
        } else {
            (liquidity,,) = manager.increaseLiquidity(
                IPositionManager.IncreaseLiquidityParams(tokenId, of0, of1, 0, 0, block.timestamp)
            );
        }
        liquidityUnits += liquidity;
        held += _takeBack(asset, address(manager));
        otherHeld += _takeBack(other, address(manager));
    }

    /// @dev Takes the position back from the staker. Returns whether it was there. Somebody else may have ended the stake
    /// when the incentive was over.
    function _unstake() internal returns (bool wasStaked) {
        wasStaked = isStaked;
        if (!wasStaked) return false;
        isStaked = false;
        IUniswapV3Staker.IncentiveKey memory key = _key();
        (, uint128 liquidity) = staker.stakes(tokenId, keccak256(abi.encode(key)));
        if (liquidity != 0) staker.unstakeToken(key, tokenId);
        staker.withdrawToken(tokenId, address(this), "");
        emit StakeSet(tokenId, false);
    }

    /// @dev Stakes the position again if it was staked; an incentive that takes none any more is no reason to refuse.
    function _restake(bool wasStaked) internal {
        if (!wasStaked || liquidityUnits == 0) return;
        bytes memory key = abi.encode(_key());
        try manager.safeTransferFrom(address(this), address(staker), tokenId, key) {
            isStaked = true;
            emit StakeSet(tokenId, true);
        } catch {}
    }

    /// @dev Stakes the position for an incentive.
    function _stakeFor(Stake memory incentive) internal {
        if (address(staker) == address(0)) revert CannotStake();
        _unstake();
        stake = incentive;
        _restake(true);
        if (!isStaked) revert CannotStake();
    }

    /// @dev What names the incentive to the staker.
    function _key() private view returns (IUniswapV3Staker.IncentiveKey memory) {
        return IUniswapV3Staker.IncentiveKey(reward, address(pool), stake.startTime, stake.endTime, stake.refundee);
    }

    /// @dev What a new position is made of. No least amounts: the price was held against the oracle just before.
    function _mintParams(uint256 of0, uint256 of1) private view returns (IPositionManager.MintParams memory params) {
        (params.token0, params.token1) = _isAssetZero ? (asset, other) : (other, asset);
        (params.fee, params.tickLower, params.tickUpper) = (_fee, lower, upper);
        (params.amount0Desired, params.amount1Desired) = (of0, of1);
        (params.recipient, params.deadline) = (address(this), block.timestamp);
    }
}
