//! `plimsoll backtest --synthetic A..B`: the rules in generated worlds.

use crate::cli::{BacktestOptions, Often};
use crate::config::Config;
use crate::exit::Kind;
use crate::{output, setup};
use anyhow::Context;
use plimsoll_allocate::RunScenario;
use plimsoll_backtests::document::{Approximation, Document};
use plimsoll_backtests::worlds::{
    self, Costing, DECIDED_DAYS, WARM_UP_DAYS, WorldsReport, WorldsSettings,
};
use plimsoll_backtests::{report, tables};
use plimsoll_core::{Bps, Enforcement};
use plimsoll_frame::RiskModel;
use plimsoll_models::{FirstModel, FirstSettings};
use std::fmt::Write as _;

/// Money at the start where nothing is said, USD.
const USUAL_CAPITAL: f64 = 100_000.0;

/// How many forecasts are named.
const MOST_SERVED: usize = 6;

/// Runs the worlds, prints the result, and writes it where a folder is given.
pub(crate) fn run(options: &BacktestOptions, config: &Config) -> anyhow::Result<()> {
    let Some(seeds) = options.synthetic else { return Ok(()) };
    if options.decide == Often::Daily {
        anyhow::bail!(
            anyhow::anyhow!("worlds decide weekly; leave out --decide daily").context(Kind::Usage)
        );
    }
    let strategies = setup::strategies(options)?;
    let policy = setup::policy(options, config);
    let prior = FirstModel::new(FirstSettings::default())?;
    let settings = WorldsSettings {
        seeds: seeds.seeds(),
        capital: options.capital.unwrap_or(USUAL_CAPITAL),
        strategies: &strategies,
        model: &|| -> Box<dyn RiskModel> { Box::new(prior.fresh()) },
        policy: &policy,
        costing: Costing {
            turnover: Bps(options.cost_bps(config)),
            gas_units: f64::from(config.backtest.gas_units_per_action),
            scenario: RunScenario { leaving_first: config.run.leaving_first.0 },
        },
        foresight_trials: if options.no_foresight { 0 } else { options.foresight_trials },
    };
    let bar = output::bar("living");
    bar.set_length(settings.seeds.len() as u64);
    let results = worlds::run(&settings, &|| bar.inc(1));
    bar.finish_and_clear();
    let found = WorldsReport::new(&results.context(Kind::Data)?, &strategies, settings.capital);
    let (labels, notes) = (labels(&settings, policy.enforcement), notes(&settings));
    let document = Document::of_worlds(found, labels, notes);
    let Some(found) = &document.worlds else { return Ok(()) };
    if let Some(out) = &options.out {
        let json = serde_json::to_vec_pretty(&document)?;
        let said: Vec<String> = document
            .approximations
            .iter()
            .map(|note| format!("{}: {}", note.what, note.error))
            .collect();
        let page = report::worlds::render(found, &document.labels, &said);
        for path in [
            tables::write_file(out, crate::backtest::REPORT, page.as_bytes())?,
            tables::write_file(out, "result.json", &json)?,
        ] {
            output::say(&format!("wrote {}", path.display()));
        }
    }
    if options.json {
        output::document(&document)?;
    } else {
        output::say(&text(found, &document.labels));
    }
    Ok(())
}

/// What the reader must know first.
fn labels(settings: &WorldsSettings<'_>, enforcement: Enforcement) -> Vec<String> {
    let line = match enforcement {
        Enforcement::Off => "no limit of the risk line holds for any rule",
        Enforcement::Measurable | Enforcement::Strict => {
            "every rule is held to the limits of the risk line; rules that want one market fill down \
             their ranking"
        }
    };
    vec![
        "synthetic: generated worlds; they say which rule copes better with markets of this kind, not \
         what any of them earns"
            .to_owned(),
        format!(
            "{} worlds, {} USD at the start, weekly decisions over {DECIDED_DAYS} days after \
             {WARM_UP_DAYS} days of watching; {} on one-way turnover, gas charged; {line}",
            settings.seeds.len(),
            settings.capital,
            settings.costing.turnover
        ),
    ]
}

fn notes(settings: &WorldsSettings<'_>) -> Vec<Approximation> {
    let line =
        |what: &str, error: &str| Approximation { what: what.to_owned(), error: error.to_owned() };
    let mut notes = vec![
        line(
            "Rewards are sold as they accrue, at what they are counted at",
            "claiming and selling cost something that is not in it",
        ),
        line("Dollar assets are exchanged at par", "pegs do not move in these worlds"),
        line(
            "The generator and the allocator share the exact curves",
            "three markets in four tell their curve, as contracts do; demand, elasticity, flows, runs, \
             losses and the rest are hidden",
        ),
    ];
    if settings.foresight_trials > 0 {
        notes.push(line(
            "Perfect foresight is the best plan found by search, never below the best rule, and held to no limit",
            "the true ceiling may lie higher, so regret is at least what is shown",
        ));
    }
    notes
}

/// The result for a terminal.
fn text(found: &WorldsReport, labels: &[String]) -> String {
    let mut lines = labels.to_vec();
    let head = [
        "strategy",
        "annualised",
        "90 % interval",
        "switches",
        "turnover",
        "cost",
        "gas",
        "idle",
        "stuck",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for line in &found.lines {
        let mut row = vec![
            line.name.clone(),
            format!("{:.3}", line.annualised_pct),
            format!("{:.3} to {:.3}", line.lo_pct, line.hi_pct),
        ];
        if line.name != worlds::FORESIGHT {
            row.extend([
                format!("{:.1}", line.switches),
                format!("{:.2}x", line.turnover),
                format!("{:.3}", line.cost_pct),
                format!("{:.3}", line.gas_pct),
                format!("{:.1}", line.idle_pct),
                line.worlds_stuck.to_string(),
            ]);
        }
        rows.push(row);
    }
    lines.push(output::columns(&rows));
    for paired in &found.paired {
        let mut text = format!(
            "{} less {}: {:+.3} points a year ({:+.3} to {:+.3}), better in {} of {} worlds",
            paired.name,
            paired.against,
            paired.mean_pct,
            paired.lo_pct,
            paired.hi_pct,
            paired.wins,
            paired.n
        );
        if let Some((seed, difference)) =
            paired.worst.first().filter(|_| paired.against != worlds::FORESIGHT)
        {
            let _ = write!(text, "; worst in world {seed}, {difference:+.2}");
        }
        lines.push(text);
    }
    let mut served: Vec<(&String, &usize)> = found.services.iter().collect();
    served.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    let named = served.iter().take(MOST_SERVED).map(|(name, count)| format!("{name} {count}"));
    lines.push(format!(
        "forecasts in service, decisions: {}{}",
        named.collect::<Vec<_>>().join(", "),
        if served.len() > MOST_SERVED { ", and others" } else { "" }
    ));
    lines.join("\n")
}
