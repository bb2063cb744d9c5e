//! A demo in which a bank runs: everyone leaves the largest market until it is used in full, with warning or
//! without, while two of three depositors leave the vault.
//!
//! It tells what was stuck and for how long, what each who left was paid for a share, and whether the engine brought
//! anything into a market that it left above its target.

use super::document::decimal;
use super::stage::{DAY_BLOCKS, Scope, Stage};
use super::world::WorldFile;
use super::{Show, begin};
use crate::cli::{BankRun, DemoOptions};
use crate::output::say;
use alloy::primitives::{Address, U256};
use anyhow::Context;
use plimsoll_core::Amount;
use plimsoll_execute::live::Tick;
use plimsoll_execute::live::books::signed;
use plimsoll_localchain::abi::{IPlimsollVault, IToken};
use plimsoll_localchain::{Artifacts, Asset, Call, Market, Run};
use serde::Serialize;

/// Whole days before it, while it lasts, and after it.
const DAYS: (u64, u64, u64) = (3, 4, 5);
/// Blocks of warning.
const WARNING: u64 = 24;
/// Blocks between the first and the last to leave.
const LATER: u64 = 48;
/// Gas of what a depositor does: the vault keeps gas in reserve for each market.
const GAS: u64 = 6_000_000;
/// Of less than this, raw units, nothing is said to be stuck.
const DUST: u64 = 1_000_000;

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

/// What could not leave.
#[derive(Debug, Default, Serialize)]
struct Stuck {
    /// Blocks at which more than dust could not.
    blocks: u64,
    /// The most, in the vault's asset.
    most: String,
    /// The same as a share of everything.
    most_of_nav: f64,
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

/// One who leaves, on the way out.
struct Leaving {
    who: &'static str,
    account: Address,
    asked_at: Option<u64>,
    shares: U256,
    price_when_asked: f64,
    paid: Option<u64>,
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
        watched.hour(&mut show).await?;
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
    let mut leaving = [leaver("early", account(6)?), leaver("late", account(7)?)];
    let first = show.stage.chain.head().await?.number;
    let price_at_run = price(&show.stage).await?;
    for hour in 0..during * DAY_BLOCKS {
        if hour == warning {
            leave(&show.stage, &mut leaving[0]).await?;
        }
        if hour == warning + LATER {
            leave(&show.stage, &mut leaving[1]).await?;
        }
        collect(&show.stage, &leaving).await?;
        watched.hour(&mut show).await?;
        paid(&show.stage, &mut leaving).await?;
    }
    show.stage.driver.calm(market)?;
    let calm = show.stage.chain.head().await?.number;
    for _ in 0..after * DAY_BLOCKS {
        collect(&show.stage, &leaving).await?;
        watched.hour(&mut show).await?;
        paid(&show.stage, &mut leaving).await?;
    }
    let end = show.stage.chain.head().await?.number;
    let mut told = Vec::new();
    for each in &leaving {
        told.push(each.told(&show.stage).await?);
    }
    let stayer = Stayer { price_at_run, price_at_end: price(&show.stage).await? };
    Ok(Document {
        schema: 1,
        seed: options.seed,
        warning_blocks: warning,
        market: market.to_string(),
        blocks: Blocks { run: first, calm, end },
        peak_utilization: watched.peak,
        stuck: watched.stuck(),
        leavers: told,
        stayer,
        entries_above_target: show.sides.iter().map(|side| side.above_target).sum(),
    })
}

fn leaver(who: &'static str, account: Address) -> Leaving {
    Leaving { who, account, asked_at: None, shares: U256::ZERO, price_when_asked: 0.0, paid: None }
}

/// Asks for everything: what can be paid now, and the rest by the queue.
async fn leave(stage: &Stage, leaving: &mut Leaving) -> anyhow::Result<()> {
    let (chain, vault, holder) = (&stage.chain, stage.usdc.vault.address, leaving.account);
    leaving.shares = chain.call(vault, &IPlimsollVault::balanceOfCall { account: holder }).await?;
    leaving.price_when_asked = price(stage).await?;
    leaving.asked_at = Some(chain.head().await?.number);
    let now =
        chain.call(vault, &IPlimsollVault::maxRedeemCall { holder }).await?.min(leaving.shares);
    if !now.is_zero() {
        let redeem = IPlimsollVault::redeemCall { shares: now, receiver: holder, holder };
        chain.send(&Call::new(holder, vault, &redeem).with_gas(GAS)).await?;
    }
    let rest = leaving.shares.saturating_sub(now);
    if !rest.is_zero() {
        let request = IPlimsollVault::requestRedeemCall { shares: rest };
        chain.send(&Call::new(holder, vault, &request).with_gas(GAS)).await?;
    }
    Ok(())
}

/// Has the queue paid, as anyone may, and collects.
async fn collect(stage: &Stage, leaving: &[Leaving]) -> anyhow::Result<()> {
    let (chain, vault) = (&stage.chain, stage.usdc.vault.address);
    if leaving.iter().all(|each| each.asked_at.is_none()) {
        return Ok(());
    }
    let anyone = stage.deployment.admin;
    chain.send(&Call::new(anyone, vault, &IPlimsollVault::payQueueCall {}).with_gas(GAS)).await?;
    for each in leaving.iter().filter(|each| each.asked_at.is_some() && each.paid.is_none()) {
        let claim = IPlimsollVault::claimRedeemCall { receiver: each.account };
        chain.send(&Call::new(each.account, vault, &claim).with_gas(GAS)).await?;
    }
    Ok(())
}

/// Notes who has been paid everything.
async fn paid(stage: &Stage, leaving: &mut [Leaving]) -> anyhow::Result<()> {
    for each in leaving.iter_mut().filter(|each| each.asked_at.is_some() && each.paid.is_none()) {
        let (chain, vault, holder) = (&stage.chain, stage.usdc.vault.address, each.account);
        let held = chain.call(vault, &IPlimsollVault::balanceOfCall { account: holder }).await?;
        let queued = chain.call(vault, &IPlimsollVault::queuedCall { holder }).await?;
        if held.is_zero() && queued.shares.is_zero() && queued.assets.is_zero() {
            each.paid = Some(chain.head().await?.number);
        }
    }
    Ok(())
}

impl Leaving {
    async fn told(&self, stage: &Stage) -> anyhow::Result<Leaver> {
        let balance = IToken::balanceOfCall { account: self.account };
        let got = Amount(stage.chain.call(stage.usdc.vault.asset, &balance).await?);
        let shares = Amount(self.shares).to_f64(share_decimals());
        let decimals = Asset::Usdc.decimals();
        Ok(Leaver {
            who: self.who,
            asked_at: self.asked_at.unwrap_or_default(),
            paid_by: self.paid,
            paid: decimal(signed(got), decimals),
            price: if shares > 0.0 { got.to_f64(decimals) / shares } else { 0.0 },
            price_when_asked: self.price_when_asked,
        })
    }
}

fn share_decimals() -> u8 {
    Asset::Usdc.decimals() + 6
}

/// What leaving pays for a whole share.
async fn price(stage: &Stage) -> anyhow::Result<f64> {
    // A million shares, so that six decimals of the asset show enough of it.
    let shares = U256::from(10).pow(U256::from(share_decimals() + 6));
    let call = IPlimsollVault::convertToAssetsCall { shares };
    let assets = Amount(stage.chain.call(stage.usdc.vault.address, &call).await?);
    Ok(assets.to_f64(Asset::Usdc.decimals()) / 1e6)
}

/// What is watched block by block.
#[derive(Debug, Default)]
struct Watched {
    peak: f64,
    blocks: u64,
    most: Amount,
    most_of_nav: f64,
}

impl Watched {
    /// Lets an hour pass and looks at it.
    async fn hour(&mut self, show: &mut Show) -> anyhow::Result<()> {
        for tick in show.hour().await? {
            self.take(&tick, show);
        }
        Ok(())
    }

    fn take(&mut self, tick: &Tick, show: &Show) {
        let aave = tick.reads.iter().flatten().flat_map(|read| &read.readings);
        for reading in aave.filter(|reading| reading.market.protocol() == "aave-v3") {
            let supplied = reading.supplied.to_f64(reading.decimals);
            let used = if supplied > 0.0 {
                reading.borrowed.to_f64(reading.decimals) / supplied
            } else {
                0.0
            };
            self.peak = self.peak.max(used);
        }
        let vault = &tick.vault;
        let locked = vault.places.iter().map(|place| {
            place.worth.unwrap_or_default().saturating_sub(place.available.unwrap_or_default())
        });
        let locked = locked.fold(Amount::ZERO, Amount::saturating_add);
        if locked > Amount(U256::from(DUST)) {
            self.blocks += 1;
        }
        if locked > self.most {
            self.most = locked;
            let all = vault.gross.to_f64(vault.decimals);
            self.most_of_nav = if all > 0.0 { locked.to_f64(vault.decimals) / all } else { 0.0 };
        }
        show.told.hour(tick);
    }

    fn stuck(&self) -> Stuck {
        let most = decimal(signed(self.most), Asset::Usdc.decimals());
        Stuck { blocks: self.blocks, most, most_of_nav: self.most_of_nav }
    }
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
