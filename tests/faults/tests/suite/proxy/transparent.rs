//! The control: without a rule the proxy gives what the node gives, byte for byte.

use crate::support::{Bench, Socket, call};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn without_a_rule_http_answers_are_the_nodes_own_byte_for_byte() {
    let Some(bench) = Bench::open().await else { return };
    let paid = bench.pay(bench.chain.accounts()[1]).await;
    bench.chain.mine().await.unwrap();
    let account = bench.chain.accounts()[0];
    let batch = format!(
        "[{},{}]",
        call(5, "eth_blockNumber", json!([])),
        call(6, "eth_getBalance", json!([account, "latest"]))
    );
    let requests = [
        call(1, "eth_chainId", json!([])),
        call(2, "eth_getBlockByNumber", json!(["latest", true])),
        call(3, "eth_getTransactionReceipt", json!([paid])),
        call(4, "eth_getTransactionCount", json!([account, "pending"])),
        batch,
        "[]".to_owned(),
        call(7, "no_such_method", json!([])),
        call(8, "eth_getBlockByNumber", json!(["what"])),
        "  {\"method\": \"eth_chainId\", \"id\": \"seven\" , \"jsonrpc\":\"2.0\", \"params\":[]}"
            .to_owned(),
        "no JSON at all".to_owned(),
    ];
    for request in &requests {
        let own = bench.post(&bench.chain.http_url(), request).await.unwrap();
        assert_eq!(bench.through(request).await.unwrap(), own, "{request}");
    }
    let log = bench.control().log();
    assert_eq!(log.len(), requests.len(), "a batch of two, and an empty one");
    assert!(log.iter().all(|event| event.is_forwarded && event.faults.is_empty()));
    assert!(bench.control().counts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_rule_what_a_subscription_tells_is_the_nodes_own() {
    let Some(bench) = Bench::open().await else { return };
    let mut own = Socket::heads(&bench.chain.ws_url()).await;
    let mut through = Socket::heads(&bench.proxy.ws_url()).await;
    for _ in 0..3 {
        bench.chain.mine().await.unwrap();
        let (own, through) = (own.hear_json().await, through.hear_json().await);
        assert_eq!(through["params"]["result"], own["params"]["result"]);
        assert!(own["params"]["result"]["hash"].is_string());
    }
    let request = call(9, "eth_getBlockByNumber", json!(["latest", false]));
    own.say(&request).await;
    through.say(&request).await;
    assert_eq!(through.hear().await.unwrap(), own.hear().await.unwrap());
}
