//! Rows of live adapters as recorded history has them, and files that are there whole or not at all.

use plimsoll_core::{ChainId, Day, MarketId, Time};
use plimsoll_execute::protocol::Reading;
use plimsoll_frame::Column as Number;
use polars::prelude::*;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// How the files of observed reserves begin, by which [`crate::ParquetSource`] knows them.
pub(crate) const PREFIX: &str = "observed_reserves_blocks_";
/// Rows of a group within a file.
const GROUP: usize = 262_144;

/// One market at one block, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) block: u64,
    pub(crate) hash: String,
    pub(crate) time_ms: i64,
    pub(crate) market: MarketId,
    pub(crate) symbol: String,
    /// In the order of [`Number::ALL`].
    pub(crate) numbers: Vec<Option<f64>>,
    pub(crate) borrow_apr: Option<f64>,
    pub(crate) active: bool,
    pub(crate) frozen: bool,
    pub(crate) paused: bool,
}

impl Row {
    pub(crate) fn of(reading: &Reading, price: Option<f64>) -> Row {
        let observation = reading.observation(price);
        Row {
            block: reading.at.block.number,
            hash: reading.at.block.hash.to_string(),
            time_ms: reading.at.time().0,
            market: reading.market.clone(),
            symbol: reading.symbol.to_string(),
            numbers: observation.row.numbers.to_vec(),
            borrow_apr: observation.borrow_apr,
            active: reading.switches.is_active,
            frozen: reading.switches.is_frozen,
            paused: reading.switches.is_paused,
        }
    }

    pub(crate) fn day(&self) -> Day {
        Time(self.time_ms).day()
    }
}

/// The rows in the columns of recorded reserves.
pub(crate) fn table(rows: &[&Row]) -> PolarsResult<DataFrame> {
    let text = |name: &str, of: &dyn Fn(&Row) -> String| {
        Column::new(name.into(), rows.iter().map(|row| of(row)).collect::<Vec<String>>())
    };
    let flag = |name: &str, of: &dyn Fn(&Row) -> bool| {
        Column::new(name.into(), rows.iter().map(|row| of(row)).collect::<Vec<bool>>())
    };
    let number = |name: &str, number: Number| {
        let place = number as usize;
        let each = rows.iter().map(|row| row.numbers.get(place).copied().flatten());
        Column::new(name.into(), each.collect::<Vec<Option<f64>>>())
    };
    let times = rows.iter().map(|row| row.time_ms).collect();
    let times = Int64Chunked::from_vec("timestamp".into(), times)
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
        .into_column();
    let blocks = rows.iter().map(|row| row.block).collect::<Vec<u64>>();
    let borrow = rows.iter().map(|row| row.borrow_apr).collect::<Vec<Option<f64>>>();
    DataFrame::new_infer_height(vec![
        times,
        Column::new("block".into(), blocks),
        text("block_hash", &|row| row.hash.clone()),
        text("protocol", &|row| row.market.protocol().to_owned()),
        text("chain", &|row| chain(row.market.chain())),
        text("asset_address", &|row| place(&row.market)),
        text("symbol", &|row| row.symbol.clone()),
        number("supply_apr", Number::SupplyApr),
        Column::new("borrow_apr".into(), borrow),
        number("liquidity_index", Number::SharePrice),
        number("utilization", Number::Utilization),
        number("tvl_usd", Number::TvlUsd),
        number("exit_usd", Number::ExitUsd),
        number("entry_usd", Number::EntryUsd),
        number("exit_delay_days", Number::ExitDelayDays),
        number("pair_price", Number::PairPrice),
        number("fees_asset", Number::FeesAsset),
        number("fees_foreign", Number::FeesForeign),
        number("depth_usd", Number::DepthUsd),
        number("price_usd", Number::PriceUsd),
        flag("active", &|row| row.active),
        flag("frozen", &|row| row.frozen),
        flag("paused", &|row| row.paused),
    ])
}

/// The chain as recorded files name it: by its number.
fn chain(chain: ChainId) -> String {
    chain.0.to_string()
}

/// What follows protocol and chain in a market's id.
fn place(market: &MarketId) -> String {
    market.as_str().splitn(3, ':').nth(2).unwrap_or_default().to_owned()
}

/// Returns a table as the bytes of a Parquet file: the same table gives the same bytes.
pub(crate) fn parquet(table: &mut DataFrame) -> PolarsResult<Vec<u8>> {
    let mut bytes = Vec::new();
    table.rechunk_mut();
    let writer = ParquetWriter::new(&mut bytes).with_row_group_size(Some(GROUP));
    writer.set_parallel(false).finish(table)?;
    Ok(bytes)
}

/// Puts `bytes` into `folder` as `name`: durably, and at once or not at all.
pub(crate) fn store(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = folder.join(format!("{name}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(name))?;
    File::open(folder)?.sync_all()
}
