//! What a reader must know of a run besides its results: labels and approximations.

use crate::cli::BacktestOptions;
use crate::config::Config;
use plimsoll_adapters::ParquetSource;
use plimsoll_backtests::document::Approximation;
use plimsoll_backtests::{Suite, aave_weekly, pages, world};
use plimsoll_core::{Denomination, MarketId};
use plimsoll_execute::{Feed, MarketInfo};
use plimsoll_frame::Column;

/// Labels that stand before any figure.
pub(crate) fn labels<'m>(
    markets: impl IntoIterator<Item = &'m MarketId>,
    is_contract: bool,
) -> Vec<String> {
    let mut labels = Vec::new();
    if is_contract {
        labels.push(format!(
            "Contract {}: a check of arithmetic, no proof of skill. It crosses chains with no bridge, \
             fills missing days forward and takes every row as it is; limits are off and the rule \
             equal rebalances free.",
            aave_weekly::NAME
        ));
    }
    if markets.into_iter().any(|market| market.protocol().starts_with(world::PROTOCOL_PREFIX)) {
        labels.push(
            "Synthetic data: the markets and rates were generated, so the results say nothing about \
             what any rule earns."
                .to_owned(),
        );
    }
    labels
}

/// What is known of costs and liquidity, for the approximations.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Plans carried out whose gas was known, and all of them.
    gas: (usize, usize),
    /// Whether any market has a reward index.
    rewards: bool,
    /// Whether the exit of every held market was known throughout.
    exit: bool,
    /// The largest distance of a known price of a dollar asset from one dollar.
    peg: Option<f64>,
}

/// What the replay does not do as the world does, each with its error.
pub(crate) fn approximations(
    options: &BacktestOptions,
    config: &Config,
    suite: &Suite,
    feed: &Feed,
) -> Vec<Approximation> {
    let (known, cost_bps) = (known(suite, feed), options.cost_bps(config));
    let line = |what: &str, error: String| Approximation { what: what.to_owned(), error };
    let peg = match known.peg {
        Some(off) => format!(
            "known prices of the dollar assets were up to {:.2} % off one dollar",
            off * 100.0
        ),
        None => "unknown: the source has no price for these assets".to_owned(),
    };
    let assumed = format!(
        "{} units of gas per deposit or withdrawal are assumed, at the mean price of the day before; on \
         rollups the fee for data on the parent chain is not in it",
        config.backtest.gas_units_per_action
    );
    let gas = match known.gas {
        (0, _) => {
            "unknown: the source has no gas price for the span, so none is charged; every move \
                   costs more than shown"
                .to_owned()
        }
        (some, all) if some < all => format!(
            "known for {some} of {all} plans and charged for those alone, so the others cost more than \
             shown; {assumed}"
        ),
        _ => assumed,
    };
    vec![
        line(
            "Assets of one unit (dollar stablecoins, wrapped ether) are exchanged at par; a move costs a \
             constant on one-way turnover",
            format!("{cost_bps} bp are assumed; pegs: {peg}"),
        ),
        line("Gas", gas),
        line(
            "Our own deposit does not move the rate",
            "unknown: small as long as the capital is small beside the market".to_owned(),
        ),
        line(
            "A decision is carried out at once, at the index it was taken on",
            "one daily snapshot: at most a day of the difference between two rates".to_owned(),
        ),
        line(
            "Nothing moves between chains or between units",
            "none in these figures: each part keeps its own capital".to_owned(),
        ),
        line(
            "Every exit is paid at once, whatever the market's liquidity",
            if known.exit {
                "how much could have left is under exitable_24h_pct".to_owned()
            } else {
                "unknown: the source has no exit liquidity; a market that pays much may be one that \
                 nobody could leave"
                    .to_owned()
            },
        ),
        line(
            if known.rewards {
                "Rewards are sold every day for what they are counted at, at no cost"
            } else {
                "Rewards beside the index are not earned"
            },
            if known.rewards {
                "unknown: what claiming and selling cost"
            } else {
                "unknown: the source has no reward index"
            }
            .to_owned(),
        ),
    ]
}

/// What the source knew of costs and liquidity.
fn known(suite: &Suite, feed: &Feed) -> Known {
    let outcomes = || suite.results.iter().map(|result| &result.outcome);
    Known {
        gas: outcomes().fold((0, 0), |(known, all), outcome| {
            (known + outcome.gas_known.0, all + outcome.gas_known.1)
        }),
        rewards: feed.frame.has_any(Column::RewardIndex),
        exit: outcomes().all(|outcome| outcome.exitable_24h_pct().is_some()),
        peg: peg(feed),
    }
}

/// The largest distance of a known price from one dollar, over the dollar assets.
fn peg(feed: &Feed) -> Option<f64> {
    let (_, last) = feed.frame.span()?;
    let view = feed.frame.view(last);
    let is_dollar = |info: &MarketInfo| info.denomination == Denomination::Usd;
    feed.catalog
        .iter()
        .filter(|(_, info)| is_dollar(info))
        .filter_map(|(market, _)| view.extremes(market, Column::PriceUsd))
        .map(|(low, high)| (1.0 - low).abs().max((high - 1.0).abs()))
        .max_by(f64::total_cmp)
}

/// The title, source and settings of a report.
pub(crate) fn cover(
    options: &BacktestOptions,
    config: &Config,
    source: &ParquetSource,
    suite: &Suite,
) -> pages::Cover {
    let cost_bps = options.cost_bps(config);
    let (strategies, left_out) = (suite.results.len(), suite.left_out.len());
    let setting = |name: &str, value: String| (name.to_owned(), value);
    let weekday = options.weekday.map_or_else(String::new, |weekday| format!(", {weekday}"));
    let mut settings = vec![
        setting("Decisions", format!("{:?}{weekday}", options.decide).to_lowercase()),
        setting("Cost of one-way turnover", format!("{cost_bps} bp, the first entry free")),
        setting("Assets", options.assets.join(", ")),
        setting("Limits", format!("{:?}", options.limits).to_lowercase()),
    ];
    if options.contract.is_some() {
        settings = vec![
            setting("Contract", aave_weekly::NAME.to_owned()),
            setting("Cost of one-way turnover", format!("{cost_bps} bp, the first entry free")),
        ];
    }
    if left_out > 0 {
        settings.push(setting(
            "Parts left out",
            format!("{left_out}: nothing could be bought there at the first decision"),
        ));
    }
    let plural = if strategies == 1 { "strategy" } else { "strategies" };
    pages::Cover {
        title: format!("Backtest of {strategies} {plural}"),
        source: format!(
            "{} ({})",
            source.folder().display(),
            source.file_names().collect::<Vec<_>>().join(", ")
        ),
        settings,
    }
}
