//! Pools of Uniswap V3 with people's liquidity, and market contracts of ours with a range of each.

use crate::stage::{ACT_GAS, EMPTY, PLACES, Stage, units};
use alloy::primitives::aliases::{I24, U24};
use alloy::primitives::{Address, Bytes, U160, U256, U512};
use alloy::sol_types::{SolCall, SolValue};
use plimsoll_adapters::live::uniswap_v3::holding::PROBE;
use plimsoll_core::lp::fixed::root_down;
use plimsoll_localchain::abi::{
    IPositionManager, IPriceFeed, IToken, IUniswapV3Pool, IncentiveKey,
};
use plimsoll_localchain::{Asset, Call, Exchanges, Origin, deploy_exchanges};

alloy::sol! {
    #![sol(all_derives)]
    /// `contracts/src/markets/UniswapV3Market.sol`.
    interface IRangeMarket {
        function deposit(uint256 assets, bytes data) external;
        function withdraw(uint256 assets) external;
        function harvest(bytes data) external;
        function arrange(bytes data) external;
        function transferInKind(address to, uint256 shareOfWad) external returns (address token, uint256 amount);
        function value() external view returns (uint256 low, uint256 high, bool isFresh);
        function liquidity() external view returns (uint256);
        function liquidityUnits() external view returns (uint128);
        function fees() external view returns (uint256 assets, uint256 others);
        function tokenId() external view returns (uint256);
        function lower() external view returns (int24);
        function upper() external view returns (int24);
    }
    interface IQuotes {
        function quote(uint256 amount) external view returns (uint256 low, uint256 high, bool isFresh);
    }
}

/// The asset, the other token, the fee and the spacing of each place.
const WANTED: [(Asset, Asset, u32, i32); PLACES] = [
    (Asset::Usdc, Asset::Weth, 3_000, 60),
    (Asset::Wbtc, Asset::Weth, 3_000, 60),
    (Asset::Weth, Asset::Usdc, 500, 10),
    (Asset::Dai, Asset::Weth, 3_000, 60),
];
/// Dollars of each token that people provide in a pool.
const DEPTH: u64 = 20_000_000_000;
/// The oracle's band on either side, basis points.
const BAND: u64 = 10;
/// Seconds after which a feed is too old.
pub(crate) const HEARTBEAT: u32 = 400 * 86_400;
/// Seconds in an hour.
const HOUR: u64 = 3_600;

pub(crate) struct RangePlace {
    pub(crate) asset: Asset,
    pub(crate) other: Asset,
    pub(crate) fee: u32,
    pub(crate) spacing: i32,
    pub(crate) pool: Address,
    pub(crate) oracle: Address,
    pub(crate) contract: Address,
}

pub(crate) struct Ranges {
    pub(crate) exchanges: Exchanges,
    pub(crate) places: Vec<RangePlace>,
}

/// The root of raw token 1 per raw token 0, Q64.96, of tokens worth so many dollars.
fn root((zero, usd_zero): (Asset, u64), (one, usd_one): (Asset, u64)) -> U256 {
    let ten = |places: u8| U512::from(10).pow(U512::from(places));
    let ratio: U512 = (U512::from(usd_zero) * ten(one.decimals())) << 192;
    root_down(ratio / (U512::from(usd_one) * ten(zero.decimals())))
}

impl Ranges {
    pub(crate) async fn open(stage: &mut Stage) {
        let exchanges = deploy_exchanges(&stage.chain, &stage.artifacts).await.unwrap();
        let mut ranges = Ranges { exchanges, places: Vec::new() };
        for (place, wanted) in WANTED.into_iter().enumerate() {
            let made = ranges.place(stage, wanted, place != EMPTY).await;
            ranges.places.push(made);
        }
        stage.ranges = Some(ranges);
    }

    async fn place(
        &self,
        stage: &Stage,
        (asset, other, fee, spacing): (Asset, Asset, u32, i32),
        is_lived_in: bool,
    ) -> RangePlace {
        let tokens = (stage.token(asset), stage.token(other));
        let usd = |asset: Asset| (asset, u64::from(asset.first_price_usd()));
        let is_zero = tokens.0 < tokens.1;
        let (zero, one) = if is_zero { (asset, other) } else { (other, asset) };
        let root = root(usd(zero), usd(one));
        let v3 = &self.exchanges.uniswap_v3;
        let admin = stage.deployed.admin;
        let price = (fee, U160::saturating_from(root));
        let pool = v3.create_pool(&stage.chain, admin, tokens, price).await.unwrap();
        if is_lived_in {
            for (half, part) in [(200, 1u64), (20, 10), (3, 30)] {
                self.provide(stage, pool, (zero, one, fee, spacing), (half, part)).await;
            }
        }
        let feed = |asset: Asset| {
            let feed = stage.deployed.token(asset).unwrap().feed;
            (feed, HEARTBEAT, U256::from(1), U256::from(u64::MAX))
        };
        let oracle = (tokens.1, tokens.0, feed(other), feed(asset), U256::from(BAND));
        let oracle =
            stage.created(Origin::Plimsoll, "FeedOracle", oracle.abi_encode_params()).await;
        let swap = stage.created(Origin::Plimsoll, "UniswapV3Swap", pool.abi_encode()).await;
        let bound = U256::from;
        let none = Address::ZERO;
        // The reward is the asset: it needs no oracle and no sale.
        let settings = (
            (pool, v3.positions, swap, oracle, v3.staker, tokens.0, none, none),
            (bound(120), bound(24_000), bound(1_200), bound(200), bound(100), bound(1_000)),
        );
        let arguments = (stage.owner, tokens.0, settings).abi_encode_params();
        let contract = stage.created(Origin::Plimsoll, "UniswapV3Market", arguments).await;
        let place = RangePlace { asset, other, fee, spacing, pool, oracle, contract };
        if is_lived_in {
            let (tick, step) = (place.tick(stage).await, place.spacing);
            let middle = tick.div_euclid(step) * step;
            let half = 50 * step.max(20) / step * step;
            place
                .first(stage, units(1, asset) / U256::from(10), (middle - half, middle + half))
                .await;
        }
        place
    }

    /// Somebody provides one part of [`DEPTH`] within so many spacings times ten of the price.
    async fn provide(
        &self,
        stage: &Stage,
        pool: Address,
        (zero, one, fee, spacing): (Asset, Asset, u32, i32),
        (half, part): (i32, u64),
    ) {
        let who = stage.account(1);
        let amount =
            |asset: Asset| units(DEPTH / part, asset) / U256::from(asset.first_price_usd());
        let funds = [(stage.token(zero), amount(zero)), (stage.token(one), amount(one))];
        self.exchanges.fund(&stage.chain, who, &funds).await.unwrap();
        let tick = stage.asks(pool, &IUniswapV3Pool::slot0Call {}).await.tick.as_i32();
        let (step, half) = (spacing, half * 60 / spacing * spacing);
        let middle = tick.div_euclid(step) * step;
        let params = IPositionManager::MintParams {
            token0: funds[0].0,
            token1: funds[1].0,
            fee: U24::saturating_from(fee),
            tickLower: I24::try_from(middle - half).unwrap(),
            tickUpper: I24::try_from(middle + half).unwrap(),
            amount0Desired: funds[0].1,
            amount1Desired: funds[1].1,
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            recipient: who,
            deadline: U256::MAX,
        };
        self.exchanges.uniswap_v3.open(&stage.chain, who, params).await.unwrap();
    }

    /// Somebody sells so many raw units in a pool.
    pub(crate) async fn trade(&self, stage: &Stage, place: usize, sells_asset: bool, amount: U256) {
        let spot = &self.places[place];
        let (from, to) =
            if sells_asset { (spot.asset, spot.other) } else { (spot.other, spot.asset) };
        let (who, from, to) = (stage.account(3), stage.token(from), stage.token(to));
        self.exchanges.fund(&stage.chain, who, &[(from, amount)]).await.unwrap();
        let call = self.exchanges.uniswap_v3.sell(who, (from, to, spot.fee), amount);
        stage.chain.execute(&[call.with_gas(ACT_GAS)]).await.unwrap();
    }

    /// A campaign for the pool of a place, paid in its asset.
    pub(crate) async fn campaign(
        &self,
        stage: &Stage,
        place: usize,
        (reward, days): (U256, u64),
    ) -> IncentiveKey {
        let (spot, who) = (&self.places[place], stage.account(6));
        let token = stage.token(spot.asset);
        let start = stage.chain.head().await.unwrap().time + HOUR;
        let key = IncentiveKey {
            rewardToken: token,
            pool: spot.pool,
            startTime: U256::from(start),
            endTime: U256::from(start + days * 86_400),
            refundee: who,
        };
        self.exchanges.fund(&stage.chain, who, &[(token, reward)]).await.unwrap();
        let create = self.exchanges.uniswap_v3.create_incentive(who, &key, reward);
        stage.chain.execute(&[create]).await.unwrap();
        stage.chain.mine_at(start + 1).await.unwrap();
        key
    }
}

impl RangePlace {
    pub(crate) async fn tick(&self, stage: &Stage) -> i32 {
        stage.asks(self.pool, &IUniswapV3Pool::slot0Call {}).await.tick.as_i32()
    }

    /// The oracle's worst, middle and best price.
    pub(crate) async fn quote(&self, stage: &Stage) -> (U256, U256, U256) {
        let said = stage.asks(self.oracle, &IQuotes::quoteCall { amount: PROBE }).await;
        (said.low, (said.low + said.high) / U256::from(2), said.high)
    }

    /// Enters a range for the first time.
    pub(crate) async fn first(&self, stage: &Stage, assets: U256, range: (i32, i32)) {
        let mint = IToken::mintCall { to: self.contract, amount: assets };
        stage.does(stage.owner, stage.token(self.asset), &mint).await;
        let data = range.abi_encode_params().into();
        self.told(stage, &IRangeMarket::depositCall { assets, data }).await.unwrap();
    }

    /// The vault tells the contract something.
    pub(crate) async fn told(
        &self,
        stage: &Stage,
        call: &impl SolCall,
    ) -> Result<(), plimsoll_localchain::LocalChainError> {
        let call = Call::new(stage.owner, self.contract, call).with_gas(ACT_GAS);
        stage.chain.execute(&[call]).await.map(|_| ())
    }

    /// The same in a block at `time`; whether it was done.
    pub(crate) async fn told_at(&self, stage: &Stage, call: &impl SolCall, time: u64) -> bool {
        use alloy::providers::Provider;
        let call = Call::new(stage.owner, self.contract, call).with_gas(ACT_GAS);
        let hash = stage.chain.send(&call).await.unwrap();
        stage.chain.mine_at(time).await.unwrap();
        let receipt = stage.chain.provider().get_transaction_receipt(hash).await.unwrap();
        receipt.unwrap().status()
    }

    pub(crate) async fn harvest(&self, stage: &Stage) {
        self.told(stage, &IRangeMarket::harvestCall { data: Bytes::new() }).await.unwrap();
    }
}

/// Has the feed of `asset` say so many millionths of a dollar.
pub(crate) async fn post(stage: &Stage, asset: Asset, millionths: u64) {
    let feed = stage.deployed.token(asset).unwrap().feed;
    let answer = alloy::primitives::I256::try_from(millionths * 100).unwrap();
    stage.does(stage.deployed.admin, feed, &IPriceFeed::postCall { answer }).await;
}
