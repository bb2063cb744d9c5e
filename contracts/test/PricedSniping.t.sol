// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Token} from "../local/Token.sol";
import {LegKind} from "../src/Types.sol";
import {EthFixture, UsdFixture} from "./PricedFixture.sol";

/// @notice Whoever comes for an event of a priced market never leaves with more than they brought: a vault of USDC.
contract UsdSnipingTest is UsdFixture {
    uint256 private constant STAKE = 500_000 * UNIT;

    function setUp() public override {
        super.setUp();
        _deposit(ALICE, 100_000 * UNIT);
        _plan(address(lp), LegKind.Entry, 50_000 * UNIT, "");
        _plan(address(stable), LegKind.Entry, 40_000 * UNIT, "");
        _campaign(6_000 ether);
        skip(2 days);
    }

    /// @dev The sniper's trip with `act` in between; in one instant, or with the gains of a minute unlocked.
    function _snipe(function() internal act) private {
        uint256 snapshot = vm.snapshotState();
        _deposit(BOB, STAKE);
        act();
        assertLe(_leaveAll(BOB), STAKE, "entered before it");
        vm.revertToState(snapshot);
        act();
        uint256 shares = vault.maxDeposit(BOB) < STAKE ? 0 : _deposit(BOB, STAKE);
        if (shares != 0) assertLe(_leaveAll(BOB), STAKE, "entered after it");
        vm.revertToState(snapshot);
        uint256 before = vault.convertToAssets(vault.balanceOf(ALICE));
        act();
        uint256 left = _leaveAll(ALICE);
        assertLe(left, before + before / 800, "left right after it: what 20 % a year makes of two days, and rounding");
    }

    function _harvest() private {
        _plan(address(lp), LegKind.Harvest, 0, "");
    }

    function _ethUp() private {
        ethPrice.set(2_020 * UNIT, true);
    }

    function _ethDown() private {
        ethPrice.set(1_980 * UNIT, true);
    }

    function _ethDownAndUp() private {
        ethPrice.set(1_500 * UNIT, true);
        vault.settle();
        ethPrice.set(2_000 * UNIT, true);
        vault.settle();
    }

    function _usdtDownAndUp() private {
        usdtPrice.set(0.93e6, true);
        vault.settle();
        usdtPrice.set(1e6, true);
    }

    function _usdtDown() private {
        usdtPrice.set(0.93e6, true);
    }

    function _stale() private {
        ethPrice.set(2_000 * UNIT, false);
        vault.settle();
        ethPrice.set(2_000 * UNIT, true);
    }

    function _trades() private {
        _trade(usd, 3_000_000 * UNIT);
        _trade(eth, 1_300 ether);
        _tradeStable(true, 3_000_000 * UNIT);
        _tradeStable(false, 3_000_000 * UNIT);
    }

    function _gifts() private {
        usd.mint(address(pair), 50_000 * UNIT);
        eth.mint(address(pair), 25 ether);
        ISync(address(pair)).sync();
        vm.prank(address(0x11));
        pair.transfer(address(lp), 1e12);
        usd.mint(address(lp), 1_000 * UNIT);
        pool.transfer(address(stable), 1_000 ether);
    }

    function _moves() private {
        _plan(address(stable), LegKind.Exit, 10_000 * UNIT, "");
        _plan(address(lp), LegKind.Exit, 10_000 * UNIT, "");
        _plan(address(lp), LegKind.Arrange, 0, abi.encode(0));
        _plan(address(stable), LegKind.Entry, 15_000 * UNIT, "");
    }

    function _queuePaid() private {
        uint256 half = vault.balanceOf(ALICE) / 2;
        vm.prank(ALICE);
        vault.requestRedeem(half);
        vault.payQueue();
    }

    function test_a_harvest_profits_nobody_who_comes_for_it() external {
        _snipe(_harvest);
    }

    function test_an_oracle_update_profits_nobody_who_comes_for_it() external {
        _snipe(_ethUp);
        _snipe(_ethDown);
        _snipe(_usdtDown);
    }

    function test_an_oracle_that_falls_and_recovers_profits_nobody() external {
        _snipe(_ethDownAndUp);
        _snipe(_usdtDownAndUp);
    }

    function test_a_price_that_turns_stale_and_fresh_profits_nobody() external {
        _snipe(_stale);
    }

    function test_fees_of_large_trades_profit_nobody_who_comes_for_them() external {
        _snipe(_trades);
    }

    function test_gifts_to_the_pool_and_to_the_markets_profit_nobody() external {
        _snipe(_gifts);
    }

    function test_moves_of_the_allocator_profit_nobody() external {
        _snipe(_moves);
    }

    function test_paying_the_queue_profits_nobody() external {
        _snipe(_queuePaid);
    }

    /// @notice Entering at one end of the band and leaving at the other, with trades that push the pool to either end.
    function testFuzz_a_round_trip_over_the_band_with_trades_around_it_does_not_pay(uint256 seed) external {
        uint256 traded = bound(seed >> 8, 1_000 * UNIT, 300_000 * UNIT);
        uint256 spent;
        if (seed & 1 == 1) (, spent) = (_trade2(usd, traded), traded);
        uint256 bought = eth.balanceOf(TRADER);
        _deposit(BOB, STAKE);
        uint256 back = _leaveAll(BOB);
        if (bought != 0) {
            vm.prank(TRADER);
            eth.transfer(address(0xdead), bought);
            uint256 had = usd.balanceOf(TRADER);
            _trade(eth, bought);
            back += usd.balanceOf(TRADER) - had;
        }
        assertLe(back, STAKE + spent);
    }

    function _trade2(Token tokenIn, uint256 amount) private returns (uint256) {
        _trade(tokenIn, amount);
        return amount;
    }

    /// @notice A large holder who leaves through the pool that they pushed gains nothing by pushing it.
    function testFuzz_leaving_through_a_pool_that_one_pushed_does_not_pay(uint256 size, bool up) external {
        _deposit(BOB, 100_000 * UNIT);
        _plan(address(lp), LegKind.Entry, 90_000 * UNIT, "");
        skip(3 days);
        uint256 snapshot = vm.snapshotState();
        uint256 honest = _leaveAll(BOB);
        vm.revertToState(snapshot);
        size = bound(size, 1_000 * UNIT, 200_000 * UNIT);
        uint256 amount = up ? size : size * 5e8;
        _trade(up ? usd : eth, amount);
        uint256 got = (up ? eth : usd).balanceOf(TRADER);
        uint256 pushed = _leaveAll(BOB);
        vm.prank(TRADER);
        (up ? eth : usd).transfer(address(0xdead), got);
        uint256 had = (up ? usd : eth).balanceOf(TRADER);
        _trade(up ? eth : usd, got);
        int256 profit = int256((up ? usd : eth).balanceOf(TRADER) - had) - int256(amount);
        if (!up) profit = profit / 5e8;
        assertLe(int256(pushed) + profit, int256(honest) + int256(honest / 400), "no more than the band");
    }
}

/// @notice The same for a vault of WETH.
contract EthSnipingTest is EthFixture {
    uint256 private constant STAKE = 2_000 ether;

    function setUp() public override {
        super.setUp();
        _deposit(ALICE, 2_000 ether);
        _plan(address(staked), LegKind.Entry, 1_200 ether, "");
        _plan(address(stable), LegKind.Entry, 600 ether, "");
        skip(2 days);
    }

    function _snipe(function() internal act) private {
        uint256 snapshot = vm.snapshotState();
        _deposit(BOB, STAKE);
        act();
        assertLe(_leaveAll(BOB), STAKE, "entered before it");
        vm.revertToState(snapshot);
        act();
        if (vault.maxDeposit(BOB) >= STAKE) {
            _deposit(BOB, STAKE);
            assertLe(_leaveAll(BOB), STAKE, "entered after it");
        }
        vm.revertToState(snapshot);
        uint256 before = vault.convertToAssets(vault.balanceOf(ALICE));
        act();
        assertLe(_leaveAll(ALICE), before + before / 800, "left right after it: as above");
    }

    function _request() private {
        _plan(address(staked), LegKind.Harvest, 0, abi.encode(staked.shares() / 2));
    }

    function _requestInADepeg() private {
        _peg(930);
        _plan(address(staked), LegKind.Harvest, 0, abi.encode(staked.shares()));
    }

    function _requestAndClaim() private {
        _request();
        _finalizeAll();
        _plan(address(staked), LegKind.Harvest, 0, "");
    }

    function _rewards() private {
        _reward(stEth, 500 ether);
    }

    function _slashing() private {
        _slash(stEth, 5_000 ether);
    }

    function _slashingInTheQueue() private {
        _request();
        _slash(stEth, 5_000 ether);
        _finalizeAll();
        _plan(address(staked), LegKind.Harvest, 0, "");
    }

    function _depeg() private {
        _peg(930);
    }

    function _depegAndBack() private {
        _peg(930);
        vault.settle();
        _peg(1_000);
    }

    function _gifts() private {
        wstEth.transfer(address(staked), 100 ether);
        asset.transfer(address(staked), 100 ether);
        stEth.approve(address(queue), 100 ether);
        uint256[] memory one = new uint256[](1);
        one[0] = 100 ether;
        queue.requestWithdrawals(one, address(staked));
        vm.deal(address(staked), 100 ether);
    }

    function _inKind() private {
        _request();
        uint256 half = vault.balanceOf(ALICE) / 2;
        vm.prank(ALICE);
        vault.redeemInKind(half, CAROL, ALICE, new address[](0));
        _finalizeAll();
        vm.prank(CAROL);
        staked.claim(1, CAROL);
    }

    function test_a_request_or_a_claim_profits_nobody_who_comes_for_it() external {
        _snipe(_request);
        _snipe(_requestAndClaim);
    }

    function test_a_request_in_a_depeg_profits_nobody_who_comes_for_it() external {
        _snipe(_requestInADepeg);
    }

    function test_rewards_and_slashing_profit_nobody() external {
        _snipe(_rewards);
        _snipe(_slashing);
        _snipe(_slashingInTheQueue);
    }

    function test_a_depeg_and_its_end_profit_nobody() external {
        _snipe(_depeg);
        _snipe(_depegAndBack);
    }

    function test_gifts_profit_nobody() external {
        _snipe(_gifts);
    }

    function test_leaving_in_kind_and_claiming_profits_nobody_else() external {
        _snipe(_inKind);
    }
}

/// @notice What a pair does with gifts.
interface ISync {
    function sync() external;
}
