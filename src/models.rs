//! `plimsoll models score`: how good the forecasts are on later days and on markets never trained on.

use crate::cli::{ModelsCommand, ScoreOptions, Task};
use crate::exit::Kind;
use crate::{facts, output, wiring};
use anyhow::Context;
use clap::ValueEnum;
use plimsoll_adapters::{ParquetSource, Selection};
use plimsoll_core::{Day, MarketId};
use plimsoll_execute::Feed;
use plimsoll_frame::{Column, GateMode};
use plimsoll_models::features::AHEAD_DAYS;
use plimsoll_models::panel::{DayRow, Panel, Track};
use plimsoll_models::scorecard::{self, Line, Metric, Naive, ScoredDays, Served, Split};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The share of the days that is scored where no first day is given.
const SCORED_SHARE: f64 = 0.35;
/// The first day after the cut of the published baselines, 2025-12-16.
const PUBLISHED_FROM: Day = Day(20_438);

/// Runs the subcommand.
pub(crate) fn run(command: &ModelsCommand, config: Option<&Path>) -> anyhow::Result<()> {
    match command {
        ModelsCommand::Score(options) => score(options, config),
    }
}

/// What `models score --json` prints.
#[derive(Debug, Serialize)]
struct Scored {
    schema: u32,
    engine_version: &'static str,
    task: String,
    data_hash: String,
    labels: Vec<String>,
    #[serde(flatten)]
    days: ScoredDays,
    purge_days: i64,
    markets: Markets,
    rows: Vec<Line>,
    fitted: Served,
    service: Vec<Served>,
    published_check: PublishedCheck,
}

/// How many markets are on either side.
#[derive(Debug, Serialize)]
struct Markets {
    seen: usize,
    unseen: usize,
}

/// The errors of two naive rules on the rows of the published task, beside the published ones.
#[derive(Debug, Serialize)]
struct PublishedCheck {
    from: Day,
    to: Day,
    #[serde(flatten)]
    found: Naive,
    published: Published,
    why_n_differs: &'static str,
}

/// What `yield_tasks.txt` prints for the realised seven-day rate on later days.
#[derive(Debug, Serialize)]
struct Published {
    from: Day,
    spot_mae_pct: f64,
    mean7_mae_pct: f64,
    n: usize,
}

const WHY_N_DIFFERS: &str = "published_check takes every recorded row of a market that is active, not frozen, \
    not paused and can be borrowed from, whatever the month before; rows take what passes the data-quality \
    gate, 20 of the last 30 rates known and their mean above zero, and markets that cannot be borrowed from \
    too, since the engine can hold them";

fn score(options: &ScoreOptions, config: Option<&Path>) -> anyhow::Result<()> {
    if let (Some(from), Some(to)) = (options.from, options.to)
        && from > to
    {
        return Err(anyhow::anyhow!("--from {from} is after --to {to}")).context(Kind::Usage);
    }
    let config = crate::config::load(config)?;
    let source = wiring::open(&options.data)?.with_index_only();
    let chains = wiring::chains(&options.chains)?;
    // What no label of the scored days needs is not even read.
    let to = options.to.map(|day| day.plus(AHEAD_DAYS));
    let selection = Selection { chains, to, from: options.from };
    let feed = wiring::feed(&source, &selection, &config, GateMode::Enforce)?;
    let panel = panel(&feed)?;
    let days = days(options, &panel)?;
    let card = scorecard::scorecard(&panel, days, &is_seen).context(Kind::Data)?;
    let seen = panel.tracks.iter().filter(|track| is_seen(&track.market)).count();
    let task = options.task.to_possible_value();
    let scored = Scored {
        schema: 1,
        engine_version: env!("CARGO_PKG_VERSION"),
        task: task.map_or_else(String::new, |task| task.get_name().to_owned()),
        labels: facts::labels(panel.tracks.iter().map(|track| &track.market), false),
        days,
        purge_days: AHEAD_DAYS,
        markets: Markets { seen, unseen: panel.tracks.len() - seen },
        rows: card.lines,
        fitted: Served::of(days.from, &card.fit),
        service: card.served,
        published_check: published_check(&source, &selection, days)?,
        data_hash: feed.data_hash,
    };
    if options.json {
        return output::document(&scored);
    }
    output::say(&text(&scored, options.task));
    Ok(())
}

/// Every day of every market that passed the gate.
fn panel(feed: &Feed) -> anyhow::Result<Panel> {
    let (first, last) = feed
        .frame
        .span()
        .context("no row passed the data-quality gate; `plimsoll data check` says why")
        .context(Kind::Data)?;
    let view = feed.frame.view(last);
    Ok(Panel::new(&view, last.day().0 - first.day().0 + 1))
}

/// The scored days: those given, else the last part of the data's days up to the last one with a label.
fn days(options: &ScoreOptions, panel: &Panel) -> anyhow::Result<ScoredDays> {
    let labelled = scorecard::last_labelled(panel).context(
        "no market has an index on two days that are seven days apart: nothing can be scored; give data \
         with `liquidity_index`, over a month or more",
    );
    let labelled = labelled.context(Kind::Data)?;
    let first = panel.tracks.iter().map(|track| track.first).min().unwrap_or(panel.today);
    let end = options.to.unwrap_or(panel.today).min(panel.today);
    let scored = ((end.0 - first.0 + 1) as f64 * SCORED_SHARE).round();
    let back = (1..=end.0 - first.0).rev().find(|days| *days as f64 <= scored).unwrap_or(1);
    let from = options.from.unwrap_or(end.plus(1 - back));
    // Days after the last label are not scored, and the result says to which day it went.
    let to = options.to.map_or(labelled, |to| to.min(labelled)).max(from);
    Ok(ScoredDays::new(from, to))
}

/// Whether a market may be trained on: not one of the published fifth that never is.
///
/// # Source
/// `yield_tasks.py`: `sha256('unseen:' + pool_id) % 5 == 0`, where a pool id is protocol, chain by name and
/// address.
fn is_seen(market: &MarketId) -> bool {
    let pool = format!("unseen:{}:{}:{}", market.protocol(), market.chain(), market.address());
    // 256 leaves 1 when divided by 5, so the number leaves what the sum of its bytes leaves.
    let sum: u32 = Sha256::digest(pool).iter().map(|byte| u32::from(*byte)).sum();
    !sum.is_multiple_of(5)
}

/// Scores the naive rules on the rows of the published task, as recorded, without the gate.
fn published_check(
    source: &ParquetSource,
    selection: &Selection,
    days: ScoredDays,
) -> anyhow::Result<PublishedCheck> {
    let mut tracks: BTreeMap<MarketId, BTreeMap<Day, DayRow>> = BTreeMap::new();
    for mut adapter in source.adapters(selection).context(Kind::Data)? {
        while let Some(batch) =
            futures::executor::block_on(adapter.observe()).context(Kind::Data)?
        {
            // No gate has looked at these rows: their times may be anything.
            let near = days.from.plus(-AHEAD_DAYS)..=days.to.plus(AHEAD_DAYS);
            let open = batch.into_iter().filter(|observation| {
                near.contains(&observation.row.time.day())
                    && observation.borrowable.unwrap_or(true)
                    && observation.takes_deposits.unwrap_or(true)
            });
            for row in open.map(|observation| observation.row) {
                let number = |column| row.get(column).filter(|number| number.is_finite());
                let numbers = DayRow {
                    supply_apr: number(Column::SupplyApr),
                    share_price: number(Column::SharePrice),
                    ..DayRow::default()
                };
                tracks.entry(row.market.clone()).or_default().insert(row.time.day(), numbers);
            }
        }
    }
    let tracks = tracks.into_iter().filter_map(|(market, days)| Track::from_days(market, days));
    let panel = Panel { tracks: tracks.collect(), today: days.to.plus(AHEAD_DAYS) };
    let is_inside = (days.from..=days.to).contains(&PUBLISHED_FROM);
    let from = if is_inside { PUBLISHED_FROM } else { days.from };
    Ok(PublishedCheck {
        from,
        to: days.to,
        found: scorecard::naive(&panel, from, days.to),
        published: Published {
            from: PUBLISHED_FROM,
            spot_mae_pct: 0.2550,
            mean7_mae_pct: 0.2676,
            n: 6647,
        },
        why_n_differs: WHY_N_DIFFERS,
    })
}

/// The result for a terminal.
fn text(scored: &Scored, task: Task) -> String {
    let what = match task {
        Task::Realised7 => "growth of the index over the next seven days, as a simple yearly rate",
    };
    let ScoredDays { train_to, from, to } = scored.days;
    let mut lines = scored.labels.clone();
    lines.push(format!(
        "{}: {what}; percentage points, with 90 % intervals over resampled weeks in brackets; `over \
         markets` resamples markets instead",
        scored.task
    ));
    lines.push(format!(
        "scored {from} to {to}; fitted once on what was known on {train_to}; {} markets seen, {} never \
         trained on",
        scored.markets.seen, scored.markets.unseen
    ));
    for split in [Split::Seen, Split::Unseen] {
        lines.push(String::new());
        lines.push(output::columns(&table(split, &scored.rows)));
    }
    lines.push(String::new());
    lines.push(format!("fitted once: {}", scored.fitted.reason));
    lines.extend(scored.service.iter().map(|served| {
        format!("service from {}, fitted {}: {}", served.from, served.fitted, served.reason)
    }));
    let check = &scored.published_check;
    let points = |value: Option<f64>| value.map_or("unknown".to_owned(), |v| format!("{v:.4}"));
    lines.push(format!(
        "check on the rows of the published task, {} to {}: newest rate {}, seven-day mean {}, n {}; \
         published from {} on all chains: {:.4}, {:.4}, n {}",
        check.from,
        check.to,
        points(check.found.spot_mae_pct),
        points(check.found.mean7_mae_pct),
        check.found.n,
        check.published.from,
        check.published.spot_mae_pct,
        check.published.mean7_mae_pct,
        check.published.n
    ));
    lines.push(format!("why n differs from the tables: {}", check.why_n_differs));
    lines.join("\n")
}

/// The figures of a split, a model to a line.
fn table(split: Split, rows: &[Line]) -> Vec<Vec<String>> {
    let name = match split {
        Split::Seen => "seen markets",
        Split::Unseen => "unseen markets",
    };
    let against = rows.iter().find(|row| row.split == split && row.against.is_some());
    let less = against.and_then(|row| row.against).unwrap_or("best baseline");
    let less = format!("MAE less {less}");
    let head =
        [name, "in service", "MAE", "RMSE", &less, "over markets", "coverage", "width", "rows"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    let mut models: Vec<&'static str> = Vec::new();
    for row in rows.iter().filter(|row| row.split == split) {
        if !models.contains(&row.model) {
            models.push(row.model);
        }
    }
    for model in models {
        let find = |metric: Metric| {
            rows.iter().find(|row| row.split == split && row.model == model && row.metric == metric)
        };
        let shown = |metric: Metric, digits: usize| match find(metric) {
            None => String::new(),
            Some(Line { value: Some(value), lo: Some(lo), hi: Some(hi), .. }) => {
                format!("{value:.digits$} ({lo:.digits$} to {hi:.digits$})")
            }
            Some(_) => "unknown".to_owned(),
        };
        let first = find(Metric::MaePct);
        table.push(vec![
            model.to_owned(),
            if first.is_some_and(|row| row.in_service) { "yes" } else { "no" }.to_owned(),
            shown(Metric::MaePct, 4),
            shown(Metric::RmsePct, 3),
            shown(Metric::MaeLessBestBaselinePct, 4),
            find(Metric::MaeLessBestBaselinePct)
                .and_then(|row| row.over_markets)
                .map_or_else(String::new, |(lo, hi)| format!("{lo:.4} to {hi:.4}")),
            shown(Metric::Coverage, 3),
            shown(Metric::WidthPct, 3),
            first.map_or(0, |row| row.n).to_string(),
        ]);
    }
    table
}
