// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IMarket} from "../../src/interfaces/IMarket.sol";

interface IMint {
    function mint(address to, uint256 amount) external;
    function burn(address from, uint256 amount) external;
}

/// @notice A market of units whose price is known within a band, with switches for everything that can go wrong. Its
/// money is made and burned as its price says, so that it can always pay.
contract PricedDouble is IMarket {
    uint256 private constant BPS = 10_000;
    uint256 private constant WAD = 1e18;

    address public immutable vault;
    address public immutable asset;
    uint256 public units;
    uint256 public priceWad = WAD;
    uint256 public bandBps = 50;
    uint256 public staleBandBps = 1_000;
    bool public fresh = true;
    uint256 public exitCostBps;
    uint256 public reward;
    uint256 public harvestLossBps;
    uint256 public arrangeLossBps;
    uint256 public arrangeBack;
    bytes public lastData;

    constructor(address vault_, address asset_) {
        (vault, asset) = (vault_, asset_);
    }

    function setPrice(uint256 wad) external {
        priceWad = wad;
    }

    function setBand(uint256 bps) external {
        bandBps = bps;
    }

    function setFresh(bool isFresh) external {
        fresh = isFresh;
    }

    function setExitCost(uint256 bps) external {
        exitCostBps = bps;
    }

    function setHarvest(uint256 reward_, uint256 lossBps) external {
        (reward, harvestLossBps) = (reward_, lossBps);
    }

    function setArrange(uint256 lossBps, uint256 back) external {
        (arrangeLossBps, arrangeBack) = (lossBps, back);
    }

    function deposit(uint256 assets, bytes calldata data) external {
        lastData = data;
        IMint(asset).burn(address(this), assets);
        units += assets * WAD / priceWad;
    }

    function withdraw(uint256 assets) external {
        require(fresh, "stale");
        // Sold at the worst price of the band; what that costs beyond the band comes on top.
        uint256 cost = assets + assets * exitCostBps / BPS;
        units -= (cost * WAD / priceWad) * BPS / (BPS - bandBps);
        IMint(asset).mint(vault, assets);
    }

    function harvest(bytes calldata data) external {
        lastData = data;
        units -= units * harvestLossBps / BPS;
        IMint(asset).mint(vault, reward);
    }

    function arrange(bytes calldata data) external {
        lastData = data;
        units -= units * arrangeLossBps / BPS;
        IMint(asset).mint(vault, arrangeBack);
    }

    function value() public view returns (uint256 low, uint256 high, bool isFresh) {
        uint256 worth = units * priceWad / WAD;
        uint256 band = fresh ? bandBps : staleBandBps;
        return (worth * (BPS - band) / BPS, (worth * (BPS + band) + BPS - 1) / BPS, fresh);
    }

    function totalAssets() external view returns (uint256 low) {
        (low,,) = value();
    }

    function liquidity() external view returns (uint256 low) {
        (low,,) = value();
        if (!fresh) low = 0;
    }

    function transferInKind(address to, uint256 shareOfWad) external returns (address, uint256) {
        uint256 part = units * shareOfWad / WAD;
        units -= part;
        IMint(asset).mint(to, part * priceWad / WAD);
        return (address(this), part);
    }
}
