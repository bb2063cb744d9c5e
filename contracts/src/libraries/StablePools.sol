// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IBalancerVault, IRateProvider, IStablePool} from "../interfaces/IBalancerV2.sol";

/// @title What is read of a Balancer stable pool
library StablePools {
    uint256 private constant WAD = 1e18;

    /// @notice Returns the pool's tokens without its own share, in its order.
    function tokensOf(IStablePool pool) internal view returns (address[] memory) {
        (address[] memory tokens,,) = IBalancerVault(pool.getVault()).getPoolTokens(pool.getPoolId());
        return _without(tokens, pool.getBptIndex());
    }

    /// @notice Returns the rate providers of `tokensOf`; zero for tokens without one.
    function providersOf(IStablePool pool) internal view returns (address[] memory) {
        return _without(pool.getRateProviders(), pool.getBptIndex());
    }

    /// @notice Returns a token's rate of now over the one that the pool still counts by, in parts of 1e18.
    function drift(IStablePool pool, address token, address provider) internal view returns (uint256) {
        if (provider == address(0)) return WAD;
        return Math.mulDiv(IRateProvider(provider).getRate(), WAD, pool.getTokenRate(token));
    }

    /// @notice Returns balances as the invariant counts them and what they are multiplied by, at the lower of the rate that
    /// the pool keeps and that of now.
    function balancesOf(IStablePool pool) internal view returns (uint256[] memory balances, uint256[] memory factors) {
        (address[] memory tokens, uint256[] memory raw,) =
            IBalancerVault(pool.getVault()).getPoolTokens(pool.getPoolId());
        address[] memory providers = pool.getRateProviders();
        uint256[] memory kept = pool.getScalingFactors();
        uint256 share = pool.getBptIndex();
        (balances, factors) = (new uint256[](tokens.length - 1), new uint256[](tokens.length - 1));
        for (uint256 i = 0; i < tokens.length; ++i) {
            if (i == share) continue;
            uint256 place = i < share ? i : i - 1;
            factors[place] = Math.mulDiv(kept[i], Math.min(drift(pool, tokens[i], providers[i]), WAD), WAD);
            balances[place] = Math.mulDiv(raw[i], factors[place], WAD);
        }
    }

    /// @dev `list` without one place.
    function _without(address[] memory list, uint256 place) private pure returns (address[] memory rest) {
        rest = new address[](list.length - 1);
        for (uint256 i = 0; i < rest.length; ++i) {
            rest[i] = list[i < place ? i : i + 1];
        }
    }
}
