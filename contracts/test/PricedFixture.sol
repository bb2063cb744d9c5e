// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StakedEth} from "../local/StakedEth.sol";
import {Token} from "../local/Token.sol";
import {WithdrawalQueue} from "../local/WithdrawalQueue.sol";
import {WrappedStakedEth} from "../local/WrappedStakedEth.sol";
import {IStablePool} from "../src/interfaces/IBalancerV2.sol";
import {IUniswapV2Pair} from "../src/interfaces/IUniswapV2.sol";
import {BalancerStableMarket} from "../src/markets/BalancerStableMarket.sol";
import {StakedEthMarket} from "../src/markets/StakedEthMarket.sol";
import {UniswapV2Market} from "../src/markets/UniswapV2Market.sol";
import {BalancerSwap} from "../src/swaps/BalancerSwap.sol";
import {UniswapV2Swap} from "../src/swaps/UniswapV2Swap.sol";
import {Bounds, Config, Leg, LegKind} from "../src/Types.sol";
import {Vault} from "../src/Vault.sol";
import {BalancerWorld} from "./BalancerWorld.sol";
import {IERC20All, IPairFactory, IStakingSetUp, IWethMore} from "./Real.sol";
import {Price} from "./Price.sol";

/// @notice What every vault of this file is: roles, bounds, and words for what tests do with it.
abstract contract PricedFixture is BalancerWorld {
    address internal constant OWNER = address(0x0101);
    address internal constant CURATOR = address(0x0102);
    address internal constant ALLOCATOR = address(0x0103);
    address internal constant GUARDIAN = address(0x0104);
    address internal constant ALICE = address(0xa11ce);
    address internal constant CAROL = address(0xca01);
    uint256 internal constant MAX = type(uint256).max;

    Vault internal vault;
    IERC20All internal asset;
    uint256 private _plans;

    function _makeVault(address asset_) internal {
        asset = IERC20All(asset_);
        vault = new Vault(
            Config({
                asset: asset_,
                name: "Plimsoll",
                symbol: "p",
                owner: OWNER,
                curator: CURATOR,
                allocator: ALLOCATOR,
                guardian: GUARDIAN,
                soleDepositor: address(0),
                ownerDelay: 3 days,
                curatorDelay: 1 days,
                fadePeriod: 1 days,
                bounds: Bounds({turnoverBps: 10_000, moveLossBps: 60, dayLossBps: 100, monthLossBps: 500})
            })
        );
    }

    function _list(address market) internal {
        bytes memory call = abi.encodeCall(vault.listMarket, (market, type(uint128).max, 10_000));
        vm.startPrank(CURATOR);
        vault.submit(call);
        vault.listMarket(market, type(uint128).max, 10_000);
        vm.stopPrank();
    }

    /// @dev Gives `who` so much of the asset.
    function _fund(address who, uint256 assets) internal virtual;

    function _deposit(address who, uint256 assets) internal returns (uint256 shares) {
        _fund(who, assets);
        vm.startPrank(who);
        asset.approve(address(vault), assets);
        shares = vault.deposit(assets, who);
        vm.stopPrank();
    }

    function _plan(address market, LegKind kind, uint256 assets, bytes memory data) internal {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(market, kind, assets, 0, MAX, data);
        bytes32 expected = vault.preStateHash();
        vm.prank(ALLOCATOR);
        vault.reallocate(bytes32(++_plans), uint64(block.timestamp), expected, legs);
    }

    /// @dev Leaves with all that can be had now. What cannot is counted at the leaving price.
    function _leaveAll(address who) internal returns (uint256 worth) {
        uint256 had = asset.balanceOf(who);
        uint256 shares = vault.balanceOf(who);
        vm.prank(who);
        vault.redeemUpTo(shares, 0);
        return asset.balanceOf(who) - had + vault.convertToAssets(vault.balanceOf(who));
    }

    /// @dev The leaving and the entering price, per 1e27 shares.
    function _sharePrices() internal view returns (uint256 low, uint256 high) {
        (, uint256 l, uint256 h, uint256 supply,) = vault.value();
        return ((l + 1) * 1e27 / (supply + 1e6), (h + 1) * 1e27 / (supply + 1e6));
    }
}

/// @notice A vault of USDC over a V2 pair and a stable pool.
abstract contract UsdFixture is PricedFixture {
    uint256 internal constant UNIT = 1e6;
    address internal constant TRADER = address(0x12);

    Token internal usd;
    Token internal usdt;
    Token internal eth;
    Token internal reward;
    IUniswapV2Pair internal pair;
    IUniswapV2Pair internal rewardPair;
    IStakingSetUp internal staking;
    IStablePool internal pool;
    Price internal ethPrice;
    Price internal usdtPrice;
    Price internal rewardPrice;
    UniswapV2Swap internal pairSwap;
    UniswapV2Market internal lp;
    BalancerStableMarket internal stable;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        (usd, usdt) = (new Token("USDC", "USDC", 6), new Token("USDT", "USDT", 6));
        (eth, reward) = (new Token("ETH", "ETH", 18), new Token("RWD", "RWD", 18));
        _makeVault(address(usd));
        _makePairs();
        _makeStable();
        _list(address(lp));
        _list(address(stable));
    }

    function _makePairs() private {
        IPairFactory factory = _makePairFactory();
        pair = IUniswapV2Pair(factory.createPair(address(usd), address(eth)));
        rewardPair = IUniswapV2Pair(factory.createPair(address(usd), address(reward)));
        _fill(pair, 20_000_000 * UNIT, eth, 10_000 ether);
        _fill(rewardPair, 1_000_000 * UNIT, reward, 500_000 ether);
        staking = _makeStaking(address(reward), address(pair));
        ethPrice = new Price(address(eth), address(usd), 2_000 * UNIT, 20);
        rewardPrice = new Price(address(reward), address(usd), 2 * UNIT, 20);
        pairSwap = new UniswapV2Swap(address(pair));
        lp = new UniswapV2Market(
            address(vault),
            address(usd),
            UniswapV2Market.Settings({
                pair: address(pair),
                oracle: ethPrice.oracle(),
                staking: address(staking),
                rewardOracle: rewardPrice.oracle(),
                rewardSwap: address(new UniswapV2Swap(address(rewardPair))),
                slippageBps: 100,
                staleBandBps: 1_000
            })
        );
    }

    function _makeStable() private {
        (balancer, factory) = _makeBalancer(_makeWeth());
        pool = _makePool(address(usd), address(usdt), address(0), address(0));
        usd.mint(address(this), 10_000_000 * UNIT);
        usdt.mint(address(this), 10_000_000 * UNIT);
        _start(pool, address(usd), 10_000_000 * UNIT, 10_000_000 * UNIT);
        usdtPrice = new Price(address(usdt), address(usd), 1e6, 10);
        address[] memory oracles = new address[](2);
        oracles[address(usd) < address(usdt) ? 1 : 0] = usdtPrice.oracle();
        stable = new BalancerStableMarket(address(vault), address(usd), address(pool), oracles, 50, 1_000);
    }

    function _fill(IUniswapV2Pair into, uint256 usds, Token other, uint256 others) private {
        usd.mint(address(into), usds);
        other.mint(address(into), others);
        into.mint(address(0x11));
    }

    function _fund(address who, uint256 assets) internal override {
        usd.mint(who, assets);
    }

    function _trade(Token tokenIn, uint256 amount) internal {
        tokenIn.mint(TRADER, amount);
        vm.startPrank(TRADER);
        tokenIn.approve(address(pairSwap), amount);
        pairSwap.swap(address(tokenIn), amount, 0);
        vm.stopPrank();
    }

    function _tradeStable(bool isUsdIn, uint256 amount) internal {
        (Token tokenIn, Token tokenOut) = isUsdIn ? (usd, usdt) : (usdt, usd);
        tokenIn.mint(address(this), amount);
        _swapIn(pool, address(tokenIn), address(tokenOut), amount);
    }

    function _campaign(uint256 amount) internal {
        reward.mint(address(staking), amount);
        staking.notifyRewardAmount(amount);
    }
}

/// @notice A vault of WETH over staked ETH and a stable pool of wstETH and WETH.
abstract contract EthFixture is PricedFixture {
    StakedEth internal stEth;
    WrappedStakedEth internal wstEth;
    WithdrawalQueue internal queue;
    IStablePool internal pool;
    Price internal price;
    StakedEthMarket internal staked;
    BalancerStableMarket internal stable;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        address weth = _makeWeth();
        _makeVault(weth);
        (stEth, wstEth, queue) = _makeLido();
        (balancer, factory) = _makeBalancer(weth);
        vm.deal(address(this), 1_000_000 ether);
        stEth.submit{value: 100_000 ether}(address(0));
        _reward(stEth, 15_000 ether);
        IWethMore(weth).deposit{value: 200_000 ether}();
        (bool done,) = address(wstEth).call{value: 50_000 ether}("");
        assertTrue(done);
        pool = _makePool(address(wstEth), weth, _makeRateProvider(address(wstEth)), address(wstEth));
        _start(pool, address(wstEth), wstEth.getWstETHByStETH(10_000 ether), 10_000 ether);
        price = new Price(address(stEth), weth, 1e6, 10);
        _makeMarkets(weth, address(new BalancerSwap(address(pool), weth, address(wstEth))));
        _list(address(staked));
        _list(address(stable));
    }

    receive() external payable {}

    function _makeMarkets(address weth, address swap) private {
        staked = new StakedEthMarket(
            address(vault),
            weth,
            StakedEthMarket.Settings(address(wstEth), address(queue), price.oracle(), swap, 50, 1_000)
        );
        address[] memory oracles = new address[](2);
        oracles[weth < address(wstEth) ? 1 : 0] = price.oracle();
        stable = new BalancerStableMarket(address(vault), weth, address(pool), oracles, 50, 1_000);
    }

    function _fund(address who, uint256 assets) internal override {
        asset.transfer(who, assets);
    }

    function _peg(uint256 milli) internal {
        price.set(milli * 1e3, true);
    }

    function _finalizeAll() internal {
        uint256 last = queue.getLastRequestId();
        if (last > queue.getLastFinalizedRequestId()) _finalize(stEth, last);
    }
}
