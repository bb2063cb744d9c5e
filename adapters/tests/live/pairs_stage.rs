//! Pairs of Uniswap V2 with people's liquidity, campaigns for their shares, and market contracts of ours in them.

use crate::ranges_stage::HEARTBEAT;
use crate::stage::{ACT_GAS, EMPTY, PLACES, Stage, units};
use alloy::primitives::{Address, U256};
use alloy::sol_types::{SolCall, SolValue};
use plimsoll_adapters::live::oracle::PROBE;
use plimsoll_localchain::abi::{IPriceFeed, IStakingRewards, IToken, IUniswapV2Pair};
use plimsoll_localchain::{
    Asset, Call, Exchanges, Origin, deploy_exchanges, deploy_staking_rewards,
};

alloy::sol! {
    #![sol(all_derives)]
    /// `contracts/src/markets/UniswapV2Market.sol`, and what others have of it.
    interface IPooledMarket {
        function deposit(uint256 assets, bytes data) external;
        function withdraw(uint256 assets) external;
        function harvest(bytes data) external;
        function arrange(bytes data) external;
        function value() external view returns (uint256 low, uint256 high, bool isFresh);
        function liquidity() external view returns (uint256);
        function shares() external view returns (uint256);
        function staked() external view returns (uint256);
        function held() external view returns (uint256);
        function unsold() external view returns (uint256);
        function position() external view returns (uint256 units, uint256 index, uint256 priceLow, uint256 priceHigh);
        function note() external;
    }
    interface IPriced {
        function quote(uint256 amount) external view returns (uint256 low, uint256 high, bool isFresh);
    }
}

/// The asset and the other token of each place; the first and the third are in the same pair.
const WANTED: [(Asset, Asset); PLACES] = [
    (Asset::Usdc, Asset::Weth),
    (Asset::Wbtc, Asset::Weth),
    (Asset::Weth, Asset::Usdc),
    (Asset::Dai, Asset::Weth),
];
/// Dollars of each token that people provide in a pair.
pub(crate) const DEPTH: u64 = 20_000_000_000;
/// The oracle's band on either side, basis points.
const BAND: u64 = 10;

pub(crate) struct PairPlace {
    pub(crate) asset: Asset,
    pub(crate) other: Asset,
    pub(crate) pair: Address,
    pub(crate) oracle: Address,
    pub(crate) staking: Option<Address>,
    pub(crate) reward_oracle: Option<Address>,
    pub(crate) contract: Address,
}

/// A token that campaigns are paid in, worth two dollars at first.
pub(crate) struct RewardToken {
    pub(crate) token: Address,
    pub(crate) feed: Address,
    pub(crate) pair: Address,
}

pub(crate) struct Pairs {
    pub(crate) exchanges: Exchanges,
    pub(crate) places: Vec<PairPlace>,
    pub(crate) reward: RewardToken,
}

/// The vault, or whoever is in its place, tells a market contract something.
pub(crate) async fn told(
    stage: &Stage,
    contract: Address,
    call: &impl SolCall,
) -> Result<(), plimsoll_localchain::LocalChainError> {
    let call = Call::new(stage.owner, contract, call).with_gas(ACT_GAS);
    stage.chain.execute(&[call]).await.map(|_| ())
}

/// A `FeedOracle` of a token in an asset, from two feeds.
pub(crate) async fn feed_oracle(
    stage: &Stage,
    (token, feed): (Address, Address),
    asset: Asset,
) -> Address {
    let listed = stage.deployed.token(asset).unwrap();
    let believed = |feed: Address| (feed, HEARTBEAT, U256::from(1), U256::from(u64::MAX));
    let both = (believed(feed), believed(listed.feed));
    let arguments = (token, listed.token, both.0, both.1, U256::from(BAND)).abi_encode_params();
    stage.created(Origin::Plimsoll, "FeedOracle", arguments).await
}

/// A token with a feed that says so many dollars.
pub(crate) async fn priced_token(
    stage: &Stage,
    (symbol, decimals): (&str, u8),
    millionths: u64,
) -> (Address, Address) {
    let named = (symbol.to_owned(), symbol.to_owned(), U256::from(decimals)).abi_encode_params();
    let token = stage.created(Origin::StandIn, "Token", named).await;
    let answer = U256::from(millionths * 100);
    let posted = (format!("{symbol} / USD"), U256::from(8), answer).abi_encode_params();
    (token, stage.created(Origin::StandIn, "PriceFeed", posted).await)
}

impl Pairs {
    pub(crate) async fn open(stage: &mut Stage) {
        let exchanges = deploy_exchanges(&stage.chain, &stage.artifacts).await.unwrap();
        let (token, feed) = priced_token(stage, ("RWD", 18), 2_000_000).await;
        let reward = RewardToken { token, feed, pair: Address::ZERO };
        let mut pairs = Pairs { exchanges, places: Vec::new(), reward };
        let usdc = stage.token(Asset::Usdc);
        let sides = ((usdc, units(10_000_000, Asset::Usdc)), (token, units(5_000_000, Asset::Dai)));
        pairs.reward.pair = pairs.filled(stage, sides).await;
        for (place, wanted) in WANTED.into_iter().enumerate() {
            let made = pairs.place(stage, wanted, place).await;
            pairs.places.push(made);
        }
        stage.pairs = Some(pairs);
    }

    /// A pair that somebody has filled.
    async fn filled(
        &self,
        stage: &Stage,
        (one, other): ((Address, U256), (Address, U256)),
    ) -> Address {
        let (v2, who) = (&self.exchanges.uniswap_v2, stage.account(1));
        let pair = v2.create_pair(&stage.chain, who, (one.0, other.0)).await.unwrap();
        self.exchanges.fund(&stage.chain, who, &[one, other]).await.unwrap();
        v2.add_liquidity(&stage.chain, who, (one, other)).await.unwrap();
        pair
    }

    async fn place(
        &self,
        stage: &Stage,
        (asset, other): (Asset, Asset),
        place: usize,
    ) -> PairPlace {
        let tokens = (stage.token(asset), stage.token(other));
        let amount = |asset: Asset| units(DEPTH, asset) / U256::from(asset.first_price_usd());
        let pair = match place {
            2 => self.places[0].pair,
            EMPTY => {
                let v2 = &self.exchanges.uniswap_v2;
                v2.create_pair(&stage.chain, stage.account(1), tokens).await.unwrap()
            }
            _ => self.filled(stage, ((tokens.0, amount(asset)), (tokens.1, amount(other)))).await,
        };
        let feed = stage.deployed.token(other).unwrap().feed;
        let oracle = feed_oracle(stage, (tokens.1, feed), asset).await;
        // The first is staked for a reward that is sold, the second for the asset itself.
        let reward = [Some(self.reward.token), Some(tokens.0), None, None][place];
        let mut staking = None;
        if let Some(reward) = reward {
            let (admin, nothing) = (stage.deployed.admin, U256::ZERO);
            let begun = (pair, reward, nothing);
            let made = deploy_staking_rewards(&stage.chain, &stage.artifacts, admin, begun).await;
            staking = Some(made.unwrap());
        }
        let (mut reward_oracle, mut swap) = (None, Address::ZERO);
        if reward == Some(self.reward.token) {
            let priced = (self.reward.token, self.reward.feed);
            reward_oracle = Some(feed_oracle(stage, priced, asset).await);
            let arguments = self.reward.pair.abi_encode();
            swap = stage.created(Origin::Plimsoll, "UniswapV2Swap", arguments).await;
        }
        let none = Address::ZERO;
        let settings = (
            pair,
            oracle,
            staking.unwrap_or(none),
            reward_oracle.unwrap_or(none),
            swap,
            U256::from(100),
            U256::from(1_000),
        );
        let arguments = (stage.owner, tokens.0, settings).abi_encode_params();
        let contract = stage.created(Origin::Plimsoll, "UniswapV2Market", arguments).await;
        PairPlace { asset, other, pair, oracle, staking, reward_oracle, contract }
    }

    /// Somebody sells so many raw units in a pair.
    pub(crate) async fn trade(&self, stage: &Stage, place: usize, sells_asset: bool, amount: U256) {
        let spot = &self.places[place];
        let (from, to) =
            if sells_asset { (spot.asset, spot.other) } else { (spot.other, spot.asset) };
        let (who, from, to) = (stage.account(3), stage.token(from), stage.token(to));
        self.exchanges.fund(&stage.chain, who, &[(from, amount)]).await.unwrap();
        let call = self.exchanges.uniswap_v2.sell(who, (from, to), amount);
        stage.chain.execute(&[call.with_gas(ACT_GAS)]).await.unwrap();
    }

    /// A campaign of 60 days begins, or goes on, with so many raw units more.
    pub(crate) async fn campaign(&self, stage: &Stage, place: usize, reward: U256) {
        let spot = &self.places[place];
        let token = if place == 0 { self.reward.token } else { stage.token(spot.asset) };
        let (admin, staking) = (stage.deployed.admin, spot.staking.unwrap());
        stage.does(admin, token, &IToken::mintCall { to: staking, amount: reward }).await;
        stage.does(admin, staking, &IStakingRewards::notifyRewardAmountCall { reward }).await;
    }

    /// The provider stakes one part in `parts` of the shares that are left to them.
    pub(crate) async fn others_stake(&self, stage: &Stage, place: usize, parts: u64) {
        let (spot, who) = (&self.places[place], stage.account(1));
        let staking = spot.staking.unwrap();
        let amount = stage.balance(who, spot.pair).await / U256::from(parts);
        let approve = IUniswapV2Pair::approveCall { spender: staking, amount };
        stage.does(who, spot.pair, &approve).await;
        stage.does(who, staking, &IStakingRewards::stakeCall { amount }).await;
    }
}

impl PairPlace {
    /// The oracle's worst, middle and best price.
    pub(crate) async fn quote(&self, stage: &Stage) -> (U256, U256, U256) {
        let said = stage.asks(self.oracle, &IPriced::quoteCall { amount: PROBE }).await;
        (said.low, (said.low + said.high) / U256::from(2), said.high)
    }
}

/// Has a feed say so many millionths of a dollar.
pub(crate) async fn post_to(stage: &Stage, feed: Address, millionths: u64) {
    let answer = alloy::primitives::I256::try_from(millionths * 100).unwrap();
    stage.does(stage.deployed.admin, feed, &IPriceFeed::postCall { answer }).await;
}
