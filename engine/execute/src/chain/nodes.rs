//! Several nodes asked as one: what enough of them say alike is believed, and nothing else.
//!
//! Everything about one moment is read at one block, by its hash. A node that does not know that block has no
//! vote; a reorganisation gives an error and never a mixture.

use super::endpoint::{Endpoint, RpcError};
use super::logs::Log;
use super::retries::Retries;
use alloy::primitives::{Address, B256, Bytes, U64, U256};
use alloy::rpc::json_rpc::RpcRecv;
use futures::future::join_all;
use plimsoll_core::execution::{BlockRef, Inclusion, Intent, Seen};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The nodes of one chain.
#[derive(Debug, Clone)]
pub struct Nodes {
    pub(super) endpoints: Vec<Endpoint>,
    quorum: usize,
    chain: u64,
    /// How patiently they are asked; once without it.
    pub(super) retries: Retries,
}

/// The newest block that enough nodes know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The block.
    pub block: BlockRef,
    /// Its parent's hash.
    pub parent: B256,
    /// Its timestamp, Unix seconds.
    pub timestamp: u64,
    /// Its base fee, wei for each unit of gas.
    pub base_fee: u128,
}

/// What a call would do on top of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// The gas limit that it needs: at least what it uses.
    pub gas: u64,
    /// The events that it gives: contract, topics, data.
    pub logs: Vec<(Address, Vec<B256>, Bytes)>,
}

/// Why the nodes said nothing that can be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// A node of another chain.
    #[error(
        "{node} is a node of chain {found}, not of {wanted}: stop, and correct the configuration"
    )]
    WrongChain {
        /// The node.
        node: String,
        /// Its chain.
        found: u64,
        /// The configured one.
        wanted: u64,
    },
    /// Too few nodes said the same.
    #[error("{method}: {agreeing} of {asked} nodes said the same, {quorum} are needed{}", said(.first))]
    NoQuorum {
        /// What was asked.
        method: &'static str,
        /// The most that agreed.
        agreeing: usize,
        /// How many were asked.
        asked: usize,
        /// How many have to agree.
        quorum: usize,
        /// The first error among the answers.
        first: Option<Box<RpcError>>,
    },
    /// A call that reverts.
    #[error("the call reverts on block {block}: {detail}")]
    Reverts {
        /// The block.
        block: u64,
        /// What the node says of it.
        detail: String,
    },
    /// A block that is no longer the chain's.
    #[error("block {number} with hash {hash} is not on the chain any more; look at the new head")]
    Gone {
        /// Its number.
        number: u64,
        /// Its hash.
        hash: B256,
    },
    /// A trial in which the contract did nothing at all: it always reverts or says what it did.
    #[error(
        "{contract} did nothing when the call was tried on block {block}: the node answers from a state without it, as \
         in the middle of a reorganisation; look again"
    )]
    Blank {
        /// The block.
        block: u64,
        /// The contract that was called.
        contract: Address,
    },
    /// No node, or a quorum that cannot be reached.
    #[error(
        "{endpoints} nodes are configured and {quorum} have to agree; name more, or set the quorum"
    )]
    TooFew {
        /// How many there are.
        endpoints: usize,
        /// How many have to agree.
        quorum: usize,
    },
}

impl NodeError {
    /// Whether asking again may cure it: silence and quarrels pass, a wrong chain and a quorum out of reach
    /// do not.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, NodeError::WrongChain { .. } | NodeError::TooFew { .. })
    }
}

fn said(first: &Option<Box<RpcError>>) -> String {
    first.as_ref().map(|error| format!("; {error}")).unwrap_or_default()
}

/// A block without its transactions' bodies, as nodes write it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    pub(super) number: U64,
    hash: B256,
    parent_hash: B256,
    timestamp: U64,
    #[serde(default)]
    base_fee_per_gas: Option<U256>,
    #[serde(default)]
    transactions: Vec<B256>,
}

/// A receipt, as nodes write it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    transaction_hash: B256,
    block_hash: B256,
    block_number: U64,
    status: U64,
    gas_used: U64,
    effective_gas_price: U256,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SimulatedBlock {
    calls: Vec<SimulatedCall>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SimulatedCall {
    status: U64,
    gas_used: U64,
    #[serde(default)]
    logs: Vec<SimulatedLog>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct SimulatedLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

impl Nodes {
    /// Returns the nodes of `chain`, of which `quorum` have to agree.
    ///
    /// # Errors
    /// [`NodeError::TooFew`].
    pub fn new(endpoints: Vec<Endpoint>, quorum: usize, chain: u64) -> Result<Nodes, NodeError> {
        if quorum == 0 || endpoints.len() < quorum {
            return Err(NodeError::TooFew { endpoints: endpoints.len(), quorum });
        }
        Ok(Nodes { endpoints, quorum, chain, retries: Retries::none() })
    }

    /// The chain that the nodes are configured to be of.
    #[must_use]
    pub fn chain(&self) -> u64 {
        self.chain
    }

    /// Host and port of each node.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.endpoints.iter().map(Endpoint::name)
    }

    /// Asks every node; their answers in their order.
    pub(super) async fn each<R: RpcRecv>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Vec<Result<R, RpcError>> {
        join_all(self.endpoints.iter().map(|node| node.ask(method, params.clone()))).await
    }

    /// Returns what enough nodes answer alike.
    ///
    /// # Errors
    /// [`NodeError::NoQuorum`].
    pub async fn agreed<R: RpcRecv + Ord>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<R, NodeError> {
        self.retries.run(|| self.agreed_once(method, params.clone())).await
    }

    /// The same, asked once.
    pub(super) async fn agreed_once<R: RpcRecv + Ord>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<R, NodeError> {
        let mut votes: BTreeMap<R, usize> = BTreeMap::new();
        let mut first = None;
        for answer in self.each::<R>(method, params).await {
            match answer {
                Ok(answer) => *votes.entry(answer).or_default() += 1,
                Err(error) => first = first.or(Some(error)),
            }
        }
        let most = votes.into_iter().max_by_key(|(_, count)| *count);
        match most {
            Some((answer, count)) if count >= self.quorum => Ok(answer),
            most => Err(self.no_quorum(method, most.map_or(0, |(_, count)| count), first)),
        }
    }

    /// Checks that every node that answers is of the configured chain.
    ///
    /// # Errors
    /// [`NodeError::WrongChain`], or too few answers.
    pub async fn check_chain(&self) -> Result<(), NodeError> {
        self.retries.run(|| self.check_chain_once()).await
    }

    async fn check_chain_once(&self) -> Result<(), NodeError> {
        let answers = self.each::<U64>("eth_chainId", json!([])).await;
        let mut right = 0;
        for (node, answer) in self.endpoints.iter().zip(&answers) {
            match answer {
                Ok(found) if found.to::<u64>() == self.chain => right += 1,
                Ok(found) => {
                    let (node, found) = (node.name().to_owned(), found.to());
                    return Err(NodeError::WrongChain { node, found, wanted: self.chain });
                }
                Err(_) => {}
            }
        }
        self.enough("eth_chainId", right, answers.into_iter().find_map(Result::err))
    }

    fn enough(
        &self,
        method: &'static str,
        agreeing: usize,
        first: Option<RpcError>,
    ) -> Result<(), NodeError> {
        if agreeing >= self.quorum {
            return Ok(());
        }
        Err(self.no_quorum(method, agreeing, first))
    }

    pub(super) fn no_quorum(
        &self,
        method: &'static str,
        agreeing: usize,
        first: Option<RpcError>,
    ) -> NodeError {
        let (asked, quorum, first) = (self.endpoints.len(), self.quorum, first.map(Box::new));
        NodeError::NoQuorum { method, agreeing, asked, quorum, first }
    }

    /// Returns the highest block that enough nodes know.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn head(&self) -> Result<Head, NodeError> {
        self.retries.run(|| self.head_once()).await
    }

    async fn head_once(&self) -> Result<Head, NodeError> {
        self.check_chain_once().await?;
        let method = "eth_getBlockByNumber";
        let answers = self.each::<Option<Header>>(method, json!(["latest", false])).await;
        let first = answers.iter().find_map(|answer| answer.as_ref().err().cloned());
        let mut heads: Vec<Header> = answers.into_iter().flatten().flatten().collect();
        heads.sort_by_key(|head| std::cmp::Reverse(head.number));
        heads.dedup_by_key(|head| head.hash);
        for head in heads {
            let known =
                self.each::<Option<Header>>("eth_getBlockByHash", json!([head.hash, false]));
            let known = known.await.into_iter().flatten().flatten();
            if known.filter(|block| *block == head).count() >= self.quorum {
                return Ok(head_of(&head));
            }
        }
        Err(self.no_quorum(method, 0, first))
    }

    /// Returns the answer of a call at the block of `hash`.
    ///
    /// # Errors
    /// [`NodeError::NoQuorum`].
    pub async fn call(&self, to: Address, data: &Bytes, hash: B256) -> Result<Bytes, NodeError> {
        let at = json!({ "blockHash": hash, "requireCanonical": true });
        self.agreed("eth_call", json!([{ "to": to, "data": data }, at])).await
    }

    /// Returns the code at `contract` in the block of `hash`; empty where there is none.
    ///
    /// # Errors
    /// [`NodeError::NoQuorum`].
    pub async fn code(&self, contract: Address, hash: B256) -> Result<Bytes, NodeError> {
        self.agreed("eth_getCode", json!([contract, { "blockHash": hash }])).await
    }

    /// Returns what `contract` said in the block of `hash`, in order.
    ///
    /// # Errors
    /// [`NodeError::NoQuorum`].
    pub async fn logs_in(&self, hash: B256, contract: Address) -> Result<Vec<Log>, NodeError> {
        self.agreed("eth_getLogs", json!([{ "blockHash": hash, "address": contract }])).await
    }

    /// Returns everything that [`plimsoll_core::execution::advance()`] wants to know of a plan at `head`.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn seen(
        &self,
        signer: Address,
        intent: Option<&Intent>,
        (head, tip): (&Head, u128),
    ) -> Result<Seen, NodeError> {
        let at = json!({ "blockHash": head.block.hash });
        let nonce: U64 = self.agreed("eth_getTransactionCount", json!([signer, at])).await?;
        let mut included = Vec::new();
        for attempt in intent.map(|intent| intent.attempts.as_slice()).unwrap_or_default() {
            included.extend(self.inclusion(attempt.hash, head).await?);
        }
        let height = intent.and_then(|intent| intent.inclusion).map(|found| found.block.number);
        let at_inclusion = match height {
            Some(number) if number <= head.block.number => Some(self.hash_at(number).await?),
            _ => None,
        };
        Ok(Seen {
            head: head.block,
            timestamp: head.timestamp,
            nonce: nonce.to(),
            included,
            at_inclusion,
            base_fee: head.base_fee,
            tip,
        })
    }

    /// Returns the hash of the chain's first block.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn hash_of_first(&self) -> Result<B256, NodeError> {
        self.hash_at(0).await
    }

    /// Returns the chain's block at `number`.
    ///
    /// # Errors
    /// [`NodeError::NoQuorum`].
    pub async fn block(&self, number: u64) -> Result<Head, NodeError> {
        self.block_at(number).await.map(|header| head_of(&header))
    }

    /// The hash of the chain's block at `number`.
    pub(crate) async fn hash_at(&self, number: u64) -> Result<B256, NodeError> {
        Ok(self.block_at(number).await?.hash)
    }

    async fn block_at(&self, number: u64) -> Result<Header, NodeError> {
        let method = "eth_getBlockByNumber";
        let found: Option<Header> =
            self.agreed(method, json!([format!("{number:#x}"), false])).await?;
        found.ok_or_else(|| self.no_quorum(method, 0, None))
    }

    /// Where `hash` is on the chain: a receipt that some node gives, in a block that enough nodes agree on
    /// and that holds it. One node that shows it is enough, however many show none yet; where nodes differ
    /// about what came of it, enough of them have to say the same.
    async fn inclusion(&self, hash: B256, head: &Head) -> Result<Option<Inclusion>, NodeError> {
        let answers = self.each::<Option<Receipt>>("eth_getTransactionReceipt", json!([hash]));
        let mut votes: BTreeMap<Receipt, usize> = BTreeMap::new();
        for receipt in answers.await.into_iter().flatten().flatten() {
            let number: u64 = receipt.block_number.to();
            if receipt.transaction_hash != hash || number > head.block.number {
                continue;
            }
            let block = self.block_at(number).await?;
            if block.hash == receipt.block_hash && block.transactions.contains(&hash) {
                *votes.entry(receipt).or_default() += 1;
            }
        }
        let is_disputed = votes.len() > 1;
        let most = votes.into_iter().max_by_key(|(_, count)| *count);
        let believed = most.filter(|(_, count)| !is_disputed || *count >= self.quorum);
        Ok(believed.map(|(receipt, _)| Inclusion {
            hash,
            block: BlockRef { number: receipt.block_number.to(), hash: receipt.block_hash },
            succeeded: receipt.status == U64::from(1),
            gas_used: receipt.gas_used.to(),
            gas_price: receipt.effective_gas_price.saturating_to(),
        }))
    }

    /// Tries a call on top of `block` without sending it.
    ///
    /// # Errors
    /// [`NodeError::Reverts`] where it would fail.
    pub async fn simulate(
        &self,
        (from, to): (Address, Address),
        data: &Bytes,
        block: BlockRef,
    ) -> Result<Simulated, NodeError> {
        let call = json!({ "from": from, "to": to, "data": data });
        let asked = json!({ "blockStateCalls": [{ "calls": [call.clone()] }] });
        let at = format!("{:#x}", block.number);
        let method = "eth_simulateV1";
        let answers = self.each::<Vec<SimulatedBlock>>(method, json!([asked, at])).await;
        let first = answers.iter().find_map(|answer| answer.as_ref().err().cloned());
        let calls = answers.into_iter().flatten().flatten().flat_map(|block| block.calls);
        let mut agreeing = 0;
        let mut answer: Option<Simulated> = None;
        for done in calls {
            if done.status != U64::from(1) {
                let detail = done.error.map(|error| error.to_string()).unwrap_or_default();
                return Err(NodeError::Reverts { block: block.number, detail });
            }
            let logs = done.logs.into_iter().map(|log| (log.address, log.topics, log.data));
            let found = Simulated { gas: done.gas_used.to(), logs: logs.collect() };
            if answer.as_ref().is_none_or(|known| *known == found) {
                agreeing += 1;
                answer = Some(found);
            }
        }
        self.enough(method, agreeing, first.clone())?;
        let mut simulated = answer.ok_or_else(|| self.no_quorum(method, agreeing, first))?;
        simulated.gas = simulated.gas.max(self.gas_needed(call, block).await?);
        Ok(simulated)
    }

    /// The least gas limit with which `call` succeeds on `block`. It may be far more than what is used: a
    /// contract may want gas in reserve. The nodes' searches end a little apart; the highest counts.
    async fn gas_needed(&self, call: Value, block: BlockRef) -> Result<u64, NodeError> {
        let method = "eth_estimateGas";
        let at = format!("{:#x}", block.number);
        let answers = self.each::<U64>(method, json!([call, at])).await;
        let first = answers.iter().find_map(|answer| answer.as_ref().err().cloned());
        let found: Vec<u64> = answers.into_iter().flatten().map(|gas| gas.to()).collect();
        self.enough(method, found.len(), first)?;
        Ok(found.into_iter().max().unwrap_or_default())
    }

    /// Sends signed bytes to every node. What they answer decides nothing: it is said for the log.
    pub async fn send(&self, raw: &Bytes) -> Vec<Result<B256, RpcError>> {
        self.each("eth_sendRawTransaction", json!([raw])).await
    }
}

pub(super) fn head_of(header: &Header) -> Head {
    Head {
        block: BlockRef { number: header.number.to(), hash: header.hash },
        parent: header.parent_hash,
        timestamp: header.timestamp.to(),
        base_fee: header.base_fee_per_gas.unwrap_or_default().saturating_to(),
    }
}
