//! Connections that break, and answers that are none.

use crate::support::{Bench, call};
use plimsoll_faults::proxy::{Fault, Garbling, Place, Reply, Rule};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_before_never_reaches_the_node_and_what_is_dropped_after_does() {
    let Some(bench) = Bench::open().await else { return };
    let payment = json!([bench.payment(bench.chain.accounts()[1])]);
    let request = call(1, "eth_sendTransaction", payment);
    for (fault, sent) in [(Fault::DropBefore, "0x0"), (Fault::DropAfter, "0x1")] {
        let name = fault.name();
        bench.control().clear_log();
        bench.control().add(Rule::new(fault).on(&["eth_sendTransaction"]).times(1));
        assert!(bench.through(&request).await.is_err(), "{name}: no answer");
        assert_eq!(bench.sent().await, json!(sent), "{name}");
        let log = bench.control().log();
        assert_eq!(log.len(), 1);
        assert_eq!((log[0].faults.as_slice(), log[0].is_forwarded), (&[name][..], sent == "0x1"));
    }
    let after = bench.through(&request).await.unwrap();
    assert!(after.json()["result"].is_string(), "the rules are used up: {after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_statuses_and_pages_stand_in_for_answers_with_and_without_the_node() {
    let Some(bench) = Bench::open().await else { return };
    let request = call(3, "eth_sendTransaction", json!([bench.payment(bench.chain.accounts()[1])]));
    let error = || Reply::Error { code: -32603, message: "nonce too low".to_owned() };
    let replies = [Reply::Status(429), Reply::Status(500), Reply::Html, error()];
    let mut sent = 0;
    for (place, reply) in [Place::Before, Place::After]
        .into_iter()
        .flat_map(|place| replies.iter().map(move |reply| (place, reply.clone())))
    {
        bench.control().add(
            Rule::new(Fault::Answer(place, reply.clone())).on(&["eth_sendTransaction"]).times(1),
        );
        let got = bench.through(&request).await.unwrap();
        match &reply {
            Reply::Status(status) => assert_eq!(got.status, *status),
            Reply::Html => {
                assert_eq!((got.status, got.content_type.as_str()), (200, "text/html"));
                assert!(got.body.starts_with("<!DOCTYPE html>"));
            }
            Reply::Error { code, .. } => {
                assert_eq!(
                    (&got.json()["error"]["code"], &got.json()["id"]),
                    (&json!(code), &json!(3))
                );
            }
        }
        sent += u64::from(place == Place::After);
        assert_eq!(bench.sent().await, json!(format!("{sent:#x}")), "{place:?} {reply:?}");
        let log = bench.control().log();
        assert_eq!(log.last().unwrap().is_forwarded, place == Place::After);
    }
    assert_eq!(bench.control().counts()["answer_before"], 4);
    assert_eq!(bench.control().counts()["answer_after"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_answers_are_cut_short_answer_others_or_nobody() {
    let Some(bench) = Bench::open().await else { return };
    let request = call(11, "eth_getBlockByNumber", json!(["latest", false]));
    let whole = bench.through(&request).await.unwrap();
    let once = |garbling| Rule::new(Fault::Garble(garbling)).times(1);
    bench.control().add(once(Garbling::Truncated));
    let short = bench.through(&request).await.unwrap();
    assert_eq!(short.status, 200);
    assert!(whole.body.starts_with(&short.body) && short.body.len() < whole.body.len());
    assert!(serde_json::from_str::<Value>(&short.body).is_err());
    bench.control().add(once(Garbling::Cut));
    assert!(bench.through(&request).await.is_err(), "the body ends before its length");
    bench.control().add(once(Garbling::OtherId));
    assert_eq!(bench.through(&request).await.unwrap().json()["id"], json!("another"));
    bench.control().add(once(Garbling::NoId));
    assert_eq!(bench.through(&request).await.unwrap().json().get("id"), None);
    assert_eq!(bench.through(&request).await.unwrap(), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_a_batch_meet_faults_of_their_own_and_come_twice_or_in_reverse() {
    let Some(bench) = Bench::open().await else { return };
    let batch = format!(
        "[{},{}]",
        call(1, "eth_chainId", json!([])),
        call(2, "eth_blockNumber", json!([]))
    );
    let ids = |said: Value| -> Vec<u64> {
        said.as_array().unwrap().iter().map(|answer| answer["id"].as_u64().unwrap()).collect()
    };
    bench.control().add(Rule::new(Fault::ChainId(5)).times(1));
    let said = bench.through(&batch).await.unwrap().json();
    assert_eq!((&said[0]["result"], &said[1]["result"]), (&json!("0x5"), &json!("0x0")));
    bench.control().add(Rule::new(Fault::Garble(Garbling::Reversed)).on(&["eth_chainId"]).times(1));
    assert_eq!(ids(bench.through(&batch).await.unwrap().json()), [2, 1]);
    bench.control().add(Rule::new(Fault::Garble(Garbling::Twice)).on(&["eth_chainId"]).times(1));
    assert_eq!(ids(bench.through(&batch).await.unwrap().json()), [1, 1, 2, 2]);
    bench.control().add(Rule::new(Fault::DropBefore).on(&["eth_blockNumber"]).times(1));
    assert!(bench.through(&batch).await.is_err(), "one that is dropped takes the batch with it");
}
