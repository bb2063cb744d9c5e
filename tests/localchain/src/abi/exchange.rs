//! Uniswap V3 with its staker, Uniswap V2 with StakingRewards, Balancer V2 and WETH9.
#![allow(missing_docs, reason = "the functions are the contracts' own, documented there")]

use alloy::sol;

sol! {
    #![sol(all_derives)]

    interface IWeth9 {
        function deposit() external payable;
        function withdraw(uint256 wad) external;
        function approve(address spender, uint256 amount) external returns (bool);
        function transfer(address to, uint256 amount) external returns (bool);
        function balanceOf(address account) external view returns (uint256);
    }

    interface IUniswapV3Factory {
        function getPool(address tokenA, address tokenB, uint24 fee) external view returns (address);
        function createPool(address tokenA, address tokenB, uint24 fee) external returns (address);
        function feeAmountTickSpacing(uint24 fee) external view returns (int24);
        function enableFeeAmount(uint24 fee, int24 tickSpacing) external;
        function owner() external view returns (address);
        function setOwner(address owner) external;
    }

    interface IUniswapV3Pool {
        event Mint(address sender, address indexed owner, int24 indexed tickLower, int24 indexed tickUpper, uint128 amount, uint256 amount0, uint256 amount1);
        event Collect(address indexed owner, address recipient, int24 indexed tickLower, int24 indexed tickUpper, uint128 amount0, uint128 amount1);
        event Burn(address indexed owner, int24 indexed tickLower, int24 indexed tickUpper, uint128 amount, uint256 amount0, uint256 amount1);
        event Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1, uint160 sqrtPriceX96, uint128 liquidity, int24 tick);
        event Flash(address indexed sender, address indexed recipient, uint256 amount0, uint256 amount1, uint256 paid0, uint256 paid1);

        struct Slot0 { uint160 sqrtPriceX96; int24 tick; uint16 observationIndex; uint16 observationCardinality; uint16 observationCardinalityNext; uint8 feeProtocol; bool unlocked; }
        struct TickInfo { uint128 liquidityGross; int128 liquidityNet; uint256 feeGrowthOutside0X128; uint256 feeGrowthOutside1X128; int56 tickCumulativeOutside; uint160 secondsPerLiquidityOutsideX128; uint32 secondsOutside; bool initialized; }
        struct PositionInfo { uint128 liquidity; uint256 feeGrowthInside0LastX128; uint256 feeGrowthInside1LastX128; uint128 tokensOwed0; uint128 tokensOwed1; }
        struct Observation { uint32 blockTimestamp; int56 tickCumulative; uint160 secondsPerLiquidityCumulativeX128; bool initialized; }
        function factory() external view returns (address);
        function token0() external view returns (address);
        function token1() external view returns (address);
        function fee() external view returns (uint24);
        function tickSpacing() external view returns (int24);
        function maxLiquidityPerTick() external view returns (uint128);
        function slot0() external view returns (Slot0 memory);
        function liquidity() external view returns (uint128);
        function feeGrowthGlobal0X128() external view returns (uint256);
        function feeGrowthGlobal1X128() external view returns (uint256);
        function protocolFees() external view returns (uint128 token0, uint128 token1);
        function ticks(int24 tick) external view returns (TickInfo memory);
        function tickBitmap(int16 wordPosition) external view returns (uint256);
        function positions(bytes32 key) external view returns (PositionInfo memory);
        function observations(uint256 index) external view returns (Observation memory);
        function observe(uint32[] secondsAgos) external view returns (int56[] tickCumulatives, uint160[] secondsPerLiquidityCumulativeX128s);
        function snapshotCumulativesInside(int24 tickLower, int24 tickUpper) external view returns (int56 tickCumulativeInside, uint160 secondsPerLiquidityInsideX128, uint32 secondsInside);
        function initialize(uint160 sqrtPriceX96) external;
        function increaseObservationCardinalityNext(uint16 next) external;
        function mint(address recipient, int24 tickLower, int24 tickUpper, uint128 amount, bytes data) external returns (uint256 amount0, uint256 amount1);
        function burn(int24 tickLower, int24 tickUpper, uint128 amount) external returns (uint256 amount0, uint256 amount1);
        function collect(address recipient, int24 tickLower, int24 tickUpper, uint128 amount0Requested, uint128 amount1Requested) external returns (uint128 amount0, uint128 amount1);
        function swap(address recipient, bool zeroForOne, int256 amountSpecified, uint160 sqrtPriceLimitX96, bytes data) external returns (int256 amount0, int256 amount1);
        function setFeeProtocol(uint8 feeProtocol0, uint8 feeProtocol1) external;
        function collectProtocol(address recipient, uint128 amount0Requested, uint128 amount1Requested) external returns (uint128 amount0, uint128 amount1);
    }

    /// `NonfungiblePositionManager`.
    interface IPositionManager {
        event IncreaseLiquidity(uint256 indexed tokenId, uint128 liquidity, uint256 amount0, uint256 amount1);
        event DecreaseLiquidity(uint256 indexed tokenId, uint128 liquidity, uint256 amount0, uint256 amount1);
        event Collect(uint256 indexed tokenId, address recipient, uint256 amount0, uint256 amount1);

        struct MintParams { address token0; address token1; uint24 fee; int24 tickLower; int24 tickUpper; uint256 amount0Desired; uint256 amount1Desired; uint256 amount0Min; uint256 amount1Min; address recipient; uint256 deadline; }
        struct IncreaseParams { uint256 tokenId; uint256 amount0Desired; uint256 amount1Desired; uint256 amount0Min; uint256 amount1Min; uint256 deadline; }
        struct DecreaseParams { uint256 tokenId; uint128 liquidity; uint256 amount0Min; uint256 amount1Min; uint256 deadline; }
        struct CollectParams { uint256 tokenId; address recipient; uint128 amount0Max; uint128 amount1Max; }
        struct Managed { uint96 nonce; address operator; address token0; address token1; uint24 fee; int24 tickLower; int24 tickUpper; uint128 liquidity; uint256 feeGrowthInside0LastX128; uint256 feeGrowthInside1LastX128; uint128 tokensOwed0; uint128 tokensOwed1; }
        function createAndInitializePoolIfNecessary(address token0, address token1, uint24 fee, uint160 sqrtPriceX96) external payable returns (address pool);
        function mint(MintParams params) external payable returns (uint256 tokenId, uint128 liquidity, uint256 amount0, uint256 amount1);
        function increaseLiquidity(IncreaseParams params) external payable returns (uint128 liquidity, uint256 amount0, uint256 amount1);
        function decreaseLiquidity(DecreaseParams params) external payable returns (uint256 amount0, uint256 amount1);
        function collect(CollectParams params) external payable returns (uint256 amount0, uint256 amount1);
        function burn(uint256 tokenId) external payable;
        function positions(uint256 tokenId) external view returns (Managed memory);
        function ownerOf(uint256 tokenId) external view returns (address);
        function approve(address to, uint256 tokenId) external;
        function safeTransferFrom(address from, address to, uint256 tokenId, bytes data) external;
        function tokenURI(uint256 tokenId) external view returns (string);
        function factory() external view returns (address);
    }

    /// `SwapRouter`.
    interface ISwapRouter {
        struct ExactInputSingleParams { address tokenIn; address tokenOut; uint24 fee; address recipient; uint256 deadline; uint256 amountIn; uint256 amountOutMinimum; uint160 sqrtPriceLimitX96; }
        struct ExactOutputSingleParams { address tokenIn; address tokenOut; uint24 fee; address recipient; uint256 deadline; uint256 amountOut; uint256 amountInMaximum; uint160 sqrtPriceLimitX96; }
        function exactInputSingle(ExactInputSingleParams params) external payable returns (uint256 amountOut);
        function exactOutputSingle(ExactOutputSingleParams params) external payable returns (uint256 amountIn);
    }

    interface IQuoterV2 {
        struct QuoteExactInputSingleParams { address tokenIn; address tokenOut; uint256 amountIn; uint24 fee; uint160 sqrtPriceLimitX96; }
        function quoteExactInputSingle(QuoteExactInputSingleParams params) external returns (uint256 amountOut, uint160 sqrtPriceX96After, uint32 initializedTicksCrossed, uint256 gasEstimate);
    }

    interface ITickLens {
        struct PopulatedTick { int24 tick; int128 liquidityNet; uint128 liquidityGross; }
        function getPopulatedTicksInWord(address pool, int16 tickBitmapIndex) external view returns (PopulatedTick[] populatedTicks);
    }

    struct IncentiveKey { address rewardToken; address pool; uint256 startTime; uint256 endTime; address refundee; }

    interface IUniswapV3Staker {
        function createIncentive(IncentiveKey key, uint256 reward) external;
        function endIncentive(IncentiveKey key) external returns (uint256 refund);
        function stakeToken(IncentiveKey key, uint256 tokenId) external;
        function unstakeToken(IncentiveKey key, uint256 tokenId) external;
        function withdrawToken(uint256 tokenId, address to, bytes data) external;
        function claimReward(address rewardToken, address to, uint256 amountRequested) external returns (uint256 reward);
        function getRewardInfo(IncentiveKey key, uint256 tokenId) external returns (uint256 reward, uint160 secondsInsideX128);
        function incentives(bytes32 incentiveId) external view returns (uint256 totalRewardUnclaimed, uint160 totalSecondsClaimedX128, uint96 numberOfStakes);
        function stakes(uint256 tokenId, bytes32 incentiveId) external view returns (uint160 secondsPerLiquidityInsideInitialX128, uint128 liquidity);
        function deposits(uint256 tokenId) external view returns (address owner, uint48 numberOfStakes, int24 tickLower, int24 tickUpper);
        function rewards(address rewardToken, address owner) external view returns (uint256);
    }

    interface IUniswapV2Factory {
        function createPair(address tokenA, address tokenB) external returns (address pair);
        function getPair(address tokenA, address tokenB) external view returns (address pair);
        function setFeeTo(address to) external;
        function setFeeToSetter(address setter) external;
    }

    interface IUniswapV2Pair {
        event Mint(address indexed sender, uint256 amount0, uint256 amount1);
        event Burn(address indexed sender, uint256 amount0, uint256 amount1, address indexed to);
        event Swap(address indexed sender, uint256 amount0In, uint256 amount1In, uint256 amount0Out, uint256 amount1Out, address indexed to);
        event Sync(uint112 reserve0, uint112 reserve1);
        event Transfer(address indexed from, address indexed to, uint256 value);

        struct Reserves { uint112 reserve0; uint112 reserve1; uint32 blockTimestampLast; }
        function token0() external view returns (address);
        function token1() external view returns (address);
        function getReserves() external view returns (Reserves memory);
        function kLast() external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
        function approve(address spender, uint256 amount) external returns (bool);
        function transfer(address to, uint256 amount) external returns (bool);
        function mint(address to) external returns (uint256 liquidity);
        function burn(address to) external returns (uint256 amount0, uint256 amount1);
        function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes data) external;
        function skim(address to) external;
        function sync() external;
    }

    /// `UniswapV2Router02`.
    interface IUniswapV2Router {
        function addLiquidity(address tokenA, address tokenB, uint256 amountADesired, uint256 amountBDesired, uint256 amountAMin, uint256 amountBMin, address to, uint256 deadline) external returns (uint256 amountA, uint256 amountB, uint256 liquidity);
        function removeLiquidity(address tokenA, address tokenB, uint256 liquidity, uint256 amountAMin, uint256 amountBMin, address to, uint256 deadline) external returns (uint256 amountA, uint256 amountB);
        function swapExactTokensForTokens(uint256 amountIn, uint256 amountOutMin, address[] path, address to, uint256 deadline) external returns (uint256[] amounts);
        function swapExactTokensForTokensSupportingFeeOnTransferTokens(uint256 amountIn, uint256 amountOutMin, address[] path, address to, uint256 deadline) external;
        function swapTokensForExactTokens(uint256 amountOut, uint256 amountInMax, address[] path, address to, uint256 deadline) external returns (uint256[] amounts);
    }

    /// `@uniswap/liquidity-staker`.
    interface IStakingRewards {
        event RewardAdded(uint256 reward);
        event Staked(address indexed user, uint256 amount);
        event Withdrawn(address indexed user, uint256 amount);
        event RewardPaid(address indexed user, uint256 reward);

        function stake(uint256 amount) external;
        function withdraw(uint256 amount) external;
        function getReward() external;
        function exit() external;
        function notifyRewardAmount(uint256 reward) external;
        function earned(address account) external view returns (uint256);
        function rewardPerToken() external view returns (uint256);
        function rewardPerTokenStored() external view returns (uint256);
        function rewardRate() external view returns (uint256);
        function rewardsDuration() external view returns (uint256);
        function rewards(address account) external view returns (uint256);
        function userRewardPerTokenPaid(address account) external view returns (uint256);
        function periodFinish() external view returns (uint256);
        function lastUpdateTime() external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
        function stakingToken() external view returns (address);
        function rewardsToken() external view returns (address);
    }

    /// Balancer V2's `Vault`.
    interface IBalancerVault {
        event Swap(bytes32 indexed poolId, address indexed tokenIn, address indexed tokenOut, uint256 amountIn, uint256 amountOut);
        event PoolBalanceChanged(bytes32 indexed poolId, address indexed liquidityProvider, address[] tokens, int256[] deltas, uint256[] protocolFeeAmounts);

        struct SingleSwap { bytes32 poolId; uint8 kind; address assetIn; address assetOut; uint256 amount; bytes userData; }
        struct FundManagement { address sender; bool fromInternalBalance; address recipient; bool toInternalBalance; }
        struct JoinPoolRequest { address[] assets; uint256[] maxAmountsIn; bytes userData; bool fromInternalBalance; }
        struct ExitPoolRequest { address[] assets; uint256[] minAmountsOut; bytes userData; bool toInternalBalance; }
        struct UserBalanceOp { uint8 kind; address asset; uint256 amount; address sender; address recipient; }
        function swap(SingleSwap singleSwap, FundManagement funds, uint256 limit, uint256 deadline) external payable returns (uint256 amountCalculated);
        function joinPool(bytes32 poolId, address sender, address recipient, JoinPoolRequest request) external payable;
        function exitPool(bytes32 poolId, address sender, address recipient, ExitPoolRequest request) external;
        function manageUserBalance(UserBalanceOp[] ops) external payable;
        function getPoolTokens(bytes32 poolId) external view returns (address[] tokens, uint256[] balances, uint256 lastChangeBlock);
        function getProtocolFeesCollector() external view returns (address);
        function getAuthorizer() external view returns (address);
        function getActionId(bytes4 selector) external view returns (bytes32);
    }

    /// `ComposableStablePoolFactory`, version 3.
    interface IStablePoolFactory {
        event PoolCreated(address indexed pool);
        function create(string name, string symbol, address[] tokens, uint256 amplificationParameter, address[] rateProviders, uint256[] tokenRateCacheDurations, bool[] exemptFromYieldProtocolFeeFlags, uint256 swapFeePercentage, address owner) external returns (address);
    }

    /// `ComposableStablePool`, version 3.
    interface IStablePool {
        event Transfer(address indexed from, address indexed to, uint256 value);
        event TokenRateCacheUpdated(uint256 indexed tokenIndex, uint256 rate);

        function getPoolId() external view returns (bytes32);
        function getBptIndex() external view returns (uint256);
        function getRate() external view returns (uint256);
        function getActualSupply() external view returns (uint256);
        function getAmplificationParameter() external view returns (uint256 value, bool isUpdating, uint256 precision);
        function getLastJoinExitData() external view returns (uint256 lastJoinExitAmplification, uint256 lastPostJoinExitInvariant);
        function getScalingFactors() external view returns (uint256[] memory);
        function getSwapFeePercentage() external view returns (uint256);
        function getTokenRate(address token) external view returns (uint256);
        function getTokenRateCache(address token) external view returns (uint256 rate, uint256 oldRate, uint256 duration, uint256 expires);
        function getProtocolFeePercentageCache(uint256 feeType) external view returns (uint256);
        function updateProtocolFeePercentageCache() external;
        function updateTokenRateCache(address token) external;
        function startAmplificationParameterUpdate(uint256 rawEndValue, uint256 endTime) external;
        function totalSupply() external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
        function approve(address spender, uint256 amount) external returns (bool);
        function transfer(address to, uint256 amount) external returns (bool);
    }

    /// `ProtocolFeesCollector` and `ProtocolFeePercentagesProvider` of Balancer V2.
    interface IBalancerFees {
        function setSwapFeePercentage(uint256 newSwapFeePercentage) external;
        function setFeeTypePercentage(uint256 feeType, uint256 newValue) external;
        function getActionId(bytes4 selector) external view returns (bytes32);
    }

    /// Balancer V2's first `Authorizer`.
    interface IBalancerAuthorizer {
        function grantRole(bytes32 role, address account) external;
    }

    /// `BalancerQueries`.
    interface IBalancerQueries {
        function querySwap(IBalancerVault.SingleSwap singleSwap, IBalancerVault.FundManagement funds) external returns (uint256);
        function queryJoin(bytes32 poolId, address sender, address recipient, IBalancerVault.JoinPoolRequest request) external returns (uint256 bptOut, uint256[] amountsIn);
        function queryExit(bytes32 poolId, address sender, address recipient, IBalancerVault.ExitPoolRequest request) external returns (uint256 bptIn, uint256[] amountsOut);
    }

    /// `contracts/local/RateSource.sol`, and Balancer's `IRateProvider`.
    interface IRateSource {
        function set(uint256 rate) external;
        function getRate() external view returns (uint256);
    }

    /// `contracts/local/StepRunner.sol`.
    interface IStepRunner {
        event Answer(uint256 indexed step, bool success, bytes data);
        struct Step { address target; bytes data; }
        function run(Step[] steps) external;
    }
}
