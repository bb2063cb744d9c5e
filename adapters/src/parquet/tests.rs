//! Prices, gas and histories from small files written here.

use super::*;
use futures::executor::block_on;
use plimsoll_core::Time;
use plimsoll_frame::{Column as Number, Observation};
use polars::prelude::*;
use std::collections::BTreeSet;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn instants(name: &str, days: &[&str], hour: i64) -> Column {
    let times = days.iter().map(|text| day(text).start().0 + hour * 3_600_000).collect();
    Int64Chunked::from_vec(name.into(), times)
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
        .into_column()
}

fn write(folder: &Path, name: &str, columns: Vec<Column>) {
    let mut table = DataFrame::new_infer_height(columns).unwrap();
    let file = std::fs::File::create(folder.join(name)).unwrap();
    ParquetWriter::new(file).finish(&mut table).unwrap();
}

/// Two reserves over two days, the second day before the first in the file, on a chain each.
fn reserves(folder: &Path) {
    write(
        folder,
        "aave_v3_reserves_daily.parquet",
        vec![
            instants("timestamp", &["2025-01-02", "2025-01-01", "2025-01-01", "2025-01-02"], 0),
            Column::new("chain".into(), ["ethereum", "ethereum", "Base", "Base"]),
            Column::new("asset_address".into(), ["0xAA", "0xAA", "0xbb", "0xbb"]),
            Column::new("symbol".into(), ["USDC", "USDC", "WETH", "WETH"]),
            Column::new("supply_apr".into(), [0.04, 0.03, 0.01, 0.02]),
            Column::new("liquidity_index".into(), [1.1001, 1.1, 1.2, 1.2001]),
            Column::new("frozen".into(), [false, false, true, false]),
        ],
    );
}

fn read(folder: &Path, selection: &Selection) -> Vec<Observation> {
    let source = ParquetSource::open(folder).unwrap();
    let mut all = Vec::new();
    for mut adapter in source.adapters(selection).unwrap() {
        while let Some(batch) = block_on(adapter.observe()).unwrap() {
            let days: BTreeSet<Day> = batch.iter().map(|row| row.row.time.day()).collect();
            assert_eq!(days.len(), 1, "a batch is a day");
            all.extend(batch);
        }
    }
    all
}

#[test]
fn rows_come_in_the_order_of_time_keyed_by_chain_and_address() {
    let folder = tempfile::tempdir().unwrap();
    reserves(folder.path());
    let all = read(folder.path(), &Selection::default());
    let keys: Vec<_> =
        all.iter().map(|row| (row.row.market.as_str(), row.row.time.day().to_string())).collect();
    assert_eq!(
        keys,
        [
            ("aave-v3:1:0xaa", "2025-01-01".to_owned()),
            ("aave-v3:8453:0xbb", "2025-01-01".to_owned()),
            ("aave-v3:1:0xaa", "2025-01-02".to_owned()),
            ("aave-v3:8453:0xbb", "2025-01-02".to_owned()),
        ]
    );
    assert_eq!(all[0].row.get(Number::SupplyApr), Some(0.03));
    assert_eq!(all[0].row.get(Number::SharePrice), Some(1.1));
    assert_eq!(all[0].row.get(Number::TvlUsd), None, "what the file does not say is null");
    let deposits: Vec<_> = all.iter().map(|row| row.takes_deposits).collect();
    assert_eq!(deposits, [Some(true), Some(false), Some(true), Some(true)]);
}

#[test]
fn a_selection_reads_its_chains_up_to_its_last_day_alone() {
    let folder = tempfile::tempdir().unwrap();
    reserves(folder.path());
    let selection = Selection {
        chains: vec![plimsoll_core::ChainId(8453)],
        to: Some(day("2025-01-01")),
        from: None,
    };
    let all = read(folder.path(), &selection);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].row.market.as_str(), "aave-v3:8453:0xbb");
}

#[test]
fn a_daily_close_is_known_from_the_next_day_on_and_for_three_days() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "prices_daily_x.parquet",
        vec![
            instants("date", &["2025-01-01", "2025-01-02"], 0),
            Column::new("symbol".into(), ["weth", "weth"]),
            Column::new("price_usd".into(), [3000.0, 3100.0]),
        ],
    );
    let files = list(folder.path()).unwrap();
    let symbols = BTreeSet::from(["WETH".to_owned()]);
    let book = PriceBook::read(&files, &symbols, &Selection::default()).unwrap();
    let at = |text: &str, hour: i64| book.at("WETH", Time(day(text).start().0 + hour * 3_600_000));
    assert_eq!(at("2025-01-01", 23), None, "the close of a day is not known on the day");
    assert_eq!(at("2025-01-02", 0), Some(3000.0));
    assert_eq!(at("2025-01-03", 0), Some(3100.0));
    assert_eq!(at("2025-01-05", 23), Some(3100.0));
    assert_eq!(at("2025-01-06", 1), None, "an old price is unknown");
    assert_eq!(book.at("WBTC", Time(0)), None);
}

#[test]
fn gas_is_that_of_the_day_before_and_a_zero_is_no_reading() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "gas_price_daily.parquet",
        vec![
            instants("date", &["2025-01-01", "2025-01-02"], 0),
            Column::new("chain".into(), ["ethereum", "ethereum"]),
            Column::new("avg_gas_price_gwei".into(), [12.0, 0.0]),
        ],
    );
    let book = GasBook::read(&list(folder.path()).unwrap()).unwrap();
    let at = |text: &str| book.at(plimsoll_core::ChainId(1), day(text).end());
    assert_eq!(at("2025-01-01"), None);
    assert_eq!(at("2025-01-02"), Some(12.0));
    assert_eq!(at("2025-01-03"), None);
    assert_eq!(book.at(plimsoll_core::ChainId(10), day("2025-01-02").end()), None);
}

#[test]
fn pool_yields_become_apr_fractions_and_have_no_index() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "pool_yields_daily.parquet",
        vec![
            instants("timestamp", &["2025-01-01", "2025-01-02"], 8),
            Column::new("pool_id".into(), ["p-1", "p-1"]),
            Column::new("protocol".into(), ["curve-dex", "curve-dex"]),
            Column::new("chain".into(), [Some("Ethereum"), None]),
            Column::new("symbol".into(), ["USDC-USDT", "USDC-USDT"]),
            Column::new("apy_pct".into(), [5.0, 8.0]),
            Column::new("apy_reward_pct".into(), [None, Some(3.0)]),
        ],
    );
    let all = read(folder.path(), &Selection::default());
    // 365 (1.05^(1/365) - 1); the base of the second day is 8 % less 3 % of rewards.
    for row in &all {
        assert!((row.row.get(Number::SupplyApr).unwrap() - 0.048_793_4).abs() < 1e-7);
        assert_eq!(row.row.get(Number::SharePrice), None);
    }
    let ids: Vec<_> = all.iter().map(|row| row.row.market.as_str()).collect();
    assert_eq!(ids, ["curve-dex:1:p-1"; 2], "a pool keeps its chain where a row lacks it");
}

#[test]
fn history_cut_into_two_files_is_read_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let part = |name: &str, first: &str, second: &str| {
        write(
            folder.path(),
            name,
            vec![
                instants("timestamp", &[first, second], 0),
                Column::new("chain".into(), ["ethereum", "ethereum"]),
                Column::new("asset_address".into(), ["0xaa", "0xaa"]),
                Column::new("symbol".into(), ["USDC", "USDC"]),
                Column::new("supply_apr".into(), [0.04, 0.03]),
                Column::new("liquidity_index".into(), [1.1, 1.1001]),
            ],
        );
    };
    part("a_reserves_daily_2024.parquet", "2024-12-30", "2024-12-31");
    part("a_reserves_daily_2025.parquet", "2025-01-01", "2025-01-02");
    assert_eq!(read(folder.path(), &Selection::default()).len(), 4);
    let later = Selection { from: Some(day("2025-01-01")), ..Selection::default() };
    assert_eq!(read(folder.path(), &later).len(), 4, "what lies before serves as the past");
    let never = Selection { from: Some(day("2030-01-01")), ..Selection::default() };
    let source = ParquetSource::open(folder.path()).unwrap();
    assert!(matches!(source.adapters(&never), Err(AdapterError::EmptyRange { .. })));
}
