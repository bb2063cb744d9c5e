//! A node that is some blocks behind, in everything that it says: its newest block is an older one, and what
//! is above that it has never heard of.

use super::upstream::{Gone, Outcome, Upstream, number, quantity};
use serde_json::{Value, json};

/// What a node says of a block that it does not know; code and words are geth's.
fn unknown_block() -> Value {
    json!({ "code": -32000, "message": "header not found" })
}

/// Where a method has the block that it is asked at.
fn block_parameter(method: &str) -> Option<usize> {
    match method {
        "eth_getBlockByNumber"
        | "eth_getBlockTransactionCountByNumber"
        | "eth_getTransactionByBlockNumberAndIndex"
        | "eth_getBlockReceipts" => Some(0),
        "eth_call"
        | "eth_getBalance"
        | "eth_getTransactionCount"
        | "eth_getCode"
        | "eth_estimateGas"
        | "eth_simulateV1"
        | "eth_feeHistory"
        | "eth_createAccessList" => Some(1),
        "eth_getStorageAt" | "eth_getProof" => Some(2),
        _ => None,
    }
}

/// Answers `method` as a node would whose newest block is `behind` blocks under the real one.
pub(super) async fn ask(
    node: &Upstream,
    (method, params): (&str, &Value),
    behind: u64,
) -> Result<Outcome, Gone> {
    let newest = node.height().await?.saturating_sub(behind);
    match method {
        "eth_blockNumber" => Ok(Ok(quantity(newest))),
        "eth_getBlockByHash" => {
            Ok(node.ask(method, params).await?.map(|block| known(block, "number", newest)))
        }
        "eth_getTransactionReceipt" => {
            Ok(node.ask(method, params).await?.map(|receipt| known(receipt, "blockNumber", newest)))
        }
        "eth_getTransactionByHash" => {
            Ok(node.ask(method, params).await?.map(|found| waiting(found, newest)))
        }
        "eth_getLogs" => logs(node, params, newest).await,
        _ => match block_parameter(method) {
            None => node.ask(method, params).await,
            Some(place) => at_block(node, (method, params), (place, newest)).await,
        },
    }
}

/// `found` if its block is one that the node knows.
fn known(found: Value, field: &str, newest: u64) -> Value {
    let is_above = found.get(field).and_then(number).is_some_and(|height| height > newest);
    if is_above { Value::Null } else { found }
}

/// A transaction as it was before it was included, if that is above what the node knows.
fn waiting(mut found: Value, newest: u64) -> Value {
    let height = found.get("blockNumber").and_then(number);
    if height.is_some_and(|height| height > newest)
        && let Some(fields) = found.as_object_mut()
    {
        for field in ["blockNumber", "blockHash", "transactionIndex"] {
            fields.insert(field.to_owned(), Value::Null);
        }
    }
    found
}

/// A method that is asked at a block, by tag, number or hash.
async fn at_block(
    node: &Upstream,
    (method, params): (&str, &Value),
    (place, newest): (usize, u64),
) -> Result<Outcome, Gone> {
    let mut params = params.as_array().cloned().unwrap_or_default();
    while params.len() <= place {
        params.push(Value::String("latest".to_owned()));
    }
    let Some(block) = params.get_mut(place) else { return Err(Gone) };
    let is_known = match block.clone() {
        Value::Object(fields) => match (fields.get("blockHash"), fields.get("blockNumber")) {
            (Some(hash), _) => height_of(node, hash).await?.is_some_and(|height| height <= newest),
            (None, asked) => asked.and_then(number).is_none_or(|height| height <= newest),
        },
        asked => match number(&asked) {
            Some(height) => height <= newest,
            None => {
                let is_first = asked.as_str() == Some("earliest");
                if !is_first {
                    *block = quantity(newest);
                }
                true
            }
        },
    };
    if is_known {
        return node.ask(method, &Value::Array(params)).await;
    }
    // A block that is asked for and not known is null; a question at one is an error.
    let is_block = method.starts_with("eth_getBlock");
    Ok(if is_block { Ok(Value::Null) } else { Err(unknown_block()) })
}

async fn height_of(node: &Upstream, hash: &Value) -> Result<Option<u64>, Gone> {
    let block = node.result("eth_getBlockByHash", json!([hash, false])).await?;
    Ok(block.get("number").and_then(number))
}

/// Events up to the newest block that the node knows.
async fn logs(node: &Upstream, params: &Value, newest: u64) -> Result<Outcome, Gone> {
    let found = match node.ask("eth_getLogs", params).await? {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let each = found.as_array().cloned().unwrap_or_default();
    let old = each.into_iter().filter(|log| {
        log.get("blockNumber").and_then(number).is_none_or(|height| height <= newest)
    });
    Ok(Ok(Value::Array(old.collect())))
}

/// The head that a node `behind` blocks under this one tells of now.
pub(super) async fn head(node: &Upstream, head: &Value, behind: u64) -> Result<Value, Gone> {
    let height = head.get("number").and_then(number).unwrap_or_default().saturating_sub(behind);
    node.result("eth_getBlockByNumber", json!([quantity(height), false])).await
}
