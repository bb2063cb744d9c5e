// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice An ERC-4626 vault with switches: less liquidity, a fee on entering or leaving, failing reads, no transfers.
contract Bank is ERC4626 {
    using Math for uint256;

    uint256 public liquid = type(uint256).max;
    uint256 public entryFeeBps;
    uint256 public hiddenExitFeeBps;
    bool public broken;
    bool public burnsGas;
    bool public previewLocked;
    bool public refusesTransfers;
    address public listener;
    uint256 private _lent;

    constructor(IERC20 asset_) ERC4626(asset_) ERC20("Bank", "BNK") {}

    function setLiquid(uint256 most) external {
        liquid = most;
    }

    function setEntryFee(uint256 bps) external {
        entryFeeBps = bps;
    }

    function setHiddenExitFee(uint256 bps) external {
        hiddenExitFeeBps = bps;
    }

    function setBroken(bool isBroken) external {
        broken = isBroken;
    }

    function setBurnsGas(bool burns) external {
        burnsGas = burns;
    }

    function setPreviewLocked(bool locked) external {
        previewLocked = locked;
    }

    function setRefusesTransfers(bool refuses) external {
        refusesTransfers = refuses;
    }

    function setListener(address who) external {
        listener = who;
    }

    /// @notice Loses money to nowhere.
    function lose(uint256 assets) external {
        IERC20(asset()).transfer(address(0xdead), assets);
    }

    function totalAssets() public view override returns (uint256) {
        require(!broken, "broken");
        while (burnsGas) {}
        return super.totalAssets();
    }

    function previewRedeem(uint256 shares) public view override returns (uint256) {
        require(!previewLocked, "locked");
        return super.previewRedeem(shares);
    }

    function maxWithdraw(address holder) public view override returns (uint256) {
        return Math.min(liquid, _convertToAssets(balanceOf(holder), Math.Rounding.Floor));
    }

    function maxRedeem(address holder) public view override returns (uint256) {
        return balanceOf(holder);
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override {
        super._deposit(caller, receiver, assets, shares - shares * entryFeeBps / 10_000);
    }

    function _withdraw(address caller, address receiver, address holder, uint256 assets, uint256 shares)
        internal
        override
    {
        require(!broken && assets <= liquid, "short");
        if (listener != address(0)) {
            (bool done,) = listener.call(abi.encodeWithSignature("heard()"));
            require(done, "listener");
        }
        super._withdraw(caller, receiver, holder, assets, shares + shares * hiddenExitFeeBps / 10_000);
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(!refusesTransfers || from == address(0) || to == address(0), "refused");
        super._update(from, to, amount);
    }
}
