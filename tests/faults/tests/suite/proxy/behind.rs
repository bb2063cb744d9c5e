//! A node that is behind, in everything that it says.

use crate::support::{Bench, Socket, number};
use plimsoll_faults::proxy::{Fault, Rule};
use serde_json::{Value, json};

/// Five blocks, a payment in the last of them.
async fn stage() -> Option<(Bench, String)> {
    let bench = Bench::open().await?;
    bench.chain.mine_many(4).await.unwrap();
    let paid = bench.pay(bench.chain.accounts()[1]).await;
    bench.chain.mine().await.unwrap();
    Some((bench, paid))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_behind_has_never_heard_of_the_newest_blocks() {
    let Some((bench, paid)) = stage().await else { return };
    let account = bench.chain.accounts()[0];
    let newest = bench.truth("eth_getBlockByNumber", json!(["latest", false])).await;
    let before = bench.truth("eth_getBlockByNumber", json!(["0x3", false])).await;
    bench.control().add(Fault::Lag(2));
    assert_eq!(bench.ask("eth_blockNumber", json!([])).await, json!("0x3"));
    assert_eq!(bench.ask("eth_getBlockByNumber", json!(["latest", false])).await, before);
    assert_eq!(bench.ask("eth_getBlockByNumber", json!(["0x5", false])).await, Value::Null);
    assert_eq!(bench.ask("eth_getBlockByHash", json!([newest["hash"], false])).await, Value::Null);
    assert_eq!(bench.ask("eth_getBlockByHash", json!([before["hash"], false])).await, before);
    assert_eq!(bench.ask("eth_getTransactionReceipt", json!([paid])).await, Value::Null);
    let found = bench.ask("eth_getTransactionByHash", json!([paid])).await;
    assert_eq!((&found["hash"], &found["blockHash"]), (&json!(paid), &Value::Null));
    for at in ["latest", "pending", "safe"] {
        let counted = bench.ask("eth_getTransactionCount", json!([account, at])).await;
        assert_eq!(counted, json!("0x0"), "{at}");
    }
    assert_eq!(bench.ask("eth_getTransactionCount", json!([account])).await, json!("0x0"));
    for at in [json!({ "blockHash": newest["hash"] }), json!("0x5")] {
        let refused = bench.ask("eth_getTransactionCount", json!([account, at])).await;
        assert_eq!(refused["message"], json!("header not found"), "{at}");
    }
    let known = json!([account, { "blockHash": before["hash"] }]);
    assert_eq!(bench.ask("eth_getTransactionCount", known).await, json!("0x0"));
    assert_eq!(bench.ask("eth_chainId", json!([])).await, json!("0x7a69"));
    bench.control().heal();
    assert_eq!(bench.ask("eth_blockNumber", json!([])).await, json!("0x5"));
    assert_eq!(
        bench.ask("eth_getTransactionCount", json!([account, "latest"])).await,
        json!("0x1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_go_backward_where_a_node_falls_behind_and_state_alone_can_lag() {
    let Some((bench, _)) = stage().await else { return };
    let account = bench.chain.accounts()[0];
    let mut heads = Vec::new();
    for behind in [0, 3, 1] {
        let rule = bench.control().add(Fault::Lag(behind));
        heads.push(number(&bench.ask("eth_blockNumber", json!([])).await));
        bench.control().remove(rule);
    }
    assert_eq!(heads, [5, 2, 4]);
    bench.control().add(Rule::new(Fault::Lag(1)).on(&["eth_getTransactionCount"]));
    let head = bench.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(head["number"], json!("0x5"));
    let at = json!([account, { "blockHash": head["hash"] }]);
    let refused = bench.ask("eth_getTransactionCount", at).await;
    assert_eq!(refused["message"], json!("header not found"), "reads by hash fail closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_of_a_node_that_is_behind_tells_of_older_heads() {
    let Some((bench, _)) = stage().await else { return };
    bench.control().add(Fault::Lag(2));
    let mut heads = Socket::heads(&bench.proxy.ws_url()).await;
    for height in [4, 5, 6] {
        bench.chain.mine().await.unwrap();
        assert_eq!(heads.head().await, Some(height));
    }
}
