//! `plimsoll demo`: a depositor's money, moved by the engine between real lending contracts on a local chain.
//!
//! The people make the next block only after the engine has written down its decision on the last, and nothing in
//! the document comes from the wall clock: the same seed gives the same document.

mod bank_run;
mod baselines;
mod books;
mod document;
mod page;
mod stage;
mod told;

use crate::cli::DemoOptions;
use crate::clock::Watch;
use crate::exit::Kind;
use crate::live::drive::learn;
use crate::output::{self, say};
use anyhow::Context;
use books::Books;
use document::{Document, Faults, Gas, Move, Profit, Vault, decimal, yearly_pct};
use plimsoll_core::Amount;
use plimsoll_core::execution::{Outcome, PlanId, State};
use plimsoll_core::journal::Decided;
use plimsoll_execute::chain::VaultState;
use plimsoll_execute::live::{Engine, Tick};
use plimsoll_execute::protocol::At;
use plimsoll_localchain::Artifacts;
use stage::{DAY_BLOCKS, DAYS_BEFORE, Stage};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use told::Told;

/// The market with the highest advertised rate, by its contract in the vault.
fn best_at_start(tick: &Tick, engine: &Engine) -> Option<alloy::primitives::Address> {
    let places = &engine.desk().settings().places;
    let readings = tick.reads.iter().flatten().flat_map(|read| &read.readings);
    let rated =
        readings.filter_map(|reading| Some((reading.supply_apr, *places.get(&reading.market)?)));
    rated.max().map(|(_, contract)| contract)
}

/// Entries of a plan after which, by the prediction, utilization would stay above the market's target.
fn above_target(tick: &Tick, decided: &Decided) -> u64 {
    let readings = tick.reads.iter().flatten().flat_map(|read| &read.readings);
    let readings: Vec<_> = readings.collect();
    let is_above = |entry: &&plimsoll_core::Action| {
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

/// Everything of a demo that goes on.
struct Show {
    stage: Stage,
    engine: Engine,
    books: Books,
    told: Told,
    /// Why each plan was made.
    decisions: BTreeMap<PlanId, Decided>,
    /// Entries that were sent though they left a market above its target; there must be none.
    above_target: u64,
}

/// The depositor's place among the accounts.
const DEPOSITOR: usize = 5;
/// What is deposited, whole units.
const DEPOSIT: u64 = 100_000;

/// Runs the demo.
pub(crate) fn run(options: &DemoOptions) -> anyhow::Result<()> {
    let artifacts = Artifacts::find()
        .context("the contracts are not there; `make contracts` installs and compiles them")
        .context(Kind::Data)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        if let Some(run) = options.bank_run {
            let document = bank_run::played(options, run, &artifacts).await?;
            if options.json {
                return output::document(&document);
            }
            bank_run::tell(&document);
            return Ok(());
        }
        let document = played(options, &artifacts).await?;
        if options.json { output::document(&document) } else { Ok(()) }
    })
}

async fn played(options: &DemoOptions, artifacts: &Artifacts) -> anyhow::Result<Document> {
    let watch = Watch::start();
    let (mut show, first, _kept) = begin(options, artifacts, &[(DEPOSITOR, DEPOSIT)]).await?;
    let copy = show.stage.copied(artifacts).await?;
    let start = first.vault.clone();
    let best = best_at_start(&first, &show.engine).context("no market can be read")?;
    let others = baselines::baselines(&copy, artifacts, (options.days, best));
    let (last, baselines) = futures::try_join!(show.days(options.days), others)?;
    page::write(options, (&show.stage.driver, &show.stage.chain)).await?;
    let document = show.document(options, (&start, &last.vault), baselines)?;
    show.told.ends(&document, watch.elapsed());
    Ok(document)
}

/// Sets the stage, has the depositors come (their place among the accounts, whole units), and starts the engine.
async fn begin(
    options: &DemoOptions,
    artifacts: &Artifacts,
    depositors: &[(usize, u64)],
) -> anyhow::Result<(Show, Tick, Option<tempfile::TempDir>)> {
    let watch = Watch::start();
    let told = Told::new(options.headless);
    told.begins(options);
    let mut stage = Stage::set(artifacts, options.seed).await?;
    if options.html.is_some() {
        stage.driver.keep_diary();
    }
    for _ in 0..DAYS_BEFORE {
        stage.day().await?;
    }
    for (place, amount) in depositors {
        stage.deposit(*place, *amount).await?;
    }
    told.stands(&stage, watch.elapsed());
    let (folder, kept) = folder(options)?;
    let mut engine = stage.engine(options.line, &folder).await?;
    let learnt = learn(&mut engine, u32::try_from(DAYS_BEFORE)?).await?;
    told.learnt(learnt, &folder);
    let mut show = Show {
        stage,
        engine,
        books: Books::default(),
        told,
        decisions: BTreeMap::new(),
        above_target: 0,
    };
    let first = show.look().await?;
    Ok((show, first, kept))
}

/// Where the journal goes: a new folder, or one that is kept.
fn folder(options: &DemoOptions) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    if let Some(out) = &options.out {
        let folder = out.join("journal");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| {
                    format!(
                        "{}: the journal of an earlier demo cannot be removed",
                        folder.display()
                    )
                })
                .context(Kind::Output)?;
        }
        return Ok((folder, None));
    }
    let kept = tempfile::tempdir().context(Kind::Output)?;
    Ok((kept.path().to_owned(), Some(kept)))
}

impl Show {
    /// Has the engine look at the newest block and answer it.
    async fn look(&mut self) -> anyhow::Result<Tick> {
        let head = self.engine.nodes().head().await?;
        let tick = self.engine.on_head(&head).await?;
        if let (Some(plan), Some(decided)) = (tick.proposed, tick.decided()) {
            self.decisions.insert(plan, decided.clone());
            self.above_target += above_target(&tick, decided);
        }
        let vault = self.stage.vault.address;
        let logs = self.engine.nodes().logs_in(head.block.hash, vault).await?;
        let places = self.engine.desk().settings().places.clone();
        let landed = self.books.take(&tick, &places, &logs);
        self.told.looked(&tick, &landed, &self.decisions);
        Ok(tick)
    }

    /// Lets the people make a block, and has the engine answer it.
    async fn hour(&mut self) -> anyhow::Result<Tick> {
        self.stage.driver.step(&self.stage.chain).await?;
        self.look().await
    }

    async fn days(&mut self, days: u64) -> anyhow::Result<Tick> {
        let mut last = None;
        for day in 1..=days {
            for _ in 0..DAY_BLOCKS {
                last = Some(self.hour().await?);
            }
            if let Some(tick) = &last {
                self.told.day(day, tick, &self.engine);
            }
        }
        let last = last.context("a demo has a day at least")?;
        let at = At { block: last.head.block, timestamp: last.head.timestamp };
        self.engine.stop(at.time(), "the demo is over")?;
        Ok(last)
    }

    fn document(
        &self,
        options: &DemoOptions,
        (start, end): (&VaultState, &VaultState),
        baselines: document::Baselines,
    ) -> anyhow::Result<Document> {
        let decimals = end.decimals;
        let text = |amount: Amount| decimal(books::signed(amount), decimals);
        let intents = &self.engine.sender().journal().folded().intents;
        let paid = intents.iter().filter(|intent| intent.inclusion.is_some());
        let paid = paid.fold(alloy::primitives::U256::ZERO, |sum, intent| {
            sum.saturating_add(intent.gas_cost())
        });
        let reorgs = intents.iter().map(|intent| u64::from(intent.reorgs)).sum();
        anyhow::ensure!(
            self.above_target == 0,
            "{} entries left a market above its target: this is a fault of Plimsoll",
            self.above_target
        );
        let is_revert = |state| state == State::Closed(Outcome::Reverted);
        let reverts = intents.iter().filter(|intent| is_revert(intent.state)).count();
        let profits = self.books.by_market().iter();
        let profits: Vec<Profit> = profits
            .map(|(market, brought)| Profit::of(market.as_str(), brought, decimals))
            .collect();
        let gained = books::signed(end.gross) - books::signed(start.gross);
        let explained: i128 = self
            .books
            .by_market()
            .values()
            .map(|brought| brought.income + brought.cost + brought.impairment)
            .sum();
        anyhow::ensure!(
            gained == explained,
            "the books explain {explained} raw units of a change of {gained}: this is a fault of Plimsoll"
        );
        Ok(Document {
            schema: 1,
            seed: options.seed,
            days: options.days,
            vault: Vault {
                start_nav: text(start.gross),
                end_nav: text(end.gross),
                annualised_pct: yearly_pct(start.gross, end.gross, options.days, decimals),
                share_price_start: text(start.share_price),
                share_price_end: text(end.share_price),
            },
            baselines,
            moves: self.moves(decimals),
            pnl_by_market: profits,
            kinds_used: vec!["lending"],
            gas: Gas { paid_by_operator: paid.to_string() },
            faults: Faults { reverts: u64::try_from(reverts)?, reorgs, restarts: 0 },
        })
    }

    /// Every leg with its reason; a plan's gas is split over its legs, the rest on the first.
    fn moves(&self, decimals: u8) -> Vec<Move> {
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
            Move::of(leg, why.unwrap_or_default(), used / count + rest, decimals)
        });
        each.collect()
    }
}

/// Says where the journal is.
pub(crate) fn journal_at(folder: &Path) {
    say(&format!(
        "the journal is {}: `plimsoll journal show --folder {}`",
        folder.display(),
        folder.display()
    ));
}
