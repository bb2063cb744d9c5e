//! A chain with everything on it, or the reason why there is none; and short names for what tests do.

use alloy::primitives::{Address, U256};
use alloy::sol_types::SolCall;
use plimsoll_localchain::abi::{IAavePool, IMorpho, IPriceFeed, IToken, MarketParams};
use plimsoll_localchain::{
    AaveV3_2, Artifacts, Asset, Call, ChainSettings, Deployment, LocalChain, LocalChainError,
    deploy, deploy_aave_v3_2,
};

/// Seconds of an hour.
pub(crate) const HOUR: u64 = 3_600;

/// The prepared contracts. Without them the test is skipped, aloud, unless
/// `PLIMSOLL_REQUIRE_CONTRACTS` is 1.
pub(crate) fn artifacts() -> Option<Artifacts> {
    match Artifacts::find() {
        Ok(artifacts) => Some(artifacts),
        Err(missing) => {
            let required = std::env::var("PLIMSOLL_REQUIRE_CONTRACTS").is_ok_and(|set| set == "1");
            assert!(!required, "PLIMSOLL_REQUIRE_CONTRACTS=1, but {missing}");
            println!("skipped: {missing}");
            None
        }
    }
}

/// A fresh chain with everything deployed, and the tools to act on it.
pub(crate) struct Desk {
    pub(crate) chain: LocalChain,
    pub(crate) deployed: Deployment,
}

impl Desk {
    /// Opens one whose blocks stand for `block_seconds`.
    pub(crate) async fn open(block_seconds: u64) -> Option<Desk> {
        let artifacts = artifacts()?;
        let settings = ChainSettings { block_seconds, ..ChainSettings::default() };
        let chain = LocalChain::start(&artifacts, settings).await.unwrap();
        let deployed = deploy(&chain, &artifacts).await.unwrap();
        Some(Desk { chain, deployed })
    }

    /// Opens one on which what is done on Aave is done on its pool of v3.2.
    pub(crate) async fn open_v3_2(block_seconds: u64) -> Option<(Desk, AaveV3_2)> {
        let desk = Desk::open(block_seconds).await?;
        let v3_2 = deploy_aave_v3_2(&desk.chain, &artifacts()?, &desk.deployed).await.unwrap();
        let deployed = Deployment { aave: v3_2.aave.clone(), ..desk.deployed };
        Some((Desk { deployed, ..desk }, v3_2))
    }

    /// A development account other than the deployer.
    pub(crate) fn account(&self, number: usize) -> Address {
        self.chain.accounts()[number]
    }

    pub(crate) fn token(&self, asset: Asset) -> Address {
        self.deployed.token(asset).unwrap().token
    }

    /// Sends one call and has it included.
    pub(crate) async fn does(&self, who: Address, to: Address, call: &impl SolCall) {
        self.tries(who, to, call).await.unwrap();
    }

    pub(crate) async fn tries(
        &self,
        who: Address,
        to: Address,
        call: &impl SolCall,
    ) -> Result<(), LocalChainError> {
        self.chain.execute(&[Call::new(who, to, call)]).await.map(|_| ())
    }

    /// Mints raw units for `who` and lets `spender` take them.
    pub(crate) async fn fund(&self, who: Address, asset: Asset, amount: U256, spender: Address) {
        let (token, to) = (self.token(asset), who);
        self.does(who, token, &IToken::mintCall { to, amount }).await;
        self.does(who, token, &IToken::approveCall { spender, amount: U256::MAX }).await;
    }

    pub(crate) async fn balance(&self, who: Address, asset: Asset) -> U256 {
        let account = who;
        self.chain.call(self.token(asset), &IToken::balanceOfCall { account }).await.unwrap()
    }

    pub(crate) async fn post_usd(&self, asset: Asset, dollars: u64) {
        let feed = self.deployed.token(asset).unwrap().feed;
        let answer = (dollars * 100_000_000).try_into().unwrap();
        self.does(self.deployed.admin, feed, &IPriceFeed::postCall { answer }).await;
    }

    /// `who` mints and supplies to Aave.
    pub(crate) async fn aave_supply(&self, who: Address, asset: Asset, amount: U256) {
        let pool = self.deployed.aave.pool;
        self.fund(who, asset, amount, pool).await;
        let (asset, code) = (self.token(asset), 0);
        let call = IAavePool::supplyCall { asset, amount, onBehalfOf: who, referralCode: code };
        self.does(who, pool, &call).await;
    }

    pub(crate) async fn aave_borrow(&self, who: Address, asset: Asset, amount: U256) {
        let call = IAavePool::borrowCall {
            asset: self.token(asset),
            amount,
            interestRateMode: U256::from(2),
            referralCode: 0,
            onBehalfOf: who,
        };
        self.does(who, self.deployed.aave.pool, &call).await;
    }

    pub(crate) async fn aave_reserve(&self, asset: Asset) -> IAavePool::ReserveData {
        let asset = self.token(asset);
        let call = IAavePool::getReserveDataCall { asset };
        self.chain.call(self.deployed.aave.pool, &call).await.unwrap()
    }

    /// The parameters of the Morpho market of WETH.
    pub(crate) fn morpho(&self) -> MarketParams {
        self.deployed.morpho.markets[0].params.clone()
    }

    pub(crate) async fn morpho_supply(&self, who: Address, assets: U256) {
        let blue = self.deployed.morpho.blue;
        self.fund(who, Asset::Usdc, assets, blue).await;
        let (params, shares) = (self.morpho(), U256::ZERO);
        let data = Default::default();
        let call = IMorpho::supplyCall { params, assets, shares, onBehalf: who, data };
        self.does(who, blue, &call).await;
    }

    /// `who` pledges ether and borrows USDC.
    pub(crate) async fn morpho_borrow(&self, who: Address, pledge: U256, assets: U256) {
        let blue = self.deployed.morpho.blue;
        self.fund(who, Asset::Weth, pledge, blue).await;
        let (params, data) = (self.morpho(), Default::default());
        let pledged = IMorpho::supplyCollateralCall { params, assets: pledge, onBehalf: who, data };
        self.does(who, blue, &pledged).await;
        let (params, shares, receiver) = (self.morpho(), U256::ZERO, who);
        let call = IMorpho::borrowCall { params, assets, shares, onBehalf: who, receiver };
        self.does(who, blue, &call).await;
    }

    pub(crate) async fn morpho_totals(&self) -> IMorpho::MarketTotals {
        let id = self.deployed.morpho.markets[0].id;
        self.chain.call(self.deployed.morpho.blue, &IMorpho::marketCall { id }).await.unwrap()
    }
}

/// Whole tokens as raw units.
pub(crate) fn units(whole: u64, asset: Asset) -> U256 {
    U256::from(whole) * U256::from(10).pow(U256::from(asset.decimals()))
}
