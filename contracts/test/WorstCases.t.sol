// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LegKind} from "../src/Types.sol";
import {EthFixture, UsdFixture} from "./PricedFixture.sol";

/// @notice The worst that was found for each market, as numbers that the documents quote: a vault of USDC.
contract UsdWorstCasesTest is UsdFixture {
    function setUp() public override {
        super.setUp();
        _deposit(ALICE, 1_000_000 * UNIT);
    }

    function _gross() private view returns (uint256 gross) {
        (gross,,,,) = vault.value();
    }

    function carry(address market, LegKind kind, uint256 assets) external {
        _plan(market, kind, assets, "");
    }

    /// @dev Gross worth lost, in parts of a million of what was moved, by a leg with the pool pushed by `size` and back.
    function _pushed(address market, LegKind kind, uint256 moved, bool isUp, uint256 size) private returns (uint256) {
        uint256 snapshot = vm.snapshotState();
        uint256 before = _gross();
        bool isPair = market == address(lp);
        if (isPair) _trade(isUp ? usd : eth, isUp ? size : size * 5e8);
        else _tradeStable(isUp, size);
        bool done = true;
        try this.carry(market, kind, moved) {}
        catch {
            done = false;
        }
        uint256 afterwards = _gross();
        vm.revertToState(snapshot);
        if (!done || afterwards >= before) return 0;
        return (before - afterwards) * 1e6 / moved;
    }

    function _worst(address market, LegKind kind, uint256 moved, uint256 step) private returns (uint256 most) {
        for (uint256 i = 0; i < 40; ++i) {
            most = _max(most, _pushed(market, kind, moved, true, (i + 1) * step));
            most = _max(most, _pushed(market, kind, moved, false, (i + 1) * step));
        }
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    function test_the_worst_sandwich_of_an_entry_or_an_exit_is_within_the_bound_of_a_move() external {
        uint256 entry = _worst(address(lp), LegKind.Entry, 50_000 * UNIT, 10_000 * UNIT);
        uint256 stableEntry = _worst(address(stable), LegKind.Entry, 50_000 * UNIT, 240_000 * UNIT);
        _plan(address(lp), LegKind.Entry, 100_000 * UNIT, "");
        _plan(address(stable), LegKind.Entry, 100_000 * UNIT, "");
        uint256 exit = _worst(address(lp), LegKind.Exit, 50_000 * UNIT, 10_000 * UNIT);
        uint256 stableExit = _worst(address(stable), LegKind.Exit, 50_000 * UNIT, 240_000 * UNIT);
        emit log_named_decimal_uint("V2 pair: worst entry found, % of what was moved", entry, 4);
        emit log_named_decimal_uint("V2 pair: worst exit found, %", exit, 4);
        emit log_named_decimal_uint("stable pool: worst entry found, %", stableEntry, 4);
        emit log_named_decimal_uint("stable pool: worst exit found, %", stableExit, 4);
        assertLe(_max(_max(entry, exit), _max(stableEntry, stableExit)), 6_001, "the bound of a move is 60 bp");
        assertGt(_max(entry, exit), 0);
    }

    function pay() external {
        vault.payQueue();
    }

    /// @notice Anybody may have the queue paid, and push the pool before: those in it get less by the slippage at most.
    function test_a_sandwich_of_a_payment_of_the_queue_costs_no_more_than_the_slippage() external {
        _plan(address(lp), LegKind.Entry, 100_000 * UNIT, "");
        uint256 idle = vault.idle();
        vm.startPrank(ALICE);
        vault.redeemUpTo(vault.convertToShares(idle), 0);
        vault.requestRedeem(vault.balanceOf(ALICE) / 2);
        vm.stopPrank();
        uint256 most;
        for (uint256 i = 0; i < 40; ++i) {
            uint256 snapshot = vm.snapshotState();
            (uint256 low,) = _sharePrices();
            (uint256 waiting,) = vault.queued(ALICE);
            _trade(eth, (i + 1) * 5 ether);
            try this.pay() {
                (uint256 still, uint256 owed) = vault.queued(ALICE);
                uint256 due = (waiting - still) * low / 1e27;
                if (due > owed && due > UNIT) most = _max(most, (due - owed) * 1e6 / due);
            } catch {}
            vm.revertToState(snapshot);
        }
        emit log_named_decimal_uint("V2 pair: worst sandwich of a payment of the queue, % of what was paid", most, 4);
        assertLe(most, 10_000);
    }

    function test_a_hostile_allocator_with_a_trader_stays_inside_the_loss_bucket() external {
        uint256 before = _gross();
        for (uint256 hour = 0; hour < 24; ++hour) {
            for (uint256 i = 0; i < 8; ++i) {
                _attack();
            }
            ethPrice.set(2_000 * UNIT, true);
            skip(1 hours);
        }
        uint256 lost = before > _gross() ? before - _gross() : 0;
        emit log_named_decimal_uint(
            "hostile allocator with a trader, 24 hours: lost, % of net assets", lost * 1e6 / before, 4
        );
        assertLe(lost * 10_000, before * 100, "a hundredth in a day is this vault's bound");
        assertGt(lost, before / 1_000, "it tried");
    }

    /// @dev Pushes the pair up before an entry and down before an exit, as far as both still work, and takes it back.
    function _attack() private {
        _trade(usd, 45_000 * UNIT);
        uint256 got = eth.balanceOf(TRADER);
        try this.carry(address(lp), LegKind.Entry, 60_000 * UNIT) {} catch {}
        vm.prank(TRADER);
        eth.transfer(address(0xdead), got);
        _trade(eth, got);
        try this.carry(address(lp), LegKind.Exit, lp.liquidity()) {} catch {}
    }

    /// @dev What each holder has at the leaving price, in parts of a million of what Alice had.
    function _after(string memory what, function() internal act) private {
        uint256 snapshot = vm.snapshotState();
        uint256 before = _gross();
        act();
        uint256 now_ = _gross();
        uint256 lost = before > now_ ? before - now_ : 0;
        emit log_named_decimal_uint(what, lost * 1e6 / before, 4);
        vm.revertToState(snapshot);
    }

    function _halve() private {
        ethPrice.set(1_000 * UNIT, true);
    }

    function _depeg() private {
        usdtPrice.set(0.93e6, true);
    }

    function _stale() private {
        ethPrice.set(2_000 * UNIT, false);
        usdtPrice.set(1e6, false);
    }

    function _drain() private {
        _trade(eth, 90_000 ether);
        _tradeStable(false, 9_900_000 * UNIT);
    }

    function test_what_events_cost_a_vault_with_a_tenth_in_each_market_is_printed() external {
        _plan(address(lp), LegKind.Entry, 100_000 * UNIT, "");
        _plan(address(stable), LegKind.Entry, 100_000 * UNIT, "");
        _after("a tenth in each: ETH halves, % of net assets", _halve);
        _after("a tenth in each: USDT at 0.93, %", _depeg);
        _after("a tenth in each: all prices stale, %", _stale);
        _after("a tenth in each: both pools drained of USDC by trades, %", _drain);
        assertEq(vault.maxDeposit(BOB) != 0, true);
    }

    /// @notice What is in the position when everything fails can be had in kind by all, and nothing else is needed.
    function test_with_prices_dead_and_pools_drained_all_leave_in_kind() external {
        _plan(address(lp), LegKind.Entry, 100_000 * UNIT, "");
        _plan(address(stable), LegKind.Entry, 100_000 * UNIT, "");
        _stale();
        _drain();
        uint256 shares = vault.balanceOf(ALICE);
        vm.prank(ALICE);
        vault.redeemInKind(shares, ALICE, ALICE, new address[](0));
        assertLe(lp.shares(), 1e6);
        assertLe(stable.shares(), 1e12);
        assertGt(pair.balanceOf(ALICE), 0);
        assertGt(pool.balanceOf(ALICE), 0);
    }

    /// @notice With prices dead the guardian can let harvests run; what they bring comes to idle.
    function test_with_prices_dead_a_payment_of_the_queue_waits_and_idle_still_pays() external {
        _plan(address(lp), LegKind.Entry, 100_000 * UNIT, "");
        _stale();
        uint256 shares = vault.balanceOf(ALICE) / 4;
        vm.prank(ALICE);
        vault.requestRedeem(shares);
        vm.expectRevert();
        vault.payQueue();
        vm.startPrank(ALICE);
        vault.cancelRedeem();
        (uint256 paid,) = vault.redeemUpTo(shares, 0);
        vm.stopPrank();
        assertGt(paid, 200_000 * UNIT);
    }
}

/// @notice The same for a vault of WETH.
contract EthWorstCasesTest is EthFixture {
    function setUp() public override {
        super.setUp();
        _deposit(ALICE, 10_000 ether);
        _plan(address(staked), LegKind.Entry, 1_000 ether, "");
        _plan(address(stable), LegKind.Entry, 1_000 ether, "");
    }

    function _gross() private view returns (uint256 gross) {
        (gross,,,,) = vault.value();
    }

    function _after(string memory what, function() internal act) private {
        uint256 snapshot = vm.snapshotState();
        uint256 before = _gross();
        act();
        uint256 now_ = _gross();
        uint256 lost = before > now_ ? before - now_ : 0;
        emit log_named_decimal_uint(what, lost * 1e6 / before, 4);
        vm.revertToState(snapshot);
    }

    function _slashing() private {
        _slash(stEth, stEth.totalSupply() / 20);
    }

    function _slashingKnown() private {
        _slashing();
        skip(2 hours);
        _plan(address(stable), LegKind.Entry, 1 ether, "");
    }

    function _depeg() private {
        _peg(930);
    }

    function _depegInTheQueue() private {
        _plan(address(staked), LegKind.Harvest, 0, abi.encode(staked.shares()));
        _peg(930);
    }

    function _tenDays() private {
        _plan(address(staked), LegKind.Harvest, 0, abi.encode(staked.shares()));
        skip(10 days);
    }

    function _stale() private {
        price.set(1e6, false);
    }

    function test_what_events_cost_a_vault_with_a_tenth_in_each_market_is_printed() external {
        _after("a tenth in each: slashing of 5 %, the pool not told, % of net assets", _slashing);
        _after("a tenth in each: slashing of 5 %, the pool told, %", _slashingKnown);
        _after("a tenth in each: stETH at 0.93, %", _depeg);
        _after("a tenth in each: stETH at 0.93 with the staked tenth in the queue, %", _depegInTheQueue);
        _after("a tenth in each: a queue of ten days, %", _tenDays);
        _after("a tenth in each: the price stale, %", _stale);
        assertGt(vault.maxDeposit(BOB), 0);
    }

    function test_with_the_price_dead_the_guardian_lets_the_queue_bring_all_home() external {
        _stale();
        vm.prank(GUARDIAN);
        vault.allowExitLosses(block.timestamp + 1 days);
        _plan(address(staked), LegKind.Harvest, 0, abi.encode(staked.shares()));
        _finalizeAll();
        uint256 idle = vault.idle();
        _plan(address(staked), LegKind.Harvest, 0, "");
        assertApproxEqAbs(vault.idle() - idle, 1_000 ether, 10);
    }

    function carry(uint256 assets) external {
        _plan(address(staked), LegKind.Exit, assets, "");
    }

    function test_the_worst_sandwich_of_an_exit_is_within_the_bound_of_a_move() external {
        uint256 most;
        for (uint256 i = 1; i <= 40; ++i) {
            uint256 snapshot = vm.snapshotState();
            uint256 before = _gross();
            _swapIn(pool, address(wstEth), address(asset), wstEth.getWstETHByStETH(i * 200 ether));
            uint256 changed = _gross() > before ? _gross() - before : 0;
            bool done = true;
            try this.carry(500 ether) {}
            catch {
                done = false;
            }
            uint256 afterwards = _gross();
            if (done && before + changed > afterwards) {
                uint256 lost = (before + changed - afterwards) * 1e6 / 500 ether;
                most = lost > most ? lost : most;
            }
            vm.revertToState(snapshot);
        }
        emit log_named_decimal_uint("staked ETH: worst exit found, % of what was moved", most, 4);
        assertLe(most, 6_001);
    }
}
