//! Random streams: one per market and purpose, all from the one seed.
//!
//! Everything that chance decides is drawn before the first day, so our money cannot shift a draw.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// What a stream is for. No two share numbers, so a change to one leaves the others, and a longer world
/// begins as the shorter one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Structure,
    Demand,
    Bursts,
    Inclination,
    Flows,
    Runs,
    Losses,
    Pauses,
    Campaigns,
    Governance,
    Gas,
    Spikes,
    Ether,
}

impl Purpose {
    fn number(self) -> u64 {
        match self {
            Purpose::Structure => 0,
            Purpose::Demand => 1,
            Purpose::Bursts => 2,
            Purpose::Inclination => 3,
            Purpose::Flows => 4,
            Purpose::Runs => 5,
            Purpose::Losses => 6,
            Purpose::Pauses => 7,
            Purpose::Campaigns => 8,
            Purpose::Governance => 9,
            Purpose::Gas => 10,
            Purpose::Spikes => 11,
            Purpose::Ether => 12,
        }
    }
}

/// One stream of draws.
#[derive(Debug)]
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    /// Returns the stream of one market.
    pub(super) fn of_market(seed: u64, purpose: Purpose, market: u32) -> Draws {
        Draws::of(seed, purpose, u64::from(market) + 1)
    }

    /// Returns the stream that all markets share.
    pub(super) fn of_all(seed: u64, purpose: Purpose) -> Draws {
        Draws::of(seed, purpose, 0)
    }

    fn of(seed: u64, purpose: Purpose, place: u64) -> Draws {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(place * 16 + purpose.number());
        Draws(random)
    }

    /// A standard normal number.
    pub(super) fn normal(&mut self) -> f64 {
        self.0.sample(StandardNormal)
    }

    /// A number between two, each as likely as any other.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.random::<f64>()
    }

    /// A number between two whose logarithm is as likely to be anywhere.
    pub(super) fn log_between(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    /// A whole number from `low` to `high`, both included.
    pub(super) fn whole(&mut self, low: u32, high: u32) -> u32 {
        self.0.random_range(low..=high)
    }

    /// Whether something happens that happens with this probability.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    /// A path that reverts to zero: an Ornstein-Uhlenbeck process seen once a day, which has always been
    /// running.
    ///
    /// # Units
    /// `spread` is its standard deviation over all time; a departure is down to 1/e after `memory_days`.
    pub(super) fn reverting(&mut self, days: usize, spread: f64, memory_days: f64) -> Vec<f64> {
        let kept = (-1.0 / memory_days).exp();
        let fresh = spread * (1.0 - kept * kept).sqrt();
        let mut now = spread * self.normal();
        let mut path = Vec::with_capacity(days);
        for _ in 0..days {
            path.push(now);
            now = kept * now + fresh * self.normal();
        }
        path
    }
}
