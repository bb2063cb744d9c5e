//! How the engine itself is: heads, nodes, journal, breaker, and whether it is ready.

use super::decimal::Moment;
use plimsoll_core::Time;
use plimsoll_core::execution::Breaker;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Whether the engine sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It decides and writes down, and sends nothing.
    Shadow,
    /// It sends.
    Live,
}

impl Mode {
    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Shadow => "shadow",
            Mode::Live => "live",
        }
    }
}

/// How much may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerView {
    /// Everything that the policy allows.
    Normal,
    /// Exits toward idle, and nothing else.
    DeriskOnly,
    /// Nothing.
    Halt,
}

impl BreakerView {
    /// Its level in metrics: 0, 1, 2.
    #[must_use]
    pub fn level(self) -> u8 {
        match self {
            BreakerView::Normal => 0,
            BreakerView::DeriskOnly => 1,
            BreakerView::Halt => 2,
        }
    }
}

impl From<Breaker> for BreakerView {
    fn from(breaker: Breaker) -> BreakerView {
        match breaker {
            Breaker::Normal => BreakerView::Normal,
            Breaker::DeriskOnly => BreakerView::DeriskOnly,
            Breaker::Halt => BreakerView::Halt,
        }
    }
}

/// What a check said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// It passed.
    Passed,
    /// It did not run yet.
    Pending,
    /// It failed.
    Failed {
        /// What was found, and how to mend it.
        reason: String,
    },
}

impl Check {
    /// Returns the failed check.
    #[must_use]
    pub fn failed(reason: impl Into<String>) -> Check {
        Check::Failed { reason: reason.into() }
    }

    /// The reason of a failed check.
    pub(crate) fn reason_mut(&mut self) -> Option<&mut String> {
        match self {
            Check::Failed { reason } => Some(reason),
            Check::Passed | Check::Pending => None,
        }
    }

    fn complaint(&self) -> Option<String> {
        match self {
            Check::Passed => None,
            Check::Pending => Some("not checked yet".to_owned()),
            Check::Failed { reason } => Some(reason.clone()),
        }
    }
}

/// A block that the engine knows as the newest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeadView {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: String,
    /// Its time.
    pub time: Moment,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeView {
    /// Host and port; the rest of its address may hold a key.
    pub name: String,
    /// The newest block that it knows; null where it does not say.
    #[schema(required = true)]
    pub head: Option<u64>,
    /// Whether it answers as it should.
    pub check: Check,
}

/// The journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalView {
    /// How many lines it has.
    pub lines: u64,
    /// Whether it can be written to.
    pub check: Check,
}

/// How the engine is, as its driver sees it. Published at least with every head.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// Whether it sends.
    pub mode: Mode,
    /// The breaker.
    pub breaker: BreakerView,
    /// Why the breaker stands where it does, where it tripped.
    pub breaker_reason: Option<String>,
    /// The newest block that enough nodes agree on.
    pub head: Option<HeadView>,
    /// How long ago that block arrived here, by the driver's clock.
    pub since_head: Option<Duration>,
    /// After how long without a new head the engine is not ready and its figures are unknown.
    pub head_limit: Duration,
    /// The nodes.
    pub nodes: Vec<NodeView>,
    /// Whether enough nodes agree.
    pub quorum: Check,
    /// The journal.
    pub journal: JournalView,
    /// Chain, code of the contracts, roles of the key, open plans.
    pub start_up: Check,
}

impl Health {
    /// Returns the health of an engine that has just started: nothing is known, so it is not ready.
    #[must_use]
    pub fn starting(mode: Mode, head_limit: Duration) -> Health {
        Health {
            mode,
            breaker: BreakerView::Normal,
            breaker_reason: None,
            head: None,
            since_head: None,
            head_limit,
            nodes: Vec::new(),
            quorum: Check::Pending,
            journal: JournalView { lines: 0, check: Check::Pending },
            start_up: Check::Pending,
        }
    }

    /// Returns a head of `number`, `hash` and `time` as it is shown.
    #[must_use]
    pub fn head_of(number: u64, hash: &str, time: Time) -> HeadView {
        HeadView { number, hash: hash.to_owned(), time: time.into() }
    }

    /// Returns why figures are too old to be shown, `elapsed` after this was published.
    pub(crate) fn staleness(&self, elapsed: Duration) -> Option<String> {
        let limit = self.head_limit.as_secs_f64();
        let Some(since) = self.since_head.filter(|_| self.head.is_some()) else {
            return Some("no block has arrived since the start".to_owned());
        };
        let age = since.saturating_add(elapsed);
        (age > self.head_limit).then(|| {
            format!(
                "the newest block arrived {:.0} s ago, the limit is {limit} s",
                age.as_secs_f64()
            )
        })
    }

    /// Returns whether the engine is ready, `elapsed` after this was published.
    pub(crate) fn readiness(&self, elapsed: Duration) -> Readiness {
        let complaints = [
            ("heads", self.staleness(elapsed)),
            ("quorum", self.quorum.complaint()),
            ("journal", self.journal.check.complaint()),
            ("start_up", self.start_up.complaint()),
        ];
        let reasons: Vec<Unready> = complaints
            .into_iter()
            .filter_map(|(check, reason)| {
                Some(Unready { check: check.to_owned(), reason: reason? })
            })
            .collect();
        Readiness { ready: reasons.is_empty(), reasons }
    }
}

/// One reason against being ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unready {
    /// What does not hold: `engine`, `heads`, `quorum`, `journal`, `start_up` or `stopping`.
    pub check: String,
    /// What was found.
    pub reason: String,
}

/// Whether the engine is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Readiness {
    /// Whether everything holds.
    pub ready: bool,
    /// What does not hold.
    pub reasons: Vec<Unready>,
}

impl Readiness {
    /// Returns "not ready" for one reason.
    pub(crate) fn no(check: &str, reason: &str) -> Readiness {
        let reason = Unready { check: check.to_owned(), reason: reason.to_owned() };
        Readiness { ready: false, reasons: vec![reason] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Health {
        Health {
            head: Some(Health::head_of(9, "0x09", Time(1_000))),
            since_head: Some(Duration::from_secs(3)),
            quorum: Check::Passed,
            journal: JournalView { lines: 12, check: Check::Passed },
            start_up: Check::Passed,
            ..Health::starting(Mode::Shadow, Duration::from_secs(36))
        }
    }

    #[test]
    fn an_engine_is_ready_only_when_everything_holds() {
        assert!(well().readiness(Duration::ZERO).ready);
        let checks = |health: &Health, elapsed| -> Vec<String> {
            health.readiness(elapsed).reasons.into_iter().map(|why| why.check).collect()
        };
        let starting = Health::starting(Mode::Live, Duration::from_secs(36));
        assert_eq!(checks(&starting, Duration::ZERO), ["heads", "quorum", "journal", "start_up"]);
        let quarrel = Health { quorum: Check::failed("1 of 3 agree"), ..well() };
        assert_eq!(checks(&quarrel, Duration::ZERO), ["quorum"]);
        assert_eq!(quarrel.readiness(Duration::ZERO).reasons[0].reason, "1 of 3 agree");
    }

    #[test]
    fn a_driver_that_falls_silent_grows_stale_by_itself() {
        assert!(well().readiness(Duration::from_secs(33)).ready, "3 + 33 is the limit");
        let late = well().readiness(Duration::from_secs(40));
        assert_eq!(late.reasons.len(), 1);
        assert_eq!(late.reasons[0].reason, "the newest block arrived 43 s ago, the limit is 36 s");
    }
}
