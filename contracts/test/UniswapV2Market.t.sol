// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Token} from "../local/Token.sol";
import {PricedMarket} from "../src/markets/PricedMarket.sol";
import {UniswapV2Market} from "../src/markets/UniswapV2Market.sol";
import {Price} from "./Price.sol";
import {UniswapV2World} from "./UniswapV2World.sol";

/// @notice The V2 market against the pair's and the staking contract's own bytecode; this test is its vault.
contract UniswapV2MarketTest is UniswapV2World {
    function testFuzz_what_enters_is_worth_what_it_was_less_fee_and_band(uint256 assets) external {
        assets = bound(assets, 100, 50_000 * UNIT);
        _enter(assets);
        (uint256 low, uint256 high, bool isFresh) = market.value();
        assertTrue(isFresh);
        assertGe(low, assets * 9_960 / 10_000 - 10);
        assertLe(high, assets + assets / 1000 + 10);
        assertEq(usd.balanceOf(address(market)), 0);
        assertEq(staking.balanceOf(address(market)), market.shares());
        assertEq(market.staked(), market.shares());
    }

    function testFuzz_what_is_liquid_can_be_left_with_to_the_unit(uint256 assets, uint256 ask, uint256 traded, bool up)
        external
    {
        assets = bound(assets, 1_000, 100_000 * UNIT);
        _enter(assets);
        traded = bound(traded, 0, 100_000 * UNIT);
        if (up) _trade(usd, traded + 10);
        else _trade(eth, (traded + 10) * 5e8);
        uint256 most = market.liquidity();
        if (most == 0) return;
        ask = bound(ask, 1, most);
        market.withdraw(ask);
        assertEq(usd.balanceOf(address(this)), ask);
        uint256 rest = market.liquidity();
        market.withdraw(rest);
        assertEq(usd.balanceOf(address(this)), ask + rest);
        assertEq(usd.balanceOf(address(market)), market.held());
    }

    /// @dev A unit of the other token is then worth 5e8 of the asset: burning rounds by as much.
    function testFuzz_a_vault_of_the_finer_token_leaves_with_what_is_liquid(uint256 assets, uint256 ask, uint256 traded)
        external
    {
        UniswapV2Market.Settings memory settings;
        (settings.pair, settings.slippageBps) = (address(pair), 100);
        settings.oracle = new Price(address(usd), address(eth), 500, 20).oracle();
        UniswapV2Market finer = new UniswapV2Market(address(this), address(eth), settings);
        assets = bound(assets, 1e12, 50 ether);
        eth.mint(address(finer), assets);
        finer.deposit(assets, "");
        traded = bound(traded, 0, 100_000 * UNIT);
        _trade(usd, traded + 10);
        uint256 most = finer.liquidity();
        if (most == 0) return;
        ask = bound(ask, 1, most);
        finer.withdraw(ask);
        assertEq(eth.balanceOf(address(this)), ask);
        uint256 rest = finer.liquidity();
        finer.withdraw(rest);
        assertEq(eth.balanceOf(address(this)), ask + rest);
    }

    function testFuzz_no_trade_moves_the_value_but_by_its_fee(uint256 traded, bool up) external {
        _enter(50_000 * UNIT);
        uint256 before = _low();
        traded = bound(traded, 10, 30_000_000 * UNIT);
        if (up) _trade(usd, traded);
        else _trade(eth, traded * 5e8);
        assertGe(_low() + 1, before);
        assertLe(_low(), before + before / 100);
    }

    function test_leaving_all_keeps_within_slippage_of_the_low_value() external {
        _enter(50_000 * UNIT);
        uint256 low = _low();
        uint256 most = market.liquidity();
        assertGe(most, low * 9_950 / 10_000);
        market.withdraw(most);
        assertLe(_low(), low / 100);
    }

    function test_what_an_exit_brings_beyond_what_was_asked_is_held_and_paid_first() external {
        _enter(50_000 * UNIT);
        market.withdraw(10_000 * UNIT);
        uint256 held = market.held();
        assertGt(held, 0);
        uint256 shares = market.shares();
        market.withdraw(held);
        assertEq(market.shares(), shares, "no share was burned for it");
        assertEq(market.held(), 0);
    }

    function test_a_pool_pushed_away_from_the_oracle_lets_nobody_in_or_out() external {
        _enter(50_000 * UNIT);
        _trade(eth, 100 ether);
        assertEq(market.liquidity(), 0);
        vm.expectPartialRevert(PricedMarket.TooLittle.selector);
        market.withdraw(1_000 * UNIT);
        _trade(usd, 700_000 * UNIT);
        usd.mint(address(market), 1_000 * UNIT);
        vm.expectPartialRevert(PricedMarket.TooLittle.selector);
        market.deposit(1_000 * UNIT, "");
    }

    /// @notice What the vault loses in a sandwich is bounded by the slippage, whatever the attacker pays.
    function testFuzz_a_sandwich_takes_no_more_than_the_slippage(bool buys, uint256 size, bool entry, uint256 moved)
        external
    {
        moved = bound(moved, 1_000 * UNIT, 100_000 * UNIT);
        (, uint256 lost) = _sandwich(buys, bound(size, 1_000 * UNIT, 500_000 * UNIT), entry, moved);
        assertLe(lost, moved * 110 / 10_000);
    }

    /// @notice With a move of half a percent of the pool, the fee of the pair eats what a sandwich could take.
    function testFuzz_a_sandwich_of_a_small_move_does_not_pay(bool buys, uint256 size, bool entry) external {
        (int256 profit,) = _sandwich(buys, bound(size, 1_000 * UNIT, 500_000 * UNIT), entry, 50_000 * UNIT);
        assertLe(profit, 0);
    }

    function test_a_stale_price_closes_entries_and_exits_and_lowers_the_low_value_by_its_band() external {
        _enter(50_000 * UNIT);
        (uint256 low, uint256 high,) = market.value();
        ethPrice.set(2_000 * UNIT, false);
        (uint256 lowStale, uint256 highStale, bool isFresh) = market.value();
        assertFalse(isFresh);
        assertEq(lowStale, low * 9_000 / 10_000);
        assertEq(highStale, high);
        assertEq(market.totalAssets(), lowStale);
        assertEq(market.liquidity(), 0);
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.withdraw(1);
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.deposit(1, "");
    }

    /// @notice The change of the value is what the shares, the index and the price did, one after the other.
    function testFuzz_every_change_of_value_is_named(uint256 traded, bool up, uint256 price) external {
        _enter(50_000 * UNIT);
        (uint256 units, uint256 index, uint256 priceLow,) = market.position();
        _assertValue(units, index, priceLow);
        if (up) _trade(usd, bound(traded, 10, 10_000_000 * UNIT));
        else _trade(eth, bound(traded, 1e10, 5_000 ether));
        (uint256 units2, uint256 index2, uint256 price2,) = market.position();
        assertEq(units2, units);
        assertEq(price2, priceLow, "a trade changes the index alone");
        assertGe(index2, index);
        _assertValue(units2, index2, price2);
        ethPrice.set(bound(price, 1_000 * UNIT, 4_000 * UNIT), true);
        (, uint256 index3, uint256 price3,) = market.position();
        assertEq(index3, index2, "a price changes the price alone");
        _assertValue(units2, index2, price3);
    }

    function test_the_protocols_fee_is_not_counted_as_the_vaults() external {
        factory.setFeeTo(TREASURY);
        _enter(50_000 * UNIT);
        for (uint256 i = 0; i < 10; ++i) {
            _trade(usd, 1_000_000 * UNIT);
            _trade(eth, 480 ether);
        }
        uint256 before = _low();
        _fill(pair, 20 * UNIT, eth, 0.01 ether);
        assertGt(pair.balanceOf(TREASURY), 0);
        assertApproxEqRel(_low(), before, 1e12);
        assertGe(_low() + 2, before);
    }

    function test_only_the_vault_moves_the_position() external {
        vm.startPrank(BOB);
        bytes memory reason = abi.encodeWithSignature("NotVault(address)", BOB);
        vm.expectRevert(reason);
        market.deposit(1, "");
        vm.expectRevert(reason);
        market.withdraw(1);
        vm.expectRevert(reason);
        market.harvest("");
        vm.expectRevert(reason);
        market.arrange("");
        vm.expectRevert(reason);
        market.transferInKind(BOB, 1);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSignature("ShareTooLarge(uint256)", 1e18 + 1));
        market.transferInKind(BOB, 1e18 + 1);
    }

    function test_a_market_with_wrong_parts_is_not_made() external {
        usd = reward;
        vm.expectPartialRevert(bytes4(keccak256("AssetMismatch(address,address)")));
        _market(address(0), address(0));
        usd = Token(pair.token0() == address(eth) ? pair.token1() : pair.token0());
        address other = address(_makeStaking(address(reward), address(rewardPair)));
        vm.expectRevert(abi.encodeWithSelector(UniswapV2Market.CannotStake.selector, other));
        _market(other, address(1));
        vm.expectRevert(abi.encodeWithSelector(UniswapV2Market.CannotStake.selector, address(staking)));
        _market(address(staking), address(0));
    }

    function test_reading_and_leaving_stay_within_their_gas() external {
        _enter(50_000 * UNIT);
        uint256 before = gasleft();
        market.value();
        uint256 read = before - gasleft();
        before = gasleft();
        market.withdraw(10_000 * UNIT);
        uint256 left = before - gasleft();
        emit log_named_uint("V2: gas of a reading, warm", read);
        emit log_named_uint("V2: gas of a withdrawal, warm", left);
        assertLt(read, 300_000);
        assertLt(left, 700_000);
    }
}
