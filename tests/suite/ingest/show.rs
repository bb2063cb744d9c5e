//! Ingest of driven blocks, killed and resumed, gives the bytes of a run that nobody interrupted; a replay runs on
//! them; and they are what the live recorder writes of the same blocks.

use super::stage::{Stage, assert_same};
use crate::support::{document, plimsoll, read, said};
use plimsoll_adapters::Recorder;
use plimsoll_adapters::live::{PriceSettings, Prices, ProtocolSettings, from_settings};
use plimsoll_execute::chain::{Endpoint, Nodes};
use plimsoll_execute::protocol::{At, Reading};
use plimsoll_localchain::CHAIN_ID;
use polars::prelude::*;
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// Markets of the stage: two reserves, the markets of Morpho, a vault.
const MARKETS: usize = 5;

#[tokio::test]
async fn what_was_killed_and_resumed_is_what_nobody_interrupted_and_a_replay_runs_on_it() {
    // Six hours a block: 96 of them are 24 days.
    shown(21_600, 96).await;
}

#[tokio::test]
#[ignore = "long: make deep"]
async fn a_month_of_hours_killed_and_resumed_is_what_nobody_interrupted() {
    shown(3_600, 720).await;
}

async fn shown(block_seconds: u64, blocks: u64) {
    let stage = Stage::set(block_seconds, blocks).await;
    let whole = stage.folder("whole");
    let document = stage.plain(&whole);
    assert_eq!(document["blocks"], blocks);
    assert_eq!(document["snapshots"], blocks);
    assert_eq!(document["rows"], blocks * u64::try_from(MARKETS).unwrap(), "{document:#}");
    assert_eq!(document["unread"], serde_json::json!([]), "{document:#}");
    assert!(document["logs"]["decoded"].as_u64().unwrap() > blocks, "{document:#}");
    assert_eq!(document["logs"]["undecodable"], 0, "{document:#}");
    assert_eq!(document["logs"]["unknown"], 0, "{document:#}");
    killed_at_instants(&stage, &whole);
    killed_at_places(&stage, &whole);
    replayed(&whole, block_seconds);
    as_recorded(&stage, &whole).await;
}

/// Twice at an instant, by a signal from outside, and then to the end.
fn killed_at_instants(stage: &Stage, whole: &Path) {
    let folder = stage.folder("instants");
    let node = stage.chain.http_url();
    for killed in 1..=2 {
        let parts = || {
            let text = std::fs::read_to_string(folder.join("ingest.jsonl")).unwrap_or_default();
            text.lines().count()
        };
        let mut command = stage.command(&folder, stage.last, &[&node]);
        let mut child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        // Once it has finished as many parts as it was killed before, and some way into the next.
        while parts() < 1 + killed && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(7));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "it was over before it was killed");
    }
    let resumed = stage.plain(&folder);
    assert!(resumed["resumed"].as_u64().unwrap() >= 2, "{resumed:#}");
    assert_same(whole, &folder, "killed twice at an instant");
}

/// At every place of a part, one after the other, in one folder.
fn killed_at_places(stage: &Stage, whole: &Path) {
    let (trace, folder) = (stage.folder("trace"), stage.folder("places"));
    let node = stage.chain.http_url();
    let traced = stage
        .command(&stage.folder("traced"), stage.last, &[&node])
        .env("PLIMSOLL_KILL_TRACE", &trace)
        .output()
        .unwrap();
    assert!(traced.status.success(), "{}", said(&traced));
    let trace = std::fs::read_to_string(&trace).unwrap();
    // What comes before the second line is done: the first part.
    let places: Vec<&str> = trace.lines().skip(10).take(10).collect();
    assert_eq!(places.len(), 10, "four files, before and after, and a line: {places:?}");
    let distinct: BTreeSet<&str> = places.iter().copied().collect();
    assert_eq!(distinct.len(), 10, "{places:?}");
    for place in &places {
        // Within and after a line come once for each part: the second part's is the second, unless the first is done.
        let is_line = place.contains("line");
        let is_begun = folder.join("ingest.jsonl").exists();
        let count = if is_line && !is_begun { 2 } else { 1 };
        let run = stage
            .command(&folder, stage.last, &[&node])
            .env("PLIMSOLL_KILL", format!("{place}:{count}"))
            .output()
            .unwrap();
        assert_eq!(run.status.signal(), Some(9), "{place}: {}", said(&run));
    }
    let resumed = stage.plain(&folder);
    assert!(resumed["resumed"].as_u64().unwrap() >= 2, "{resumed:#}");
    assert_same(whole, &folder, "killed at every place of a part");
}

fn replayed(folder: &Path, block_seconds: u64) {
    let folder = folder.display().to_string();
    let checked = document(&plimsoll(&["data", "check", "--data", &folder, "--json"]));
    assert_eq!(checked["markets"].as_array().unwrap().len(), MARKETS, "{checked:#}");
    assert!(checked["rows_kept"].as_u64().unwrap() > 0);
    let words = ["backtest", "--data", &folder, "--assets", "USD", "--limits", "off", "--json"];
    let more = ["--strategy", "equal,highest-apr", "--no-spread", "--cost-bps", "0"];
    let replay = document(&plimsoll(&[&words[..], &more[..]].concat()));
    let results = replay["strategies"].as_array().unwrap_or_else(|| panic!("{replay:#}"));
    assert_eq!(results.len(), 2, "{replay:#}");
    for result in results {
        let earned = result["annualised_pct"].as_f64().unwrap_or_else(|| panic!("{result:#}"));
        assert!(
            earned > 0.1,
            "people pay to borrow there, blocks of {block_seconds} s: {result:#}"
        );
    }
}

/// The recorder of the live engine, given the same blocks, writes the same rows.
async fn as_recorded(stage: &Stage, whole: &Path) {
    #[derive(serde::Deserialize)]
    struct Section {
        protocols: Vec<ProtocolSettings>,
        prices: PriceSettings,
    }
    let table: toml::Table = toml::from_str(&stage.settings()).unwrap();
    let section: Section = table["ingest"].clone().try_into().unwrap();
    let node = Endpoint::new(&stage.chain.http_url(), Duration::from_secs(20)).unwrap();
    let nodes = Nodes::new(vec![node], 1, CHAIN_ID).unwrap();
    let (protocols, prices) =
        (from_settings(&section.protocols).unwrap(), Prices::new(section.prices));
    let folder = stage.folder("recorded");
    let mut recorder = Recorder::open(&folder).unwrap();
    for number in stage.first..=stage.last {
        let head = nodes.block(number).await.unwrap();
        let at = At { block: head.block, timestamp: head.timestamp };
        let mut readings: Vec<Reading> = Vec::new();
        for protocol in &protocols {
            readings.extend(protocol.read(&nodes, &at).await.unwrap().readings);
        }
        let known = prices.read(&nodes, &at).await.unwrap();
        let usd = |reading: &Reading| Some(known.get(&reading.asset)?.as_ref().ok()?.usd);
        recorder.record(&at, &readings.iter().collect::<Vec<_>>(), usd).unwrap();
    }
    let recorded = rows(&folder);
    let days = recorded.height() / MARKETS;
    assert!(days > 48, "days that are over: {days} blocks");
    let ingested = rows(whole);
    assert!(ingested.head(Some(recorded.height())).equals_missing(&recorded));
}

/// Every row of observed reserves in `folder`, in the order of the files.
fn rows(folder: &Path) -> DataFrame {
    let each = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_of = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("observed_reserves_blocks_") && name.ends_with(".parquet")
    };
    let mut paths: Vec<PathBuf> = each.filter(is_of).collect();
    paths.sort();
    let all = paths.iter().map(|path| read(path));
    let all = all.reduce(|all, next| all.vstack(&next).unwrap()).unwrap();
    all.sort(["block", "asset_address"], SortMultipleOptions::default()).unwrap()
}
