//! What a generated world is made of: protocols, assets, curves, sizes and temperaments.
//!
//! Drawn once. Which figures are recorded and which are assumed is said in [`super`].

use super::MARKETS;
use super::draws::{Draws, Purpose};
use plimsoll_core::curve::{Curve, Kinked, MORPHO_TARGET};

/// How protocols of generated markets begin.
pub const PROTOCOL_PREFIX: &str = "synthetic-";

/// Median size of a market, and the standard deviation of its logarithm: USD.
const SIZE: (f64, f64) = (25e6, 1.5);
/// The smallest and the largest market: USD.
const SIZE_BOUNDS: (f64, f64) = (1e6, 1e9);
/// The part of the markets that starts near its kink or above it.
const PRESSED: f64 = 0.12;
/// The part of the markets that has a supply cap.
const CAPPED: f64 = 0.4;

/// What does not change in a market.
#[derive(Debug)]
pub(super) struct Structure {
    pub(super) number: u32,
    pub(super) protocol: String,
    pub(super) symbol: &'static str,
    pub(super) issuer: &'static str,
    /// The curve at the start; governance and Morpho's curve move away from it.
    pub(super) curve: Curve,
    pub(super) reserve_factor: f64,
    /// What others like to keep here when it pays what all markets pay on average, USD.
    pub(super) size: f64,
    /// What is borrowed at [`Structure::reference_rate`] in usual times, USD.
    pub(super) demand: f64,
    /// The yearly borrow rate at usual utilization.
    pub(super) reference_rate: f64,
    /// Percent by which wanted borrowing falls when the rate rises by one percent.
    pub(super) elasticity: f64,
    /// Fraction of the way to what they want that borrowers go in a day.
    pub(super) borrower_speed: f64,
    /// The same for suppliers.
    pub(super) supplier_speed: f64,
    /// By how much suppliers want more (in logarithm) for a yearly rate higher by 1.
    pub(super) attraction: f64,
    /// The part of what is missing above the kink that watchful suppliers bring on the same day.
    pub(super) watchers: f64,
    /// Most that may be supplied, USD.
    pub(super) cap: Option<f64>,
    /// How much livelier than usual this market is; 1 for the usual one.
    pub(super) restlessness: f64,
    /// How much of the demand common to all markets it feels.
    pub(super) common_share: f64,
}

/// The three families of curves, each with the code of a protocol.
#[derive(Clone, Copy)]
enum Family {
    Kinked,
    Adaptive,
    Separate,
}

/// Draws all markets of a world; `None` draws their number too.
pub(super) fn draw(seed: u64, markets: Option<u32>) -> Vec<Structure> {
    let mut draws = Draws::of_all(seed, Purpose::Structure);
    let count = draws.whole(*MARKETS.start(), *MARKETS.end());
    let protocols = draws.whole(3, 6);
    let families: Vec<Family> = (0..protocols).map(|_| family(&mut draws)).collect();
    (0..markets.unwrap_or(count).max(1))
        .zip(families.into_iter().zip(1..).cycle())
        .map(|(number, (family, protocol))| market(seed, number, protocol, family))
        .collect()
}

fn family(draws: &mut Draws) -> Family {
    match draws.between(0.0, 1.0) {
        choice if choice < 0.6 => Family::Kinked,
        choice if choice < 0.85 => Family::Adaptive,
        _ => Family::Separate,
    }
}

fn market(seed: u64, number: u32, protocol: u32, family: Family) -> Structure {
    let mut draws = Draws::of_market(seed, Purpose::Structure, number);
    let (symbol, issuer) = asset(&mut draws);
    let (curve, reserve_factor) = curve(&mut draws, family);
    let size = (SIZE.0 * (SIZE.1 * draws.normal()).exp()).clamp(SIZE_BOUNDS.0, SIZE_BOUNDS.1);
    let utilization = usual_utilization(&mut draws, &curve);
    Structure {
        number,
        protocol: format!("{PROTOCOL_PREFIX}{protocol}"),
        symbol,
        issuer,
        curve,
        reserve_factor,
        size,
        demand: size * utilization,
        reference_rate: curve.borrow_apr(utilization),
        elasticity: draws.log_between(0.2, 2.0),
        borrower_speed: draws.log_between(0.08, 0.35),
        supplier_speed: draws.log_between(0.03, 0.12),
        attraction: draws.between(5.0, 20.0),
        watchers: draws.between(0.2, 0.9),
        cap: draws.happens(CAPPED).then(|| size * draws.between(1.3, 3.0)),
        restlessness: (0.5 * draws.normal()).exp().clamp(0.3, 3.0),
        common_share: draws.between(0.3, 1.0),
    }
}

/// A symbol and who issues it.
fn asset(draws: &mut Draws) -> (&'static str, &'static str) {
    match draws.between(0.0, 1.0) {
        choice if choice < 0.5 => ("USDC", "circle"),
        choice if choice < 0.8 => ("USDT", "tether"),
        _ => ("DAI", "sky"),
    }
}

/// A curve and a reserve factor; the latter is in the curve where suppliers have one of their own.
fn curve(draws: &mut Draws, family: Family) -> (Curve, f64) {
    let kink = draws.between(0.8, 0.92);
    let slope_below = draws.between(0.03, 0.07);
    let slope_above = draws.between(0.2, 0.75);
    let kept = draws.between(0.0, 0.2);
    match family {
        Family::Kinked => {
            (Curve::Kinked(Kinked { base: 0.0, slope_below, slope_above, kink }), kept)
        }
        Family::Adaptive => {
            let rate_at_target = draws.log_between(0.03, 0.09);
            (Curve::Adaptive { rate_at_target }, if draws.happens(0.5) { 0.0 } else { kept })
        }
        Family::Separate => {
            let borrow = Kinked { base: 0.01, slope_below: 0.7 * slope_below, slope_above, kink };
            (Curve::Separate { borrow, supply: fair_supply(&borrow, 0.95 - 0.5 * kept) }, 0.0)
        }
    }
}

/// The supply curve that hands suppliers `share` of the interest at the kink and at full utilization.
pub(super) fn fair_supply(borrow: &Kinked, share: f64) -> Kinked {
    let at_kink = share * borrow.kink * borrow.rate(borrow.kink);
    let slope_above = share * borrow.rate(1.0) - at_kink;
    Kinked { base: 0.0, slope_below: at_kink, slope_above, kink: borrow.kink }
}

/// Where a market's demand leaves its utilization in usual times. Morpho's curve finds its target anyway.
fn usual_utilization(draws: &mut Draws, curve: &Curve) -> f64 {
    let is_pressed = draws.happens(PRESSED);
    let pressed = curve.target() * draws.between(0.98, 1.05);
    let gap = 0.2 * (0.7 * draws.normal()).exp();
    match curve {
        Curve::Adaptive { .. } => MORPHO_TARGET,
        _ if is_pressed => pressed,
        _ => curve.target() * (1.0 - gap.min(0.65)),
    }
}
