//! What the chain says of a key: every transaction of it, what it cost, and what the vault says it did.

use super::Limits;
use crate::abi::{ENTRY, Moved, Reallocated, totalAssetsCall};
use alloy::consensus::transaction::SignerRecoverable;
use alloy::consensus::{Transaction as _, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::Provider;
use alloy::rpc::types::{Block, TransactionReceipt};
use alloy::sol_types::{SolCall, SolEvent};
use alloy::transports::TransportError;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tx {
    /// Its hash.
    pub hash: B256,
    /// Whose it is.
    pub from: Address,
    /// Where it goes; none creates a contract.
    pub to: Option<Address>,
    /// The chain that it is signed for; 0 where it names none.
    pub chain: u64,
    /// Its nonce.
    pub nonce: u64,
    /// Wei that it sends.
    pub value: U256,
    /// Its data.
    pub data: Bytes,
    /// What it offers for a unit of gas, wei.
    pub max_fee: u128,
}

/// Bytes that went to a node, whatever came of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The transaction in them.
    pub tx: Tx,
}

impl Sent {
    /// Reads signed bytes; `None` where they are no transaction, or nobody's.
    #[must_use]
    pub fn read(raw: &[u8]) -> Option<Sent> {
        let envelope = TxEnvelope::decode_2718(&mut &*raw).ok()?;
        let from = envelope.recover_signer().ok()?;
        Some(Sent { tx: tx(&envelope, from) })
    }
}

/// A transaction of the key in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// The transaction.
    pub tx: Tx,
    /// The block's number.
    pub block: u64,
    /// The block's time, Unix seconds.
    pub time: u64,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// Gas that it used.
    pub gas_used: u64,
    /// What it paid for a unit of gas, wei.
    pub gas_price: u128,
    /// The plans that the vault says it carried out.
    pub effects: Vec<B256>,
    /// What the vault says it moved into each market.
    pub entered: BTreeMap<Address, U256>,
    /// What those markets hold after the block.
    pub after: BTreeMap<Address, U256>,
    /// What the vault held before the block.
    pub nav: U256,
}

impl Landed {
    /// What it cost in gas, wei.
    #[must_use]
    pub fn cost(&self) -> U256 {
        U256::from(self.gas_used).saturating_mul(U256::from(self.gas_price))
    }
}

fn tx(envelope: &TxEnvelope, from: Address) -> Tx {
    Tx {
        hash: *envelope.tx_hash(),
        from,
        to: envelope.to(),
        chain: envelope.chain_id().unwrap_or_default(),
        nonce: envelope.nonce(),
        value: envelope.value(),
        data: envelope.input().clone(),
        max_fee: envelope.max_fee_per_gas(),
    }
}

/// Returns every transaction of the key in `blocks`, and every one of anybody that made the vault carry a plan
/// out, in the order of the chain.
///
/// # Errors
/// Whatever the node refuses.
pub async fn landed(
    node: &impl Provider,
    limits: &Limits,
    blocks: std::ops::RangeInclusive<u64>,
) -> Result<Vec<Landed>, TransportError> {
    let mut found = Vec::new();
    for number in blocks {
        let asked = (format!("{number:#x}"), true);
        let block: Option<Block> = node.raw_request("eth_getBlockByNumber".into(), asked).await?;
        let Some(block) = block else { break };
        for sent in block.transactions.txns() {
            let tx = tx(&sent.inner, sent.inner.signer());
            if tx.from != limits.signer && tx.to != Some(limits.vault) {
                continue;
            }
            let receipt: Option<TransactionReceipt> =
                node.raw_request("eth_getTransactionReceipt".into(), [tx.hash]).await?;
            let Some(receipt) = receipt else { continue };
            let one = read(node, limits, (tx, &receipt), (number, block.header.timestamp)).await?;
            if one.tx.from == limits.signer || !one.effects.is_empty() {
                found.push(one);
            }
        }
    }
    Ok(found)
}

async fn read(
    node: &impl Provider,
    limits: &Limits,
    (tx, receipt): (Tx, &TransactionReceipt),
    (block, time): (u64, u64),
) -> Result<Landed, TransportError> {
    let logs = receipt.logs().iter().filter(|log| log.address() == limits.vault);
    let (mut effects, mut entered) = (Vec::new(), BTreeMap::<Address, U256>::new());
    for log in logs {
        if let Ok(event) = Reallocated::decode_log(&log.inner) {
            effects.push(event.planId);
        }
        if let Ok(event) = Moved::decode_log(&log.inner)
            && event.kind == ENTRY
        {
            let sum = entered.entry(event.market).or_default();
            *sum = sum.saturating_add(event.assets);
        }
    }
    let markets: BTreeSet<Address> = entered.keys().copied().collect();
    let mut after = BTreeMap::new();
    for market in markets {
        after.insert(market, total(node, market, block).await?);
    }
    Ok(Landed {
        nav: total(node, limits.vault, block.saturating_sub(1)).await?,
        tx,
        block,
        time,
        succeeded: receipt.status(),
        gas_used: receipt.gas_used,
        gas_price: receipt.effective_gas_price,
        effects,
        entered,
        after,
    })
}

/// What a contract says that it holds at a block.
async fn total(node: &impl Provider, of: Address, block: u64) -> Result<U256, TransportError> {
    let call = json!([{ "to": of, "data": Bytes::from(totalAssetsCall {}.abi_encode()) }, format!("{block:#x}")]);
    let answer: Bytes = node.raw_request("eth_call".into(), call).await?;
    Ok(totalAssetsCall::abi_decode_returns(&answer).unwrap_or_default())
}
