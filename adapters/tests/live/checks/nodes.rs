use crate::bench::{Bench, Outcome, Verdict, holds, same};
use crate::proxy::Proxy;
use crate::stage::nodes;
use plimsoll_execute::chain::{Endpoint, Nodes};
use plimsoll_execute::{AdapterError, At};
use plimsoll_localchain::CHAIN_ID;
use serde_json::{Value, json};
use std::time::Duration;

fn truthful(_method: &str, answer: Value) -> Value {
    answer
}

pub(super) async fn a_read_is_one_call_at_the_blocks_hash(bench: &Bench<'_>) -> Outcome {
    let proxy = Proxy::before(&bench.stage.chain, truthful).await;
    let through = nodes(&proxy.url, CHAIN_ID);
    let (adapter, at) = (bench.adapter(), bench.stage.at().await);
    // The first read learns what cannot change.
    adapter.read(&through, &at).await.map_err(|error| error.to_string())?;
    proxy.forget();
    adapter.read(&through, &at).await.map_err(|error| error.to_string())?;
    let seen = proxy.seen();
    let calls: Vec<_> = seen.iter().filter(|(method, _)| method == "eth_call").collect();
    same("calls", calls.len(), bench.subject.calls())?;
    for (_, params) in calls {
        holds("it is pinned to a hash", params[1]["blockHash"].is_string())?;
        same("and to the chain's own", params[1]["requireCanonical"].clone(), json!(true))?;
    }
    Ok(Verdict::Holds)
}

pub(super) async fn an_unreachable_node_is_a_passing_error(bench: &Bench<'_>) -> Outcome {
    let nowhere = nodes("http://127.0.0.1:9", CHAIN_ID);
    let at = bench.stage.at().await;
    let Err(error) = bench.adapter().read(&nowhere, &at).await else {
        return Err("something was read from nowhere".to_owned());
    };
    let is_named = matches!(error, AdapterError::Node { .. }) && error.is_transient();
    holds(&format!("{error}"), is_named)?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_reorganised_block_is_an_error_and_never_a_mixture(
    bench: &Bench<'_>,
) -> Outcome {
    let adapter = bench.adapter();
    bench.stage.chain.mine_many(2).await.unwrap();
    let at = bench.stage.at().await;
    adapter.read(&bench.stage.nodes, &at).await.map_err(|error| error.to_string())?;
    let other = plimsoll_localchain::abi::IToken::mintCall {
        to: bench.stage.owner,
        amount: alloy::primitives::U256::from(1),
    };
    let token = bench.stage.token(plimsoll_localchain::Asset::Usdc);
    let instead = plimsoll_localchain::Call::new(bench.stage.account(3), token, &other);
    bench.stage.chain.reorg(2, &[(instead, 0)]).await.unwrap();
    holds("the block is another one", bench.stage.at().await.block.hash != at.block.hash)?;
    let Err(error) = adapter.read(&bench.stage.nodes, &at).await else {
        return Err("a block that is gone was read".to_owned());
    };
    holds(&format!("it passes: {error}"), error.is_transient())?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_block_of_another_time_is_an_error(bench: &Bench<'_>) -> Outcome {
    let at = bench.stage.at().await;
    let off = At { timestamp: at.timestamp + 1, ..at };
    let Err(error) = bench.adapter().read(&bench.stage.nodes, &off).await else {
        return Err("a block was read at a time that is not its own".to_owned());
    };
    holds(&format!("{error}"), error.to_string().contains("answered at"))?;
    Ok(Verdict::Holds)
}

pub(super) async fn nodes_that_differ_are_not_believed(bench: &Bench<'_>) -> Outcome {
    fn lies(method: &str, answer: Value) -> Value {
        let Value::String(text) = &answer else { return answer };
        if method != "eth_call" {
            return answer;
        }
        // The last word of the answer is another one.
        let kept = text.len().saturating_sub(1);
        json!(format!("{}f", &text[..kept]))
    }
    let proxy = Proxy::before(&bench.stage.chain, lies).await;
    let endpoint = |url: &str| Endpoint::new(url, Duration::from_secs(20)).unwrap();
    let both = vec![endpoint(&bench.stage.chain.http_url()), endpoint(&proxy.url)];
    let at = bench.stage.at().await;
    let two = Nodes::new(both, 2, CHAIN_ID).unwrap();
    let Err(error) = bench.adapter().read(&two, &at).await else {
        return Err("two nodes that differ were believed".to_owned());
    };
    holds(&format!("{error}"), error.is_transient())?;
    Ok(Verdict::Holds)
}
