// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IIrm, IMorpho, Market, MarketParams} from "./interfaces/IMorpho.sol";

/// @title A stand-in for a curated lending vault
/// @notice ERC-4626 over one market of Morpho Blue: whatever is deposited is supplied there, so it earns what that
/// market pays, and can leave only as far as that market is not lent out. It has no fee, no queue and no curator.
contract LendingVault is ERC4626 {
    using Math for uint256;

    IMorpho public immutable morpho;
    bytes32 public immutable marketId;
    uint8 private immutable _offset;
    MarketParams private _params;

    constructor(IMorpho morpho_, MarketParams memory params, string memory name, string memory symbol)
        ERC20(name, symbol)
        ERC4626(IERC20(params.loanToken))
    {
        morpho = morpho_;
        marketId = keccak256(abi.encode(params));
        _params = params;
        uint8 places = ERC20(params.loanToken).decimals();
        _offset = places < 18 ? 18 - places : 0;
        IERC20(params.loanToken).approve(address(morpho_), type(uint256).max);
    }

    function marketParams() external view returns (MarketParams memory) {
        return _params;
    }

    /// @notice What the supplied shares are worth now, interest since the market's last update included.
    function totalAssets() public view override returns (uint256) {
        (uint256 shares,,) = morpho.position(marketId, address(this));
        Market memory market = _accrued();
        return shares.mulDiv(uint256(market.totalSupplyAssets) + 1, uint256(market.totalSupplyShares) + 1e6);
    }

    function maxWithdraw(address owner) public view override returns (uint256) {
        return Math.min(_convertToAssets(balanceOf(owner), Math.Rounding.Floor), _liquidity());
    }

    function maxRedeem(address owner) public view override returns (uint256) {
        return Math.min(balanceOf(owner), _convertToShares(_liquidity(), Math.Rounding.Floor));
    }

    function _liquidity() private view returns (uint256) {
        Market memory market = morpho.market(marketId);
        return market.totalSupplyAssets - market.totalBorrowAssets;
    }

    /// @dev As the market will be after it has accrued in this block.
    function _accrued() private view returns (Market memory market) {
        market = morpho.market(marketId);
        uint256 elapsed = block.timestamp - market.lastUpdate;
        if (elapsed == 0 || market.totalBorrowAssets == 0) return market;
        uint256 first = IIrm(_params.irm).borrowRateView(_params, market) * elapsed;
        uint256 second = first * first / 2e18;
        uint256 grown = first + second + second * first / 3e18;
        uint256 interest = uint256(market.totalBorrowAssets) * grown / 1e18;
        market.totalSupplyAssets += uint128(interest);
        uint256 fee = interest * market.fee / 1e18;
        uint256 before = uint256(market.totalSupplyAssets) - fee;
        market.totalSupplyShares += uint128(fee.mulDiv(uint256(market.totalSupplyShares) + 1e6, before + 1));
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override {
        super._deposit(caller, receiver, assets, shares);
        if (assets == 0) return;
        morpho.supply(_params, assets, 0, address(this), "");
    }

    function _withdraw(address caller, address receiver, address owner, uint256 assets, uint256 shares)
        internal
        override
    {
        if (assets != 0) morpho.withdraw(_params, assets, 0, address(this), address(this));
        super._withdraw(caller, receiver, owner, assets, shares);
    }

    function _decimalsOffset() internal view override returns (uint8) {
        return _offset;
    }
}
