//! Says what the engine does: to the log, to the service and to the metrics.

use super::{positions, views};
use crate::clock::Watch;
use plimsoll_core::Amount;
use plimsoll_core::execution::{Intent, PlanId, Trip};
use plimsoll_dashboard::Publisher;
use plimsoll_dashboard::view::{Check, FateView, Health, JournalView, Mode, NodeView};
use plimsoll_execute::chain::{Head, NodeError, Progress};
use plimsoll_execute::live::books::Kept;
use plimsoll_execute::live::{Arrival, Engine, EngineError, Tick};
use plimsoll_execute::protocol::At;
use plimsoll_frame::Scores;
use std::sync::Arc;
use std::time::Duration;

/// After so long without a head the engine is not ready, at least.
const LEAST_HEAD_LIMIT: Duration = Duration::from_secs(60);

/// What the service is told.
#[derive(Debug)]
pub(crate) struct Show {
    publisher: Publisher,
    health: Health,
    symbol: String,
    chain: u64,
    scores: Option<Scores>,
    /// What positions brought, as far as it is known.
    kept: Arc<Kept>,
    /// The line of the newest decision with the plan that followed.
    decision: Option<(u64, Option<PlanId>)>,
    told: u64,
    attempts: usize,
    arrived: Watch,
    /// The newest block's time.
    timestamp: Option<u64>,
}

impl Show {
    /// Returns a show for an engine that is `mode`.
    pub(crate) fn new(publisher: Publisher, mode: Mode, (chain, symbol): (u64, String)) -> Show {
        let health = Health::starting(mode, LEAST_HEAD_LIMIT);
        publisher.health(health.clone());
        Show {
            publisher,
            health,
            symbol,
            chain,
            scores: None,
            kept: Arc::default(),
            decision: None,
            told: 0,
            attempts: 0,
            arrived: Watch::start(),
            timestamp: None,
        }
    }

    /// The start-up checks passed.
    pub(crate) fn started(&mut self, engine: &Engine) {
        self.health.start_up = Check::Passed;
        self.told = line(engine);
        self.journal(engine);
        self.publisher.health(self.health.clone());
    }

    /// A head arrived.
    pub(crate) fn arrived(&mut self, arrival: &Arrival, now_ms: i64) {
        self.arrived = Watch::start();
        let at = At { block: arrival.head.block, timestamp: arrival.head.timestamp };
        let age = u64::try_from(now_ms.saturating_sub(at.time().0)).unwrap_or(0);
        if let Some(before) = self.timestamp.replace(arrival.head.timestamp) {
            self.allow(arrival.head.timestamp.saturating_sub(before));
        }
        let metrics = self.publisher.metrics();
        metrics.block(Duration::from_millis(age));
        if arrival.reorged > 0 {
            metrics.reorg(arrival.reorged);
            tracing::warn!(
                depth = arrival.reorged,
                block = at.block.number,
                "blocks are gone: a reorganisation"
            );
        }
        if !arrival.missed.is_empty() {
            tracing::info!(blocks = arrival.missed.len(), "blocks passed between two heads");
        }
    }

    /// A head was dealt with.
    pub(crate) fn ticked(&mut self, engine: &Engine, tick: &Tick) {
        let took = self.arrived.elapsed();
        let publisher = self.publisher.clone();
        let metrics = publisher.metrics();
        for trip in &tick.trips {
            self.tripped(trip);
        }
        if let Some((line, ruling)) = &tick.ruling {
            metrics.head_to_decision(took);
            let id = u64::try_from(*line).unwrap_or_default();
            let strategy = engine.desk().settings().strategy.clone();
            let view = views::decision(tick, id, ruling, &strategy);
            tracing::info!(
                line,
                block = tick.head.block.number,
                moves = !ruling.decided.plan.is_empty(),
                "{}",
                ruling.decided.reason
            );
            self.publisher.scores(views::scores(tick, ruling));
            self.scores = Some(ruling.scores.clone());
            self.decision = Some((id, tick.proposed));
            self.tell(id, |publisher| publisher.decision(view));
        }
        if let Some((plan, outcome)) = &tick.closed {
            tracing::info!(%plan, outcome = ?outcome, "a plan is over");
        }
        match &tick.progress {
            Progress::Frozen(plan, reason) => {
                tracing::error!(%plan, reason, "a plan needs a person")
            }
            Progress::Denied(plan, denials) => {
                let reasons: Vec<String> = denials.iter().map(ToString::to_string).collect();
                tracing::warn!(%plan, reasons = reasons.join("; "), "the policy does not allow a plan");
            }
            _ => {}
        }
        self.unread(tick);
        self.fate(engine, tick, took);
        self.publish(engine, tick);
    }

    /// Nodes did not agree, or the engine could not go on with this head.
    pub(crate) fn failed(&mut self, engine: &Engine, error: &EngineError) {
        tracing::warn!(%error, transient = error.is_transient(), "nothing could be done with this head");
        if let EngineError::Node(error) = error {
            self.publisher.metrics().quorum_failure();
            self.health.quorum = Check::failed(error.to_string());
        }
        self.health.since_head = self.health.head.as_ref().map(|_| self.arrived.elapsed());
        self.journal(engine);
        self.publisher.health(self.health.clone());
    }

    /// Nodes did not agree.
    pub(crate) fn disagreed(&mut self, engine: &Engine, error: &NodeError) {
        self.failed(engine, &EngineError::Node(error.clone()));
    }

    /// The breaker moved.
    pub(crate) fn tripped(&mut self, trip: &Trip) {
        tracing::warn!(?trip, allows = %trip.allows(), "the breaker moved");
        self.health.breaker_reason = Some(format!("{trip:?}"));
    }

    fn unread(&self, tick: &Tick) {
        for read in &tick.reads {
            match read {
                Ok(read) => {
                    for (market, reason) in &read.unreadable {
                        tracing::warn!(%market, %reason, "a market cannot be read");
                    }
                }
                Err(reason) => tracing::warn!(reason, "a protocol cannot be read"),
            }
        }
    }

    /// What became of the newest plan, where a line says something new of it.
    fn fate(&mut self, engine: &Engine, tick: &Tick, took: Duration) {
        let journal = engine.sender().journal();
        let intents = &journal.folded().intents;
        let Some(intent) = intents.iter().next_back() else { return };
        let publisher = self.publisher.clone();
        let metrics = publisher.metrics();
        if tick.proposed == Some(intent.id) {
            self.attempts = 0;
        }
        for attempt in intent.attempts.iter().skip(self.attempts) {
            metrics.transaction(attempt.purpose);
        }
        if self.attempts == 0 && !intent.attempts.is_empty() && tick.proposed == Some(intent.id) {
            metrics.head_to_broadcast(took);
        }
        self.attempts = intent.attempts.len();
        if let Some((plan, _)) = tick.closed.filter(|(plan, _)| *plan == intent.id) {
            self.ended(intent, plan);
        }
        let known = self.decision.filter(|(_, plan)| *plan == Some(intent.id));
        let Some((decision, _)) = known else { return };
        let line = line(engine);
        let view = FateView::of(intent, decision, line);
        self.tell(line, |publisher| publisher.fate(view));
    }

    fn ended(&self, intent: &Intent, _plan: PlanId) {
        let metrics = self.publisher.metrics();
        metrics.plan(intent.state.into());
        if let Some(paid) = &intent.inclusion {
            metrics.gas(paid.gas_used, Amount(intent.gas_cost()));
        }
    }

    fn tell(
        &mut self,
        line: u64,
        publish: impl FnOnce(&Publisher) -> Result<(), plimsoll_dashboard::OutOfOrder>,
    ) {
        if line <= self.told {
            return;
        }
        self.told = line;
        if let Err(error) = publish(&self.publisher) {
            tracing::warn!(%error, "an event was not shown");
        }
    }

    /// The books were kept: what positions brought is shown with `tick`, the newest.
    pub(crate) fn kept(&mut self, engine: &Engine, tick: Option<&Tick>, kept: Arc<Kept>) {
        if let Some(through) = kept.through {
            self.publisher.metrics().books(through.block.number);
        }
        self.kept = kept;
        if let Some(tick) = tick {
            self.publisher.positions(positions::positions(tick, &self.setting(engine), &self.kept));
        }
    }

    fn setting<'a>(&'a self, engine: &'a Engine) -> views::Setting<'a> {
        views::Setting {
            chain: self.chain,
            symbol: &self.symbol,
            desk: engine.desk().settings(),
            scores: self.scores.as_ref(),
        }
    }

    fn publish(&mut self, engine: &Engine, tick: &Tick) {
        let setting = self.setting(engine);
        self.publisher.vault(views::vault(tick, &setting));
        self.publisher.positions(positions::positions(tick, &setting, &self.kept));
        self.publisher.markets(views::markets(tick, &setting));
        self.head(&tick.head);
        self.health.quorum = Check::Passed;
        let node = |name: &str| NodeView {
            name: name.to_owned(),
            head: Some(tick.head.block.number),
            check: Check::Passed,
        };
        self.health.nodes = engine.nodes().names().map(node).collect();
        self.journal(engine);
        self.publisher.health(self.health.clone());
    }

    fn head(&mut self, head: &Head) {
        let at = At { block: head.block, timestamp: head.timestamp };
        let hash = head.block.hash.to_string();
        self.health.head = Some(Health::head_of(head.block.number, &hash, at.time()));
        self.health.since_head = Some(self.arrived.elapsed());
    }

    fn journal(&mut self, engine: &Engine) {
        let journal = engine.sender().journal();
        let check = if journal.is_broken() {
            Check::failed("a write failed: the engine stops")
        } else {
            Check::Passed
        };
        self.health.journal = JournalView { lines: line(engine), check };
        self.health.breaker = journal.folded().breaker.into();
    }

    /// How long a block of this chain may take before the engine is called stale.
    fn allow(&mut self, block_seconds: u64) {
        let limit = Duration::from_secs(block_seconds.saturating_mul(10));
        self.health.head_limit = limit.max(LEAST_HEAD_LIMIT);
    }
}

/// The number of the journal's last line.
fn line(engine: &Engine) -> u64 {
    u64::try_from(engine.sender().journal().head().0).unwrap_or_default()
}
