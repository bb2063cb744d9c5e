//! Answers that are well formed and untrue.

use crate::support::{Bench, Socket};
use alloy::primitives::{B256, U256};
use plimsoll_faults::proxy::{Fault, Forgery, Lie, Rule};
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_stands_by_the_head_that_it_made_up() {
    let Some(bench) = Bench::open().await else { return };
    bench.chain.mine_many(2).await.unwrap();
    let mut heads = Socket::heads(&bench.proxy.ws_url()).await;
    let rule = bench.control().add(Fault::Lie(Lie::HeadHash));
    let real = bench.truth("eth_getBlockByNumber", json!(["latest", false])).await;
    let told = bench.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_ne!(told["hash"], real["hash"]);
    assert_eq!((&told["number"], &told["parentHash"]), (&real["number"], &real["parentHash"]));
    let again = bench.ask("eth_getBlockByHash", json!([told["hash"], false])).await;
    assert_eq!(again, told, "asked by the hash that it made up it shows the same block");
    let account = bench.chain.accounts()[0];
    let at = json!([account, { "blockHash": told["hash"] }]);
    assert_eq!(bench.ask("eth_getTransactionCount", at).await, json!("0x0"));
    bench.chain.mine().await.unwrap();
    let next = bench.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(next["parentHash"], told["hash"], "the made-up block has children");
    let notified = heads.hear_json().await;
    assert_eq!(notified["params"]["result"]["hash"], next["hash"]);
    bench.control().remove(rule);
    let healed = bench.ask("eth_getBlockByNumber", json!([real["number"], false])).await;
    assert_eq!(healed["hash"], real["hash"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn balances_counts_gas_words_and_logs_are_what_a_lie_makes_of_them() {
    let Some(bench) = Bench::open().await else { return };
    let account = bench.chain.accounts()[0];
    bench.pay(account).await;
    bench.chain.mine().await.unwrap();
    let count = json!([account, "latest"]);
    let lie = |lie: Lie| bench.control().add(Rule::new(Fault::Lie(lie)).times(1));
    lie(Lie::Balance(U256::from(255)));
    lie(Lie::NonceAhead(4));
    lie(Lie::GasPercent(50));
    lie(Lie::Scaled(3));
    lie(Lie::FewerLogs(1));
    assert_eq!(bench.ask("eth_getBalance", count.clone()).await, json!("0xff"));
    assert_eq!(bench.ask("eth_getTransactionCount", count.clone()).await, json!("0x5"));
    let payment = json!([bench.payment(account)]);
    assert_eq!(bench.ask("eth_estimateGas", payment).await, json!("0x2904"));
    // The precompile at 4 gives back what it is given: one word.
    let word = |number: u64| B256::from(U256::from(number)).to_string();
    let echo =
        json!([{ "to": "0x0000000000000000000000000000000000000004", "data": word(7) }, "latest"]);
    assert_eq!(bench.ask("eth_call", echo.clone()).await, json!(word(7_000)));
    assert_eq!(bench.ask("eth_call", echo).await, json!(word(7)), "once");
    bench.control().add(Rule::new(Fault::Lie(Lie::NonceBehind(9))).times(1));
    assert_eq!(bench.ask("eth_getTransactionCount", count).await, json!("0x0"));
    let custom = |method: &str, params: &Value, _: Value| json!([method, params]);
    bench.control().add(Rule::new(Fault::Lie(Lie::Custom(Arc::new(custom)))).times(1));
    assert_eq!(bench.ask("eth_gasPrice", json!([])).await, json!(["eth_gasPrice", []]));
    assert_eq!(bench.control().counts().get("lie_fewer_logs"), None, "nobody asked for logs");
    assert_eq!(bench.ask("eth_getLogs", json!([{}])).await, json!([]));
    assert_eq!(bench.control().counts()["lie_fewer_logs"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_hidden_turned_around_moved_or_made_up() {
    let Some(bench) = Bench::open().await else { return };
    let paid = bench.pay(bench.chain.accounts()[1]).await;
    bench.chain.mine().await.unwrap();
    let waiting = bench.pay(bench.chain.accounts()[1]).await;
    let real = bench.truth("eth_getTransactionReceipt", json!([paid])).await;
    assert_eq!(real["status"], json!("0x1"));
    let said = async |forgery, hash: &str| {
        bench.control().add(Rule::new(Fault::Receipt(forgery)).times(1));
        bench.ask("eth_getTransactionReceipt", json!([hash])).await
    };
    assert_eq!(said(Forgery::Empty, &paid).await, Value::Null);
    assert_eq!(said(Forgery::Failed, &paid).await["status"], json!("0x0"));
    let moved = said(Forgery::OtherBlock, &paid).await;
    assert_ne!(moved["blockHash"], real["blockHash"]);
    assert_eq!(moved["blockNumber"], real["blockNumber"]);
    let invented = said(Forgery::Invented, &waiting).await;
    assert_eq!((&invented["status"], &invented["blockHash"]), (&json!("0x1"), &real["blockHash"]));
    assert_eq!(invented["transactionHash"], json!(waiting));
    assert_eq!(said(Forgery::Invented, &paid).await, real, "what is there is left as it is");
    // A transfer to a contract without code for it: fails, and is said to have done well.
    let failing = json!([{
        "from": bench.chain.accounts()[0], "gas": "0x186a0", "data": "0xfe",
    }]);
    let failed = bench.truth("eth_sendTransaction", failing).await;
    bench.chain.mine().await.unwrap();
    let failed = failed.as_str().unwrap();
    let real = bench.truth("eth_getTransactionReceipt", json!([failed])).await;
    assert_eq!(real["status"], json!("0x0"));
    assert_eq!(said(Forgery::Succeeded, failed).await["status"], json!("0x1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_that_it_is_a_node_of_another_chain() {
    let Some(bench) = Bench::open().await else { return };
    bench.control().add(Rule::new(Fault::ChainId(1)).after(1));
    assert_eq!(bench.ask("eth_chainId", json!([])).await, json!("0x7a69"), "mid-run: not at first");
    assert_eq!(bench.ask("eth_chainId", json!([])).await, json!("0x1"));
    assert_eq!(bench.ask("net_version", json!([])).await, json!("1"));
}
