// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Ticks and prices as Uniswap V3 has them
/// @notice The price of tick t is 1.0001^t; prices are square roots in Q64.96. Equal to the protocol's to the last bit.
library Ticks {
    /// @notice The lowest and the highest tick are this far from zero.
    int24 internal constant MOST = 887_272;

    /// @dev 2^128 / 1.0001^(2^i / 2) for i from 0 to 19, each rounded to the nearest whole number, 16 bytes each.
    bytes private constant POWERS = hex"fffcb933bd6fad37aa2d162d1a594001fff97272373d413259a46990580e213afff2e50f5f656932ef12357cf3c7fdcc"
        hex"ffe5caca7e10e4e61c3624eaa0941cd0ffcb9843d60f6159c9db58835c926644ff973b41fa98c081472e6896dfb254c0"
        hex"ff2ea16466c96a3843ec78b326b52861fe5dee046a99a2a811c461f1969c3053fcbe86c7900a88aedcffc83b479aa3a4"
        hex"f987a7253ac413176f2b074cf7815e54f3392b0822b70005940c7a398e4b70f3e7159475a2c29b7443b29c7fa6e889d9"
        hex"d097f3bdfd2022b8845ad8f792aa5825a9f746462d870fdf8a65dc1f90e061e570d869a156d2a1b890bb3df62baf32f7"
        hex"31be135f97d08fd981231505542fcfa609aa508b5b7a84e1c677de54f3e99bc9005d6af8dedb81196699c329225ee604"
        hex"00002216e584f5fa1ea926041bedfe9800000000048a170391f7dc42444e8fa2";

    /// @notice A tick beyond the last one.
    error TickOutOfRange(int24 tick);

    /// @notice Returns the square root of the price at `tick`, rounded up as the protocol does.
    function sqrtPriceAt(int24 tick) internal pure returns (uint160) {
        if (tick > MOST || tick < -MOST) revert TickOutOfRange(tick);
        uint256 distance = uint256(uint24(tick < 0 ? -tick : tick));
        uint256 ratio = 1 << 128;
        bytes memory powers = POWERS;
        for (uint256 i = 0; distance != 0; ++i) {
            if (distance & 1 == 1) {
                uint256 power;
                assembly ("memory-safe") {
                    power := shr(128, mload(add(add(powers, 32), mul(i, 16))))
                }
                ratio = (ratio * power) >> 128;
            }
            distance >>= 1;
        }
        if (tick > 0) ratio = type(uint256).max / ratio;
        return uint160((ratio + 0xffffffff) >> 32);
    }

    /// @notice Returns the highest tick whose price is not above `sqrtPrice`, within the protocol's ticks.
    function tickAt(uint256 sqrtPrice) internal pure returns (int24) {
        int24 low = -MOST;
        int24 high = MOST;
        while (low < high) {
            int24 middle = low + (high - low + 1) / 2;
            if (sqrtPriceAt(middle) <= sqrtPrice) low = middle;
            else high = middle - 1;
        }
        return low;
    }
}
