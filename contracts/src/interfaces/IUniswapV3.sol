// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The functions of a Uniswap V3 pool that are called
interface IUniswapV3Pool {
    /// @notice Returns the price as its square root in Q64.96, its tick, and settings.
    function slot0()
        external
        view
        returns (
            uint160 sqrtPriceX96,
            int24 tick,
            uint16 observationIndex,
            uint16 observationCardinality,
            uint16 observationCardinalityNext,
            uint8 feeProtocol,
            bool unlocked
        );

    /// @notice Returns the liquidity at the present price.
    function liquidity() external view returns (uint128);

    /// @notice Returns the fees of token 0 per unit of liquidity since the pool was made, in Q128.
    function feeGrowthGlobal0X128() external view returns (uint256);

    /// @notice Returns the same for token 1.
    function feeGrowthGlobal1X128() external view returns (uint256);

    /// @notice Returns what is kept at a tick.
    function ticks(int24 tick)
        external
        view
        returns (
            uint128 liquidityGross,
            int128 liquidityNet,
            uint256 feeGrowthOutside0X128,
            uint256 feeGrowthOutside1X128,
            int56 tickCumulativeOutside,
            uint160 secondsPerLiquidityOutsideX128,
            uint32 secondsOutside,
            bool initialized
        );

    /// @notice Returns which of 256 ticks are in use.
    function tickBitmap(int16 word) external view returns (uint256);

    /// @notice Returns the first token.
    function token0() external view returns (address);

    /// @notice Returns the second token.
    function token1() external view returns (address);

    /// @notice Returns the fee in hundredths of a basis point.
    function fee() external view returns (uint24);

    /// @notice Returns which ticks can be used: its multiples.
    function tickSpacing() external view returns (int24);

    /// @notice Swaps, and has the caller pay in `uniswapV3SwapCallback`.
    function swap(address recipient, bool zeroForOne, int256 amount, uint160 sqrtPriceLimitX96, bytes calldata data)
        external
        returns (int256 amount0, int256 amount1);
}

/// @title The functions of Uniswap V3's position manager that are called
interface IPositionManager {
    /// @notice What a new position is made of.
    struct MintParams {
        address token0;
        address token1;
        uint24 fee;
        int24 tickLower;
        int24 tickUpper;
        uint256 amount0Desired;
        uint256 amount1Desired;
        uint256 amount0Min;
        uint256 amount1Min;
        address recipient;
        uint256 deadline;
    }

    /// @notice What a position is enlarged by.
    struct IncreaseLiquidityParams {
        uint256 tokenId;
        uint256 amount0Desired;
        uint256 amount1Desired;
        uint256 amount0Min;
        uint256 amount1Min;
        uint256 deadline;
    }

    /// @notice What of a position is given up.
    struct DecreaseLiquidityParams {
        uint256 tokenId;
        uint128 liquidity;
        uint256 amount0Min;
        uint256 amount1Min;
        uint256 deadline;
    }

    /// @notice What is collected.
    struct CollectParams {
        uint256 tokenId;
        address recipient;
        uint128 amount0Max;
        uint128 amount1Max;
    }

    /// @notice What is kept of a position.
    struct PositionInfo {
        uint96 nonce;
        address operator;
        address token0;
        address token1;
        uint24 fee;
        int24 tickLower;
        int24 tickUpper;
        uint128 liquidity;
        uint256 feeGrowthInside0LastX128;
        uint256 feeGrowthInside1LastX128;
        uint128 tokensOwed0;
        uint128 tokensOwed1;
    }

    /// @notice Makes a position.
    function mint(MintParams calldata params)
        external
        returns (uint256 tokenId, uint128 liquidity, uint256 amount0, uint256 amount1);

    /// @notice Enlarges a position.
    function increaseLiquidity(IncreaseLiquidityParams calldata params)
        external
        returns (uint128 liquidity, uint256 amount0, uint256 amount1);

    /// @notice Gives up a part of a position; what comes of it waits to be collected.
    function decreaseLiquidity(DecreaseLiquidityParams calldata params)
        external
        returns (uint256 amount0, uint256 amount1);

    /// @notice Collects fees and what was given up.
    function collect(CollectParams calldata params) external returns (uint256 amount0, uint256 amount1);

    /// @notice Returns what is kept of a position.
    function positions(uint256 tokenId) external view returns (PositionInfo memory);

    /// @notice Hands a position over and tells its new holder.
    function safeTransferFrom(address from, address to, uint256 tokenId, bytes calldata data) external;

    /// @notice Returns the factory of the pools.
    function factory() external view returns (address);
}

/// @title The function of Uniswap V3's factory that is called
interface IUniswapV3Factory {
    /// @notice Returns the pool of two tokens and a fee, or zero.
    function getPool(address tokenA, address tokenB, uint24 fee) external view returns (address);
}

/// @title The functions of the Uniswap V3 staker that are called
interface IUniswapV3Staker {
    /// @notice What names an incentive; its hash is its id.
    struct IncentiveKey {
        address rewardToken;
        address pool;
        uint256 startTime;
        uint256 endTime;
        address refundee;
    }

    /// @notice Ends a stake; the reward waits to be claimed.
    function unstakeToken(IncentiveKey calldata key, uint256 tokenId) external;

    /// @notice Hands a position that is not staked back.
    function withdrawToken(uint256 tokenId, address to, bytes calldata data) external;

    /// @notice Claims rewards; zero stands for all.
    function claimReward(address rewardToken, address to, uint256 amount) external returns (uint256);

    /// @notice Returns the rewards that wait to be claimed.
    function rewards(address rewardToken, address owner) external view returns (uint256);

    /// @notice Returns the liquidity of a stake, zero where there is none.
    function stakes(uint256 tokenId, bytes32 incentiveId)
        external
        view
        returns (uint160 secondsPerLiquidityInsideInitialX128, uint128 liquidity);

    /// @notice Returns the manager of the positions that can be staked.
    function nonfungiblePositionManager() external view returns (address);
}
