//! `plimsoll curves`: what each market pays at which utilization, and what our own deposit would do to it.

use crate::cli::CurvesOptions;
use crate::observatory::{self, Observatory, Wanted};
use crate::output;
use plimsoll_backtests::report::curves::{CurveFit, CurveMarket, CurvesPage, DepositPoint, render};
use plimsoll_backtests::tables;
use plimsoll_core::{Curve, Lending, MarketId};
use plimsoll_models::curves::{FittedCurve, fitted, pairs};
use plimsoll_models::panel::{Panel, Track};
use serde::Serialize;
use std::path::Path;

/// Days of history that are looked at.
const HISTORY_DAYS: i64 = 400;
/// Points of a curve and of a range of deposits.
const POINTS: u32 = 120;
/// Deposits are shown up to so many times what others supply.
const LARGEST_SHARE: f64 = 1.0;

/// What `curves --json` prints. Unknown is null.
#[derive(Debug, Serialize)]
struct Document {
    schema: u32,
    as_of: plimsoll_core::Time,
    data_hash: String,
    asset: String,
    labels: Vec<String>,
    markets: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    market: MarketId,
    symbol: String,
    /// `exact`, `fitted` or `unknown`.
    curve: &'static str,
    kinked: Option<plimsoll_core::Kinked>,
    /// The kink, where one was seen or the contract says.
    kink: Option<f64>,
    error_apr: Option<f64>,
    worst_error_apr: Option<f64>,
    pairs: Option<usize>,
    utilization_seen: Option<(f64, f64)>,
    elasticity: Option<f64>,
    own_effect_is_known: bool,
}

/// Draws the curves of an asset's markets.
pub(crate) fn run(options: &CurvesOptions, config: Option<&Path>) -> anyhow::Result<()> {
    let config = crate::config::load(config)?;
    let chain = match &options.chain {
        Some(name) => crate::wiring::chains(std::slice::from_ref(name))?.first().copied(),
        None => None,
    };
    let wanted = Wanted { asset: &options.asset, chain, held: &[], horizon_days: 30.0 };
    let sight = observatory::look(&options.source, &wanted, &config)?;
    let panel = Panel::new(&sight.frame.view(sight.clock), HISTORY_DAYS);
    let fits: Vec<(&Track, Option<FittedCurve>)> =
        panel.tracks.iter().map(|track| (track, fitted(track, panel.today))).collect();
    let lines: Vec<Line> = fits.iter().map(|(track, fit)| line(&sight, track, *fit)).collect();
    let markets = fits.iter().map(|(track, fit)| drawn(&sight, &panel, track, *fit)).collect();
    let page = CurvesPage {
        title: format!("Rate curves of {}", options.asset),
        labels: sight.labels.clone(),
        notes: vec![
            "A fitted curve is net of the reserve factor: what borrowers pay that reaches suppliers. It \
             rests on the last 45 days, and is a guess outside the utilization seen."
                .to_owned(),
        ],
        unit: "USD".to_owned(),
        markets,
    };
    tables::write_file(&options.out, "curves.html", render(&page).as_bytes())?;
    let written = options.out.join("curves.html");
    if options.json {
        output::document(&Document {
            schema: 1,
            as_of: sight.clock,
            data_hash: sight.data_hash.clone(),
            asset: options.asset.clone(),
            labels: sight.labels,
            markets: lines,
        })
    } else {
        output::say(&text(&sight, &lines));
        output::say(&format!("wrote {}", written.display()));
        Ok(())
    }
}

fn line(sight: &Observatory, track: &Track, fit: Option<FittedCurve>) -> Line {
    let is_exact = exact(sight, &track.market).is_some();
    let lending = sight.scores.of(&track.market).and_then(|score| score.lending);
    Line {
        market: track.market.clone(),
        symbol: sight.names.get(&track.market).cloned().unwrap_or_default(),
        curve: match (is_exact, fit) {
            (true, _) => "exact",
            (false, Some(_)) => "fitted",
            (false, None) => "unknown",
        },
        kink: match exact(sight, &track.market) {
            Some((curve, _)) => Some(curve.target()),
            None => fit.filter(FittedCurve::has_kink).map(|fit| fit.curve.kink),
        },
        kinked: fit.map(|fit| fit.curve),
        error_apr: fit.map(|fit| fit.error),
        worst_error_apr: fit.map(|fit| fit.worst),
        pairs: fit.map(|fit| fit.pairs),
        utilization_seen: fit.map(|fit| fit.seen),
        elasticity: lending.map(|lending| lending.elasticity),
        own_effect_is_known: lending.is_some(),
    }
}

/// The contract's own curve with its reserve factor.
fn exact(sight: &Observatory, market: &MarketId) -> Option<(Curve, f64)> {
    let view = sight.frame.view(sight.clock);
    let terms = view.terms(market)?;
    Some((terms.curve?, terms.reserve_factor?))
}

fn drawn(
    sight: &Observatory,
    panel: &Panel,
    track: &Track,
    fit: Option<FittedCurve>,
) -> CurveMarket {
    let score = sight.scores.of(&track.market);
    let lending = score.and_then(|score| score.lending);
    let exact = exact(sight, &track.market);
    // Net of the reserve factor in both cases, so that observed pairs lie on the curve.
    let net = |used: f64| match (exact, fit) {
        (Some((curve, factor)), _) => (used > 0.0).then(|| curve.supply_apr(used, factor) / used),
        (None, Some(fit)) => Some(fit.curve.rate(used)),
        (None, None) => None,
    };
    let steps = (1..=POINTS).map(|step| f64::from(step) / f64::from(POINTS));
    CurveMarket {
        id: track.market.to_string(),
        name: sight.names.get(&track.market).cloned().unwrap_or_default(),
        supplied: lending.map(|lending| lending.supplied),
        borrowed: lending.map(|lending| lending.borrowed),
        utilization: track.at(panel.today).and_then(|row| row.utilization),
        advertised_apr: score.and_then(|score| score.advertised_apr),
        elasticity: lending.map(|lending| lending.elasticity),
        fit: fit.filter(|_| exact.is_none()).map(|fit| CurveFit {
            error: fit.error,
            worst: fit.worst,
            pairs: fit.pairs,
            seen: fit.seen,
        }),
        is_exact: exact.is_some(),
        rates: steps.filter_map(|used| Some((used, net(used)?))).collect(),
        observed: pairs(track, panel.today),
        deposits: lending.map(|lending| deposits(&lending)).unwrap_or_default(),
        kinks: lending.map(|lending| kinks(&lending)).unwrap_or_default(),
    }
}

fn deposits(lending: &Lending) -> Vec<DepositPoint> {
    let largest = LARGEST_SHARE * lending.supplied;
    let each = (0..=POINTS).map(|step| largest * f64::from(step) / f64::from(POINTS));
    each.map(|deposit| DepositPoint {
        deposit,
        after_deposit_apr: lending.after_deposit_apr(deposit),
        sustainable_apr: lending.sustainable_apr(deposit),
        income: lending.income(deposit),
        marginal_income: lending.marginal_income(deposit),
    })
    .collect()
}

fn kinks(lending: &Lending) -> Vec<f64> {
    let at = lending.curve.kinks().into_iter().map(|kink| lending.deposit_at(kink));
    at.filter(|deposit| (0.0..=LARGEST_SHARE * lending.supplied).contains(deposit)).collect()
}

/// The fits for a terminal.
fn text(sight: &Observatory, lines: &[Line]) -> String {
    let head =
        ["market", "asset", "curve", "error bp", "worst bp", "pairs", "seen", "kink", "elasticity"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let unknown = || "unknown".to_owned();
    let bp = |rate: Option<f64>| rate.map_or_else(unknown, |rate| format!("{:.2}", rate * 1e4));
    for line in lines {
        rows.push(vec![
            line.market.to_string(),
            line.symbol.clone(),
            line.curve.to_owned(),
            bp(line.error_apr),
            bp(line.worst_error_apr),
            line.pairs.map_or_else(unknown, |pairs| pairs.to_string()),
            line.utilization_seen.map_or_else(unknown, |(low, high)| {
                format!("{:.1} to {:.1} %", low * 100.0, high * 100.0)
            }),
            match line.kink {
                Some(kink) => format!("{:.0} %", kink * 100.0),
                None if line.curve == "unknown" => unknown(),
                None => "none seen".to_owned(),
            },
            line.elasticity.map_or_else(unknown, |found| format!("{found:.2}")),
        ]);
    }
    let mut all = sight.labels.clone();
    all.push(output::columns(&rows));
    all.join("\n")
}
