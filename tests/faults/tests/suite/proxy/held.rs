//! Answers and requests that take their time.

use crate::support::{Bench, call};
use plimsoll_faults::proxy::{Fault, Gate, Place, Rule, Wait};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_before_the_node_goes_on_when_its_gate_opens_though_the_client_is_gone() {
    let Some(bench) = Bench::open().await else { return };
    let gate = Gate::new();
    let held = Fault::Delay(Place::Before, Wait::Gate(gate.clone()));
    bench.control().add(Rule::new(held).on(&["eth_sendTransaction"]));
    let request = call(1, "eth_sendTransaction", json!([bench.payment(bench.chain.accounts()[1])]));
    {
        let mut asked = std::pin::pin!(bench.through(&request));
        tokio::select! {
            answer = &mut asked => panic!("it was held: {answer:?}"),
            () = gate.reached(1) => {}
        }
        assert_eq!(bench.sent().await, json!("0x0"));
    }
    gate.open();
    bench.control().wait_for(|log| !log.is_empty()).await;
    assert_eq!(bench.sent().await, json!("0x1"));
    assert!(bench.control().log()[0].is_forwarded);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_after_the_node_is_done_and_its_answer_comes_when_the_rule_heals() {
    let Some(bench) = Bench::open().await else { return };
    let gate = Gate::new();
    let held = Fault::Delay(Place::After, Wait::Gate(gate.clone()));
    bench.control().add(Rule::new(held).on(&["eth_sendTransaction"]));
    let request = call(1, "eth_sendTransaction", json!([bench.payment(bench.chain.accounts()[1])]));
    let mut asked = std::pin::pin!(bench.through(&request));
    tokio::select! {
        answer = &mut asked => panic!("it was held: {answer:?}"),
        () = gate.reached(1) => {}
    }
    assert_eq!(bench.sent().await, json!("0x1"), "the node did it");
    bench.control().heal();
    assert!(asked.await.unwrap().json()["result"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_in_milliseconds_passes_by_itself() {
    let Some(bench) = Bench::open().await else { return };
    bench.control().add(Rule::new(Fault::Delay(Place::After, Wait::Millis(5))).times(1));
    assert_eq!(bench.ask("eth_chainId", json!([])).await, json!("0x7a69"));
    assert_eq!(bench.control().counts()["delay_after"], 1);
}
