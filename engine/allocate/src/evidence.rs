//! What a view can say about the limits.

use plimsoll_core::preference::Fraction;
use plimsoll_core::{Amount, Evidence, MarketEvidence, MarketId, Nav, Plan};
use plimsoll_frame::{Quote, Scores, View};

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
        Amount::from_f64_floor(self.exit_units(quote)?, decimals)
    }

    /// As the limit has it, in whole units of the vault's denomination.
    pub(crate) fn exit_units(self, quote: &Quote) -> Option<f64> {
        let price = quote.price_usd?;
        let left = quote.exit_usd? - self.leaving_first.value() * quote.tvl_usd?;
        let within_a_day = quote.exit_delay_days? <= 1.0;
        Some(if within_a_day { left.max(0.0) / price } else { 0.0 })
    }
}

/// The least total that an entry may make, in raw units.
fn least(seen: &Seen<'_>, quote: &Quote, nav: &Nav) -> Option<Amount> {
    let held = nav.held(&quote.market).to_f64(seen.decimals);
    let score = seen.scores.of(&quote.market)?;
    let least = score.least_deposit(quote.price_usd?, held)?;
    // An entry that was planned to be just enough is rounded down on its way here.
    Amount::from_f64_floor(least * (1.0 - LEAST_TOLERANCE), seen.decimals)
}

/// How far below its least total an entry may fall, as a share of it.
const LEAST_TOLERANCE: f64 = 1e-6;

/// What the limits are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Every row so far.
    pub view: &'a View<'a>,
    /// What is expected of each market, and the scenarios.
    pub scores: &'a Scores,
    /// The run that the exit limit assumes.
    pub run: RunScenario,
    /// Decimals of the vault.
    pub decimals: u8,
}

/// Returns what can be said about the limits for the markets that `plan` enters and `nav` holds.
/// What no row and no model says is absent.
#[must_use]
pub fn evidence(seen: &Seen<'_>, plan: &Plan, nav: &Nav) -> Evidence {
    let view = seen.view;
    let entered = plan.entries.iter().map(|entry| &entry.market);
    let markets = entered
        .chain(nav.by_market.keys())
        .filter_map(|market| view.quote(market))
        .map(|quote| {
            let terms = view.terms(&quote.market);
            let known = MarketEvidence {
                open: quote.is_open(),
                issuer: terms.and_then(|terms| terms.issuer.clone()),
                wrap_depth: terms.and_then(|terms| terms.wrap_depth),
                is_foreign: terms.and_then(|terms| terms.pool).is_some_and(|pool| pool.is_foreign),
                exit_24h_run: seen.run.exit(&quote, seen.decimals),
                least: least(seen, &quote, nav),
            };
            (quote.market, known)
        })
        .collect();
    let open = view.open_markets();
    Evidence {
        markets,
        scenarios: seen.scores.scenarios.clone(),
        protocols: open.iter().map(|market| market.protocol().to_owned()).collect(),
        chains: open.iter().map(MarketId::chain).collect(),
    }
}
