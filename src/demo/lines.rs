//! `plimsoll demo --lines FILE`: the same world for each risk line, and what each made of it, as one figure.

use super::document::Document;
use super::played;
use crate::cli::DemoOptions;
use crate::exit::Kind;
use crate::output::say;
use anyhow::Context;
use plimsoll_backtests::report::course::{
    CourseChart, CourseLine, CoursePage, KindCourse, MarketCourse, render,
};
use plimsoll_backtests::tables;
use plimsoll_core::{MarketKind, RiskLine};
use plimsoll_localchain::Artifacts;
use serde::Serialize;
use std::path::Path;

/// What is printed: a document for each line.
#[derive(Debug, Serialize)]
pub(crate) struct Lines {
    schema: u32,
    lines: Vec<Document>,
}

/// What one vault held day by day, as shares of everything, by kind in the order of [`MarketKind::ALL`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Course(pub(crate) Vec<[f64; 4]>);

/// What the figure is made of: a line, and for each of its vaults the name and the course.
type Drawn = (RiskLine, Vec<(&'static str, Course)>);

/// Plays the world once for each line, writes the figure to `file`, and returns the documents.
pub(crate) async fn compared(
    options: &DemoOptions,
    file: &Path,
    artifacts: &Artifacts,
) -> anyhow::Result<Lines> {
    let (mut lines, mut drawn) = (Vec::new(), Vec::<Drawn>::new());
    for line in RiskLine::ALL {
        if !options.headless {
            say(&format!("The {line} line."));
        }
        let out = options.out.as_ref().map(|out| out.join(line.to_string()));
        let options = DemoOptions { line, out, html: None, ..options.clone() };
        let (document, courses) = played(&options, artifacts).await?;
        drawn.push((line, courses));
        lines.push(document);
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let name = file.file_name().and_then(|name| name.to_str());
    let name = name
        .with_context(|| format!("{}: --lines takes the name of a file", file.display()))
        .context(Kind::Usage)?;
    let page = render(&page(options, &drawn, &lines));
    tables::write_file(folder.unwrap_or(Path::new(".")), name, page.as_bytes())
        .context(Kind::Output)?;
    Ok(Lines { schema: 1, lines })
}

fn page(options: &DemoOptions, drawn: &[Drawn], documents: &[Document]) -> CoursePage {
    let vaults = [("USDC", "usdc"), ("WETH", "weth")];
    let kinds = vaults.map(|(name, id)| KindCourse {
        id,
        title: format!("The {name} vault"),
        text: "What part of everything lies in each kind of market, or nowhere, at the end of each day."
            .to_owned(),
        markets: vec![market(drawn, name)],
    });
    CoursePage {
        title: format!("Three risk lines in one world, seed {}", options.seed),
        labels: vec![
            "Synthetic: every price, rate and trade here comes from a seed. This says nothing about real returns.".to_owned(),
        ],
        facts: vec![format!("{} days", options.days), "three lines, two vaults".to_owned()],
        days: f64::from(u32::try_from(options.days).unwrap_or(u32::MAX)),
        mark: 0.0,
        marked: "the depositors have come".to_owned(),
        kinds: kinds.to_vec(),
        moves: None,
        notes: documents.iter().flat_map(uses).collect(),
    }
}

/// A vault's courses, one chart for each line, all with the same axis.
fn market(drawn: &[Drawn], vault: &str) -> MarketCourse {
    let charts = drawn.iter().map(|(line, courses)| {
        let course = courses.iter().find(|(name, _)| *name == vault);
        let days = course.map(|(_, course)| course.0.as_slice()).unwrap_or_default();
        let day = |place: usize| f64::from(u32::try_from(place + 1).unwrap_or(u32::MAX));
        let of = |name: String, share: &dyn Fn(&[f64; 4]) -> f64| CourseLine {
            name,
            points: days
                .iter()
                .enumerate()
                .map(|(place, shares)| (day(place), share(shares) * 100.0))
                .collect(),
        };
        let kinds = MarketKind::ALL.iter().enumerate().map(|(kind, name)| {
            of(name.to_string(), &|shares| shares.get(kind).copied().unwrap_or_default())
        });
        let idle = of("idle".to_owned(), &|shares| 1.0 - shares.iter().sum::<f64>());
        CourseChart {
            title: line.to_string(),
            suffix: " %",
            range: Some((0.0, 100.0)),
            lines: kinds.chain([idle]).collect(),
        }
    });
    MarketCourse { name: "Share of everything by kind".to_owned(), charts: charts.collect() }
}

/// How much of its limits each vault of a document used at most.
fn uses(document: &Document) -> Vec<String> {
    let each = document.vaults.iter().map(|vault| {
        let limits = vault.limits.iter().map(|(name, limit)| {
            let over = match limit.over {
                0 => String::new(),
                1 => " (passed at one block)".to_owned(),
                over => format!(" (passed at {over} blocks, {} together)", limit.longest),
            };
            if *name == "wrap_depth" {
                format!("{name} {:.0} of {:.0}{over}", limit.used, limit.allowed)
            } else {
                format!("{name} {:.2} of {:.2} %{over}", limit.used * 100.0, limit.allowed * 100.0)
            }
        });
        let limits: Vec<String> = limits.collect();
        format!(
            "{}, {}: {:+.2} % a year; the most used of each limit at any block (of exit_24h_run the least): {}.",
            vault.line,
            vault.name,
            vault.vault.annualised_pct,
            limits.join(", ")
        )
    });
    each.collect()
}
