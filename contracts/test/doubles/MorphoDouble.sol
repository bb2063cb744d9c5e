// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IMorphoIrm, MarketParams, MorphoMarket} from "../../src/interfaces/IMorphoBlue.sol";

/// @notice A rate model with one rate, which can be made to fail.
contract IrmDouble {
    uint256 public rate;
    bool public broken;

    function set(uint256 perSecond, bool isBroken) external {
        (rate, broken) = (perSecond, isBroken);
    }

    function borrowRateView(MarketParams calldata, MorphoMarket calldata) external view returns (uint256) {
        require(!broken, "broken");
        return rate;
    }
}

/// @notice Stands in for Morpho Blue: supply shares, loans without collateral, interest as `_accrueInterest` books it.
contract MorphoDouble {
    mapping(bytes32 => MorphoMarket) private _market;
    mapping(bytes32 => mapping(address => uint256)) public supplyShares;

    function market(bytes32 id) external view returns (MorphoMarket memory) {
        return _market[id];
    }

    function supply(MarketParams calldata p, uint256 assets, uint256, address onBehalf, bytes calldata)
        external
        returns (uint256, uint256 shares)
    {
        bytes32 id = keccak256(abi.encode(p));
        accrue(p);
        MorphoMarket storage m = _market[id];
        shares = assets * (m.totalSupplyShares + 1e6) / (uint256(m.totalSupplyAssets) + 1);
        supplyShares[id][onBehalf] += shares;
        m.totalSupplyShares += uint128(shares);
        m.totalSupplyAssets += uint128(assets);
        IERC20(p.loanToken).transferFrom(msg.sender, address(this), assets);
        return (assets, shares);
    }

    function withdraw(MarketParams calldata p, uint256 assets, uint256 shares, address onBehalf, address receiver)
        external
        returns (uint256, uint256)
    {
        require(msg.sender == onBehalf, "not authorised");
        bytes32 id = keccak256(abi.encode(p));
        accrue(p);
        MorphoMarket storage m = _market[id];
        (uint256 a, uint256 s) = (uint256(m.totalSupplyAssets) + 1, uint256(m.totalSupplyShares) + 1e6);
        if (assets != 0) shares = (assets * s + a - 1) / a;
        else assets = shares * a / s;
        supplyShares[id][onBehalf] -= shares;
        m.totalSupplyShares -= uint128(shares);
        m.totalSupplyAssets -= uint128(assets);
        require(m.totalBorrowAssets <= m.totalSupplyAssets, "insufficient liquidity");
        IERC20(p.loanToken).transfer(receiver, assets);
        return (assets, shares);
    }

    function borrow(MarketParams calldata p, uint256 assets) external {
        accrue(p);
        MorphoMarket storage m = _market[keccak256(abi.encode(p))];
        m.totalBorrowAssets += uint128(assets);
        require(m.totalBorrowAssets <= m.totalSupplyAssets, "insufficient liquidity");
        IERC20(p.loanToken).transfer(msg.sender, assets);
    }

    function setFee(MarketParams calldata p, uint128 fee) external {
        accrue(p);
        _market[keccak256(abi.encode(p))].fee = fee;
    }

    /// @notice Suppliers bear `assets` of bad debt.
    function writeOff(MarketParams calldata p, uint128 assets) external {
        MorphoMarket storage m = _market[keccak256(abi.encode(p))];
        m.totalBorrowAssets -= assets;
        m.totalSupplyAssets -= assets;
    }

    function accrue(MarketParams calldata p) public {
        bytes32 id = keccak256(abi.encode(p));
        MorphoMarket storage m = _market[id];
        uint256 elapsed = block.timestamp - m.lastUpdate;
        if (elapsed != 0 && m.totalBorrowAssets != 0) {
            uint256 x = IMorphoIrm(p.irm).borrowRateView(p, m) * elapsed;
            uint256 growth = x + x * x / 2e18 + x * x / 2e18 * x / 3e18;
            uint256 interest = m.totalBorrowAssets * growth / 1e18;
            m.totalBorrowAssets += uint128(interest);
            m.totalSupplyAssets += uint128(interest);
            uint256 fee = interest * m.fee / 1e18;
            uint256 feeShares = fee * (m.totalSupplyShares + 1e6) / (uint256(m.totalSupplyAssets) - fee + 1);
            supplyShares[id][address(0xfee)] += feeShares;
            m.totalSupplyShares += uint128(feeShares);
        }
        m.lastUpdate = uint128(block.timestamp);
    }
}
