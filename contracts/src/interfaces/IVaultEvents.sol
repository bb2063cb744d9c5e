// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bounds, LegKind} from "../Types.sol";

/// @title What the vault says and why it refuses
interface IVaultEvents {
    /// @notice A plan was carried out; `planNumber` counts from one.
    event Reallocated(bytes32 indexed planId, uint256 planNumber, uint256 totalAssetsBefore, uint256 totalAssetsAfter);
    /// @notice A leg was carried out: an entry moved `assets` into the market, any other brought `assets` to idle.
    event Moved(bytes32 indexed planId, address indexed market, LegKind kind, uint256 assets);
    /// @notice A change waits until `readyAt`.
    event Submitted(bytes32 indexed changeId, bytes data, uint256 readyAt);
    /// @notice A pending change was carried out.
    event Accepted(bytes32 indexed changeId);
    /// @notice A pending change was taken back by `by`.
    event Revoked(bytes32 indexed changeId, address indexed by);
    /// @notice A role changed hands.
    event RoleSet(bytes32 indexed role, address indexed account);
    /// @notice A market joined the list.
    event MarketListed(address indexed market);
    /// @notice A market left the list; it was empty or could not be read.
    event MarketRemoved(address indexed market);
    /// @notice The caps of a market changed.
    event CapsSet(address indexed market, uint256 absoluteCap, uint256 relativeCapBps, address indexed by);
    /// @notice A market was marked down by `markBps`, or its mark lifted.
    event MarkSet(address indexed market, uint256 markBps, address indexed by);
    /// @notice Entering was closed or opened.
    event EntriesPaused(bool paused, address indexed by);
    /// @notice Plans with only exits may lose more than the bounds until `until`.
    event ExitLossesAllowed(uint256 until);
    /// @notice The bounds on the allocator changed.
    event BoundsSet(Bounds bounds);
    /// @notice The fee changed.
    event FeeSet(uint256 feeBps, address indexed recipient);
    /// @notice `shares` were made for the fee.
    event FeeAccrued(address indexed recipient, uint256 shares);
    /// @notice Value was read: what all is worth now, what leaves and enters are priced at, and the shares.
    event Settled(uint256 gross, uint256 low, uint256 high, uint256 supply);
    /// @notice `holder` left in kind and received `amount` of `token` from `market` (the vault itself for idle).
    event LeftInKind(address indexed holder, address indexed market, address token, uint256 amount);
    /// @notice `holder` put `shares` into the redeem queue.
    event RedeemRequested(address indexed holder, uint256 round, uint256 shares);
    /// @notice `holder` took `shares` back out of the redeem queue.
    event RedeemCancelled(address indexed holder, uint256 shares);
    /// @notice The queue was paid `assets` for `shares`.
    event QueuePaid(uint256 round, uint256 assets, uint256 shares);
    /// @notice `holder` collected `assets` that the queue was paid.
    event RedeemClaimed(address indexed holder, address indexed receiver, uint256 assets);

    /// @notice The caller does not hold the role.
    error NotRole(address caller, address holder);
    /// @notice The allocator may hold no other role.
    error RoleTaken(address account);
    /// @notice The function needs no waiting, or does not exist.
    error NotDelayed(bytes4 selector);
    /// @notice The change was never submitted, or was revoked or carried out.
    error NotSubmitted(bytes32 changeId);
    /// @notice The change is pending already.
    error AlreadySubmitted(bytes32 changeId);
    /// @notice The change is ready at `readyAt`.
    error NotReady(bytes32 changeId, uint256 readyAt);
    /// @notice The change was not carried out before `lapsedAt`.
    error Lapsed(bytes32 changeId, uint256 lapsedAt);
    /// @notice The guardian cannot revoke its own replacement.
    error NotRevocable(bytes4 selector);
    /// @notice A setting outside its limits.
    error OutOfRange(uint256 found, uint256 lowest, uint256 highest);
    /// @notice The market is not on the list.
    error NotListed(address market);
    /// @notice The market cannot be put on the list.
    error CannotList(address market);
    /// @notice No more markets fit.
    error TooManyMarkets(uint256 most);
    /// @notice Caps can only be raised after the delay.
    error CapsRaised(address market);
    /// @notice The market still holds `assets`.
    error MarketInUse(address market, uint256 assets);
    /// @notice The plan was used before.
    error PlanUsed(bytes32 planId);
    /// @notice The plan was valid until `validUntil`.
    error PlanExpired(uint256 validUntil, uint256 now_);
    /// @notice The rules are not those the plan was made for.
    error RulesChanged(bytes32 expected, bytes32 found);
    /// @notice A plan without moves.
    error PlanEmpty();
    /// @notice A leg whose kind comes before that of the leg before it.
    error LegOutOfOrder(uint256 leg);
    /// @notice Entering is closed: by the guardian, by a mark, or by a market that cannot be read or has an old price.
    error EntriesClosed();
    /// @notice A leg gave another amount than the plan allows.
    error OutsideGuard(uint256 leg, uint256 found, uint256 minimum, uint256 maximum);
    /// @notice The position would be worth more than its cap.
    error CapExceeded(address market, uint256 found, uint256 cap);
    /// @notice One move lost more than one move may.
    error MoveLoss(address market, uint256 loss, uint256 most);
    /// @notice The value of the market cannot be read, or its price is too old.
    error MarketUnreadable(address market);
    /// @notice A market's price is too old to pay the queue at.
    error PricesStale();
    /// @notice Not enough idle money, beyond what is owed to the redeem queue.
    error NotEnoughIdle(uint256 asked, uint256 free);
    /// @notice Less could be paid than was asked.
    error NotEnoughLiquidity(uint256 asked, uint256 found);
    /// @notice Taking the money out of markets cost more than rounding.
    error UnwindingCost(uint256 cost);
    /// @notice The token delivered another amount than was sent.
    error TransferMismatch(uint256 expected, uint256 found);
    /// @notice Assets that would buy no share.
    error NoShares(uint256 assets);
    /// @notice More shares than the account has.
    error NotEnoughShares(uint256 asked, uint256 held);
    /// @notice Too little gas to tell a failing market from a starved call.
    error GasTooLow(uint256 found, uint256 needed);
}
