//! Which pools of Aave are read, and which are refused.

use crate::on_aave::{ON_V3_0, ON_V3_2, OnAave};
use crate::stage::{PLACES, Stage};
use crate::subject::Subject;
use alloy::primitives::{Bytes, bytes};
use plimsoll_execute::AdapterError;

/// Code that answers 6, whatever is asked: all that matters here of a pool of v3.3.
const OF_V3_3: Bytes = bytes!("60065f5260205ff3");

async fn refused_once_it_is_upgraded(subject: &OnAave) {
    let Some(stage) = Stage::open(subject.line()).await else { return };
    let adapter = subject.adapter(&stage, None);
    let at = stage.at().await;
    adapter.check(&stage.nodes, &at).await.unwrap();
    let read = adapter.read(&stage.nodes, &at).await.unwrap();
    assert_eq!((read.readings.len(), read.unreadable.len()), (PLACES, 0));

    stage.chain.set_code(stage.deployed.aave.pool, &OF_V3_3).await.unwrap();
    stage.chain.mine().await.unwrap();
    let at = stage.at().await;
    let error = adapter.check(&stage.nodes, &at).await.unwrap_err();
    let AdapterError::Mismatch { contract, field, found, expected, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((*contract, *field), (stage.deployed.aave.pool, "POOL_REVISION"));
    assert_eq!(found, "6");
    assert!(expected.contains("1 to 5") && expected.contains("v3.2"), "{expected}");
    // An engine that runs while the pool is upgraded does not go on by the old rules.
    let read = adapter.read(&stage.nodes, &at).await.unwrap();
    assert_eq!((read.readings.len(), read.unreadable.len()), (0, PLACES));
    for (market, why) in read.unreadable {
        let why = why.to_string();
        assert!(why.contains(market.as_str()) && why.contains("POOL_REVISION 6"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_v3_0_that_becomes_v3_3_is_refused() {
    refused_once_it_is_upgraded(&ON_V3_0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_v3_2_that_becomes_v3_3_is_refused() {
    refused_once_it_is_upgraded(&ON_V3_2).await;
}
