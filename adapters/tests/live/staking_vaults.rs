//! Staking in an ERC-4626 vault, by the adapter for any such vault: a vault that stakes one token in `StakingRewards` (real
//! bytecode) for more of the same. What is read is what the contracts say, to the unit; what becomes of it is estimated.

use crate::bench::is_true;
use crate::stage::{IMarketContract, Stage, units};
use crate::subject::Truth;
use alloy::primitives::{Address, U256};
use alloy::sol_types::SolValue;
use plimsoll_adapters::live::{Erc4626, Erc4626Settings, Erc4626Vault};
use plimsoll_core::MarketKind;
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_core::units::{Amount, Ray, Shares};
use plimsoll_execute::Reading;
use plimsoll_execute::protocol::{Held, Protocol};
use plimsoll_frame::Column;
use plimsoll_localchain::abi::{IStakingRewards, IToken, IVault};
use plimsoll_localchain::{Asset, CHAIN_ID, Call, Origin, deploy_staking_rewards};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Days that a campaign lasts, a constant of `StakingRewards`.
const DAYS: u64 = 60;
const DAY: u64 = 86_400;
const ASSETS: [Asset; 3] = [Asset::Usdc, Asset::Wbtc, Asset::Dai];
/// What is staked by others at first, and what the campaign pays.
const OTHERS: u64 = 1_000_000;
const CAMPAIGN: u64 = 20_000;
const WINDOW: u64 = 30;

struct Place {
    asset: Asset,
    staking: Address,
    vault: Address,
    contract: Address,
}

struct Vaults {
    stage: Stage,
    places: Vec<Place>,
}

impl Vaults {
    async fn open() -> Option<Vaults> {
        let stage = Stage::open(Line::V3_0).await?;
        let mut places = Vec::new();
        for asset in ASSETS {
            let (token, admin, campaign) =
                (stage.token(asset), stage.deployed.admin, units(CAMPAIGN, asset));
            let mint = IToken::mintCall { to: admin, amount: campaign };
            stage.does(admin, token, &mint).await;
            let wanted = (token, token, campaign);
            let staking = deploy_staking_rewards(&stage.chain, &stage.artifacts, admin, wanted)
                .await
                .unwrap();
            let arguments = (token, staking).abi_encode_params();
            let vault = stage.created(Origin::StandIn, "StakingVault", arguments).await;
            let inner = (stage.owner, token, vault).abi_encode_params();
            let contract = stage.created(Origin::Plimsoll, "Erc4626Market", inner).await;
            places.push(Place { asset, staking, vault, contract });
        }
        let vaults = Vaults { stage, places };
        for (place, asset) in ASSETS.into_iter().enumerate() {
            vaults.joins(place, units(OTHERS, asset)).await;
        }
        vaults.stage.chain.mine_many(WINDOW + 1).await.unwrap();
        Some(vaults)
    }

    async fn joins(&self, place: usize, assets: U256) {
        let (who, at) = (self.stage.account(1), &self.places[place]);
        self.stage.fund(who, at.asset, assets, at.vault).await;
        self.stage.does(who, at.vault, &IVault::depositCall { assets, receiver: who }).await;
    }

    fn adapter(&self) -> Erc4626 {
        let market = |place: &Place| Erc4626Vault {
            vault: place.vault,
            contract: Some(place.contract),
            inner: None,
            window_blocks: WINDOW,
            staking_days: Some(if place.asset == Asset::Dai { 7 } else { 0 }),
        };
        let markets = self.places.iter().map(market).collect();
        Erc4626::new(Erc4626Settings { name: "staked".to_owned(), chain: CHAIN_ID, markets })
    }

    async fn truth(&self, place: usize) -> Truth {
        let (stage, at) = (&self.stage, &self.places[place]);
        // Shares have six decimals more than the asset.
        let shares = U256::from(10).pow(U256::from(27 + 6));
        let price = stage.asks(at.vault, &IVault::convertToAssetsCall { shares }).await;
        let supplied = stage.asks(at.vault, &IVault::totalAssetsCall {}).await;
        let most = stage.asks(at.vault, &IVault::maxWithdrawCall { owner: at.contract }).await;
        let idle = stage.balance(at.vault, stage.token(at.asset)).await;
        Truth {
            share_price: Ray(price),
            supplied: Amount(supplied),
            borrowed: Some(Amount::ZERO),
            supply_apr: None,
            borrow_apr: None,
            exit: Amount(idle.max(most).min(supplied)),
            held: Held {
                shares: Shares(stage.asks(at.contract, &IMarketContract::sharesCall {}).await),
                worth: Amount(stage.asks(at.contract, &IMarketContract::totalAssetsCall {}).await),
                available: Amount(
                    stage.asks(at.contract, &IMarketContract::liquidityCall {}).await,
                ),
            },
        }
    }

    async fn all_are_true(&self) -> Vec<Reading> {
        let read = self.adapter().read(&self.stage.nodes, &self.stage.at().await).await.unwrap();
        assert!(read.unreadable.is_empty(), "{:?}", read.unreadable);
        for (place, reading) in read.readings.iter().enumerate() {
            let truth = self.truth(place).await;
            is_true(reading, &truth).unwrap_or_else(|why| panic!("place {place}: {why}"));
        }
        read.readings
    }

    async fn acts(&self, place: usize, act: (bool, U256), time: u64) -> bool {
        let at = &self.places[place];
        self.stage.act(at.contract, at.asset, act, time).await
    }

    async fn enters(&self, place: usize, whole: u64) {
        let time = self.stage.chain.head().await.unwrap().time + 12;
        assert!(self.acts(place, (true, units(whole, ASSETS[place])), time).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_grows_by_what_is_earned_and_stops_with_the_campaign() {
    let Some(vaults) = Vaults::open().await else { return };
    for place in 0..ASSETS.len() {
        vaults.enters(place, 1_000).await;
    }
    vaults.stage.chain.mine_many(WINDOW + 1).await.unwrap();
    let readings = vaults.all_are_true().await;
    for (place, reading) in readings.iter().enumerate() {
        // Twenty thousand in sixty days on a million and a thousand.
        let supplied = reading.supplied.to_f64(reading.decimals);
        let expected = CAMPAIGN as f64 * 365.0 / DAYS as f64 / supplied;
        let found = reading.supply_apr.to_f64();
        assert!((found / expected - 1.0).abs() < 1e-3, "place {place}: {found} {expected}");
        assert_eq!(reading.terms.kind, MarketKind::Staking);
        let row = reading.observation(Some(1.0)).row;
        let days = if ASSETS[place] == Asset::Dai { 7.0 } else { 0.0 };
        assert_eq!(row.get(Column::ExitDelayDays), Some(days));
        assert_eq!(row.get(Column::SupplyApr), Some(found));
    }
    let end = vaults.stage.chain.head().await.unwrap().time + DAYS * DAY;
    vaults.stage.chain.mine_at(end).await.unwrap();
    vaults.stage.chain.mine_many(WINDOW + 1).await.unwrap();
    for (before, after) in readings.iter().zip(vaults.all_are_true().await) {
        assert!(after.held.worth > before.held.worth);
        assert_eq!(after.supply_apr, Ray(U256::ZERO), "it is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_do_is_theirs() {
    let Some(vaults) = Vaults::open().await else { return };
    let at = &vaults.places[0];
    vaults.enters(0, 1_000).await;
    let before = vaults.all_are_true().await.remove(0);
    // Shares that are given to our contract do not count, tokens that are given to the vault wait until somebody acts.
    let who = vaults.stage.account(1);
    let shares = vaults.stage.balance(who, at.vault).await / U256::from(10);
    let gift = IToken::transferCall { to: at.contract, amount: shares };
    vaults.stage.does(who, at.vault, &gift).await;
    let given = IToken::mintCall { to: at.vault, amount: units(77, at.asset) };
    vaults.stage.does(who, vaults.stage.token(at.asset), &given).await;
    let after = vaults.all_are_true().await.remove(0);
    assert_eq!(after.held.shares, before.held.shares);
    // The campaign is renewed: rewards change, the index does not jump.
    let reward = units(3 * CAMPAIGN, at.asset);
    let admin = vaults.stage.deployed.admin;
    let mint = IToken::mintCall { to: at.staking, amount: reward };
    vaults.stage.does(admin, vaults.stage.token(at.asset), &mint).await;
    let notify = IStakingRewards::notifyRewardAmountCall { reward };
    vaults.stage.does(admin, at.staking, &notify).await;
    vaults.stage.chain.mine_many(WINDOW + 1).await.unwrap();
    let renewed = vaults.all_are_true().await.remove(0);
    assert!(renewed.supply_apr.to_f64() > 3.0 * before.supply_apr.to_f64());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_call_is_the_standards_own() {
    let Some(vaults) = Vaults::open().await else { return };
    let (stage, at, holder) = (&vaults.stage, &vaults.places[0], vaults.stage.account(7));
    let adapter = vaults.adapter();
    adapter.check(&stage.nodes, &stage.at().await).await.unwrap();
    let market = adapter.markets()[0].clone();
    assert!(market.as_str().starts_with("staked:31337:"), "{market}");
    let amount = units(12, at.asset);
    stage.fund(holder, at.asset, amount, at.vault).await;
    for (is_entry, amount) in [(true, amount), (false, amount / U256::from(2))] {
        let market = market.clone();
        let act = plimsoll_execute::protocol::Act { market, is_entry, amount: Amount(amount) };
        let (to, data) = adapter.call(&act, holder).unwrap();
        let empty = IToken::totalSupplyCall {};
        let call = Call { data, ..Call::new(holder, to, &empty) }.with_gas(1_000_000);
        stage.chain.execute(&[call]).await.unwrap();
    }
    let left = stage.balance(holder, stage.token(at.asset)).await;
    assert_eq!(left, amount / U256::from(2));
}

#[derive(Debug, Default)]
struct Count {
    states: usize,
    readings: usize,
    entries: usize,
    exits: usize,
    refused: usize,
}

async fn equals(states: usize, seed: u64) {
    let Some(vaults) = Vaults::open().await else { return };
    let (mut rng, mut count) = (ChaCha8Rng::seed_from_u64(seed), Count::default());
    let million = U256::from(1_000_000);
    while count.states < states {
        if rng.random_bool(0.4) {
            let place = rng.random_range(0..ASSETS.len());
            let part = U256::from(rng.random_range(1u64..200_000));
            vaults.joins(place, units(OTHERS, ASSETS[place]) * part / million).await;
        }
        if rng.random_bool(0.1) {
            let at = &vaults.places[rng.random_range(0..ASSETS.len())];
            let admin = vaults.stage.deployed.admin;
            let reward = units(rng.random_range(1..2 * CAMPAIGN), at.asset);
            let mint = IToken::mintCall { to: at.staking, amount: reward };
            vaults.stage.does(admin, vaults.stage.token(at.asset), &mint).await;
            let notify = IStakingRewards::notifyRewardAmountCall { reward };
            vaults.stage.does(admin, at.staking, &notify).await;
        }
        let readings = vaults.all_are_true().await;
        count.readings += readings.len();
        count.states += 1;
        let place = rng.random_range(0..ASSETS.len());
        let (reading, is_entry) = (&readings[place], rng.random_bool(0.6));
        let time = reading.at.timestamp + rng.random_range(1..7_200);
        let part = U256::from(rng.random_range(1u64..1_000_000));
        let whole = units(OTHERS / 10, ASSETS[place]);
        let free = reading.held.available.0;
        let amount = match (rng.random_range(0..6), is_entry) {
            (_, true) => whole * part / million + U256::from(1_000),
            (0, false) => free + free / U256::from(10) + U256::from(1_000),
            (_, false) => free * part / million,
        };
        if amount.is_zero() {
            continue;
        }
        let foreseen = reading.model.after(is_entry, Amount(amount), time);
        let done = vaults.acts(place, (is_entry, amount), time).await;
        let what = format!("{} {is_entry} {amount}", reading.market);
        match (foreseen, done) {
            (Ok(foreseen), true) => {
                // An estimate: within a thousandth of what is supplied, for two hours at most.
                let truth = vaults.truth(place).await;
                let near = |a: Amount, b: Amount| {
                    let (a, b) = (a.to_f64(0), b.to_f64(0));
                    (a - b).abs() <= b / 1_000.0 + 10.0
                };
                assert!(near(foreseen.supplied, truth.supplied), "{what}");
                assert!(near(foreseen.held.worth, truth.held.worth), "{what}");
                if is_entry { count.entries += 1 } else { count.exits += 1 }
            }
            (Err(_), false) => count.refused += 1,
            (foreseen, done) => panic!("{what}: predicted {foreseen:?}, done {done}"),
        }
    }
    println!("ERC-4626 staking: {count:?}, seed {seed}");
    assert!(count.entries > states / 4 && count.exits > states / 8, "too little was tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn staking_vaults_equal_the_bytecode() {
    equals(60, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `make deep`"]
async fn staking_vaults_equal_the_bytecode_in_a_thousand_states() {
    equals(1_000, 11).await;
}
