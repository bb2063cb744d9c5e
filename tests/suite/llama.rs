//! `allocate`, `rebalance` and `curves` by what DefiLlama says: the program against a server on loopback.
//!
//! The clock of every run is given, and the waits between attempts are a millisecond.

use crate::support::{code, number, said};
use serde_json::{Value, json};
use server::{Reply, Server};
use std::process::{Command, Output};

mod answers;
mod errors;
mod held;
mod kept;
mod oddities;
/// The server of the adapter's own tests.
#[path = "../../adapters/src/llama/server.rs"]
mod server;

/// The time of every run, unless another is given.
const NOW: &str = "2026-06-01T12:00:00Z";
/// [`NOW`] in milliseconds, by hand: 20,605 days and a half.
const NOW_MS: i64 = 1_780_315_200_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Days in the charts.
const DAYS: i64 = 200;

/// A server with the runtime it lives in, for tests that run a program.
struct Llama {
    runtime: tokio::runtime::Runtime,
    server: Server,
}

impl Llama {
    /// A server that lists `pools` with a healthy chart of each.
    fn of(pools: &[Value]) -> Llama {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(Server::start());
        let llama = Llama { runtime, server };
        llama.lists(pools);
        for pool in pools {
            llama.charts(pool["pool"].as_str().unwrap_or("none"), healthy(number(&pool["apy"])));
        }
        llama
    }

    fn lists(&self, pools: &[Value]) {
        self.server.answer("/pools", [answer(pools)]);
    }

    fn charts(&self, id: &str, points: Vec<Value>) {
        self.server.answer(&format!("/chart/{id}"), [answer(&points)]);
    }

    fn url(&self) -> String {
        self.server.url.clone()
    }

    /// Runs `plimsoll` with this source at `now`.
    fn run_at(&self, now: &str, words: &[&str]) -> Output {
        run(now, &[words, &["--llama", &self.url()]].concat())
    }

    fn allocate(&self, more: &[&str]) -> Output {
        self.allocate_at(NOW, more)
    }

    fn allocate_at(&self, now: &str, more: &[&str]) -> Output {
        self.run_at(now, &[&ALLOCATE, more].concat())
    }

    /// Stops the server and returns where it was.
    fn stop(self) -> String {
        let url = self.url();
        self.runtime.block_on(self.server.stop());
        url
    }
}

const ALLOCATE: [&str; 7] =
    ["allocate", "--asset", "USDC", "--amount", "25000", "--risk", "balanced"];

/// Runs the binary at `now`, with nothing of the caller's settings, hardly a wait between attempts and no
/// limit to speak of on requests.
fn run(now: &str, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLIMSOLL")) {
        command.env_remove(key);
    }
    command
        .env("PLIMSOLL_NOW", now)
        .env("PLIMSOLL__LLAMA__FIRST_WAIT_SECONDS", "0.001")
        .env("PLIMSOLL__LLAMA__REQUESTS_PER_MINUTE", "1000000")
        .args(words)
        .output()
        .expect("the binary runs")
}

fn answer(data: &[Value]) -> Reply {
    Reply::json(json!({ "status": "success", "data": data }))
}

/// A pool as the listing has it, on Ethereum and of USDC.
fn pool(id: &str, project: &str, apy: f64) -> Value {
    json!({
        "pool": id, "chain": "Ethereum", "project": project, "symbol": "USDC", "tvlUsd": 9e7,
        "apy": apy, "apyBase": apy, "apyReward": null, "stablecoin": true, "exposure": "single",
        "poolMeta": null, "count": 900, "underlyingTokens": [null], "ilRisk": "no"
    })
}

fn with(mut pool: Value, key: &str, value: impl Into<Value>) -> Value {
    pool[key] = value.into();
    pool
}

/// Milliseconds as the interface writes a time.
fn text(ms: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(ms).unwrap();
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn point(at: i64, apy: impl Into<Value>) -> Value {
    let apy = apy.into();
    json!({
        "timestamp": text(at), "tvlUsd": 90_000_000 + at / DAY_MS, "apy": apy.clone(), "apyBase": apy,
        "apyReward": null, "il7d": null, "apyBase7d": null
    })
}

/// A reading an hour before the clock on each of the last days, around `apy` and at it today.
fn healthy(apy: f64) -> Vec<Value> {
    let moved = |days: i64| ((days * 7) % 11 - if days == 0 { 0 } else { 5 }) as f64 / 100.0;
    let points = (0..DAYS).rev();
    points.map(|days| point(NOW_MS - HOUR_MS - days * DAY_MS, apy * (1.0 + moved(days)))).collect()
}

/// Four protocols on Ethereum, one with two pools, and what is left out: other chains, a pair, a dwarf.
fn market() -> Vec<Value> {
    vec![
        pool("a-1", "aave-v3", 5.0),
        with(pool("a-2", "aave-v3", 6.0), "tvlUsd", 2e6),
        pool("c-1", "compound-v3", 4.0),
        pool("m-1", "morpho-blue", 7.0),
        pool("f-1", "fluid-lending", 4.5),
        with(pool("b-1", "aave-v3", 9.0), "chain", "Base"),
        with(pool("k-1", "kamino-lend", 9.0), "chain", "Solana"),
        with(pool("p-1", "curve-dex", 30.0), "symbol", "USDC-USDT"),
        with(pool("d-1", "dwarf", 40.0), "tvlUsd", 1e5),
    ]
}

fn plan<'d>(document: &'d Value, name: &str) -> &'d Value {
    document["plans"].as_array().unwrap().iter().find(|plan| plan["name"] == name).unwrap()
}

fn positions(plan: &Value) -> &[Value] {
    plan["positions"].as_array().unwrap()
}

fn markets(plan: &Value) -> Vec<&str> {
    let mut all: Vec<&str> =
        positions(plan).iter().map(|position| position["market"].as_str().unwrap()).collect();
    all.sort_unstable();
    all
}

fn labels(document: &Value) -> String {
    let all = document["labels"].as_array().unwrap();
    all.iter().map(|label| label.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The error of a run that fails with `expected` and prints no document.
fn refused(run: &Output, expected: i32) -> String {
    assert_eq!(code(run), expected, "{}", said(run));
    assert!(run.stdout.is_empty(), "nothing half-done on standard output");
    said(run)
}

/// The simple rate that compounds daily to `apy_pct` percent.
fn simple(apy_pct: f64) -> f64 {
    365.0 * ((1.0 + apy_pct / 100.0).powf(1.0 / 365.0) - 1.0)
}

fn near(found: &Value, expected: f64) {
    assert!((number(found) - expected).abs() < 1e-9, "{found} is not {expected}");
}

/// Writes a holding and returns its path.
fn holding(path: &str, idle: &str, positions: &[(&str, &str)]) -> String {
    let file = format!("{path}/held.toml");
    let lines: Vec<String> =
        positions.iter().map(|(market, amount)| format!("\"{market}\" = \"{amount}\"\n")).collect();
    let text = format!("asset = \"USDC\"\nidle = \"{idle}\"\n[positions]\n{}", lines.concat());
    std::fs::write(&file, text).unwrap();
    file
}
