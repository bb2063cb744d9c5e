//! Once the breaker stands below normal, nothing is signed or sent that it does not allow, whatever was admitted
//! before.

use crate::support::artifacts;
use alloy::primitives::{Address, Bytes, U256, keccak256};
use alloy::sol_types::SolCall;
use plimsoll_core::execution::{Breaker, Outcome, PlanId, State, Trip};
use plimsoll_core::{Amount, ChainId};
use plimsoll_execute::chain::{
    Endpoint, Head, Nodes, Progress, Proposal, Sender, SenderSettings, Signer,
};
use plimsoll_execute::journal::{Identity, Journal};
use plimsoll_faults::abi::{ENTRY, EXIT, Leg, preStateHashCall, reallocateCall};
use plimsoll_faults::proxy::{Fault, Place, Reply, Rule};
use plimsoll_faults::runner::TrialSettings;
use plimsoll_faults::{Guard, MILLION, Runner, Stage};
use std::collections::BTreeMap;
use std::time::Duration;

/// A sender of its own on a stage, with proxies between.
struct Desk<'a> {
    runner: Runner<'a>,
    nodes: Nodes,
    sender: Sender,
}

impl<'a> Desk<'a> {
    async fn open(stage: &'a Stage) -> Desk<'a> {
        let runner = Runner::new(stage, std::path::Path::new("none"), &TrialSettings::default())
            .await
            .unwrap();
        let settings = &runner.settings;
        let endpoint = Endpoint::new(&settings.nodes[0], Duration::from_secs(5)).unwrap();
        let nodes = Nodes::new(vec![endpoint], 1, settings.chain).unwrap();
        let signer = Signer::plain(&settings.key, settings.chain).unwrap();
        let identity = Identity {
            chain: ChainId(settings.chain),
            genesis: "local".to_owned(),
            signer: signer.address().to_string(),
            vault: settings.vault.to_string(),
        };
        let journal = Journal::create(&settings.folder, &identity).unwrap();
        let sending = SenderSettings {
            chain: ChainId(settings.chain),
            vault: settings.vault,
            patience: settings.patience(),
            tip: settings.tip,
            most_gas: 3_000_000,
            gas_margin_pct: 30,
        };
        let policy = settings.policy().unwrap();
        let sender = Sender::new(journal, (nodes.clone(), signer), policy, sending);
        Desk { runner, nodes, sender }
    }

    async fn head(&self) -> Head {
        self.nodes.head().await.unwrap()
    }

    /// A plan that moves a hundredth of everything, proposed.
    async fn proposed(&mut self, number: u64, is_entry: bool, place: usize) -> PlanId {
        self.proposes(number, (is_entry, place), is_entry).await
    }

    /// The same where what is said may differ from what is called.
    async fn proposes(
        &mut self,
        number: u64,
        (is_entry, place): (bool, usize),
        says_entry: bool,
    ) -> PlanId {
        let head = self.head().await;
        let stage = self.runner.stage();
        let market: Address = stage.markets[place];
        let assets = U256::from(MILLION / 100);
        let hash = stage.chain.call(stage.vault, &preStateHashCall {}).await.unwrap();
        let id = keccak256(number.to_be_bytes());
        let leg = Leg {
            market,
            kind: if is_entry { ENTRY } else { EXIT },
            assets,
            minimum: assets - U256::from(10),
            maximum: assets + U256::from(10),
            data: Bytes::new(),
        };
        let valid_until = head.timestamp + 600;
        let call = reallocateCall {
            planId: id,
            validUntil: valid_until,
            expectedHash: hash,
            legs: vec![leg],
        };
        let name = self.runner.settings.market(market).unwrap();
        let entries = if says_entry {
            BTreeMap::from([(name.clone(), Amount(assets))])
        } else {
            BTreeMap::new()
        };
        let proposal = Proposal {
            id,
            data: call.abi_encode().into(),
            entries,
            holdings_after: BTreeMap::from([(name, Amount(assets))]),
            nav: Amount(U256::from(MILLION)),
            least_after: Amount(U256::from(MILLION - 1_000)),
            valid_until,
        };
        self.sender.propose(&head, proposal).unwrap();
        id
    }

    async fn looks(&mut self) -> Progress {
        let head = self.head().await;
        self.sender.on_head(&head).await.unwrap()
    }

    async fn trips(&mut self, to: Breaker) {
        let head = self.head().await;
        self.sender.trip(&head, Trip::Operator { to }).unwrap();
    }

    fn attempts(&self, id: PlanId) -> usize {
        self.sender.journal().folded().intents.get(id).unwrap().attempts.len()
    }

    fn state(&self, id: PlanId) -> State {
        self.sender.journal().folded().intents.get(id).unwrap().state
    }

    async fn passes(&mut self, blocks: u64) -> Progress {
        let mut last = Progress::Idle;
        for _ in 0..blocks {
            self.runner.mine().await.unwrap();
            last = self.looks().await;
        }
        last
    }
}

fn refuses(method: &str) -> Rule {
    let reply = Reply::Error { code: -32_000, message: "not now".to_owned() };
    Rule::new(Fault::Answer(Place::Before, reply)).on(&[method])
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_halt_nothing_is_signed_though_it_was_admitted_before() {
    let Some(artifacts) = artifacts() else { return };
    let stage = Stage::set(&artifacts, Guard::Vault).await.unwrap();
    let mut desk = Desk::open(&stage).await;
    // Admitted, and no node to try it on.
    desk.runner.proxies[0].control().add(refuses("eth_simulateV1"));
    let id = desk.proposed(1, true, 0).await;
    let head = desk.head().await;
    assert!(desk.sender.on_head(&head).await.is_err());
    assert_eq!(desk.state(id), State::Admitted);
    desk.trips(Breaker::Halt).await;
    desk.runner.proxies[0].control().heal();
    desk.passes(8).await;
    assert_eq!((desk.attempts(id), desk.runner.raw().len()), (0, 0), "{:?}", desk.state(id));
    assert_eq!(stage.plan_count().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_halt_signed_bytes_are_not_sent_again_and_what_landed_is_seen_through() {
    let Some(artifacts) = artifacts() else { return };
    let stage = Stage::set(&artifacts, Guard::Vault).await.unwrap();
    let mut desk = Desk::open(&stage).await;
    let id = desk.proposed(1, true, 0).await;
    desk.looks().await;
    assert_eq!((desk.state(id), desk.runner.raw().len()), (State::Broadcast, 1));
    stage.chain.forget_all().await.unwrap();
    desk.trips(Breaker::Halt).await;
    desk.passes(6).await;
    assert_eq!((desk.attempts(id), desk.runner.raw().len()), (1, 1), "nothing is sent again");
    // Another node still had it: what happens is written down.
    stage.chain.gossip(&desk.runner.raw()[0]).await.unwrap();
    assert_eq!(desk.passes(6).await, Progress::Closed(id, Outcome::Done));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_only_exits_are_allowed_an_entry_that_was_admitted_is_given_up() {
    let Some(artifacts) = artifacts() else { return };
    let stage = Stage::set(&artifacts, Guard::Vault).await.unwrap();
    let mut desk = Desk::open(&stage).await;
    desk.runner.proxies[0].control().add(refuses("eth_simulateV1"));
    let id = desk.proposed(1, true, 0).await;
    let head = desk.head().await;
    assert!(desk.sender.on_head(&head).await.is_err());
    desk.trips(Breaker::DeriskOnly).await;
    desk.runner.proxies[0].control().heal();
    desk.passes(2).await;
    assert_eq!(desk.state(id), State::Closed(Outcome::Abandoned));
    assert!(desk.runner.raw().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_only_exits_are_allowed_a_signed_entry_gives_way_to_a_cancel_and_exits_go_on() {
    let Some(artifacts) = artifacts() else { return };
    let stage = Stage::set(&artifacts, Guard::Vault).await.unwrap();
    let mut desk = Desk::open(&stage).await;
    let first = desk.proposed(1, true, 0).await;
    assert_eq!(desk.passes(6).await, Progress::Closed(first, Outcome::Done));
    assert_eq!(desk.state(first), State::Closed(Outcome::Done));
    let second = desk.proposed(2, true, 0).await;
    desk.looks().await;
    stage.chain.forget_all().await.unwrap();
    desk.trips(Breaker::DeriskOnly).await;
    desk.passes(8).await;
    assert_eq!(desk.state(second), State::Closed(Outcome::Replaced));
    let exit = desk.proposed(3, false, 0).await;
    desk.passes(8).await;
    assert_eq!(desk.state(exit), State::Closed(Outcome::Done));
    assert_eq!(stage.plan_count().await.unwrap(), 2, "in once, and out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_block_that_goes_halts_also_after_a_later_plan_was_given_up() {
    let Some(artifacts) = artifacts() else { return };
    let stage = Stage::set(&artifacts, Guard::Vault).await.unwrap();
    let mut desk = Desk::open(&stage).await;
    let first = desk.proposed(1, true, 0).await;
    assert_eq!(desk.passes(5).await, Progress::Closed(first, Outcome::Done));
    // Nothing is there to be taken out: it is given up before it is signed.
    let head = desk.head().await;
    let refused = desk.proposed(2, false, 1).await;
    assert_eq!(desk.looks().await, Progress::Closed(refused, Outcome::Abandoned));
    let block = desk.sender.journal().folded().intents.get(first).unwrap().inclusion.unwrap().block;
    stage.chain.reorg(head.block.number - block.number + 1, &[]).await.unwrap();
    desk.passes(1).await;
    assert_eq!(desk.sender.journal().folded().breaker, Breaker::Halt);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_enters_more_than_the_plan_says_is_not_signed() {
    let Some(artifacts) = artifacts() else { return };
    let stage = Stage::set(&artifacts, Guard::Vault).await.unwrap();
    let mut desk = Desk::open(&stage).await;
    // It says that nothing enters, so no limit on entries would hold it back.
    let id = desk.proposes(1, (true, 0), false).await;
    assert_eq!(desk.looks().await, Progress::Closed(id, Outcome::Abandoned));
    assert!(desk.runner.raw().is_empty());
    let reason = desk.sender.journal().folded().intents.get(id).unwrap().reason.clone().unwrap();
    assert!(reason.contains("does not bring in what the plan says"), "{reason}");
}
