//! The service over the two vaults of the demo's world: positions of every kind, and books that add up.

use super::drive::{drive, learn};
use super::show::Show;
use crate::demo::stage::{DAYS_BEFORE, Seat, Stage};
use crate::demo::world::WorldFile;
use plimsoll_core::{RiskLine, Time};
use plimsoll_dashboard::view::{KindView, Mode, PositionView, PositionsView, VaultView};
use plimsoll_dashboard::{About, Secrets, Settings, channel, listen};
use plimsoll_execute::live::{Engine, Heads};
use plimsoll_localchain::{Artifacts, Asset};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Hours that the engines work.
const HOURS: u64 = 72;
/// Polls of a twentieth of a second.
const POLLS: u32 = 2_400;

/// A vault, where its service is, and what it had at the first look.
struct Watched {
    name: &'static str,
    address: String,
    decimals: u8,
    start: Option<i128>,
    kinds: BTreeSet<&'static str>,
    ranges: u32,
    bent: bool,
}

fn kind(view: KindView) -> &'static str {
    match view {
        KindView::Lending => "lending",
        KindView::Staking => "staking",
        KindView::Lp => "lp",
        KindView::Mining => "mining",
    }
}

impl Watched {
    /// Raw units of the vault's asset.
    fn raw(&self, decimal: &plimsoll_dashboard::view::Decimal) -> i128 {
        let text = decimal.to_string();
        let (whole, part) = text.split_once('.').unwrap();
        assert_eq!(part.len(), usize::from(self.decimals), "{text}");
        format!("{whole}{part}").parse().unwrap()
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, path: &str) -> Option<T> {
        let answer = reqwest::get(format!("http://{}{path}", self.address)).await.ok()?;
        answer.json().await.ok()
    }

    /// What is shown once everything is of block `head`.
    async fn at(&self, head: u64) -> (VaultView, Vec<PositionView>) {
        for _ in 0..POLLS {
            let metrics = reqwest::get(format!("http://{}/metrics", self.address)).await.unwrap();
            let books = format!("\nplimsoll_books_block_number {head}\n");
            if metrics.text().await.unwrap().contains(&books) {
                let vault: VaultView = self.read("/v1/vault").await.unwrap();
                let shown: PositionsView = self.read("/v1/positions").await.unwrap();
                let of = |each: &PositionView| serde_json::to_value(&each.profit).unwrap();
                if shown.positions.iter().all(|each| of(each)["as_of"]["block"] == head) {
                    return (vault, shown.positions);
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{}: the books were not kept up to block {head}", self.name);
    }

    /// Checks what is shown of block `head`.
    async fn check(&mut self, head: u64) {
        let (vault, positions) = self.at(head).await;
        let gross = self.raw(vault.nav_gross.value().unwrap());
        let start = *self.start.get_or_insert(gross);
        let sum: i128 = positions.iter().map(|each| self.raw(each.profit.value().unwrap())).sum();
        assert_eq!(sum, gross - start, "{} at {head}: the books add up: {positions:#?}", self.name);
        for each in &positions {
            let causes = [
                &each.income,
                &each.rewards,
                &each.fees,
                &each.price,
                &each.cost,
                &each.impairment,
            ];
            let parts: i128 =
                causes.iter().filter_map(|cause| cause.value()).map(|part| self.raw(part)).sum();
            assert_eq!(parts, self.raw(each.profit.value().unwrap()), "{each:#?}");
            self.check_kind(each);
        }
    }

    /// Checks that what applies to its kind is known, and the rest is not.
    fn check_kind(&mut self, each: &PositionView) {
        let is_held = self.raw(each.worth.value().unwrap()) > 0;
        let known = kind(each.kind.unwrap());
        self.kinds.insert(known);
        let is_staking = known == "staking";
        for queue in [&each.queued, &each.claimable] {
            assert_eq!(queue.value().is_some(), is_staking, "{each:#?}");
        }
        assert_eq!(each.discount.value().is_some(), is_staking, "{each:#?}");
        if let Some(discount) = each.discount.value() {
            assert!(discount.abs() < 0.2, "{discount}");
        }
        if known == "mining" {
            assert!(each.rewards_due.value().is_some() && each.rewards.value().is_some());
        }
        if known == "lending" || is_staking {
            assert!(each.fees.value().is_none() && each.lvr.value().is_none(), "{each:#?}");
            assert!(each.income.value().is_some() && each.impairment.value().is_some());
        } else {
            assert!(each.fees.value().is_some() && each.price.value().is_some(), "{each:#?}");
        }
        for lost in [&each.impermanent_loss, &each.lvr] {
            let lost = lost.value().map(|lost| self.raw(lost));
            assert!(lost.is_none_or(|lost| lost <= 0), "{each:#?}");
            self.bent |= lost.is_some_and(|lost| lost < 0);
        }
        let Some(range) = each.range.as_ref().filter(|_| is_held) else { return };
        self.ranges += 1;
        assert!(each.fees_due.value().is_some(), "{each:#?}");
        let figures = [&range.lower, &range.upper, &range.price, &range.half_width, &range.offset];
        let [lower, upper, price, half, offset] = figures.map(|figure| *figure.value().unwrap());
        assert!(lower < upper && ((upper / lower).ln() - 2.0 * half).abs() < 1e-9, "{range:#?}");
        assert_eq!(lower < price && price < upper, offset.abs() < half, "{range:#?}");
    }
}

/// An engine of a vault on the stage that has learnt from the days before.
async fn engine(stage: &Stage, seat: &Seat, folder: &std::path::Path) -> Engine {
    let mut engine = stage.engine(seat, RiskLine::Balanced, folder).await.unwrap();
    learn(&mut engine, u32::try_from(DAYS_BEFORE).unwrap()).await.unwrap();
    engine
}

#[tokio::test]
#[ignore = "two engines for three days after 36 days of markets: minutes; `make deep` runs it"]
async fn positions_of_every_kind_are_shown_with_what_they_brought() {
    let artifacts = Artifacts::find().expect("`make contracts` prepares them");
    let mut stage = {
        let world = WorldFile::default();
        Stage::set(&artifacts, world.people(7), world.scope()).await.unwrap()
    };
    for _ in 0..DAYS_BEFORE {
        stage.day().await.unwrap();
    }
    let deposits = |seat: &Seat| match seat.asset {
        Asset::Weth => vec![(9, 40)],
        _ => vec![(5, 100_000)],
    };
    stage.deposit(&deposits).await.unwrap();
    let stop = CancellationToken::new();
    let (mut engines, mut watched) = (Vec::new(), Vec::new());
    let folder = tempfile::tempdir().unwrap();
    for seat in stage.seats() {
        let name = seat.asset.symbol();
        let engine = engine(&stage, seat, &folder.path().join(name)).await;
        let about =
            About { version: "test".to_owned(), started: Time(0), secrets: Secrets::default() };
        let (publisher, service) = channel(Settings::default(), about).unwrap();
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(service.serve(listener, stop.clone()));
        let show = Show::new(publisher, Mode::Live, (31_337, name.to_owned()));
        let heads = Heads::new(engine.nodes().clone(), Duration::from_millis(20), None);
        engines.push((engine, heads, show));
        let (decimals, kinds) = (seat.asset.decimals(), BTreeSet::new());
        watched.push(Watched {
            name,
            address,
            decimals,
            start: None,
            kinds,
            ranges: 0,
            bent: false,
        });
    }
    let driven = engines.iter_mut().map(|(engine, heads, show)| {
        show.started(engine);
        drive(engine, heads, (show, None), &stop)
    });
    let checked = async {
        for _ in 0..HOURS {
            let head = stage.chain.head().await.unwrap().number;
            for each in &mut watched {
                each.check(head).await;
            }
            stage.driver.step(&stage.chain).await.unwrap();
        }
    };
    tokio::select! {
        ended = futures::future::join_all(driven) => panic!("an engine ended: {ended:?}"),
        () = checked => {}
    }
    let kinds: BTreeSet<&str> = watched.iter().flat_map(|each| each.kinds.clone()).collect();
    for wanted in ["lending", "staking", "mining"] {
        assert!(kinds.contains(wanted), "{wanted} was held: {kinds:?}");
    }
    assert!(watched.iter().any(|each| each.bent), "a curve cost something");
    eprintln!(
        "kinds {kinds:?}, looks at ranges {:?}",
        watched.iter().map(|it| it.ranges).collect::<Vec<_>>()
    );
}
