//! A demo in which a bank runs: everyone leaves the largest market until it is used in full, with warning or
//! without, while two of three depositors leave the vault.
//!
//! It tells what was stuck and for how long, what each who left was paid for a share, and whether the engine brought
//! anything into a market that it left above its target.

use super::document::decimal;
use super::leaving::{Leaving, pay_queue, price};
use super::stage::{DAY_BLOCKS, Scope, Stage};
use super::watched::{Stuck, Watched};
use super::world::WorldFile;
use super::{Show, begin};
use crate::cli::{BankRun, DemoOptions};
use crate::output::say;
use anyhow::Context;
use plimsoll_execute::live::books::signed;
use plimsoll_localchain::{Artifacts, Asset, Market, Run};
use serde::Serialize;

/// Whole days before it, while it lasts, and after it.
const DAYS: (u64, u64, u64) = (3, 4, 5);
/// Blocks of warning.
const WARNING: u64 = 24;
/// Blocks between the first and the last to leave.
const LATER: u64 = 48;
/// What is printed.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    schema: u32,
    seed: u64,
    warning_blocks: u64,
    market: String,
    blocks: Blocks,
    peak_utilization: f64,
    stuck: Stuck,
    leavers: Vec<Leaver>,
    stayer: Stayer,
    entries_above_target: u64,
}

#[derive(Debug, Serialize)]
struct Blocks {
    run: u64,
    calm: u64,
    end: u64,
}

/// Who left.
#[derive(Debug, Serialize)]
struct Leaver {
    who: &'static str,
    asked_at: u64,
    /// The block after which nothing was owed any more; null where something still is.
    paid_by: Option<u64>,
    paid: String,
    /// Everything paid over everything given, in the vault's asset for a whole share.
    price: f64,
    /// The vault's price for a whole share when they asked.
    price_when_asked: f64,
}

/// Who stayed.
#[derive(Debug, Serialize)]
struct Stayer {
    price_at_run: f64,
    price_at_end: f64,
}

/// Plays it and prints what came of it.
pub(crate) async fn played(
    options: &DemoOptions,
    run: BankRun,
    artifacts: &Artifacts,
) -> anyhow::Result<Document> {
    let (mut show, _first, _kept) =
        begin(options, artifacts, (&WorldFile::default(), Scope::Lending), &|_| {
            vec![(5, 50_000), (6, 25_000), (7, 25_000)]
        })
        .await?;
    let (before, during, after) = DAYS;
    let mut watched = Watched::default();
    for _ in 0..before * DAY_BLOCKS {
        hour(&mut show, &mut watched).await?;
    }
    let market = Market::Aave(Asset::Usdc);
    let warning = match run {
        BankRun::Sudden => 0,
        BankRun::Announced => WARNING,
    };
    let kind = if warning == 0 { Run::Sudden } else { Run::Announced { blocks: warning } };
    show.stage.driver.bank_run(market, kind)?;
    let account =
        |place: usize| show.stage.chain.accounts().get(place).copied().context("no depositor");
    let leaver = |who, place| anyhow::Ok(Leaving::new(who, &show.stage.usdc, account(place)?));
    let mut leaving = [leaver("early", 6)?, leaver("late", 7)?];
    let first = show.stage.chain.head().await?.number;
    let price_at_run = price(&show.stage, &show.stage.usdc).await?;
    for block in 0..during * DAY_BLOCKS {
        if block == warning {
            leave(&show.stage, &mut leaving[0]).await?;
        }
        if block == warning + LATER {
            leave(&show.stage, &mut leaving[1]).await?;
        }
        collect(&show.stage, &leaving).await?;
        hour(&mut show, &mut watched).await?;
        for each in &mut leaving {
            each.note(&show.stage).await?;
        }
    }
    show.stage.driver.calm(market)?;
    let calm = show.stage.chain.head().await?.number;
    for _ in 0..after * DAY_BLOCKS {
        collect(&show.stage, &leaving).await?;
        hour(&mut show, &mut watched).await?;
        for each in &mut leaving {
            each.note(&show.stage).await?;
        }
    }
    let end = show.stage.chain.head().await?.number;
    let mut leavers = Vec::new();
    for each in &leaving {
        leavers.push(told(&show.stage, each).await?);
    }
    let stayer = Stayer { price_at_run, price_at_end: price(&show.stage, &show.stage.usdc).await? };
    Ok(Document {
        schema: 1,
        seed: options.seed,
        warning_blocks: warning,
        market: market.to_string(),
        blocks: Blocks { run: first, calm, end },
        peak_utilization: watched.peak,
        stuck: watched.stuck(),
        leavers,
        stayer,
        entries_above_target: show.sides.iter().map(|side| side.above_target).sum(),
    })
}

/// Sends what `leaving` asks with, for the next block.
async fn leave(stage: &Stage, leaving: &mut Leaving) -> anyhow::Result<()> {
    for call in leaving.ask(stage).await? {
        stage.chain.send(&call).await?;
    }
    Ok(())
}

/// Has the queue paid, as anyone may, and collects.
async fn collect(stage: &Stage, leaving: &[Leaving]) -> anyhow::Result<()> {
    if leaving.iter().all(|each| each.asked_at.is_none()) {
        return Ok(());
    }
    stage.chain.send(&pay_queue(stage, &stage.usdc)).await?;
    for each in leaving.iter().filter(|each| each.waits()) {
        stage.chain.send(&each.claim()).await?;
    }
    Ok(())
}

async fn told(stage: &Stage, leaving: &Leaving) -> anyhow::Result<Leaver> {
    let got = leaving.got(stage).await?;
    Ok(Leaver {
        who: leaving.who,
        asked_at: leaving.asked_at.unwrap_or_default(),
        paid_by: leaving.paid_by,
        paid: decimal(signed(got), Asset::Usdc.decimals()),
        price: leaving.price_of(got),
        price_when_asked: leaving.price_when_asked,
    })
}

/// Lets an hour pass and looks at it.
async fn hour(show: &mut Show, watched: &mut Watched) -> anyhow::Result<()> {
    for tick in show.hour().await? {
        watched.take(&tick);
        show.told.hour(&tick);
    }
    Ok(())
}

/// Says in words what came of it.
pub(crate) fn tell(document: &Document) {
    let Document { stuck, stayer, .. } = document;
    say(&format!(
        "{} was used to {:.2} % (blocks {} to {}). At most {} USDC ({:.1} % of everything) could not leave, at {} blocks.",
        document.market,
        document.peak_utilization * 100.0,
        document.blocks.run,
        document.blocks.calm,
        stuck.most,
        stuck.most_of_nav * 100.0,
        stuck.blocks
    ));
    for leaver in &document.leavers {
        let by = leaver.paid_by.map_or_else(
            || "still waits for a part".to_owned(),
            |block| format!("was paid {} blocks later", block.saturating_sub(leaver.asked_at)),
        );
        say(&format!(
            "{}: asked at block {}, {by}; {:.8} USDC a share, {:.8} when they asked",
            leaver.who, leaver.asked_at, leaver.price, leaver.price_when_asked
        ));
    }
    say(&format!(
        "who stayed: {:.8} a share when it began, {:.8} at the end; entries that left a market above its target: {}",
        stayer.price_at_run, stayer.price_at_end, document.entries_above_target
    ));
}
