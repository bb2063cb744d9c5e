// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice Stands in for an aToken: scaled balances, amounts rounded half up as Aave's WadRayMath does.
contract ATokenDouble {
    AaveDouble public immutable POOL;
    address public immutable UNDERLYING_ASSET_ADDRESS;
    mapping(address => uint256) public scaledBalanceOf;

    constructor(address asset) {
        POOL = AaveDouble(msg.sender);
        UNDERLYING_ASSET_ADDRESS = asset;
    }

    function balanceOf(address account) external view returns (uint256) {
        return (scaledBalanceOf[account] * POOL.index() + 0.5e27) / 1e27;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        require(!POOL.paused(), "paused");
        uint256 scaled = toScaled(amount);
        scaledBalanceOf[msg.sender] -= scaled;
        scaledBalanceOf[to] += scaled;
        return true;
    }

    function toScaled(uint256 amount) public view returns (uint256) {
        uint256 index = POOL.index();
        return (amount * 1e27 + index / 2) / index;
    }

    function mint(address to, uint256 amount) external {
        require(msg.sender == address(POOL));
        scaledBalanceOf[to] += toScaled(amount);
    }

    function burn(address from, address to, uint256 amount) external {
        require(msg.sender == address(POOL));
        scaledBalanceOf[from] -= toScaled(amount);
        IERC20(UNDERLYING_ASSET_ADDRESS).transfer(to, amount);
    }
}

/// @notice Stands in for an Aave V3 pool with one reserve. The real bytecode is tested on the local chain.
contract AaveDouble {
    ATokenDouble public immutable aToken;
    uint256 public index = 1e27;
    bool public paused;
    bool public active = true;

    constructor(address asset) {
        aToken = new ATokenDouble(asset);
    }

    function setIndex(uint256 ray) external {
        index = ray;
    }

    function setPaused(bool isPaused) external {
        paused = isPaused;
    }

    function setActive(bool isActive) external {
        active = isActive;
    }

    function supply(address asset, uint256 amount, address onBehalfOf, uint16) external {
        require(!paused && active, "closed");
        IERC20(asset).transferFrom(msg.sender, address(aToken), amount);
        aToken.mint(onBehalfOf, amount);
    }

    function withdraw(address, uint256 amount, address to) external returns (uint256) {
        require(!paused && active, "closed");
        aToken.burn(msg.sender, to, amount);
        return amount;
    }

    function getReserveNormalizedIncome(address) external view returns (uint256) {
        return index;
    }

    function getConfiguration(address) external view returns (uint256) {
        return (active ? 1 << 56 : 0) | (paused ? 1 << 60 : 0);
    }
}
