//! Events: read in pages that the nodes are willing to answer, and believed only where enough agree.

use super::endpoint::RpcError;
use super::nodes::{NodeError, Nodes};
use alloy::primitives::{Address, B256, Bytes, U64};
use plimsoll_core::execution::BlockRef;
use serde::Deserialize;
use serde_json::json;

/// Blocks that are asked for at once, before a node says that it is too many.
const PAGE: u64 = 10_000;

/// Which events are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFilter {
    /// The contract that gives them.
    pub contract: Address,
    /// The hashes of their signatures; any of them.
    pub events: Vec<B256>,
    /// Their first indexed argument; any of them, or anything where there is none.
    pub first: Vec<B256>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    block_number: U64,
    log_index: U64,
    /// The block.
    pub block_hash: B256,
    /// The contract.
    pub address: Address,
    /// The hash of its signature, then its indexed arguments.
    pub topics: Vec<B256>,
    /// Its other arguments.
    pub data: Bytes,
}

impl Log {
    /// The number of its block.
    #[must_use]
    pub fn block(&self) -> u64 {
        self.block_number.to()
    }
}

impl Nodes {
    /// Returns the events of `from` to `to`, in the order of the chain.
    ///
    /// Asked for in pages, halved where a node refuses so many blocks. Pages cannot be pinned to a hash, so
    /// `to` is looked at once they are read: if it is still the chain's, so is all before it.
    ///
    /// # Errors
    /// [`NodeError::Gone`] after a reorganisation, else [`NodeError::NoQuorum`].
    pub async fn logs(
        &self,
        filter: &LogFilter,
        from: u64,
        to: BlockRef,
    ) -> Result<Vec<Log>, NodeError> {
        let (mut found, mut next, mut page) = (Vec::new(), from, PAGE);
        while next <= to.number {
            let last = to.number.min(next.saturating_add(page.saturating_sub(1)));
            match self.page(filter, next, last).await {
                Ok(logs) => {
                    found.extend(logs);
                    next = last.saturating_add(1);
                }
                Err(error) if last > next && is_too_many(&error) => {
                    page = (last - next).div_ceil(2)
                }
                Err(error) => return Err(error),
            }
        }
        if self.hash_at(to.number).await? != to.hash {
            return Err(NodeError::Gone { number: to.number, hash: to.hash });
        }
        found.sort_by_key(|log: &Log| (log.block_number, log.log_index));
        Ok(found)
    }

    async fn page(&self, filter: &LogFilter, from: u64, to: u64) -> Result<Vec<Log>, NodeError> {
        let mut topics = vec![json!(filter.events)];
        if !filter.first.is_empty() {
            topics.push(json!(filter.first));
        }
        let asked = json!([{
            "address": filter.contract,
            "topics": topics,
            "fromBlock": format!("{from:#x}"),
            "toBlock": format!("{to:#x}"),
        }]);
        self.agreed("eth_getLogs", asked).await
    }
}

/// Whether nodes refused for the size of the answer. They have no code in common for it, so their words
/// count: range, limit, too many, more than, exceeds, too large.
fn is_too_many(error: &NodeError) -> bool {
    let NodeError::NoQuorum { first: Some(RpcError::Refused { code, message, .. }), .. } = error
    else {
        return false;
    };
    let words = message.to_lowercase();
    let said = ["range", "limit", "too many", "more than", "exceed", "too large", "response size"];
    *code == -32_005 || said.iter().any(|word| words.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: i64, message: &str) -> NodeError {
        let (node, message) = ("n".to_owned(), message.to_owned());
        let refused = RpcError::Refused { node, method: "eth_getLogs", code, message };
        let method = "eth_getLogs";
        NodeError::NoQuorum { method, agreeing: 0, asked: 1, quorum: 1, first: Some(refused) }
    }

    #[test]
    fn what_nodes_say_of_too_many_blocks_is_understood() {
        for message in [
            "query returned more than 10000 results",
            "block range is too wide",
            "Log response size exceeded",
            "eth_getLogs is limited to a 10,000 range",
        ] {
            assert!(is_too_many(&refused(-32_000, message)), "{message}");
        }
        assert!(is_too_many(&refused(-32_005, "no")));
        assert!(!is_too_many(&refused(-32_601, "the method does not exist")));
    }
}
