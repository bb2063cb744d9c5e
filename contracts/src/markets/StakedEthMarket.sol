// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {IWeth} from "../interfaces/IStakedEth.sol";
import {ISwap} from "../interfaces/ISwap.sol";
import {Market} from "./Market.sol";
import {PricedMarket} from "./PricedMarket.sol";
import {WithdrawalRequests} from "./WithdrawalRequests.sol";

/// @title The staked ETH of a vault of WETH
/// @notice Holds wstETH and requests in Lido's withdrawal queue. wstETH is worth the lower of market price and protocol
/// rate for those who leave and the higher for those who enter. A request is worth what it will pay: what was asked for,
/// or its shares at today's rate if slashing made that less; once finalized, what can be claimed. Leaving at once is by a
/// swap; leaving through the queue is a harvest: it asks first and claims later.
contract StakedEthMarket is WithdrawalRequests {
    using SafeERC20 for IERC20;

    /// @dev Least wstETH to sell, so that a pool's rounding is nothing beside the slippage.
    uint256 private constant LEAST_SOLD = 1e10;

    /// @dev How often `liquidity` tries a smaller sale.
    uint256 private constant TRIES = 6;

    /// @notice What a market is made with.
    /// @param oracle Worth of stETH in WETH.
    /// @param swap Swaps WETH and wstETH, both ways.
    struct Settings {
        address wstEth;
        address queue;
        address oracle;
        address swap;
        uint256 slippageBps;
        uint256 staleBandBps;
    }

    /// @notice Worth of stETH in WETH.
    IPriceOracle public immutable oracle;

    /// @notice Swaps WETH and wstETH, both ways.
    ISwap public immutable swap;

    /// @notice wstETH that the vault put here.
    uint256 public shares;

    constructor(address vault_, address asset_, Settings memory s)
        PricedMarket(vault_, asset_, s.slippageBps, s.staleBandBps)
        WithdrawalRequests(s.wstEth, s.queue)
    {
        (oracle, swap) = (IPriceOracle(s.oracle), ISwap(s.swap));
    }

    /// @notice Returns what the value is made of: wstETH, its stETH by the protocol's rate, the worst and the best price of
    /// one, and what is queued.
    function position()
        external
        view
        returns (uint256 units, uint256 index, uint256 priceLow, uint256 priceHigh, uint256 inQueue)
    {
        (priceLow, priceHigh,) = _prices(WAD);
        return (shares, wstEth.getStETHByWstETH(WAD), priceLow, priceHigh, queued());
    }

    /// @inheritdoc PricedMarket
    function _isFresh() internal view override returns (bool isFresh) {
        (,, isFresh) = oracle.quote(WAD);
    }

    /// @inheritdoc PricedMarket
    function _value() internal view override returns (uint256 low, uint256 high, bool isFresh) {
        return _prices(shares);
    }

    /// @inheritdoc PricedMarket
    function _certain() internal view override returns (uint256) {
        return held + queued();
    }

    /// @inheritdoc PricedMarket
    /// @dev What selling all brings if its price is within the bound, or selling a half, a quarter and so on.
    function _liquidity() internal view override returns (uint256) {
        uint256 atWorst = _atWorst();
        uint256 sold = shares;
        for (uint256 i = 0; i < TRIES && sold >= LEAST_SOLD; ++i) {
            uint256 bound = Math.mulDiv(sold, atWorst, WAD);
            uint256 brings = swap.quote(address(wstEth), sold);
            if (brings >= bound) return i == 0 ? brings : bound;
            sold /= 2;
        }
        return 0;
    }

    /// @inheritdoc PricedMarket
    /// @dev `data` is empty to stake, or a bool: whether to buy by swap instead, for at least what staking gives.
    function _buy(uint256 assets, bytes calldata data) internal override returns (uint256 units) {
        if (data.length != 0 && abi.decode(data, (bool))) {
            units = _swap(swap, asset, assets, address(wstEth), wstEth.getWstETHByStETH(assets));
        } else {
            uint256 before = wstEth.balanceOf(address(this));
            IWeth(asset).withdraw(assets);
            (bool done, bytes memory reason) = address(wstEth).call{value: assets}("");
            if (!done) _bubble(reason);
            units = wstEth.balanceOf(address(this)) - before;
        }
        shares += units;
    }

    /// @inheritdoc PricedMarket
    /// @dev A smaller sale has no worse a price than a larger one: what `assets` take at the worst price allowed tells a
    /// price at which they can be had. What comes beyond is held.
    function _sell(uint256 assets) internal override returns (uint256 got, uint256 units) {
        uint256 atWorst = _atWorst();
        uint256 enough = Math.mulDiv(assets, WAD, atWorst, Math.Rounding.Ceil);
        uint256 most = Math.min(shares, Math.max(enough, LEAST_SOLD));
        uint256 brings = swap.quote(address(wstEth), most);
        units = brings <= assets ? most : Math.mulDiv(most, assets, brings, Math.Rounding.Ceil) + 1;
        units = Math.min(most, Math.max(units, LEAST_SOLD));
        shares -= units;
        got = _swap(swap, address(wstEth), units, asset, Math.mulDiv(units, atWorst, WAD));
    }

    /// @inheritdoc Market
    /// @dev Claims what is claimable; then, if `data` is an amount of wstETH, asks the queue for it.
    function _harvest(bytes calldata data) internal override {
        IERC20(asset).safeTransfer(vault, _collectReady());
        if (data.length == 0) return;
        uint256 asked = abi.decode(data, (uint256));
        if (asked > shares) revert TooMuch(asked, shares);
        shares -= asked;
        _request(asked);
    }

    /// @inheritdoc PricedMarket
    /// @dev Gives wstETH and, for each open request, a part of it that only its holder can claim here.
    function _give(address to, uint256 shareOfWad) internal override returns (address token, uint256 amount) {
        _giveRequests(to, shareOfWad);
        token = address(wstEth);
        amount = Math.mulDiv(shares, shareOfWad, WAD);
        shares -= amount;
        IERC20(token).safeTransfer(to, amount);
    }

    /// @dev What `amount` of wstETH is worth: the lower and the higher of the market's price and the protocol's rate.
    function _prices(uint256 amount) private view returns (uint256 low, uint256 high, bool isFresh) {
        uint256 rate = wstEth.getStETHByWstETH(amount);
        (low, high, isFresh) = oracle.quote(rate);
        return (Math.min(low, rate), Math.max(high, rate), isFresh);
    }

    /// @dev The least that one wstETH may be sold for.
    function _atWorst() private view returns (uint256) {
        (uint256 low,,) = _prices(WAD);
        return _lessSlippage(low);
    }

    /// @dev Reverts with the reason of another contract.
    function _bubble(bytes memory reason) private pure {
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}
