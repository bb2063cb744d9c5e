//! `plimsoll run` as a process: it starts only where everything holds, sends, survives SIGKILL, takes orders.

use crate::support::{code, document, folder, plimsoll, said};
use alloy::primitives::{Address, U256};
use plimsoll_localchain::{
    Artifacts, Asset, CHAIN_ID, ChainSettings, Deployment, Driver, LocalChain, MarketSettings,
    PlimsollVault, VaultMarket, VaultRoles, deploy, deploy_vault, deposit,
};
use serde_json::Value;
use std::io::Read;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Seconds that a block stands for.
const BLOCK: u64 = 21_600;
/// Polls of a tenth of a second before a test gives up waiting: half a minute of a process that lives.
const POLLS: u32 = 600;

/// A chain with a history, a vault with money in it, and settings for an engine.
pub(super) struct Stage {
    pub(super) chain: LocalChain,
    pub(super) driver: Driver,
    pub(super) vault: PlimsollVault,
    pub(super) key: String,
    pub(super) deployment: Deployment,
    pub(super) folder: tempfile::TempDir,
    pub(super) port: u16,
}

/// Where an engine finds its node, and where it keeps and says things.
pub(super) struct Place {
    pub(super) node: String,
    pub(super) socket: String,
    pub(super) folder: PathBuf,
    pub(super) port: u16,
}

impl Stage {
    pub(super) async fn set() -> Stage {
        Stage::with_engine(1).await
    }

    /// `engine` is the account whose key the engine has; account 1 is the vault's allocator.
    pub(super) async fn with_engine(engine: usize) -> Stage {
        let artifacts = Artifacts::find().expect("`make contracts` prepares them");
        let settings = ChainSettings { block_seconds: BLOCK, ..ChainSettings::default() };
        let mut chain = LocalChain::start(&artifacts, settings).await.unwrap();
        let deployment = deploy(&chain, &artifacts).await.unwrap();
        let [_, allocator, owner, curator, guardian, depositor] = chain.accounts()[..6] else {
            panic!()
        };
        let roles = VaultRoles { owner, curator, allocator, guardian };
        let vault = deploy_vault(&chain, &artifacts, &deployment, roles).await.unwrap();
        let people = MarketSettings { seed: 3, ..MarketSettings::default() };
        let mut driver = Driver::start(&mut chain, deployment.clone(), people).await.unwrap();
        for _ in 0..35 * 4 {
            driver.step(&chain).await.unwrap();
        }
        let amount = U256::from(100_000_000_000u64);
        deposit(&chain, &deployment, &vault, (depositor, amount)).await.unwrap();
        driver.step(&chain).await.unwrap();
        let key = alloy::hex::encode(chain.keys().nth(engine).unwrap());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let stage = Stage { chain, driver, vault, key, deployment, folder, port };
        let own = Place {
            node: stage.chain.http_url(),
            socket: stage.chain.ws_url(),
            folder: stage.folder.path().to_owned(),
            port,
        };
        std::fs::write(stage.config(), stage.settings(&own)).unwrap();
        stage
    }

    pub(super) fn config(&self) -> PathBuf {
        self.folder.path().join("plimsoll.toml")
    }

    fn state(&self) -> String {
        self.folder.path().join("state").display().to_string()
    }

    /// Settings of an engine at `place`.
    pub(super) fn settings(&self, place: &Place) -> String {
        let deployment = &self.deployment;
        let usdc = deployment.token(Asset::Usdc).unwrap();
        let contract = |market| self.vault.contract(market).unwrap();
        format!(
            r#"
[live]
chain = {CHAIN_ID}
nodes = ["{node}"]
websocket = "{socket}"
poll_ms = 200
vault = "{vault}"
state = "{state}"
history = "{history}"
listen = "127.0.0.1:{port}"
decide_every_seconds = {BLOCK}
valid_seconds = 86400
learn_days = 34
signer = {{ kind = "plain", key_env = "TEST_ENGINE_KEY" }}
sending = {{ confirmations = 1, resend_after = 2, bump_after = 3, unknown_for = 8 }}

[[live.protocols]]
protocol = "aave_v3"
chain = {CHAIN_ID}
pool = "{pool}"
markets = [{{ asset = "{asset}", contract = "{aave}" }}]

[[live.protocols]]
protocol = "morpho_blue"
chain = {CHAIN_ID}
morpho = "{blue}"
markets = [{{ id = "{id}", contract = "{morpho}" }}]

[[live.protocols]]
protocol = "erc4626"
chain = {CHAIN_ID}
markets = [{{ vault = "{inner}", contract = "{erc4626}" }}]

[live.prices]
chain = {CHAIN_ID}
feeds = [{{ asset = "{asset}", feed = "{feed}", decimals = 8, heartbeat_seconds = 86400 }}]
"#,
            node = place.node,
            socket = place.socket,
            vault = self.vault.address,
            state = place.folder.join("state").display(),
            history = place.folder.join("history").display(),
            port = place.port,
            pool = deployment.aave.pool,
            asset = usdc.token,
            aave = contract(VaultMarket::Aave),
            blue = deployment.morpho.blue,
            id = deployment.morpho.markets[0].id,
            morpho = contract(VaultMarket::Morpho(0)),
            inner = deployment.vault,
            erc4626 = contract(VaultMarket::Erc4626),
            feed = usdc.feed,
        )
    }

    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.arg("--config").arg(self.config()).args(words).env("TEST_ENGINE_KEY", &self.key);
        command
    }

    pub(super) fn init(&self) {
        let done = self.command(&["init"]).output().unwrap();
        assert_eq!(code(&done), 0, "{}", said(&done));
        assert!(said(&done).contains("is the allocator of vault"), "{}", said(&done));
    }

    pub(super) fn run(&self, words: &[&str]) -> Running {
        let mut command = self.command(&[&["run", "--log-format", "json"], words].concat());
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let child = command.stderr(log).stdout(Stdio::null()).spawn().unwrap();
        Running { child, port: self.port, log: self.folder.path().join("log") }
    }

    /// Lets blocks come, each once the engine has dealt with the one before, until `is_done`.
    async fn until(&mut self, running: &mut Running, is_done: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..40 {
            let head = self.chain.head().await.unwrap().number;
            let status = running.at(head).await;
            if is_done(&status) {
                return status;
            }
            self.driver.step(&self.chain).await.unwrap();
        }
        panic!("not within forty blocks: {}", running.said());
    }

    /// Positions of the vault, whole units of its asset.
    async fn held(&self, running: &Running) -> f64 {
        let positions = running.json("/v1/positions").await;
        let positions = positions["positions"].as_array().unwrap();
        positions
            .iter()
            .map(|each| each["worth"]["value"].as_str().unwrap().parse::<f64>().unwrap())
            .sum()
    }
}

/// A process that runs.
pub(super) struct Running {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub(super) fn said(&self) -> String {
        let mut text = String::new();
        let _ = std::fs::File::open(&self.log).and_then(|mut file| file.read_to_string(&mut text));
        text
    }

    pub(super) async fn asked(&self, path: &str) -> Option<(u16, String)> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let answer = reqwest::get(url).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    pub(super) async fn json(&self, path: &str) -> Value {
        let (status, text) = self.asked(path).await.expect("the service answers");
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until the engine has dealt with block `number`, and returns how it is.
    pub(super) async fn at(&mut self, number: u64) -> Value {
        for _ in 0..POLLS {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the process ended with {status}: {}", self.said());
            }
            if let Some((200, text)) = self.asked("/v1/status").await {
                let status: Value = serde_json::from_str(&text).unwrap();
                if status["head"]["number"].as_u64().is_some_and(|head| head >= number) {
                    return status;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("block {number} was not dealt with: {}", self.said());
    }

    /// Ends it as a power cut would.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(super) fn stop(mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_lends_survives_a_kill_leaves_on_order_and_can_be_decided_again() {
    let mut stage = Stage::set().await;
    stage.init();
    let mut running = stage.run(&["--live"]);
    let head = stage.chain.head().await.unwrap().number;
    running.at(head).await;
    let (ready, text) = running.asked("/readyz").await.unwrap();
    assert_eq!(ready, 200, "{text}");
    // The first plan is on its way: the block that holds it comes after the process is killed.
    running.kill();
    stage.driver.step(&stage.chain).await.unwrap();
    let mut running = stage.run(&["--live"]);
    stage.until(&mut running, |status| status["head"].is_object()).await;
    for _ in 0..4 {
        stage.driver.step(&stage.chain).await.unwrap();
        let head = stage.chain.head().await.unwrap().number;
        running.at(head).await;
    }
    let held = stage.held(&running).await;
    assert!(held > 50_000.0, "most of 100,000 USDC is lent: {held}; {}", running.said());
    let decisions = running.json("/v1/decisions").await;
    assert!(!decisions["decisions"].as_array().unwrap().is_empty());
    let (_, metrics) = running.asked("/metrics").await.unwrap();
    assert!(metrics.contains("plimsoll_"), "{metrics}");

    let ordered = stage.command(&["derisk", "--wait-seconds", "0"]).output().unwrap();
    assert_eq!(code(&ordered), 0, "{}", said(&ordered));
    for _ in 0..8 {
        stage.driver.step(&stage.chain).await.unwrap();
        let head = stage.chain.head().await.unwrap().number;
        running.at(head).await;
    }
    let status = running.json("/v1/status").await;
    assert_eq!(status["breaker"], "derisk_only", "{status}");
    let left = stage.held(&running).await;
    assert!(left < held / 100.0, "it has left: {left} of {held}; {}", running.said());
    check_secrets(&stage, &running).await;
    assert_eq!(running.stop(), 0, "it stops in good order");

    let state = stage.state();
    let verified = document(&plimsoll(&["journal", "verify", "--folder", &state, "--json"]));
    let plans = verified["plans"].as_array().unwrap();
    let done = |plan: &&Value| plan["state"]["closed"] == "done";
    assert!(plans.iter().filter(done).count() >= 2, "an entry and an exit: {plans:?}");
    let replayed = document(&plimsoll(&["journal", "replay", "--folder", &state, "--json"]));
    assert_eq!(replayed["starts"], 2);
    assert!(replayed["plans"].as_u64().unwrap() >= 1);
    let kept = std::fs::read_dir(stage.folder.path().join("history")).unwrap().count();
    assert!(kept >= 2, "what was seen is kept as Parquet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_someone_else_uses_signs_nothing_more() {
    let mut stage = Stage::set().await;
    stage.init();
    let mut running = stage.run(&["--live"]);
    let head = stage.chain.head().await.unwrap().number;
    running.at(head).await;
    // Until the first plan is over.
    for _ in 0..3 {
        stage.driver.step(&stage.chain).await.unwrap();
        let head = stage.chain.head().await.unwrap().number;
        running.at(head).await;
    }
    let engine = stage.vault.roles.allocator;
    let pay = alloy::sol_types::SolValue::abi_encode(&());
    let call = plimsoll_localchain::Call {
        to: Some(Address::repeat_byte(0x42)),
        data: pay.into(),
        ..plimsoll_localchain::Call::create(engine, alloy::primitives::Bytes::new())
    };
    stage.chain.send(&call.with_gas(30_000)).await.unwrap();
    for _ in 0..3 {
        stage.driver.step(&stage.chain).await.unwrap();
        let head = stage.chain.head().await.unwrap().number;
        running.at(head).await;
    }
    let status = running.json("/v1/status").await;
    let is_stopped = status["breaker"] == "halt" || running.said().contains("needs a person");
    assert!(is_stopped, "{status} {}", running.said());
}

/// Neither the key, nor its hexadecimal or base64 forms, is in anything that the process says.
async fn check_secrets(stage: &Stage, running: &Running) {
    let bytes = alloy::hex::decode(&stage.key).unwrap();
    let forms = [stage.key.clone(), stage.key.to_uppercase(), base64(&bytes)];
    let mut texts = vec![running.said()];
    for path in [
        "/metrics",
        "/v1/status",
        "/v1/vault",
        "/v1/positions",
        "/v1/markets",
        "/v1/decisions",
        "/readyz",
    ] {
        texts.push(running.asked(path).await.unwrap().1);
    }
    let journal = plimsoll(&["journal", "export", "--folder", &stage.state()]);
    texts.push(String::from_utf8(journal.stdout).unwrap());
    assert!(texts.iter().all(|text| text.len() > 10), "there is something to search");
    for form in &forms {
        assert!(
            texts.iter().all(|text| !text.contains(form.as_str())),
            "a form of the key is shown"
        );
    }
}

/// The standard alphabet, padded.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|chunk| {
        let mut group = [0u8; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        let figure = |place: u32| char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]);
        let figures: String = (0..4).map(figure).collect();
        let kept = chunk.len() + 1;
        format!("{}{}", &figures[..kept], "=".repeat(4 - kept))
    });
    groups.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_only_watches_sends_nothing() {
    let mut stage = Stage::set().await;
    stage.init();
    let mut running = stage.run(&[]);
    for _ in 0..3 {
        let head = stage.chain.head().await.unwrap().number;
        let status = running.at(head).await;
        assert_eq!(status["mode"], "shadow");
        stage.driver.step(&stage.chain).await.unwrap();
    }
    assert!(stage.held(&running).await < 0.01, "nothing was lent");
    let decisions = running.json("/v1/decisions").await;
    let decisions = decisions["decisions"].as_array().unwrap();
    assert!(decisions.iter().any(|each| each["verdict"] == "moved"), "it says what it would do");
    assert_eq!(running.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_another_role_or_none_is_refused_before_anything_is_written() {
    for (account, words) in
        [(3, "is not the allocator of vault"), (7, "is not the allocator of vault")]
    {
        let stage = Stage::with_engine(account).await;
        let refused = stage.command(&["init"]).output().unwrap();
        assert_eq!(code(&refused), 4, "{}", said(&refused));
        assert!(said(&refused).contains(words), "{}", said(&refused));
        assert!(!std::path::Path::new(&stage.state()).exists(), "nothing is left behind");
    }
}

#[test]
fn settings_to_begin_with_are_written_once_and_read_back() {
    let (folder, _) = folder();
    let file = folder.path().join("new.toml").display().to_string();
    let written = plimsoll(&["--config", &file, "init"]);
    assert_eq!(code(&written), 0, "{}", said(&written));
    assert!(std::fs::read_to_string(&file).unwrap().contains("[live.signer]"));
    // They are whole: what is missing is the environment that they name.
    let checked = plimsoll(&["--config", &file, "init"]);
    assert_ne!(code(&checked), 0);
    assert!(
        said(&checked).contains("PLIMSOLL_NODE_1 is not set")
            || said(&checked).contains("/run/secrets"),
        "{}",
        said(&checked)
    );
    let missing = plimsoll(&["run"]);
    assert_eq!(code(&missing), 4);
    assert!(said(&missing).contains("there is no section [live]"), "{}", said(&missing));
}

/// The address of nobody, for a look at what a wrong one says.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_no_vault_is_refused() {
    let stage = Stage::set().await;
    let text = std::fs::read_to_string(stage.config()).unwrap();
    let wrong = Address::repeat_byte(0x11).to_string();
    std::fs::write(stage.config(), text.replace(&stage.vault.address.to_string(), &wrong)).unwrap();
    let refused = stage.command(&["init"]).output().unwrap();
    assert_eq!(code(&refused), 4, "{}", said(&refused));
    assert!(said(&refused).contains("does not answer"), "{}", said(&refused));
}
