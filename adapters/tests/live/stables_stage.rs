//! Stable pools of Balancer with people's money, tokens with rates and without, and market contracts of ours in them.

use crate::pairs_stage::{feed_oracle, priced_token};
use crate::stage::{ACT_GAS, PLACES, Stage, units};
use alloy::primitives::{Address, B256, Bytes, FixedBytes, U256};
use alloy::sol_types::{SolCall, SolValue};
use plimsoll_localchain::abi::{
    IBalancerAuthorizer, IBalancerFees, IBalancerVault, IRateSource, IToken,
};
use plimsoll_localchain::{
    Asset, Call, Exchanges, Origin, StablePool, StableToken, deploy_exchanges,
};

alloy::sol! {
    /// What only the administrator of a pool calls.
    interface IPoolAdmin {
        function getActionId(bytes4 selector) external view returns (bytes32);
        function pause() external;
        function unpause() external;
        function enableRecoveryMode() external;
        function startAmplificationParameterUpdate(uint256 rawEndValue, uint256 endTime) external;
    }
}

/// A token beside the asset: its symbol, decimals, and for a rate what it is at first, how long the pool keeps it, and whether
/// the protocol takes no share of its growth.
type Beside = (&'static str, u8, Option<(u64, u64, bool)>);

/// What a pool is made of: the asset, the others, amplification, and the swap fee in millionths.
type Recipe = (Asset, &'static [Beside], u64, u64);

const WANTED: [Recipe; PLACES] = [
    (Asset::Usdc, &[("USDX", 18, None), ("USDY", 8, Some((1_100_000, 5_000, true)))], 500, 100),
    (Asset::Wbtc, &[("BTCX", 18, Some((1_000_000, 20_000, false)))], 50, 400),
    (Asset::Weth, &[("wETHX", 18, Some((1_200_000, 0, false)))], 200, 400),
    (Asset::Dai, &[("USDZ", 6, None)], 1_000, 50),
];
/// Dollars of each token that people provide in a pool.
const DEPTH: u64 = 2_000_000_000;

/// A token of a pool beside the asset.
#[derive(Debug, Clone)]
pub(crate) struct Beneath {
    pub(crate) token: Address,
    pub(crate) decimals: u8,
    pub(crate) feed: Address,
    pub(crate) provider: Address,
    pub(crate) oracle: Address,
}

pub(crate) struct StablePlace {
    pub(crate) asset: Asset,
    pub(crate) pool: StablePool,
    pub(crate) others: Vec<Beneath>,
    pub(crate) contract: Address,
}

pub(crate) struct Stables {
    pub(crate) exchanges: Exchanges,
    pub(crate) places: Vec<StablePlace>,
}

fn ten(places: u8) -> U256 {
    U256::from(10).pow(U256::from(places))
}

impl Stables {
    pub(crate) async fn open(stage: &mut Stage) {
        let exchanges = deploy_exchanges(&stage.chain, &stage.artifacts).await.unwrap();
        let mut stables = Stables { exchanges, places: Vec::new() };
        stables.protocol_takes(stage).await;
        for recipe in WANTED {
            let made = stables.place(stage, recipe).await;
            stables.places.push(made);
        }
        stage.stables = Some(stables);
    }

    /// Lets the administrator call `selector` of `target`.
    async fn allow(&self, stage: &Stage, target: Address, selector: [u8; 4]) {
        let selector = FixedBytes(selector);
        let role: B256 = stage.asks(target, &IPoolAdmin::getActionIdCall { selector }).await;
        let (admin, authorizer) = (self.exchanges.admin, self.exchanges.balancer.authorizer);
        let grant = IBalancerAuthorizer::grantRoleCall { role, account: admin };
        stage.does(admin, authorizer, &grant).await;
    }

    /// The administrator calls a pool.
    pub(crate) async fn administer<C: SolCall>(&self, stage: &Stage, place: usize, call: &C) {
        let pool = self.places[place].pool.address;
        self.allow(stage, pool, C::SELECTOR).await;
        stage.does(self.exchanges.admin, pool, call).await;
    }

    /// The protocol takes half of the swap fees and a fifth of the yield.
    async fn protocol_takes(&self, stage: &Stage) {
        let balancer = &self.exchanges.balancer;
        let collector = IBalancerVault::getProtocolFeesCollectorCall {};
        let collector = stage.asks(balancer.vault, &collector).await;
        let percent = |share: u64| U256::from(share) * ten(16);
        let swap = IBalancerFees::setSwapFeePercentageCall { newSwapFeePercentage: percent(50) };
        let (fee_type, value) = (U256::from(2), percent(20));
        let earned = IBalancerFees::setFeeTypePercentageCall { feeType: fee_type, newValue: value };
        let provider = balancer.fee_percentages;
        let selector = IBalancerFees::setSwapFeePercentageCall::SELECTOR;
        self.allow(stage, collector, selector).await;
        let selector = IBalancerFees::setFeeTypePercentageCall::SELECTOR;
        self.allow(stage, provider, selector).await;
        stage.does(self.exchanges.admin, collector, &swap).await;
        stage.does(self.exchanges.admin, provider, &earned).await;
    }

    async fn place(&self, stage: &Stage, (asset, beside, weight, fee): Recipe) -> StablePlace {
        let price = u64::from(asset.first_price_usd());
        let mut others = Vec::new();
        let mut listed = vec![StableToken {
            token: stage.token(asset),
            rate_provider: Address::ZERO,
            cache_seconds: 0,
            is_exempt: false,
        }];
        for (symbol, decimals, rated) in beside {
            let (token, feed) = priced_token(stage, (symbol, *decimals), price * 1_000_000).await;
            let oracle = feed_oracle(stage, (token, feed), asset).await;
            let mut provider = Address::ZERO;
            let (mut cache_seconds, mut is_exempt) = (0, false);
            if let Some((millionths, seconds, exempt)) = rated {
                provider = stage.created(Origin::StandIn, "RateSource", Vec::new()).await;
                let rate = U256::from(*millionths) * ten(12);
                stage.does(stage.deployed.admin, provider, &IRateSource::setCall { rate }).await;
                (cache_seconds, is_exempt) = (*seconds, *exempt);
            }
            listed.push(StableToken { token, rate_provider: provider, cache_seconds, is_exempt });
            others.push(Beneath { token, decimals: *decimals, feed, provider, oracle });
        }
        let how = (weight, U256::from(fee) * ten(12));
        let (balancer, who) = (&self.exchanges.balancer, stage.account(1));
        let pool = balancer.create_stable_pool(&stage.chain, who, &listed, how).await.unwrap();
        let inner: Vec<Address> =
            pool.tokens.iter().copied().filter(|token| *token != pool.address).collect();
        let mut amounts = Vec::new();
        let mut oracles = Vec::new();
        for token in &inner {
            let other = others.iter().find(|other| other.token == *token);
            let places = other.map_or(asset.decimals(), |other| other.decimals);
            amounts.push(U256::from(DEPTH) * ten(places) / U256::from(price));
            oracles.push(other.map_or(Address::ZERO, |other| other.oracle));
        }
        let funds: Vec<_> = inner.iter().copied().zip(amounts.iter().copied()).collect();
        self.exchanges.fund(&stage.chain, who, &funds).await.unwrap();
        stage.chain.execute(&[balancer.initialize(who, &pool, &amounts)]).await.unwrap();
        let bounds = (U256::from(100), U256::from(1_000));
        let arguments =
            (stage.owner, stage.token(asset), pool.address, oracles, bounds.0, bounds.1);
        let arguments = arguments.abi_encode_params();
        let contract = stage.created(Origin::Plimsoll, "BalancerStableMarket", arguments).await;
        StablePlace { asset, pool, others, contract }
    }

    /// Somebody swaps so many raw units of one token of a pool for another.
    pub(crate) async fn swap(
        &self,
        stage: &Stage,
        place: usize,
        (from, to): (Address, Address),
        amount: U256,
    ) {
        let (who, spot) = (stage.account(3), &self.places[place]);
        self.exchanges.fund(&stage.chain, who, &[(from, amount)]).await.unwrap();
        let single = IBalancerVault::SingleSwap {
            poolId: spot.pool.id,
            kind: 0,
            assetIn: from,
            assetOut: to,
            amount,
            userData: Bytes::new(),
        };
        let funds = IBalancerVault::FundManagement {
            sender: who,
            fromInternalBalance: false,
            recipient: who,
            toInternalBalance: false,
        };
        let (limit, deadline) = (U256::ZERO, U256::MAX);
        let call = IBalancerVault::swapCall { singleSwap: single, funds, limit, deadline };
        let call = Call::new(who, self.exchanges.balancer.vault, &call).with_gas(ACT_GAS);
        stage.chain.execute(&[call]).await.unwrap();
    }
}

impl StablePlace {
    /// The pool's tokens with their balances in Balancer's Vault, without its own share.
    pub(crate) async fn balances(&self, stage: &Stage) -> Vec<(Address, U256)> {
        let vault = stage.stables.as_ref().unwrap().exchanges.balancer.vault;
        let held = IBalancerVault::getPoolTokensCall { poolId: self.pool.id };
        let found = stage.asks(vault, &held).await;
        let all = found.tokens.into_iter().zip(found.balances);
        all.filter(|(token, _)| *token != self.pool.address).collect()
    }

    /// So many dollars of a token, in raw units; the asset where `other` is none.
    pub(crate) fn dollars(&self, other: Option<usize>, dollars: u64) -> U256 {
        let price = U256::from(self.asset.first_price_usd());
        match other {
            Some(other) => U256::from(dollars) * ten(self.others[other].decimals) / price,
            None => units(dollars, self.asset) / price,
        }
    }

    /// A token's rate changes by millionths, which the pool notices when it reads it anew.
    pub(crate) async fn rate_moves(&self, stage: &Stage, other: usize, by: i64) {
        let provider = self.others[other].provider;
        let rate = stage.asks(provider, &IRateSource::getRateCall {}).await;
        let part = U256::from(1_000_000u64.checked_add_signed(by).unwrap());
        let rate = rate * part / U256::from(1_000_000);
        stage.does(stage.deployed.admin, provider, &IRateSource::setCall { rate }).await;
    }

    /// Somebody joins the pool with so many raw units of one token.
    pub(crate) async fn join(&self, stage: &Stage, token: Address, amount: U256) {
        let exchanges = &stage.stables.as_ref().unwrap().exchanges;
        let who = stage.account(5);
        exchanges.fund(&stage.chain, who, &[(token, amount)]).await.unwrap();
        let inner = self.pool.tokens.iter().filter(|each| **each != self.pool.address);
        let amounts: Vec<U256> =
            inner.map(|each| if *each == token { amount } else { U256::ZERO }).collect();
        let data = (U256::from(1), amounts, U256::ZERO).abi_encode_params();
        let call = exchanges.balancer.join(who, &self.pool, data.into());
        stage.chain.execute(&[call.with_gas(ACT_GAS)]).await.unwrap();
    }
}

/// What an account holds of a token, as the bytecode says.
pub(crate) async fn gift(stage: &Stage, token: Address, (from, to): (Address, Address), part: u64) {
    let amount = stage.balance(from, token).await / U256::from(part);
    stage.does(from, token, &IToken::transferCall { to, amount }).await;
}
