//! What DefiLlama says of the pools of an asset on one chain, and what a reader must know of it.

mod place;
mod settings;

use crate::cli::SourceOptions;
use crate::config::Config;
use crate::exit::Kind;
use crate::observatory::Wanted;
use crate::{clock, output};
use anyhow::{Context, anyhow};
use place::Listed;
use plimsoll_adapters::Selection;
use plimsoll_adapters::llama::{CacheSettings, LlamaSettings, LlamaSource, Note};
use plimsoll_core::{ChainId, MarketId, Time};
use plimsoll_execute::{AdapterError, Feed, FeedError};
use plimsoll_frame::{Action, GateMode, GateSettings, QualityRow};
pub(crate) use settings::Llama;
use std::collections::BTreeMap;

/// What advertised rates cannot say.
const ADVERTISED: &str = "advertised rates alone: no index, so what was realised and how far it swings is \
                          unknown; no curve and no size, so what our own deposit would do is unknown";
/// Age of the newest reading beyond which there is no answer, days.
const OLDEST_DAYS: i64 = 30;

/// What was read.
pub(crate) struct Read {
    /// The rows of the pools on one chain.
    pub(crate) feed: Feed,
    /// The chain.
    pub(crate) chain: ChainId,
    /// The time now, or the end of the day of the newest reading where that is earlier.
    pub(crate) clock: Time,
    /// What a reader must know first.
    pub(crate) labels: Vec<String>,
    /// Why pools could not be read.
    pub(crate) unread: BTreeMap<MarketId, String>,
}

/// Reads the pools that `wanted` names.
pub(crate) fn read(
    url: &str,
    options: &SourceOptions,
    wanted: &Wanted<'_>,
    config: &Config,
) -> anyhow::Result<Read> {
    let now = clock::now()?;
    let settings = LlamaSettings {
        base_url: url.to_owned(),
        cache: options.cache.as_ref().map(|folder| CacheSettings {
            folder: folder.clone(),
            max_age_days: config.llama.max_age_days(),
        }),
        pools: config.llama.filter(wanted),
        requests: config.llama.requests(),
    };
    let mut source = LlamaSource::open(settings).map_err(refused)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let found = runtime.block_on(fetched(&mut source, wanted, config, now));
    let notes = Note::summary(source.notes());
    let (feed, chain, others) = found.inspect_err(|_| {
        for note in &notes {
            output::say(note);
        }
    })?;
    let Some((_, newest)) = feed.frame.span() else {
        return Err(anyhow!(
            "{}: no reading passed the data-quality gate: {}",
            source.address(),
            feed.quality.rows().map(quality_text).collect::<Vec<_>>().join("; ")
        ))
        .context(Kind::Data);
    };
    // A reading of today may be newer than our clock; of none may it be older.
    let clock = newest.day().end().min(now.max(newest));
    let mut labels = vec![heading(&source, clock, newest, now), ADVERTISED.to_owned()];
    labels.extend(notes);
    labels.extend(others);
    labels.extend(withheld(&feed, clock));
    Ok(Read { clock, chain, labels, unread: unread(source.notes()), feed })
}

/// Lists the pools, chooses the chain and reads its pools.
async fn fetched(
    source: &mut LlamaSource,
    wanted: &Wanted<'_>,
    config: &Config,
    now: Time,
) -> anyhow::Result<(Feed, ChainId, Option<String>)> {
    let filter = config.llama.filter(wanted);
    let address = source.address().to_owned();
    let pools = source.listing(now).await.map_err(refused)?;
    let listed = Listed { pools, filter: &filter, address: &address };
    let (chain, others) = listed.place(wanted)?;
    let chains = vec![chain];
    let selection =
        Selection { from: Some(now.day().plus(-OLDEST_DAYS)), to: Some(now.day()), chains };
    let bar = output::bar("fetching");
    let adapters = source.adapters(&selection, now, |done, count| {
        bar.set_length(count as u64);
        bar.set_position(done as u64);
    });
    let adapters = adapters.await;
    bar.finish_and_clear();
    let settings = GateSettings { mode: GateMode::Enforce, ..config.gate.settings() };
    let feed = plimsoll_execute::collect(&mut adapters.map_err(refused)?, &settings, |_| {}).await;
    let feed = feed.map_err(|error| match error {
        FeedError::Adapter(error) => refused(error),
        error => anyhow::Error::new(error).context(Kind::Data),
    })?;
    Ok((feed, chain, others))
}

/// The kind of an adapter's failure.
fn refused(error: AdapterError) -> anyhow::Error {
    let kind = match error {
        AdapterError::BadAddress { .. } => Kind::Usage,
        AdapterError::NoCache { .. } => Kind::Output,
        _ => Kind::Data,
    };
    anyhow::Error::new(error).context(kind)
}

/// When it was asked, and how old its newest reading is.
fn heading(source: &LlamaSource, clock: Time, newest: Time, now: Time) -> String {
    let days = now.days_since(newest);
    let age = if days > 1.5 {
        format!(", {days:.1} days before now: what is paid now may differ")
    } else {
        String::new()
    };
    format!("as of {clock}, from {}: its newest reading is of {newest}{age}", source.address())
}

/// The rates that were there but not believed at the end.
fn withheld(feed: &Feed, clock: Time) -> Vec<String> {
    let view = feed.frame.view(clock);
    let is_last = |line: &&QualityRow| {
        let quote = line.market.parse().ok().and_then(|market| view.quote(&market));
        let is_withheld = matches!(line.action, Action::RateWithheld | Action::ValueWithheld);
        is_withheld
            && quote
                .is_some_and(|quote| quote.supply_apr.is_none() && quote.time.day() == line.last)
    };
    feed.quality.rows().filter(is_last).map(quality_text).collect()
}

fn quality_text(line: &QualityRow) -> String {
    format!(
        "{} ({}), {} on {}: {}; {}",
        line.symbol, line.market, line.defect, line.last, line.detail, line.action
    )
}

/// Why each pool that could not be read could not.
fn unread(notes: &[Note]) -> BTreeMap<MarketId, String> {
    let skipped = notes.iter().filter_map(|note| match note {
        Note::Skipped { market, detail, .. } => Some((market.clone(), detail.clone())),
        _ => None,
    });
    skipped.collect()
}
