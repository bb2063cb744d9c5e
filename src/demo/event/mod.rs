//! A demo in which something goes wrong once the engines hold what it strikes, and two of three depositors of each vault
//! leave: one right after it, one at the end.
//!
//! It tells what each vault lost and why, who bore it, what the engine did, and that everything can be taken out with the
//! guardian's and the holder's keys alone. What the engines hold they chose; nothing is put anywhere by hand.

mod document;
mod freed;
mod kept;
mod plot;
mod tell;

pub(crate) use document::Document;
pub(crate) use tell::tell;

use super::document::decimal;
use super::leaving::{Leaving, pay_queue, price};
use super::side::Side;
use super::stage::{DAY_BLOCKS, Seat};
use super::world::WorldFile;
use super::{Show, begin};
use crate::cli::{DemoOptions, EventName};
use alloy::primitives::Address;
use anyhow::Context;
use document::{Blocks, Cause, Engine, Leaver, Moved, Stayer, Thrice, Vault};
use freed::Freed;
use kept::{Kept, Snapshot};
use plimsoll_execute::live::Tick;
use plimsoll_execute::live::books::signed;
use plimsoll_localchain::{Artifacts, Asset, Call};
use plot::{Plot, happen, plot};

/// Days until it happens at the least, and at the most where what it strikes is not held yet.
const DAYS_BEFORE: (u64, u64) = (2, 15);
/// Places of the depositors among the accounts: who stays, leaves early, leaves late.
const STAYER: usize = 5;
const EARLY: usize = 6;
const LATE: usize = 7;
/// Of less than this part of NAV nothing is said to be held.
const HELD: f64 = 0.005;

/// A vault with what is kept of it.
struct Track {
    seat: Seat,
    stayer: Address,
    kept: Kept,
    leaving: [Leaving; 2],
}

/// An event under way.
struct Play {
    show: Show,
    tracks: Vec<Track>,
}

/// Plays it and returns what came of it.
pub(crate) async fn played(
    options: &DemoOptions,
    name: EventName,
    artifacts: &Artifacts,
) -> anyhow::Result<Document> {
    let plot = plot(name);
    let deposits = |seat: &Seat| match seat.asset {
        Asset::Weth => vec![(STAYER, 20), (EARLY, 10), (LATE, 10)],
        _ => vec![(STAYER, 50_000), (EARLY, 25_000), (LATE, 25_000)],
    };
    let (show, first, _kept) =
        begin(options, artifacts, (&WorldFile::default(), plot.scope), &deposits).await?;
    let mut play = Play::new(show, &first)?;
    play.until_held(&plot, options.seed).await?;
    // What is on its way lands before the event.
    play.aside(&[], false).await?;
    let held = play.show.sides.iter().map(held).collect::<Vec<_>>();
    let before = play.snapshots().await?;
    happen(&mut play.show, name, artifacts).await?;
    play.tracks.iter_mut().for_each(|track| track.kept.strike());
    play.hour().await?;
    let struck = play.show.stage.chain.head().await?.number;
    let after = play.snapshots().await?;
    play.leave(0).await?;
    for _ in 0..plot.days_after * DAY_BLOCKS {
        play.collect().await?;
        play.hour().await?;
    }
    play.aside(&[], false).await?;
    let end = play.show.stage.chain.head().await?.number;
    let ends = play.snapshots().await?;
    play.leave(1).await?;
    for _ in 0..DAY_BLOCKS {
        if !play.tracks.iter().flat_map(|track| &track.leaving).any(Leaving::waits) {
            break;
        }
        play.hour().await?;
        play.collect().await?;
    }
    let mut vaults = Vec::new();
    for (place, held) in held.into_iter().enumerate() {
        let snapshots = [&before, &after, &ends].map(|each| each.get(place));
        let [Some(before), Some(after), Some(end)] = snapshots else { continue };
        vaults.push(play.vault(place, (held, struck), [before, after, end]).await?);
    }
    for (vault, track) in vaults.iter_mut().zip(&play.tracks) {
        vault.freed = freed::free(&mut play.show, (&track.seat, track.stayer)).await?;
    }
    Ok(Document {
        schema: 1,
        seed: options.seed,
        event: name.key(),
        blocks: Blocks { event: struck, end },
        vaults,
    })
}

/// What a vault holds, in raw units by market.
fn held(side: &Side) -> Vec<(String, i128)> {
    let accounts = side.books.accounts().iter();
    let held = accounts.filter(|(_, account)| !account.look.worth.is_zero());
    held.map(|(market, account)| (market.to_string(), signed(account.look.worth))).collect()
}

impl Play {
    fn new(show: Show, first: &[Tick]) -> anyhow::Result<Play> {
        let account =
            |place: usize| show.stage.chain.accounts().get(place).copied().context("no depositor");
        let mut tracks = Vec::new();
        for (side, tick) in show.sides.iter().zip(first) {
            let leaver = |who, place| anyhow::Ok(Leaving::new(who, &side.seat, account(place)?));
            let leaving = [leaver("early", EARLY)?, leaver("late", LATE)?];
            let seat = side.seat.clone();
            tracks.push(Track { seat, stayer: account(STAYER)?, kept: Kept::begin(tick), leaving });
        }
        Ok(Play { show, tracks })
    }

    /// Lets the people make a block, and has the engines answer it.
    async fn hour(&mut self) -> anyhow::Result<()> {
        let ticks = self.show.hour().await?;
        self.take(&ticks, false);
        Ok(())
    }

    async fn aside(&mut self, calls: &[Call], is_drawn: bool) -> anyhow::Result<()> {
        let ticks = self.show.aside(calls, is_drawn).await?;
        self.take(&ticks, is_drawn);
        Ok(())
    }

    fn take(&mut self, ticks: &[Tick], is_drawn: bool) {
        for (track, tick) in self.tracks.iter_mut().zip(ticks) {
            track.kept.take(tick, is_drawn);
            self.show.told.hour(tick);
        }
    }

    /// Lets days pass until everything that the event strikes is held.
    async fn until_held(&mut self, plot: &Plot, seed: u64) -> anyhow::Result<()> {
        let (least, most) = DAYS_BEFORE;
        for day in 0..most {
            if day >= least && plot.strikes.iter().all(|what| self.is_held(*what)) {
                return Ok(());
            }
            for _ in 0..DAY_BLOCKS {
                self.hour().await?;
            }
        }
        let missing: Vec<&str> =
            plot.strikes.iter().filter(|what| !self.is_held(**what)).map(|what| what.1).collect();
        anyhow::bail!(
            "in the world of seed {seed} the engine holds nothing in {} after {most} days: take another --seed",
            missing.join(", ")
        )
    }

    fn is_held(&self, (asset, protocol): (Asset, &str)) -> bool {
        let tracks = self.show.sides.iter().zip(&self.tracks);
        let mut sides = tracks.filter(|(side, _)| side.seat.asset == asset);
        sides.any(|(side, track)| {
            let accounts = side.books.accounts().iter();
            let mut there = accounts.filter(|(market, _)| market.protocol() == protocol);
            let least = track.kept.gross.to_f64(asset.decimals()) * HELD;
            there.any(|(_, account)| account.look.worth.to_f64(asset.decimals()) > least)
        })
    }

    async fn snapshots(&self) -> anyhow::Result<Vec<Snapshot>> {
        let mut all = Vec::new();
        for (side, track) in self.show.sides.iter().zip(&self.tracks) {
            all.push(Snapshot::of(&self.show.stage, side, &track.kept).await?);
        }
        Ok(all)
    }

    /// The first or the second leaver of each vault asks for everything.
    async fn leave(&mut self, which: usize) -> anyhow::Result<()> {
        // An engine's plan that is on its way comes before them.
        self.aside(&[], false).await?;
        let mut calls = Vec::new();
        for track in &mut self.tracks {
            if let Some(leaving) = track.leaving.get_mut(which) {
                calls.extend(leaving.ask(&self.show.stage).await?);
            }
        }
        self.aside(&calls, true).await?;
        let mut rest = Vec::new();
        for leaving in self.tracks.iter().filter_map(|track| track.leaving.get(which)) {
            rest.extend(leaving.ask_for_rest(&self.show.stage).await?);
        }
        if !rest.is_empty() {
            self.aside(&rest, false).await?;
        }
        self.note().await
    }

    async fn note(&mut self) -> anyhow::Result<()> {
        for leaving in self.tracks.iter_mut().flat_map(|track| &mut track.leaving) {
            leaving.note(&self.show.stage).await?;
        }
        Ok(())
    }

    /// Has queues paid, as anyone may, and collects; a queue that cannot be paid now waits for the next hour.
    async fn collect(&mut self) -> anyhow::Result<()> {
        let mut calls = Vec::new();
        for (side, track) in self.show.sides.iter().zip(&self.tracks) {
            let mut waiting = track.leaving.iter().filter(|each| each.waits()).peekable();
            if waiting.peek().is_some() {
                calls.push(pay_queue(&self.show.stage, &side.seat));
                calls.extend(waiting.map(Leaving::claim));
            }
        }
        if calls.is_empty() {
            return Ok(());
        }
        self.aside(&[], false).await?;
        for call in &calls {
            self.show.stage.chain.send(call).await?;
        }
        self.aside(&[], true).await?;
        self.note().await
    }

    /// Everything of a vault but how it is freed.
    async fn vault(
        &self,
        place: usize,
        (held, struck): (Vec<(String, i128)>, u64),
        [before, after, end]: [&Snapshot; 3],
    ) -> anyhow::Result<Vault> {
        let (side, track) = (self.show.sides.get(place), self.tracks.get(place));
        let (side, track) = side.zip(track).context("no such vault")?;
        let (seat, decimals) = (&side.seat, side.seat.asset.decimals());
        let kept = &track.kept;
        let changed = signed(kept.gross) - signed(kept.first);
        let explained = side.explained() - kept.left;
        anyhow::ensure!(
            changed == explained,
            "the books explain {explained} raw units of a change of {changed}: this is a fault of Plimsoll"
        );
        let causes = |from: &Snapshot, to: &Snapshot| {
            let each = to.brought.iter().filter_map(|(market, brought)| {
                let from = from.brought.get(market).copied().unwrap_or_default();
                let kind = side.kind(market).key();
                Cause::between((market.as_str(), kind), (&from, brought), decimals)
            });
            each.collect::<Vec<Cause>>()
        };
        let against = |price: f64| (price / before.price - 1.0) * 100.0;
        let mut leavers = Vec::new();
        for leaving in &track.leaving {
            let got = leaving.got(&self.show.stage).await?;
            leavers.push(Leaver {
                who: leaving.who,
                asked_after: leaving.asked_at.unwrap_or_default().saturating_sub(struck),
                paid_by: leaving.paid_by,
                paid: decimal(signed(got), decimals),
                price: leaving.price_of(got),
                price_when_asked: leaving.price_when_asked,
                against_before_pct: against(leaving.price_of(got)),
            });
        }
        let price_at_end = price(&self.show.stage, seat).await?;
        let text = |raw: i128| decimal(raw, decimals);
        let nav = [before, after, end].map(|each| text(signed(each.gross)));
        let [nav_before, nav_after, nav_end] = nav;
        Ok(Vault {
            name: seat.asset.symbol(),
            held: held.into_iter().map(|(market, raw)| (market, text(raw))).collect(),
            nav: Thrice { before: nav_before, after: nav_after, end: nav_end },
            share_price: Thrice { before: before.price, after: after.price, end: end.price },
            left: text(kept.left),
            event: causes(before, after),
            later: causes(after, end),
            leavers,
            stayer: Stayer { price_at_end, against_before_pct: against(price_at_end) },
            stuck: kept.watched.stuck(),
            engine: engine(side, kept, struck),
            freed: Freed::default(),
        })
    }
}

/// What the engine did from the event on.
fn engine(side: &Side, kept: &Kept, struck: u64) -> Engine {
    let legs = side.moves(side.seat.asset.decimals()).into_iter();
    let legs = legs.filter(|leg| leg.block > struck);
    let moves: Vec<Moved> = legs.map(|leg| Moved { after: leg.block - struck, leg }).collect();
    Engine {
        first_move_after: moves.first().map(|first| first.after),
        moves,
        plans: kept.proposed,
        halts: kept.halts.clone(),
        trips: kept.trips.clone(),
    }
}
