//! What is written beside the rows of markets: every block, every event, and what could not be read.

use super::events::Found;
use super::events::Source;
use plimsoll_execute::chain::{Headed, Log};
use polars::prelude::*;
use std::collections::BTreeMap;

/// How the files of blocks begin.
pub(super) const BLOCKS: &str = "ingested_blocks_";
/// How the files of events begin.
pub(super) const LOGS: &str = "ingested_logs_";
/// How the files of what could not be read begin.
pub(super) const GAPS: &str = "ingested_gaps_";

/// An event, and what was made of it.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) source: &'a Source,
    pub(super) log: Log,
    pub(super) found: Found,
}

/// A market or price that could not be read at a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) block: u64,
    pub(super) about: String,
    pub(super) reason: String,
}

/// One row a block: that none is left out can be seen here.
pub(super) fn blocks(headers: &[Headed], snapshots: &[u64]) -> PolarsResult<DataFrame> {
    let heads = || headers.iter().map(|headed| &headed.head);
    let numbers: Vec<u64> = heads().map(|head| head.block.number).collect();
    let read: Vec<bool> = numbers.iter().map(|number| snapshots.contains(number)).collect();
    let fees = heads().map(|head| u64::try_from(head.base_fee).ok());
    DataFrame::new_infer_height(vec![
        column("block", numbers),
        times(heads().map(|head| head.timestamp)),
        column("block_hash", heads().map(|head| head.block.hash.to_string()).collect::<Vec<_>>()),
        column("parent_hash", heads().map(|head| head.parent.to_string()).collect::<Vec<_>>()),
        column("base_fee_wei", fees.collect::<Vec<_>>()),
        column("markets_read", read),
    ])
}

/// One row an event, in the order of the chain. Amounts are decimal numbers in raw units, as text: they do not fit
/// into any number that Parquet has.
pub(super) fn logs(events: &[Event<'_>], time: &BTreeMap<u64, u64>) -> PolarsResult<DataFrame> {
    let fields = |event: &Event<'_>| match &event.found {
        Found::Decoded(decoded) => decoded.fields.clone(),
        _ => Default::default(),
    };
    let text = |name: &str, of: &dyn Fn(&Event<'_>) -> Option<String>| {
        column(name, events.iter().map(of).collect::<Vec<Option<String>>>())
    };
    let number = |name: &str, of: &dyn Fn(&Event<'_>) -> u64| {
        column(name, events.iter().map(of).collect::<Vec<u64>>())
    };
    let topic = |place: usize| {
        move |event: &Event<'_>| event.log.topics.get(place).map(ToString::to_string)
    };
    let lower = |address: alloy::primitives::Address| address.to_string().to_lowercase();
    DataFrame::new_infer_height(vec![
        number("block", &|event| event.log.block()),
        times(events.iter().map(|event| time.get(&event.log.block()).copied().unwrap_or_default())),
        text("block_hash", &|event| Some(event.log.block_hash.to_string())),
        number("transaction_index", &|event| event.log.transaction()),
        text("transaction_hash", &|event| Some(event.log.transaction_hash.to_string())),
        number("log_index", &|event| event.log.index()),
        text("protocol", &|event| Some(event.source.protocol().to_owned())),
        text("contract", &|event| Some(lower(event.log.address))),
        text("market", &|event| {
            event.source.market(&event.log, &event.found).map(|market| market.to_string())
        }),
        text("event", &|event| match &event.found {
            Found::Decoded(decoded) => Some(decoded.event.to_owned()),
            Found::Undecodable(name) => Some((*name).to_owned()),
            Found::Unknown => None,
        }),
        column(
            "decoded",
            events
                .iter()
                .map(|event| matches!(event.found, Found::Decoded(_)))
                .collect::<Vec<bool>>(),
        ),
        text("account", &|event| fields(event).account.map(lower)),
        text("counterparty", &|event| fields(event).counterparty.map(lower)),
        text("asset", &|event| fields(event).asset.map(lower)),
        text("amount", &|event| fields(event).amount.map(|amount| amount.to_string())),
        text("shares", &|event| fields(event).shares.map(|shares| shares.to_string())),
        text("arguments", &|event| match &event.found {
            Found::Decoded(decoded) => Some(decoded.arguments.clone()),
            _ => None,
        }),
        text("topic0", &topic(0)),
        text("topic1", &topic(1)),
        text("topic2", &topic(2)),
        text("topic3", &topic(3)),
        text("data", &|event| Some(event.log.data.to_string())),
    ])
}

/// One row for each market or price that could not be read at a block.
pub(super) fn gaps(gaps: &[Gap]) -> PolarsResult<DataFrame> {
    let text = |name: &str, of: &dyn Fn(&Gap) -> String| {
        column(name, gaps.iter().map(of).collect::<Vec<String>>())
    };
    DataFrame::new_infer_height(vec![
        column("block", gaps.iter().map(|gap| gap.block).collect::<Vec<u64>>()),
        text("about", &|gap| gap.about.clone()),
        text("reason", &|gap| gap.reason.clone()),
    ])
}

fn column<T, P: ?Sized>(name: &str, values: T) -> Column
where
    Series: NamedFrom<T, P>,
{
    Series::new(name.into(), values).into_column()
}

fn times(seconds: impl Iterator<Item = u64>) -> Column {
    let millis = seconds.map(|at| i64::try_from(at).unwrap_or(i64::MAX).saturating_mul(1000));
    Int64Chunked::from_vec("timestamp".into(), millis.collect())
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
        .into_column()
}
