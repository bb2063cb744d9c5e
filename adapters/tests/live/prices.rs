//! Prices from feeds on a chain: what is fresh is exact, and what cannot be used says why.

use crate::stage::Stage;
use alloy::primitives::{Address, I256, U256};
use plimsoll_adapters::live::{PriceFeed, PriceSettings, Prices, SecondSource, Unknown};
use plimsoll_core::Bps;
use plimsoll_core::rates::aave_v3::Line;
use plimsoll_execute::AdapterError;
use plimsoll_localchain::abi::IPriceFeed;
use plimsoll_localchain::{Asset, CHAIN_ID};

const HOUR: u64 = 3_600;

fn settings(stage: &Stage) -> PriceSettings {
    let feeds = Asset::ALL
        .iter()
        .map(|asset| {
            let token = stage.deployed.token(*asset).unwrap();
            PriceFeed {
                asset: token.token,
                feed: token.feed,
                decimals: 8,
                heartbeat_seconds: HOUR,
                second: None,
            }
        })
        .collect();
    PriceSettings { chain: CHAIN_ID, feeds }
}

async fn post(stage: &Stage, asset: Asset, answer: i64, age: u64) {
    let feed = stage.deployed.token(asset).unwrap().feed;
    let head = stage.chain.head().await.unwrap();
    let call = IPriceFeed::postAtCall {
        answer: I256::try_from(answer).unwrap(),
        updatedAt: U256::from(head.time - age),
    };
    stage.does(stage.deployed.admin, feed, &call).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fresh_price_is_read_at_the_block_and_the_others_say_why_not() {
    let Some(stage) = Stage::open(Line::V3_0).await else { return };
    let prices = Prices::new(settings(&stage));
    post(&stage, Asset::Weth, 234_567_000_000, 0).await;
    let at = stage.at().await;
    prices.check(&stage.nodes, &at).await.unwrap();
    let read = prices.read(&stage.nodes, &at).await.unwrap();
    assert_eq!(read.len(), 4);
    let weth = read[&stage.token(Asset::Weth)].clone().unwrap();
    assert_eq!(weth.answer, U256::from(234_567_000_000u64));
    assert!((weth.usd - 2_345.67).abs() < 1e-9);

    post(&stage, Asset::Weth, -1, 0).await;
    post(&stage, Asset::Wbtc, 100, 2 * HOUR).await;
    let gone = stage.deployed.token(Asset::Dai).unwrap().feed;
    stage.chain.set_code(gone, &Default::default()).await.unwrap();
    post(&stage, Asset::Usdc, 99_990_000, 0).await;
    let now = stage.at().await;
    let later = prices.read(&stage.nodes, &now).await.unwrap();
    let why = |asset: Asset| later[&stage.token(asset)].clone().unwrap_err();
    assert!(matches!(why(Asset::Weth), Unknown::NotPositive { .. }));
    assert!(matches!(why(Asset::Wbtc), Unknown::Stale { .. }));
    assert!(matches!(why(Asset::Dai), Unknown::NoAnswer(_)));
    assert!(later[&stage.token(Asset::Usdc)].is_ok(), "the others stand");

    // At the earlier block everything is as it was.
    let again = prices.read(&stage.nodes, &at).await.unwrap();
    assert_eq!(again[&stage.token(Asset::Weth)].clone().unwrap(), weth);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_source_has_to_confirm_the_first() {
    let Some(stage) = Stage::open(Line::V3_0).await else { return };
    let mut settings = settings(&stage);
    let second = stage.deployed.token(Asset::Dai).unwrap().feed;
    let usdc = settings.feeds.iter_mut().find(|feed| feed.asset == stage.token(Asset::Usdc));
    usdc.unwrap().second = Some(SecondSource {
        feed: second,
        times: None,
        heartbeat_seconds: HOUR,
        max_deviation_bps: Bps(50),
    });
    let prices = Prices::new(settings);
    let usdc = async || {
        let at = stage.at().await;
        let mut read = prices.read(&stage.nodes, &at).await.unwrap();
        read.remove(&stage.token(Asset::Usdc)).unwrap()
    };
    assert!(usdc().await.is_ok());
    post(&stage, Asset::Dai, 99_000_000, 0).await;
    assert!(matches!(usdc().await, Err(Unknown::Deviates { .. })));
    post(&stage, Asset::Dai, 100_000_000, 2 * HOUR).await;
    assert!(matches!(usdc().await, Err(Unknown::Unconfirmed(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_other_decimals_or_none_at_all_is_refused_at_the_start() {
    let Some(stage) = Stage::open(Line::V3_0).await else { return };
    let at = stage.at().await;
    let mut wide = settings(&stage);
    wide.feeds[0].decimals = 18;
    let error = Prices::new(wide).check(&stage.nodes, &at).await.unwrap_err();
    assert!(matches!(error, AdapterError::Mismatch { field: "decimals", .. }), "{error}");
    let mut nowhere = settings(&stage);
    nowhere.feeds[1].feed = Address::repeat_byte(0x55);
    let error = Prices::new(nowhere).check(&stage.nodes, &at).await.unwrap_err();
    assert!(matches!(error, AdapterError::NoCode { .. }), "{error}");
    let mut foreign = settings(&stage);
    foreign.chain = 1;
    let error = Prices::new(foreign).check(&stage.nodes, &at).await.unwrap_err();
    assert!(matches!(error, AdapterError::WrongChain { .. }), "{error}");
}
