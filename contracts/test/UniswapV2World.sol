// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FeeToken} from "../local/FeeToken.sol";
import {Token} from "../local/Token.sol";
import {IUniswapV2Pair} from "../src/interfaces/IUniswapV2.sol";
import {UniswapV2Market} from "../src/markets/UniswapV2Market.sol";
import {UniswapV2Swap} from "../src/swaps/UniswapV2Swap.sol";
import {IPairFactory, IStakingSetUp, Real} from "./Real.sol";
import {Price} from "./Price.sol";

/// @notice What the tests of this market share: its protocol, and words for what they do with it.
abstract contract UniswapV2World is Real {
    uint256 internal constant UNIT = 1e6;
    address internal constant LP = address(0x11);
    address internal constant TRADER = address(0x12);
    address internal constant BOB = address(0xb0b);
    Token internal usd;
    Token internal eth;
    Token internal reward;
    IPairFactory internal factory;
    IUniswapV2Pair internal pair;
    IUniswapV2Pair internal rewardPair;
    IStakingSetUp internal staking;
    Price internal ethPrice;
    Price internal rewardPrice;
    UniswapV2Market internal market;
    address internal _ethOracle;
    address internal _rewardOracle;

    function setUp() public {
        vm.warp(1_800_000_000);
        usd = new Token("USD", "USD", 6);
        eth = new Token("ETH", "ETH", 18);
        reward = new Token("RWD", "RWD", 18);
        factory = _makePairFactory();
        pair = IUniswapV2Pair(factory.createPair(address(usd), address(eth)));
        rewardPair = IUniswapV2Pair(factory.createPair(address(usd), address(reward)));
        _fill(pair, 20_000_000 * UNIT, eth, 10_000 ether);
        _fill(rewardPair, 1_000_000 * UNIT, reward, 500_000 ether);
        staking = _makeStaking(address(reward), address(pair));
        ethPrice = new Price(address(eth), address(usd), 2_000 * UNIT, 20);
        rewardPrice = new Price(address(reward), address(usd), 2 * UNIT, 20);
        (_ethOracle, _rewardOracle) = (ethPrice.oracle(), rewardPrice.oracle());
        market = _market(address(staking), address(new UniswapV2Swap(address(rewardPair))));
    }

    function _market(address staking_, address swap) internal returns (UniswapV2Market) {
        return new UniswapV2Market(
            address(this),
            address(usd),
            UniswapV2Market.Settings({
                pair: address(pair),
                oracle: _ethOracle,
                staking: staking_,
                rewardOracle: _rewardOracle,
                rewardSwap: swap,
                slippageBps: 100,
                staleBandBps: 1_000
            })
        );
    }

    function _fill(IUniswapV2Pair into, uint256 usds, Token other, uint256 others) internal {
        usd.mint(address(into), usds);
        other.mint(address(into), others);
        into.mint(LP);
    }

    function _enter(uint256 assets) internal {
        usd.mint(address(market), assets);
        market.deposit(assets, "");
    }

    function _trade(Token tokenIn, uint256 amount) internal {
        UniswapV2Swap swap = new UniswapV2Swap(address(pair));
        tokenIn.mint(TRADER, amount);
        vm.startPrank(TRADER);
        tokenIn.approve(address(swap), amount);
        swap.swap(address(tokenIn), amount, 0);
        vm.stopPrank();
    }

    function _low() internal view returns (uint256 low) {
        (low,,) = market.value();
    }

    /// @dev The attacker's whole trip around a move of the vault, in units of the asset at the oracle's price.
    function _sandwich(bool buysFirst, uint256 size, bool isEntry, uint256 moved)
        internal
        returns (int256 profit, uint256 lost)
    {
        if (!isEntry) _enter(moved);
        uint256 before = _low() + usd.balanceOf(address(this));
        Token first = buysFirst ? usd : eth;
        Token second = buysFirst ? eth : usd;
        uint256 amount = buysFirst ? size : size * 5e8;
        _trade(first, amount);
        uint256 got = second.balanceOf(TRADER);
        if (isEntry) {
            usd.mint(address(market), moved);
            before += moved;
            try market.deposit(moved, "") {}
            catch {
                return (0, 0);
            }
        } else {
            try market.withdraw(moved * 9 / 10) {}
            catch {
                return (0, 0);
            }
        }
        vm.prank(TRADER);
        second.transfer(address(0xdead), got);
        uint256 had = first.balanceOf(TRADER);
        _trade(second, got);
        profit = int256(first.balanceOf(TRADER) - had) - int256(amount);
        if (!buysFirst) profit = profit * 2_000 * 1e6 / 1 ether;
        uint256 afterwards = _low() + usd.balanceOf(address(this));
        lost = before > afterwards ? before - afterwards : 0;
    }

    function _campaign(uint256 amount) internal {
        reward.mint(address(staking), amount);
        staking.notifyRewardAmount(amount);
    }

    function _feeReward(uint256 feeBps) internal returns (UniswapV2Market) {
        reward = new FeeToken("Fee", "FEE", 18, feeBps);
        _rewardOracle = new Price(address(reward), address(usd), 2 * UNIT, 20).oracle();
        rewardPair = IUniswapV2Pair(factory.createPair(address(usd), address(reward)));
        _fill(rewardPair, 1_000_000 * UNIT, reward, 500_000 ether);
        staking = _makeStaking(address(reward), address(pair));
        return _market(address(staking), address(new UniswapV2Swap(address(rewardPair))));
    }

    function _assertValue(uint256 units, uint256 index, uint256 price) internal view {
        uint256 root = _root(price * 1e18);
        assertApproxEqRel(_low(), 2 * units * index / 1e18 * root / 1e18, 1e11);
    }

    function _root(uint256 x) internal pure returns (uint256 y) {
        y = x;
        for (uint256 z = (x + 1) / 2; z < y; z = (x / z + z) / 2) {
            y = z;
        }
    }
}
