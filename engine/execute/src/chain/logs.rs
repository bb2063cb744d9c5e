//! Events: read in pages that the nodes are willing to answer, and believed only where enough agree.

use super::nodes::{NodeError, Nodes};
use super::refusal::{Refusal, Refused};
use super::retries::{Counts, Retries};
use alloy::primitives::{Address, B256, Bytes, U64};
use plimsoll_core::execution::BlockRef;
use serde::Deserialize;
use serde_json::{Value, json};

/// Blocks that are asked for at once, before a node says that it is too many.
const PAGE: u64 = 10_000;
/// Pages in a row that have to be answered before twice as many blocks are asked for.
const GROWS_AFTER: u32 = 4;
/// Numbers of events at which nodes are known to cut their answers without saying so.
const CUT_AT: [usize; 7] = [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];

/// Which events are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFilter {
    /// The contract that gives them.
    pub contract: Address,
    /// The hashes of their signatures; any of them, or anything where there is none.
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
    #[serde(default)]
    transaction_index: U64,
    /// The block.
    pub block_hash: B256,
    /// The transaction.
    #[serde(default)]
    pub transaction_hash: B256,
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

    /// Its place among the events of its block.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.log_index.to()
    }

    /// The place of its transaction in the block.
    #[must_use]
    pub fn transaction(&self) -> u64 {
        self.transaction_index.to()
    }
}

/// How many blocks are asked for at once: fewer after a refusal, and more again while pages are answered.
#[derive(Debug, Clone)]
pub struct Span {
    page: u64,
    most: u64,
    answered: u32,
}

impl Span {
    /// Returns one that begins with `most` blocks, and never asks for more.
    #[must_use]
    pub fn new(most: u64) -> Span {
        Span { page: most.max(1), most: most.max(1), answered: 0 }
    }

    /// How many blocks are asked for next.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.page
    }

    /// `asked` blocks were too many: as many as `fits`, or half of them.
    fn shrink(&mut self, asked: u64, fits: Option<u64>) {
        let fits = fits.filter(|fits| (1..asked).contains(fits));
        self.page = fits.unwrap_or(asked / 2).max(1);
        self.answered = 0;
    }

    fn grow(&mut self) {
        self.answered += 1;
        if self.answered >= GROWS_AFTER {
            self.page = self.page.saturating_mul(2).min(self.most);
            self.answered = 0;
        }
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
        let range = (from, to.number);
        let mut found = self.paged(filter, range, &mut Span::new(PAGE), &Retries::none()).await?;
        if self.hash_at(to.number).await? != to.hash {
            return Err(NodeError::Gone { number: to.number, hash: to.hash });
        }
        found.sort_by_key(|log: &Log| (log.block_number, log.log_index));
        Ok(found)
    }

    /// Returns the wanted events of the block of `hash`.
    ///
    /// # Errors
    /// [`NodeError::NoQuorum`].
    pub async fn logs_of(&self, filter: &LogFilter, hash: B256) -> Result<Vec<Log>, NodeError> {
        self.agreed("eth_getLogs", asked(filter, json!({ "blockHash": hash }))).await
    }

    /// Returns the events of `from` to `to`, in pages of `span`; what is not answered is asked again in smaller parts
    /// or after a while. Nothing says that the chain stayed the same between two pages: that is for the caller.
    ///
    /// # Errors
    /// [`NodeError::NoQuorum`] where a block alone is not answered, tried as often as `retries` says.
    pub async fn paged(
        &self,
        filter: &LogFilter,
        (from, to): (u64, u64),
        span: &mut Span,
        retries: &Retries,
    ) -> Result<Vec<Log>, NodeError> {
        let (mut found, mut next, mut attempt) = (Vec::new(), from, 0);
        while next <= to {
            let last = to.min(next.saturating_add(span.blocks() - 1));
            let blocks = last - next + 1;
            let error = match self.page(filter, next, last).await {
                Ok(logs) if blocks > 1 && CUT_AT.contains(&logs.len()) => {
                    span.shrink(blocks, None);
                    Counts::add(&retries.counts.split);
                    continue;
                }
                Ok(logs) => {
                    found.extend(logs);
                    (next, attempt) = (last.saturating_add(1), 0);
                    span.grow();
                    continue;
                }
                Err(error) => error,
            };
            let refusal = error.refusal();
            if let (Refusal::TooMuch { blocks: fits }, true) = (refusal, blocks > 1) {
                span.shrink(blocks, fits);
                Counts::add(&retries.counts.split);
                continue;
            }
            attempt += 1;
            if !retries.waited(refusal, attempt).await {
                return Err(error);
            }
            // Trouble that stays may be the size of the answer, where the node cannot say so.
            if attempt >= 2 && blocks > 1 && !matches!(refusal, Refusal::TooOften { .. }) {
                span.shrink(blocks, None);
                Counts::add(&retries.counts.split);
            }
        }
        Ok(found)
    }

    async fn page(&self, filter: &LogFilter, from: u64, to: u64) -> Result<Vec<Log>, NodeError> {
        let range = json!({ "fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}") });
        self.agreed_once("eth_getLogs", asked(filter, range)).await
    }
}

/// The parameters of a question for the events of `blocks`.
fn asked(filter: &LogFilter, mut blocks: Value) -> Value {
    let mut topics = Vec::new();
    if !filter.events.is_empty() || !filter.first.is_empty() {
        let any = filter.events.is_empty();
        topics.push(if any { Value::Null } else { json!(filter.events) });
    }
    if !filter.first.is_empty() {
        topics.push(json!(filter.first));
    }
    if let Some(fields) = blocks.as_object_mut() {
        fields.insert("address".to_owned(), json!(filter.contract));
        fields.insert("topics".to_owned(), json!(topics));
    }
    json!([blocks])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_halves_takes_a_hint_that_is_smaller_and_grows_again() {
        let mut span = Span::new(1_000);
        span.shrink(1_000, None);
        assert_eq!(span.blocks(), 500);
        span.shrink(500, Some(120));
        assert_eq!(span.blocks(), 120);
        span.shrink(120, Some(120));
        assert_eq!(span.blocks(), 60, "a hint that is no smaller is none");
        for _ in 0..GROWS_AFTER {
            span.grow();
        }
        assert_eq!(span.blocks(), 120);
        for _ in 0..100 {
            span.grow();
        }
        assert_eq!(span.blocks(), 1_000, "never more than at the beginning");
        span.shrink(1, None);
        assert_eq!(span.blocks(), 1);
    }
}
