//! Stand-ins for Lido with pools in which their token is sold, and market contracts of ours that hold it.

use crate::stage::{ACT_GAS, EMPTY, PLACES, Stage, units};
use alloy::primitives::aliases::{I24, U24};
use alloy::primitives::{Address, Bytes, U160, U256, U512};
use alloy::sol_types::{SolCall, SolValue};
use plimsoll_core::lp::fixed::root_down;
use plimsoll_localchain::abi::{
    IPositionManager, IPriceFeed, IStakedEth, IToken, IUniswapV3Pool, IWithdrawalQueue,
};
use plimsoll_localchain::{
    Asset, Call, Exchanges, LocalChainError, Origin, StakedEther, deploy_exchanges,
};

alloy::sol! {
    #![sol(all_derives)]
    /// `contracts/src/markets/StakedEthMarket.sol`.
    interface IStakedMarket {
        function deposit(uint256 assets, bytes data) external;
        function harvest(bytes data) external;
        function transferInKind(address to, uint256 shareOfWad) external returns (address token, uint256 amount);
        function claim(uint256 request, address receiver) external returns (uint256 assets);
        function value() external view returns (uint256 low, uint256 high, bool isFresh);
        function liquidity() external view returns (uint256);
        function shares() external view returns (uint256);
        function held() external view returns (uint256);
        function queued() external view returns (uint256);
        function requests() external view returns (uint256[] memory);
    }
    /// The stand-in for stETH, for its reporter, and what the market contract asks.
    interface IReporter {
        function setStakingPaused(bool paused) external;
        function setStakingLimit(uint256 room) external;
        function transfer(address to, uint256 amount) external returns (bool);
        function getTotalPooledEther() external view returns (uint256);
        function setPaused(bool paused) external;
        function setBunkerMode(bool active) external;
    }
    interface IWorth {
        function quote(uint256 amount) external view returns (uint256 low, uint256 high, bool isFresh);
    }
    interface ISale {
        function quote(address tokenIn, uint256 amountIn) external view returns (uint256);
    }
}

/// Where a tenth of the rewards goes.
const TREASURY: Address = Address::repeat_byte(0x1d);
/// Whole ETH that is staked in a place in which people are, and what it has earned since.
const STAKED: [u64; 2] = [100_000, 15_001];
/// Whole wstETH in its pool.
const IN_POOL: u64 = 20_000;
/// The pool's fee in millionths and its spacing.
pub(crate) const FEE: u32 = 500;
const SPACING: i32 = 10;
/// The oracle's band, and what a sale may lose against it, basis points.
const BAND: u64 = 3;
pub(crate) const SLIPPAGE: u64 = 50;
/// Seconds after which a feed is too old.
pub(crate) const HEARTBEAT: u32 = 400 * 86_400;

pub(crate) struct StakedPlace {
    pub(crate) lido: StakedEther,
    pub(crate) oracle: Address,
    pub(crate) pool: Address,
    pub(crate) swap: Address,
    pub(crate) contract: Address,
    /// Whether its oracle takes two feeds, both in dollars.
    pub(crate) in_dollars: bool,
}

pub(crate) struct StakedWorld {
    pub(crate) exchanges: Exchanges,
    pub(crate) places: Vec<StakedPlace>,
}

pub(crate) fn ether(whole: u64) -> U256 {
    units(whole, Asset::Weth)
}

/// A call that sends ether along and nothing else.
fn sends(from: Address, to: Address, value: U256) -> Call {
    let empty = IToken::symbolCall {};
    Call { value, data: Bytes::new(), ..Call::new(from, to, &empty) }
}

impl StakedWorld {
    pub(crate) async fn open(stage: &mut Stage) {
        let rich = [stage.deployed.admin, stage.account(1), stage.account(3), stage.account(5)];
        for account in rich {
            stage.chain.set_balance(account, ether(10_000_000)).await.unwrap();
        }
        let exchanges = deploy_exchanges(&stage.chain, &stage.artifacts).await.unwrap();
        let mut world = StakedWorld { exchanges, places: Vec::new() };
        for place in 0..PLACES {
            let made = world.place(stage, place).await;
            world.places.push(made);
        }
        stage.staked = Some(world);
    }

    async fn place(&self, stage: &Stage, place: usize) -> StakedPlace {
        let (lido, in_dollars) = (lido(stage, place).await, place == 1);
        let none = (Address::ZERO, 0u32, U256::ZERO, U256::ZERO);
        let feed = |feed: Address| (feed, HEARTBEAT, U256::from(1), U256::from(u64::MAX));
        let weth = stage.deployed.token(Asset::Weth).unwrap();
        let over = if in_dollars { feed(weth.feed) } else { none };
        let oracle = (lido.st_eth, weth.token, feed(lido.feed), over, U256::from(BAND));
        let oracle =
            stage.created(Origin::Plimsoll, "FeedOracle", oracle.abi_encode_params()).await;
        let pool = self.pool(stage, &lido, place != EMPTY).await;
        let swap = stage.created(Origin::Plimsoll, "UniswapV3Swap", pool.abi_encode()).await;
        let bounds = (U256::from(SLIPPAGE), U256::from(1_000));
        let settings = (lido.wst_eth, lido.queue, oracle, swap, bounds.0, bounds.1);
        let arguments = (stage.owner, weth.token, settings).abi_encode_params();
        let contract = stage.created(Origin::Plimsoll, "StakedEthMarket", arguments).await;
        StakedPlace { lido, oracle, pool, swap, contract, in_dollars }
    }

    /// A pool of wstETH and WETH at the protocol's rate, and what somebody provides around it.
    async fn pool(&self, stage: &Stage, lido: &StakedEther, is_lived_in: bool) -> Address {
        let (v3, weth, wst) = (&self.exchanges.uniswap_v3, stage.token(Asset::Weth), lido.wst_eth);
        let call = IStakedEth::getPooledEthBySharesCall { shares: ether(1) };
        let rate = stage.asks(lido.st_eth, &call).await;
        let (up, down) = if wst < weth { (rate, ether(1)) } else { (ether(1), rate) };
        let root: U256 = root_down((U512::from(up) << 192) / U512::from(down));
        let price = (FEE, U160::saturating_from(root));
        let admin = stage.deployed.admin;
        let pool = v3.create_pool(&stage.chain, admin, (wst, weth), price).await.unwrap();
        if !is_lived_in {
            return pool;
        }
        for (half, part) in [(2_000, 10), (200, 2)] {
            let who = stage.account(1);
            let assets = ether(IN_POOL) * rate / ether(1) / U256::from(part);
            stage.fund(who, Asset::Weth, assets, v3.positions).await;
            let approve = IToken::approveCall { spender: v3.positions, amount: U256::MAX };
            let calls = [sends(who, wst, assets), Call::new(who, wst, &approve)];
            stage.chain.execute(&calls).await.unwrap();
            let held = stage.balance(who, wst).await;
            let tick = stage.asks(pool, &IUniswapV3Pool::slot0Call {}).await.tick.as_i32();
            let middle = tick.div_euclid(SPACING) * SPACING;
            let (token0, token1) = (wst.min(weth), wst.max(weth));
            let (most0, most1) = if wst < weth { (held, assets) } else { (assets, held) };
            let params = IPositionManager::MintParams {
                token0,
                token1,
                fee: U24::saturating_from(FEE),
                tickLower: I24::try_from(middle - half).unwrap(),
                tickUpper: I24::try_from(middle + half).unwrap(),
                amount0Desired: most0,
                amount1Desired: most1,
                amount0Min: U256::ZERO,
                amount1Min: U256::ZERO,
                recipient: who,
                deadline: U256::MAX,
            };
            v3.open(&stage.chain, who, params).await.unwrap();
        }
        pool
    }

    /// Somebody sells wstETH, or buys it with so much of WETH; whether the pool took it, which may be at its end.
    pub(crate) async fn trade(
        &self,
        stage: &Stage,
        place: usize,
        (sells, amount): (bool, U256),
    ) -> bool {
        let (who, router) = (stage.account(3), self.exchanges.uniswap_v3.router);
        let (wst, weth) = (self.places[place].lido.wst_eth, stage.token(Asset::Weth));
        let (from, to) = if sells { (wst, weth) } else { (weth, wst) };
        let mut calls = Vec::new();
        if sells {
            // Enough ETH for so much of it, and some over.
            calls.push(sends(who, wst, amount * U256::from(2)));
        } else {
            calls.push(Call::new(who, weth, &IToken::mintCall { to: who, amount }));
        }
        let approve = IToken::approveCall { spender: router, amount: U256::MAX };
        calls.push(Call::new(who, from, &approve));
        let sell = self.exchanges.uniswap_v3.sell(who, (from, to, FEE), amount);
        stage.chain.execute(&calls).await.unwrap();
        stage.chain.execute(&[sell.with_gas(ACT_GAS)]).await.is_ok()
    }
}

/// A stand-in for Lido, lived in or with a single ETH in it.
async fn lido(stage: &Stage, place: usize) -> StakedEther {
    let reporter = stage.deployed.admin;
    let made = |name, arguments| stage.created(Origin::StandIn, name, arguments);
    let st_eth = made("StakedEth", (reporter, TREASURY).abi_encode_params()).await;
    let wst_eth = made("WrappedStakedEth", st_eth.abi_encode()).await;
    let queue = made("WithdrawalQueue", wst_eth.abi_encode()).await;
    let (places, first) = if place == 1 { (8u64, 250_000_000_000) } else { (18, 10u64.pow(18)) };
    let named = ("stETH".to_owned(), U256::from(places), U256::from(first)).abi_encode_params();
    let feed = made("PriceFeed", named).await;
    stage.does(reporter, st_eth, &IStakedEth::setQueueCall { queue }).await;
    let lido = StakedEther { st_eth, wst_eth, queue, feed, reporter };
    let spot = if place == EMPTY { [1, 0] } else { STAKED };
    stage.chain.execute(&[sends(reporter, st_eth, ether(spot[0]))]).await.unwrap();
    if spot[1] > 0 {
        lido_earns(stage, &lido, ether(spot[1] + u64::try_from(place).unwrap())).await;
    }
    lido
}

/// Validators earned so much.
pub(crate) async fn lido_earns(stage: &Stage, lido: &StakedEther, wei: U256) {
    let call = Call::new(lido.reporter, lido.st_eth, &IStakedEth::reportRewardsCall {});
    stage.chain.execute(&[Call { value: wei, ..call }]).await.unwrap();
}

/// Validators lost so much.
pub(crate) async fn lido_loses(stage: &Stage, lido: &StakedEther, lost: U256) {
    stage.does(lido.reporter, lido.st_eth, &IStakedEth::reportSlashingCall { lost }).await;
}

impl StakedPlace {
    /// Somebody has so much ETH staked, as wstETH.
    pub(crate) async fn stake(&self, stage: &Stage, who: Address, wei: U256) {
        stage.chain.execute(&[sends(who, self.lido.wst_eth, wei)]).await.unwrap();
    }

    /// The feed says so many millionths of ETH for a stETH.
    pub(crate) async fn post(&self, stage: &Stage, millionths: u64) {
        let unit: u64 = if self.in_dollars { 250_000 } else { 10u64.pow(12) };
        let answer = alloy::primitives::I256::try_from(millionths * unit).unwrap();
        stage.does(stage.deployed.admin, self.lido.feed, &IPriceFeed::postCall { answer }).await;
    }

    /// The vault tells the contract something.
    pub(crate) async fn told(
        &self,
        stage: &Stage,
        call: &impl SolCall,
    ) -> Result<(), LocalChainError> {
        let call = Call::new(stage.owner, self.contract, call).with_gas(ACT_GAS);
        stage.chain.execute(&[call]).await.map(|_| ())
    }

    /// Claims what is ready, and asks the queue for so much wstETH.
    pub(crate) async fn asked(&self, stage: &Stage, wst: U256) -> Result<(), LocalChainError> {
        let data = (wst,).abi_encode_params().into();
        self.told(stage, &IStakedMarket::harvestCall { data }).await
    }

    /// All requests up to one are paid.
    pub(crate) async fn finalized(&self, stage: &Stage, last: U256) {
        let Some(call) = self.finalizing(stage, last).await else { return };
        stage.chain.execute(&[call]).await.unwrap();
    }

    async fn finalizing(&self, stage: &Stage, last: U256) -> Option<Call> {
        let done = IWithdrawalQueue::getLastFinalizedRequestIdCall {};
        let done = stage.asks(self.lido.queue, &done).await;
        let call = IStakedEth::finalizeCall { lastId: last };
        (last > done)
            .then(|| Call::new(self.lido.reporter, self.lido.st_eth, &call).with_gas(ACT_GAS))
    }

    pub(crate) async fn last_request(&self, stage: &Stage) -> U256 {
        stage.asks(self.lido.queue, &IWithdrawalQueue::getLastRequestIdCall {}).await
    }

    /// The least that selling `sold` may bring, and what it would bring.
    pub(crate) async fn sale(&self, stage: &Stage, sold: U256) -> (U256, U256) {
        let call = IStakedEth::getPooledEthBySharesCall { shares: ether(1) };
        let rate = stage.asks(self.lido.st_eth, &call).await;
        let said = stage.asks(self.oracle, &IWorth::quoteCall { amount: rate }).await;
        let kept = U256::from(10_000 - SLIPPAGE);
        let worst = said.low.min(rate) * kept / U256::from(10_000);
        let call = ISale::quoteCall { tokenIn: self.lido.wst_eth, amountIn: sold };
        (sold * worst / ether(1), stage.asks(self.swap, &call).await)
    }
}
