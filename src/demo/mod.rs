//! `plimsoll demo`: depositors' money, moved by an engine for each vault between real contracts on a local chain.
//!
//! The people make the next block only after the engines have written down their decisions on the last, and nothing in
//! the document comes from the wall clock: the same seed gives the same document.

mod bank_run;
mod baselines;
mod document;
mod event;
mod leaving;
mod limits;
mod lines;
mod page;
mod side;
pub(crate) mod stage;
mod told;
mod watched;
pub(crate) mod world;

use crate::cli::DemoOptions;
use crate::clock::Watch;
use crate::exit::Kind;
use crate::live::drive::learn;
use crate::output::{self, say};
use anyhow::Context;
use baselines::First;
use document::{Document, Faults, Gas};
use lines::Course;
use plimsoll_execute::live::Tick;
use plimsoll_execute::protocol::At;
use plimsoll_localchain::{Artifacts, Asset, Call};
use side::Side;
use stage::{DAY_BLOCKS, DAYS_BEFORE, Scope, Seat, Stage};
use std::path::{Path, PathBuf};
use told::Told;
use world::WorldFile;

/// Everything of a demo that goes on.
struct Show {
    stage: Stage,
    /// The vault of USDC, and that of WETH, where there is one.
    sides: Vec<Side>,
    told: Told,
}

/// The depositors' places among the accounts.
const USDC_DEPOSITOR: usize = 5;
const WETH_DEPOSITOR: usize = 9;
/// What is deposited, whole units.
const USDC_DEPOSIT: u64 = 100_000;
const WETH_DEPOSIT: u64 = 40;

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
        if let Some(name) = options.event {
            let document = event::played(options, name, &artifacts).await?;
            if options.json {
                return output::document(&document);
            }
            event::tell(&document);
            return Ok(());
        }
        if let Some(file) = &options.lines {
            let documents = lines::compared(options, file, &artifacts).await?;
            return if options.json { output::document(&documents) } else { Ok(()) };
        }
        let (document, _) = played(options, &artifacts).await?;
        if options.json { output::document(&document) } else { Ok(()) }
    })
}

/// Plays a demo. Returns its document, and by the name of each vault what it held day by day.
async fn played(
    options: &DemoOptions,
    artifacts: &Artifacts,
) -> anyhow::Result<(Document, Vec<(&'static str, Course)>)> {
    let watch = Watch::start();
    let deposits = |seat: &Seat| match seat.asset {
        Asset::Weth => vec![(WETH_DEPOSITOR, WETH_DEPOSIT)],
        _ => vec![(USDC_DEPOSITOR, USDC_DEPOSIT)],
    };
    let world = WorldFile::read(options.world.as_deref())?;
    let (mut show, first, _kept) =
        begin(options, artifacts, (&world, world.scope()), &deposits).await?;
    let copy = show.stage.copied(artifacts).await?;
    let places: Vec<_> =
        show.sides.iter().map(|side| side.engine.desk().settings().places.clone()).collect();
    let seen: Vec<First<'_>> =
        first.iter().zip(&places).map(|(tick, places)| First { tick, places }).collect();
    let others = baselines::baselines(&copy, artifacts, (options.days, &seen));
    let (last, baselines) = futures::try_join!(show.days(options.days), others)?;
    page::write(options, (&show.stage.driver, &show.stage.chain)).await?;
    let document = show.document(options, (&first, &last), baselines)?;
    show.told.ends(&document, watch.elapsed());
    let courses = show.sides.iter().map(|side| (side.seat.asset.symbol(), side.course()));
    Ok((document, courses.collect()))
}

/// Sets the stage, has the depositors of each vault come (their place among the accounts, whole units), and starts the
/// engines. Returns what each saw first.
async fn begin(
    options: &DemoOptions,
    artifacts: &Artifacts,
    (world, scope): (&WorldFile, Scope),
    deposits: &dyn Fn(&Seat) -> Vec<(usize, u64)>,
) -> anyhow::Result<(Show, Vec<Tick>, Option<tempfile::TempDir>)> {
    let watch = Watch::start();
    let told = Told::new(options.headless);
    let recorded = world::recorded(options)?;
    told.begins(options);
    let mut stage = Stage::set(artifacts, world.people(options.seed), scope).await?;
    if let Some(path) = recorded {
        let now = stage.chain.head().await?.time;
        stage.driver.follow(Asset::Weth, path, now);
    }
    if options.html.is_some() {
        stage.driver.keep_diary();
    }
    for _ in 0..DAYS_BEFORE {
        stage.day().await?;
    }
    stage.deposit(deposits).await?;
    told.stands(&stage, watch.elapsed());
    let (folder, kept) = folder(options)?;
    let mut sides = Vec::new();
    for seat in stage.seats() {
        let folder = match seat.asset {
            Asset::Usdc => folder.clone(),
            other => folder.with_file_name(format!("journal-{}", other.symbol().to_lowercase())),
        };
        let mut side = Side::start(&stage, seat, (options.line, &folder)).await?;
        let learnt = learn(&mut side.engine, u32::try_from(DAYS_BEFORE)?).await?;
        told.learnt(seat, learnt, &folder);
        sides.push(side);
    }
    let mut show = Show { stage, sides, told };
    let first = show.look().await?;
    Ok((show, first, kept))
}

/// Where the journal of the vault of USDC goes, beside which others are: a new folder, or one that is kept.
fn folder(options: &DemoOptions) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    let Some(out) = &options.out else {
        let kept = tempfile::tempdir().context(Kind::Output)?;
        return Ok((kept.path().join("journal"), Some(kept)));
    };
    for name in ["journal", "journal-weth"] {
        let folder = out.join(name);
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
    }
    Ok((out.join("journal"), None))
}

impl Show {
    /// Has each engine look at the newest block and answer it.
    async fn look(&mut self) -> anyhow::Result<Vec<Tick>> {
        let mut ticks = Vec::new();
        // One after the other, so that what they send comes in the same order every time.
        for side in &mut self.sides {
            ticks.push(side.look(self.told).await?);
        }
        Ok(ticks)
    }

    /// Lets the people make a block, and has the engines answer it.
    async fn hour(&mut self) -> anyhow::Result<Vec<Tick>> {
        self.stage.driver.step(&self.stage.chain).await?;
        self.look().await
    }

    /// Has transactions included in a block that stands for seconds, in which nobody else acts but an engine whose plan is
    /// on its way; and has the engines look at it. With `is_drawn` the block pays leavers.
    async fn aside(&mut self, calls: &[Call], is_drawn: bool) -> anyhow::Result<Vec<Tick>> {
        self.stage.shortly().await?;
        if calls.is_empty() {
            self.stage.chain.mine().await?;
        } else {
            self.stage.chain.execute(calls).await?;
        }
        self.stage.hourly().await?;
        if !is_drawn {
            return self.look().await;
        }
        let mut ticks = Vec::new();
        for side in &mut self.sides {
            ticks.push(side.look_drawn(self.told).await?);
        }
        Ok(ticks)
    }

    async fn days(&mut self, days: u64) -> anyhow::Result<Vec<Tick>> {
        let mut last = Vec::new();
        for day in 1..=days {
            for _ in 0..DAY_BLOCKS {
                last = self.hour().await?;
            }
            for (side, tick) in self.sides.iter_mut().zip(&last) {
                side.day_ends(tick);
                self.told.day(day, side, tick);
            }
        }
        for (side, tick) in self.sides.iter_mut().zip(&last) {
            let at = At { block: tick.head.block, timestamp: tick.head.timestamp };
            side.engine.stop(at.time(), "the demo is over")?;
        }
        Ok(last)
    }

    fn document(
        &self,
        options: &DemoOptions,
        (first, last): (&[Tick], &[Tick]),
        baselines: Vec<document::Baselines>,
    ) -> anyhow::Result<Document> {
        let mut vaults = Vec::new();
        for (side, ((start, end), baselines)) in
            self.sides.iter().zip(first.iter().zip(last).zip(baselines))
        {
            let span = (options.days, options.line);
            vaults.push(side.document((&start.vault, &end.vault), span, baselines)?);
        }
        let faults = self.sides.iter().map(Side::faults);
        let (reverts, reorgs) = faults.fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
        let paid = self.sides.iter().map(Side::paid);
        let paid = paid.reduce(alloy::primitives::U256::saturating_add).unwrap_or_default();
        Document::of(
            (options.seed, options.days),
            vaults,
            Gas { paid_by_operator: paid.to_string() },
            Faults { reverts, reorgs, restarts: 0 },
        )
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
