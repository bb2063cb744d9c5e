//! What a reader must know of a run besides its results: labels and approximations.

use crate::config::Config;
use plimsoll_backtests::document::Approximation;
use plimsoll_backtests::{aave_weekly, generate};
use plimsoll_core::MarketId;

/// Labels that stand before any figure.
pub(crate) fn labels<'m>(
    markets: impl IntoIterator<Item = &'m MarketId>,
    is_contract: bool,
) -> Vec<String> {
    let mut labels = Vec::new();
    if is_contract {
        labels.push(format!(
            "Contract {}: a check of arithmetic, no proof of skill. It crosses chains with no bridge, \
             fills missing days forward and takes every row as it is; limits are off and `equal` \
             rebalances free.",
            aave_weekly::NAME
        ));
    }
    if markets.into_iter().any(|market| market.protocol().starts_with(generate::PROTOCOL_PREFIX)) {
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
pub(crate) struct Known {
    /// Whether gas was charged throughout.
    pub(crate) gas: bool,
    /// Whether the exit of every held market was known throughout.
    pub(crate) exit: bool,
    /// The largest distance of a known price of a dollar asset from one dollar.
    pub(crate) peg: Option<f64>,
}

/// What the replay does not do as the world does, each with its error.
pub(crate) fn approximations(config: &Config, known: Known, cost_bps: u32) -> Vec<Approximation> {
    let line = |what: &str, error: String| Approximation { what: what.to_owned(), error };
    let peg = match known.peg {
        Some(off) => format!(
            "known prices of the dollar assets were up to {:.2} % off one dollar",
            off * 100.0
        ),
        None => "unknown: the source has no price for these assets".to_owned(),
    };
    let gas = if known.gas {
        format!(
            "{} units of gas per deposit or withdrawal are assumed, at the mean price of the day before; \
             on rollups the fee for data on the parent chain is not in it",
            config.backtest.gas_units_per_action
        )
    } else {
        "unknown: the source has no gas price for the span, so none is charged; every move costs more \
         than shown"
            .to_owned()
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
            "Rewards beside the index are not earned",
            "unknown: the source has no reward index".to_owned(),
        ),
    ]
}
