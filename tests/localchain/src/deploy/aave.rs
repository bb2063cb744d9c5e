//! Aave V3: addresses provider, roles, pool with seven libraries, configurator, oracle over the feeds, and four
//! reserves with parameters like those of the main network. This is the v3.0 line; `aave_v3_2` takes from here
//! what both have in common.

use super::steps::Steps;
use super::tokens::{Asset, TokenAndFeed};
use crate::abi::{
    IAaveAcl, IAaveAddressesProvider, IAaveConfigurator, IAaveConfigurator::InitReserveInput,
    IAavePool,
};
use crate::{LocalChain, LocalChainError, Origin};
use alloy::primitives::{Address, Bytes, U256, address, uint};
use alloy::sol_types::SolValue;
use std::collections::BTreeMap;

/// Libraries in an order in which each finds those it links.
const LIBRARIES: [&str; 8] = [
    "BorrowLogic",
    "BridgeLogic",
    "ConfiguratorLogic",
    "EModeLogic",
    "LiquidationLogic",
    "PoolLogic",
    "SupplyLogic",
    "FlashLoanLogic",
];
/// Where the protocol's share of interest goes.
pub(super) const TREASURY: Address = address!("0x00000000000000000000000000000000007ea5e1");
const RAY_PER_BPS: U256 = uint!(100_000_000_000_000_000_000_000_U256);

/// Which contracts of Aave V3 are put on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// `POOL_REVISION` 1.
    V3_0,
    /// `POOL_REVISION` 5.
    V3_2,
}

impl Line {
    /// The contract of this line that is called `name`.
    pub(super) fn contract(self, name: &str) -> (Origin, &str) {
        match self {
            Line::V3_0 => (Origin::Aave, name),
            Line::V3_2 => (Origin::AaveV3_2, name),
        }
    }
}

/// What a reserve is set to, in basis points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReserveSettings {
    /// The most one may borrow against it when opening.
    pub max_ltv: u32,
    /// The LTV at which a loan against it may be liquidated.
    pub liquidation_threshold: u32,
    /// What a liquidator gets per repaid value: 10,450 is 4.5 % extra.
    pub liquidation_bonus: u32,
    /// The protocol's share of the interest.
    pub reserve_factor: u32,
    /// The utilization at the kink.
    pub optimal: u32,
    /// The borrow rate gained up to the kink; an unused reserve's rate is zero.
    pub slope1: u32,
    /// The borrow rate gained from the kink to full utilization.
    pub slope2: u32,
}

impl ReserveSettings {
    /// Returns what the reserve of an asset is set to.
    #[must_use]
    pub fn of(asset: Asset) -> ReserveSettings {
        let [
            max_ltv,
            liquidation_threshold,
            liquidation_bonus,
            reserve_factor,
            optimal,
            slope1,
            slope2,
        ] = match asset {
            Asset::Usdc => [7_500, 7_800, 10_450, 1_000, 9_000, 550, 4_000],
            Asset::Weth => [8_050, 8_300, 10_500, 1_500, 8_000, 270, 8_000],
            Asset::Dai => [6_300, 7_700, 10_500, 1_000, 9_000, 550, 7_500],
            Asset::Wbtc => [7_300, 7_800, 10_500, 2_000, 4_500, 400, 30_000],
        };
        ReserveSettings {
            max_ltv,
            liquidation_threshold,
            liquidation_bonus,
            reserve_factor,
            optimal,
            slope1,
            slope2,
        }
    }
}

/// The contracts of Aave V3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aave {
    /// `PoolAddressesProvider`.
    pub provider: Address,
    /// The pool, behind its proxy.
    pub pool: Address,
    /// The configurator, behind its proxy.
    pub configurator: Address,
    /// `AaveOracle`, which reads the feeds.
    pub oracle: Address,
    /// `AaveProtocolDataProvider`.
    pub data_provider: Address,
    /// The reserves.
    pub reserves: BTreeMap<Asset, AaveReserve>,
}

/// The contracts of one reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AaveReserve {
    /// What is lent.
    pub token: Address,
    /// The supplier's share.
    pub a_token: Address,
    /// The borrower's debt.
    pub variable_debt_token: Address,
    /// `DefaultReserveInterestRateStrategy`.
    pub rate_strategy: Address,
}

impl Aave {
    /// Reads which proxies the pool made for each reserve.
    pub(super) async fn read(mut self, chain: &LocalChain) -> Result<Aave, LocalChainError> {
        let found = chain.call(self.provider, &IAaveAddressesProvider::getPoolCall {}).await?;
        if found != self.pool {
            let found = found.to_string();
            return Err(LocalChainError::Answer { method: "getPool", found });
        }
        for reserve in self.reserves.values_mut() {
            let asset = reserve.token;
            let data = chain.call(self.pool, &IAavePool::getReserveDataCall { asset }).await?;
            reserve.a_token = data.aTokenAddress;
            reserve.variable_debt_token = data.variableDebtTokenAddress;
        }
        Ok(self)
    }
}

pub(super) fn deploy(
    steps: &mut Steps<'_>,
    tokens: &BTreeMap<Asset, TokenAndFeed>,
) -> Result<Aave, LocalChainError> {
    let provider = core(steps, Line::V3_0)?;
    // The provider creates a proxy for each of the two, in this order.
    let (pool, configurator) = (provider.create(1), provider.create(2));
    let oracle = oracle(steps, Line::V3_0, provider, tokens)?;
    let data_provider = data_provider(steps, Line::V3_0, provider)?;
    let mut reserves = BTreeMap::new();
    let implementations = implementations(steps, pool)?;
    for (asset, token) in tokens {
        let rate_strategy = rate_strategy(steps, provider, *asset)?;
        let listed = listing(*asset, token.token, rate_strategy, implementations);
        steps.call(configurator, &IAaveConfigurator::initReservesCall { input: vec![listed] });
        configure(steps, configurator, *asset, token.token);
        let reserve = AaveReserve {
            token: token.token,
            a_token: Address::ZERO,
            variable_debt_token: Address::ZERO,
            rate_strategy,
        };
        reserves.insert(*asset, reserve);
    }
    Ok(Aave { provider, pool, configurator, oracle, data_provider, reserves })
}

/// Addresses provider, roles, pool and configurator.
pub(super) fn core(steps: &mut Steps<'_>, line: Line) -> Result<Address, LocalChainError> {
    let admin = steps.from();
    let market = ("Local".to_owned(), admin).abi_encode_params();
    let provider = steps.create(line.contract("PoolAddressesProvider"), &market)?;
    steps.call(provider, &IAaveAddressesProvider::setACLAdminCall { admin });
    let manager = steps.create(line.contract("ACLManager"), &provider.abi_encode())?;
    steps.call(provider, &IAaveAddressesProvider::setACLManagerCall { manager });
    steps.call(manager, &IAaveAcl::addPoolAdminCall { admin });
    steps.call(manager, &IAaveAcl::addEmergencyAdminCall { admin });
    steps.call(manager, &IAaveAcl::addRiskAdminCall { admin });
    steps.call(manager, &IAaveAcl::addAssetListingAdminCall { admin });
    for library in LIBRARIES {
        steps.library(line.contract(library))?;
    }
    let [pool, configurator] = match line {
        Line::V3_0 => ["Pool", "PoolConfigurator"],
        Line::V3_2 => ["PoolInstance", "PoolConfiguratorInstance"],
    };
    let pool = steps.create(line.contract(pool), &provider.abi_encode())?;
    steps.call(provider, &IAaveAddressesProvider::setPoolImplCall { pool });
    let configurator = steps.create(line.contract(configurator), &[])?;
    steps.call(provider, &IAaveAddressesProvider::setPoolConfiguratorImplCall { configurator });
    Ok(provider)
}

pub(super) fn data_provider(
    steps: &mut Steps<'_>,
    line: Line,
    provider: Address,
) -> Result<Address, LocalChainError> {
    let reader = line.contract("AaveProtocolDataProvider");
    let reader = steps.create(reader, &provider.abi_encode())?;
    let call = IAaveAddressesProvider::setPoolDataProviderCall { provider: reader };
    steps.call(provider, &call);
    Ok(reader)
}

pub(super) fn oracle(
    steps: &mut Steps<'_>,
    line: Line,
    provider: Address,
    tokens: &BTreeMap<Asset, TokenAndFeed>,
) -> Result<Address, LocalChainError> {
    let assets: Vec<Address> = tokens.values().map(|token| token.token).collect();
    let feeds: Vec<Address> = tokens.values().map(|token| token.feed).collect();
    let unit = U256::from(100_000_000);
    let arguments =
        (provider, assets, feeds, Address::ZERO, Address::ZERO, unit).abi_encode_params();
    let oracle = steps.create(line.contract("AaveOracle"), &arguments)?;
    steps.call(provider, &IAaveAddressesProvider::setPriceOracleCall { oracle });
    Ok(oracle)
}

/// The code behind aTokens, stable and variable debt.
fn implementations(steps: &mut Steps<'_>, pool: Address) -> Result<[Address; 3], LocalChainError> {
    Ok([
        steps.create((Origin::Aave, "AToken"), &pool.abi_encode())?,
        steps.create((Origin::Aave, "StableDebtToken"), &pool.abi_encode())?,
        steps.create((Origin::Aave, "VariableDebtToken"), &pool.abi_encode())?,
    ])
}

fn rate_strategy(
    steps: &mut Steps<'_>,
    provider: Address,
    asset: Asset,
) -> Result<Address, LocalChainError> {
    let settings = ReserveSettings::of(asset);
    let ray = |bps: u32| U256::from(bps) * RAY_PER_BPS;
    let none = U256::ZERO;
    // Stable rates are off, as everywhere by now; the last five belong to them.
    let arguments = (
        provider,
        ray(settings.optimal),
        none,
        ray(settings.slope1),
        ray(settings.slope2),
        (none, none, none, none, none),
    )
        .abi_encode_params();
    steps.create((Origin::Aave, "DefaultReserveInterestRateStrategy"), &arguments)
}

fn listing(
    asset: Asset,
    token: Address,
    rate_strategy: Address,
    [a_token, stable, variable]: [Address; 3],
) -> InitReserveInput {
    let symbol = asset.symbol();
    InitReserveInput {
        aTokenImpl: a_token,
        stableDebtTokenImpl: stable,
        variableDebtTokenImpl: variable,
        underlyingAssetDecimals: asset.decimals(),
        interestRateStrategyAddress: rate_strategy,
        underlyingAsset: token,
        treasury: TREASURY,
        incentivesController: Address::ZERO,
        aTokenName: format!("Aave Local {symbol}"),
        aTokenSymbol: format!("a{symbol}"),
        variableDebtTokenName: format!("Aave Local Variable Debt {symbol}"),
        variableDebtTokenSymbol: format!("variableDebt{symbol}"),
        stableDebtTokenName: format!("Aave Local Stable Debt {symbol}"),
        stableDebtTokenSymbol: format!("stableDebt{symbol}"),
        params: Bytes::new(),
    }
}

pub(super) fn configure(
    steps: &mut Steps<'_>,
    configurator: Address,
    asset: Asset,
    token: Address,
) {
    let settings = ReserveSettings::of(asset);
    let bps = |value: u32| U256::from(value);
    steps.call(
        configurator,
        &IAaveConfigurator::configureReserveAsCollateralCall {
            asset: token,
            ltv: bps(settings.max_ltv),
            liquidationThreshold: bps(settings.liquidation_threshold),
            liquidationBonus: bps(settings.liquidation_bonus),
        },
    );
    let (asset, enabled) = (token, true);
    steps.call(configurator, &IAaveConfigurator::setReserveBorrowingCall { asset, enabled });
    steps.call(configurator, &IAaveConfigurator::setReserveFlashLoaningCall { asset, enabled });
    let factor = bps(settings.reserve_factor);
    steps.call(configurator, &IAaveConfigurator::setReserveFactorCall { asset, factor });
    // A tenth of the bonus goes to the protocol.
    let fee = bps(1_000);
    steps.call(configurator, &IAaveConfigurator::setLiquidationProtocolFeeCall { asset, fee });
}
