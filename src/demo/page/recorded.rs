//! Recorded rates, to be set beside the world's.

use super::figures::{LEAST_DAYS, figures, quantile};
use crate::wiring;
use anyhow::Context;
use plimsoll_adapters::Selection;
use plimsoll_backtests::report::course::{MoveFigures, RecordedMoves};
use plimsoll_core::{Denomination, MarketId, asset};
use plimsoll_execute::Catalog;
use plimsoll_frame::GateMode;
use plimsoll_models::panel::{Panel, Track};
use std::path::Path;

/// Whose dollars: those of USDC, USDT and DAI, bridged ones included.
const ISSUERS: [&str; 3] = ["circle", "tether", "sky"];
/// Longer than any history.
const ALL_DAYS: i64 = 36_500;
/// In a window one of so many days may be missing.
const ONE_MISSING_OF: usize = 10;

/// Returns how the rates of recorded reserves of dollars moved in windows of `days`, or why that is not known.
pub(super) fn moves(folder: Option<&Path>, days: usize) -> Result<RecordedMoves, String> {
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let folder =
        folder.ok_or("no folder of history was given, neither by --data nor by PLIMSOLL_DATA")?;
    if days < LEAST_DAYS {
        return Err(format!("{days} days are too few to compare"));
    }
    let windows = windows(folder, days).map_err(|error| format!("{error:#}"))?;
    let count = (windows.reserves, windows.figures.len());
    if windows.figures.is_empty() {
        return Err(format!(
            "{} has no reserve of USDC, USDT or DAI with {days} days on record",
            folder.display()
        ));
    }
    let at = |part| {
        let of = |figure: fn(&MoveFigures) -> Option<f64>| {
            quantile(windows.figures.iter().map(figure), part)
        };
        MoveFigures {
            mean: of(|found| found.mean),
            deviation: of(|found| found.deviation),
            changes: of(|found| found.changes),
            next_day: of(|found| found.next_day),
        }
    };
    Ok(RecordedMoves { source: windows.source, count, quartiles: [0.25, 0.5, 0.75].map(at) })
}

/// The figures of every window.
struct Windows {
    source: String,
    reserves: usize,
    figures: Vec<MoveFigures>,
}

fn windows(folder: &Path, days: usize) -> anyhow::Result<Windows> {
    let config = crate::config::load(None)?;
    let source = wiring::open(folder)?.with_index_only();
    let feed = wiring::feed(&source, &Selection::default(), &config, GateMode::Enforce)?;
    let (first, last) =
        feed.frame.span().with_context(|| format!("{}: no row is usable", folder.display()))?;
    let panel = Panel::new(&feed.frame.view(last.day().end()), ALL_DAYS);
    let mut found = Windows {
        source: format!(
            "USDC, USDT and DAI, bridged ones included, in {}, {} to {}",
            source.file_names().collect::<Vec<_>>().join(", "),
            first.day(),
            last.day()
        ),
        reserves: 0,
        figures: Vec::new(),
    };
    for track in panel.tracks.iter().filter(|track| is_dollar(&feed.catalog, &track.market)) {
        let moves = of_track(track, days);
        found.reserves += usize::from(!moves.is_empty());
        found.figures.extend(moves);
    }
    Ok(found)
}

fn is_dollar(catalog: &Catalog, market: &MarketId) -> bool {
    catalog.get(market).is_some_and(|info| {
        let issuer = asset::issuer(&info.last_symbol);
        info.denomination == Denomination::Usd && issuer.is_some_and(|name| ISSUERS.contains(&name))
    })
}

/// The figures of a reserve's windows in which its rate moved at all: what cannot be borrowed stands still.
fn of_track(track: &Track, days: usize) -> Vec<MoveFigures> {
    let aprs: Vec<Option<f64>> =
        track.days.iter().map(|day| day.supply_apr.map(|apr| apr * 100.0)).collect();
    let is_known = |window: &&[Option<f64>]| {
        window.iter().filter(|apr| apr.is_none()).count() <= days / ONE_MISSING_OF
    };
    let found = aprs.chunks_exact(days).filter(is_known).map(figures);
    found.filter(|found| found.next_day.is_some()).collect()
}
