//! Borrowers' legs: folded into health factors they are what the protocols say of the same accounts.

use crate::on_aave::OnAave;
use crate::on_morpho::OnMorpho;
use crate::proxy::Proxy;
use crate::stage::{Stage, artifacts, nodes};
use crate::subject::Subject;
use alloy::primitives::{Address, U256};
use plimsoll_frame::LegFrame;
use plimsoll_localchain::abi::{IAavePool, IMorpho, IMorphoOracle};
use plimsoll_localchain::{CHAIN_ID, ChainSettings, Driver, LocalChain, MarketSettings, deploy};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A chain with the driver's people on it, after some days.
async fn lived() -> Option<Stage> {
    let artifacts = artifacts()?;
    let settings = ChainSettings { block_seconds: 3_600, ..ChainSettings::default() };
    let mut chain = LocalChain::start(&artifacts, settings).await.unwrap();
    let deployed = deploy(&chain, &artifacts).await.unwrap();
    let market = MarketSettings { seed: 3, ..MarketSettings::default() };
    let mut driver = Driver::start(&mut chain, deployed.clone(), market).await.unwrap();
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
    let Some(stage) = lived().await else { return };
    let at = stage.at().await;
    let legs = OnAave.adapter(&stage, None).legs(&stage.nodes, &at, 0).await.unwrap();
    let found = health(&legs);
    assert!(found.len() >= 18, "{} accounts", found.len());
    for ((_, user), factor) in found {
        let call = IAavePool::getUserAccountDataCall { user };
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
}

#[tokio::test(flavor = "multi_thread")]
async fn health_factors_folded_from_morphos_legs_are_the_markets() {
    let Some(stage) = lived().await else { return };
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
    let Some(stage) = lived().await else { return };
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
