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

    /// @notice Returns the token that goes in and comes out.
    function asset() external view returns (address);

    /// @notice Returns the only account that may move the position.
    function vault() external view returns (address);

    /// @notice Puts `assets`, which the vault has sent before the call, into the market.
    function deposit(uint256 assets) external;

    /// @notice Takes exactly `assets` out of the market and sends them to the vault, or reverts.
    function withdraw(uint256 assets) external;

    /// @notice Returns what the vault's position is worth in the asset, rounded down; donations do not count.
    function totalAssets() external view returns (uint256);

    /// @notice Returns how much of `totalAssets` could be withdrawn now.
    function liquidity() external view returns (uint256);

    /// @notice Hands `shareOfWad` / 1e18 of the position to `to`.
    /// @return token What was handed over: the market's share token, or this contract for a claim held in it.
    /// @return amount How much of it.
    function transferInKind(address to, uint256 shareOfWad) external returns (address token, uint256 amount);
}
