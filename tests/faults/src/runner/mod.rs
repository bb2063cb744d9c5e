//! Drives an engine process through faults, block by block, and judges what came of it.
//!
//! The chain is made to move by the runner alone: a block is mined once the engine has looked at the last one, so a
//! trial takes as long as the engine needs and no longer. The engine is killed at named places, or at instants, and
//! started again with nothing but its journal.

mod points;
mod process;

pub use points::{KillPoint, recorded};
pub use process::{End, Heard, Launch, Process};

use crate::clock::Stopwatch;
use crate::engine::{EngineSettings, Progress, Said};
use crate::oracle::{Evidence, Finding, Remembered, findings};
use crate::policy::{Sent, landed};
use crate::proxy::{FaultProxy, ProxyError};
use crate::stage::Stage;
use alloy::primitives::{Bytes, U256};
use alloy::transports::TransportError;
use plimsoll_execute::journal::JournalError;
use plimsoll_localchain::LocalChainError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// How long an engine may say nothing before the trial fails: far beyond what a slow machine needs.
const SILENCE: Duration = Duration::from_secs(30);
/// Looks after which one has begun for sure since the last block: one may be on its way, one in the pipe.
const LOOKS: usize = 3;
const GWEI: u128 = 1_000_000_000;

/// Why a trial could not be held; what it finds is not among this.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] LocalChainError),
    /// The node, asked for evidence.
    #[error("the node gives no evidence: {0}")]
    Evidence(#[from] TransportError),
    /// A proxy.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The process, or a file.
    #[error("{0}")]
    System(#[from] std::io::Error),
    /// The settings.
    #[error("the settings cannot be written: {0}")]
    Settings(#[from] serde_json::Error),
    /// The journal cannot be read while it is written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The engine says nothing.
    #[error("the engine said nothing for {} s; its log: {log}", SILENCE.as_secs())]
    Silent {
        /// The end of its log.
        log: String,
    },
    /// The engine is asked for something and does not run.
    #[error("the engine does not run")]
    NotRunning,
    /// The engine ended by itself where it was to go on.
    #[error("the engine ended: {end:?}; {log}")]
    Ended {
        /// How.
        end: End,
        /// What it said.
        log: String,
    },
}

/// What an engine made of the newest block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It knows it, and came so far.
    At(u64, Progress),
    /// It knows another one: its nodes show an older head, or another.
    Elsewhere(u64, Progress),
    /// It could do nothing with it.
    Failed(String),
    /// It ended.
    Ended(End),
}

/// What a trial is made with.
#[derive(Debug, Clone)]
pub struct TrialSettings {
    /// Nodes that the engine asks, each behind a proxy of its own.
    pub nodes: usize,
    /// How many of them have to agree.
    pub quorum: usize,
    /// The seed of the first proxy; the others follow.
    pub seed: u64,
    /// Moves, in this order: place of the market, whether it is an entry, raw units.
    pub moves: Vec<(usize, bool, u64)>,
}

impl Default for TrialSettings {
    fn default() -> TrialSettings {
        let million = crate::stage::MILLION;
        let moves =
            vec![(0, true, million / 10), (1, true, million / 20), (0, false, million / 50)];
        TrialSettings { nodes: 1, quorum: 1, seed: 1, moves }
    }
}

/// One engine on one stage, with proxies between.
#[derive(Debug)]
pub struct Runner<'a> {
    stage: &'a Stage,
    /// The proxies, one for each node.
    pub proxies: Vec<FaultProxy>,
    /// What the engine is told; changes count from its next start.
    pub settings: EngineSettings,
    program: PathBuf,
    folder: TempDir,
    process: Option<Process>,
    last_words: String,
    remembered: Remembered,
    first: u64,
    /// How often the engine was started.
    pub starts: u64,
    /// Variables of the engine's environment at every start.
    pub environment: Vec<(String, String)>,
    /// The largest file that it may write, in kibibytes.
    pub disk_kib: Option<u64>,
}

impl<'a> Runner<'a> {
    /// Returns a runner of `program` on `stage`; nothing runs yet.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn new(
        stage: &'a Stage,
        program: &Path,
        trial: &TrialSettings,
    ) -> Result<Runner<'a>, RunnerError> {
        let chain = &stage.chain;
        let mut proxies = Vec::new();
        for seed in (trial.seed..).take(trial.nodes) {
            proxies.push(FaultProxy::start(&chain.http_url(), &chain.ws_url(), seed).await?);
        }
        let folder = TempDir::new()?;
        let settings = settings(stage, trial, &proxies, folder.path());
        let first = chain.head().await?.number.saturating_add(1);
        Ok(Runner {
            stage,
            proxies,
            settings,
            program: program.to_owned(),
            folder,
            process: None,
            last_words: String::new(),
            remembered: Remembered::default(),
            first,
            starts: 0,
            environment: Vec::new(),
            disk_kib: None,
        })
    }

    /// The folder with everything of the trial.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the journal.
    #[must_use]
    pub fn journal(&self) -> &Path {
        &self.settings.folder
    }

    /// Starts the engine, with more of an environment than usual.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub fn start(&mut self, more: &[(&str, &str)]) -> Result<(), RunnerError> {
        self.starts += 1;
        self.process = Some(Process::start(&self.launch(more)?)?);
        Ok(())
    }

    /// What starts the engine, written down where it reads it.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub fn launch(&self, more: &[(&str, &str)]) -> Result<Launch, RunnerError> {
        let path = self.folder().join("engine.json");
        std::fs::write(&path, serde_json::to_vec_pretty(&self.settings)?)?;
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ok(Launch {
            program: self.program.clone(),
            arguments: vec![path.display().to_string()],
            environment: self.environment.iter().cloned().chain(more).collect(),
            log: self.folder().join("engine.log"),
            disk_kib: self.disk_kib,
        })
    }

    /// Waits until the engine has looked at the newest block, or ended.
    ///
    /// # Errors
    /// [`RunnerError::Silent`] where it does neither.
    pub async fn looked(&mut self) -> Result<Looked, RunnerError> {
        let head = self.stage.chain.head().await?;
        let mut last = None;
        for _ in 0..LOOKS {
            match self.hear(SILENCE).await? {
                Heard::Said(Said::Polled { hash, head: height, progress, .. }) => {
                    if hash == head.hash {
                        return Ok(Looked::At(height, progress));
                    }
                    last = Some(Looked::Elsewhere(height, progress));
                }
                Heard::Said(Said::Failed { detail, .. }) => last = Some(Looked::Failed(detail)),
                Heard::Ended(end) => return Ok(Looked::Ended(end)),
                Heard::Said(Said::Ready | Said::Stops { .. }) => {}
                Heard::Nothing => return Err(RunnerError::Silent { log: self.log() }),
            }
        }
        match last {
            Some(looked) => Ok(looked),
            // It said only that it is ready, or that it stops.
            None => Box::pin(self.looked()).await,
        }
    }

    /// Mines a block and does not wait for the engine.
    ///
    /// # Errors
    /// [`RunnerError::Chain`].
    pub async fn mine(&self) -> Result<(), RunnerError> {
        self.stage.chain.mine().await?;
        Ok(())
    }

    /// The stage.
    #[must_use]
    pub fn stage(&self) -> &'a Stage {
        self.stage
    }

    /// Mines a block and waits until the engine has looked at it, or ended.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn block(&mut self) -> Result<Looked, RunnerError> {
        self.stage.chain.mine().await?;
        self.looked().await
    }

    /// Waits for the next thing that the engine says, and remembers what its journal holds by then.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn hear(&mut self, within: Duration) -> Result<Heard, RunnerError> {
        let process = self.process.as_mut().ok_or(RunnerError::NotRunning)?;
        let heard = process.hear(within).await?;
        if let Heard::Said(Said::Stops { detail } | Said::Failed { detail, .. }) = &heard {
            self.last_words.clone_from(detail);
        }
        if matches!(heard, Heard::Ended(_)) {
            self.process = None;
        }
        Ok(heard)
    }

    /// Remembers every line that is in the journal now: none of them may ever be lost.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub fn remember(&mut self) -> Result<(), RunnerError> {
        Ok(self.remembered.look(&self.settings.folder)?)
    }

    /// Kills the engine as `kill -9` does.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub fn kill(&mut self) -> Result<End, RunnerError> {
        let mut process = self.process.take().ok_or(RunnerError::NotRunning)?;
        Ok(process.kill()?)
    }

    /// Has the engine stop in good order.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub fn stop(&mut self) -> Result<End, RunnerError> {
        let mut process = self.process.take().ok_or(RunnerError::NotRunning)?;
        Ok(process.stop()?)
    }

    /// Lets blocks come until every move is done, at most so many; starts the engine again whenever it was killed.
    /// Returns how many blocks that took; `None` where it was not enough.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn until_done(&mut self, blocks: u64) -> Result<Option<u64>, RunnerError> {
        for block in 1..=blocks {
            let looked = self.block().await?;
            self.remember()?;
            match looked {
                Looked::At(_, Progress::AllDone) => return Ok(Some(block)),
                Looked::Ended(End::KILLED) => self.start(&[])?,
                Looked::Ended(end) => return Err(RunnerError::Ended { end, log: self.log() }),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Lifts every fault and returns how long it takes until the engine has looked at the newest block; starts it
    /// where it does not run.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn heal(&mut self) -> Result<(Duration, Looked), RunnerError> {
        for proxy in &self.proxies {
            proxy.control().heal();
        }
        let since = Stopwatch::start();
        if self.process.is_none() {
            self.start(&[])?;
        }
        let head = self.stage.chain.head().await?;
        loop {
            match self.hear(SILENCE).await? {
                Heard::Said(Said::Polled { hash, head: height, progress, .. })
                    if hash == head.hash =>
                {
                    return Ok((since.elapsed(), Looked::At(height, progress)));
                }
                Heard::Said(_) => {}
                Heard::Ended(end) => return Ok((since.elapsed(), Looked::Ended(end))),
                Heard::Nothing => return Err(RunnerError::Silent { log: self.log() }),
            }
            if since.elapsed() > SILENCE {
                return Err(RunnerError::Silent { log: self.log() });
            }
        }
    }

    /// Everything that can be known from outside.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn evidence(&self) -> Result<Evidence, RunnerError> {
        let limits = self.settings.limits(self.stage.engine);
        let head = self.stage.chain.head().await?.number;
        let landed = landed(self.stage.chain.provider(), &limits, self.first..=head).await?;
        Ok(Evidence::of(&self.settings.folder, landed, self.sent()))
    }

    /// The bytes that nodes were sent, in the order in which they were.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.raw().iter().filter_map(|raw| Sent::read(raw)).collect()
    }

    /// The same as they are.
    #[must_use]
    pub fn raw(&self) -> Vec<Bytes> {
        let logs = self.proxies.iter().flat_map(|proxy| proxy.control().log());
        let sent = logs.filter(|event| event.is_forwarded).filter_map(|event| event.params);
        sent.filter_map(|params| serde_json::from_value(params.get(0)?.clone()).ok()).collect()
    }

    /// Returns everything that must not be. `is_healed` says that every plan has to be over.
    ///
    /// # Errors
    /// [`RunnerError`].
    pub async fn judged(&self, is_healed: bool) -> Result<Vec<Finding>, RunnerError> {
        let limits = self.settings.limits(self.stage.engine);
        let mut found = findings(&limits, &self.evidence().await?, is_healed);
        found.extend(self.remembered.lost(&self.settings.folder)?);
        Ok(found)
    }

    /// What the engine last said of a failure, and the end of what it wrote to its standard error.
    #[must_use]
    pub fn log(&self) -> String {
        let text = self.whole_log();
        let tail: Vec<&str> = text.lines().rev().take(10).collect();
        let tail = tail.into_iter().rev();
        std::iter::once(self.last_words.as_str()).chain(tail).collect::<Vec<_>>().join("\n")
    }

    /// Everything that the engine said on its way.
    #[must_use]
    pub fn whole_log(&self) -> String {
        std::fs::read_to_string(self.folder().join("engine.log")).unwrap_or_default()
    }
}

fn settings(
    stage: &Stage,
    trial: &TrialSettings,
    proxies: &[FaultProxy],
    folder: &Path,
) -> EngineSettings {
    let market = |place: usize| stage.markets.get(place).copied().unwrap_or_default();
    let moves = trial.moves.iter().map(|(place, is_entry, assets)| crate::engine::Move {
        market: market(*place),
        is_entry: *is_entry,
        assets: *assets,
    });
    let million = U256::from(crate::stage::MILLION);
    EngineSettings {
        nodes: proxies.iter().map(FaultProxy::http_url).collect(),
        quorum: trial.quorum,
        websocket: None,
        timeout_ms: 2_000,
        poll_ms: 2,
        chain: plimsoll_localchain::CHAIN_ID,
        vault: stage.vault,
        key: stage.key.clone(),
        folder: folder.join("state"),
        caps: stage.markets.iter().map(|market| (*market, million)).collect::<BTreeMap<_, _>>(),
        per_market_bps: 9_000,
        entries_per_plan_bps: 5_000,
        entries_per_day_bps: 9_000,
        gas_per_day: U256::MAX,
        exit_gas_per_day: U256::MAX,
        max_fee: 100 * GWEI,
        tip: GWEI,
        confirmations: 3,
        resend_after: 2,
        bump_after: 4,
        unknown_for: 10,
        valid_for: 600,
        label: "plan".to_owned(),
        moves: moves.collect(),
    }
}
