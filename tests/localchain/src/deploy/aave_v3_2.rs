//! Aave V3.2 (`POOL_REVISION` 5) beside the v3.0 line: its own provider, roles, pool and reserves over the same
//! tokens and feeds, with rewards for suppliers and an ERC-4626 token over each reserve.
//!
//! The bytecode is Aave's own. What the rewards are paid in is a stand-in token with a stand-in feed.

use super::Deployment;
use super::aave::{self, Aave, AaveReserve, Line, ReserveSettings, TREASURY};
use super::steps::Steps;
use super::tokens::{Asset, FEED_DECIMALS, TokenAndFeed};
use crate::abi::IAaveConfiguratorV3_2::InitReserveInput;
use crate::abi::{
    IAaveAddressesProvider, IAaveConfiguratorV3_2, IAaveEmissionManager, IStataFactory, IToken,
};
use crate::{Artifacts, Call, LocalChain, LocalChainError, Origin};
use alloy::primitives::{Address, Bytes, U256, address, aliases::U88, keccak256};
use alloy::sol_types::{SolCall, SolValue};
use std::collections::BTreeMap;

/// Who administers the proxies of the ERC-4626 tokens: an address that uses none of them, since an administrator
/// cannot call what lies behind its proxy.
const PROXY_ADMIN: Address = address!("0x0000000000000000000000000000000000ad3141");
/// The price in whole USD that the reward's feed starts with.
const REWARD_USD: u64 = 5;

/// The contracts of Aave V3.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AaveV3_2 {
    /// Pool, oracle, reserves: as the older line has them, so that whatever acts on that acts on this.
    pub aave: Aave,
    /// `RewardsController`, behind its proxy.
    pub rewards_controller: Address,
    /// `EmissionManager`, which starts campaigns.
    pub emission_manager: Address,
    /// Pays rewards out of the administrator's pocket.
    pub transfer_strategy: Address,
    /// What rewards are paid in, with 18 decimals.
    pub reward: TokenAndFeed,
    /// `StataTokenV2` of each reserve: ERC-4626 over its aToken.
    pub stata: BTreeMap<Asset, Address>,
}

/// Rewards for the holders of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Campaign {
    /// An aToken, or a debt token.
    pub holders_of: Address,
    /// Raw units of the reward a second, for all holders together.
    pub per_second: u128,
    /// When it ends, Unix seconds.
    pub end: u32,
}

impl AaveV3_2 {
    /// Returns the call by which the administrator starts a campaign, or sets one anew.
    ///
    /// # Errors
    /// [`LocalChainError::Answer`] for an emission that the contract has no room for.
    pub fn campaign(&self, admin: Address, campaign: Campaign) -> Result<Call, LocalChainError> {
        let Campaign { holders_of, per_second, end } = campaign;
        let emission = U88::checked_from_limbs_slice(U256::from(per_second).as_limbs());
        let found = format!("an emission of {per_second} a second, which no uint88 holds");
        let emission =
            emission.ok_or(LocalChainError::Answer { method: "configureAssets", found })?;
        let config = vec![IAaveEmissionManager::Campaign {
            emissionPerSecond: emission,
            totalSupply: U256::ZERO,
            distributionEnd: end,
            asset: holders_of,
            reward: self.reward.token,
            transferStrategy: self.transfer_strategy,
            rewardOracle: self.reward.feed,
        }];
        let call = IAaveEmissionManager::configureAssetsCall { config };
        Ok(Call::new(admin, self.emission_manager, &call))
    }
}

/// Puts Aave V3.2 beside what [`super::deploy()`] made, from the same account; nothing of that is touched.
///
/// # Errors
/// [`LocalChainError`] when an artifact is missing or a step reverts.
pub async fn deploy_aave_v3_2(
    chain: &LocalChain,
    artifacts: &Artifacts,
    deployment: &Deployment,
) -> Result<AaveV3_2, LocalChainError> {
    let mut steps = Steps::start(chain, artifacts).await?;
    let provider = aave::core(&mut steps, Line::V3_2)?;
    // The provider creates a proxy for each of the three, in this order.
    let [pool, configurator, rewards_controller] = [1, 2, 3].map(|nonce| provider.create(nonce));
    let oracle = aave::oracle(&mut steps, Line::V3_2, provider, &deployment.tokens)?;
    let data_provider = aave::data_provider(&mut steps, Line::V3_2, provider)?;
    let rewards = rewards(&mut steps, provider, rewards_controller)?;
    let reserves =
        reserves(&mut steps, deployment, (provider, pool, configurator), rewards_controller)?;
    let factory = stata_factory(&mut steps, pool, rewards_controller)?;
    for token in deployment.tokens.values() {
        let underlyings = vec![token.token];
        steps.call(factory, &IStataFactory::createStataTokensCall { underlyings });
    }
    steps.finish().await?;
    let aave = Aave { provider, pool, configurator, oracle, data_provider, reserves };
    let aave = aave.read(chain).await?;
    let mut stata = BTreeMap::new();
    for (asset, token) in &deployment.tokens {
        let call = IStataFactory::getStataTokenCall { underlying: token.token };
        stata.insert(*asset, chain.call(factory, &call).await?);
    }
    let (emission_manager, transfer_strategy, reward) = rewards;
    Ok(AaveV3_2 { aave, rewards_controller, emission_manager, transfer_strategy, reward, stata })
}

/// Emission manager, controller, the token that is paid, and how: drawn from the administrator.
fn rewards(
    steps: &mut Steps<'_>,
    provider: Address,
    controller: Address,
) -> Result<(Address, Address, TokenAndFeed), LocalChainError> {
    let admin = steps.from();
    let manager = steps.create(Line::V3_2.contract("EmissionManager"), &admin.abi_encode())?;
    let implementation =
        steps.create(Line::V3_2.contract("RewardsController"), &manager.abi_encode())?;
    let id = keccak256("INCENTIVES_CONTROLLER");
    steps.call(provider, &IAaveAddressesProvider::setAddressAsProxyCall { id, implementation });
    steps.call(manager, &IAaveEmissionManager::setRewardsControllerCall { controller });
    let named = ("Reward".to_owned(), "RWD".to_owned(), U256::from(18)).abi_encode_params();
    let reward = steps.create((Origin::StandIn, "Token"), &named)?;
    let answer = U256::from(REWARD_USD) * U256::from(100_000_000);
    let posted = ("RWD / USD".to_owned(), U256::from(FEED_DECIMALS), answer).abi_encode_params();
    let feed = steps.create((Origin::StandIn, "PriceFeed"), &posted)?;
    let paid = (controller, admin, admin).abi_encode_params();
    let strategy = steps.create(Line::V3_2.contract("PullRewardsTransferStrategy"), &paid)?;
    let most = U256::MAX;
    // Half of what there can be: the rest leaves room for those who mint it for themselves.
    let amount = most >> 1;
    steps.call(reward, &IToken::mintCall { to: admin, amount });
    steps.call(reward, &IToken::approveCall { spender: strategy, amount: most });
    steps.call(manager, &IAaveEmissionManager::setEmissionAdminCall { reward, admin });
    Ok((manager, strategy, TokenAndFeed { token: reward, feed }))
}

/// Lists the four reserves; one contract has the rates of all.
fn reserves(
    steps: &mut Steps<'_>,
    deployment: &Deployment,
    (provider, pool, configurator): (Address, Address, Address),
    rewards_controller: Address,
) -> Result<BTreeMap<Asset, AaveReserve>, LocalChainError> {
    let strategy = Line::V3_2.contract("DefaultReserveInterestRateStrategyV2");
    let rate_strategy = steps.create(strategy, &provider.abi_encode())?;
    let a_token = steps.create(Line::V3_2.contract("ATokenInstance"), &pool.abi_encode())?;
    let debt = Line::V3_2.contract("VariableDebtTokenInstance");
    let debt = steps.create(debt, &pool.abi_encode())?;
    let mut reserves = BTreeMap::new();
    for (asset, token) in &deployment.tokens {
        let symbol = asset.symbol();
        let ReserveSettings { optimal, slope1, slope2, .. } = ReserveSettings::of(*asset);
        let rates = [optimal, 0, slope1, slope2].map(U256::from);
        let listed = InitReserveInput {
            aTokenImpl: a_token,
            variableDebtTokenImpl: debt,
            useVirtualBalance: true,
            interestRateStrategyAddress: rate_strategy,
            underlyingAsset: token.token,
            treasury: TREASURY,
            incentivesController: rewards_controller,
            aTokenName: format!("Aave Local V3.2 {symbol}"),
            aTokenSymbol: format!("a{symbol}"),
            variableDebtTokenName: format!("Aave Local V3.2 Variable Debt {symbol}"),
            variableDebtTokenSymbol: format!("variableDebt{symbol}"),
            params: Bytes::new(),
            interestRateData: rates.abi_encode().into(),
        };
        let input = vec![listed];
        steps.call(configurator, &IAaveConfiguratorV3_2::initReservesCall { input });
        aave::configure(steps, configurator, *asset, token.token);
        let (a_token, variable_debt_token) = (Address::ZERO, Address::ZERO);
        let token = token.token;
        reserves.insert(*asset, AaveReserve { token, a_token, variable_debt_token, rate_strategy });
    }
    Ok(reserves)
}

/// The factory of ERC-4626 tokens, behind its proxy.
fn stata_factory(
    steps: &mut Steps<'_>,
    pool: Address,
    rewards_controller: Address,
) -> Result<Address, LocalChainError> {
    let proxies = steps.create(Line::V3_2.contract("TransparentProxyFactory"), &[])?;
    let arguments = (pool, rewards_controller).abi_encode_params();
    let token = steps.create(Line::V3_2.contract("StataTokenV2"), &arguments)?;
    let arguments = (pool, PROXY_ADMIN, proxies, token).abi_encode_params();
    let factory = steps.create(Line::V3_2.contract("StataTokenFactory"), &arguments)?;
    let initialize: Bytes = IStataFactory::initializeCall {}.abi_encode().into();
    let arguments = (factory, PROXY_ADMIN, initialize).abi_encode_params();
    steps.create(Line::V3_2.contract("TransparentUpgradeableProxy"), &arguments)
}
