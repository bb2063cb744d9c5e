//! The page has every series of a world that lived, and says what is missing.

use super::*;
use crate::cli::{Cli, Command};
use crate::demo::stage::{Scope, Stage};
use crate::demo::world::WorldFile;
use clap::Parser;
use plimsoll_localchain::{Artifacts, PoolName};
use std::path::PathBuf;

fn options(data: Option<PathBuf>) -> DemoOptions {
    let Command::Demo(options) = Cli::parse_from(["plimsoll", "demo", "--days", "2"]).command
    else {
        panic!("demo is a command");
    };
    DemoOptions { data, ..options }
}

/// The diary of a world that lived for so many hours; `None` where its contracts are not there.
async fn lived(scope: Scope, hours: usize) -> Option<Vec<View>> {
    let artifacts = match Artifacts::find() {
        Ok(artifacts) => artifacts,
        Err(error) => {
            let is_required = std::env::var("PLIMSOLL_REQUIRE_CONTRACTS").is_ok_and(|it| it == "1");
            assert!(!is_required, "{error}");
            println!("skipped: {error}");
            return None;
        }
    };
    let mut stage = Stage::set(&artifacts, WorldFile::default().people(7), scope).await.unwrap();
    stage.driver.keep_diary();
    for _ in 0..hours {
        stage.driver.step(&stage.chain).await.unwrap();
    }
    let mut views = stage.driver.diary().to_vec();
    views.push(stage.driver.view(&stage.chain).await.unwrap());
    assert_eq!(views.len(), hours + 1);
    Some(views)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_with_pools_has_every_series_and_fees_are_earned() {
    let Some(views) = lived(WorldFile::default().scope(), 53).await else { return };
    let page = page(&options(None), &views);
    let named: Vec<&str> = page.kinds.iter().map(|kind| kind.id).collect();
    assert_eq!(named, ["lending", "pools", "rewards", "staked", "prices"]);
    let markets: Vec<usize> = page.kinds.iter().map(|kind| kind.markets.len()).collect();
    assert_eq!(markets, [5, 5, 1, 1, 1]);
    let charts = || page.kinds.iter().flat_map(|kind| &kind.markets).flat_map(|it| &it.charts);
    assert_eq!(charts().count(), 13 * 3);
    for chart in charts() {
        for line in &chart.lines {
            // Two whole days of fees; everything else hour by hour.
            let wanted = if line.name == "fees" { 2 } else { 54 };
            assert_eq!(line.points.len(), wanted, "{}: {}", chart.title, line.name);
            assert!(line.points.iter().all(|point| point.1.is_finite()), "{}", chart.title);
        }
    }
    let course = Course { views: &views, start: views[0].head.time };
    for pool in [PoolName::Range, PoolName::Pair, PoolName::Reward, PoolName::Usd, PoolName::Ether]
    {
        let fees = course.fees(pool);
        assert!(fees.iter().all(|day| (0.05..200.0).contains(&day.1)), "{pool:?}: {fees:?}");
    }
    let html = render(&page);
    assert_eq!(html.matches("<svg").count(), 13 * 3);
    assert!(html.contains("no folder of history was given") && !html.contains("://"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_of_lending_alone_says_that_there_is_nothing_else() {
    let Some(views) = lived(Scope::Lending, 3).await else { return };
    let html = render(&page(&options(Some("/nowhere".into())), &views));
    assert_eq!(html.matches("There is none in this world.").count(), 3);
    assert!(html.contains("lending alone"));
    assert!(html.contains("Recorded rates are missing beside these"));
}

#[test]
fn recorded_rates_are_read_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let history = plimsoll_backtests::generate::History { markets: 6, days: 90, seed: 3 };
    plimsoll_backtests::generate::write(folder.path(), &history).unwrap();
    let found = recorded::moves(Some(folder.path()), 30).unwrap();
    let (reserves, windows) = found.count;
    assert!(reserves > 0 && windows <= 3 * reserves, "{found:?}");
    let [low, middle, high] = found.quartiles.map(|figures| figures.changes.unwrap());
    assert!(0.0 < low && low <= middle && middle <= high, "{found:?}");
    assert!(recorded::moves(Some(folder.path()), 5).unwrap_err().contains("too few"));
    assert!(recorded::moves(Some(Path::new("/nowhere")), 30).unwrap_err().contains("/nowhere"));
    assert!(recorded::moves(None, 30).is_err());
}
