// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Token} from "../local/Token.sol";
import {IStablePool} from "../src/interfaces/IBalancerV2.sol";
import {IUniswapV2Pair} from "../src/interfaces/IUniswapV2.sol";
import {PairMath} from "../src/libraries/PairMath.sol";
import {StableMath} from "../src/libraries/StableMath.sol";
import {StablePools} from "../src/libraries/StablePools.sol";
import {BalancerSwap} from "../src/swaps/BalancerSwap.sol";
import {UniswapV2Swap} from "../src/swaps/UniswapV2Swap.sol";
import {BalancerWorld} from "./BalancerWorld.sol";
import {IPairFactory} from "./Real.sol";

/// @notice The arithmetic of pairs and stable pools against their bytecode, and the swap contracts over them.
contract PoolMathTest is BalancerWorld {
    uint256 private constant UNIT = 1e6;
    Token private usdc;
    Token private dai;
    IStablePool private pool;
    BalancerSwap private stableSwap;
    IUniswapV2Pair private pair;
    UniswapV2Swap private pairSwap;

    function setUp() external {
        (usdc, dai) = (new Token("USDC", "USDC", 6), new Token("DAI", "DAI", 18));
        (balancer, factory) = _makeBalancer(_makeWeth());
        pool = _makePool(address(usdc), address(dai), address(0), address(0));
        usdc.mint(address(this), 1e6 * 1e6 * UNIT);
        dai.mint(address(this), 1e6 * 1e6 ether);
        _start(pool, address(usdc), 10_000_000 * UNIT, 10_000_000 ether);
        stableSwap = new BalancerSwap(address(pool), address(usdc), address(dai));
        IPairFactory pairs = _makePairFactory();
        pair = IUniswapV2Pair(pairs.createPair(address(usdc), address(dai)));
        usdc.transfer(address(pair), 1_000_000 * UNIT);
        dai.transfer(address(pair), 1_000_000 ether);
        pair.mint(address(this));
        pairSwap = new UniswapV2Swap(address(pair));
        for (uint256 i = 0; i < 2; ++i) {
            usdc.approve(i == 0 ? address(stableSwap) : address(pairSwap), type(uint256).max);
            dai.approve(i == 0 ? address(stableSwap) : address(pairSwap), type(uint256).max);
        }
    }

    /// @notice Seen from outside, so that a revert can be expected.
    function dOf(uint256[] memory balances, uint256 amplification) external pure returns (uint256) {
        return StableMath.invariant(balances, amplification, 1_000);
    }

    function balanceFor(uint256[] memory balances, uint256 d) external pure returns (uint256) {
        return StableMath.balanceFor(balances, 0, d, 500_000, 1_000);
    }

    function testFuzz_the_invariant_is_the_pools_own(uint256 amount, bool isUsdcIn) external {
        amount = bound(amount, UNIT, 9_900_000 * UNIT);
        if (isUsdcIn) _swapIn(pool, address(usdc), address(dai), amount);
        else _swapIn(pool, address(dai), address(usdc), amount * 1e12);
        (uint256[] memory balances,) = StablePools.balancesOf(pool);
        (uint256 amplification,, uint256 precision) = pool.getAmplificationParameter();
        uint256 d = StableMath.invariant(balances, amplification, precision);
        assertApproxEqRel(d * 1e18 / pool.getActualSupply(), pool.getRate(), 1e6);
    }

    function testFuzz_a_balance_gives_the_invariant_it_was_made_for(uint256 a, uint256 b) external view {
        uint256[] memory balances = new uint256[](2);
        (balances[0], balances[1]) = (bound(a, 1e18, 1e27), bound(b, 1e18, 1e27));
        if (balances[0] > balances[1] * 1e3 || balances[1] > balances[0] * 1e3) return;
        uint256 d = this.dOf(balances, 500_000);
        assertApproxEqRel(this.balanceFor(balances, d), balances[0], 1e9);
    }

    function test_an_empty_pool_has_no_invariant_and_one_without_a_token_is_refused() external {
        uint256[] memory balances = new uint256[](2);
        assertEq(this.dOf(balances, 500_000), 0);
        balances[0] = 1e18;
        vm.expectRevert();
        this.dOf(balances, 500_000);
    }

    function test_taking_out_all_of_a_token_costs_all() external view {
        (uint256[] memory balances,) = StablePools.balancesOf(pool);
        assertEq(StableMath.costOf(balances, 0, balances[0], 4e14, 500_000, 1_000), 1e18);
    }

    function testFuzz_a_quote_is_what_a_stable_pool_brings_or_a_little_less(uint256 amount, bool isUsdcIn) external {
        amount = bound(amount, UNIT / 100, 9_000_000 * UNIT);
        (Token tokenIn, Token tokenOut) = isUsdcIn ? (usdc, dai) : (dai, usdc);
        if (!isUsdcIn) amount *= 1e12;
        uint256 quoted = stableSwap.quote(address(tokenIn), amount);
        uint256 had = tokenOut.balanceOf(address(this));
        uint256 out = stableSwap.swap(address(tokenIn), amount, 0);
        assertEq(tokenOut.balanceOf(address(this)) - had, out);
        assertLe(quoted, out);
        assertGe(quoted + out / 1e9 + (isUsdcIn ? 1e9 : 1), out);
    }

    function testFuzz_a_quote_is_what_a_pair_brings(uint256 amount, bool isUsdcIn) external {
        amount = bound(amount, 2 * UNIT / 100, 9_000_000 * UNIT);
        (Token tokenIn, Token tokenOut) = isUsdcIn ? (usdc, dai) : (dai, usdc);
        if (!isUsdcIn) amount *= 1e12;
        uint256 quoted = pairSwap.quote(address(tokenIn), amount);
        uint256 had = tokenOut.balanceOf(address(this));
        assertEq(pairSwap.swap(address(tokenIn), amount, quoted), quoted);
        assertEq(tokenOut.balanceOf(address(this)) - had, quoted);
        assertEq(tokenIn.balanceOf(address(pairSwap)) + tokenOut.balanceOf(address(pairSwap)), 0);
    }

    function test_a_pair_swaps_its_own_tokens_only_and_for_no_less_than_asked() external {
        vm.expectRevert(abi.encodeWithSelector(UniswapV2Swap.NotOfPair.selector, address(1)));
        pairSwap.swap(address(1), 1, 0);
        vm.expectRevert(abi.encodeWithSelector(UniswapV2Swap.NotOfPair.selector, address(1)));
        pairSwap.quote(address(1), 1);
        uint256 quoted = pairSwap.quote(address(usdc), UNIT);
        vm.expectRevert(abi.encodeWithSelector(UniswapV2Swap.TooLittleOut.selector, quoted, quoted + 1));
        pairSwap.swap(address(usdc), UNIT, quoted + 1);
    }

    function testFuzz_what_burning_brings_and_what_has_to_be_burned_are_inverse(uint256 part) external pure {
        part = bound(part, 1, 0.999e18);
        uint256 burned = PairMath.burnFor(part);
        assertGe(PairMath.bringsOf(burned) + 2, part, "enough");
        assertLe(PairMath.bringsOf(burned), part + 10, "and no more");
    }

    function test_at_the_pairs_own_price_less_its_fee_nothing_can_be_burned() external pure {
        assertEq(PairMath.mostBurned(0.997e18), 0);
        assertEq(PairMath.mostBurned(1e18), 0);
        assertGt(PairMath.mostBurned(0.99e18), 0.006e18);
    }
}
