// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {PoolQuotes} from "../src/libraries/PoolQuotes.sol";
import {Ranges} from "../src/libraries/Ranges.sol";
import {Ticks} from "../src/libraries/Ticks.sol";
import {IPositionManager, IUniswapV3Pool} from "../src/interfaces/IUniswapV3.sol";
import {UniswapV3Swap} from "../src/swaps/UniswapV3Swap.sol";
import {IV3More, UniswapV3World} from "./UniswapV3World.sol";

/// @notice Our arithmetic equals that of the deployed pool.
contract UniswapV3PoolTest is UniswapV3World {
    /// @dev The pool's own tick of a price, found by making it begin anew there.
    function _tickInPool(uint160 sqrtPrice) private returns (int24 tick) {
        vm.store(address(pool), 0, 0);
        IV3More(address(pool)).initialize(sqrtPrice);
        (, tick,,,,,) = pool.slot0();
    }

    function tickAt(uint256 sqrtPrice) external pure returns (int24) {
        return Ticks.tickAt(sqrtPrice);
    }

    function sqrtPriceAt(int24 tick) external pure returns (uint160) {
        return Ticks.sqrtPriceAt(tick);
    }

    function test_the_ends_are_those_that_the_protocol_names() external {
        assertEq(Ticks.sqrtPriceAt(-887_272), 4295128739);
        assertEq(Ticks.sqrtPriceAt(887_272), 1461446703485210103287273052203988822378723970342);
        assertEq(Ticks.sqrtPriceAt(0), 1 << 96);
        vm.expectRevert(abi.encodeWithSelector(Ticks.TickOutOfRange.selector, int24(887_273)));
        this.sqrtPriceAt(887_273);
        vm.expectRevert(abi.encodeWithSelector(Ticks.TickOutOfRange.selector, int24(-887_273)));
        this.sqrtPriceAt(-887_273);
    }

    /// @dev The pool says tick t from exactly the price of t on: that pins our price of every tick to the last bit.
    function testFuzz_the_price_of_a_tick_is_the_pools(int24 tick) external {
        tick = int24(bound(tick, -887_271, 887_271));
        uint160 price = Ticks.sqrtPriceAt(tick);
        assertEq(_tickInPool(price), tick);
        assertEq(_tickInPool(price - 1), tick - 1);
    }

    function test_the_price_of_every_power_of_two_is_the_pools() external {
        for (uint256 i = 0; i < 20; ++i) {
            int24 tick = int24(uint24(1 << i));
            if (tick > 887_271) break;
            assertEq(_tickInPool(Ticks.sqrtPriceAt(tick)), tick);
            assertEq(_tickInPool(Ticks.sqrtPriceAt(tick) - 1), tick - 1);
            assertEq(_tickInPool(Ticks.sqrtPriceAt(-tick)), -tick);
            assertEq(_tickInPool(Ticks.sqrtPriceAt(-tick) - 1), -tick - 1);
        }
    }

    function testFuzz_the_tick_of_a_price_is_the_pools(uint160 price) external {
        price = uint160(bound(price, 4295128739, 1461446703485210103287273052203988822378723970341));
        assertEq(Ticks.tickAt(price), _tickInPool(price));
    }

    function testFuzz_a_quote_is_what_the_swap_brings(uint256 amount, uint256 seed, bool sellsAsset) external {
        // Narrow positions on both sides, so that swaps cross ticks.
        (, int24 tick,,,,,) = pool.slot0();
        int24 middle = tick / SPACING * SPACING;
        for (uint256 i = 0; i < 4; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            int24 from = middle + int24(int256(seed % 60) - 30) * SPACING;
            _provideIn(pool, 3_000_000 * UNIT, 1_500 ether, from, from + int24(int256(1 + (seed >> 64) % 30)) * SPACING);
        }
        address tokenIn = sellsAsset ? address(token) : address(weth);
        amount = sellsAsset ? bound(amount, 0, 40_000_000 * UNIT) : bound(amount, 0, 20_000 ether);
        (sellsAsset ? token : weth).mint(address(this), amount);
        (sellsAsset ? token : weth).approve(address(swap), amount);
        uint256 quoted = swap.quote(tokenIn, amount);
        assertEq(swap.swap(tokenIn, amount, quoted), quoted);
        assertEq(token.balanceOf(address(swap)) + weth.balanceOf(address(swap)), 0, "keeps nothing");
        assertEq(token.allowance(address(this), address(swap)), 0);
    }

    function test_a_quote_without_ones_own_liquidity_is_what_the_swap_brings_once_it_is_gone() external {
        (int24 from, int24 to) = _range(600);
        uint256 id = _provideIn(pool, 30_000_000 * UNIT, 15_000 ether, from, to);
        uint128 liquidity = manager.positions(id).liquidity;
        for (uint256 i = 0; i < 2; ++i) {
            bool down = i == 0;
            (address tokenIn, uint256 amount) =
                down == assetIsZero ? (address(token), 9_000_000 * UNIT) : (address(weth), 4_500 ether);
            uint256 quoted = PoolQuotes.quote(pool, down, amount, PoolQuotes.Without(liquidity, from, to));
            assertLt(quoted, swap.quote(tokenIn, amount));
            uint256 state = vm.snapshotState();
            vm.prank(CAROL);
            manager.decreaseLiquidity(IPositionManager.DecreaseLiquidityParams(id, liquidity, 0, 0, block.timestamp));
            uint256 found = swap.quote(tokenIn, amount);
            assertLe(quoted, found);
            assertLe(found - quoted, 2 + found / 1e9, "its ends are steps that are gone with it");
            vm.revertToState(state);
        }
    }

    function test_a_quote_that_would_cross_too_many_ticks_is_less() external view {
        uint256 all = swap.quote(address(weth), 1e30);
        assertGt(all, 1_000_000 * UNIT);
        assertLe(all, token.balanceOf(address(pool)));
    }

    function testFuzz_amounts_of_a_range_are_what_burning_brings(uint256 cash, int24 half, uint256 price) external {
        half = int24(bound(half, 1, 100)) * SPACING;
        (int24 from, int24 to) = _range(half);
        cash = bound(cash, UNIT, 1_000_000 * UNIT);
        uint256 id = _provideIn(pool, cash, cash * 1e12 / 2_000, from, to);
        uint128 liquidity = manager.positions(id).liquidity;
        _poolTo(bound(price, 1_400e18, 2_900e18));
        (uint160 spot,,,,,,) = pool.slot0();
        (uint256 of0, uint256 of1) = Ranges.amounts(spot, Ticks.sqrtPriceAt(from), Ticks.sqrtPriceAt(to), liquidity);
        vm.prank(CAROL);
        (uint256 got0, uint256 got1) =
            manager.decreaseLiquidity(IPositionManager.DecreaseLiquidityParams(id, liquidity, 0, 0, block.timestamp));
        assertEq(of0, got0);
        assertEq(of1, got1);
    }

    function test_a_swap_refuses_strangers_tokens_and_less_than_was_asked_for() external {
        vm.expectRevert(abi.encodeWithSelector(UniswapV3Swap.NotOfPool.selector, address(gem)));
        swap.swap(address(gem), 1, 0);
        vm.expectRevert(abi.encodeWithSelector(UniswapV3Swap.NotOfPool.selector, address(gem)));
        swap.quote(address(gem), 1);
        vm.expectRevert(abi.encodeWithSelector(UniswapV3Swap.NotPool.selector, address(this)));
        swap.uniswapV3SwapCallback(1, 1, "");
        weth.mint(address(this), 1e27);
        weth.approve(address(swap), MAX);
        vm.expectPartialRevert(UniswapV3Swap.TooLittle.selector);
        swap.swap(address(weth), 1 ether, 1_995 * UNIT);
        vm.expectPartialRevert(UniswapV3Swap.TooLittle.selector);
        swap.swap(address(weth), 1e27, 0);
        assertEq(weth.balanceOf(address(this)), 1e27, "a pool that is drained takes nothing");
    }
}

/// @notice The same with the tokens in the other order.
contract UniswapV3PoolOtherOrderTest is UniswapV3PoolTest {
    function _wantsAssetZero() internal pure override returns (bool) {
        return false;
    }
}
