//! The parts of the vault's interface that are used here, written down anew: a checker that shared them with the
//! engine would share its mistakes.
#![allow(missing_docs, reason = "the functions are the contracts' own, documented there")]

use alloy::sol;

sol! {
    #![sol(all_derives)]

    struct Bounds { uint16 turnoverBps; uint16 moveLossBps; uint16 dayLossBps; uint16 monthLossBps; }
    struct Config {
        address asset; string name; string symbol; address owner; address curator; address allocator;
        address guardian; address soleDepositor; uint32 ownerDelay; uint32 curatorDelay;
        uint32 fadePeriod; Bounds bounds;
    }
    struct Leg {
        address market; uint8 kind; uint256 assets; uint256 minimum; uint256 maximum; bytes data;
    }

    event Reallocated(bytes32 indexed planId, uint256 planNumber, uint256 totalAssetsBefore, uint256 totalAssetsAfter);
    event Moved(bytes32 indexed planId, address indexed market, uint8 kind, uint256 assets);

    function reallocate(bytes32 planId, uint64 validUntil, bytes32 expectedHash, Leg[] legs) external;
    function preStateHash() external view returns (bytes32);
    function planCount() external view returns (uint256);
    function totalAssets() external view returns (uint256);
    function submit(bytes data) external;
    function listMarket(address market, uint128 absoluteCap, uint16 relativeCapBps) external;
    function deposit(uint256 assets, address receiver) external returns (uint256);
    function list(address market) external;
    function pauseEntries() external;
    function resumeEntries() external;
}

/// [`Leg::kind`] of a leg from a market to idle.
pub const EXIT: u8 = 0;
/// [`Leg::kind`] of a leg that changes the shape of a position.
pub const ARRANGE: u8 = 2;
/// [`Leg::kind`] of a leg from idle to a market.
pub const ENTRY: u8 = 3;
