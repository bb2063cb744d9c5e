// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";
import {VmSafe} from "forge-std/Vm.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Leg, LegKind} from "../src/Types.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IVaultEvents} from "../src/interfaces/IVaultEvents.sol";
import {IPositionManager, IUniswapV3Staker} from "../src/interfaces/IUniswapV3.sol";
import {Ranges} from "../src/libraries/Ranges.sol";
import {Ticks} from "../src/libraries/Ticks.sol";
import {PricedMarket} from "../src/markets/PricedMarket.sol";
import {UniswapV2Swap} from "../src/swaps/UniswapV2Swap.sol";
import {UniswapV3Market} from "../src/markets/UniswapV3Market.sol";
import {UniswapV3Position} from "../src/markets/UniswapV3Position.sol";
import {Token} from "./doubles/Tokens.sol";
import {IV3More, UniswapV3World} from "./UniswapV3World.sol";

/// @notice The range market against the protocol's own bytecode.
contract UniswapV3MarketTest is UniswapV3World {
    uint256 private constant IN = 200_000 * UNIT;

    function _gross() private view returns (uint256 gross) {
        (gross,,,,) = vault.value();
    }

    function _refused(Leg[] memory legs, bytes4 why) private {
        bytes32 expected = vault.preStateHash();
        bytes32 planId = _nextPlan();
        vm.prank(ALLOCATOR);
        vm.expectPartialRevert(why);
        vault.reallocate(planId, uint64(block.timestamp), expected, legs);
    }

    function _collectable() private returns (uint256 assets, uint256 others) {
        uint256 state = vm.snapshotState();
        uint256 id = market.tokenId();
        vm.prank(address(market));
        (uint256 a, uint256 b) =
            manager.collect(IPositionManager.CollectParams(id, CAROL, type(uint128).max, type(uint128).max));
        vm.revertToState(state);
        return assetIsZero ? (a, b) : (b, a);
    }

    function test_an_entry_takes_what_the_range_needs_and_counts_all_of_it() external {
        uint256 before = _gross();
        _enterRange(IN, 1_200);
        (uint256 low, uint256 high, bool fresh) = market.value();
        assertTrue(fresh);
        uint256 loss = before - _gross();
        console.log("entry of 200,000 into the range loses, millionths:", loss * 1e6 / IN);
        assertLt(loss, IN * 50 / 10_000, "half of the band on half of it, and the fee of swapping half");
        assertLt(market.held() + market.otherHeld() / 1e12 * 2_000, IN / 100, "little is left over");
        assertApproxEqRel(high, low, 0.004e18, "the band is on the other token, half of the range");
        assertGt(market.liquidityUnits(), 0);
        assertEq(token.allowance(address(market), address(manager)), 0);
        assertEq(weth.allowance(address(market), address(manager)), 0);
        assertEq(market.totalAssets(), low);
    }

    function test_a_second_entry_enlarges_the_range_and_takes_no_other() external {
        _enterRange(IN, 1_200);
        uint256 id = market.tokenId();
        uint128 units = market.liquidityUnits();
        _plan(_entry(IN / 2, ""));
        assertEq(market.tokenId(), id);
        assertApproxEqRel(market.liquidityUnits(), uint256(units) * 3 / 2, 0.01e18);
        (int24 from, int24 to) = _range(1_200);
        _refused(_entry(IN / 2, abi.encode(from, to)), UniswapV3Market.RangeInUse.selector);
    }

    function test_a_first_entry_names_its_range_within_the_bounds() external {
        _refused(_entry(IN, ""), UniswapV3Market.RangeInUse.selector);
        (int24 from, int24 to) = _range(240);
        _refused(_entry(IN, abi.encode(from, to)), UniswapV3Market.RangeOutOfBounds.selector);
        (from, to) = _range(6_060);
        _refused(_entry(IN, abi.encode(from, to)), UniswapV3Market.RangeOutOfBounds.selector);
        (from, to) = _range(600);
        _refused(_entry(IN, abi.encode(from + 720, to + 720)), UniswapV3Market.RangeOutOfBounds.selector);
        _refused(_entry(IN, abi.encode(to, from)), UniswapV3Market.RangeOutOfBounds.selector);
        _plan(_entry(IN / 20, abi.encode(from + 480, to + 480)));
    }

    function test_no_liquidity_is_added_while_the_pool_is_far_from_the_oracle() external {
        _enterRange(IN, 1_200);
        _poolTo(2_000e18 * 9_950 / 10_000);
        _refused(_entry(UNIT, ""), UniswapV3Market.SpotTooFar.selector);
        (int24 from, int24 to) = _range(1_200);
        bytes memory data = abi.encode(uint256(0), from, to);
        _refused(_act(LegKind.Arrange, data), PricedMarket.TooLittle.selector);
        _poolTo(2_000e18);
        _plan(_act(LegKind.Arrange, data));
    }

    function testFuzz_fees_are_counted_to_the_unit_as_collect_pays_them(uint256 seed, uint8 trades) external {
        _enterRange(IN, 1_200);
        for (uint256 i = 0; i < uint256(trades) % 12 + 1; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _poolTo(1_600e18 + seed % 900e18);
            if (seed % 5 == 0) _someoneAdds(seed % 1e6 * 1e6);
            if (seed % 7 == 0) _act7();
        }
        (uint256 assets, uint256 others) = market.fees();
        (uint256 paid, uint256 paidOthers) = _collectable();
        assertEq(assets, paid);
        assertEq(others, paidOthers);
    }

    function _act7() private {
        _oracleTo(_poolPrice());
        _plan(_act(LegKind.Harvest, abi.encode(uint256(1))));
    }

    function _poolPrice() private view returns (uint256) {
        (uint160 spot,,,,,,) = pool.slot0();
        uint256 one = assetIsZero
            ? Math.mulDiv(Math.mulDiv(1 ether, 1 << 96, spot), 1 << 96, spot)
            : Math.mulDiv(Math.mulDiv(1 ether, spot, 1 << 96), spot, 1 << 96);
        return one * 1e12;
    }

    /// @dev Anyone may add liquidity to any position.
    function _someoneAdds(uint256 cash) private {
        if (cash == 0) return;
        (uint256 a, uint256 b) = assetIsZero ? (cash, cash * 1e9) : (cash * 1e9, cash);
        token.mint(BOB, cash);
        weth.mint(BOB, cash * 1e9);
        vm.startPrank(BOB);
        token.approve(address(manager), cash);
        weth.approve(address(manager), cash * 1e9);
        try manager.increaseLiquidity(
            IPositionManager.IncreaseLiquidityParams(market.tokenId(), a, b, 0, 0, block.timestamp)
        ) {}
            catch {}
        vm.stopPrank();
    }

    function test_gifts_of_tokens_liquidity_and_positions_do_not_count() external {
        _enterRange(IN, 1_200);
        (uint256 low, uint256 high,) = market.value();
        token.mint(address(market), IN);
        weth.mint(address(market), 1 ether);
        _someoneAdds(IN);
        (uint256 lowAfter, uint256 highAfter,) = market.value();
        assertEq(low, lowAfter);
        assertEq(high, highAfter);
        _exitMarket(address(market), MAX);
        assertLe(vault.idle(), 1_000_000 * UNIT);
    }

    function testFuzz_a_trade_in_the_pool_moves_the_value_by_its_fee_only(uint256 price) external {
        _enterRange(IN, 1_200);
        (uint256 low,,) = market.value();
        _poolTo(bound(price, 1_000e18, 4_000e18));
        (uint256 afterwards,,) = market.value();
        (uint256 assets, uint256 others) = market.fees();
        (uint256 worth,,) = oracle.quote(others);
        assertApproxEqAbs(afterwards - low, assets + worth, 1);
    }

    function testFuzz_at_any_price_of_the_pool_the_range_is_worth_at_least_its_value(uint256 price) external {
        _enterRange(IN, 1_200);
        (uint256 low,,) = market.value();
        _poolTo(bound(price, 1_000e18, 4_000e18));
        uint256 shares = vault.balanceOf(ALICE);
        (uint256 cash, uint256 others) = (token.balanceOf(ALICE), weth.balanceOf(ALICE));
        uint256 idle = vault.idle();
        vm.prank(ALICE);
        vault.redeemInKind(shares, ALICE, ALICE, new address[](0));
        cash = token.balanceOf(ALICE) - cash;
        others = weth.balanceOf(ALICE) - others;
        (uint256 worth,,) = oracle.quote(others);
        assertGe(cash + worth + 10 + low / 1e9, idle + low);
    }

    function testFuzz_a_withdrawal_pays_exactly_and_leaves_little_over(uint256 part, uint256 half) external {
        _enterRange(IN, int24(int256(bound(half, 5, 90))) * SPACING);
        uint256 most = market.liquidity();
        assertGt(most, IN * 98 / 100);
        part = bound(part, 1, most);
        uint256 idle = vault.idle();
        uint256 held = market.held();
        _exitMarket(address(market), part);
        assertEq(vault.idle() - idle, part);
        assertLe(market.held(), held + part / 1_000 + 20, "what was burned beyond need");
    }

    function test_leaving_sells_within_the_band_so_cash_pays_exactly() external {
        _enterRange(IN, 1_200);
        uint256 all = vault.previewRedeem(vault.balanceOf(ALICE));
        assertGt(all, vault.idle());
        uint256 gas = gasleft();
        vm.prank(ALICE);
        vault.withdraw(all * 95 / 100, ALICE, ALICE);
        console.log("gas of a withdrawal that draws on the range:", gas - gasleft());
        assertEq(token.balanceOf(ALICE), all * 95 / 100);
    }

    function test_unwinding_cost_falls_on_the_one_who_leaves() external {
        _enterRange(IN, 1_200);
        uint256 most = vault.balanceOf(ALICE) * 9 / 10;
        vm.prank(ALICE);
        vault.transfer(BOB, most);
        uint256 stays = vault.convertToAssets(vault.balanceOf(ALICE));
        // The pool pays 40 bp less than the oracle says, beside its fee of 30: more than the band covers.
        _poolTo(2_000e18 * 9_977 / 10_000);
        uint256 shares = vault.balanceOf(BOB);
        uint256 due = vault.previewRedeem(shares);
        vm.startPrank(BOB);
        vm.expectPartialRevert(IVaultEvents.UnwindingCost.selector);
        vault.redeem(shares, BOB, BOB);
        (uint256 paid,) = vault.redeemUpTo(shares, 0);
        vm.stopPrank();
        assertLt(paid, due);
        assertGe(vault.convertToAssets(vault.balanceOf(ALICE)) + 20, stays);
    }

    function test_recentring_moves_the_range_and_keeps_what_there_was() external {
        _enterRange(IN, 1_200);
        _worldTo(2_150e18);
        vault.settle();
        (uint256 low,,) = market.value();
        (int24 from, int24 to) = _range(1_200);
        _plan(_act(LegKind.Arrange, abi.encode(uint256(0), from, to)));
        (uint256 lowAfter,,) = market.value();
        console.log("re-centring after 7.5 %% loses, millionths: ", (low - lowAfter) * 1e6 / low);
        assertGt(lowAfter, low * 9_950 / 10_000);
        assertEq(market.lower(), from);
        assertEq(market.upper(), to);
        assertLt(market.held(), low / 100);
        _exitMarket(address(market), MAX);
    }

    function test_a_range_that_was_passed_is_all_of_one_token_and_can_be_left_or_moved() external {
        uint256[2] memory prices = [uint256(1_500e18), 2_700e18];
        for (uint256 i = 0; i < 2; ++i) {
            uint256 state = vm.snapshotState();
            _enterRange(IN, 1_200);
            _worldTo(prices[i]);
            vault.settle();
            uint256 most = market.liquidity();
            (uint256 low,,) = market.value();
            assertGt(most, low * 99 / 100);
            uint256 inner = vm.snapshotState();
            _exitMarket(address(market), most);
            vm.revertToState(inner);
            (int24 from, int24 to) = _range(1_200);
            _plan(_act(LegKind.Arrange, abi.encode(uint256(0), from, to)));
            vm.revertToState(state);
        }
    }

    function test_a_price_through_the_range_and_back_costs_nothing_and_leaves_fees() external {
        _enterRange(IN, 1_200);
        (uint256 low,,) = market.value();
        _worldTo(1_500e18);
        vault.settle();
        (uint256 down,,) = market.value();
        assertLt(down, low * 85 / 100, "impermanent loss and the price of what is held");
        _worldTo(2_000e18);
        (uint256 back,,) = market.value();
        (uint256 assets, uint256 others) = market.fees();
        (uint256 worth,,) = oracle.quote(others);
        assertApproxEqAbs(back, low + assets + worth, 2);
        assertGt(assets + worth, 0);
    }

    function test_harvest_collects_and_sells_or_keeps() external {
        _enterRange(IN, 1_200);
        _trades(2_000e18, 800);
        (uint256 assets, uint256 others) = market.fees();
        assertGt(assets, 0);
        assertGt(others, 0);
        uint256 state = vm.snapshotState();
        uint256 idle = vault.idle();
        uint256 held = market.held();
        uint256 kept = market.otherHeld();
        _plan(_act(LegKind.Harvest, abi.encode(uint256(1))));
        assertEq(vault.idle() - idle, assets + held);
        assertEq(market.otherHeld(), others + kept, "kept for compounding");
        vm.revertToState(state);
        (uint256 worth,,) = oracle.quote(others + kept);
        _plan(_act(LegKind.Harvest, ""));
        assertEq(market.otherHeld(), 0);
        assertGe(vault.idle() - idle, assets + held + worth * 9_970 / 10_000);
        (assets, others) = market.fees();
        assertLt(assets + others / 1e9, UNIT / 100 + 1e6, "only its own part of the fee of that sale");
    }

    function _staked(uint256 amount) private returns (IUniswapV3Staker.IncentiveKey memory key) {
        _enterRange(IN, 1_200);
        key = _startIncentive(amount, 10 days);
        _plan(_act(LegKind.Arrange, _stakeData(key)));
        assertTrue(market.isStaked());
        assertEq(IV3More(address(manager)).ownerOf(market.tokenId()), address(staker));
    }

    function test_rewards_are_claimed_and_sold_through_the_listed_swap() external {
        _staked(10_000 ether);
        _later(5 days);
        uint256 idle = vault.idle() + market.held();
        vm.expectEmit(false, false, false, false, address(market));
        emit UniswapV3Market.RewardsSold(0, 0, 0);
        _plan(_act(LegKind.Harvest, ""));
        uint256 got = vault.idle() - idle;
        // Half of the time, and the range's part of the liquidity at the price.
        uint256 part = uint256(market.liquidityUnits()) * 5_000 * UNIT / pool.liquidity();
        assertApproxEqRel(got, part, 0.02e18);
        assertTrue(market.isStaked(), "and is staked again");
        assertEq(gem.balanceOf(address(market)), 0);
    }

    function test_a_staked_range_is_entered_left_and_handed_over_and_stays_staked() external {
        _staked(10_000 ether);
        _later(1 days);
        _plan(_entry(IN / 4, ""));
        assertTrue(market.isStaked());
        uint256 gas = gasleft();
        vm.prank(ALICE);
        vault.withdraw(900_000 * UNIT, ALICE, ALICE);
        console.log("gas of a withdrawal from a staked range:    ", gas - gasleft());
        assertTrue(market.isStaked());
        uint256 shares = vault.balanceOf(ALICE) / 2;
        vm.prank(ALICE);
        vault.redeemInKind(shares, BOB, ALICE, new address[](0));
        assertTrue(market.isStaked());
        assertGt(weth.balanceOf(BOB), 0);
        _later(1 days);
        _plan(_act(LegKind.Arrange, abi.encode(uint256(2))));
        assertFalse(market.isStaked());
        (int24 from, int24 to) = _range(1_800);
        _later(1 days);
        _plan(_act(LegKind.Arrange, abi.encode(uint256(0), from, to)));
        _plan(_act(LegKind.Harvest, ""));
        assertGt(staker.rewards(address(gem), address(market)) + vault.idle(), 0);
    }

    function test_a_stake_that_others_ended_after_its_time_is_no_trap() external {
        IUniswapV3Staker.IncentiveKey memory key = _staked(10_000 ether);
        _later(11 days);
        uint256 id = market.tokenId();
        staker.unstakeToken(key, id);
        assertTrue(market.isStaked(), "the market does not know");
        _exitMarket(address(market), MAX);
        assertFalse(market.isStaked());
        assertEq(IV3More(address(manager)).ownerOf(id), address(market));
        uint256 idle = vault.idle();
        _plan(_act(LegKind.Harvest, ""));
        assertGt(vault.idle(), idle, "and the rewards are there");
    }

    function test_staking_needs_a_staker_an_incentive_and_a_range() external {
        _refused(_act(LegKind.Arrange, abi.encode(uint256(1), 1, 2, CAROL)), UniswapV3Position.CannotStake.selector);
        _enterRange(IN, 1_200);
        _refused(_act(LegKind.Arrange, abi.encode(uint256(1), 1, 2, CAROL)), UniswapV3Position.CannotStake.selector);
        _refused(_act(LegKind.Arrange, abi.encode(uint256(9))), IMarket.UnknownData.selector);
        _refused(_act(LegKind.Arrange, ""), IMarket.UnknownData.selector);
    }

    function test_a_reward_that_cannot_be_sold_waits_and_holds_nothing_up() external {
        _staked(10_000 ether);
        _trades(2_000e18, 500);
        _later(5 days);
        (uint256 assets,) = market.fees();
        uint256 idle = vault.idle();
        // The market for the reward pays a tenth of what the oracle says.
        gemFeed.post(10e8);
        _plan(_act(LegKind.Harvest, ""));
        assertGe(vault.idle() - idle, assets);
        assertGt(market.unsold(), 0);
        assertEq(gem.allowance(address(market), address(gemSwap)), 0);
        // An old price, then a fresh one.
        skip(2 hours);
        feed.post(2_000e8);
        dollarFeed.post(1e8);
        _plan(_act(LegKind.Harvest, ""));
        assertGt(market.unsold(), 0);
        gemFeed.post(1e8);
        idle = vault.idle();
        _plan(_act(LegKind.Harvest, ""));
        assertEq(market.unsold(), 0);
        assertGt(vault.idle(), idle);
    }

    function test_a_reward_without_a_price_is_sold_for_what_it_brings_and_counts_for_nothing_before() external {
        _staked(10_000 ether);
        _later(5 days);
        (uint256 low,,) = market.value();
        gemFeed.post(1);
        (uint256 lowAfter,,) = market.value();
        assertEq(low, lowAfter);
        _plan(_act(LegKind.Harvest, ""));
        assertEq(market.unsold(), 0);
    }

    function test_a_reward_that_keeps_a_part_of_each_transfer_waits_where_the_pool_does_not_take_it() external {
        _staked(10_000 ether);
        _trades(2_000e18, 500);
        _later(5 days);
        gem.setFee(5);
        (uint256 assets,) = market.fees();
        uint256 idle = vault.idle();
        _plan(_act(LegKind.Harvest, ""));
        assertGe(vault.idle(), idle + assets, "fees come in all the same");
        assertGt(market.unsold(), 0);
        assertEq(gem.balanceOf(address(market)), market.unsold());
        assertEq(gem.balanceOf(address(gemSwap)), 0);
    }

    function test_a_reward_that_keeps_a_part_of_each_transfer_is_sold_in_a_pair_for_what_arrives() external {
        UniswapV3Market.Settings memory s = _settings();
        s.rewardSwap = _gemPair();
        market = new UniswapV3Market(address(vault), address(token), s);
        _list(address(market), type(uint128).max, 10_000);
        _freshen();
        _staked(10_000 ether);
        _later(5 days);
        gem.setFee(5);
        uint256 idle = vault.idle() + market.held();
        _plan(_act(LegKind.Harvest, abi.encode(uint256(1))));
        assertGt(vault.idle(), idle, "5 bp on the way to the market, 5 on the way to the pair");
        assertEq(market.unsold(), 0);
        _later(1 days);
        gem.setFee(500);
        _plan(_act(LegKind.Harvest, ""));
        assertGt(market.unsold(), 0, "5 % is beyond the bound: it waits");
    }

    function _gemPair() private returns (address) {
        address pair = _makePairFactory().createPair(address(token), address(gem));
        token.mint(pair, 10_000_000 * UNIT);
        gem.mint(pair, 10_000_000 ether);
        (bool done,) = pair.call(abi.encodeWithSignature("mint(address)", CAROL));
        assertTrue(done);
        return address(new UniswapV2Swap(pair));
    }

    function _try(Leg[] memory legs) private returns (bool) {
        bytes32 expected = vault.preStateHash();
        bytes32 planId = _nextPlan();
        vm.prank(ALLOCATOR);
        try vault.reallocate(planId, uint64(block.timestamp), expected, legs) {
            return true;
        } catch {
            return false;
        }
    }

    struct Causes {
        int256 price;
        int256 fees;
        int256 rewards;
        int256 cost;
    }

    /// @dev What the position's parts are worth at the oracle's worst price, by the test's own reckoning.
    function _worth(uint256 price) private view returns (int256) {
        uint256 low = price * (10_000 - BAND) / 10_000;
        uint160 root = _sqrtFor(weth, low);
        (uint256 a, uint256 b) = Ranges.amounts(
            root, Ticks.sqrtPriceAt(market.lower()), Ticks.sqrtPriceAt(market.upper()), market.liquidityUnits()
        );
        (uint256 cash, uint256 others) = assetIsZero ? (a, b) : (b, a);
        return int256(cash + (others + market.otherHeld()) * low / 1e30);
    }

    function _feesWorth() private view returns (int256) {
        (uint256 cash, uint256 others) = market.fees();
        (uint256 low,,) = oracle.quote(others);
        return int256(cash + low);
    }

    /// @dev Sums what events of a move say: rewards sold, and each swap at the oracle's worst price.
    function _fromLogs(Causes memory c) private {
        VmSafe.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != address(market)) continue;
            if (logs[i].topics[0] == UniswapV3Market.RewardsSold.selector) {
                (, uint256 assets,) = abi.decode(logs[i].data, (uint256, uint256, uint256));
                c.rewards += int256(assets);
            }
            if (logs[i].topics[0] == UniswapV3Position.FeesCollected.selector) {
                (uint256 cash, uint256 others) = abi.decode(logs[i].data, (uint256, uint256));
                (uint256 low,,) = oracle.quote(others);
                c.fees += int256(cash + low);
            }
            if (logs[i].topics[0] != PricedMarket.Swapped.selector) continue;
            (uint256 sold, uint256 got,) = abi.decode(logs[i].data, (uint256, uint256, uint256));
            bool sellsOther = address(uint160(uint256(logs[i].topics[1]))) == address(weth);
            (uint256 worth,,) = oracle.quote(sellsOther ? sold : got);
            c.cost += sellsOther ? int256(got) - int256(worth) : int256(worth) - int256(sold);
        }
    }

    /// @dev Trades, oracle answers, entries, exits, harvests and other ranges at random: what the vault has changed by is
    /// the sum of price, fees, rewards and cost, each reckoned by itself.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_every_change_of_value_is_a_named_cause(uint256 seed) external {
        _staked(10_000 ether);
        Causes memory c;
        uint256 price = 2_000e18;
        uint256 start = _gross();
        uint256 done;
        for (uint256 i = 0; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            int256 before = _feesWorth();
            if (seed % 5 == 0) {
                _poolTo(price * (9_300 + seed % 1_400) / 10_000);
                _poolTo(price);
                c.fees += _feesWorth() - before;
            } else if (seed % 5 == 1) {
                int256 old = _worth(price);
                price = 1_900e18 + (seed >> 8) % 200e18;
                price -= price % 1e10;
                _oracleTo(price);
                c.price += _worth(price) - old + _feesWorth() - before;
                before = _feesWorth();
                _poolTo(price);
                c.fees += _feesWorth() - before;
            } else {
                _later(1 days);
                vault.settle();
                (int24 from, int24 to) = _range(int24(int256(10 + (seed >> 8) % 80)) * SPACING);
                Leg[] memory legs = seed % 5 == 2
                    ? _act(LegKind.Harvest, "")
                    : seed % 5 == 3
                        ? _entry((seed >> 8) % (100_000 * UNIT) + UNIT, "")
                        : _act(LegKind.Arrange, abi.encode(uint256(0), from, to));
                vm.recordLogs();
                if (_try(legs)) {
                    _fromLogs(c);
                    ++done;
                }
                _poolTo(price);
                c.fees += _feesWorth() - before;
            }
        }
        assertGe(done, 1);
        int256 change = int256(_gross()) - int256(start);
        int256 named = c.price + c.fees + c.rewards + c.cost;
        // A range is worth less at the worst price of the band than the tokens it was made of: liquidity times the square
        // of the distance, a few millionths of net assets each time it is made.
        assertApproxEqAbs(change, named, uint256(1_000_000 * UNIT) * 40 / 1_000_000);
    }

    function test_in_kind_hands_over_both_tokens_and_fees_whatever_the_price_and_its_age() external {
        _enterRange(IN, 1_200);
        _trades(2_000e18, 500);
        skip(3 days);
        assertEq(market.liquidity(), 0);
        (uint256 assets, uint256 others) = market.fees();
        others += market.otherHeld();
        assets += market.held();
        (uint256 cash, uint256 kind) = (token.balanceOf(BOB), weth.balanceOf(BOB));
        uint256 shares = vault.balanceOf(ALICE) / 4;
        uint128 units = market.liquidityUnits();
        uint256 idle = vault.idle();
        vm.prank(ALICE);
        vault.redeemInKind(shares, BOB, ALICE, new address[](0));
        assertApproxEqRel(market.liquidityUnits(), uint256(units) * 3 / 4, 1e9);
        assertGt(token.balanceOf(BOB) - cash, idle / 4);
        assertGt(weth.balanceOf(BOB) - kind, 0);
        assertApproxEqRel(market.otherHeld(), others * 3 / 4, 1e12);
        assertGe(market.held(), assets * 3 / 4 - 2);
    }

    function test_an_old_price_takes_ten_percent_off_and_refuses_what_needs_a_price() external {
        _enterRange(IN, 1_200);
        (uint256 low,,) = market.value();
        skip(1 days);
        (uint256 lowAfter,, bool fresh) = market.value();
        assertFalse(fresh);
        assertApproxEqRel(lowAfter, low * 9 / 10, 0.001e18);
        vm.startPrank(address(vault));
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.withdraw(IN / 2);
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.deposit(UNIT, "");
        (int24 from, int24 to) = _range(1_200);
        vm.expectRevert(PricedMarket.StalePrice.selector);
        market.arrange(abi.encode(uint256(0), from, to));
        market.harvest("");
        vm.stopPrank();
        assertEq(vault.maxDeposit(BOB), 0);
        assertGt(vault.maxWithdraw(ALICE), 0);
        _freshen();
        _exitMarket(address(market), MAX);
    }

    function test_a_pool_drained_by_a_trade_pays_in_kind_and_says_that_cash_cannot_be_paid() external {
        _enterRange(IN, 1_200);
        _poolTo(200e18);
        (uint256 low,,) = market.value();
        uint256 most = market.liquidity();
        assertLt(most, low / 100, "all is the other token and nobody buys it");
        assertGe(vault.maxWithdraw(ALICE), vault.idle());
        vm.prank(ALICE);
        vault.withdraw(700_000 * UNIT, ALICE, ALICE);
        uint256 shares = vault.balanceOf(ALICE);
        uint256 before = weth.balanceOf(ALICE);
        vm.prank(ALICE);
        vault.redeemInKind(shares, ALICE, ALICE, new address[](0));
        (uint256 worth,,) = oracle.quote(weth.balanceOf(ALICE) - before);
        assertGe(worth, low * 99 / 100);
    }

    function test_only_the_vault_and_the_manager_reach_it() external {
        vm.startPrank(ALLOCATOR);
        bytes memory no = abi.encodeWithSelector(IMarket.NotVault.selector, ALLOCATOR);
        vm.expectRevert(no);
        market.deposit(1, "");
        vm.expectRevert(no);
        market.withdraw(1);
        vm.expectRevert(no);
        market.harvest("");
        vm.expectRevert(no);
        market.arrange("");
        vm.expectRevert(no);
        market.transferInKind(ALLOCATOR, 1);
        vm.expectRevert(abi.encodeWithSelector(UniswapV3Position.NotOfManager.selector, ALLOCATOR));
        market.onERC721Received(ALLOCATOR, ALLOCATOR, 1, "");
        vm.stopPrank();
    }

    function test_settings_that_do_not_fit_are_refused() external {
        UniswapV3Market.Settings memory s = _settings();
        vm.expectPartialRevert(IMarket.AssetMismatch.selector);
        new UniswapV3Market(address(vault), address(gem), s);
        s.rewardSwap = address(0);
        vm.expectRevert(UniswapV3Position.CannotStake.selector);
        new UniswapV3Market(address(vault), address(token), s);
        s = _settings();
        s.slippageBps = 1_001;
        vm.expectPartialRevert(PricedMarket.BoundTooWide.selector);
        new UniswapV3Market(address(vault), address(token), s);
        s = _settings();
        vm.mockCall(address(staker), abi.encodeWithSignature("nonfungiblePositionManager()"), abi.encode(CAROL));
        vm.expectPartialRevert(UniswapV3Position.NotOfManager.selector);
        new UniswapV3Market(address(vault), address(token), s);
        vm.mockCall(address(factory), abi.encodeWithSignature("getPool(address,address,uint24)"), abi.encode(CAROL));
        vm.expectPartialRevert(UniswapV3Position.NotOfManager.selector);
        new UniswapV3Market(address(vault), address(token), s);
    }

    function test_one_reading_and_one_withdrawal_stay_below_the_vaults_gas() external {
        _staked(10_000 ether);
        _trades(2_000e18, 500);
        uint256 gas = gasleft();
        market.value();
        gas -= gasleft();
        uint256 second = gasleft();
        market.liquidity();
        second -= gasleft();
        vm.prank(address(vault));
        uint256 third = gasleft();
        market.withdraw(IN / 2);
        third -= gasleft();
        console.log("gas of value, liquidity and withdraw:       ", gas, second, third);
        assertLt(gas, 1_000_000);
        assertLt(second, 1_000_000);
        assertLt(third, 1_500_000);
    }
}

/// @notice The same with the tokens in the other order.
contract UniswapV3MarketOtherOrderTest is UniswapV3MarketTest {
    function _wantsAssetZero() internal pure override returns (bool) {
        return false;
    }
}
