// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {LegKind} from "../src/Types.sol";
import {BalancerStableMarket} from "../src/markets/BalancerStableMarket.sol";
import {PricedMarket} from "../src/markets/PricedMarket.sol";
import {StakedEthMarket} from "../src/markets/StakedEthMarket.sol";
import {UniswapV2Market} from "../src/markets/UniswapV2Market.sol";
import {WithdrawalRequests} from "../src/markets/WithdrawalRequests.sol";
import {EthFixture, PricedFixture, UsdFixture} from "./PricedFixture.sol";

/// @notice What counts the units of a position.
interface IUnits {
    function shares() external view returns (uint256);
}

/// @notice Sums of what changed a vault's worth, each by its name.
struct Causes {
    int256 fees;
    int256 price;
    int256 rewards;
    int256 cost;
    int256 impairment;
}

/// @notice A change of the vault's gross worth is the sum of what events and the positions' parts say of it.
abstract contract CausesFixture is PricedFixture {
    Causes internal causes;
    int256 internal _atStart;

    function _gross() internal view returns (int256) {
        (uint256 gross,,,,) = vault.value();
        return int256(gross);
    }

    /// @dev Cash that events report for units that went or came, less what the units were worth.
    function _bookMoves(function(uint256) view returns (uint256) worthOf) internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 what = logs[i].topics[0];
            if (what == PricedMarket.Entered.selector) {
                (uint256 assets, uint256 units) = abi.decode(logs[i].data, (uint256, uint256));
                causes.cost += int256(worthOf(units)) - int256(assets);
            } else if (what == PricedMarket.Left.selector) {
                (uint256 assets, uint256 units) = abi.decode(logs[i].data, (uint256, uint256));
                causes.cost += int256(assets) - int256(worthOf(units));
            } else if (what == UniswapV2Market.RewardsSold.selector) {
                (, uint256 assets,) = abi.decode(logs[i].data, (uint256, uint256, uint256));
                causes.rewards += int256(assets);
            }
        }
    }

    function _assertSum(uint256 dust) internal {
        uint256 places = asset.decimals();
        int256 sum = causes.fees + causes.price + causes.rewards + causes.cost + causes.impairment;
        assertApproxEqAbs(_gross() - _atStart, sum, dust, "the change is the sum of its causes");
        emit log_named_decimal_int("  index and fees", causes.fees, places);
        emit log_named_decimal_int("  price", causes.price, places);
        emit log_named_decimal_int("  rewards", causes.rewards, places);
        emit log_named_decimal_int("  cost", causes.cost, places);
        emit log_named_decimal_int("  impairment", causes.impairment, places);
    }
}

contract UsdCausesTest is CausesFixture, UsdFixture {
    /// @dev 2 sqrt(k p) of units, at the worst price.
    function _lpWorth(uint256 units) private view returns (uint256) {
        (, uint256 index, uint256 low,) = lp.position();
        return 2 * units * index / 1e18 * _root(low * 1e18) / 1e18;
    }

    function _stableWorth(uint256 units) private view returns (uint256) {
        (, uint256 index, uint256 low,) = stable.position();
        return units * index / 1e18 * low / 1e18;
    }

    function _root(uint256 x) private pure returns (uint256 y) {
        y = x;
        for (uint256 z = (x + 1) / 2; z < y; z = (x / z + z) / 2) {
            y = z;
        }
    }

    function testFuzz_each_change_of_the_vaults_worth_is_named(uint256 seed) external {
        _deposit(ALICE, 200_000 * UNIT);
        _campaign(6_000 ether);
        _atStart = _gross();
        vm.recordLogs();
        for (uint256 i = 0; i < 16; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _act(seed % 8, seed >> 8);
        }
        _assertSum(1_000);
        assertGe(causes.fees, 0);
        assertGe(causes.rewards, 0);
    }

    function _act(uint256 what, uint256 seed) private {
        skip(1 hours);
        uint256 amount = bound(seed, 1_000 * UNIT, 20_000 * UNIT);
        int256 before = _gross();
        if (what == 0 && vault.idle() > amount) {
            _try(address(lp), LegKind.Entry, amount, _lpWorth);
        } else if (what == 1 && vault.idle() > amount) {
            _try(address(stable), LegKind.Entry, amount, _stableWorth);
        } else if (what == 2) {
            _try(address(lp), LegKind.Exit, lp.liquidity() / 3, _lpWorth);
        } else if (what == 3) {
            _try(address(stable), LegKind.Exit, stable.liquidity() / 3, _stableWorth);
        } else if (what == 4) {
            _try(address(lp), LegKind.Harvest, 0, _lpWorth);
        } else if (what == 5) {
            _trade(usd, amount * 3);
            _tradeStable(true, amount * 100);
            causes.fees += _gross() - before;
        } else if (what == 6) {
            _trade(eth, amount * 15e8);
            _tradeStable(false, amount * 100);
            causes.fees += _gross() - before;
        } else if (what == 7) {
            ethPrice.set(bound(seed, 1_990 * UNIT, 2_010 * UNIT), true);
            usdtPrice.set(bound(seed, 0.999e6, 1.001e6), true);
            causes.price += _gross() - before;
        }
    }

    function _try(address market, LegKind kind, uint256 assets, function(uint256) view returns (uint256) worthOf)
        private
    {
        vm.getRecordedLogs();
        uint256 units = IUnits(market).shares();
        int256 before = int256(worthOf(units));
        try this.carry(market, kind, assets) {}
        catch {
            vm.getRecordedLogs(); // of what was undone
        }
        causes.fees += int256(worthOf(units)) - before; // of the vault's own swap, to what it has
        _bookMoves(worthOf);
    }

    function carry(address market, LegKind kind, uint256 assets) external {
        _plan(market, kind, assets, "");
    }
}

contract EthCausesTest is CausesFixture, EthFixture {
    function _worth(uint256 units) private view returns (uint256) {
        (,, uint256 low,,) = staked.position();
        return units * low / 1e18;
    }

    function testFuzz_each_change_of_the_vaults_worth_is_named(uint256 seed) external {
        _deposit(ALICE, 5_000 ether);
        _atStart = _gross();
        vm.recordLogs();
        _plan(address(staked), LegKind.Entry, 2_000 ether, "");
        _bookMoves(_worth);
        for (uint256 i = 0; i < 16; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _act(seed % 8, seed >> 8);
        }
        _assertSum(1e6);
        assertNotEq(causes.cost, 0, "it entered");
    }

    function _act(uint256 what, uint256 seed) private {
        int256 before = _gross();
        vm.getRecordedLogs();
        uint256 amount = bound(seed, 1 ether, 500 ether);
        if (what == 0 && vault.idle() > amount) {
            try this.enter(amount) {}
            catch {
                vm.getRecordedLogs();
            }
        } else if (what == 1) {
            try this.exit(staked.liquidity() / 3) {}
            catch {
                vm.getRecordedLogs();
            }
        } else if (what == 2 && staked.requests().length < 8) {
            uint256 asked = staked.shares() / 3;
            uint256 discount = wstEth.getStETHByWstETH(asked) - _worth(asked);
            _plan(address(staked), LegKind.Harvest, 0, abi.encode(asked));
            causes.price += int256(discount);
        } else if (what == 3) {
            _finalizeAll();
            causes.fees += _gross() - before;
            before = _gross();
            _plan(address(staked), LegKind.Harvest, 0, "");
            assertApproxEqAbs(_gross(), before, 100, "claiming changes nothing");
        } else if (what == 4) {
            _reward(stEth, amount);
            causes.fees += _gross() - before;
        } else if (what == 5) {
            _slash(stEth, amount);
            causes.impairment += _gross() - before;
        } else if (what == 6) {
            _peg(bound(seed, 997, 1_000));
            causes.price += _gross() - before;
        }
        _bookMoves(_worth);
    }

    function enter(uint256 assets) external {
        _plan(address(staked), LegKind.Entry, assets, "");
    }

    function exit(uint256 assets) external {
        _plan(address(staked), LegKind.Exit, assets, "");
    }
}
