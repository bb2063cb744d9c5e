//! Borrowers' legs: folded into health factors they are what the protocols say of the same accounts.

use crate::on_aave::{ON_V3_0, ON_V3_2, OnAave};
use crate::on_morpho::OnMorpho;
use crate::proxy::Proxy;
use crate::stage::{Stage, artifacts, deployed, nodes};
use crate::subject::Subject;
use alloy::primitives::{Address, U256};
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_frame::LegFrame;
use plimsoll_localchain::abi::{IAaveConfiguratorV3_2, IAavePool, IMorpho, IMorphoOracle};
use plimsoll_localchain::{Asset, CHAIN_ID, ChainSettings, Driver, LocalChain, MarketSettings};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A chain with the driver's people on it, after some days.
async fn lived(line: Line) -> Option<Stage> {
    let artifacts = artifacts()?;
    let settings = ChainSettings { block_seconds: 3_600, ..ChainSettings::default() };
    let mut chain = LocalChain::start(&artifacts, settings).await.unwrap();
    let deployed = deployed(&chain, &artifacts, line).await;
    let market = MarketSettings { seed: 3, ..MarketSettings::default() };
    let mut driver = Driver::start(&mut chain, deployed.0.clone(), market).await.unwrap();
    for _ in 0..48 {
        driver.step(&chain).await.unwrap();
    }
    let stage = Stage::around(chain, deployed, artifacts).await;
    stage.populate().await;
    Some(stage)
}

/// The health factor of each account, by market and borrower.
fn health(legs: &LegFrame) -> BTreeMap<(String, Address), Option<f64>> {
    let folded = legs.health_factors().unwrap();
    let text = |name: &str| folded.column(name).unwrap().str().unwrap().clone();
    let (markets, borrowers) = (text("market"), text("borrower"));
    let found = folded.column("health_factor").unwrap().f64().unwrap().clone();
    (0..folded.height())
        .map(|row| {
            let borrower: Address = borrowers.get(row).unwrap().parse().unwrap();
            ((markets.get(row).unwrap().to_owned(), borrower), found.get(row))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn health_factors_folded_from_aaves_legs_are_the_pools() {
    let Some(stage) = lived(Line::V3_0).await else { return };
    factors_are_the_pools(&stage, &ON_V3_0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_factors_on_v3_2_are_the_pools_with_and_without_an_efficiency_mode() {
    let Some(stage) = lived(Line::V3_2).await else { return };
    let before = factors_are_the_pools(&stage, &ON_V3_2).await;
    let (admin, configurator) = (stage.deployed.admin, stage.deployed.aave.configurator);
    let ether = IAaveConfiguratorV3_2::setEModeCategoryCall {
        categoryId: 3,
        ltv: 9_000,
        liquidationThreshold: 9_300,
        liquidationBonus: 10_100,
        label: "ether".to_owned(),
    };
    stage.does(admin, configurator, &ether).await;
    let (asset, category) = (stage.token(Asset::Weth), 3);
    let allow = IAaveConfiguratorV3_2::setAssetCollateralInEModeCall {
        asset,
        categoryId: category,
        allowed: true,
    };
    stage.does(admin, configurator, &allow).await;
    for asset in [Asset::Usdc, Asset::Wbtc, Asset::Weth].map(|asset| stage.token(asset)) {
        let call = IAaveConfiguratorV3_2::setAssetBorrowableInEModeCall {
            asset,
            categoryId: category,
            borrowable: true,
        };
        stage.does(admin, configurator, &call).await;
    }
    let user = stage.account(2);
    let mode = IAavePool::setUserEModeCall { categoryId: category };
    stage.does(user, stage.deployed.aave.pool, &mode).await;
    let after = factors_are_the_pools(&stage, &ON_V3_2).await;
    let rises = |found: &BTreeMap<(String, Address), Option<f64>>| {
        found.iter().find(|((_, who), _)| *who == user).and_then(|(_, factor)| *factor).unwrap()
    };
    assert!(rises(&after) > rises(&before) * 1.05, "the mode raises the threshold of ether");
}

async fn factors_are_the_pools(
    stage: &Stage,
    subject: &OnAave,
) -> BTreeMap<(String, Address), Option<f64>> {
    let at = stage.at().await;
    let legs = subject.adapter(stage, None).legs(&stage.nodes, &at, 0).await.unwrap();
    let found = health(&legs);
    assert!(found.len() >= 18, "{} accounts", found.len());
    for ((_, user), factor) in &found {
        let call = IAavePool::getUserAccountDataCall { user: *user };
        let account = stage.asks(stage.deployed.aave.pool, &call).await;
        match factor {
            None => assert_eq!(account.healthFactor, U256::MAX),
            Some(factor) => {
                let said = f64::from(account.healthFactor) / 1e18;
                // The pool rounds values to 1e-8 USD and the mean threshold to a basis point.
                assert!((factor / said - 1.0).abs() < 2e-4, "{user}: {factor}, {said}");
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn health_factors_folded_from_morphos_legs_are_the_markets() {
    let Some(stage) = lived(Line::V3_0).await else { return };
    let at = stage.at().await;
    let adapter = OnMorpho.adapter(&stage, None);
    let legs = adapter.legs(&stage.nodes, &at, 0).await.unwrap();
    let found = health(&legs);
    assert!(found.len() >= 12, "{} accounts", found.len());
    let blue = stage.deployed.morpho.blue;
    let mut compared = 0;
    for ((market, user), factor) in found {
        let number = adapter.markets().iter().position(|id| id.as_str() == market).unwrap();
        let place = &stage.blue[number];
        let position = IMorpho::positionCall { id: place.id, user };
        let position: IMorpho::Position = stage.asks(blue, &position).await;
        let price = stage.asks(place.params.oracle, &IMorphoOracle::priceCall {}).await;
        let totals = crate::on_morpho::accrued(&stage, number).await.totals;
        let owed = f64::from(U256::from(position.borrowShares))
            * f64::from(U256::from(totals.totalBorrowAssets))
            / f64::from(U256::from(totals.totalBorrowShares));
        let backing = f64::from(U256::from(position.collateral)) * f64::from(price) / 1e36 * 0.86;
        if owed > 0.0 {
            let factor = factor.unwrap();
            assert!((factor / (backing / owed) - 1.0).abs() < 1e-6, "{user}: {factor}");
            compared += 1;
        }
    }
    assert!(compared >= 12, "{compared} loans");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_where_a_node_gives_only_a_few_blocks_at_once() {
    let Some(stage) = lived(Line::V3_0).await else { return };
    // A node that gives nothing for more than 7 blocks, and says so.
    fn few(method: &str, answer: Value) -> Value {
        if method == "eth_getLogs" { json!("refused") } else { answer }
    }
    let at = stage.at().await;
    let whole = OnMorpho.adapter(&stage, None).legs(&stage.nodes, &at, 0).await.unwrap();
    let proxy = Proxy::narrow(&stage.chain, 7).await;
    let narrow = nodes(&proxy.url, CHAIN_ID);
    let paged = OnMorpho.adapter(&stage, None).legs(&narrow, &at, 0).await.unwrap();
    assert_eq!(health(&paged), health(&whole));
    let asked = proxy.seen().iter().filter(|(method, _)| method == "eth_getLogs").count();
    assert!(asked > 10, "{asked} pages");
    // A node that answers something else is not taken for one that found nothing.
    let proxy = Proxy::before(&stage.chain, few).await;
    let silent = nodes(&proxy.url, CHAIN_ID);
    assert!(OnMorpho.adapter(&stage, None).legs(&silent, &at, 0).await.is_err());
}
