//! One vault of a demo with its engine and its books.

use super::document::{self, Baselines, Move, Profit, decimal, yearly_pct};
use super::limits::{self, LimitUse};
use super::lines::Course;
use super::stage::{Seat, Stage};
use super::told::Told;
use alloy::primitives::{Address, U256};
use plimsoll_core::execution::{Outcome, PlanId, State};
use plimsoll_core::journal::Decided;
use plimsoll_core::{Action, Amount, MarketId, MarketKind, RiskLine};
use plimsoll_execute::chain::VaultState;
use plimsoll_execute::chain::logs::Log;
use plimsoll_execute::chain::vault::LegKind;
use plimsoll_execute::live::books::{Books, Landed, signed};
use plimsoll_execute::live::{Engine, Tick};
use plimsoll_frame::Scores;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A vault with its engine, and what is kept of it.
pub(crate) struct Side {
    /// The vault.
    pub(crate) seat: Seat,
    /// Its engine.
    pub(crate) engine: Engine,
    /// Where its gains and losses came from.
    pub(crate) books: Books,
    /// Why each plan was made.
    pub(crate) decisions: BTreeMap<PlanId, Decided>,
    /// What kind of market each is.
    kinds: BTreeMap<MarketId, MarketKind>,
    /// What was used of each limit.
    limits: BTreeMap<&'static str, LimitUse>,
    /// The newest scores, by which limits are measured.
    scores: Option<Scores>,
    /// What was held at the end of each day, as shares of everything.
    course: Vec<BTreeMap<MarketId, f64>>,
    /// The markets in which something was held.
    held: BTreeSet<MarketId>,
    /// Entries that were sent though they left a market above its target; there must be none.
    pub(crate) above_target: u64,
}

/// How books take in a block.
type Taking = fn(&mut Books, &Tick, &BTreeMap<MarketId, Address>, &[Log]) -> Vec<Landed>;

/// Entries of a plan after which, by the prediction, utilization would stay above the market's target.
fn above_target(tick: &Tick, decided: &Decided) -> u64 {
    let readings = tick.reads.iter().flatten().flat_map(|read| &read.readings);
    let readings: Vec<_> = readings.collect();
    let is_above = |entry: &&Action| {
        let reading = readings.iter().find(|reading| reading.market == entry.market)?;
        let target = reading.terms.curve.as_ref()?.target();
        let after = reading.model.after(true, entry.amount, tick.head.timestamp).ok()?;
        let (supplied, borrowed) =
            (after.supplied.to_f64(reading.decimals), after.borrowed.to_f64(reading.decimals));
        Some(borrowed > supplied * (target + 1e-6))
    };
    let above = decided.plan.entries.iter().filter(|entry| is_above(entry) == Some(true)).count();
    u64::try_from(above).unwrap_or(u64::MAX)
}

impl Side {
    /// Starts the engine of a vault, with a new journal in `folder`.
    pub(crate) async fn start(
        stage: &Stage,
        seat: &Seat,
        (line, folder): (RiskLine, &Path),
    ) -> anyhow::Result<Side> {
        Ok(Side {
            seat: seat.clone(),
            engine: stage.engine(seat, line, folder).await?,
            books: Books::default(),
            decisions: BTreeMap::new(),
            kinds: BTreeMap::new(),
            limits: BTreeMap::new(),
            scores: None,
            course: Vec::new(),
            held: BTreeSet::new(),
            above_target: 0,
        })
    }

    /// Has the engine look at the newest block and answer it.
    pub(crate) async fn look(&mut self, told: Told) -> anyhow::Result<Tick> {
        self.looked(told, Books::take).await
    }

    /// The same at a block in which leavers were paid.
    pub(crate) async fn look_drawn(&mut self, told: Told) -> anyhow::Result<Tick> {
        self.looked(told, Books::take_drawn).await
    }

    async fn looked(&mut self, told: Told, take: Taking) -> anyhow::Result<Tick> {
        let head = self.engine.nodes().head().await?;
        let tick = self.engine.on_head(&head).await?;
        if let (Some(plan), Some(decided)) = (tick.proposed, tick.decided()) {
            self.decisions.insert(plan, decided.clone());
            self.above_target += above_target(&tick, decided);
        }
        for reading in tick.reads.iter().flatten().flat_map(|read| &read.readings) {
            self.kinds.insert(reading.market.clone(), reading.terms.kind);
        }
        let logs = self.engine.nodes().logs_in(head.block.hash, self.seat.vault.address).await?;
        let places = self.engine.desk().settings().places.clone();
        let landed = take(&mut self.books, &tick, &places, &logs);
        if let Some((_, ruling)) = &tick.ruling {
            self.scores = Some(ruling.scores.clone());
        }
        if let Some(scores) = &self.scores {
            limits::note(&mut self.limits, (&tick, self.engine.desk().settings()), scores);
        }
        let held = self.books.accounts().iter().filter(|(_, each)| !each.look.worth.is_zero());
        self.held.extend(held.map(|(market, _)| market.clone()));
        told.looked(self, &tick, &landed);
        Ok(tick)
    }

    /// Notes what is held at the end of a day.
    pub(crate) fn day_ends(&mut self, tick: &Tick) {
        self.course.push(limits::shares(tick, self.engine.desk().settings()));
    }

    /// What was held day by day, by kind.
    pub(crate) fn course(&self) -> Course {
        let day = |shares: &BTreeMap<MarketId, f64>| {
            MarketKind::ALL.map(|kind| {
                let of = shares.iter().filter(|(market, _)| self.kind(market) == kind);
                of.map(|(_, share)| share).sum()
            })
        };
        Course(self.course.iter().map(day).collect())
    }

    /// What kind of market it is.
    pub(crate) fn kind(&self, market: &MarketId) -> MarketKind {
        self.kinds.get(market).copied().unwrap_or_default()
    }

    /// Everything of it in the document.
    pub(crate) fn document(
        &self,
        (start, end): (&VaultState, &VaultState),
        (days, line): (u64, RiskLine),
        baselines: Baselines,
    ) -> anyhow::Result<document::Side> {
        let decimals = end.decimals;
        let text = |amount: Amount| decimal(signed(amount), decimals);
        anyhow::ensure!(
            self.above_target == 0,
            "{} entries left a market above its target: this is a fault of Plimsoll",
            self.above_target
        );
        let gained = signed(end.gross) - signed(start.gross);
        let accounts = self.books.accounts();
        let explained = self.explained();
        anyhow::ensure!(
            gained == explained,
            "the books explain {explained} raw units of a change of {gained}: this is a fault of Plimsoll"
        );
        let profits = accounts.iter().map(|(market, account)| {
            Profit::of((market.as_str(), self.kind(market).key()), account, decimals)
        });
        let used = |kind: &&MarketKind| self.held.iter().any(|market| self.kind(market) == **kind);
        Ok(document::Side {
            name: self.seat.asset.symbol(),
            asset: self.seat.vault.asset.to_string(),
            line: line.to_string(),
            vault: document::Vault {
                start_nav: text(start.gross),
                end_nav: text(end.gross),
                annualised_pct: yearly_pct(start.gross, end.gross, days, decimals),
                share_price_start: text(start.share_price),
                share_price_end: text(end.share_price),
            },
            baselines,
            moves: self.moves(decimals),
            pnl_by_market: profits.collect(),
            limits: self.limits.clone(),
            kinds_used: MarketKind::ALL.iter().filter(used).map(|kind| kind.key()).collect(),
        })
    }

    /// What the operator paid for gas, wei.
    pub(crate) fn paid(&self) -> U256 {
        let intents = &self.engine.sender().journal().folded().intents;
        let paid = intents.iter().filter(|intent| intent.inclusion.is_some());
        paid.fold(U256::ZERO, |sum, intent| sum.saturating_add(intent.gas_cost()))
    }

    /// Plans that reverted, and reorganisations that plans went through.
    pub(crate) fn faults(&self) -> (u64, u64) {
        let intents = &self.engine.sender().journal().folded().intents;
        let is_revert = |state| state == State::Closed(Outcome::Reverted);
        let reverts = intents.iter().filter(|intent| is_revert(intent.state)).count();
        let reorgs = intents.iter().map(|intent| u64::from(intent.reorgs)).sum();
        (u64::try_from(reverts).unwrap_or(u64::MAX), reorgs)
    }

    /// What the books explain of the change of everything that is there, raw units: what markets brought. What leavers were
    /// paid is not in it.
    pub(crate) fn explained(&self) -> i128 {
        self.books.accounts().values().map(|account| account.brought.total()).sum()
    }

    /// Every leg with its reason; a plan's gas is split over its legs, the rest on the first.
    pub(crate) fn moves(&self, decimals: u8) -> Vec<Move> {
        let intents = &self.engine.sender().journal().folded().intents;
        let mut legs: BTreeMap<PlanId, u64> = BTreeMap::new();
        for leg in self.books.landed() {
            *legs.entry(leg.plan).or_default() += 1;
        }
        let mut seen: BTreeMap<PlanId, u64> = BTreeMap::new();
        let each = self.books.landed().iter().map(|leg| {
            let used = intents.get(leg.plan).and_then(|intent| intent.inclusion);
            let used = used.map(|inclusion| inclusion.gas_used).unwrap_or_default();
            let count = legs.get(&leg.plan).copied().unwrap_or(1);
            let place = seen.entry(leg.plan).or_default();
            let rest = if *place == 0 { used % count } else { 0 };
            *place += 1;
            let why = self.decisions.get(&leg.plan).map(|decided| {
                let scored = decided.scores.iter().find(|scored| scored.market == leg.market);
                (
                    decided.reason.clone(),
                    scored.and_then(|scored| scored.binding_constraint.clone()),
                )
            });
            let (reason, binding) = why.unwrap_or_default();
            let reason = match leg.kind {
                LegKind::Entry | LegKind::Exit => reason,
                LegKind::Harvest => {
                    "collect: what is due is worth far more than the gas".to_owned()
                }
                LegKind::Arrange => {
                    "range: the price left it, or another width is expected to pay more".to_owned()
                }
            };
            Move::of(leg, (reason, binding), used / count + rest, decimals)
        });
        each.collect()
    }
}
