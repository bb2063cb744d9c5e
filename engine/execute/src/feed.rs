//! The feed: adapters' observations through the gate into one frame.

use crate::adapter::{Adapter, AdapterError, Disorder};
use plimsoll_core::{Denomination, MarketId, Time, asset};
use plimsoll_frame::{
    Action, FrameError, Gate, GateSettings, MarketFrame, MarketFrameBuilder, MarketRow,
    Observation, QualityReport, Terms, TermsBook,
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
    /// A whole source in percent.
    #[error(
        "{source_name}: supply_apr looks like percent: in {slipped} of {judged} markets it promises about \
         a hundred times what the index grows; divide the column by 100"
    )]
    LooksLikePercent {
        /// The source.
        source_name: String,
        /// Markets that look like percent.
        slipped: usize,
        /// Markets that could be judged.
        judged: usize,
    },
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
                Disorder::UnknownNetwork { name, days, rows, are_kept } => {
                    let action = if are_kept { Action::Flagged } else { Action::Dropped };
                    gate.note_unknown_network(&name, days, rows, action);
                }
            }
        }
        if let Some((slipped, judged)) = gate.looks_like_percent() {
            return Err(FeedError::LooksLikePercent {
                source_name: adapter.name(),
                slipped,
                judged,
            });
        }
        quality.merge(gate.report());
    }
    let frame = builder.finish()?.with_terms(Arc::new(terms(&catalog)));
    let data_hash = hexadecimal(hash);
    Ok(Feed { frame, quality, catalog, data_hash, rows_read })
}

/// What the name of each market's asset says of its terms; an adapter that can ask a contract says more.
fn terms(catalog: &Catalog) -> TermsBook {
    let mut book = TermsBook::default();
    for (market, info) in catalog {
        let terms = Terms {
            issuer: asset::issuer(&info.first_symbol).map(str::to_owned),
            wrap_depth: asset::wraps(&info.first_symbol),
            ..Terms::default()
        };
        book.learn(market, Time(i64::MIN), terms);
    }
    book
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

/// Feeds one observation to the hash: every field, texts with their length, numbers with their
/// presence, so that no two observations give the same bytes.
fn digest(hash: &mut Sha256, observation: &Observation) {
    let MarketRow { market, time, block, numbers } = &observation.row;
    for text in [market.as_str(), observation.symbol.as_ref()] {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    hash.update(time.0.to_le_bytes());
    for value in numbers.iter().chain(&[observation.borrow_apr]) {
        present(hash, value.map(f64::to_bits));
    }
    present(hash, *block);
    present(hash, observation.updated_at.map(|time| time.0.cast_unsigned()));
    present(hash, observation.key_network.map(|chain| chain.0));
    present(hash, observation.index_decimals.map(u64::from));
    for flag in [observation.borrowable, observation.takes_deposits, observation.is_active] {
        present(hash, flag.map(u64::from));
    }
    hash.update([u8::from(observation.marked_stale)]);
}

fn present(hash: &mut Sha256, value: Option<u64>) {
    hash.update([u8::from(value.is_some())]);
    hash.update(value.unwrap_or_default().to_le_bytes());
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the hash of `data_hash` and of what else a run read, such as gas prices.
#[must_use]
pub fn extended(data_hash: &str, more: &[u8]) -> String {
    if more.is_empty() {
        return data_hash.to_owned();
    }
    let mut hash = Sha256::new();
    hash.update(data_hash);
    hash.update(more);
    hexadecimal(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::ChainId;
    use plimsoll_frame::Column;

    fn hashed(observation: &Observation) -> String {
        let mut hash = Sha256::new();
        digest(&mut hash, observation);
        hexadecimal(hash)
    }

    #[test]
    fn every_field_of_an_observation_is_in_the_hash() {
        let market: MarketId = "aave-v3:1:0xa".parse().unwrap();
        let base = Observation::of(MarketRow::empty(market, Time(1)), "USDC");
        let mut others = vec![
            Observation { symbol: "USDT".into(), ..base.clone() },
            Observation { updated_at: Some(Time(0)), ..base.clone() },
            Observation { borrow_apr: Some(0.0), ..base.clone() },
            Observation { borrowable: Some(false), ..base.clone() },
            Observation { takes_deposits: Some(false), ..base.clone() },
            Observation { is_active: Some(false), ..base.clone() },
            Observation { marked_stale: true, ..base.clone() },
            Observation { key_network: Some(ChainId(56)), ..base.clone() },
            Observation { index_decimals: Some(6), ..base.clone() },
        ];
        for column in Column::ALL {
            let row = base.row.clone().with(column, Some(0.0));
            others.push(Observation { row, ..base.clone() });
        }
        let mut row = base.row.clone();
        row.block = Some(0);
        others.push(Observation { row: row.clone(), ..base.clone() });
        row.time = Time(2);
        others.push(Observation { row, ..base.clone() });
        let mut hashes: Vec<String> = others.iter().map(hashed).collect();
        hashes.push(hashed(&base));
        let count = hashes.len();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), count, "two observations that differ have different hashes");
    }
}
