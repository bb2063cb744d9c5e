// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A market contract: the vault's position in one market
/// @notice Holds one position for one vault and counts only what the vault put there. Only the vault may move it.
interface IMarket {
    /// @notice A caller that is not the vault.
    error NotVault(address caller);
    /// @notice The market's asset is not the vault's.
    error AssetMismatch(address expected, address found);
    /// @notice More than the whole was asked for, as a share of 1e18.
    error ShareTooLarge(uint256 shareOfWad);
    /// @notice The protocol took another amount than was offered.
    error NotAllTaken(uint256 offered, uint256 left);
    /// @notice Words for a market that takes none, or not these.
    error UnknownData(uint256 length);
    /// @notice The position earns nothing that is taken in by itself.
    error NothingToHarvest();
    /// @notice The position has no shape to change.
    error NothingToArrange();

    /// @notice Returns the token that goes in and comes out.
    function asset() external view returns (address);

    /// @notice Returns the only account that may move the position.
    function vault() external view returns (address);

    /// @notice Puts `assets`, which the vault has sent before the call, into the market.
    /// @param data Words for this market only; empty where it says nothing else.
    function deposit(uint256 assets, bytes calldata data) external;

    /// @notice Takes exactly `assets` out of the market and sends them to the vault, or reverts.
    function withdraw(uint256 assets) external;

    /// @notice Takes in what the position earned or is owed and sends what comes to the vault. Never adds exposure.
    function harvest(bytes calldata data) external;

    /// @notice Changes the position's shape within the market's own bounds; what comes of it goes to the vault.
    function arrange(bytes calldata data) external;

    /// @notice Returns what the vault's position is worth in the asset; donations do not count.
    /// @return low What leaving is priced at, rounded down.
    /// @return high What entering is priced at; equal to `low` where no price is needed.
    /// @return isFresh False while a price is too old to trade on; `low` is then priced with a wide band.
    function value() external view returns (uint256 low, uint256 high, bool isFresh);

    /// @notice Returns the low value.
    function totalAssets() external view returns (uint256);

    /// @notice Returns how much `withdraw` could pay now; nothing while a price that it needs is too old.
    function liquidity() external view returns (uint256);

    /// @notice Hands `shareOfWad` / 1e18 of the position to `to`, whatever is liquid or fresh.
    /// @return token What was handed over: the market's share token, or this contract for a claim held in it.
    /// @return amount How much of it.
    function transferInKind(address to, uint256 shareOfWad) external returns (address token, uint256 amount);
}
