//! The real process through faults: killed at places and at instants, behind a proxy that does wrong, on a full disk,
//! beside a twin. What came of it is judged from the chain and from the journal.

use super::process::{Place, Stage};
use crate::support::folder;
use alloy::primitives::U256;
use plimsoll_core::execution::{Outcome, State};
use plimsoll_execute::journal::{Reader, Verified};
use plimsoll_faults::policy::{Sent, landed};
use plimsoll_faults::proxy::{Fault, Forgery, Place as When, Reply, Rule, SocketFault};
use plimsoll_faults::runner::{End, KillPoint, recorded};
use plimsoll_faults::{
    Evidence, FaultProxy, Finding, Heard, Launch, Limits, Process, Remembered, Stopwatch, findings,
};
use plimsoll_localchain::{CHAIN_ID, Driver, Snapshot};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

/// Blocks within which the first plan is over.
const BLOCKS: u64 = 30;
/// How long a look may take: far beyond what a slow machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stage that goes back to its beginning before each trial.
struct Theatre {
    stage: Stage,
    driver: Driver,
    start: Option<Snapshot>,
    /// A journal as `plimsoll init` makes it.
    fresh: PathBuf,
    _kept: tempfile::TempDir,
}

/// What the process made of the newest block.
#[derive(Debug, PartialEq)]
enum Looked {
    Done,
    Ended(End),
}

/// One engine's life.
struct Trial<'a> {
    theatre: &'a mut Theatre,
    proxy: FaultProxy,
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Process>,
    remembered: Remembered,
    first: u64,
    starts: u64,
    disk_kib: Option<u64>,
}

impl Theatre {
    async fn open() -> Theatre {
        let stage = Stage::set().await;
        let driver = stage.driver.clone();
        let start = Some(stage.chain.snapshot().await.unwrap());
        let (kept, _) = folder();
        let fresh = kept.path().join("state");
        let mut theatre = Theatre { stage, driver, start, fresh, _kept: kept };
        let trial = theatre.trial().await;
        let launch = trial.launch(&["init"], &[]);
        let made = std::process::Command::new(&launch.program)
            .args(&launch.arguments)
            .envs(launch.environment)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made = trial.state();
        let fresh = trial.theatre.fresh.clone();
        copied(&made, &fresh);
        theatre
    }

    async fn trial(&mut self) -> Trial<'_> {
        let chain = &self.stage.chain;
        chain.forget_all().await.unwrap();
        chain.revert(self.start.take().unwrap()).await.unwrap();
        self.start = Some(chain.snapshot().await.unwrap());
        self.stage.driver = self.driver.clone();
        let proxy = FaultProxy::start(&chain.http_url(), &chain.ws_url(), 1).await.unwrap();
        let first = chain.head().await.unwrap().number + 1;
        let (folder, _) = folder();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let trial = Trial {
            proxy,
            folder,
            port,
            process: None,
            remembered: Remembered::default(),
            first,
            starts: 0,
            disk_kib: None,
            theatre: self,
        };
        if trial.theatre.fresh.is_dir() {
            copied(&trial.theatre.fresh, &trial.state());
        }
        trial
    }
}

fn copied(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

impl Trial<'_> {
    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn launch(&self, words: &[&str], more: &[(&str, &str)]) -> Launch {
        let config = self.folder.path().join("plimsoll.toml");
        let place = Place {
            node: self.proxy.http_url(),
            socket: self.proxy.ws_url(),
            folder: self.folder.path().to_owned(),
            port: self.port,
        };
        std::fs::write(&config, self.theatre.stage.settings(&place)).unwrap();
        let arguments = ["--config", &config.display().to_string()];
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let key = ("TEST_ENGINE_KEY".to_owned(), self.theatre.stage.key.clone());
        Launch {
            program: env!("CARGO_BIN_EXE_plimsoll").into(),
            arguments: arguments.iter().chain(words).map(|word| (*word).to_owned()).collect(),
            environment: std::iter::once(key).chain(more).collect(),
            log: self.folder.path().join("log"),
            disk_kib: self.disk_kib,
        }
    }

    fn start(&mut self, more: &[(&str, &str)]) {
        self.starts += 1;
        let launch = self.launch(&["run", "--live", "--log-format", "json"], more);
        self.process = Some(Process::start(&launch).unwrap());
    }

    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        text.lines().rev().take(8).collect::<Vec<_>>().join("\n")
    }

    async fn status(&self) -> Option<Value> {
        let url = format!("http://127.0.0.1:{}/v1/status", self.port);
        let text = reqwest::get(url).await.ok()?.text().await.ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Waits until the process has dealt with the newest block, or ended.
    async fn looked(&mut self) -> Looked {
        let head = self.theatre.stage.chain.head().await.unwrap().number;
        let since = Stopwatch::start();
        while since.elapsed() < PATIENCE {
            let process = self.process.as_mut().expect("it runs");
            if let Heard::Ended(end) = process.hear(Duration::from_millis(10)).await.unwrap() {
                self.process = None;
                return Looked::Ended(end);
            }
            let status = self.status().await.unwrap_or_default();
            if status["head"]["number"].as_u64().is_some_and(|number| number >= head) {
                return Looked::Done;
            }
        }
        panic!("block {head} was not dealt with: {}", self.log());
    }

    async fn mine(&mut self) {
        let theatre = &mut *self.theatre;
        theatre.stage.driver.step(&theatre.stage.chain).await.unwrap();
    }

    async fn block(&mut self) -> Looked {
        self.mine().await;
        self.looked().await
    }

    fn journal(&self) -> Verified {
        Reader::open(&self.state()).unwrap().verify().unwrap()
    }

    /// Whether a plan is done and none is on its way.
    fn is_quiet(&self) -> bool {
        let intents = self.journal().folded.intents;
        let is_done = intents.iter().any(|plan| plan.state == State::Closed(Outcome::Done));
        is_done && intents.open().is_none()
    }

    fn limits(&self) -> Limits {
        let vault = &self.theatre.stage.vault;
        Limits {
            chain: CHAIN_ID,
            signer: vault.roles.allocator,
            vault: vault.address,
            caps: vault.markets.iter().map(|(_, contract)| (*contract, U256::MAX)).collect(),
            per_market_bps: 5_000,
            entries_per_plan_bps: 10_000,
            entries_per_day_bps: 10_000,
            gas_per_day: U256::from(50_000_000u64) * U256::from(1_000_000_000u64),
            exit_gas_per_day: U256::from(500_000_000u64) * U256::from(1_000_000_000u64),
            max_fee: 100_000_000_000,
            slack_bps: 10,
        }
    }

    async fn found(&self, is_healed: bool) -> Vec<Finding> {
        let chain = &self.theatre.stage.chain;
        let head = chain.head().await.unwrap().number;
        let limits = self.limits();
        let landed = landed(chain.provider(), &limits, self.first..=head).await.unwrap();
        let sent = self.proxy.control().log().into_iter().filter(|event| event.is_forwarded);
        let raw = sent.filter_map(|event| event.params?.get(0)?.as_str().map(str::to_owned));
        let sent: Vec<Sent> =
            raw.filter_map(|raw| Sent::read(&alloy::hex::decode(raw).ok()?)).collect();
        let evidence = Evidence::of(&self.state(), landed, sent);
        let mut found = findings(&limits, &evidence, is_healed);
        found.extend(self.remembered.lost(&self.state()).unwrap());
        found
    }

    /// Lets blocks come until a plan is done and none is on its way; starts it again where it was killed.
    async fn sees_through(&mut self, what: &str) {
        for _ in 0..BLOCKS {
            let looked = self.block().await;
            self.remembered.look(&self.state()).unwrap();
            match looked {
                Looked::Ended(End::KILLED) => self.start(&[]),
                Looked::Ended(end) => panic!("{what}: it ended: {end:?}: {}", self.log()),
                Looked::Done if self.is_quiet() => {
                    assert_eq!(self.found(true).await, [], "{what}: {}", self.log());
                    return;
                }
                Looked::Done => {}
            }
        }
        panic!("{what}: not done in {BLOCKS} blocks: {}", self.log());
    }
}

/// The places that the process comes by until its first plan is done.
async fn places(theatre: &mut Theatre) -> Vec<KillPoint> {
    let mut trial = theatre.trial().await;
    let trace = trial.folder.path().join("trace");
    trial.start(&[("PLIMSOLL_KILL_TRACE", trace.to_str().unwrap())]);
    assert_eq!(trial.looked().await, Looked::Done);
    trial.sees_through("no fault").await;
    let points = recorded(&trace).unwrap();
    assert!(points.len() >= 40, "{points:?}");
    points
}

async fn killed_at_places(step: usize) {
    let mut theatre = Theatre::open().await;
    let points = places(&mut theatre).await;
    let (mut killed, mut slowest) = (0, Duration::ZERO);
    for point in points.iter().step_by(step) {
        let mut trial = theatre.trial().await;
        let place = point.to_string();
        trial.start(&[("PLIMSOLL_KILL", &place)]);
        let mut looked = trial.looked().await;
        for _ in 0..BLOCKS {
            if looked == Looked::Ended(End::KILLED) {
                break;
            }
            looked = trial.block().await;
        }
        assert_eq!(looked, Looked::Ended(End::KILLED), "{place}: it was killed there");
        trial.remembered.look(&trial.state()).unwrap();
        trial.start(&[]);
        assert_eq!(trial.looked().await, Looked::Done, "{place}");
        slowest = slowest.max(trial.process.as_ref().unwrap().age());
        trial.sees_through(&place).await;
        killed += 1;
    }
    println!(
        "F01 plimsoll run: killed at {killed} of {} places; ready again after {} ms at most",
        points.len(),
        slowest.as_millis()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f01_the_real_process_killed_at_places_goes_on_with_nothing_but_its_journal() {
    killed_at_places(40).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make deep"]
async fn deep_f01_the_real_process_killed_at_every_place() {
    killed_at_places(1).await;
}

async fn killed_at_instants(kills: u64, seed: u64) {
    let mut theatre = Theatre::open().await;
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut killed = 0;
    while killed < kills {
        let mut trial = theatre.trial().await;
        trial.start(&[]);
        for _ in 0..4 {
            if dice.random_bool(0.5) {
                trial.mine().await;
            }
            // The one sleep that is meant: where it ends is where the process is killed.
            tokio::time::sleep(Duration::from_millis(dice.random_range(0..800))).await;
            trial.remembered.look(&trial.state()).unwrap();
            let end = trial.process.take().unwrap().kill().unwrap();
            assert_eq!(end, End::KILLED, "{}", trial.log());
            killed += 1;
            trial.start(&[]);
        }
        trial.sees_through(&format!("seed {seed}, {killed} kills")).await;
    }
    println!("F02 plimsoll run: killed at {killed} instants, seed {seed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f02_the_real_process_killed_at_any_instant_goes_on() {
    killed_at_instants(4, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make deep"]
async fn deep_f02_the_real_process_killed_at_two_hundred_instants() {
    killed_at_instants(200, 50).await;
}

/// Faults of the line, for some blocks from the first on.
fn faults() -> Vec<(&'static str, Rule)> {
    let send: &[&str] = &["eth_sendRawTransaction"];
    let told: &[&str] = &["eth_subscription"];
    let error = Reply::Error { code: -32_603, message: "Internal error".to_owned() };
    vec![
        ("F04", Rule::new(Fault::DropAfter).on(send).times(2)),
        ("F05", Rule::new(Fault::Answer(When::After, error)).on(send).times(2)),
        ("F20", Rule::new(Fault::Lag(1))),
        ("F22", Rule::new(Fault::Receipt(Forgery::Empty))),
        ("F29", Rule::new(Fault::Socket(SocketFault::Silence)).on(told)),
        ("F29", Rule::new(Fault::Socket(SocketFault::BrokenFrame)).on(told)),
        ("F29", Rule::new(Fault::Socket(SocketFault::Close)).on(told)),
        ("F29", Rule::new(Fault::Socket(SocketFault::Skip)).on(told)),
    ]
}

async fn wrong_lines(every: usize) {
    let mut theatre = Theatre::open().await;
    for (id, rule) in faults().into_iter().step_by(every) {
        let mut trial = theatre.trial().await;
        trial.start(&[]);
        trial.proxy.control().add(rule.clone());
        let what = format!("{id} {rule:?}");
        let lags = id == "F20";
        for _ in 0..3 {
            trial.mine().await;
            if !lags {
                assert_eq!(trial.looked().await, Looked::Done, "{what}");
            }
        }
        trial.proxy.control().heal();
        let since = Stopwatch::start();
        assert_eq!(trial.looked().await, Looked::Done, "{what}");
        // The process may be new, and starting is not what is measured.
        assert!(lags || since.elapsed() < Duration::from_secs(2), "{what}: {:?}", since.elapsed());
        trial.sees_through(&what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_process_behind_a_line_that_does_wrong_is_ready_once_it_heals() {
    wrong_lines(3).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make deep"]
async fn deep_the_real_process_behind_a_line_that_does_wrong() {
    wrong_lines(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f25_f32_f36_the_real_process_stops_where_it_has_to() {
    let mut theatre = Theatre::open().await;
    // Another chain, from some time on.
    let mut trial = theatre.trial().await;
    trial.start(&[]);
    assert_eq!(trial.looked().await, Looked::Done);
    trial.proxy.control().add(Fault::ChainId(1));
    trial.mine().await;
    let Looked::Ended(End::Code(code)) = trial.looked().await else { panic!("{}", trial.log()) };
    assert_ne!(code, 0);
    trial.proxy.control().heal();
    trial.start(&[]);
    trial.sees_through("F25").await;
    // A second process on the same journal.
    let mut second = Process::start(&trial.launch(&["run", "--live"], &[])).unwrap();
    let ended = second.hear(PATIENCE).await.unwrap();
    assert!(matches!(ended, Heard::Ended(End::Code(code)) if code != 0), "{ended:?}");
    assert_eq!(trial.block().await, Looked::Done, "the first goes on");
    // A disk that is full.
    let mut full = 0;
    for kib in [60, 250] {
        let mut trial = theatre.trial().await;
        trial.disk_kib = Some(kib);
        trial.start(&[]);
        let mut looked = trial.looked().await;
        for _ in 0..8 {
            if looked != Looked::Done {
                break;
            }
            looked = trial.block().await;
        }
        if let Looked::Ended(end) = looked {
            assert!(matches!(end, End::Code(code) if code != 0), "F32 {kib} KiB: {end:?}");
            assert_eq!(trial.found(false).await, [], "F32 {kib} KiB");
            full += 1;
            trial.disk_kib = None;
            trial.start(&[]);
        }
        trial.disk_kib = None;
        trial.sees_through(&format!("F32 {kib} KiB")).await;
    }
    assert!(full > 0, "the disk was full at least once");
    println!("F32 plimsoll run: the disk was full in {full} of 2 trials");
}
