use super::*;
use crate::{ParquetSource, Selection};
use alloy::primitives::{Address, B256, U256};
use plimsoll_core::execution::BlockRef;
use plimsoll_core::units::{Amount, Ray};
use plimsoll_execute::protocol::{Beyond, Held, Predict, PredictError, Predicted, Switches};
use plimsoll_frame::{Column as Number, Terms};
use std::sync::Arc;

#[derive(Debug)]
struct Still;

impl Predict for Still {
    fn after(&self, _: bool, _: Amount, timestamp: u64) -> Result<Predicted, PredictError> {
        Err(PredictError::Past { asked: timestamp, read: timestamp })
    }
}

/// 2026-01-01 00:00 UTC.
const START: u64 = 1_767_225_600;

fn at(block: u64) -> At {
    let hash = B256::from(U256::from(block));
    At { block: BlockRef { number: block, hash }, timestamp: START + block * 21_600 }
}

fn reading(market: &str, block: u64, borrowed: u64) -> Reading {
    Reading {
        market: market.parse().unwrap(),
        symbol: "USDC".into(),
        asset: Address::ZERO,
        decimals: 6,
        at: at(block),
        share_price: Ray(Ray::ONE.0 + U256::from(block) * U256::from(10).pow(U256::from(22))),
        supplied: Amount(U256::from(1_000_000_000u64)),
        borrowed: Amount(U256::from(borrowed)),
        supply_apr: Ray(Ray::ONE.0 / U256::from(20)),
        borrow_apr: Some(Ray(Ray::ONE.0 / U256::from(15))),
        exit: Amount(U256::from(1_000_000_000 - borrowed)),
        entry: None,
        switches: Switches { is_active: true, is_frozen: false, is_paused: false },
        terms: Terms::default(),
        held: Held::default(),
        rewards: None,
        model: Arc::new(Still),
        beyond: Beyond::default(),
    }
}

const MARKETS: [&str; 2] = ["aave-v3:31337:0xa0", "morpho-blue:31337:0xbb:0x01"];

fn record(recorder: &mut Recorder, block: u64, borrowed: u64) {
    let readings: Vec<Reading> = MARKETS.map(|market| reading(market, block, borrowed)).into();
    let readings: Vec<&Reading> = readings.iter().collect();
    recorder.record(&at(block), &readings, |_| Some(1.0)).unwrap();
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let each = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    each.map(|path| {
        (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
    })
    .collect()
}

#[test]
fn a_recorder_that_is_killed_and_opened_again_writes_the_same_bytes() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut recorder = Recorder::open(whole.path()).unwrap();
    for block in 0..14 {
        record(&mut recorder, block, 500_000_000 + block);
    }
    for block in 0..14 {
        // A new one for each block, and half a line of one that was killed while it wrote.
        let mut recorder = Recorder::open(broken.path()).unwrap();
        record(&mut recorder, block, 500_000_000 + block);
        drop(recorder);
        let spool = broken.path().join(SPOOL);
        let mut text = fs::read(&spool).unwrap();
        text.extend_from_slice(b"{\"block\":99,\"ha");
        fs::write(&spool, text).unwrap();
    }
    drop(Recorder::open(broken.path()).unwrap());
    let (whole, broken) = (files(whole.path()), files(broken.path()));
    assert_eq!(whole.keys().collect::<Vec<_>>(), broken.keys().collect::<Vec<_>>());
    assert_eq!(whole.len(), 4, "three days and the running one: {:?}", whole.keys());
    assert!(whole == broken, "the same bytes");
}

#[test]
fn blocks_that_a_reorganisation_took_away_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(folder.path()).unwrap();
    for block in 0..3 {
        record(&mut recorder, block, 500_000_000);
    }
    recorder.forget(2).unwrap();
    assert_eq!(recorder.newest(), Some(1));
    record(&mut recorder, 2, 700_000_000);
    let kept: Vec<f64> = recorder.rows.values().filter_map(|row| row.numbers[5]).collect();
    assert_eq!(kept, [0.5, 0.5, 0.5, 0.5, 0.7, 0.7]);
}

#[test]
fn what_was_recorded_is_read_back_as_history() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(folder.path()).unwrap();
    for block in 0..9 {
        record(&mut recorder, block, 500_000_000);
    }
    let source = ParquetSource::open(folder.path()).unwrap();
    let mut adapters = source.adapters(&Selection::default()).unwrap();
    let mut rows = Vec::new();
    while let Some(batch) = futures::executor::block_on(adapters[0].observe()).unwrap() {
        rows.extend(batch);
    }
    assert_eq!(rows.len(), 16, "two days of four blocks of two markets");
    let ids: BTreeSet<&str> = rows.iter().map(|seen| seen.row.market.as_str()).collect();
    assert_eq!(ids, BTreeSet::from(MARKETS));
    let first = &rows[0].row;
    assert_eq!(first.time, at(0).time());
    assert_eq!(first.get(Number::Utilization), Some(0.5));
    assert_eq!(first.get(Number::TvlUsd), Some(1_000.0));
}
