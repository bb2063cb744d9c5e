//! A chain with a history, settings that name its markets, and the process on it.

use crate::support::{code, document, said};
use plimsoll_localchain::{
    Artifacts, Asset, CHAIN_ID, ChainSettings, Deployment, Driver, LocalChain, MarketSettings,
    deploy,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A chain whose blocks `first` to `last` were driven.
pub(super) struct Stage {
    pub(super) chain: LocalChain,
    pub(super) driver: Driver,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) kept: tempfile::TempDir,
    deployment: Deployment,
}

impl Stage {
    pub(super) async fn set(block_seconds: u64, blocks: u64) -> Stage {
        let artifacts = Artifacts::find().expect("`make contracts` prepares them");
        let settings = ChainSettings { block_seconds, ..ChainSettings::default() };
        let mut chain = LocalChain::start(&artifacts, settings).await.unwrap();
        let deployment = deploy(&chain, &artifacts).await.unwrap();
        let people = MarketSettings { seed: 5, ..MarketSettings::default() };
        let driver = Driver::start(&mut chain, deployment.clone(), people).await.unwrap();
        let head = chain.head().await.unwrap().number;
        let kept = tempfile::tempdir().unwrap();
        let (first, last) = (head + 1, head + blocks);
        let mut stage = Stage { chain, driver, first, last, kept, deployment };
        stage.drive(blocks).await;
        std::fs::write(stage.config(), stage.settings()).unwrap();
        stage
    }

    pub(super) async fn drive(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.driver.step(&self.chain).await.unwrap();
        }
    }

    pub(super) fn config(&self) -> PathBuf {
        self.kept.path().join("plimsoll.toml")
    }

    /// A folder of the test.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.kept.path().join(name)
    }

    /// The markets and prices, as a person would write them.
    pub(super) fn settings(&self) -> String {
        let deployment = &self.deployment;
        let (usdc, weth) =
            (deployment.token(Asset::Usdc).unwrap(), deployment.token(Asset::Weth).unwrap());
        let ids: Vec<String> = deployment
            .morpho
            .markets
            .iter()
            .map(|market| format!("{{ id = \"{}\" }}", market.id))
            .collect();
        format!(
            r#"
[[ingest.protocols]]
protocol = "aave_v3"
chain = {CHAIN_ID}
pool = "{pool}"
markets = [{{ asset = "{usdc}" }}, {{ asset = "{weth}" }}]

[[ingest.protocols]]
protocol = "morpho_blue"
chain = {CHAIN_ID}
morpho = "{blue}"
markets = [{ids}]

[[ingest.protocols]]
protocol = "erc4626"
chain = {CHAIN_ID}
markets = [{{ vault = "{vault}", window_blocks = 1 }}]

[ingest.prices]
chain = {CHAIN_ID}
feeds = [
    {{ asset = "{usdc}", feed = "{usdc_feed}", heartbeat_seconds = 864000 }},
    {{ asset = "{weth}", feed = "{weth_feed}", heartbeat_seconds = 864000 }},
]
"#,
            pool = deployment.aave.pool,
            usdc = usdc.token,
            weth = weth.token,
            blue = deployment.morpho.blue,
            ids = ids.join(", "),
            vault = deployment.vault,
            usdc_feed = usdc.feed,
            weth_feed = weth.feed,
        )
    }

    /// The process on the blocks up to `to`, into `folder`, by `nodes`.
    pub(super) fn command(&self, folder: &Path, to: u64, nodes: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLIMSOLL")) {
            command.env_remove(key);
        }
        command.arg("--config").arg(self.config()).arg("ingest").arg("--json");
        for node in nodes {
            command.args(["--rpc", node]);
        }
        command.args(["--from-block", &self.first.to_string(), "--to-block", &to.to_string()]);
        command.args(["--first-wait-ms", "5", "--timeout-ms", "20000", "--chunk-blocks", "16"]);
        command.arg("--out").arg(folder);
        command
    }

    /// Everything into `folder`, by `nodes`.
    pub(super) fn ingest(&self, folder: &Path, nodes: &[&str]) -> Output {
        self.command(folder, self.last, nodes).output().unwrap()
    }

    /// Everything into `folder` by the chain's own node; what it printed.
    pub(super) fn plain(&self, folder: &Path) -> Value {
        document(&self.ingest(folder, &[&self.chain.http_url()]))
    }
}

/// The files of a folder, but for the lock.
pub(super) fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let each = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    each.map(|path| (name(&path), std::fs::read(&path).unwrap()))
        .filter(|(name, _)| name != "ingest.lock")
        .collect()
}

/// Fails with the names of files that are not the same.
pub(super) fn assert_same(left: &Path, right: &Path, what: &str) {
    let (left, right) = (bytes(left), bytes(right));
    assert!(!left.is_empty(), "{what}: nothing was written");
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&left), names(&right), "{what}");
    let differ: Vec<&String> = left.keys().filter(|name| left[*name] != right[*name]).collect();
    assert!(differ.is_empty(), "{what}: these differ: {differ:?}");
}

/// What a run that failed said, with the code that it has to end with.
pub(super) fn refused(output: &Output, expected: i32) -> String {
    assert_eq!(code(output), expected, "{}", said(output));
    said(output)
}
