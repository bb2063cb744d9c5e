// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice One move of a plan. Exits come first, then entries.
/// @param market The market contract the money leaves or enters.
/// @param isEntry True for idle to market, false for market to idle.
/// @param assets Asset units to move; the maximum of the type means all that can move now.
/// @param minimum Least that an exit may return, or by which an entry may raise the value of the position.
/// @param maximum Most that an exit may return, or by which an entry may raise the value of the position.
struct Leg {
    address market;
    bool isEntry;
    uint256 assets;
    uint256 minimum;
    uint256 maximum;
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
