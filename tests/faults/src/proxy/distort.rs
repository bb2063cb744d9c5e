//! What lies and forgeries make of a node's answer.

use super::control::Control;
use super::rule::{Fault, Forgery, Lie};
use super::upstream::{Gone, Upstream, number, quantity};
use alloy::primitives::{B256, U256, keccak256};
use serde_json::{Value, json};

/// `result` as `fault` has it; untouched by faults of another kind.
pub(super) async fn distorted(
    (node, control): (&Upstream, &Control),
    (method, params): (&str, &Value),
    fault: &Fault,
    result: Value,
) -> Result<Value, Gone> {
    Ok(match fault {
        Fault::ChainId(id) if method == "net_version" => Value::String(id.to_string()),
        Fault::ChainId(id) => quantity(*id),
        Fault::Receipt(Forgery::Invented) if result.is_null() => invented(node, params).await?,
        Fault::Receipt(forgery) => forged(result, *forgery),
        Fault::Lie(lie) => lied(control, (method, params), lie, result),
        _ => result,
    })
}

fn lied(
    control: &Control,
    (method, params): (&str, &Value),
    lie: &Lie,
    mut result: Value,
) -> Value {
    let counted = number(&result).unwrap_or_default();
    match lie {
        Lie::Balance(wei) => Value::String(format!("{wei:#x}")),
        Lie::Scaled(power) => scaled(result, *power),
        Lie::NonceAhead(by) => quantity(counted.saturating_add(*by)),
        Lie::NonceBehind(by) => quantity(counted.saturating_sub(*by)),
        Lie::GasPercent(percent) => quantity(counted.saturating_mul(*percent) / 100),
        Lie::FewerLogs(missing) => {
            if let Some(logs) = result.as_array_mut() {
                logs.truncate(logs.len().saturating_sub(*missing));
            }
            result
        }
        Lie::Custom(make) => make(method, params, result),
        Lie::HeadHash => {
            let asks_for_head = method == "eth_getBlockByNumber"
                && params.get(0).and_then(Value::as_str) == Some("latest");
            let is_head = asks_for_head || method == super::rule::NOTIFICATION;
            let hash =
                result.get("hash").and_then(Value::as_str).and_then(|hash| hash.parse().ok());
            if let Some(hash) = hash.filter(|_| is_head) {
                control.fake(hash);
            }
            serde_json::from_str(&control.faked(&result.to_string())).unwrap_or(result)
        }
    }
}

/// An answer of one word, times ten to `power`; the most that a word holds where that is too much.
fn scaled(result: Value, power: u32) -> Value {
    let word = result.as_str().filter(|text| text.len() == 66).and_then(|text| text.parse().ok());
    let Some(word) = word.map(|word: B256| U256::from_be_bytes(word.0)) else { return result };
    let scaled = word.saturating_mul(U256::from(10).saturating_pow(U256::from(power)));
    Value::String(B256::from(scaled).to_string())
}

fn forged(mut receipt: Value, forgery: Forgery) -> Value {
    let Some(fields) = receipt.as_object_mut() else { return receipt };
    let mut put = |field: &str, value: Value| drop(fields.insert(field.to_owned(), value));
    match forgery {
        Forgery::Empty => return Value::Null,
        Forgery::Succeeded => put("status", json!("0x1")),
        Forgery::Failed => {
            put("status", json!("0x0"));
            put("logs", json!([]));
        }
        Forgery::OtherBlock => {
            let hash = fields.get("blockHash").map(Value::to_string).unwrap_or_default();
            fields.insert("blockHash".to_owned(), json!(keccak256(hash)));
        }
        Forgery::Invented => {}
    }
    receipt
}

/// A receipt that says that a transaction succeeded in the newest block.
async fn invented(node: &Upstream, params: &Value) -> Result<Value, Gone> {
    let head = node.result("eth_getBlockByNumber", json!(["latest", false])).await?;
    let hash = params.get(0).cloned().unwrap_or_default();
    Ok(json!({
        "transactionHash": hash,
        "transactionIndex": "0x0",
        "blockHash": head.get("hash"),
        "blockNumber": head.get("number"),
        "from": B256::ZERO.to_string().get(..42),
        "to": B256::ZERO.to_string().get(..42),
        "cumulativeGasUsed": "0x5208",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x3b9aca00",
        "contractAddress": null,
        "logs": [],
        "logsBloom": format!("0x{}", "0".repeat(512)),
        "status": "0x1",
        "type": "0x2",
    }))
}
