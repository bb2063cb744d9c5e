//! Price paths, and what the feeds say of them.
//!
//! Ether and bitcoin move together, with rare falls; stablecoins are drawn back to a dollar. A feed
//! posts when the price has left its last answer by a threshold or its heartbeat has passed. Where
//! a block stands for longer than a heartbeat, that is every block.

use super::MarketSettings;
use crate::Asset;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::collections::BTreeMap;

const SECONDS_PER_YEAR: f64 = 31_536_000.0;
/// How fast a stablecoin returns to its dollar, per year: half-life of about two days.
const PEG_PULL: f64 = 120.0;
/// How much it strays, per square root of a year.
const PEG_VOLATILITY: f64 = 0.01;

/// The true prices, and the last answers.
#[derive(Debug, Clone)]
pub(super) struct Prices {
    truth: BTreeMap<Asset, f64>,
    posted: BTreeMap<Asset, (f64, u64)>,
}

impl Prices {
    /// Begins with what the feeds were deployed with, at that time.
    pub(super) fn start(time: u64) -> Prices {
        let first = |asset: Asset| f64::from(asset.first_price_usd());
        Prices {
            truth: Asset::ALL.map(|asset| (asset, first(asset))).into(),
            posted: Asset::ALL.map(|asset| (asset, (first(asset), time))).into(),
        }
    }

    /// What the feeds say.
    pub(super) fn posted(&self) -> BTreeMap<Asset, f64> {
        self.posted.iter().map(|(asset, (answer, _))| (*asset, *answer)).collect()
    }

    /// The true price.
    pub(super) fn truth(&self, asset: Asset) -> f64 {
        self.truth.get(&asset).copied().unwrap_or(f64::NAN)
    }

    /// Puts the true price there.
    pub(super) fn set(&mut self, asset: Asset, price: f64) {
        self.truth.insert(asset, price);
    }

    /// Multiplies the true price; the feed follows with the next block.
    pub(super) fn shock(&mut self, asset: Asset, factor: f64) {
        if let Some(price) = self.truth.get_mut(&asset) {
            *price *= factor;
        }
    }

    /// Moves the true prices on by `seconds`.
    pub(super) fn advance(
        &mut self,
        rng: &mut ChaCha8Rng,
        settings: &MarketSettings,
        seconds: f64,
    ) {
        let years = seconds / SECONDS_PER_YEAR;
        let shared: f64 = rng.sample(StandardNormal);
        let fall = if rng.random::<f64>() < settings.falls_per_year * years {
            settings.fall * rng.random_range(0.5..1.5)
        } else {
            0.0
        };
        for (asset, price) in &mut self.truth {
            let own: f64 = rng.sample(StandardNormal);
            match asset {
                Asset::Usdc | Asset::Dai => {
                    let pull = (PEG_PULL * years).min(1.0) * (1.0 - *price);
                    *price += pull + PEG_VOLATILITY * years.sqrt() * own;
                }
                Asset::Weth | Asset::Wbtc => {
                    let volatility =
                        settings.volatility * if *asset == Asset::Weth { 1.0 } else { 0.75 };
                    let draw = volatility * years.sqrt() * (0.8 * shared + 0.6 * own);
                    // Neither the draws nor the falls make anybody richer or poorer on average.
                    let even = settings.falls_per_year * settings.fall - volatility.powi(2) / 2.0;
                    *price *= (draw + even * years).exp() * (1.0 - fall);
                }
            }
        }
    }

    /// Returns the answers that the feeds post in a block at `time`, and remembers them.
    pub(super) fn post(&mut self, time: u64) -> Vec<(Asset, f64)> {
        let mut posts = Vec::new();
        for (asset, price) in &self.truth {
            let Some((answer, since)) = self.posted.get_mut(asset) else { continue };
            let (deviation, heartbeat) = feed_rules(*asset);
            let strayed = (price / *answer - 1.0).abs() >= deviation;
            if strayed || time.saturating_sub(*since) >= heartbeat {
                (*answer, *since) = (*price, time);
                posts.push((*asset, *price));
            }
        }
        posts
    }
}

/// The deviation as a fraction and the heartbeat in seconds, as Chainlink's main-network feeds have.
fn feed_rules(asset: Asset) -> (f64, u64) {
    match asset {
        Asset::Usdc | Asset::Dai => (0.0025, 86_400),
        Asset::Weth | Asset::Wbtc => (0.005, 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_feed_posts_on_its_heartbeat_and_when_the_price_strays() {
        let mut prices = Prices::start(0);
        assert_eq!(prices.post(3_599), vec![]);
        assert_eq!(prices.post(3_600), vec![(Asset::Weth, 2_500.0), (Asset::Wbtc, 60_000.0)]);
        prices.shock(Asset::Weth, 0.994);
        assert_eq!(prices.post(3_612), vec![(Asset::Weth, 2_485.0)]);
        assert_eq!(prices.post(3_624), vec![]);
    }

    #[test]
    fn the_same_seed_gives_the_same_path_and_stablecoins_stay_near_a_dollar() {
        let path = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut prices = Prices::start(0);
            for _ in 0..720 {
                prices.advance(&mut rng, &MarketSettings::default(), 3_600.0);
            }
            prices.truth
        };
        assert_eq!(path(1), path(1));
        assert_ne!(path(1), path(2));
        for (asset, price) in path(3) {
            if matches!(asset, Asset::Usdc | Asset::Dai) {
                assert!((price - 1.0).abs() < 0.01, "{asset:?} {price}");
            }
        }
    }
}
