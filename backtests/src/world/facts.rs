//! Stylised facts of pooled worlds, beside the recorded ones.

use super::{World, WorldMarket, WorldSettings};
use plimsoll_core::Curve;

/// One number per market; `utilization` and `moves` one per market and day. Rates in percent.
#[derive(Debug, Default)]
struct Facts {
    mean: Vec<f64>,
    change: Vec<f64>,
    apr_next: Vec<f64>,
    apr_week: Vec<f64>,
    change_next: Vec<f64>,
    utilization: Vec<f64>,
    spread: Vec<f64>,
    utilization_next: Vec<f64>,
    utilization_week: Vec<f64>,
    moves: Vec<f64>,
    level: Vec<f64>,
}

impl Facts {
    /// Measures `worlds` worlds over `days` days, with nothing of ours in them.
    fn of(worlds: u64, days: u32, counts: fn(&WorldMarket) -> bool) -> Facts {
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
    fn above(&self, bound: f64) -> f64 {
        let count = self.utilization.iter().filter(|level| **level > bound).count();
        float(count) / float(self.utilization.len())
    }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / float(values.len())
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / float(values.len())).sqrt()
}

/// The value below which a `part` of all values lies.
fn quantile(values: &[f64], part: f64) -> f64 {
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
fn is_kinked(market: &WorldMarket) -> bool {
    matches!(market.curve(), Curve::Kinked(_))
}

/// A fact: its name, its values market by market, the recorded median, and where the generated one has
/// to be. The recorded ones are those of the table in [`super`].
type Row<'f> = (&'static str, &'f [f64], f64, std::ops::Range<f64>);

fn rows(facts: &Facts) -> [Row<'_>; 11] {
    [
        ("mean supply APR, %", &facts.mean, 3.05, 2.4..3.6),
        ("deviation of the APR, points", &facts.level, 1.18, 0.6..1.6),
        ("deviation of daily changes, points", &facts.change, 0.52, 0.3..0.8),
        ("size of a daily change, points", &facts.moves, 0.05, 0.03..0.12),
        ("autocorrelation of APR, 1 day", &facts.apr_next, 0.86, 0.75..0.95),
        ("autocorrelation of APR, 7 days", &facts.apr_week, 0.64, 0.5..0.8),
        ("autocorrelation of changes, 1 day", &facts.change_next, -0.21, -0.5..0.0),
        ("utilization", &facts.utilization, 0.71, 0.65..0.8),
        ("deviation of utilization", &facts.spread, 0.095, 0.06..0.11),
        ("its autocorrelation, 1 day", &facts.utilization_next, 0.95, 0.9..0.99),
        ("its autocorrelation, 7 days", &facts.utilization_week, 0.75, 0.65..0.85),
    ]
}

fn print(facts: &Facts) {
    for (name, values, recorded, _) in rows(facts) {
        let [low, middle, high] = [0.1, 0.5, 0.9].map(|part| quantile(values, part));
        println!(
            "{name:<36} recorded {recorded:>6.3}  generated {middle:>6.3} \
             (mean {:.3}, 10 % {low:.3}, 90 % {high:.3})",
            mean(values)
        );
    }
    for (bound, recorded) in [(0.92, 0.0092), (0.95, 0.0027), (0.99, 0.0006)] {
        let found = facts.above(bound);
        println!("days above {bound}: recorded {recorded:.4}, generated {found:.4}");
    }
}

#[test]
fn rates_and_utilization_move_like_recorded_ones() {
    let facts = Facts::of(50, 220, is_kinked);
    for (name, values, _, band) in rows(&facts) {
        let median = quantile(values, 0.5);
        assert!(band.contains(&median), "{name}: {median}");
    }
    assert!((0.000_5..0.01).contains(&facts.above(0.95)), "{}", facts.above(0.95));
}

#[test]
fn structures_and_events_are_as_frequent_as_stated() {
    let (mut markets, mut kinked, mut adaptive, mut campaigns, mut losses) = (0, 0, 0, 0, 0);
    for seed in 0..400 {
        let world = World::new(&WorldSettings { markets: None, days: 240, seed });
        assert!((6..=14).contains(&world.markets().len()));
        markets += world.markets().len();
        kinked += world.markets().iter().filter(|market| is_kinked(market)).count();
        let is_adaptive = |market: &&WorldMarket| matches!(market.curve(), Curve::Adaptive { .. });
        adaptive += world.markets().iter().filter(is_adaptive).count();
        let mut paid = vec![false; world.markets().len()];
        for lived in world.lived..world.lived + 240 {
            for (today, paid) in world.outside.day(lived).unwrap().iter().zip(&mut paid) {
                losses += usize::from(today.events.loss > 0.0);
                *paid |= today.events.campaign.is_some();
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
}

#[test]
fn rewards_add_one_to_six_percent_when_they_start() {
    let mut extra = Vec::new();
    for seed in 0..50 {
        let mut world = World::new(&WorldSettings { markets: None, days: 240, seed });
        for _ in 0..240 {
            let had: Vec<bool> =
                world.markets().iter().map(|market| market.campaign().is_some()).collect();
            world.step();
            let starts = world.markets().iter().zip(had).filter(|(_, had)| !had);
            let aprs = starts.map(|(market, _)| market.reward_apr()).filter(|apr| *apr > 0.0);
            extra.extend(aprs);
        }
    }
    let (low, high) = (quantile(&extra, 0.1), quantile(&extra, 0.9));
    assert!(low > 0.01 && high < 0.06, "{low} to {high}");
}
