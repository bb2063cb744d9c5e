// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IMorphoBlue, IMorphoIrm, MarketParams, MorphoMarket} from "../interfaces/IMorphoBlue.sol";
import {Market} from "./Market.sol";
import {SingleAssetMarket} from "./SingleAssetMarket.sol";

/// @title The vault's position in one Morpho Blue market
/// @notice Counts supply shares as they move in and out, so what others supply on its behalf is never counted. Morpho
/// has no share token: leaving in kind turns counted shares into a claim kept here, which only its holder can take out.
contract MorphoBlueMarket is SingleAssetMarket {
    /// @dev Virtual amounts of Morpho's SharesMathLib.
    uint256 private constant VIRTUAL_SHARES = 1e6;
    uint256 private constant VIRTUAL_ASSETS = 1;

    /// @notice A claim that is smaller than what was asked of it.
    error ClaimTooSmall(uint256 asked, uint256 held);

    /// @notice A holder received `shares` of the position in kind.
    event ClaimGiven(address indexed holder, uint256 shares);

    /// @notice A holder took `shares` of a claim out of Morpho.
    event ClaimTaken(address indexed holder, address indexed receiver, uint256 shares, uint256 assets);

    /// @notice The Morpho Blue contract.
    IMorphoBlue public immutable morpho;

    /// @notice Hash of the market's parameters.
    bytes32 public immutable id;

    /// @notice Supply shares that the vault put here and has not handed over.
    uint256 public shares;

    /// @notice Supply shares that each leaver in kind owns; no longer the vault's.
    mapping(address holder => uint256) public claims;

    MarketParams private _params;

    constructor(address vault_, address asset_, address morpho_, MarketParams memory params_) Market(vault_, asset_) {
        if (params_.loanToken != asset_) revert AssetMismatch(asset_, params_.loanToken);
        morpho = IMorphoBlue(morpho_);
        _params = params_;
        id = keccak256(abi.encode(params_));
    }

    /// @notice Returns what names the market.
    function params() external view returns (MarketParams memory) {
        return _params;
    }

    /// @notice Takes `claimed` supply shares of the caller's claim out of Morpho and sends the assets to `receiver`.
    /// @dev Open to holders of claims at any time; it can pay no more than the market's own liquidity.
    function claim(uint256 claimed, address receiver) external returns (uint256 assets) {
        uint256 held = claims[msg.sender];
        if (claimed > held) revert ClaimTooSmall(claimed, held);
        claims[msg.sender] = held - claimed;
        (assets,) = morpho.withdraw(_params, 0, claimed, address(this), receiver);
        emit ClaimTaken(msg.sender, receiver, claimed, assets);
    }

    /// @inheritdoc SingleAssetMarket
    function _spender() internal view override returns (address) {
        return address(morpho);
    }

    /// @inheritdoc SingleAssetMarket
    function _enter(uint256 assets) internal override {
        (, uint256 bought) = morpho.supply(_params, assets, 0, address(this), "");
        shares += bought;
    }

    /// @inheritdoc Market
    function _leave(uint256 assets) internal override {
        (, uint256 sold) = morpho.withdraw(_params, assets, 0, address(this), vault);
        shares -= sold;
    }

    /// @inheritdoc Market
    function _handOver(address to, uint256 shareOfWad) internal override returns (address token, uint256 amount) {
        amount = Math.mulDiv(shares, shareOfWad, WAD);
        shares -= amount;
        claims[to] += amount;
        emit ClaimGiven(to, amount);
        return (address(this), amount);
    }

    /// @inheritdoc SingleAssetMarket
    /// @dev Returns what the counted shares are worth with interest up to now.
    function _worth() internal view override returns (uint256) {
        if (shares == 0) return 0;
        MorphoMarket memory totals = _accrued();
        return Math.mulDiv(shares, totals.totalSupplyAssets + VIRTUAL_ASSETS, totals.totalSupplyShares + VIRTUAL_SHARES);
    }

    /// @notice Returns what the market could pay of it: what nobody has borrowed.
    function liquidity() external view returns (uint256) {
        MorphoMarket memory totals = morpho.market(id);
        uint256 free = Math.saturatingSub(totals.totalSupplyAssets, totals.totalBorrowAssets);
        return Math.min(_worth(), Math.min(free, IERC20(asset).balanceOf(address(morpho))));
    }

    /// @dev Morpho's own accrual, without writing: `Morpho._accrueInterest` with `MathLib.wTaylorCompounded`. A rate
    /// model that fails leaves the totals as stored, which are never higher.
    function _accrued() private view returns (MorphoMarket memory totals) {
        totals = morpho.market(id);
        uint256 elapsed = block.timestamp - totals.lastUpdate;
        if (elapsed == 0 || totals.totalBorrowAssets == 0 || _params.irm == address(0)) return totals;
        try IMorphoIrm(_params.irm).borrowRateView(_params, totals) returns (uint256 rate) {
            uint256 first = rate * elapsed;
            uint256 second = first * first / (2 * WAD);
            uint256 growth = first + second + second * first / (3 * WAD);
            uint256 interest = totals.totalBorrowAssets * growth / WAD;
            totals.totalSupplyAssets += SafeCast.toUint128(interest);
            if (totals.fee == 0) return totals;
            uint256 fee = interest * totals.fee / WAD;
            uint256 feeShares = Math.mulDiv(
                fee, totals.totalSupplyShares + VIRTUAL_SHARES, totals.totalSupplyAssets - fee + VIRTUAL_ASSETS
            );
            totals.totalSupplyShares += SafeCast.toUint128(feeShares);
        } catch {}
    }
}
