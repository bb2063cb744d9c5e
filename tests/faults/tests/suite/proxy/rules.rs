//! When a rule is meant: methods, doors, counts, chance.

use crate::support::{Bench, call};
use plimsoll_faults::proxy::{Fault, Place, Reply, Rule, Side};
use serde_json::{Value, json};

fn refusal() -> Fault {
    Fault::Answer(
        Place::Before,
        Reply::Error { code: -32005, message: "limit exceeded".to_owned() },
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_meant_for_its_methods_its_door_and_its_turn_alone() {
    let Some(bench) = Bench::open().await else { return };
    let rule = Rule::new(refusal()).on(&["eth_blockNumber"]).over(Side::Http).after(1).times(2);
    bench.control().add(rule);
    let mut socket = bench.socket().await;
    let by_socket = socket.ask(1, "eth_blockNumber", json!([])).await;
    assert_eq!(by_socket["result"], json!("0x0"));
    assert_eq!(bench.ask("eth_chainId", json!([])).await, json!("0x7a69"));
    let mut refused = Vec::new();
    for _ in 0..4 {
        refused.push(bench.ask("eth_blockNumber", json!([])).await.is_object());
    }
    assert_eq!(refused, [false, true, true, false]);
    assert_eq!(bench.control().count(&refusal()), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_meets_the_same_faults_and_another_seed_others() {
    let mut runs = Vec::new();
    for seed in [3, 3, 4] {
        let Some(bench) = Bench::seeded(seed).await else { return };
        // Another rule draws for itself and changes nothing for this one.
        bench.control().add(Rule::new(refusal()).on(&["eth_gasPrice"]).in_per_mille(500));
        bench.control().add(Rule::new(refusal()).on(&["eth_blockNumber"]).in_per_mille(300));
        let mut struck = Vec::new();
        for turn in 0..60 {
            if turn % (seed + 1) == 0 {
                bench.ask("eth_gasPrice", json!([])).await;
            }
            struck.push(bench.ask("eth_blockNumber", json!([])).await.is_object());
        }
        let count = struck.iter().filter(|struck| **struck).count();
        assert!((5..35).contains(&count), "three tenths of sixty, not {count}");
        runs.push(struck);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_were_sent_are_in_the_log_and_healing_ends_every_rule() {
    let Some(bench) = Bench::open().await else { return };
    bench.control().add(Fault::DropBefore);
    let request = call(1, "eth_sendRawTransaction", json!(["0x02"]));
    assert!(bench.through(&request).await.is_err());
    bench.control().heal();
    let refused: Value = bench.through(&request).await.unwrap().json();
    assert!(refused["error"].is_object(), "the node's own words: {refused}");
    let log = bench.control().log();
    let sent: Vec<_> = log.iter().map(|event| (&event.params, event.is_forwarded)).collect();
    let params = Some(json!(["0x02"]));
    assert_eq!(sent, [(&params, false), (&params, true)]);
}
