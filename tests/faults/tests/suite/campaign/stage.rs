//! What every trial begins with, and how it is judged.

use crate::support::artifacts;
use plimsoll_execute::journal::Reader;
use plimsoll_faults::runner::{End, Looked, TrialSettings};
use plimsoll_faults::{Finding, Guard, Runner, Stage};
use plimsoll_localchain::Snapshot;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Once a fault is healed the engine is ready within this.
pub(crate) const READY: Duration = Duration::from_secs(2);
/// Blocks within which everything is over once nothing goes wrong any more.
pub(crate) const BLOCKS: u64 = 80;

/// A stage that goes back to its beginning before each trial.
pub(crate) struct Theatre {
    pub(crate) stage: Stage,
    start: Option<Snapshot>,
}

impl Theatre {
    pub(crate) async fn open(guard: Guard) -> Option<Theatre> {
        let stage = Stage::set(&artifacts()?, guard).await.unwrap();
        let start = Some(stage.chain.snapshot().await.unwrap());
        Some(Theatre { stage, start })
    }

    /// A runner at the beginning of everything.
    pub(crate) async fn trial(&mut self, settings: &TrialSettings) -> Runner<'_> {
        let chain = &self.stage.chain;
        chain.forget_all().await.unwrap();
        chain.revert(self.start.take().unwrap()).await.unwrap();
        self.start = Some(chain.snapshot().await.unwrap());
        Runner::new(&self.stage, &engine(), settings).await.unwrap()
    }
}

/// Draws of one trial.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(crate) fn among(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        self.0.random_range(range)
    }

    pub(crate) fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.0.random_range(0..all.len())].clone()
    }
}

/// The small engine, built with kill points as everything is that these tests are built with.
pub(crate) fn engine() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_faults-engine"))
}

/// Sees a trial through: every move is done, each once, and nothing is found. Returns the blocks that it took.
pub(crate) async fn sees_through(runner: &mut Runner<'_>, what: &str) -> u64 {
    let blocks = runner.until_done(BLOCKS).await.unwrap();
    let found = runner.judged(true).await.unwrap();
    assert_eq!(found, Vec::<Finding>::new(), "{what}: {}", runner.log());
    let blocks = blocks.unwrap_or_else(|| {
        let said = plans(runner.journal());
        panic!("{what}: not done after {BLOCKS} blocks: {said}; {}", runner.whole_log());
    });
    let effects = runner.evidence().await.unwrap().effects();
    assert_eq!(effects.len(), runner.settings.moves.len(), "{what}: each move once");
    blocks
}

/// What the journal in `folder` says of its plans.
fn plans(folder: &Path) -> String {
    let journal = Reader::open(folder).unwrap().verify().unwrap();
    let plans = journal.folded.intents.iter().map(|plan| {
        format!(
            "{:?}, {} reorgs, {}",
            plan.state,
            plan.reorgs,
            plan.reason.clone().unwrap_or_default()
        )
    });
    let plans: Vec<String> = plans.collect();
    format!("breaker {}; {}", journal.folded.breaker, plans.join("; "))
}

/// Heals everything; the engine is ready in time.
pub(crate) async fn heals(runner: &mut Runner<'_>, what: &str) -> Duration {
    let (took, looked) = runner.heal().await.unwrap();
    assert!(matches!(looked, Looked::At(..)), "{what}: {looked:?}: {}", runner.log());
    assert!(took <= READY, "{what}: ready after {took:?}");
    took
}

/// Lets blocks come, whatever the engine makes of them; starts it again where it was killed.
pub(crate) async fn lets(runner: &mut Runner<'_>, blocks: u64) {
    for _ in 0..blocks {
        let looked = runner.block().await.unwrap();
        runner.remember().unwrap();
        match looked {
            Looked::Ended(End::KILLED) => runner.start(&[]).unwrap(),
            Looked::Ended(end) => panic!("it ended: {end:?}: {}", runner.log()),
            _ => {}
        }
    }
}

/// Lets blocks come until the vault has carried out so many plans on the chain.
pub(crate) async fn lets_land(runner: &mut Runner<'_>, stage_plans: u64) {
    for _ in 0..BLOCKS {
        let effects = runner.evidence().await.unwrap().effects();
        if effects.len() as u64 >= stage_plans {
            return;
        }
        lets(runner, 1).await;
    }
    panic!("nothing landed in {BLOCKS} blocks: {}", runner.log());
}
