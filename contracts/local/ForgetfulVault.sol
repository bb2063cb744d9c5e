// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice What a market contract of the real vault offers its vault.
interface IPosition {
    function deposit(uint256 assets, bytes calldata data) external;
    function withdraw(uint256 assets) external;
    function harvest(bytes calldata data) external;
    function arrange(bytes calldata data) external;
    function totalAssets() external view returns (uint256);
}

/// @title A vault that carries a plan out as often as it is told to
/// @notice It has the calls and events of the real one that the engine uses, and real positions, but not the guards: no
/// plan is remembered, no rule hash compared, no cap kept. What keeps a plan from being carried out twice here is the
/// engine alone. For tests of the engine; whoever is its allocator can lose everything in it.
contract ForgetfulVault {
    enum LegKind {
        Exit,
        Harvest,
        Arrange,
        Entry
    }

    struct Leg {
        address market;
        LegKind kind;
        uint256 assets;
        uint256 minimum;
        uint256 maximum;
        bytes data;
    }

    event Reallocated(bytes32 indexed planId, uint256 planNumber, uint256 totalAssetsBefore, uint256 totalAssetsAfter);
    event Moved(bytes32 indexed planId, address indexed market, LegKind kind, uint256 assets);

    error NotAllocator(address caller);
    error PlanExpired(uint256 validUntil, uint256 now_);

    IERC20 public immutable asset;
    address public immutable allocator;
    uint256 public planCount;
    address[] private _markets;

    constructor(IERC20 asset_, address allocator_) {
        asset = asset_;
        allocator = allocator_;
    }

    /// @notice Puts a market contract, made for this vault, on the list of what counts.
    function list(address market) external {
        _markets.push(market);
    }

    function preStateHash() external pure returns (bytes32) {
        return bytes32(0);
    }

    function totalAssets() public view returns (uint256 total) {
        total = asset.balanceOf(address(this));
        for (uint256 i = 0; i < _markets.length; ++i) {
            total += IPosition(_markets[i]).totalAssets();
        }
    }

    /// @notice Carries a plan out, again and again.
    function reallocate(bytes32 planId, uint64 validUntil, bytes32, Leg[] calldata legs) external {
        if (msg.sender != allocator) revert NotAllocator(msg.sender);
        if (validUntil < block.timestamp) revert PlanExpired(validUntil, block.timestamp);
        uint256 before = totalAssets();
        planCount += 1;
        for (uint256 i = 0; i < legs.length; ++i) {
            emit Moved(planId, legs[i].market, legs[i].kind, _carry(legs[i]));
        }
        emit Reallocated(planId, planCount, before, totalAssets());
    }

    /// @dev Returns what an entry moved or what came in.
    function _carry(Leg calldata leg) private returns (uint256) {
        IPosition market = IPosition(leg.market);
        if (leg.kind == LegKind.Entry) {
            asset.transfer(leg.market, leg.assets);
            market.deposit(leg.assets, leg.data);
            return leg.assets;
        }
        uint256 held = asset.balanceOf(address(this));
        if (leg.kind == LegKind.Exit) market.withdraw(leg.assets);
        else if (leg.kind == LegKind.Harvest) market.harvest(leg.data);
        else market.arrange(leg.data);
        return asset.balanceOf(address(this)) - held;
    }
}
