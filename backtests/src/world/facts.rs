//! Stylised facts of pooled worlds, beside the recorded ones.

use super::{World, WorldMarket, WorldSettings};
use plimsoll_core::Curve;

/// One number per market, or per market and day where it says so.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) mean: Vec<f64>,
    pub(super) change: Vec<f64>,
    pub(super) apr_next: Vec<f64>,
    pub(super) apr_week: Vec<f64>,
    pub(super) change_next: Vec<f64>,
    pub(super) utilization: Vec<f64>,
    pub(super) spread: Vec<f64>,
    pub(super) utilization_next: Vec<f64>,
    pub(super) utilization_week: Vec<f64>,
    pub(super) size: Vec<f64>,
    pub(super) moves: Vec<f64>,
    pub(super) level: Vec<f64>,
}

impl Facts {
    /// Measures `worlds` worlds over `days` days, with nothing of ours in them.
    pub(super) fn of(worlds: u64, days: u32, counts: fn(&WorldMarket) -> bool) -> Facts {
        let mut facts = Facts::default();
        for seed in 0..worlds {
            let mut world = World::new(&WorldSettings { markets: None, days, seed });
            let mut aprs = vec![Vec::new(); world.markets().len()];
            let mut levels = aprs.clone();
            for _ in 0..days {
                for (market, (aprs, levels)) in
                    world.markets().iter().zip(aprs.iter_mut().zip(&mut levels))
                {
                    aprs.push(100.0 * market.supply_apr());
                    levels.push(market.utilization());
                }
                world.step();
            }
            facts.size.extend(world.markets().iter().map(|market| market.supplied()));
            for (market, (aprs, levels)) in world.markets().iter().zip(aprs.iter().zip(&levels)) {
                if counts(market) {
                    facts.add(aprs, levels);
                }
            }
        }
        facts
    }

    fn add(&mut self, aprs: &[f64], levels: &[f64]) {
        let changes: Vec<f64> = aprs.windows(2).map(|pair| pair[1] - pair[0]).collect();
        self.mean.push(mean(aprs));
        self.change.push(deviation(&changes));
        self.apr_next.push(correlation(aprs, 1));
        self.apr_week.push(correlation(aprs, 7));
        self.change_next.push(correlation(&changes, 1));
        self.spread.push(deviation(levels));
        self.utilization_next.push(correlation(levels, 1));
        self.utilization_week.push(correlation(levels, 7));
        self.level.push(deviation(aprs));
        self.utilization.extend(levels);
        self.moves.extend(changes.iter().map(|change| change.abs()));
    }

    /// Share of days with a utilization above `bound`.
    pub(super) fn above(&self, bound: f64) -> f64 {
        let count = self.utilization.iter().filter(|level| **level > bound).count();
        float(count) / float(self.utilization.len())
    }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / float(values.len())
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / float(values.len())).sqrt()
}

/// The value below which a `part` of all values lies.
pub(super) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let below = sorted
        .iter()
        .zip(1u32..)
        .filter(|(_, rank)| f64::from(*rank) <= part * float(values.len()));
    sorted[below.count().min(values.len() - 1)]
}

/// Correlation of a series with itself `lag` days later.
fn correlation(values: &[f64], lag: usize) -> f64 {
    let (early, late) = (&values[..values.len() - lag], &values[lag..]);
    let (early_mean, late_mean) = (mean(early), mean(late));
    let product = early.iter().zip(late).map(|(x, y)| (x - early_mean) * (y - late_mean));
    mean(&product.collect::<Vec<_>>()) / (deviation(early) * deviation(late))
}

#[test]
#[ignore = "prints the calibration table"]
fn print_calibration() {
    println!("Aave-like markets");
    print(&Facts::of(50, 220, is_kinked));
    println!("all markets");
    print(&Facts::of(50, 220, |_| true));
}

/// Whether a market is like the recorded ones.
pub(super) fn is_kinked(market: &WorldMarket) -> bool {
    matches!(market.curve(), Curve::Kinked(_))
}

fn print(facts: &Facts) {
    let row = |name: &str, values: &[f64]| {
        let [low, middle, high] = [0.1, 0.5, 0.9].map(|part| quantile(values, part));
        println!(
            "{name:<32} mean {:>8.3}  p10 {low:>8.3}  median {middle:>8.3}  p90 {high:>8.3}",
            mean(values)
        );
    };
    row("mean supply APR, %", &facts.mean);
    row("deviation within market, pts", &facts.level);
    row("deviation of daily change, pts", &facts.change);
    row("size of a daily change, pts", &facts.moves);
    println!(
        "change p95 {:.3} p99 {:.3}",
        quantile(&facts.moves, 0.95),
        quantile(&facts.moves, 0.99)
    );
    row("APR autocorrelation 1 day", &facts.apr_next);
    row("APR autocorrelation 7 days", &facts.apr_week);
    row("change autocorrelation 1 day", &facts.change_next);
    row("utilization", &facts.utilization);
    row("deviation of utilization", &facts.spread);
    row("utilization autocorr. 1 day", &facts.utilization_next);
    row("utilization autocorr. 7 days", &facts.utilization_week);
    row("size, USD M", &facts.size.iter().map(|size| size / 1e6).collect::<Vec<_>>());
    for bound in [0.92, 0.95, 0.99] {
        println!("share of days above {bound}: {:.4}", facts.above(bound));
    }
}

#[test]
fn rates_and_utilization_move_like_recorded_ones() {
    let facts = Facts::of(50, 220, is_kinked);
    let medians = [
        ("mean supply APR, %", &facts.mean, 2.4..3.6),
        ("deviation of daily changes, points", &facts.change, 0.3..0.8),
        ("autocorrelation of the rate at 1 day", &facts.apr_next, 0.75..0.95),
        ("autocorrelation of the rate at 7 days", &facts.apr_week, 0.5..0.8),
        ("utilization", &facts.utilization, 0.65..0.8),
        ("deviation of utilization", &facts.spread, 0.06..0.11),
        ("autocorrelation of utilization at 1 day", &facts.utilization_next, 0.9..0.99),
        ("autocorrelation of utilization at 7 days", &facts.utilization_week, 0.65..0.85),
    ];
    for (name, values, band) in medians {
        let median = quantile(values, 0.5);
        assert!(band.contains(&median), "{name}: {median}");
    }
    assert!((0.000_5..0.01).contains(&facts.above(0.95)), "{}", facts.above(0.95));
}

#[test]
fn structures_and_events_are_as_frequent_as_stated() {
    let (mut markets, mut kinked, mut adaptive, mut campaigns, mut losses) = (0, 0, 0, 0, 0);
    let mut extra = Vec::new();
    for seed in 0..400 {
        let mut world = World::new(&WorldSettings { markets: None, days: 240, seed });
        assert!((6..=14).contains(&world.markets().len()));
        markets += world.markets().len();
        kinked += world.markets().iter().filter(|market| is_kinked(market)).count();
        let is_adaptive = |market: &&WorldMarket| matches!(market.curve(), Curve::Adaptive { .. });
        adaptive += world.markets().iter().filter(is_adaptive).count();
        let mut paid = vec![false; world.markets().len()];
        for _ in 0..240 {
            let before = world.clone();
            world.step();
            for ((market, before), paid) in
                world.markets().iter().zip(before.markets()).zip(&mut paid)
            {
                losses += usize::from(market.index() < before.index());
                *paid |= market.campaign().is_some();
                if market.campaign().is_some() && before.campaign().is_none() {
                    extra.push(market.reward_apr());
                }
            }
        }
        campaigns += paid.iter().filter(|paid| **paid).count();
    }
    let part = |count: usize| float(count) / float(markets);
    assert!((0.54..0.66).contains(&part(kinked)), "{}", part(kinked));
    assert!((0.2..0.3).contains(&part(adaptive)), "{}", part(adaptive));
    assert!((0.25..0.4).contains(&part(campaigns)), "{}", part(campaigns));
    let losses_a_year = part(losses) * 365.0 / 240.0;
    assert!((0.002..0.007).contains(&losses_a_year), "{losses_a_year}");
    let (low, high) = (quantile(&extra, 0.05), quantile(&extra, 0.95));
    assert!(low > 0.007 && high < 0.08, "rewards add {low} to {high} at the start");
}
