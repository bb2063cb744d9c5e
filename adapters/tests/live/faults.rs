//! Controls: adapters that are broken on purpose, each of which the suite has to catch.

use crate::bench::{self, Bench, Wrap};
use crate::on_aave::{ON_V3_0, ON_V3_2};
use crate::on_morpho::OnMorpho;
use crate::on_pairs::OnPairs;
use crate::on_ranges::OnRanges;
use crate::on_stables::OnStables;
use crate::on_staked::OnStaked;
use crate::stage::Stage;
use crate::subject::Subject;
use alloy::primitives::{Address, Bytes, U256};
use async_trait::async_trait;
use plimsoll_core::MarketId;
use plimsoll_core::execution::BlockRef;
use plimsoll_core::units::{Amount, Ray};
use plimsoll_execute::chain::Nodes;
use plimsoll_execute::protocol::{
    Act, Cause, Fall, Predict, PredictError, Predicted, Protocol, Read, Reading,
};
use plimsoll_execute::{AdapterError, At};
use plimsoll_frame::LegFrame;
use std::sync::Arc;

/// What is wrong with an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    WorthOffByOneWei,
    StaleIndex,
    ExitAboveLiquidity,
    WrongDecimals,
    RateOffByOneRay,
    SupplyOffByOneWei,
    ReadsTheNewestBlock,
    HidesWhatIsUnreadable,
    PredictsOneWeiMore,
    PredictsTheRateOfToday,
    ForgetsToRefuse,
    ForgetsTheCap,
    IgnoresThePause,
    ChecksNothing,
    InventsACause,
    SwapsMarkets,
}

const ALL: &[(Fault, Wrap)] = &[
    (Fault::WorthOffByOneWei, |inner| broken(inner, Fault::WorthOffByOneWei)),
    (Fault::StaleIndex, |inner| broken(inner, Fault::StaleIndex)),
    (Fault::ExitAboveLiquidity, |inner| broken(inner, Fault::ExitAboveLiquidity)),
    (Fault::WrongDecimals, |inner| broken(inner, Fault::WrongDecimals)),
    (Fault::RateOffByOneRay, |inner| broken(inner, Fault::RateOffByOneRay)),
    (Fault::SupplyOffByOneWei, |inner| broken(inner, Fault::SupplyOffByOneWei)),
    (Fault::ReadsTheNewestBlock, |inner| broken(inner, Fault::ReadsTheNewestBlock)),
    (Fault::HidesWhatIsUnreadable, |inner| broken(inner, Fault::HidesWhatIsUnreadable)),
    (Fault::PredictsOneWeiMore, |inner| broken(inner, Fault::PredictsOneWeiMore)),
    (Fault::PredictsTheRateOfToday, |inner| broken(inner, Fault::PredictsTheRateOfToday)),
    (Fault::ForgetsToRefuse, |inner| broken(inner, Fault::ForgetsToRefuse)),
    (Fault::ForgetsTheCap, |inner| broken(inner, Fault::ForgetsTheCap)),
    (Fault::IgnoresThePause, |inner| broken(inner, Fault::IgnoresThePause)),
    (Fault::ChecksNothing, |inner| broken(inner, Fault::ChecksNothing)),
    (Fault::InventsACause, |inner| broken(inner, Fault::InventsACause)),
    (Fault::SwapsMarkets, |inner| broken(inner, Fault::SwapsMarkets)),
];

fn broken(inner: Box<dyn Protocol>, fault: Fault) -> Box<dyn Protocol> {
    Box::new(Broken { inner, fault })
}

#[derive(Debug)]
struct Broken {
    inner: Box<dyn Protocol>,
    fault: Fault,
}

#[derive(Debug)]
struct BrokenModel {
    inner: Arc<dyn Predict>,
    fault: Fault,
    rate: Ray,
}

impl Predict for BrokenModel {
    fn after(
        &self,
        is_entry: bool,
        amount: Amount,
        timestamp: u64,
    ) -> Result<Predicted, PredictError> {
        let found = self.inner.after(is_entry, amount, timestamp);
        match self.fault {
            Fault::PredictsOneWeiMore => found.map(|mut predicted| {
                predicted.held.worth = predicted.held.worth.saturating_add(Amount(U256::from(1)));
                predicted
            }),
            Fault::PredictsTheRateOfToday => {
                found.map(|predicted| Predicted { supply_apr: self.rate, ..predicted })
            }
            Fault::ForgetsToRefuse => {
                found.or_else(|_| self.inner.after(true, Amount::ZERO, timestamp))
            }
            _ => found,
        }
    }
}

impl Broken {
    fn spoil(&self, mut reading: Reading) -> Reading {
        let one = U256::from(1);
        match self.fault {
            Fault::WorthOffByOneWei => reading.held.worth.0 += one,
            Fault::StaleIndex => reading.share_price.0 -= one,
            Fault::ExitAboveLiquidity => reading.exit.0 += one,
            Fault::WrongDecimals => reading.decimals = 18,
            Fault::RateOffByOneRay => reading.supply_apr.0 += one,
            Fault::SupplyOffByOneWei => reading.supplied.0 += one,
            Fault::ForgetsTheCap => reading.entry = None,
            Fault::IgnoresThePause => reading.switches.is_paused = false,
            _ => {}
        }
        reading.model = Arc::new(BrokenModel {
            inner: reading.model,
            fault: self.fault,
            rate: reading.supply_apr,
        });
        reading
    }
}

#[async_trait]
impl Protocol for Broken {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn markets(&self) -> Vec<MarketId> {
        self.inner.markets()
    }

    async fn check(&self, nodes: &Nodes, at: &At) -> Result<(), AdapterError> {
        if self.fault == Fault::ChecksNothing {
            return Ok(());
        }
        self.inner.check(nodes, at).await
    }

    async fn read(&self, nodes: &Nodes, at: &At) -> Result<Read, AdapterError> {
        let mut at = *at;
        if self.fault == Fault::ReadsTheNewestBlock {
            let head = nodes.head().await.map_err(|source| AdapterError::Node {
                protocol: "broken".to_owned(),
                block: at.block.number,
                source: Box::new(source),
            })?;
            at = At { block: head.block, timestamp: head.timestamp };
        }
        let mut read = self.inner.read(nodes, &at).await?;
        read.readings = read.readings.into_iter().map(|reading| self.spoil(reading)).collect();
        match self.fault {
            Fault::HidesWhatIsUnreadable => read.unreadable.clear(),
            Fault::SwapsMarkets => read.readings.reverse(),
            _ => {}
        }
        Ok(read)
    }

    async fn attribute(
        &self,
        nodes: &Nodes,
        blocks: (BlockRef, BlockRef),
        fallen: &[(MarketId, Ray, Ray)],
    ) -> Result<Vec<Fall>, AdapterError> {
        let mut falls = self.inner.attribute(nodes, blocks, fallen).await?;
        if self.fault == Fault::InventsACause {
            for fall in &mut falls {
                fall.cause = Cause::BadDebt { amount: Amount(U256::from(1)) };
            }
        }
        Ok(falls)
    }

    async fn legs(&self, nodes: &Nodes, at: &At, from: u64) -> Result<LegFrame, AdapterError> {
        self.inner.legs(nodes, at, from).await
    }

    fn call(&self, action: &Act, holder: Address) -> Option<(Address, Bytes)> {
        self.inner.call(action, holder)
    }

    fn decode(&self, to: Address, data: &Bytes) -> Option<Act> {
        self.inner.decode(to, data)
    }
}

async fn are_caught(subject: &dyn Subject, passes: &[Fault]) {
    let Some(mut stage) = Stage::open(subject.line()).await else { return };
    stage.populate().await;
    subject.prepare(&mut stage).await;
    let mut missed = Vec::new();
    for (fault, wrap) in ALL {
        let report = bench::run(&Bench { stage: &stage, subject, wrap: *wrap }, true).await;
        match report.failed.first() {
            Some((check, why)) => {
                let why: String = why.chars().take(80).collect();
                println!("{}: {fault:?} is caught by {check}: {why}", subject.name());
            }
            None if passes.contains(fault) => println!("{}: {fault:?} is none", subject.name()),
            None => missed.push(*fault),
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_in_an_adapter_of_aave_is_caught() {
    are_caught(&ON_V3_0, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_in_an_adapter_of_aave_v3_2_is_caught() {
    are_caught(&ON_V3_2, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_in_an_adapter_of_morpho_is_caught() {
    // Morpho has neither caps nor a pause: forgetting them is no fault there.
    are_caught(&OnMorpho, &[Fault::ForgetsTheCap, Fault::IgnoresThePause]).await;
}

/// Nothing is lent in a pool, and it takes any amount: the rate of today is that of tomorrow, and no cap is forgotten.
const NOT_OF_POOLS: [Fault; 2] = [Fault::PredictsTheRateOfToday, Fault::ForgetsTheCap];

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_in_an_adapter_of_pairs_is_caught() {
    // A pair has no switches either.
    let [rate, cap] = NOT_OF_POOLS;
    are_caught(&OnPairs, &[rate, cap, Fault::IgnoresThePause]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_in_an_adapter_of_stable_pools_is_caught() {
    are_caught(&OnStables, &NOT_OF_POOLS).await;
}

/// What has neither a rate of its own nor a pause.
const NO_RATE_NO_PAUSE: [Fault; 2] = [Fault::PredictsTheRateOfToday, Fault::IgnoresThePause];

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_in_an_adapter_of_ranges_is_caught() {
    let [rate, pause] = NO_RATE_NO_PAUSE;
    are_caught(&OnRanges, &[rate, pause, Fault::ForgetsTheCap]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_in_an_adapter_of_staked_eth_is_caught() {
    // Every asset there has 18 decimals.
    let [rate, pause] = NO_RATE_NO_PAUSE;
    are_caught(&OnStaked, &[rate, pause, Fault::WrongDecimals]).await;
}
