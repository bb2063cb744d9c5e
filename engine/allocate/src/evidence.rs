//! What a view can say about the limits.

use plimsoll_core::preference::Fraction;
use plimsoll_core::{Amount, Evidence, MarketEvidence, Nav, Plan};
use plimsoll_frame::{Quote, View};

/// A run on a market: others leave before us.
///
/// A stated assumption, not a model: the model of exits replaces it behind the same limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunScenario {
    /// The share of everything supplied that leaves first.
    pub leaving_first: Fraction,
}

impl RunScenario {
    /// Returns what is left for us within 24 hours when the run has taken its share.
    ///
    /// `None` where the view lacks the exit liquidity, the size or the delay of the market, or the
    /// price that brings USD to the vault's denomination.
    fn exit(self, quote: &Quote, decimals: u8) -> Option<Amount> {
        let price = quote.price_usd?;
        let left = quote.exit_usd? - self.leaving_first.value() * quote.tvl_usd?;
        let within_a_day = quote.exit_delay_days? <= 1.0;
        Amount::from_f64_floor(if within_a_day { left.max(0.0) / price } else { 0.0 }, decimals)
    }
}

/// Returns what `view` can say about the limits for the markets that `plan` enters and `nav` holds.
/// Measures that need a model are absent.
#[must_use]
pub fn evidence(
    view: &View<'_>,
    plan: &Plan,
    nav: &Nav,
    run: RunScenario,
    decimals: u8,
) -> Evidence {
    let entered = plan.entries.iter().map(|entry| &entry.market);
    let markets = entered
        .chain(nav.by_market.keys())
        .filter_map(|market| view.quote(market))
        .map(|quote| {
            let known = MarketEvidence {
                open: quote.is_open(),
                issuer: None,
                wrap_depth: None,
                exit_24h_run: run.exit(&quote, decimals),
            };
            (quote.market, known)
        })
        .collect();
    Evidence { markets, cvar95_30d: None, es999_1y: None, protocols: view.protocols() }
}
