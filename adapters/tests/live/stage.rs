//! A local chain on which every adapter has the same kind of places: assets with 6, 8 and 18 decimals that
//! people lend and borrow, and one in which nobody is; with a market contract of a vault on each.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::{SolCall, SolValue};
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_execute::At;
use plimsoll_execute::chain::{Endpoint, Nodes};
use plimsoll_localchain::abi::{IAavePool, IMorpho, IPriceFeed, IToken, IVault, MarketParams};
use plimsoll_localchain::{
    AaveV3_2, Artifacts, Asset, CHAIN_ID, Call, ChainSettings, Deployment, LocalChain,
    LocalChainError, Origin, deploy, deploy_aave_v3_2,
};
use std::collections::BTreeMap;
use std::time::Duration;

alloy::sol! {
    /// Our market contracts, whichever protocol they are on.
    interface IMarketContract {
        function deposit(uint256 assets, bytes data) external;
        function withdraw(uint256 assets) external;
        function totalAssets() external view returns (uint256);
        function liquidity() external view returns (uint256);
        function scaled() external view returns (uint256);
        function shares() external view returns (uint256);
    }
    /// Morpho, for its owner.
    interface IMorphoOwner {
        struct Params { address loanToken; address collateralToken; address oracle; address irm; uint256 lltv; }
        function setFeeRecipient(address recipient) external;
        function setFee(Params params, uint256 fee) external;
    }
}

/// Gas of an act: one in a range swaps twice.
pub(crate) const ACT_GAS: u64 = 3_000_000;
/// Every place of a protocol: the first three are lived in, the last is empty.
pub(crate) const PLACES: usize = 4;
/// The place in which nobody is.
pub(crate) const EMPTY: usize = 3;

/// A market of Morpho with the vault that supplies to it.
pub(crate) struct BluePlace {
    pub(crate) id: B256,
    pub(crate) params: MarketParams,
    pub(crate) asset: Asset,
    pub(crate) vault: Address,
}

pub(crate) struct Stage {
    pub(crate) chain: LocalChain,
    /// `aave` is the pool of the line that was wanted.
    pub(crate) deployed: Deployment,
    /// The rest of Aave V3.2, where that was wanted.
    pub(crate) v3_2: Option<AaveV3_2>,
    pub(crate) nodes: Nodes,
    pub(crate) artifacts: Artifacts,
    pub(crate) blue: Vec<BluePlace>,
    /// Whom the market contracts obey: an account, where a vault would be.
    pub(crate) owner: Address,
    pub(crate) on_aave: Vec<Address>,
    pub(crate) on_morpho: Vec<Address>,
    pub(crate) on_vaults: Vec<Address>,
    pub(crate) on_stata: Vec<Address>,
    /// Ranges of Uniswap V3, where they were wanted.
    pub(crate) ranges: Option<crate::ranges_stage::Ranges>,
    /// Pairs of Uniswap V2, where they were wanted.
    pub(crate) pairs: Option<crate::pairs_stage::Pairs>,
    /// Stable pools of Balancer, where they were wanted.
    pub(crate) stables: Option<crate::stables_stage::Stables>,
    /// Staked ETH, where it was wanted.
    pub(crate) staked: Option<crate::staked_stage::StakedWorld>,
}

/// The assets of Aave's places.
pub(crate) const ON_AAVE: [Asset; PLACES] = [Asset::Usdc, Asset::Wbtc, Asset::Weth, Asset::Dai];

/// The prepared contracts; without them the test says so and does nothing, unless they are required.
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

pub(crate) fn units(whole: u64, asset: Asset) -> U256 {
    U256::from(whole) * U256::from(10).pow(U256::from(asset.decimals()))
}

/// A node at an address, believed alone.
pub(crate) fn nodes(url: &str, chain: u64) -> Nodes {
    let endpoint = Endpoint::new(url, Duration::from_secs(20)).unwrap();
    Nodes::new(vec![endpoint], 1, chain).unwrap()
}

/// Deploys everything; of Aave, whoever acts finds the pool of `line`.
pub(crate) async fn deployed(
    chain: &LocalChain,
    artifacts: &Artifacts,
    line: Line,
) -> (Deployment, Option<AaveV3_2>) {
    let deployed = deploy(chain, artifacts).await.unwrap();
    match line {
        Line::V3_0 => (deployed, None),
        Line::V3_1 => panic!("no package holds its bytecode"),
        Line::V3_2 => {
            let v3_2 = deploy_aave_v3_2(chain, artifacts, &deployed).await.unwrap();
            (Deployment { aave: v3_2.aave.clone(), ..deployed }, Some(v3_2))
        }
    }
}

impl Stage {
    pub(crate) async fn open(line: Line) -> Option<Stage> {
        let artifacts = artifacts()?;
        let settings = ChainSettings { block_seconds: 12, ..ChainSettings::default() };
        let chain = LocalChain::start(&artifacts, settings).await.unwrap();
        let deployed = deployed(&chain, &artifacts, line).await;
        Some(Stage::around(chain, deployed, artifacts).await)
    }

    /// Puts the places onto a chain that may have people already.
    pub(crate) async fn around(
        chain: LocalChain,
        (deployed, v3_2): (Deployment, Option<AaveV3_2>),
        artifacts: Artifacts,
    ) -> Stage {
        let nodes = nodes(&chain.http_url(), CHAIN_ID);
        let owner = chain.accounts()[8];
        let (blue, none) = (Vec::new(), Vec::new);
        let mut stage = Stage {
            chain,
            deployed,
            v3_2,
            nodes,
            artifacts,
            blue,
            owner,
            on_aave: none(),
            on_morpho: none(),
            on_vaults: none(),
            on_stata: none(),
            ranges: None,
            pairs: None,
            stables: None,
            staked: None,
        };
        stage.build().await;
        stage
    }

    pub(crate) fn account(&self, number: usize) -> Address {
        self.chain.accounts()[number]
    }

    pub(crate) fn token(&self, asset: Asset) -> Address {
        self.deployed.token(asset).unwrap().token
    }

    pub(crate) async fn at(&self) -> At {
        let head = self.nodes.head().await.unwrap();
        At { block: head.block, timestamp: head.timestamp }
    }

    pub(crate) async fn created(&self, origin: Origin, name: &str, arguments: Vec<u8>) -> Address {
        let artifact = self.artifacts.read(origin, name).unwrap();
        let code = artifact.creation(&BTreeMap::new(), &arguments).unwrap();
        self.chain.create(self.deployed.admin, code).await.unwrap()
    }

    async fn build(&mut self) {
        let first = self.deployed.morpho.markets.clone();
        for (market, vault) in [(&first[0], Some(self.deployed.vault)), (&first[1], None)] {
            let place = (market.id, market.params.clone(), market.loan);
            self.add_blue(place, vault).await;
        }
        for (loan, collateral) in [(Asset::Wbtc, Asset::Weth), (Asset::Dai, Asset::Weth)] {
            let place = self.create_blue(loan, collateral).await;
            self.add_blue(place, None).await;
        }
        // The deployment's second market stays empty.
        let empty = self.blue.remove(1);
        self.blue.push(empty);
        for asset in ON_AAVE {
            let token = self.deployed.aave.reserves[&asset].a_token;
            let arguments = (self.owner, self.token(asset), token).abi_encode_params();
            let contract = self.created(Origin::Plimsoll, "AaveV3Market", arguments).await;
            self.on_aave.push(contract);
        }
        let stata = self.v3_2.as_ref().map(|v3_2| v3_2.stata.clone()).unwrap_or_default();
        for asset in ON_AAVE {
            if let Some(token) = stata.get(&asset) {
                let inner = (self.owner, self.token(asset), *token).abi_encode_params();
                let contract = self.created(Origin::Plimsoll, "Erc4626Market", inner).await;
                self.on_stata.push(contract);
            }
        }
        for place in 0..PLACES {
            let BluePlace { params, vault, .. } = &self.blue[place];
            let (morpho, loan) = (self.deployed.morpho.blue, params.loanToken);
            let arguments = (self.owner, loan, morpho, params.clone()).abi_encode_params();
            let inner = (self.owner, loan, *vault).abi_encode_params();
            let contract = self.created(Origin::Plimsoll, "MorphoBlueMarket", arguments).await;
            self.on_morpho.push(contract);
            let contract = self.created(Origin::Plimsoll, "Erc4626Market", inner).await;
            self.on_vaults.push(contract);
        }
    }

    async fn create_blue(&self, loan: Asset, collateral: Asset) -> (B256, MarketParams, Asset) {
        let (lent, pledged) =
            (self.deployed.token(loan).unwrap(), self.deployed.token(collateral).unwrap());
        let places = |asset: Asset| U256::from(asset.decimals());
        let feeds = (pledged.feed, places(collateral), lent.feed, places(loan));
        let oracle = self.created(Origin::StandIn, "MorphoOracle", feeds.abi_encode_params()).await;
        let params = MarketParams {
            loanToken: lent.token,
            collateralToken: pledged.token,
            oracle,
            irm: self.deployed.morpho.rate_model,
            lltv: self.deployed.morpho.markets[0].params.lltv,
        };
        let call = IMorpho::createMarketCall { params: params.clone() };
        self.does(self.deployed.admin, self.deployed.morpho.blue, &call).await;
        (keccak256(params.abi_encode()), params, loan)
    }

    async fn add_blue(
        &mut self,
        (id, params, asset): (B256, MarketParams, Asset),
        vault: Option<Address>,
    ) {
        let vault = match vault {
            Some(vault) => vault,
            None => {
                let named =
                    (format!("Lending {}", asset.symbol()), format!("ll{}", asset.symbol()));
                let arguments = (self.deployed.morpho.blue, params.clone(), named.0, named.1);
                self.created(Origin::StandIn, "LendingVault", arguments.abi_encode_params()).await
            }
        };
        self.blue.push(BluePlace { id, params, asset, vault });
    }

    /// Brings people: lenders, and loans of a part of what they lend.
    pub(crate) async fn populate(&self) {
        let (lender, borrower) = (self.account(1), self.account(2));
        let pool = self.deployed.aave.pool;
        for (asset, whole) in [(Asset::Usdc, 10_000_000), (Asset::Wbtc, 100), (Asset::Weth, 5_000)]
        {
            self.aave_supply(lender, asset, units(whole, asset)).await;
        }
        self.aave_supply(borrower, Asset::Weth, units(20_000, Asset::Weth)).await;
        for (asset, whole) in [(Asset::Usdc, 8_500_000), (Asset::Wbtc, 40), (Asset::Weth, 3_000)] {
            self.aave_borrow(borrower, asset, units(whole, asset)).await;
        }
        self.allow(borrower, Asset::Usdc, pool).await;
        for place in &self.blue[..EMPTY] {
            let whole = if place.asset == Asset::Wbtc { 200 } else { 2_000_000 };
            self.morpho_supply(lender, place, units(whole, place.asset)).await;
            self.fund(lender, place.asset, units(whole, place.asset), place.vault).await;
            let assets = units(whole, place.asset);
            let deposit = IVault::depositCall { assets, receiver: lender };
            self.does(lender, place.vault, &deposit).await;
            self.morpho_borrow(borrower, place, assets * U256::from(18) / U256::from(10)).await;
        }
        if let Some(v3_2) = &self.v3_2 {
            for asset in &ON_AAVE[..EMPTY] {
                let (token, assets) = (v3_2.stata[asset], units(10, *asset));
                self.fund(lender, *asset, assets, token).await;
                let deposit = IVault::depositCall { assets, receiver: lender };
                self.does(lender, token, &deposit).await;
            }
        }
        self.tax(&self.blue[1]).await;
        self.chain.mine_many(50).await.unwrap();
    }

    /// Has Morpho keep a tenth of a place's interest.
    async fn tax(&self, place: &BluePlace) {
        let (owner, morpho) = (self.deployed.admin, self.deployed.morpho.blue);
        let recipient = Address::repeat_byte(0x0f);
        self.does(owner, morpho, &IMorphoOwner::setFeeRecipientCall { recipient }).await;
        let of = place.params.clone();
        let params = IMorphoOwner::Params {
            loanToken: of.loanToken,
            collateralToken: of.collateralToken,
            oracle: of.oracle,
            irm: of.irm,
            lltv: of.lltv,
        };
        let fee = U256::from(10).pow(U256::from(17));
        self.does(owner, morpho, &IMorphoOwner::setFeeCall { params, fee }).await;
    }

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

    pub(crate) async fn asks<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        self.chain.call(to, call).await.unwrap()
    }

    pub(crate) async fn balance(&self, account: Address, token: Address) -> U256 {
        self.asks(token, &IToken::balanceOfCall { account }).await
    }

    async fn allow(&self, who: Address, asset: Asset, spender: Address) {
        let call = IToken::approveCall { spender, amount: U256::MAX };
        self.does(who, self.token(asset), &call).await;
    }

    pub(crate) async fn fund(&self, who: Address, asset: Asset, amount: U256, spender: Address) {
        let call = IToken::mintCall { to: who, amount };
        self.does(who, self.token(asset), &call).await;
        self.allow(who, asset, spender).await;
    }

    pub(crate) async fn aave_supply(&self, who: Address, asset: Asset, amount: U256) {
        self.aave_supply_for(who, asset, amount, who).await;
    }

    pub(crate) async fn aave_supply_for(
        &self,
        who: Address,
        asset: Asset,
        amount: U256,
        of: Address,
    ) {
        let pool = self.deployed.aave.pool;
        self.fund(who, asset, amount, pool).await;
        let asset = self.token(asset);
        let call = IAavePool::supplyCall { asset, amount, onBehalfOf: of, referralCode: 0 };
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

    pub(crate) async fn morpho_supply(&self, who: Address, place: &BluePlace, assets: U256) {
        self.morpho_supply_for(who, place, assets, who).await;
    }

    pub(crate) async fn morpho_supply_for(
        &self,
        who: Address,
        place: &BluePlace,
        assets: U256,
        of: Address,
    ) {
        let morpho = self.deployed.morpho.blue;
        self.fund(who, place.asset, assets, morpho).await;
        let (params, shares, data) = (place.params.clone(), U256::ZERO, Bytes::new());
        let call = IMorpho::supplyCall { params, assets, shares, onBehalf: of, data };
        self.does(who, morpho, &call).await;
    }

    /// Pledges half as much again as the loan needs at least, and borrows.
    pub(crate) async fn morpho_borrow(&self, who: Address, place: &BluePlace, assets: U256) {
        let morpho = self.deployed.morpho.blue;
        let price: U256 = {
            let call = plimsoll_localchain::abi::IMorphoOracle::priceCall {};
            self.asks(place.params.oracle, &call).await
        };
        let scale = U256::from(10).pow(U256::from(36));
        let pledge = assets * scale / price * U256::from(15) / U256::from(10);
        let mint = IToken::mintCall { to: who, amount: pledge };
        self.does(who, place.params.collateralToken, &mint).await;
        let approve = IToken::approveCall { spender: morpho, amount: U256::MAX };
        self.does(who, place.params.collateralToken, &approve).await;
        let (params, data) = (place.params.clone(), Bytes::new());
        let call = IMorpho::supplyCollateralCall { params, assets: pledge, onBehalf: who, data };
        self.does(who, morpho, &call).await;
        let (params, shares) = (place.params.clone(), U256::ZERO);
        let call = IMorpho::borrowCall { params, assets, shares, onBehalf: who, receiver: who };
        self.does(who, morpho, &call).await;
    }

    /// Has a feed say so many dollars.
    pub(crate) async fn post_usd(&self, asset: Asset, dollars: u64) {
        let feed = self.deployed.token(asset).unwrap().feed;
        let answer = (dollars * 100_000_000).try_into().unwrap();
        self.does(self.deployed.admin, feed, &IPriceFeed::postCall { answer }).await;
    }

    /// Has a market contract enter or leave in a block at `time`; whether it did.
    pub(crate) async fn act(
        &self,
        contract: Address,
        asset: Asset,
        (is_entry, amount): (bool, U256),
        time: u64,
    ) -> bool {
        let mut calls = Vec::new();
        if is_entry {
            let call = IToken::mintCall { to: contract, amount };
            calls.push(Call::new(self.owner, self.token(asset), &call));
            let call = IMarketContract::depositCall { assets: amount, data: Bytes::new() };
            calls.push(Call::new(self.owner, contract, &call).with_gas(ACT_GAS));
        } else {
            let call = IMarketContract::withdrawCall { assets: amount };
            calls.push(Call::new(self.owner, contract, &call).with_gas(ACT_GAS));
        }
        let mut last = B256::ZERO;
        for call in &calls {
            last = self.chain.send(call).await.unwrap();
        }
        self.chain.mine_at(time).await.unwrap();
        self.succeeded(last).await
    }

    async fn succeeded(&self, transaction: B256) -> bool {
        use alloy::providers::Provider;
        let receipt = self.chain.provider().get_transaction_receipt(transaction).await.unwrap();
        receipt.unwrap().status()
    }

    /// What `calls` return one after another in one block, on top of the newest: with the effects of those
    /// before, and without any that stays.
    pub(crate) async fn sequence(&self, calls: Vec<(Address, Bytes)>) -> Vec<Bytes> {
        self.chain.call_many(calls).await.unwrap()
    }
}
