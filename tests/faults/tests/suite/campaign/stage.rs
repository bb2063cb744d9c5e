//! What every trial begins with.

use crate::support::artifacts;
use plimsoll_faults::runner::TrialSettings;
use plimsoll_faults::{Finding, Guard, Runner, Stage};
use plimsoll_localchain::Snapshot;
use std::path::PathBuf;

/// A stage that goes back to its beginning after each trial.
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

/// The small engine, beside the tests.
pub(crate) fn engine() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap().parent().unwrap();
    let engine = folder.join("examples").join("engine");
    assert!(
        engine.is_file(),
        "{} is missing: build the examples of plimsoll-faults",
        engine.display()
    );
    engine
}

/// Sees a trial through: every move done once, and nothing found.
pub(crate) async fn sees_through(runner: &mut Runner<'_>, what: &str) -> u64 {
    let blocks = runner.until_done(80).await.unwrap();
    let found = runner.judged(true).await.unwrap();
    assert_eq!(found, Vec::<Finding>::new(), "{what}");
    let blocks = blocks.unwrap_or_else(|| panic!("{what}: not done after eighty blocks"));
    let effects = runner.evidence().await.unwrap().effects();
    assert_eq!(effects.len(), runner.settings.moves.len(), "{what}: each move once");
    blocks
}
