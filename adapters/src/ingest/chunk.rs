//! One part of a range, read: headers that follow from one another, the events that belong to them, the markets at
//! the blocks where they are wanted.
//!
//! Nothing that a node says is taken alone where another answer speaks of it too: an event has to lie in a block of
//! the header chain, and a block whose filter knows a contract that gave no event there is asked again by its hash.

use super::error::ChunkError;
use super::events::Source;
use super::manifest::Every;
use super::tables::{Event, Gap};
use super::{Job, Sources};
use crate::recorded::Row;
use futures::{StreamExt, TryStreamExt, stream};
use plimsoll_execute::chain::{Headed, Log, NodeError, Span};
use plimsoll_execute::{AdapterError, At, Reading};
use std::collections::BTreeMap;

/// How often a part whose answers do not fit together is read anew.
const ROUNDS: u32 = 3;

/// What a part holds.
#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) headers: Vec<Headed>,
    pub(super) events: Vec<Event<'a>>,
    pub(super) snapshots: Vec<u64>,
    pub(super) rows: Vec<Row>,
    pub(super) gaps: Vec<Gap>,
    /// Answers about a range that lacked events, found out by asking for a block.
    pub(super) withheld: u64,
}

/// The block before a part: its hash, and its time where snapshots follow from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    pub(super) hash: alloy::primitives::B256,
    pub(super) time: u64,
}

/// Reads parts; how many blocks at once a node answers is remembered from one to the next.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) sources: &'a Sources,
    pub(super) job: &'a Job,
    pub(super) spans: Vec<Span>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources, job: &'a Job) -> Reader<'a> {
        let spans = sources.events.iter().map(|_| Span::new(job.chunk_blocks.get()));
        Reader { sources, job, spans: spans.collect() }
    }

    /// Reads the blocks of `range`, which come after the block `before`; of which nothing is known at the start.
    pub(super) async fn read(
        &mut self,
        range: (u64, u64),
        before: Option<Before>,
    ) -> Result<Content<'a>, ChunkError> {
        let mut round = 0;
        loop {
            round += 1;
            match self.round(range, before).await {
                Err(error) if round < ROUNDS && error.is_contradiction() => {
                    tokio::time::sleep(self.job.retries.first_wait).await;
                }
                done => return done,
            }
        }
    }

    async fn round(
        &mut self,
        (from, to): (u64, u64),
        before: Option<Before>,
    ) -> Result<Content<'a>, ChunkError> {
        let before = match before {
            Some(before) => Some(before),
            None if from == 0 => None,
            None => {
                let head = self.header(from - 1).await?.head;
                Some(Before { hash: head.block.hash, time: head.timestamp })
            }
        };
        let headers: Vec<Headed> = stream::iter(from..=to)
            .map(|number| self.header(number))
            .buffered(self.job.concurrency)
            .try_collect()
            .await?;
        follow(&headers, before)?;
        let mut events = Vec::new();
        let mut withheld = 0;
        for (source, span) in self.sources.events.iter().zip(&mut self.spans) {
            let asking = Asking { sources: self.sources, job: self.job, source };
            let (logs, lacking) = asking.all(&headers, span).await?;
            withheld += lacking;
            events.extend(logs.into_iter().map(|log| {
                let found = source.decode(&log);
                Event { source, log, found }
            }));
        }
        events.sort_by_key(|event| (event.log.block(), event.log.index()));
        let place = |event: &Event<'_>| (event.log.block(), event.log.index());
        if let Some(twice) = events.windows(2).find(|pair| match pair {
            [first, second] => place(first) == place(second),
            _ => false,
        }) {
            let at = twice.first().map(place);
            return Err(ChunkError::Inconsistent(format!("two events at one place: {at:?}")));
        }
        let wanted: Vec<&Headed> = wanted(self.job.every, self.job.from, &headers, before);
        let read: Vec<(Vec<Row>, Vec<Gap>)> = stream::iter(wanted.iter())
            .map(|headed| self.snapshot(headed))
            .buffered(self.job.concurrency)
            .try_collect()
            .await?;
        // What was read by number is of this chain if its last block still is.
        let last = self.header(to).await?.head.block;
        if headers.last().map(|headed| headed.head.block) != Some(last) {
            return Err(ChunkError::Inconsistent(format!("block {to} was replaced meanwhile")));
        }
        let snapshots = wanted.iter().map(|headed| headed.head.block.number).collect();
        let (rows, gaps): (Vec<Vec<Row>>, Vec<Vec<Gap>>) = read.into_iter().unzip();
        let mut rows: Vec<Row> = rows.into_iter().flatten().collect();
        rows.sort_by(|a, b| (a.block, &a.market).cmp(&(b.block, &b.market)));
        let gaps = gaps.into_iter().flatten().collect();
        Ok(Content { headers, events, snapshots, rows, gaps, withheld })
    }

    async fn header(&self, number: u64) -> Result<Headed, NodeError> {
        self.sources.nodes.headed(number).await
    }

    /// Reads every market and price at a block.
    async fn snapshot(&self, headed: &Headed) -> Result<(Vec<Row>, Vec<Gap>), ChunkError> {
        let at = At { block: headed.head.block, timestamp: headed.head.timestamp };
        let (block, nodes) = (at.block.number, &self.sources.nodes);
        let of = |source| ChunkError::Adapter { block, source: Box::new(source) };
        let mut gaps = Vec::new();
        let mut prices = BTreeMap::new();
        if let Some(feeds) = &self.sources.prices {
            for (asset, price) in feeds.read(nodes, &at).await.map_err(of)? {
                match price {
                    Ok(known) => {
                        prices.insert(asset, known.usd);
                    }
                    Err(why) => {
                        let about = format!("price:{}", asset.to_string().to_lowercase());
                        gaps.push(Gap { block, about, reason: why.to_string() });
                    }
                }
            }
        }
        let mut rows = Vec::new();
        for protocol in &self.sources.protocols {
            let read = protocol.read(nodes, &at).await.map_err(of)?;
            for (market, error) in read.unreadable {
                // A node that does not answer is no state of a market.
                if matches!(error, AdapterError::Node { .. }) {
                    return Err(of(error));
                }
                gaps.push(Gap { block, about: market.to_string(), reason: error.to_string() });
            }
            let price = |reading: &Reading| prices.get(&reading.asset).copied();
            rows.extend(read.readings.iter().map(|reading| Row::of(reading, price(reading))));
        }
        Ok((rows, gaps))
    }
}

/// Every header follows from the one before.
fn follow(headers: &[Headed], before: Option<Before>) -> Result<(), ChunkError> {
    let mut parent = before;
    for headed in headers {
        let head = &headed.head;
        if let Some(parent) = parent.filter(|parent| parent.hash != head.parent) {
            return Err(ChunkError::Inconsistent(format!(
                "block {} has parent {}, and the block before it is {}",
                head.block.number, head.parent, parent.hash
            )));
        }
        parent = Some(Before { hash: head.block.hash, time: head.timestamp });
    }
    Ok(())
}

/// The blocks at which markets are read.
fn wanted(every: Every, first: u64, headers: &[Headed], before: Option<Before>) -> Vec<&Headed> {
    let mut earlier = before.map(|before| before.time);
    let is_wanted = |headed: &&Headed| {
        let (number, time) = (headed.head.block.number, headed.head.timestamp);
        let earlier = earlier.replace(time);
        number == first
            || match every {
                Every::Blocks(count) => (number - first).is_multiple_of(count.get()),
                Every::Seconds(length) => {
                    earlier.is_none_or(|earlier| earlier / length != time / length)
                }
            }
    };
    headers.iter().filter(is_wanted).collect()
}

/// The events of one contract.
struct Asking<'a> {
    sources: &'a Sources,
    job: &'a Job,
    source: &'a Source,
}

impl Asking<'_> {
    /// Returns them all, and how many blocks were asked for one by one since a range lacked some.
    async fn all(
        &self,
        headers: &[Headed],
        span: &mut Span,
    ) -> Result<(Vec<Log>, u64), ChunkError> {
        let (Some(first), Some(last)) = (headers.first(), headers.last()) else {
            return Ok((Vec::new(), 0));
        };
        let range = (first.head.block.number, last.head.block.number);
        let nodes = &self.sources.nodes;
        let logs = nodes.paged(&self.source.filter(), range, span, &self.job.retries).await?;
        let mut by_block: BTreeMap<u64, Vec<Log>> = BTreeMap::new();
        for log in logs {
            by_block.entry(log.block()).or_default().push(log);
        }
        let mut suspects: Vec<&Headed> = Vec::new();
        // Answers are cut at their end: the last block with events may lack some.
        let end = by_block.last_key_value().map(|(block, _)| *block);
        for headed in headers {
            let number = headed.head.block.number;
            let logs = by_block.get(&number).map(Vec::as_slice).unwrap_or_default();
            self.fits(headed, logs)?;
            let may_hold = headed.may_hold(self.source.contract(), &self.source.filter().first);
            if Some(number) == end || (logs.is_empty() && may_hold == Some(true)) {
                suspects.push(headed);
            }
        }
        if by_block.len() > headers.len() {
            return Err(ChunkError::Inconsistent(
                "events of blocks that were not asked for".into(),
            ));
        }
        let mut is_short = false;
        for (number, logs) in self.one_by_one(&suspects).await? {
            let known = by_block.get(&number).map(Vec::len).unwrap_or_default();
            is_short |= logs.len() > known;
        }
        if !is_short {
            let logs: Vec<Log> = by_block.into_values().flatten().collect();
            let inside = |log: &Log| (range.0..=range.1).contains(&log.block());
            return match logs.iter().find(|log| !inside(log)) {
                None => Ok((logs, 0)),
                Some(log) => Err(ChunkError::Inconsistent(format!(
                    "an event of block {}, which was not asked for",
                    log.block()
                ))),
            };
        }
        let may: Vec<&Headed> = headers
            .iter()
            .filter(|headed| {
                let filter = self.source.filter();
                headed.may_hold(self.source.contract(), &filter.first) != Some(false)
            })
            .collect();
        let found = self.one_by_one(&may).await?;
        let count = u64::try_from(may.len()).unwrap_or(u64::MAX);
        Ok((found.into_iter().flat_map(|(_, logs)| logs).collect(), count))
    }

    /// Asks for the events of each block by its hash.
    async fn one_by_one(&self, headers: &[&Headed]) -> Result<Vec<(u64, Vec<Log>)>, ChunkError> {
        let filter = self.source.filter();
        let ask = |headed: &Headed| {
            let (headed, filter) = (headed.clone(), filter.clone());
            async move {
                let logs = self.sources.nodes.logs_of(&filter, headed.head.block.hash).await?;
                self.fits(&headed, &logs)?;
                Ok::<_, ChunkError>((headed.head.block.number, logs))
            }
        };
        let each = stream::iter(headers.iter().map(|headed| ask(headed)));
        each.buffered(self.job.concurrency).try_collect().await
    }

    /// Events are those that were asked for, of this block, and not ones that its filter excludes.
    fn fits(&self, headed: &Headed, logs: &[Log]) -> Result<(), ChunkError> {
        let block = headed.head.block;
        let wrong = |detail: &str| {
            ChunkError::Inconsistent(format!(
                "events of {} in block {}: {detail}",
                self.source.contract(),
                block.number
            ))
        };
        if logs.iter().any(|log| log.block_hash != block.hash || log.block() != block.number) {
            return Err(wrong("of a block with another hash"));
        }
        if logs.iter().any(|log| !self.source.wants(log)) {
            return Err(wrong("others than were asked for"));
        }
        let excluded = headed.may_hold(self.source.contract(), &self.source.filter().first);
        if !logs.is_empty() && excluded == Some(false) {
            return Err(wrong("the block's own filter excludes them"));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
