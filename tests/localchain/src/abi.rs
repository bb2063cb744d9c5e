//! The functions of the contracts that this crate calls, for tests to call too.
#![allow(missing_docs, reason = "the functions are the contracts' own, documented there")]

mod exchange;
mod kinds;

pub use exchange::*;
pub use kinds::*;

use alloy::sol;

sol! {
    #![sol(all_derives)]

    interface IMulticall3 {
        struct Call3 { address target; bool allowFailure; bytes callData; }
        struct Result { bool success; bytes returnData; }
        function aggregate3(Call3[] calls) external payable returns (Result[] returnData);
    }

    /// `contracts/local/Token.sol`.
    interface IToken {
        function mint(address to, uint256 amount) external;
        function approve(address spender, uint256 amount) external returns (bool);
        function transfer(address to, uint256 amount) external returns (bool);
        function balanceOf(address account) external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function decimals() external view returns (uint8);
        function symbol() external view returns (string);
    }

    /// Chainlink's `AggregatorV3Interface`, and the two functions by which anyone posts a round.
    interface IPriceFeed {
        function post(int256 answer) external;
        function postAt(int256 answer, uint256 updatedAt) external;
        function decimals() external view returns (uint8);
        function latestAnswer() external view returns (int256);
        function latestRoundData() external view
            returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
        function getRoundData(uint80 id) external view
            returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
    }

    interface IAaveAddressesProvider {
        function setACLAdmin(address admin) external;
        function setACLManager(address manager) external;
        function setPoolImpl(address pool) external;
        function setPoolConfiguratorImpl(address configurator) external;
        function setPriceOracle(address oracle) external;
        function setPoolDataProvider(address provider) external;
        function setAddressAsProxy(bytes32 id, address implementation) external;
        function getPool() external view returns (address);
        function getPoolConfigurator() external view returns (address);
    }

    interface IAaveAcl {
        function addPoolAdmin(address admin) external;
        function addEmergencyAdmin(address admin) external;
        function addRiskAdmin(address admin) external;
        function addAssetListingAdmin(address admin) external;
    }

    interface IAaveConfigurator {
        struct InitReserveInput {
            address aTokenImpl;
            address stableDebtTokenImpl;
            address variableDebtTokenImpl;
            uint8 underlyingAssetDecimals;
            address interestRateStrategyAddress;
            address underlyingAsset;
            address treasury;
            address incentivesController;
            string aTokenName;
            string aTokenSymbol;
            string variableDebtTokenName;
            string variableDebtTokenSymbol;
            string stableDebtTokenName;
            string stableDebtTokenSymbol;
            bytes params;
        }
        function initReserves(InitReserveInput[] input) external;
        function configureReserveAsCollateral(address asset, uint256 ltv, uint256 liquidationThreshold, uint256 liquidationBonus) external;
        function setReserveBorrowing(address asset, bool enabled) external;
        function setReserveFlashLoaning(address asset, bool enabled) external;
        function setReserveFactor(address asset, uint256 factor) external;
        function setReserveFreeze(address asset, bool freeze) external;
        function setReservePause(address asset, bool paused) external;
        function setSupplyCap(address asset, uint256 cap) external;
        function setBorrowCap(address asset, uint256 cap) external;
        function setLiquidationProtocolFee(address asset, uint256 fee) external;
    }

    /// The configurator of Aave V3.2, where it differs.
    interface IAaveConfiguratorV3_2 {
        struct InitReserveInput {
            address aTokenImpl;
            address variableDebtTokenImpl;
            bool useVirtualBalance;
            address interestRateStrategyAddress;
            address underlyingAsset;
            address treasury;
            address incentivesController;
            string aTokenName;
            string aTokenSymbol;
            string variableDebtTokenName;
            string variableDebtTokenSymbol;
            bytes params;
            bytes interestRateData;
        }
        function initReserves(InitReserveInput[] input) external;
        function setEModeCategory(uint8 categoryId, uint16 ltv, uint16 liquidationThreshold, uint16 liquidationBonus, string label) external;
        function setAssetCollateralInEMode(address asset, uint8 categoryId, bool allowed) external;
        function setAssetBorrowableInEMode(address asset, uint8 categoryId, bool borrowable) external;
    }

    /// Aave's rewards for holders of aTokens.
    interface IAaveEmissionManager {
        struct Campaign {
            uint88 emissionPerSecond;
            uint256 totalSupply;
            uint32 distributionEnd;
            address asset;
            address reward;
            address transferStrategy;
            address rewardOracle;
        }
        function setRewardsController(address controller) external;
        function setEmissionAdmin(address reward, address admin) external;
        function configureAssets(Campaign[] config) external;
        function setDistributionEnd(address asset, address reward, uint32 newDistributionEnd) external;
    }
    interface IAaveRewardsController {
        function claimAllRewardsToSelf(address[] assets) external returns (address[] rewards, uint256[] amounts);
        function getAllUserRewards(address[] assets, address user) external view returns (address[] rewards, uint256[] amounts);
        function getAssetIndex(address asset, address reward) external view returns (uint256 before, uint256 now);
        function getRewardsData(address asset, address reward) external view
            returns (uint256 index, uint256 emissionPerSecond, uint256 lastUpdate, uint256 distributionEnd);
    }
    /// Aave's factory of ERC-4626 tokens over its reserves.
    interface IStataFactory {
        function initialize() external;
        function createStataTokens(address[] underlyings) external returns (address[]);
        function getStataToken(address underlying) external view returns (address);
    }

    interface IAavePool {
        struct ReserveData {
            uint256 configuration;
            uint128 liquidityIndex;
            uint128 currentLiquidityRate;
            uint128 variableBorrowIndex;
            uint128 currentVariableBorrowRate;
            uint128 currentStableBorrowRate;
            uint40 lastUpdateTimestamp;
            uint16 id;
            address aTokenAddress;
            address stableDebtTokenAddress;
            address variableDebtTokenAddress;
            address interestRateStrategyAddress;
            uint128 accruedToTreasury;
            uint128 unbacked;
            uint128 isolationModeTotalDebt;
        }
        struct AccountData {
            uint256 totalCollateralBase;
            uint256 totalDebtBase;
            uint256 availableBorrowsBase;
            uint256 currentLiquidationThreshold;
            uint256 ltv;
            uint256 healthFactor;
        }
        function initialize(address provider) external;
        function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode) external;
        function withdraw(address asset, uint256 amount, address to) external returns (uint256);
        function borrow(address asset, uint256 amount, uint256 interestRateMode, uint16 referralCode, address onBehalfOf) external;
        function repay(address asset, uint256 amount, uint256 interestRateMode, address onBehalfOf) external returns (uint256);
        function liquidationCall(address collateralAsset, address debtAsset, address user, uint256 debtToCover, bool receiveAToken) external;
        function getUserAccountData(address user) external view returns (AccountData memory);
        function getReserveData(address asset) external view returns (ReserveData memory);
        function getReservesList() external view returns (address[] memory);
        function getReserveNormalizedIncome(address asset) external view returns (uint256);
        function getReserveNormalizedVariableDebt(address asset) external view returns (uint256);
        function POOL_REVISION() external view returns (uint256);
        /// From v3.1 on.
        function getVirtualUnderlyingBalance(address asset) external view returns (uint128);
        function setUserEMode(uint8 categoryId) external;
    }

    struct MarketParams { address loanToken; address collateralToken; address oracle; address irm; uint256 lltv; }

    interface IMorpho {
        struct MarketTotals {
            uint128 totalSupplyAssets;
            uint128 totalSupplyShares;
            uint128 totalBorrowAssets;
            uint128 totalBorrowShares;
            uint128 lastUpdate;
            uint128 fee;
        }
        struct Position { uint256 supplyShares; uint128 borrowShares; uint128 collateral; }
        function enableIrm(address irm) external;
        function enableLltv(uint256 lltv) external;
        function createMarket(MarketParams params) external;
        function market(bytes32 id) external view returns (MarketTotals memory);
        function position(bytes32 id, address user) external view returns (Position memory);
        function idToMarketParams(bytes32 id) external view returns (MarketParams memory);
        function accrueInterest(MarketParams params) external;
        function supply(MarketParams params, uint256 assets, uint256 shares, address onBehalf, bytes data) external returns (uint256, uint256);
        function withdraw(MarketParams params, uint256 assets, uint256 shares, address onBehalf, address receiver) external returns (uint256, uint256);
        function borrow(MarketParams params, uint256 assets, uint256 shares, address onBehalf, address receiver) external returns (uint256, uint256);
        function repay(MarketParams params, uint256 assets, uint256 shares, address onBehalf, bytes data) external returns (uint256, uint256);
        function supplyCollateral(MarketParams params, uint256 assets, address onBehalf, bytes data) external;
        function withdrawCollateral(MarketParams params, uint256 assets, address onBehalf, address receiver) external;
        function liquidate(MarketParams params, address borrower, uint256 seizedAssets, uint256 repaidShares, bytes data) external returns (uint256, uint256);
    }

    /// `contracts/local/AdaptiveCurve.sol`.
    interface IAdaptiveCurve {
        function borrowRateView(MarketParams params, IMorpho.MarketTotals totals) external view returns (uint256);
        function rateAtTarget(bytes32 id) external view returns (int256);
    }

    /// `contracts/local/MorphoOracle.sol`.
    interface IMorphoOracle {
        function price() external view returns (uint256);
    }

    interface IVault {
        function asset() external view returns (address);
        function deposit(uint256 assets, address receiver) external returns (uint256);
        function withdraw(uint256 assets, address receiver, address owner) external returns (uint256);
        function redeem(uint256 shares, address receiver, address owner) external returns (uint256);
        function totalAssets() external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function convertToAssets(uint256 shares) external view returns (uint256);
        function maxWithdraw(address owner) external view returns (uint256);
        function maxRedeem(address owner) external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
    }

    struct VaultBounds { uint16 turnoverBps; uint16 moveLossBps; uint16 dayLossBps; uint16 monthLossBps; }
    struct VaultConfig {
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
        VaultBounds bounds;
    }

    /// `contracts/src/Vault.sol`, as far as people use it.
    interface IPlimsollVault {
        /// `kind`: 0 exit, 1 harvest, 2 arrange, 3 entry.
        struct Leg { address market; uint8 kind; uint256 assets; uint256 minimum; uint256 maximum; bytes data; }
        function reallocate(bytes32 planId, uint64 validUntil, bytes32 expectedHash, Leg[] legs) external;
        function preStateHash() external view returns (bytes32);
        function submit(bytes data) external;
        function listMarket(address market, uint128 absoluteCap, uint16 relativeCapBps) external;
        function setCurator(address account) external;
        function deposit(uint256 assets, address receiver) external returns (uint256);
        function redeem(uint256 shares, address receiver, address holder) external returns (uint256);
        function redeemUpTo(uint256 shares, uint256 minAssets) external returns (uint256, uint256);
        function redeemInKind(uint256 shares, address receiver, address holder, address[] forgone) external returns (uint256);
        event LeftInKind(address indexed holder, address indexed market, address token, uint256 amount);
        function setMark(address market, uint16 markBps) external;
        function allowExitLosses(uint256 until) external;
        function requestRedeem(uint256 shares) external;
        function payQueue() external;
        function claimRedeem(address receiver) external returns (uint256);
        function queued(address holder) external view returns (uint256 shares, uint256 assets);
        function settle() external;
        function totalAssets() external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
        function maxWithdraw(address holder) external view returns (uint256);
        function maxRedeem(address holder) external view returns (uint256);
        function convertToAssets(uint256 shares) external view returns (uint256);
        function planCount() external view returns (uint256);
        function pauseEntries() external;
        function resumeEntries() external;
    }
}
