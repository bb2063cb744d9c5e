// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FeeToken} from "../local/FeeToken.sol";
import {Token} from "../local/Token.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IUniswapV2Pair} from "../src/interfaces/IUniswapV2.sol";
import {PricedMarket} from "../src/markets/PricedMarket.sol";
import {UniswapV2Market} from "../src/markets/UniswapV2Market.sol";
import {UniswapV2Swap} from "../src/swaps/UniswapV2Swap.sol";
import {IPairFactory, IStakingSetUp, Real} from "./Real.sol";
import {Price} from "./Price.sol";

/// @notice The V2 market against the pair's and the staking contract's own bytecode; this test is its vault.
contract UniswapV2MarketTest is Real {
    uint256 private constant UNIT = 1e6;
    address private constant LP = address(0x11);
    address private constant TRADER = address(0x12);
    address private constant BOB = address(0xb0b);

    Token private usd;
    Token private eth;
    Token private reward;
    IPairFactory private factory;
    IUniswapV2Pair private pair;
    IUniswapV2Pair private rewardPair;
    IStakingSetUp private staking;
    Price private ethPrice;
    Price private rewardPrice;
    UniswapV2Market private market;
    address private _ethOracle;
    address private _rewardOracle;

    function setUp() external {
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

    function _market(address staking_, address swap) private returns (UniswapV2Market) {
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

    function _fill(IUniswapV2Pair into, uint256 usds, Token other, uint256 others) private {
        usd.mint(address(into), usds);
        other.mint(address(into), others);
        into.mint(LP);
    }

    function _enter(uint256 assets) private {
        usd.mint(address(market), assets);
        market.deposit(assets, "");
    }

    function _trade(Token tokenIn, uint256 amount) private {
        UniswapV2Swap swap = new UniswapV2Swap(address(pair));
        tokenIn.mint(TRADER, amount);
        vm.startPrank(TRADER);
        tokenIn.approve(address(swap), amount);
        swap.swap(address(tokenIn), amount, 0);
        vm.stopPrank();
    }

    function _low() private view returns (uint256 low) {
        (low,,) = market.value();
    }

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

    /// @dev The attacker's whole trip around a move of the vault, in units of the asset at the oracle's price.
    function _sandwich(bool buysFirst, uint256 size, bool isEntry, uint256 moved)
        private
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

    function test_rewards_are_claimed_and_sold_within_the_bound() external {
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        uint256 earned = staking.earned(address(market));
        assertApproxEqRel(earned, 1_000 ether, 1e12);
        market.harvest("");
        uint256 got = usd.balanceOf(address(this));
        assertGe(got, 2 * earned * UNIT / 1 ether * 9_800 / 10_000);
        assertEq(market.unsold(), 0);
        assertEq(reward.balanceOf(address(market)), 0);
    }

    function _campaign(uint256 amount) private {
        reward.mint(address(staking), amount);
        staking.notifyRewardAmount(amount);
    }

    function test_a_campaign_that_ended_pays_no_more_and_keeps_nothing() external {
        _enter(50_000 * UNIT);
        _campaign(3_000 ether);
        skip(61 days);
        market.harvest("");
        uint256 got = usd.balanceOf(address(this));
        skip(30 days);
        market.harvest("");
        assertEq(usd.balanceOf(address(this)), got);
        market.withdraw(market.liquidity());
    }

    function test_rewards_that_cannot_be_sold_wait_and_hold_nothing_up() external {
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        rewardPrice.set(0, false);
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.harvest("");
        market.harvest(abi.encode(0));
        uint256 unsold = market.unsold();
        assertApproxEqRel(unsold, 1_000 ether, 1e12);
        market.withdraw(market.liquidity());
        rewardPrice.set(2 * UNIT, true);
        market.harvest(abi.encode(unsold / 2));
        assertGe(market.unsold(), unsold / 2);
        assertGt(usd.balanceOf(address(this)), 990 * UNIT);
    }

    function test_a_reward_worth_nothing_is_sold_for_what_it_brings() external {
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        rewardPrice.set(1, true);
        UniswapV2Swap swap = new UniswapV2Swap(address(rewardPair));
        reward.mint(TRADER, 5e26);
        vm.startPrank(TRADER);
        reward.approve(address(swap), 5e26);
        swap.swap(address(reward), 5e26, 0);
        vm.stopPrank();
        market.harvest("");
        assertLe(usd.balanceOf(address(this)), UNIT);
        assertEq(market.unsold(), 0);
    }

    function test_a_drained_reward_pair_does_not_take_the_rewards() external {
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        UniswapV2Swap swap = new UniswapV2Swap(address(rewardPair));
        reward.mint(TRADER, 50_000 ether);
        vm.startPrank(TRADER);
        reward.approve(address(swap), 50_000 ether);
        swap.swap(address(reward), 50_000 ether, 0);
        vm.stopPrank();
        vm.expectPartialRevert(UniswapV2Swap.TooLittleOut.selector);
        market.harvest("");
        assertApproxEqRel(staking.earned(address(market)), 1_000 ether, 1e12);
    }

    function _feeReward(uint256 feeBps) private returns (UniswapV2Market) {
        reward = new FeeToken("Fee", "FEE", 18, feeBps);
        _rewardOracle = new Price(address(reward), address(usd), 2 * UNIT, 20).oracle();
        rewardPair = IUniswapV2Pair(factory.createPair(address(usd), address(reward)));
        _fill(rewardPair, 1_000_000 * UNIT, reward, 500_000 ether);
        staking = _makeStaking(address(reward), address(pair));
        return _market(address(staking), address(new UniswapV2Swap(address(rewardPair))));
    }

    function test_a_reward_that_keeps_a_part_of_each_transfer_is_counted_as_it_comes() external {
        market = _feeReward(30);
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        market.harvest("");
        assertGt(usd.balanceOf(address(this)), 1_950 * UNIT);
        assertEq(reward.balanceOf(address(market)), 0);
    }

    function test_a_reward_whose_fee_is_above_the_slippage_is_not_sold() external {
        market = _feeReward(300);
        _enter(50_000 * UNIT);
        _campaign(6_000 ether);
        skip(10 days);
        vm.expectPartialRevert(UniswapV2Swap.TooLittleOut.selector);
        market.harvest("");
        market.harvest(abi.encode(0));
        assertEq(market.unsold(), reward.balanceOf(address(market)));
        market.withdraw(market.liquidity());
    }

    function test_a_reward_in_the_asset_goes_to_the_vault_as_it_is() external {
        staking = _makeStaking(address(usd), address(pair));
        market = _market(address(staking), address(0));
        _enter(50_000 * UNIT);
        usd.mint(address(staking), 600 * UNIT);
        staking.notifyRewardAmount(600 * UNIT);
        skip(60 days);
        uint256 held = market.held();
        market.harvest("");
        assertApproxEqAbs(usd.balanceOf(address(this)), 600 * UNIT, 10 * UNIT);
        assertEq(market.held(), held);
    }

    function test_shares_can_be_unstaked_and_staked_again() external {
        _enter(50_000 * UNIT);
        uint256 shares = market.shares();
        market.arrange(abi.encode(shares / 3));
        assertEq(market.staked(), shares / 3);
        assertEq(staking.balanceOf(address(market)), shares / 3);
        assertEq(pair.balanceOf(address(market)), shares - shares / 3);
        uint256 low = _low();
        market.withdraw(20_000 * UNIT);
        assertApproxEqAbs(_low(), low - 20_000 * UNIT, low / 200);
        market.arrange(abi.encode(type(uint256).max));
        assertEq(market.staked(), market.shares());
        usd.mint(address(market), UNIT);
        market.deposit(UNIT, abi.encode(false));
        assertGt(market.shares(), market.staked());
    }

    function testFuzz_in_kind_hands_over_the_part_staked_or_not_whatever_the_oracle_says(uint256 part, bool isStaked)
        external
    {
        _enter(50_000 * UNIT);
        market.withdraw(1_000 * UNIT);
        if (!isStaked) market.arrange(abi.encode(0));
        ethPrice.set(0, false);
        part = bound(part, 0, 1e18);
        (uint256 shares, uint256 held) = (market.shares(), market.held());
        (address token, uint256 amount) = market.transferInKind(BOB, part);
        assertEq(token, address(pair));
        assertEq(amount, shares * part / 1e18);
        assertEq(pair.balanceOf(BOB), amount);
        assertEq(usd.balanceOf(BOB), held * part / 1e18);
        assertEq(market.shares(), shares - amount);
        assertEq(usd.balanceOf(address(market)), market.held());
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

    function test_gifts_of_shares_of_assets_and_of_rewards_count_for_nothing() external {
        _enter(50_000 * UNIT);
        (uint256 low, uint256 high,) = market.value();
        vm.startPrank(LP);
        pair.transfer(address(market), pair.balanceOf(LP) / 10);
        vm.stopPrank();
        usd.mint(address(market), 1_000 * UNIT);
        eth.mint(address(market), 1 ether);
        reward.mint(address(market), 1_000 ether);
        (uint256 lowAfter, uint256 highAfter,) = market.value();
        assertEq(lowAfter, low);
        assertEq(highAfter, high);
        market.harvest("");
        assertEq(usd.balanceOf(address(this)), 0);
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

    function _assertValue(uint256 units, uint256 index, uint256 price) private view {
        uint256 root = _root(price * 1e18);
        assertApproxEqRel(_low(), 2 * units * index / 1e18 * root / 1e18, 1e11);
    }

    function _root(uint256 x) private pure returns (uint256 y) {
        y = x;
        for (uint256 z = (x + 1) / 2; z < y; z = (x / z + z) / 2) {
            y = z;
        }
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

    function test_without_staking_there_is_nothing_to_harvest_or_arrange() external {
        market = _market(address(0), address(0));
        _enter(1_000 * UNIT);
        assertEq(pair.balanceOf(address(market)), market.shares());
        vm.expectRevert(IMarket.NothingToHarvest.selector);
        market.harvest("");
        vm.expectRevert(IMarket.NothingToArrange.selector);
        market.arrange(abi.encode(1));
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
