// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {PriceFeed} from "../local/PriceFeed.sol";
import {Bounds, Leg, LegKind} from "../src/Types.sol";
import {IPositionManager, IUniswapV3Pool, IUniswapV3Staker} from "../src/interfaces/IUniswapV3.sol";
import {Ticks} from "../src/libraries/Ticks.sol";
import {UniswapV3Market} from "../src/markets/UniswapV3Market.sol";
import {FeedOracle} from "../src/oracles/FeedOracle.sol";
import {UniswapV3Swap} from "../src/swaps/UniswapV3Swap.sol";
import {FeeToken18, Token} from "./doubles/Tokens.sol";
import {Fixture} from "./Fixture.sol";
import {Real} from "./Real.sol";

/// @notice What of the protocol's own functions tests call beside those that contracts do.
interface IV3More {
    function createPool(address a, address b, uint24 fee) external returns (address);
    function initialize(uint160 sqrtPrice) external;
    function ownerOf(uint256 id) external view returns (address);
    function approve(address to, uint256 id) external;
    function createIncentive(IUniswapV3Staker.IncentiveKey calldata key, uint256 reward) external;
    function setFeeProtocol(uint8 a, uint8 b) external;
}

/// @notice Trades in a pool up to a price, with money of its own.
contract Trader {
    IUniswapV3Pool private pool;

    /// @notice Trades at most `amount` in, up to a price. Returns what it paid (above zero) and got (below).
    function trade(IUniswapV3Pool pool_, bool down, uint256 amount, uint160 limit) external returns (int256, int256) {
        pool = pool_;
        return pool_.swap(address(this), down, int256(amount), limit, "");
    }

    function uniswapV3SwapCallback(int256 a, int256 b, bytes calldata) external {
        if (a > 0) Token(pool.token0()).mint(msg.sender, uint256(a));
        if (b > 0) Token(pool.token1()).mint(msg.sender, uint256(b));
    }
}

/// @notice The vault's six-decimals token and another of 18 in a pool of the protocol's own bytecode, at 2,000 to one.
abstract contract UniswapV3World is Fixture, Real {
    string private constant CORE = "node_modules/@uniswap/v3-core/artifacts/contracts/";
    string private constant PERIPHERY = "node_modules/@uniswap/v3-periphery/artifacts/contracts/";
    string private constant STAKER = "node_modules/@uniswap/v3-staker/artifacts/contracts/UniswapV3Staker.sol/";
    uint24 internal constant FEE = 3_000;
    int24 internal constant SPACING = 60;
    uint256 internal constant BAND = 30;

    Token internal weth;
    FeeToken18 internal gem;
    IV3More internal factory;
    IPositionManager internal manager;
    IUniswapV3Staker internal staker;
    IUniswapV3Pool internal pool;
    Trader internal trader;
    UniswapV3Swap internal swap;
    UniswapV3Swap internal gemSwap;
    PriceFeed internal feed;
    PriceFeed internal dollarFeed;
    PriceFeed internal gemFeed;
    FeedOracle internal oracle;
    FeedOracle internal gemOracle;
    UniswapV3Market internal market;
    bool internal assetIsZero;

    function _wantsAssetZero() internal pure virtual returns (bool) {
        return true;
    }

    /// @dev Half of the band is lost on entry, so one move may lose 1 %.
    function _bounds() internal pure virtual override returns (Bounds memory) {
        return Bounds({turnoverBps: 10_000, moveLossBps: 100, dayLossBps: 100, monthLossBps: 500});
    }

    function setUp() public virtual override {
        super.setUp();
        assetIsZero = _wantsAssetZero();
        do {
            weth = new Token(18);
        } while ((address(token) < address(weth)) != assetIsZero);
        gem = new FeeToken18();
        trader = new Trader();
        factory = IV3More(_make(string.concat(CORE, "UniswapV3Factory.sol/UniswapV3Factory.json"), ""));
        manager = IPositionManager(
            _make(
                string.concat(PERIPHERY, "NonfungiblePositionManager.sol/NonfungiblePositionManager.json"),
                abi.encode(factory, weth, address(0))
            )
        );
        staker = IUniswapV3Staker(
            _make(string.concat(STAKER, "UniswapV3Staker.json"), abi.encode(factory, manager, 30 days, 730 days))
        );
        pool = _makePool(weth, 2_000);
        swap = new UniswapV3Swap(address(pool));
        gemSwap = new UniswapV3Swap(address(_makePool(gem, 1)));
        _provide(pool, 50_000_000 * UNIT, 25_000 ether);
        _provide(gemSwap.pool(), 10_000_000 * UNIT, 10_000_000 ether);
        feed = new PriceFeed("ETH / USD", 8, 2_000e8);
        dollarFeed = new PriceFeed("USDC / USD", 8, 1e8);
        gemFeed = new PriceFeed("GEM / USD", 8, 1e8);
        oracle = _oracleOf(weth, feed);
        gemOracle = _oracleOf(gem, gemFeed);
        market = new UniswapV3Market(address(vault), address(token), _settings());
        _list(address(market), type(uint128).max, 10_000);
        _deposit(ALICE, 1_000_000 * UNIT);
    }

    function _settings() internal view virtual returns (UniswapV3Market.Settings memory) {
        return UniswapV3Market.Settings({
            pool: address(pool),
            manager: address(manager),
            swap: address(swap),
            oracle: address(oracle),
            staker: address(staker),
            reward: address(gem),
            rewardOracle: address(gemOracle),
            rewardSwap: address(gemSwap),
            minWidth: 600,
            maxWidth: 12_000,
            maxMiddleDistance: 600,
            maxSpotDistance: 30,
            slippageBps: 30,
            staleBandBps: 1_000
        });
    }

    function _oracleOf(Token priced, PriceFeed feed_) internal returns (FeedOracle) {
        FeedOracle.Feed memory base = FeedOracle.Feed(address(feed_), 1 hours, 1, 1_000_000e8);
        FeedOracle.Feed memory over = FeedOracle.Feed(address(dollarFeed), 1 days, 0.5e8, 2e8);
        return new FeedOracle(address(priced), address(token), base, over, BAND);
    }

    /// @dev The pool's square root price at which one `priced` (18 decimals) is worth `dollars` of the token, in wad.
    function _sqrtFor(Token priced, uint256 dollarsWad) internal view returns (uint160) {
        uint256 up = dollarsWad * UNIT / 1e9;
        uint256 ratio =
            address(token) < address(priced) ? Math.mulDiv(1e27, 1 << 192, up) : Math.mulDiv(up, 1 << 192, 1e27);
        return uint160(Math.sqrt(ratio));
    }

    function _makePool(Token priced, uint256 dollars) internal returns (IUniswapV3Pool made) {
        made = IUniswapV3Pool(factory.createPool(address(token), address(priced), FEE));
        IV3More(address(made)).initialize(_sqrtFor(priced, dollars * 1e18));
    }

    /// @dev Carol provides liquidity over a wide range.
    function _provide(IUniswapV3Pool into, uint256 cash, uint256 others) internal returns (uint256 id) {
        (, int24 tick,,,,,) = into.slot0();
        int24 middle = tick / SPACING * SPACING;
        return _provideIn(into, cash, others, middle - 12_000, middle + 12_000);
    }

    function _provideIn(IUniswapV3Pool into, uint256 cash, uint256 others, int24 from, int24 to)
        internal
        returns (uint256 id)
    {
        (address t0, address t1) = (into.token0(), into.token1());
        (uint256 a, uint256 b) = t0 == address(token) ? (cash, others) : (others, cash);
        Token(t0).mint(CAROL, a);
        Token(t1).mint(CAROL, b);
        vm.startPrank(CAROL);
        Token(t0).approve(address(manager), a);
        Token(t1).approve(address(manager), b);
        IPositionManager.MintParams memory params =
            IPositionManager.MintParams(t0, t1, FEE, from, to, a, b, 0, 0, CAROL, block.timestamp);
        (id,,,) = manager.mint(params);
        vm.stopPrank();
    }

    /// @dev Trades until the other token is worth so many dollars in the pool.
    function _poolTo(uint256 dollarsWad) internal returns (int256 cash, int256 others) {
        return _poolToSqrt(_sqrtFor(weth, dollarsWad));
    }

    function _poolToSqrt(uint160 target) internal returns (int256 cash, int256 others) {
        (uint160 now_,,,,,,) = pool.slot0();
        if (now_ == target) return (0, 0);
        (int256 a, int256 b) = trader.trade(pool, target < now_, 1e40, target);
        return assetIsZero ? (a, b) : (b, a);
    }

    function _oracleTo(uint256 dollarsWad) internal {
        feed.post(int256(dollarsWad / 1e10));
    }

    /// @dev Both: the market moved and the oracle knows.
    function _worldTo(uint256 dollarsWad) internal {
        _poolTo(dollarsWad);
        _oracleTo(dollarsWad);
    }

    /// @dev Trades there and back, which leaves fees.
    function _trades(uint256 dollarsWad, uint256 around) internal {
        _poolTo(dollarsWad * (10_000 + around) / 10_000);
        _poolTo(dollarsWad * (10_000 - around) / 10_000);
        _poolTo(dollarsWad);
    }

    function _freshen() internal {
        feed.post(feed.latestAnswer());
        dollarFeed.post(dollarFeed.latestAnswer());
        gemFeed.post(gemFeed.latestAnswer());
    }

    function _later(uint256 time) internal {
        skip(time);
        _freshen();
    }

    /// @dev A range of `half` ticks on each side of the pool's price.
    function _range(int24 half) internal view returns (int24, int24) {
        (, int24 tick,,,,,) = pool.slot0();
        int24 middle = tick / SPACING * SPACING;
        return (middle - half, middle + half);
    }

    function _entry(uint256 assets, bytes memory data) internal view returns (Leg[] memory) {
        return _one(Leg(address(market), LegKind.Entry, assets, 0, MAX, data));
    }

    function _act(LegKind kind, bytes memory data) internal view returns (Leg[] memory) {
        return _one(Leg(address(market), kind, 0, 0, MAX, data));
    }

    function _enterRange(uint256 assets, int24 half) internal {
        (int24 from, int24 to) = _range(half);
        _plan(_entry(assets, abi.encode(from, to)));
    }

    function _startIncentive(uint256 amount, uint256 time) internal returns (IUniswapV3Staker.IncentiveKey memory key) {
        key = IUniswapV3Staker.IncentiveKey(address(gem), address(pool), block.timestamp, block.timestamp + time, CAROL);
        gem.mint(address(this), amount);
        gem.approve(address(staker), amount);
        IV3More(address(staker)).createIncentive(key, amount);
    }

    function _stakeData(IUniswapV3Staker.IncentiveKey memory key) internal pure returns (bytes memory) {
        return abi.encode(uint256(1), key.startTime, key.endTime, key.refundee);
    }
}
