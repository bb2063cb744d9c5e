//! Rows from answers with the oddities of the real interface, and what is said of them.

use super::server::{Reply, Server};
use super::*;
use crate::{ParquetSource, Selection};
use plimsoll_core::{ChainId, Day, Time};
use plimsoll_execute::adapter::Disorder;
use plimsoll_execute::{Adapter, AdapterError};
use plimsoll_frame::{Column as Number, GateSettings, Observation};
use polars::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

/// 2024-02-01T00:00:00Z, by hand.
pub(super) const NOW: Time = Time(1_706_745_600_000);

pub(super) fn settings(server: &Server) -> LlamaSettings {
    LlamaSettings {
        base_url: server.url.clone(),
        pools: PoolFilter { min_tvl_usd: 0.0, ..PoolFilter::default() },
        ..LlamaSettings::default()
    }
}

/// A pool as the interface lists it today, with all its fields.
pub(super) fn pool(id: &str, chain: &str, symbol: &str) -> Value {
    json!({
        "chain": chain, "project": "aave-v3", "symbol": symbol, "tvlUsd": 23_908_962.0, "apy": 2.235,
        "apyBase": 2.235, "apyReward": null, "rewardTokens": null, "pool": id, "apyPct1D": -0.081,
        "apyPct7D": 0.002, "apyPct30D": 0.053, "stablecoin": false, "ilRisk": "no",
        "exposure": "single", "poolMeta": null, "mu": 3.42826, "sigma": 0.05387, "count": 1563,
        "predictions": {"predictedClass": null, "predictedProbability": null, "binnedConfidence": null},
        "outlier": false, "underlyingTokens": [null], "il7d": null, "apyBase7d": null,
        "apyMean30d": 2.23403, "volumeUsd1d": null, "volumeUsd7d": null, "apyBaseInception": null,
        "pricePerShare": null, "a field of next year": {"nested": [1, 2]}
    })
}

pub(super) fn listing(pools: &[Value]) -> Reply {
    Reply::json(json!({ "status": "success", "data": pools }))
}

pub(super) fn chart(points: &[Value]) -> Reply {
    Reply::json(json!({ "status": "success", "data": points }))
}

pub(super) fn point(timestamp: &str, apy: f64) -> Value {
    json!({
        "timestamp": timestamp, "tvlUsd": 5000, "apy": apy, "apyBase": apy, "apyReward": null,
        "il7d": null, "apyBase7d": null
    })
}

/// A server of one pool with one point.
pub(super) async fn server_of_one() -> Server {
    let server = Server::start().await;
    server.answer("/pools", [listing(&[pool("p-1", "Ethereum", "USDC")])]);
    server.answer("/chart/p-1", [chart(&[point("2024-01-01T23:01:14.123Z", 5.0)])]);
    server
}

/// The observations of every day, in order.
pub(super) async fn observed(adapters: Vec<Box<dyn Adapter>>) -> Vec<Observation> {
    let mut all = Vec::new();
    for mut adapter in adapters {
        while let Some(batch) = adapter.observe().await.unwrap() {
            let days: Vec<Day> = batch.iter().map(|one| one.row.time.day()).collect();
            assert!(days.windows(2).all(|pair| pair[0] == pair[1]), "a batch is a day: {days:?}");
            all.extend(batch);
        }
    }
    all
}

/// Fetches everything that `server` has.
async fn fetched(server: &Server) -> (Vec<Observation>, Vec<Disorder>, LlamaSource) {
    let mut source = LlamaSource::open(settings(server)).unwrap();
    let adapters = source.adapters(&Selection::default(), NOW, |_, _| {}).await.unwrap();
    let disorder = adapters.iter().flat_map(|adapter| adapter.disorder()).collect();
    (observed(adapters).await, disorder, source)
}

fn days(all: &[Observation]) -> Vec<String> {
    all.iter().map(|one| one.row.time.day().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pool_becomes_a_market_by_its_uuid_and_a_point_a_row() {
    let server = server_of_one().await;
    let mut source = LlamaSource::open(settings(&server)).unwrap();
    let mut heard = Vec::new();
    let adapters = source
        .adapters(&Selection::default(), NOW, |done, count| heard.push((done, count)))
        .await
        .unwrap();
    assert_eq!(adapters[0].name(), format!("{} (advertised rates)", server.url));
    let all = observed(adapters).await;
    assert_eq!(heard, [(1, 1)]);
    assert_eq!(server.asked(), ["/pools", "/chart/p-1"]);
    assert_eq!(source.notes(), [Note::ChosenToday { listed: 1, fitting: 1, chosen: 1 }]);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].row.market.as_str(), "aave-v3:1:p-1");
    assert_eq!(all[0].row.time, Time(1_704_150_074_123), "the reading's own time");
    assert_eq!(all[0].symbol.as_ref(), "USDC");
    assert_eq!(all[0].row.get(Number::TvlUsd), Some(5000.0));
    // 365 (1.05^(1/365) - 1), by hand.
    assert!((all[0].row.get(Number::SupplyApr).unwrap() - 0.048_793_4).abs() < 1e-7);
    assert_eq!(all[0].row.get(Number::SharePrice), None, "an advertised rate is no index");
}

#[tokio::test(start_paused = true)]
async fn days_come_once_each_in_order_with_the_last_reading_of_each() {
    let server = Server::start().await;
    let pools = [pool("p-2", "Base", "WETH"), pool("p-1", "Ethereum", "USDC")];
    server.answer("/pools", [listing(&pools)]);
    let first = [
        point("2024-01-04T01:00:00Z", 4.0),
        point("2024-01-01T23:00:00Z", 2.0),
        point("2024-01-01T05:00:00Z", 1.0),
        point("2024-01-04T23:30:00+01:00", 5.0),
    ];
    server.answer("/chart/p-1", [chart(&first)]);
    server.answer("/chart/p-2", [chart(&[point("2024-01-04T00:00:00.000Z", 9.0)])]);
    let (all, disorder, source) = fetched(&server).await;
    assert_eq!(days(&all), ["2024-01-01", "2024-01-04", "2024-01-04"], "a gap stays a gap");
    let markets: Vec<_> = all.iter().map(|one| one.row.market.as_str()).collect();
    assert_eq!(markets, ["aave-v3:1:p-1", "aave-v3:8453:p-2", "aave-v3:1:p-1"]);
    let times: Vec<_> = all.iter().map(|one| one.row.time.to_string()).collect();
    assert_eq!(times[0], "2024-01-01T23:00:00Z", "the last of its day");
    assert_eq!(times[2], "2024-01-04T22:30:00Z", "in UTC");
    let market = all[0].row.market.clone();
    let repeated = Note::RepeatedDays { market: market.clone(), rows: 2 };
    assert!(source.notes().contains(&repeated), "{:?}", source.notes());
    let first_and_last = ("2024-01-01".parse().unwrap(), "2024-01-01".parse().unwrap());
    let unsorted =
        Disorder::Unsorted { market, symbol: "USDC".to_owned(), days: first_and_last, rows: 2 };
    assert_eq!(disorder, [unsorted]);
}

#[tokio::test(start_paused = true)]
async fn a_chain_without_an_id_is_kept_counted_and_never_selected() {
    let server = Server::start().await;
    let pools = [pool("p-1", "Solana", "USDC-ÜSD€"), pool("p-2", "OP Mainnet", "日本円")];
    server.answer("/pools", [listing(&pools)]);
    for path in ["/chart/p-1", "/chart/p-2"] {
        server.answer(path, [chart(&[point("2024-01-01T23:00:00Z", 5.0)])]);
    }
    let (all, disorder, _) = fetched(&server).await;
    let found: Vec<_> = all.iter().map(|o| (o.row.market.as_str(), o.symbol.as_ref())).collect();
    assert_eq!(found, [("aave-v3:0:p-1", "USDC-ÜSD€"), ("aave-v3:10:p-2", "日本円")]);
    let day: Day = "2024-01-01".parse().unwrap();
    let unknown = Disorder::UnknownNetwork {
        name: "Solana".to_owned(),
        days: (day, day),
        rows: 1,
        are_kept: true,
    };
    assert_eq!(disorder, [unknown]);
    server.asked();
    let mut source = LlamaSource::open(settings(&server)).unwrap();
    let selection = Selection { chains: vec![ChainId(10)], ..Selection::default() };
    let adapters = source.adapters(&selection, NOW, |_, _| {}).await.unwrap();
    assert_eq!(observed(adapters).await.len(), 1);
    assert_eq!(server.asked(), ["/pools", "/chart/p-2"], "what is not wanted is not asked for");
}

#[tokio::test(start_paused = true)]
async fn a_selection_takes_nothing_after_its_end_and_needs_something_after_its_start() {
    let server = Server::start().await;
    server.answer("/pools", [listing(&[pool("p-1", "Ethereum", "USDC")])]);
    let points = ["2024-01-01T23:00:00Z", "2024-01-02T23:59:59.999Z", "2024-01-03T00:00:00Z"];
    server.answer("/chart/p-1", [chart(&points.map(|at| point(at, 5.0)))]);
    let mut source = LlamaSource::open(settings(&server)).unwrap();
    let span = |from: &str, to: &str| Selection {
        from: Some(from.parse().unwrap()),
        to: Some(to.parse().unwrap()),
        chains: Vec::new(),
    };
    let second = span("2024-01-02", "2024-01-02");
    let adapters = source.adapters(&second, NOW, |_, _| {}).await.unwrap();
    assert_eq!(days(&observed(adapters).await), ["2024-01-01", "2024-01-02"]);
    let later = span("2024-01-03", "2024-01-02");
    let error = source.adapters(&later, NOW, |_, _| {}).await.err().unwrap();
    assert!(
        error.to_string().ends_with("the file covers 2024-01-01 to 2024-01-02"),
        "what is there is said: {error}"
    );
    let never = span("2020-01-01", "2020-01-02");
    let error = source.adapters(&never, NOW, |_, _| {}).await.err().unwrap();
    assert!(matches!(error, AdapterError::EmptyRange { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_pool_without_a_chart_is_left_out_with_a_note_and_the_others_stay() {
    let server = server_of_one().await;
    let ids = ["p-1", "gone", "empty", "page", "refused", "../../etc/passwd", "a:b"];
    server.answer("/pools", [listing(&ids.map(|id| pool(id, "Ethereum", id)))]);
    server.answer("/chart/empty", [chart(&[])]);
    server.answer("/chart/page", [Reply::json("<html>Bad gateway</html>")]);
    server.answer("/chart/refused", [Reply::json(json!({"status": "error", "message": "no"}))]);
    let (all, _, source) = fetched(&server).await;
    assert_eq!(all.len(), 1, "one broken pool costs nothing else");
    let notes: Vec<String> = source.notes().iter().map(ToString::to_string).collect();
    let holds = |parts: [&str; 2]| {
        notes.iter().filter(|note| parts.iter().all(|part| note.contains(part))).count()
    };
    assert_eq!(holds(["gone (aave-v3:1:gone)", "left out: its chart: status 404 Not Found"]), 1);
    assert_eq!(holds(["empty (aave-v3:1:empty)", "its chart is empty"]), 1);
    assert_eq!(holds(["page (aave-v3:1:page)", "<html>Bad gateway</html>"]), 1);
    assert_eq!(holds(["refused (aave-v3:1:refused)", "its status is \"error\""]), 1);
    assert_eq!(holds(["/pools: 2 left out", "without an id"]), 1);
    let mut asked = server.asked();
    asked.sort();
    let each = ["/chart/empty", "/chart/gone", "/chart/p-1", "/chart/page", "/chart/refused"];
    assert_eq!(asked[..5], each, "each once, and no path that a listing makes up");
    server.answer("/pools", [listing(&[pool("gone", "Ethereum", "USDC")])]);
    let mut source = LlamaSource::open(settings(&server)).unwrap();
    let error = source.adapters(&Selection::default(), NOW, |_, _| {}).await.err().unwrap();
    assert!(matches!(error, AdapterError::Http { status: Some(404), .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_listing_without_a_wanted_pool_is_an_error_that_says_so() {
    let server = Server::start().await;
    server.answer("/pools", [listing(&[pool("p-1", "Ethereum", "USDC")])]);
    let mut rich = settings(&server);
    rich.pools.min_tvl_usd = 1e12;
    let mut source = LlamaSource::open(rich).unwrap();
    let error = source.adapters(&Selection::default(), NOW, |_, _| {}).await.err().unwrap();
    assert!(matches!(error, AdapterError::NoPools { listed: 1, .. }), "{error}");
    assert_eq!(server.asked(), ["/pools"]);
    server.answer("/pools", [listing(&[])]);
    let mut source = LlamaSource::open(settings(&server)).unwrap();
    let error = source.adapters(&Selection::default(), NOW, |_, _| {}).await.err().unwrap();
    assert!(matches!(error, AdapterError::NoPools { listed: 0, .. }), "{error}");
}

/// What both sources are given: (timestamp, TVL, total, base, rewards).
type Given = (&'static str, Option<f64>, Option<f64>, Option<f64>, Option<f64>);

/// A reading of each kind: whole, split, without a base, zero, null, negative, absurd, below -100 %.
const GIVEN: [Given; 9] = [
    ("2024-01-01T23:00:00Z", Some(9e6), Some(5.0), Some(5.0), None),
    ("2024-01-02T23:00:00Z", Some(9e6), Some(8.0), Some(5.0), Some(3.0)),
    ("2024-01-03T23:00:00Z", Some(9e6), Some(8.0), None, Some(3.0)),
    ("2024-01-04T23:00:00Z", Some(9e6), Some(5.1), None, None),
    ("2024-01-05T23:00:00Z", Some(9e6), Some(0.0), Some(0.0), None),
    ("2024-01-06T23:00:00Z", None, None, None, None),
    ("2024-01-07T23:00:00Z", Some(0.0), Some(-4.0), Some(-4.0), Some(0.0)),
    ("2024-01-08T23:00:00Z", Some(1.0), Some(1e9), Some(1e9), None),
    ("2024-01-09T23:00:00Z", Some(1.0), Some(-101.0), Some(-101.0), None),
];

/// The readings in a Parquet file, as it records DefiLlama's pools.
fn recorded(folder: &Path) {
    let times = GIVEN
        .map(|given| chrono::DateTime::parse_from_rfc3339(given.0).unwrap().timestamp_millis());
    let times = Int64Chunked::from_vec("timestamp".into(), times.to_vec())
        .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
        .into_column();
    let same = |name: &str, text: &str| Column::new(name.into(), vec![text; GIVEN.len()]);
    let numbers = |name: &str, of: fn(&Given) -> Option<f64>| {
        Column::new(name.into(), GIVEN.iter().map(of).collect::<Vec<_>>())
    };
    let mut table = DataFrame::new_infer_height(vec![
        times,
        same("pool_id", "p-1"),
        same("protocol", "aave-v3"),
        same("chain", "Ethereum"),
        same("symbol", "USDC"),
        numbers("tvl_usd", |given| given.1),
        numbers("apy_pct", |given| given.2),
        numbers("apy_base_pct", |given| given.3),
        numbers("apy_reward_pct", |given| given.4),
    ])
    .unwrap();
    let file = std::fs::File::create(folder.join("pool_yields_daily.parquet")).unwrap();
    ParquetWriter::new(file).finish(&mut table).unwrap();
}

/// The readings as a chart.
async fn served() -> Server {
    let server = Server::start().await;
    server.answer("/pools", [listing(&[pool("p-1", "Ethereum", "USDC")])]);
    let points = GIVEN.map(|(timestamp, tvl, total, base, reward)| {
        json!({"timestamp": timestamp, "tvlUsd": tvl, "apy": total, "apyBase": base,
            "apyReward": reward})
    });
    server.answer("/chart/p-1", [chart(&points)]);
    server
}

// Polars, called from a runtime, needs one of several threads, where time cannot be paused: two requests
// need no wait.
#[tokio::test(flavor = "multi_thread")]
async fn this_source_and_the_parquet_source_make_the_same_rows_of_the_same_readings() {
    let server = served().await;
    let (all, _, _) = fetched(&server).await;
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let source = ParquetSource::open(folder.path()).unwrap();
    let same = observed(source.adapters(&Selection::default()).unwrap()).await;
    assert_eq!(all.len(), GIVEN.len());
    // As text, in which a NaN equals a NaN; f64 prints so that it reads back to the bit.
    assert_eq!(format!("{all:#?}"), format!("{same:#?}"));
}

#[tokio::test(start_paused = true)]
async fn the_gate_withholds_what_cannot_be_a_rate_and_keeps_the_rest() {
    let server = served().await;
    let mut source = LlamaSource::open(settings(&server)).unwrap();
    let mut adapters = source.adapters(&Selection::default(), NOW, |_, _| {}).await.unwrap();
    let gate = GateSettings::default();
    let feed = plimsoll_execute::collect(&mut adapters, &gate, |_| {}).await.unwrap();
    let rates = feed.frame.table().column("supply_apr").unwrap().f64().unwrap().to_vec();
    let is_there: Vec<bool> = rates.iter().map(Option::is_some).collect();
    // From the second day on: the first has nothing to be checked against.
    assert_eq!(is_there, [true, true, true, false, false, false, false, false]);
    assert_eq!(feed.rows_read, 9);
}
