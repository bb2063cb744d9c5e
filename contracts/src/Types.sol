// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What a leg does, in the order in which legs stand in a plan.
/// @param Exit Market to idle.
/// @param Harvest Takes in what the position earned or is owed: fees, rewards, a queued exit. Adds no exposure.
/// @param Arrange Changes the shape of the position within the market's own bounds: a range, staking.
/// @param Entry Idle to market.
enum LegKind {
    Exit,
    Harvest,
    Arrange,
    Entry
}

/// @notice One leg of a plan.
/// @param market The market contract that is moved.
/// @param kind What is done; a plan has exits first, then harvests, then arrangements, then entries.
/// @param assets Asset units that an exit or an entry moves; the maximum of the type means all that can move now.
/// @param minimum Least of what is guarded, in asset units. Exit: what comes in. Entry: the rise of the position's low
/// value. Harvest and Arrange: what comes in and the low value afterwards together.
/// @param maximum Most of the same.
/// @param data Words for this market only, in the types it documents; empty for an exit and often for the others.
struct Leg {
    address market;
    LegKind kind;
    uint256 assets;
    uint256 minimum;
    uint256 maximum;
    bytes data;
}

/// @notice Bounds on what the allocator can do.
/// @param turnoverBps Size of the entry bucket, as a share of net assets; it drains over one day.
/// @param moveLossBps Most that one move may lose of the assets it moves.
/// @param dayLossBps Most that all moves of any 24 hours may lose of net assets.
/// @param monthLossBps Most that all moves of any 30 days may lose of net assets.
struct Bounds {
    uint16 turnoverBps;
    uint16 moveLossBps;
    uint16 dayLossBps;
    uint16 monthLossBps;
}

/// @notice What the vault holds about one market.
/// @param absoluteCap Most that the position may be worth after an entry, in asset units.
/// @param relativeCapBps Most that the position may be of net assets after an entry.
/// @param markBps Part of the value written off for those who leave; entering is closed while it is not zero.
/// @param isListed Whether the market is on the list.
struct MarketRules {
    uint128 absoluteCap;
    uint16 relativeCapBps;
    uint16 markBps;
    bool isListed;
}

/// @notice What a vault is made with.
/// @param asset The one token the vault measures everything in.
/// @param name Name of the share token.
/// @param symbol Symbol of the share token.
/// @param owner Changes roles, fee and bounds after `ownerDelay`.
/// @param curator Lists markets and raises caps after `curatorDelay`; lowers caps at once.
/// @param allocator Moves money between idle and listed markets; holds no other role.
/// @param guardian Pauses entries, sets caps to zero, marks markets, revokes pending changes.
/// @param soleDepositor The only account that may receive shares by deposit, or zero for a pooled vault.
/// @param ownerDelay Seconds an owner's change pends once anyone holds shares.
/// @param curatorDelay Seconds a curator's loosening pends once anyone holds shares.
/// @param fadePeriod Seconds over which gains unlock for those who leave, and losses fade for those who enter.
/// @param bounds First bounds on the allocator.
struct Config {
    address asset;
    string name;
    string symbol;
    address owner;
    address curator;
    address allocator;
    address guardian;
    address soleDepositor;
    uint32 ownerDelay;
    uint32 curatorDelay;
    uint32 fadePeriod;
    Bounds bounds;
}
