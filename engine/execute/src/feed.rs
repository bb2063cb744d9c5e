//! The feed: adapters' observations through the gate into one frame.

use crate::adapter::{Adapter, AdapterError, Disorder};
use plimsoll_core::{Denomination, MarketId};
use plimsoll_frame::{
    FrameError, Gate, GateSettings, MarketFrame, MarketFrameBuilder, MarketRow, Observation,
    QualityReport,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a person wants to know of a market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketInfo {
    /// The name it had when it was first seen; it is chosen by this one, which nobody had to wait for.
    pub first_symbol: Arc<str>,
    /// The name it had last.
    pub last_symbol: Arc<str>,
    /// Whether it was switched on when it was first seen, as far as its source says.
    pub was_active: bool,
    /// The unit it is at par with, by its first name.
    pub denomination: Denomination,
}

/// Every market of a feed.
pub type Catalog = BTreeMap<MarketId, MarketInfo>;

/// What a feed has read.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The rows that passed the gate.
    pub frame: MarketFrame,
    /// What the gate found.
    pub quality: QualityReport,
    /// The markets, those without a row in the frame too.
    pub catalog: Catalog,
    /// SHA-256 of every observation read, in order, as hexadecimal.
    pub data_hash: String,
    /// Observations read.
    pub rows_read: u64,
}

/// Why there is no feed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// An adapter failed.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// Rows that are no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Reads adapters to their end, each through a gate, into one frame.
///
/// `on_batch` hears how many observations have been read so far.
///
/// # Errors
/// [`FeedError`] of the first adapter that fails: history with a hole is not replayed.
pub async fn collect(
    adapters: &mut [Box<dyn Adapter>],
    settings: &GateSettings,
    mut on_batch: impl FnMut(u64),
) -> Result<Feed, FeedError> {
    let mut quality = QualityReport::default();
    let mut builder = MarketFrameBuilder::default();
    let mut catalog = Catalog::new();
    let mut hash = Sha256::new();
    let mut rows_read = 0;
    for adapter in adapters.iter_mut() {
        let mut gate = Gate::new(&adapter.name(), settings.clone());
        while let Some(batch) = adapter.observe().await? {
            for observation in batch {
                digest(&mut hash, &observation);
                remember(&mut catalog, &observation);
                rows_read += 1;
                if let Some(row) = gate.admit(observation) {
                    builder.push(&row);
                }
            }
            on_batch(rows_read);
        }
        for disorder in adapter.disorder() {
            match disorder {
                Disorder::Unsorted { market, symbol, days, rows } => {
                    gate.note_out_of_order(&market, &symbol, days, rows);
                }
                Disorder::UnknownNetwork { name, days, rows } => {
                    gate.note_unknown_network(&name, days, rows);
                }
            }
        }
        quality.merge(gate.report());
    }
    let frame = builder.finish()?;
    let data_hash = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Feed { frame, quality, catalog, data_hash, rows_read })
}

fn remember(catalog: &mut Catalog, observation: &Observation) {
    match catalog.get_mut(&observation.row.market) {
        Some(info) if info.last_symbol != observation.symbol => {
            info.last_symbol = observation.symbol.clone();
        }
        Some(_) => {}
        None => {
            let info = MarketInfo {
                first_symbol: observation.symbol.clone(),
                last_symbol: observation.symbol.clone(),
                was_active: observation.is_active.unwrap_or(true),
                denomination: Denomination::of_symbol(&observation.symbol),
            };
            catalog.insert(observation.row.market.clone(), info);
        }
    }
}

/// Feeds one observation to the hash: its key, its time, then every number with its presence.
fn digest(hash: &mut Sha256, observation: &Observation) {
    let MarketRow { market, time, numbers, .. } = &observation.row;
    hash.update(market.as_str());
    hash.update(time.0.to_le_bytes());
    hash.update(observation.symbol.as_bytes());
    let beside = [observation.borrow_apr];
    for value in numbers.iter().chain(&beside) {
        hash.update([u8::from(value.is_some())]);
        hash.update(value.unwrap_or_default().to_bits().to_le_bytes());
    }
    hash.update(observation.updated_at.map_or(0, |time| time.0).to_le_bytes());
    let flags = [
        observation.marked_stale,
        observation.takes_deposits == Some(true),
        observation.takes_deposits == Some(false),
        observation.borrowable == Some(true),
    ];
    hash.update(flags.map(u8::from));
}
