//! Everything that was seen is added to the recorded history, blocks that passed between two heads too.

use alloy::primitives::Address;
use plimsoll_adapters::{RecordError, Recorder};
use plimsoll_execute::live::{Arrival, Engine, Tick};
use plimsoll_execute::protocol::{At, Read, Reading};
use std::collections::BTreeMap;
use std::path::Path;

/// The most blocks of a gap that are read again.
const MOST_FILLED: usize = 256;

/// The record of one engine.
#[derive(Debug)]
pub(crate) struct Record(Recorder);

impl Record {
    /// Opens the record in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Record, RecordError> {
        Recorder::open(folder).map(Record)
    }

    /// Keeps what a head brought. What cannot be kept is said and holds nothing up.
    pub(crate) async fn keep(&mut self, engine: &Engine, arrival: &Arrival, tick: &Tick) {
        if let Err(error) = self.kept(engine, arrival, tick).await {
            tracing::warn!(%error, "what was seen is not kept");
        }
    }

    async fn kept(
        &mut self,
        engine: &Engine,
        arrival: &Arrival,
        tick: &Tick,
    ) -> Result<(), RecordError> {
        if arrival.reorged > 0 {
            let first = arrival.missed.first().map_or(tick.head.block.number, |block| block.number);
            self.0.forget(first)?;
        }
        let skipped = arrival.missed.len().saturating_sub(MOST_FILLED);
        if skipped > 0 {
            tracing::warn!(blocks = skipped, "the gap is too long: its oldest blocks are not kept");
        }
        for block in arrival.missed.iter().skip(skipped) {
            // A node that does not keep old states leaves a hole, which the record shows as missing rows.
            let Ok(head) = engine.nodes().block(block.number).await else { continue };
            let at = At { block: head.block, timestamp: head.timestamp };
            let (prices, reads) = engine.observe(&at).await;
            self.write(&at, &reads, &prices)?;
        }
        let at = At { block: tick.head.block, timestamp: tick.head.timestamp };
        self.write(&at, &tick.reads, &tick.prices)
    }

    fn write(
        &mut self,
        at: &At,
        reads: &[Result<Read, String>],
        prices: &BTreeMap<Address, f64>,
    ) -> Result<(), RecordError> {
        let readings: Vec<&Reading> =
            reads.iter().flatten().flat_map(|read| &read.readings).collect();
        self.0.record(at, &readings, |reading| prices.get(&reading.asset).copied())
    }
}
