//! Subscriptions that break, stutter and fall silent.

use crate::support::{Bench, Socket, call};
use plimsoll_faults::proxy::{Fault, Garbling, Rule, SocketFault};
use serde_json::json;

/// A subscription whose second message meets `fault`; the bench with three blocks mined since.
async fn told(fault: SocketFault) -> Option<(Bench, Socket)> {
    let bench = Bench::open().await?;
    bench.control().add(Rule::new(Fault::Socket(fault)).after(1).times(1));
    let heads = Socket::heads(&bench.proxy.ws_url()).await;
    for _ in 0..3 {
        bench.chain.mine().await.unwrap();
    }
    Some((bench, heads))
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_missed_or_come_twice() {
    for (fault, expected) in
        [(SocketFault::Skip, vec![1, 3]), (SocketFault::Repeat, vec![1, 2, 2, 3])]
    {
        let Some((_bench, mut heads)) = told(fault).await else { return };
        for height in expected {
            assert_eq!(heads.head().await, Some(height), "{fault:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_frame_or_a_close_ends_the_connection_and_a_new_one_works() {
    for fault in [SocketFault::BrokenFrame, SocketFault::Close] {
        let Some((bench, mut heads)) = told(fault).await else { return };
        assert_eq!(heads.head().await, Some(1));
        assert_eq!(heads.head().await, None, "{fault:?}");
        let mut again = Socket::heads(&bench.proxy.ws_url()).await;
        bench.chain.mine().await.unwrap();
        assert_eq!(again.head().await, Some(4));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_answers_nothing_comes_between() {
    let Some((_bench, mut heads)) = told(SocketFault::StrayError).await else { return };
    assert_eq!(heads.head().await, Some(1));
    let stray = heads.hear_json().await;
    assert!(stray["error"].is_object() && stray.get("id").is_none(), "{stray}");
    assert_eq!(heads.head().await, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_socket_stays_open_and_says_nothing_until_it_heals() {
    let Some(bench) = Bench::open().await else { return };
    let mut heads = Socket::heads(&bench.proxy.ws_url()).await;
    bench.control().add(Fault::Socket(SocketFault::Silence));
    bench.chain.mine().await.unwrap();
    heads.say(&call(2, "eth_blockNumber", json!([]))).await;
    bench.control().wait_for(|log| log.len() >= 3).await;
    assert_eq!(bench.ask("eth_blockNumber", json!([])).await, json!("0x1"), "HTTP speaks");
    bench.control().heal();
    bench.chain.mine().await.unwrap();
    assert_eq!(heads.head().await, Some(2), "what was swallowed never comes");
    assert_eq!(bench.control().counts()["socket_silence"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_by_socket_meet_the_faults_of_requests() {
    let Some(bench) = Bench::open().await else { return };
    let mut socket = bench.socket().await;
    bench.control().add(Rule::new(Fault::Garble(Garbling::Twice)).times(1));
    for _ in 0..2 {
        let said = if bench.control().log().is_empty() {
            socket.ask(1, "eth_chainId", json!([])).await
        } else {
            socket.hear_json().await
        };
        assert_eq!((&said["id"], &said["result"]), (&json!(1), &json!("0x7a69")));
    }
    bench.control().add(Rule::new(Fault::Garble(Garbling::Reversed)).times(1));
    socket.say(&call(2, "eth_chainId", json!([]))).await;
    bench.control().wait_for(|log| log.len() == 2).await;
    socket.say(&call(3, "eth_blockNumber", json!([]))).await;
    assert_eq!(socket.hear_json().await["id"], json!(3));
    assert_eq!(socket.hear_json().await["id"], json!(2), "out of order");
    bench.control().add(Rule::new(Fault::DropAfter).times(1));
    socket.say(&call(4, "eth_chainId", json!([]))).await;
    assert_eq!(socket.hear().await, None);
}
