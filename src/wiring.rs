//! Joins adapters, gate and gas into what a replay needs.

use crate::config::Config;
use crate::exit::Kind;
use crate::output;
use anyhow::Context;
use plimsoll_adapters::parquet::{GasBook, PriceBook};
use plimsoll_adapters::{ParquetSource, Selection};
use plimsoll_backtests::SleeveId;
use plimsoll_core::{ChainId, Denomination, Time};
use plimsoll_execute::Feed;
use plimsoll_frame::{GateMode, GateSettings};
use std::collections::BTreeSet;
use std::path::Path;

/// Chains by the names a person gave.
pub(crate) fn chains(names: &[String]) -> anyhow::Result<Vec<ChainId>> {
    names
        .iter()
        .map(|name| {
            ChainId::by_name(name).with_context(|| {
                let known: Vec<&str> = ChainId::names().collect();
                format!("chain {name:?} is not known; there are {}", known.join(", "))
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()
        .context(Kind::Usage)
}

/// Opens a folder of history.
pub(crate) fn open(folder: &Path) -> anyhow::Result<ParquetSource> {
    ParquetSource::open(folder).context(Kind::Data)
}

/// Reads the selected rows through the gate.
pub(crate) fn feed(
    source: &ParquetSource,
    selection: &Selection,
    config: &Config,
    mode: GateMode,
) -> anyhow::Result<Feed> {
    let bar = output::bar("reading");
    let mut adapters = source.adapters(selection).context(Kind::Data)?;
    let settings = GateSettings { mode, ..config.gate.settings() };
    let read = plimsoll_execute::collect(&mut adapters, &settings, |rows| bar.set_position(rows));
    let feed = futures::executor::block_on(read).context(Kind::Data)?;
    bar.finish_and_clear();
    Ok(feed)
}

/// What an action costs in gas, where its price is recorded.
pub(crate) struct Gas {
    book: GasBook,
    prices: PriceBook,
    units: f64,
}

impl Gas {
    /// Reads gas prices and the prices of the tokens that pay for gas.
    pub(crate) fn read(
        source: &ParquetSource,
        selection: &Selection,
        config: &Config,
    ) -> anyhow::Result<Gas> {
        let symbols: BTreeSet<String> =
            ["ETH", "WBTC", "EURC", "AVAX", "BNB", "POL", "MATIC"].map(str::to_owned).into();
        let book = source.gas().context(Kind::Data)?;
        let prices = if book.is_empty() {
            PriceBook::default()
        } else {
            source.prices(&symbols, selection).context(Kind::Data)?
        };
        Ok(Gas { book, prices, units: f64::from(config.backtest.gas_units_per_action) })
    }

    /// Every price read, for the hash of what a run read; empty where there is none.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        if self.book.is_empty() {
            Vec::new()
        } else {
            [self.book.bytes(), self.prices.bytes()].concat()
        }
    }

    /// Whether any gas price is recorded.
    pub(crate) fn is_known(&self) -> bool {
        !self.book.is_empty()
    }

    /// Returns the gas of one action in whole units of the sleeve's denomination; `None` where a price
    /// is not known.
    pub(crate) fn per_action(&self, sleeve: &SleeveId, time: Time) -> Option<f64> {
        let chain = sleeve.chain?;
        let native = self.book.at(chain, time)? * 1e-9 * self.units;
        let token = native_token(chain)?;
        // Files name Polygon's token by its new name or its old one.
        let usd = |symbol: &str| match symbol {
            "POL" => self.prices.at("POL", time).or_else(|| self.prices.at("MATIC", time)),
            _ => self.prices.at(symbol, time),
        };
        match &sleeve.denomination {
            Denomination::Eth if token == "ETH" => Some(native),
            Denomination::Usd => Some(native * usd(token)?),
            Denomination::Eth => Some(native * usd(token)? / usd("ETH")?),
            Denomination::Btc => Some(native * usd(token)? / usd("WBTC")?),
            Denomination::Eur => Some(native * usd(token)? / usd("EURC")?),
            Denomination::Own(_) => None,
        }
    }
}

/// The token that pays for gas.
fn native_token(chain: ChainId) -> Option<&'static str> {
    match chain.0 {
        1 | 10 | 324 | 8453 | 42_161 | 59_144 | 534_352 => Some("ETH"),
        56 => Some("BNB"),
        137 => Some("POL"),
        43_114 => Some("AVAX"),
        _ => None,
    }
}
