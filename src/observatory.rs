//! What is known now of the markets of an asset: from recorded history, from DefiLlama, or from a generated
//! world.

use crate::cli::SourceOptions;
use crate::config::Config;
use crate::exit::Kind;
use crate::{llama, universe, wiring};
use anyhow::Context;
use plimsoll_adapters::Selection;
use plimsoll_backtests::SleeveId;
use plimsoll_backtests::world::{World, WorldSettings};
use plimsoll_backtests::worlds::{first_day, market_ids, observed};
use plimsoll_core::{ChainId, Denomination, MarketId, Months, Scenarios, Time, asset};
use plimsoll_execute::{Catalog, MarketInfo};
use plimsoll_frame::{Asked, GateMode, MarketFrame, RiskModel, Scores, TermsBook};
use plimsoll_models::{FirstModel, FirstSettings};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Days that a generated world is watched before it is asked about.
const WATCHED_DAYS: u32 = 120;

/// What is asked about.
pub(crate) struct Wanted<'a> {
    /// The asset's symbol or unit, or a market.
    pub(crate) asset: &'a str,
    /// The chain; by default that of what is held, or else Ethereum or where most can be bought.
    pub(crate) chain: Option<ChainId>,
    /// Markets that are held.
    pub(crate) held: &'a [MarketId],
    /// Days over which a decision earns.
    pub(crate) horizon_days: f64,
}

/// What is known now.
pub(crate) struct Observatory {
    /// The asset's markets on one chain.
    pub(crate) frame: MarketFrame,
    /// Scores of every market of the source.
    pub(crate) scores: Scores,
    /// The clock: the end of the last day with a row, or now where that is earlier.
    pub(crate) clock: Time,
    /// The name of each market's asset.
    pub(crate) names: BTreeMap<MarketId, String>,
    /// Hash of the rows read.
    pub(crate) data_hash: String,
    /// Gas of one action, whole units of the asset; `None` where its price is not known.
    pub(crate) gas: Option<f64>,
    /// Whether the source has advertised rates alone.
    pub(crate) takes_advertised: bool,
    /// Who issues the asset, where it is one asset.
    pub(crate) own_issuer: Option<String>,
    /// What a reader must know first.
    pub(crate) labels: Vec<String>,
    /// Why markets that the source knows of could not be read.
    pub(crate) unread: BTreeMap<MarketId, String>,
}

/// Everything a source has, before an asset is chosen.
struct Seen {
    frame: MarketFrame,
    catalog: Catalog,
    data_hash: String,
    takes_advertised: bool,
    labels: Vec<String>,
    gas: GasSource,
    /// The chain, where the source has chosen one.
    chain: Option<ChainId>,
    /// The time now, where the source knows it.
    clock: Option<Time>,
    unread: BTreeMap<MarketId, String>,
}

/// Gas of one action at a time, whole units of the asset.
type GasSource = Box<dyn Fn(&SleeveId, Time) -> Option<f64>>;

/// Looks at the markets that are asked about.
pub(crate) fn look(
    source: &SourceOptions,
    wanted: &Wanted<'_>,
    config: &Config,
) -> anyhow::Result<Observatory> {
    let asset = wanted.asset;
    let seen = match (&source.llama, source.synthetic, source.folder()) {
        (Some(url), _, _) => from_llama(url, source, wanted, config)?,
        (None, Some(seed), _) => from_world(seed, config)?,
        (None, None, Some(folder)) => from_history(&folder, config)?,
        (None, None, None) => {
            return Err(anyhow::anyhow!(
                "no source: give --data DIR (or PLIMSOLL_DATA), --llama URL or --synthetic SEED"
            ))
            .context(Kind::Usage);
        }
    };
    let Some((_, last)) = seen.frame.span() else {
        return Err(anyhow::anyhow!(
            "no row of the source passed the data-quality gate; `plimsoll data check` says why"
        ))
        .context(Kind::Data);
    };
    let clock = seen.clock.unwrap_or_else(|| last.day().end());
    let named = universe::select(&seen.catalog, &[asset.to_owned()])?;
    let chain = match wanted.chain.or(seen.chain) {
        Some(chain) => chain,
        None => chain_of(&seen, &named, clock),
    };
    let (here, elsewhere): (Vec<MarketId>, Vec<MarketId>) =
        named.into_iter().partition(|market| market.chain() == chain);
    let mut labels = seen.labels;
    let others: BTreeSet<String> =
        elsewhere.iter().map(|market| market.chain().to_string()).collect();
    if here.is_empty() {
        let others: Vec<String> = others.into_iter().collect();
        return Err(anyhow::anyhow!(
            "no market of {asset} on {chain}; there are some on {}",
            others.join(", ")
        ))
        .context(Kind::Usage);
    }
    if !others.is_empty() {
        let others: Vec<String> = others.into_iter().collect();
        labels.push(format!(
            "on {chain} alone: there is no bridge in the model; --chain names another of {}",
            others.join(", ")
        ));
    }
    let settings = FirstSettings { horizon_days: wanted.horizon_days, ..FirstSettings::default() };
    let mut scores = FirstModel::new(settings)?.scores(&seen.frame.view(clock), Asked::Everything);
    if seen.takes_advertised {
        forget_what_needs_an_index(&mut scores);
    }
    let denomination = here.first().and_then(|market| seen.catalog.get(market));
    let denomination = denomination.map_or(Denomination::Usd, |info| info.denomination.clone());
    let sleeve = SleeveId { chain: Some(chain), denomination };
    let names = here.iter().filter_map(|market| {
        Some((market.clone(), seen.catalog.get(market)?.last_symbol.to_string()))
    });
    Ok(Observatory {
        names: names.collect(),
        frame: seen.frame.subset(&here).context(Kind::Data)?,
        scores,
        clock,
        data_hash: seen.data_hash,
        gas: (seen.gas)(&sleeve, clock),
        takes_advertised: seen.takes_advertised,
        own_issuer: asset::issuer(asset).map(str::to_owned),
        labels,
        unread: seen.unread,
    })
}

/// Takes out what would otherwise say that a market without an index never swings.
fn forget_what_needs_an_index(scores: &mut Scores) {
    let known = &scores.scenarios;
    scores.scenarios = Arc::new(Scenarios {
        markets: known.markets.clone(),
        months: Months::default(),
        rare: known.rare.clone(),
    });
    scores.service.reason =
        "the advertised rate and its mean of 30 days: without an index no forecast can be checked"
            .to_owned();
}

/// Ethereum where something can be bought there, else the chain where most can.
fn chain_of(seen: &Seen, named: &[MarketId], clock: Time) -> ChainId {
    let view = seen.frame.view(clock);
    let mut counts: BTreeMap<ChainId, usize> = BTreeMap::new();
    for market in named {
        let is_open = view.quote(market).is_some_and(|quote| quote.is_advertised());
        *counts.entry(market.chain()).or_default() += usize::from(is_open);
    }
    if counts.get(&ChainId(1)).is_some_and(|count| *count > 0) {
        return ChainId(1);
    }
    let most = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
    most.map_or(ChainId(1), |(chain, _)| chain)
}

fn from_history(folder: &std::path::Path, config: &Config) -> anyhow::Result<Seen> {
    let source = wiring::open(folder)?.with_index_only();
    let selection = Selection::default();
    let feed = wiring::feed(&source, &selection, config, GateMode::Enforce)?;
    let gas = wiring::Gas::read(&source, &selection, config)?;
    let mut labels = Vec::new();
    if let Some((_, last)) = feed.frame.span() {
        labels.push(format!("as of {}, the last day recorded in {}", last.day(), folder.display()));
    }
    Ok(Seen {
        data_hash: plimsoll_execute::feed::extended(&feed.data_hash, &gas.bytes()),
        frame: feed.frame,
        catalog: feed.catalog,
        takes_advertised: false,
        labels,
        gas: Box::new(move |sleeve, time| gas.per_action(sleeve, time)),
        chain: None,
        clock: None,
        unread: BTreeMap::new(),
    })
}

fn from_llama(
    url: &str,
    source: &SourceOptions,
    wanted: &Wanted<'_>,
    config: &Config,
) -> anyhow::Result<Seen> {
    let read = llama::read(url, source, wanted, config)?;
    Ok(Seen {
        data_hash: read.feed.data_hash,
        frame: read.feed.frame,
        catalog: read.feed.catalog,
        takes_advertised: true,
        labels: read.labels,
        gas: Box::new(|_, _| None),
        chain: Some(read.chain),
        clock: Some(read.clock),
        unread: read.unread,
    })
}

fn from_world(seed: u64, config: &Config) -> anyhow::Result<Seen> {
    let mut world = World::new(&WorldSettings { markets: None, days: WATCHED_DAYS, seed });
    let ids = market_ids(&world);
    let mut terms = TermsBook::default();
    let mut rows = observed(&world, &ids, &mut terms);
    for _ in 0..WATCHED_DAYS {
        world.step();
        rows.extend(observed(&world, &ids, &mut terms));
    }
    let catalog: Catalog = ids
        .iter()
        .zip(world.markets())
        .map(|(id, market)| {
            let symbol: Arc<str> = market.symbol().into();
            let info = MarketInfo {
                first_symbol: symbol.clone(),
                last_symbol: symbol,
                was_active: true,
                denomination: Denomination::Usd,
            };
            (id.clone(), info)
        })
        .collect();
    let gas = world.gas_usd(f64::from(config.backtest.gas_units_per_action));
    let last = first_day().plus(i64::from(WATCHED_DAYS));
    Ok(Seen {
        frame: MarketFrame::from_rows(rows)?.with_terms(Arc::new(terms)),
        catalog,
        data_hash: plimsoll_execute::feed::extended("synthetic", &seed.to_le_bytes()),
        takes_advertised: false,
        labels: vec![format!(
            "synthetic: generated world {seed} on its day {WATCHED_DAYS} ({last}); no real market"
        )],
        gas: Box::new(move |_, _| Some(gas)),
        chain: None,
        clock: None,
        unread: BTreeMap::new(),
    })
}
