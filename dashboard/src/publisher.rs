//! The two ends: the driver publishes, the service shows.

use crate::clock::Since;
use crate::events::{Event, Events, OutOfOrder};
use crate::metrics::{Metrics, Published};
use crate::secrets::Secrets;
use crate::service::{Service, ServiceError};
use crate::settings::Settings;
use crate::view::{
    Aging, DecisionView, FateView, Health, MarketsView, PositionsView, Readiness, ScoresView,
    VaultView,
};
use plimsoll_core::Time;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

/// What the service says of the program itself.
#[derive(Debug, Clone)]
pub struct About {
    /// Its version.
    pub version: String,
    /// When it started, by the system's clock.
    pub started: Time,
    /// Words that are never shown.
    pub secrets: Secrets,
}

/// Returns the driver's end and the service's.
///
/// # Errors
/// [`ServiceError::Metrics`].
pub fn channel(settings: Settings, about: About) -> Result<(Publisher, Service), ServiceError> {
    let (woken, _) = watch::channel(());
    let shared = Shared {
        metrics: Metrics::new(&about.version, about.started, about.secrets.clone())?,
        secrets: about.secrets,
        known: RwLock::default(),
        events: RwLock::new(Events::new(settings.events_kept)),
        woken,
    };
    let shared = Arc::new(shared);
    let service = Service::new(settings, about.version, Arc::clone(&shared));
    Ok((Publisher { shared }, service))
}

/// The driver's end. Cheap to clone; no call waits for a reader.
///
/// Each call replaces what was published before. The driver publishes its health with every head at least:
/// without it the service calls everything stale.
#[derive(Debug, Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

impl Publisher {
    /// Publishes how the engine is.
    pub fn health(&self, health: Health) {
        let health = self.shared.redacted(health);
        self.shared.metrics.health(&health);
        self.shared.known_mut().health = Some((Since::now(), Arc::new(health)));
    }

    /// Publishes the vault.
    pub fn vault(&self, vault: VaultView) {
        self.shared.known_mut().vault = Some(Arc::new(vault));
    }

    /// Publishes every position; one that is not named is no longer shown.
    pub fn positions(&self, positions: PositionsView) {
        self.shared.known_mut().positions = Some(Arc::new(positions));
    }

    /// Publishes every market; one that is not named is no longer shown.
    pub fn markets(&self, markets: MarketsView) {
        self.shared.known_mut().markets = Some(Arc::new(markets));
    }

    /// Publishes the newest scores.
    pub fn scores(&self, scores: ScoresView) {
        self.shared.known_mut().scores = Some(Arc::new(scores));
    }

    /// Publishes a decision that is in the journal, and counts it.
    ///
    /// # Errors
    /// [`OutOfOrder`] where its line is not newer than everything published so far; it is not shown then.
    pub fn decision(&self, decision: DecisionView) -> Result<(), OutOfOrder> {
        let verdict = decision.verdict;
        self.shared.push(Event::Decision(Arc::new(decision)))?;
        self.shared.metrics.decision(verdict);
        Ok(())
    }

    /// Publishes what became of a plan, after a line of the journal that says so.
    ///
    /// # Errors
    /// [`OutOfOrder`] where that line is not newer than everything published so far.
    pub fn fate(&self, fate: FateView) -> Result<(), OutOfOrder> {
        self.shared.push(Event::Fate(Arc::new(fate)))
    }

    /// Takes back, at start-up, what the journal holds after line `after`: decisions and steps of plans, in order.
    /// They are shown and not counted; streams that come back to a place after `after` then miss nothing.
    ///
    /// # Errors
    /// [`OutOfOrder`] where they are not in order, or something newer was published before.
    pub fn recall(
        &self,
        after: u64,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<(), OutOfOrder> {
        self.shared.events_mut().begin_after(after);
        events.into_iter().try_for_each(|event| self.shared.push(event))
    }

    /// What the driver counts and measures.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }
}

/// What was published last.
#[derive(Debug, Default)]
struct Known {
    health: Option<(Since, Arc<Health>)>,
    vault: Option<Arc<VaultView>>,
    positions: Option<Arc<PositionsView>>,
    markets: Option<Arc<MarketsView>>,
    scores: Option<Arc<ScoresView>>,
}

/// What both ends hold. Locks are held for the copying of a pointer, never across an await.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) metrics: Metrics,
    secrets: Secrets,
    known: RwLock<Known>,
    events: RwLock<Events>,
    woken: watch::Sender<()>,
}

impl Shared {
    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events that are kept.
    pub(crate) fn events(&self) -> RwLockReadGuard<'_, Events> {
        self.events.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn events_mut(&self) -> RwLockWriteGuard<'_, Events> {
        self.events.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: Event) -> Result<(), OutOfOrder> {
        self.events_mut().push(self.without_secrets(event))?;
        self.woken.send_replace(());
        Ok(())
    }

    /// Returns what wakes up with every event.
    pub(crate) fn wakes(&self) -> watch::Receiver<()> {
        self.woken.subscribe()
    }

    /// How the engine is, with how long ago it said so.
    pub(crate) fn health(&self) -> Option<(Since, Arc<Health>)> {
        self.known().health.clone()
    }

    /// Whether the engine is ready now.
    pub(crate) fn readiness(&self) -> Readiness {
        match self.health() {
            Some((since, health)) => health.readiness(since.elapsed()),
            None => Readiness::no("engine", "the engine has not said how it is yet"),
        }
    }

    /// Why figures are too old to be shown, where they are.
    fn staleness(&self) -> Option<String> {
        match self.health() {
            Some((since, health)) => health.staleness(since.elapsed()),
            None => Some("the engine has not said how it is yet".to_owned()),
        }
    }

    /// The vault as it may be shown now; `None` before it was published.
    pub(crate) fn vault(&self) -> Option<Arc<VaultView>> {
        self.aged(|known| known.vault.clone())
    }

    /// The positions as they may be shown now.
    pub(crate) fn positions(&self) -> Option<Arc<PositionsView>> {
        self.aged(|known| known.positions.clone())
    }

    /// The markets as they may be shown now.
    pub(crate) fn markets(&self) -> Option<Arc<MarketsView>> {
        self.aged(|known| known.markets.clone())
    }

    /// The scores as they may be shown now.
    pub(crate) fn scores(&self) -> Option<Arc<ScoresView>> {
        self.aged(|known| known.scores.clone())
    }

    fn aged<V: Aging>(&self, pick: impl Fn(&Known) -> Option<Arc<V>>) -> Option<Arc<V>> {
        let view = pick(&self.known())?;
        match self.staleness() {
            Some(reason) => Some(Arc::new(view.stale(&reason))),
            None => Some(view),
        }
    }

    /// What metrics show of it now.
    pub(crate) fn published(&self) -> Published {
        Published { vault: self.vault(), positions: self.positions(), markets: self.markets() }
    }

    /// Texts that come from elsewhere (errors of nodes, reasons) may quote what must not be shown.
    fn redacted(&self, mut health: Health) -> Health {
        let clean = |text: &mut String| *text = self.secrets.redact(text).into_owned();
        health.breaker_reason.iter_mut().for_each(clean);
        health.nodes.iter_mut().for_each(|node| clean(&mut node.name));
        let checks = [&mut health.quorum, &mut health.journal.check, &mut health.start_up];
        let nodes = health.nodes.iter_mut().map(|node| &mut node.check);
        checks.into_iter().chain(nodes).filter_map(|check| check.reason_mut()).for_each(clean);
        health
    }

    fn without_secrets(&self, event: Event) -> Event {
        let clean = |text: &mut String| *text = self.secrets.redact(text).into_owned();
        match event {
            Event::Decision(mut decision) => {
                let decided = Arc::make_mut(&mut decision);
                clean(&mut decided.reason);
                decided.fate.iter_mut().filter_map(|fate| fate.reason.as_mut()).for_each(clean);
                Event::Decision(decision)
            }
            Event::Fate(mut fate) => {
                Arc::make_mut(&mut fate).reason.iter_mut().for_each(clean);
                Event::Fate(fate)
            }
        }
    }
}
