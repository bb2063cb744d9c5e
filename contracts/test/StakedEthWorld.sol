// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StakedEth} from "../local/StakedEth.sol";
import {WithdrawalQueue} from "../local/WithdrawalQueue.sol";
import {WrappedStakedEth} from "../local/WrappedStakedEth.sol";
import {IStablePool} from "../src/interfaces/IBalancerV2.sol";
import {StakedEthMarket} from "../src/markets/StakedEthMarket.sol";
import {BalancerSwap} from "../src/swaps/BalancerSwap.sol";
import {BalancerWorld} from "./BalancerWorld.sol";
import {IERC20All, IWethMore} from "./Real.sol";
import {Price} from "./Price.sol";

/// @notice What the tests of this market share: its protocol, and words for what they do with it.
abstract contract StakedEthWorld is BalancerWorld {
    address internal constant CAROL = address(0xca01);
    IERC20All internal weth;
    StakedEth internal stEth;
    WrappedStakedEth internal wstEth;
    WithdrawalQueue internal queue;
    IStablePool internal pool;
    Price internal price;
    BalancerSwap internal swap;
    StakedEthMarket internal market;
    address internal _oracle;

    function setUp() public {
        vm.warp(1_800_000_000);
        weth = IERC20All(_makeWeth());
        (stEth, wstEth, queue) = _makeLido();
        (balancer, factory) = _makeBalancer(address(weth));
        vm.deal(address(this), 1_000_000 ether);
        stEth.submit{value: 100_000 ether}(address(0));
        _reward(stEth, 15_000 ether);
        IWethMore(address(weth)).deposit{value: 200_000 ether}();
        (bool done,) = address(wstEth).call{value: 50_000 ether}("");
        assertTrue(done);
        pool = _makePool(address(wstEth), address(weth), _makeRateProvider(address(wstEth)), address(wstEth));
        _start(pool, address(wstEth), wstEth.getWstETHByStETH(10_000 ether), 10_000 ether);
        price = new Price(address(stEth), address(weth), 1e6, 10);
        swap = new BalancerSwap(address(pool), address(weth), address(wstEth));
        _oracle = price.oracle();
        market = _market();
    }

    receive() external payable {}

    function _market() internal returns (StakedEthMarket) {
        return new StakedEthMarket(
            address(this),
            address(weth),
            StakedEthMarket.Settings(address(wstEth), address(queue), _oracle, address(swap), 50, 1_000)
        );
    }

    function _enter(uint256 assets) internal {
        weth.transfer(address(market), assets);
        market.deposit(assets, "");
    }

    function _low() internal view returns (uint256 low) {
        (low,,) = market.value();
    }

    function _ask(uint256 amount) internal {
        market.harvest(abi.encode(amount));
    }

    function _peg(uint256 milli) internal {
        price.set(milli * 1e3, true);
    }

    function _finalizeAll() internal {
        uint256 last = queue.getLastRequestId();
        if (last > queue.getLastFinalizedRequestId()) _finalize(stEth, last);
    }

    /// @dev Others ask and are paid, so that there are many checkpoints.
    function _askForOthers() internal {
        stEth.approve(address(queue), 1 ether);
        uint256[] memory one = new uint256[](1);
        one[0] = 1 ether;
        queue.requestWithdrawals(one, address(this));
        _finalizeAll();
    }

    function _assertNamed() internal view {
        (uint256 units,, uint256 priceLow, uint256 priceHigh, uint256 inQueue) = market.position();
        (uint256 low, uint256 high,) = market.value();
        assertApproxEqAbs(low, units * priceLow / 1e18 + inQueue, 1e4);
        assertApproxEqAbs(high, units * priceHigh / 1e18 + inQueue, 1e4);
    }
}
