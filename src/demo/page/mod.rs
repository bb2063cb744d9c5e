//! `plimsoll demo --html FILE`: the days of the demo's world as a page, from the diary of its people.

mod charts;
mod figures;
mod recorded;
#[cfg(test)]
mod tests;

use super::stage::{DAY_BLOCKS, DAYS_BEFORE};
use crate::cli::DemoOptions;
use crate::exit::Kind;
use crate::output::say;
use anyhow::Context;
use plimsoll_backtests::report::course::{CoursePage, MoveFigures, RateMoves, render};
use plimsoll_backtests::tables;
use plimsoll_localchain::{Driver, LocalChain, Market, View};
use std::path::Path;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// The world's days, hour by hour.
struct Course<'a> {
    views: &'a [View],
    /// The time of the first, in Unix seconds.
    start: u64,
}

/// Writes the page where one is asked for.
pub(super) async fn write(
    options: &DemoOptions,
    (driver, chain): (&Driver, &LocalChain),
) -> anyhow::Result<()> {
    let Some(file) = &options.html else { return Ok(()) };
    let mut views = driver.diary().to_vec();
    views.push(driver.view(chain).await?);
    let page = page(options, &views);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let name = file.file_name().and_then(|name| name.to_str());
    let name = name
        .with_context(|| format!("{}: --html takes the name of a file", file.display()))
        .context(Kind::Usage)?;
    tables::write_file(folder.unwrap_or(Path::new(".")), name, render(&page).as_bytes())
        .context(Kind::Output)?;
    if !options.headless {
        say(&format!("the world's days are drawn in {}", file.display()));
    }
    Ok(())
}

fn page(options: &DemoOptions, views: &[View]) -> CoursePage {
    let start = views.first().map(|view| view.head.time).unwrap_or_default();
    let course = Course { views, start };
    let days = course.days().count();
    let has_world = views.iter().any(|view| view.world.is_some());
    let mut notes = vec![
        "Everything here was generated from a seed on a local chain with real contracts. Sizes and habits are set by hand; the same \
         seed gives the same page."
            .to_owned(),
        "The world's rates are looked at once a day, as the recorded ones were. Figures of few days stray more than those of many."
            .to_owned(),
    ];
    if let Some(prices) = &options.prices {
        notes.push(format!(
            "Ether's price alone is recorded: {} of {}.",
            options.prices_of,
            prices.display()
        ));
    }
    if !has_world {
        notes.push(
            "This world has lending alone: there are no pools, rewards or staked ether to draw."
                .to_owned(),
        );
    }
    CoursePage {
        title: format!("The demo's world, seed {}", options.seed),
        labels: vec![
            "Synthetic: every price, rate and trade here comes from a seed. This says nothing about real returns.".to_owned(),
        ],
        facts: vec![
            format!("{DAYS_BEFORE} days before the depositors"),
            format!("{} days with the engines", options.days),
            format!("{} blocks of an hour", views.len()),
        ],
        days: views.last().map_or(0.0, |view| course.day(view)),
        mark: f64::from(u32::try_from(DAYS_BEFORE).unwrap_or(u32::MAX)),
        marked: "the depositors come".to_owned(),
        kinds: course.kinds(),
        moves: Some(RateMoves {
            world: Market::ALL.into_iter().map(|market| course.moves(market)).collect(),
            recorded: recorded::moves(options.data.as_deref(), days),
        }),
        notes,
    }
}

impl Course<'_> {
    /// Days since the first block.
    fn day(&self, view: &View) -> f64 {
        let seconds = view.head.time.saturating_sub(self.start);
        f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)) / SECONDS_PER_DAY
    }

    /// The first block of each day.
    fn days(&self) -> impl Iterator<Item = &View> {
        self.views.iter().step_by(usize::try_from(DAY_BLOCKS).unwrap_or(1).max(1))
    }

    /// The blocks of each whole day, the next day's first included.
    fn hours_of_days(&self) -> impl Iterator<Item = &[View]> {
        let hours = usize::try_from(DAY_BLOCKS).unwrap_or(1).max(1);
        (0..).map_while(move |day: usize| {
            let from = day.saturating_mul(hours);
            self.views.get(from..=from.saturating_add(hours))
        })
    }

    fn moves(&self, market: Market) -> (String, MoveFigures) {
        let aprs: Vec<Option<f64>> = self
            .days()
            .map(|view| view.lending.get(&market).map(|state| state.supply_apr * 100.0))
            .collect();
        (market.to_string(), figures::figures(&aprs))
    }
}
