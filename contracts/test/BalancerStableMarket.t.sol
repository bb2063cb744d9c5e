// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StakedEth} from "../local/StakedEth.sol";
import {Token} from "../local/Token.sol";
import {WrappedStakedEth} from "../local/WrappedStakedEth.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IStablePool} from "../src/interfaces/IBalancerV2.sol";
import {BalancerStableMarket} from "../src/markets/BalancerStableMarket.sol";
import {PricedMarket} from "../src/markets/PricedMarket.sol";
import {BalancerWorld, IBalancerMore} from "./BalancerWorld.sol";
import {IERC20All, IWethMore} from "./Real.sol";
import {Price} from "./Price.sol";

/// @notice USDC and USDT in a vault of USDC; this test is the vault.
contract BalancerUsdTest is BalancerWorld {
    uint256 private constant UNIT = 1e6;
    Token private usdc;
    Token private usdt;
    IStablePool private pool;
    Price private price;
    BalancerStableMarket private market;

    function setUp() external {
        vm.warp(1_800_000_000);
        (usdc, usdt) = (new Token("USDC", "USDC", 6), new Token("USDT", "USDT", 6));
        (balancer, factory) = _makeBalancer(_makeWeth());
        pool = _makePool(address(usdc), address(usdt), address(0), address(0));
        usdc.mint(address(this), 10_000_000 * UNIT);
        usdt.mint(address(this), 10_000_000 * UNIT);
        _start(pool, address(usdc), 10_000_000 * UNIT, 10_000_000 * UNIT);
        price = new Price(address(usdt), address(usdc), 1e6, 10);
        market = _market(price.oracle());
    }

    function _market(address oracle) private returns (BalancerStableMarket) {
        address[] memory oracles = new address[](2);
        oracles[address(usdc) < address(usdt) ? 1 : 0] = oracle;
        return new BalancerStableMarket(address(this), address(usdc), address(pool), oracles, 50, 1_000);
    }

    function _enter(uint256 assets) private {
        usdc.mint(address(market), assets);
        market.deposit(assets, "");
    }

    function _low() private view returns (uint256 low) {
        (low,,) = market.value();
    }

    function _swapped(bool isUsdcIn, uint256 amount) private {
        (Token tokenIn, Token tokenOut) = isUsdcIn ? (usdc, usdt) : (usdt, usdc);
        tokenIn.mint(address(this), amount);
        _swapIn(pool, address(tokenIn), address(tokenOut), amount);
    }

    function testFuzz_what_enters_is_worth_what_it_was_less_fee_and_band(uint256 assets) external {
        assets = bound(assets, UNIT, 500_000 * UNIT);
        _enter(assets);
        (uint256 low, uint256 high, bool isFresh) = market.value();
        assertTrue(isFresh);
        assertGe(low, assets * 9_980 / 10_000);
        assertLe(low, assets);
        assertLe(high, assets * 10_011 / 10_000);
        assertEq(usdc.balanceOf(address(market)), 0);
    }

    function testFuzz_what_is_liquid_can_be_left_with_to_the_unit(uint256 assets, uint256 ask, uint256 traded, bool up)
        external
    {
        _enter(bound(assets, 100 * UNIT, 2_000_000 * UNIT));
        _swapped(up, bound(traded, UNIT, 9_000_000 * UNIT));
        uint256 had = usdc.balanceOf(address(this));
        uint256 most = market.liquidity();
        if (most == 0) return;
        ask = bound(ask, 1, most);
        uint256 snapshot = vm.snapshotState();
        market.withdraw(most);
        assertEq(usdc.balanceOf(address(this)), had + most);
        vm.revertToState(snapshot);
        market.withdraw(ask);
        assertEq(usdc.balanceOf(address(this)), had + ask);
    }

    function test_all_of_the_low_value_is_liquid_in_a_deep_pool() external {
        _enter(500_000 * UNIT);
        assertEq(market.liquidity(), _low());
        market.withdraw(market.liquidity());
        assertLe(_low(), 500 * UNIT, "the band and what rounding left");
    }

    function testFuzz_no_swap_moves_the_value_but_by_its_fee(uint256 traded, bool up) external {
        _enter(500_000 * UNIT);
        uint256 before = _low();
        _swapped(up, bound(traded, UNIT, 9_900_000 * UNIT));
        assertGe(_low() + 1, before);
        assertLe(_low(), before + before / 1_000);
    }

    function test_a_depeg_to_93_is_in_the_low_value_at_once_and_leaves_the_high_one() external {
        _enter(500_000 * UNIT);
        (uint256 lowBefore, uint256 highBefore,) = market.value();
        price.set(0.93e6, true);
        (uint256 low, uint256 high, bool isFresh) = market.value();
        assertTrue(isFresh);
        assertApproxEqRel(low, lowBefore * 93 / 100, 1e15);
        assertApproxEqRel(high, highBefore, 2e15);
        emit log_named_decimal_uint("stable pool at 0.93: low value of 500,000 entered", low, 6);
        emit log_named_decimal_uint("stable pool at 0.93: high value", high, 6);
    }

    function testFuzz_in_kind_hands_over_pool_shares_whatever_is_locked_or_stale(uint256 part) external {
        _enter(500_000 * UNIT);
        market.withdraw(1_000 * UNIT);
        price.set(1e6, false);
        _pause();
        part = bound(part, 0, 1e18);
        uint256 shares = market.shares();
        (address token, uint256 amount) = market.transferInKind(BOB, part);
        assertEq(token, address(pool));
        assertEq(amount, shares * part / 1e18);
        assertEq(pool.balanceOf(BOB), amount);
        assertEq(market.shares(), shares - amount);
        assertEq(pool.balanceOf(address(market)), market.shares());
    }

    /// @dev Balancer's authorizer lets this contract pause the pool.
    function _pause() private {
        IPausing pausing = IPausing(address(pool));
        IPausing(authorizer).grantRole(pausing.getActionId(IPausing.pause.selector), address(this));
        pausing.pause();
    }

    function test_a_paused_pool_takes_the_liquidity_and_not_the_value() external {
        _enter(500_000 * UNIT);
        uint256 low = _low();
        _pause();
        assertEq(_low(), low);
        assertEq(market.liquidity(), 0);
        vm.expectRevert("BAL#402");
        market.withdraw(1 * UNIT);
    }

    function test_a_stale_price_closes_entries_and_exits_and_lowers_the_low_value_by_its_band() external {
        _enter(500_000 * UNIT);
        uint256 low = _low();
        price.set(1e6, false);
        (uint256 lowStale,, bool isFresh) = market.value();
        assertFalse(isFresh);
        assertEq(lowStale, low * 9_000 / 10_000);
        assertEq(market.liquidity(), 0);
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.withdraw(1);
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.deposit(1, "");
    }

    function test_a_pool_out_of_balance_pays_as_far_as_the_slippage_allows() external {
        _enter(500_000 * UNIT);
        _swapped(false, 5_500_000 * UNIT);
        uint256 most = market.liquidity();
        emit log_named_decimal_uint("stable pool half drained: liquid of 500,000", most, 6);
        assertGt(most, 0);
        assertLt(most, _low());
        _swapped(false, 3_500_000 * UNIT);
        emit log_named_decimal_uint("stable pool nine tenths drained: liquid of 500,000", market.liquidity(), 6);
        vm.expectRevert("BAL#207");
        market.withdraw(400_000 * UNIT);
    }

    function test_a_join_into_a_pool_that_others_pushed_is_refused() external {
        _swapped(true, 9_500_000 * UNIT);
        usdc.mint(address(market), 500_000 * UNIT);
        vm.expectRevert("BAL#208");
        market.deposit(500_000 * UNIT, "");
    }

    function testFuzz_a_sandwich_takes_no_more_than_the_slippage(bool isUsdcIn, uint256 size, bool isEntry) external {
        if (!isEntry) _enter(500_000 * UNIT);
        size = bound(size, 1_000 * UNIT, 9_900_000 * UNIT);
        uint256 moved = 400_000 * UNIT;
        Token tokenIn = isUsdcIn ? usdc : usdt;
        Token tokenOut = isUsdcIn ? usdt : usdc;
        uint256 before = _low();
        tokenIn.mint(address(this), size);
        uint256 got = _swapIn(pool, address(tokenIn), address(tokenOut), size);
        if (isEntry) {
            usdc.mint(address(market), moved);
            try market.deposit(moved, "") {}
            catch {
                return;
            }
        } else {
            try market.withdraw(moved) {}
            catch {
                return;
            }
        }
        uint256 back = _swapIn(pool, address(tokenOut), address(tokenIn), got);
        uint256 afterwards = _low();
        (uint256 had, uint256 has) = isEntry ? (before + moved, afterwards) : (before, afterwards + moved);
        assertGe(has + moved * 70 / 10_000, had, "the slippage, and the band twice");
        assertLe(back, size + moved * 70 / 10_000);
    }

    function test_gifts_of_pool_shares_and_of_assets_count_for_nothing() external {
        _enter(500_000 * UNIT);
        (uint256 low, uint256 high,) = market.value();
        pool.transfer(address(market), 1_000 ether);
        usdc.mint(address(market), 1_000 * UNIT);
        (uint256 lowAfter, uint256 highAfter,) = market.value();
        assertEq(lowAfter, low);
        assertEq(highAfter, high);
    }

    function test_in_the_middle_of_balancer_the_last_rate_stands_in_and_nothing_is_fresh() external {
        _enter(500_000 * UNIT);
        uint256 low = _low();
        assertFalse(market.isLocked());
        address[] memory tokens = new address[](1);
        tokens[0] = address(usdc);
        _watched = low;
        IBalancerMore(balancer).flashLoan(address(this), tokens, new uint256[](1), "");
        assertEq(_watched, 0, "the callback ran");
        assertFalse(market.isLocked());
    }

    uint256 private _watched;

    /// @notice Balancer calls this in the middle of a flash loan.
    function receiveFlashLoan(address[] calldata, uint256[] calldata, uint256[] calldata, bytes calldata) external {
        assertTrue(market.isLocked());
        (uint256 low,, bool isFresh) = market.value();
        assertFalse(isFresh);
        assertEq(low, _watched);
        assertEq(market.liquidity(), 0);
        uint256 noted = market.lastRate();
        market.note();
        assertEq(market.lastRate(), noted);
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.withdraw(1);
        market.transferInKind(BOB, 1e17);
        _watched = 0;
    }

    function testFuzz_every_change_of_value_is_named(uint256 traded, bool up, uint256 changed) external {
        _enter(500_000 * UNIT);
        (uint256 units, uint256 index, uint256 priceLow,) = market.position();
        assertApproxEqAbs(_low(), units * index / 1e18 * priceLow / 1e18, 1);
        _swapped(up, bound(traded, UNIT, 9_000_000 * UNIT));
        (uint256 units2, uint256 index2, uint256 price2,) = market.position();
        assertEq(units2, units);
        assertEq(price2, priceLow, "a swap changes the index alone");
        assertGe(index2, index);
        assertApproxEqAbs(_low(), units * index2 / 1e18 * priceLow / 1e18, 1);
        price.set(bound(changed, 0.9e6, 1.1e6), true);
        (, uint256 index3, uint256 price3,) = market.position();
        assertEq(index3, index2, "a price changes the price alone");
        assertApproxEqAbs(_low(), units * index2 / 1e18 * price3 / 1e18, 1);
    }

    function test_there_is_nothing_to_harvest_or_arrange_and_no_words_to_say() external {
        vm.expectRevert(IMarket.NothingToHarvest.selector);
        market.harvest("");
        vm.expectRevert(IMarket.NothingToArrange.selector);
        market.arrange("");
        vm.expectRevert(abi.encodeWithSelector(IMarket.UnknownData.selector, 1));
        market.deposit(1, hex"00");
    }

    function test_the_market_names_its_oracles_in_the_pools_order() external view {
        address[] memory found = market.tokenOracles();
        uint256 place = address(usdc) < address(usdt) ? 1 : 0;
        assertEq(found.length, 2);
        assertEq(found[place], price.oracle());
        assertEq(found[1 - place], address(0));
    }

    function test_a_market_with_wrong_parts_is_not_made() external {
        address[] memory oracles = new address[](2);
        vm.expectPartialRevert(BalancerStableMarket.TokenNotPriced.selector);
        new BalancerStableMarket(address(this), address(usdc), address(pool), oracles, 50, 1_000);
        (oracles[0], oracles[1]) = (price.oracle(), price.oracle());
        vm.expectPartialRevert(BalancerStableMarket.TokenNotPriced.selector);
        new BalancerStableMarket(address(this), address(usdc), address(pool), oracles, 50, 1_000);
        Token third = new Token("DAI", "DAI", 18);
        vm.expectPartialRevert(IMarket.AssetMismatch.selector);
        new BalancerStableMarket(address(this), address(third), address(pool), oracles, 50, 1_000);
        vm.expectRevert(abi.encodeWithSelector(PricedMarket.BoundTooWide.selector, 1_001));
        new BalancerStableMarket(address(this), address(usdc), address(pool), oracles, 1_001, 1_000);
        vm.expectRevert(abi.encodeWithSelector(PricedMarket.BoundTooWide.selector, 10_001));
        new BalancerStableMarket(address(this), address(usdc), address(pool), oracles, 50, 10_001);
    }

    function test_reading_and_leaving_stay_within_their_gas() external {
        _enter(500_000 * UNIT);
        vm.cool(address(pool));
        vm.cool(balancer);
        vm.cool(address(market));
        uint256 before = gasleft();
        market.value();
        uint256 read = before - gasleft();
        before = gasleft();
        market.liquidity();
        uint256 liquid = before - gasleft();
        before = gasleft();
        market.withdraw(10_000 * UNIT);
        uint256 left = before - gasleft();
        emit log_named_uint("stable pool: gas of a reading", read);
        emit log_named_uint("stable pool: gas of liquidity", liquid);
        emit log_named_uint("stable pool: gas of a withdrawal", left);
        assertLt(read, 500_000);
        assertLt(liquid, 900_000);
        assertLt(left, 1_200_000);
    }
}

/// @notice wstETH and WETH in a vault of WETH; this test is the vault.
contract BalancerEthTest is BalancerWorld {
    IERC20All private weth;
    StakedEth private stEth;
    WrappedStakedEth private wstEth;
    IStablePool private pool;
    Price private price;
    BalancerStableMarket private market;

    function setUp() external {
        vm.warp(1_800_000_000);
        weth = IERC20All(_makeWeth());
        (stEth, wstEth,) = _makeLido();
        (balancer, factory) = _makeBalancer(address(weth));
        vm.deal(address(this), 1_000_000 ether);
        stEth.submit{value: 100_000 ether}(address(0));
        _reward(stEth, 15_000 ether);
        IWethMore(address(weth)).deposit{value: 100_000 ether}();
        (bool done,) = address(wstEth).call{value: 50_000 ether}("");
        assertTrue(done);
        address provider = _makeRateProvider(address(wstEth));
        pool = _makePool(address(wstEth), address(weth), provider, address(wstEth));
        _start(pool, address(wstEth), wstEth.getWstETHByStETH(10_000 ether), 10_000 ether);
        price = new Price(address(stEth), address(weth), 1e6, 10);
        address[] memory oracles = new address[](2);
        oracles[address(weth) < address(wstEth) ? 1 : 0] = price.oracle();
        market = new BalancerStableMarket(address(this), address(weth), address(pool), oracles, 50, 1_000);
    }

    function _enter(uint256 assets) private {
        weth.transfer(address(market), assets);
        market.deposit(assets, "");
    }

    function _low() private view returns (uint256 low) {
        (low,,) = market.value();
    }

    function testFuzz_what_enters_is_worth_what_it_was_and_can_be_left_with(uint256 assets, uint256 ask) external {
        assets = bound(assets, 1e12, 1_000 ether);
        _enter(assets);
        (uint256 low, uint256 high, bool isFresh) = market.value();
        assertTrue(isFresh);
        assertGe(low, assets * 9_980 / 10_000);
        assertLe(low, assets);
        assertLe(high, assets * 10_011 / 10_000);
        uint256 most = market.liquidity();
        assertGe(most, low * 9_949 / 10_000);
        uint256 had = weth.balanceOf(address(this));
        uint256 snapshot = vm.snapshotState();
        market.withdraw(most);
        assertEq(weth.balanceOf(address(this)) - had, most);
        vm.revertToState(snapshot);
        ask = bound(ask, 1, most);
        market.withdraw(ask);
        assertEq(weth.balanceOf(address(this)) - had, ask);
    }

    function test_staking_rewards_reach_the_value_through_the_pools_rate() external {
        _enter(1_000 ether);
        uint256 before = _low();
        _reward(stEth, 1_650 ether);
        assertApproxEqRel(_low(), before, 2e15, "the pool keeps the old rate for a while");
        skip(2 hours);
        uint256 unit = 1 ether;
        _enter(unit);
        uint256 afterwards = _low() - unit;
        assertGt(afterwards, before + before * 20 / 10_000, "half of 0.9 %, less Balancer's part");
        assertLt(afterwards, before + before * 50 / 10_000);
    }

    function test_slashing_is_in_the_low_value_before_the_pool_knows() external {
        _enter(1_000 ether);
        uint256 before = _low();
        _slash(stEth, stEth.totalSupply() / 20);
        assertApproxEqRel(_low(), before * 95 / 100, 2e15);
        emit log_named_decimal_uint(
            "stable pool, slashing of 5 %: low value of 1,000 entered, pool not told", _low(), 18
        );
        skip(2 hours);
        pool.transfer(address(1), 1);
        _enter(1 ether);
        emit log_named_decimal_uint("stable pool, slashing of 5 %: low value of 1,001, pool told", _low(), 18);
        assertApproxEqRel(_low(), (before + 1 ether) * 975 / 1000, 3e15);
        uint256 most = market.liquidity();
        market.withdraw(most);
    }

    function testFuzz_a_slashing_that_the_pool_does_not_know_leaves_no_promise_unpaid(uint256 slashed, bool waits)
        external
    {
        _enter(1_000 ether);
        _slash(stEth, bound(slashed, 1, stEth.totalSupply() / 5));
        if (waits) skip(2 hours);
        uint256 most = market.liquidity();
        if (most != 0) market.withdraw(most);
    }

    function test_a_slashing_is_seen_even_in_the_middle_of_balancer() external {
        _enter(1_000 ether);
        _watched = _low();
        _slash(stEth, stEth.totalSupply() / 10);
        address[] memory tokens = new address[](1);
        tokens[0] = address(weth);
        IBalancerMore(balancer).flashLoan(address(this), tokens, new uint256[](1), "");
        assertEq(_watched, 0, "the callback ran");
    }

    uint256 private _watched;

    /// @notice Balancer calls this in the middle of a flash loan.
    function receiveFlashLoan(address[] calldata, uint256[] calldata, uint256[] calldata, bytes calldata) external {
        assertLt(_low(), _watched * 91 / 100);
        _watched = 0;
    }
}

/// @notice What pauses a pool.
interface IPausing {
    function pause() external;
    function getActionId(bytes4 selector) external view returns (bytes32);
    function grantRole(bytes32 role, address who) external;
}
