//! The engine: at each head the open plan is seen through, the world is read, and, when it is time, a decision
//! is taken, written down and sent.

use super::desk::{Desk, DeskError, DeskSettings, Ruling};
use super::inputs::{Inputs, PriceSource, Seen};
use super::orders::Orders;
use super::replayed::Past;
use super::rest::refused;
use super::settle::settled;
use super::{leaving, trips};
use crate::chain::vault::{self, VaultError, VaultState};
use crate::chain::{Head, NodeError, Nodes, Progress, Proposal, SendError, Sender};
use crate::journal::{JournalError, Record};
use crate::protocol::{At, Protocol, Read};
use alloy::primitives::{Address, U256};
use futures::future::join_all;
use plimsoll_core::execution::{Outcome, PlanId, Trip};
use plimsoll_core::journal::Decided;
use plimsoll_core::{Amount, CostModel, Entry, Time};
use plimsoll_frame::{RiskModel, Strategy};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the engine is run with, besides what it decides with.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The vault.
    pub vault: Address,
    /// Whether it sends; else it only writes down what it would do.
    pub is_live: bool,
    /// Seconds between decisions.
    pub decide_every: u64,
    /// Units of gas of one move, for what moving costs.
    pub gas_per_action: u64,
    /// The token whose price is that of gas, such as WETH; without it gas has no known cost.
    pub gas_token: Option<Address>,
    /// What stops it by itself.
    pub trips: trips::TripSettings,
    /// The folder of the journal, where orders of a person are left too.
    pub folder: PathBuf,
}

/// What the engine is made of.
#[derive(Debug)]
pub struct Parts {
    /// The nodes.
    pub nodes: Nodes,
    /// The protocols, in the order of the configuration.
    pub protocols: Vec<Box<dyn Protocol>>,
    /// What assets are worth.
    pub prices: Box<dyn PriceSource>,
    /// The one writer.
    pub sender: Sender,
    /// The model.
    pub model: Box<dyn RiskModel>,
    /// The rule.
    pub strategy: Box<dyn Strategy>,
    /// What decisions are taken with.
    pub desk: DeskSettings,
}

/// Why the engine could not do what a head asks for.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The sender.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The nodes.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The decision.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl EngineError {
    /// Whether the next head may cure it; else the process has to stop.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            EngineError::Send(error) => error.is_transient(),
            EngineError::Node(error) | EngineError::Vault(VaultError::Node(error)) => {
                !matches!(error, NodeError::WrongChain { .. } | NodeError::TooFew { .. })
            }
            EngineError::Vault(VaultError::NoVault { .. }) | EngineError::Desk(_) => true,
            EngineError::Journal(_) => false,
        }
    }
}

/// What came of a head.
#[derive(Debug)]
pub struct Tick {
    /// The head.
    pub head: Head,
    /// How far the open plan came.
    pub progress: Progress,
    /// The vault.
    pub vault: VaultState,
    /// What the protocols said, in the order of the configuration; an error where nothing could be read.
    pub reads: Vec<Result<Read, String>>,
    /// Prices of assets, USD.
    pub prices: BTreeMap<Address, f64>,
    /// The decision with the number of its line, where one was taken.
    pub ruling: Option<(i64, Ruling)>,
    /// A plan that was taken up.
    pub proposed: Option<PlanId>,
    /// A plan that is final, with what became of it.
    pub closed: Option<(PlanId, Outcome)>,
    /// Trips of the breaker.
    pub trips: Vec<Trip>,
}

/// The engine of one vault.
#[derive(Debug)]
pub struct Engine {
    parts: Parts,
    settings: EngineSettings,
    desk: Desk,
    watch: trips::Watch,
    orders: Orders,
    decided_at: Option<u64>,
    closed: Option<PlanId>,
    /// Transactions of the key before this engine sent any.
    first_nonce: Option<u64>,
}

impl Engine {
    /// Returns the engine with what its journal says, and writes down that it started.
    ///
    /// # Errors
    /// [`EngineError::Journal`].
    pub fn start(
        mut parts: Parts,
        settings: EngineSettings,
        time: Time,
    ) -> Result<Engine, EngineError> {
        let mut desk = Desk::new(parts.desk.clone());
        let mut decided_at = None;
        parts.sender.journal().read(&mut |line, record| {
            if let Record::Observed(inputs) = record
                && let Some(vault) = &inputs.vault
            {
                decided_at = Some(vault.timestamp);
            }
            if let Some(past) = Past::of(line.time, record) {
                past.into_desk(&mut desk);
            }
        })?;
        parts.sender.note(
            time,
            &Record::Started {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                policy: parts.sender.policy_hash().to_string(),
                is_live: settings.is_live,
                desk: Some(Box::new(parts.desk.clone())),
            },
        )?;
        let folded = parts.sender.journal().folded();
        let closed = folded.executed.last().map(|(plan, _)| *plan);
        let orders = Orders::at(&settings.folder);
        let watch = trips::Watch::new(settings.trips);
        Ok(Engine { parts, settings, desk, watch, orders, decided_at, closed, first_nonce: None })
    }

    /// The sender, for reading.
    #[must_use]
    pub fn sender(&self) -> &Sender {
        &self.parts.sender
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &Nodes {
        &self.parts.nodes
    }

    /// What it decides with.
    #[must_use]
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Reads the protocols at a block of the past and learns from it; nothing is decided.
    ///
    /// # Errors
    /// [`EngineError::Journal`]; a protocol that does not answer is left out.
    pub async fn learn(&mut self, at: &At) -> Result<(), EngineError> {
        let prices = self.parts.prices.prices(&self.parts.nodes, at).await;
        let seen = self.seen(at, &self.read(at).await, &prices);
        let costs = CostModel::default();
        let inputs = Inputs {
            seen,
            vault: None,
            costs,
            entry_room: Amount::ZERO,
            refused: Vec::new(),
            only_leaves: false,
        };
        self.desk.take(at.time(), &inputs);
        self.parts.sender.note(at.time(), &Record::Observed(Box::new(inputs)))?;
        Ok(())
    }

    /// Does what `head` asks for.
    ///
    /// # Errors
    /// [`EngineError`]; what was written stands.
    pub async fn on_head(&mut self, head: &Head) -> Result<Tick, EngineError> {
        let at = At { block: head.block, timestamp: head.timestamp };
        let mut trips = Vec::new();
        for trip in self.orders.taken() {
            self.trip(head, trip, &mut trips)?;
        }
        self.watch_key(head, &mut trips).await?;
        let mut progress = self.parts.sender.on_head(head).await?;
        let closed = self.close(head, &progress, &mut trips).await?;
        let (vault, prices, reads) = futures::join!(
            vault::read(&self.parts.nodes, self.settings.vault, &at),
            self.parts.prices.prices(&self.parts.nodes, &at),
            self.read(&at),
        );
        let vault = vault?;
        if let Some(trip) = self.watch.vault(&vault) {
            self.trip(head, trip, &mut trips)?;
        }
        let (mut ruling, mut proposed) = (None, None);
        let is_busy = self.parts.sender.journal().folded().intents.open().is_some();
        if !is_busy && self.is_due(head) {
            let seen = self.seen(&at, &reads, &prices);
            let (line, ruled) = self.rule(head, &vault, seen, &prices)?;
            proposed = self.propose(head, &vault, ruled.proposal.clone())?;
            ruling = Some((line, ruled));
        }
        if proposed.is_some() {
            progress = self.parts.sender.on_head(head).await?;
        }
        let head = *head;
        Ok(Tick { head, progress, vault, reads, prices, ruling, proposed, closed, trips })
    }

    /// Writes down that the engine stops in good order.
    ///
    /// # Errors
    /// [`EngineError::Journal`].
    pub fn stop(&mut self, time: Time, reason: &str) -> Result<(), EngineError> {
        Ok(self.parts.sender.note(time, &Record::Stopped { reason: reason.to_owned() })?)
    }

    /// Counts a head at which the nodes did not agree; too many in a row trip the breaker.
    ///
    /// # Errors
    /// [`EngineError::Journal`].
    pub fn disagreed(
        &mut self,
        time: Time,
        error: &NodeError,
    ) -> Result<Option<Trip>, EngineError> {
        let trip = self.watch.disagreement(error);
        if let Some(trip) = &trip {
            self.parts.sender.note(time, &Record::Trip(trip.clone()))?;
        }
        Ok(trip)
    }

    /// Reads prices and protocols at a block, for the record alone.
    pub async fn observe(&self, at: &At) -> (BTreeMap<Address, f64>, Vec<Result<Read, String>>) {
        futures::join!(self.parts.prices.prices(&self.parts.nodes, at), self.read(at))
    }

    async fn read(&self, at: &At) -> Vec<Result<Read, String>> {
        let each = self.parts.protocols.iter().map(|protocol| async move {
            protocol.read(&self.parts.nodes, at).await.map_err(|error| error.to_string())
        });
        join_all(each).await
    }

    fn seen(
        &self,
        at: &At,
        reads: &[Result<Read, String>],
        prices: &BTreeMap<Address, f64>,
    ) -> Vec<Seen> {
        let each = self.parts.protocols.iter().zip(reads);
        each.map(|(protocol, read)| match read {
            Ok(read) => Seen::new(protocol.name(), read, at, prices),
            Err(reason) => Seen::silent(protocol.as_ref(), reason, at),
        })
        .collect()
    }

    fn is_due(&self, head: &Head) -> bool {
        let since = self.decided_at.map(|last| head.timestamp.saturating_sub(last));
        since.is_none_or(|seconds| seconds >= self.settings.decide_every)
    }

    /// Takes a decision, and writes down what it rests on before it.
    fn rule(
        &mut self,
        head: &Head,
        vault: &VaultState,
        seen: Vec<Seen>,
        prices: &BTreeMap<Address, f64>,
    ) -> Result<(i64, Ruling), EngineError> {
        let time = time_of(head);
        let costs = self.costs(head, vault, prices);
        let entry_room = self.parts.sender.entry_room(time, vault.gross);
        let folded = self.parts.sender.journal().folded();
        let refused = refused(folded.intents.iter(), time);
        let only_leaves = !folded.breaker.allows_entries();
        let vault = Some(vault.clone());
        let inputs = Inputs { seen, vault, costs, entry_room, refused, only_leaves };
        self.parts.sender.note(time, &Record::Observed(Box::new(inputs.clone())))?;
        self.desk.take(time, &inputs);
        self.decided_at = Some(head.timestamp);
        let minds = (self.parts.model.as_ref(), self.parts.strategy.as_ref());
        let ruling = self.desk.rule(minds, time, &inputs)?;
        self.entry(time, Entry::Marked(ruling.marked.clone()))?;
        self.entry(time, Entry::Decided(Box::new(ruling.decided.clone())))?;
        let (line, _) = self.parts.sender.journal().head();
        Ok((line, ruling))
    }

    fn entry(&mut self, time: Time, entry: Entry) -> Result<(), EngineError> {
        Ok(self.parts.sender.note(time, &Record::Entry(entry))?)
    }

    /// Takes up a plan, where the engine sends and the breaker lets it.
    fn propose(
        &mut self,
        head: &Head,
        vault: &VaultState,
        proposal: Option<Proposal>,
    ) -> Result<Option<PlanId>, EngineError> {
        let folded = self.parts.sender.journal().folded();
        let (is_leaving, breaker) = (folded.is_leaving, folded.breaker);
        let proposal = if is_leaving {
            leaving::proposal(vault, self.desk.settings())
        } else {
            proposal.filter(|plan| breaker.allows_entries() || plan.entries.is_empty())
        };
        let Some(proposal) = proposal.filter(|_| self.settings.is_live && breaker.allows_exits())
        else {
            return Ok(None);
        };
        let id = proposal.id;
        self.parts.sender.propose(head, proposal)?;
        Ok(Some(id))
    }

    /// What a move costs: gas at today's price, in the vault's asset.
    fn costs(&self, head: &Head, vault: &VaultState, prices: &BTreeMap<Address, f64>) -> CostModel {
        let price = |token: Address| prices.get(&token).copied().filter(|price| *price > 0.0);
        let gas = self.parts.sender.settings().tip.saturating_add(head.base_fee);
        let wei = U256::from(gas).saturating_mul(U256::from(self.settings.gas_per_action));
        let native = Amount(wei).to_f64(18);
        let token = self.settings.gas_token.and_then(price);
        let cost = token.zip(price(vault.asset)).map(|(token, asset)| native * token / asset);
        let is_first_entry = self.desk.executed().iter().all(|done| done.into.is_empty());
        let gas = cost.and_then(|cost| Amount::from_f64_floor(cost, vault.decimals));
        CostModel { gas_per_action: gas, is_first_entry, ..CostModel::default() }
    }

    /// Writes down what a plan did that is final now, once.
    async fn close(
        &mut self,
        head: &Head,
        progress: &Progress,
        trips: &mut Vec<Trip>,
    ) -> Result<Option<(PlanId, Outcome)>, EngineError> {
        let Progress::Closed(plan, outcome) = progress else { return Ok(None) };
        if self.closed == Some(*plan) {
            return Ok(None);
        }
        let intent = self.parts.sender.journal().folded().intents.get(*plan).cloned();
        if let Some(intent) = intent.filter(|_| *outcome == Outcome::Done) {
            let places = &self.desk.settings().places;
            let found =
                settled(&self.parts.nodes, &intent, places, self.settings.vault, time_of(head))
                    .await?;
            match found {
                Ok(executed) => {
                    let record = Record::Settled { plan: *plan, executed: executed.clone() };
                    self.parts.sender.note(time_of(head), &record)?;
                    self.desk.settle(executed);
                }
                Err(detail) => self.trip(head, Trip::Delta { detail }, trips)?,
            }
        }
        self.closed = Some(*plan);
        if let Some(trip) = self.watch.ended(*outcome) {
            self.trip(head, trip, trips)?;
        }
        Ok(Some((*plan, *outcome)))
    }

    /// Stops everything where someone else used the key while nothing of ours was on its way.
    async fn watch_key(&mut self, head: &Head, trips: &mut Vec<Trip>) -> Result<(), EngineError> {
        let folded = self.parts.sender.journal().folded();
        if folded.intents.open().is_some() || !folded.breaker.allows_exits() {
            return Ok(());
        }
        let ours = folded.intents.next_nonce();
        let key = self.parts.sender.address();
        let found = self.parts.nodes.seen(key, None, (head, 0)).await?.nonce;
        // A new journal takes the count that it finds; a node that is behind counts fewer.
        let expected = ours.or(self.first_nonce).unwrap_or(found);
        self.first_nonce.get_or_insert(found);
        if found > expected {
            self.trip(head, Trip::ForeignNonce { nonce: expected }, trips)?;
        }
        Ok(())
    }

    fn trip(&mut self, head: &Head, trip: Trip, trips: &mut Vec<Trip>) -> Result<(), EngineError> {
        self.parts.sender.trip(head, trip.clone())?;
        trips.push(trip);
        Ok(())
    }
}

/// The decision of a tick.
impl Tick {
    /// What was decided, if anything was.
    #[must_use]
    pub fn decided(&self) -> Option<&Decided> {
        self.ruling.as_ref().map(|(_, ruling)| &ruling.decided)
    }
}

fn time_of(head: &Head) -> Time {
    At { block: head.block, timestamp: head.timestamp }.time()
}
