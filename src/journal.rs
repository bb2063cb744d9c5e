//! `plimsoll journal`: what was known, decided and sent, and whether it is whole.

use crate::cli::folder;
use crate::exit::Kind;
use crate::live::assemble::minds;
use crate::output;
use anyhow::Context;
use clap::{Args, Subcommand};
use plimsoll_core::execution::{Breaker, Intent, Step};
use plimsoll_core::journal::Decided;
use plimsoll_core::{Entry, Time};
use plimsoll_execute::journal::{Identity, Line, Reader, Record};
use plimsoll_execute::live::{Replayed, replayed};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// The subcommands of `journal`.
#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Check every line: that each follows from the one before and can have happened
    Verify(JournalOptions),
    /// List lines, the newest last
    Show(ShowOptions),
    /// Explain a decision by its line, or a plan by its name
    Explain {
        /// The number of a line, or the beginning of a plan's name
        what: String,
        /// Where it is
        #[command(flatten)]
        options: JournalOptions,
    },
    /// Decide everything in it again: the same decisions and plans have to come out, byte for byte
    Replay(JournalOptions),
    /// Print every line as JSON, one a line
    Export {
        /// Where it is
        #[command(flatten)]
        options: JournalOptions,
    },
}

/// Where a journal is.
#[derive(Debug, Clone, Args)]
pub(crate) struct JournalOptions {
    /// Folder of the journal
    #[arg(long, env = "PLIMSOLL_STATE", value_name = "DIR", value_parser = folder())]
    pub(crate) folder: PathBuf,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `journal show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ShowOptions {
    /// Where it is
    #[command(flatten)]
    pub(crate) journal: JournalOptions,
    /// One kind of line, such as decided, signed or trip
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// Lines about one plan, by its name or a part of it
    #[arg(long, value_name = "ID")]
    pub(crate) plan: Option<String>,
    /// How many lines at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) last: usize,
}

/// Runs the subcommand.
pub(crate) fn run(command: &JournalCommand) -> anyhow::Result<()> {
    match command {
        JournalCommand::Verify(options) => verify(options),
        JournalCommand::Show(options) => show(options),
        JournalCommand::Explain { what, options } => explain(what, options),
        JournalCommand::Replay(options) => replay(options),
        JournalCommand::Export { options } => export(options),
    }
}

fn open(options: &JournalOptions) -> anyhow::Result<Reader> {
    Reader::open(&options.folder).context(Kind::Data)
}

/// What `journal verify --json` prints.
#[derive(Debug, Serialize)]
struct Verified<'a> {
    schema: u32,
    identity: &'a Identity,
    lines: i64,
    head: String,
    breaker: Breaker,
    plans: Vec<&'a Intent>,
}

fn verify(options: &JournalOptions) -> anyhow::Result<()> {
    let verified = open(options)?.verify().context(Kind::Data)?;
    let (lines, head) = verified.head;
    let head = hexadecimal(&head);
    let plans: Vec<&Intent> = verified.folded.intents.iter().collect();
    let breaker = verified.folded.breaker;
    if options.json {
        let identity = &verified.identity;
        return output::document(&Verified { schema: 1, identity, lines, head, breaker, plans });
    }
    let Identity { chain, signer, vault, .. } = &verified.identity;
    output::say(&format!("journal of {signer} for vault {vault} on chain {chain}"));
    output::say(&format!("{lines} lines, each follows from the one before; the last is {head}"));
    output::say(&format!("{} plans; the breaker stands at {breaker}", plans.len()));
    match verified.folded.intents.open() {
        Some(open) => output::say(&format!("plan {} is on its way: {}", open.id, state(open))),
        None => output::say("no plan is on its way"),
    }
    Ok(())
}

fn state(intent: &Intent) -> String {
    let reason = intent.reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
    format!("{:?}{reason}", intent.state)
}

/// One line as `journal show --json` and `journal export` print it.
#[derive(Debug, Serialize)]
struct Shown {
    number: i64,
    time: Time,
    kind: String,
    hash: String,
    record: serde_json::Value,
}

impl Shown {
    fn of(line: &Line) -> anyhow::Result<Shown> {
        Ok(Shown {
            number: line.number,
            time: line.time,
            kind: line.kind.clone(),
            hash: hexadecimal(&line.hash),
            record: serde_json::from_str(&line.body)?,
        })
    }
}

/// Every line that `keeps`, in order.
fn lines(reader: &Reader, keeps: impl Fn(&Line) -> bool) -> anyhow::Result<Vec<Line>> {
    let mut kept = Vec::new();
    reader
        .lines(0, &mut |line| {
            if keeps(&line) {
                kept.push(line);
            }
            Ok(())
        })
        .context(Kind::Data)?;
    Ok(kept)
}

fn show(options: &ShowOptions) -> anyhow::Result<()> {
    let reader = open(&options.journal)?;
    let plan = options.plan.as_ref().map(|plan| plan.to_lowercase());
    let all = lines(&reader, |line| {
        options.kind.as_ref().is_none_or(|kind| *kind == line.kind)
            && plan.as_ref().is_none_or(|plan| line.body.to_lowercase().contains(plan))
    })?;
    let first = all.len().saturating_sub(options.last);
    let shown = all.get(first..).unwrap_or_default();
    if options.journal.json {
        let each = shown.iter().map(Shown::of).collect::<anyhow::Result<Vec<_>>>()?;
        return output::document(&each);
    }
    let mut rows = vec![["time", "line", "kind", "what"].map(str::to_owned).to_vec()];
    for line in shown {
        let record: Record = serde_json::from_str(&line.body)?;
        let what = summary(&record);
        rows.push(vec![line.time.to_string(), line.number.to_string(), line.kind.clone(), what]);
    }
    output::say(&output::columns(&rows));
    if first > 0 {
        output::say(&format!("{first} earlier lines; --last N shows more"));
    }
    Ok(())
}

/// A record in a few words.
fn summary(record: &Record) -> String {
    match record {
        Record::Started { version, is_live, .. } => {
            format!("version {version}, {}", if *is_live { "live" } else { "shadow" })
        }
        Record::Observed(inputs) => {
            let rows: usize = inputs.seen.iter().map(|seen| seen.observations.len()).sum();
            format!("{rows} markets of {} protocols", inputs.seen.len())
        }
        Record::Settled { plan, executed } => {
            format!("{plan} moved {} raw units", executed.turnover.0)
        }
        Record::Entry(Entry::Decided(decided)) => decided.reason.clone(),
        Record::Entry(Entry::Marked(marked)) => format!("NAV {} raw units", marked.nav.0),
        Record::Entry(Entry::Executed(done)) => format!("turnover {} raw units", done.turnover.0),
        Record::Step { plan, step } => format!("{plan} {}", detail(step)),
        Record::Trip(trip) => format!("{trip:?}"),
        Record::Stopped { reason } => reason.clone(),
    }
}

/// What a step adds to its name.
fn detail(step: &Step) -> String {
    match step {
        Step::Planned { entries, valid_until, .. } => {
            let until = i64::try_from(*valid_until).unwrap_or(i64::MAX).saturating_mul(1000);
            format!("brings in {} raw units, until {}", entries.0, Time(until))
        }
        Step::Admitted { policy } => format!("by policy {policy}"),
        Step::Simulated { block, gas } => format!("on block {}, {gas} gas", block.number),
        Step::NonceBound { nonce } => format!("nonce {nonce}"),
        Step::Signed(attempt) => {
            let (hash, fee) = (attempt.hash, attempt.max_fee);
            format!("{hash}, at most {fee} wei for a unit of gas")
        }
        Step::Broadcast { hash } => hash.to_string(),
        Step::Included(found) => {
            let outcome = if found.succeeded { "carried out" } else { "reverted" };
            format!("block {}, {outcome}, {} gas", found.block.number, found.gas_used)
        }
        Step::Reorged { block } | Step::Final { block } => format!("block {}", block.number),
        Step::Abandoned { reason } | Step::Frozen { reason } => reason.clone(),
    }
}

/// Explains a decision by its line, or a plan by its name or the beginning of it.
fn explain(what: &str, options: &JournalOptions) -> anyhow::Result<()> {
    let reader = open(options)?;
    if let Ok(number) = what.parse::<i64>() {
        let found = lines(&reader, |line| line.number == number)?;
        let line = found.first().with_context(|| format!("there is no line {number}"));
        return explain_line(line.context(Kind::Usage)?, options.json);
    }
    let verified = reader.verify().context(Kind::Data)?;
    let plans = verified.folded.intents.iter();
    let found: Vec<&Intent> =
        plans.filter(|plan| plan.id.to_string().starts_with(&what.to_lowercase())).collect();
    let [plan] = found.as_slice() else {
        let count = found.len();
        anyhow::bail!(
            anyhow::anyhow!(
                "{count} plans begin with {what}; give the line of a decision, or more of the plan's name \
                 (`plimsoll journal show` lists both)"
            )
            .context(Kind::Usage)
        );
    };
    if options.json {
        return output::document(plan);
    }
    output::say(&format!("plan {}: {}", plan.id, state(plan)));
    let name = plan.id.to_string();
    for line in lines(&reader, |line| line.body.contains(&name))? {
        if let Record::Step { step, .. } = serde_json::from_str(&line.body)? {
            output::say(&format!(
                "{}  line {}  {}: {}",
                line.time,
                line.number,
                step.name(),
                detail(&step)
            ));
        }
    }
    Ok(())
}

fn explain_line(line: &Line, json: bool) -> anyhow::Result<()> {
    if json {
        return output::document(&Shown::of(line)?);
    }
    let record: Record = serde_json::from_str(&line.body)?;
    output::say(&format!(
        "{}  line {}  {}: {}",
        line.time,
        line.number,
        line.kind,
        summary(&record)
    ));
    if let Record::Entry(Entry::Decided(decided)) = &record {
        output::say(&decision(decided));
    }
    Ok(())
}

/// A decision with what it was chosen over, what held it back and what was expected.
fn decision(decided: &Decided) -> String {
    let mut text = Vec::new();
    for action in decided.plan.exits.iter().chain(&decided.plan.entries) {
        text.push(format!("{:?} {} raw units, {}", action.kind, action.amount.0, action.market));
    }
    if decided.plan.is_empty() {
        text.push("nothing moves".to_owned());
    }
    if let Some(expected) = &decided.expected {
        let percent = |value: f64| output::percent(Some(value * 100.0));
        text.push(format!(
            "expected gain over staying {:.2}, P(gain > 0) {:.2}, {} % a year",
            expected.gain,
            expected.p_gain,
            percent(expected.net_apr)
        ));
    }
    for scored in &decided.scores {
        let binds = scored.binding_constraint.as_deref().unwrap_or("nothing");
        let net = output::percent(scored.net_apr.map(|rate| rate * 100.0));
        text.push(format!(
            "{}: weight {:.1} %, net {net} % a year, held back by {binds}",
            scored.market,
            scored.weight * 100.0
        ));
    }
    text.extend(decided.refusals.iter().map(|refusal| format!("refused: {refusal:?}")));
    text.extend(decided.waivers.iter().map(|waiver| format!("not applied: {waiver:?}")));
    text.join("\n")
}

/// What `journal replay --json` prints.
#[derive(Debug, Serialize)]
struct ReplayedDocument {
    schema: u32,
    #[serde(flatten)]
    replayed: Replayed,
}

fn replay(options: &JournalOptions) -> anyhow::Result<()> {
    let found = replayed(&open(options)?, &minds).context(Kind::Data)?;
    if options.json {
        return output::document(&ReplayedDocument { schema: 1, replayed: found });
    }
    output::say(&format!(
        "{} decisions and {} plans of {} starts come out as they were written",
        found.decisions, found.plans, found.starts
    ));
    Ok(())
}

/// Prints every line as one line of JSON on standard output.
fn export(options: &JournalOptions) -> anyhow::Result<()> {
    let reader = open(options)?;
    reader.verify().context(Kind::Data)?;
    let mut out = std::io::stdout().lock();
    for line in lines(&reader, |_| true)? {
        serde_json::to_writer(&mut out, &Shown::of(&line)?)?;
        writeln!(out)?;
    }
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
