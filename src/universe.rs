//! The markets that a person asked for.

use crate::exit::Kind;
use anyhow::{Context, bail};
use plimsoll_core::{Denomination, MarketId};
use plimsoll_execute::{Catalog, MarketInfo};
use std::collections::BTreeSet;

/// Returns the markets that `assets` names: by first symbol, unit, market id, or `all`.
pub(crate) fn select(catalog: &Catalog, assets: &[String]) -> anyhow::Result<Vec<MarketId>> {
    let mut selected = BTreeSet::new();
    for asset in assets {
        let matching: Vec<&MarketId> = catalog
            .iter()
            .filter(|(market, info)| is_named(asset, market, info))
            .map(|(market, _)| market)
            .collect();
        if matching.is_empty() {
            return unknown(catalog, asset).context(Kind::Usage);
        }
        selected.extend(matching.into_iter().cloned());
    }
    Ok(selected.into_iter().collect())
}

fn is_named(asset: &str, market: &MarketId, info: &MarketInfo) -> bool {
    let unit = matches!(
        &info.denomination,
        Denomination::Usd | Denomination::Eur | Denomination::Eth | Denomination::Btc
    );
    asset.eq_ignore_ascii_case("all")
        || asset.eq_ignore_ascii_case(&info.first_symbol)
        || asset == market.as_str()
        || (unit && asset.eq_ignore_ascii_case(&info.denomination.to_string()))
}

/// "; did you mean ..?" where one of `symbols` is like `asset`.
pub(crate) fn nearest(asset: &str, symbols: &BTreeSet<&str>) -> String {
    symbols
        .iter()
        .map(|symbol| (strsim::jaro_winkler(&asset.to_lowercase(), &symbol.to_lowercase()), symbol))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, symbol)| format!("; did you mean {symbol}?"))
        .unwrap_or_default()
}

fn unknown<T>(catalog: &Catalog, asset: &str) -> anyhow::Result<T> {
    let symbols: BTreeSet<&str> = catalog.values().map(|info| info.first_symbol.as_ref()).collect();
    let nearest = nearest(asset, &symbols);
    let known: Vec<&str> = symbols.into_iter().collect();
    bail!(
        "no market in the data is called {asset:?}{nearest}; there are {}, the units USD, EUR, ETH and \
         BTC, market ids, and `all`",
        known.join(", ")
    )
}
